"""What a check found, as plain data: one row for each witness and each block of the derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["agrees", "differs", "not differentiable here", "not compared"]


@dataclass(frozen=True)
class Row:
    """One witness on one block of the derivative.

    Attributes:
        witness: its name.
        input: the input that the block belongs to; of a Hessian, two names.
        entries: how many entries were compared.
        largest_absolute, largest_relative, ulps: the largest errors among them, the last in units in the last
            place of the witness's value.
        worst_index: of the entry that stands worst against its tolerance, in the array that the command gives; where
            nothing was compared, of the first entry that has no derivative; None where there is neither.
        ours, theirs: that entry, computed and by the witness; None where there is none.
        verdict: what follows.
        note: what the numbers do not say, one or more sentences.
    """

    witness: str
    input: str
    entries: int
    largest_absolute: float
    largest_relative: float
    ulps: float
    worst_index: tuple[int, ...] | None
    ours: float | None
    theirs: float | None
    verdict: Verdict
    note: str


@dataclass(frozen=True)
class CheckReport:
    """All rows of one check."""

    rows: tuple[Row, ...]

    @property
    def holds(self) -> bool:
        """Whether no witness contradicts, and at least one could say something."""
        return self.compared and all(row.verdict != "differs" for row in self.rows)

    @property
    def compared(self) -> bool:
        """Whether any witness could say something."""
        return any(row.verdict != "not compared" for row in self.rows)

    @property
    def smooth(self) -> bool:
        """Whether every tested entry has a derivative: what a strict check asks for besides."""
        return all(row.verdict != "not differentiable here" for row in self.rows)


def uncompared(witness: str, name: str, why: str) -> Row:
    """The row of a witness that has nothing to say, with the reason."""
    return Row(witness, name, 0, 0.0, 0.0, 0.0, None, None, None, "not compared", why)
