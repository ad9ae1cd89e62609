"""Order statistics, covariances, running extremes, finite differences, tables of samples."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.gathering import along, sort
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.reductions import mean, normal_axes, reduce
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, function
from jaccli.formula.functions.scans import along as scan
from jaccli.formula.functions.shaping import flip, part, transposed
from jaccli.formula.values import Context, Pair, Value
from jaccli.graph.node import Node, apply, cast, constant, reshape, select, show_shape, size_of, transpose
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.reductions import keep

REDUCTIONS = "Reductions"
SCANS = "Scans and differences"
_ORDER = "the entries that a stable sort puts in the middle"
_SHARED = "tied entries share the derivative equally"


def _number(x: Node, value: float) -> Node:
    return constant(value, x.dtype)


def _lines(x: Node, axis: Axis) -> tuple[Node, tuple[int, ...], tuple[int, ...]]:
    """The reduced axes merged into the last, the shape of the rest, and the shape with the axes kept."""
    axes = normal_axes(axis, x.ndim)
    others = tuple(place for place in range(x.ndim) if place not in axes)
    rest = tuple(x.shape[place] for place in others)
    merged = reshape(transpose(x, (*others, *axes)), (*rest, size_of(x.shape[place] for place in axes)))
    return merged, rest, keep(x.shape, axes)


def _sorted(context: Context, lines: Node) -> Node:
    values = sort(lines, -1, context=context)
    return values.values if isinstance(values, Pair) else values


def _unless_nan(lines: Node, value: Node) -> Node:
    """NaN where a line holds one."""
    missing = apply("sum", apply("isnan", lines), axes=(lines.ndim - 1,))
    return select(missing, math.nan, value)


def _not_empty(lines: Node, what: str) -> int:
    if lines.shape[-1] == 0:
        raise ShapeError(f"{what} of no entries has no value")
    return lines.shape[-1]


def _at(line: Node, position: int) -> Node:
    return reshape(part(line, line.ndim - 1, position, 1), line.shape[:-1])


@function(REDUCTIONS, kinks=_ORDER, example="median(x, axis=0)")
def median(x: Floats, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Value:
    """Middle entry in order, the mean of the two middle ones for an even number; torch.median takes the lower."""
    lines, rest, kept = _lines(x, axis)
    count = _not_empty(lines, "the median")
    if context.is_torch and context.prefix:
        context.note("median: PyTorch's meaning is taken, the lower of two middle entries; NumPy's is their mean")
        return _kth(context, lines, (count - 1) // 2, kept if keepdims else rest, as_pair=axis is not None)
    ordered = _sorted(context, lines)
    middle = _at(ordered, count // 2)
    if count % 2 == 0:
        middle = apply("divide", apply("add", _at(ordered, count // 2 - 1), middle), _number(x, 2.0))
    return reshape(_unless_nan(lines, middle), kept if keepdims else rest)


def _kth(context: Context, lines: Node, position: int, shape: tuple[int, ...], as_pair: bool) -> Value:
    order = apply("argsort", lines, descending=False)
    values = along(context, lines, order, lines.ndim - 1)
    value = reshape(_unless_nan(lines, _at(values, position)), shape)
    return Pair(value, reshape(_at(order, position), shape)) if as_pair else value


@function(REDUCTIONS, kinks=_ORDER, example="nanmedian(x)")
def nanmedian(x: Floats, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Node:
    """Median of the entries that are not NaN."""
    half = constant(0.5, x.dtype)
    lines, rest, kept = _lines(x, axis)
    return reshape(_nan_quantile(context, lines, half), kept if keepdims else rest)


_METHODS: dict[str, tuple[float, float]] = {
    "linear": (1.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0.0, 1.0),
}
"""Positions of a continuous quantile, as in R. Hyndman and Y. Fan, Sample quantiles in statistical packages (1996)."""


def _position(q: Node, count: Node, method: str) -> Node:
    """Where quantile q stands among `count` sorted entries, counted from 0, as a real number."""
    steps = apply("subtract", count, _number(q, 1.0))
    if method not in _METHODS:
        place = apply("multiply", q, steps)
        held = apply("stop_gradient", place)
        if method in ("lower", "higher", "nearest"):
            return apply({"lower": "floor", "higher": "ceil", "nearest": "rint"}[method], held)
        if method == "midpoint":
            ends = apply("add", apply("floor", held), apply("ceil", held))
            return apply("divide", ends, _number(q, 2.0))
        known = ", ".join((*_METHODS, "lower", "higher", "midpoint", "nearest"))
        raise FormulaError(f"unknown method {method!r} of quantile", hint=f"the methods are {known}")
    alpha, beta = _METHODS[method]
    if alpha == beta == 1.0:
        return apply("multiply", q, steps)
    shift = apply("add", _number(q, alpha - 1.0), apply("multiply", q, _number(q, 1.0 - alpha - beta)))
    return apply("clip", apply("add", apply("multiply", count, q), shift), _number(q, 0.0), steps)


def _between(low: Node, high: Node, share: Node) -> Node:
    return apply("add", low, apply("weighted", share, apply("subtract", high, low)))


def _quantile(context: Context, x: Node, q: Node, axis: Axis, keepdims: bool, method: str) -> Node:
    if q.ndim > 1:
        raise ShapeError("the quantiles are one number or a list of numbers")
    lines, rest, kept = _lines(x, axis)
    count = _not_empty(lines, "a quantile")
    ordered = _sorted(context, lines)
    upright = transpose(ordered, (ordered.ndim - 1, *range(ordered.ndim - 1)))
    position = _position(q, _number(x, count), method)
    below = apply("clip", apply("floor", position), _number(x, 0.0), _number(x, count - 1))
    first = apply("maximum", cast(below, "int64"), constant(0, "int64"))  # a NaN among the quantiles is no index
    second = apply("minimum", apply("add", first, constant(1, "int64")), constant(count - 1, "int64"))
    share = reshape(apply("subtract", position, apply("stop_gradient", below)), (*q.shape, *(1,) * len(rest)))
    value = _between(apply("take", upright, first), apply("take", upright, second), share)
    value = _unless_nan(lines, value)
    return reshape(value, (*q.shape, *(kept if keepdims else rest)))


def _in_range(context: Context, q: Any, whole: float) -> Node:
    node = context.floats(q)
    if not any(n.primitive.name == "input" for n in _nodes(node)):
        numbers = context.compute(node)
        if ((numbers < 0) | (numbers > whole)).any():
            raise FormulaError(f"a quantile is a number from 0 to {whole:g}")
    return node


def _nodes(node: Node) -> list[Node]:
    from jaccli.graph.node import topological

    return topological([node])


@function(REDUCTIONS, kinks=_ORDER, example="quantile(x, 0.9)")
def quantile(
    x: Floats, q: Any, axis: Axis = None, method: str = "linear", keepdims: Flag = False, *, context: Context
) -> Node:
    """The entry at a fraction of the order, between two entries in proportion; differentiable in q too."""
    return _quantile(context, x, _in_range(context, q, 1.0), axis, keepdims, method)


@function(REDUCTIONS, "prctile", kinks=_ORDER, example="percentile(x, 90)")
def percentile(
    x: Floats, q: Any, axis: Axis = None, method: str = "linear", keepdims: Flag = False, *, context: Context
) -> Node:
    """quantile with q in percent."""
    share = apply("divide", _in_range(context, q, 100.0), _number(x, 100.0))
    return _quantile(context, x, share, axis, keepdims, method)


def _nan_quantile(context: Context, lines: Node, q: Node) -> Node:
    """One quantile of the entries that are not NaN: a sort puts those last."""
    count = _not_empty(lines, "a quantile")
    ordered = _sorted(context, lines)
    present = apply("sum", cast(apply("logical_not", apply("isnan", lines)), lines.dtype), axes=(lines.ndim - 1,))
    position = _position(q, apply("maximum", present, _number(lines, 1.0)), "linear")
    below = apply("clip", apply("floor", position), _number(lines, 0.0), _number(lines, count - 1))
    above = apply("minimum", apply("add", below, _number(lines, 1.0)), apply("subtract", present, _number(lines, 1.0)))
    share = apply("subtract", position, apply("stop_gradient", below))
    low, high = (_pick(context, ordered, place) for place in (below, apply("maximum", above, _number(lines, 0.0))))
    return _between(low, high, share)


def _pick(context: Context, ordered: Node, place: Node) -> Node:
    index = reshape(cast(place, "int64"), (*place.shape, 1))
    return reshape(along(context, ordered, index, ordered.ndim - 1), place.shape)


def _nan_quantiles(context: Context, x: Node, q: Node, axis: Axis, keepdims: bool) -> Node:
    lines, rest, kept = _lines(x, axis)
    if q.ndim:
        raise ShapeError("nanquantile takes one fraction")
    return reshape(_nan_quantile(context, lines, q), kept if keepdims else rest)


@function(REDUCTIONS, kinks=_ORDER, example="nanquantile(x, 0.9)")
def nanquantile(x: Floats, q: Any, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Node:
    """quantile of the entries that are not NaN."""
    return _nan_quantiles(context, x, _in_range(context, q, 1.0), axis, keepdims)


@function(REDUCTIONS, kinks=_ORDER, example="nanpercentile(x, 90)")
def nanpercentile(x: Floats, q: Any, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Node:
    """percentile of the entries that are not NaN."""
    share = apply("divide", _in_range(context, q, 100.0), _number(x, 100.0))
    return _nan_quantiles(context, x, share, axis, keepdims)


def _present_deviations(x: Node, axis: Axis) -> tuple[Node, Node]:
    """Differences from the mean of the entries that are not NaN, 0 at the others, and how many there are."""
    absent = apply("isnan", x)
    kept = select(absent, 0.0, x)
    count = reduce("sum", cast(apply("logical_not", absent), x.dtype), axis, True)
    average = apply("divide", reduce("sum", kept, axis, True), count)
    return select(absent, 0.0, apply("subtract", kept, average)), count


def _divisor(count: Node, correction: float, shape: tuple[int, ...]) -> Node:
    return reshape(apply("maximum", apply("subtract", count, _number(count, correction)), _number(count, 0.0)), shape)


@function(REDUCTIONS, kinks="0 at a NaN that was left out", example="nanvar(x)")
def nanvar(x: Floats, axis: Axis = None, correction: float = 0, keepdims: Flag = False) -> Node:
    """Variance of the entries that are not NaN."""
    deviations, count = _present_deviations(x, axis)
    total = reduce("sum", apply("power", deviations, _number(x, 2.0)), axis, keepdims)
    return apply("divide", total, _divisor(count, correction, total.shape))


@function(REDUCTIONS, kinks="0 for equal entries, as norm at 0", example="nanstd(x)")
def nanstd(x: Floats, axis: Axis = None, correction: float = 0, keepdims: Flag = False) -> Node:
    """Root of the variance of the entries that are not NaN."""
    deviations, count = _present_deviations(x, axis)
    total = reduce("norm", deviations, axis, keepdims)
    return apply("divide", total, apply("sqrt", _divisor(count, correction, total.shape)))


def _nan_extreme(name: str, doc: str, neutral: float) -> None:
    def build(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Node:
        absent = apply("isnan", x)
        best = reduce(name, select(absent, neutral, x), axis, keepdims)
        return select(reduce("all", absent, axis, keepdims), math.nan, best)

    build.__doc__ = doc
    function(REDUCTIONS, name=f"nan{name}", kinks=_SHARED, example=f"nan{name}(x)")(build)


def _nan_place(name: str, neutral: float) -> None:
    def build(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Node:
        return reduce(f"arg{name}", select(apply("isnan", x), neutral, x), axis, keepdims)

    build.__doc__ = f"Index of the {name}imum of the entries that are not NaN; no derivative."
    function(REDUCTIONS, name=f"nanarg{name}", example=f"nanarg{name}(x)")(build)


_nan_place("max", -math.inf)
_nan_place("min", math.inf)


@function(REDUCTIONS, kinks="0 for equal entries, as std", example="sem(x)")
def sem(x: Floats, axis: Axis = 0, ddof: float = 1.0, keepdims: Flag = False, *, context: Context) -> Node:
    """Standard error of the mean: std with correction 1 over the root of the number of entries."""
    from jaccli.formula.functions.reductions import std

    root = math.sqrt(max(size_of(x.shape[one] for one in normal_axes(axis, x.ndim)), 1))
    return std(x, axis, ddof, keepdims, context=context) / root


_nan_extreme("max", "Largest of the entries that are not NaN.", -math.inf)
_nan_extreme("min", "Smallest of the entries that are not NaN.", math.inf)


def _variables(context: Context, x: Node, y: Any, rowvar: bool) -> Node:
    def upright(node: Node) -> Node:
        if node.ndim > 2:
            raise ShapeError(f"cov needs a vector or a matrix, and this has shape {show_shape(node.shape)}")
        if node.ndim < 2:
            return reshape(node, (1, node.size))
        return node if rowvar else transposed(node)

    rows = upright(x)
    return rows if y is None else apply("concatenate", rows, upright(context.floats(y)), axis=0)


def _covariance(context: Context, rows: Node, correction: float, fweights: Any, aweights: Any) -> Node:
    count = rows.shape[1]
    weights = [context.floats(value) for value in (fweights, aweights) if value is not None]
    if not weights:
        centred = apply("subtract", rows, mean(rows, 1, True))
        product = matmul(centred, transposed(centred))
        return apply("divide", product, _number(rows, max(count - correction, 0.0)))
    weight = weights[0] if len(weights) == 1 else apply("multiply", weights[0], weights[1])
    total = apply("sum", weight, axes=(0,))
    average = apply("divide", apply("sum", apply("multiply", rows, weight), axes=(1,)), total)
    centred = apply("subtract", rows, reshape(average, (rows.shape[0], 1)))
    lost = apply("multiply", total, _number(rows, 0.0)) if correction == 0 else _number(rows, correction)
    if correction != 0 and aweights is not None:
        squares = apply("sum", apply("multiply", weight, context.floats(aweights)), axes=(0,))
        lost = apply("multiply", _number(rows, correction), apply("divide", squares, total))
    product = matmul(apply("multiply", centred, weight), transposed(centred))
    return apply("divide", product, apply("subtract", total, lost))


@function(REDUCTIONS, example="cov(x)")
def cov(
    x: Floats,
    y: Any = None,
    rowvar: Flag = True,
    bias: Flag = False,
    correction: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    context: Context,
) -> Node:
    """Covariances of variables, the rows; divided by n - 1 unless bias or correction say otherwise."""
    rows = _variables(context, x, y, rowvar)
    static = context.static(correction)
    lost = float(static) if isinstance(static, (int, float)) else 0.0 if bias else 1.0
    result = _covariance(context, rows, lost, fweights, aweights)
    return reshape(result, ()) if rows.shape[0] == 1 else result


@function(REDUCTIONS, example="corrcoef(x)")
def corrcoef(x: Floats, y: Any = None, rowvar: Flag = True, *, context: Context) -> Node:
    """Correlations of variables, the rows."""
    rows = _variables(context, x, y, rowvar)
    centred = apply("subtract", rows, mean(rows, 1, True))
    unit = apply("divide", centred, reduce("norm", centred, 1, True))
    result = matmul(unit, transposed(unit))
    return reshape(result, ()) if rows.shape[0] == 1 else result


def _running(name: str, doc: str) -> None:
    def build(x: Floats, axis: Axis = None, *, context: Context) -> Value:
        place = 0 if axis is None and x.ndim == 1 else axis
        values = scan(name, x, place)
        if not context.is_torch or not isinstance(place, int):
            return values
        return Pair(values, _attained(x, values, normal_axis(place, x.ndim)))

    build.__doc__ = doc
    function(SCANS, name=name, kinks=_SHARED, example=f"{name}(x, axis=0)")(build)


def _attained(x: Node, values: Node, axis: int) -> Node:
    """The last index at which a running extreme was attained."""
    shape = tuple(x.shape[axis] if place == axis else 1 for place in range(x.ndim))
    number = cast(reshape(apply("iota", length=x.shape[axis]), shape), x.dtype)
    places = apply("where", apply("equal", x, values), number, constant(0.0, x.dtype))
    return cast(scan("cummax", places, axis), "int64")


_running("cummax", "Largest entry so far along an axis.")
_running("cummin", "Smallest entry so far along an axis.")


@function(SCANS, "cumlogsumexp", example="logcumsumexp(x, axis=0)")
def logcumsumexp(x: Floats, axis: Axis = None, reverse: Flag = False) -> Node:
    """log of the running sum of exponentials along an axis, without overflow; from its end with reverse=True."""
    if reverse:
        return flip(scan("logcumsumexp", flip(x, axis), axis), axis)
    return scan("logcumsumexp", x, axis)


@function(SCANS, "cumulative_trapezoid", example="cumtrapz(y, x)")
def cumtrapz(y: Floats, x: Any = None, dx: Any = 1.0, axis: Whole = -1, *, context: Context) -> Node:
    """Running integral of samples by the trapezoidal rule, one entry shorter."""
    from jaccli.formula.functions.scans import trapezoid_pieces

    return scan("cumsum", trapezoid_pieces(context, y, x, dx, axis), axis, reverse=False)


@function(SCANS, example="ediff1d(x)")
def ediff1d(x: Array, to_end: Any = None, to_begin: Any = None, *, context: Context) -> Node:
    """Differences of neighbours of all entries in order, between the entries given for both ends."""
    from jaccli.formula.functions.assembly import append
    from jaccli.formula.functions.scans import diff

    found = diff(reshape(x, (x.size,)), context=context)
    if to_begin is not None:
        found = append(context.floats(to_begin), found, context=context)
    return found if to_end is None else append(found, context.floats(to_end), context=context)


@function(SCANS, kinks="the jumps that it adds are held fixed", example="unwrap(x)")
def unwrap(p: Floats, axis: Whole = -1, period: float = math.tau) -> Node:
    """Angles with jumps of more than half a period taken out along an axis."""
    place = normal_axis(axis, p.ndim)
    length = max(p.shape[place] - 1, 0)
    step = apply("stop_gradient", apply("subtract", part(p, place, 1, length), part(p, place, 0, length)))
    half = _number(p, period / 2)
    folded = apply("subtract", apply("remainder", apply("add", step, half), _number(p, period)), half)
    at_edge = apply("equal", folded, _number(p, -period / 2)) & apply("less", _number(p, 0.0), step)
    folded = apply("where", at_edge, half, folded)
    small = apply("less", apply("abs", step), half)
    added = select(small, 0.0, apply("subtract", folded, step))
    moved = apply("add", part(p, place, 1, length), scan("cumsum", added, place, reverse=False))
    return apply("concatenate", part(p, place, 0, min(1, p.shape[place])), moved, axis=place)
