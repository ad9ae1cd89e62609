"""The local rule of one step: how its output follows from one argument, and what it hands back to that argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaccli.autodiff.reverse import pullback
from jaccli.explain.pieces import Piece, product_text, short_text
from jaccli.graph.node import Node, dependents, filled, input_node
from jaccli.graph.primitive import Dependency
from jaccli.graph.rewriting import replaced

_INVISIBLE = frozenset({"cast", "broadcast_to", "on_domain"})


@dataclass(frozen=True, eq=False)
class Rule:
    """What a step does with a cotangent.

    Attributes:
        handed_on: what the argument gets, as a formula in `NAME.grad` and the names of the pieces; None if too long.
        slope: where entry depends on entry, their derivative as a formula; None if it is too long or no such number.
        slope_node: the graph of the slope over the placeholders of the pieces; None where entries mix.
        kind: how entries of the output depend on entries of the argument; None where a step has several operations.
    """

    handed_on: str | None
    slope: str | None
    slope_node: Node | None
    kind: Dependency | None


def grad_name(name: str) -> str:
    """What the cotangent of a piece is called."""
    return f"{name}.grad"


def rule(piece: Piece, argument: Piece, place: int | None = None) -> Rule:
    """The rule of a piece for one of its arguments; with `place`, for that place of its last operation only."""
    moving = input_node(f"{argument.name} alone", argument.node.shape, argument.node.dtype)
    cotangent = input_node(grad_name(piece.name), piece.node.shape, piece.node.dtype)
    local = _localised(piece, argument, moving, place)
    (back,) = pullback(local, cotangent, [moving])
    handed_on = product_text(_renamed(back, piece, argument, local, moving), cotangent)
    path = dependents([piece.node], [argument.node]) & piece.inside
    working = [node for node in path if node.primitive.name not in _INVISIBLE]
    kind = working[0].primitive.dependency if len(working) == 1 else None
    if not all(node.primitive.elementwise or node.primitive.name == "cast" for node in path):
        return Rule(handed_on, None, None, kind)
    slope = _slope(piece, argument, place)
    return Rule(handed_on, short_text(_unrepeated(slope)), slope, "elementwise")


def _unrepeated(slope: Node) -> Node:
    """The slope without the broadcasting that repeats it."""
    return _unrepeated(slope.args[0]) if slope.primitive.name == "broadcast_to" else slope


def _slope(piece: Piece, argument: Piece, place: int | None) -> Node:
    """The derivative entry by entry, of the piece's shape: the argument is taken as it is after broadcasting."""
    wide = input_node(f"{argument.name} alone", piece.node.shape, argument.node.dtype)
    local = _localised(piece, argument, wide, place)
    (back,) = pullback(local, filled(local.shape, 1.0, local.dtype), [wide])
    stretched = input_node(argument.name, piece.node.shape, argument.node.dtype)
    return replaced(back, {local: piece.placeholder(), wide: stretched})


def _localised(piece: Piece, argument: Piece, moving: Node, place: int | None) -> Node:
    """The piece as a function of `moving`, everything else that it reads being held by a placeholder."""
    held = {other.node: other.placeholder() for other in piece.arguments}
    if place is None:
        return replaced(piece.node, {**held, argument.node: moving})
    arguments = [moving if position == place else replaced(node, held) for position, node in enumerate(piece.node.args)]
    return piece.node.primitive(*arguments, **piece.node.params)


def _renamed(back: Node, piece: Piece, argument: Piece, local: Node, moving: Node) -> Node:
    return replaced(back, {local: piece.placeholder(), moving: argument.placeholder()})


def places(piece: Piece, readers: Sequence[tuple[Node, int]]) -> bool:
    """Whether an argument that a piece reads several times stands at several places of its one last operation."""
    return len(readers) > 1 and all(reader is piece.node for reader, _ in readers)
