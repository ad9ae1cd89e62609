"""From the numbers that were read to the arrays that the engine takes."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import ValueSpecError
from jaccli.runtime.memory import MOST_AXES

Array = NDArray[Any]
Number = int | float

_INT64 = np.iinfo(np.int64)
_LONGEST_SHOWN = 60


class Kind(enum.Enum):
    """What a value is made into."""

    OWN = enum.auto()  # integers and booleans stay what they are
    INTEGER = enum.auto()  # int:
    FLOAT = enum.auto()  # float:


def convert(array: Array, kind: Kind, dtype: str) -> Array:
    """An array of real numbers as floats of `dtype`, as int64, or as booleans, in C order and with the same shape.

    Raises:
        ValueSpecError: `kind` is INTEGER and an element is not whole, or an integer does not fit into int64.
    """
    family = array.dtype.kind
    if kind is Kind.INTEGER or (kind is Kind.OWN and family in "iu"):
        return _as_int64(array)
    if kind is Kind.OWN and family == "b":
        return np.asarray(array, order="C")
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(array, dtype=dtype, order="C")


def _as_int64(array: Array) -> Array:
    if array.dtype.kind == "f":
        wide = array.astype(np.promote_types(array.dtype, np.float64), copy=False)
        fits = (np.floor(wide) == wide) & (wide >= -(2.0**63)) & (wide < 2.0**63)
    elif array.dtype == np.uint64:
        fits = array <= np.uint64(_INT64.max)
    else:
        return np.asarray(array, dtype=np.int64, order="C")
    if not fits.all():
        first = int(np.argmin(fits))
        raise _not_an_integer(array.flat[first].item(), first, array.shape)
    return np.asarray(array, dtype=np.int64, order="C")


def array_of(items: Sequence[Number], shape: tuple[int, ...], *, exact: bool) -> Array:
    """Numbers in C order as an array: float64, or with `exact` int64 without a way through floats.

    Raises:
        ValueSpecError: `exact`, and a number is not whole or needs more than 64 bits.
    """
    if exact:
        whole = [_whole(item, position, shape) for position, item in enumerate(items)]
        return np.array(whole, dtype=np.int64).reshape(shape)
    try:
        return np.array(items, dtype=np.float64).reshape(shape)
    except OverflowError:
        raise ValueSpecError("holds an integer that is too large for a float") from None


def _whole(item: Number, position: int, shape: tuple[int, ...]) -> int:
    if (isinstance(item, int) or item.is_integer()) and _INT64.min <= item <= _INT64.max:
        return int(item)
    raise _not_an_integer(item, position, shape)


def _not_an_integer(item: object, position: int, shape: tuple[int, ...]) -> ValueSpecError:
    where = f"{place(position, shape) if shape else 'this'} is {shown(str(item))[1:-1]}"
    if isinstance(item, int) or (isinstance(item, float) and item.is_integer()):
        return ValueSpecError(f"integers have at most 64 bits with sign, and {where}")
    return ValueSpecError(f"integers are wanted, and {where}", hint="leave 'int:' out for floating-point numbers")


def flatten(nested: object) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of nested lists and their elements in C order; anything but a list is an element.

    It goes level by level, so that nothing recurses.

    Raises:
        ValueSpecError: the lists are ragged, or nested more than 64 deep.
    """
    shape: tuple[int, ...] = ()
    items: list[Any] = [nested]
    while items and isinstance(items[0], list):
        if len(shape) == MOST_AXES:
            raise ValueSpecError(f"lists can be nested {MOST_AXES} deep, not deeper")
        size = len(items[0])
        for position, item in enumerate(items):
            if not isinstance(item, list) or len(item) != size:
                raise _ragged(item, items[0], position, shape)
        items = list(itertools.chain.from_iterable(items))
        shape = (*shape, size)
    if list in set(map(type, items)):
        position = next(i for i, item in enumerate(items) if isinstance(item, list))
        raise _ragged(items[position], items[0], position, shape)
    return shape, items


def _ragged(item: object, first: object, position: int, shape: tuple[int, ...]) -> ValueSpecError:
    here, there = place(position, shape), place(0, shape)
    return ValueSpecError(
        f"the list is ragged: {here} is {_list_described(item)}, and {there} is {_list_described(first)}",
        hint="every row needs the same number of elements",
    )


def _list_described(item: object) -> str:
    if not isinstance(item, list):
        return "a number"
    return f"a list of {len(item)}"


_WORDS = {"nan": float("nan"), "infinity": float("inf"), "inf": float("inf")}
_WORDS |= {"-infinity": float("-inf"), "-inf": float("-inf")}


def nested_array(data: object, *, exact: bool = False) -> Array:
    """Nested lists of numbers (from JSON or TOML) as a float64 array, or with `exact` as an int64 array.

    Booleans are 0 and 1, and the strings "NaN", "Infinity" and "-Infinity" are the numbers of that name.

    Raises:
        ValueSpecError: the lists are ragged, too deep, or hold something that is not a number.
    """
    shape, items = flatten(data)
    if set(map(type, items)) <= {int, float}:
        return array_of(items, shape, exact=exact)
    numbers = [_number(item, position, shape) for position, item in enumerate(items)]
    return array_of(numbers, shape, exact=exact)


def _number(item: object, position: int, shape: tuple[int, ...]) -> Number:
    if isinstance(item, (int, float)):
        return int(item) if isinstance(item, bool) else item
    if isinstance(item, str) and item.lower() in _WORDS:
        return _WORDS[item.lower()]
    where = f" at {place(position, shape)}" if shape else ""
    if item is None:
        raise ValueSpecError(f"there is a null{where}, where a number is wanted", hint='a missing number is "NaN"')
    what = f"the text {shown(item)}" if isinstance(item, str) else f"a value of another kind ({type(item).__name__})"
    raise ValueSpecError(f"there is {what}{where}, where a number is wanted")


def place(position: int, shape: tuple[int, ...]) -> str:
    """The index of an element as a user writes it: `[1,2]` for position 5 of a 2x3 array."""
    index = np.unravel_index(position, shape) if shape else ()
    return "[" + ",".join(str(int(axis)) for axis in index) + "]"


def described(dtype: np.dtype[Any]) -> str:
    """What the elements of a dtype are, in words."""
    words = {"c": "complex numbers", "S": "text", "U": "text", "M": "dates", "m": "time spans", "O": "Python objects"}
    if dtype.names is not None:
        return f"records with the fields {', '.join(dtype.names[:8])}"
    return words.get(dtype.kind, f"elements of type {dtype}")


def shown(text: str) -> str:
    """A piece of the user's text in quotes, short, and without control characters."""
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return "'" + "".join(char if char.isprintable() else repr(char)[1:-1] for char in short) + "'"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as the value language writes it: `2x3`, and `()` for a scalar."""
    return "x".join(map(str, shape)) if shape else "()"
