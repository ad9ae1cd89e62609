"""Two witnesses from within: ⟨v, Ju⟩ = ⟨vᵀJ, u⟩ on random u and v, and reverse mode against forward mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.forward import pushforward
from jaccli.graph.node import Node, input_node
from jaccli.runtime.plan import Plan
from jaccli.verify.judging import Reading, judge
from jaccli.verify.problem import Block, Problem, drawn_positions
from jaccli.verify.report import Row
from jaccli.verify.rounding import blur

Array = NDArray[Any]

_ROUNDS = 3
_SUMMING = 64.0
_NOTE = f"⟨vᵀJ, u⟩ against ⟨v, Ju⟩ for {_ROUNDS} random u and v"


def adjoint(problem: Problem) -> list[Row]:
    """One row for each block: the largest violation among a few draws. Any size."""
    return [_identity(problem, block) for block in problem.blocks]


def forward(problem: Problem) -> list[Row]:
    """One row for each block: its entries from forward mode."""
    rows = []
    for block in problem.blocks:
        positions = drawn_positions(problem, block)
        readings = dict(_forward_readings(problem, block, positions))
        rows.append(judge("forward", block, readings, problem.drawn(block, positions)))
    return rows


class _Pushed:
    """The tangents of a block's function. State: the plan."""

    def __init__(self, problem: Problem, block: Block, *, units: bool) -> None:
        self._source = problem.program.inputs[block.source]
        self._tangent = input_node("tangent of the source", self._source.shape, self._source.dtype)
        self._feeds = problem.feeds
        self._node = pushforward(block.function, {self._source: self._tangent}, guarded=block.makes_nan, masked=units)
        self._plan = Plan([self._node], (*self._feeds, self._tangent))

    def along(self, tangent: Array) -> Array:
        """J·u."""
        return self._plan.run([*self._feeds.values(), tangent])[0]

    def blur(self, tangent: Array) -> Array:
        """How much rounding blurs J·u."""
        return blur([self._node], {**self._feeds, self._tangent: tangent})[0]


def _forward_readings(problem: Problem, block: Block, positions: list[int]) -> Iterator[tuple[int, Reading]]:
    pushed = _Pushed(problem, block, units=True)
    source: Node = problem.program.inputs[block.source]
    for position in positions:
        row, column = divmod(position, block.columns)
        unit = np.zeros(source.shape, source.dtype)
        unit.reshape(-1)[column] = 1.0
        weights = block.cotangent(row)
        value = _product(weights, pushed.along(unit))
        if not math.isfinite(value):
            yield position, Reading(reason="forward mode has no finite number here")
            continue
        yield position, Reading(value, 4.0 * float(np.sum(np.abs(weights) * pushed.blur(unit))))


def _product(weights: Array, values: Array) -> float:
    """⟨weights, values⟩, where a weight of 0 leaves out what it stands before."""
    with np.errstate(all="ignore"):
        return float(np.sum(weights * values, where=weights != 0))


def _identity(problem: Problem, block: Block) -> Row:
    from jaccli.autodiff.reverse import pullback

    generator = problem.random(2)
    source = problem.program.inputs[block.source]
    weights = input_node("weights of the identity", block.function.shape, block.function.dtype)
    (back,) = pullback(block.function, weights, [source], guarded=block.makes_nan)
    plan = Plan([back], (*problem.feeds, weights))
    pushed = _Pushed(problem, block, units=False)
    sides: list[float] = []
    readings: dict[int, Reading] = {}
    for draw in range(_ROUNDS):
        u = generator.standard_normal(source.shape).astype(source.dtype)
        v = generator.standard_normal(block.function.shape).astype(block.function.dtype)
        (pulled,) = plan.run([*problem.feeds.values(), v])
        (pulled_blur,) = blur([back], {**problem.feeds, weights: v})
        ahead = pushed.along(u)
        sides.append(_product(u, pulled))
        if not (math.isfinite(sides[-1]) and math.isfinite(_product(v, ahead))):
            readings[draw] = Reading(reason="the products are not finite here")
            continue
        blurred = float(np.sum(np.abs(v) * pushed.blur(u)) + np.sum(np.abs(u) * pulled_blur))
        terms = float(np.sum(np.abs(u * pulled)) + np.sum(np.abs(v * ahead)))
        allowance = 4.0 * blurred + _SUMMING * float(np.finfo(source.dtype).eps) * terms
        readings[draw] = Reading(_product(v, ahead), allowance)
    return judge("adjoint", _as_block(block, np.array(sides)), readings, _NOTE)


def _as_block(block: Block, sides: Array) -> Block:
    """The inner products as a block of their own."""
    return Block(
        block.label, block.source, block.first, block.function, block.cotangent, sides, 1, len(sides), _unblurred, False
    )


def _unblurred(row: int) -> Array:
    return np.zeros(_ROUNDS)
