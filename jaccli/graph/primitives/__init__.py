"""The table of primitives, one module a family; importing this package fills it."""

from jaccli.graph.primitives import (  # noqa: F401 - imported for their rows
    arithmetic,
    contraction,
    decompositions,
    gamma,
    incomplete,
    indexing,
    linear_algebra,
    logic,
    matrix_functions,
    parametric,
    reductions,
    removable,
    running,
    scans,
    shaping,
    smooth,
    sources,
    special,
    spectral,
    windows,
)
