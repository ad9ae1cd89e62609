"""Functions of a matrix, matrices with a structure, and linear equations for tensors."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.linear_algebra import FAMILY
from jaccli.formula.functions.registry import Array, Floats, Whole, function
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, cast, constant, promote, reshape, show_shape, size_of, transpose
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.linear_algebra import square


@function(FAMILY, "matrix_exp", example="expm(A)")
def expm(x: Floats) -> Node:
    """Exponential of a matrix."""
    return apply("expm", x)


@function(FAMILY, kinks="a matrix without a real logarithm is an error", example="logm(A)")
def logm(x: Floats) -> Node:
    """Principal logarithm of a matrix."""
    return apply("logm", x)


@function(FAMILY, kinks="a matrix without a real root is an error", example="sqrtm(A)")
def sqrtm(x: Floats) -> Node:
    """Principal square root of a matrix."""
    return apply("sqrtm", x)


@function(FAMILY, "sylvester", kinks="an error where A and -B share an eigenvalue", example="solve_sylvester(A, B, Q)")
def solve_sylvester(a: Floats, b: Floats, q: Floats) -> Node:
    """The solution X of A @ X + X @ B = Q."""
    return apply("sylvester", a, b, q)


@function(FAMILY, "solve_continuous_lyapunov", example="solve_lyapunov(A, Q)")
def solve_lyapunov(a: Floats, q: Floats) -> Node:
    """The solution X of A @ X + X @ A.T = Q."""
    order = (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)
    return apply("sylvester", a, transpose(a, order), q)


@function(FAMILY, example="block_diag(A, B)")
def block_diag(*arrays: Any, context: Context) -> Node:
    """Matrices along the diagonal, zeros elsewhere."""
    items = arrays[0] if len(arrays) == 1 and isinstance(arrays[0], (list, tuple)) else arrays
    nodes = [context.array(item) for item in items]
    common = promote(node.dtype for node in nodes) if nodes else "float64"
    blocks = [cast(node if node.ndim == 2 else reshape(node, (1, node.size)), common) for node in nodes]
    if not blocks:
        raise FormulaError("block_diag needs at least one matrix")
    shape = (sum(one.shape[0] for one in blocks), sum(one.shape[1] for one in blocks))
    total: Node | None = None
    top = left = 0
    for one in blocks:
        bounds = ((top, one.shape[0], 1), (left, one.shape[1], 1))
        placed = apply("unslice", one, bounds=bounds, shape=shape)
        total = placed if total is None else apply("add", total, placed)
        top, left = top + one.shape[0], left + one.shape[1]
    assert total is not None
    return total


def _banded(context: Context, entries: Node, rows: int, columns: int, first: Node, step: int) -> Node:
    """entries[first + column + step*row] as a matrix."""
    row = reshape(apply("iota", length=rows), (rows, 1))
    places = apply("add", first, apply("iota", length=columns))
    return apply("take", entries, apply("add", places, apply("multiply", row, constant(step, "int64"))))


def _reversed(x: Node) -> Node:
    return apply("slice", x, bounds=((x.size - 1, x.size, -1),)) if x.size else x


@function(FAMILY, example="toeplitz(x)")
def toeplitz(c: Array, r: Any = None, *, context: Context) -> Node:
    """The matrix with constant diagonals, its first column c and its first row r (c by default)."""
    column = reshape(c, (c.size,))
    line = column if r is None else context.array(r)
    line = reshape(line, (line.size,))
    rest = apply("slice", line, bounds=((min(1, line.size), max(line.size - 1, 0), 1),))
    common = promote((column.dtype, line.dtype))
    entries = apply("concatenate", cast(_reversed(column), common), cast(rest, common), axis=0)
    return _banded(context, entries, column.size, line.size, constant(column.size - 1, "int64"), -1)


@function(FAMILY, example="hankel(x)")
def hankel(c: Array, r: Any = None, *, context: Context) -> Node:
    """The matrix with constant anti-diagonals, its first column c and its last row r (zeros by default)."""
    column = reshape(c, (c.size,))
    if r is None:
        line = apply("multiply", column, constant(0.0 if column.is_float else 0, column.dtype))
    else:
        line = reshape(context.array(r), (context.array(r).size,))
    rest = apply("slice", line, bounds=((min(1, line.size), max(line.size - 1, 0), 1),))
    common = promote((column.dtype, line.dtype))
    entries = apply("concatenate", cast(column, common), cast(rest, common), axis=0)
    return _banded(context, entries, column.size, line.size, constant(0, "int64"), 1)


@function(FAMILY, example="circulant(x)")
def circulant(c: Array, *, context: Context) -> Node:
    """The matrix whose columns are c, each turned by one more place."""
    column = reshape(c, (c.size,))
    entries = apply("concatenate", _reversed(column), _reversed(column), axis=0)
    return _banded(context, entries, column.size, column.size, constant(column.size - 1, "int64"), -1)


@function(FAMILY, example="companion([1, -3, 2])")
def companion(a: Floats) -> Node:
    """The matrix whose eigenvalues are the roots of a polynomial, the highest power first."""
    if a.ndim != 1 or a.size < 2:
        raise ShapeError("companion needs at least two coefficients")
    count = a.size - 1
    lead = apply("slice", a, bounds=((0, 1, 1),))
    rest = apply("slice", a, bounds=((1, count, 1),))
    top = reshape(apply("negative", apply("divide", rest, lead)), (1, count))
    below = apply("equal", reshape(apply("iota", length=count - 1), (count - 1, 1)), apply("iota", length=count))
    return apply("concatenate", top, cast(below, a.dtype), axis=0)


@function(FAMILY, kinks="a singular system is an error", example="tensorsolve(A, b)")
def tensorsolve(a: Floats, b: Floats, axes: Any = None, *, context: Context) -> Node:
    """The tensor x with tensordot(a, x, x.ndim) = b."""
    if axes is not None:
        moved = [normal_axis(axis, a.ndim) for axis in context.integers(axes, "axes of tensorsolve")]
        a = transpose(a, (*(axis for axis in range(a.ndim) if axis not in moved), *moved))
    shape = a.shape[b.ndim :]
    count = size_of(shape)
    if a.shape[: b.ndim] != b.shape or count != b.size:
        raise ShapeError(f"tensorsolve: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    found = apply("solve", reshape(a, (count, count)), reshape(b, (count, 1)))
    return reshape(found, shape)


@function(FAMILY, kinks="a singular tensor is an error", example="tensorinv(A, ind=1)")
def tensorinv(a: Floats, ind: Whole = 2) -> Node:
    """The inverse of a tensor as a map from its last axes to its first `ind`."""
    first, last = a.shape[:ind], a.shape[ind:]
    count = size_of(first)
    if count != size_of(last):
        raise ShapeError(f"tensorinv: a tensor of shape {show_shape(a.shape)} is no square map with ind={ind}")
    flat = reshape(a, (count, count))
    square(flat, "tensorinv")
    return reshape(apply("inv", flat), (*last, *first))
