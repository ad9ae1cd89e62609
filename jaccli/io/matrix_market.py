"""Matrix Market files: `@x.mtx`.

Read here and not by `scipy.io.mmread`, which ends the interpreter on a dense matrix of no rows and fills what a
symmetric dense file leaves out with zeros. The format is that of https://math.nist.gov/MatrixMarket/formats.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jaccli.errors import FileError
from jaccli.io.conversion import Array, Number, array_of, shape_text, shown
from jaccli.runtime.memory import check_size

BANNER = "%%matrixmarket"

_LAYOUTS = ("coordinate", "array")
_FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")
_SYMMETRIES = ("general", "symmetric", "skew-symmetric", "hermitian")
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class _Claim:
    """What the first lines say about the rest; `entries` is the number of those that are stored."""

    layout: str
    field: str
    symmetry: str
    rows: int
    columns: int
    entries: int


def read_matrix_market(text: str, *, exact: bool) -> Array:
    """The dense matrix (rows, columns) of a Matrix Market text; a pattern has ones, entries at one place add up.

    With `exact`, integers do not go through floats, and the result is int64.

    Raises:
        FileError: it is damaged, cut short, or complex.
        LimitError: the dense matrix would not fit into memory.
    """
    lines = text.split("\n")
    body = [line for line in lines[1:] if line.strip() and not line.lstrip().startswith("%")]
    claim = _claim(lines[0].lower().split(), body[0].split() if body else [])
    width = 1 if claim.layout == "array" else 2 if claim.field == "pattern" else 3
    content = " ".join(body[1:])
    tokens = content.split()
    if "_" in content or not content.isascii():  # Python's numbers allow 1_000 and digits of other scripts
        raise FileError(f"has the entry {shown(_first_bad(tokens))}, which is not a number")
    if len(tokens) != width * claim.entries:
        raise FileError(f"needs {width * claim.entries} numbers after its sizes, and has {len(tokens)}")
    check_size((claim.rows, claim.columns), 8, f"its matrix of shape {shape_text((claim.rows, claim.columns))}")
    if claim.layout == "array":
        row, column = _dense_places(claim)
        values = _values(tokens, exact)
    else:
        row, column = (_indices(tokens[axis::width], size) for axis, size in ((0, claim.rows), (1, claim.columns)))
        values = np.ones(claim.entries) if claim.field == "pattern" else _values(tokens[2::3], exact)
    return _filled(claim, row, column, values)


def _claim(banner: list[str], sizes: list[str]) -> _Claim:
    if len(banner) != 5 or banner[0] != BANNER:
        raise FileError("does not begin with a Matrix Market line", hint="write it with scipy.io.mmwrite")
    _, kind, layout, field, symmetry = banner
    if field == "complex":
        raise FileError("holds complex numbers, and only real numbers can be used")
    if kind != "matrix" or layout not in _LAYOUTS or field not in _FIELDS or symmetry not in _SYMMETRIES:
        raise FileError(f"is a Matrix Market file of a kind that cannot be read: {shown(' '.join(banner[1:]))}")
    if len(sizes) != (2 if layout == "array" else 3) or not all(_INTEGER.fullmatch(size) for size in sizes):
        raise FileError("has no line with its sizes, or one that is not understood")
    rows, columns, *stored = map(int, sizes)
    if min(rows, columns, *stored) < 0:
        raise FileError("claims a negative size")
    if symmetry != "general" and rows != columns:
        raise FileError(f"claims to be {symmetry}, and is {rows}x{columns}")
    entries = stored[0] if stored else _dense_entries(symmetry, rows, columns)
    return _Claim(layout, field, symmetry, rows, columns, entries)


def _dense_entries(symmetry: str, rows: int, columns: int) -> int:
    if symmetry == "general":
        return rows * columns
    return rows * (rows - 1) // 2 if symmetry == "skew-symmetric" else rows * (rows + 1) // 2


def _dense_places(claim: _Claim) -> tuple[Array, Array]:
    """The rows and columns of a dense file's numbers: column after column, of a symmetric one the lower part."""
    if claim.symmetry == "general":
        column, row = np.divmod(np.arange(claim.entries), max(claim.rows, 1))
        return row, column
    column, row = np.triu_indices(claim.rows, k=1 if claim.symmetry == "skew-symmetric" else 0)
    return row, column


def _indices(tokens: list[str], size: int) -> Array:
    try:
        indices = np.array(list(map(int, tokens)), dtype=np.int64)
    except (ValueError, OverflowError):
        indices = np.zeros(1, dtype=np.int64)
    if indices.size and not (indices.min() >= 1 and indices.max() <= size):
        wrong = next(token for token in tokens if not _INTEGER.fullmatch(token) or not 1 <= int(token) <= size)
        raise FileError(f"has an entry at {shown(wrong)}, and its rows or columns are 1 to {size}")
    return indices - 1


def _values(tokens: list[str], exact: bool) -> Array:
    reader: Callable[[str], Number] = _exact_number if exact else float
    try:
        return array_of([reader(token) for token in tokens], (len(tokens),), exact=exact)
    except ValueError:
        raise FileError(f"has the entry {shown(_first_bad(tokens))}, which is not a number") from None


def _exact_number(token: str) -> Number:
    return int(token) if token.lstrip("+-").isdecimal() else float(token)


def _first_bad(tokens: list[str]) -> str:
    return next((token for token in tokens if not _NUMBER.fullmatch(token)), max(tokens, key=len))


def _filled(claim: _Claim, row: Array, column: Array, values: Array) -> Array:
    dense = np.zeros((claim.rows, claim.columns), dtype=values.dtype)
    np.add.at(dense, (row, column), values)
    if claim.symmetry != "general":
        mirrored = row != column
        sign = -1 if claim.symmetry == "skew-symmetric" else 1
        np.add.at(dense, (column[mirrored], row[mirrored]), sign * values[mirrored])
    return dense
