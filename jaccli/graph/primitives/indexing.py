"""Gather and scatter by integer arrays.

Every integer-array index of the language becomes one `take` along the first axis: several indexed axes are
merged into one, and their indices into one flat index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.errors import FormulaError, OutOfRangeError, ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, size_of, transpose
from jaccli.graph.primitive import Case, Prepared, Primitive, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)


def _check_index(index: Any, size: int, axis: int) -> Any:
    # A negative number is a large one without its sign.
    if np.logical_and.reduce(np.asarray(index, np.int64).view(np.uint64) < size, axis=None):
        return index
    wrong = (index < -size) | (index >= size)
    if np.any(wrong):
        first = int(np.asarray(index)[wrong][0]) if np.ndim(index) else int(index)
        raise OutOfRangeError(
            f"index {first} is out of range for axis {axis} with {size} entries",
            hint=f"indices run from {-size} to {size - 1}" if size else "the axis is empty",
        )
    return np.where(index < 0, index + size, index)


def _checked_shape(index: Node, size: int, axis: int) -> tuple[Shape, DType]:
    if index.is_float:
        raise FormulaError("an index must be whole numbers", hint="give integers, with int:, as in --i int:3")
    return index.shape, "int64"


register(
    Primitive(
        "check_index",
        "Indices counted from the front; one out of range is an error.",
        _checked_shape,
        _check_index,
        None,
        "elementwise",
        cases=(Case(((3,),), (4,), {"size": 4, "axis": 0}),),
    )
)


def _take_shape(x: Node, index: Node) -> tuple[Shape, DType]:
    if index.is_float:
        raise FormulaError("an index must be whole numbers", hint="give integers, with int:, as in --i int:3")
    if not x.ndim:
        raise ShapeError("a single number has no entries to choose")
    if index.size and not x.shape[0]:
        raise OutOfRangeError("an empty axis has no entries to choose")
    return (*index.shape, *x.shape[1:]), x.dtype


def _take_pullback(position: int, g: Node, node: Node) -> Node:
    return apply("scatter_add", g, node.args[1], size=node.args[0].shape[0])


def _take_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    x, index = args
    if batched[1]:
        raise TypeError("an index array never carries a batch of cotangents")
    rank = index.ndim
    moved = apply("take", transpose(x, (1, 0, *range(2, x.ndim))), index)
    return transpose(moved, (rank, *range(rank), *range(rank + 1, moved.ndim)))


register(
    Primitive(
        "take",
        "The entries of the first axis at an array of indices.",
        _take_shape,
        Prepared(lambda x, index: np.take(x, index, axis=0), lambda node: lambda x, index: x.take(index, axis=0)),
        _take_pullback,
        "moves",
        batch=_take_batch,
        structural=True,
        differentiable=(True, False),
        cases=(
            Case(((4,), (3,)), (ANY, 4)),
            Case(((3, 2), (2, 2)), (ANY, 3)),
            Case(((3, 2), ()), (ANY, 3)),
            Case(((3, 2), (0,)), (ANY, 3)),
        ),
    )
)


def _scatter_add(x: Any, index: Any, size: int) -> Any:
    rest = x.shape[np.ndim(index) :]
    columns = size_of(rest)
    flat = np.ravel(index)
    if columns != 1:
        flat = (flat[:, None] * columns + np.arange(columns)).ravel()
    entries = np.ravel(x)
    if x.dtype == bool:
        hit = np.zeros(size * columns, bool)
        hit[flat[entries]] = True
        return hit.reshape((size, *rest))
    summed = np.bincount(flat, weights=entries, minlength=size * columns)
    return summed.astype(x.dtype, copy=False).reshape((size, *rest))


def _scatter_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    x, index = args
    rank = index.ndim
    moved = transpose(x, (*range(1, rank + 1), 0, *range(rank + 1, x.ndim)))
    scattered = apply("scatter_add", moved, index, size=node.params["size"])
    return transpose(scattered, (1, 0, *range(2, scattered.ndim)))


def _scatter_shape(x: Node, index: Node, size: int) -> tuple[Shape, DType]:
    return (size, *x.shape[index.ndim :]), x.dtype


register(
    Primitive(
        "scatter_add",
        "Entries added up at an array of indices along the first axis.",
        _scatter_shape,
        _scatter_add,
        lambda position, g, node: apply("take", g, node.args[1]),
        "scatters",
        batch=_scatter_batch,
        structural=True,
        differentiable=(True, False),
        cases=(
            Case(((3,), (3,)), (ANY, 4), {"size": 4}),
            Case(((2, 2, 3), (2, 2)), (ANY, 3), {"size": 3}),
            Case(((0, 2), (0,)), (ANY, 1), {"size": 2}),
        ),
    )
)
