"""Functions of matrices beyond expm, matrices with a structure, and equations with them, under SciPy's names."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.decompositions import substitute, svd
from jaccli.formula.functions.diagonals import diag_embed
from jaccli.formula.functions.linear_algebra import FAMILY
from jaccli.formula.functions.matrices import circulant, toeplitz
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.reductions import reduce
from jaccli.formula.functions.registry import Flag, Floats, Whole, function, use
from jaccli.formula.functions.shaping import flip, part
from jaccli.formula.values import Context, Parts, Value, describe
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, filled, reshape, select, show_shape
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square


def _rotation(x: Node) -> tuple[Node, Node]:
    """cos and sin of a matrix, from the exponential of a real matrix of twice the size."""
    square(x, "a function of a matrix")
    length = x.shape[-1]
    zero = filled(x.shape, 0.0, x.dtype)
    last = x.ndim - 1
    upper = apply("concatenate", zero, apply("negative", x), axis=last)
    lower = apply("concatenate", x, zero, axis=last)
    turned = apply("expm", apply("concatenate", upper, lower, axis=last - 1))
    first = part(turned, last, 0, length)
    return part(first, last - 1, 0, length), part(first, last - 1, length, length)


@function(FAMILY, example="cosm(A)")
def cosm(A: Floats) -> Node:
    """Cosine of a matrix."""
    return _rotation(A)[0]


@function(FAMILY, example="sinm(A)")
def sinm(A: Floats) -> Node:
    """Sine of a matrix."""
    return _rotation(A)[1]


@function(FAMILY, example="tanm(A)")
def tanm(A: Floats) -> Node:
    """Tangent of a matrix."""
    cosine, sine = _rotation(A)
    return apply("solve", cosine, sine)


def _both_ways(x: Node) -> tuple[Node, Node]:
    square(x, "a function of a matrix")
    return apply("expm", x), apply("expm", apply("negative", x))


@function(FAMILY, example="coshm(A)")
def coshm(A: Floats) -> Node:
    """Hyperbolic cosine of a matrix."""
    grown, shrunk = _both_ways(A)
    return (grown + shrunk) * 0.5


@function(FAMILY, example="sinhm(A)")
def sinhm(A: Floats) -> Node:
    """Hyperbolic sine of a matrix."""
    grown, shrunk = _both_ways(A)
    return (grown - shrunk) * 0.5


@function(FAMILY, example="tanhm(A)")
def tanhm(A: Floats) -> Node:
    """Hyperbolic tangent of a matrix."""
    grown, shrunk = _both_ways(A)
    return apply("solve", grown + shrunk, grown - shrunk)


@function(FAMILY, kinks="an eigenvalue on the imaginary axis is an error", example="signm(A)")
def signm(A: Floats) -> Node:
    """Sign of a matrix: A over the root of A @ A."""
    square(A, "signm")
    return apply("solve", apply("sqrtm", matmul(A, A)), A)


@function(FAMILY, kinks="a matrix without a real logarithm is an error", example="fractional_matrix_power(A, 0.3)")
def fractional_matrix_power(A: Floats, t: Any, *, context: Context) -> Value:
    """A power of a matrix, exp(t*log(A)); a whole number by products."""
    power = context.static(t)
    if isinstance(power, int) or (isinstance(power, float) and power.is_integer()):
        return use(context, "matrix_power", A, int(power))
    exponent = context.floats(t)
    if exponent.ndim:
        raise ShapeError(f"the power of a matrix is one number, and this has shape {show_shape(exponent.shape)}")
    return apply("expm", exponent * apply("logm", A))


@function(FAMILY, example="expm_frechet(A, B)[1]")
def expm_frechet(A: Floats, E: Floats, method: Any = None, compute_expm: Flag = True) -> Value:
    """expm(A), and its slope along E."""
    square(A, "expm_frechet")
    if E.shape != A.shape:
        raise ShapeError(f"expm_frechet: shapes {show_shape(A.shape)} and {show_shape(E.shape)} differ")
    length = A.shape[-1]
    last = A.ndim - 1
    upper = apply("concatenate", A, E, axis=last)
    lower = apply("concatenate", filled(A.shape, 0.0, A.dtype), A, axis=last)
    both = part(apply("expm", apply("concatenate", upper, lower, axis=last - 1)), last - 1, 0, length)
    slope = part(both, last, length, length)
    return (part(both, last, 0, length), slope) if compute_expm else slope


# Factors that are kept for several right-hand sides


@function(FAMILY, kinks="a singular matrix is an error", example="lu_factor(A)[0]")
def lu_factor(A: Floats, pivot: Flag = True) -> Value:
    """Both triangular factors in one matrix, and the order of the rows that they belong to, for lu_solve."""
    square(A, "lu_factor")
    if A.ndim != 2:
        raise ShapeError(f"lu_factor takes one matrix, and this has shape {show_shape(A.shape)}")
    order = apply("lu_pivots", A)
    return Parts((apply("lu_factors", apply("take", A, order)), order), "LU", "pivots")


@function(FAMILY, kinks="a singular matrix is an error", example="lu_solve(lu_factor(A), b)")
def lu_solve(lu_and_piv: Any, b: Floats, trans: Any = 0, *, context: Context) -> Node:
    """The solution x of A @ x = b from lu_factor(A); with trans=1 of A.T @ x = b."""
    if not isinstance(lu_and_piv, (list, tuple)) or len(lu_and_piv) != 2:
        raise FormulaError("lu_solve takes what lu_factor gives", hint="write lu_solve(lu_factor(A), b)")
    factors, order = lu_and_piv
    kind = context.static(trans)
    if not isinstance(kind, (int, str)) or kind not in (0, 1, 2, "N", "T", "C"):
        raise FormulaError(f"trans of lu_solve is 0, 1 or 2, not {describe(trans)}")
    return _solved(context, factors, order, b, kind in (1, 2, "T", "C"))


def _solved(context: Context, factors: Any, order: Any, b: Node, transposed: bool) -> Node:
    matrix, rows = context.floats(factors), context.array(order)
    square(matrix, "lu_solve")
    if rows.shape != matrix.shape[:1] or rows.dtype != "int64":
        raise ShapeError(
            f"lu_solve needs the {matrix.shape[0]} whole numbers that lu_factor gives as order of the rows"
        )
    rows = apply("check_index", rows, size=matrix.shape[0], axis=0)
    if matrix.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != matrix.shape[0]:
        raise ShapeError(f"lu_solve: shapes {show_shape(matrix.shape)} and {show_shape(b.shape)} do not fit")
    if transposed:
        half = substitute(matrix, b, False, True, False)
        return apply("take", substitute(matrix, half, True, True, True), apply("argsort", rows, descending=False))
    half = substitute(matrix, apply("take", b, rows), True, False, True)
    return substitute(matrix, half, False, False, False)


@function(
    FAMILY,
    name="torch.lu_solve",
    kinks="a singular matrix is an error",
    example="LU, p = lu_factor(A); torch.linalg.lu_solve(LU, p, b)",
)
def torch_lu_solve(LU: Any, pivots: Any, B: Any, left: Flag = True, adjoint: Flag = False, *, context: Context) -> Node:
    """The solution X of A @ X = B from torch.linalg.lu_factor(A); torch.lu_solve takes B first."""
    matrix, order, right = (pivots, B, LU) if context.prefix == "torch" else (LU, pivots, B)
    node = context.floats(right)
    if left:
        return _solved(context, matrix, order, node, adjoint)
    return matrix_transpose(_solved(context, matrix, order, matrix_transpose(node), not adjoint))


def _with_info(name: str, base: str, doc: str) -> None:
    def build(*arguments: Any, context: Context, **options: Any) -> Value:
        options.pop("check_errors", None)
        parts = (use(context, base, *arguments, **options), constant(0, "int64"))
        return Parts(parts, {"cholesky": "L", "inv": "inverse", "solve": "result"}[base], "info")

    build.__doc__ = doc
    example = f"{name}(A, b)[0]" if name == "solve_ex" else f"{name}(A)[0]"
    function(FAMILY, name=name, kinks="a matrix without a result is an error", example=example)(build)


_with_info("cholesky_ex", "cholesky", "The lower triangular factor, and 0 for success.")
_with_info("inv_ex", "inv", "The inverse, and 0 for success.")
_with_info("solve_ex", "solve", "The solution of A @ x = b, and 0 for success.")


@function(FAMILY, example="householder_product(A, x)")
def householder_product(A: Floats, tau: Floats) -> Node:
    """The first columns of the product of the reflections I - tau*v*v.T, whose vectors stand below the diagonal."""
    if A.ndim < 2 or tau.ndim != A.ndim - 1 or tau.shape[-1] > min(A.shape[-2:]):
        raise ShapeError(f"householder_product: {show_shape(A.shape)} and {show_shape(tau.shape)} do not fit")
    height, width = A.shape[-2:]
    row = reshape(apply("iota", length=height), (height, 1))
    column = apply("iota", length=width)
    vectors = select(apply("less", column, row), A, 0.0)
    vectors = select(apply("equal", row, column), 1.0, vectors)
    product = cast(apply("equal", row, column), A.dtype)
    for place in reversed(range(tau.shape[-1])):
        vector = part(vectors, A.ndim - 1, place, 1)
        scale = reshape(part(tau, tau.ndim - 1, place, 1), (*tau.shape[:-1], 1, 1))
        product = product - scale * matmul(vector, matmul(matrix_transpose(vector), product))
    return product


def _check_matrices(name: str, *matrices: Node) -> None:
    for matrix in matrices:
        if matrix.ndim < 2:
            raise ShapeError(f"{name} takes matrices, and this has shape {show_shape(matrix.shape)}")


@function(FAMILY, example="Q, R = rq(A)")
def rq(a: Floats, mode: str = "full", *, context: Context) -> Value:
    """R, Q = rq(A): A = R @ Q with R upper triangular."""
    _check_matrices("rq", a)
    if mode not in ("full", "economic", "r"):
        raise FormulaError(f"unknown mode {mode!r} of rq", hint="'full', 'economic' or 'r'")
    turned = matrix_transpose(flip(a, a.ndim - 2))
    q, r = use(context, "qr", turned)
    return flip(matrix_transpose(r), (a.ndim - 2, a.ndim - 1)), flip(matrix_transpose(q), a.ndim - 2)


@function(FAMILY, kinks="defined up to signs: those of the decomposition", example="orth(A)")
def orth(A: Floats, rcond: Any = None, *, context: Context) -> Value:
    """An orthonormal basis of the columns of a matrix of full rank: the left singular vectors."""
    return svd(A, full_matrices=False, context=context)[0]


@function(FAMILY, kinks="NaN at a singular product", example="orthogonal_procrustes(A, B)[0]")
def orthogonal_procrustes(A: Floats, B: Floats, *, context: Context) -> Value:
    """R, s = orthogonal_procrustes(A, B): the orthogonal matrix that brings A @ R nearest to B."""
    _check_matrices("orthogonal_procrustes", A, B)
    left, values, right = svd(matrix_transpose(matmul(matrix_transpose(B), A)), context=context)
    return matmul(left, right), apply("sum", values, axes=(values.ndim - 1,))


@function(FAMILY, "jax.polar", name="scipy.polar", kinks="NaN at a singular matrix", example="scipy.linalg.polar(A)[0]")
def polar(a: Floats, side: str = "right", *, context: Context) -> Value:
    """U, P = scipy.linalg.polar(A): A = U @ P (P @ U with side='left'), U orthogonal, P symmetric."""
    if side not in ("left", "right"):
        raise FormulaError(f"unknown side {side!r} of polar", hint="'left' or 'right'")
    left, values, right = svd(a, full_matrices=False, context=context)
    frame = left if side == "left" else matrix_transpose(right)
    scaled = frame * reshape(values, (*values.shape[:-1], 1, values.shape[-1]))
    return matmul(left, right), matmul(scaled, matrix_transpose(frame))


@function(FAMILY, kinks="0 and pi/2 are edges of the angle", example="subspace_angles(A[:, :1], B)")
def subspace_angles(A: Floats, B: Floats, *, context: Context) -> Node:
    """Angles between the spaces of the columns of two matrices, the largest first."""
    _check_matrices("subspace_angles", A, B)
    one, two = (svd(matrix, full_matrices=False, context=context)[0] for matrix in (A, B))
    cosines = svd(matmul(matrix_transpose(one), two), context=context)[1]
    return flip(apply("arccos", cosines), cosines.ndim - 1)


# Products and solutions with a structure


@function(FAMILY, example="khatri_rao(A, B)")
def khatri_rao(a: Floats, b: Floats) -> Node:
    """Kronecker products of the columns of two matrices."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ShapeError(f"khatri_rao: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    wide = reshape(a, (a.shape[0], 1, a.shape[1])) * reshape(b, (1, *b.shape))
    return reshape(wide, (a.shape[0] * b.shape[0], a.shape[1]))


def _first_column(c_or_cr: Any) -> tuple[Any, Any]:
    """The first column and the first row, of a pair; a list of numbers is a column alone."""
    if not isinstance(c_or_cr, tuple):
        return c_or_cr, None
    if len(c_or_cr) != 2:
        raise FormulaError(f"a Toeplitz matrix has a first column, or (column, row), not {len(c_or_cr)} of them")
    return c_or_cr


@function(FAMILY, kinks="a singular matrix is an error", example="solve_toeplitz(x, b)")
def solve_toeplitz(c_or_cr: Any, b: Floats, *, context: Context) -> Value:
    """The solution x of toeplitz(c, r) @ x = b."""
    column, line = _first_column(c_or_cr)
    return use(context, "solve", toeplitz(context.floats(column), line, context=context), b)


@function(FAMILY, example="matmul_toeplitz(x, b)")
def matmul_toeplitz(c_or_cr: Any, x: Floats, *, context: Context) -> Node:
    """toeplitz(c, r) @ x."""
    column, line = _first_column(c_or_cr)
    return matmul(toeplitz(context.floats(column), line, context=context), x)


@function(FAMILY, kinks="a singular matrix is an error", example="solve_circulant(x, b)")
def solve_circulant(c: Floats, b: Floats, *, context: Context) -> Value:
    """The solution x of circulant(c) @ x = b."""
    return use(context, "solve", circulant(c, context=context), b)


def _of_bands(bands: Node, lower: int, length: int) -> Node:
    """The matrix whose diagonals are rows, the highest first, each entry in its own column."""
    upper = bands.shape[0] - 1 - lower
    row = reshape(apply("iota", length=length), (length, 1))
    column = broadcast_to(apply("iota", length=length), (length, length))
    band = row - column + upper
    inside = (band >= 0) & (band <= upper + lower)
    places = select(inside, band * length + column, 0)
    return select(inside, apply("take", reshape(bands, (bands.size,)), places), 0.0)


@function(FAMILY, kinks="a singular matrix is an error", example="solve_banded((1, 1), A, b)")
def solve_banded(l_and_u: Any, ab: Floats, b: Floats, *, context: Context) -> Value:
    """The solution of a banded system whose diagonals are the rows of ab, the highest first."""
    counts = context.integers(l_and_u, "the number of diagonals")
    if len(counts) != 2 or min(counts) < 0:
        raise FormulaError("solve_banded needs (lower, upper), two numbers of diagonals", hint="(1, 1) is tridiagonal")
    lower, upper = counts
    if ab.ndim != 2 or ab.shape[0] != lower + upper + 1:
        raise ShapeError(f"solve_banded: {lower} + {upper} + 1 diagonals are not the rows of {show_shape(ab.shape)}")
    return use(context, "solve", _of_bands(ab, lower, ab.shape[1]), b)


def _symmetric_bands(ab: Node, lower: bool) -> Node:
    if ab.ndim != 2 or not ab.size:
        raise ShapeError(f"diagonals are the rows of a matrix with entries, and this has shape {show_shape(ab.shape)}")
    count = ab.shape[0] - 1
    half = _of_bands(ab, count, ab.shape[1]) if lower else _of_bands(ab, 0, ab.shape[1])
    number = apply("iota", length=ab.shape[1])
    main = apply("equal", reshape(number, (ab.shape[1], 1)), number)
    return half + matrix_transpose(select(main, 0.0, half))


@function(
    FAMILY,
    kinks="a matrix that is not positive definite is an error",
    example="solveh_banded([[4, 4, 4], [1, 1, 0]]*x, b, lower=True)",
)
def solveh_banded(ab: Floats, b: Floats, lower: Flag = False, *, context: Context) -> Value:
    """The solution of a positive definite banded system from its upper (or lower) diagonals."""
    return use(context, "solve", _symmetric_bands(ab, lower), b, assume_a="pos")


@function(
    FAMILY,
    kinks="a matrix that is not positive definite is an error",
    example="cholesky_banded([[4, 4], [1, 0]]*x, lower=True)",
)
def cholesky_banded(ab: Floats, lower: Flag = False) -> Node:
    """The diagonals of the Cholesky factor of a banded matrix from its upper (or lower) diagonals."""
    from jaccli.formula.functions.diagonals import diagonal

    factor = apply("cholesky", _symmetric_bands(ab, lower))
    rows = []
    for offset in range(ab.shape[0]):
        line = diagonal(factor, -offset)
        gap = filled((offset,), 0.0, ab.dtype)
        rows.append(reshape(apply("concatenate", *((line, gap) if lower else (gap, line)), axis=0), (1, ab.shape[1])))
    return apply("concatenate", *(rows if lower else reversed(rows)), axis=0)


def _tridiagonal(d: Node, e: Node) -> Node:
    if d.ndim != 1 or e.shape != (d.size - 1,):
        raise ShapeError(
            f"a tridiagonal matrix has n entries on its diagonal and n - 1 beside it, and the shapes are "
            f"{show_shape(d.shape)} and {show_shape(e.shape)}"
        )
    return diag_embed(d, 0) + diag_embed(e, 1) + diag_embed(e, -1)


@function(FAMILY, kinks="repeated values share their cluster", example="eigh_tridiagonal(x, y)[0]")
def eigh_tridiagonal(d: Floats, e: Floats, eigvals_only: Flag = False, *, context: Context) -> Value:
    """Eigenvalues and eigenvectors of the symmetric matrix with diagonal d and neighbours e."""
    return use(context, "eigh", _tridiagonal(d, e), eigvals_only=eigvals_only)


@function(FAMILY, kinks="repeated values share their cluster", example="eigvalsh_tridiagonal(x, y)")
def eigvalsh_tridiagonal(d: Floats, e: Floats, *, context: Context) -> Value:
    """Eigenvalues of the symmetric matrix with diagonal d and neighbours e."""
    return use(context, "eigvalsh", _tridiagonal(d, e))


@function(FAMILY, kinks="repeated values share their cluster", example="eigvals_banded(A[:2], lower=True)")
def eigvals_banded(a_band: Floats, lower: Flag = False, *, context: Context) -> Value:
    """Eigenvalues of a symmetric banded matrix from its upper (or lower) diagonals."""
    return use(context, "eigvalsh", _symmetric_bands(a_band, lower))


@function(FAMILY, kinks="an error where a product of two eigenvalues is 1", example="solve_discrete_lyapunov(0.1*A, Q)")
def solve_discrete_lyapunov(a: Floats, q: Floats, method: Any = None, *, context: Context) -> Node:
    """The solution X of A @ X @ A.T - X + Q = 0."""
    square(a, "solve_discrete_lyapunov")
    if a.ndim != 2 or q.shape != a.shape:
        raise ShapeError(f"solve_discrete_lyapunov: {show_shape(a.shape)} and {show_shape(q.shape)} do not fit")
    length = a.shape[-1]
    number = apply("iota", length=length * length)
    unit = cast(apply("equal", reshape(number, (length * length, 1)), number), a.dtype)
    system = unit - context.array(use(context, "kron", a, a))
    return reshape(apply("solve", system, reshape(q, (length * length, 1))), (length, length))


@function(FAMILY, example="norm_except_dim(A)")
def norm_except_dim(v: Floats, pow: Whole = 2, dim: Whole = 0) -> Node:
    """Norms of the slabs of an axis, which stays; the norm of the whole array for -1."""
    if not 1 <= pow < 2**53:
        raise FormulaError(f"the order of a norm is 1 or more, not {pow}")
    kept = None if dim == -1 else normal_axis(dim, v.ndim)
    others = tuple(axis for axis in range(v.ndim) if axis != kept)
    if pow == 2:
        return reduce("norm", v, others, kept is not None)
    return reduce("sum", apply("abs", v) ** float(pow), others, kept is not None) ** (1.0 / pow)


@function(FAMILY, kinks="a singular matrix is an error", example="triangular_solve(b, A)[0]")
def triangular_solve(
    b: Floats, A: Floats, upper: Flag = True, transpose: Flag = False, unitriangular: Flag = False
) -> Value:
    """The solution of a triangular system, and its matrix, as torch.triangular_solve."""
    found = substitute(A, b, not upper, transpose, unitriangular)
    return Parts((found, A), "solution", "cloned_coefficient")
