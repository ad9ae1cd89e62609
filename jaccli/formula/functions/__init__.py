"""The functions of the language, one module a family; importing this package fills the table."""

from jaccli.formula.functions import (  # noqa: F401 - imported for their entries
    activations,
    bessel,
    creation,
    decompositions,
    elementary,
    gathering,
    linear_algebra,
    losses,
    matrices,
    normalisation,
    products,
    rearranging,
    reductions,
    samples,
    scans,
    selection,
    shaping,
    signal,
    special,
    statistics,
)
