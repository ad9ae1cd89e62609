"""Arrays from arrays: joined, split, repeated, padded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.registry import Array, Arrays, Axis, Flag, Whole, function
from jaccli.formula.functions.shaping import entry, part, ravel, read_shape, several, swapaxes
from jaccli.formula.limits import check_listed, check_pieces
from jaccli.formula.values import Context, Value, broadcast_together
from jaccli.formula.values import stack as stack_nodes
from jaccli.graph.node import Node, apply, show_shape
from jaccli.graph.node import broadcast_to as broadcast_node
from jaccli.graph.node import reshape as reshape_node
from jaccli.graph.primitive import normal_axis

FAMILY = "Shape and assembly"


@function(FAMILY, "concat", "cat", "hcat", example="concatenate([x, y], axis=0)")
def concatenate(arrays: Arrays, axis: Any = 0, *, context: Context) -> Node:
    """Arrays joined along an axis; axis=None joins them flattened."""
    if axis is None:
        return _join([ravel(array) for array in arrays], 0)
    return _join(arrays, context.integer(axis, "axis of concatenate"))


def _join(arrays: list[Node], axis: int) -> Node:
    if not arrays:
        raise ShapeError("there is nothing to join")
    if any(array.ndim == 0 for array in arrays):
        raise ShapeError("numbers without axes cannot be joined", hint="stack([a, b]) makes an array of them")
    place = normal_axis(axis, arrays[0].ndim)
    return arrays[0] if len(arrays) == 1 else apply("concatenate", *arrays, axis=place)


@function(FAMILY, example="stack([x, y], axis=0)")
def stack(arrays: Arrays, axis: Whole = 0) -> Node:
    """Arrays of one shape along a new axis."""
    rank = arrays[0].ndim + 1 if arrays else 1
    return stack_nodes(arrays, normal_axis(axis, rank))


@function(FAMILY, "row_stack", example="vstack([x, y])")
def vstack(arrays: Arrays) -> Node:
    """Arrays one below the other."""
    return _join([_at_least(array, 2) for array in arrays], 0)


@function(FAMILY, example="hstack([x, y])")
def hstack(arrays: Arrays) -> Node:
    """Arrays side by side."""
    wide = [_at_least(array, 1) for array in arrays]
    return _join(wide, 0 if not wide or wide[0].ndim == 1 else 1)


@function(FAMILY, example="vertcat(x, y)")
def vertcat(*arrays: Any, context: Context) -> Node:
    """Arrays one below the other, given one by one."""
    return vstack([context.array(array) for array in arrays])


@function(FAMILY, example="horzcat(x, y)")
def horzcat(*arrays: Any, context: Context) -> Node:
    """Arrays side by side, given one by one."""
    return hstack([context.array(array) for array in arrays])


@function(FAMILY, example="column_stack([x, y])")
def column_stack(arrays: Arrays) -> Node:
    """Vectors as the columns of a matrix."""
    return _join([reshape_node(a, (a.size, 1)) if a.ndim < 2 else a for a in arrays], 1)


@function(FAMILY, example="dstack([x, y])")
def dstack(arrays: Arrays) -> Node:
    """Arrays along the third axis."""
    return _join([_at_least(array, 3) for array in arrays], 2)


def _at_least(x: Node, rank: int) -> Node:
    """NumPy's atleast_1d, _2d and _3d."""
    if x.ndim >= rank:
        return x
    if rank == 3:
        shape = {0: (1, 1, 1), 1: (1, *x.shape, 1), 2: (*x.shape, 1)}[x.ndim]
    else:
        shape = (*(1,) * (rank - x.ndim), *x.shape)
    return reshape_node(x, shape)


def _atleast(rank: int) -> None:
    def build(x: Array) -> Node:
        return _at_least(x, rank)

    build.__doc__ = f"The array with at least {rank} {'axis' if rank == 1 else 'axes'}."
    function(FAMILY, name=f"atleast_{rank}d", example=f"atleast_{rank}d(x)")(build)


for _rank in (1, 2, 3):
    _atleast(_rank)


@function(FAMILY, "unbind", example="unstack(x)[0]")
def unstack(x: Array, axis: Whole = 0) -> Value:
    """The entries of one axis, one by one."""
    place = normal_axis(axis, x.ndim)
    return tuple(entry(x, place, position) for position in range(check_pieces(x.shape[place], "unstack")))


def _cut(x: Node, axis: int, borders: Sequence[int]) -> Value:
    check_pieces(len(borders), "split")
    edges = [0, *(min(max(b, 0), x.shape[axis]) for b in borders), x.shape[axis]]
    return tuple(part(x, axis, a, max(b - a, 0)) for a, b in itertools.pairwise(edges))


@function(FAMILY, example="split(x, 2)[0]")
def split(x: Array, indices_or_sections: Any, axis: Whole = 0, *, context: Context) -> Value:
    """The array in a number of parts, or cut at indices, along an axis; PyTorch's takes the sizes of the parts."""
    if not (context.is_torch or context.is_method):
        return array_split(x, indices_or_sections, axis, context=context)
    place = normal_axis(axis, x.ndim)
    sizes = context.static(indices_or_sections)
    if isinstance(sizes, (list, tuple)):
        numbers = [context.integer(item, "the size of a part") for item in sizes]
        return _cut(x, place, list(itertools.accumulate(numbers[:-1])))
    number = _parts(context, sizes)
    context.note("split: PyTorch's meaning is taken, parts of that size; NumPy's is the number of parts")
    return _cut(x, place, range(number, x.shape[place], number))


@function(FAMILY, "tensor_split", example="array_split(x, 2)[0]")
def array_split(x: Array, indices_or_sections: Any, axis: Whole = 0, *, context: Context) -> Value:
    """The array in a number of parts, the first ones longer where they cannot be equal, or cut at indices."""
    place = normal_axis(axis, x.ndim)
    parts = context.static(indices_or_sections)
    if isinstance(parts, (list, tuple)):
        return _cut(x, place, [context.integer(item, "a place to split") for item in parts])
    number = check_pieces(_parts(context, parts), "split")
    small, extra = divmod(x.shape[place], number)
    borders = [(small + 1) * min(i, extra) + small * max(i - extra, 0) for i in range(1, number)]
    return _cut(x, place, borders)


def _parts(context: Context, value: Value) -> int:
    number = context.integer(value, "the number of parts")
    if number < 1:
        raise FormulaError("split needs at least one part")
    return number


def _split_along(name: str, axis: int) -> None:
    def build(x: Array, indices_or_sections: Any, *, context: Context) -> Value:
        place = 0 if axis == 1 and x.ndim == 1 else axis
        if x.ndim <= place:
            raise ShapeError(f"{name} needs axis {place}, and this array has shape {show_shape(x.shape)}")
        return array_split(x, indices_or_sections, place, context=context)

    build.__doc__ = f"The array in a number of parts, or cut at indices, along axis {axis}."
    function(FAMILY, name=name, example=f"{name}(x, 2)[0]")(build)


_split_along("vsplit", 0)
_split_along("hsplit", 1)
_split_along("dsplit", 2)


@function(FAMILY, "unsafe_split_with_sizes", name="split_with_sizes", example="split_with_sizes(x, [1, 1])[0]")
def split_with_sizes(x: Array, split_sizes: Any, axis: Whole = 0, *, context: Context) -> Value:
    """The array in parts of given sizes along an axis."""
    place = normal_axis(axis, x.ndim)
    numbers = context.integers(split_sizes, "the size of a part")
    return _cut(x, place, list(itertools.accumulate(numbers[:-1])))


@function(FAMILY, example="chunk(x, 2)[0]")
def chunk(x: Array, chunks: Whole, axis: Whole = 0) -> Value:
    """The array in at most a number of parts of equal size."""
    place = normal_axis(axis, x.ndim)
    size = max(1, math.ceil(x.shape[place] / max(chunks, 1)))
    return _cut(x, place, range(size, x.shape[place], size))


@function(FAMILY, "circshift", example="roll(x, 1)")
def roll(x: Array, shift: Axis, axis: Axis = None) -> Node:
    """The entries moved along an axis, those pushed out at one end entering at the other."""
    if axis is None:
        total = sum(several(shift))
        return reshape_node(_roll(ravel(x), total, 0), x.shape)
    places, shifts = several(axis), several(shift)
    shifts = shifts * len(places) if len(shifts) == 1 else shifts
    if len(places) != len(shifts):
        raise ShapeError("roll needs one shift for each axis")
    for place, amount in zip(places, shifts, strict=True):
        x = _roll(x, amount, normal_axis(place, x.ndim))
    return x


def _roll(x: Node, amount: int, axis: int) -> Node:
    length = x.shape[axis]
    amount = amount % length if length else 0
    if amount == 0:
        return x
    return apply("concatenate", part(x, axis, length - amount, amount), part(x, axis, 0, length - amount), axis=axis)


@function(FAMILY, example="repeat(x, 2, axis=0)")
def repeat(x: Array, *repeats: Any, axis: Any = None, context: Context) -> Node:
    """Every entry repeated in place, along an axis or flattened."""
    if context.is_torch or len(repeats) > 2:
        return tile(x, *repeats, context=context)
    if len(repeats) == 2:
        if not -x.ndim <= context.integer(repeats[1], "an axis") < x.ndim:
            return tile(x, *repeats, context=context)
        axis = repeats[1]
    if axis is None and context.dialect is None and x.ndim == 1:
        context.note("repeat: NumPy's meaning is taken, every entry repeated; PyTorch's is tile")
    return repeat_interleave(x, repeats[0] if repeats else 1, axis, context=context)


@function(FAMILY, example="repeat_interleave(x, 2)")
def repeat_interleave(x: Array, repeats: Any, axis: Any = None, *, context: Context) -> Node:
    """Every entry repeated in place."""
    if axis is None:
        x, axis = ravel(x), 0
    place = normal_axis(context.integer(axis, "axis of repeat"), x.ndim)
    counts = context.integers(repeats, "repeats")
    if len(counts) == 1:
        counts = counts * x.shape[place]
    if len(counts) != x.shape[place] or any(count < 0 for count in counts):
        raise ShapeError(f"repeat needs one count or {x.shape[place]} of them, none negative")
    if len(set(counts)) == 1:
        shape = (*x.shape[: place + 1], counts[0], *x.shape[place + 1 :])
        wide = broadcast_node(reshape_node(x, (*x.shape[: place + 1], 1, *x.shape[place + 1 :])), shape)
        return reshape_node(wide, (*x.shape[:place], x.shape[place] * counts[0], *x.shape[place + 1 :]))
    check_listed(sum(counts), "repeat with a count for every entry")
    index = [position for position, count in enumerate(counts) for _ in range(count)]
    from jaccli.formula.functions.gathering import take

    return take(x, context.array(index), place, context=context)


@function(FAMILY, "repmat", example="tile(x, (2, 1))")
def tile(x: Array, *reps: Any, context: Context) -> Node:
    """The whole array repeated along its axes."""
    counts = read_shape(context, reps)
    rank = max(len(counts), x.ndim)
    counts = (*(1,) * (rank - len(counts)), *counts)
    shape = (*(1,) * (rank - x.ndim), *x.shape)
    apart = reshape_node(x, tuple(n for length in shape for n in (1, length)))
    wide = broadcast_node(apart, tuple(n for pair in zip(counts, shape, strict=True) for n in pair))
    return reshape_node(wide, tuple(c * length for c, length in zip(counts, shape, strict=True)))


@function(FAMILY, example="pad(x, 1)")
def pad(
    x: Array, pad_width: Any, mode: str = "constant", constant_values: Any = 0, value: Any = None, *, context: Context
) -> Node:
    """Entries added at both ends of every axis: constant, edge, reflect, symmetric or wrap."""
    widths = _torch_widths(context, x, pad_width) if context.is_torch else _widths(context, x, pad_width)
    fill = constant_values if value is None else value
    for axis, (before, after) in enumerate(widths):
        cut = [max(-width, 0) for width in (before, after)]  # as PyTorch does where a width is negative
        x = part(x, axis, cut[0], x.shape[axis] - sum(cut)) if any(cut) else x
        before, after = max(before, 0), max(after, 0)
        if before or after:
            x = _pad_axis(context, x, axis, before, after, mode, fill)
    return x


def _widths(context: Context, x: Node, pad_width: Any) -> list[tuple[int, int]]:
    if not isinstance(pad_width, (list, tuple)):
        number = context.integer(pad_width, "pad_width")
        return [(number, number)] * x.ndim
    if all(not isinstance(item, (list, tuple)) for item in pad_width):
        pair = context.integers(pad_width, "pad_width") or (0,)
        pairs = [(pair[0], pair[-1])] * x.ndim
    else:
        numbers = [context.integers(item, "pad_width") or (-1,) for item in pad_width]
        pairs = [(w[0], w[-1]) for w in numbers]
        pairs = pairs * x.ndim if len(pairs) == 1 else pairs
    if len(pairs) != x.ndim or any(width < 0 for pair in pairs for width in pair):
        raise ShapeError(f"pad needs a pair of widths, 0 or more, for each of {x.ndim} axes")
    return pairs


def _torch_widths(context: Context, x: Node, pad_width: Any) -> list[tuple[int, int]]:
    numbers = context.integers(pad_width, "pad")
    pairs = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers) - 1, 2)]
    if len(pairs) > x.ndim:
        raise ShapeError(f"pad has widths for {len(pairs)} axes, and an array of shape {show_shape(x.shape)} has fewer")
    return [(0, 0)] * (x.ndim - len(pairs)) + list(reversed(pairs))


_TORCH_MODES = {"replicate": "edge", "circular": "wrap"}


def _pad_axis(context: Context, x: Node, axis: int, before: int, after: int, mode: str, fill: Any) -> Node:
    length = x.shape[axis]
    mode = _TORCH_MODES.get(mode, mode)
    if mode == "constant":
        value = context.floats(fill) if x.is_float else context.array(fill)
        ends = [broadcast_node(value, (*x.shape[:axis], n, *x.shape[axis + 1 :])) for n in (before, after)]
        return apply("concatenate", ends[0], x, ends[1], axis=axis)
    if length == 0:
        raise ShapeError("an empty axis has no entries to pad with")
    check_listed(before + length + after, f"pad with mode {mode!r}")
    places = [_source(position, length, mode) for position in range(-before, length + after)]
    from jaccli.formula.functions.gathering import take

    return take(x, context.array(places), axis, context=context)


def _source(position: int, length: int, mode: str) -> int:
    if mode == "edge":
        return min(max(position, 0), length - 1)
    if mode == "wrap":
        return position % length
    if mode == "symmetric":
        folded = position % (2 * length)
        return folded if folded < length else 2 * length - 1 - folded
    if mode == "reflect":
        if length == 1:
            return 0
        folded = position % (2 * length - 2)
        return folded if folded < length else 2 * length - 2 - folded
    raise FormulaError(f"unknown mode {mode!r} of pad", hint="the modes are constant, edge, reflect, symmetric, wrap")


@function(FAMILY, example="meshgrid(x, y)[0]")
def meshgrid(*arrays: Any, indexing: str = "xy", sparse: Flag = False, context: Context) -> Value:
    """Coordinates of a grid from the coordinates of its axes."""
    nodes = [context.array(array) for array in arrays]
    rank = len(nodes)
    wide = [reshape_node(node, (1,) * i + (node.size,) + (1,) * (rank - 1 - i)) for i, node in enumerate(nodes)]
    full = tuple(wide) if sparse else broadcast_together(*wide)
    indexing = "ij" if context.is_torch and indexing == "xy" else indexing
    if indexing == "xy" and rank > 1:
        return tuple(swapaxes(node, 0, 1) for node in full)
    return tuple(full)


@function(FAMILY, example="append(x, y)")
def append(x: Array, values: Array, axis: Any = None, *, context: Context) -> Node:
    """An array with another joined at its end."""
    if axis is None:
        return _join([ravel(x), ravel(values)], 0)
    return _join([x, values], context.integer(axis, "axis of append"))


@function(FAMILY, "bmat", example="block([[A, B], [B, A]])")
def block(arrays: Any, *, context: Context) -> Node:
    """A matrix of matrices: rows of blocks side by side, one below the other."""
    return _block(context, arrays, _depth(arrays))


def _depth(arrays: Any) -> int:
    return 1 + max(map(_depth, arrays), default=0) if isinstance(arrays, (list, tuple)) else 0


def _block(context: Context, arrays: Any, rank: int) -> Node:
    if not isinstance(arrays, (list, tuple)):
        node = context.floats(arrays)
        return reshape_node(node, (*(1,) * max(0, rank - node.ndim), *node.shape))
    parts = [_block(context, item, rank) for item in arrays]
    return _join(parts, -_depth(arrays))
