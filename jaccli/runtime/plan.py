"""From a graph to numbers: what is computed once, and when a buffer is let go.

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
from jaccli.graph.node import Node, dependents, topological
from jaccli.runtime.footprint import fits_in_any_case, footprint, refuse_endless, refuse_too_large
from jaccli.runtime.heap import keep_freed_memory
from jaccli.runtime.memory import exhausted
from jaccli.runtime.schedule import Reads, RegionStep, Schedule, Step, operation, reads_of
from jaccli.runtime.tiles import run_region

Array = NDArray[Any]

LARGEST_LOOP = 1 << 33
_FEW = 1 << 13  # entries in all arrays of a plan that any heap holds
_SMALL = 1 << 16  # entries in all arrays of a plan that need not be let go of one by one


class _PlainStep(NamedTuple):
    """A step whose one or two arguments are spelled out: on small arrays, unpacking takes as long as the work."""

    function: Callable[..., Any]
    first: int
    second: int | None
    more: tuple[int, ...]
    writes: int


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
        varying = dependents(self.outputs, self.feeds)
        self._reads: Reads = functools.cache(lambda node: reads_of(node, fed, varying))
        reads = self._reads
        order = topological(self.outputs, given, reads)
        slots = {node: slot for slot, node in enumerate(order)}
        for feed in self.feeds:
            slots.setdefault(feed, len(slots))
        self._size = len(slots)
        self._feed_slots = [slots[feed] for feed in self.feeds]
        self._output_slots = [slots[output] for output in self.outputs]
        fixed = [node for node in order if node not in varying and node not in self.feeds]
        self._constants = [(slots[node], node) for node in fixed]
        self._start: list[Any] | None = None
        self._nodes = order
        work = [node for node in order if node in varying and node not in fed]
        keep = set(self._output_slots) | {slot for slot, _ in self._constants}
        self._steps = _with_frees(Schedule(work, set(self.outputs), slots, fed, reads).steps, keep)
        entries = sum(node.size for node in order)
        if entries > _FEW:
            keep_freed_memory()
        self._plain = None if entries > _SMALL else _without_frees(self._steps)

    @np.errstate(all="ignore")  # as a decorator it takes half as long as around the statements
    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs' values for these values of the feeds. Infinities and NaNs are results, not warnings."""
        if self._start is None:
            self._start = self._constants_that_fit()
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
                if type(step) is Step:
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
            if isinstance(step, RegionStep) and step.region.size > LARGEST_LOOP:
                raise LimitError(
                    f"a loop over {step.region.size:,} entries, of which none is kept; the limit is {LARGEST_LOOP:,}",
                    hint="give smaller inputs, or less at once",
                )
            writes = (step.writes,) if isinstance(step, Step) else step.writes
            steps.append(([at[slot] for slot in writes], [at[slot] for slot in step.frees if slot in at]))
        refuse_too_large(footprint(steps, self.outputs))
        refuse_endless(self._nodes, fed)

    def _constants_that_fit(self) -> list[Any]:
        self._refuse_too_large()
        try:
            return self._with_constants()
        except MemoryError as error:
            raise exhausted("an intermediate result") from error

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
        return operation(node)(*[known[argument] for argument in self._reads(node)])


def _run_region_step(step: Any, slots: list[Any]) -> None:
    results, sums = run_region(step.region, [slots[i] for i in step.reads])
    for slot, value in zip(step.writes, (*results, *sums), strict=True):
        slots[slot] = value


def _without_frees(steps: list[Step | RegionStep]) -> list[_PlainStep] | None:
    """The steps of a plan whose arrays may all stay until its end; None where it has regions."""
    plain = [step for step in steps if isinstance(step, Step)]
    if len(plain) < len(steps):
        return None
    return [_PlainStep(function, *_one_or_two(reads), writes) for function, reads, writes, _ in plain]


def _one_or_two(reads: tuple[int, ...]) -> tuple[int, int | None, tuple[int, ...]]:
    return (reads[0], reads[1] if len(reads) == 2 else None, reads if len(reads) > 2 else ())


def _with_frees(steps: list[Step | RegionStep], keep: set[int]) -> list[Step | RegionStep]:
    """The steps, each letting go of the slots that it reads last."""
    seen: set[int] = set(keep)
    finished: list[Step | RegionStep] = []
    for step in reversed(steps):
        last = tuple(set(step.reads) - seen)
        seen.update(last)
        finished.append(step._replace(frees=last))
    return finished[::-1]


def evaluate(outputs: Sequence[Node], feeds: dict[Node, Array]) -> list[Array]:
    """The values of some nodes, computed once: for short work that is not repeated."""
    return Plan(outputs, tuple(feeds)).run(list(feeds.values()))
