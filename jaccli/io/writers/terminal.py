"""Tables at a terminal, drawn by Rich."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jaccli.io.writers.grid import Grid, Section, column_blocks, column_width, plain_lines
from jaccli.io.writers.table import needs_space

_LABEL = "cyan"
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})


def console(width: int) -> Console:
    """A console on standard output, as wide as the terminal; with NO_COLOR it shows plain text, not even bold."""
    system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(width=width, highlight=False, markup=False, emoji=False, color_system=system)


def show_sections(out: Console, parts: Sequence[Section | str]) -> None:
    """Prints sections and the headings between them."""
    previous: Section | str | None = None
    for part in parts:
        if needs_space(previous, part):
            out.print()
        if isinstance(part, str):
            out.print(Text(part, style="bold magenta"), soft_wrap=True)
        else:
            _show_section(out, part)
        previous = part


def _show_section(out: Console, part: Section) -> None:
    out.print(_title(part), soft_wrap=True)
    for grid in part.grids:
        if grid.heading:
            out.print(Text(f"  {grid.heading}", style=_LABEL))
        _show_grid(out, grid)
    for footer in part.footers:
        style = "bold red" if footer.startswith("not finite") else "yellow"
        out.print(Padding(Text(footer, style=style), (0, 0, 0, 2), expand=False))


def _title(part: Section) -> Text:
    what, equals, number = part.title.partition(" = ")
    if not part.grids and equals:
        return Text.assemble((what, "bold"), " = ", Text(number, style=_style(number)))
    what, _, shape = part.title.rpartition("  ")
    return Text.assemble((what, "bold"), ("  " + shape, "dim"))


def _show_grid(out: Console, grid: Grid) -> None:
    """One table, or several below each other where the columns do not fit side by side."""
    label_width = max(map(len, grid.row_labels))
    margin = 2 + (label_width + 3 if label_width else 1)  # padding on both sides and a line for each column
    widest = max(column_width(grid, position) for position in range(len(grid.columns)))
    if margin + widest + 3 > out.width:
        for line in plain_lines(grid, out.width, indent=""):
            out.print(Text(line), soft_wrap=True)
        return
    for block in column_blocks(grid, out.width, margin, 3):
        out.print(Padding(_drawn(grid, block, with_labels=bool(label_width)), (0, 0, 0, 1), expand=False))


def _drawn(grid: Grid, block: list[int], *, with_labels: bool) -> Table:
    has_header = any(grid.column_labels)
    table = Table(box=box.ROUNDED, border_style="dim", header_style=_LABEL, show_header=has_header)
    if with_labels:
        table.add_column("", style=_LABEL, justify="right", no_wrap=True)
    for position in block:
        table.add_column(Text(grid.column_labels[position]), justify="right", no_wrap=True)
    for row, label in enumerate(grid.row_labels):
        cells = [Text(cell, style=_style(cell)) for cell in (grid.columns[position][row] for position in block)]
        table.add_row(*([Text(label)] if with_labels else []), *cells)
    return table


def _style(cell: str) -> str:
    number = cell.strip()
    if number in _NOT_FINITE:
        return "bold red"
    return "dim" if number in ("0", "…", "·") else ""
