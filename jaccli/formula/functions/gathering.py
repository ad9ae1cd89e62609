"""Entries chosen by arrays of integers."""

from __future__ import annotations

import math
import struct
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.registry import Array, Flag, Floats, function
from jaccli.formula.indexing import index
from jaccli.formula.limits import check_listed
from jaccli.formula.values import Context, SliceValue, as_mask
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, constant_array, reshape, show_shape
from jaccli.graph.primitive import normal_axis

FAMILY = "Indexing and sorting"
WHOLE = SliceValue(None, None, None)


@function(FAMILY, example="take(x, [2, 0], axis=0)")
def take(x: Array, index: Any, axis: Any = None, *, context: Context) -> Node:
    """The entries of an axis at an array of indices; of the flattened array without an axis."""
    if axis is None:
        return _index(context, apply("reshape", x, shape=(x.size,)), 0, index)
    place = normal_axis(context.integer(axis, "axis of take"), x.ndim)
    return _index(context, x, place, index)


def _index(context: Context, x: Node, axis: int, indices: Any) -> Node:
    chosen = index(context, x, [*[WHOLE] * axis, _integers(context, indices)])
    return context.array(chosen)


def _integers(context: Context, indices: Any) -> Any:
    if isinstance(indices, (int, float)) and not isinstance(indices, bool):
        return context.integer(indices, "an index")
    node = context.array(indices)
    if node.is_float:
        raise FormulaError(
            "an index must be an integer array, and this holds floats",
            hint="give an input as integers with int:, as in --i int:[0,2,1]",
        )
    return node


@function(FAMILY, example="index_select(x, 0, [2, 0])")
def index_select(x: Array, axis: Any, index: Any, *, context: Context) -> Node:
    """PyTorch's take: the axis stands before the indices."""
    return take(x, index, axis, context=context)


@function(FAMILY, "take_along_dim", example="take_along_axis(x, argsort(x), axis=-1)")
def take_along_axis(x: Array, index: Any, axis: Any = -1, *, context: Context) -> Node:
    """Entries chosen along an axis by an index for each place."""
    place = normal_axis(context.integer(axis, "axis"), x.ndim)
    return along(context, x, context.array(_integers(context, index)), place)


@function(FAMILY, example="gather(x, 0, idx)")
def gather(x: Array, axis: Any, index: Any, *, context: Context) -> Node:
    """PyTorch's take_along_axis: the axis stands before the indices."""
    return take_along_axis(x, index, axis, context=context)


def along(context: Context, x: Node, indices: Node, axis: int) -> Node:
    """x[…, indices[…], …] with the other axes in step."""
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"an index of shape {show_shape(indices.shape)} does not fit an array of shape {show_shape(x.shape)}"
        )
    items: list[Any] = []
    for place in range(x.ndim):
        if place == axis:
            items.append(indices)
            continue
        counting = apply("iota", length=indices.shape[place])
        if indices.shape[place] == 1 != x.shape[place]:
            counting = apply("iota", length=x.shape[place])
        shape = [1] * x.ndim
        shape[place] = counting.shape[0]
        items.append(reshape(counting, tuple(shape)))
    return context.array(index(context, x, items))


@function(FAMILY, example="masked_select(x, x > 0)")
def masked_select(x: Array, mask: Array, *, context: Context) -> Node:
    """The entries where a mask holds."""
    return context.array(index(context, x, [as_mask(context, mask)]))


@function(FAMILY, example="masked_fill(x, x < 0, 0)")
def masked_fill(x: Array, mask: Array, value: Any, *, context: Context) -> Node:
    """The array with one value where a mask holds."""
    node = context.floats(x)
    return apply("where", as_mask(context, mask), context.floats(value), node)


@function(FAMILY, example="sort(x)")
def sort(x: Array, axis: Any = -1, descending: bool = False, stable: Any = True, *, context: Context) -> Any:
    """The entries of an axis in order; equal entries keep theirs."""
    node, place = _sorting(context, x, axis)
    order = _order(node, place, bool(context.static(descending)))
    values = along(context, node, order, place)
    if context.is_torch:
        from jaccli.formula.values import Pair

        return Pair(values, order)
    return values


@function(FAMILY, example="msort(x)")
def msort(x: Array, *, context: Context) -> Node:
    """The entries of the first axis in order."""
    return context.array(sort(x, 0, context=context))


@function(FAMILY, example="argsort(x)")
def argsort(x: Array, axis: Any = -1, descending: bool = False, stable: Any = True, *, context: Context) -> Node:
    """The order that sorts an axis; no derivative."""
    node, place = _sorting(context, x, axis)
    return _order(node, place, bool(context.static(descending)))


@function(FAMILY, example="argpartition(x, 1)")
def argpartition(x: Array, kth: Any, axis: Any = -1, *, context: Context) -> Node:
    """An order in which the k-th smallest entry is in its place: that of argsort; no derivative."""
    return argsort(x, axis, context=context)


@function(FAMILY, example="sort_key_val(x, y)[1]")
def sort_key_val(keys: Array, values: Array, axis: Any = -1, *, context: Context) -> Any:
    """Keys in order along an axis, and values in the order of their keys."""
    node, place = _sorting(context, keys, axis)
    order = _order(node, place, False)
    return along(context, node, order, place), along(context, values, order, place)


def _sorting(context: Context, x: Node, axis: Any) -> tuple[Node, int]:
    node = apply("reshape", x, shape=(x.size,)) if axis is None or x.ndim == 0 else x
    node = cast(node, "int64") if node.dtype == "bool" else node
    return node, 0 if axis is None or x.ndim == 0 else normal_axis(context.integer(axis, "axis"), x.ndim)


def _order(x: Node, axis: int, descending: bool) -> Node:
    from jaccli.formula.functions.shaping import swapaxes

    last = x.ndim - 1
    if axis == last:
        return apply("argsort", x, descending=descending)
    return swapaxes(apply("argsort", swapaxes(x, axis, last), descending=descending), axis, last)


@function(FAMILY, "top_k", example="topk(x, 2)")
def topk(x: Array, k: Any, axis: Any = -1, largest: Any = True, sorted: Any = True, *, context: Context) -> Any:
    """The k largest entries of an axis, largest first."""
    from jaccli.formula.functions.shaping import part
    from jaccli.formula.values import Pair

    place = normal_axis(context.integer(axis, "axis of topk"), x.ndim)
    count = context.integer(k, "k of topk")
    if not 0 <= count <= x.shape[place]:
        raise ShapeError(f"topk: k is {count}, and the axis has {x.shape[place]} entries")
    order = part(_order(x, place, bool(largest)), place, 0, count)
    values = along(context, x, order, place)
    return Pair(values, order) if context.is_torch or context.prefix else values


@function(FAMILY, example="searchsorted([1, 2, 3], x)")
def searchsorted(a: Array, v: Array, side: str = "left", right: Flag = False) -> Node:
    """Where entries would stand in a sorted array; no derivative."""
    side = "right" if right else side
    if a.ndim != 1:
        raise ShapeError(f"searchsorted needs a sorted vector, and this has shape {show_shape(a.shape)}")
    if side not in ("left", "right"):
        raise FormulaError(f"unknown side {side!r} of searchsorted", hint="the sides are 'left' and 'right'")
    return apply("searchsorted", a, v, side=side)


@function(FAMILY, example="digitize(x, [0, 1, 2])")
def digitize(x: Array, bins: Array, right: bool = False, *, context: Context) -> Node:
    """The number of the bin, between increasing borders, that an entry falls into; no derivative."""
    return searchsorted(bins, x, "left" if context.static(right) else "right")


@function(FAMILY, example="one_hot([0, 2], 3)")
def one_hot(index: Array, num_classes: Any = -1, axis: Any = -1, *, context: Context) -> Node:
    """Rows with a one at each index; as many columns as the largest index asks for by default."""
    count = context.integer(num_classes, "num_classes")
    if count < -1:
        raise FormulaError(f"num_classes is 0 or more, or -1 for as many as there are, not {count}")
    if count < 0:
        largest = float(context.compute(index).max(initial=-1))
        if not math.isfinite(largest):
            raise FormulaError(f"the classes of one_hot are whole numbers, and {largest} is among them")
        count = int(largest) + 1
    if index.is_float:
        index = apply("cast", index, dtype="int64")
    hit = apply("equal", reshape(index, (*index.shape, 1)), apply("iota", length=count))
    from jaccli.formula.functions.shaping import moveaxis

    return moveaxis(cast(hit, context.float_dtype), -1, context.integer(axis, "axis of one_hot"))


@function(FAMILY, "index_add_rows", example="segment_sum(x, [0, 0, 1], 2)")
def segment_sum(x: Array, segment_ids: Any, num_segments: Any = None, *, context: Context) -> Node:
    """Rows added up by the number of their segment."""
    ids = context.array(_integers(context, segment_ids))
    if num_segments is None:
        count = int(context.compute(ids).max(initial=-1)) + 1
    else:
        count = context.integer(num_segments, "num_segments")
    if count < 0:
        raise FormulaError(f"num_segments is 0 or more, not {count}")
    if ids.shape != x.shape[: ids.ndim]:
        raise ShapeError(
            f"segments of shape {show_shape(ids.shape)} do not fit an array of shape {show_shape(x.shape)}"
        )
    checked = apply("check_index", ids, size=count, axis=0)
    return apply("scatter_add", x, checked, size=count)


def _segments(name: str, reduction: str, neutral: float, doc: str) -> None:
    def build(x: Floats, segment_ids: Any, num_segments: Any = None, *, context: Context) -> Node:
        ids = context.compute(context.array(_integers(context, segment_ids)))
        if ids.ndim != 1 or x.ndim == 0 or ids.shape[0] != x.shape[0]:
            raise ShapeError(
                f"segments of shape {show_shape(ids.shape)} do not fit an array of shape {show_shape(x.shape)}"
            )
        count = int(ids.max(initial=-1)) + 1 if num_segments is None else context.integer(num_segments, "num_segments")
        if count < 0:
            raise FormulaError(f"num_segments is 0 or more, not {count}")
        return apply(reduction, table_of_members(x, ids.tolist(), count, neutral), axes=(1,))

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"{name}(x, [0, 0, 1], 2)")(build)


def table_of_members(x: Node, ids: list[int], count: int, neutral: float) -> Node:
    """The rows of each segment along an axis of their own, the shorter ones filled with a neutral row."""
    members: list[list[int]] = [[] for _ in range(check_listed(count, f"{count} segments"))]
    for row, segment in enumerate(ids):
        if 0 <= segment < count:
            members[segment].append(row)
    longest = max([1, *map(len, members)])
    check_listed(count * longest, f"{count} segments of up to {longest} rows")
    filler = broadcast_to(constant(neutral, x.dtype), (1, *x.shape[1:]))
    places = [[*rows, *[x.shape[0]] * (longest - len(rows))] for rows in members]
    flat = [place for rows in places for place in rows]
    index = constant_array(struct.pack(f"<{len(flat)}q", *flat), (count, longest), "int64")
    return apply("take", apply("concatenate", x, filler, axis=0), index)


_segments("segment_max", "max", -math.inf, "The largest row entry of each segment; -inf where a segment is empty.")
_segments("segment_min", "min", math.inf, "The smallest row entry of each segment; inf where a segment is empty.")
_segments("segment_prod", "prod", 1.0, "Rows multiplied by the number of their segment.")


@function(FAMILY, example="bincount([0, 1, 1], weights=x)")
def bincount(x: Any, weights: Any = None, minlength: Any = 0, *, context: Context) -> Node:
    """Weights added up by index."""
    ids = context.array(_integers(context, x))
    length = max(context.integer(minlength, "minlength"), int(context.compute(ids).max(initial=-1)) + 1)
    one = constant(1.0, context.float_dtype)
    entries = apply("broadcast_to", one, shape=ids.shape) if weights is None else context.floats(weights)
    if entries.shape != ids.shape:
        raise ShapeError(
            f"bincount: weights of shape {show_shape(entries.shape)} do not fit indices {show_shape(ids.shape)}"
        )
    if context.compute(ids).min(initial=0) < 0:
        raise FormulaError("bincount counts whole numbers from 0 on, and one is negative")
    return apply("scatter_add", entries, ids, size=length)
