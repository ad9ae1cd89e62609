"""From what a claim is at several places to its row: verdict, worst entry, and what is wrong."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import ShapeError
from jaccli.graph.node import size_of, topological
from jaccli.verify.claims import cotangent_name
from jaccli.verify.closely import beyond_overflows, looked_at_closely
from jaccli.verify.comparing import Pair, Tolerance, largest
from jaccli.verify.diagnosis import Evidence, diagnose, wrong_shape
from jaccli.verify.differences import slopes_at
from jaccli.verify.judging import Kink, slopes_text, within
from jaccli.verify.kinks import touched
from jaccli.verify.nearby import shown
from jaccli.verify.paths import factors, terms
from jaccli.verify.report import Row, Verdict
from jaccli.verify.sides import Claimed, Truth, blur_in, dtype_of_both, fitted

Array = NDArray[Any]
Point = Mapping[str, Array]

_MOST_KINKS = 32
_SUMMING = ("reduces", "mixes", "contracts", "convolves", "correlates", "dense")
_WHAT = {"vjp": "gradient", "jacobian": "Jacobian", "value": "value"}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A claim at one place.

    Attributes:
        number: of the point; 0 are the inputs.
        point, cotangent: the place.
        truth, claimed: both sides.
        raw: the claimed numbers as they came.
        pair: both in one shape; None where the shapes differ.
        wrong: marks the entries that differ for no good reason.
        kinks: by position, places without derivative that explain a difference.
        excused: marks all entries that are explained so; more than were looked at.
        failure: why the claim has no numbers at all.
        other_v: whether v is not the one that was given, at a point that is.
        has_more_digits: whether our side has numbers that floats could not compute.
    """

    number: int
    point: Point
    cotangent: Array | None
    truth: Truth
    claimed: Claimed
    raw: Array
    pair: Pair | None
    wrong: Array
    kinks: Mapping[int, Kink]
    excused: Array
    failure: str = ""
    other_v: bool = False
    has_more_digits: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong here."""
        return self.pair is not None and not np.any(self.wrong)

    @property
    def tells(self) -> bool:
        """Whether anything was held against a number or a slope.

        A formula that is NaN where ours is says nothing, and zeros beside entries that stay open say too little.
        """
        if self.pair is None:
            return True
        unknown = self.excused
        if self.claimed.claim.formula is not None:
            unknown = unknown | (np.isnan(self.pair.ours) & np.isnan(self.pair.theirs))
        told = np.any(~unknown & (self.pair.ours != 0)) or not np.any(unknown)
        return bool(told) or any(map(_has_slopes, self.kinks.values()))


def compared(
    number: int,
    point: Point,
    truth: Truth,
    claimed: Claimed,
    cotangent: Array | None,
    tolerance: Tolerance,
    until: float = math.inf,
) -> Outcome:
    """A claim tried at one place; what rounding leaves open is looked at more closely until some time."""
    nothing = np.zeros(0, bool)
    try:
        raw = np.asarray(claimed.numbers(point, cotangent))
    except ShapeError as error:
        return Outcome(
            number, point, cotangent, truth, claimed, nothing, None, nothing, {}, nothing, str(error.message)
        )
    theirs = fitted(raw, truth, claimed.claim)
    if theirs is None:
        return Outcome(number, point, cotangent, truth, claimed, raw, None, nothing, {}, nothing)
    dtype = dtype_of_both(truth, claimed)
    ours = np.asarray(truth.numbers, np.float64)
    theirs = np.asarray(theirs, np.float64)
    as_computed = ours
    if not claimed.claim.as_computed:
        ours = beyond_overflows(ours, theirs, truth, until)
    suspicious = ours != theirs
    pair = Pair(
        ours,
        theirs,
        dtype,
        claimed.claim.array is not None,
        lambda: blur_in(dtype, truth, suspicious),
        lambda: claimed.blur(point, cotangent),
    )
    wrong = pair.wrong(tolerance)
    if not tolerance.is_given and time.monotonic() < until:
        wrong = looked_at_closely(wrong, pair, truth, claimed, point, cotangent)
    is_open = truth.block is not None and not claimed.claim.as_computed
    kinks = _kinks(truth, pair, wrong) if is_open and np.any(wrong) else {}
    excused = np.zeros(wrong.shape, bool)
    excused.reshape(-1)[list(kinks)] = True
    if len(kinks) == _MOST_KINKS:  # all that were drawn: the others are of their kind
        excused = np.array(wrong)
    return Outcome(
        number,
        point,
        cotangent,
        truth,
        claimed,
        raw,
        pair,
        np.asarray(wrong & ~excused),
        kinks,
        excused,
        has_more_digits=ours is not as_computed,
    )


def _kinks(truth: Truth, pair: Pair, wrong: Array) -> dict[int, Kink]:
    """The wrong entries that stand where the formula has no derivative, and that are not wrong for it."""
    problem, block = truth.problem, truth.block
    assert problem is not None and block is not None
    if not touched(problem.program.smooth, problem.feeds, problem.program.inputs[block.source]) and np.all(
        np.isfinite(pair.ours[wrong])
    ):
        return {}
    positions = np.flatnonzero(wrong)
    if len(positions) > _MOST_KINKS:
        positions = np.sort(np.random.default_rng(len(positions)).choice(positions, _MOST_KINKS, replace=False))
    found = slopes_at(problem, block, positions.tolist())
    return {
        position: reading.kink
        for position, reading in found.items()
        if reading.kink is not None and _excuses(reading.kink, pair, position)
    }


def _has_slopes(kink: Kink) -> bool:
    return kink.left is not None or kink.right is not None


def _excuses(kink: Kink, pair: Pair, position: int) -> bool:
    """Whether a place without derivative explains what is claimed there.

    Without slopes on its sides there is nothing to compare a formula with, which speaks of other places too. Numbers
    speak of that place alone.
    """
    ours, theirs = float(pair.ours.reshape(-1)[position]), float(pair.theirs.reshape(-1)[position])
    if _has_slopes(kink):
        return within(kink, theirs)
    return math.isnan(theirs) or not (pair.elsewhere or math.isinf(ours))


def row_of(witness: str, name: str, outcomes: Sequence[Outcome], seed: int) -> Row:
    """The row of a claim."""
    misshapen = next((outcome for outcome in outcomes if outcome.pair is None), None)
    if misshapen is not None:
        return _misshapen_row(witness, name, misshapen)
    if not any(outcome.tells for outcome in outcomes):
        return _silent_row(witness, name, outcomes)
    worst = next((outcome for outcome in outcomes if not outcome.holds), None)
    pairs = [(outcome, outcome.pair) for outcome in outcomes if outcome.pair is not None]
    clear = [(pair, ~outcome.excused) for outcome, pair in pairs]
    kinks = [outcome for outcome in outcomes if outcome.kinks]
    shown_outcome = worst or max((o for o, _ in pairs), key=_excess)
    index, ours, theirs = _worst_entry(shown_outcome)
    verdict: Verdict = "differs" if worst else "not differentiable here" if kinks else "agrees"
    notes = [_where(worst, outcomes, seed) if worst else "", *map(_kink_note, kinks[:1])]
    if any(outcome.has_more_digits for outcome in outcomes):
        notes.append("floats overflow on the way to our number: it is computed with 50 digits")
    return Row(
        witness,
        name,
        sum(int(np.count_nonzero(entries)) for _, entries in clear),
        max((largest(pair.apart[entries]) for pair, entries in clear), default=0.0),
        max((largest(pair.relative[entries]) for pair, entries in clear), default=0.0),
        max((largest(pair.ulps[entries]) for pair, entries in clear), default=0.0),
        index,
        ours,
        theirs,
        verdict,
        "; ".join(note for note in notes if note),
        shown_outcome.number,
        _diagnosis(outcomes) if worst else "",
    )


def _excess(outcome: Outcome) -> float:
    assert outcome.pair is not None
    return float(np.max(np.nan_to_num(outcome.pair.relative, nan=np.inf)[~outcome.excused], initial=0.0))


def _worst_entry(outcome: Outcome) -> tuple[tuple[int, ...] | None, float | None, float | None]:
    pair = outcome.pair
    assert pair is not None
    if not pair.ours.size:
        return None, None, None
    error = np.where(np.isnan(pair.apart), np.inf, pair.apart)
    error = np.where(outcome.wrong if np.any(outcome.wrong) else ~outcome.excused, error, -1.0)
    position = int(np.argmax(error))
    index = tuple(int(part) for part in np.unravel_index(position, pair.ours.shape))
    return index, float(pair.ours.reshape(-1)[position]), float(pair.theirs.reshape(-1)[position])


def _where(worst: Outcome, outcomes: Sequence[Outcome], seed: int) -> str:
    count = f"{np.count_nonzero(worst.wrong):,} of {worst.wrong.size:,} entries differ"
    if worst.wrong.size == 1:
        count = "it differs"
    if worst.number == 0 and not worst.other_v:
        return f"{count} at the inputs"
    if worst.other_v:
        assert worst.cotangent is not None
        return f"right at the inputs for the v given, but {count} for v = {shown({'v': worst.cotangent}, ['v'])[4:]}"
    place = shown(worst.point, [name for name, values in worst.point.items() if values.dtype.kind == "f"])
    return f"right at the inputs, but {count} at point {worst.number}, drawn near them with seed {seed}: {place}"


def _kink_note(outcome: Outcome) -> str:
    assert outcome.pair is not None
    position, kink = next(iter(outcome.kinks.items()))
    index = [int(part) for part in np.unravel_index(position, outcome.pair.ours.shape)]
    at = f" at [{','.join(map(str, index))}]" if index else ""
    claimed = float(outcome.pair.theirs.reshape(-1)[position])
    text = f"not differentiable{at}: {kink.where or 'a singular point'}{slopes_text(kink)}; claimed is {claimed:.6g}"
    if len(outcome.kinks) > 1:
        text += f", and {np.count_nonzero(outcome.excused) - 1:,} more such entries"
    return text


def _misshapen_row(witness: str, name: str, outcome: Outcome) -> Row:
    if outcome.failure:
        return Row(witness, name, 0, 0.0, 0.0, 0.0, None, None, None, "differs", "", outcome.number, outcome.failure)
    what = name or "the output"
    if outcome.truth.matrix is not None:
        what = f"the Jacobian for {name}"
    text = wrong_shape(np.asarray(outcome.raw, np.float64), np.asarray(outcome.truth.numbers, np.float64), what)
    return Row(witness, name, 0, 0.0, 0.0, 0.0, None, None, None, "differs", "", outcome.number, text)


def _silent_row(witness: str, name: str, outcomes: Sequence[Outcome]) -> Row:
    """A claim that was nowhere held against anything, which is no reason to believe it."""
    pair = outcomes[0].pair
    assert pair is not None
    where = "at the inputs or near them" if outcomes[-1].number else "at the inputs"
    text = f"nothing could be compared: there is no derivative {where}; give inputs where there is one"
    if outcomes[0].truth.problem is None:
        text = f"nothing could be compared: there is no value {where}; give inputs where there is one"
    ours, theirs = float(pair.ours.reshape(-1)[0]), float(pair.theirs.reshape(-1)[0])
    index = (0,) * pair.ours.ndim
    return Row(witness, name, 0, 0.0, 0.0, 0.0, index, ours, theirs, "differs", "", 0, text)


def _diagnosis(outcomes: Sequence[Outcome]) -> str:
    first = outcomes[0]
    assert first.pair is not None
    infinite = ~np.isfinite(first.pair.theirs) & np.isfinite(first.pair.ours)
    if np.any(infinite):
        place = int(np.argmax(infinite.reshape(-1)))
        number = f"{first.pair.theirs.reshape(-1)[place]}".replace("nan", "NaN")
        count = int(np.count_nonzero(infinite))
        return f"what is claimed is {number} in {count:,} {'entry' if count == 1 else 'entries'} with a derivative"
    missing = first.wrong & ~np.isfinite(first.pair.ours) & np.isfinite(first.pair.theirs)
    if np.any(missing):
        place = int(np.argmax(missing.reshape(-1)))
        ours, theirs = first.pair.ours.reshape(-1)[place], first.pair.theirs.reshape(-1)[place]
        what = "value" if first.claimed.claim.kind == "value" else "derivative"
        return f"what is claimed is {theirs:.6g} where the {what} is {ours}".replace("nan", "NaN")
    way_out = "" if first.claimed.claim.formula else "; --rtol {} accepts that"
    text = diagnose([_evidence(outcome) for outcome in outcomes], _WHAT[first.claimed.claim.kind], way_out=way_out)
    if text:
        return text
    near = [outcome for outcome in outcomes if outcome.number]
    if first.holds and all(outcome.other_v for outcome in outcomes if not outcome.holds):
        return "it holds for the v given, and not for every v"
    if near and all(outcome.holds == (outcome.number == 0) for outcome in outcomes):
        return "it holds at the inputs and nowhere near them"
    return ""


def _evidence(outcome: Outcome) -> Evidence:
    pair, truth, v = outcome.pair, outcome.truth, outcome.cotangent
    assert pair is not None
    problem, block = truth.problem, truth.block
    if problem is None or block is None or block.function is not problem.program.smooth:
        return Evidence(pair.ours, pair.theirs, pair.dtype, _sizes(outcome))
    if outcome.claimed.claim.kind != "vjp" or v is None:
        return Evidence(pair.ours, pair.theirs, pair.dtype, _sizes(outcome))
    source = problem.program.inputs[block.source]

    def product(other: Array) -> Array:
        (back,) = problem.program.vjp(problem.point, np.asarray(other, v.dtype), [block.source])
        return np.asarray(back, np.float64)

    def tangent() -> Array:
        pushed = problem.program.jvp(problem.point, {block.source: np.asarray(v, source.dtype)})
        return np.asarray(pushed, np.float64)

    return Evidence(
        pair.ours,
        pair.theirs,
        pair.dtype,
        _sizes(outcome),
        product,
        tangent if v.shape == source.shape and v.size > 1 else None,
        v,
        cotangent_name(tuple(outcome.point)),
        functools.cache(lambda: terms(problem, block, v)),
        functools.cache(lambda: list(factors(problem, block, v))),
    )


def _sizes(outcome: Outcome) -> list[tuple[int, str]]:
    """What a mean may have been taken over, where anything is summed at all."""
    problem = outcome.truth.problem
    if problem is None or not any(n.primitive.dependency in _SUMMING for n in topological([problem.program.smooth])):
        return []
    sizes = []
    for name, values in outcome.point.items():
        sizes.append((size_of(values.shape), f"entries of {name}"))
        if values.ndim > 1:
            sizes += [(length, f"entries of {name} along axis {axis}") for axis, length in enumerate(values.shape)]
    return sizes
