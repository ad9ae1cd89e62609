"""What a slope does close to a point: the same on both sides, a kink, a jump, an edge, or without bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sympy

from jaccli.verify.judging import Kink, Reading

DISTANCES = (9, 12, 15)
"""How close the sides are looked at: negative powers of ten, in units of the coordinate."""


class Side(NamedTuple):
    """Value and slope of a function at some place; SymPy numbers."""

    value: Any
    slope: Any


Look = Callable[[int, int], Side]
"""(side: -1, 0 or 1, power) -> what stands 10**-power to that side; with side 0, at the point itself."""


class _Approach(NamedTuple):
    """One side: the slope's limit (None: the function ends here), the value's, and how much the slope still moves."""

    slope: Any
    value: Any
    change: Any


def resolve(look: Look, where: str) -> Reading:
    """What the slope at a suspicious point is.

    Args:
        look: gives value and slope near the point.
        where: what stands there, for the note.
    """
    here = look(0, 0)
    left, right = _approach(look, -1), _approach(look, 1)
    if left.slope is None and right.slope is None:
        return Reading(reason="SymPy has no finite value around this point")
    if _real(here.value) and any(_jumps(here.value, look(d, DISTANCES[0]).value, side) for d, side in ((-1, left), (1, right))):
        return Reading(kink=Kink(None, None, where or "a jump"))
    if left.slope is not None and right.slope is not None and _apart(look, left, right):
        return Reading(kink=Kink(None, None, where or "a jump"))
    if _real(left.slope) and _real(right.slope):
        change = max(left.change, right.change)
        limit = (left.slope + right.slope) / 2
        if abs(left.slope - right.slope) <= 4 * change + abs(limit) / 10**9:
            close = _real(here.slope) and abs(here.slope - limit) <= change + abs(limit) / 10**9
            return Reading(here.slope) if close else Reading(limit, float(change))
    if sympy.nan in (left.slope, right.slope):
        return Reading(reason="SymPy has no slope around this point")
    changes = [float(side.change) for side in (left, right) if side.change is not None]
    return Reading(kink=Kink(_float(left.slope), _float(right.slope), where, max(changes, default=0.0)))


def _approach(look: Look, direction: int) -> _Approach:
    """The limit of slope and value from one side."""
    looks = [look(direction, power) for power in DISTANCES]
    if not all(_real(side.value) for side in looks):
        return _Approach(None, None, None)
    far, near, nearest = (side.slope for side in looks)
    if not all(_real(slope) for slope in (far, near, nearest)):
        return _Approach(sympy.nan, looks[-1].value, None)
    first, second = abs(near - far), abs(nearest - near)
    grows = second > first / 2 and second > abs(nearest) / 10**6
    slope = (sympy.oo if nearest > 0 else -sympy.oo) if grows else nearest
    return _Approach(slope, looks[-1].value, second)


def _jumps(here: Any, far: Any, side: _Approach) -> bool:
    """Whether the value does not come closer: from a distance of 10**-9 to 10**-15 a continuous one does."""
    if side.slope is None:
        return False
    gap = abs(side.value - here)
    return bool(gap > abs(far - here) / 2 and gap > (abs(here) + abs(side.value)) / 10**12)


def _apart(look: Look, left: _Approach, right: _Approach) -> bool:
    """Whether the values on both sides do not come closer to each other."""
    far = abs(look(1, DISTANCES[0]).value - look(-1, DISTANCES[0]).value)
    gap = abs(right.value - left.value)
    return bool(gap > far / 2 and gap > (abs(left.value) + abs(right.value)) / 10**12)


def _real(value: Any) -> bool:
    return value is not None and bool(value.is_Float or value.is_Rational)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
