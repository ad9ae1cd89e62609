"""Draws docs/images/vjp.svg, the README's picture: python docs/make_pictures.py

The command runs as it would at a terminal, and Rich exports what it drew.
"""

from __future__ import annotations

import io
import os
import shlex
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.text import Text

from jaccli.cli.main import main
from jaccli.io.writers import terminal

PICTURE = Path(__file__).parent / "images" / "vjp.svg"
COMMAND = 'jaccli vjp "(x+1)**2" --x eye:5 --v ones'
WIDTH = 60


def draw(command: str) -> str:
    """The picture, as SVG, of a command and of the tables that it prints.

    Raises:
        RuntimeError: the command fails.
    """
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), command))
    drawing = mock.patch.object(terminal, "console", return_value=console)
    with drawing, mock.patch.dict(os.environ, FORCE_COLOR="1"):
        code = main(shlex.split(command)[1:])
    if code:
        raise RuntimeError(f"{command} ended with exit code {code}")
    return console.export_svg(title="jaccli", unique_id="jaccli")


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(COMMAND), encoding="utf-8")
