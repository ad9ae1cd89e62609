"""Airy functions and their slopes.

Taylor series from y'' = x*y within reach of the table, asymptotic series beyond (Olver et al., NIST Handbook of
Mathematical Functions, 9.7). Far to the left the phase 2/3*|x|**1.5 is carried in two parts.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.centres import AIRY
from jaccli.numbers.double_double import product, times, turned
from jaccli.numbers.tables import AIRY_AI, AIRY_BI
from jaccli.numbers.taylor import by_range, polynomial_of, series, slopes, summed

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_TERMS = 28
_REACH = 10.0  # where the table ends
_LARGEST = 1e15  # far beyond it the phase is below the last digit of the argument
_OVERFLOWN = 1e4
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def _asymptotic() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The coefficients u and v of 9.7.2, for the functions and for their slopes."""
    u = [1.0]
    for k in range(1, _TERMS):
        u.append(u[-1] * (6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1)))
    return tuple(u), (1.0, *(-(6 * k + 1) / (6 * k - 1) * u[k] for k in range(1, _TERMS)))


_U, _V = _asymptotic()


@functools.cache
def _series(second: bool) -> Any:
    return series(AIRY, AIRY_BI if second else AIRY_AI, ((0.0, -1.0), (0.0,), (1.0,)))


@functools.cache
def _slopes(second: bool) -> Any:
    return slopes(_series(second))


def airy_function(x: Any, second: bool, slope: bool) -> Any:
    """Ai, or Bi if `second`, or their slopes."""
    x = np.asarray(x)

    def near(part: Any) -> Any:
        return summed(part, _slopes(second) if slope else _series(second), AIRY)

    return by_range(
        x,
        (np.abs(x) <= _REACH, near),
        (x > _REACH, lambda part: _right(part, second, slope)),
        (x < -_REACH, lambda part: _left(-part, second, slope)),
    )


def _right(x: Any, second: bool, slope: bool) -> Any:
    x = np.minimum(x, _OVERFLOWN)
    phase, low = _phase(x)
    inverse = 1.0 / phase
    total = polynomial_of(inverse if second else -inverse, _V if slope else _U)
    root = np.sqrt(np.sqrt(x))
    total = total * (root if slope else 1.0 / root) / math.sqrt(math.pi)
    if second:
        return np.exp(phase) * (1.0 + low) * total
    return (-0.5 if slope else 0.5) * np.exp(-phase) * (1.0 - low) * total


def _left(x: Any, second: bool, slope: bool) -> Any:
    phase, low = _phase(x)
    coefficients = _V if slope else _U
    square = -1.0 / np.square(phase)
    even = polynomial_of(square, coefficients[::2])
    odd = polynomial_of(square, coefficients[1::2]) / phase
    sine, cosine = turned(phase, low)  # of the phase less a quarter of pi
    root = np.sqrt(np.sqrt(x))
    if slope:
        total = even * cosine + odd * sine if second else even * sine - odd * cosine
        return (root + 0.0 * x) * total / math.sqrt(math.pi)  # NaN at infinity, where there is no limit
    total = -even * sine + odd * cosine if second else even * cosine + odd * sine
    return total / root / math.sqrt(math.pi)


def _phase(x: Any) -> tuple[Any, Any]:
    """2/3*x**1.5 in two parts."""
    bounded = np.minimum(x, _LARGEST)
    root = np.sqrt(bounded)
    square, rest = product(root, root)
    low = ((bounded - square) - rest) / (2.0 * root)
    return times(times((bounded, 0.0), (root, low)), _TWO_THIRDS)
