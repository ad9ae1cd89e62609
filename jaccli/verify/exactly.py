"""Numbers of a graph in 50 digits, where rounding hides whether two of them are the same.

Every operation is carried out by SymPy (see `jaccli.verify.writing`), so what is left of rounding is that of the
constants written in the formula: how much it matters is found by moving each of them a little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.graph.node import Node, constant_array, topological
from jaccli.verify.clock import finishes

Array = NDArray[Any]

SECONDS = 1.0
_MOST_WORK = 20_000  # entries to write out
_SHORT = 2.0**20
_ULPS = 2.0
_SAFETY = 8.0


class Exact(NamedTuple):
    """A SymPy number, and by how much rounding of constants may have moved it."""

    number: Any
    allowance: float


def exactly(graphs: Sequence[tuple[Node, Mapping[str, Array]]], positions: Sequence[int]) -> list[list[Exact]] | None:
    """Some entries of several nodes.

    Args:
        graphs: nodes, each with the values of its inputs by name.
        positions: of the entries, in C order.

    Returns:
        For each node its entries; None where SymPy cannot write them out, has no finite number, or takes too long.
    """
    found: list[list[Exact]] = []

    def work() -> None:
        found.extend(list(_entries(node, point, positions)) for node, point in graphs)

    if not _succeeds(work, [node for node, _ in graphs]):
        return None
    return found if all(_finite(entry.number) for entries in found for entry in entries) else None


def beyond_floats(graph: tuple[Node, Mapping[str, Array]], positions: Sequence[int]) -> dict[int, float]:
    """Entries whose floats overflowed on the way, by position: those that are finite once they have more digits."""
    found: list[Any] = []
    if not _succeeds(lambda: found.extend(_numbers(*graph, positions)), [graph[0]]):
        return {}
    numbers = {position: float(number) for position, number in zip(positions, found, strict=True) if _finite(number)}
    return {position: number for position, number in numbers.items() if math.isfinite(number)}


def _succeeds(work: Callable[[], None], nodes: Sequence[Node]) -> bool:
    """Does the work, unless SymPy cannot write the nodes out or takes too long."""
    from jaccli.verify.elements import NotWrittenError
    from jaccli.verify.writing import work_of

    if sum(map(work_of, nodes)) > _MOST_WORK:
        return False
    try:
        return finishes(work, SECONDS)
    except (NotWrittenError, ArithmeticError, ValueError):
        return False


def _entries(node: Node, point: Mapping[str, Array], positions: Sequence[int]) -> Iterator[Exact]:
    plain = _numbers(node, point, positions)
    moved_node = _with_moved_constants(node)
    moved = plain if moved_node is node else _numbers(moved_node, point, positions)
    for number, other in zip(plain, moved, strict=True):
        apart = float(abs(number - other)) if _finite(number) and _finite(other) else math.inf
        yield Exact(number, _SAFETY * apart)


def _numbers(node: Node, point: Mapping[str, Array], positions: Sequence[int]) -> list[Any]:
    from jaccli.verify.writing import Writer

    output = Writer(point, {}, {}).write(node).output
    return [output[position].number for position in positions]


def _with_moved_constants(node: Node) -> Node:
    """The same graph, where every constant that may have been rounded is a little larger."""
    made: dict[Node, Node] = {}
    for inner in topological([node]):
        if inner.primitive.name == "constant" and inner.is_float:
            made[inner] = _moved(inner)
            continue
        args = [made[argument] for argument in inner.args]
        changed = any(new is not old for new, old in zip(args, inner.args, strict=True))
        made[inner] = inner.primitive(*args, **inner.params) if changed else inner
    return made[node]


def _moved(node: Node) -> Node:
    values = np.frombuffer(node.params["data"], "<f8" if node.dtype == "float64" else "<f4")
    with np.errstate(all="ignore"):
        is_rounded = np.isfinite(values) & (values * _SHORT != np.rint(values * _SHORT))
    if not np.any(is_rounded):
        return node
    eps = np.finfo(values.dtype).eps
    moved = np.where(is_rounded, values * (1.0 + _ULPS * eps), values).astype(values.dtype)
    return constant_array(moved.tobytes(), node.shape, node.dtype)


def _finite(number: Any) -> bool:
    return bool(number.is_Float or number.is_Rational)
