"""Entries found, taken out, put in and written over: every result is a copy."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.gathering import FAMILY, sort, take
from jaccli.formula.functions.registry import Array, Flag, Whole, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.indexing import index as entries
from jaccli.formula.limits import check_listed
from jaccli.formula.updates import added, places, replaced
from jaccli.formula.values import Context, Pair, SliceValue, Value, as_mask
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant_array, reshape, show_shape
from jaccli.graph.primitive import normal_axis

_NUMBERS = "the places are held fixed"


def _integers(numbers: list[int]) -> Node:
    data = b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)
    return constant_array(data, (len(numbers),), "int64")


def _found(context: Context, x: Any) -> list[list[int]]:
    """The indices of the entries that are not 0, an axis at a time."""
    mask = as_mask(context, x)
    if mask.ndim == 0:
        raise ShapeError("a number has no entries to find", hint="it takes an array with at least one axis")
    found: list[list[int]] = [axis.tolist() for axis in context.compute(mask).nonzero()]
    return found


@function(FAMILY, kinks=_NUMBERS, example="nonzero(x > 0)[0]")
def nonzero(x: Any, *, context: Context) -> Value:
    """The indices of the entries that are not 0, an array for each axis; no derivative."""
    return tuple(_integers(axis) for axis in _found(context, x))


@function(FAMILY, kinks=_NUMBERS, example="argwhere(x > 0)")
def argwhere(x: Any, *, context: Context) -> Node:
    """The indices of the entries that are not 0, a row for each; no derivative."""
    axes = _found(context, x)
    flat = [number for row in zip(*axes, strict=True) for number in row]
    return reshape(_integers(flat), (len(flat) // max(len(axes), 1), len(axes)))


@function(FAMILY, kinks=_NUMBERS, example="flatnonzero(x > 0)")
def flatnonzero(x: Array, *, context: Context) -> Node:
    """The places of the entries that are not 0 in C order; no derivative."""
    return _integers(_found(context, reshape(x, (x.size,)))[0])


@function(FAMILY, "unique_values", kinks="of equal entries the first", example="unique(x)")
def unique(x: Array, *, context: Context) -> Node:
    """The different entries in order."""
    seen: dict[Any, int] = {}
    for place, number in enumerate(context.compute(x).ravel().tolist()):
        seen.setdefault(number, place)
    order = [seen[number] for number in sorted(seen)]
    return apply("take", reshape(x, (x.size,)), _integers(order))


@function(FAMILY, example="compress([True, False, True], x)")
def compress(condition: Any, x: Array, axis: Any = None, *, context: Context) -> Node:
    """The entries of an axis where a condition holds; of the flattened array without an axis."""
    flat, place = (reshape(x, (x.size,)), 0) if axis is None else (x, context.integer(axis, "axis of compress"))
    kept = _found(context, condition)[0]
    return take(flat, _integers(kept), place, context=context)


@function(FAMILY, example="delete(x, 1)")
def delete(x: Array, obj: Any, axis: Any = None, *, context: Context) -> Node:
    """The array without the entries at some indices of an axis."""
    flat, place = _along(context, x, axis)
    length = check_listed(flat.shape[place], "delete")
    dropped = _chosen(context, obj, length)
    kept = [position for position in range(length) if position not in dropped]
    return take(flat, _integers(kept), place, context=context)


def _along(context: Context, x: Node, axis: Any) -> tuple[Node, int]:
    if axis is None:
        return reshape(x, (x.size,)), 0
    return x, normal_axis(context.integer(axis, "axis"), x.ndim)


def _chosen(context: Context, obj: Any, length: int) -> set[int]:
    if isinstance(obj, SliceValue):
        return set(range(length)[obj.start : obj.stop : obj.step])
    if isinstance(obj, Node) and obj.dtype == "bool":
        return set(_found(context, obj)[0])
    numbers = context.integers(obj, "an index")
    wrong = [number for number in numbers if not -length <= number < length]
    if wrong:
        raise ShapeError(f"index {wrong[0]} is out of range: the axis has {length} entries")
    return {number % length for number in numbers}


@function(FAMILY, example="insert(x, 1, 5)")
def insert(x: Array, obj: Whole, values: Any, axis: Any = None, *, context: Context) -> Node:
    """The array with values put in before an index of an axis."""
    flat, place = _along(context, x, axis)
    length = flat.shape[place]
    if not -length <= obj <= length:
        raise ShapeError(f"insert: {obj} is no place in an axis with {length} entries")
    at = obj + length if obj < 0 else obj
    new = context.floats(values) if flat.is_float else context.array(values)
    if new.ndim < flat.ndim:
        wide = (*flat.shape[:place], 1, *flat.shape[place + 1 :])
        if flat.ndim == 1:
            wide = (new.size,)
        elif new.ndim == flat.ndim - 1:
            new = reshape(new, (*new.shape[:place], 1, *new.shape[place:]))
        new = broadcast_to(new, wide)
    return apply("concatenate", part(flat, place, 0, at), new, part(flat, place, at, length - at), axis=place)


@function(FAMILY, kinks="the order of a stable sort", example="partition(x, 1)")
def partition(x: Array, kth: Any, axis: Any = -1, *, context: Context) -> Node:
    """The entries of an axis with the k-th smallest in its place: they come fully sorted."""
    values = sort(x, axis, context=context)
    return values.values if isinstance(values, Pair) else values


@function(FAMILY, kinks="of equal entries the first", example="kthvalue(x, 2)")
def kthvalue(x: Array, k: Whole, axis: Whole = -1, keepdims: Flag = False, *, context: Context) -> Value:
    """The k-th smallest entry of an axis, counted from 1."""
    place = normal_axis(axis, x.ndim)
    if not 1 <= k <= x.shape[place]:
        raise ShapeError(f"kthvalue: k is {k}, and the axis has {x.shape[place]} entries")
    order = part(_argsort(x, place, context), place, k - 1, 1)
    from jaccli.formula.functions.gathering import along

    shape = x.shape[:place] + ((1,) if keepdims else ()) + x.shape[place + 1 :]
    values = reshape(along(context, x, order, place), shape)
    return Pair(values, reshape(order, shape)) if context.is_torch else values


def _argsort(x: Node, axis: int, context: Context) -> Node:
    from jaccli.formula.functions.gathering import argsort

    return argsort(x, axis, context=context)


def target_places(context: Context, x: Node, axis: int, index: Any) -> Node:
    """The places that an index for each entry chooses along an axis, as PyTorch's scatter does."""
    node = context.array(index)
    if node.is_float:
        raise FormulaError("an index must be an integer array", hint="give an input as integers with int:…")
    if node.ndim != x.ndim:
        raise ShapeError(
            f"an index of shape {show_shape(node.shape)} does not fit an array of shape {show_shape(x.shape)}"
        )
    items: list[Any] = []
    for place, length in enumerate(node.shape):
        count = reshape(apply("iota", length=length), tuple(length if a == place else 1 for a in range(x.ndim)))
        items.append(node if place == axis else count)
    return context.array(entries(context, places(x), items))


def source_like(context: Context, src: Any, like: Node) -> Node:
    """The leading part of the source that is as long as the index."""
    node = context.array(src)
    if node.ndim == 0:
        return node
    for axis, length in enumerate(like.shape):
        node = part(node, axis, 0, length)
    return node


@function(FAMILY, kinks=_NUMBERS, example="scatter(x, 0, [1, 0], y)")
def scatter(
    x: Array, axis: Whole, index: Any, src: Any = None, value: Any = None, reduce: Any = None, *, context: Context
) -> Node:
    """The array with entries written over at an index for each place of an axis, as PyTorch."""
    place = normal_axis(axis, x.ndim)
    target = target_places(context, x, place, index)
    source = source_like(context, value if src is None else src, target)
    flat = reshape(x, (x.size,))
    if reduce == "add":
        return added(x.shape, flat, target, cast(source, x.dtype))
    if reduce is not None:
        raise FormulaError(f"scatter does not reduce by {reduce!r}", hint="reduce='add' is taken")
    return replaced(context, x.shape, flat, target, source)


@function(FAMILY, kinks=_NUMBERS, example="scatter_add(x, 0, [1, 1], y)")
def scatter_add(x: Array, axis: Whole, index: Any, src: Any, *, context: Context) -> Node:
    """The array with entries added at an index for each place of an axis, as PyTorch."""
    target = target_places(context, x, normal_axis(axis, x.ndim), index)
    return added(x.shape, reshape(x, (x.size,)), target, cast(source_like(context, src, target), x.dtype))


def slab_places(context: Context, x: Node, axis: int, index: Any) -> Node:
    """The places of the slabs that an index chooses along an axis."""
    whole = SliceValue(None, None, None)
    return context.array(entries(context, places(x), [*[whole] * normal_axis(axis, x.ndim), context.array(index)]))


@function(FAMILY, kinks=_NUMBERS, example="index_add(x, 0, [1, 1], y)")
def index_add(x: Array, axis: Whole, index: Any, source: Any, alpha: Any = 1, *, context: Context) -> Node:
    """The array with slabs added at the indices of an axis, which may repeat."""
    weighted = apply("multiply", context.floats(source), context.floats(alpha)) if alpha != 1 else context.array(source)
    return added(x.shape, reshape(x, (x.size,)), slab_places(context, x, axis, index), cast(weighted, x.dtype))


@function(FAMILY, kinks=_NUMBERS, example="index_copy(x, 0, [1, 0], y)")
def index_copy(x: Array, axis: Whole, index: Any, source: Any, *, context: Context) -> Node:
    """The array with slabs written over at the indices of an axis."""
    return replaced(
        context, x.shape, reshape(x, (x.size,)), slab_places(context, x, axis, index), context.array(source)
    )


@function(FAMILY, kinks=_NUMBERS, example="index_fill(x, 0, [1], 0)")
def index_fill(x: Array, axis: Whole, index: Any, value: Any, *, context: Context) -> Node:
    """The array with one value at the indices of an axis."""
    node = context.floats(value) if x.is_float else context.array(value)
    return replaced(context, x.shape, reshape(x, (x.size,)), slab_places(context, x, axis, index), node)
