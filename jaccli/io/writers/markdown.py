"""Markdown tables, as GitHub and most others draw them."""

from __future__ import annotations

from collections.abc import Sequence

from jaccli.io.report import Block
from jaccli.io.writers.grid import UNLIMITED, Grid, section


def text(blocks: Sequence[Block], precision: int | None) -> str:
    """A bold title and a table for each array, and for each matrix of an array of more axes. Nothing is hidden."""
    chunks: list[str] = []
    for block in blocks:
        part = section(block, limits=UNLIMITED, precision=precision)
        title, equals, number = part.title.partition(" = ")
        is_number = bool(equals) and not part.grids
        chunks.append(f"**{escaped(title)}** = {number}" if is_number else f"**{escaped(part.title)}**")
        for grid in part.grids:
            chunks += [f"`{grid.heading}`"] if grid.heading else []
            chunks.append(_table(grid))
        chunks += part.footers
    return "\n\n".join(chunks) + "\n"


def _table(grid: Grid) -> str:
    with_labels = any(grid.row_labels)
    head = [""] if with_labels else []
    lines = [
        line([*head, *map(escaped, grid.column_labels)]),
        line([*(["---"] if with_labels else []), *["---:"] * len(grid.columns)]),
    ]
    for row, label in enumerate(grid.row_labels):
        cells = [cells[row].strip() for cells in grid.columns]
        lines.append(line([*([f"**{escaped(label)}**"] if with_labels else []), *cells]))
    return "\n".join(lines)


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def escaped(cell: str) -> str:
    """Text that Markdown shows as it is."""
    if cell.isalnum():  # most labels are numbers, and there may be millions
        return cell
    escaped = cell.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
    return escaped.replace("<", "&lt;").replace("[", "\\[").replace("\n", " ")
