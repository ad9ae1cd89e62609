"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

from jaccli.errors import LimitError, ShapeError
from jaccli.formula.functions.registry import Floats, Whole, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.values import Context
from jaccli.graph.node import DType, Node, apply, broadcast_to, cast, constant, filled, show_shape

FAMILY = "Convolution, interpolation and signal"
_MOST_INTEGRALS = 1000


def _coefficients(p: Node, name: str) -> Node:
    if p.ndim != 1 or p.size == 0:
        raise ShapeError(f"{name} needs vectors of coefficients, and this one has shape {show_shape(p.shape)}")
    return p


def _joined(*parts: Node) -> Node:
    kept = [piece for piece in parts if piece.size]
    return kept[0] if len(kept) == 1 else apply("concatenate", *kept, axis=0)


def _padded(p: Node, size: int) -> Node:
    return _joined(filled((size - p.size,), 0.0, p.dtype), p)


def _sum(name: str, primitive: str, doc: str) -> None:
    def build(a: Floats, b: Floats) -> Node:
        size = max(_coefficients(a, name).size, _coefficients(b, name).size)
        return apply(primitive, _padded(a, size), _padded(b, size))

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"{name}(a, b)")(build)


_sum("polyadd", "add", "Coefficients of the sum of two polynomials.")
_sum("polysub", "subtract", "Coefficients of the difference of two polynomials.")


@function(FAMILY, example="polymul(a, b)")
def polymul(a: Floats, b: Floats) -> Node:
    """Coefficients of the product of two polynomials."""
    return apply("convolve", _coefficients(a, "polymul"), _coefficients(b, "polymul"))


@function(FAMILY, example="polyder(p)")
def polyder(p: Floats, m: Whole = 1) -> Node:
    """Coefficients of the derivative of a polynomial, taken m times."""
    for _ in range(min(m, p.size + 1) - 1):
        p = polyder(p)
    if m < 1:
        return p
    degree = _coefficients(p, "polyder").size - 1
    if degree == 0:
        return filled((0,), 0.0, p.dtype)
    powers = apply("subtract", constant(float(degree), p.dtype), _counted(degree, p.dtype))
    return apply("multiply", part(p, 0, 0, degree), powers)


@function(FAMILY, example="polyint(p)")
def polyint(p: Floats, m: Whole = 1, k: Any = None, *, context: Context) -> Node:
    """Coefficients of the integral of a polynomial, taken m times, that is k at 0 (0 by default)."""
    if m > _MOST_INTEGRALS:
        raise LimitError(f"polyint takes {m:,} integrals; the limit is {_MOST_INTEGRALS:,}")
    for _ in range(m - 1):
        p = polyint(p, 1, k, context=context)
    if m < 1:
        return p
    size = _coefficients(p, "polyint").size
    powers = apply("subtract", constant(float(size), p.dtype), _counted(size, p.dtype))
    last = filled((1,), 0.0, p.dtype) if k is None else broadcast_to(context.floats(k), (1,))
    return _joined(apply("divide", p, powers), last)


def _counted(length: int, dtype: DType) -> Node:
    return cast(apply("iota", length=length), dtype)
