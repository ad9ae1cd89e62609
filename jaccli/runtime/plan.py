"""From a graph to numbers: the order of work, what is computed once, and when a buffer is let go.

A plan is made once for a set of outputs and run as often as wanted. Nodes that depend on no input are
computed at the first run and kept; every other result is dropped after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import LimitError
from jaccli.graph.node import Node, dependents, topological

Array = NDArray[Any]


class _Step(NamedTuple):
    numeric: Callable[..., Any]
    reads: tuple[int, ...]
    params: dict[str, Any]
    writes: int
    frees: tuple[int, ...]


class Plan:
    """How to compute some nodes from the values of others.

    Attributes:
        outputs: the nodes that a run returns, in order.
        feeds: the nodes whose values a run is given, in order: inputs, or nodes computed before.
    """

    def __init__(self, outputs: Sequence[Node], feeds: Sequence[Node]) -> None:
        self.outputs = tuple(outputs)
        self.feeds = tuple(feeds)
        order = topological(self.outputs, stop=self.feeds)
        slots = {node: slot for slot, node in enumerate(order)}
        for feed in self.feeds:
            slots.setdefault(feed, len(slots))
        self._size = len(slots)
        self._feed_slots = [slots[feed] for feed in self.feeds]
        self._output_slots = [slots[output] for output in self.outputs]
        varying = dependents(self.outputs, self.feeds)
        fed = set(self.feeds)
        fixed = [node for node in order if node not in varying and node not in fed]
        self._constants = [(slots[node], node) for node in fixed]
        self._fixed_values: dict[int, Any] | None = None
        work = [node for node in order if node in varying and node not in fed]
        self._steps = _schedule(work, slots, keep=set(self._output_slots) | {slot for slot, _ in self._constants})

    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs' values for these values of the feeds. Infinities and NaNs are results, not warnings."""
        slots: list[Any] = [None] * self._size
        with np.errstate(all="ignore"):
            for slot, value in self._fixed().items():
                slots[slot] = value
            for slot, value in zip(self._feed_slots, values, strict=True):
                slots[slot] = value
            try:
                for step in self._steps:
                    slots[step.writes] = step.numeric(*[slots[i] for i in step.reads], **step.params)
                    for i in step.frees:
                        slots[i] = None
            except MemoryError as error:
                raise LimitError("the machine's memory does not hold an intermediate result") from error
        return [np.asarray(slots[slot]) for slot in self._output_slots]

    def _fixed(self) -> dict[int, Any]:
        if self._fixed_values is None:
            values: dict[int, Any] = {}
            by_node: dict[Node, Any] = {}
            for slot, node in self._constants:
                by_node[node] = values[slot] = _constant_value(node, by_node)
            needed = {i for step in self._steps for i in step.reads} | set(self._output_slots)
            self._fixed_values = {slot: value for slot, value in values.items() if slot in needed}
        return self._fixed_values


def _schedule(work: list[Node], slots: dict[Node, int], keep: set[int]) -> list[_Step]:
    last_use: dict[int, int] = {}
    for position, node in enumerate(work):
        for argument in node.args:
            last_use[slots[argument]] = position
    steps = []
    for position, node in enumerate(work):
        reads = tuple(slots[argument] for argument in node.args)
        frees = tuple({i for i in reads if last_use[i] == position and i not in keep})
        steps.append(_Step(node.primitive.numeric, reads, dict(node.params), slots[node], frees))
    return steps


def _constant_value(node: Node, known: dict[Node, Any]) -> Any:
    if node.primitive.name == "constant":
        return np.frombuffer(node.params["data"], np.dtype(node.dtype).newbyteorder("<")).reshape(node.shape)
    return node.primitive.numeric(*[known[argument] for argument in node.args], **node.params)


def evaluate(outputs: Sequence[Node], feeds: dict[Node, Array]) -> list[Array]:
    """The values of some nodes, computed once: for short work that is not repeated."""
    return Plan(outputs, tuple(feeds)).run(list(feeds.values()))
