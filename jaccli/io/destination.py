"""Where a result goes: a file, a pipe or a terminal."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Literal

from jaccli.errors import FileError, UsageError
from jaccli.io.atomic import check_writable, write_atomically
from jaccli.io.formats import BINARY, Presentation
from jaccli.io.letters import showable, shows

_BRAILLE = "⠁⣿┌─│●"
_LINES = "╭─│∂ᵀ"  # what a drawn table is made of, and the rarest letters of its titles
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def terminal_width() -> int:
    """How many characters a line of the terminal holds; `COLUMNS` has the last word."""
    columns = shutil.get_terminal_size().columns
    if sys.platform == "win32" and not os.environ.get("COLUMNS", "").isdigit():
        columns -= 1  # the console of old Windows starts a new line after a full one, and again at its end
    return max(columns, 20)


def text_width() -> int | None:
    """How wide text without colours may be: `COLUMNS`, or None where it is not set, as for most pipes."""
    return terminal_width() if os.environ.get("COLUMNS", "").isdigit() else None


def draws_lines(presentation: Presentation) -> bool:
    """Whether the result is a table that is seen at a terminal which shows lines and colours."""
    if presentation.format != "table" or presentation.path is not None or os.environ.get("TERM") == "dumb":
        return False
    if not shows(_LINES, sys.stdout):
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def glyphs(presentation: Presentation) -> Literal["braille", "ascii"]:
    """Whether the destination shows braille characters, or ASCII only."""
    if presentation.path is not None:
        return "braille"
    return "braille" if os.environ.get("TERM") != "dumb" and shows(_BRAILLE, sys.stdout) else "ascii"


def shades(presentation: Presentation) -> Literal["unicode", "ascii"]:
    """Whether the destination shows shades of grey in characters, or ASCII only."""
    if presentation.path is not None:
        return "unicode"
    return "unicode" if os.environ.get("TERM") != "dumb" and shows("░▒▓█◌○◎●", sys.stdout) else "ascii"


def strokes(presentation: Presentation) -> Literal["lines", "ascii"]:
    """Whether the destination shows the lines of trees, or ASCII only."""
    if presentation.path is not None:
        return "lines"
    return "lines" if os.environ.get("TERM") != "dumb" and shows("├─└│×", sys.stdout) else "ascii"


def check(presentation: Presentation) -> None:
    """Refuses, before any work, a destination that cannot take the result.

    Raises:
        UsageError: a binary format at a terminal.
        FileError: the file cannot be written.
    """
    if presentation.path is not None:
        check_writable(presentation.path)
    elif sys.stdout is None:
        raise FileError("standard output is closed", hint="write to a file with -o FILE")
    elif presentation.format in BINARY and sys.stdout.isatty():
        raise UsageError(
            f"{presentation.format} is binary and would garble the terminal",
            hint=f"write it to a file with -o FILE.{presentation.format}, or send it into a pipe",
        )


def send(content: str | bytes, presentation: Presentation) -> None:
    """Writes finished content to its destination.

    Raises:
        FileError: it cannot be written.
    """
    if presentation.path is not None:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        write_atomically(presentation.path, data)
        return
    with closed_pipes_named():
        if isinstance(content, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            sys.stdout.write(_encodable(content, is_json=presentation.format == "json"))
            sys.stdout.flush()  # so that a full disk is met here


@contextlib.contextmanager
def closed_pipes_named() -> Iterator[None]:
    """Makes a pipe that nobody reads any more a `BrokenPipeError`; Windows says that the argument is invalid."""
    try:
        yield
    except OSError as error:
        if sys.platform == "win32" and error.errno == errno.EINVAL:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        raise


def _encodable(content: str, *, is_json: bool) -> str:
    """The content in characters that standard output's encoding has."""
    if is_json and not shows(content, sys.stdout):
        return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], content)
    return showable(content, sys.stdout)
