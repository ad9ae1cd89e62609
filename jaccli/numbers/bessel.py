"""Bessel functions of the orders 0 and 1: Y, and I and K, plain and scaled by an exponential, with slopes.

Power series near 0 (M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 9.1.10-13, 9.6.10-13), Taylor
series from the differential equation within reach of the tables, and Hankel's series beyond (9.7.1-4).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.centres import SCALED_I, SCALED_K, SECOND_KIND
from jaccli.numbers.tables import SCALED_I0, SCALED_I1, SCALED_K0, SCALED_K1, Y0, Y1
from jaccli.numbers.taylor import by_range, polynomial_of, series, slopes, summed

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

_TERMS = 26
_I_NEAR, _I_REACH = 0.25, 32.0
_PLAIN_I_REACH = 8.0
_K_NEAR, _K_REACH = 0.25, 32.0
_Y_NEAR, _Y_REACH = 1.375, 12.0
_LOG_TWO_LESS_GAMMA = 0.11593151565841245  # log(2) - Euler's constant


def _power_series(order: int, sign: int) -> tuple[float, ...]:
    """Of I (sign 1) or J (sign -1) over (x/2)**order, in (x/2)**2."""
    return tuple(sign**k / (math.factorial(k) * math.factorial(k + order)) for k in range(_TERMS))


def _harmonic(k: int) -> float:
    return math.fsum(1.0 / i for i in range(1, k + 1))


def _companion(order: int, sign: int) -> tuple[float, ...]:
    """The series beside the logarithm: psi(k + 1) + psi(k + 1 + order) without Euler's constants."""
    return tuple((_harmonic(k) + _harmonic(k + order)) * number for k, number in enumerate(_power_series(order, sign)))


_I = tuple(_power_series(order, 1) for order in (0, 1))
_I1_SLOPE = tuple((k + 0.5) * number for k, number in enumerate(_I[1]))
_J = tuple(_power_series(order, -1) for order in (0, 1))
_BESIDE_K = tuple(_companion(order, 1) for order in (0, 1))
_BESIDE_Y = tuple(_companion(order, -1) for order in (0, 1))


def _hankel(order: int) -> tuple[float, ...]:
    found = [1.0]
    for k in range(1, _TERMS):
        found.append(found[-1] * (4 * order * order - (2 * k - 1) ** 2) / (8 * k))
    return tuple(found)


_FAR = tuple(_hankel(order) for order in (0, 1))
_FAR_SLOPE = tuple(tuple(-(k + 0.5) * number for k, number in enumerate(far)) for far in _FAR)


@functools.cache
def _scaled_i_series(order: int) -> Any:
    return series(SCALED_I, (SCALED_I0, SCALED_I1)[order], ((-float(order), 1.0), (0.0, 1.0, 2.0), (0.0, 0.0, 1.0)))


@functools.cache
def _scaled_k_series(order: int) -> Any:
    return series(SCALED_K, (SCALED_K0, SCALED_K1)[order], ((-float(order), -1.0), (0.0, 1.0, -2.0), (0.0, 0.0, 1.0)))


@functools.cache
def _y_series(order: int) -> Any:
    return series(SECOND_KIND, (Y0, Y1)[order], ((-float(order), 0.0, 1.0), (0.0, 1.0), (0.0, 0.0, 1.0)))


def _small_i(x: Any, order: int) -> Any:
    total = polynomial_of(np.square(0.5 * x), _I[order])
    return 0.5 * x * total if order else total


def plain_i(x: Any, order: int) -> Any:
    """I of order 0 or 1."""
    near = np.abs(x) <= _PLAIN_I_REACH
    other = special.i1 if order else special.i0
    return by_range(x, (near, lambda part: _small_i(part, order)), (~near, lambda part: other(part)))


def scaled_i(x: Any, order: int) -> Any:
    """exp(-abs(x))*I of order 0 or 1."""
    size = np.abs(x)
    found = by_range(
        size,
        (size <= _I_NEAR, lambda part: np.exp(-part) * _small_i(part, order)),
        ((size > _I_NEAR) & (size <= _I_REACH), lambda part: summed(part, _scaled_i_series(order), SCALED_I)),
        (size > _I_REACH, lambda part: polynomial_of(-1.0 / part, _FAR[order]) / np.sqrt(2.0 * np.pi * part)),
    )
    return np.copysign(found, x) if order else found


def scaled_i_slope(x: Any, order: int) -> Any:
    """The derivative of `scaled_i`; 0 at 0 for order 0, the middle of both slopes."""
    size = np.abs(x)

    def near(part: Any) -> Any:
        risen = polynomial_of(np.square(0.5 * part), _I1_SLOPE) if order else _small_i(part, 1)
        return np.exp(-part) * (risen - _small_i(part, order))

    def far(part: Any) -> Any:
        return polynomial_of(-1.0 / part, _FAR_SLOPE[order]) / np.sqrt(2.0 * np.pi * part) / part

    found = by_range(
        size,
        (size <= _I_NEAR, near),
        ((size > _I_NEAR) & (size <= _I_REACH), lambda part: summed(part, slopes(_scaled_i_series(order)), SCALED_I)),
        (size > _I_REACH, far),
    )
    return found if order else np.sign(x) * found


def _small_k(x: Any, order: int) -> Any:
    """K of order 0 or 1."""
    square = np.square(0.5 * x)
    logarithm = np.log(x) - _LOG_TWO_LESS_GAMMA
    if order:
        return 1.0 / x + 0.5 * x * (
            logarithm * polynomial_of(square, _I[1]) - 0.5 * polynomial_of(square, _BESIDE_K[1])
        )
    return 0.5 * polynomial_of(square, _BESIDE_K[0]) - logarithm * polynomial_of(square, _I[0])


def scaled_k(x: Any, order: int) -> Any:
    """exp(x)*K of order 0 or 1, for positive x."""
    inside = (x >= _K_NEAR) & (x < _K_REACH)
    return by_range(
        x,
        (x == 0, lambda part: np.full_like(part, np.inf)),
        ((x > 0) & (x < _K_NEAR), lambda part: np.exp(part) * _small_k(part, order)),
        (inside, lambda part: summed(part, _scaled_k_series(order), SCALED_K)),
        (x >= _K_REACH, lambda part: polynomial_of(1.0 / part, _FAR[order]) * np.sqrt(0.5 * np.pi / part)),
    )


def scaled_k_slope(x: Any, order: int) -> Any:
    """The derivative of `scaled_k`."""
    inside = (x >= _K_NEAR) & (x < _K_REACH)

    def near(part: Any) -> Any:
        first = _small_k(part, 0), _small_k(part, 1)
        return np.exp(part) * (first[1] - first[0] - first[1] / part if order else first[0] - first[1])

    def far(part: Any) -> Any:
        return polynomial_of(1.0 / part, _FAR_SLOPE[order]) * np.sqrt(0.5 * np.pi / part) / part

    return by_range(
        x,
        (x == 0, lambda part: np.full_like(part, -np.inf)),
        ((x > 0) & (x < _K_NEAR), near),
        (inside, lambda part: summed(part, slopes(_scaled_k_series(order)), SCALED_K)),
        (x >= _K_REACH, far),
    )


def second_kind(x: Any, order: int) -> Any:
    """Y of order 0 or 1."""
    other = special.y1 if order else special.y0

    def near(part: Any) -> Any:
        square = np.square(0.5 * part)
        logarithm = np.log(part) - _LOG_TWO_LESS_GAMMA
        total = logarithm * polynomial_of(square, _J[order]) - 0.5 * polynomial_of(square, _BESIDE_Y[order])
        return 2.0 / np.pi * ((0.5 * part * total - 1.0 / part) if order else total)

    inside = (x >= _Y_NEAR) & (x <= _Y_REACH)
    return by_range(
        x,
        ((x > 0) & (x < _Y_NEAR), near),
        (inside, lambda part: summed(part, _y_series(order), SECOND_KIND)),
        ((x <= 0) | (x > _Y_REACH), lambda part: other(part)),
    )
