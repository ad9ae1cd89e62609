"""Full Jacobians: one pass for every unit cotangent (a row each) or unit tangent (a column each)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.passes import Kind, Passes, nan_source, stacked_map
from jaccli.graph.node import Node, reshape, transpose
from jaccli.runtime.arrays import has_nan
from jaccli.runtime.plan import Plan

Array = NDArray[Any]


def dense_blocks(
    passes: Passes, sources: Sequence[Node], feeds: Sequence[Array], forward: bool, chunk: int | None = None
) -> list[Array]:
    """The Jacobian's block for each source, of shape output + source.

    Where NaNs come out, the passes are run again with the zeros of the unit vectors as structure (an infinite slope
    must not make NaNs of them), and with NaN wherever an operation made one.
    """
    blocks, nan = _blocks(passes, sources, feeds, forward, chunk, masked=False, guarded=False)
    if nan or any(map(has_nan, blocks)):
        blocks.clear()  # a second result would not fit where the first one just did
        blocks, _ = _blocks(passes, sources, feeds, forward, chunk, masked=True, guarded=nan)
    return blocks


def small_plan(inputs: Sequence[Node], output: Node, sources: Sequence[Node], forward: bool) -> Plan | None:
    """The whole Jacobian as one plan, None where it is large.

    The plan takes the inputs and gives an array that is NaN where the output is, and the blocks.
    """
    known: dict[Node, Array] = {}
    blocks: list[Node] = []
    for kind in [Kind("forward", (source,)) for source in sources] if forward else [Kind("reverse", tuple(sources))]:
        count = kind.sources[0].size if forward else output.size
        seeds = functools.partial(_units, kind.sources[0] if forward else output)
        found = stacked_map(output, kind, count, seeds)
        if found is None:
            return None
        known |= found[0]
        for source, product in zip(kind.sources, found[1], strict=True):
            rows = transpose(reshape(product, (count, output.size)), (1, 0)) if forward else product
            blocks.append(reshape(rows, (*output.shape, *source.shape)))
    return Plan([nan_source(output), *blocks], inputs, known, output)


def stacked_products(passes: Passes, sources: Sequence[Node], feeds: Sequence[Array], cotangents: Array) -> list[Array]:
    """vᵀJ for each source and every v of a stack, of shape (stack, *source)."""
    kind = Kind("reverse", tuple(sources))
    run = passes.at(feeds, kind, len(cotangents), None)
    if run.nan:
        run = passes.at(feeds, kind._replace(guarded=True), len(cotangents), None)
    firsts = range(0, max(len(cotangents), 1), run.length)
    return _joined([run(cotangents[first : first + run.length]) for first in firsts])


def _blocks(
    passes: Passes,
    sources: Sequence[Node],
    feeds: Sequence[Array],
    forward: bool,
    chunk: int | None,
    *,
    masked: bool,
    guarded: bool,
) -> tuple[list[Array], bool]:
    output = passes.output
    if not forward:
        stacks, nan = _all(passes, Kind("reverse", tuple(sources), masked, guarded), feeds, output, chunk)
        shapes = [(*output.shape, *source.shape) for source in sources]
        return [stack.reshape(shape) for stack, shape in zip(stacks, shapes, strict=True)], nan
    blocks, nan = [], False
    for source in sources:
        (block,), own_nan = _all(passes, Kind("forward", (source,), masked, guarded), feeds, source, chunk)
        blocks.append(block.reshape((*output.shape, *source.shape)))
        nan = nan or own_nan
    return blocks, nan


def _all(passes: Passes, kind: Kind, feeds: Sequence[Array], node: Node, chunk: int | None) -> tuple[list[Array], bool]:
    """The matrices of the products of all unit vectors of a node, and whether the output has a NaN.

    Every product is a row of a reverse pass, a column of a forward one. Each chunk is put into its place as it
    arrives, so that no more than one is held beside the result.
    """
    forward = kind.direction == "forward"
    widths = [passes.output.size] if forward else [source.size for source in kind.sources]
    shapes = [(width, node.size) if forward else (node.size, width) for width in widths]
    if not passes.reaches(kind):
        return [np.zeros(shape, passes.output.dtype) for shape in shapes], passes.is_nan(feeds)
    found: list[Array] = []

    def take(first: int, products: list[Array]) -> None:
        stacks = [product.reshape(len(product), width) for product, width in zip(products, widths, strict=True)]
        if not forward and len(stacks[0]) == node.size:
            found.extend(stacks)
            return
        if not found:
            found.extend(np.empty(shape, stack.dtype) for shape, stack in zip(shapes, stacks, strict=True))
        for whole, stack in zip(found, stacks, strict=True):
            (whole.T if forward else whole)[first : first + len(stack)] = stack

    nan = passes.run(feeds, kind, node.size, functools.partial(_units, node), take, chunk)
    if not found:
        return [np.empty(shape, passes.output.dtype) for shape in shapes], nan
    return found, nan


def _joined(pieces: Sequence[Sequence[Array]]) -> list[Array]:
    if len(pieces) == 1:
        return list(pieces[0])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _units(node: Node, first: int, last: int) -> Array:
    """Unit vectors of a node, number first to last - 1."""
    units = np.zeros((last - first, node.size), node.dtype)
    units[np.arange(last - first), np.arange(first, last)] = 1.0
    return units
