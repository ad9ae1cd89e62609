"""Ratios of gammas: beta, rising factorials, binomials and their slopes, Poisson's probabilities.

Up to some thousands the logarithms of gamma are summed in two parts. Beyond, the ratio of two neighbouring gammas is
taken from Stirling's series, in which nothing large cancels. Where a binomial has a gamma of a negative argument below
the line, it is reflected (M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 6.1.17).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.double_double import Pair, exp_of, log_of, minus, plus, sum_of, times
from jaccli.numbers.gamma import digamma_difference, log_gamma, stirling_rest

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

_MOST = 5e3  # up to here two parts hold the logarithms of gamma
_BLOCK = 8192
_EXACT = 2.0**51
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def in_doubles(pieces: tuple[tuple[Any, Callable[..., Any]], ...], *arrays: Any) -> Any:
    """Each (condition, function) for its own entries of the arrays, in float64 and in blocks that stay in the cache.

    A later condition holds only where no earlier one does; True stands for the rest.
    """
    dtype = np.result_type(*arrays)
    spread = np.broadcast_arrays(*arrays)
    found = np.full(spread[0].shape, np.nan)
    left = np.ones(found.shape, bool)
    for condition, function in pieces:
        chosen = left & condition
        left &= ~chosen
        own = [np.asarray(array[chosen], np.float64) for array in spread]
        if own[0].size:
            parts = range(0, own[0].size, _BLOCK)
            found[chosen] = np.concatenate([function(*(one[i : i + _BLOCK] for one in own)) for i in parts])
    return found.astype(dtype, copy=False)


def _whole(x: Any) -> Any:
    return x == np.rint(x)


def _plain(x: Any) -> Pair:
    return x, np.zeros_like(x)


def growth(a: Any, b: Any) -> Any:
    """log(gamma(a + b)/gamma(a)) - b*log(a) for a >= 10 and b >= 0, in which nothing large cancels."""
    return (a + b - 0.5) * np.log1p(b / a) - b + stirling_rest(a + b) - stirling_rest(a)


def _log_beta_pair(a: Any, b: Any) -> Pair:
    return minus(plus(log_gamma(_plain(a)), log_gamma(_plain(b))), log_gamma(sum_of(a, b)))


def _log_beta_far(a: Any, b: Any) -> Any:
    """Where one argument is large."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    ratio = special.gammaln(low) - low * np.log(high) - growth(high, low)
    part = np.maximum(low, 10.0)
    both = _HALF_LOG_TAU - 0.5 * np.log(high) + stirling_rest(part) + stirling_rest(high)
    both = both - stirling_rest(part + high) - (part - 0.5) * np.log1p(high / part) - high * np.log1p(part / high)
    return np.where(low >= 10.0, both, ratio)


def _beta_far(a: Any, b: Any) -> Any:
    low, high = np.minimum(a, b), np.maximum(a, b)
    part = np.minimum(low, 10.0)
    ratio = special.gamma(part) * np.power(high, -part) * np.exp(-growth(high, part))
    return np.where(low >= 10.0, np.exp(_log_beta_far(a, b)), ratio)


def log_beta(a: Any, b: Any) -> Any:
    """log of the absolute value of beta."""
    inside = (a > 0) & (b > 0) & np.isfinite(a + b)
    return in_doubles(
        (
            (inside & (a <= _MOST) & (b <= _MOST), lambda p, q: _log_beta_pair(p, q)[0]),
            (inside, _log_beta_far),
            (True, lambda p, q: special.betaln(p, q)),
        ),
        a,
        b,
    )


def beta(a: Any, b: Any) -> Any:
    """gamma(a)*gamma(b)/gamma(a + b); SciPy's for small whole numbers, where its products are exact."""
    inside = (a > 0) & (b > 0) & np.isfinite(a + b)
    few = _whole(a) & _whole(b) & (a + b <= 20)
    return in_doubles(
        (
            (inside & (a <= _MOST) & (b <= _MOST) & ~few, lambda p, q: exp_of(_log_beta_pair(p, q))),
            (inside & ~few, _beta_far),
            (True, lambda p, q: special.beta(p, q)),
        ),
        a,
        b,
    )


def _counted(found: Any, *arguments: Any) -> Any:
    """Rounded to a whole number where the arguments are whole."""
    whole = found < _EXACT
    for argument in arguments:
        whole = whole & _whole(argument)
    return np.where(whole, np.rint(found), found)


def rising_factorial(x: Any, m: Any) -> Any:
    """gamma(x + m)/gamma(x)."""

    def near(a: Any, b: Any) -> Any:
        return _counted(exp_of(minus(log_gamma(sum_of(a, b)), log_gamma(_plain(a)))), a, b)

    inside = (x > 0) & (x + m > 0) & np.isfinite(x + m)
    return in_doubles(
        (
            (inside & (x <= _MOST) & (x + m <= _MOST), near),
            (inside & (x >= 10) & (m > 0), lambda a, b: np.power(a, b) * np.exp(growth(a, b))),
            (True, lambda a, b: special.poch(a, b)),
        ),
        x,
        m,
    )


def _difference(n: Any, k: Any) -> Pair:
    return sum_of(n, -k)


def _choose_near(n: Any, k: Any) -> Any:
    rest = plus(_difference(n, k), (1.0, 0.0))
    below = plus(log_gamma(sum_of(k, 1.0)), log_gamma(rest))
    return _counted(exp_of(minus(log_gamma(sum_of(n, 1.0)), below)), n, k)


def _reflected(n: Any, k: Any) -> tuple[Any, Any, Any]:
    """gamma(n + 1)*gamma(k - n)/gamma(k + 1), and the sine over pi and the cosine of pi*(k - n)."""
    high, low = _difference(k, n)
    whole = np.rint(high)
    turn = np.pi * ((high - whole) + low)
    sign = np.where(np.mod(whole, 2.0) == 0, 1.0, -1.0)
    log_size = minus(plus(log_gamma(sum_of(n, 1.0)), log_gamma((high, low))), log_gamma(sum_of(k, 1.0)))
    return exp_of(log_size), sign * np.sin(turn) / np.pi, sign * np.cos(turn)


def _choose_reflected(n: Any, k: Any) -> Any:
    size, sine, _ = _reflected(n, k)
    return size * sine


def _choose_far(n: Any, k: Any) -> Any:
    few = np.minimum(k, n - k)
    base = n - few + 1.0
    return np.power(base, few) * np.exp(growth(base, few)) * special.rgamma(few + 1.0)


def _choose_ranges(n: Any, k: Any) -> tuple[Any, Any, Any]:
    inside = (n > -1) & (k > -1) & (n <= _MOST) & (k <= _MOST)
    return inside & (n - k >= -0.5), inside & (n - k < -0.5), (n > _MOST) & (k >= 0) & (n >= k) & np.isfinite(n)


def choose(n: Any, k: Any) -> Any:
    """The binomial coefficient of real arguments; whole for whole arguments."""
    near, beyond, far = _choose_ranges(n, k)
    pieces = ((near, _choose_near), (beyond, _choose_reflected), (far, _choose_far))
    return in_doubles((*pieces, (True, lambda a, b: special.binom(a, b))), n, k)


def choose_slope(n: Any, k: Any, second: bool) -> Any:
    """The derivative of the binomial coefficient in its first or its second argument, also where it is 0."""

    def regular(a: Any, b: Any) -> Any:
        rest = a - b
        slope = digamma_difference(b + 1.0, rest - b) if second else -digamma_difference(rest + 1.0, b)
        return choose(a, b) * slope

    def reflected(a: Any, b: Any) -> Any:
        size, sine, cosine = _reflected(a, b)
        slope = special.digamma(b - a) - special.digamma(b + 1.0 if second else a + 1.0)
        return size * (sine * slope + cosine)

    _, beyond, _ = _choose_ranges(n, k)
    found = in_doubles(((beyond, reflected), (True, regular)), n, k)
    return found if second else -found


def _mass(k: Any, mu: Any) -> Pair:
    """k*log(mu) - mu - log(gamma(k + 1)) in two parts."""
    return minus(minus(times(_plain(k), log_of(mu)), log_gamma(sum_of(k, 1.0))), _plain(mu))


def poisson_log_mass(k: Any, mu: Any) -> Any:
    """k*log(mu) - mu - log(gamma(k + 1)), in which large terms cancel."""

    def far(a: Any, b: Any) -> Any:
        return -divergence(a, b) - stirling_rest(a) - 0.5 * np.log(a) - _HALF_LOG_TAU

    inside = (k > -1) & (mu > 0) & np.isfinite(k + mu)
    return in_doubles(
        (
            (inside & (k <= _MOST), lambda a, b: _mass(a, b)[0]),
            (inside, far),
            (True, lambda a, b: special.xlogy(a, b) - b - special.gammaln(a + 1.0)),
        ),
        k,
        mu,
    )


def gamma_mass(a: Any, x: Any) -> Any:
    """x**a*exp(-x)/gamma(a + 1) for a > -1, x > 0 and a not above some thousands."""
    return exp_of(_mass(a, x))


def divergence(x: Any, y: Any) -> Any:
    """x*log(x/y) - x + y; with off = (x - y)/(x + y) nothing cancels (C. Loader, Fast and accurate binomials, 2000)."""
    off = (x - y) / (x + y)
    close = np.abs(off) < 0.1
    square = np.square(np.where(close, off, 0.0))
    total = np.full_like(off, 1.0 / 21)
    for k in range(9, 0, -1):
        total = total * square + 1.0 / (2 * k + 1)
    near = (x - y) * off + 2.0 * x * off * square * total
    return np.where(close, near, special.kl_div(x, y))
