"""Arithmetic of values: of arrays by the graph's operations, of Python numbers by Python's own."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.complex import Complex, combine
from jaccli.formula.values import Context, Pair, Value, describe, stack, to_float
from jaccli.graph.node import Node, Scalar, apply, broadcast_to, cast, constant, scalar_value


def binary(context: Context, name: str, a: Value, b: Value) -> Value:
    """An element-wise operation of two values; of two Python numbers, by Python's own arithmetic."""
    if isinstance(a, Complex) or isinstance(b, Complex):
        return combine(name, as_complex(context, a), as_complex(context, b))
    if not _are_arrays(a, b):
        return _static_binary(name, a, b)
    if name == "multiply":
        _refuse_repetition(a, b)
    left, right = operands(context, a, b)
    if name == "power" and left.primitive.name == "norm" and scalar_value(right) == 2:
        # The square of a norm is smooth at 0, where the norm alone has a kink.
        return apply("sum", apply("power", left.args[0], right), **left.params)
    if name == "divide" or (name == "power" and not _is_whole_power(left, right)):
        left, right = context.floats(left), context.floats(right)
    if name in ("add", "subtract", "multiply", "negative") and left.dtype == right.dtype == "bool":
        left, right = cast(left, "int64"), cast(right, "int64")
    return apply(name, left, right)


def _is_whole_power(base: Node, exponent: Node) -> bool:
    """Whether a power of integers is an integer: the exponent is one whole number, 0 or more."""
    fixed = scalar_value(exponent)
    return not base.is_float and exponent.dtype == "int64" and fixed is not None and fixed >= 0


def _refuse_repetition(a: Value, b: Value) -> None:
    """`[x]*3` repeats a list in Python, and would multiply an array here: it must be said which."""
    for one, other in ((a, b), (b, a)):
        repeats = isinstance(one, tuple) or (isinstance(one, list) and any(isinstance(item, Node) for item in one))
        if repeats and isinstance(other, int):
            kind = type(one).__name__
            raise FormulaError(
                f"a {kind} times a number repeats the {kind} in Python, and {kind}s are arrays here",
                hint="for the product write array([…])*3, for the repetition write the entries out or tile",
            )


def as_complex(context: Context, value: Value) -> Complex:
    """The value as a complex array, a list of such stacked."""
    if isinstance(value, Complex):
        return value
    if isinstance(value, (list, tuple)) and any(isinstance(item, Complex) for item in value):
        pieces = [as_complex(context, item) for item in value]
        return Complex(stack([piece.real for piece in pieces], 0), stack([piece.imag for piece in pieces], 0))
    real = context.floats(value)
    return Complex(real, broadcast_to(constant(0.0, real.dtype), real.shape), is_tame=True)


def operands(context: Context, a: Value, b: Value) -> tuple[Node, Node]:
    """Two values as nodes of one dtype; a Python number takes the dtype of the array beside it."""
    left = _beside(context, a, b)
    right = _beside(context, b, a)
    if left.is_float != right.is_float:
        left, right = context.floats(left), context.floats(right)
    return left, right


def _beside(context: Context, value: Value, other: Value) -> Node:
    if isinstance(value, (int, float)) and isinstance(other, Node) and other.is_float:
        return constant(to_float(value), other.dtype)
    return context.array(value)


def _are_arrays(*values: Value) -> bool:
    return any(isinstance(value, (Node, Pair, list, tuple)) for value in values)


def _static_binary(name: str, a: Value, b: Value) -> Scalar:
    for value in (a, b):
        if not isinstance(value, (bool, int, float)):
            raise FormulaError(f"{describe(value)} cannot be used in arithmetic")
    try:
        if name == "power":
            return _static_power(a, b)
        result: Scalar = _STATIC[name](a, b)
    except ZeroDivisionError:
        return _by_zero(name, a)
    except OverflowError:
        result = _STATIC[name](to_float(a), to_float(b))
    if isinstance(result, int) and result.bit_length() > 4096:
        return to_float(result)
    return result


_STATIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "fmod": lambda a, b: math.fmod(a, b) if b and math.isfinite(a) else math.nan,
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
}


def _by_zero(name: str, a: Scalar) -> float:
    if name == "remainder" or a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a)


def _static_power(base: Scalar, exponent: Scalar) -> Scalar:
    """base**exponent; a whole number that would grow beyond 64 bits becomes a float at once."""
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent >= 0
    if whole and (abs(base) <= 1 or exponent * int(abs(base)).bit_length() <= 64):
        power: int = int(base) ** int(exponent)
        return power
    x, y = to_float(base), to_float(exponent)
    if x < 0 and math.isfinite(y) and y != math.floor(y):
        return math.nan
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan


def negative(context: Context, value: Value) -> Value:
    """The opposite of a value."""
    if isinstance(value, (bool, int, float)):
        return -value
    if isinstance(value, Complex):
        return value.each(lambda part: apply("negative", part))
    node = context.array(value)
    return apply("negative", cast(node, "int64") if node.dtype == "bool" else node)
