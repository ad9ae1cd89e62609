"""The table of primitives, one module a family; importing this package fills it."""

from jaccli.graph.primitives import (  # noqa: F401 - imported for their rows
    arithmetic,
    contraction,
    indexing,
    linear_algebra,
    logic,
    reductions,
    scans,
    shaping,
    smooth,
    sources,
)
