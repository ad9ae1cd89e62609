"""A result that is rows of text: functions, witnesses. Knows no array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Listing:
    """Rows about something.

    Attributes:
        title: what they are, or "".
        columns: the headings.
        rows: one text a column, in each row.
        fields: the same as JSON holds it: an object of plain data.
        footer: closing lines, or "".
        style: gives a Rich style for the row at a position.
        prose: whether cells may be wrapped; where they are numbers, a terminal that is too narrow shows a row as
            a block of lines instead.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    fields: Mapping[str, Any]
    footer: str = ""
    style: Callable[[int], str] | None = field(default=None, compare=False)
    prose: bool = True
