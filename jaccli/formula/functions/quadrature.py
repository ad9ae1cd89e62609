"""Nodes and weights of Gauss' rules, and polynomials that are made of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jaccli.errors import FormulaError, LimitError
from jaccli.formula.complex import Complex
from jaccli.formula.functions.registry import Floats, Whole, function, use
from jaccli.formula.functions.special import FAMILY
from jaccli.formula.values import Context, Value, describe
from jaccli.graph.node import Node, apply, constant, reshape
from jaccli.lazy import lazy

_MOST = 2000
_LARGEST_PARAMETER = 1e4
_special = lazy("scipy.special")


_np = lazy("numpy")


def _finite_rule(name: str, n: int, numbers: list[float]) -> Any:
    """SciPy's nodes and weights; a `LimitError` where its recursion leaves the range of floats on the way."""
    try:
        with _np.errstate(all="ignore"):
            found = getattr(_special, f"roots_{name}")(n, *numbers)
        if all(_np.isfinite(part).all() for part in found[:2]):
            return found
    except (ValueError, ArithmeticError):
        found = None
    raise LimitError(
        f"roots_{name} leaves the range of floats for {n} nodes", hint="ask for fewer nodes or another parameter"
    )


def _rule(name: str, count: int, *synonyms: str, above: float = -1.0) -> None:
    def build(n: Whole, *parameters: Any, context: Context) -> Value:
        numbers = [context.static(value) for value in parameters]
        if len(numbers) != count or not all(isinstance(value, (int, float)) for value in numbers):
            raise FormulaError(f"roots_{name} takes a number of nodes and {count} parameters that are numbers")
        if not all(above < value < _LARGEST_PARAMETER for value in numbers):
            raise FormulaError(
                f"the parameters of roots_{name} lie between {above:g} and {_LARGEST_PARAMETER:g}, and they are "
                f"{', '.join(describe(value) for value in parameters)}"
            )
        if not 1 <= n <= _MOST:
            raise FormulaError(f"a rule has between 1 and {_MOST} nodes, not {n}")
        found = _finite_rule(name, n, numbers)
        return tuple(context.floats(context.array(list(map(float, part)))) for part in found[:2])

    build.__doc__ = (
        f"x, w = roots_{name}({', '.join(['n', *'ab'[:count]])}): nodes and weights of Gauss' rule, constants."
    )
    arguments = ", ".join(["3", *["0.5"] * count])
    function(FAMILY, *synonyms, name=f"roots_{name}", example=f"roots_{name}({arguments})[0]")(build)


_rule("legendre", 0, "p_roots", "leggauss", "polynomial.legendre.leggauss")
_rule("hermite", 0, "h_roots", "hermgauss", "polynomial.hermite.hermgauss")
_rule("hermitenorm", 0, "he_roots", "hermegauss", "polynomial.hermite_e.hermegauss")
_rule("laguerre", 0, "l_roots", "laggauss", "polynomial.laguerre.laggauss")
_rule("chebyt", 0, "t_roots")
_rule("chebyu", 0, "u_roots")
_rule("sh_legendre", 0, "ps_roots")
_rule("genlaguerre", 1, "la_roots")
_rule("gegenbauer", 1, "cg_roots", above=-0.5)
_rule("jacobi", 2, "j_roots")


@function(FAMILY, "polynomial.chebyshev.chebgauss", example="chebgauss(3)[0]")
def chebgauss(n: Whole, *, context: Context) -> Value:
    """x, w = chebgauss(n): nodes and weights of Gauss' and Chebyshev's rule, as numpy.polynomial."""
    return use(context, "roots_chebyt", n)


def _composed(name: str, doc: str, make: Callable[[Context, int, Node], Any], *swapped: str) -> None:
    def build(n: Whole, x: Floats, *, context: Context) -> Node:
        return context.floats(make(context, n, x))

    def torch_build(x: Floats, n: Whole, *, context: Context) -> Node:
        return context.floats(make(context, n, x))

    build.__doc__ = doc
    torch_build.__doc__ = f"{doc} The argument stands first, as in PyTorch."
    if name:
        function(FAMILY, name=name, example=f"{name}(3, x)")(build)
    for other in swapped:
        function(FAMILY, name=other, example=f"{other}(x, 3)")(torch_build)


def _t(context: Context, n: int, x: Node) -> Node:
    return context.floats(use(context, "chebyshevt", n, x))


def _u(context: Context, n: int, x: Node) -> Node:
    return context.floats(use(context, "chebyshevu", n, x)) if n >= 0 else x * 0.0


_composed("eval_sh_legendre", "Legendre polynomial of 2*x - 1.", lambda c, n, x: use(c, "legendre", n, x * 2.0 - 1.0))
_composed(
    "eval_sh_chebyt", "Chebyshev polynomial T of 2*x - 1.", lambda c, n, x: _t(c, n, x * 2.0 - 1.0),
    "shifted_chebyshev_polynomial_t",
)  # fmt: skip
_composed(
    "eval_sh_chebyu", "Chebyshev polynomial U of 2*x - 1.", lambda c, n, x: _u(c, n, x * 2.0 - 1.0),
    "shifted_chebyshev_polynomial_u",
)  # fmt: skip
_composed("eval_chebyc", "Chebyshev polynomial C, on [-2, 2].", lambda c, n, x: _t(c, n, x * 0.5) * 2.0)
_composed("eval_chebys", "Chebyshev polynomial S, on [-2, 2].", lambda c, n, x: _u(c, n, x * 0.5))
_composed(
    "", "Chebyshev polynomial of the third kind.", lambda c, n, x: _u(c, n, x) - _u(c, n - 1, x),
    "chebyshev_polynomial_v",
)  # fmt: skip
_composed(
    "", "Chebyshev polynomial of the fourth kind.", lambda c, n, x: _u(c, n, x) + _u(c, n - 1, x),
    "chebyshev_polynomial_w",
)  # fmt: skip
_composed(
    "", "Chebyshev polynomial of the third kind, of 2*x - 1.",
    lambda c, n, x: _u(c, n, x * 2.0 - 1.0) - _u(c, n - 1, x * 2.0 - 1.0), "shifted_chebyshev_polynomial_v",
)  # fmt: skip
_composed(
    "", "Chebyshev polynomial of the fourth kind, of 2*x - 1.",
    lambda c, n, x: _u(c, n, x * 2.0 - 1.0) + _u(c, n - 1, x * 2.0 - 1.0), "shifted_chebyshev_polynomial_w",
)  # fmt: skip


@function(FAMILY, example="assoc_laguerre(x, 3, 1)")
def assoc_laguerre(x: Floats, n: Any, k: Any = 0.0, *, context: Context) -> Value:
    """Generalised Laguerre polynomial of degree n and parameter k; the argument stands first."""
    return use(context, "genlaguerre", n, k, x)


@function(FAMILY, kinks="an odd order has infinite slope at -1 and 1", example="lpmv(1, 2, x)")
def lpmv(m: Whole, v: Whole, x: Floats, *, context: Context) -> Node:
    """Associated Legendre function of whole order m and degree v, with the sign (-1)**m."""
    order = abs(m)
    if v < 0 or v > 500:
        raise FormulaError(f"the degree of lpmv is a whole number from 0 to 500, not {v}")
    if order > v:
        return x * 0.0
    inner = context.floats(use(context, "jacobi", v - order, order, order, x))
    numerator, denominator = math.prod(range(v + 1, v + order + 1)), (-2) ** order
    side = apply("power", (1.0 - x) * (1.0 + x), constant(order / 2, x.dtype))
    if m < 0:
        numerator, denominator = numerator * math.factorial(v - order), 2**order * math.factorial(v + order)
    try:
        growth = numerator / denominator
    except OverflowError:
        raise LimitError(f"lpmv of order {m} and degree {v} is beyond the range of floats") from None
    return inner * side * float(growth)


@function(FAMILY, kinks="an odd order has a kink at the poles", example="abs(sph_harm_y(2, 1, x, y))")
def sph_harm_y(n: Whole, m: Whole, theta: Floats, phi: Floats, *, context: Context) -> Value:
    """Spherical harmonic of degree n and order m, at the polar angle theta and the azimuth phi."""
    order = abs(m)
    if not 0 <= order <= n <= 500:
        raise FormulaError(f"sph_harm_y takes a degree up to 500 and an order up to it, not {n} and {m}")
    inner = context.floats(use(context, "jacobi", n - order, order, order, apply("cos", theta)))
    log_ratio = math.lgamma(n - order + 1) + math.lgamma(n + order + 1) - 2 * math.lgamma(n + 1)
    level = math.sqrt((2 * n + 1) / (4 * math.pi)) * math.exp(0.5 * log_ratio) / 2.0**order
    sign = (-1.0) ** order if m >= 0 else 1.0
    size = inner * apply("power", apply("sin", theta), constant(float(order), theta.dtype)) * (level * sign)
    return Complex(size * apply("cos", phi * float(m)), size * apply("sin", phi * float(m)))


@function(
    "Convolution, interpolation and signal", kinks="a repeated root has no slope", example="abs(roots([1, 0, x]))"
)
def roots(p: Floats, *, context: Context) -> Value:
    """The complex roots of a polynomial, the highest power first: eigenvalues of its companion matrix."""
    return use(context, "eigvals", use(context, "companion", p))


@function("Convolution, interpolation and signal", example="poly(x)")
def poly(seq_of_zeros: Floats, *, context: Context) -> Node:
    """The coefficients, the highest power first, of the polynomial with some roots."""
    if seq_of_zeros.ndim != 1 or seq_of_zeros.size > 1000:
        raise FormulaError("poly takes a vector of at most 1000 roots", hint="of a matrix take poly(eigvals(A).real)")
    total = context.floats([1.0])
    for place in range(seq_of_zeros.size):
        root = apply("slice", seq_of_zeros, bounds=((place, 1, 1),))
        factor = apply("concatenate", reshape(constant(1.0, root.dtype), (1,)), apply("negative", root), axis=0)
        total = apply("convolve", total, factor)
    return total


@function("Convolution, interpolation and signal", example="polydiv(p, [1, 2])[0]")
def polydiv(u: Floats, v: Floats) -> Value:
    """Quotient and remainder of two polynomials, the highest power first."""
    if u.ndim != 1 or v.ndim != 1 or not 1 <= v.size <= 1000 or u.size > 1000:
        raise FormulaError("polydiv takes two vectors of at most 1000 coefficients")
    rest, found = u, []
    steps = u.size - v.size + 1
    lead = apply("slice", v, bounds=((0, 1, 1),))
    for place in range(max(steps, 0)):
        factor = apply("slice", rest, bounds=((place, 1, 1),)) / lead
        found.append(factor)
        rest = rest - apply("unslice", factor * v, bounds=((place, v.size, 1),), shape=u.shape)
    if not found:
        return constant_zero(u), u
    quotient = found[0] if len(found) == 1 else apply("concatenate", *found, axis=0)
    kept = apply("slice", rest, bounds=((steps, v.size - 1, 1),))
    return quotient, kept if v.size > 1 else constant_zero(u)


def constant_zero(like: Node) -> Node:
    """One coefficient, 0."""
    return reshape(constant(0.0, like.dtype), (1,))
