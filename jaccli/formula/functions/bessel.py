"""Bessel, Airy, elliptic and hypergeometric functions, integrals without a closed form, orthogonal polynomials.

Orders, degrees and parameters are numbers, not arrays to differentiate for.
"""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, LimitError
from jaccli.formula.functions.registry import Flag, Floats, Whole, function
from jaccli.formula.functions.special import FAMILY, entry, fixed, number
from jaccli.formula.values import Context, Value, broadcast_together
from jaccli.graph.node import Node, apply, constant
from jaccli.graph.primitive import table
from jaccli.graph.primitives.bessel import bessel, polynomial, spherical_slope

_HIGHEST = 100_000
_LARGEST_PARAMETER = 1e6


def _of_order(name: str, kind: str, order: float, doc: str, *synonyms: str) -> None:
    def build(x: Floats) -> Node:
        return bessel(x, kind, order)

    build.__doc__ = doc
    kinks = "0 at 0, the middle of both slopes" if name == "i0e" else ""
    function(FAMILY, *synonyms, name=name, kinks=kinks, example=f"{name}(x)")(build)


for _order, _words in ((0, "zero"), (1, "one")):
    _of_order(f"j{_order}", "jv", _order, f"Bessel function of the first kind, order {_words}.", f"bessel_j{_order}")
    _of_order(f"y{_order}", "yv", _order, f"Bessel function of the second kind, order {_words}.", f"bessel_y{_order}")
    _of_order(
        f"i{_order}", "iv", _order, f"Modified Bessel function of the first kind, order {_words}.",
        f"modified_bessel_i{_order}",
    )  # fmt: skip
    _of_order(
        f"k{_order}", "kv", _order, f"Modified Bessel function of the second kind, order {_words}.",
        f"modified_bessel_k{_order}",
    )  # fmt: skip
    _of_order(f"i{_order}e", "ive", _order, f"exp(-abs(x))*i{_order}(x).", f"bessel_i{_order}e")
    _of_order(f"k{_order}e", "kve", _order, f"exp(x)*k{_order}(x).", f"scaled_modified_bessel_k{_order}")


def _of_any_order(name: str, kind: str, doc: str, *synonyms: str) -> None:
    def build(v: Any, x: Floats, *, context: Context) -> Node:
        order = fixed(context, v, f"the order of {name}")
        # Of the second kind SciPy climbs up to the order, and J of a negative order is made of these.
        return bessel(x, kind, _within_reach(order, name) if kind == "yv" or (kind == "jv" and order < 0) else order)

    build.__doc__ = doc
    function(FAMILY, *synonyms, name=name, example=f"{name}(2, x)")(build)


_of_any_order("jv", "jv", "Bessel function of the first kind of order v.", "jn", "jve", "besselj", "bessel_jn")
_of_any_order("yv", "yv", "Bessel function of the second kind of order v.", "yn", "yve", "bessely")
_of_any_order("iv", "iv", "Modified Bessel function of the first kind of order v.", "besseli")
_of_any_order("kv", "kv", "Modified Bessel function of the second kind of order v.", "kn", "besselk")
_of_any_order("ive", "ive", "exp(-abs(x))*iv(v, x).")
_of_any_order("kve", "kve", "exp(x)*kv(v, x).")


def _spherical(kind: str, doc: str, *synonyms: str) -> None:
    name = f"spherical_{kind}n"

    def build(n: Whole, x: Floats, derivative: Flag = False) -> Node:
        if not 0 <= n <= _HIGHEST:
            raise FormulaError(f"the order of {name} is a whole number from 0 on, not {n}")
        node = apply("spherical_bessel", x, kind=kind, order=n)
        return spherical_slope(number(x, 1.0), node, x) if derivative else node

    build.__doc__ = doc
    function(FAMILY, *synonyms, name=name, example=f"{name}(2, x)")(build)


_spherical("j", "Spherical Bessel function of the first kind.")
_spherical("y", "Spherical Bessel function of the second kind.")
_spherical("i", "Modified spherical Bessel function of the first kind.")
_spherical("k", "Modified spherical Bessel function of the second kind.")


@function(FAMILY, example="spherical_bessel_j0(x)")
def spherical_bessel_j0(x: Floats) -> Node:
    """Spherical Bessel function of the first kind, order zero: sin(x)/x."""
    return apply("spherical_bessel", x, kind="j", order=0)


@function(FAMILY, example="airy(x)[0]")
def airy(x: Floats) -> Value:
    """Ai, Ai', Bi, Bi' = airy(x): the Airy functions and their slopes."""
    return tuple(apply("airy", x, kind=kind) for kind in ("airyai", "airyaiprime", "airybi", "airybiprime"))


def _airy(name: str, doc: str) -> None:
    def build(x: Floats) -> Node:
        return apply("airy", x, kind=name)

    build.__doc__ = doc
    also = ("airy_ai",) if name == "airyai" else ()
    function(FAMILY, *also, name=name, example=f"{name}(x)")(build)


_airy("airyai", "Airy function Ai.")
_airy("airybi", "Airy function Bi.")
_airy("airyaiprime", "Slope of the Airy function Ai.")
_airy("airybiprime", "Slope of the Airy function Bi.")

entry("expi", "Ei")
entry("dawsn", "dawson")
entry("spence", "dilogarithm")
entry("ellipk", "elliptic_k")
entry("ellipe", "elliptic_e")


@function(FAMILY, "E1", kinks="minus infinity at 0", example="exp1(x)")
def exp1(x: Floats) -> Node:
    """Exponential integral E_1."""
    return apply("expn", x, order=1)


@function(FAMILY, "expint", kinks="minus infinity at 0 for orders 0 and 1", example="expn(2, x)")
def expn(n: Whole, x: Floats) -> Node:
    """Exponential integral of order n."""
    if not 0 <= n <= _HIGHEST:
        raise FormulaError(f"the order of expn is a whole number from 0 on, not {n}")
    return apply("expn", x, order=n)


def _pair(name: str, rows: tuple[str, str], doc: str, parts: tuple[str, str]) -> None:
    def build(x: Floats) -> Value:
        return tuple(apply(row, x) for row in rows)

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"{name}(x)[0]")(build)
    for part, row in zip(parts, rows, strict=True):
        _single(part, row)


def _single(name: str, primitive: str) -> None:
    def build(x: Floats) -> Node:
        return apply(primitive, x)

    build.__doc__ = table()[primitive].doc
    function(FAMILY, name=name, kinks=table()[primitive].kinks, example=f"{name}(x)")(build)


_pair("sici", ("sine_integral", "cosine_integral"), "Si, Ci = sici(x): sine and cosine integral.", ("Si", "Ci"))
_pair(
    "shichi",
    ("hyperbolic_sine_integral", "hyperbolic_cosine_integral"),
    "Shi, Chi = shichi(x): hyperbolic sine and cosine integral.",
    ("Shi", "Chi"),
)


@function(FAMILY, example="fresnel(x)[0]")
def fresnel(x: Floats) -> Value:
    """S, C = fresnel(x): the integrals of sin and cos of pi*t**2/2."""
    return apply("fresnel", x, cosine=False), apply("fresnel", x, cosine=True)


@function(FAMILY, example="fresnels(x)")
def fresnels(x: Floats) -> Node:
    """Fresnel integral S."""
    return apply("fresnel", x, cosine=False)


@function(FAMILY, example="fresnelc(x)")
def fresnelc(x: Floats) -> Node:
    """Fresnel integral C."""
    return apply("fresnel", x, cosine=True)


@function(FAMILY, example="fresnel_phase(x)")
def fresnel_phase(x: Floats, cosine: Flag = False) -> Node:
    """sin(pi*x**2/2), or cos of it, with all digits for large x: the slopes of the Fresnel integrals."""
    return apply("fresnel_phase", x, cosine=cosine)


@function(FAMILY, "LambertW", kinks="infinite at -1/e, NaN below", example="lambertw(x)")
def lambertw(z: Floats, k: Whole = 0) -> Node:
    """The solution w of w*exp(w) = z, on the real branch 0 or -1."""
    if k not in (0, -1):
        raise FormulaError(f"branch {k} of lambertw is complex", hint="the real branches are 0 and -1")
    return apply("lambertw", z, branch=k)


@function(FAMILY, example="ellipkm1(p)")
def ellipkm1(p: Floats) -> Node:
    """ellipk(1 - p)."""
    return apply("ellipkm1", p)


def _within_reach(parameter: float, name: str) -> float:
    """SciPy takes as many steps as a parameter is large: minutes where it is 10**9."""
    if _LARGEST_PARAMETER < abs(parameter) < math.inf:
        raise LimitError(f"a parameter of {name} is {parameter:g}, and the limit is {_LARGEST_PARAMETER:g}")
    return parameter


@function(FAMILY, example="hyp1f1(0.5, 1.5, x)")
def hyp1f1(a: Any, b: Any, x: Floats, *, context: Context) -> Node:
    """Kummer's confluent hypergeometric function, differentiable in x."""
    first, second = (_within_reach(fixed(context, value, "a parameter of hyp1f1"), "hyp1f1") for value in (a, b))
    return apply("hyp1f1", x, a=first, b=second)


@function(FAMILY, example="hyp2f1(0.5, 1, 1.5, x)")
def hyp2f1(a: Any, b: Any, c: Any, x: Floats, *, context: Context) -> Node:
    """Gauss' hypergeometric function, differentiable in x."""
    first, second, third = (
        _within_reach(fixed(context, value, "a parameter of hyp2f1"), "hyp2f1") for value in (a, b, c)
    )
    return apply("hyp2f1", x, a=first, b=second, c=third)


def _degree(context: Context, n: Any, name: str) -> int:
    degree = context.integer(n, f"the degree of {name}")
    if not 0 <= degree <= _HIGHEST:
        raise FormulaError(f"the degree of {name} is a whole number from 0 on, not {degree}")
    return degree


def _polynomial(name: str, kind: str, doc: str, *synonyms: str) -> None:
    def build(n: Any, x: Floats, *, context: Context) -> Node:
        if isinstance(n, (list, Node)) and context.array(n).ndim:
            return _of_degrees(context, context.array(n), x, kind, name)
        return polynomial(x, kind, _degree(context, n, name))

    build.__doc__ = f"{doc[:-1]}; or of the degrees of an array."
    function(FAMILY, *synonyms, name=name, example=f"{name}(3, x)")(build)


def _of_degrees(context: Context, degrees: Node, x: Node, kind: str, name: str) -> Node:
    """Polynomials whose degrees are the entries of an array, broadcast against the argument."""
    degrees, x = broadcast_together(degrees, x)
    numbers = sorted({_degree(context, one, name) for one in context.compute(degrees).ravel().tolist()})
    total = apply("multiply", x, constant(0.0, x.dtype))
    for one in numbers:
        chosen = apply("equal", degrees, constant(one, degrees.dtype))
        total = apply("where", chosen, polynomial(x, kind, one), total)
    return total


_polynomial("legendre", "legendre", "Legendre polynomial P of degree n.", "eval_legendre", "legendre_p", "legendreP")
_polynomial("chebyshevt", "chebyt", "Chebyshev polynomial T of degree n.", "eval_chebyt", "chebyt", "chebyshevT")
_polynomial("chebyshevu", "chebyu", "Chebyshev polynomial U of degree n.", "eval_chebyu", "chebyu", "chebyshevU")
_polynomial("hermite", "hermite", "Hermite polynomial H of degree n.", "eval_hermite", "hermiteH")
_polynomial("hermitenorm", "hermitenorm", "Hermite polynomial He of degree n, of probability.", "eval_hermitenorm")
_polynomial("laguerre", "laguerre", "Laguerre polynomial L of degree n.", "eval_laguerre", "laguerreL")


def _swapped(name: str, kind: str) -> None:
    """PyTorch's polynomials take the argument first."""

    def build(x: Floats, n: Any, *, context: Context) -> Node:
        return polynomial(x, kind, _degree(context, n, name))

    build.__doc__ = f"PyTorch's {name.replace('_', ' ')}: the argument stands before the degree."
    function(FAMILY, name=name, example=f"{name}(x, 3)")(build)


for _name, _kind in (
    ("legendre_polynomial_p", "legendre"),
    ("chebyshev_polynomial_t", "chebyt"),
    ("chebyshev_polynomial_u", "chebyu"),
    ("hermite_polynomial_h", "hermite"),
    ("hermite_polynomial_he", "hermitenorm"),
    ("laguerre_polynomial_l", "laguerre"),
):
    _swapped(_name, _kind)


def _shaped(name: str, kind: str, doc: str, count: int, *synonyms: str) -> None:
    def one(n: Any, alpha: Any, x: Floats, *, context: Context) -> Node:
        return polynomial(x, kind, _degree(context, n, name), fixed(context, alpha, f"alpha of {name}"))

    def two(n: Any, alpha: Any, beta: Any, x: Floats, *, context: Context) -> Node:
        shapes = (fixed(context, value, f"a parameter of {name}") for value in (alpha, beta))
        return polynomial(x, kind, _degree(context, n, name), *shapes)

    build = one if count == 1 else two
    build.__doc__ = doc
    arguments = "3, 0.5, x" if count == 1 else "3, 0.5, 1.5, x"
    function(FAMILY, *synonyms, name=name, example=f"{name}({arguments})")(build)


_shaped("gegenbauer", "gegenbauer", "Gegenbauer polynomial C of degree n.", 1, "eval_gegenbauer")
_shaped(
    "genlaguerre",
    "genlaguerre",
    "Generalised Laguerre polynomial of degree n.",
    1,
    "eval_genlaguerre",
)
_shaped("jacobi", "jacobi", "Jacobi polynomial P of degree n.", 2, "eval_jacobi")
