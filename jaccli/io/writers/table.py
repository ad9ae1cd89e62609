"""Tables: text with aligned numbers, and with colours and lines where it is seen at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jaccli.io.destination import terminal_width, text_width
from jaccli.io.formats import Presentation
from jaccli.io.report import Block, Report
from jaccli.io.writers.grid import UNLIMITED, Limits, Section, plain_lines, section


def text(report: Report, presentation: Presentation) -> str:
    """The table as plain text: what a pipe or a file gets. `COLUMNS` bounds the width if it is set."""
    return "\n".join(_section_lines(parts(report, presentation), text_width())) + "\n"


def parts(report: Report, presentation: Presentation) -> list[Section | str]:
    """What the table shows, in order: sections, and headings between them."""
    limits = UNLIMITED if presentation.full else Limits()

    def shown(blocks: Sequence[Block]) -> Iterator[Section]:
        for block in blocks:
            view = block.as_matrix() if report.matrix else block
            yield section(view, limits=limits, precision=presentation.precision)

    result: list[Section | str] = []
    value = report.value_block() if presentation.show_value else None
    if value is not None and report.command != "eval":
        result += shown([value])
    if report.calls is None:
        return [*result, *shown(report.blocks)]
    for number, (heading, blocks) in enumerate(report.calls, 1):
        if len(report.calls) > 1:
            result.append(f"after call {number} of {len(report.calls)}: {heading}")
        result += shown(blocks)
    return result


def _section_lines(shown: Sequence[Section | str], width: int | None) -> list[str]:
    lines: list[str] = []
    previous: Section | str | None = None
    for part in shown:
        if needs_space(previous, part):
            lines.append("")
        lines += [part] if isinstance(part, str) else _lines_of(part, width)
        previous = part
    return lines


def needs_space(previous: Section | str | None, part: Section | str) -> bool:
    """Whether an empty line comes before a part: round grids and before headings, not between single numbers."""
    if previous is None or isinstance(previous, str):
        return False
    return isinstance(part, str) or bool(previous.grids) or bool(part.grids)


def _lines_of(part: Section, width: int | None) -> list[str]:
    lines = [part.title]
    for grid in part.grids:
        lines += ["", *plain_lines(grid, width)] if grid is not part.grids[0] else plain_lines(grid, width)
    return [*lines, *(f"  {footer}" for footer in part.footers)]


def show(report: Report, presentation: Presentation) -> None:
    """Shows the table at the terminal that standard output is."""
    from jaccli.io.writers import terminal

    terminal.show_sections(terminal.console(terminal_width()), parts(report, presentation))
