"""Numbers as text: exact where a program reads them, aligned and rounded where a person does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jaccli.io.report import Array

# Whole numbers are shown with all their digits up to here, and no column is wider than the digits of a
# double plus a few zeros; beyond that it turns to powers of ten.
_WHOLE_LIMIT = 1e12
_WIDEST_FIXED = 17


def exact(array: Array) -> list[str]:
    """The entries of an array, in C order, in the fewest digits that read back exactly."""
    if array.dtype == np.float32:
        return [str(entry) for entry in array.ravel()]
    return [_exact_scalar(entry) for entry in array.ravel().tolist()]


def rounded(array: Array, digits: int) -> list[str]:
    """The entries of an array, in C order, each to so many significant digits."""
    if array.dtype.kind != "f":
        return exact(array)
    return [f"{entry:.{digits}g}" for entry in array.ravel().tolist()]


def texts(array: Array, digits: int | None) -> list[str]:
    """The entries rounded if digits are given, else exact."""
    return exact(array) if digits is None else rounded(array, digits)


Cell = float | int | bool | str | None

STRUCTURAL_ZERO = "·"


def column(values: Sequence[Cell], digits: int) -> list[str]:
    """The numbers of one table column, aligned at the decimal point and of equal width.

    Args:
        values: the numbers; None stands for a gap, a text for itself.
        digits: significant digits of the entry that needs most.

    An exact zero, of either sign, is `0`, so that it can be told from what rounds to zero.
    """
    bodies = _bodies(values, digits)
    if not bodies:
        return []
    left = max(len(whole) for whole, _ in bodies)
    right = max(len(rest) for _, rest in bodies)
    return [whole.rjust(left) + rest.ljust(right) for whole, rest in bodies]


def _exact_scalar(entry: float | int | bool) -> str:
    if isinstance(entry, bool):
        return "true" if entry else "false"
    return repr(entry)


def _bodies(values: Sequence[Cell], digits: int) -> list[tuple[str, str]]:
    """Each number as what stands before the decimal point and the rest."""
    # Of many entries most are often alike.
    floats = dict.fromkeys(value for value in values if isinstance(value, float))
    finite = [value for value in floats if math.isfinite(value) and value != 0]
    is_whole = all(value == int(value) and abs(value) < _WHOLE_LIMIT for value in finite)
    parts = [] if is_whole else [_parts(value, digits) for value in finite]
    decimals = 0 if is_whole else _decimals(parts, digits)
    exponent_width, mantissa = (0, 0) if decimals is not None else _scientific(parts)

    def body(value: Cell) -> tuple[str, str]:
        if value is None:
            return "…", ""
        if isinstance(value, str):
            return value, ""
        if not isinstance(value, float) or value == 0 or not math.isfinite(value):
            return _short(value), ""
        if decimals is not None:
            return _split(f"{value:.{decimals}f}")
        return _split(_power_of_ten(value, mantissa, exponent_width))

    if len(floats) == len(values):
        return list(map(body, values))
    known = {value: body(value) for value in floats}
    return [known[value] if value in known else body(value) for value in values]


def _short(value: float | int | bool) -> str:
    if isinstance(value, float) and value == 0:
        return "0"
    return _exact_scalar(value)


def _split(text: str) -> tuple[str, str]:
    whole, point, rest = text.partition(".")
    return (whole, point + rest) if point else (text, "")


def _decimals(parts: Sequence[tuple[str, int]], digits: int) -> int | None:
    """How many decimals show every number to so many digits, without trailing zeros; None if too many."""
    decimals = max(0, *(len(mantissa) - 1 - exponent for mantissa, exponent in parts))
    largest = max(exponent for _, exponent in parts)
    if largest >= max(digits, 6) or max(largest, 0) + decimals >= _WIDEST_FIXED or decimals > digits + 4:
        return None
    return decimals


def _scientific(parts: Sequence[tuple[str, int]]) -> tuple[int, int]:
    """Width of the exponents and digits after the point that a column in powers of ten needs."""
    return max(len(str(abs(exponent))) for _, exponent in parts), max(len(mantissa) for mantissa, _ in parts) - 1


def _parts(value: float, digits: int) -> tuple[str, int]:
    """The significant digits without trailing zeros, and the power of ten of the first one."""
    mantissa, _, exponent = f"{abs(value):.{digits - 1}e}".partition("e")
    return mantissa.replace(".", "").rstrip("0") or "0", int(exponent)


def _power_of_ten(value: float, mantissa: int, exponent_width: int) -> str:
    body, _, exponent = f"{value:.{mantissa}e}".partition("e")
    power = int(exponent)
    return f"{body}e{'-' if power < 0 else '+'}{abs(power):0{max(exponent_width, 2)}d}"


def plain_value(entry: Any) -> float | int | bool:
    """A NumPy scalar as the Python number of the same value."""
    number: float | int | bool = entry.item()
    return number
