"""Difference quotients at shrinking steps, extrapolated to step 0, with an estimate of what is left.

Richardson's extrapolation as a tableau, of which the entry with the least estimated error is taken (C. J. F.
Ridders, Accurate computation of F'(x) and F'(x)F''(x), 1982). The estimate adds what rounding does to a quotient,
so that it also bounds steps that are too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

RATIO = 2.0
_DEEPEST = 7


class Estimate(NamedTuple):
    """A slope and by how much it may be off."""

    slope: float
    error: float


def extrapolated(quotients: Sequence[float], rounding: Sequence[float], order: int) -> Estimate:
    """The limit of quotients whose steps shrink by `RATIO`.

    Args:
        quotients: finite, longest step first.
        rounding: by how much rounding may have changed each.
        order: of the error's series in the step: 2 for central quotients, 1 for one-sided ones.
    """
    if not quotients:
        return Estimate(math.nan, math.inf)
    best = Estimate(quotients[-1], math.inf)
    previous: list[float] = []
    for quotient, noise in zip(quotients, rounding, strict=True):
        column = [quotient]
        for depth, coarser in enumerate(previous[:_DEEPEST], 1):
            factor = RATIO ** (order * depth)
            column.append(column[-1] + (column[-1] - coarser) / (factor - 1.0))
            # Two neighbours may agree by chance; the entry before them must not be far either.
            error = max(abs(column[-1] - column[-2]), abs(column[-1] - coarser)) + 2.0 * noise
            if error < best.error:
                best = Estimate(column[-1], error)
        previous = column
    return best


def diverges(quotients: Sequence[float], rounding: Sequence[float]) -> bool:
    """Whether quotients keep growing as the step shrinks, as at a jump or an infinite slope, and not by rounding."""
    if any(abs(quotient) < 100.0 * noise for quotient, noise in zip(quotients, rounding, strict=True)):
        return False
    sizes = [abs(quotient) for quotient in quotients]
    if len(sizes) < 8:
        return False
    growing = all(later > 1.15 * earlier for earlier, later in zip(sizes[-7:], sizes[-6:], strict=False))
    return growing and sizes[-1] > 10.0 * sizes[0] and len({math.copysign(1, q) for q in quotients[-6:]}) == 1
