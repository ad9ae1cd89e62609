"""From arrays to grids of aligned text with labels: what tables, Markdown and LaTeX have in common.

An array of more than two axes becomes one grid for each slice along its last two; a large one is shortened,
and says how much of it is hidden.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jaccli.io.formats import DEFAULT_PRECISION
from jaccli.io.numbers import STRUCTURAL_ZERO, Cell, column, plain_value
from jaccli.io.report import first_not_finite, shape_text

if TYPE_CHECKING:
    from jaccli.io.report import Array, Block

GAP = "…"

Label = Callable[[int], str]
Positions = Sequence[int | None]  # None is a gap: entries that are hidden


@dataclass(frozen=True)
class Limits:
    """How much of an array is shown.

    Attributes:
        rows, columns, slices: up to so many are shown whole; of more, only the first and last ones.
        across: a vector of up to so many entries is shown as a row.
    """

    rows: float = 40
    columns: float = 26
    slices: float = 8
    across: int = 10


USUAL = Limits()
UNLIMITED = Limits(math.inf, math.inf, math.inf)


@dataclass(frozen=True)
class Grid:
    """Aligned cells with labels.

    Attributes:
        heading: which slice it is (`[0,:,:]`), or "".
        row_labels: one a row.
        column_labels: one a column.
        columns: the cells, column by column; the cells of a column have equal width.
    """

    heading: str
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One array as a person reads it.

    Attributes:
        title: what it is, with its shape; for a single number `what = number`.
        grids: none for a single number or an empty array.
        footers: what must be known besides: hidden entries, NaN.
    """

    title: str
    grids: tuple[Grid, ...] = ()
    footers: tuple[str, ...] = ()


def section(block: Block, *, limits: Limits = USUAL, precision: int | None = None) -> Section:
    """The section that shows one block.

    Args:
        block: a dense or sparse array.
        limits: how much of it to show.
        precision: significant digits.
    """
    digits = DEFAULT_PRECISION if precision is None else precision
    if block.is_sparse:
        return _sparse_section(block, limits, digits)
    array = block.dense()
    if array.ndim == 0:
        return Section(f"{block.title} = {column([plain_value(array)], digits)[0]}")
    title = f"{block.title}  ({shape_text(array.shape)})"
    if array.size == 0:
        return Section(title, footers=("no entries",))
    grids = _dense_grids(block, array, limits, digits)
    shown = sum(_numbers_shown(grid) for grid in grids)
    return Section(title, grids, (*_hidden_note(array.size - shown, array.size), *_finite_note(block)))


def visible(count: int, limit: float) -> Positions:
    """The positions to show of so many: all of them, or the first and last ones around a gap."""
    if count <= limit:
        return range(count)
    first, last = max(1, int(limit) // 5), max(1, int(limit) // 10)
    return [*range(first), None, *range(count - last, count)]


def _dense_grids(block: Block, array: Array, limits: Limits, digits: int) -> tuple[Grid, ...]:
    if array.ndim == 1:
        return (_vector_grid(_Entries(array, block.structure), limits, digits),)
    if array.ndim == 2:
        rows = str if block.rows is None else block.rows.label
        columns = str if block.columns is None else block.columns.label
        return (_matrix_grid("", _Entries(array, block.structure), rows, columns, limits, digits),)
    leading = array.shape[:-2]
    result = []
    for flat in visible(math.prod(leading), limits.slices):
        if flat is None:
            continue
        index = tuple(int(part) for part in np.unravel_index(flat, leading))
        heading = f"[{','.join(map(str, index))},:,:]"
        structure = None if block.structure is None else block.structure[index]
        result.append(_matrix_grid(heading, _Entries(array[index], structure), str, str, limits, digits))
    return tuple(result)


@dataclass(frozen=True)
class _Entries:
    """An array, and where it can be other than zero."""

    array: Array
    structure: Array | None

    def cell(self, *index: int | None) -> Cell:
        """What a table shows of an entry; of a gap, None."""
        if None in index:
            return None
        if self.structure is not None and not self.structure[index] and self.array[index] == 0:
            return STRUCTURAL_ZERO
        return plain_value(self.array[index])

    def cells(self, rows: Positions, *column: int) -> list[Cell]:
        """Those of a column, or of a vector, in these rows."""
        if isinstance(rows, range) and self.structure is None and len(rows) == len(self.array):
            index: Any = (slice(None), *column)
            found: list[Cell] = self.array[index].tolist()
            return found
        return [self.cell(row, *column) for row in rows]


def _vector_grid(vector: _Entries, limits: Limits, digits: int) -> Grid:
    size = vector.array.size
    if size <= limits.across:
        cells = tuple(tuple(column([vector.cell(entry)], digits)) for entry in range(size))
        return Grid("", ("",), tuple(map(str, range(size))), cells)
    rows = visible(size, limits.rows)
    cells_down = tuple(column(vector.cells(rows), digits))
    return Grid("", _labels(rows, str), ("",), (cells_down,))


def _matrix_grid(
    heading: str, matrix: _Entries, row_label: Label, column_label: Label, limits: Limits, digits: int
) -> Grid:
    rows = visible(matrix.array.shape[0], limits.rows)
    positions = visible(matrix.array.shape[1], limits.columns)
    cells = tuple(
        (GAP,) * len(rows) if position is None else tuple(column(matrix.cells(rows, position), digits))
        for position in positions
    )
    return Grid(heading, _labels(rows, row_label), _labels(positions, column_label), cells)


def _labels(positions: Positions, label: Label) -> tuple[str, ...]:
    return tuple(GAP if position is None else label(position) for position in positions)


def _numbers_shown(grid: Grid) -> int:
    rows = sum(label != GAP for label in grid.row_labels)
    return rows * sum(label != GAP for label in grid.column_labels)


def _sparse_section(block: Block, limits: Limits, digits: int) -> Section:
    rows, columns, data = block.coordinates()
    stored = data.size
    title = f"{block.title}  ({shape_text(block.shape)}, {stored:,} stored)"
    if stored == 0:
        return Section(title, footers=("no entries",))
    row_label = str if block.rows is None else block.rows.label
    column_label = str if block.columns is None else block.columns.label
    places = visible(stored, limits.rows)
    cells = (
        _padded([GAP if place is None else row_label(int(rows[place])) for place in places]),
        _padded([GAP if place is None else column_label(int(columns[place])) for place in places]),
        tuple(column([None if place is None else plain_value(data[place]) for place in places], digits)),
    )
    grid = Grid("", tuple("" for _ in places), ("row", "column", "value"), cells)
    shown = sum(place is not None for place in places)
    return Section(title, (grid,), (*_hidden_note(stored - shown, stored), *_finite_note(block)))


def _padded(cells: list[str]) -> tuple[str, ...]:
    width = max(map(len, cells))
    return tuple(cell.ljust(width) for cell in cells)


def _hidden_note(hidden: int, size: int) -> tuple[str, ...]:
    if not hidden:
        return ()
    return (f"{hidden:,} of {size:,} entries are hidden: --full shows them, --json or -o FILE gives them all",)


def _finite_note(block: Block) -> tuple[str, ...]:
    trouble = first_not_finite(block)
    return () if trouble is None else (f"not finite: {trouble.said}",)


def plain_lines(grid: Grid, width: int | None, indent: str = "  ") -> list[str]:
    """A grid as lines of text without colour, its columns in blocks where they are too many for the width."""
    label_width = max(map(len, grid.row_labels))
    lines: list[str] = []
    if grid.heading:
        lines.append(f"{indent}{grid.heading}")
    for block in column_blocks(grid, width, label_width + len(indent), 2):
        widths = [column_width(grid, position) for position in block]
        if lines and block[0] != 0:
            lines.append("")
        if any(grid.column_labels):
            labels = [grid.column_labels[position].rjust(wide) for position, wide in zip(block, widths, strict=True)]
            lines.append("  ".join(_with_label(" " * label_width, labels, indent)).rstrip())
        for row, label in enumerate(grid.row_labels):
            cells = [grid.columns[position][row].rjust(wide) for position, wide in zip(block, widths, strict=True)]
            lines.append("  ".join(_with_label(label.rjust(label_width), cells, indent)).rstrip())
    return lines


def _with_label(label: str, cells: list[str], indent: str) -> list[str]:
    return [indent + label, *cells] if label else [indent + cells[0], *cells[1:]]


def column_width(grid: Grid, position: int) -> int:
    """The width of a column: of its cells or its label."""
    return max(len(grid.column_labels[position]), max(map(len, grid.columns[position])))


def column_blocks(grid: Grid, width: int | None, used: int, gap: int) -> list[list[int]]:
    """The columns in groups that fit side by side; a column that does not fit alone stands alone, uncut.

    Args:
        grid: the cells.
        width: of the terminal, or None for no bound.
        used: what row labels and margins take.
        gap: what lies between two columns.
    """
    if width is None:
        return [list(range(len(grid.columns)))]
    blocks: list[list[int]] = [[]]
    free = width - used
    for position in range(len(grid.columns)):
        needed = column_width(grid, position) + gap
        if blocks[-1] and needed > free:
            blocks.append([])
            free = width - used
        blocks[-1].append(position)
        free -= needed
    return blocks
