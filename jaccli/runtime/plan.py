"""From a graph to numbers: what is computed once, and when a buffer is let go.

A plan is made once for a set of outputs and run as often as wanted. Nodes that depend on no input are computed at the
first run and kept; every other result is dropped after its last use. Large element-wise stretches run as regions
(`jaccli.runtime.tiles`), all other nodes one after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import LimitError
from jaccli.graph.building import uninterrupted
from jaccli.graph.node import Node, dependents, topological
from jaccli.graph.primitive import Kernel, Ufunc
from jaccli.runtime.arrays import own
from jaccli.runtime.footprint import fits_in_any_case, footprint, refuse_endless, refuse_too_large
from jaccli.runtime.heap import keep_freed_memory
from jaccli.runtime.memory import exhausted
from jaccli.runtime.quiet import quietly
from jaccli.runtime.schedule import Reads, RegionStep, Schedule, Step, operation, reads_of
from jaccli.runtime.sums import with_early_sums
from jaccli.runtime.tiles import run_region
from jaccli.runtime.work import LARGEST_LOOP, refuse_endless_work

Array = NDArray[Any]

_NEW = frozenset({"sum", "take", "unslice", "scatter_add", "concatenate"})  # whose results are new arrays
_FEW = 1 << 13  # entries in all arrays of a plan that any heap holds
_QUICK = 1 << 14  # entries in all arrays of a plan whose work is short, whatever it is
_SMALL = 1 << 16  # entries in all arrays of a plan that need not be let go of one by one


_PlainStep = tuple[Callable[..., Any], int, int | None, tuple[int, ...], int]
"""A step whose one or two arguments are spelled out: function, first, second, all of more than two, where it writes.
A bare tuple, because on small arrays unpacking a named one takes as long as a part of the work."""


class Plan:
    """How to compute some nodes from the values of others.

    Args:
        known: values of nodes that are the same in every run; what depends on them alone is computed once.
        written: the formula that the outputs are derivatives of. Its nodes are computed as they are written; those that
            the transforms added may be computed in other ways. Without it, everything is computed as it stands.

    Attributes:
        outputs: the nodes that a run returns, in order.
        feeds: the nodes whose values a run is given, in order: inputs, or nodes computed before.
    """

    @uninterrupted
    def __init__(
        self,
        outputs: Sequence[Node],
        feeds: Sequence[Node],
        known: Mapping[Node, Array] | None = None,
        written: Node | None = None,
    ) -> None:
        self.feeds = tuple(feeds)
        self._known = dict(known or {})
        given = (*self.feeds, *self._known)
        self.outputs = tuple(outputs if written is None else with_early_sums(outputs, given, written))
        fed = set(given)
        varying = dependents(self.outputs, self.feeds)
        self._reads: Reads = functools.cache(lambda node: reads_of(node, fed, varying))
        reads = self._reads
        order = topological(self.outputs, given, reads)
        slots = {feed: slot for slot, feed in enumerate(self.feeds)}
        for node in order:
            slots.setdefault(node, len(slots))
        self._slots = slots
        self._output_slots = [slots[output] for output in self.outputs]
        self._has_float_mark = bool(outputs) and outputs[-1].is_float
        self._scalars = [place for place, output in enumerate(self.outputs) if not output.ndim]
        fixed = [node for node in order if node not in varying and node not in self.feeds]
        self._constants = [(slots[node], node) for node in fixed]
        self._rest: list[Any] | None = None  # the slots that are not fed, before a run
        self._shared = not _all_fresh(self.outputs, varying - set(given))
        self._nodes = order
        work = [node for node in order if node in varying and node not in fed]
        keep = set(self._output_slots) | {slot for slot, _ in self._constants}
        self._steps = _with_frees(Schedule(work, set(self.outputs), slots, fed, reads).steps, keep)
        self._entries = sum(node.size for node in order)
        if self._entries > _FEW:
            keep_freed_memory()
        self._plain: list[_PlainStep] | None = None
        if self._entries <= _SMALL and all(isinstance(step, Step) for step in self._steps):
            self._plain, moved = _in_registers(self._steps)
            self._output_slots = [moved.get(slot, slot) for slot in self._output_slots]

    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs' values for these values of the feeds, in their order."""
        results = self._compute(values)
        for place in self._scalars:
            results[place] = np.asarray(results[place])
        return results

    def owned(self, values: Sequence[Array]) -> list[Array]:
        """What `run` gives, in arrays that belong to nobody else."""
        return self.claimed(self.run(values), values)

    def claimed(self, results: list[Array], values: Sequence[Array]) -> list[Array]:
        """Results of a run as arrays that belong to nobody else."""
        return own(results, values) if self._shared else results

    def marked(self, values: Sequence[Array]) -> tuple[list[Array], bool]:
        """The values of all outputs but the last, and whether that one, a scalar, is NaN or true.

        A scalar is looked at as it is: to make an array of it takes longer.
        """
        results = self._compute(values)
        mark = results.pop()
        for place in self._scalars[:-1]:
            results[place] = np.asarray(results[place])
        return results, bool(mark != mark if self._has_float_mark else mark)

    def _compute(self, values: Sequence[Array]) -> list[Any]:
        if self._rest is None:
            self._rest = quietly(self._constants_that_fit)
        slots = [*values, *self._rest]
        quietly(self._run_steps if self._plain is None else self._run_plain, slots)
        return list(map(slots.__getitem__, self._output_slots))

    def _run_plain(self, slots: list[Any]) -> None:
        assert self._plain is not None
        for function, first, second, more, writes in self._plain:
            if second is not None:
                slots[writes] = function(slots[first], slots[second])
            elif more:
                slots[writes] = function(*[slots[i] for i in more])
            else:
                slots[writes] = function(slots[first])

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
        """Raises a `LimitError` before anything is allocated, where a run would not fit, or take hours."""
        if self._entries <= _QUICK:
            return
        fed = {*self.feeds, *self._known}
        refuse_endless_work(self._nodes, fed)
        if fits_in_any_case(self._nodes):
            return
        at = {slot: node for node, slot in self._slots.items() if node not in fed}
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
        """The slots that are not fed, before a run: those of needed constants filled."""
        slots: list[Any] = [None] * len(self._slots)
        by_node: dict[Node, Any] = {}
        needed = {i for step in self._steps for i in step.reads} | set(self._output_slots)
        for slot, node in self._constants:
            by_node[node] = self._constant_value(node, by_node) if node not in self._known else self._known[node].view()
            if isinstance(by_node[node], np.ndarray):
                by_node[node].flags.writeable = False
            if slot in needed:
                slots[slot] = by_node[node]
        return slots[len(self.feeds) :]

    def _constant_value(self, node: Node, known: dict[Node, Any]) -> Any:
        if node.primitive.name == "constant":
            return np.frombuffer(node.params["data"], np.dtype(node.dtype).newbyteorder("<")).reshape(node.shape)
        function, arguments = operation(node, self._reads(node))
        return function(*[known[argument] for argument in arguments])


def _all_fresh(outputs: Sequence[Node], computed: Collection[Node]) -> bool:
    """Whether every output is sure to be an array of its own; views, constants and inputs are not.

    Args:
        computed: nodes that each run computes.
    """
    return len(set(outputs)) == len(outputs) and all(
        output in computed
        and (
            isinstance(output.primitive.numeric, Ufunc | Kernel)
            or output.primitive.name in _NEW
            or (output.ndim == 0 and output.primitive.name == "contract")
        )
        for output in outputs
    )


def _run_region_step(step: Any, slots: list[Any]) -> None:
    results, sums = run_region(step.region, [slots[i] for i in step.reads])
    for slot, value in zip(step.writes, (*results, *sums), strict=True):
        slots[slot] = value


def _in_registers(steps: Sequence[Step | RegionStep]) -> tuple[list[_PlainStep], dict[int, int]]:
    """Steps without regions that write over what nobody reads any more, and where their results are now.

    That lets go of arrays at no cost, and NumPy has the memory of the last few small ones at hand.
    """
    plain: list[_PlainStep] = []
    moved: dict[int, int] = {}
    unused: list[int] = []
    for step in steps:
        assert isinstance(step, Step)
        reads = tuple(moved.get(slot, slot) for slot in step.reads)
        unused.extend(moved.get(slot, slot) for slot in step.frees)
        if unused:
            moved[step.writes] = unused.pop()
        plain.append((step.function, *_one_or_two(reads), moved.get(step.writes, step.writes)))
    return plain, moved


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
