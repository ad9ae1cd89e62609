"""What is told of a pattern: lines for people, plain data for programs."""

from __future__ import annotations

import textwrap
from typing import Any

from jaccli.explain.spy import Glyphs, picture
from jaccli.io.report import shape_text
from jaccli.sparsity.colouring import Plan
from jaccli.sparsity.summary import Summary

_TALLEST_PICTURE = 26


def lines(summary: Summary, title: str, width: int, glyphs: Glyphs, height: int = _TALLEST_PICTURE) -> list[str]:
    """A heading, the numbers and a picture, at most `width` characters wide."""
    numbers = [part for line in _numbers(summary) for part in textwrap.wrap(line, max(width - 2, 1))]
    drawn = picture(summary.pattern, width - 2, height, glyphs)
    return [f"{title}  {shape_text(summary.pattern.shape)}", *(f"  {line}" for line in (*numbers, *drawn))]


def _numbers(summary: Summary) -> list[str]:
    rows, columns = summary.pattern.shape
    told = [
        f"{_counted(summary.stored, 'stored entry', 'stored entries')}, density {summary.density:.3g}",
        f"bandwidth: {summary.lower} below the diagonal, {summary.upper} above it",
        f"forward: {_passes(summary.forward, 'row')}",
        f"reverse: {_passes(summary.reverse, 'column')}",
    ]
    if summary.symmetric is not None:
        told.append(f"by symmetry: {_counted(summary.symmetric, 'colour', 'colours')}")
    least = min(rows, columns)
    saved = f" instead of {least}" if summary.passes < least else ""
    mode = "by symmetry" if summary.mode == "symmetric" else summary.mode
    return [*told, f"cheapest: {mode}, {_counted(summary.passes, 'pass', 'passes')}{saved}"]


def _passes(plan: Plan, apart: str) -> str:
    colours = _counted(plan.count, "colour", "colours")
    if not len(plan.apart):
        return colours
    return f"{colours} and {_counted(len(plan.apart), f'full {apart}', f'full {apart}s')} apart, {plan.passes} passes"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def fields(summary: Summary) -> dict[str, Any]:
    """The same as JSON holds it, with the positions of the stored entries, row by row."""
    stored = summary.pattern.tocoo()
    row, column = stored.coords
    symmetric = {} if summary.symmetric is None else {"symmetric": summary.symmetric}
    return {
        "shape": list(map(int, summary.pattern.shape)),
        "stored": summary.stored,
        "density": summary.density,
        "bandwidth": {"lower": summary.lower, "upper": summary.upper},
        "colours": {"forward": summary.forward.count, "reverse": summary.reverse.count} | symmetric,
        "apart": {"forward": len(summary.forward.apart), "reverse": len(summary.reverse.apart)},
        "passes": {"forward": summary.forward.passes, "reverse": summary.reverse.passes} | symmetric,
        "mode": summary.mode,
        "row": row.tolist(),
        "col": column.tolist(),
    }
