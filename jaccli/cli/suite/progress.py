"""How far a run has come: dots in a log, a bar at a terminal once it takes a while, or a line a test."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from jaccli.cli.suite.terminal import painted, say
from jaccli.cli.suite.text import LETTERS, STYLES, counted, one_line
from jaccli.io.consoles import takes_escapes
from jaccli.io.destination import terminal_width
from jaccli.verify.specs.outcome import Finished

_PATIENCE = 0.5  # seconds before a bar is drawn
_BAR = 30
_PAUSE = 0.1  # seconds between drawings
_DOTS_A_LINE = 60
_ERASE = "\r\033[K"


class Silence:
    """Says nothing."""

    def ready(self, count: int) -> None:
        """So many tests have an outcome."""

    def finished(self, result: Finished) -> None:
        """The next test in the order of the files."""

    def ends(self) -> None:
        """No more tests follow."""


class Dots(Silence):
    """A letter for each test, a line for each file. State: where on the line."""

    def __init__(self) -> None:
        self._file = ""
        self._dots = 0

    def finished(self, result: Finished) -> None:
        if result.entry.file != self._file:
            self.ends()
            self._file, self._dots = result.entry.file, 0
            say(one_line(self._file), " ")
        elif self._dots == _DOTS_A_LINE:
            self._dots = 0
            say("\n ", " ")
        self._dots += 1
        say(LETTERS[result.outcome.status], "")

    def ends(self) -> None:
        if self._file:
            say("")


class Lines(Silence):
    """A line for each test."""

    def finished(self, result: Finished) -> None:
        status = result.outcome.status
        because = f"  ({result.outcome.message})" if status in ("skipped", "xfailed") else ""
        word = painted(f"{status:<7}", STYLES[status])
        say(f"{word}  {result.outcome.seconds:5.2f} s  {one_line(result.entry.id + because)}")


class Bar(Silence):
    """A bar that comes after half a second and goes at the end. State: the counts, and when it was drawn last."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._start = time.monotonic()
        self._drawn: float | None = None
        self._bad = 0

    def ready(self, count: int) -> None:
        now = time.monotonic()
        if now - self._start < _PATIENCE or (self._drawn is not None and now - self._drawn < _PAUSE):
            return
        self._drawn = now
        bad = painted(f"  {self._bad} failed", "31", self._stream) if self._bad else ""
        width = min(_BAR, max(terminal_width() - 30, 5))
        done = width * count // self._total
        line = f"{'━' * done}{'─' * (width - done)} {count}/{self._total}{bad}"
        self._stream.write(_ERASE + _encodable(line, self._stream))
        self._stream.flush()

    def finished(self, result: Finished) -> None:
        self._bad += result.outcome.is_bad

    def ends(self) -> None:
        if self._drawn is not None:
            self._stream.write(_ERASE)
            self._stream.flush()


class Files(Bar):
    """A bar, and a line for each file that is through. State: the results of the file at hand."""

    def __init__(self, total: int, stream: TextIO) -> None:
        super().__init__(total, stream)
        self._results: list[Finished] = []

    def finished(self, result: Finished) -> None:
        if self._results and result.entry.file != self._results[0].entry.file:
            self._close()
        super().finished(result)
        self._results.append(result)

    def ends(self) -> None:
        super().ends()
        if self._results:
            self._close()

    def _close(self) -> None:
        super().ends()
        bad = any(result.outcome.is_bad for result in self._results)
        say(f"{one_line(self._results[0].entry.file)}  {painted(counted(self._results), '31' if bad else '32')}")
        self._results = []


def chosen(total: int, *, quiet: bool, verbose: bool, json: bool) -> Silence:
    """What fits the outputs."""
    bar_is_seen = sys.stderr is not None and takes_escapes(sys.stderr)
    if quiet or json:
        return Bar(total, sys.stderr) if bar_is_seen else Silence()
    if verbose:
        return Lines()
    return Files(total, sys.stderr) if sys.stdout.isatty() and bar_is_seen else Dots()


def _encodable(line: str, stream: TextIO) -> str:
    try:
        line.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return line.replace("━", "#").replace("─", "-")
    return line
