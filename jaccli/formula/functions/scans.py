"""Running sums and products, differences, and integrals of samples."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import moveaxis, part
from jaccli.formula.limits import check_pieces
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape
from jaccli.graph.primitive import normal_axis

FAMILY = "Scans and differences"


def along(name: str, x: Node, axis: Axis, **params: Any) -> Node:
    """A scanning primitive along one axis; of the flattened array without one."""
    if axis is None:
        return apply(name, reshape(x, (x.size,)), **params)
    if not isinstance(axis, int):
        raise FormulaError(f"{name} runs along one axis, and {axis} names {len(axis)}")
    if x.ndim == 0:
        return x
    place = normal_axis(axis, x.ndim)
    return moveaxis(apply(name, moveaxis(x, place, x.ndim - 1), **params), x.ndim - 1, place)


@function(FAMILY, "cumulative_sum", example="cumsum(x, axis=0)")
def cumsum(x: Array, axis: Axis = None, reverse: Flag = False, include_initial: Flag = False) -> Node:
    """Running sum along an axis, from its end with reverse=True; include_initial puts a 0 before it."""
    sums = along("cumsum", cast(x, "int64") if x.dtype == "bool" else x, axis, reverse=reverse)
    return _with_first(sums, axis, 0.0) if include_initial else sums


@function(FAMILY, "cumulative_prod", kinks="exact at zeros, to every order", example="cumprod(x, axis=0)")
def cumprod(x: Array, axis: Axis = None, reverse: Flag = False, include_initial: Flag = False) -> Node:
    """Running product along an axis, from its end with reverse=True; include_initial puts a 1 before it."""
    flat = reshape(x, (x.size,)) if axis is None else x
    before = along("exclusive_cumprod", flat, 0 if axis is None else axis, reverse=reverse)
    products = apply("multiply", before, flat)
    return _with_first(products, axis, 1.0) if include_initial else products


def _with_first(x: Node, axis: Axis, value: float) -> Node:
    place = normal_axis(axis if isinstance(axis, int) else 0, x.ndim)
    first = broadcast_to(cast(constant(value, "float64"), x.dtype), (*x.shape[:place], 1, *x.shape[place + 1 :]))
    return apply("concatenate", first, x, axis=place)


@function(FAMILY, example="diff(x)")
def diff(
    x: Array, n: Whole = 1, axis: Whole = -1, prepend: Any = None, append: Any = None, *, context: Context
) -> Node:
    """Differences of neighbouring entries along an axis, taken n times."""
    if x.ndim == 0:
        raise FormulaError(
            "diff takes differences of neighbours, and a number has none",
            hint="for a derivative use jaccli jacobian or derive",
        )
    place = normal_axis(axis, x.ndim)
    ends = [_end(context, x, place, value) for value in (prepend, append)]
    pieces = [piece for piece in (ends[0], x, ends[1]) if piece is not None]
    x = pieces[0] if len(pieces) == 1 else apply("concatenate", *pieces, axis=place)
    for _ in range(check_pieces(min(n, x.shape[place]), "diff")):  # after that many, nothing is left
        length = max(x.shape[place] - 1, 0)
        # Of truth values, whether they change.
        x = apply(
            "not_equal" if x.dtype == "bool" else "subtract", part(x, place, 1, length), part(x, place, 0, length)
        )
    return x


def _end(context: Context, x: Node, axis: int, value: Any) -> Node | None:
    if value is None:
        return None
    node = context.floats(value) if x.is_float else context.array(value)
    if node.ndim == 0:
        return broadcast_to(node, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return node


@function(FAMILY, "trapz", example="trapezoid(y, x)")
def trapezoid(y: Floats, x: Any = None, dx: Any = 1.0, axis: Whole = -1, *, context: Context) -> Node:
    """Integral of samples by the trapezoidal rule."""
    return apply("sum", trapezoid_pieces(context, y, x, dx, axis), axes=(normal_axis(axis, y.ndim),))


def trapezoid_pieces(context: Context, y: Node, x: Any, dx: Any, axis: int) -> Node:
    """The area between each two neighbouring samples."""
    place = normal_axis(axis, y.ndim)
    length = max(y.shape[place] - 1, 0)
    total = apply("add", part(y, place, 1, length), part(y, place, 0, length))
    if x is None:
        step = context.floats(dx)
    else:
        points = context.floats(x)
        if points.ndim not in (1, y.ndim):
            raise FormulaError("the points of an integral are a vector, or as many as there are samples")
        spread = 0 if points.ndim == 1 else place
        step = apply("subtract", part(points, spread, 1, length), part(points, spread, 0, length))
        if points.ndim == 1 and y.ndim > 1:
            step = reshape(step, tuple(length if a == place else 1 for a in range(y.ndim)))
    return apply("multiply", apply("divide", total, constant(2.0, y.dtype)), step)
