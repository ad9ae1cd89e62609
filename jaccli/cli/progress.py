"""A bar on standard error while long work goes on: at a terminal only, and not before half a second."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from jaccli.io.consoles import takes_escapes
from jaccli.io.letters import shows

PATIENCE = 0.5
_WIDTH = 20
_PAUSE = 0.1  # seconds between two drawings
_CLEARED = "\r\033[K"


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[None]:
    """Shows how far the work in the block has come, and leaves no trace of it."""
    stream = sys.stderr
    if quiet or stream is None or not takes_escapes(stream):
        yield
        return
    from jaccli.runtime.progress import heard_by

    bar = Bar(stream)
    try:
        with heard_by(bar):
            yield
    finally:
        bar.clear()


class Bar:
    """A line that is drawn over itself. State: when it was drawn last, and whether it can be seen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + PATIENCE
        self._seen = False
        self._filled, self._empty = ("█", "░") if shows("█░", stream) else ("#", ".")

    def __call__(self, done: int, total: int) -> None:
        """Draws it, if it is time to."""
        now = time.monotonic()
        if now < self._next or done >= total:
            return
        self._next = now + _PAUSE
        full = _WIDTH * done // total
        bar = self._filled * full + self._empty * (_WIDTH - full)
        self._write(f"{_CLEARED}{bar} {100 * done // total:3d} %  {done:,} of {total:,}")
        self._seen = True

    def clear(self) -> None:
        """Takes it away."""
        if self._seen:
            self._write(_CLEARED)
            self._seen = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
