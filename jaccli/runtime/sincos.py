"""Sine and cosine of the same numbers at once, for less than NumPy takes for one of them.

The argument is reduced by the multiple of π/2 next to it, in three parts, and both polynomials are evaluated; the
quadrant then says which is which, and their signs. Reduction and coefficients are those of FreeBSD's msun
(`e_rem_pio2.c`, `k_sin.c`, `k_cos.c`); W. Cody, W. Waite, Software Manual for the Elementary Functions (1980).
Within 2 units in the last place.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LARGEST = 1e5  # beyond it the parts of π/2 have too few digits: NumPy's own functions take over
_TWO_OVER_PI = 6.36619772367581382433e-01
_TO_WHOLE = 1.5 * 2.0**52  # added, it leaves the nearest whole number in the last digits
_SIGN = np.int64(-(2**63))
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COSINE = (
    -0.5,
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)


class _Scratch(threading.local):
    """Four arrays of each thread, as long as the longest piece so far."""

    def __init__(self) -> None:
        self.arrays = [np.empty(0) for _ in range(4)]

    def of(self, size: int) -> list[Array]:
        if len(self.arrays[0]) < size:
            self.arrays = [np.empty(size) for _ in range(4)]
        return [array[:size] for array in self.arrays]


_scratch = _Scratch()


def sine_and_cosine(sine: Array, cosine: Array, x: Array) -> None:
    """Writes sin(x) and cos(x); arrays of float64 and of one length, none sharing memory with another."""
    places, turns, rest, other = _scratch.of(len(x))
    np.absolute(x, out=rest)
    if not rest.max(initial=0.0) <= _LARGEST:
        np.sin(x, out=sine)
        np.cos(x, out=cosine)
        return
    _reduce(x, sine, places, turns, other)
    square = np.multiply(sine, sine, out=rest)
    _polynomial(cosine, square, _COSINE)
    _polynomial(other, square, _SINE)
    np.multiply(sine, other, out=sine)
    _turn(sine, cosine, places.view(np.int64), turns.view(np.int64), other.view(np.int64))


def _reduce(x: Array, reduced: Array, places: Array, turns: Array, other: Array) -> None:
    """x minus the nearest multiple of π/2, whose number stays in the last digits of `places`."""
    first, second, third = _HALF_PI
    np.multiply(x, _TWO_OVER_PI, out=places)
    np.add(places, _TO_WHOLE, out=places)
    np.subtract(places, _TO_WHOLE, out=turns)
    np.multiply(turns, first, out=other)
    np.subtract(x, other, out=reduced)
    np.multiply(turns, second, out=other)
    np.subtract(reduced, other, out=reduced)
    np.multiply(turns, third, out=other)
    np.subtract(reduced, other, out=reduced)


def _polynomial(out: Array, square: Array, coefficients: tuple[float, ...]) -> None:
    """1 + c₀ square + c₁ square² + …"""
    np.multiply(square, coefficients[-1], out=out)
    for coefficient in coefficients[-2::-1]:
        np.add(out, coefficient, out=out)
        np.multiply(out, square, out=out)
    np.add(out, 1.0, out=out)


def _turn(sine: Array, cosine: Array, quadrant: Array, mask: Array, difference: Array) -> None:
    """Exchanges the two where the quadrant is odd, and turns their signs, in the bits themselves: the sine's in the
    upper two quadrants of four, the cosine's in the middle two."""
    sine_bits, cosine_bits = sine.view(np.int64), cosine.view(np.int64)
    np.bitwise_and(quadrant, 1, out=mask)
    np.negative(mask, out=mask)
    np.bitwise_xor(sine_bits, cosine_bits, out=difference)
    np.bitwise_and(difference, mask, out=difference)
    np.bitwise_xor(sine_bits, difference, out=sine_bits)
    np.bitwise_xor(cosine_bits, difference, out=cosine_bits)
    np.left_shift(quadrant, 63, out=mask)
    np.left_shift(quadrant, 62, out=quadrant)
    np.bitwise_and(quadrant, _SIGN, out=quadrant)
    np.bitwise_xor(sine_bits, quadrant, out=sine_bits)
    np.bitwise_xor(quadrant, mask, out=quadrant)
    np.bitwise_xor(cosine_bits, quadrant, out=cosine_bits)
