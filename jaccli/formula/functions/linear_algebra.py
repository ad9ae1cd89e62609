"""Functions of matrices: trace, determinant, inverse, systems, norms."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.diagonals import diagonal_of
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.reductions import normal_axes, reduce
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, function
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, broadcast_shapes, broadcast_to, cast, constant, reshape, show_shape
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square

FAMILY = "Linear algebra"


@function(FAMILY, "tr", "Trace", example="trace(A)")
def trace(x: Array, offset: Whole = 0, axis1: Any = None, axis2: Any = None, *, context: Context) -> Node:
    """Sum of a diagonal."""
    entries = diagonal_of(x, offset, axis1, axis2, context=context)
    return apply("sum", entries, axes=(entries.ndim - 1,))


@function(
    FAMILY,
    "Determinant",
    kinks="exact at singular matrices: the derivative is the matrix of cofactors",
    example="det(A)",
)
def det(x: Floats) -> Node:
    """Determinant of a square matrix."""
    return apply("det", x)


@function(FAMILY, "inverse", kinks="a singular matrix is an error", example="inv(A)")
def inv(x: Floats) -> Node:
    """Inverse of a square matrix."""
    return apply("inv", x)


@function(FAMILY, "mldivide", "LUsolve", kinks="a singular matrix is an error", example="solve(A, b)")
def solve(
    a: Floats, b: Floats, assume_a: str = "gen", lower: Any = None, left: Flag = True, transposed: Flag = False
) -> Node:
    """The solution x of A @ x = b; of x @ A = b with left=False; with assume_a='pos' by Cholesky's factor."""
    square(a, "solve")
    if transposed:
        a = matrix_transpose(a)
    if not left:
        return matrix_transpose(solve(matrix_transpose(a), matrix_transpose(b), assume_a))
    if assume_a in ("pos", "positive definite"):
        from jaccli.formula.functions.decompositions import cholesky_solve

        columns = reshape(b, (*b.shape, 1)) if b.ndim == 1 else b
        found = cholesky_solve(columns, apply("cholesky", a))
        return reshape(found, found.shape[:-1]) if b.ndim == 1 else found
    vector = b.ndim == 1
    columns = reshape(b, (*b.shape, 1)) if vector else b
    if b.ndim == 0 or columns.shape[-2] != a.shape[-1]:
        raise ShapeError(f"solve: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    stack = broadcast_shapes([a.shape[:-2], columns.shape[:-2]])
    a = broadcast_to(a, (*stack, *a.shape[-2:]))
    columns = broadcast_to(columns, (*stack, *columns.shape[-2:]))
    found = apply("solve", a, columns)
    return reshape(found, found.shape[:-1]) if vector else found


@function(FAMILY, example="matrix_power(A, 3)")
def matrix_power(x: Floats, n: Whole) -> Node:
    """A @ A @ … n times; of the inverse for a negative n."""
    square(x, "matrix_power")
    if n == 0:
        row, column = apply("iota", length=x.shape[-1]), apply("iota", length=x.shape[-1])
        same = apply("equal", reshape(row, (x.shape[-1], 1)), column)
        return broadcast_to(cast(same, x.dtype), x.shape)
    if n < 0:
        x, n = apply("inv", x), -n
    result: Node | None = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        x = matmul(x, x) if n else x
    assert result is not None
    return result


def _order(context: Context, order: Any) -> Any:
    static = context.static(order)
    if isinstance(static, str):
        return {"inf": math.inf, "-inf": -math.inf}.get(static, static)
    if static is None or isinstance(static, (int, float)):
        return static
    raise FormulaError("ord of a norm must be a number, inf, 'fro' or 'nuc'")


_AT_ZERO = "0 at the origin, the smallest element of the subdifferential"


@function(FAMILY, "Norm", kinks=_AT_ZERO, example="norm(x)")
def norm(x: Floats, ord: Any = None, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Value:
    """Length of a vector; of a matrix the Frobenius norm, or the operator norm of that order."""
    order = _order(context, ord)
    if context.is_torch and "linalg" not in context.prefix:
        if order in (None, "fro", 2):
            return reduce("norm", x, axis, keepdims)
        if order != "nuc":
            return entrywise_norm(x, order, axis, keepdims)
    if order is None:
        return reduce("norm", x, axis, keepdims)
    axes = normal_axes(axis, x.ndim)
    if len(axes) == 1:
        return entrywise_norm(x, order, axis, keepdims)
    if len(axes) == 2:
        return matrix_norm(x, order, axes, keepdims, context=context)
    if axis is None and x.ndim == 0:
        return apply("abs", x)
    raise ShapeError(f"norm with ord needs one axis or two, and this array has shape {show_shape(x.shape)}")


@function(FAMILY, kinks=_AT_ZERO, example="vector_norm(x, ord=1)")
def vector_norm(x: Floats, ord: Any = 2, axis: Axis = None, keepdims: Flag = False, *, context: Context) -> Node:
    """Norm of the entries over axes, whatever their shape."""
    return entrywise_norm(x, _order(context, ord), axis, keepdims)


def entrywise_norm(x: Node, order: Any, axis: Axis, keepdims: bool) -> Node:
    """The p-norm of entries."""
    if order is None or order == 2:
        return reduce("norm", x, axis, keepdims)
    if order == 0:
        hit = apply("not_equal", x, constant(0.0, x.dtype))
        return reduce("sum", cast(hit, x.dtype), axis, keepdims)
    sizes = apply("abs", x)
    if order == 1:
        return reduce("sum", sizes, axis, keepdims)
    if order == math.inf:
        return reduce("max", sizes, axis, keepdims)
    if order == -math.inf:
        return reduce("min", sizes, axis, keepdims)
    if not isinstance(order, (int, float)):
        raise FormulaError(f"a vector has no norm of order {order!r}", hint="orders are numbers, inf and -inf")
    powers = apply("power", sizes, constant(float(order), x.dtype))
    if 0 < order < 1:
        powers = apply("where", apply("equal", x, constant(0.0, x.dtype)), constant(0.0, x.dtype), powers)
    total = reduce("sum", powers, axis, keepdims)
    zero = apply("equal", total, constant(0.0, x.dtype))
    safe = apply("where", zero, constant(1.0, x.dtype), total)
    root = apply("power", safe, constant(1.0 / float(order), x.dtype))
    return apply("where", zero, constant(0.0, x.dtype), root)


@function(FAMILY, kinks=_AT_ZERO, example="matrix_norm(A)")
def matrix_norm(x: Floats, ord: Any = "fro", axis: Any = (-2, -1), keepdims: Flag = False, *, context: Context) -> Node:
    """Norm of matrices: 'fro', 1, -1, inf, -inf; 2, -2 and 'nuc' by singular values."""
    order = _order(context, ord)
    several = context.integers(axis, "axis of matrix_norm")
    if x.ndim < 2 or len(several) != 2:
        raise ShapeError(f"matrix_norm needs a matrix and two axes, and this has shape {show_shape(x.shape)}")
    if order in (None, "fro", "f"):
        return reduce("norm", x, several, keepdims)
    row, column = (normal_axis(one, x.ndim) for one in several)
    sizes = apply("abs", x)
    if order in (1, -1, math.inf, -math.inf):
        summed, best = (row, column) if abs(order) == 1 else (column, row)
        lengths = reduce("sum", sizes, summed, True)
        extreme = reduce("max" if order > 0 else "min", lengths, best, True)
        return (
            extreme if keepdims else reshape(extreme, tuple(n for a, n in enumerate(x.shape) if a not in (row, column)))
        )
    from jaccli.formula.functions.decompositions import spectral_norm

    return spectral_norm(x, order, (row, column), keepdims)
