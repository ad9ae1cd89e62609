"""The logarithm of gamma in two parts, and what is made of it: ratios of gammas whose logarithms are large.

Taylor series around the eighths from 1 to 12, with polygammas for coefficients; Stirling's series beyond, and the
recurrence below 1 (M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 6.1.15, 6.1.33, 6.1.40). Two parts
keep the digits that sums of large logarithms lose.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.centres import LOG_GAMMA as PLACES
from jaccli.numbers.double_double import Pair, log_of, minus, normal, plus, product, sum_of, times
from jaccli.numbers.tables import LOG_GAMMA

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

_TERMS = 15
_STIRLING_FROM = 12.0
_SHIFTS = 12
_HALF_LOG_TAU = (0.9189385332046727, 7.223936088184324e-17)
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
_STIRLING = tuple(number / (2 * k * (2 * k - 1)) for k, number in enumerate(BERNOULLI, 1))


@functools.cache
def _series() -> Any:
    """Coefficients of the second and higher powers, one row a power, one column a centre."""
    at = np.array(PLACES.all())
    return np.array([(-1) ** n * special.zeta(float(n), at) / n for n in range(2, _TERMS)])


@functools.cache
def _starts() -> Any:
    """The logarithms of gamma at the centres, high and low, and its slopes."""
    return np.array(LOG_GAMMA)


def stirling_rest(x: Any) -> Any:
    """What Stirling's formula for log(gamma(x)) leaves out, for x >= 10."""
    total = np.full_like(x, _STIRLING[-1])
    inverse = 1.0 / np.square(x)
    for coefficient in _STIRLING[-2::-1]:
        total = total * inverse + coefficient
    return total / x


def _near(x: Pair) -> Pair:
    """For arguments from 1 to the last centre."""
    place, step = PLACES.nearest(x[0])
    step = step + x[1]
    coefficients = _series()
    total = coefficients[-1].take(place, mode="clip")
    for row in coefficients[-2::-1]:
        total = total * step + row.take(place, mode="clip")
    high, low, slope = (row.take(place, mode="clip") for row in _starts())
    total = (total * step + slope) * step
    whole, rest = sum_of(high, total)
    return whole, rest + low


def _below(x: Pair) -> Pair:
    """For arguments up to 1."""
    moved, rest = sum_of(x[0], 1.0)
    return minus(_near((moved, rest + x[1])), log_of(*x))


def _far(x: Pair) -> Pair:
    """By Stirling's series."""
    found = minus(times(normal(x[0] - 0.5, x[1]), log_of(*x)), x)
    return plus(found, plus(_HALF_LOG_TAU, (stirling_rest(x[0]), 0.0)))


def log_gamma(x: Pair) -> Pair:
    """log(gamma(x)) in two parts, for a pair of arrays of one shape whose sum is positive and finite."""
    high, low = (np.asarray(part) for part in x)
    found = np.empty((2, *high.shape))
    small, large = high < 1.0, high >= _STIRLING_FROM
    for mask, rule in ((small, _below), (~(small | large), _near), (large, _far)):
        if np.all(mask):
            return rule((high, low))
        if np.any(mask):
            found[:, mask] = rule((high[mask], low[mask]))
    return found[0], found[1]


def digamma_difference(x: Any, step: Any) -> Any:
    """digamma(x + step) - digamma(x), without cancelling; the smallest parts are added first."""
    usable = (x > 0) & (x + step > 0)
    a, b = np.where(usable, x, 1.0), np.where(usable, step, 1.0)
    low, high = a + _SHIFTS, a + b + _SHIFTS
    u, v = 1.0 / np.square(low), 1.0 / np.square(high)
    total, powers, last = np.zeros_like(low + high), np.ones_like(low + high), np.ones_like(low + high)
    for j, number in enumerate(BERNOULLI[:8], 1):
        total = total + number / (2 * j) * powers
        last = last * v
        powers = powers * u + last
    total = b * (low + high) * u * v * total + b / (2.0 * low * high) + np.log1p(b / low)
    for k in range(_SHIFTS - 1, -1, -1):
        total = total + b / ((a + k) * (a + b + k))
    pole = (x == 0) & (x + step > 0)
    direct = special.digamma(x + step) - special.digamma(x)
    return np.where(pole, np.where(step == 0, 0.0, np.inf), np.where(usable, total, direct)).astype(
        np.result_type(x, step), copy=False
    )


def log_less_digamma(x: Any, a: Any) -> Any:
    """log(x) - digamma(a), which cancels where the arguments are near each other.

    Large a by the distance of digamma from the logarithm (6.3.18), small ones by the recurrence, in two parts.
    """
    usable = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    shape, point = np.where(usable, a, 10.0), np.where(usable, x, 10.0)
    small = shape < _SHIFTS
    moved, rest = sum_of(shape, np.where(small, float(_SHIFTS), 0.0))
    inverse = 1.0 / np.square(moved)
    total = np.zeros_like(moved)
    for j in range(8, 0, -1):
        total = (total + BERNOULLI[j - 1] / (2 * j)) * inverse
    total = total + 0.5 / moved
    off = (point - moved) / moved
    close = np.abs(off) < 0.5
    found = np.where(close, np.log1p(np.where(close, off, 0.0)), np.log(point / moved)) + total
    if np.any(small):
        pair = plus(minus(log_of(point), log_of(moved, rest)), (total, 0.0))
        for k in range(_SHIFTS):
            pair = plus(pair, _reciprocal(sum_of(np.where(small, shape, 1.0), float(k))))
        found = np.where(small, pair[0], found)
    elsewhere = np.log(x) - special.digamma(a)
    return np.where(usable, found, elsewhere).astype(np.result_type(x, a), copy=False)


def _reciprocal(x: Pair) -> Pair:
    """1/x in two parts."""
    high = 1.0 / x[0]
    back, rest = product(high, x[0])
    return high, ((1.0 - back) - rest - high * x[1]) * high
