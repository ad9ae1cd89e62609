"""In which order a plan computes its nodes, and which of them go into one loop."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Sequence
from types import EllipsisType
from typing import Any, NamedTuple

from jaccli.graph.node import Node, Shape, broadcast_shapes
from jaccli.graph.primitive import Kernel, Prepared, Ufunc
from jaccli.graph.primitives.shaping import numpy_slices
from jaccli.runtime.region import WORTH_A_THREAD, Outline, Region, build_region, outline

SMALLEST_REGION = 1 << 16  # below, the arrays stay in the cache by themselves
_SMALLEST_PAIR = 1 << 12  # sines and cosines from which computing both at once is worth a region of their own
_FEWER_CALLS = 1 << 10  # entries up to which a kernel takes longer to call than to run
# Between single numbers these take a tenth of the time that NumPy's functions take, with the same results.
_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
}
Reads = Callable[[Node], Sequence[Node]]


class Step(NamedTuple):
    """One node: its operation, the slots that it reads and writes, and those that nobody reads after it."""

    function: Callable[..., Any]
    reads: tuple[int, ...]
    writes: int
    frees: tuple[int, ...]


class RegionStep(NamedTuple):
    """A region: the slots of its loads, and where its stores and sums go."""

    region: Region
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    frees: tuple[int, ...]


class Schedule:
    """The steps that compute some nodes, by level, nodes on their own before the regions of a level.

    Within a region a level stays the same; every other step goes up by one. So what a level reads is computed on lower
    levels, or inside the same region.

    Args:
        work: the nodes, each after those it reads.
        outputs: nodes whose arrays are wanted in the end.
        slots: the places of all nodes' arrays.
        fed: nodes whose arrays are given.
        reads: the nodes whose arrays an operation is given.
    """

    def __init__(
        self, work: Sequence[Node], outputs: Collection[Node], slots: dict[Node, int], fed: set[Node], reads: Reads
    ) -> None:
        self._outputs = outputs
        self._slots = slots
        self._reads = reads
        self._source = functools.partial(_source, fed=fed)
        self._joining = {node for node in work if is_large(node)} | _pairs(work)
        self._readers: dict[Node, list[Node]] = {}
        for node in work:
            for argument in set(reads(node)):
                self._readers.setdefault(argument, []).append(node)
        self.steps: list[Step | RegionStep] = (
            self._by_level(work) if self._joining else [self._step(node) for node in work]
        )

    def _by_level(self, work: Sequence[Node]) -> list[Step | RegionStep]:
        levels = self._levels(work)
        together: dict[tuple[int, Shape], list[Node]] = {}
        for node in work:
            if node in self._joining:
                together.setdefault((levels[node], node.shape), []).append(node)
        regions: dict[int, list[Step | RegionStep]] = {}
        taken = set(self._joining)
        for (level, _), nodes in together.items():
            region, sums = self._region(nodes)
            taken.update(sums)
            regions.setdefault(level, []).append(region)
        alone: dict[int, list[Step | RegionStep]] = {}
        for node in work:
            if node not in taken:
                alone.setdefault(levels[node], []).append(self._step(node))
        return [
            step
            for level in range(max(levels.values()) + 1)
            for step in (*alone.get(level, ()), *regions.get(level, ()))
        ]

    def _levels(self, work: Sequence[Node]) -> dict[Node, int]:
        levels: dict[Node, int] = {}
        for node in work:
            joins = node in self._joining
            below = [
                levels[a] + (0 if joins and a in self._joining and a.shape == node.shape else 1)
                for a in self._reads(node)
                if a in levels
            ]
            levels[node] = max(below, default=0)
        return levels

    def _region(self, nodes: list[Node]) -> tuple[Step | RegionStep, Collection[Node]]:
        """A loop, or a step where it would hold one operation that no thread helps with; and the sums it takes."""
        sums = [reader for node in nodes for reader in self._readers.get(node, ()) if reader.primitive.name == "sum"]
        about = outline(nodes, sums, self._source)
        region = build_region(about, self._needed(about), self._source)
        if len(nodes) == 1 and not about.sums and region.work < 2 * WORTH_A_THREAD:
            (node,) = nodes
            if broadcast_shapes([argument.shape for argument in self._reads(node)]) == node.shape:
                return self._step(node), ()
        reads = tuple(self._slots[node] for node, _ in region.loads)
        writes = tuple(self._slots[node] for node in (*region.stores, *about.sums))
        return RegionStep(region, reads, writes, ()), about.sums

    def _needed(self, about: Outline) -> set[Node]:
        """The nodes of a region whose arrays are read outside of it."""
        inside = {*about.nodes, *about.sums}
        return {
            node
            for node in about.nodes
            if node in self._outputs or any(reader not in inside for reader in self._readers.get(node, ()))
        }

    def _step(self, node: Node) -> Step:
        function, arguments = operation(node, self._reads(node))
        return Step(function, tuple(self._slots[argument] for argument in arguments), self._slots[node], ())


def is_large(node: Node) -> bool:
    """Whether a node always becomes part of a region."""
    return node.primitive.elementwise and node.size >= SMALLEST_REGION


def _pairs(work: Sequence[Node]) -> set[Node]:
    """Sines and cosines of the same numbers."""
    turns = {
        (node.primitive.name, node.args[0]): node
        for node in work
        if node.primitive.name in ("sin", "cos") and node.dtype == "float64" and node.size >= _SMALLEST_PAIR
    }
    return {node for (name, of), node in turns.items() if ("cos" if name == "sin" else "sin", of) in turns}


def reads_of(node: Node, fed: set[Node], varying: Collection[Node]) -> tuple[Node, ...]:
    """The nodes whose values an operation is given: NumPy and the loops repeat entries by themselves, so broadcasts are
    left out, unless they are fed.

    Args:
        varying: nodes that are not computed once and for all; only they become part of loops.
    """
    if not node.primitive.elementwise:
        part = node.args[0] if _index_of(node) is not None else None
        return node.args if part is None or part in fed else part.args
    if is_large(node) and node in varying:
        return tuple(_source(argument, fed) for argument in node.args)
    args = list(node.args)
    for place, argument in enumerate(args):
        source = _source(argument, fed)
        if source is not argument:
            shapes = [*(a.shape for a in args[:place]), source.shape, *(a.shape for a in args[place + 1 :])]
            if broadcast_shapes(shapes) == node.shape:
                args[place] = source
    return tuple(args)


def _source(node: Node, fed: set[Node]) -> Node:
    """What a node repeats, where it is a broadcast that nobody feeds: a loop reads that."""
    while node.primitive.name == "broadcast_to" and node not in fed:
        node = node.args[0]
    return node


def _index_of(node: Node) -> tuple[int | slice | EllipsisType, ...] | None:
    """The index that gives a node at once, where it is a slice without its axes of length 1: `b[2]`, one row."""
    if node.primitive.name != "reshape" or node.args[0].primitive.name != "slice":
        return None
    bounds = node.args[0].params["bounds"]
    if node.shape != tuple(count for _, count, _ in bounds if count != 1):
        return None
    slices = zip(bounds, numpy_slices(bounds), strict=True)
    return (*(bound[0] if bound[1] == 1 else taken for bound, taken in slices), ...)


def operation(node: Node, reads: Sequence[Node]) -> tuple[Callable[..., Any], Sequence[Node]]:
    """The node's operation as a function of arrays alone, and the nodes, of those that it reads, whose arrays these
    are."""
    numeric = node.primitive.numeric
    if node.ndim == 0 and node.is_float and node.primitive.name in _OF_NUMBERS:
        return _OF_NUMBERS[node.primitive.name], reads
    if reads and reads[0] is not node.args[0] and (index := _index_of(node)) is not None:
        return operator.itemgetter(index), reads
    if isinstance(numeric, Prepared):
        return numeric.prepare(node), reads[: numeric.taken(node)]
    if isinstance(numeric, Kernel) and numeric.few is not None and node.size <= _FEWER_CALLS:
        return numeric.few(), reads
    function = numeric.function if isinstance(numeric, Ufunc) else numeric
    return functools.partial(function, **node.params) if node.params else function, reads
