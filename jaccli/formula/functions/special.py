"""Special functions: the normal distribution, gamma and beta functions, entropies, transformations."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.functions.registry import Floats, Whole, function
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, cast, constant, reshape, topological
from jaccli.graph.primitive import table
from jaccli.graph.primitives.special import exp_square

FAMILY = "Special functions"


def entry(primitive: str, *synonyms: str, family: str = FAMILY) -> None:
    """A function of the language that is one row of the table."""
    row = table()[primitive]
    count = len(row.pullbacks)
    if count == 1:

        def unary(x: Floats) -> Node:
            return apply(primitive, x)

        unary.__doc__ = row.doc
        function(family, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(x)")(unary)
    elif count == 2:

        def binary(x: Floats, y: Floats) -> Node:
            return apply(primitive, x, y)

        binary.__doc__ = row.doc
        function(family, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(x, y)")(binary)
    else:

        def ternary(a: Floats, b: Floats, x: Floats) -> Node:
            return apply(primitive, a, b, x)

        ternary.__doc__ = row.doc
        function(family, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(a, b, x)")(ternary)


def fixed(context: Context, value: Any, what: str) -> float:
    """A number that a function takes as a parameter and does not differentiate."""
    if isinstance(value, Node) and any(n.primitive.name == "input" and n.is_float for n in topological([value])):
        context.note(f"{what} is held fixed: there is no derivative with respect to it")
    number = context.static(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise FormulaError(f"{what} must be one number", hint="an array of them is not taken")
    return float(number)


def number(x: Node, value: float) -> Node:
    """A constant of the dtype of x."""
    return constant(value, x.dtype)


entry("erf")
entry("erfc")
entry("erfcx")
entry("erfi")
entry("erfinv", "erf_inv")
entry("erfcinv")
entry("ndtr")
entry("log_ndtr")
entry("ndtri")


@function(FAMILY, kinks=table()["logit"].kinks, example="logit(x)")
def logit(x: Floats, eps: float | None = None) -> Node:
    """log(x/(1 - x)); with eps of x kept between eps and 1 - eps."""
    if eps is None:
        return apply("logit", x)
    return apply("logit", apply("clip", x, number(x, eps), number(x, 1.0 - eps)))


entry("xlogy")
entry("xlog1py")
entry("entr")
entry("rel_entr")
entry("kl_div")
entry("gammaln", "lgamma", "loggamma")
entry("gamma", "tgamma", "Gamma")
entry("rgamma")
entry("beta")
entry("betaln", "lbeta")
entry("binom")
entry("poch")
entry("gammainc", "igamma")
entry("gammaincc", "igammac")
entry("gammaincinv")
entry("gammainccinv")
entry("betainc")
entry("betaincinv")
entry("stdtr")
entry("boxcox")
entry("boxcox1p")
entry("cosm1")


def _standard(x: Node, loc: Node, scale: Node) -> Node:
    return apply("divide", apply("subtract", x, loc), scale)


@function(FAMILY, "normpdf", "pdf", name="norm.pdf", example="norm.pdf(x, 0, 2)")
def norm_pdf(x: Floats, loc: Any = 0, scale: Any = 1, *, context: Context) -> Node:
    """Density of the normal distribution."""
    width = context.floats(scale)
    peak = exp_square(_standard(x, context.floats(loc), width), -0.5)
    return apply("divide", peak, apply("multiply", width, number(x, math.sqrt(2 * math.pi))))


@function(FAMILY, "logpdf", "log_prob", name="norm.logpdf", example="norm.logpdf(x, 0, 2)")
def norm_logpdf(x: Floats, loc: Any = 0, scale: Any = 1, *, context: Context) -> Node:
    """log of the density of the normal distribution."""
    width = context.floats(scale)
    z = _standard(x, context.floats(loc), width)
    half = apply("divide", apply("power", z, number(x, 2.0)), number(x, 2.0))
    level = apply("add", apply("log", width), number(x, 0.5 * math.log(2 * math.pi)))
    return apply("negative", apply("add", half, level))


def _normal(name: str, primitive: str, doc: str, *synonyms: str, upper: bool = False) -> None:
    def build(x: Floats, loc: Any = 0, scale: Any = 1, *, context: Context) -> Node:
        z = _standard(x, context.floats(loc), context.floats(scale))
        return apply(primitive, apply("negative", z) if upper else z)

    build.__doc__ = doc
    function(FAMILY, *synonyms, name=name, example=f"{name}(x, 0, 2)")(build)


_normal("norm.cdf", "ndtr", "Distribution function of the normal distribution.", "normcdf", "cdf")
_normal("norm.logcdf", "log_ndtr", "log of the distribution function of the normal distribution.", "logcdf")
_normal("norm.sf", "ndtr", "1 - norm.cdf(x), far into the upper tail.", upper=True)
_normal("norm.logsf", "log_ndtr", "log(1 - norm.cdf(x)), far into the upper tail.", upper=True)


def _quantile(name: str, doc: str, *synonyms: str, upper: bool = False) -> None:
    def build(p: Floats, loc: Any = 0, scale: Any = 1, *, context: Context) -> Node:
        z = apply("ndtri", p)
        wide = apply("multiply", context.floats(scale), apply("negative", z) if upper else z)
        return apply("add", context.floats(loc), wide)

    build.__doc__ = doc
    function(FAMILY, *synonyms, name=name, kinks="infinite at 0 and 1", example=f"{name}(p, 0, 2)")(build)


_quantile("norm.ppf", "Quantile of the normal distribution.", "norminv", "ppf", "icdf")
_quantile("norm.isf", "Quantile of the normal distribution from above.", upper=True)


@function(FAMILY, "psi", kinks="at a pole the limit from the right", example="digamma(x)")
def digamma(x: Floats) -> Node:
    """Derivative of log gamma."""
    return apply("polygamma", x, order=0)


@function(FAMILY, kinks="at a pole the limit from the right", example="trigamma(x)")
def trigamma(x: Floats) -> Node:
    """Second derivative of log gamma."""
    return apply("polygamma", x, order=1)


@function(FAMILY, kinks="at a pole the limit from the right", example="polygamma(1, x)")
def polygamma(n: Any, x: Floats, *, context: Context) -> Node:
    """The derivative of digamma of order n."""
    order = context.integer(n, "the order of polygamma")
    if not 0 <= order <= 100:
        raise FormulaError(f"the order of polygamma is between 0 and 100, not {order}")
    return apply("polygamma", x, order=order)


@function(FAMILY, "mvlgamma", example="multigammaln(x, 3)")
def multigammaln(a: Floats, d: Whole) -> Node:
    """log of the multivariate gamma function of dimension d."""
    if not 1 <= d <= 10_000:
        raise FormulaError(f"the dimension of multigammaln is a whole number above 0, not {d}")
    halves = apply("divide", cast(apply("iota", length=d), a.dtype), number(a, 2.0))
    terms = apply("gammaln", apply("subtract", reshape(a, (*a.shape, 1)), halves))
    total = apply("sum", terms, axes=(a.ndim,))
    return apply("add", total, number(a, d * (d - 1) / 4 * math.log(math.pi)))


@function(FAMILY, example="factorial(x)")
def factorial(n: Floats) -> Node:
    """gamma(n + 1)."""
    return apply("gamma", apply("add", n, number(n, 1.0)))


@function(FAMILY, kinks="minus infinity at s = 1", example="zeta(s, 1)")
def zeta(s: Floats, q: Any = 1, order: Whole = 0, *, context: Context) -> Node:
    """Riemann's zeta function, and Hurwitz' with a second argument; or a derivative of it in s."""
    return apply("zeta", s, context.floats(q), order=_not_negative(order))


def _not_negative(order: int) -> int:
    if not 0 <= order <= 50:
        raise FormulaError(f"the order of a derivative is between 0 and 50, not {order}")
    return order


@function(FAMILY, example="inv_boxcox(y, lam)")
def inv_boxcox(x: Floats, lmbda: Floats) -> Node:
    """The inverse of boxcox in its first argument."""
    return apply("inv_boxcox", x, lmbda)


@function(FAMILY, example="powm1(x, y)")
def powm1(x: Floats, y: Floats) -> Node:
    """x**y - 1 without cancellation, for positive x."""
    return apply("expm1", apply("xlogy", y, x))


@function(FAMILY, kinks="smooth: value 1 and slope 1/2 at 0", example="exprel(x)")
def exprel(x: Floats, order: Whole = 0) -> Node:
    """(exp(x) - 1)/x, or a derivative of it."""
    return apply("exprel", x, order=_not_negative(order))


@function(FAMILY, kinks="smooth: value 1 and slope -1/2 at 0", example="log1p_ratio(x)")
def log1p_ratio(x: Floats, order: Whole = 0) -> Node:
    """log(1 + x)/x, or a derivative of it."""
    return apply("log1p_ratio", x, order=_not_negative(order))


@function(FAMILY, kinks="smooth: value 1 and slope 0 at 0", example="sinc(x)")
def sinc(x: Floats, order: Whole = 0, pi: Any = None, *, context: Context) -> Node:
    """sin(pi*x)/(pi*x), as NumPy; with pi=False or under the prefix sympy. sin(x)/x; or a derivative of it."""
    with_pi = context.dialect != "sympy" if pi is None else bool(context.static(pi))
    if pi is None and not with_pi:
        context.note("sinc: SymPy's meaning is taken, sin(x)/x; NumPy's is sin(pi*x)/(pi*x)")
    return apply("sinc", x, order=_not_negative(order), pi=with_pi)


@function(FAMILY, kinks="both pieces meet with one slope", example="huber(1, x)")
def huber(delta: Floats, r: Floats, *, context: Context) -> Node:
    """SciPy's huber(delta, r): r**2/2 within delta, delta*(abs(r) - delta/2) outside."""
    if context.dialect is None:
        context.note("huber(delta, r) is SciPy's; PyTorch's loss of two arrays is huber_loss(x, target)")
    size = apply("abs", r)
    inner = apply("divide", apply("power", r, number(r, 2.0)), number(r, 2.0))
    half = apply("divide", delta, number(r, 2.0))
    outer = apply("multiply", delta, apply("subtract", size, half))
    return apply("where", apply("less_equal", size, delta), inner, outer)


@function(FAMILY, example="pseudo_huber(1, x)")
def pseudo_huber(delta: Floats, r: Floats) -> Node:
    """delta**2*(sqrt(1 + (r/delta)**2) - 1)."""
    return apply("pseudo_huber", delta, r)


@function(FAMILY, example="log1mexp(x)")
def log1mexp(x: Floats) -> Node:
    """log(1 - exp(-x)) without cancellation, for positive x."""
    opposite = apply("negative", x)
    near = apply("log", apply("negative", apply("expm1", opposite)))
    far = apply("log1p", apply("negative", apply("exp", opposite)))
    return apply("where", apply("less", x, number(x, math.log(2))), near, far)


@function(FAMILY, example="chdtr(v, x)")
def chdtr(v: Floats, x: Floats) -> Node:
    """Distribution function of the chi-square distribution with v degrees of freedom."""
    return apply("gammainc", apply("divide", v, number(v, 2.0)), apply("divide", x, number(x, 2.0)))


@function(FAMILY, example="chdtrc(v, x)")
def chdtrc(v: Floats, x: Floats) -> Node:
    """1 - chdtr(v, x)."""
    return apply("gammaincc", apply("divide", v, number(v, 2.0)), apply("divide", x, number(x, 2.0)))


@function(FAMILY, example="fdtr(dfn, dfd, x)")
def fdtr(dfn: Floats, dfd: Floats, x: Floats) -> Node:
    """Distribution function of the F distribution."""
    top = apply("multiply", dfn, x)
    point = apply("divide", top, apply("add", dfd, top))
    half = number(x, 2.0)
    return apply("betainc", apply("divide", dfn, half), apply("divide", dfd, half), point)


@function(FAMILY, kinks="a step in k: derivative 0", example="pdtr(k, m)")
def pdtr(k: Floats, m: Floats) -> Node:
    """Probability of at most k events, Poisson with mean m."""
    return apply("gammaincc", apply("add", apply("floor", k), number(m, 1.0)), m)
