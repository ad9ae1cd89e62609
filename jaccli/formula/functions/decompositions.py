"""Factorisations of matrices, and what is made of them: eigenvalues, singular values, pseudo-inverses."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.linear_algebra import FAMILY, matrix_norm
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.registry import Flag, Floats, function
from jaccli.formula.values import Context, Pair, Parts, Value
from jaccli.graph.node import (
    Node,
    apply,
    broadcast_shapes,
    broadcast_to,
    cast,
    constant,
    reshape,
    select,
    show_shape,
    transpose,
)
from jaccli.graph.primitives.clusters import row, rows
from jaccli.graph.primitives.decompositions import block, triangle, triangular
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square
from jaccli.graph.primitives.reductions import keep

_REPEATED = "repeated values share their cluster's projector; smooth functions of the matrix are exact"
_PUT_TOGETHER = (
    "twice derived, a matrix put together from values and vectors is NaN where values repeat, for which expm, sqrtm, "
    "logm and matrix_power are exact"
)
_NOT_DEFINITE = "only the symmetric part counts; a matrix that is not positive definite is an error"
_CONSTANT_RANK = "at a matrix of lower rank the formula for constant rank"


def _matrix(x: Node, what: str) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{what} needs a matrix, and this has shape {show_shape(x.shape)}")


@function(FAMILY, "chol", kinks=_NOT_DEFINITE, example="cholesky(A)")
def cholesky(x: Floats, upper: Any = None, lower: Any = None, *, context: Context) -> Node:
    """The lower triangular L with L @ L.T the matrix; with upper=True its transpose."""
    wants_upper = context.static(upper)
    if lower is not None:
        wants_upper = not context.static(lower)
    elif wants_upper is None and (context.dialect == "scipy" or context.prefix.endswith("scipy.linalg")):
        wants_upper = True
        context.note("cholesky: SciPy's default is taken, the upper factor; NumPy's is the lower")
    factor = apply("cholesky", x)
    return matrix_transpose(factor) if wants_upper else factor


def _packed_eigh(x: Node) -> Node:
    square(x, "eigh")
    return apply("eigh", x)


@function(FAMILY, "symeig", kinks=f"{_REPEATED}; {_PUT_TOGETHER}", example="eigh(A)[0]")
def eigh(x: Floats, b: Any = None, lower: Flag = True, eigvals_only: Flag = False, *, context: Context) -> Value:
    """Eigenvalues in ascending order and eigenvectors, the columns, of a symmetric matrix: w, V = eigh(A).

    With b those of A @ v = w * B @ v, for a positive definite matrix B.
    """
    factor = None if b is None else apply("cholesky", context.floats(b))
    packed = _packed_eigh(x if factor is None else _beside_definite(x, factor))
    values, vectors = row(packed, 0), rows(packed, 1, x.shape[-1])
    if eigvals_only:
        return values
    return values, vectors if factor is None else substitute(factor, vectors, True, True, False)


def _beside_definite(x: Node, factor: Node) -> Node:
    """inv(L) @ A @ inv(L).T"""
    left = substitute(factor, x, True, False, False)
    return matrix_transpose(substitute(factor, matrix_transpose(left), True, False, False))


@function(FAMILY, "eigenvals", kinks=_REPEATED, example="eigvalsh(A)")
def eigvalsh(x: Floats, b: Any = None, lower: Flag = True, *, context: Context) -> Node:
    """Eigenvalues of a symmetric matrix in ascending order; with b those of A @ v = w * B @ v."""
    if b is not None:
        x = _beside_definite(x, apply("cholesky", context.floats(b)))
    return row(_packed_eigh(x), 0)


def _packed_svd(x: Node) -> tuple[Node, int]:
    _matrix(x, "svd")
    return apply("svd", x), x.shape[-2]


@function(FAMILY, kinks=f"{_REPEATED}; {_PUT_TOGETHER}", example="svd(A)[1]")
def svd(x: Floats, full_matrices: Any = None, compute_uv: Flag = True, some: Flag = True, *, context: Context) -> Value:
    """U, S, Vᵀ = svd(A): singular values in descending order, U and Vᵀ with as many vectors as there are values."""
    packed, height = _packed_svd(x)
    width = x.shape[-1]
    if not compute_uv:
        return row(packed, height)
    if (context.static(full_matrices) or not some) and height != width:
        raise FormulaError(
            "the extra vectors of svd with full_matrices=True are no function of the matrix",
            hint="write full_matrices=False",
        )
    if full_matrices is None and height != width:
        context.note("svd: the thin form is taken, as with full_matrices=False")
    right = rows(packed, height + 1, width)
    if context.is_torch and context.prefix == "torch":
        context.note("svd: torch.svd gives V; NumPy and torch.linalg.svd give its transpose")
    else:
        right = matrix_transpose(right)
    return rows(packed, 0, height), row(packed, height), right


@function(FAMILY, "singular_values", kinks=f"{_REPEATED}; at a value 0 the slope is 0", example="svdvals(A)")
def svdvals(x: Floats) -> Node:
    """Singular values in descending order."""
    return row(*_packed_svd(x))


def spectral_norm(x: Node, order: Any, axes: tuple[int, int], keepdims: bool) -> Node:
    """The largest singular value (order 2), the smallest (-2), or the sum of all ('nuc')."""
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    values = svdvals(transpose(x, (*others, *axes)))
    last = values.ndim - 1
    if order == "nuc":
        norm = apply("sum", values, axes=(last,))
    elif order in (2, -2):
        position = 0 if order == 2 else values.shape[-1] - 1
        norm = row(reshape(values, (*values.shape[:-1], values.shape[-1], 1)), position)
        norm = reshape(norm, norm.shape[:-1])
    else:
        raise FormulaError(
            f"a matrix has no norm of order {order!r}", hint="orders are 'fro', 'nuc', 1, -1, 2, -2, inf and -inf"
        )
    return reshape(norm, keep(x.shape, axes)) if keepdims else norm


@function(FAMILY, kinks="0 where the largest and the smallest singular value are equal", example="cond(A)")
def cond(x: Floats, ord: Any = None, *, context: Context) -> Node:
    """Condition number: the norm of the matrix times that of its inverse."""
    order = context.static(ord)
    if order in (None, 2, -2):
        pair = [spectral_norm(x, sign, (x.ndim - 2, x.ndim - 1), False) for sign in (2, -2)]
        return apply("divide", *(pair if order != -2 else reversed(pair)))
    inverse = apply("inv", x)
    return apply("multiply", *(matrix_norm(matrix, ord, context=context) for matrix in (x, inverse)))


@function(FAMILY, kinks="a step: derivative 0", example="matrix_rank(A)")
def matrix_rank(x: Floats, tol: Any = None, *, context: Context) -> Node:
    """How many singular values are not negligible; no derivative."""
    values = svdvals(x)
    if tol is None:
        largest = reshape(apply("max", values, axes=(values.ndim - 1,)), (*values.shape[:-1], 1))
        small = apply("multiply", largest, constant(max(x.shape[-2:]) * _epsilon(x), x.dtype))
    else:
        small = context.floats(tol)
    return apply("sum", cast(apply("less", small, values), "int64"), axes=(values.ndim - 1,))


def _epsilon(x: Node) -> float:
    return 2.220446049250313e-16 if x.dtype == "float64" else 1.1920929e-07


@function(FAMILY, "QRdecomposition", kinks="R[-1, -1] is smooth at 0", example="qr(A)[1]")
def qr(x: Floats, mode: str = "reduced", *, context: Context) -> Value:
    """Q, R = qr(A): orthonormal columns and an upper triangle; mode='r' gives R alone."""
    _matrix(x, "qr")
    height, width = x.shape[-2:]
    if mode not in ("reduced", "economic", "r", "complete", "full"):
        raise FormulaError(f"unknown mode {mode!r} of qr", hint="the modes are 'reduced' and 'r'")
    if mode in ("complete", "full") and height > width:
        raise FormulaError("the extra columns of a complete qr are no function of the matrix", hint="mode='reduced'")
    count = min(height, width)
    packed = apply("qr", x if height >= width else block(x, (0, height), (0, height)))
    q, r = block(packed, (0, height), (0, count)), block(packed, (height, height + count), (0, count))
    if height < width:
        rest = matmul(matrix_transpose(q), block(x, (0, height), (height, width)))
        r = apply("concatenate", r, rest, axis=r.ndim - 1)
    return r if mode == "r" else (q, r)


@function(FAMILY, "LUdecomposition", kinks="the order of the rows is held fixed", example="lu(A)[2]")
def lu(x: Floats, permute_l: Flag = False, *, context: Context) -> Value:
    """P, L, U = lu(A) by partial pivoting; P @ L and U with permute_l=True."""
    _matrix(x, "lu")
    if x.ndim != 2:
        raise ShapeError(f"lu takes one matrix, and this has shape {show_shape(x.shape)}")
    height, width = x.shape
    count = min(height, width)
    order = apply("lu_pivots", x)
    sorted_rows = apply("take", x, order)
    compact = apply("lu_factors", block(sorted_rows, (0, count), (0, count)))
    unit = triangle(compact.shape, compact.dtype, True, 0.0)
    lower = select(_equal_grid(count), 1.0, apply("multiply", compact, unit))
    upper = apply("multiply", compact, triangle(compact.shape, compact.dtype, False, 1.0))
    if width > count:
        rest = triangular(compact, block(sorted_rows, (0, count), (count, width)), lower=True, unit=True)
        upper = apply("concatenate", upper, rest, axis=1)
    if height > count:
        below = matrix_transpose(block(sorted_rows, (count, height), (0, count)))
        rest = matrix_transpose(triangular(compact, below, lower=False, transposed=True))
        lower = apply("concatenate", lower, rest, axis=0)
    hit = apply("equal", reshape(apply("iota", length=height), (height, 1)), reshape(order, (1, height)))
    permutation = cast(hit, x.dtype)
    if permute_l:
        return matmul(permutation, lower), upper
    return Parts((permutation, lower, upper), "P", "L", "U")


def _equal_grid(length: int) -> Node:
    number = apply("iota", length=length)
    return apply("equal", reshape(number, (length, 1)), number)


@function(FAMILY, kinks="NaN where the matrix is singular", example="slogdet(A)[1]")
def slogdet(x: Floats) -> Value:
    """Sign of the determinant and log of its absolute value: sign, logdet = slogdet(A)."""
    return apply("det_sign", x), apply("logabsdet", x)


@function(FAMILY, kinks="NaN where the matrix is singular", example="logdet(A)")
def logdet(x: Floats) -> Node:
    """log of the determinant, NaN where that is negative."""
    negative = apply("less", apply("det_sign", x), constant(0.0, x.dtype))
    return select(negative, float("nan"), apply("logabsdet", x))


@function(FAMILY, "pinverse", "pinvh", kinks=_CONSTANT_RANK, example="pinv(A)")
def pinv(x: Floats, rcond: Any = None, rtol: Any = None, *, context: Context) -> Node:
    """Pseudo-inverse; singular values up to rcond times the largest count as 0."""
    _matrix(x, "pinv")
    fraction = context.static(rcond if rtol is None else rtol)
    if not isinstance(fraction, (int, float)):
        fraction = max(*x.shape[-2:], 1) * _epsilon(x)
    return apply("pinv", x, rcond=float(fraction))


@function(FAMILY, "solve_least_squares", kinks=_CONSTANT_RANK, example="lstsq(A, b)")
def lstsq(a: Floats, b: Floats, rcond: Any = None, *, context: Context) -> Value:
    """The x of least norm that minimises the length of A @ x - b; as NumPy, [0] passes through."""
    _matrix(a, "lstsq")
    static = context.static(rcond)
    solution = matmul(pinv(a, static if isinstance(static, float) and static > 0 else None, context=context), b)
    misfit = apply("subtract", matmul(a, solution), b)
    squares = apply("power", misfit, constant(2.0, misfit.dtype))
    place = misfit.ndim - 1 if b.ndim == 1 else misfit.ndim - 2
    return Pair(solution, apply("sum", squares, axes=(place,)))


@function(FAMILY, kinks="a 0 on the diagonal is an error", example="solve_triangular(L, b, lower=True)")
def solve_triangular(
    a: Floats,
    b: Floats,
    trans: Any = 0,
    lower: Flag = False,
    unit_diagonal: Flag = False,
    upper: Any = None,
    left: Flag = True,
    unitriangular: Flag = False,
    *,
    context: Context,
) -> Node:
    """The solution x of A @ x = b for a triangular A, of which only that triangle is read."""
    square(a, "solve_triangular")
    wants_lower = lower if upper is None else not context.static(upper)
    transposed = context.static(trans) in (1, 2, "T", "C")
    if not left:
        turned = substitute(a, matrix_transpose(b), wants_lower, not transposed, unit_diagonal or unitriangular)
        return matrix_transpose(turned)
    return substitute(a, b, wants_lower, transposed, unit_diagonal or unitriangular)


def substitute(a: Node, b: Node, lower: bool, transposed: bool, unit: bool) -> Node:
    square(a, "solve_triangular")
    vector = b.ndim == 1
    columns = reshape(b, (*b.shape, 1)) if vector else b
    if b.ndim == 0 or columns.shape[-2] != a.shape[-1]:
        raise ShapeError(f"solve_triangular: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    stack = broadcast_shapes([a.shape[:-2], columns.shape[:-2]])
    a = broadcast_to(a, (*stack, *a.shape[-2:]))
    columns = broadcast_to(columns, (*stack, *columns.shape[-2:]))
    found = triangular(a, columns, lower=lower, transposed=transposed, unit=unit)
    return reshape(found, found.shape[:-1]) if vector else found


@function(FAMILY, example="cho_solve((cholesky(A), True), b)")
def cho_solve(c_and_lower: Any, b: Floats, *, context: Context) -> Node:
    """The solution x of A @ x = b from a Cholesky factor: (factor, whether it is lower)."""
    if isinstance(c_and_lower, (tuple, list)) and len(c_and_lower) == 2:
        factor, lower = context.floats(c_and_lower[0]), bool(context.static(c_and_lower[1]))
    else:
        factor, lower = context.floats(c_and_lower), True
    half = substitute(factor, b, lower, not lower, False)
    return substitute(factor, half, lower, lower, False)


@function(FAMILY, kinks=_NOT_DEFINITE, example="cho_solve(cho_factor(A), b)")
def cho_factor(x: Floats, lower: Flag = False) -> Value:
    """A Cholesky factor for cho_solve: (factor, whether it is lower)."""
    factor = apply("cholesky", x)
    return (factor if lower else matrix_transpose(factor)), lower


@function(FAMILY, example="cholesky_solve(b, cholesky(A))")
def cholesky_solve(b: Floats, factor: Floats, upper: Flag = False) -> Node:
    """PyTorch's cho_solve: the right-hand side stands before the factor."""
    half = substitute(factor, b, not upper, upper, False)
    return substitute(factor, half, not upper, not upper, False)


@function(FAMILY, example="cholesky_inverse(cholesky(A))")
def cholesky_inverse(factor: Floats, upper: Flag = False) -> Node:
    """The inverse of a matrix from its Cholesky factor."""
    square(factor, "cholesky_inverse")
    ones = broadcast_to(cast(_equal_grid(factor.shape[-1]), factor.dtype), factor.shape)
    return cholesky_solve(ones, factor, upper)
