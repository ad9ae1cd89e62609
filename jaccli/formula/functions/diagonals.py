"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

from jaccli.errors import ShapeError
from jaccli.formula.functions.creation import grid
from jaccli.formula.functions.registry import Array, Whole, function
from jaccli.formula.functions.shaping import moveaxis, part, ravel
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, constant, select, show_shape
from jaccli.graph.node import reshape as reshape_node
from jaccli.graph.node import transpose as transpose_node
from jaccli.graph.primitive import normal_axis

FAMILY = "Shape and assembly"


@function(FAMILY, name="diagonal", example="diagonal(A)")
def diagonal_of(x: Array, offset: Whole = 0, axis1: Any = None, axis2: Any = None, *, context: Context) -> Node:
    """The entries of a diagonal of two axes, as a new last axis: the first two axes; the last two under linalg."""
    first, second = (-2, -1) if context.prefix.endswith("linalg") else (0, 1)
    return diagonal(
        x,
        offset,
        first if axis1 is None else context.integer(axis1, "axis1"),
        second if axis2 is None else context.integer(axis2, "axis2"),
    )


def diagonal(x: Node, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
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


@function(FAMILY, name="diag_embed", example="diag_embed(x)")
def diagonal_matrices(x: Array, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1) -> Node:
    """Matrices, on two new axes, with the entries of the last axis on a diagonal."""
    return moveaxis(diag_embed(x, offset), (-2, -1), (dim1, dim2))


def diag_embed(x: Node, offset: int = 0) -> Node:
    """Matrices with the entries of the last axis on a diagonal."""
    if x.ndim == 0:
        raise ShapeError("diag_embed needs a vector, and this is a number")
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
