"""The normal distribution and its relatives, entropies, and products with a zero that wins.

Values come from SciPy, loaded at first use. Slopes keep their digits where the textbook formula loses them: Gaussians
square their argument in two parts, and the slope of erfcx is a series of its own (`jaccli/numbers/gaussian.py`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, broadcast_to, constant, select
from jaccli.graph.primitive import Masked, elementwise
from jaccli.graph.primitives.arithmetic import AWAY_FROM_ZERO
from jaccli.graph.primitives.parametric import parametric
from jaccli.graph.primitives.smooth import counts
from jaccli.lazy import lazy
from jaccli.numbers.gaussian import erfcx_slope
from jaccli.numbers.ratios import divergence

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

ANY = (-2.5, 2.5)
POSITIVE = (0.1, 4.0)
UNIT = (0.05, 0.95)
_ROOT_PI = math.sqrt(math.pi)
_ROOT_TWO_PI = math.sqrt(2 * math.pi)


def exp_square(x: Node, scale: float) -> Node:
    """exp(scale*x**2)."""
    return apply("exp_square", x, scale=scale)


def exp_square_numeric(x: Any, scale: float) -> Any:
    """exp(scale*x**2), x in two parts, one with an exact square: a rounded square would show."""
    wide = np.clip(np.asarray(x, np.float64), -1e4, 1e4)
    high = wide.astype(np.float32).astype(np.float64)
    rest = (wide - high) * (wide + high)
    return (np.exp(scale * high * high) * np.exp(scale * rest)).astype(np.asarray(x).dtype, copy=False)


parametric(
    "exp_square",
    "exp of a multiple of the square, to the last digits.",
    exp_square_numeric,
    lambda g, y, x: g * (2.0 * y.params["scale"] * (x * y)),
    variants=tuple(({"scale": scale}, (ANY,)) for scale in (-1.0, -0.5, 0.5)),
    template="exp({scale}*({0})**2)",
    symbolic=lambda sympy, x, scale: sympy.exp(sympy.Rational(scale) * x**2),
)


def erfc_numeric(x: Any) -> Any:
    """SciPy squares its argument with one rounding, which its exponential magnifies far out."""
    found = special.erfc(x)
    far = np.asarray(x) > 1.0
    if not np.any(far):
        return found
    part = np.where(far, x, 2.0)
    return np.where(far, exp_square_numeric(part, -1.0) * special.erfcx(part), found)


elementwise(
    "erfc",
    "Complementary error function, 1 - erf(x).",
    erfc_numeric,
    lambda g, y, x: -(g * (2 / _ROOT_PI * exp_square(x, -1.0))),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erfc(x),
)


def _erfcx(x: Any) -> Any:
    """SciPy's is six units off near 0, where the plain product is good."""
    found = special.erfcx(x)
    near = np.abs(x) < 0.6
    if not np.any(near):
        return found
    part = np.where(near, x, 0.0)
    return np.where(near, np.exp(part * part) * special.erfc(part), found)


elementwise(
    "erfcx",
    "exp(x**2)*erfc(x) without overflow.",
    _erfcx,
    lambda g, y, x: g * apply("erfcx_slope", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.exp(x**2) * sympy.erfc(x),
)
elementwise(
    "erfcx_slope",
    "2*x*erfcx(x) - 2/sqrt(pi) without cancellation.",
    erfcx_slope,
    lambda g, y, x: g * (2.0 * (apply("erfcx", x) + x * y)),
    ranges=((-2.0, 4.0),),
    template="(2*({0})*erfcx({0}) - 2/sqrt(pi))",
    symbolic=lambda sympy, x: 2 * x * sympy.exp(x**2) * sympy.erfc(x) - 2 / sympy.sqrt(sympy.pi),
)


def ndtr_numeric(x: Any) -> Any:
    found = special.ndtr(x)
    far = np.asarray(x) < -0.7
    if not np.any(far):
        return found
    part = np.where(far, x, -2.0)
    return np.where(far, 0.5 * exp_square_numeric(part, -0.5) * special.erfcx(part * -math.sqrt(0.5)), found)


elementwise(
    "ndtr",
    "Distribution function of the standard normal.",
    ndtr_numeric,
    lambda g, y, x: g * (1 / _ROOT_TWO_PI * exp_square(x, -0.5)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erfc(-x / sympy.sqrt(2)) / 2,
)


def _inverse_mills(x: Any) -> Any:
    lower = math.sqrt(2 / math.pi) / _erfcx(np.minimum(x, 0.0) * -math.sqrt(0.5))
    upper = exp_square_numeric(x, -0.5) / ndtr_numeric(np.maximum(x, 0.0)) / _ROOT_TWO_PI
    return np.where(x <= 0, lower, upper)


def _log_ndtr(x: Any) -> Any:
    lower = np.minimum(x, 0.0)
    below = np.log(0.5 * special.erfcx(lower * -math.sqrt(0.5))) - 0.5 * np.square(lower)
    return np.where(x < -1.0, below, np.log1p(-ndtr_numeric(-np.maximum(x, -1.0))))


elementwise(
    "log_ndtr",
    "log of the distribution function of the standard normal, far into its tail.",
    _log_ndtr,
    lambda g, y, x: g * apply("inverse_mills", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.log(sympy.erfc(-x / sympy.sqrt(2)) / 2),
)
elementwise(
    "inverse_mills",
    "Density over distribution function of the standard normal.",
    _inverse_mills,
    lambda g, y, x: -(g * (y * (x + y))),
    ranges=(ANY,),
    template="exp(norm.logpdf({0}) - log_ndtr({0}))",
    symbolic=lambda sympy, x: sympy.sqrt(2 / sympy.pi) * sympy.exp(-(x**2) / 2) / sympy.erfc(-x / sympy.sqrt(2)),
)
elementwise(
    "logit",
    "log(x/(1 - x)), the inverse of sigmoid.",
    lambda x: special.logit(x),
    lambda g, y, x: g / (x * (1.0 - x)),
    ranges=(UNIT,),
    symbolic=lambda sympy, x: sympy.log(x / (1 - x)),
    kinks="infinite at 0 and 1, NaN outside",
)


def _not_zero(x: Node) -> Node:
    return apply("not_equal", x, constant(0.0, x.dtype))


def _xlog1py_second(g: Node, y: Node, a: Node, b: Node) -> Masked:
    live = counts(a, b > -1.0)
    return Masked(select(live, g * (a / (1.0 + b)), 0.0), broadcast_to(live, y.shape))


elementwise(
    "xlog1py",
    "x*log(1 + y), and 0 where x is 0.",
    lambda a, b: np.where((a == 0) & ~np.isnan(b), 0.0, a * np.log1p(b)),
    lambda g, y, a, b: g * apply("log1p", b),
    _xlog1py_second,
    ranges=(ANY, (-0.8, 4.0)),
    symbolic=lambda sympy, a, b: a * sympy.log(1 + b),
    kinks="where x is 0 the slope in y is 0",
)


def _weighted_second(g: Node, y: Node, a: Node, b: Node) -> Masked:
    live = counts(a, apply("isfinite", b))
    return Masked(select(live, g * a, 0.0), broadcast_to(live, y.shape))


elementwise(
    "weighted",
    "A weight times a value, and 0 where the weight is 0 even if the value is infinite.",
    lambda a, b: np.where((a == 0) & ~np.isnan(b), 0.0, a * b),
    lambda g, y, a, b: g * b,
    _weighted_second,
    ranges=(AWAY_FROM_ZERO, ANY),
    template="where(({0}) == 0, 0, ({0})*({1}))",
    symbolic=lambda sympy, a, b: a * b,
    kinks="where the weight is 0 the slope in the value is 0",
)
elementwise(
    "entr",
    "-x*log(x), 0 at 0, minus infinity below.",
    lambda x: special.entr(x),
    lambda g, y, x: -(g * (apply("log", x) + 1.0)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: -x * sympy.log(x),
    kinks="infinite at 0, NaN below",
)


def _log_of_ratio(a: Any, b: Any) -> Any:
    ratio = a / b
    usable = np.isfinite(ratio) & (ratio > 0)
    return np.where(usable, np.log(np.where(usable, ratio, 1.0)), np.log(a) - np.log(b))


elementwise(
    "log_ratio",
    "log(x/y) without overflow of the quotient.",
    _log_of_ratio,
    lambda g, y, a, b: g / a,
    lambda g, y, a, b: -(g / b),
    ranges=(POSITIVE, POSITIVE),
    template="log(({0})/({1}))",
    symbolic=lambda sympy, a, b: sympy.log(a / b),
    kinks="infinite at a zero, NaN below",
)


def _inside(slope: Node, a: Node, b: Node) -> Node:
    """NaN where a or b is negative: the value there is infinite by convention, and has no slope."""
    return apply("on_domain", slope, apply("log_ratio", a, b))


def _relative_second(g: Node, y: Node, a: Node, b: Node) -> Masked:
    live = counts(a, b > 0.0)
    return Masked(select(live, -_inside(g * (a / b), a, b), 0.0), broadcast_to(live, y.shape))


elementwise(
    "rel_entr",
    "x*log(x/y), 0 where x is 0, infinite off the domain.",
    lambda a, b: special.rel_entr(a, b),
    lambda g, y, a, b: g * (apply("log_ratio", a, b) + 1.0),
    _relative_second,
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, a, b: a * sympy.log(a / b),
    kinks="minus infinity in x at 0, where the slope in y is 0",
)
elementwise(
    "kl_div",
    "x*log(x/y) - x + y, the pointwise divergence.",
    divergence,
    lambda g, y, a, b: g * apply("log_ratio", a, b),
    lambda g, y, a, b: g * select(_not_zero(a), _inside((b - a) / b, a, b), 1.0),
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, a, b: a * sympy.log(a / b) - a + b,
    kinks="minus infinity in x at 0, where the slope in y is 1",
)


def _box_cox_second(g: Node, logarithm: Node, exponent: Node) -> Node:
    inner = apply("exprel", exponent * logarithm, order=1)
    edge = apply("equal", logarithm, constant(-math.inf, logarithm.dtype)) & (exponent > 0.0)
    return g * select(edge, 1.0 / (exponent * exponent), logarithm * logarithm * inner)


elementwise(
    "boxcox",
    "(x**lam - 1)/lam, and log(x) where lam is 0.",
    lambda x, lam: special.boxcox(x, lam),
    lambda g, y, x, lam: g * x ** (lam - 1.0),
    lambda g, y, x, lam: _box_cox_second(g, apply("log", x), lam),
    ranges=(POSITIVE, ANY),
    symbolic=lambda sympy, x, lam: (x**lam - 1) / lam,
    kinks="smooth in lam at 0, where the slope is log(x)**2/2",
)
elementwise(
    "boxcox1p",
    "((1 + x)**lam - 1)/lam, and log(1 + x) where lam is 0.",
    lambda x, lam: special.boxcox1p(x, lam),
    lambda g, y, x, lam: g * apply("exp", (lam - 1.0) * apply("log1p", x)),
    lambda g, y, x, lam: _box_cox_second(g, apply("log1p", x), lam),
    ranges=((-0.5, 3.0), ANY),
    symbolic=lambda sympy, x, lam: ((1 + x) ** lam - 1) / lam,
    kinks="smooth in lam at 0",
)


def _grown(x: Any, lam: Any) -> Any:
    """log(1 + lam*x)/lam, and x where lam is 0."""
    product = lam * x
    tiny = np.abs(product) < 1e-300
    return np.where(tiny, x, np.log1p(product) / np.where(tiny, 1.0, lam))


def _inverse_box_cox_slope(g: Node, y: Node, x: Node, lam: Node) -> Node:
    return g * (apply("inv_boxcox", x, lam) / (1.0 + lam * x))


def _inverse_box_cox_second(g: Node, y: Node, x: Node, lam: Node) -> Node:
    bend = apply("log1p_ratio", lam * x, order=1)
    return g * (apply("inv_boxcox", x, lam) * (x * x * bend))


def _inverse_box_cox_symbolic(sympy: Any, x: Any, lam: Any) -> Any:
    return sympy.Piecewise((sympy.exp(x), sympy.Eq(lam, 0)), ((1 + lam * x) ** (1 / lam), True))


elementwise(
    "inv_boxcox",
    "(1 + lam*x)**(1/lam), and exp(x) where lam is 0: the inverse of boxcox.",
    lambda x, lam: np.exp(_grown(x, lam)),
    _inverse_box_cox_slope,
    _inverse_box_cox_second,
    ranges=(POSITIVE, POSITIVE),
    symbolic=_inverse_box_cox_symbolic,
    kinks="smooth in lam at 0",
)
elementwise(
    "inv_boxcox1p",
    "(1 + lam*x)**(1/lam) - 1, and expm1(x) where lam is 0: the inverse of boxcox1p.",
    lambda x, lam: np.expm1(_grown(x, lam)),
    _inverse_box_cox_slope,
    _inverse_box_cox_second,
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, x, lam: _inverse_box_cox_symbolic(sympy, x, lam) - 1,
    kinks="smooth in lam at 0",
)
elementwise(
    "cosm1",
    "cos(x) - 1 without cancellation near 0.",
    lambda x: -2.0 * np.square(np.sin(0.5 * x)),
    lambda g, y, x: -(g * apply("sin", x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.cos(x) - 1,
)
elementwise(
    "soft_sign",
    "x/(1 + abs(x)).",
    lambda x: x / (1.0 + np.abs(x)),
    lambda g, y, x: g / (1.0 + apply("abs", x)) ** 2.0,
    ranges=(AWAY_FROM_ZERO,),
    symbolic=lambda sympy, x: x / (1 + sympy.Abs(x)),
)
elementwise(
    "binary_exponent",
    "The exponent of 2 with which an entry is a number from 1/2 to 1.",
    lambda x: np.frexp(x)[1].astype(np.asarray(x).dtype),
    None,
    ranges=((1.1, 1.9),),
    template="frexp({0})[1]",
    symbolic=lambda sympy, x: sympy.floor(sympy.log(sympy.Abs(x), 2)) + 1,
    kinks="a step: derivative 0",
)


def _pseudo_huber(delta: Any, r: Any) -> Any:
    return delta * r * (r / (delta + np.hypot(delta, r)))


def _pseudo_huber_scale(g: Node, y: Node, delta: Node, r: Node) -> Node:
    share = y / delta
    return g * (share * (share / apply("hypot", delta, r)))


elementwise(
    "pseudo_huber",
    "delta**2*(sqrt(1 + (r/delta)**2) - 1) without cancellation.",
    _pseudo_huber,
    _pseudo_huber_scale,
    lambda g, y, delta, r: g * (r * (delta / apply("hypot", delta, r))),
    ranges=(POSITIVE, ANY),
    symbolic=lambda sympy, delta, r: delta**2 * (sympy.sqrt(1 + (r / delta) ** 2) - 1),
)
