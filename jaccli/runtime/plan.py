"""From a graph to numbers: the order of work, what is computed once, and when a buffer is let go.

A plan is made once for a set of outputs and run as often as wanted. Nodes that depend on no input are computed at the
first run and kept; every other result is dropped after its last use. Large element-wise stretches run as regions
(`jaccli.runtime.tiles`), all other nodes one after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import LimitError
from jaccli.graph.node import Node, broadcast_shapes, dependents, topological
from jaccli.graph.primitive import Kernel, Prepared, Ufunc
from jaccli.runtime.footprint import fits_in_any_case, footprint, refuse_too_large
from jaccli.runtime.heap import keep_freed_memory
from jaccli.runtime.memory import exhausted
from jaccli.runtime.region import Outline, Region, Source, build_region, outline
from jaccli.runtime.tiles import run_region

Array = NDArray[Any]

SMALLEST_REGION = 1 << 12
SMALLEST_SHARED = 1 << 16
LARGEST_LOOP = 1 << 33
_FEWER_CALLS = 1 << 10  # entries up to which a kernel takes longer to call than to run
_FEW = 1 << 13  # entries in all arrays of a plan that any heap holds
_SMALL = 1 << 16  # entries in all arrays of a plan that need not be let go of one by one
_Reads = Callable[[Node], Sequence[Node]]


class _Step(NamedTuple):
    """One node: its operation, the slots that it reads and writes, and those that nobody reads after it."""

    function: Callable[..., Any]
    reads: tuple[int, ...]
    writes: int
    frees: tuple[int, ...]


class _PlainStep(NamedTuple):
    """A step whose one or two arguments are spelled out: on small arrays, unpacking takes as long as the work."""

    function: Callable[..., Any]
    first: int
    second: int | None
    more: tuple[int, ...]
    writes: int


class _RegionStep(NamedTuple):
    """A region: the slots of its loads, and where its stores and sums go."""

    region: Region
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    frees: tuple[int, ...]


class Plan:
    """How to compute some nodes from the values of others.

    Args:
        known: values of nodes that are the same in every run; what depends on them alone is computed once.

    Attributes:
        outputs: the nodes that a run returns, in order.
        feeds: the nodes whose values a run is given, in order: inputs, or nodes computed before.
    """

    def __init__(
        self, outputs: Sequence[Node], feeds: Sequence[Node], known: Mapping[Node, Array] | None = None
    ) -> None:
        self.outputs = tuple(outputs)
        self.feeds = tuple(feeds)
        self._known = dict(known or {})
        given = (*self.feeds, *self._known)
        fed = set(given)
        self._reads: _Reads = functools.cache(lambda node: _reads(node, fed))
        reads = self._reads
        order = topological(self.outputs, given, reads)
        slots = {node: slot for slot, node in enumerate(order)}
        for feed in self.feeds:
            slots.setdefault(feed, len(slots))
        self._size = len(slots)
        self._feed_slots = [slots[feed] for feed in self.feeds]
        self._output_slots = [slots[output] for output in self.outputs]
        varying = dependents(self.outputs, self.feeds)
        fixed = [node for node in order if node not in varying and node not in self.feeds]
        self._constants = [(slots[node], node) for node in fixed]
        self._start: list[Any] | None = None
        self._nodes = order
        work = [node for node in order if node in varying and node not in fed]
        keep = set(self._output_slots) | {slot for slot, _ in self._constants}
        self._steps = _with_frees(_schedule(work, set(self.outputs), slots, fed, reads), keep)
        entries = sum(node.size for node in order)
        if entries > _FEW:
            keep_freed_memory()
        self._plain = None if entries > _SMALL else _without_frees(self._steps)

    @np.errstate(all="ignore")  # as a decorator it takes half as long as around the statements
    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs' values for these values of the feeds. Infinities and NaNs are results, not warnings."""
        if self._start is None:
            self._refuse_too_large()
            self._start = self._with_constants()
        slots = self._start.copy()
        for slot, value in zip(self._feed_slots, values, strict=True):
            slots[slot] = value
        if self._plain is not None:
            for function, first, second, more, writes in self._plain:
                if more:
                    slots[writes] = function(*[slots[i] for i in more])
                elif second is None:
                    slots[writes] = function(slots[first])
                else:
                    slots[writes] = function(slots[first], slots[second])
        else:
            self._run_steps(slots)
        return [np.asarray(slots[slot]) for slot in self._output_slots]

    def _run_steps(self, slots: list[Any]) -> None:
        try:
            for step in self._steps:
                if type(step) is _Step:
                    slots[step.writes] = step.function(*[slots[i] for i in step.reads])
                else:
                    _run_region_step(step, slots)
                for i in step.frees:
                    slots[i] = None
        except MemoryError as error:
            raise exhausted("an intermediate result") from error

    def _refuse_too_large(self) -> None:
        """Raises a `LimitError` before anything is allocated, where the arrays of a run would not fit."""
        if fits_in_any_case(self._nodes):
            return
        fed = {*self.feeds, *self._known}
        at = {slot: node for slot, node in enumerate(self._nodes) if node not in fed}  # slots follow the order
        steps: list[tuple[list[Node], list[Node]]] = [([node for _, node in self._constants if node not in fed], [])]
        for step in self._steps:
            if isinstance(step, _RegionStep) and step.region.size > LARGEST_LOOP:
                raise LimitError(
                    f"a loop over {step.region.size:,} entries, of which none is kept; the limit is {LARGEST_LOOP:,}",
                    hint="give smaller inputs, or less at once",
                )
            writes = (step.writes,) if isinstance(step, _Step) else step.writes
            steps.append(([at[slot] for slot in writes], [at[slot] for slot in step.frees if slot in at]))
        refuse_too_large(footprint(steps, self.outputs))

    def _with_constants(self) -> list[Any]:
        """The slots before a run: those of needed constants filled."""
        slots: list[Any] = [None] * self._size
        by_node: dict[Node, Any] = {}
        needed = {i for step in self._steps for i in step.reads} | set(self._output_slots)
        for slot, node in self._constants:
            by_node[node] = self._constant_value(node, by_node) if node not in self._known else self._known[node].view()
            if isinstance(by_node[node], np.ndarray):
                by_node[node].flags.writeable = False
            if slot in needed:
                slots[slot] = by_node[node]
        return slots

    def _constant_value(self, node: Node, known: dict[Node, Any]) -> Any:
        if node.primitive.name == "constant":
            return np.frombuffer(node.params["data"], np.dtype(node.dtype).newbyteorder("<")).reshape(node.shape)
        return _operation(node)(*[known[argument] for argument in self._reads(node)])


def _run_region_step(step: Any, slots: list[Any]) -> None:
    results, sums = run_region(step.region, [slots[i] for i in step.reads])
    for slot, value in zip(step.writes, (*results, *sums), strict=True):
        slots[slot] = value


def _reads(node: Node, fed: set[Node]) -> tuple[Node, ...]:
    """The nodes whose values an operation is given: NumPy and the loops repeat entries by themselves, so broadcasts are
    left out, unless they are fed."""
    if not node.primitive.elementwise:
        return node.args
    if _joins(node):
        return tuple(_source(argument, fed) for argument in node.args)
    args = list(node.args)
    for place, argument in enumerate(args):
        source = _source(argument, fed)
        if source is not argument:
            shapes = [*(a.shape for a in args[:place]), source.shape, *(a.shape for a in args[place + 1 :])]
            if broadcast_shapes(shapes) == node.shape:
                args[place] = source
    return tuple(args)


def _schedule(
    work: list[Node], outputs: set[Node], slots: dict[Node, int], fed: set[Node], reads: _Reads
) -> list[_Step | _RegionStep]:
    """The steps in an order that works: by level, nodes on their own before the regions of a level.

    Within a region a level stays the same; every other step goes up by one. So what a level reads is computed on lower
    levels, or inside the same region.
    """
    if not any(map(_joins, work)):
        return [_step(node, slots, reads) for node in work]
    levels = _levels(work, reads)
    alone: dict[int, list[Node]] = {}
    together: dict[tuple[int, tuple[int, ...]], list[Node]] = {}
    for node in work:
        if _joins(node):
            together.setdefault((levels[node], node.shape), []).append(node)
        else:
            alone.setdefault(levels[node], []).append(node)
    sums: dict[Node, list[Node]] = {}
    for node in work:
        if node.primitive.name == "sum" and _joins(node.args[0]):
            sums.setdefault(node.args[0], []).append(node)
    readers = _readers(work, reads)
    source = functools.partial(_source, fed=fed)
    regions: dict[int, list[_Step | _RegionStep]] = {}
    taken: set[Node] = set()
    for (level, _), nodes in together.items():
        if (
            len(nodes) == 1
            and nodes[0].size < SMALLEST_SHARED
            and nodes[0] not in sums
            and _runs_alone(nodes[0], reads)
        ):
            regions.setdefault(level, []).append(_step(nodes[0], slots, reads))
            continue
        about = outline(nodes, [one for node in nodes for one in sums.get(node, ())], source)
        taken.update(about.sums)
        regions.setdefault(level, []).append(_region_step(about, readers, outputs, slots, source))
    steps: list[_Step | _RegionStep] = []
    for level in range(max(levels.values()) + 1):
        steps += [_step(node, slots, reads) for node in alone.get(level, []) if node not in taken]
        steps += regions.get(level, [])
    return steps


def _levels(work: list[Node], reads: _Reads) -> dict[Node, int]:
    levels: dict[Node, int] = {}
    for node in work:
        joins = _joins(node)
        below = [
            levels[a] + (0 if joins and _joins(a) and a.shape == node.shape else 1) for a in reads(node) if a in levels
        ]
        levels[node] = max(below, default=0)
    return levels


def _readers(work: list[Node], reads: _Reads) -> dict[Node, list[Node]]:
    """The nodes that read a node."""
    readers: dict[Node, list[Node]] = {}
    for node in work:
        for argument in set(reads(node)):
            readers.setdefault(argument, []).append(node)
    return readers


def _joins(node: Node) -> bool:
    """Whether a node can be part of a region: element-wise and large."""
    return node.primitive.elementwise and node.size >= SMALLEST_REGION


def _runs_alone(node: Node, reads: _Reads) -> bool:
    """Whether what a node reads has its shape without any broadcast."""
    return broadcast_shapes([argument.shape for argument in reads(node)]) == node.shape


def _source(node: Node, fed: set[Node]) -> Node:
    """What a node repeats, where it is a broadcast that nobody feeds: a loop reads that."""
    while node.primitive.name == "broadcast_to" and node not in fed:
        node = node.args[0]
    return node


def _region_step(
    about: Outline, readers: dict[Node, list[Node]], outputs: set[Node], slots: dict[Node, int], source: Source
) -> _RegionStep:
    inside = {*about.nodes, *about.sums}
    needed = {
        node for node in about.nodes if node in outputs or any(reader not in inside for reader in readers.get(node, ()))
    }
    region = build_region(about, needed, source)
    writes = tuple(slots[node] for node in (*region.stores, *about.sums))
    return _RegionStep(region, tuple(slots[node] for node, _ in region.loads), writes, ())


def _step(node: Node, slots: dict[Node, int], reads: _Reads) -> _Step:
    places = tuple(slots[argument] for argument in reads(node))
    return _Step(_operation(node), places, slots[node], ())


def _operation(node: Node) -> Callable[..., Any]:
    """The node's operation as a function of arrays alone."""
    numeric = node.primitive.numeric
    if isinstance(numeric, Prepared):
        return numeric.prepare(node)
    if isinstance(numeric, Kernel) and numeric.few is not None and node.size <= _FEWER_CALLS:
        return numeric.few
    function = numeric.function if isinstance(numeric, Ufunc) else numeric
    return functools.partial(function, **node.params) if node.params else function


def _without_frees(steps: list[_Step | _RegionStep]) -> list[_PlainStep] | None:
    """The steps of a plan whose arrays may all stay until its end; None where it has regions."""
    plain = [step for step in steps if isinstance(step, _Step)]
    if len(plain) < len(steps):
        return None
    return [_PlainStep(function, *_one_or_two(reads), writes) for function, reads, writes, _ in plain]


def _one_or_two(reads: tuple[int, ...]) -> tuple[int, int | None, tuple[int, ...]]:
    return (reads[0], reads[1] if len(reads) == 2 else None, reads if len(reads) > 2 else ())


def _with_frees(steps: list[_Step | _RegionStep], keep: set[int]) -> list[_Step | _RegionStep]:
    """The steps, each letting go of the slots that it reads last."""
    seen: set[int] = set(keep)
    finished: list[_Step | _RegionStep] = []
    for step in reversed(steps):
        last = tuple(set(step.reads) - seen)
        seen.update(last)
        finished.append(step._replace(frees=last))
    return finished[::-1]


def evaluate(outputs: Sequence[Node], feeds: dict[Node, Array]) -> list[Array]:
    """The values of some nodes, computed once: for short work that is not repeated."""
    return Plan(outputs, tuple(feeds)).run(list(feeds.values()))
