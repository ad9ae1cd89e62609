"""What floats leave open about a claim, computed again with 50 digits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.runtime.plan import evaluate
from jaccli.verify.comparing import Pair
from jaccli.verify.exactly import beyond_floats, exactly
from jaccli.verify.sides import Claimed, Truth

Array = NDArray[Any]
Point = Mapping[str, Array]

_MOST_EXACT = 6
_RELATIVE = 1e-9
_NOTHING = 1e-20  # of the largest entry


def beyond_overflows(ours: Array, theirs: Array, truth: Truth, until: float) -> Array:
    """Our numbers, those that are not finite with more digits where that makes them so.

    A claim may keep away from an overflow that the formula runs into, as exp(x - 690) for exp(x)/1e300.
    """
    lost = np.flatnonzero(~np.isfinite(ours) & np.isfinite(theirs))
    found = np.array(ours)
    columns = ours.size if truth.block is None else truth.block.columns
    for row in dict.fromkeys((lost // max(columns, 1)).tolist()):
        if time.monotonic() > until:
            break
        if not _has_value(truth, row):
            continue
        places = [place - row * columns for place in lost.tolist() if place // columns == row]
        for place, number in beyond_floats(truth.graph(row), places).items():
            found.reshape(-1)[row * columns + place] = number
    return ours if np.array_equal(found, ours, equal_nan=True) else found


def _has_value(truth: Truth, row: int) -> bool:
    """Whether what a row is the slope of has a value, be it one that floats cannot compute; else there is no slope."""
    problem, block = truth.problem, truth.block
    if problem is None or block is None:
        return True
    (value,) = evaluate([block.function], problem.feeds)
    lost = np.flatnonzero(~np.isfinite(value) & (block.cotangent(row) != 0)).tolist()
    return len(beyond_floats((block.function, problem.point), lost)) == len(lost)


def looked_at_closely(
    wrong: Array, pair: Pair, truth: Truth, claimed: Claimed, point: Point, cotangent: Array | None
) -> Array:
    """What is wrong, once a few entries that rounding leaves open have been computed with more digits.

    Entries of which nothing more is found keep their verdict.
    """
    open_questions = np.flatnonzero(pair.unclear)[:_MOST_EXACT]
    if claimed.graph is None or not open_questions.size or pair.dtype != "float64":
        return wrong
    wrong = np.array(wrong)
    shape = np.asarray(claimed.numbers(point, cotangent)).shape
    least = _NOTHING * float(np.max(np.abs(pair.ours[np.isfinite(pair.ours)]), initial=0.0))
    columns = pair.ours.size if truth.block is None else truth.block.columns
    for row in dict.fromkeys((open_questions // columns).tolist()):
        places = [place for place in open_questions.tolist() if place // columns == row]
        theirs = exactly([claimed.graph(point, cotangent)], [0] if shape == () else places)
        ours = exactly([truth.graph(row)], [place % columns for place in places])
        if ours is None or theirs is None:
            continue
        for number, place in enumerate(places):
            mine, other = ours[0][number], theirs[0][0 if shape == () else number]
            allowed = _RELATIVE * max(abs(mine.number), abs(other.number)) + mine.allowance + other.allowance + least
            wrong.reshape(-1)[place] = bool(abs(mine.number - other.number) > allowed)
    return wrong
