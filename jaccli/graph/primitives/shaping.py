"""Moving entries without computing: reshape, transpose, broadcast, slices, joining.

Each row's pullback moves cotangents back, and serves boolean masks as well: on booleans `sum` means "any".
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.errors import ShapeError
from jaccli.graph.node import (
    DType,
    Node,
    Shape,
    apply,
    broadcast_shapes,
    broadcast_to,
    promote,
    reshape,
    show_shape,
    size_of,
    sum_to,
    transpose,
)
from jaccli.graph.primitive import Case, Prepared, Primitive, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
_FEW = 4096  # entries that are copied sooner than a view is made
Bounds = tuple[int, int, int]
"""(first, count, step) of the entries that a slice takes along one axis."""


def _reshape_shape(x: Node, shape: Shape) -> tuple[Shape, DType]:
    if min(shape, default=0) < 0:
        raise ShapeError(f"{show_shape(shape)} is no shape")
    if x.size != size_of(shape):
        raise ShapeError(
            f"cannot reshape {show_shape(x.shape)} to {show_shape(shape)}: "
            f"{x.size} entries do not fill {size_of(shape)}"
        )
    return shape, x.dtype


register(
    Primitive(
        "reshape",
        "The same entries in C order under another shape.",
        _reshape_shape,
        Prepared(lambda x, shape: np.reshape(x, shape), lambda node: lambda x: x.reshape(node.shape)),
        lambda index, g, node: reshape(g, node.args[0].shape),
        "moves",
        batch=lambda node, args, batched, size: reshape(args[0], (size, *node.shape)),
        structural=True,
        cases=(Case(((2, 3),), (ANY,), {"shape": (3, 2)}), Case(((2, 0),), (ANY,), {"shape": (0, 5)})),
    )
)


def _transpose_shape(x: Node, permutation: tuple[int, ...]) -> tuple[Shape, DType]:
    if sorted(permutation) != list(range(x.ndim)):
        raise ShapeError(
            f"{show_shape(permutation)} is no order of the axes of an array of shape {show_shape(x.shape)}"
        )
    return tuple(x.shape[axis] for axis in permutation), x.dtype


def _transposed(node: Node) -> Callable[[Any], Any]:
    permutation = node.params["permutation"]
    return lambda x: x.transpose(permutation)


def _inverse(permutation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(permutation.index(axis) for axis in range(len(permutation)))


register(
    Primitive(
        "transpose",
        "The axes in another order.",
        _transpose_shape,
        Prepared(lambda x, permutation: np.transpose(x, permutation), _transposed),
        lambda index, g, node: transpose(g, _inverse(node.params["permutation"])),
        "moves",
        batch=lambda node, args, batched, size: transpose(args[0], (0, *(a + 1 for a in node.params["permutation"]))),
        structural=True,
        cases=(
            Case(((2, 3),), (ANY,), {"permutation": (1, 0)}),
            Case(((2, 1, 3),), (ANY,), {"permutation": (1, 2, 0)}),
        ),
    )
)


def _broadcast_shape(x: Node, shape: Shape) -> tuple[Shape, DType]:
    if any(length < 0 for length in shape) or len(shape) < x.ndim or broadcast_shapes([x.shape, shape]) != tuple(shape):
        raise ShapeError(f"an array of shape {show_shape(x.shape)} does not broadcast to {show_shape(shape)}")
    return shape, x.dtype


def _spread(node: Node) -> Callable[[Any], Any]:
    shape, dtype = node.shape, node.dtype
    if node.size > _FEW:
        return lambda x: np.broadcast_to(x, shape)

    def copied(x: Any) -> Any:
        whole = np.empty(shape, dtype)
        whole[...] = x
        return whole

    return copied


def _broadcast_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    argument = args[0]
    padding = (1,) * (node.ndim - (argument.ndim - 1))
    return broadcast_to(reshape(argument, (size, *padding, *argument.shape[1:])), (size, *node.shape))


register(
    Primitive(
        "broadcast_to",
        "The entries repeated along new axes and axes of length 1.",
        _broadcast_shape,
        Prepared(lambda x, shape: np.broadcast_to(x, shape), _spread),
        lambda index, g, node: sum_to(g, node.args[0].shape),
        "moves",
        batch=_broadcast_batch,
        structural=True,
        cases=(
            Case(((3,),), (ANY,), {"shape": (2, 3)}),
            Case(((2, 1),), (ANY,), {"shape": (4, 2, 3)}),
            Case(((),), (ANY,), {"shape": (0, 2)}),
        ),
    )
)


def take_slices(node: Node, bounds: tuple[Bounds, ...]) -> Node:
    """The entries first, first + step, … of every axis; the node itself where all are taken in order."""
    whole = tuple((0, length, 1) for length in node.shape)
    return node if tuple(bounds) == whole else apply("slice", node, bounds=tuple(bounds))


def _slice_shape(x: Node, bounds: tuple[Bounds, ...]) -> tuple[Shape, DType]:
    if len(bounds) != x.ndim:
        raise ShapeError(
            f"an array of shape {show_shape(x.shape)} has other than {len(bounds)} axes to take entries of"
        )
    for length, (first, count, step) in zip(x.shape, bounds, strict=True):
        if count < 0 or (count and not (0 <= first < length and 0 <= first + (count - 1) * step < length)):
            raise ShapeError(f"{count} entries from {first} on, {step} apart, are not on an axis of {length}")
    return tuple(count for _, count, _ in bounds), x.dtype


def numpy_slices(bounds: tuple[Bounds, ...]) -> tuple[slice, ...]:
    """The same entries as Python slices."""
    slices = []
    for first, count, step in bounds:
        stop: int | None = first + count * step
        slices.append(slice(first, None if stop is not None and stop < 0 else stop, step) if count else slice(0, 0))
    return tuple(slices)


def _slicer(node: Node) -> Callable[[Any], Any]:
    index = numpy_slices(node.params["bounds"])
    return lambda x: x[index]


register(
    Primitive(
        "slice",
        "Some entries of every axis, evenly spaced.",
        _slice_shape,
        Prepared(lambda x, bounds: x[numpy_slices(bounds)], _slicer),
        lambda index, g, node: apply("unslice", g, bounds=node.params["bounds"], shape=node.args[0].shape),
        "moves",
        batch=lambda node, args, batched, size: take_slices(args[0], ((0, size, 1), *node.params["bounds"])),
        structural=True,
        cases=(
            Case(((5,),), (ANY,), {"bounds": ((1, 2, 2),)}),
            Case(((4, 3),), (ANY,), {"bounds": ((3, 4, -1), (1, 1, 1))}),
            Case(((2, 3),), (ANY,), {"bounds": ((0, 0, 1), (0, 3, 1))}),
        ),
    )
)


def _unslice_shape(x: Node, bounds: tuple[Bounds, ...], shape: Shape) -> tuple[Shape, DType]:
    counts = tuple(count for _, count, _ in bounds)
    if len(bounds) != len(shape) or counts != x.shape:
        raise ShapeError(f"{show_shape(x.shape)} entries do not fit the places that were sliced")
    for length, (first, count, step) in zip(shape, bounds, strict=True):
        if count and not (0 <= first < length and 0 <= first + (count - 1) * step < length):
            raise ShapeError(f"{count} entries from {first} on, {step} apart, are not on an axis of {length}")
    return shape, x.dtype


def _unslice(x: Any, bounds: tuple[Bounds, ...], shape: Shape) -> Any:
    whole = np.zeros(shape, x.dtype)
    whole[numpy_slices(bounds)] = x
    return whole


def _unslicer(node: Node) -> Callable[[Any], Any]:
    index, shape, dtype = numpy_slices(node.params["bounds"]), node.shape, node.dtype

    def unslice(x: Any) -> Any:
        whole = np.zeros(shape, dtype)
        whole[index] = x
        return whole

    return unslice


def _unslice_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    bounds = ((0, size, 1), *node.params["bounds"])
    return apply("unslice", args[0], bounds=bounds, shape=(size, *node.params["shape"]))


register(
    Primitive(
        "unslice",
        "Entries put back where a slice took them from, 0 elsewhere.",
        _unslice_shape,
        Prepared(_unslice, _unslicer),
        lambda index, g, node: take_slices(g, node.params["bounds"]),
        "moves",
        batch=_unslice_batch,
        structural=True,
        cases=(
            Case(((2,),), (ANY,), {"bounds": ((1, 2, 2),), "shape": (5,)}),
            Case(((3, 2),), (ANY,), {"bounds": ((2, 3, -1), (0, 2, 1)), "shape": (4, 3)}),
        ),
    )
)


def _concatenate_shape(*args: Node, axis: int) -> tuple[Shape, DType]:
    first = args[0].shape
    if not 0 <= axis < len(first):
        raise ShapeError(f"an array of shape {show_shape(first)} has no axis {axis} to be joined along")
    for argument in args[1:]:
        others_match = len(argument.shape) == len(first) and all(
            i == axis or a == b for i, (a, b) in enumerate(zip(argument.shape, first, strict=True))
        )
        if not others_match:
            raise ShapeError(
                f"cannot join {show_shape(first)} and {show_shape(argument.shape)} along axis {axis}",
                hint="all other axes must be equal",
            )
    total = sum(argument.shape[axis] for argument in args)
    return (*first[:axis], total, *first[axis + 1 :]), promote(argument.dtype for argument in args)


def _joiner(node: Node) -> Callable[..., Any]:
    axis, join = node.params["axis"], np.concatenate
    return lambda *arrays: join(arrays, axis)


def _concatenate_pullback(index: int, g: Node, node: Node) -> Node:
    axis = node.params["axis"]
    bounds = [(0, length, 1) for length in g.shape]
    bounds[axis] = (_beginnings(node)[index], node.args[index].shape[axis], 1)
    return take_slices(g, tuple(bounds))


@functools.lru_cache(maxsize=2)
def _beginnings(node: Node) -> list[int]:
    """Where each argument begins; it is asked for every argument in turn, and there may be many thousand."""
    return [0, *itertools.accumulate(argument.shape[node.params["axis"]] for argument in node.args)]


def _concatenate_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    carried = [
        argument if carries else broadcast_to(argument, (size, *argument.shape))
        for argument, carries in zip(args, batched, strict=True)
    ]
    return apply("concatenate", *carried, axis=node.params["axis"] + 1)


register(
    Primitive(
        "concatenate",
        "Arrays joined along an axis.",
        _concatenate_shape,
        Prepared(lambda *arrays, axis: np.concatenate(arrays, axis), _joiner),
        _concatenate_pullback,
        "moves",
        batch=_concatenate_batch,
        structural=True,
        cases=(
            Case(((2,), (3,)), (ANY, ANY), {"axis": 0}),
            Case(((2, 1), (2, 0), (2, 2)), (ANY, ANY, ANY), {"axis": 1}),
        ),
    )
)
