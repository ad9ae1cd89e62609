"""Arrays with a part written over, added to or reduced into, under the names of PyTorch and NumPy."""

from __future__ import annotations

import itertools
import math
from typing import Any

from jaccli.errors import FormulaError, LimitError, ShapeError
from jaccli.formula.functions.gathering import table_of_members
from jaccli.formula.functions.index_arrays import integers
from jaccli.formula.functions.rearranging import slab_places, source_like, target_places
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, function
from jaccli.formula.indexing import index
from jaccli.formula.limits import LARGEST, MOST_LISTED
from jaccli.formula.updates import added, places, replaced
from jaccli.formula.values import Context, SliceValue, as_mask
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, select, show_shape, size_of
from jaccli.graph.primitive import normal_axis

FAMILY = "Indexing and sorting"
_WHOLE = SliceValue(None, None, None)
_NEUTRAL = {"prod": 1.0, "amax": -math.inf, "amin": math.inf}
_PRIMITIVE = {"prod": "prod", "amax": "max", "amin": "min"}
_HELD = "the index is held fixed"


def _flat(x: Node) -> Node:
    return reshape(x, (x.size,))


def _written(context: Context, x: Node, items: list[Any], source: Any) -> Node:
    positions = context.array(index(context, places(x), items))
    node = context.floats(source) if x.is_float else context.array(source)
    return replaced(context, x.shape, _flat(x), positions, node)


@function(FAMILY, example="select_scatter(x, y, 0, 1)")
def select_scatter(x: Array, src: Any, axis: Whole, index: Whole, *, context: Context) -> Node:
    """The array with another in place of one entry of an axis."""
    return _written(context, x, [*[_WHOLE] * normal_axis(axis, x.ndim), index], src)


@function(FAMILY, example="slice_scatter(x, y, 0, 1, 2)")
def slice_scatter(
    x: Array, src: Any, axis: Whole = 0, start: Any = None, end: Any = None, step: Whole = 1, *, context: Context
) -> Node:
    """The array with another in place of a slice of an axis."""
    first, last = (None if value is None else context.integer(value, "a bound of a slice") for value in (start, end))
    return _written(context, x, [*[_WHOLE] * normal_axis(axis, x.ndim), SliceValue(first, last, step)], src)


@function(FAMILY, example="diagonal_scatter(A, x)")
def diagonal_scatter(
    x: Array, src: Any, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1, *, context: Context
) -> Node:
    """The array with another in place of a diagonal of two axes."""
    from jaccli.formula.functions.diagonals import diagonal

    positions = diagonal(places(x), offset, dim1, dim2)
    return replaced(context, x.shape, _flat(x), positions, context.floats(src) if x.is_float else context.array(src))


@function(FAMILY, example="fill_diagonal(A, 0)")
def fill_diagonal(x: Array, val: Any, wrap: Flag = False, *, context: Context) -> Node:
    """The matrix with a value, or the entries of a vector, on its diagonal."""
    if x.ndim < 2 or wrap:
        raise ShapeError("fill_diagonal takes a matrix, and wraps nothing")
    count = min(x.shape)
    value = context.floats(val) if x.is_float else context.array(val)
    if value.ndim:
        if not value.size:
            raise ShapeError("there is no value for the diagonal: the array is empty")
        value = apply("take", _flat(value), integers(i % value.size for i in range(count)))
    return _written(context, x, [apply("iota", length=count)] * x.ndim, value)


@function(FAMILY, example="fill(x, 2)")
def fill(x: Array, value: Any, *, context: Context) -> Node:
    """One value in every entry."""
    return broadcast_to(context.floats(value) if x.is_float else context.array(value), x.shape)


@function(FAMILY, kinks=_HELD, example="index_put(x, ([0, 1],), y)")
def index_put(x: Array, indices: Any, values: Any, accumulate: Flag = False, *, context: Context) -> Node:
    """The array with values written over, or added, at a tuple of index arrays."""
    wanted = list(indices) if isinstance(indices, (list, tuple)) else [indices]
    positions = context.array(index(context, places(x), wanted))
    node = context.floats(values) if x.is_float else context.array(values)
    if accumulate:
        return added(x.shape, _flat(x), positions, cast(node, x.dtype))
    return replaced(context, x.shape, _flat(x), positions, node)


@function(FAMILY, kinks=_HELD, example="put(x, [0, 1], y)")
def put(x: Array, index: Any, source: Any, accumulate: Flag = False, *, context: Context) -> Node:
    """The array with values written over, or added, at places of the flattened array."""
    flat = _flat(x)
    return reshape(index_put(flat, (context.array(index),), source, accumulate, context=context), x.shape)


@function(FAMILY, kinks=_HELD, example="put_along_axis(x, [0, 1], y, axis=0)")
def put_along_axis(x: Array, index: Any, values: Any, axis: Any, *, context: Context) -> Node:
    """The array with values written over at an index for each place of an axis."""
    if axis is None:
        return put(x, index, values, context=context)
    positions = target_places(context, x, normal_axis(context.integer(axis, "axis"), x.ndim), index)
    return replaced(
        context, x.shape, _flat(x), positions, context.floats(values) if x.is_float else context.array(values)
    )


@function(FAMILY, kinks="the mask is held fixed", example="masked_scatter(x, x > 0, y)")
def masked_scatter(x: Array, mask: Any, source: Array, *, context: Context) -> Node:
    """The array with the entries of another, one after the other, where a mask holds."""
    chosen = broadcast_to(as_mask(context, mask), x.shape)
    positions = apply("take", _flat(places(x)), integers(context.compute(_flat(chosen)).nonzero()[0].tolist()))
    if positions.size > source.size:
        raise ShapeError(f"masked_scatter: {positions.size} entries are wanted and {source.size} are given")
    entries = apply("slice", _flat(source), bounds=((0, positions.size, 1),))
    return replaced(context, x.shape, _flat(x), positions, entries)


def _reduced_at(context: Context, x: Node, positions: Node, source: Node, reduce: str, include_self: bool) -> Node:
    flat = context.floats(_flat(x))
    values = cast(_flat(broadcast_to(source, positions.shape)), flat.dtype)
    ids = context.compute(positions).ravel().tolist()
    counts = [0] * x.size
    for place in ids:
        counts[place] += 1
    free = apply("equal", integers(counts), constant(0, "int64"))
    if reduce in ("sum", "add", "mean"):
        own = flat if include_self else select(free, flat, 0.0)
        total = own + apply("scatter_add", values, integers(ids), size=x.size)
        if reduce == "mean":
            weights = [max(count + include_self, 1) for count in counts]
            total = total / cast(integers(weights), flat.dtype)
        return reshape(total, x.shape)
    reduce = {"multiply": "prod", "max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in _NEUTRAL:
        raise FormulaError(f"unknown reduce {reduce!r}", hint="'sum', 'prod', 'mean', 'amax' and 'amin' are taken")
    neutral = _NEUTRAL[reduce]
    own = flat if include_self else select(free, flat, neutral)
    others = table_of_members(values, ids, x.size, neutral)
    both = apply("concatenate", reshape(own, (x.size, 1)), others, axis=1)
    return reshape(apply(_PRIMITIVE[reduce], both, axes=(1,)), x.shape)


@function(FAMILY, kinks=f"{_HELD}; ties share equally", example="scatter_reduce(x, 0, [0, 0], y, 'amax')")
def scatter_reduce(
    x: Array, axis: Whole, index: Any, src: Array, reduce: str, include_self: Flag = True, *, context: Context
) -> Node:
    """The array with entries summed, multiplied, averaged or compared into it, each at its index along an axis."""
    positions = target_places(context, x, normal_axis(axis, x.ndim), index)
    return _reduced_at(context, x, positions, source_like(context, src, positions), reduce, include_self)


@function(FAMILY, kinks=f"{_HELD}; ties share equally", example="index_reduce(x, 0, [0, 0], y, 'amax')")
def index_reduce(
    x: Array, axis: Whole, index: Any, source: Array, reduce: str, include_self: Flag = True, *, context: Context
) -> Node:
    """The array with slabs multiplied, averaged or compared into it at the indices of an axis."""
    return _reduced_at(context, x, slab_places(context, x, axis, index), source, reduce, include_self)


@function(FAMILY, example="as_strided(x, (2,), (1,), 1)")
def as_strided(x: Array, size: Any, stride: Any, storage_offset: Whole = 0, *, context: Context) -> Node:
    """The entries at storage_offset + i*stride of the flattened array, in a shape."""
    lengths, steps = context.integers(size, "a length"), context.integers(stride, "a stride")
    if len(lengths) != len(steps):
        raise ShapeError(f"as_strided: {len(lengths)} lengths and {len(steps)} strides")
    if size_of(lengths) > LARGEST:
        raise LimitError(f"as_strided: {show_shape(lengths)} are too many entries")
    total = constant(storage_offset, "int64")
    for axis, (length, step) in enumerate(zip(lengths, steps, strict=True)):
        shape = tuple(length if place == axis else 1 for place in range(len(lengths)))
        total = total + reshape(apply("iota", length=length), shape) * step
    return context.array(index(context, _flat(x), [broadcast_to(total, lengths)]))


def _log_choices(among: int, r: int) -> float:
    """log of how many ways there are to choose r of so many: the number itself may have a million digits."""
    if r > among:
        return -math.inf
    return math.lgamma(among + 1.0) - math.lgamma(r + 1.0) - math.lgamma(among - r + 1.0)


@function(FAMILY, example="combinations(x)")
def combinations(x: Array, r: Whole = 2, with_replacement: Flag = False) -> Node:
    """Every choice of r entries of a vector, one a row."""
    if x.ndim != 1 or r < 0:
        raise ShapeError(f"combinations takes a vector, and this has shape {show_shape(x.shape)}")
    among = x.size + max(r - 1, 0) if with_replacement else x.size
    if max(r, among) > LARGEST or math.exp(min(_log_choices(among, r), 50.0)) * max(r, 1) > MOST_LISTED:
        raise LimitError(f"there are too many choices of {r:,} of {x.size:,} entries")
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(pick(range(x.size), r))
    return reshape(apply("take", x, integers(i for row in chosen for i in row)), (len(chosen), r))


@function(FAMILY, kinks="the scale is differentiated too", example="renorm(x, 2, 0, 1)")
def renorm(x: Floats, p: float, dim: Whole, maxnorm: float) -> Node:
    """The slabs of an axis shortened to a norm of at most maxnorm."""
    from jaccli.formula.functions.linear_algebra import entrywise_norm

    place = normal_axis(dim, x.ndim)
    others: Axis = tuple(axis for axis in range(x.ndim) if axis != place)
    size = entrywise_norm(x, p, others, True)
    scale = select(apply("less", constant(maxnorm, x.dtype), size), maxnorm / (size + 1e-7), 1.0)
    return x * scale
