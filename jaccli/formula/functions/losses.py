"""Losses and normalisation."""

from __future__ import annotations

from jaccli.errors import FormulaError
from jaccli.formula.functions.reductions import mean
from jaccli.formula.functions.registry import Floats, function
from jaccli.graph.node import Node, apply, constant

FAMILY = "Losses and normalisation"


def _reduced(x: Node, reduction: str) -> Node:
    if reduction == "mean":
        return mean(x)
    if reduction == "sum":
        return apply("sum", x, axes=tuple(range(x.ndim))) if x.ndim else x
    if reduction == "none":
        return x
    raise FormulaError(f"unknown reduction {reduction!r}", hint="reductions are 'mean', 'sum' and 'none'")


@function(FAMILY, "mse", "MSELoss", "mean_squared_error", example="mse_loss(x, y)")
def mse_loss(x: Floats, target: Floats, reduction: str = "mean") -> Node:
    """Mean squared difference."""
    return _reduced(apply("power", apply("subtract", x, target), constant(2.0, x.dtype)), reduction)
