"""What a slope does close to a point: the same on both sides, a kink, a jump, an edge, or without bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sympy

from jaccli.verify.judging import Kink, Reading

DISTANCES = (9, 12, 15)
"""How close the sides are looked at: negative powers of ten, in units of the coordinate."""


_CLOSER = (18, 21)
"""Where to look whether a slope that grows does so without end: 1/max(norm(x), 1e-12) does not."""


class Side(NamedTuple):
    """Value and slope of a function at some place; SymPy numbers."""

    value: Any
    slope: Any


Look = Callable[[int, int], Side]
"""(side: -1, 0 or 1, power) -> what stands 10**-power to that side; with side 0, at the point itself."""


class _Approach(NamedTuple):
    """One side: the limits of slope and value, and how much either still moves; None where the function ends."""

    slope: Any
    value: Any
    change: Any
    drift: Any


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
    if _jumps(here.value, left, right):
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
        return _Approach(None, None, None, None)
    drift = abs(looks[0].value - looks[-1].value)
    far, near, nearest = (side.slope for side in looks)
    if not all(_real(slope) for slope in (far, near, nearest)):
        return _Approach(sympy.nan, looks[-1].value, None, drift)
    first, second = abs(near - far), abs(nearest - near)
    if second <= first / 2 or second <= abs(nearest) / 10**6:
        return _Approach(nearest, looks[-1].value, second, drift)
    closer, closest = (look(direction, power).slope for power in _CLOSER)
    if _real(closest) and abs(closest - closer) <= abs(closest) / 10**6:
        return _Approach(closest, looks[-1].value, abs(closest - closer), drift)
    return _Approach(sympy.oo if nearest > 0 else -sympy.oo, looks[-1].value, second, drift)


def _jumps(here: Any, left: _Approach, right: _Approach) -> bool:
    """Whether the values at the point and on both sides lie apart although each side has settled."""
    sides = [side for side in (left, right) if side.slope is not None]
    values = [side.value for side in sides] + ([here] if _real(here) else [])
    gap = max(values) - min(values)
    return bool(gap > 2 * max(side.drift for side in sides) and gap > max(map(abs, values)) / 10**12)


def _real(value: Any) -> bool:
    return value is not None and bool(value.is_Float or value.is_Rational)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
