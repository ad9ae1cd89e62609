"""Rows of text in the formats that fit them."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Sequence

from jaccli.errors import UsageError
from jaccli.io.destination import terminal_width
from jaccli.io.formats import Format
from jaccli.io.listing import Listing
from jaccli.io.writers import data

_NARROWEST = 20  # characters a column: prose in narrower ones is read with pain
_NUMBER = re.compile(r"(-?(?:\d+|inf|nan))(?:\.\d*)?(?:e[-+]\d+)?")


def rendered(listing: Listing, chosen: Format, *, indented: bool = False, width: int | None = None) -> str:
    """A listing in its format.

    Args:
        listing: rows of text.
        chosen: the format.
        indented: whether JSON takes several lines.
        width: of a line of a table; a row that is wider stands as a block of lines. None is no bound.

    Raises:
        UsageError: the format holds arrays only.
    """
    match chosen:
        case "table":
            return _table(listing, width)
        case "json":
            return data.text(listing.fields, indented=indented)
        case "csv":
            return _delimited(listing, ",")
        case "tsv":
            return _delimited(listing, "\t")
        case "markdown":
            return _markdown(listing)
        case "plain":
            return "".join("\t".join(row) + "\n" for row in listing.rows)
        case other:
            raise UsageError(f"{other} holds arrays, and this is a list", hint="use table, json, csv, tsv or markdown")


def show(listing: Listing) -> None:
    """Shows a listing at the terminal that standard output is."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from jaccli.io.writers.terminal import console as opened

    console = opened(terminal_width())
    if listing.title:
        console.print(Text(listing.title, style="bold"), soft_wrap=True)
    styles = [listing.style(position) if listing.style else "" for position in range(len(listing.rows))]
    natural = sum(_widths(listing)) + 3 * len(listing.columns) + 1
    bearable = _NARROWEST * len(listing.columns) if listing.prose else natural
    if min(natural, bearable) > console.width:
        wrapped = console.width if listing.prose else None
        for row, style in zip(listing.rows, styles, strict=True):
            console.print(Text(_upright(listing.columns, row, wrapped), style=style), soft_wrap=True)
    else:
        table = Table(box=box.ROUNDED, border_style="dim", header_style="cyan")
        for heading in listing.columns:
            table.add_column(Text(heading), overflow="fold")
        for row, style in zip(_aligned(listing.rows), styles, strict=True):
            table.add_row(*map(Text, row), style=style)
        console.print(table)
    if listing.footer:
        console.print(Text(listing.footer))


def _table(listing: Listing, width: int | None) -> str:
    widths = _widths(listing)
    lines = [listing.title] if listing.title else []
    if width is not None and sum(widths) + 2 * len(widths) > width:
        blocks = _blocks(listing, width)
        return "\n".join([*lines, *blocks, *([listing.footer] if listing.footer else [])]) + "\n"
    for row in [listing.columns, *_aligned(listing.rows)]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join([*lines, *([listing.footer] if listing.footer else [])]) + "\n"


def _widths(listing: Listing) -> list[int]:
    return [max(map(len, cells)) for cells in zip(listing.columns, *_aligned(listing.rows), strict=True)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The rows with the columns that hold nothing but numbers aligned at the decimal point."""
    columns = [_aligned_column(cells) for cells in zip(*rows, strict=True)]
    return list(zip(*columns, strict=True))


def _aligned_column(cells: Sequence[str]) -> Sequence[str]:
    if not any(cells) or not all(_NUMBER.fullmatch(cell) for cell in cells if cell):
        return cells
    wholes = [_NUMBER.sub(r"\1", cell) for cell in cells]
    widest = max(map(len, wholes))
    return [" " * (widest - len(whole)) + cell if cell else cell for whole, cell in zip(wholes, cells, strict=True)]


def _blocks(listing: Listing, width: int) -> list[str]:
    """The rows below each other; two columns are what is told and what is told of it, so that they need no headings."""
    if len(listing.columns) == 2 and listing.prose:
        headings, cells = zip(listing.columns, *listing.rows, strict=True)
        return [_upright(headings, cells, width).removesuffix("\n")]
    return [_upright(listing.columns, row, width if listing.prose else None) for row in listing.rows]


def _upright(columns: Sequence[str], row: Sequence[str], width: int | None) -> str:
    """One row as a block of lines, each with the heading of its cell; prose is wrapped to the width."""
    wide = max(map(len, columns))
    lines = [(f"  {heading.ljust(wide)}  ", cell) for heading, cell in zip(columns, row, strict=True) if cell]
    if width is None:
        return "".join(f"{heading}{cell}\n" for heading, cell in lines)
    hanging = " " * (wide + 4)
    folded = [
        textwrap.fill(
            cell,
            max(width, wide + 24),
            initial_indent=heading,
            subsequent_indent=hanging,
            break_on_hyphens=False,
        )
        for heading, cell in lines
    ]
    return "\n".join(folded) + "\n"


def _delimited(listing: Listing, delimiter: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows([listing.columns, *listing.rows])
    return buffer.getvalue()


def _markdown(listing: Listing) -> str:
    rows = [listing.columns, ["---"] * len(listing.columns), *listing.rows]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    parts = [f"**{listing.title}**"] if listing.title else []
    return "\n\n".join([*parts, "\n".join(lines), *([listing.footer] if listing.footer else [])]) + "\n"
