"""The symbolic witness: the formula written out entry by entry, differentiated by SymPy, with 50 digits."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
import sympy

from jaccli.runtime.plan import evaluate
from jaccli.verify.clock import finishes
from jaccli.verify.elements import DIGITS, WORKING_DIGITS, Element, NotWrittenError, adjoints, exact, tangents
from jaccli.verify.judging import NO_VALUE, Kink, Reading, judge
from jaccli.verify.kinks import named, touched
from jaccli.verify.limits import Side, resolve
from jaccli.verify.problem import Block, Problem, drawn_positions
from jaccli.verify.report import Row, uncompared
from jaccli.verify.writing import Writer, Written

SECONDS = 10.0
_LEAST = 0.5
OVERFLOW = "the value overflows floats here, and its slope does with it"


def symbolic(problem: Problem, seconds: float = SECONDS) -> list[Row]:
    """One row for each block. Stops when the time is over, and says so."""
    end = time.monotonic() + seconds
    script = _Script(problem, {block: drawn_positions(problem, block) for block in problem.blocks})
    return [_row(script, block, max(end - time.monotonic(), _LEAST), seconds) for block in problem.blocks]


def _row(script: _Script, block: Block, left: float, seconds: float) -> Row:
    readings: dict[int, Reading] = {}

    def read() -> None:
        for position, reading in script.readings(block):
            readings[position] = reading

    try:
        stopped = "" if finishes(read, left) else f"it took longer than {seconds:g} s"
    except NotWrittenError as reason:
        stopped = str(reason)
    found = dict(readings)
    if stopped and not found:
        return uncompared("symbolic", block.label, stopped)
    note = (
        f"{len(found):,} of {block.ours.size:,} entries: {stopped}" if stopped else script.problem.drawn(block, found)
    )
    return judge("symbolic", block, found, note)


class _Slopes:
    """Derivatives of a formula that was written out once. State: the sweeps made so far, by what they serve."""

    def __init__(self, problem: Problem, written: Written) -> None:
        self._problem = problem
        self._written = written
        self._adjoints: dict[int, dict[Element, Any]] = {}
        self._tangents: dict[Element, dict[Element, Any]] = {}

    def value(self, block: Block, row: int) -> Any:
        """What the entry is the slope of: the weighted sum of the outputs, or an entry of the gradient."""
        if block.first is not None:
            return self._first(0, block.first, row)
        # Entries that stand still count too, since a step may hand an entry from one place to another.
        weighted = [(element.moves, element.number * weight) for element, weight in self._weights(row)]
        return sum((term for moves, term in weighted if moves or _finite(term)), start=sympy.Integer(0))

    def slope(self, block: Block, row: int, column: int) -> Any:
        """The derivative of one entry."""
        if block.first is None:
            return self._first(row, block.source, column)
        return self._second((block.first, row), (block.source, column))

    def _first(self, row: int, name: str, position: int) -> Any:
        variable = self._written.variables.get((name, position))
        return sympy.Add(self._adjoint(row).get(variable, sympy.Integer(0))) if variable else sympy.Integer(0)

    def _second(self, first: tuple[str, int], second: tuple[str, int]) -> Any:
        """Σ adjoint · second derivative · tangent · tangent over all operations: the chain rule, taken twice."""
        variables = [self._written.variables.get(place) for place in (first, second)]
        if variables[0] is None or variables[1] is None:
            return sympy.Integer(0)
        left, right = self._tangent(variables[0]), self._tangent(variables[1])
        total = sympy.Integer(0)
        for element, weight in self._adjoint(0).items():
            if element.operation is None or element not in left or element not in right or weight == 0:
                continue
            for a, b, bend in element.curvatures():
                if a in left and b in right:
                    total += weight * bend * left[a] * right[b]
        return total

    def _adjoint(self, row: int) -> dict[Element, Any]:
        if row not in self._adjoints:
            self._adjoints[row] = adjoints(self._weights(row, moving=True))
        return self._adjoints[row]

    def _tangent(self, variable: Element) -> dict[Element, Any]:
        if variable not in self._tangents:
            self._tangents[variable] = tangents(self._written.output, variable)
        return self._tangents[variable]

    def _weights(self, row: int, *, moving: bool = False) -> list[tuple[Element, Any]]:
        """The outputs with their weights, all or those that move: exact numbers of many others would take long."""
        output = self._written.output
        if self._problem.target == "jacobian":
            return [(output[row], sympy.Integer(1))]
        weights = self._problem.cotangent.ravel().tolist()
        pairs = zip(output, weights, strict=True)
        return [(element, exact(weight)) for element, weight in pairs if element.moves or not moving]


class _Script:
    """Reads the entries of all blocks from one formula written out. State: what was written so far."""

    def __init__(self, problem: Problem, positions: Mapping[Block, Sequence[int]]) -> None:
        self.problem = problem
        self._positions = positions
        self._graph = problem.program.smooth
        self._values: dict[Block, Any] = {}

    def readings(self, block: Block) -> Iterator[tuple[int, Reading]]:
        """The readings of a block's entries, one after the other."""
        places = touched(self._graph, self.problem.feeds, self.problem.program.inputs[block.source])
        for position in self._positions[block]:
            row, column = divmod(position, block.columns)
            slope = self._slopes.slope(block, row, column)
            if not places and _finite(slope) and math.isfinite(block.entry(position)):
                yield position, Reading(_digits(slope))
            elif _finite(slope) and not math.isfinite(block.entry(position)) and self._overflows(block, row):
                yield position, Reading(reason=OVERFLOW)
            else:
                yield position, self._closely(block, row, column, slope, named(places))

    @functools.cached_property
    def _slopes(self) -> _Slopes:
        wanted: dict[str, set[int]] = {}
        for block, positions in self._positions.items():
            for position in positions:
                row, column = divmod(position, block.columns)
                wanted.setdefault(block.source, set()).add(column)
                if block.first is not None:
                    wanted.setdefault(block.first, set()).add(row)
        return self._written(wanted, {})

    def _written(self, wanted: Mapping[str, Set[int]], shifts: Mapping[tuple[str, int], Any]) -> _Slopes:
        return _Slopes(self.problem, Writer(self.problem.point, wanted, shifts).write(self._graph))

    def _closely(self, block: Block, row: int, column: int, slope: Any, where: str) -> Reading:
        """What the entry is at a point that may be a kink or singular."""
        value = float(self.problem.point[block.source].reshape(-1)[column])
        if not math.isfinite(value):
            return Reading(_digits(slope)) if _finite(slope) else Reading(reason=f"{block.source} is {value} there")
        unit = exact(abs(value)) if value else sympy.Integer(1)
        seen: dict[tuple[int, int], Side] = {}

        def look(side: int, power: int) -> Side:
            if (side, power) not in seen:
                shift = side * unit * sympy.Float(10, WORKING_DIGITS) ** -power
                seen[side, power] = self._look(block, row, column, shift)
            return seen[side, power]

        if slope is sympy.nan and self._has_nan and look(0, 0).value is sympy.nan:
            # Off the domain a finite slope is as wrong as any other.
            ours = block.entry(row * block.columns + column)
            return Reading(sympy.nan) if math.isfinite(ours) else Reading(kink=Kink(None, None, NO_VALUE))
        reading = resolve(look, where)
        return reading if reading.value is None else Reading(_digits(reading.value), reading.allowance, where=where)

    def _overflows(self, block: Block, row: int) -> bool:
        """Whether the formula has a value that floats cannot compute, and so no slope to hold ours against."""
        if block not in self._values:
            self._values[block] = evaluate([block.function], self.problem.feeds)[0]
        lost = ~np.isfinite(self._values[block]) & (block.cotangent(row) != 0)
        return bool(np.any(lost)) and _finite(self._slopes.value(block, row))

    @functools.cached_property
    def _has_nan(self) -> bool:
        return bool(np.any(np.isnan(self.problem.program.value(self.problem.point))))

    def _look(self, block: Block, row: int, column: int, shift: Any) -> Side:
        wanted = {block.source: {column}}
        if block.first is not None:
            wanted.setdefault(block.first, set()).add(row)
        slopes = self._written(wanted, {(block.source, column): shift})
        return Side(slopes.value(block, row), slopes.slope(block, row, column))


def _finite(value: Any) -> bool:
    return bool(value.is_Float or value.is_Rational)


def _digits(value: Any) -> Any:
    """The value to the digits that are reported."""
    return sympy.Float(value, DIGITS) if value.is_Rational or value.is_Float else value
