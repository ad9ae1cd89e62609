"""The story in words: chapters of steps, each made of sentences, formulas and tables, for whoever shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jaccli.explain.long_telling import long_items
from jaccli.explain.parts import Chapter, Item, Part, Prose, Shown, Ways
from jaccli.explain.rules import grad_name
from jaccli.explain.story import BackStep, Pass, Step, Story
from jaccli.explain.story_diagram import story_diagram
from jaccli.explain.tree import tree_lines
from jaccli.io.formats import DEFAULT_PRECISION
from jaccli.io.numbers import column, plain_value
from jaccli.io.report import Axis, Block, shape_text
from jaccli.io.writers.grid import USUAL, Grid, Limits, Section, section

Array = NDArray[Any]

_SIDE_BY_SIDE = 10
_MOST_SKETCHED = 30
_MOST_WAYS = 12

_KINDS = {
    "contracts": "Each entry of {source} is a sum of products of entries of {target} with {factors}, so its local "
    "derivatives are those {factors}.",
    "reduces": "Each entry of {source} is made of several entries of {target}, and each of them gets its share back.",
    "moves": "The entries of {target} were only put in other places (or left out, or repeated), so what arrives is put "
    "back where they came from.",
    "mixes": "Each entry of {source} depends on all the entries of {target} along an axis.",
    "scans": "Each entry of {source} depends on the entries of {target} up to its place, so what arrives runs back.",
    "matrices": "Each entry of {source} depends on every entry of the matrix {target}.",
    "solves": "Each entry of {source} depends on every entry of {target} in its system of equations.",
    "scatters": "The entries of {target} were put in other places, so what arrives is put back where they came from.",
    "convolves": "Each entry of {source} is a sum of products of a window of {target} with {factors}.",
    "correlates": "Each entry of {source} is a sum of products of a window of {target} with {factors}.",
}


@dataclass(frozen=True)
class Look:
    """How much is shown of numbers: see `io.writers.grid`."""

    limits: Limits = USUAL
    precision: int | None = None
    strokes: Literal["lines", "ascii"] = "lines"

    @property
    def digits(self) -> int:
        """Significant digits."""
        return DEFAULT_PRECISION if self.precision is None else self.precision

    def array(self, array: Array, title: str) -> Shown:
        """An array under a title, with its shape."""
        return Shown(section(Block((), array, title), limits=self.limits, precision=self.precision))


def told(story: Story, look: Look) -> list[Chapter]:
    """The chapters: forward, backward, and the long way where the Jacobian is small."""
    return [_forward(story, look), _backward(story, look), *_long_way(story, look)]


def _forward(story: Story, look: Look) -> Chapter:
    intro = (
        "The formula is computed one operation at a time, and every result on the way gets a name, so that we can "
        "point at it.",
    )
    items = [_forward_item(step, story, look) for step in story.forward]
    sketch = tuple(tree_lines(story_diagram(story, _MOST_SKETCHED), look.strokes, _MOST_SKETCHED))
    about = f"from {_listed(list(story.inputs))} to {story.output}"
    return Chapter("Forward", about, intro, _with_gap(items, story.before, story.hidden), sketch)


def _listed(names: Sequence[str]) -> str:
    if len(names) > 6:
        return f"{len(names)} inputs"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else "constants"


def _forward_item(step: Step, story: Story, look: Look) -> Item:
    return Item(step.name, _headline(step, story), tuple(_forward_parts(step, look)))


def _headline(step: Step, story: Story) -> str:
    if not step.is_input:
        return f"{step.name} = {step.expression}" + (", the result" if step.name == story.output else "")
    if step.value.dtype.kind != "f":
        return f"{step.name}, an input of whole numbers or truth values, which has no derivative"
    return f"{step.name}, an input" + (" that is held fixed" if step.name in story.fixed else "")


def _forward_parts(step: Step, look: Look) -> Iterator[Part]:
    if step.written and not step.is_input and step.written not in (step.expression, step.name):
        yield Prose(f"In the formula: {step.written}")
    yield look.array(step.value, step.name)


def _backward(story: Story, look: Look) -> Chapter:
    steps = {step.name: step for step in story.forward}
    items = [_back_item(back, steps[back.name], story, look) for back in story.backward]
    items = [item for item in items if item is not None]
    ways = [f"{grad_name(name)} = {text}" for name, text in story.formulas.items()]
    closing = (Prose("All of it in one formula:"), *(Prose(way, is_formula=True) for way in ways)) if ways else ()
    if closing and items:
        items[-1] = Item(items[-1].name, items[-1].heading, (*items[-1].parts, *closing))
    inputs = _listed(list(story.result))
    early = {step.name for step in story.forward[: story.before]}
    late = sum(back.name not in early for back in story.backward)
    steps_back = _with_gap(items, late, story.hidden)
    return Chapter("Backward", f"from {story.output} to {inputs}", _question(story), steps_back)


def _question(story: Story) -> tuple[str, ...]:
    y, first = story.output, next(iter(story.result))
    if story.v.ndim == 0:
        number = column([plain_value(story.v)], 6)[0]
        s = f"Let s be {y} itself, since v is 1." if story.v == 1 else f"Let s be v times {y}, with v = {number}."
    else:
        s = (
            f"To make one number of {y}, multiply each of its entries by the entry of v at the same place and add the "
            "products up. Call that sum s."
        )
    single = story.result[first].ndim == 0
    entry, holds = (first, "holds it") if single else (f"an entry of {first}", f"holds one for each entry of {first}")
    return (
        f"{s} How strongly does s react to {entry}? If {first if single else 'that entry'} grows by a tiny amount, s "
        f"grows by so many times as much: that number is its derivative. {grad_name(first)} {holds}, and it is what "
        f"jaccli vjp prints, vᵀJ for {first}. Every result on the way has such a .grad, as large as itself.",
        f"{grad_name(y)} is known: it is v. From there we go back, one operation at a time. Each one multiplies what "
        "arrives by its own local derivative, which says how strongly its result reacts to its argument (for a square, "
        "t**2, that is 2*t), and hands the product on to what it was computed from. That is the chain rule. Where "
        "several ways lead into one array, what they bring is added up.",
    )


def _back_item(back: BackStep, step: Step, story: Story, look: Look) -> Item:
    heading = f"{back.name}, an input: the way ends here" if back.is_input else f"{step.name} = {step.expression}"
    return Item(back.name, heading, tuple(_back_parts(back, step, story, look)))


def _back_parts(back: BackStep, step: Step, story: Story, look: Look) -> Iterator[Part]:
    yield from _arriving(back, story, look)
    if not back.passes and not back.is_input and not story.hidden:
        yield Prose(
            f"Nothing is handed on: {step.expression} is flat wherever it has a derivative, and its derivative is 0."
        )
    targets = [handed.target for handed in back.passes]
    several = {name for name in targets if targets.count(name) > 1}
    received = {target.name: len(target.received) for target in story.backward}
    met: list[str] = []
    for handed in back.passes:
        met.append(handed.target)
        number = met.count(handed.target) if handed.target in several else None
        alone = received.get(handed.target, 2) == 1
        yield from _handing(handed, back, step, number, alone, look)


def _arriving(back: BackStep, story: Story, look: Look) -> Iterator[Part]:
    grad = grad_name(back.name)
    if back.name == story.output:
        yield look.array(back.grad, f"arriving: {grad} = v")
    elif not back.received and not story.hidden:
        yield Prose(
            f"Nothing arrives: {story.output} does not depend on {back.name}, or only by jumps, so its derivative is 0."
        )
        yield look.array(back.grad, grad)
    elif len(back.received) <= 1:
        source = back.received[0].source if back.received else "a hidden step"
        yield look.array(back.grad, f"arriving from {source}: {grad}")
    else:
        yield _ways(back, grad, look)


def _ways(back: BackStep, grad: str, look: Look) -> Ways:
    """What arrives by several ways: a row for each, and their sum."""
    sources = [way.source for way in back.received]
    labels = []
    for position, way in enumerate(back.received):
        turn = f", place {sources[: position + 1].count(way.source)}" if sources.count(way.source) > 1 else ""
        labels.append(f"from {way.source}{turn}")
    title = f"{len(labels)} ways lead into {back.name}; what they bring adds up to {grad}"
    arrays = [way.value for way in back.received]
    if len(labels) > _MOST_WAYS and look.limits == USUAL:
        left = len(labels) - _MOST_WAYS
        labels, arrays = labels[:_MOST_WAYS], arrays[:_MOST_WAYS]
        title = f"{title} ({left:,} of the ways are hidden: --full shows them)"
    told_ways = zip(labels, back.received, strict=False)
    formulas = [f"{label}: {way.rule}" if way.rule else label for label, way in told_ways]
    if 0 < back.grad.size <= _SIDE_BY_SIDE:
        together: tuple[Section, ...] = (_side_by_side([*labels, "sum"], [*arrays, back.grad], back.name, look),)
    else:
        rows = zip([*formulas, f"sum: {grad}"], [*arrays, back.grad], strict=True)
        together = tuple(look.array(array, label).section for label, array in rows)
    return Ways(title, tuple(formulas), together)


def _side_by_side(labels: Sequence[str], arrays: Sequence[Array], name: str, look: Look) -> Section:
    axis = Axis(name, arrays[0].shape)
    cells = tuple(
        tuple(column([plain_value(array.reshape(-1)[place]) for array in arrays], look.digits))
        for place in range(axis.size)
    )
    return Section("", (Grid("", tuple(labels), tuple(axis.label(place) for place in range(axis.size)), cells),))


def _handing(handed: Pass, back: BackStep, step: Step, number: int | None, alone: bool, look: Look) -> Iterator[Part]:
    source, target, grad = handed.source, handed.target, grad_name(handed.source)
    turn = "" if number is None else f" (place {number} of it in {step.expression})"
    yield Prose(f"To {target}{turn}: {_sentence(handed, back, step)}", is_start=True)
    if handed.slope is not None:
        yield Prose(f"local derivative ∂{source}/∂{target} = {handed.slope}", is_formula=True)
        if handed.slope_value is not None and not _is_number(handed.slope):
            yield look.array(handed.slope_value, f"∂{source}/∂{target}")
            if np.isfinite(handed.value).all() and not np.isfinite(handed.slope_value).all():
                yield Prose("Where nothing arrives because another branch was taken, exactly 0 is handed on.")
    equals = " =" if alone and number is None else " gets"
    if handed.rule is None:
        yield Prose(f"The rule is too long to read here; what it gives is shown at {target}.")
    else:
        yield Prose(f"{grad_name(target) if equals == ' =' else target}{equals} {handed.rule}", is_formula=True)
    if _is_off_domain(handed, back):
        yield Prose(f"Where {source} itself is nan, it has no derivative either: nan is handed on all the same.")
    elif handed.rule == grad:
        yield Prose("that is, what arrives is handed on unchanged.")
    elif handed.rule is not None and handed.slope is not None and handed.slope != "1":
        yield Prose("that is, what arrives times the local derivative" + _and_summed(handed, back))


def _and_summed(handed: Pass, back: BackStep) -> str:
    if handed.value.shape == back.grad.shape:
        return ", entry by entry." if handed.value.ndim else "."
    return f", added up over the entries that one entry of {handed.target} was used for."


def _sentence(handed: Pass, back: BackStep, step: Step) -> str:
    source, target = handed.source, handed.target
    if handed.slope is not None or handed.kind == "elementwise":
        if handed.value.shape == back.grad.shape:
            if handed.value.ndim == 0:
                return f"{source} depends on {target}, one number on one number."
            return f"each entry of {source} depends on the entry of {target} at the same place, and on no other."
        return (
            f"{target} has shape {shape_text(handed.value.shape)} and is used again and again to fill "
            f"{shape_text(back.grad.shape)}; each entry of {source} depends on one entry of {target}."
        )
    if handed.kind is not None and handed.kind in _KINDS:
        others = [name for name in step.arguments if name != target]
        factors = f"entries of {others[0]}" if len(others) == 1 else "other numbers"
        sentence = _KINDS[handed.kind].format(source=source, target=target, factors=factors)
        return sentence[0].lower() + sentence[1:]
    if handed.kind is None:
        return f"{source} is made by several operations inside; their rules, multiplied out:"
    return f"each entry of {source} may depend on every entry of {target}."


def _is_off_domain(handed: Pass, back: BackStep) -> bool:
    """Whether a NaN is handed on that comes from no number of the rule, but from an operation outside of its domain."""
    if handed.slope_value is None or not np.isnan(handed.value).any():
        return False
    return not (np.isnan(handed.slope_value).any() or np.isnan(back.grad).any())


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


def _with_gap(items: Sequence[Item], before: int, hidden: int) -> tuple[Item, ...]:
    """The items with a note between them where some are left out."""
    if not hidden:
        return tuple(items)
    note = Prose(f"{hidden:,} steps are hidden here: --full shows them, --json gives them all.")
    return (*items[:before], Item("", "…", (note,)), *items[before:])


def _long_way(story: Story, look: Look) -> list[Chapter]:
    items = long_items(story, look.digits, look.limits)
    if not items:
        return []
    intro = (
        f"Without the chain rule, one would write down the whole Jacobian J: a row for each entry of {story.output}, a "
        f"column for each entry of the input. The number in it says how strongly that entry of {story.output} reacts "
        "to that entry of the input; a · stands where it does not depend on it at all.",
        "vᵀJ multiplies each row by the entry of v beside it, and adds up every column.",
    )
    return [Chapter("The same product the long way", "v times the Jacobian", intro, tuple(items))]
