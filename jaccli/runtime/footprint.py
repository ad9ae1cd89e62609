"""How many bytes a plan holds at its peak, worked out from shapes before anything is allocated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jaccli.errors import LimitError
from jaccli.graph.node import DType, Node, show_shape
from jaccli.runtime.memory import lacking, readable_bytes

ITEM_SIZES: dict[DType, int] = {"float64": 8, "float32": 4, "int64": 8, "bool": 1}
# Their numbers are views of an argument's; a reshape is one where the argument lies in memory in one piece.
_VIEWS = frozenset({"transpose", "broadcast_to", "slice", "windows", "stop_gradient"})


class Footprint(NamedTuple):
    """The most bytes that are held at once, and the node of the largest array (None where nothing is allocated)."""

    peak: int
    largest: Node | None


def footprint(steps: Sequence[tuple[Sequence[Node], Iterable[Node]]], outputs: Iterable[Node]) -> Footprint:
    """What the steps of a plan hold, inputs left out.

    Args:
        steps: for each, the nodes that it computes and those whose arrays it lets go afterwards.
        outputs: nodes whose arrays are copied in the end where they are views.
    """
    return _Ledger().of(steps, outputs)


class _Ledger:
    """A walk over the steps. State: what owns the bytes of each node, and how many nodes use each owner."""

    def __init__(self) -> None:
        self._owners: dict[Node, Node] = {}
        self._users: dict[Node, int] = {}
        self._scattered: set[Node] = set()
        self._held = 0
        self._peak = 0
        self._largest: Node | None = None

    def of(self, steps: Sequence[tuple[Sequence[Node], Iterable[Node]]], outputs: Iterable[Node]) -> Footprint:
        for made, freed in steps:
            for node in made:
                self._make(node)
            for node in freed:
                self._free(node)
        for node in outputs:
            if self._owners.get(node, node) is not node:
                self._hold(node)
        return Footprint(self._peak, self._largest)

    def _make(self, node: Node) -> None:
        name = node.primitive.name
        if name == "constant":
            return
        if name in _VIEWS or (name == "reshape" and node.args[0] not in self._scattered):
            if name in _VIEWS or node.args[0] in self._scattered:
                self._scattered.add(node)
            owner = self._owners.get(node.args[0], node.args[0])
            self._owners[node] = owner
            self._users[owner] = self._users.get(owner, 0) + 1
            return
        self._owners[node] = node
        self._users[node] = 1
        self._hold(node)
        if name == "contract":  # BLAS is given the repeated entries of a broadcast one by one
            copies = sum(_bytes(a) for a in node.args if _bytes(a) > _bytes(self._owners.get(a, a)))
            self._peak = max(self._peak, self._held + copies)

    def _hold(self, node: Node) -> None:
        self._held += _bytes(node)
        self._peak = max(self._peak, self._held)
        if self._largest is None or _bytes(node) > _bytes(self._largest):
            self._largest = node

    def _free(self, node: Node) -> None:
        owner = self._owners.pop(node, None)
        if owner is None:
            return
        self._users[owner] -= 1
        if self._users[owner] == 0 and owner.primitive.name not in ("input", "constant"):
            self._held -= _bytes(owner)


def _bytes(node: Node) -> int:
    return node.size * ITEM_SIZES[node.dtype]


def fits_in_any_case(nodes: Iterable[Node]) -> bool:
    """Whether there is room for all of the nodes at once, so that it need not be looked at more closely."""
    total = 0
    for node in nodes:
        total += node.size
    return lacking(8 * total) is None


def refuse_endless(nodes: Iterable[Node], feeds: Iterable[Node]) -> None:
    """Raises a `LimitError` where an array that is walked through without being in memory would not fit into it.

    These are broadcasts and what is computed of them tile by tile. A few letters make one of a million million entries,
    of which no run would see the end; one that is as large as an input is taken as it is.
    """
    walked = [node for node in nodes if node.primitive.name == "broadcast_to" or node.primitive.elementwise]
    largest = max(walked, key=_bytes, default=None)
    if largest is not None and _bytes(largest) > max(map(_bytes, feeds), default=0):
        refuse_too_large(Footprint(_bytes(largest), largest))


def refuse_too_large(found: Footprint) -> None:
    """Raises a `LimitError` where there is less memory than a plan needs."""
    free = lacking(found.peak)
    if free is None or found.largest is None:
        return
    raise LimitError(
        f"computing this takes {readable_bytes(found.peak)} of memory, and {readable_bytes(free)} are free; "
        f"its largest array has shape {show_shape(found.largest.shape)}",
        hint="give smaller inputs, or less at once: --wrt, --chunk, --sparse; --max-memory says how much may be taken",
    )
