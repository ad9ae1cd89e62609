"""Steps and choices decided at a point, so that what remains of an expression is smooth.

abs(x) is x or -x, max(a, b) is a or b, floor(x) is a whole number: at a point one of them holds, and near it too,
unless the point is a kink. Kinks are found from the derivatives on both sides, not here.
"""

from __future__ import annotations

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


def settled(expression: Any, known: Mapping[Any, Any]) -> Any:
    """The expression with every step and choice replaced by what it is for these values of its symbols."""
    if not expression.has(*STEPS):
        return expression
    if isinstance(expression, sympy.Piecewise):
        return _piece(expression, known)
    args = [settled(argument, known) for argument in expression.args]
    match expression:
        case sympy.Abs():
            return args[0] * _sign(args[0], known)
        case sympy.sign():
            return _sign(args[0], known)
        case sympy.Max() | sympy.Min():
            return _extreme(args, known, largest=isinstance(expression, sympy.Max))
        case sympy.Heaviside():
            return (_sign(args[0], known) + 1) / 2
        case Relational():
            return _compared(expression, [argument.xreplace(known) for argument in args])
        case sympy.floor() | sympy.ceiling():
            return expression.func(args[0].xreplace(known))
        case _:
            return expression.func(*args)


def _piece(expression: Any, known: Mapping[Any, Any]) -> Any:
    for value, condition in expression.args:
        if settled(condition, known).xreplace(known) == sympy.true:
            return settled(value, known)
    return sympy.nan


def _extreme(args: list[Any], known: Mapping[Any, Any], *, largest: bool) -> Any:
    values = [argument.xreplace(known) for argument in args]
    if any(value in _UNORDERED for value in values):
        return sympy.nan
    best = 0
    for position, value in enumerate(values):
        if (value > values[best]) == sympy.true if largest else (value < values[best]) == sympy.true:
            best = position
    return args[best]


def _sign(argument: Any, known: Mapping[Any, Any]) -> Any:
    value = argument.xreplace(known)
    return sympy.nan if value in _UNORDERED else sympy.sign(value)


def _compared(expression: Any, values: list[Any]) -> Any:
    """A comparison of numbers, with NaN unequal to everything and in no order."""
    if any(value in _UNORDERED for value in values):
        return sympy.true if isinstance(expression, sympy.Ne) else sympy.false
    return expression.func(*values)
