"""Densities and distribution functions under SciPy's names: `gamma.logpdf(x, a, scale=2)`, `poisson.logpmf(k, mu)`.

The parametrisations are SciPy's. Outside the support a density is 0, its logarithm minus infinity, and their
derivatives are exactly 0.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaccli.formula.functions.registry import function
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, constant

FAMILY = "Probability"
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def _of(name: str) -> Callable[..., Node]:
    return lambda *arguments: apply(name, *arguments)


_abs, _exp, _expm1, _log, _log1p, _gammaln = (_of(name) for name in ("abs", "exp", "expm1", "log", "log1p", "gammaln"))
_xlogy, _xlog1py, _ndtr, _sigmoid = (_of(name) for name in ("xlogy", "xlog1py", "ndtr", "sigmoid"))


def choose_log(n: Node, k: Node) -> Node:
    """log of the binomial coefficient of real arguments."""
    return _gammaln(n + 1.0) - _gammaln(k + 1.0) - _gammaln(n - k + 1.0)


def _softplus(z: Node) -> Node:
    return apply("logaddexp", z, constant(0.0, z.dtype))


def _t(z: Node, df: Node) -> Node:
    level = _gammaln((df + 1.0) / 2.0) - _gammaln(df / 2.0) - 0.5 * _log(df * math.pi)
    return level - (df + 1.0) / 2.0 * _log1p(z * z / df)


def _gamma(z: Node, a: Node) -> Node:
    return _xlogy(a - 1.0, z) - z - _gammaln(a)


def _beta(z: Node, a: Node, b: Node) -> Node:
    return _xlogy(a - 1.0, z) + _xlog1py(b - 1.0, -z) - (_gammaln(a) + _gammaln(b) - _gammaln(a + b))


class Continuous(NamedTuple):
    """A distribution with a place and a scale.

    Attributes:
        words: what it is, for the table.
        shapes: the names of its shape parameters.
        log_density: of the standardised entry and the shape parameters.
        low, high: the ends of its support.
        below: the probability of lying below.
    """

    words: str
    shapes: tuple[str, ...]
    log_density: Callable[..., Node]
    below: Callable[..., Node]
    low: float = -math.inf
    high: float = math.inf


CONTINUOUS = {
    "beta": Continuous("the beta", ("a", "b"), _beta, lambda z, a, b: apply("betainc", a, b, z), 0.0, 1.0),
    "cauchy": Continuous("Cauchy's", (), lambda z: -_log1p(z * z) - math.log(math.pi),
                         lambda z: 0.5 + apply("arctan", z) / math.pi),
    "chi2": Continuous("the chi-square", ("df",), lambda z, df: _gamma(z / 2.0, df / 2.0) - math.log(2.0),
                       lambda z, df: apply("gammainc", df / 2.0, z / 2.0), 0.0),
    "expon": Continuous("the exponential", (), lambda z: -z, lambda z: -_expm1(-z), 0.0),
    "gamma": Continuous("the gamma", ("a",), _gamma, lambda z, a: apply("gammainc", a, z), 0.0),
    "gumbel_r": Continuous("Gumbel's", (), lambda z: -z - _exp(-z), lambda z: _exp(-_exp(-z))),
    "halfnorm": Continuous("the half-normal", (), lambda z: 0.5 * math.log(2 / math.pi) - z * z / 2.0,
                           lambda z: apply("erf", z * math.sqrt(0.5)), 0.0),
    "invgamma": Continuous("the inverse gamma", ("a",), lambda z, a: -(a + 1.0) * _log(z) - _gammaln(a) - 1.0 / z,
                           lambda z, a: apply("gammaincc", a, 1.0 / z), 0.0),
    "laplace": Continuous("Laplace's", (), lambda z: -_abs(z) - math.log(2.0),
                          lambda z: 0.5 - 0.5 * apply("sign", z) * _expm1(-_abs(z))),
    "logistic": Continuous("the logistic", (), lambda z: -_abs(z) - 2.0 * _softplus(-_abs(z)), _sigmoid),
    "lognorm": Continuous("the log-normal", ("s",),
                          lambda z, s: -_log(s * z) - _HALF_LOG_TAU - (_log(z) / s) ** 2 / 2.0,
                          lambda z, s: _ndtr(_log(z) / s), 0.0),
    "pareto": Continuous("Pareto's", ("b",), lambda z, b: _log(b) - (b + 1.0) * _log(z),
                         lambda z, b: -_expm1(-b * _log(z)), 1.0),
    "rayleigh": Continuous("Rayleigh's", (), lambda z: _log(z) - z * z / 2.0, lambda z: -_expm1(-z * z / 2.0), 0.0),
    "t": Continuous("Student's", ("df",), _t, lambda z, df: apply("stdtr", df, z)),
    "uniform": Continuous("the uniform", (), lambda z: z * 0.0, lambda z: z, 0.0, 1.0),
    "weibull_min": Continuous("Weibull's", ("c",), lambda z, c: _log(c) + _xlogy(c - 1.0, z) - z**c,
                              lambda z, c: -_expm1(-(z**c)), 0.0),
}  # fmt: skip

DISCRETE: dict[str, tuple[str, tuple[str, ...], Callable[..., Node]]] = {
    "bernoulli": ("one trial", ("p",), lambda k, p: _xlogy(k, p) + _xlog1py(1.0 - k, -p)),
    "binom": ("the binomial distribution", ("n", "p"),
              lambda k, n, p: choose_log(n, k) + _xlogy(k, p) + _xlog1py(n - k, -p)),
    "geom": ("the geometric distribution", ("p",), lambda k, p: _xlog1py(k - 1.0, -p) + _log(p)),
    "nbinom": ("the negative binomial distribution", ("n", "p"),
               lambda k, n, p: choose_log(k + n - 1.0, k) + n * _log(p) + _xlog1py(k, -p)),
    "poisson": ("Poisson's distribution", ("mu",), lambda k, mu: apply("poisson_log_mass", k, mu)),
}  # fmt: skip


def _within(z: Node, row: Continuous, inside: Node, below: float, above: float) -> Node:
    """A value on the support, and constants beside it."""
    if row.low > -math.inf:
        inside = apply("where", z < row.low, constant(below, z.dtype), inside)
    if row.high < math.inf:
        inside = apply("where", z > row.high, constant(above, z.dtype), inside)
    return inside


def _signature(shapes: tuple[str, ...], *, moves: bool) -> inspect.Signature:
    """What a formula may pass: the entries, the shape parameters, and loc and scale."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [inspect.Parameter(name, kind, annotation="Floats") for name in ("x", *shapes)]
    loc = inspect.Parameter("loc", kind, annotation="Any", default=0)
    scale = inspect.Parameter("scale", kind, annotation="Any", default=1)
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation="Context")
    return inspect.Signature([*names, *((loc, scale) if moves else ()), context])


def _enter(name: str, shapes: tuple[str, ...], doc: str, build: Callable[..., Node], *, moves: bool) -> None:
    signature = _signature(shapes, moves=moves)

    def bound(*given: Any, **named: Any) -> Node:
        taken = signature.bind(*given, **named)
        taken.apply_defaults()
        return build(**taken.arguments)

    bound.__signature__ = signature  # type: ignore[attr-defined]
    bound.__doc__ = doc
    call = ", ".join(("x", *shapes))
    function(FAMILY, name=name, example=f"scipy.stats.{name}({call})")(bound)


def log_density(name: str, x: Node, shapes: Sequence[Node], loc: Node, scale: Node) -> Node:
    """log of the density of one of `CONTINUOUS`."""
    row = CONTINUOUS[name]
    z = (x - loc) / scale
    return _within(z, row, row.log_density(z, *shapes) - _log(scale), -math.inf, -math.inf)


def probability_below(name: str, x: Node, shapes: Sequence[Node], loc: Node, scale: Node) -> Node:
    """The distribution function of one of `CONTINUOUS`."""
    row = CONTINUOUS[name]
    z = (x - loc) / scale
    return _within(z, row, row.below(z, *shapes), 0.0, 1.0)


def _continuous(name: str, row: Continuous) -> None:
    def rest(context: Context, shapes: dict[str, Node], loc: Any, scale: Any) -> tuple[list[Node], Node, Node]:
        return list(shapes.values()), context.floats(loc), context.floats(scale)

    def logpdf(x: Node, loc: Any, scale: Any, context: Context, **shapes: Node) -> Node:
        return log_density(name, x, *rest(context, shapes, loc, scale))

    def pdf(x: Node, loc: Any, scale: Any, context: Context, **shapes: Node) -> Node:
        return _exp(log_density(name, x, *rest(context, shapes, loc, scale)))

    def cdf(x: Node, loc: Any, scale: Any, context: Context, **shapes: Node) -> Node:
        return probability_below(name, x, *rest(context, shapes, loc, scale))

    of = f"{row.words} distribution, moved by loc and widened by scale."
    _enter(f"{name}.logpdf", row.shapes, f"log of the density of {of}", logpdf, moves=True)
    _enter(f"{name}.pdf", row.shapes, f"Density of {of}", pdf, moves=True)
    _enter(f"{name}.cdf", row.shapes, f"Distribution function of {of}", cdf, moves=True)


def _discrete(name: str, words: str, parameters: tuple[str, ...], log_mass: Callable[..., Node]) -> None:
    def logpmf(x: Node, context: Context, **given: Node) -> Node:
        return log_mass(x, *given.values())

    def pmf(x: Node, context: Context, **given: Node) -> Node:
        return _exp(log_mass(x, *given.values()))

    _enter(f"{name}.logpmf", parameters, f"log of the probability of x under {words}.", logpmf, moves=False)
    _enter(f"{name}.pmf", parameters, f"Probability of x under {words}.", pmf, moves=False)


for _name, _row in CONTINUOUS.items():
    _continuous(_name, _row)
for _name, (_words, _parameters, _mass) in DISCRETE.items():
    _discrete(_name, _words, _parameters, _mass)
