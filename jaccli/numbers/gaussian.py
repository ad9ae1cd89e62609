"""Dawson's integral, the imaginary error function and the slope of erfcx.

Taylor series within reach, from y'' + 2*x*y' + 2*y = 0 for Dawson's integral and y'' - 2*x*y' - 2*y = 0 for
erfcx; asymptotic series beyond (Olver et al., NIST Handbook of Mathematical Functions, 7.12.1).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.centres import DAWSON, ERFCX
from jaccli.numbers.tables import DAWSON as DAWSON_TABLE
from jaccli.numbers.tables import ERFCX as ERFCX_TABLE
from jaccli.numbers.taylor import by_range, polynomial_of, series, slopes, summed

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

_REACH, _ERFCX_REACH = 8.0, 12.0  # where the tables end
_ROOT_PI = math.sqrt(math.pi)
_FAR = tuple(float(math.prod(range(1, 2 * k, 2))) for k in range(21))
_FAR_SLOPE = tuple((2 * k + 1) * number for k, number in enumerate(_FAR))
_NEAR = tuple(2 / _ROOT_PI / (math.factorial(k) * (2 * k + 1)) for k in range(20))


@functools.cache
def _dawson_series() -> Any:
    return series(DAWSON, DAWSON_TABLE, ((2.0,), (0.0, 2.0), (1.0,)))


@functools.cache
def _erfcx_slopes() -> Any:
    return slopes(series(ERFCX, ERFCX_TABLE, ((-2.0,), (0.0, -2.0), (1.0,))))


def dawson(x: Any) -> Any:
    """Dawson's integral."""
    near = np.abs(x) <= _REACH

    def far(part: Any) -> Any:
        return polynomial_of(0.5 / np.square(part), _FAR) * 0.5 / part

    return by_range(
        x,
        (near, lambda part: np.copysign(summed(np.abs(part), _dawson_series(), DAWSON), part)),
        (np.abs(x) > _REACH, far),
    )


def dawson_slope(x: Any) -> Any:
    """1 - 2*x*dawson(x)."""

    def far(part: Any) -> Any:
        inverse = 0.5 / np.square(part)
        return -inverse * polynomial_of(inverse, _FAR_SLOPE)

    return by_range(
        np.abs(x),
        (np.abs(x) <= _REACH, lambda part: summed(part, slopes(_dawson_series()), DAWSON)),
        (np.abs(x) > _REACH, far),
    )


def erfcx_slope(x: Any) -> Any:
    """2*x*erfcx(x) - 2/sqrt(pi); left of 0 nothing cancels."""

    def far(part: Any) -> Any:
        inverse = -0.5 / np.square(part)
        return 2 / _ROOT_PI * inverse * polynomial_of(inverse, _FAR_SLOPE)

    return by_range(
        x,
        (x <= 0, lambda part: 2.0 * part * special.erfcx(part) - 2 / _ROOT_PI),
        ((x > 0) & (x <= _ERFCX_REACH), lambda part: summed(part, _erfcx_slopes(), ERFCX)),
        (x > _ERFCX_REACH, far),
    )


def erfi_near(x: Any) -> Any:
    """The imaginary error function within -1 and 1, where all terms of its power series have one sign."""
    return x * polynomial_of(np.square(x), _NEAR)
