"""Factorisations, determinants and inverses of matrices, on the last two axes.

Derivatives are written with the rows themselves, so they can be differentiated again. Sources: M. Giles, Collected
matrix derivative results for forward and reverse mode (2008); I. Murray, Differentiation of the Cholesky
decomposition (2016); G. Golub and V. Pereyra, The differentiation of pseudo-inverses (1973).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError, ShapeError
from jaccli.graph.node import (
    DType,
    Node,
    Shape,
    apply,
    broadcast_to,
    cast,
    filled,
    reshape,
    select,
    show_shape,
    size_of,
    transpose,
)
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.clusters import carry
from jaccli.graph.primitives.contraction import matmul
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square
from jaccli.graph.primitives.shaping import take_slices
from jaccli.graph.primitives.spectral import symmetric
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
    from scipy import linalg
else:
    np = lazy("numpy")
    linalg = lazy("scipy.linalg")

_REGULAR = (0.5, 2.0)


def same_square(what: str) -> Callable[..., tuple[Shape, DType]]:
    """The shape rule of a function from square matrices to matrices of the same shape."""

    def rule(x: Node, **params: Any) -> tuple[Shape, DType]:
        square(x, what)
        return x.shape, x.dtype

    return rule


def each_matrix(function: Callable[..., Any], *arrays: Any) -> Any:
    """A function of matrices for every matrix of a stack."""
    lead = arrays[0].shape[:-2]
    if not lead:
        return np.asarray(function(*arrays), arrays[0].dtype)
    stacks = [array.reshape(size_of(lead), *array.shape[-2:]) for array in arrays]
    results = [np.asarray(function(*matrices), arrays[0].dtype) for matrices in zip(*stacks, strict=True)]
    shape = results[0].shape if results else arrays[-1].shape[-2:]
    return np.array(results, arrays[0].dtype).reshape(*lead, *shape)


def triangle(shape: Shape, dtype: DType, lower: bool, diagonal: float) -> Node:
    """Ones strictly below (or above) the diagonal, `diagonal` on it, zeros elsewhere."""
    row = reshape(apply("iota", length=shape[-2]), (shape[-2], 1))
    column = reshape(apply("iota", length=shape[-1]), (1, shape[-1]))
    strict = cast(apply("less", column, row) if lower else apply("less", row, column), dtype)
    return select(apply("equal", row, column), filled((), diagonal, dtype), strict)


def block(x: Node, rows: tuple[int, int], columns: tuple[int, int]) -> Node:
    """Rows first to last and columns first to last of each matrix, the last not included."""
    lead = tuple((0, length, 1) for length in x.shape[:-2])
    bounds = ((rows[0], rows[1] - rows[0], 1), (columns[0], columns[1] - columns[0], 1))
    return take_slices(x, (*lead, *bounds))


# Cholesky, and systems with a triangular matrix


def _cholesky(x: Any) -> Any:
    try:
        return np.linalg.cholesky(symmetric(x))
    except np.linalg.LinAlgError as error:
        raise NumbersError("cholesky: the matrix is not positive definite, so it has no such factor") from error


def _cholesky_pullback(index: int, g: Node, node: Node) -> Node:
    inner = matmul(matrix_transpose(node), g) * triangle(node.shape, node.dtype, True, 0.5)
    half = triangular(node, inner, lower=True, transposed=True)
    full = matrix_transpose(triangular(node, matrix_transpose(half), lower=True, transposed=True))
    return 0.5 * (full + matrix_transpose(full))


register(
    Primitive(
        "cholesky",
        "The lower triangular factor L of a positive definite matrix, L @ L.T.",
        same_square("cholesky"),
        _cholesky,
        _cholesky_pullback,
        "matrices",
        batch=carry,
        cases=(Case(((1, 1),), (_REGULAR,)),),
        kinks="only the symmetric part of the matrix counts; one that is not positive definite is an error",
    )
)


def triangular(a: Node, b: Node, *, lower: bool, transposed: bool = False, unit: bool = False) -> Node:
    """The solution of a @ x = b (or a.T @ x = b), of which only one triangle is read."""
    return apply("solve_triangular", a, b, lower=lower, transposed=transposed, unit=unit)


def _triangular_shape(a: Node, b: Node, lower: bool, transposed: bool, unit: bool) -> tuple[Shape, DType]:
    square(a, "solve_triangular")
    if a.shape[:-1] != b.shape[:-1]:
        raise ShapeError(f"solve_triangular: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    return b.shape, b.dtype


def _triangular(a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    def solve(matrix: Any, right: Any) -> Any:
        if 0 in right.shape:
            return right
        return linalg.solve_triangular(
            matrix, right, lower=lower, trans=int(transposed), unit_diagonal=unit, check_finite=False
        )

    try:
        return each_matrix(solve, a, b)
    except np.linalg.LinAlgError as error:
        raise NumbersError("solve_triangular: the matrix has a 0 on its diagonal, so there is no answer") from error


def _triangular_pullback(index: int, g: Node, node: Node) -> Node:
    params = dict(node.params)
    back = apply("solve_triangular", node.args[0], g, **params | {"transposed": not params["transposed"]})
    if index == 1:
        return back
    outer = matmul(node, matrix_transpose(back)) if params["transposed"] else matmul(back, matrix_transpose(node))
    return -(outer * triangle(outer.shape, outer.dtype, params["lower"], 0.0 if params["unit"] else 1.0))


def _triangular_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    if batched[0]:
        return carry(node, args, batched, size)
    # Many right-hand sides of one matrix stand side by side as columns.
    b = args[1]
    columns, rank = node.shape[-1], b.ndim
    side_by_side = transpose(b, (*range(1, rank - 1), 0, rank - 1))
    wide = apply("solve_triangular", args[0], reshape(side_by_side, (*node.shape[:-1], size * columns)), **node.params)
    return transpose(reshape(wide, (*node.shape[:-1], size, columns)), (rank - 2, *range(rank - 2), rank - 1))


register(
    Primitive(
        "solve_triangular",
        "The solution X of A X = B for a triangular matrix A.",
        _triangular_shape,
        _triangular,
        _triangular_pullback,
        "matrices",
        batch=_triangular_batch,
        cases=(
            Case(((3, 3), (3, 2)), (_REGULAR, _REGULAR), {"lower": True, "transposed": False, "unit": False}),
            Case(((2, 2, 2), (2, 2, 1)), (_REGULAR, _REGULAR), {"lower": False, "transposed": True, "unit": False}),
            Case(((2, 2), (2, 2)), (_REGULAR, _REGULAR), {"lower": True, "transposed": False, "unit": True}),
        ),
        kinks="a 0 on the diagonal is an error",
    )
)


# QR and LU


def _qr_shape(x: Node) -> tuple[Shape, DType]:
    if x.ndim < 2 or x.shape[-2] < x.shape[-1]:
        raise ShapeError(f"qr needs a matrix with at least as many rows as columns, not {show_shape(x.shape)}")
    return (*x.shape[:-2], x.shape[-2] + x.shape[-1], x.shape[-1]), x.dtype


def _qr(x: Any) -> Any:
    q, r = np.linalg.qr(x)
    return np.concatenate([q, r], axis=-2)


def _qr_pullback(index: int, g: Node, node: Node) -> Node:
    (x,) = node.args
    height, width = x.shape[-2:]
    q, r = (block(node, rows, (0, width)) for rows in ((0, height), (height, height + width)))
    back_q, back_r = (block(g, rows, (0, width)) for rows in ((0, height), (height, height + width)))
    r = _without_zeros(r)
    seen = matmul(r, matrix_transpose(back_r)) - matmul(matrix_transpose(back_q), q)
    lower = seen * triangle(seen.shape, seen.dtype, True, 1.0)
    mirrored = lower + matrix_transpose(seen * triangle(seen.shape, seen.dtype, True, 0.0))
    total = back_q + matmul(q, mirrored)
    return matrix_transpose(triangular(r, matrix_transpose(total), lower=False))


def _without_zeros(r: Node) -> Node:
    """The diagonal's exact zeros replaced by tiny numbers, which cancel where the factor is smooth."""
    places = tuple(range(r.ndim - 2, r.ndim))
    largest = reshape(apply("max", apply("abs", r), axes=places), (*r.shape[:-2], 1, 1))
    tiny = apply("stop_gradient", largest) * 1e-30
    row = apply("iota", length=r.shape[-1])
    diagonal = apply("equal", reshape(row, (r.shape[-1], 1)), row)
    return select(diagonal & apply("equal", r, filled((), 0.0, r.dtype)), broadcast_to(tiny, r.shape), r)


register(
    Primitive(
        "qr",
        "Orthonormal columns Q and, below them, the upper triangle R of a matrix Q @ R.",
        _qr_shape,
        _qr,
        _qr_pullback,
        "matrices",
        batch=carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 2),), ((-2.0, 2.0),))),
        kinks="smooth in R where only the last of its diagonal is 0",
    )
)


def _pivots(x: Any) -> Any:
    """The order of rows that partial pivoting brings about."""

    def order(matrix: Any) -> Any:
        rows = np.arange(matrix.shape[0])
        if not matrix.size:
            return rows
        (factor,) = linalg.get_lapack_funcs(("getrf",), (matrix,))
        for i, j in enumerate(factor(matrix)[1]):
            rows[[i, j]] = rows[[j, i]]
        return rows

    lead = x.shape[:-2]
    flat = x.reshape(size_of(lead), *x.shape[-2:])
    return np.array([order(matrix) for matrix in flat], np.int64).reshape(*lead, x.shape[-2])


register(
    Primitive(
        "lu_pivots",
        "The order of a matrix's rows in which Gaussian elimination takes them.",
        lambda x: ((*x.shape[:-2], x.shape[-2]), "int64"),
        _pivots,
        None,
        "matrices",
        batch=carry,
        cases=(Case(((3, 2),), (_REGULAR,)),),
    )
)


def _lu(x: Any) -> Any:
    total = np.array(x)
    for k in range(x.shape[-1] - 1):
        pivot = total[..., k : k + 1, k : k + 1]
        column = total[..., k + 1 :, k : k + 1]
        column[...] = np.where(pivot == 0, 0.0, column / np.where(pivot == 0, 1.0, pivot))
        total[..., k + 1 :, k + 1 :] -= column * total[..., k : k + 1, k + 1 :]
    return total


def _lu_pullback(index: int, g: Node, node: Node) -> Node:
    below, above = (triangle(node.shape, node.dtype, True, 0.0), triangle(node.shape, node.dtype, False, 1.0))
    inner = matmul(matrix_transpose(node * below + _identity_like(node)), g * below) * below
    inner = inner + matmul(g * above, matrix_transpose(node * above)) * above
    left = triangular(node, inner, lower=True, transposed=True, unit=True)
    return matrix_transpose(triangular(node, matrix_transpose(left), lower=False))


def _identity_like(x: Node) -> Node:
    return triangle(x.shape, x.dtype, True, 1.0) - triangle(x.shape, x.dtype, True, 0.0)


register(
    Primitive(
        "lu_factors",
        "Unit lower and upper triangle of a square matrix whose rows stand in pivoting order, in one array.",
        same_square("lu"),
        _lu,
        _lu_pullback,
        "matrices",
        batch=carry,
        cases=(Case(((1, 1),), (_REGULAR,)),),
    )
)


# Determinants, inverses of a kind


def _square_to_scalar(what: str) -> Callable[..., tuple[Shape, DType]]:
    def rule(x: Node) -> tuple[Shape, DType]:
        square(x, what)
        return x.shape[:-2], x.dtype

    return rule


def _inverse_transpose(x: Any) -> Any:
    singular = np.linalg.slogdet(x)[0] == 0
    if not np.any(singular):
        return np.swapaxes(np.linalg.inv(x), -1, -2)
    safe = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
    return np.where(singular[..., None, None], np.nan, np.swapaxes(np.linalg.inv(safe), -1, -2))


register(
    Primitive(
        "inverse_transpose",
        "The transposed inverse, NaN where the matrix is singular: the slope of log|det|.",
        same_square("logdet"),
        _inverse_transpose,
        lambda index, g, node: -matmul(matmul(node, matrix_transpose(g)), node),
        "matrices",
        batch=carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 3),), (_REGULAR,))),
    )
)
register(
    Primitive(
        "logabsdet",
        "log of the absolute value of the determinant.",
        _square_to_scalar("slogdet"),
        lambda x: np.linalg.slogdet(x)[1],
        lambda index, g, node: reshape(g, (*g.shape, 1, 1)) * apply("inverse_transpose", node.args[0]),
        "matrices",
        batch=carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 3),), (_REGULAR,))),
        kinks="NaN where the matrix is singular",
    )
)
register(
    Primitive(
        "det_sign",
        "Sign of the determinant.",
        _square_to_scalar("slogdet"),
        lambda x: np.linalg.slogdet(x)[0],
        None,
        "matrices",
        batch=carry,
        cases=(Case(((2, 2),), (_REGULAR,)),),
        kinks="a step: derivative 0",
    )
)


def _pinv(x: Any, rcond: float) -> Any:
    if not np.all(np.isfinite(x)):
        return np.full_like(np.swapaxes(x, -1, -2), np.nan)
    return np.linalg.pinv(x, rcond=rcond)


def _pinv_pullback(index: int, g: Node, node: Node) -> Node:
    """At constant rank."""
    (x,) = node.args
    turned = matrix_transpose(node)
    back = matrix_transpose(g)
    first = matmul(back, matmul(node, turned))
    second = matmul(matmul(turned, node), back)
    total = first - matmul(x, matmul(node, first)) + second - matmul(matmul(second, node), x)
    return total - matmul(matmul(turned, g), turned)


register(
    Primitive(
        "pinv",
        "Pseudo-inverse of a matrix; singular values up to a fraction of the largest count as 0.",
        lambda x, rcond: ((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype),
        _pinv,
        _pinv_pullback,
        "matrices",
        batch=carry,
        cases=(
            Case(((2, 2),), (_REGULAR,), {"rcond": 1e-15}),
            Case(((2, 3, 2),), (_REGULAR,), {"rcond": 1e-15}),
            Case(((2, 3),), (_REGULAR,), {"rcond": 1e-15}),
        ),
        kinks="at a matrix of lower rank the formula for constant rank",
    )
)
