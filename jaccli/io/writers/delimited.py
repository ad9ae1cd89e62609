"""CSV and TSV, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from jaccli.io.numbers import texts
from jaccli.io.report import Block


def text(blocks: Sequence[Block], delimiter: str, precision: int | None) -> str:
    """One dense array of at most two axes as it is: a line a row, a vector as one column.

    Everything else as a line an entry: the name of the array, the index along each axis, and the value, under
    a line of headings. Of a sparse matrix these are the stored entries.
    """
    if len(blocks) == 1 and not blocks[0].is_sparse and len(blocks[0].shape) <= 2:
        array = blocks[0].dense()
        matrix = array if array.ndim == 2 else array.reshape(-1, 1)
        cells = texts(matrix, precision)
        width = matrix.shape[1]
        rows = (cells[start : start + width] for start in range(0, matrix.size, width or 1))
        return "".join(delimiter.join(row) + "\n" for row in rows)
    return _lines(_entries(blocks, precision), delimiter)


def _entries(blocks: Sequence[Block], precision: int | None) -> Iterable[Sequence[str]]:
    axes = max(len(block.shape) for block in blocks)
    names = max(len(block.path) for block in blocks)
    yield [*("input", "with")[:names], *(f"axis{axis}" for axis in range(axes)), "value"]
    for block in blocks:
        path = [*block.path, *[""] * (names - len(block.path))]
        if block.is_sparse:
            rows, columns, data = block.coordinates()
            places: Iterable[Sequence[int]] = zip(rows.tolist(), columns.tolist(), strict=True)
            cells = texts(data, precision)
        else:
            places = np.ndindex(block.shape)
            cells = texts(block.dense(), precision)
        for place, cell in zip(places, cells, strict=True):
            yield [*path, *map(str, place), *[""] * (axes - len(place)), cell]


def _lines(rows: Iterable[Sequence[str]], delimiter: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
