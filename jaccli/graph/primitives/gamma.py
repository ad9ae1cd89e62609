"""The gamma function and its relatives: log-gamma, polygammas, beta, binomials, Hurwitz zeta.

Ratios of gammas and differences of digamma values have numbers of their own in `jaccli/numbers`. Source: Abramowitz
and Stegun, Handbook of Mathematical Functions, chapter 6 (reflection 6.4.7).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, select
from jaccli.graph.primitive import elementwise
from jaccli.graph.primitives.parametric import next_order, parametric
from jaccli.graph.primitives.smooth import counts
from jaccli.lazy import lazy
from jaccli.numbers.angles import cosine_of_pi, sine_of_pi
from jaccli.numbers.gamma import digamma_difference as digamma_difference_numeric
from jaccli.numbers.gamma import log_less_digamma
from jaccli.numbers.polygamma import polygamma as polygamma_numeric
from jaccli.numbers.ratios import beta, choose, choose_slope, log_beta, poisson_log_mass, rising_factorial
from jaccli.numbers.zeta import zeta as zeta_numeric

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

POSITIVE = (0.3, 4.0)


def digamma(x: Node) -> Node:
    """The logarithmic derivative of gamma."""
    return apply("polygamma", x, order=0)


def trigamma(x: Node) -> Node:
    """The derivative of digamma."""
    return apply("polygamma", x, order=1)


def digamma_difference(x: Node, step: Node) -> Node:
    """digamma(x + step) - digamma(x)."""
    return apply("digamma_difference", x, step)


parametric(
    "polygamma",
    "Derivatives of log gamma: digamma (order 0), trigamma (order 1) and on.",
    polygamma_numeric,
    next_order("polygamma"),
    variants=(*(({"order": order}, (POSITIVE,)) for order in (0, 1, 2)), ({"order": 1}, ((-0.8, -0.2),))),
    template="polygamma({order}, {0})",
    symbolic=lambda sympy, x, order: sympy.polygamma(order, x),
    kinks="at a pole the limit from the right",
)


def _gammaln(x: Any) -> Any:
    """SciPy's, but near its zeros 1 and 2 by the series that keeps the digits."""
    found = special.gammaln(x)
    first, second = np.abs(x - 1.0) < 0.3, np.abs(x - 2.0) < 0.4
    near = first | second
    if not np.any(near):
        return found
    z = np.where(first, x - 1.0, np.where(second, x - 2.0, 0.0))
    total = np.zeros_like(z)
    for k in range(45, 1, -1):
        total = (total + (-1) ** k * (1.0 + special.zetac(k)) / k) * z
    total = (total - np.euler_gamma) * z
    return np.where(near, np.where(second, total + np.log1p(z), total), found)


elementwise(
    "gammaln",
    "log of the absolute value of gamma.",
    _gammaln,
    lambda g, y, x: g * apply("gammaln_slope", x),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.loggamma(x),
    kinks="minus infinity at 0, NaN at the negative whole numbers",
)
elementwise(
    "gammaln_slope",
    "digamma(x), NaN at the negative whole numbers, where gammaln has no slope.",
    lambda x: special.digamma(x),
    lambda g, y, x: g * trigamma(x),
    ranges=(POSITIVE,),
    template="digamma({0})",
    symbolic=lambda sympy, x: sympy.digamma(x),
)
elementwise(
    "gamma",
    "Gamma function.",
    lambda x: special.gamma(x),
    lambda g, y, x: g * (y * digamma(x)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.gamma(x),
    kinks="minus infinity at 0, NaN at the negative whole numbers",
)


def _rgamma_slope(x: Any) -> Any:
    """Left of 1/2 reflected, so that nothing is infinite at a pole of gamma."""
    left = x < 0.5
    part = np.where(left, x, 0.0)
    turned = cosine_of_pi(part) - special.digamma(1.0 - part) * sine_of_pi(part) / np.pi
    right = np.where(left, 1.0, x)
    return np.where(left, special.gamma(1.0 - part) * turned, -special.rgamma(right) * special.digamma(right))


def _rgamma_bend(g: Node, y: Node, x: Node) -> Node:
    angle, psi = math.pi * x, digamma(1.0 - x)
    sine = apply("sin", angle) / math.pi
    turned = sine * (psi * psi + trigamma(1.0 - x) - math.pi**2) - 2.0 * (psi * apply("cos", angle))
    right = apply("rgamma", x) * (digamma(x) ** 2.0 - trigamma(x))
    return g * select(x < 0.5, apply("gamma", 1.0 - x) * turned, right)


elementwise(
    "rgamma",
    "1/gamma(x), smooth everywhere.",
    lambda x: special.rgamma(x),
    lambda g, y, x: g * apply("rgamma_slope", x),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: 1 / sympy.gamma(x),
)
elementwise(
    "rgamma_slope",
    "Derivative of 1/gamma(x).",
    _rgamma_slope,
    _rgamma_bend,
    ranges=(POSITIVE,),
    template="(-rgamma({0})*digamma({0}))",
    symbolic=lambda sympy, x: -sympy.digamma(x) / sympy.gamma(x),
)
elementwise(
    "log_less_digamma",
    "log(x) - digamma(y) without cancellation of large arguments.",
    log_less_digamma,
    lambda g, y, x, a: g / x,
    lambda g, y, x, a: -(g * trigamma(a)),
    ranges=(POSITIVE, POSITIVE),
    template="(log({0}) - digamma({1}))",
    symbolic=lambda sympy, x, a: sympy.log(x) - sympy.digamma(a),
)


elementwise(
    "digamma_difference",
    "digamma(x + y) - digamma(x) without cancellation.",
    digamma_difference_numeric,
    lambda g, y, a, b: g * (trigamma(a + b) - trigamma(a)),
    lambda g, y, a, b: g * trigamma(a + b),
    ranges=(POSITIVE, POSITIVE),
    template="(digamma(({0}) + ({1})) - digamma({0}))",
    symbolic=lambda sympy, a, b: sympy.digamma(a + b) - sympy.digamma(a),
)


elementwise(
    "beta",
    "Beta function, gamma(x)*gamma(y)/gamma(x + y).",
    beta,
    lambda g, y, a, b: -(g * (y * digamma_difference(a, b))),
    lambda g, y, a, b: -(g * (y * digamma_difference(b, a))),
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, a, b: sympy.gamma(a) * sympy.gamma(b) / sympy.gamma(a + b),
    kinks="minus infinity in an argument at 0",
)
elementwise(
    "betaln",
    "log of the absolute value of beta.",
    log_beta,
    lambda g, y, a, b: -(g * digamma_difference(a, b)),
    lambda g, y, a, b: -(g * digamma_difference(b, a)),
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, a, b: sympy.loggamma(a) + sympy.loggamma(b) - sympy.loggamma(a + b),
    kinks="minus infinity in an argument at 0",
)


def _binomial_curvature(g: Node, y: Node, n: Node, k: Node, orders: tuple[int, int]) -> Node:
    """The second derivatives; where n - k is below 0, from the reflected form, which has no poles."""
    rest = n - k
    by_n, by_k = trigamma(n + 1.0), trigamma(k + 1.0)
    up, down = digamma_difference(rest + 1.0, k), digamma_difference(k + 1.0, rest - k)
    bend = trigamma(rest + 1.0)
    regular = {(2, 0): up * up + by_n - bend, (1, 1): up * down + bend, (0, 2): down * down - bend - by_k}[orders]
    over = -rest
    size = apply("exp", apply("gammaln", n + 1.0) + apply("gammaln", over) - apply("gammaln", k + 1.0))
    sine, cosine = apply("sin", math.pi * over) / math.pi, apply("cos", math.pi * over)
    first, second = digamma(n + 1.0) - digamma(over), digamma(over) - digamma(k + 1.0)
    bend = trigamma(over) - math.pi**2
    turned = {
        (2, 0): sine * (first * first + by_n + bend) - 2.0 * (cosine * first),
        (1, 1): second * (sine * first - cosine) + cosine * first - sine * bend,
        (0, 2): sine * (second * second + bend - by_k) + 2.0 * (cosine * second),
    }[orders]
    return g * select(rest < -0.5, size * turned, apply("binom", n, k) * regular)


def _binomial(sympy: Any, n: Any, k: Any) -> Any:
    return sympy.gamma(n + 1) / (sympy.gamma(k + 1) * sympy.gamma(n - k + 1))


elementwise(
    "binom_slope_first",
    "Derivative of the binomial coefficient in its first argument, also where it is 0.",
    lambda n, k: choose_slope(n, k, second=False),
    lambda g, y, n, k: _binomial_curvature(g, y, n, k, (2, 0)),
    lambda g, y, n, k: _binomial_curvature(g, y, n, k, (1, 1)),
    ranges=((4.0, 6.0), (0.5, 3.0)),
    template="(binom({0}, {1})*(digamma(({0}) + 1) - digamma(({0}) - ({1}) + 1)))",
    symbolic=lambda sympy, n, k: _binomial(sympy, n, k).diff(n),
)
elementwise(
    "binom_slope_second",
    "Derivative of the binomial coefficient in its second argument, also where it is 0.",
    lambda n, k: choose_slope(n, k, second=True),
    lambda g, y, n, k: _binomial_curvature(g, y, n, k, (1, 1)),
    lambda g, y, n, k: _binomial_curvature(g, y, n, k, (0, 2)),
    ranges=((4.0, 6.0), (0.5, 3.0)),
    template="(binom({0}, {1})*(digamma(({0}) - ({1}) + 1) - digamma(({1}) + 1)))",
    symbolic=lambda sympy, n, k: _binomial(sympy, n, k).diff(k),
)
elementwise(
    "binom",
    "Binomial coefficient of real arguments.",
    choose,
    lambda g, y, n, k: g * apply("binom_slope_first", n, k),
    lambda g, y, n, k: g * apply("binom_slope_second", n, k),
    ranges=((4.0, 6.0), (0.5, 3.0)),
    symbolic=_binomial,
)
elementwise(
    "poisson_log_mass",
    "log of the probability of k events where mu are expected, for real k: k*log(mu) - mu - gammaln(k + 1).",
    poisson_log_mass,
    lambda g, y, k, mu: g * apply("log_less_digamma", mu, k + 1.0),
    lambda g, y, k, mu: g * (select(counts(k, mu > 0.0), k / mu, 0.0) - 1.0),
    ranges=((0.1, 6.0), POSITIVE),
    template="(xlogy({0}, {1}) - ({1}) - gammaln(({0}) + 1))",
    symbolic=lambda sympy, k, mu: k * sympy.log(mu) - mu - sympy.loggamma(k + 1),
)
elementwise(
    "poch",
    "Rising factorial, gamma(x + y)/gamma(x).",
    rising_factorial,
    lambda g, y, x, m: g * (y * digamma_difference(x, m)),
    lambda g, y, x, m: g * (y * digamma(x + m)),
    ranges=(POSITIVE, POSITIVE),
    symbolic=lambda sympy, x, m: sympy.gamma(x + m) / sympy.gamma(x),
)


def _zeta_second(g: Node, y: Node, s: Node, q: Node) -> Node:
    order = y.params["order"]
    above = -(s * apply("zeta", s + 1.0, q, order=order))
    return g * (above if order == 0 else above - order * apply("zeta", s + 1.0, q, order=order - 1))


parametric(
    "zeta",
    "Hurwitz zeta function, the sum of (k + q)**-s, and its derivatives in s.",
    zeta_numeric,
    lambda g, y, s, q: g * apply("zeta", s, q, order=y.params["order"] + 1),
    _zeta_second,
    variants=(({"order": 0}, ((1.5, 4.0), POSITIVE)), ({"order": 1}, ((1.5, 4.0), POSITIVE))),
    template="zeta({0}, {1}, order={order})",
    symbolic=lambda sympy, s, q, order: sympy.zeta(s, q).diff(s, order),
    kinks="minus infinity at s = 1",
)
