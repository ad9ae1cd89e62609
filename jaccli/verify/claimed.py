"""Claims against the computed derivative: where each is tried, and the row that follows."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.autodiff.vectors import cotangent_for
from jaccli.errors import InputError, NumbersError
from jaccli.verify import nearby
from jaccli.verify.claims import WITNESS, Claim, cotangent_name
from jaccli.verify.comparing import Tolerance
from jaccli.verify.report import Row
from jaccli.verify.sides import Claimed, Truth, claimed_by, truth_of
from jaccli.verify.verdict import Outcome, compared, row_of

if TYPE_CHECKING:
    from jaccli.api import Formula

Array = NDArray[Any]
Point = Mapping[str, Array]

_POINTS = 4
_LOOSE_POINTS = 2
_LOOSE_FROM = 1_000_000  # numbers of the points where inputs do not keep what their entries have in common
_STREAM = 11
_SECONDS = 2.0  # for looking closely at what rounding leaves open


@dataclass(frozen=True)
class Terms:
    """How claims are judged.

    Attributes:
        points: how many random points; None for a few.
        seed: of every draw.
        strict: inputs may lose what their entries have in common, and kinks count.
        tolerance: how far a claim may be off.
    """

    points: int | None
    seed: int
    strict: bool
    tolerance: Tolerance


def judged(
    formula: Formula, inputs: Mapping[str, ArrayLike], v: ArrayLike | None, claims: Sequence[Claim], terms: Terms
) -> list[Row]:
    """One row for each claim.

    Raises:
        JaccliError: a claim that cannot be understood, or that is for no floating input of the formula.
    """
    program, point = formula._bind(inputs)
    for claim in claims:
        if claim.name is not None:
            formula._names(program, [claim.name])
    given = None if v is None else cotangent_for(program, v)
    return [_Trials(formula, point, given, claim, terms).row() for claim in claims]


class _Trials:
    """One claim, tried everywhere. State: when to stop looking closely."""

    def __init__(self, formula: Formula, point: Point, v: Array | None, claim: Claim, terms: Terms) -> None:
        self._formula = formula
        self._point = point
        self._claim = claim
        self._terms = terms
        self._smooth = formula._bind(point)[0].smooth
        self._claimed: Claimed = claimed_by(claim, formula, tuple(point))
        self._until = time.monotonic() + _SECONDS
        self._v = v
        if claim.kind == "vjp" and v is None:
            self._v = self._default_cotangent()

    def row(self) -> Row:
        """The verdict."""
        outcomes = list(self._outcomes())
        loose = list(self._loose_outcomes()) if all(outcome.holds for outcome in outcomes) else []
        broken = [outcome for outcome in loose if not outcome.holds]
        if broken and self._terms.strict:
            outcomes += broken
        row = row_of(WITNESS[self._claim.kind], self._claim.name or "", outcomes, self._terms.seed)
        if broken:
            return _with_note(row, self._structure_note())
        is_alone = not outcomes[-1].number and outcomes[-1].pair is not None
        if is_alone and self._claim.formula is not None and self._terms.points != 0:
            return _with_note(row, "judged at the inputs alone: the formula has no finite value near them")
        if self._holds_while_symmetric(outcomes):
            return dataclasses.replace(row, diagnosis=self._symmetry_note())
        return row

    def _holds_while_symmetric(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the claim differs at random points, and would not if symmetric inputs had stayed so."""
        if not any(map(nearby.is_symmetric, self._point.values())):
            return False
        if all(outcome.holds for outcome in outcomes) or not all(o.holds for o in outcomes if o.number == 0):
            return False
        symmetric = [name for name, values in self._point.items() if nearby.is_symmetric(values)]
        again = [outcome.number for outcome in outcomes if outcome.number and not outcome.holds]
        return all(outcome.holds for outcome in self._near(again, self._others(), symmetric))

    def _symmetry_note(self) -> str:
        names = [name for name, values in self._point.items() if nearby.is_symmetric(values)]
        return (
            f"it holds as long as {' and '.join(names)} {'is' if len(names) == 1 else 'are'} symmetric; "
            "--points 0 asks for no more than the inputs"
        )

    def _structure_note(self) -> str:
        told = [f"{name} holds {kind}" for name in self._others() if (kind := nearby.kept(self._point[name]))]
        return f"{'; '.join(told)}: without that, the claim differs"

    def _default_cotangent(self) -> Array:
        if self._smooth.size == 1:
            return np.ones(self._smooth.shape, self._smooth.dtype)
        if self._claim.array is not None:
            raise InputError(
                f"the numbers claimed for {self._claim.name} belong to one v, and none is given",
                hint="give the v that they were computed with: --v VALUE",
            )
        return self._random_cotangent(0)

    def _random_cotangent(self, number: int) -> Array:
        generator = np.random.default_rng([self._terms.seed, _STREAM, number])
        return np.asarray(generator.standard_normal(self._smooth.shape), self._smooth.dtype)

    @property
    def _any_v(self) -> bool:
        """Whether the claim is for every v: not so the gradient of a single number, which may leave v out."""
        name = cotangent_name(tuple(self._point))
        return self._claim.kind == "vjp" and (self._smooth.size != 1 or name in self._claimed.names)

    def _outcomes(self) -> Iterator[Outcome]:
        first = self._outcome(0, self._point, self._v)
        yield first
        if self._claim.formula is None or first.pair is None:
            return
        if self._any_v:
            yield dataclasses.replace(self._outcome(0, self._point, self._random_cotangent(1)), other_v=True)
        count = _POINTS if self._terms.points is None else self._terms.points
        yield from self._near(range(1, count + 1), self._others())

    def _loose_outcomes(self) -> Iterator[Outcome]:
        """The claim where inputs do not keep what their entries have in common; only those that have something."""
        if self._claim.formula is None or self._terms.points == 0:
            return
        if any(nearby.kept(self._point[name]) for name in self._others()):
            yield from self._near(range(_LOOSE_FROM, _LOOSE_FROM + _LOOSE_POINTS), ())

    def _others(self) -> list[str]:
        return [name for name in self._point if name != self._claim.name]

    def _near(
        self, numbers: Collection[int], keeping: Collection[str], symmetric: Collection[str] = ()
    ) -> Iterator[Outcome]:
        for number in numbers:
            v = self._random_cotangent(number + 1) if self._any_v else self._v
            claimed = functools.partial(self._can, v)
            drawn = nearby.draw(
                self._point, self._terms.seed, number, keeping, self._is_finite, claimed, symmetric=symmetric
            )
            if drawn is not None:
                yield self._outcome(number, drawn.point, v)

    def _is_finite(self, point: Point) -> bool:
        return is_finite(lambda: self._formula.value(point))

    def _can(self, v: Array | None, point: Point) -> bool:
        """Whether the claim has finite numbers there: it may overflow a little earlier than the formula."""
        return is_finite(lambda: self._claimed.numbers(point, v))

    def _outcome(self, number: int, point: Point, v: Array | None) -> Outcome:
        truth: Truth = truth_of(self._formula, point, self._claim, v, self._terms.seed)
        return compared(number, point, truth, self._claimed, v, self._terms.tolerance, self._until)


def _with_note(row: Row, note: str) -> Row:
    return dataclasses.replace(row, note="; ".join(part for part in (row.note, note) if part))


def is_finite(compute: Callable[[], Array]) -> bool:
    """Whether a computation succeeds with finite numbers."""
    try:
        return bool(np.all(np.isfinite(compute())))
    except NumbersError:
        return False
