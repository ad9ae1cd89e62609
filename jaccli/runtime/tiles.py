"""Element-wise regions: many operations in one loop over tiles that stay in the cache.

One operation at a time, an array of ten million numbers goes to memory and back for each of them. A region instead
takes a tile of every array it reads, runs all its operations on scratch buffers of that size, and writes only what is
needed outside. Tiles are shared among threads, because NumPy releases the interpreter's lock; which tile is summed
where does not depend on their number, so neither do the results. The tiles are large, for threads wait for each other
at the lock before every operation.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.graph.node import Shape
from jaccli.runtime.blocks import Blocks, piece
from jaccli.runtime.region import WORTH_A_THREAD, Region, Sum
from jaccli.threads import share, threads

Array = NDArray[Any]


def run_region(region: Region, loaded: Sequence[Array]) -> tuple[list[Array], list[Any]]:
    """The stores and the sums, for the loads' arrays."""
    results = [np.empty(node.shape, node.dtype) for node in region.stores]
    outer = [_operand(array, shape) for array, (_, shape) in zip(loaded, region.loads, strict=True)]
    outer += [result.reshape(region.blocks.shape) for result in results]
    totals = [_total(one, region) for one in region.sums]
    count = region.blocks.number
    workers = min(threads(), count, max(1, region.work // WORTH_A_THREAD))
    bounds = [count * worker // workers for worker in range(workers + 1)]
    share([functools.partial(_run_tiles, region, outer, totals, *pair) for pair in itertools.pairwise(bounds)])
    return results, [_finished(one, total, region) for one, total in zip(region.sums, totals, strict=True)]


def _operand(array: Array, shape: Shape) -> Any:
    array = np.asarray(array)
    return array.reshape(shape) if shape else array.reshape(())[()]


def _total(one: Sum, region: Region) -> Any:
    """Where the sums of the tiles go: their places in the result, or a list of parts."""
    return [None] * region.blocks.number if one.in_parts else np.empty(one.shape, one.node.dtype)


def _finished(one: Sum, total: Any, region: Region) -> Array:
    """The sum of all parts, in the order of the tiles."""
    if not one.in_parts:
        found: Array = total
    elif region.blocks.axis == 0:
        add = np.logical_or if one.node.dtype == "bool" else np.add
        found = add.reduce(np.stack(total), axis=0)
    else:
        found = np.zeros(one.shape, one.node.dtype)
        for number, part in enumerate(total):
            target = piece(found, *region.blocks.place(number))
            target += part
    return found.reshape(one.node.shape)


def _run_tiles(region: Region, outer: Sequence[Any], totals: Sequence[Any], first: int, last: int) -> None:
    blocks, operations, sums = region.blocks, region.operations, region.sums
    buffers = [np.empty(blocks.full, dtype) for dtype in region.scratch]
    views_of = _moving(outer, blocks)
    with np.errstate(all="ignore"):
        for number in range(first, last):
            before, start, stop = blocks.place(number)
            views = views_of(before, start, stop)
            registers = buffers if stop - start == blocks.run else [buffer[: stop - start] for buffer in buffers]
            for run, reads, writes in operations:
                run(
                    *[registers[r] if r >= 0 else views[~r] for r in writes],
                    *[registers[r] if r >= 0 else views[~r] for r in reads],
                )
            for one, total in zip(sums, totals, strict=True):
                part = one.run(registers[one.place] if one.place >= 0 else views[~one.place])
                if one.in_parts:
                    total[number] = part
                else:
                    piece(total, before, start, stop)[...] = part


def _moving(outer: Sequence[Any], blocks: Blocks) -> Callable[[tuple[int, ...], int, int], list[Any]]:
    """The operands' parts in a block, as a function of its place; those that are the same in all blocks stay."""
    if blocks.axis:
        return lambda before, start, stop: [
            piece(a, before, start, stop) if isinstance(a, np.ndarray) else a for a in outer
        ]
    length = blocks.shape[0]
    views = list(outer)
    moving = [(at, a) for at, a in enumerate(outer) if isinstance(a, np.ndarray) and len(a) == length != blocks.run]

    def along(before: tuple[int, ...], start: int, stop: int) -> list[Any]:
        for at, array in moving:
            views[at] = array[start:stop]
        return views

    return along
