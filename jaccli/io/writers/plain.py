"""Numbers and nothing else, separated by spaces, for `read`, `awk` and back into `@-`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaccli.io.numbers import texts

if TYPE_CHECKING:
    from jaccli.io.report import Array, Block


def text(blocks: Sequence[Block], precision: int | None) -> str:
    """A number a line for scalars and vectors, a line a row for matrices.

    With several arrays each has a `# name` line before it; an array of more axes has a `# [i,:,:]` line before
    each of its matrices; a sparse matrix is `row column value` lines.
    """
    lines: list[str] = []
    for block in blocks:
        if len(blocks) > 1:
            lines.append(f"# {block.name}")
        lines += _sparse_lines(block, precision) if block.is_sparse else _lines(block.dense(), precision)
    return "".join(f"{line}\n" for line in lines)


def _lines(array: Array, precision: int | None) -> list[str]:
    if array.ndim <= 1:
        return texts(array, precision)
    if array.ndim == 2:
        width = array.shape[1]
        cells = texts(array, precision)
        return [" ".join(cells[start : start + width]) for start in range(0, array.size, width or 1)]
    result = []
    for index in np.ndindex(array.shape[:-2]):
        result += [f"# [{','.join(map(str, index))},:,:]", *_lines(array[index], precision)]
    return result


def _sparse_lines(block: Block, precision: int | None) -> list[str]:
    rows, columns, data = block.coordinates()
    cells = texts(data, precision)
    places = zip(rows.tolist(), columns.tolist(), cells, strict=True)
    return [f"{row} {column} {cell}" for row, column, cell in places]
