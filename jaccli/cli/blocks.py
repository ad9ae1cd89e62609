"""The arrays of an answer with their titles, and what their rows and columns stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jaccli.io.report import Axis, Block, Shape

if TYPE_CHECKING:
    from jaccli.io.report import Array, Entries


def single(array: Array, title: str) -> list[Block]:
    """An answer that is one array."""
    return [Block((), array, title)]


def by_input(arrays: Mapping[str, Array], title: str) -> list[Block]:
    """An answer of one array an input; `title` has a place `{}` for its name."""
    return [Block((name,), array, title.format(name)) for name, array in arrays.items()]


def jacobians(arrays: Mapping[str, Entries], output_shape: Shape, point: Mapping[str, Array]) -> list[Block]:
    """Jacobians by input: rows are entries of the output, columns entries of the input."""
    output = output_name(tuple(point))
    rows = Axis(output, output_shape)
    return [
        Block((name,), entries, f"∂{output}/∂{name}", rows, Axis(name, point[name].shape))
        for name, entries in arrays.items()
    ]


def hessians(arrays: Mapping[str, Mapping[str, Entries]], point: Mapping[str, Array]) -> list[Block]:
    """Blocks of a Hessian by two inputs: rows are entries of the first, columns of the second."""
    output = output_name(tuple(point))
    return [
        Block(
            (first, second),
            entries,
            f"∂²{output}/∂{first}²" if first == second else f"∂²{output}/∂{first}∂{second}",
            Axis(first, point[first].shape),
            Axis(second, point[second].shape),
        )
        for first, row in arrays.items()
        for second, entries in row.items()
    ]


def output_name(inputs: Sequence[str]) -> str:
    """What the output is called in titles and labels: `y`, unless an input is."""
    return next((name for name in ("y", "f", "out") if name not in inputs), "f()")
