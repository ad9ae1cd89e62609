"""Errors that a user can meet.

Every one is a `JaccliError`: it says what is wrong, where (the formula with a caret), and what would
work. The command line prints `str(error)` after `error: ` and exits with `error.exit_code`; the codes are
those of `ExitCode`.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class ExitCode(enum.IntEnum):
    """What a shell or a CI job reads from a finished command."""

    DONE = 0
    DOES_NOT_HOLD = 1
    NOT_UNDERSTOOD = 2
    NUMBERS_FAILED = 3
    LIMIT_MET = 4
    INTERRUPTED = 130


class Span(NamedTuple):
    """A half-open range of characters of a formula's text."""

    start: int
    end: int


class JaccliError(Exception):
    """A mistake in a request, told to the user.

    `message` is one sentence about what is wrong; `hint` says what would work. With `text` and `span`
    the place is shown: the line of the formula and carets under the sub-expression.

    Where the text is not known yet, `argument` says which argument of an operation is at fault.
    """

    exit_code = ExitCode.NOT_UNDERSTOOD

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        text: str | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.text = text
        self.span = span
        self.argument: int | None = None

    def at(self, text: str, span: Span | None) -> JaccliError:
        """The same error, now with its place, unless it had one already."""
        if self.span is None and span is not None:
            self.text, self.span = text, span
        return self

    def __str__(self) -> str:
        lines = [_clipped(self.message)]
        if self.text is not None and self.span is not None:
            lines += caret_lines(self.text, self.span)
        if self.hint is not None:
            lines.append(f"  hint: {_clipped(self.hint)}")
        return "\n".join(lines)


_LONGEST = 1500


def _clipped(text: str) -> str:
    """The text without its middle, where it quotes something that goes on and on."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 300]} … {text[-300:]}"


class FormulaError(JaccliError):
    """The text is not a formula of the language, or one of its names is not known."""


class ShapeError(FormulaError):
    """Shapes, axes or dtypes in a formula do not fit together."""


class InputError(JaccliError):
    """An input, a tangent or a cotangent is missing, unknown, given twice or of the wrong shape."""


class OutOfRangeError(InputError):
    """An array of indices holds one that its axis does not have."""


class ValueSpecError(JaccliError):
    """The text of a value (`eye:5`, `@x.npy`, `[1,2]`) cannot be read."""


class FileError(JaccliError):
    """A file cannot be read or written, or does not hold what its name promises."""


class UsageError(JaccliError):
    """Options that are unknown, missing, or do not go together."""


class NumbersError(JaccliError):
    """The request was understood and the numbers failed: a singular matrix, or a NaN under `--strict`."""

    exit_code = ExitCode.NUMBERS_FAILED


class LimitError(JaccliError):
    """A limit of size, memory or time was met before the work was done."""

    exit_code = ExitCode.LIMIT_MET


class SpecError(JaccliError):
    """A spec file, or an entry of it, is not understood. It says the file, the line and the key.

    Attributes:
        file: as it was given.
        line: from 1 on; None where it is not one line's fault.
        key: dotted, or "".
        problem: the message without them.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        key: str = "",
        hint: str | None = None,
        text: str | None = None,
        span: Span | None = None,
    ) -> None:
        where = [file if line is None else f"{file}:{line}", *([key] if key else [])]
        super().__init__(": ".join([*where, message]), hint=hint, text=text, span=span)
        self.file = file
        self.line = line
        self.key = key
        self.problem = message


_WIDEST_LINE = 100


def caret_lines(text: str, span: Span) -> list[str]:
    """The line of `text` that holds the start of `span`, and carets under the span.

    A long line is cut to a window round the carets, so that the place stays visible in a terminal.
    """
    start = min(max(span.start, 0), len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    line = text[line_start:line_end].replace("\t", " ")
    first = start - line_start
    width = max(1, min(span.end, line_end) - start)
    left = 0
    if len(line) > _WIDEST_LINE:
        left = max(0, min(first - _WIDEST_LINE // 3, len(line) - _WIDEST_LINE))
    shown = line[left : left + _WIDEST_LINE]
    width = min(width, max(1, len(shown) - (first - left)))
    before = "…" if left else ""
    after = "…" if left + _WIDEST_LINE < len(line) else ""
    return [f"  {before}{shown}{after}", "  " + " " * (first - left + len(before)) + "^" * width]


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known name that a mistyped one most likely meant, or None."""
    found = nearest_few(name, known, 1)
    return found[0] if found else None


def nearest_few(name: str, known: list[str] | tuple[str, ...], most: int) -> list[str]:
    """The known names that a mistyped one may have meant, the likeliest first."""
    import difflib

    lower = {candidate.lower(): candidate for candidate in reversed(known)}
    if name.lower() in lower:
        return [lower[name.lower()]]
    return [lower[found] for found in difflib.get_close_matches(name.lower(), list(lower), n=most, cutoff=0.6)]
