"""Steps and choices decided at a point, so that what remains of an expression is smooth.

abs(x) is x or -x, max(a, b) is a or b, floor(x) is a whole number: at a point one of them holds, and near it too,
unless the point lies on the edge between them.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

STEPS = (
    sympy.Abs,
    sympy.sign,
    sympy.floor,
    sympy.ceiling,
    sympy.Max,
    sympy.Min,
    sympy.Heaviside,
    sympy.Piecewise,
    Relational,
    BooleanFunction,
)

_UNORDERED = (sympy.nan, sympy.zoo)

Known = Mapping[Any, Any]


def settled(expression: Any, known: Known, ties: list[Any]) -> Any:
    """The expression with every step and choice replaced by what it is for these values of its symbols.

    What stands exactly on the edge between two choices is added to `ties`.
    """
    if not expression.has(*STEPS):
        return expression
    if isinstance(expression, sympy.Piecewise):
        return _piece(expression, known, ties)
    args = [settled(argument, known, ties) for argument in expression.args]
    match expression:
        case sympy.Abs():
            return args[0] * _sign(args[0], known, ties)
        case sympy.sign():
            return _sign(args[0], known, ties)
        case sympy.Max() | sympy.Min():
            return _extreme(args, known, ties, largest=isinstance(expression, sympy.Max))
        case sympy.Heaviside():
            return (_sign(args[0], known, ties) + 1) / 2
        case Relational():
            return _compared(expression, [filled(argument, known) for argument in args], ties)
        case sympy.floor() | sympy.ceiling():
            value = filled(args[0], known)
            step = expression.func(value)
            if step == value:
                ties.append(expression)
            return step
        case _:
            return expression.func(*args)


def filled(expression: Any, known: Known) -> Any:
    """The expression with numbers for its symbols.

    Sums and products of numbers are computed by their operators, which takes a tenth of the time that building them
    as expressions does.
    """
    if expression in known:
        return known[expression]
    if not expression.args:
        return expression
    args = [filled(argument, known) for argument in expression.args]
    if expression.is_Add:
        return functools.reduce(operator.add, args)
    if expression.is_Mul:
        return functools.reduce(operator.mul, args)
    return expression.func(*args)


def _piece(expression: Any, known: Known, ties: list[Any]) -> Any:
    for value, condition in expression.args:
        if filled(settled(condition, known, ties), known) == sympy.true:
            return settled(value, known, ties)
    return sympy.nan


def _extreme(args: list[Any], known: Known, ties: list[Any], *, largest: bool) -> Any:
    values = [filled(argument, known) for argument in args]
    if any(value in _UNORDERED for value in values):
        return sympy.nan
    best = 0
    for position, value in enumerate(values):
        if (value > values[best]) == sympy.true if largest else (value < values[best]) == sympy.true:
            best = position
    if values.count(values[best]) > 1:
        ties.append(args[best])
    return args[best]


def _sign(argument: Any, known: Known, ties: list[Any]) -> Any:
    value = filled(argument, known)
    if value in _UNORDERED:
        return sympy.nan
    if value == 0:
        ties.append(argument)
    return sympy.sign(value)


def _compared(expression: Any, values: list[Any], ties: list[Any]) -> Any:
    """A comparison of numbers, with NaN unequal to everything and in no order."""
    if any(value in _UNORDERED for value in values):
        return sympy.true if isinstance(expression, sympy.Ne) else sympy.false
    if values[0] == values[1]:
        ties.append(expression)
    return expression.func(*values)
