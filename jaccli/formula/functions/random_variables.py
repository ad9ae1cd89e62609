"""PyTorch's distribution objects: `torch.distributions.Normal(mu, sigma).log_prob(x)`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.creation import grid
from jaccli.formula.functions.densities import CONTINUOUS, FAMILY, choose_log, log_density, probability_below
from jaccli.formula.functions.random_vectors import dirichlet_logpdf, gaussian_log_density
from jaccli.formula.functions.registry import Floats, Whole, call, find, function
from jaccli.formula.functions.special import norm_logpdf
from jaccli.formula.values import Context, RandomVariable, Value, broadcast_together, describe
from jaccli.graph.node import Node, apply, cast, constant, reshape, show_shape

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def _entered(name: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    return function(FAMILY, name=f"distributions.{name}", example=f"torch.distributions.{name}{_EXAMPLES[name]}")


_EXAMPLES = {
    "Normal": "(mu, sigma).log_prob(x)",
    "LogNormal": "(mu, sigma).log_prob(x)",
    "Laplace": "(mu, b).log_prob(x)",
    "Cauchy": "(mu, b).log_prob(x)",
    "Gumbel": "(mu, b).log_prob(x)",
    "StudentT": "(nu, mu, b).log_prob(x)",
    "HalfNormal": "(sigma).log_prob(x)",
    "Exponential": "(rate).log_prob(x)",
    "Gamma": "(a, rate).log_prob(x)",
    "InverseGamma": "(a, rate).log_prob(x)",
    "Chi2": "(nu).log_prob(x)",
    "Weibull": "(b, a).log_prob(x)",
    "Pareto": "(b, a).log_prob(x)",
    "Uniform": "(0, b).log_prob(x)",
    "Beta": "(a, b).log_prob(p)",
    "Poisson": "(rate).log_prob(k)",
    "Bernoulli": "(logits=x).log_prob(k)",
    "Binomial": "(9, logits=x).log_prob(k)",
    "Geometric": "(p).log_prob(k)",
    "Categorical": "(logits=x).log_prob(i)",
    "Dirichlet": "(a).log_prob(p)",
    "MultivariateNormal": "(mu, A).log_prob(x)",
    "Independent": "(torch.distributions.Normal(mu, 1), 1).log_prob(x)",
    "kl_divergence": "(torch.distributions.Normal(mu, sigma), torch.distributions.Normal(0, 1))",
}


def _scaled(
    name: str, row: str, shapes: Sequence[Node], place: Node, width: Node, **properties: Node
) -> RandomVariable:
    """One that is a row of the table of densities."""
    methods: dict[str, Callable[..., Node]] = {
        "log_prob": lambda x: log_density(row, x, shapes, place, width),
        "cdf": lambda x: probability_below(row, x, shapes, place, width),
    }
    return RandomVariable(name, methods, properties)


def _with_entropy(variable: RandomVariable, entropy: Node) -> RandomVariable:
    return RandomVariable(variable.name, {**variable.methods, "entropy": lambda: entropy}, variable.properties)


def _zero(x: Node) -> Node:
    return constant(0.0, x.dtype)


@_entered("Normal")
def normal(loc: Floats, scale: Floats, *, context: Context) -> RandomVariable:
    """The normal distribution, with log_prob, cdf, icdf and entropy."""
    loc, scale = broadcast_together(loc, scale)
    methods: dict[str, Callable[..., Node]] = {
        "log_prob": lambda x: norm_logpdf(x, loc, scale, context=context),
        "cdf": lambda x: apply("ndtr", (x - loc) / scale),
        "icdf": lambda p: loc + scale * apply("ndtri", p),
        "entropy": lambda: apply("log", scale) + (0.5 + _HALF_LOG_TAU),
    }
    return RandomVariable(
        "Normal", methods, {"mean": loc, "loc": loc, "scale": scale, "stddev": scale, "variance": scale * scale}
    )


@_entered("LogNormal")
def log_normal(loc: Floats, scale: Floats) -> RandomVariable:
    """The distribution of exp(z) where z is normal."""
    level = apply("exp", loc)
    mean = apply("exp", loc + scale * scale * 0.5)
    return _scaled("LogNormal", "lognorm", [scale], _zero(scale), level, mean=mean)


def _placed(name: str, row: str, entropy: float) -> None:
    def build(loc: Floats, scale: Floats) -> RandomVariable:
        variable = _scaled(name, row, [], loc, scale, loc=loc, scale=scale)
        return _with_entropy(variable, apply("log", scale) + entropy)

    build.__doc__ = f"{CONTINUOUS[row].words[:1].upper()}{CONTINUOUS[row].words[1:]} distribution."
    _entered(name)(build)


_placed("Laplace", "laplace", 1 + math.log(2))
_placed("Cauchy", "cauchy", math.log(4 * math.pi))
_placed("Gumbel", "gumbel_r", 1.57721566490153286061)


@_entered("StudentT")
def student_t(df: Floats, loc: Any = 0, scale: Any = 1, *, context: Context) -> RandomVariable:
    """Student's distribution."""
    return _scaled("StudentT", "t", [df], context.floats(loc), context.floats(scale))


@_entered("HalfNormal")
def half_normal(scale: Floats) -> RandomVariable:
    """The distribution of the size of a normal entry."""
    return _scaled("HalfNormal", "halfnorm", [], _zero(scale), scale)


@_entered("Exponential")
def exponential(rate: Floats) -> RandomVariable:
    """The exponential distribution of a rate."""
    mean = 1.0 / rate
    variable = _scaled("Exponential", "expon", [], _zero(rate), mean, mean=mean, stddev=mean)
    return _with_entropy(variable, 1.0 - apply("log", rate))


@_entered("Gamma")
def gamma(concentration: Floats, rate: Floats) -> RandomVariable:
    """The gamma distribution of a shape and a rate."""
    mean, a = concentration / rate, concentration
    variable = _scaled("Gamma", "gamma", [a], _zero(rate), 1.0 / rate, mean=mean, variance=mean / rate)
    entropy = a - apply("log", rate) + apply("gammaln", a) + (1.0 - a) * apply("polygamma", a, order=0)
    return _with_entropy(variable, entropy)


@_entered("InverseGamma")
def inverse_gamma(concentration: Floats, rate: Floats) -> RandomVariable:
    """The inverse gamma distribution of a shape and a rate."""
    return _scaled("InverseGamma", "invgamma", [concentration], _zero(rate), rate)


@_entered("Chi2")
def chi_square(df: Floats) -> RandomVariable:
    """The chi-square distribution."""
    return _scaled("Chi2", "chi2", [df], _zero(df), constant(1.0, df.dtype), mean=df)


@_entered("Weibull")
def weibull(scale: Floats, concentration: Floats) -> RandomVariable:
    """Weibull's distribution: the scale stands before the shape."""
    return _scaled("Weibull", "weibull_min", [concentration], _zero(scale), scale)


@_entered("Pareto")
def pareto(scale: Floats, alpha: Floats) -> RandomVariable:
    """Pareto's distribution: the scale stands before the shape."""
    return _scaled("Pareto", "pareto", [alpha], _zero(scale), scale)


@_entered("Uniform")
def uniform(low: Floats, high: Floats) -> RandomVariable:
    """The uniform distribution between two bounds."""
    width = high - low
    variable = _scaled("Uniform", "uniform", [], low, width, mean=(low + high) * 0.5)
    return _with_entropy(variable, apply("log", width))


@_entered("Beta")
def beta(concentration1: Floats, concentration0: Floats) -> RandomVariable:
    """The beta distribution."""
    a, b = concentration1, concentration0
    return _scaled("Beta", "beta", [a, b], _zero(a), constant(1.0, a.dtype), mean=a / (a + b))


@_entered("Poisson")
def poisson(rate: Floats) -> RandomVariable:
    """Poisson's distribution of a rate."""
    methods = {"log_prob": lambda k: apply("xlogy", k, rate) - rate - apply("gammaln", k + 1.0)}
    return RandomVariable("Poisson", methods, {"mean": rate, "variance": rate})


def _log_odds(context: Context, name: str, probs: Any, logits: Any) -> tuple[Node, Node]:
    """log p and log(1 - p), from whichever was given."""
    if (probs is None) == (logits is None):
        raise FormulaError(f"{name} takes probs or logits, one of them")
    if logits is None:
        p = context.floats(probs)
        return apply("log", p), apply("log1p", -p)
    x = context.floats(logits)
    zero = _zero(x)
    return -apply("logaddexp", -x, zero), -apply("logaddexp", x, zero)


@_entered("Bernoulli")
def bernoulli(probs: Any = None, logits: Any = None, *, context: Context) -> RandomVariable:
    """One trial, with its probability or the logarithm of its odds."""
    yes, no = _log_odds(context, "Bernoulli", probs, logits)
    p = context.floats(probs) if logits is None else apply("sigmoid", context.floats(logits))
    methods: dict[str, Callable[..., Node]] = {
        "log_prob": lambda k: _weighted(k, yes) + _weighted(1.0 - k, no),
        "entropy": lambda: -(_weighted(p, yes) + _weighted(1.0 - p, no)),
    }
    return RandomVariable("Bernoulli", methods, {"mean": p, "probs": p, "variance": p * (1.0 - p)})


def _weighted(k: Node, logs: Node) -> Node:
    """k*logs, and 0 where k is 0 and a logarithm may be infinite."""
    k, logs = broadcast_together(k, logs)
    return apply("where", apply("equal", k, _zero(k)), _zero(k), k * logs)


@_entered("Binomial")
def binomial(total_count: Floats, probs: Any = None, logits: Any = None, *, context: Context) -> RandomVariable:
    """A number of successes among as many trials."""
    yes, no = _log_odds(context, "Binomial", probs, logits)
    n = total_count
    methods = {"log_prob": lambda k: choose_log(n, k) + _weighted(k, yes) + _weighted(n - k, no)}
    return RandomVariable("Binomial", methods, {"mean": n * apply("exp", yes)})


@_entered("Geometric")
def geometric(probs: Any = None, logits: Any = None, *, context: Context) -> RandomVariable:
    """The number of failures before the first success."""
    yes, no = _log_odds(context, "Geometric", probs, logits)
    return RandomVariable("Geometric", {"log_prob": lambda k: _weighted(k, no) + yes}, {})


@_entered("Categorical")
def categorical(probs: Any = None, logits: Any = None, *, context: Context) -> RandomVariable:
    """One of several, with their probabilities or the logarithms of them, up to a factor."""
    if (probs is None) == (logits is None):
        raise FormulaError("Categorical takes probs or logits, one of them")
    weights = apply("log", context.floats(probs)) if logits is None else context.floats(logits)
    logs = context.array(call(find("log_softmax")[0], context, [weights], {"axis": -1}))
    take = functools.partial(call, find("take_along_axis")[0], context)

    def log_prob(index: Node) -> Node:
        whole = cast(index, "int64")
        taken = context.array(take([logs, reshape(whole, (*whole.shape, 1))], {"axis": -1}))
        return reshape(taken, taken.shape[:-1])

    p = apply("exp", logs)
    terms = apply("where", apply("equal", p, _zero(p)), _zero(p), p * logs)
    entropy = -apply("sum", terms, axes=(p.ndim - 1,))
    return RandomVariable(
        "Categorical", {"log_prob": log_prob, "entropy": lambda: entropy}, {"probs": p, "logits": logs}
    )


@_entered("Dirichlet")
def dirichlet(concentration: Floats) -> RandomVariable:
    """Dirichlet's distribution over the last axis."""
    return RandomVariable("Dirichlet", {"log_prob": lambda x: dirichlet_logpdf(x, concentration)}, {})


@_entered("MultivariateNormal")
def multivariate_normal(
    loc: Floats,
    covariance_matrix: Any = None,
    precision_matrix: Any = None,
    scale_tril: Any = None,
    *,
    context: Context,
) -> RandomVariable:
    """Gaussian vectors, with a covariance, a precision or a lower Cholesky factor."""
    if sum(given is not None for given in (covariance_matrix, precision_matrix, scale_tril)) != 1:
        raise FormulaError("MultivariateNormal takes covariance_matrix, precision_matrix or scale_tril, one of them")
    if scale_tril is not None:
        factor = context.floats(scale_tril)
    elif covariance_matrix is not None:
        factor = apply("cholesky", context.floats(covariance_matrix))
    else:
        factor = apply("cholesky", context.array(call(find("inv")[0], context, [precision_matrix], {})))
    if factor.ndim < 2 or factor.shape[-2] != factor.shape[-1]:
        raise ShapeError(f"MultivariateNormal needs a square matrix, and this has shape {show_shape(factor.shape)}")
    size = factor.shape[-1]
    on_diagonal = apply("equal", *grid(size, size))
    logs = apply("where", on_diagonal, apply("log", factor), constant(0.0, factor.dtype))
    half_logdet = apply("sum", logs, axes=(factor.ndim - 2, factor.ndim - 1))
    methods: dict[str, Callable[..., Node]] = {
        "log_prob": lambda x: gaussian_log_density(x, loc, factor),
        "entropy": lambda: half_logdet + size * (0.5 + _HALF_LOG_TAU),
    }
    return RandomVariable("MultivariateNormal", methods, {"mean": loc, "loc": loc, "scale_tril": factor})


@_entered("Independent")
def independent(base: Any, reinterpreted_batch_ndims: Whole) -> RandomVariable:
    """A distribution whose last axes count as one event: log_prob and entropy are summed over them."""
    if not isinstance(base, RandomVariable):
        raise FormulaError(f"Independent takes a distribution, and this is {describe(base)}")

    def summed(answer: Node) -> Node:
        if not 0 <= reinterpreted_batch_ndims <= answer.ndim:
            raise ShapeError(f"an event has 0 to {answer.ndim} axes here, and not {reinterpreted_batch_ndims}")
        return apply("sum", answer, axes=tuple(range(answer.ndim - reinterpreted_batch_ndims, answer.ndim)))

    methods = {
        name: functools.partial(lambda method, *given: summed(method(*given)), base.methods[name])
        for name in ("log_prob", "entropy")
        if name in base.methods
    }
    return RandomVariable("Independent", methods, base.properties)


@_entered("kl_divergence")
def kl_divergence(p: Any, q: Any) -> Node:
    """The divergence of one normal distribution from another."""
    for variable in (p, q):
        if not isinstance(variable, RandomVariable) or variable.name != "Normal":
            raise FormulaError("kl_divergence is known here for two Normal distributions", hint="write the formula out")
    ratio: Node = p.properties["scale"] / q.properties["scale"]
    shift: Node = (p.properties["loc"] - q.properties["loc"]) / q.properties["scale"]
    return 0.5 * (ratio * ratio + shift * shift - 1.0) - apply("log", ratio)
