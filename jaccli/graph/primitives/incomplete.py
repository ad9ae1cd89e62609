"""Incomplete gamma and beta functions: distribution functions of the gamma, beta and Student distributions.

In the argument their slopes are densities. In the shape they have no closed form; there the series and
the continued fractions of Press et al., Numerical Recipes, chapter 6, are differentiated term by term.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.errors import FormulaError
from jaccli.graph.node import Node, apply, constant, select
from jaccli.graph.primitive import Masked, Pullback, elementwise
from jaccli.graph.primitives.gamma import digamma, digamma_difference
from jaccli.graph.primitives.parametric import parametric
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

SHAPE = (0.6, 4.0)
UNIT = (0.1, 0.9)
_MOST_TERMS = 100_000


def _refuse(what: str) -> Pullback:
    def rule(g: Node, y: Node, *args: Node) -> Node | Masked:
        raise FormulaError(
            f"{what} is not available", hint="hold the shape fixed with stop_gradient(…), or choose inputs with --wrt"
        )

    return rule


def _gamma_density(a: Any, x: Any) -> Any:
    """x**(a - 1)*exp(-x)/gamma(a), at large shapes from the distance to the mode."""
    a, x = np.broadcast_arrays(a, x)
    large = (a > 30) & (x > 0)
    small = np.where(large, 1.0, a)
    direct = np.power(x, small - 1.0) * np.exp(-x) * special.rgamma(small)
    direct = np.where(np.isposinf(x), 0.0, direct)
    if np.any(large):
        shape = np.where(large, a, 31.0)
        off = np.where(large, x, 31.0) / shape - 1.0
        bent = np.where(np.abs(off) < 0.2, _log1p_less(off), np.log1p(off) - off)
        correction = 1 / (12 * shape) - 1 / (360 * shape**3) + 1 / (1260 * shape**5) - 1 / (1680 * shape**7)
        far = np.exp(shape * bent - correction) * np.sqrt(shape / (2 * np.pi)) / np.where(large, x, 1.0)
        direct = np.where(large, far, direct)
    return direct.astype(np.result_type(a, x), copy=False)


def _log1p_less(x: Any) -> Any:
    """log(1 + x) - x for small x."""
    total = np.zeros_like(x)
    for k in range(26, 1, -1):
        total = total * x + (-1) ** (k + 1) / k
    return total * x * x


def _density_shape(g: Node, y: Node, a: Node, x: Node) -> Node:
    return g * (apply("xlogy", y, x) - y * digamma(a))


elementwise(
    "gamma_density",
    "x**(a - 1)*exp(-x)/gamma(a), first argument a.",
    _gamma_density,
    _density_shape,
    lambda g, y, a, x: g * (apply("gamma_density", a - 1.0, x) - y),
    ranges=((1.2, 4.0), (0.1, 4.0)),
    symbolic=lambda sympy, a, x: x ** (a - 1) * sympy.exp(-x) / sympy.gamma(a),
)


def _gamma_shape_slope(a: Any, x: Any) -> Any:
    """The derivative of gammainc in its first argument."""
    a, x = (np.asarray(array, np.float64) for array in np.broadcast_arrays(a, x))
    inside = (a > 0) & (x > 0) & np.isfinite(x)
    shape, point = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    series = point < shape + 1.0
    low = _slope_by_series(np.where(series, shape, 2.0), np.where(series, point, 1.0))
    high = _slope_by_fraction(np.where(series, 1.0, shape), np.where(series, 3.0, point))
    slope = np.where(series, low, high)
    return np.where(inside, slope, np.where((a > 0) & ((x == 0) | np.isposinf(x)), 0.0, np.nan))


def _slope_by_series(a: Any, x: Any) -> Any:
    ratio, sums = np.ones_like(x), np.zeros_like(x)
    total, moved = np.ones_like(x), np.zeros_like(x)
    for n in range(1, _MOST_TERMS):
        ratio = ratio * x / (a + n)
        sums = sums + 1.0 / (a + n)
        total = total + ratio
        moved = moved - ratio * sums
        if np.all(ratio * sums <= 1e-18 * total):
            break
    return _gamma_density(a + 1.0, x) * ((np.log(x) - special.digamma(a + 1.0)) * total + moved)


def _slope_by_fraction(a: Any, x: Any) -> Any:
    terms = min(_MOST_TERMS, int(200 + 10 * math.sqrt(float(np.max(a, initial=1.0)))))
    below, moved = x + 2.0 * terms + 1.0 - a, -np.ones_like(x)
    for n in range(terms, 0, -1):
        numerator = -n * (n - a)
        moved = -1.0 + n / below - numerator * moved / np.square(below)
        below = x + 2.0 * n - 1.0 - a + numerator / below
    value, slope = 1.0 / below, -moved / np.square(below)
    return -x * _gamma_density(a, x) * ((np.log(x) - special.digamma(a)) * value + slope)


elementwise(
    "gammainc_shape_slope",
    "Derivative of gammainc in its first argument.",
    _gamma_shape_slope,
    _refuse("the second derivative of gammainc in its first argument"),
    lambda g, y, a, x: g * apply("gamma_density", a, x) * (apply("log", x) - digamma(a)),
    ranges=(SHAPE, (0.1, 8.0)),
)


def density(a: Node, x: Node) -> Node:
    """The slope of gammainc(a, x) in x."""
    return apply("gamma_density", a, x)


elementwise(
    "gammainc",
    "Regularised lower incomplete gamma function, first argument the shape.",
    lambda a, x: special.gammainc(a, x),
    lambda g, y, a, x: g * apply("gammainc_shape_slope", a, x),
    lambda g, y, a, x: g * density(a, x),
    ranges=(SHAPE, (0.1, 8.0)),
    symbolic=lambda sympy, a, x: sympy.lowergamma(a, x) / sympy.gamma(a),
)
elementwise(
    "gammaincc",
    "Regularised upper incomplete gamma function, first argument the shape.",
    lambda a, x: special.gammaincc(a, x),
    lambda g, y, a, x: -(g * apply("gammainc_shape_slope", a, x)),
    lambda g, y, a, x: -(g * density(a, x)),
    ranges=(SHAPE, (0.1, 8.0)),
    symbolic=lambda sympy, a, x: sympy.uppergamma(a, x) / sympy.gamma(a),
)
elementwise(
    "gammaincinv",
    "Inverse of gammainc in its second argument.",
    lambda a, p: special.gammaincinv(a, p),
    lambda g, y, a, p: -(g * (apply("gammainc_shape_slope", a, y) / density(a, y))),
    lambda g, y, a, p: g / density(a, y),
    ranges=(SHAPE, UNIT),
)
elementwise(
    "gammainccinv",
    "Inverse of gammaincc in its second argument.",
    lambda a, p: special.gammainccinv(a, p),
    lambda g, y, a, p: -(g * (apply("gammainc_shape_slope", a, y) / density(a, y))),
    lambda g, y, a, p: -(g / density(a, y)),
    ranges=(SHAPE, UNIT),
)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    large = np.maximum(a, b) > 30
    by_log = np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))
    direct = np.power(x, a - 1.0) * np.power(1.0 - x, b - 1.0) / special.beta(a, b)
    return np.where(large, by_log, direct).astype(np.result_type(a, b, x), copy=False)


def _beta_density_point(g: Node, y: Node, a: Node, b: Node, x: Node) -> Node:
    less = (a + b - 1.0) * apply("beta_density", a - 1.0, b, x)
    return g * (less - (a + b - 1.0) * apply("beta_density", a, b - 1.0, x))


elementwise(
    "beta_density",
    "x**(a - 1)*(1 - x)**(b - 1)/beta(a, b), arguments a, b, x.",
    _beta_density,
    lambda g, y, a, b, x: g * (apply("xlogy", y, x) + y * digamma_difference(a, b)),
    lambda g, y, a, b, x: g * (apply("xlogy", y, 1.0 - x) + y * digamma_difference(b, a)),
    _beta_density_point,
    ranges=((1.2, 4.0), (1.2, 4.0), UNIT),
    symbolic=lambda sympy, a, b, x: (
        x ** (a - 1) * (1 - x) ** (b - 1) * sympy.gamma(a + b) / (sympy.gamma(a) * sympy.gamma(b))
    ),
)


def _beta_fraction(a: Any, b: Any, x: Any) -> tuple[Any, Any, Any]:
    """The continued fraction of betainc with its derivatives in a and in b, from its far end."""
    below, by_a, by_b = np.ones_like(x), np.zeros_like(x), np.zeros_like(x)
    terms = int(60 + 8 * math.sqrt(float(np.max(np.maximum(a, b), initial=1.0))))
    for k in range(min(2 * terms, _MOST_TERMS), 0, -1):
        m = k // 2
        if k % 2:
            top = -(a + m) * (a + b + m) * x
            under = (a + 2 * m) * (a + 2 * m + 1)
            top_a, top_b = -(2 * a + b + 2 * m) * x, -(a + m) * x
            under_a = 2 * a + 4 * m + 1
        else:
            top = m * (b - m) * x
            under = (a + 2 * m - 1) * (a + 2 * m)
            top_a, top_b = np.zeros_like(x), m * x
            under_a = 2 * a + 4 * m - 1
        term = top / under
        term_a, term_b = top_a / under - term * under_a / under, top_b / under
        by_a = term_a / below - term * by_a / np.square(below)
        by_b = term_b / below - term * by_b / np.square(below)
        below = 1.0 + term / below
    return 1.0 / below, -by_a / np.square(below), -by_b / np.square(below)


def _beta_shape_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """The derivatives of betainc in a and b where x < (a + 1)/(a + b + 2)."""
    value, value_a, value_b = _beta_fraction(a, b, x)
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - special.betaln(a, b)) / a
    log_a = np.log(x) - 1.0 / a + _difference(a, b)
    log_b = np.log1p(-x) + _difference(b, a)
    return front * (value * log_a + value_a), front * (value * log_b + value_b)


def _difference(a: Any, b: Any) -> Any:
    return special.digamma(a + b) - special.digamma(a)


def _betainc_shape_slope(a: Any, b: Any, x: Any, second: bool) -> Any:
    a, b, x = (np.asarray(array, np.float64) for array in np.broadcast_arrays(a, b, x))
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1)
    a1, b1, x1 = (np.where(inside, array, 0.5) for array in (a, b, x))
    swapped = x1 >= (a1 + 1.0) / (a1 + b1 + 2.0)
    first = np.where(swapped, b1, a1)
    other = np.where(swapped, a1, b1)
    by_first, by_other = _beta_shape_slopes(first, other, np.where(swapped, 1.0 - x1, x1))
    if second:
        slope = np.where(swapped, -by_first, by_other)
    else:
        slope = np.where(swapped, -by_other, by_first)
    edge = (a > 0) & (b > 0) & ((x == 0) | (x == 1))
    return np.where(inside, slope, np.where(edge, 0.0, np.nan))


def _mixed(g: Node, y: Node, a: Node, b: Node, x: Node) -> Node:
    slope = apply("beta_density", a, b, x)
    if y.params["second"]:
        return g * (apply("xlogy", slope, 1.0 - x) + slope * digamma_difference(b, a))
    return g * (apply("xlogy", slope, x) + slope * digamma_difference(a, b))


parametric(
    "betainc_shape_slope",
    "Derivative of betainc in its first or second argument.",
    _betainc_shape_slope,
    _refuse("the second derivative of betainc in its shapes"),
    _refuse("the second derivative of betainc in its shapes"),
    _mixed,
    variants=(),
)
elementwise(
    "betainc",
    "Regularised incomplete beta function, arguments a, b, x.",
    lambda a, b, x: special.betainc(a, b, x),
    lambda g, y, a, b, x: g * apply("betainc_shape_slope", a, b, x, second=False),
    lambda g, y, a, b, x: g * apply("betainc_shape_slope", a, b, x, second=True),
    lambda g, y, a, b, x: g * apply("beta_density", a, b, x),
    ranges=(SHAPE, SHAPE, UNIT),
)
elementwise(
    "betaincinv",
    "Inverse of betainc in its third argument.",
    lambda a, b, p: special.betaincinv(a, b, p),
    lambda g, y, a, b, p: -(
        g * (apply("betainc_shape_slope", a, b, y, second=False) / apply("beta_density", a, b, y))
    ),
    lambda g, y, a, b, p: -(g * (apply("betainc_shape_slope", a, b, y, second=True) / apply("beta_density", a, b, y))),
    lambda g, y, a, b, p: g / apply("beta_density", a, b, y),
    ranges=(SHAPE, SHAPE, UNIT),
)


def _student_density(df: Node, t: Node) -> Node:
    half = constant(0.5, t.dtype)
    scale = apply("sqrt", df) * apply("beta", 0.5 * df, half)
    return apply("exp", -0.5 * ((df + 1.0) * apply("log1p", t * t / df))) / scale


def _student_freedom(g: Node, y: Node, df: Node, t: Node) -> Node:
    half, a = constant(0.5, t.dtype), 0.5 * df
    whole = df + t * t
    x = df / whole
    by_shape = 0.5 * apply("betainc_shape_slope", a, half, x, second=False)
    by_point = apply("beta_density", a, half, x) * (t * t / (whole * whole))
    slope = -0.5 * (apply("sign", t) * (by_shape + by_point))
    return g * select(apply("equal", t, constant(0.0, t.dtype)), 0.0, slope)


elementwise(
    "stdtr",
    "Distribution function of Student's t, first argument the degrees of freedom.",
    lambda df, t: special.stdtr(df, t),
    _student_freedom,
    lambda g, y, df, t: g * _student_density(df, t),
    ranges=((1.5, 6.0), (0.2, 2.0)),
)
