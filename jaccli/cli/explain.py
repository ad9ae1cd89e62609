"""`jaccli explain`: the chain rule, step by step."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jaccli.cli.command import command
from jaccli.cli.messages import visible
from jaccli.cli.options import Cotangent, NumericFileOutput, Problem
from jaccli.errors import UsageError
from jaccli.io import destination

if TYPE_CHECKING:
    from jaccli.cli.request import Request
    from jaccli.explain.parts import Chapter
    from jaccli.explain.story import Story

_MOST_STEPS = 40
_MOST_STEPS_ON_A_PAGE = 200
_MOST_BOXES = 120
_LONGEST_TITLE = 200


@dataclass(frozen=True, kw_only=True)
class StoryOutput(NumericFileOutput):
    """An output that may also be a page."""

    own_extensions: ClassVar[tuple[str, ...]] = (".html", ".htm")
    other_extensions: ClassVar[tuple[str, ...]] = (".json", ".txt")


@command(example='jaccli explain "(x+1)**2" --x eye:5 --v ones')
def run(problem: Problem, output: StoryOutput, v: Cotangent = None) -> None:
    """The product vᵀJ as a story: the chain rule on your own numbers, one operation at a time.

    Forward through the formula, then backward: what arrives at each result, its local derivative, what it hands on and
    where that adds up; and, for small sizes, the same product the long way. -o FILE.html writes a page to step through.
    """
    from jaccli.cli.blocks import by_input
    from jaccli.cli.request import read

    request = read("explain", problem, output, cotangents=[] if v is None else [v])
    chosen = request.presentation.format
    if chosen not in ("table", "plain", "json"):
        raise UsageError(f"{chosen} holds arrays, and this is a story", hint="use table, plain, json or -o FILE.html")

    from jaccli.explain.question import Question
    from jaccli.explain.story import tell

    most = _MOST_STEPS if output.own_extension is None else _MOST_STEPS_ON_A_PAGE
    everything = output.full or (chosen == "json" and output.own_extension is None)
    cotangent = request.cotangent(v)
    story = tell(
        request.formula,
        request.point,
        cotangent,
        wrt=request.wrt,
        most=None if everything else most,
    )
    request.report(by_input(story.result, "vᵀJ for {}"), questions=[Question("vjp", cotangent)])
    request.say_notes()
    _write(story, request, output)


def _write(story: Story, request: Request, output: StoryOutput) -> None:
    presentation = request.presentation
    if output.own_extension is not None:
        destination.send(_page(story, output), presentation)
    elif presentation.format == "json":
        destination.send(_json(story, request), presentation)
    elif destination.draws_lines(presentation):
        from jaccli.explain import panels

        panels.show(_title(story), _chapters(story, output), destination.terminal_width())
    else:
        from jaccli.explain import plain

        destination.send(plain.text(_title(story), _chapters(story, output), destination.text_width()), presentation)


def _title(story: Story) -> str:
    expression = " ".join(story.expression.split())
    shown = expression if len(expression) <= _LONGEST_TITLE else f"{expression[: _LONGEST_TITLE - 1]}…"
    return f"vᵀJ of {visible(shown)}, step by step"


def _chapters(story: Story, output: StoryOutput) -> list[Chapter]:
    from jaccli.explain.telling import Look, told
    from jaccli.io.writers.grid import UNLIMITED, USUAL

    strokes = destination.strokes(output.presentation())
    return told(story, Look(UNLIMITED if output.full else USUAL, output.precision, strokes))


def _json(story: Story, request: Request) -> str:
    from jaccli.explain.story_data import data
    from jaccli.io.writers import data as writer

    inputs = {name: (array.shape, str(array.dtype)) for name, array in request.point.items()}
    indented = request.presentation.path is None and sys.stdout.isatty()
    return writer.text(data(story, inputs), indented=indented)


def _page(story: Story, output: StoryOutput) -> str:
    from jaccli.explain.page import page
    from jaccli.explain.story_diagram import story_diagram

    most = len(story.forward) if output.full else _MOST_BOXES
    return page(_title(story), _chapters(story, output), story_diagram(story, most))
