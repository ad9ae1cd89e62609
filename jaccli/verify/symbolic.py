"""The symbolic witness: the formula written out entry by entry, differentiated by SymPy, with 50 digits."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from jaccli.verify.clock import finishes
from jaccli.verify.elements import DIGITS, NotWrittenError, adjoints, exact, tangents
from jaccli.verify.judging import NO_VALUE, Kink, Reading, judge
from jaccli.verify.kinks import named, touched
from jaccli.verify.limits import Side, resolve
from jaccli.verify.problem import Block, Problem, drawn_positions
from jaccli.verify.report import Row, uncompared
from jaccli.verify.writing import Writer, Written

SECONDS = 10.0
_LEAST = 0.5


def symbolic(problem: Problem, seconds: float = SECONDS) -> list[Row]:
    """One row for each block. Stops when the time is over, and says so."""
    end = time.monotonic() + seconds
    return [_row(problem, block, max(end - time.monotonic(), _LEAST), seconds) for block in problem.blocks]


def _row(problem: Problem, block: Block, left: float, seconds: float) -> Row:
    positions = drawn_positions(problem, block)
    readings: dict[int, Reading] = {}

    def read() -> None:
        for position, reading in _Reader(problem, block).readings(positions):
            readings[position] = reading

    try:
        stopped = "" if finishes(read, left) else f"it took longer than {seconds:g} s"
    except NotWrittenError as reason:
        stopped = str(reason)
    found = dict(readings)
    if stopped and not found:
        return uncompared("symbolic", block.label, stopped)
    return judge("symbolic", block, found, _note(problem, block, len(found), stopped))


def _note(problem: Problem, block: Block, read: int, stopped: str) -> str:
    if stopped:
        return f"{read:,} of {block.ours.size:,} entries: {stopped}"
    if read < block.ours.size:
        return f"{read:,} of {block.ours.size:,} entries, drawn with seed {problem.seed}"
    return ""


class _Reader:
    """Reads entries of one block. State: what was written out so far."""

    def __init__(self, problem: Problem, block: Block) -> None:
        self._problem = problem
        self._block = block
        self._graph = problem.program.smooth

    def readings(self, positions: Sequence[int]) -> Iterator[tuple[int, Reading]]:
        """The readings of some positions, one after the other."""
        problem, block = self._problem, self._block
        wanted = {block.source: frozenset(position % block.columns for position in positions)}
        if block.first is not None:
            rows = frozenset(position // block.columns for position in positions)
            wanted[block.first] = wanted.get(block.first, frozenset()) | rows
        written = self._write(wanted, {})
        places = touched(self._graph, problem.feeds, problem.program.inputs[block.source])
        known: dict[int, Mapping[Any, Any]] = {}
        for position in positions:
            row, column = divmod(position, block.columns)
            slope = self._slope(written, row, column, known)
            if not places and _finite(slope) and math.isfinite(block.entry(position)):
                yield position, Reading(_digits(slope))
                continue
            yield position, self._closely(row, column, slope, named(places))

    def _write(self, wanted: Mapping[str, frozenset[int]], shifts: Mapping[Any, Any]) -> Written:
        return Writer(self._problem.point, wanted, shifts).write(self._graph)

    def _slope(self, written: Written, row: int, column: int, known: dict[int, Mapping[Any, Any]]) -> Any:
        """The derivative of one entry; `known` keeps what serves other entries of the same row."""
        block = self._block
        if (block.source, column) not in written.variables:
            return sympy.Integer(0)
        if block.first is None:
            if row not in known:
                known[row] = adjoints(self._weights(written, row))
            return sympy.sympify(known[row].get(written.variables[block.source, column], 0))
        return self._curvature(written, row, column, known)

    def _curvature(self, written: Written, row: int, column: int, known: dict[int, Mapping[Any, Any]]) -> Any:
        """Σ adjoint · second derivative · tangent · tangent over all operations: the chain rule, taken twice."""
        block = self._block
        assert block.first is not None
        if -1 not in known:
            known[-1] = adjoints(self._weights(written, 0))
        for key, name, position in ((row, block.first, row), (block.rows + column, block.source, column)):
            if key not in known:
                known[key] = tangents(written.output, written.variables[name, position])
        first, second = known[row], known[block.rows + column]
        total = sympy.Integer(0)
        for element, weight in known[-1].items():
            if element.operation is None or element not in first or element not in second or weight == 0:
                continue
            for a, b, bend in element.curvatures():
                if a in first and b in second:
                    total += weight * bend * first[a] * second[b]
        return total

    def _weights(self, written: Written, row: int) -> list[tuple[Any, Any]]:
        if self._block.first is not None:
            return [(element, sympy.Integer(1)) for element in written.output]
        weights = self._block.cotangent(row).ravel()
        if self._problem.target == "jacobian":
            return [(written.output[row], sympy.Integer(1))]
        return [(element, exact(weight)) for element, weight in zip(written.output, weights.tolist(), strict=True)]

    def _closely(self, row: int, column: int, slope: Any, where: str) -> Reading:
        """What the entry is at a point that may be a kink or singular."""
        block = self._block
        value = float(self._problem.point[block.source].reshape(-1)[column])
        if not math.isfinite(value):
            return Reading(_digits(slope)) if _finite(slope) else Reading(reason=f"{block.source} is {value} there")
        unit = exact(abs(value)) if value else sympy.Integer(1)
        seen: dict[tuple[int, int], Side] = {}

        def look(side: int, power: int) -> Side:
            if (side, power) not in seen:
                shift = side * unit * sympy.Float(10, 60) ** -power
                seen[side, power] = self._look(row, column, shift)
            return seen[side, power]

        if slope is sympy.nan and self._has_nan:
            # Off the domain a finite slope is as wrong as any other.
            ours = block.entry(row * block.columns + column)
            return Reading(sympy.nan) if math.isfinite(ours) else Reading(kink=Kink(None, None, NO_VALUE))
        reading = resolve(look, where)
        return reading if reading.value is None else Reading(_digits(reading.value), reading.allowance)

    @functools.cached_property
    def _has_nan(self) -> bool:
        return bool(np.any(np.isnan(self._problem.program.value(self._problem.point))))

    def _look(self, row: int, column: int, shift: Any) -> Side:
        block = self._block
        wanted = {block.source: frozenset([column])}
        if block.first is not None:
            wanted[block.first] = wanted.get(block.first, frozenset()) | {row}
        written = self._write(wanted, {(block.source, column): shift})
        known: dict[int, Mapping[Any, Any]] = {}
        slope = self._slope(written, row, column, known)
        if block.first is not None:
            return Side(sympy.sympify(known[row].get(written.output[0], 0)), slope)
        # Entries that stand still count too, since a step may hand an entry from one place to another.
        weighted = [(element.moves, element.number * weight) for element, weight in self._weights(written, row)]
        return Side(sum((term for moves, term in weighted if moves or _finite(term)), start=sympy.Integer(0)), slope)


def _finite(value: Any) -> bool:
    return bool(value.is_Float or value.is_Rational)


def _digits(value: Any) -> Any:
    """The value to the digits that are reported."""
    return sympy.Float(value, DIGITS) if value.is_Rational or value.is_Float else value
