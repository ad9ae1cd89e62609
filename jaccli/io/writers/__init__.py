"""The formats of a result, one module each; `deliver` picks the one that was asked for and writes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jaccli.errors import LimitError
from jaccli.io import destination
from jaccli.io.formats import BINARY, Presentation
from jaccli.io.listing import Listing

if TYPE_CHECKING:
    from jaccli.io.report import Block, Report

_BYTES_IN_FILE = 9  # the file is put together in memory, which grows by an eighth
_BYTES_OF_TEXT = 80  # of a number on its way to text: the number as an object, its digits, and the whole they join


def deliver(report: Report | Listing, presentation: Presentation) -> None:
    """Writes a report to its destination in its format.

    Raises:
        UsageError: the format cannot hold the result.
        FileError: the destination cannot be written.
    """
    destination.check(presentation)
    if destination.draws_lines(presentation):
        with destination.closed_pipes_named():
            _draw(report, presentation)
            sys.stdout.flush()
        return
    indented = presentation.path is None and sys.stdout.isatty()
    destination.send(rendered(report, presentation, indented=indented), presentation)


def rendered(report: Report | Listing, presentation: Presentation, *, indented: bool = False) -> str | bytes:
    """A report in its format, as text or bytes.

    Raises:
        UsageError: the format cannot hold the result.
    """
    if isinstance(report, Listing):
        from jaccli.io.writers import listings

        return listings.rendered(report, presentation.format, indented=indented, width=destination.text_width())
    _refuse_too_long(report, presentation)
    if presentation.format == "json":
        from jaccli.io.writers import json_text

        return json_text.text(report, indented=indented)
    if presentation.format == "table":
        from jaccli.io.writers import table

        return table.text(report, presentation)
    return _rendered_arrays(report, presentation)


def _refuse_too_long(report: Report, presentation: Presentation) -> None:
    """Raises a `LimitError` where the numbers as text, or the bytes of a file, would not fit into memory."""
    from jaccli.runtime.memory import lacking, readable_bytes

    if presentation.format == "table" and not presentation.full:
        return
    held = sum(block.coordinates().data.size if block.is_sparse else block.dense().size for block in report.blocks)
    if presentation.format in BINARY:
        if lacking(held * _BYTES_IN_FILE) is not None:
            raise LimitError(
                f"{held:,} numbers take about {readable_bytes(held * _BYTES_IN_FILE)} of memory while they are written",
                hint="give smaller inputs, or less at once: --wrt, --sparse",
            )
        return
    if lacking(held * _BYTES_OF_TEXT) is not None:
        raise LimitError(
            f"{held:,} numbers as text take about {readable_bytes(held * _BYTES_OF_TEXT)} of memory",
            hint="-o FILE.npy and -o FILE.npz keep them as they are",
        )


def _draw(report: Report | Listing, presentation: Presentation) -> None:
    if isinstance(report, Listing):
        from jaccli.io.writers import listings

        listings.show(report)
    else:
        from jaccli.io.writers import table

        table.show(report, presentation)


def _rendered_arrays(report: Report, presentation: Presentation) -> str | bytes:
    """The arrays of a report in one of the formats that hold arrays and nothing else."""
    from jaccli.io.writers import binary, delimited, latex, markdown, plain

    blocks = _all_blocks(report, presentation)
    precision = presentation.precision
    match presentation.format:
        case "npy":
            return binary.npy(blocks)
        case "npz":
            return binary.npz(blocks)
        case "mtx":
            return binary.mtx(blocks)
        case "csv":
            return delimited.text(blocks, ",", precision)
        case "tsv":
            return delimited.text(blocks, "\t", precision)
        case "markdown":
            return markdown.text(blocks, precision)
        case "latex":
            return latex.text(blocks, precision)
        case _:
            return plain.text(blocks, precision)


def _all_blocks(report: Report, presentation: Presentation) -> list[Block]:
    value = report.value_block() if presentation.show_value and report.command != "eval" else None
    return [*([] if value is None else [value]), *report.laid_out()]
