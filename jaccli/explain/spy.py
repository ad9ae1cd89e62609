"""A pattern as a picture in characters, down-sampled to the space there is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]
Glyphs = Literal["braille", "ascii"]

_LEAST_SAMPLES = 16
_WIDEST_BY_ENTRY = 32
_TALLEST_BY_ENTRY = 16
# The dots of a braille character by row and column, as bits of its code point after U+2800.
_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_ASCII = np.array([" ", "'", ".", ":"])


def sampled(pattern: sparse.csr_array, most_rows: int, most_columns: int) -> Array:
    """How many entries fall on each cell of a grid of at most that size, (height, width).

    Both axes are shrunk by one factor, so that a diagonal stays a diagonal; an axis that is short beside the other
    keeps more of its own resolution.
    """
    rows, columns = pattern.shape
    factor = max(1.0, rows / most_rows, columns / most_columns)
    height = _samples(rows, factor, most_rows)
    width = _samples(columns, factor, most_columns)
    if height == 0 or width == 0:
        return np.zeros((height, width), np.int64)
    line = np.repeat(np.arange(rows, dtype=np.int64), np.diff(pattern.indptr)) * height // rows
    place = pattern.indices.astype(np.int64) * width // columns
    return np.bincount(line * width + place, minlength=height * width).reshape(height, width)


def _samples(size: int, factor: float, most: int) -> int:
    return min(size, most, max(round(size / factor), _LEAST_SAMPLES))


def picture(pattern: sparse.csr_array, width: int, height: int, glyphs: Glyphs) -> list[str]:
    """The lines of a framed picture of at most width × height characters.

    A small matrix has a character an entry; of a larger one a character of braille shows 4 × 2 cells, one of ASCII
    2 × 1, and a cell stands for several entries where the matrix does not fit.
    """
    inner_width, inner_height = max(width - 2, 1), max(height - 2, 1)
    rows, columns = pattern.shape
    if rows <= min(_TALLEST_BY_ENTRY, inner_height) and columns <= min(_WIDEST_BY_ENTRY, (inner_width + 1) // 2):
        return _framed(_by_entry(pattern, glyphs), glyphs)
    if glyphs == "braille":
        return _framed(_braille(sampled(pattern, 4 * inner_height, 2 * inner_width) > 0), glyphs)
    return _framed(_ascii(sampled(pattern, 2 * inner_height, inner_width) > 0), glyphs)


def _by_entry(pattern: sparse.csr_array, glyphs: Glyphs) -> list[str]:
    full, empty = ("●", "·") if glyphs == "braille" else ("*", ".")
    return [" ".join(full if entry else empty for entry in row) for row in pattern.toarray()]


def _braille(cells: Array) -> list[str]:
    blocks = _blocks(cells, 4, 2)
    codes = 0x2800 + (blocks * _BRAILLE_BITS[None, :, None, :]).sum((1, 3))
    return ["".join(map(chr, row)) for row in codes.tolist()]


def _ascii(cells: Array) -> list[str]:
    blocks = _blocks(cells, 2, 1)[..., 0]
    return ["".join(row) for row in _ASCII[blocks[:, 0] + 2 * blocks[:, 1]].tolist()]


def _blocks(cells: Array, tall: int, wide: int) -> Array:
    """The cells grouped for characters, (lines, tall, characters, wide), filled up with empty ones."""
    height, width = cells.shape
    lines, characters = -(-height // tall), -(-width // wide)
    grid = np.zeros((lines * tall, characters * wide), np.int64)
    grid[:height, :width] = cells
    return grid.reshape(lines, tall, characters, wide)


def _framed(lines: list[str], glyphs: Glyphs) -> list[str]:
    corners, across, down = ("┌┐└┘", "─", "│") if glyphs == "braille" else ("++++", "-", "|")
    width = max(map(len, lines), default=0)
    inside = [f"{down}{line}{down}" for line in lines]
    return [f"{corners[0]}{across * width}{corners[1]}", *inside, f"{corners[2]}{across * width}{corners[3]}"]
