"""Jacobians of formulas whose entries depend on one entry, each, of what they repeat: one pass for all of them.

In `b[0]*(1 - exp(-b[1]*x))` every operation is element-wise, and `b[0]` and `b[1]` are repeated over the entries of x.
Were each entry given a copy of its own, the derivatives for the copies would be one reverse pass with a cotangent of
ones, because no entry reads the copy of another; and they are the entries of the Jacobian. Forward mode would take a
pass for every entry of b, reverse mode one for every entry of the output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.passes import nan_mark
from jaccli.autodiff.reverse import pullback
from jaccli.graph.node import Node, apply, broadcast_to, dependents, filled, input_node, topological
from jaccli.graph.rewriting import replaced
from jaccli.runtime.arrays import has_nan
from jaccli.runtime.plan import Plan, evaluate
from jaccli.runtime.quiet import quietly

Array = NDArray[Any]

_MOVES = frozenset({"reshape", "transpose", "slice", "broadcast_to"})


class _Column(NamedTuple):
    """Where a slope belongs: in which block, and in which column, one for all rows or one for each."""

    block: int
    place: int | Array


class _Block:
    """How a block of shape output + source is put together from slopes of the output's shape.

    Args:
        columns: for each slope of this block its number and its column, one for all rows or one for each row.
    """

    def __init__(self, output: Node, source: Node, columns: Sequence[tuple[int, int | Array]]) -> None:
        self._shape = (*output.shape, *source.shape)
        self._dtype = source.dtype
        self._size = output.size * source.size
        self._by_row = (*output.shape, source.size)
        self._columns_first = (output.ndim, *range(output.ndim))
        self._whole = [(number, place) for number, place in columns if isinstance(place, int)]
        self._scattered = [(number, place) for number, place in columns if not isinstance(place, int)]
        self._is_filled = not self._scattered and len(self._whole) == source.size

    def made(self, slopes: Sequence[Array]) -> Array | None:
        """The block, None where it has a NaN."""
        flat = np.empty(self._size, self._dtype) if self._is_filled else np.zeros(self._size, self._dtype)
        columns = flat.reshape(self._by_row).transpose(self._columns_first)
        for number, place in self._whole:
            columns[place] = slopes[number]
        for number, places in self._scattered:
            flat.reshape(len(places), -1)[np.arange(len(places)), places] += slopes[number].reshape(-1)
        return None if has_nan(flat) else flat.reshape(self._shape)


class PointwiseJacobian:
    """The blocks of a Jacobian, of shape output + source, by one pass.

    Args:
        inputs: all inputs of the graph.
        output: what is differentiated.
        sources: for which inputs.
        slopes: the derivatives, of the output's shape, and where each belongs.

    Attributes:
        weight: how many numbers it keeps.
        bytes: that the blocks take.
    """

    def __init__(
        self, inputs: Sequence[Node], output: Node, sources: Sequence[Node], slopes: Sequence[tuple[Node, _Column]]
    ) -> None:
        self._plan = Plan([*(slope for slope, _ in slopes), nan_mark(output)], inputs, written=output)
        self.weight = sum(column.place.size for _, column in slopes if not isinstance(column.place, int))
        self.bytes = sum(output.size * source.size * np.dtype(source.dtype).itemsize for source in sources)
        columns = [(column.block, (number, column.place)) for number, (_, column) in enumerate(slopes)]
        self._blocks = [
            _Block(output, source, [column for block, column in columns if block == own])
            for own, source in enumerate(sources)
        ]

    def blocks(self, feeds: Sequence[Array]) -> list[Array] | None:
        """The blocks at a point; None where the output or a derivative is NaN there."""
        slopes, nan = self._plan.marked(feeds)
        if nan:
            return None
        return quietly(self._made, slopes) if self.weight else self._made(slopes)  # only what is scattered is added

    def _made(self, slopes: Sequence[Array]) -> list[Array] | None:
        blocks: list[Array] = []
        for block in self._blocks:
            made = block.made(slopes)
            if made is None:
                return None
            blocks.append(made)
        return blocks


def pointwise_jacobian(inputs: Sequence[Node], output: Node, sources: Sequence[Node]) -> PointwiseJacobian | None:
    """The Jacobian by one pass; None where an entry of the output depends on several entries of something."""
    active = dependents([output], sources)
    stretch, leaves = _stretch(output, active, sources)
    if any(_moved(leaf, sources) is None for leaf in leaves):
        return None
    columns = {leaf: _columns(leaf, sources, output) for leaf in leaves}
    by_column: dict[tuple[int, bytes | int], tuple[Node, _Column]] = {}
    for leaf, slope in _slopes(output, stretch, leaves).items():
        column = columns[leaf]
        key = column.block, column.place if isinstance(column.place, int) else column.place.tobytes()
        earlier = by_column.get(key)
        by_column[key] = (slope if earlier is None else apply("add", earlier[0], slope), column)
    return PointwiseJacobian(inputs, output, sources, list(by_column.values()))


def _stretch(output: Node, active: set[Node], sources: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The active nodes that are computed entry by entry from the output down, and those that they read."""
    inside: dict[Node, None] = {}
    leaves: dict[Node, None] = {}
    pending = [output] if output in active else []
    while pending:
        node = pending.pop()
        if node in inside or node in leaves:
            continue
        moving = [
            argument
            for place, argument in enumerate(node.args)
            if argument in active and argument.is_float and node.primitive.differentiates(place)
        ]
        if _is_entry_by_entry(node, sources):
            inside[node] = None
            pending += moving
        elif moving or node in sources:
            leaves[node] = None
    return list(inside), list(leaves)


def _is_entry_by_entry(node: Node, sources: Sequence[Node]) -> bool:
    if node.primitive.name == "broadcast_to":
        return _moved(node, sources) is None
    return (node.primitive.elementwise or node.primitive.name == "cast") and node.primitive.varied is None


def _moved(node: Node, sources: Sequence[Node]) -> Node | None:
    """The source whose entries a node holds, moved or repeated; None where it computes something."""
    while node not in sources:
        if node.primitive.name not in _MOVES:
            return None
        (node,) = node.args
    return node


def _columns(leaf: Node, sources: Sequence[Node], output: Node) -> _Column:
    """Which entry of a source each entry of the output finds in a leaf."""
    source = _moved(leaf, sources)
    assert source is not None
    (places,) = evaluate([leaf], {source: np.arange(source.size).reshape(source.shape)})
    block = list(sources).index(source)
    if (places == places.flat[0]).all():
        return _Column(block, int(places.flat[0]))
    return _Column(block, np.broadcast_to(places, output.shape).reshape(-1).astype(np.intp))


def _slopes(output: Node, stretch: Sequence[Node], leaves: Sequence[Node]) -> Mapping[Node, Node]:
    """For each leaf the derivatives of the output entries for the entry of the leaf that each reads."""
    copies = {leaf: input_node(f"copies, {place}", output.shape, leaf.dtype) for place, leaf in enumerate(leaves)}
    spread: dict[Node, Node] = dict(copies)
    inside = set(stretch)
    for node in topological([output], stop=leaves):
        if node in inside:
            args = [spread.get(argument, argument) for argument in node.args]
            spread[node] = args[0] if node.primitive.name == "broadcast_to" else node.primitive(*args, **node.params)
    found = pullback(
        spread.get(output, output), filled(output.shape, 1.0, output.dtype), [copies[leaf] for leaf in leaves]
    )
    original = {copy: broadcast_to(node, output.shape) for node, copy in spread.items()}
    return {leaf: replaced(slope, original) for leaf, slope in zip(leaves, found, strict=True)}
