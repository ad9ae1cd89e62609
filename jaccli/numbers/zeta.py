"""Hurwitz' zeta function and its derivatives in the exponent.

Riemann's is a power series around 0, and left of -1 it is reflected (M. Abramowitz and I. Stegun, Handbook of
Mathematical Functions, 23.2.6); the rest are SciPy's values, and derivatives by Euler and Maclaurin's sum (23.2.9).
Derivatives of products are products of Taylor series, lists of coefficients here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.angles import cosine_of_pi, sine_of_pi
from jaccli.numbers.double_double import exp_of, plus, sum_of, times
from jaccli.numbers.gamma import BERNOULLI, log_gamma
from jaccli.numbers.polygamma import polygamma

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

# The Taylor series of (s - 1)*zeta(s) at 0, from 50 digits of mpmath's zeta
_ZETA = (
    0.5, 0.4189385332046727, 0.08423969474961969, -0.002393033477250018, -0.000905894976471243,
    0.00012264139574929108, -6.397503064964134e-07, -1.4697618403488443e-06, 1.7438050236916946e-07,
    -4.853659490717978e-09, -1.060717248650428e-09, 1.5910765508467755e-10, -9.365969839362019e-12,
    -1.0632487436306846e-13, 7.194301680880207e-14, -6.845211237028598e-15, 2.9725359243036763e-16,
    5.847109749689559e-18, -2.018503607231426e-18, 1.6740414659213843e-19,
)  # fmt: skip
_LOG_TAU = (1.8378770664093456, -7.756588316134483e-17)


def zeta(s: Any, q: Any, order: int) -> Any:
    """The derivative of that order in s of the sum of (k + q)**-s."""
    s, q = np.broadcast_arrays(s, q)
    dtype = s.dtype
    s, q = np.asarray(s, np.float64), np.asarray(q, np.float64)
    found = np.array(_value(s, q) if order == 0 else _by_euler_maclaurin(s, q, order))
    riemann = (q == 1) & np.isfinite(s)
    for chosen, rule in ((riemann & (np.abs(s) < 1), _around_zero), (riemann & (s <= -1), _reflected)):
        if np.any(chosen):
            found[chosen] = rule(s[chosen], order)
    return found.astype(dtype, copy=False)


def _around_zero(s: Any, order: int) -> Any:
    """Riemann's zeta function for s from -1 to 1: a power series over s - 1."""
    last: Any = 0.0
    for i in range(order + 1):
        part = np.zeros_like(s)
        for k in range(len(_ZETA) - 1, i - 1, -1):
            part = part * s + math.comb(k, i) * _ZETA[k]
        last = (part - last) / (s - 1.0)
    return math.factorial(order) * last


def _multiplied(a: list[Any], b: list[Any]) -> list[Any]:
    """The product of two Taylor series of one length."""
    return [sum(a[j] * b[i - j] for j in range(i + 1)) for i in range(len(a))]


def _reflected(s: Any, order: int) -> Any:
    """2*(2*pi)**(s - 1)*sin(pi*s/2)*gamma(1 - s)*zeta(1 - s)."""
    zero = np.zeros_like(s)
    size = exp_of(plus(times((s, zero), _LOG_TAU), log_gamma(sum_of(1.0, -s)))) / np.pi
    bends = [-polygamma(1.0 - s, 0) + _LOG_TAU[0]]
    bends += [(-1) ** k * polygamma(1.0 - s, k - 1) / math.factorial(k) for k in range(2, order + 1)]
    sizes = [size]
    for i in range(1, order + 1):
        sizes.append(sum(j * bends[j - 1] * sizes[i - j] for j in range(1, i + 1)) / i)
    turns = (sine_of_pi(0.5 * s), cosine_of_pi(0.5 * s))
    sines = [(-1) ** (i // 2) * turns[i % 2] * (0.5 * np.pi) ** i / math.factorial(i) for i in range(order + 1)]
    others = [(-1) ** i * zeta(1.0 - s, 1.0, i) / math.factorial(i) for i in range(order + 1)]
    return math.factorial(order) * _multiplied(_multiplied(sizes, sines), others)[order]


def _value(s: Any, q: Any) -> Any:
    # Left of 0 SciPy adds up terms one by one towards 0, which would not end; polygamma reflects instead.
    left = q < 0
    value = np.where(q == 1, special.zeta(np.where(q == 1, s, 2.0)), special.zeta(s, np.where(left, 1.0, q)))
    if not np.any(left):
        return value
    value = np.array(value)
    for index in np.argwhere(left):
        place = tuple(index)
        exponent = float(s[place])
        if exponent.is_integer() and 2 <= exponent <= 100:
            n = int(exponent) - 1
            value[place] = (-1) ** (n + 1) * polygamma(q[place], n) / math.factorial(n)
        else:
            value[place] = np.nan
    return value


def _by_euler_maclaurin(s: Any, q: Any, order: int) -> Any:
    """By Euler and Maclaurin's sum, each term differentiated in s."""
    inside = (q > 0) & ((s >= 1) | (q == 1))
    s, q = np.where(inside, s, 2.0), np.where(inside, q, 1.0)
    count = np.where(s < 0, 7, 16)
    total = np.zeros(s.shape)
    for k in range(16):
        logarithm = np.log(q + k)
        total = total + np.where(k < count, (-logarithm) ** order * np.power(q + k, -s), 0.0)
    logarithm = np.log(q + count)
    for i in range(order + 1):
        weight = math.comb(order, i) * (-logarithm) ** (order - i) * np.power(q + count, 1.0 - s)
        total = total + weight * (-1) ** i * math.factorial(i) / (s - 1.0) ** (i + 1)
    total = total + 0.5 * (-logarithm) ** order * np.power(q + count, -s)
    for j, number in enumerate(BERNOULLI, 1):
        rising = np.polynomial.Polynomial.fromroots([-float(k) for k in range(2 * j - 1)])
        for i in range(order + 1):
            weight = math.comb(order, i) * (-logarithm) ** (order - i) * np.power(q + count, 1.0 - s - 2 * j)
            total = total + number / math.factorial(2 * j) * weight * rising.deriv(i)(s)
    at_pole = np.where(s == 1, (-1.0) ** order * np.inf, total)
    return np.where(inside, at_pole, np.nan)
