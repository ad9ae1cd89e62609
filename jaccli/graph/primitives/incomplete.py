"""Incomplete gamma and beta functions: distribution functions of the gamma, beta and Student distributions.

In the argument their slopes are densities. In the shape they have no closed form; there the series and
the continued fractions of Press et al., Numerical Recipes, chapter 6, are differentiated term by term.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from jaccli.errors import FormulaError, LimitError
from jaccli.graph.node import Node, apply, constant, select
from jaccli.graph.primitive import Pullback, elementwise
from jaccli.graph.primitives.gamma import digamma, digamma_difference, trigamma
from jaccli.graph.primitives.parametric import parametric
from jaccli.lazy import lazy
from jaccli.numbers.gamma import log_less_digamma
from jaccli.numbers.incomplete import lower_gamma, upper_gamma
from jaccli.numbers.ratios import gamma_mass, in_doubles

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

SHAPE = (0.6, 4.0)
UNIT = (0.1, 0.9)
_LARGEST_SHAPE = 1e8  # the terms are as many as the square root of the shape, times 10
_LARGEST_BETA_SHAPE = 1e7
_CIRCLE = 32


def _refuse() -> NoReturn:
    raise FormulaError(
        "the third derivative of an incomplete gamma or beta function in its shapes is not available",
        hint="hold the shapes fixed with stop_gradient(…), or choose inputs with --wrt",
    )


def _on_circle(function: Callable[[Any], Any], shape: Any, order: int) -> Any:
    """A derivative in the shape by Cauchy's integral, which the trapezoidal rule sums to machine precision.

    The function takes all the points of the circle at once, along a leading axis.
    """
    radius = np.minimum(shape / 4.0, 0.5)
    turns = np.exp(2j * np.pi * (np.arange(_CIRCLE) + 0.5) / _CIRCLE)[:, None]
    total = np.sum(np.real(function(shape + radius * turns) * turns**-order), axis=0)
    return total * math.factorial(order) / (_CIRCLE * radius**order)


def _in_groups(function: Callable[..., Any], limit: float, *arrays: Any) -> Any:
    """A function of entries, the shapes first, that takes as many terms as its largest shape asks for.

    Raises:
        LimitError: a shape is beyond the limit, where the terms do not end, or the digits have gone.
    """
    sizes = functools.reduce(np.maximum, arrays[:-1])
    largest = float(np.max(sizes))
    if largest > limit:
        raise LimitError(
            f"the derivative of an incomplete gamma or beta function in its shape, at a shape of {largest:g}; "
            f"the limit is {limit:g}",
            hint="hold the shapes fixed with stop_gradient(…), or choose inputs with --wrt",
        )
    found = np.empty(sizes.shape)
    groups = np.rint(np.log2(np.maximum(sizes, 1.0)) / 4.0)
    for group in np.unique(groups):
        chosen = groups == group
        found[chosen] = function(*(array[chosen] for array in arrays))
    return found


def _gamma_density(a: Any, x: Any) -> Any:
    """x**(a - 1)*exp(-x)/gamma(a), at large shapes from the distance to the mode."""
    if not np.iscomplexobj(a):
        near = (a > 0) & (x > 0) & (a <= 5e3) & np.isfinite(x)
        return in_doubles(
            ((near, lambda shape, at: gamma_mass(shape, at) * shape / at), (True, _gamma_density_elsewhere)), a, x
        )
    return _gamma_density_elsewhere(a, x)


def _gamma_density_elsewhere(a: Any, x: Any) -> Any:
    a, x = np.broadcast_arrays(a, x)
    large = (np.real(a) > 30) & (x > 0) & np.isfinite(x)
    small = np.where(large, 1.0, a)
    direct = np.where(np.isposinf(x), 0.0, np.power(x, small - 1.0) * np.exp(-x) * special.rgamma(small))
    if np.any(large):
        shape = np.where(large, a, 31.0)
        off = np.where(large, x, 31.0) / shape - 1.0
        bent = np.where(np.abs(off) < 0.2, _log1p_less(off), np.log1p(off) - off)
        correction = 1 / (12 * shape) - 1 / (360 * shape**3) + 1 / (1260 * shape**5) - 1 / (1680 * shape**7)
        far = np.exp(shape * bent - correction) * np.sqrt(shape / (2 * np.pi)) / np.where(large, x, 1.0)
        direct = np.where(large, far, direct)
    return direct


def _log1p_less(x: Any) -> Any:
    """log(1 + x) - x for small x."""
    total = np.zeros_like(x)
    for k in range(26, 1, -1):
        total = total * x + (-1) ** (k + 1) / k
    return total * x * x


def _gamma_density_bend(g: Node, y: Node, a: Node, x: Node) -> Node:
    edge = apply("equal", x, constant(0.0, x.dtype)) | apply("equal", x, constant(math.inf, x.dtype))
    return g * select(edge, apply("gamma_density", a - 1.0, x) - y, y * ((a - 1.0 - x) / x))


elementwise(
    "gamma_density",
    "x**(a - 1)*exp(-x)/gamma(a), first argument a.",
    _gamma_density,
    lambda g, y, a, x: g * apply("weighted", y, apply("log_less_digamma", x, a)),
    _gamma_density_bend,
    ranges=((1.2, 4.0), (0.1, 4.0)),
    template="exp(xlogy(({0}) - 1, {1}) - ({1}) - gammaln({0}))",
    symbolic=lambda sympy, a, x: x ** (a - 1) * sympy.exp(-x) / sympy.gamma(a),
)


def _gamma_shape_slope(a: Any, x: Any, order: int) -> Any:
    """The derivative of gammainc in its first argument, of that order."""
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)

    def by(first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def slope(shape: Any, at: Any) -> Any:
            return first(shape, at) if order == 1 else _on_circle(lambda moved: first(moved, at), shape, order - 1)

        return lambda shape, at: _in_groups(slope, _LARGEST_SHAPE, shape, at)

    return in_doubles(
        (
            (inside & (x < a + 1.0), by(_slope_by_series)),
            (inside, by(_slope_by_fraction)),
            ((a > 0) & ((x == 0) | np.isposinf(x)), lambda shape, at: np.zeros_like(shape)),
        ),
        a,
        x,
    )


def _slope_by_series(a: Any, x: Any) -> Any:
    """From the far end, where x is below a + 1: rounding errors are then small when they are made."""
    terms = int(60 + 10 * math.sqrt(float(np.max(np.real(a), initial=1.0))))
    total, moved = np.ones_like(a), np.zeros_like(a)
    for n in range(terms, 0, -1):
        ratio = x / (a + n)
        moved = ratio * (moved - total / (a + n))
        total = 1.0 + ratio * total
    if np.iscomplexobj(a):
        return _gamma_density(a + 1.0, x) * ((np.log(x) - special.digamma(a + 1.0)) * total + moved)
    above = a >= 1.0
    logarithm = log_less_digamma(x, np.where(above, a, a + 1.0)) - np.where(above, 1.0 / a, 0.0)
    return _gamma_density(a, x) * (x / a) * (logarithm * total + moved)


def _slope_by_fraction(a: Any, x: Any) -> Any:
    terms = int(200 + 10 * math.sqrt(float(np.max(np.real(a), initial=1.0))))
    below, moved = x + 2.0 * terms + 1.0 - a, -np.ones_like(a)
    for n in range(terms, 0, -1):
        numerator = -n * (n - a)
        moved = -1.0 + n / below - numerator * moved / np.square(below)
        below = x + 2.0 * n - 1.0 - a + numerator / below
    value, slope = 1.0 / below, -moved / np.square(below)
    logarithm = np.log(x) - special.digamma(a) if np.iscomplexobj(a) else log_less_digamma(x, a)
    return -x * _gamma_density(a, x) * (logarithm * value + slope)


def _gamma_mixed(g: Node, y: Node, a: Node, x: Node) -> Node:
    slope, order = apply("gamma_density", a, x), y.params["order"]
    logarithm = apply("log", x) - digamma(a)
    if order == 1:
        return g * (slope * logarithm)
    return g * (slope * (logarithm * logarithm - trigamma(a))) if order == 2 else _refuse()


parametric(
    "gammainc_shape_slope",
    "Derivatives of gammainc in its first argument.",
    _gamma_shape_slope,
    lambda g, y, a, x: g * apply("gammainc_shape_slope", a, x, order=2) if y.params["order"] == 1 else _refuse(),
    _gamma_mixed,
    variants=(({"order": 1}, (SHAPE, (0.1, 4.0))),),
    template="gammainc_shape_slope({0}, {1}, order={order})",
)


def shape_slope(a: Node, x: Node) -> Node:
    """The slope of gammainc(a, x) in a."""
    return apply("gammainc_shape_slope", a, x, order=1)


def density(a: Node, x: Node) -> Node:
    """The slope of gammainc(a, x) in x."""
    return apply("gamma_density", a, x)


elementwise(
    "gammainc",
    "Regularised lower incomplete gamma function, first argument the shape.",
    lower_gamma,
    lambda g, y, a, x: g * shape_slope(a, x),
    lambda g, y, a, x: g * density(a, x),
    ranges=(SHAPE, (0.1, 8.0)),
    symbolic=lambda sympy, a, x: sympy.lowergamma(a, x) / sympy.gamma(a),
)
elementwise(
    "gammaincc",
    "Regularised upper incomplete gamma function, first argument the shape.",
    upper_gamma,
    lambda g, y, a, x: -(g * shape_slope(a, x)),
    lambda g, y, a, x: -(g * density(a, x)),
    ranges=(SHAPE, (0.1, 8.0)),
    symbolic=lambda sympy, a, x: sympy.uppergamma(a, x) / sympy.gamma(a),
)
elementwise(
    "gammaincinv",
    "Inverse of gammainc in its second argument.",
    lambda a, p: special.gammaincinv(a, p),
    lambda g, y, a, p: -(g * (shape_slope(a, y) / density(a, y))),
    lambda g, y, a, p: g / density(a, y),
    ranges=(SHAPE, UNIT),
)
elementwise(
    "gammainccinv",
    "Inverse of gammaincc in its second argument.",
    lambda a, p: special.gammainccinv(a, p),
    lambda g, y, a, p: -(g * (shape_slope(a, y) / density(a, y))),
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
    template="exp(xlogy(({0}) - 1, {2}) + xlog1py(({1}) - 1, -({2})) - betaln({0}, {1}))",
    symbolic=lambda sympy, a, b, x: (
        x ** (a - 1) * (1 - x) ** (b - 1) * sympy.gamma(a + b) / (sympy.gamma(a) * sympy.gamma(b))
    ),
)


def _beta_fraction(a: Any, b: Any, x: Any) -> tuple[Any, Any, Any]:
    """The continued fraction of betainc with its derivatives in a and in b, from its far end."""
    largest = float(np.max(np.maximum(np.real(a), np.real(b)), initial=1.0))
    terms = 2 * int(60 + 8 * math.sqrt(largest))
    below, by_a, by_b = np.ones_like(a + b), np.zeros_like(a + b), np.zeros_like(a + b)
    for k in range(terms, 0, -1):
        m = k // 2
        if k % 2:
            top, under = -(a + m) * (a + b + m) * x, (a + 2 * m) * (a + 2 * m + 1)
            top_a, top_b, under_a = -(2 * a + b + 2 * m) * x, -(a + m) * x, 2 * a + 4 * m + 1
        else:
            top, under = m * (b - m) * x, (a + 2 * m - 1) * (a + 2 * m)
            top_a, top_b, under_a = 0.0, m * x, 2 * a + 4 * m - 1
        term = top / under
        by_a = (top_a - term * under_a) / under / below - term * by_a / np.square(below)
        by_b = top_b / under / below - term * by_b / np.square(below)
        below = 1.0 + term / below
    return 1.0 / below, -by_a / np.square(below), -by_b / np.square(below)


def _beta_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """The derivatives of betainc in a and b where x < (a + 1)/(a + b + 2)."""
    value, value_a, value_b = _beta_fraction(a, b, x)
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        logarithm = special.loggamma(a) + special.loggamma(b) - special.loggamma(a + b)
    else:
        logarithm = special.betaln(a, b)
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - logarithm) / a
    whole = special.digamma(a + b)
    log_a = np.log(x) - 1.0 / a + whole - special.digamma(a)
    log_b = np.log1p(-x) + whole - special.digamma(b)
    return front * (value * log_a + value_a), front * (value * log_b + value_b)


def _beta_shape_slope(a: Any, b: Any, x: Any, orders: tuple[int, int]) -> Any:
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a) & np.isfinite(b)
    edge = (a > 0) & (b > 0) & ((x == 0) | (x == 1))
    slopes = functools.partial(_in_groups, functools.partial(_beta_inside, orders), _LARGEST_BETA_SHAPE)
    return in_doubles(((inside, slopes), (edge, lambda a, b, x: np.zeros_like(a))), a, b, x)


def _beta_inside(orders: tuple[int, int], a: Any, b: Any, x: Any) -> Any:
    swapped = x >= (a + 1.0) / (a + b + 2.0)

    def first(in_a: Any, in_b: Any) -> Any:
        one, other = np.where(swapped, in_b, in_a), np.where(swapped, in_a, in_b)
        by_one, by_other = _beta_slopes(one, other, np.where(swapped, 1.0 - x, x))
        if orders[0]:
            return np.where(swapped, -by_other, by_one)
        return np.where(swapped, -by_one, by_other)

    rest_a, rest_b = (orders[0] - 1, orders[1]) if orders[0] else (0, orders[1] - 1)
    if rest_a:
        return _on_circle(lambda in_a: first(in_a, b), a, rest_a)
    return _on_circle(lambda in_b: first(a, in_b), b, rest_b) if rest_b else first(a, b)


def _beta_mixed(g: Node, y: Node, a: Node, b: Node, x: Node) -> Node:
    slope = apply("beta_density", a, b, x)
    by_a = apply("log", x) + digamma_difference(a, b)
    by_b = apply("log1p", -x) + digamma_difference(b, a)
    factors = {
        (1, 0): lambda: by_a,
        (0, 1): lambda: by_b,
        (2, 0): lambda: by_a * by_a + trigamma(a + b) - trigamma(a),
        (1, 1): lambda: by_a * by_b + trigamma(a + b),
        (0, 2): lambda: by_b * by_b + trigamma(a + b) - trigamma(b),
    }
    factor = factors.get(y.params["orders"], _refuse)()
    return g * (slope * factor)


def _beta_next(first: int, second: int) -> Pullback:
    def rule(g: Node, y: Node, *args: Node) -> Node:
        orders = y.params["orders"][0] + first, y.params["orders"][1] + second
        return g * apply("betainc_shape_slope", *args, orders=orders) if sum(orders) == 2 else _refuse()

    return rule


parametric(
    "betainc_shape_slope",
    "Derivatives of betainc in its first two arguments.",
    _beta_shape_slope,
    _beta_next(1, 0),
    _beta_next(0, 1),
    _beta_mixed,
    variants=(({"orders": (1, 0)}, (SHAPE, SHAPE, UNIT)),),
    template="betainc_shape_slope({0}, {1}, {2}, orders={orders})",
)


def _by_a(a: Node, b: Node, x: Node) -> Node:
    return apply("betainc_shape_slope", a, b, x, orders=(1, 0))


def _by_b(a: Node, b: Node, x: Node) -> Node:
    return apply("betainc_shape_slope", a, b, x, orders=(0, 1))


elementwise(
    "betainc",
    "Regularised incomplete beta function, arguments a, b, x.",
    lambda a, b, x: special.betainc(a, b, x),
    lambda g, y, a, b, x: g * _by_a(a, b, x),
    lambda g, y, a, b, x: g * _by_b(a, b, x),
    lambda g, y, a, b, x: g * apply("beta_density", a, b, x),
    ranges=(SHAPE, SHAPE, UNIT),
)
elementwise(
    "betaincinv",
    "Inverse of betainc in its third argument.",
    lambda a, b, p: special.betaincinv(a, b, p),
    lambda g, y, a, b, p: -(g * (_by_a(a, b, y) / apply("beta_density", a, b, y))),
    lambda g, y, a, b, p: -(g * (_by_b(a, b, y) / apply("beta_density", a, b, y))),
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
    by_shape = 0.5 * _by_a(a, half, x)
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
