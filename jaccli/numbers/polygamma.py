"""Polygamma functions, left of 0 by reflection.

(M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 6.4.7.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.angles import cosine_of_pi, sine_of_pi

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")


def polygamma(x: Any, order: int) -> Any:
    """The derivatives of log gamma, from digamma (order 0) on."""
    x = np.asarray(x)
    if order == 0:
        # At a pole SciPy gives NaN, and an operation that gives NaN has no slope; this one's is infinite.
        return np.where((x < 0) & (x == np.floor(x)), -np.inf, special.digamma(x))
    reflected = (x < 0) & (x != np.floor(x))
    value = special.polygamma(order, np.where(reflected, 1.0 - x, x))
    if np.any(reflected):
        mirrored = (-1) ** order * value - math.pi ** (order + 1) * _cotangent_derivative(x, order)
        value = np.where(reflected, mirrored, value)
    return np.asarray(value, x.dtype)


def _cotangent_derivative(x: Any, order: int) -> Any:
    """The derivative of cot(pi*x) of that order over pi**order, a polynomial in cot(pi*x)."""
    coefficients = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(order):
        coefficients = -coefficients.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0])
    return coefficients(cosine_of_pi(x) / sine_of_pi(x))
