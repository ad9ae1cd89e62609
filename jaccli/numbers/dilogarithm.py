"""The dilogarithm, by the power series in the logarithm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.taylor import by_range, polynomial_of

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

# B(2k)/(2k + 1)! (L. Lewin, Polylogarithms and Associated Functions, 1981, 1.12)
_BERNOULLI = (
    1 / 36, -1 / 3600, 1 / 211680, -1 / 10886400, 1 / 526901760, -691 / 16999766784000, 1 / 1120863744000,
    -3617 / 181400588328960000, 43867 / 97072790126247936000, -174611 / 16860010916664115200000,
)  # fmt: skip
_PI_SQUARE_SIXTH = math.pi**2 / 6


def _around_one(x: Any) -> Any:
    """The dilogarithm of 1 - x for x from 1/2 to 2, where it is 0 at 1."""
    u = -np.log(x)
    return u + np.square(u) * (u * polynomial_of(np.square(u), _BERNOULLI) - 0.25)


def _left(x: Any) -> Any:
    """For x from 0 to 1/2."""
    return _PI_SQUARE_SIXTH - np.log(x) * np.log1p(-x) - _around_one(1.0 - x)


def dilogarithm(x: Any) -> Any:
    """The dilogarithm of 1 - x, as SciPy's spence."""
    return by_range(
        x,
        (x == 0, lambda part: np.full_like(part, _PI_SQUARE_SIXTH)),
        ((x > 0) & (x < 0.5), _left),
        ((x >= 0.5) & (x <= 2.0), _around_one),
        ((x > 2.0) & (x < np.inf), lambda part: -_left(1.0 / part) - 0.5 * np.square(np.log(part))),
        (x == np.inf, lambda part: -part),
    )
