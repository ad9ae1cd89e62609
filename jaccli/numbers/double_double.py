"""Numbers in two parts, a float64 and what it leaves out, for sums and logarithms of some 70 bits.

Sums and products by D. Knuth and T. Dekker (A floating-point technique for extending the available precision, 1971);
the logarithm by a table of 129 reciprocals of few bits, so that the reduced argument is exact (P. Tang, Table-driven
implementation of the logarithm function, 1990).
"""

from __future__ import annotations

import functools
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

Pair = tuple[Any, Any]
"""Arrays high and low, the second below half a unit in the last place of the first."""

_SPLIT = 2.0**27 + 1.0
_STEPS = 256
_SERIES = tuple((-1) ** (k + 1) / k for k in range(3, 11))
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)


def sum_of(a: Any, b: Any) -> Pair:
    """a + b, exactly."""
    total = a + b
    shift = total - a
    return total, (a - (total - shift)) + (b - shift)


def normal(high: Any, low: Any) -> Pair:
    """high + low in two parts, where low is the smaller."""
    total = high + low
    return total, low - (total - high)


def product(a: Any, b: Any) -> Pair:
    """a*b, exactly, for factors below 1e300."""
    total = a * b
    a_high, b_high = a * _SPLIT, b * _SPLIT
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low = a - a_high, b - b_high
    return total, ((a_high * b_high - total) + a_high * b_low + a_low * b_high) + a_low * b_low


def plus(a: Pair, b: Pair) -> Pair:
    """The sum of two pairs."""
    total, rest = sum_of(a[0], b[0])
    return normal(total, rest + (a[1] + b[1]))


def minus(a: Pair, b: Pair) -> Pair:
    """The difference of two pairs."""
    return plus(a, (-b[0], -b[1]))


def times(a: Pair, b: Pair) -> Pair:
    """The product of two pairs."""
    total, rest = product(a[0], b[0])
    return normal(total, rest + (a[0] * b[1] + a[1] * b[0]))


def _parts(number: Decimal) -> tuple[float, float]:
    high = float(number)
    return high, float(number - Decimal(high))


@functools.cache
def _logarithms() -> Any:
    """log(256/j) for j from 128 to 256 in two rows, high and low, and log(2) in a column at the end."""
    with localcontext() as context:
        context.prec = 50
        found = [(Decimal(_STEPS) / j).ln() for j in range(_STEPS // 2, _STEPS + 1)]
        return np.array([_parts(number) for number in (*found, Decimal(2).ln())]).T


def log_of(x: Any, low: Any = 0.0) -> Pair:
    """The logarithm of x + low, for positive finite x."""
    table = _logarithms()
    part, exponent = np.frexp(x)
    part, exponent = 2.0 * part, exponent - 1.0
    place = np.rint(_STEPS / part)
    index = place.astype(np.intp) - _STEPS // 2
    top = part.astype(np.float32).astype(np.float64)
    step = place * (1.0 / _STEPS)
    high, rest = sum_of(top * step - 1.0, (part - top) * step)
    rest = rest + step * np.ldexp(low, -exponent.astype(np.intp)) if np.any(low) else rest
    square, square_rest = product(high, high)
    square_rest = square_rest + 2.0 * high * rest
    tail = np.full_like(high, _SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        tail = tail * high + coefficient
    near = plus((high, rest), (-0.5 * square, -0.5 * square_rest))
    near = normal(near[0], near[1] + square * high * tail)
    twos, twos_rest = product(exponent, table[0, -1])
    known = plus((twos, twos_rest + exponent * table[1, -1]), (table[0].take(index), table[1].take(index)))
    return plus(known, near)


def exp_of(pair: Pair) -> Any:
    """The exponential of a pair, as one float."""
    grown = np.exp(pair[0])
    return grown + grown * pair[1]


def turned(high: Any, low: Any) -> Pair:
    """Sine and cosine of high + low - pi/4, for arguments up to 1e15."""
    turns = np.rint((high - 0.25 * np.pi) * (2 / np.pi))
    halves = turns + 0.5  # of a quarter turn: pi/4 is half of one
    rest: Pair = (high, low)
    for part in _HALF_PI:
        rest = minus(rest, product(halves, np.full_like(halves, part)))
    sine, cosine = np.sin(rest[0]), np.cos(rest[0])
    sine, cosine = sine + rest[1] * cosine, cosine - rest[1] * sine
    quadrant: Any = np.mod(turns, 4.0)
    odd: Any = np.mod(turns, 2.0) == 1.0
    first = np.where(odd, cosine, sine) * np.where(quadrant >= 2.0, -1.0, 1.0)
    second = np.where(odd, sine, cosine) * np.where((quadrant == 1.0) | (quadrant == 2.0), -1.0, 1.0)
    return first, second
