"""Incomplete gamma functions: series below the shape, a continued fraction above it.

(M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 6.5.29, 6.5.31; near 0 by Olver et al., NIST Handbook
of Mathematical Functions, 8.7.1.) The factor x**a*exp(-x)/gamma(a + 1) before them has its digits from sums in two
parts. Where the shape is large and the argument near it, Temme's expansion in SciPy is as good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy
from jaccli.numbers.double_double import log_of, minus, sum_of, times
from jaccli.numbers.gamma import log_gamma
from jaccli.numbers.ratios import gamma_mass, in_doubles

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

_LARGEST = 5e3
_SMALL = 0.7
_MOST_TERMS = 2000
_NEGLIGIBLE = 2.0**-56


def _by_series(a: Any, x: Any) -> Any:
    """The lower function where x is not much above a."""
    term = np.ones_like(a)
    total = np.zeros_like(a)
    for n in range(1, _MOST_TERMS):
        term = term * x / (a + n)
        total = total + term
        if n % 8 == 0 and not np.any(term > _NEGLIGIBLE * (1.0 + total)):
            break
    first = gamma_mass(a, x)
    return first + first * total


def _by_fraction(a: Any, x: Any) -> Any:
    """The upper function where x is not below a, from the far end of the fraction."""
    terms = 40 + int(110.0 / np.min(x))
    below = x + (2.0 * terms + 1.0) - a
    for n in range(terms, 0, -1):
        below = (x - a + (2.0 * n - 1.0)) - n * (n - a) / below
    return gamma_mass(a, x) * (a / below)


def _upper_near_zero(a: Any, x: Any) -> Any:
    """1 - x**a/gamma(a + 1) and the rest of the series: two positive parts."""
    zero = np.zeros_like(a)
    power = minus(times((a, zero), log_of(x)), log_gamma(sum_of(a, 1.0)))[0]
    term = np.ones_like(a)
    total = zero
    for n in range(1, 20):
        term = term * -x / n
        total = total + term / (a + n)
    return -np.expm1(power) - np.exp(power) * (a * total)


def _regular(a: Any, x: Any) -> Any:
    """Where SciPy's numbers are not taken."""
    inside = (a > 0) & (x > 0) & (a <= _LARGEST) & (x <= 2 * _LARGEST)
    off = np.abs(x - a)
    middle = ((a > 20) & (a < 200) & (off < 0.29 * a)) | ((a >= 200) & (off * np.sqrt(np.abs(a)) < 4.4 * np.abs(a)))
    return inside & ~middle


def lower_gamma(a: Any, x: Any) -> Any:
    """The regularised lower incomplete gamma function."""
    regular, below = _regular(a, x), x < np.maximum(a, _SMALL)
    return in_doubles(
        (
            (regular & below, _by_series),
            (regular, lambda p, q: 1.0 - _by_fraction(p, q)),
            (True, lambda p, q: special.gammainc(p, q)),
        ),
        a,
        x,
    )


def upper_gamma(a: Any, x: Any) -> Any:
    """The regularised upper incomplete gamma function."""
    regular, below = _regular(a, x), x < np.maximum(a, _SMALL)
    return in_doubles(
        (
            (regular & below & (a < _SMALL), _upper_near_zero),
            (regular & below, lambda p, q: 1.0 - _by_series(p, q)),
            (regular, _by_fraction),
            (True, lambda p, q: special.gammaincc(p, q)),
        ),
        a,
        x,
    )
