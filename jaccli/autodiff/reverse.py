"""Reverse mode, from graph to graph: a pullback is made of the same nodes as the function.

For y = f(x) and a cotangent v, `pullback` gives the nodes of vᵀJ. It visits each node once and adds a
bounded number of nodes for it, so the VJP of k nodes has O(k) nodes, shares the forward pass, and can be run,
printed or differentiated again.

A cotangent may carry a mask of live entries (see `Masked`). Wherever a masked cotangent has been multiplied
by something that may be infinite or NaN, the mask is applied again: structure wins over arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from jaccli.graph.building import uninterrupted
from jaccli.graph.node import (
    Node,
    apply,
    broadcast_to,
    cast,
    constant,
    dependents,
    filled,
    scalar_value,
    select,
    size_of,
    sum_to,
    topological,
)
from jaccli.graph.primitive import Masked

_LARGEST_MASK_TO_INSPECT = 1 << 24


class Cotangent(NamedTuple):
    """A cotangent and the mask of its live entries; no mask: all of them."""

    value: Node
    live: Node | None


Record = Callable[[Node, Node, int], None]
"""Told of every application of a rule: what came out of it, the node that it belongs to, and for which argument."""


class Arrival(NamedTuple):
    """What the cotangent of one node contributes to that of a node it reads.

    Attributes:
        reader: the node that passes it on; None for the cotangent that the output was given.
        place: which argument of the reader the receiving node is.
        value: what arrives, of the receiving node's shape.
    """

    reader: Node | None
    place: int
    value: Node


@uninterrupted
def pullback(
    output: Node,
    cotangent: Node,
    wrt: Sequence[Node],
    *,
    guarded: bool = False,
    masked: bool = False,
    record: Record | None = None,
) -> list[Node]:
    """The cotangents of the nodes `wrt` for a cotangent of the output.

    Args:
        output: a float node, of any shape.
        cotangent: a node of the output's shape.
        wrt: the nodes to differentiate for.
        guarded: an operation that gives NaN passes NaN back, never the finite slope of a formula off its domain
            (the slope of log at -1 is not -1). It costs a test an operation, so it is for points where a NaN arose.
        masked: zeros of the cotangent are structural, as in a unit vector.
        record: is told how each part came about, for those who explain a derivative.

    Returns:
        One node for each of `wrt`, of its shape; zeros where the output does not depend on it.
    """
    live = apply("not_equal", cotangent, constant(0.0, cotangent.dtype)) if masked else None
    totals, _ = _sweep(output, Cotangent(cotangent, live), wrt, guarded, record=record)
    return [
        totals[node].value if node in totals else filled(node.shape, 0.0, node.dtype if node.is_float else "float64")
        for node in wrt
    ]


def arrivals(
    output: Node, cotangent: Node, wrt: Sequence[Node], *, guarded: bool = False
) -> dict[Node, tuple[Node, tuple[Arrival, ...]]]:
    """The sweep of `pullback`, told: the cotangent of each node on the way, and what adds up to it, in order."""
    totals, contributions = _sweep(output, Cotangent(cotangent, None), wrt, guarded, keep=True)
    return {node: (totals[node].value, tuple(contributions[node])) for node in totals}


def _sweep(
    output: Node,
    seed: Cotangent,
    wrt: Sequence[Node],
    guarded: bool,
    *,
    keep: bool = False,
    record: Record | None = None,
) -> tuple[dict[Node, Cotangent], dict[Node, list[Arrival]]]:
    """The cotangents of the nodes `wrt`; with `keep`, of every node on the way, and what arrived at each."""
    active = dependents([output], wrt)
    pending: dict[Node, list[Cotangent]] = {output: [seed]} if output in active else {}
    wanted = set(wrt)
    totals: dict[Node, Cotangent] = {}
    kept: dict[Node, list[Arrival]] = {output: [Arrival(None, 0, seed.value)]}
    for node in reversed(topological([output])):
        contributions = pending.pop(node, None)
        if contributions is None:
            continue
        total = _add_up(contributions)
        if keep or node in wanted:
            totals[node] = total
        for index, argument in enumerate(node.args):
            if argument in active and argument.is_float and node.primitive.differentiates(index):
                pulled = _pull(index, total, node, guarded, seed.value)
                pending.setdefault(argument, []).append(pulled)
                if keep:
                    kept.setdefault(argument, []).append(Arrival(node, index, pulled.value))
                if record is not None:
                    record(pulled.value, node, index)
    return totals, kept


def _add_up(contributions: list[Cotangent]) -> Cotangent:
    value, live = contributions[0]
    for other in contributions[1:]:
        value = apply("add", value, other.value)
        live = None if live is None or other.live is None else live | other.live
    return Cotangent(value, live)


def _pull(index: int, total: Cotangent, node: Node, guarded: bool, seed: Node) -> Cotangent:
    """What the cotangent of a node contributes to its argument `index`."""
    primitive = node.primitive
    argument = node.args[index]
    assert primitive.pullback is not None
    pulled = (
        primitive.pullback(index, total.value, node) if primitive.varied is None else _vary(index, total, node, seed)
    )
    value, own = (pulled.value, pulled.live) if isinstance(pulled, Masked) else (pulled, None)
    if primitive.elementwise:
        value = broadcast_to(value, node.shape)
        if guarded:
            value = apply("on_domain", value, _made_here(node))
            value = value if own is None else select(own, value, 0.0)
    live = _pull_mask(index, total, node)
    if live is not None:
        live = broadcast_to(live, value.shape)
        if not _keeps_zeros(value, total.value):
            live = _informative(live)
            if live is not None:
                value = select(live, value, 0.0)
    if own is not None:
        live = own if live is None else live & own
    value = sum_to(cast(value, argument.dtype), argument.shape)
    return Cotangent(value, None if live is None else sum_to(live, argument.shape))


def _vary(index: int, total: Cotangent, node: Node, seed: Node) -> Node:
    from jaccli.autodiff.variation import Variation

    assert node.primitive.varied is not None
    return node.primitive.varied(index, total.value, node, Variation(total.value, node, seed))


def _made_here(node: Node) -> Node:
    """NaN where an operation made a NaN of arguments that are none, else 0."""
    made = apply("isnan", node)
    for argument in node.args:
        if argument.is_float:
            made = made & ~apply("isnan", argument)
    return select(made, filled((), math.nan, node.dtype), 0.0)


def _pull_mask(index: int, total: Cotangent, node: Node) -> Node | None:
    if total.live is None:
        return None
    primitive = node.primitive
    if primitive.elementwise or primitive.name == "cast":
        return total.live
    if primitive.structural:
        assert primitive.pullback is not None
        moved = primitive.pullback(index, total.live, node)
        assert isinstance(moved, Node)
        return moved
    return None


def _keeps_zeros(value: Node, cotangent: Node) -> bool:
    """Whether zeros of the cotangent are surely zeros of what the rule made of it."""
    if value is cotangent:
        return True
    name, args = value.primitive.name, value.args
    if name in ("negative", "cast", "broadcast_to") or value.primitive.structural:
        return _keeps_zeros(args[0], cotangent)
    if name == "where":
        return all(_is_zero(branch) or _keeps_zeros(branch, cotangent) for branch in args[1:])
    if name in ("multiply", "divide"):
        factors = [argument for argument in args if argument is not cotangent]
        number = scalar_value(factors[0]) if len(factors) == 1 else None
        return number is not None and math.isfinite(number) and not (name == "divide" and number == 0)
    return False


def _is_zero(node: Node) -> bool:
    return scalar_value(node) == 0


def _informative(live: Node) -> Node | None:
    """The mask, or None where it is constant and switches nothing off."""
    if size_of(live.shape) > _LARGEST_MASK_TO_INSPECT or live.reads_input:
        return live
    from jaccli.runtime.plan import evaluate

    (everywhere,) = evaluate([apply("all", live, axes=tuple(range(live.ndim)))], {})
    return None if everywhere else live
