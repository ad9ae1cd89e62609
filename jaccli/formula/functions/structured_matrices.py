"""Matrices with a structure under SciPy's names: of distances, binomial coefficients, signs, shifts of a vector."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.complex import Complex
from jaccli.formula.functions.diagonals import diag_embed
from jaccli.formula.functions.linear_algebra import FAMILY
from jaccli.formula.functions.matrices import toeplitz
from jaccli.formula.functions.registry import Array, Floats, Whole, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.limits import check_made
from jaccli.formula.values import Context, Value, describe
from jaccli.graph.node import Node, apply, cast, filled, reshape, show_shape
from jaccli.graph.primitives.linear_algebra import matrix_transpose


@function(FAMILY, example="fiedler(x)")
def fiedler(a: Floats) -> Node:
    """The matrix of distances |a_i - a_j|."""
    return apply("abs", reshape(a, (a.size, 1)) - reshape(a, (1, a.size)))


@function(FAMILY, example="leslie(x, y)")
def leslie(f: Floats, s: Floats) -> Node:
    """The matrix with f as first row and s below the diagonal."""
    length = f.size
    if f.ndim != 1 or s.shape != (length - 1,):
        raise ShapeError(
            f"leslie takes n entries for the first row and n - 1 below the diagonal, and the shapes are "
            f"{show_shape(f.shape)} and {show_shape(s.shape)}"
        )
    below = diag_embed(s, -1)
    rest = filled((length - 1, length), 0.0, f.dtype)
    return apply("concatenate", reshape(f, (1, length)), rest, axis=0) + below


def _side(n: int, what: str) -> int:
    """The length of a square matrix that a text makes."""
    if n < 1:
        raise FormulaError(f"the size of {what} is 1 or more, not {n}")
    check_made((n, n))
    return n


@function(FAMILY, example="hilbert(3)")
def hilbert(n: Whole, *, context: Context) -> Node:
    """The matrix 1/(i + j + 1)."""
    number = cast(apply("iota", length=_side(n, "hilbert")), context.float_dtype)
    return 1.0 / (reshape(number, (n, 1)) + number + 1.0)


@function(FAMILY, example="pascal(3)")
def pascal(n: Whole, kind: str = "symmetric", *, context: Context) -> Node:
    """The matrix of binomial coefficients: kind 'symmetric', 'lower' or 'upper'."""
    if kind not in ("symmetric", "lower", "upper") or not 1 <= n <= 500:
        raise FormulaError(f"pascal has kinds 'symmetric', 'lower' and 'upper', and 1 to 500 rows, not {kind!r}, {n}")
    rows = [[math.comb(i + j, i) if kind == "symmetric" else math.comb(i, j) for j in range(n)] for i in range(n)]
    matrix = context.floats(context.array(rows))
    return matrix_transpose(matrix) if kind == "upper" else matrix


@function(FAMILY, example="hadamard(4)")
def hadamard(n: Whole, *, context: Context) -> Node:
    """The matrix of signs with orthogonal rows; n is a power of two."""
    if not 1 <= n <= 4096 or n & (n - 1):
        raise FormulaError(f"the size of hadamard is a power of two up to 4096, not {n}")
    rows = [[1.0 - 2.0 * ((i & j).bit_count() % 2) for j in range(n)] for i in range(n)]
    return context.floats(context.array(rows))


@function(FAMILY, example="convolution_matrix(x, 3)")
def convolution_matrix(a: Floats, n: Whole, mode: str = "full", *, context: Context) -> Node:
    """The matrix M with M @ v = convolve(a, v, mode) for vectors of n entries."""
    if mode not in ("full", "same", "valid"):
        raise FormulaError(f"unknown mode {mode!r} of convolution_matrix", hint="'full', 'same' or 'valid'")
    if a.ndim != 1 or not a.size or n < 1:
        raise ShapeError(
            f"convolution_matrix takes a vector of 1 entry or more and a size of 1 or more, not the shape "
            f"{show_shape(a.shape)} and {n}"
        )
    check_made((a.size + n - 1, n))
    zeros = filled((n - 1,), 0.0, a.dtype)
    column = apply("concatenate", a, zeros, axis=0)
    line = apply("concatenate", part(a, 0, 0, 1), zeros, axis=0)
    full = toeplitz(column, line, context=context)
    if mode == "full":
        return full
    short, long = min(a.size, n), max(a.size, n)
    first, count = ((short - 1) // 2, long) if mode == "same" else (short - 1, long - short + 1)
    return part(full, 0, first, count)


@function(FAMILY, example="abs(dft(3))")
def dft(n: Whole, scale: Any = None, *, context: Context) -> Value:
    """The matrix of the Fourier transform of n entries."""
    number = cast(apply("iota", length=_side(n, "dft")), context.float_dtype)
    if not (scale is None or isinstance(scale, str)) or scale not in (
        factors := {None: 1.0, "sqrtn": n**-0.5, "n": 1.0 / n}
    ):
        raise FormulaError(f"the scale of dft is 'sqrtn', 'n' or None, not {describe(scale)}")
    factor = factors[scale]
    angle = reshape(number, (n, 1)) * number * (-2.0 * math.pi / n)
    return Complex(apply("cos", angle) * factor, apply("sin", angle) * factor)


@function(FAMILY, example="diagsvd(x, 3, 4)")
def diagsvd(s: Array, M: Whole, N: Whole) -> Node:
    """The M×N matrix with singular values on its diagonal."""
    return _placed(s, M, N)


def _placed(s: Node, height: int, width: int) -> Node:
    if s.ndim != 1 or s.size != min(height, width):
        raise ShapeError(f"diagsvd: {show_shape(s.shape)} values do not fit a {height}×{width} matrix")
    check_made((height, width))
    flat = apply("unslice", s, bounds=((0, s.size, width + 1),), shape=(height * width,))
    return reshape(flat, (height, width))
