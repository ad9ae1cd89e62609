"""How a loop walks through the entries of arrays that repeat along different axes: axes merged, then cut into blocks.

A layout says, axis by axis, where an operand's entries lie: the place of the axis in the order of its memory, or None
where the operand repeats. Neighbouring axes merge where every operand goes through them as through one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaccli.graph.node import Shape, size_of

Layout = tuple[int | None, ...]


def plain(ndim: int) -> Layout:
    """The layout of an array whose entries lie in order."""
    return tuple(range(ndim))


def repeated(shape: Shape, whole: Shape) -> Layout:
    """The layout of an array in order that is broadcast to the shape `whole`."""
    padded = (1,) * (len(whole) - len(shape)) + shape
    return tuple(
        None if length != full else axis for axis, (length, full) in enumerate(zip(padded, whole, strict=True))
    )


def merged(shape: Shape, layouts: Sequence[Layout]) -> list[tuple[int, ...]]:
    """The axes in groups that every operand goes through as through one. Axes of length 1 belong to no group."""
    groups: list[tuple[int, ...]] = []
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        if groups and all(_follows(shape, layout, groups[-1][-1], axis) for layout in layouts):
            groups[-1] = (*groups[-1], axis)
        else:
            groups.append((axis,))
    return groups


def _follows(shape: Shape, layout: Layout, before: int, after: int) -> bool:
    first, second = layout[before], layout[after]
    if first is None or second is None:
        return first is second
    between = [axis for axis, place in enumerate(layout) if place is not None and first < place < second]
    return first < second and all(shape[axis] == 1 for axis in between)


def lengths(shape: Shape, groups: Sequence[tuple[int, ...]], layout: Layout | None = None) -> Shape:
    """The lengths of the merged axes, at least one; 1 where an operand of that layout repeats."""
    found = tuple(
        1 if layout is not None and layout[group[0]] is None else size_of(shape[axis] for axis in group)
        for group in groups
    )
    return found or (1,)


class Blocks(NamedTuple):
    """The pieces of an array: one entry of each axis before `axis`, a run along it, all of those behind.

    Attributes:
        shape: of the array, its axes merged.
        axis: the one that is cut.
        run: entries of it in a block; the last one may be shorter.
        along: how many blocks follow each other along it.
        number: of all blocks.
    """

    shape: Shape
    axis: int
    run: int
    along: int
    number: int

    @property
    def entries(self) -> int:
        """The entries of a full block."""
        return self.run * size_of(self.shape[self.axis + 1 :])

    @property
    def full(self) -> Shape:
        """The shape of a full block."""
        return (self.run, *self.shape[self.axis + 1 :])

    def place(self, which: int) -> tuple[tuple[int, ...], int, int]:
        """Of a block: its entry of every axis before the one that is cut, and from where to where that one goes."""
        outer, along = divmod(which, self.along)
        before = []
        for length in self.shape[: self.axis][::-1]:
            outer, entry = divmod(outer, length)
            before.append(entry)
        start = along * self.run
        return tuple(before[::-1]), start, min(start + self.run, self.shape[self.axis])


def cut(shape: Shape, most: int) -> Blocks:
    """Blocks of about `most` entries, an even number of them where there are several, so that two threads share them
    fairly. They depend on the shape alone, and so does the order of a sum."""
    behind = [*itertools.accumulate(shape[:0:-1], lambda a, b: a * b, initial=1)][::-1]
    axis = next(axis for axis, size in enumerate(behind) if size <= most)
    wanted = -(-shape[axis] * behind[axis] // most)
    if axis == 0 and wanted > 1:
        wanted += wanted % 2
    run = max(1, -(-shape[axis] // max(1, wanted)))
    along = -(-shape[axis] // run)
    return Blocks(shape, axis, run, along, along * size_of(shape[:axis]))


def piece(array: Any, before: tuple[int, ...], start: int, stop: int) -> Any:
    """A block of an operand, which has length 1 along the axes where it repeats."""
    if array.ndim == 1:
        return array if array.shape[0] == 1 else array[start:stop]
    axis = len(before)
    entries = tuple(entry if length != 1 else 0 for entry, length in zip(before, array.shape, strict=False))
    return array[(*entries, slice(start, stop) if array.shape[axis] != 1 else slice(None))]
