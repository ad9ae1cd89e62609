"""Functions given by samples: interpolation, finite differences, polynomials."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, LimitError, ShapeError
from jaccli.formula.functions.decompositions import lstsq
from jaccli.formula.functions.registry import Array, Floats, Whole, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.functions.signal import FAMILY
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, show_shape
from jaccli.graph.primitive import normal_axis

_MOST_COEFFICIENTS = 5_000


def _number(x: Node, value: float) -> Node:
    return constant(value, x.dtype)


@function(
    FAMILY,
    kinks="at a knot the slope to its right, at the last that to its left",
    example="interp(x, [0, 1, 2], [0, 2, 1])",
)
def interp(
    x: Floats, xp: Floats, fp: Floats, left: Any = None, right: Any = None, period: Any = None, *, context: Context
) -> Node:
    """Straight lines between samples fp at increasing points xp, constant outside; differentiable in all three."""
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ShapeError(
            f"interp needs samples at as many points, and shapes {show_shape(xp.shape)} and "
            f"{show_shape(fp.shape)} are given"
        )
    if period is not None:
        x, xp, fp = _periodic(context, x, xp, fp, period)
    count = xp.size
    value = broadcast_to(_entry(fp, 0), x.shape) if count == 1 else _on_line(x, xp, fp)
    if period is not None:
        return value
    first, last = _entry(xp, 0), _entry(xp, count - 1)
    low = _entry(fp, 0) if left is None else context.floats(left)
    high = _entry(fp, count - 1) if right is None else context.floats(right)
    value = apply("where", apply("less", x, first), low, value)
    return apply("where", apply("less", last, x), high, value)


def _on_line(x: Node, xp: Node, fp: Node) -> Node:
    count = xp.size
    place = apply("searchsorted", xp, x, side="right")
    below = apply("clip", place, constant(1, "int64"), constant(count - 1, "int64"))
    below = apply("subtract", below, constant(1, "int64"))
    above = apply("add", below, constant(1, "int64"))
    x0, x1, y0, y1 = (apply("take", table, where) for table in (xp, fp) for where in (below, above))
    slope = apply("divide", apply("subtract", y1, y0), apply("subtract", x1, x0))
    value = apply("add", y0, apply("multiply", slope, apply("subtract", x, x0)))
    at_last = apply("equal", x, x1)
    return apply("where", at_last, apply("add", y1, apply("multiply", slope, apply("subtract", x, x1))), value)


def _entry(x: Node, position: int) -> Node:
    return reshape(part(x, 0, position, 1), ())


def _periodic(context: Context, x: Node, xp: Node, fp: Node, period: Any) -> tuple[Node, Node, Node]:
    """The table in order within one period, with a sample of the neighbouring period at each end."""
    length = apply("abs", context.floats(period))
    if length.ndim:
        raise ShapeError(f"the period of interp is one number, not an array of shape {show_shape(length.shape)}")
    x, xp = apply("remainder", x, length), apply("remainder", xp, length)
    order = apply("argsort", xp, descending=False)
    xp, fp = apply("take", xp, order), apply("take", fp, order)
    last = xp.size - 1
    before = apply("subtract", part(xp, 0, last, 1), length)
    after = apply("add", part(xp, 0, 0, 1), length)
    xp = apply("concatenate", before, xp, after, axis=0)
    return x, xp, apply("concatenate", part(fp, 0, last, 1), fp, part(fp, 0, 0, 1), axis=0)


def _check_degree(p: Node) -> int:
    """How many coefficients a polynomial has: each is two operations of the formula."""
    if p.size > _MOST_COEFFICIENTS:
        raise LimitError(
            f"a polynomial of {p.size:,} coefficients; the limit is {_MOST_COEFFICIENTS:,}",
            hint="sum a part at a time: sum(p*x**arange(n))",
        )
    return p.size


@function(FAMILY, "poly1d", example="polyval([1, 0, -2], x)")
def polyval(p: Floats, x: Floats) -> Node:
    """The polynomial with coefficients p, the highest power first, at x."""
    if p.ndim != 1:
        raise ShapeError(f"polyval needs a vector of coefficients, and this has shape {show_shape(p.shape)}")
    if p.size == 0:
        return apply("multiply", apply("stop_gradient", x), _number(x, 0.0))
    total = apply("add", _entry(p, 0), apply("multiply", apply("stop_gradient", x), _number(x, 0.0)))
    for position in range(1, _check_degree(p)):
        total = apply("add", apply("multiply", total, x), _entry(p, position))
    return total


@function("Scans and differences", example="gradient(y, 0.1)")
def gradient(y: Floats, *spacing: Any, axis: Any = None, edge_order: Whole = 1, context: Context) -> Value:
    """Central differences of samples along each axis, one-sided at the ends; one array an axis."""
    axes = (
        tuple(range(y.ndim)) if axis is None else tuple(normal_axis(a, y.ndim) for a in context.integers(axis, "axis"))
    )
    if len(set(axes)) < len(axes):
        raise ShapeError("the axes of gradient name an axis twice")
    if y.ndim == 0:
        raise FormulaError("gradient takes differences of samples, and a number has none", hint="see jaccli vjp")
    if len(spacing) not in (0, 1, len(axes)):
        raise FormulaError(f"gradient takes one spacing or {len(axes)}")
    if edge_order not in (1, 2):
        raise FormulaError("edge_order of gradient is 1 or 2")
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    context.note("gradient takes finite differences of samples; for a derivative use jaccli vjp or jacobian")
    found = tuple(_central(y, context.floats(step), place, edge_order) for step, place in zip(steps, axes, strict=True))
    return found[0] if len(found) == 1 and not context.is_torch else found


def _central(y: Node, step: Node, axis: int, edge_order: int) -> Node:
    length = y.shape[axis]
    if length < edge_order + 1:
        raise ShapeError(f"gradient needs at least {edge_order + 1} samples along an axis, and there are {length}")
    gaps = _gaps(y, step, axis)
    inner = _inner(y, gaps, axis)
    first = _edge(y, gaps, axis, edge_order, at_start=True)
    last = _edge(y, gaps, axis, edge_order, at_start=False)
    pieces = (first, inner, last) if length > 2 else (first, last)
    return apply("concatenate", *pieces, axis=axis)


def _gaps(y: Node, step: Node, axis: int) -> Node:
    """The distance between neighbours: one number, or an entry less than samples along the axis."""
    if step.ndim == 0:
        return step
    if step.shape != (y.shape[axis],):
        raise ShapeError(f"gradient: {step.size} points do not fit {y.shape[axis]} samples")
    count = y.shape[axis] - 1
    gaps = apply("subtract", part(step, 0, 1, count), part(step, 0, 0, count))
    return reshape(gaps, tuple(count if place == axis else 1 for place in range(y.ndim)))


def _inner(y: Node, gaps: Node, axis: int) -> Node:
    count = max(y.shape[axis] - 2, 0)
    before, middle, after = (part(y, axis, first, count) for first in (0, 1, 2))
    if gaps.ndim == 0:
        return apply("divide", apply("subtract", after, before), apply("multiply", _number(y, 2.0), gaps))
    left, right = (part(gaps, axis, first, count) for first in (0, 1))
    both = apply("add", left, right)
    rise = apply("multiply", apply("divide", left, apply("multiply", right, both)), apply("subtract", after, middle))
    run = apply("multiply", apply("divide", right, apply("multiply", left, both)), apply("subtract", middle, before))
    return apply("add", rise, run)


def _edge(y: Node, gaps: Node, axis: int, order: int, at_start: bool) -> Node:
    length = y.shape[axis]
    places = (0, 1, 2) if at_start else (length - 1, length - 2, length - 3)
    near, next_, far = (part(y, axis, place % length, 1) for place in places)
    if gaps.ndim == 0:
        one = two = gaps
    else:
        count = length - 1
        one = part(gaps, axis, 0 if at_start else count - 1, 1)
        two = part(gaps, axis, min(1, count - 1) if at_start else max(count - 2, 0), 1)
    slope = apply("divide", apply("subtract", next_, near), one)
    if order == 2:
        further = apply("divide", apply("subtract", far, next_), two)
        bend = apply("divide", apply("subtract", slope, further), apply("add", one, two))
        slope = apply("add", slope, apply("multiply", bend, one))
    return slope if at_start else apply("negative", slope)


@function(FAMILY, example="vander(x)")
def vander(x: Array, n: Any = None, increasing: bool = False, *, context: Context) -> Node:
    """The powers of the entries of a vector as columns, the highest first."""
    if x.ndim != 1:
        raise ShapeError(f"vander needs a vector, and this has shape {show_shape(x.shape)}")
    count = x.size if n is None else context.integer(n, "the number of columns")
    powers = apply("iota", length=count)
    if not context.static(increasing):
        powers = apply("subtract", constant(count - 1, "int64"), powers)
    wide = reshape(context.floats(x), (x.size, 1))
    return apply("power", wide, cast(powers, wide.dtype))


@function(FAMILY, example="polyfit(x, y, 1)")
def polyfit(x: Floats, y: Floats, deg: Whole, w: Any = None, *, context: Context) -> Node:
    """The coefficients, the highest power first, of the polynomial of least squares through samples, with weights w."""
    powers = vander(x, deg + 1, context=context)
    if w is not None:
        weight = context.floats(w)
        powers, y = powers * reshape(weight, (weight.size, 1)), y * weight
    return context.array(lstsq(powers, y, context=context))
