"""Shapes: reshape, transpose, broadcast, axes added, dropped and turned round."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.reductions import normal_axes
from jaccli.formula.functions.registry import Array, Axis, Whole, function
from jaccli.formula.limits import check_pieces
from jaccli.formula.values import Context, Value, broadcast_together
from jaccli.graph.node import Node, apply, show_shape, size_of
from jaccli.graph.node import reshape as reshape_node
from jaccli.graph.node import transpose as transpose_node
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.shaping import take_slices

FAMILY = "Shape and assembly"


def rows(x: Node) -> list[Node]:
    """The entries of the first axis, one by one."""
    if not x.ndim:
        raise ShapeError("a single number has no rows")
    return [entry(x, 0, position) for position in range(check_pieces(x.shape[0], "an array taken as its rows"))]


def entry(x: Node, axis: int, position: int) -> Node:
    """One entry of an axis, the axis dropped."""
    return reshape_node(part(x, axis, position, 1), (*x.shape[:axis], *x.shape[axis + 1 :]))


def part(x: Node, axis: int, first: int, count: int, step: int = 1) -> Node:
    """Entries first, first + step, … of one axis."""
    if axis >= x.ndim:
        raise ShapeError(f"an array of shape {show_shape(x.shape)} has no axis {axis} to take a part of")
    bounds = [(0, length, 1) for length in x.shape]
    bounds[axis] = (first, count, step)
    return take_slices(x, tuple(bounds))


def read_shape(context: Context, values: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as one tuple or as separate numbers."""
    if len(values) == 1 and isinstance(values[0], (list, tuple, Node)):
        return context.integers(values[0], "a length of a shape")
    return tuple(context.integer(value, "a length of a shape") for value in values)


@function(FAMILY, "view", example="reshape(x, (2, -1))")
def reshape(x: Array, *shape: Any, context: Context) -> Node:
    """The same entries in C order under another shape; one length may be -1."""
    return _reshape(x, read_shape(context, shape))


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


@function(FAMILY, "reshape_as", example="view_as(x, y)")
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


@function(FAMILY, "Unflatten", example="unflatten(x, 0, (2, 2))")
def unflatten(x: Array, axis: Whole, sizes: Any, *, context: Context) -> Node:
    """One axis split into several."""
    one = normal_axis(axis, x.ndim)
    lengths = read_shape(context, (sizes,))
    return _reshape(x, (*x.shape[:one], *lengths, *x.shape[one + 1 :]))


@function(FAMILY, "permute_dims", "permute", "permutedims", example="transpose(x, (1, 0))")
def transpose(x: Array, *axes: Any, context: Context) -> Node:
    """The axes in another order; reversed by default."""
    if not axes or axes == (None,):
        return transpose_node(x, tuple(reversed(range(x.ndim))))
    order = read_shape(context, axes)
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
    sources = [normal_axis(axis, x.ndim) for axis in several(source)]
    destinations = [normal_axis(axis, x.ndim) for axis in several(destination)]
    if len(sources) != len(destinations) or len(set(sources)) < len(sources) or len(set(destinations)) < len(sources):
        raise ShapeError("moveaxis needs as many places as axes, each once")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return transpose_node(x, order)


def several(axis: Axis) -> tuple[int, ...]:
    """None, one axis or more, as a tuple."""
    return axis if isinstance(axis, tuple) else () if axis is None else (axis,)


@function(FAMILY, "unsqueeze", example="expand_dims(x, 0)")
def expand_dims(x: Array, axis: Axis) -> Node:
    """New axes of length 1."""
    axes = several(axis)
    rank = x.ndim + len(axes)
    places = normal_axes(axes, rank)
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
    lengths = read_shape(context, shape)
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
    plane = context.integers(axes, "axes of rot90")
    if len(plane) != 2:
        raise FormulaError(f"rot90 turns in the plane of two axes, not {len(plane)}", hint="write axes=(0, 1)")
    first, second = (normal_axis(axis, x.ndim) for axis in plane)
    for _ in range(k % 4):
        x = swapaxes(flip(x, second), first, second)
    return x
