"""What is said on standard error: errors and notes."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TextIO

from jaccli.io.consoles import takes_escapes
from jaccli.io.letters import showable

# Control characters of a formula or a file name must not reach the terminal as commands to it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def coloured(stream: TextIO) -> bool:
    """Whether colours are seen on this stream."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or takes_escapes(stream)


def visible(text: str) -> str:
    """The text with its control characters made visible; line ends and tabs stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def say_error(message: str) -> None:
    """`error: …` on standard error."""
    _say("error:", "1;31", message)


def say_note(message: str) -> None:
    """`note: …` on standard error."""
    _say("note:", "1;34", message)


def _say(label: str, colour: str, message: str) -> None:
    stream = sys.stderr
    if stream is None:
        return
    shown = f"\033[{colour}m{label}\033[0m" if coloured(stream) else label
    with contextlib.suppress(OSError, ValueError):  # nobody listens; what matters is the result and the exit code
        print(f"{shown} {showable(visible(message), stream)}", file=stream, flush=True)
