"""SciPy's short names of distribution functions and their inverses; degrees; slopes of Bessel functions."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.complex import Complex
from jaccli.formula.functions.registry import Floats, Whole, function, use
from jaccli.formula.functions.special import FAMILY, number
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, select

_STEP = "a step in k: derivative 0"


def _floor(k: Node) -> Node:
    return apply("floor", k)


@function(FAMILY, kinks=_STEP, example="bdtr(k, n, p)")
def bdtr(k: Floats, n: Floats, p: Floats) -> Node:
    """Probability of at most k of n events of probability p."""
    return apply("betainc", n - _floor(k), _floor(k) + 1.0, 1.0 - p)


@function(FAMILY, kinks=_STEP, example="bdtrc(k, n, p)")
def bdtrc(k: Floats, n: Floats, p: Floats) -> Node:
    """1 - bdtr(k, n, p)."""
    return apply("betainc", _floor(k) + 1.0, n - _floor(k), p)


@function(FAMILY, kinks=_STEP, example="bdtri(k, n, p)")
def bdtri(k: Floats, n: Floats, y: Floats) -> Node:
    """The inverse of bdtr in its last argument."""
    return 1.0 - apply("betaincinv", n - _floor(k), _floor(k) + 1.0, y)


@function(FAMILY, kinks=_STEP, example="nbdtr(k, n, p)")
def nbdtr(k: Floats, n: Floats, p: Floats) -> Node:
    """Probability of at most k failures before n successes of probability p."""
    return apply("betainc", n, _floor(k) + 1.0, p)


@function(FAMILY, kinks=_STEP, example="nbdtrc(k, n, p)")
def nbdtrc(k: Floats, n: Floats, p: Floats) -> Node:
    """1 - nbdtr(k, n, p)."""
    return apply("betainc", _floor(k) + 1.0, n, 1.0 - p)


@function(FAMILY, kinks=_STEP, example="nbdtri(k, n, p)")
def nbdtri(k: Floats, n: Floats, y: Floats) -> Node:
    """The inverse of nbdtr in its last argument."""
    return apply("betaincinv", n, _floor(k) + 1.0, y)


@function(FAMILY, kinks=_STEP, example="pdtrc(k, m)")
def pdtrc(k: Floats, m: Floats) -> Node:
    """1 - pdtr(k, m)."""
    return apply("gammainc", _floor(k) + 1.0, m)


@function(FAMILY, kinks=_STEP, example="pdtri(k, p)")
def pdtri(k: Floats, y: Floats) -> Node:
    """The inverse of pdtr in its last argument."""
    return apply("gammainccinv", _floor(k) + 1.0, y)


@function(FAMILY, example="chdtri(v, p)")
def chdtri(v: Floats, p: Floats) -> Node:
    """The inverse of chdtrc in its last argument."""
    return apply("gammainccinv", v * 0.5, p) * 2.0


@function(FAMILY, example="fdtrc(dfn, dfd, x)")
def fdtrc(dfn: Floats, dfd: Floats, x: Floats) -> Node:
    """1 - fdtr(dfn, dfd, x)."""
    return apply("betainc", dfd * 0.5, dfn * 0.5, dfd / (dfd + dfn * x))


@function(FAMILY, example="fdtri(dfn, dfd, p)")
def fdtri(dfn: Floats, dfd: Floats, p: Floats) -> Node:
    """The inverse of fdtr in its last argument."""
    share = apply("betaincinv", dfd * 0.5, dfn * 0.5, 1.0 - p)
    return dfd * (1.0 - share) / (dfn * share)


@function(FAMILY, example="gdtr(a, b, x)")
def gdtr(a: Floats, b: Floats, x: Floats) -> Node:
    """Distribution function of the gamma distribution of rate a and shape b."""
    return apply("gammainc", b, a * x)


@function(FAMILY, example="gdtrc(a, b, x)")
def gdtrc(a: Floats, b: Floats, x: Floats) -> Node:
    """1 - gdtr(a, b, x)."""
    return apply("gammaincc", b, a * x)


@function(FAMILY, example="gdtrix(a, b, p)")
def gdtrix(a: Floats, b: Floats, p: Floats) -> Node:
    """The inverse of gdtr in its last argument."""
    return apply("gammaincinv", b, p) / a


@function(FAMILY, example="gdtria(p, b, x)")
def gdtria(p: Floats, b: Floats, x: Floats) -> Node:
    """The inverse of gdtr in its first argument."""
    return apply("gammaincinv", b, p) / x


@function(FAMILY, example="betainccinv(a, b, p)")
def betainccinv(a: Floats, b: Floats, y: Floats) -> Node:
    """The inverse of betaincc in its last argument."""
    return 1.0 - apply("betaincinv", b, a, y)


@function(FAMILY, kinks="infinite at 0 and 1", example="stdtrit(v, p)")
def stdtrit(df: Floats, p: Floats) -> Node:
    """The inverse of stdtr in its last argument: Student's quantile."""
    below = p <= 0.5
    tail = apply("where", below, p, 1.0 - p) * 2.0
    share = apply("betaincinv", df * 0.5, number(p, 0.5), tail)
    size = apply("sqrt", df * (1.0 - share) / share)
    return apply("where", below, apply("negative", size), size)


@function(FAMILY, example="ndtri_exp(-x)")
def ndtri_exp(y: Floats) -> Node:
    """ndtri(exp(y)), by two steps of Newton's method on log_ndtr, to every order of derivative up to the third."""
    guess = apply("stop_gradient", apply("ndtri", apply("exp", y)))
    for _ in range(3):
        log_density = guess * guess * -0.5 - 0.5 * math.log(2 * math.pi)
        value = apply("log_ndtr", guess)
        guess = guess + (y - value) * apply("exp", value - log_density)
    return guess


@function(FAMILY, example="perm(n, k)")
def perm(N: Floats, k: Floats) -> Node:
    """How many ways there are to choose k of n in order: gamma(n + 1)/gamma(n - k + 1)."""
    return apply("poch", N - k + 1.0, k)


@function(FAMILY, example="factorial2(5)")
def factorial2(n: Whole, exact: Any = False) -> int:
    """n*(n - 2)*(n - 4)*…"""
    if not -1 <= n <= 300:
        raise FormulaError(f"factorial2 takes whole numbers from -1 to 300, not {n}")
    return math.prod(range(n, 0, -2))


@function(FAMILY, kinks="a step: derivative 0", example="gammasgn(x)")
def gammasgn(x: Floats) -> Node:
    """Sign of the gamma function."""
    odd = apply("equal", apply("remainder", apply("floor", x), number(x, 2.0)), number(x, 1.0))
    pole = apply("equal", x, apply("floor", x)) & (x < 0.0)
    sign = select((x < 0.0) & odd, number(x, -1.0), 1.0)
    return select(pole, float("nan"), sign)


@function(FAMILY, kinks="infinite at 1", example="zetac(x + 1)")
def zetac(x: Floats, *, context: Context) -> Node:
    """Riemann's zeta function less 1."""
    less_one = context.floats(use(context, "zeta", x)) - 1.0
    return select(x > 1.0, apply("zeta", x, number(x, 2.0), order=0), less_one)  # the sum without its first term


def _degrees(name: str, base: str, doc: str) -> None:
    def build(x: Floats, *, context: Context) -> Value:
        return use(context, base, x * (math.pi / 180.0))

    build.__doc__ = doc
    function("Trigonometric and hyperbolic", name=name, example=f"{name}(x)")(build)


_degrees("sindg", "sin", "Sine of an angle in degrees.")
_degrees("cosdg", "cos", "Cosine of an angle in degrees.")
_degrees("tandg", "tan", "Tangent of an angle in degrees.")
_degrees("cotdg", "cot", "Cotangent of an angle in degrees.")


@function("Trigonometric and hyperbolic", example="radian(x, 30, 0)")
def radian(d: Floats, m: Floats, s: Floats) -> Node:
    """Degrees, minutes and seconds as an angle."""
    return (d + m / 60.0 + s / 3600.0) * (math.pi / 180.0)


@function(FAMILY, kinks="smooth: a limit at multiples of 2*pi", example="diric(x, 3)")
def diric(x: Floats, n: Whole, *, context: Context) -> Value:
    """sin(n*x/2)/(n*sin(x/2)), the periodic sinc, as a sum of cosines."""
    if not 1 <= n <= 10_000:
        raise FormulaError(f"the order of diric is a whole number from 1 on, not {n}")
    total: Node = x * 0.0
    for place in range(n):
        total = total + apply("cos", x * (place - (n - 1) / 2))
    return total / float(n)


_RECURRENCES = {"j": (-1.0, "jv"), "y": (-1.0, "yv"), "i": (1.0, "iv"), "k": (1.0, "kv")}


def _derivative(kind: str, doc: str) -> None:
    sign, base = _RECURRENCES[kind]

    def build(v: Any, z: Floats, n: Whole = 1, *, context: Context) -> Node:
        order = context.static(v)
        if not isinstance(order, (int, float)) or not 0 <= n <= 50:
            raise FormulaError(f"{kind}vp takes a number for the order, and how often to differentiate")
        outer = -1.0 if kind == "k" else 1.0
        total: Node = z * 0.0
        for place in range(n + 1):
            weight = math.comb(n, place) * sign**place * outer**n / 2.0**n
            total = total + context.floats(use(context, base, order - n + 2 * place, z)) * weight
        return total

    build.__doc__ = doc
    function(FAMILY, name=f"{kind}vp", example=f"{kind}vp(1, x)")(build)


_derivative("j", "n-th derivative of the Bessel function jv.")
_derivative("y", "n-th derivative of the Bessel function yv.")
_derivative("i", "n-th derivative of the modified Bessel function iv.")
_derivative("k", "n-th derivative of the modified Bessel function kv.")


def _hankel(name: str, sign: float, doc: str) -> None:
    def build(v: Any, z: Floats, *, context: Context) -> Value:
        second = context.floats(use(context, "yv", v, z))
        return Complex(context.floats(use(context, "jv", v, z)), second * sign)

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"abs({name}(1, x))")(build)


_hankel("hankel1", 1.0, "Hankel function of the first kind, jv + i*yv, of a real argument.")
_hankel("hankel2", -1.0, "Hankel function of the second kind, jv - i*yv, of a real argument.")
