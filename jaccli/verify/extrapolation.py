"""Difference quotients at shrinking steps, extrapolated to step 0, with an estimate of what is left.

Richardson's extrapolation as a tableau, of which the entry with the least estimated error is taken (C. J. F.
Ridders, Accurate computation of F'(x) and F'(x)F''(x), 1982). The estimate adds what rounding does to a quotient,
so that it also bounds steps that are too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

RATIO = 2.0
_DEEPEST = 7
_TELLING = 5


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
    """Whether quotients keep growing as the step shrinks, as at a jump or an infinite slope, and not by rounding.

    Towards a finite limit their increments shrink with the step; those of a logarithm stay equal, those of a root grow.
    """
    if len(quotients) < _TELLING + 2:
        return False
    last = [later - earlier for earlier, later in pairwise(quotients[-_TELLING - 2 :])]
    if any(abs(increment) <= 100.0 * noise for increment, noise in zip(last, rounding[-len(last) :], strict=True)):
        return False
    return all(later / earlier > 0.9 for earlier, later in pairwise(last))


def jumps(quotients: Sequence[float]) -> bool:
    """Whether diverging quotients grow as those of a step do: by the ratio of the steps, or faster."""
    return all(abs(later) > 0.95 * RATIO * abs(earlier) for earlier, later in pairwise(quotients[-_TELLING:]))
