"""Products that a graph has already: g·s·e takes one multiplication where s·e is there.

The pullback of a product s·e gives g·s to e, and where e is an exponential its own pullback multiplies by e again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from jaccli.graph.node import Node, apply, topological
from jaccli.graph.rewriting import rewritten


def with_known_products(outputs: Sequence[Node], given: Collection[Node]) -> list[Node]:
    """The outputs, where a product of three factors that nobody else needs in parts is made of one that is there.

    Args:
        given: nodes whose values are known, which are left as they are.
    """
    order = topological(outputs, given)
    known = {frozenset(node.args): node for node in order if _is_product(node)}
    readers = Counter(argument for node in order for argument in node.args)
    readers.update(outputs)
    found = {node: _regrouped(node, known, readers) for node in order if _is_product(node) and node not in given}
    better = {node: regrouped for node, regrouped in found.items() if regrouped is not None}
    return rewritten(outputs, better, given)


def _is_product(node: Node) -> bool:
    return node.primitive.name == "multiply" and node.is_float


def _regrouped(node: Node, known: dict[frozenset[Node], Node], readers: Counter[Node]) -> Node | None:
    """A product of the same value that needs one multiplication less."""
    for inner, last in (node.args, node.args[::-1]):
        if not _is_product(inner) or readers[inner] > 1:
            continue
        for first, second in (inner.args, inner.args[::-1]):
            product = known.get(frozenset((second, last)))
            if product is not None and product is not node:
                regrouped = apply("multiply", first, product)
                if regrouped.shape == node.shape:
                    return regrouped
    return None
