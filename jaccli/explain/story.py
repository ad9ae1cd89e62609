"""The chain rule on numbers: every step forward, every step back, and what adds up where.

The numbers are those of the engine. The story reads the same sweep that gives the product vᵀJ; it only looks at it
between the sub-expressions of the formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.autodiff.reverse import Arrival, arrivals
from jaccli.autodiff.vectors import cotangent_for
from jaccli.explain.long_way import LongWay, long_ways
from jaccli.explain.pieces import Piece, pieces, product_text
from jaccli.explain.rules import Rule, grad_name, places, rule
from jaccli.graph.node import Node, apply, input_node
from jaccli.graph.primitive import Dependency
from jaccli.runtime.memory import check_size
from jaccli.runtime.plan import evaluate

if TYPE_CHECKING:
    from jaccli.api import Formula

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Step:
    """One step forward: see `Piece`; `value` is what it gives at the point, `arguments` are names."""

    name: str
    expression: str
    written: str
    arguments: tuple[str, ...]
    is_input: bool
    value: Array


@dataclass(frozen=True, eq=False)
class Pass:
    """What one step hands back to one of its arguments.

    Attributes:
        source, target: names of the step and of its argument.
        place: which argument of the step's operation the target is, where it is several of them; else None.
        slope: the local derivative as a formula, where each entry depends on the entry at the same place.
        slope_value: its numbers, of the shape of the step.
        rule: what is handed on, as a formula; None where it is too long to read.
        kind: how entries depend on entries; see `graph.primitive.Primitive.dependency`.
        value: what arrives, of the target's shape.
    """

    source: str
    target: str
    place: int | None
    slope: str | None
    slope_value: Array | None
    rule: str | None
    kind: Dependency | None
    value: Array


@dataclass(frozen=True, eq=False)
class BackStep:
    """One step back.

    Attributes:
        name: of the piece.
        grad: its cotangent, the sum of what was received.
        received: what arrived from the steps that read it; nothing for the output, whose cotangent is v.
        passes: what it hands on to its arguments.
        is_input: whether the way ends here.
    """

    name: str
    grad: Array
    received: tuple[Pass, ...]
    passes: tuple[Pass, ...]
    is_input: bool


@dataclass(frozen=True, eq=False)
class Story:
    """The product vᵀJ, told.

    Attributes:
        expression: the formula.
        output: the name of the result.
        v: the cotangent of the result.
        forward, backward: the steps in the order in which they are taken.
        hidden: how many steps are left out in the middle.
        before: how many steps forward come before those that are left out.
        edges: (from, to) by name, for each argument of each step.
        result: vᵀJ for each input.
        formulas: the whole product for each input as one formula, where it is short enough to read.
        long: the product the long way, for inputs whose Jacobian is small.
        fixed: floating inputs that are not differentiated for.
        inputs: the names of all inputs.
    """

    expression: str
    output: str
    v: Array
    forward: tuple[Step, ...]
    backward: tuple[BackStep, ...]
    hidden: int
    before: int
    edges: tuple[tuple[str, str], ...]
    result: Mapping[str, Array]
    formulas: Mapping[str, str]
    long: Mapping[str, LongWay]
    fixed: tuple[str, ...]
    inputs: tuple[str, ...]


def tell(
    formula: Formula,
    inputs: Mapping[str, ArrayLike],
    v: ArrayLike | None = None,
    *,
    wrt: Sequence[str] | None = None,
    most: int | None = None,
) -> Story:
    """The story of vᵀJ at a point.

    Args:
        formula: what is differentiated.
        inputs: values by name.
        v: the cotangent; may be left out for a scalar output.
        wrt: the inputs to differentiate for; every floating one by default.
        most: of more steps than this, the ones in the middle are left out.

    Raises:
        JaccliError: as `Formula.vjp`; a `LimitError` where the values of all steps do not fit into memory.
    """
    program, point = formula._bind(inputs)
    names = formula._names(program, wrt)
    cotangent = cotangent_for(program, v)
    lowered = formula.lowered(inputs)
    output = program.smooth
    all_pieces = pieces(formula.text, lowered, output)
    before, kept = len(all_pieces), all_pieces
    if most is not None and len(all_pieces) > most:
        before = most // 2
        kept = [*all_pieces[:before], *all_pieces[before - most :]]
    feeds = {lowered.inputs[name]: point[name] for name in lowered.inputs}
    feeds[program.cotangent] = np.asarray(cotangent, order="C")
    guarded = bool(np.isnan(program.value(point)).any())
    sources = [lowered.inputs[name] for name in names]
    sweep = _Sweep(arrivals(output, program.cotangent, sources, guarded=guarded), all_pieces, kept)
    numbers = sweep.numbers(feeds)
    result = {name: sweep.grad(lowered.inputs[name], numbers) for name in names}
    name_of = {piece.node: piece.name for piece in all_pieces}
    return Story(
        expression=formula.text,
        output=name_of[output],
        v=np.asarray(cotangent),
        forward=tuple(_step(piece, numbers[piece.node]) for piece in kept),
        backward=tuple(sweep.steps(numbers, [lowered.inputs[name] for name in names])),
        hidden=len(all_pieces) - len(kept),
        before=before,
        edges=tuple((argument.name, piece.name) for piece in all_pieces for argument in piece.arguments),
        result=result,
        formulas=_formulas(sweep, names, lowered.inputs, program.cotangent, name_of),
        long=long_ways(formula, point, cotangent, name_of[output], result),
        fixed=tuple(name for name, node in lowered.inputs.items() if node.is_float and name not in names),
        inputs=tuple(lowered.inputs),
    )


def _step(piece: Piece, value: Array) -> Step:
    arguments = tuple(argument.name for argument in piece.arguments)
    return Step(piece.name, piece.expression, piece.written, arguments, piece.is_input, value)


def _formulas(
    sweep: _Sweep, names: Sequence[str], inputs: Mapping[str, Node], cotangent: Node, name_of: Mapping[Node, str]
) -> dict[str, str]:
    """The product for each input as a formula of the inputs and `v`."""
    from jaccli.graph.rewriting import replaced

    v = input_node("v" if "v" not in name_of.values() else "cotangent", cotangent.shape, cotangent.dtype)
    found: dict[str, str] = {}
    for name in names:
        if inputs[name] in sweep.totals:
            text = product_text(replaced(sweep.totals[inputs[name]][0], {cotangent: v}), v)
            found |= {} if text is None else {name: text}
    return found


class _Sweep:
    """The engine's sweep, seen between pieces. State: none besides what it is made of.

    Args:
        totals: what `arrivals` gives.
        all_pieces: every piece.
        kept: the pieces that are shown.
    """

    def __init__(
        self,
        totals: Mapping[Node, tuple[Node, tuple[Arrival, ...]]],
        all_pieces: Sequence[Piece],
        kept: Sequence[Piece],
    ) -> None:
        self.totals = totals
        self._all = all_pieces
        self._kept = kept
        self._owner = {node: piece for piece in all_pieces for node in piece.inside}
        shown = set(kept)
        self._shown_passes = {
            target: [way for way in self._ways(target) if target in shown or way[0] in shown]
            for target in all_pieces
            if target.node in totals
        }

    def _ways(self, target: Piece) -> list[tuple[Piece, int | None, Node]]:
        """By which steps a cotangent arrives: (step, place, what arrives), in the order of the sweep."""
        by_piece: dict[Piece, list[Arrival]] = {}
        for arrival in self.totals[target.node][1]:
            if arrival.reader is not None:
                by_piece.setdefault(self._owner[arrival.reader], []).append(arrival)
        ways: list[tuple[Piece, int | None, Node]] = []
        for piece, group in by_piece.items():
            readers = [(arrival.reader, arrival.place) for arrival in group if arrival.reader is not None]
            if places(piece, readers):
                ways += [(piece, arrival.place, arrival.value) for arrival in group]
            else:
                value = group[0].value
                for arrival in group[1:]:
                    value = apply("add", value, arrival.value)
                ways.append((piece, None, value))
        return ways

    def numbers(self, feeds: dict[Node, Array]) -> dict[Node, Array]:
        """The values of every node that the story shows."""
        shown = {*self._kept, *(piece for piece in self._all if piece.is_input)}
        wanted = [piece.node for piece in self._kept]
        wanted += [self.totals[piece.node][0] for piece in self._all if piece in shown and piece.node in self.totals]
        wanted += [value for ways in self._shown_passes.values() for _, _, value in ways]
        order = list(dict.fromkeys(wanted))
        check_size((sum(node.size for node in order),), 8, "the numbers of all steps")
        return dict(zip(order, evaluate(order, feeds), strict=True))

    def grad(self, node: Node, numbers: Mapping[Node, Array]) -> Array:
        """The cotangent of a node; zeros where nothing arrives."""
        return numbers[self.totals[node][0]] if node in self.totals else np.zeros(node.shape, node.dtype)

    def steps(self, numbers: Mapping[Node, Array], wrt: Sequence[Node]) -> list[BackStep]:
        """The steps back, the output first."""
        received: dict[Piece, list[Pass]] = {}
        handed: dict[Piece, list[Pass]] = {}
        for target in reversed(self._all):
            for piece, place, value in self._shown_passes.get(target, ()):
                made = _pass(piece, target, place, numbers[value], numbers)
                received.setdefault(target, []).append(made)
                handed.setdefault(piece, []).append(made)
        return [
            BackStep(
                piece.name,
                self.grad(piece.node, numbers),
                tuple(received.get(piece, ())),
                tuple(handed.get(piece, ())),
                piece.is_input,
            )
            for piece in reversed(self._kept)
            if piece.node in self.totals or piece.node in wrt
        ]


def _pass(piece: Piece, target: Piece, place: int | None, value: Array, numbers: Mapping[Node, Array]) -> Pass:
    found = rule(piece, target, place)
    return Pass(
        source=piece.name,
        target=target.name,
        place=place,
        slope=found.slope,
        slope_value=_slope_value(found, piece, target, numbers),
        rule=found.handed_on,
        kind=found.kind,
        value=value,
    )


def _slope_value(found: Rule, piece: Piece, target: Piece, numbers: Mapping[Node, Array]) -> Array | None:
    if found.slope_node is None or any(part.node not in numbers for part in (piece, *piece.arguments)):
        return None
    feeds = {part.placeholder(): numbers[part.node] for part in (*piece.arguments, piece)}
    wide = input_node(target.name, piece.node.shape, target.node.dtype)
    feeds[wide] = np.asarray(np.broadcast_to(numbers[target.node], piece.node.shape), order="C")
    (slope,) = evaluate([found.slope_node], feeds)
    return np.broadcast_to(slope, piece.node.shape)


__all__ = ["BackStep", "Pass", "Step", "Story", "grad_name", "tell"]
