"""Shapes and assembly: reshape, transpose, broadcast, join, split, repeat, flip, diagonals."""

from __future__ import annotations

import itertools
import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.creation import grid
from jaccli.formula.functions.reductions import normal_axes
from jaccli.formula.functions.registry import Array, Arrays, Axis, Whole, function
from jaccli.formula.values import Context, Value, broadcast_together
from jaccli.formula.values import stack as stack_nodes
from jaccli.graph.node import Node, apply, constant, select, show_shape, size_of
from jaccli.graph.node import broadcast_to as broadcast_node
from jaccli.graph.node import reshape as reshape_node
from jaccli.graph.node import transpose as transpose_node
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.shaping import take_slices

FAMILY = "Shape and assembly"


def rows(x: Node) -> list[Node]:
    """The entries of the first axis, one by one."""
    return [_entry(x, 0, position) for position in range(x.shape[0])]


def _entry(x: Node, axis: int, position: int) -> Node:
    return reshape_node(part(x, axis, position, 1), (*x.shape[:axis], *x.shape[axis + 1 :]))


def part(x: Node, axis: int, first: int, count: int, step: int = 1) -> Node:
    """Entries first, first + step, … of one axis."""
    bounds = [(0, length, 1) for length in x.shape]
    bounds[axis] = (first, count, step)
    return take_slices(x, tuple(bounds))


def _shape(context: Context, values: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as one tuple or as separate numbers."""
    if len(values) == 1 and isinstance(values[0], (list, tuple, Node)):
        return context.integers(values[0], "a length of a shape")
    return tuple(context.integer(value, "a length of a shape") for value in values)


@function(FAMILY, "view", example="reshape(x, (2, -1))")
def reshape(x: Array, *shape: Any, context: Context) -> Node:
    """The same entries in C order under another shape; one length may be -1."""
    return _reshape(x, _shape(context, shape))


def _reshape(x: Node, lengths: tuple[int, ...]) -> Node:
    unknown = [axis for axis, length in enumerate(lengths) if length == -1]
    if any(length < -1 for length in lengths) or len(unknown) > 1:
        raise ShapeError(f"{show_shape(lengths)} is no shape", hint="lengths are 0 or more; one may be -1")
    if unknown:
        known = size_of(length for length in lengths if length != -1)
        if known == 0 or x.size % known:
            raise ShapeError(
                f"cannot reshape {show_shape(x.shape)} to {show_shape(lengths)}: {x.size} entries do not fit"
            )
        lengths = tuple(x.size // known if length == -1 else length for length in lengths)
    return apply("reshape", x, shape=lengths)


@function(FAMILY, example="view_as(x, y)")
def view_as(x: Array, y: Array) -> Node:
    """The entries of the first under the shape of the second."""
    return _reshape(x, y.shape)


@function(FAMILY, "vec", example="ravel(x)")
def ravel(x: Array) -> Node:
    """All entries along one axis."""
    return apply("reshape", x, shape=(x.size,))


@function(FAMILY, example="flatten(x)")
def flatten(x: Array, start_dim: Whole = 0, end_dim: Whole = -1) -> Node:
    """Some neighbouring axes merged into one; all of them by default."""
    if x.ndim == 0:
        return ravel(x)
    first, last = normal_axis(start_dim, x.ndim), normal_axis(end_dim, x.ndim)
    merged = size_of(x.shape[first : last + 1])
    return apply("reshape", x, shape=(*x.shape[:first], merged, *x.shape[last + 1 :]))


@function(FAMILY, example="unflatten(x, 0, (2, 2))")
def unflatten(x: Array, axis: Whole, sizes: Any, *, context: Context) -> Node:
    """One axis split into several."""
    one = normal_axis(axis, x.ndim)
    lengths = _shape(context, (sizes,))
    return _reshape(x, (*x.shape[:one], *lengths, *x.shape[one + 1 :]))


@function(FAMILY, "permute_dims", "permute", "permutedims", example="transpose(x, (1, 0))")
def transpose(x: Array, *axes: Any, context: Context) -> Node:
    """The axes in another order; reversed by default."""
    if not axes or axes == (None,):
        return transpose_node(x, tuple(reversed(range(x.ndim))))
    order = _shape(context, axes)
    if len(order) == 2 and len(axes) == 2:
        pair = [normal_axis(axis, x.ndim) for axis in order]
        if context.is_torch:
            return swapaxes(x, *pair)
        if x.ndim == 2 and sorted(pair) == [0, 1]:
            context.note(
                f"transpose({order[0]}, {order[1]}) orders the axes as NumPy does; "
                "PyTorch would swap the two; .T is safe"
            )
    if len(order) == 2 and len(axes) == 2 and x.ndim > 2:
        context.note(f"transpose({order[0]}, {order[1]}) of {x.ndim} axes is PyTorch's: it swaps the two")
        return swapaxes(x, *pair)
    if len(order) != x.ndim:
        raise ShapeError(f"transpose needs an order of all {x.ndim} axes, and {show_shape(order)} is given")
    return apply("transpose", x, permutation=tuple(normal_axis(axis, x.ndim) for axis in order))


@function(FAMILY, "t", name="T", example="x.T")
def transposed(x: Array) -> Node:
    """The axes in reverse order."""
    return transpose_node(x, tuple(reversed(range(x.ndim))))


@function(FAMILY, "matrix_transpose", "adjoint", name="mT", example="x.mT")
def matrix_transposed(x: Array) -> Node:
    """The last two axes swapped."""
    if x.ndim < 2:
        raise ShapeError(f"an array of shape {show_shape(x.shape)} has no last two axes to swap")
    return transpose_node(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@function(FAMILY, "swapdims", example="swapaxes(x, 0, 1)")
def swapaxes(x: Array, axis1: Whole, axis2: Whole) -> Node:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    one, two = normal_axis(axis1, x.ndim), normal_axis(axis2, x.ndim)
    order[one], order[two] = order[two], order[one]
    return transpose_node(x, order)


@function(FAMILY, "movedim", example="moveaxis(x, 0, -1)")
def moveaxis(x: Array, source: Axis, destination: Axis) -> Node:
    """Some axes moved to other places, the rest in order."""
    sources = [normal_axis(axis, x.ndim) for axis in _several(source)]
    destinations = [normal_axis(axis, x.ndim) for axis in _several(destination)]
    if len(sources) != len(destinations) or len(set(sources)) < len(sources) or len(set(destinations)) < len(sources):
        raise ShapeError("moveaxis needs as many places as axes, each once")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return transpose_node(x, order)


def _several(axis: Axis) -> tuple[int, ...]:
    return axis if isinstance(axis, tuple) else () if axis is None else (axis,)


@function(FAMILY, "unsqueeze", example="expand_dims(x, 0)")
def expand_dims(x: Array, axis: Axis) -> Node:
    """New axes of length 1."""
    several = _several(axis)
    rank = x.ndim + len(several)
    places = {normal_axis(one, rank) for one in several}
    lengths = iter(x.shape)
    return reshape_node(x, tuple(1 if place in places else next(lengths) for place in range(rank)))


@function(FAMILY, example="squeeze(x)")
def squeeze(x: Array, axis: Axis = None, *, context: Context) -> Node:
    """Axes of length 1 dropped."""
    axes = [a for a in range(x.ndim) if x.shape[a] == 1] if axis is None else list(normal_axes(axis, x.ndim))
    wrong = [a for a in axes if x.shape[a] != 1]
    if wrong and context.is_torch:
        axes = [a for a in axes if a not in wrong]
    elif wrong:
        raise ShapeError(f"squeeze: axis {wrong[0]} has length {x.shape[wrong[0]]}, not 1")
    return reshape_node(x, tuple(length for a, length in enumerate(x.shape) if a not in axes))


@function(FAMILY, "expand", example="broadcast_to(x, (2, 3))")
def broadcast_to(x: Array, *shape: Any, context: Context) -> Node:
    """The entries repeated along new axes and axes of length 1."""
    lengths = _shape(context, shape)
    offset = len(lengths) - x.ndim
    lengths = tuple(x.shape[a - offset] if length == -1 and a >= offset else length for a, length in enumerate(lengths))
    return apply("broadcast_to", x, shape=lengths)


@function(FAMILY, example="expand_as(x, y)")
def expand_as(x: Array, y: Array) -> Node:
    """The first array broadcast to the shape of the second."""
    return apply("broadcast_to", x, shape=y.shape)


@function(FAMILY, "broadcast_tensors", example="broadcast_arrays(x, y)[0]")
def broadcast_arrays(*arrays: Any, context: Context) -> Value:
    """Arrays broadcast to their common shape."""
    return tuple(broadcast_together(*(context.array(array) for array in arrays)))


@function(FAMILY, "concat", "cat", "hcat", example="concatenate([x, y], axis=0)")
def concatenate(arrays: Arrays, axis: Any = 0, *, context: Context) -> Node:
    """Arrays joined along an axis; axis=None joins them flattened."""
    if not arrays:
        raise ShapeError("there is nothing to join")
    if axis is None:
        return _join([ravel(array) for array in arrays], 0)
    return _join(arrays, context.integer(axis, "axis of concatenate"))


def _join(arrays: list[Node], axis: int) -> Node:
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
    return _join(wide, 0 if wide[0].ndim == 1 else 1)


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
    return tuple(_entry(x, place, position) for position in range(x.shape[place]))


def _cut(x: Node, axis: int, borders: list[int]) -> Value:
    edges = [0, *(min(max(b, 0), x.shape[axis]) for b in borders), x.shape[axis]]
    return tuple(part(x, axis, a, max(b - a, 0)) for a, b in itertools.pairwise(edges))


@function(FAMILY, "array_split", "tensor_split", example="split(x, 2)[0]")
def split(x: Array, indices_or_sections: Any, axis: Whole = 0, *, context: Context) -> Value:
    """The array in a number of parts, or cut at indices, along an axis."""
    place = normal_axis(axis, x.ndim)
    length = x.shape[place]
    parts = context.static(indices_or_sections)
    if isinstance(parts, (list, tuple)):
        numbers = [context.integer(item, "a place to split") for item in parts]
        if context.is_torch and context.prefix == "torch":
            borders = [sum(numbers[: i + 1]) for i in range(len(numbers) - 1)]
            return _cut(x, place, borders)
        return _cut(x, place, numbers)
    number = context.integer(parts, "the number of parts")
    if number < 1:
        raise FormulaError("split needs at least one part")
    if context.is_torch and context.prefix == "torch":
        context.note("split: PyTorch's meaning is taken, parts of that size; NumPy's is the number of parts")
        return _cut(x, place, list(range(number, length, number)))
    small, extra = divmod(length, number)
    borders = [(small + 1) * min(i, extra) + small * max(i - extra, 0) for i in range(1, number)]
    return _cut(x, place, borders)


@function(FAMILY, example="chunk(x, 2)[0]")
def chunk(x: Array, chunks: Whole, axis: Whole = 0) -> Value:
    """The array in at most a number of parts of equal size."""
    place = normal_axis(axis, x.ndim)
    size = max(1, math.ceil(x.shape[place] / max(chunks, 1)))
    return _cut(x, place, list(range(size, x.shape[place], size)))


@function(FAMILY, "reverse", example="flip(x, axis=0)")
def flip(x: Array, axis: Axis = None) -> Node:
    """The entries of an axis in reverse order; of all axes by default."""
    for place in normal_axes(axis, x.ndim):
        x = part(x, place, max(x.shape[place] - 1, 0), x.shape[place], -1)
    return x


@function(FAMILY, example="flipud(x)")
def flipud(x: Array) -> Node:
    """The first axis reversed."""
    return flip(x, 0)


@function(FAMILY, example="fliplr(x)")
def fliplr(x: Array) -> Node:
    """The second axis reversed."""
    return flip(x, 1)


@function(FAMILY, example="rot90(x)")
def rot90(x: Array, k: Whole = 1, axes: Any = (0, 1), *, context: Context) -> Node:
    """The array turned by k quarters in the plane of two axes."""
    first, second = (normal_axis(axis, x.ndim) for axis in context.integers(axes, "axes of rot90"))
    for _ in range(k % 4):
        x = swapaxes(flip(x, second), first, second)
    return x


@function(FAMILY, "circshift", example="roll(x, 1)")
def roll(x: Array, shift: Axis, axis: Axis = None) -> Node:
    """The entries moved along an axis, those pushed out at one end entering at the other."""
    if axis is None:
        total = sum(_several(shift))
        return reshape_node(_roll(ravel(x), total, 0), x.shape)
    places, shifts = _several(axis), _several(shift)
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
    index = [position for position, count in enumerate(counts) for _ in range(count)]
    from jaccli.formula.functions.gathering import take

    return take(x, context.array(index), place, context=context)


@function(FAMILY, "repmat", example="tile(x, (2, 1))")
def tile(x: Array, *reps: Any, context: Context) -> Node:
    """The whole array repeated along its axes."""
    counts = _shape(context, reps)
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
        if before or after:
            x = _pad_axis(context, x, axis, before, after, mode, fill)
    return x


def _widths(context: Context, x: Node, pad_width: Any) -> list[tuple[int, int]]:
    if not isinstance(pad_width, (list, tuple)):
        number = context.integer(pad_width, "pad_width")
        return [(number, number)] * x.ndim
    if all(not isinstance(item, (list, tuple)) for item in pad_width):
        pair = context.integers(pad_width, "pad_width")
        pairs = [(pair[0], pair[-1])] * x.ndim
    else:
        pairs = [(w[0], w[-1]) for w in (context.integers(item, "pad_width") for item in pad_width)]
        pairs = pairs * x.ndim if len(pairs) == 1 else pairs
    if len(pairs) != x.ndim or any(width < 0 for pair in pairs for width in pair):
        raise ShapeError(f"pad needs a pair of widths, 0 or more, for each of {x.ndim} axes")
    return pairs


def _torch_widths(context: Context, x: Node, pad_width: Any) -> list[tuple[int, int]]:
    numbers = context.integers(pad_width, "pad")
    pairs = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers) - 1, 2)]
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


@function(FAMILY, example="diagonal(A)")
def diagonal(x: Array, offset: Whole = 0, axis1: Whole = 0, axis2: Whole = 1) -> Node:
    """The entries of a diagonal of two axes, as a new last axis."""
    if x.ndim < 2:
        raise ShapeError(f"an array of shape {show_shape(x.shape)} has no diagonal; it needs two axes")
    one, two = normal_axis(axis1, x.ndim), normal_axis(axis2, x.ndim)
    if one == two:
        raise ShapeError("a diagonal needs two different axes")
    rest = tuple(axis for axis in range(x.ndim) if axis not in (one, two))
    moved = transpose_node(x, (*rest, one, two))
    height, width = moved.shape[-2:]
    flat = reshape_node(moved, (*moved.shape[:-2], height * width))
    first, count = diagonal_bounds(height, width, offset)
    return part(flat, len(rest), first, count, width + 1)


def diagonal_bounds(height: int, width: int, offset: int) -> tuple[int, int]:
    """Where a diagonal begins in a flattened matrix, and how many entries it has."""
    count = max(0, min(height, width - offset) if offset >= 0 else min(height + offset, width))
    first = (offset if offset >= 0 else -offset * width) if count else 0
    return first, count


@function(FAMILY, example="diag(x)")
def diag(x: Array, k: Whole = 0) -> Node:
    """Of a vector, the matrix with it on a diagonal; of a matrix, its diagonal."""
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag needs a vector or a matrix, and this has shape {show_shape(x.shape)}")
    return diag_embed(x, k)


@function(FAMILY, example="diag_embed(x)")
def diag_embed(x: Array, offset: Whole = 0) -> Node:
    """Matrices with the entries of the last axis on a diagonal."""
    side = x.shape[-1] + abs(offset)
    first, _ = diagonal_bounds(side, side, offset)
    leading = tuple((0, length, 1) for length in x.shape[:-1])
    bounds = (*leading, (first, x.shape[-1], side + 1))
    flat = apply("unslice", x, bounds=bounds, shape=(*x.shape[:-1], side * side))
    return reshape_node(flat, (*x.shape[:-1], side, side))


@function(FAMILY, example="diagflat(x)")
def diagflat(x: Array, k: Whole = 0) -> Node:
    """The matrix with all entries on a diagonal."""
    return diag_embed(ravel(x), k)


@function(FAMILY, "lower_triangular", example="tril(A)")
def tril(x: Array, k: Whole = 0) -> Node:
    """The entries on and below a diagonal, 0 elsewhere."""
    return _triangle(x, k, lower=True)


@function(FAMILY, "upper_triangular", example="triu(A)")
def triu(x: Array, k: Whole = 0) -> Node:
    """The entries on and above a diagonal, 0 elsewhere."""
    return _triangle(x, k, lower=False)


def _triangle(x: Node, k: int, lower: bool) -> Node:
    if x.ndim < 2:
        raise ShapeError(f"a triangle needs a matrix, and this has shape {show_shape(x.shape)}")
    row, column = grid(x.shape[-2], x.shape[-1])
    edge = apply("add", row, constant(k, "int64"))
    inside = apply("less_equal", column, edge) if lower else apply("less_equal", edge, column)
    return select(inside, x, 0 if x.dtype == "int64" else 0.0 if x.is_float else False)


@function(FAMILY, example="meshgrid(x, y)[0]")
def meshgrid(*arrays: Any, indexing: str = "xy", context: Context) -> Value:
    """Coordinates of a grid from the coordinates of its axes."""
    nodes = [context.array(array) for array in arrays]
    rank = len(nodes)
    wide = [reshape_node(node, (1,) * i + (node.size,) + (1,) * (rank - 1 - i)) for i, node in enumerate(nodes)]
    full = broadcast_together(*wide)
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
