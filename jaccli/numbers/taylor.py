"""Solutions of linear differential equations by Taylor series around a row of centres.

Value and slope at a centre are known to the last digit; the equation gives the other coefficients, whose errors count
less and less, since no argument is far from its centre. So sums lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.centres import Centres

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

Polynomials = tuple[tuple[float, ...], ...]
"""Coefficients, from the constant on, of the polynomials that multiply y, y' and y''."""

_MOST_TERMS = 40
_NEGLIGIBLE = 2.0**-58


def series(centres: Centres, start: tuple[tuple[float, ...], ...], equation: Polynomials) -> Any:
    """Taylor coefficients, one row a power and one column a centre, of a solution of p0*y + p1*y' + p2*y'' = 0.

    Args:
        centres: where the series stand; p2 has no zero among them.
        start: the values and the slopes at the centres.
        equation: p0, p1 and p2.
    """
    at = np.array(centres.all())
    moved = [_moved(polynomial, at) for polynomial in equation]
    rows = [np.array(row) for row in start]
    width = np.array(centres.widths())
    size = np.abs(rows[0]) + width * np.abs(rows[1])
    for n in range(_MOST_TERMS):
        total = np.zeros(len(at))
        for derivative, polynomial in enumerate(moved):
            for power, coefficient in enumerate(polynomial):
                place = n - power + derivative
                if power <= n and place < n + 2:
                    total = total + coefficient * math.perm(place, derivative) * rows[place]
        rows.append(-total / (moved[2][0] * ((n + 1) * (n + 2))))
        if np.all(np.abs(rows[-2:]) * width ** (n + 2) * (n + 2) < _NEGLIGIBLE * size):
            break
    return np.array(rows)


def _moved(polynomial: tuple[float, ...], at: Any) -> list[Any]:
    """The coefficients of a polynomial in the distance from each centre."""
    order = len(polynomial)
    return [
        sum(polynomial[k] * math.comb(k, power) * at ** (k - power) for k in range(power, order))
        for power in range(order)
    ]


def slopes(coefficients: Any) -> Any:
    """The coefficients of the derivative."""
    return coefficients[1:] * np.arange(1.0, len(coefficients))[:, None]


def summed(x: Any, coefficients: Any, centres: Centres) -> Any:
    """The sum of the series of the centre next to each argument."""
    place, step = centres.nearest(x)
    total = coefficients[-1].take(place, mode="clip")
    for row in coefficients[-2::-1]:
        total = total * step + row.take(place, mode="clip")
    return total


def polynomial_of(x: Any, coefficients: tuple[float, ...]) -> Any:
    """c0 + c1*x + c2*x**2 + …"""
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def by_range(x: Any, *pieces: tuple[Any, Callable[[Any], Any]]) -> Any:
    """Each (condition, function) for its own entries of an array of floats, in float64; NaN in what is left."""
    x = np.asarray(x)
    wide = x.astype(np.float64, copy=False)
    found = np.full(x.shape, np.nan)
    for condition, function in pieces:
        if np.all(condition):
            found = np.asarray(function(wide))
        elif np.any(condition):
            found[condition] = function(wide[condition])
    return found.astype(x.dtype, copy=False)
