"""How a cotangent changes when the node that it belongs to moves.

An eigenvector has no slope where its eigenvalue is repeated, but a smooth function of the matrix has one, and
it is hidden in a quotient 0/0: the numerator vanishes because the cotangent does so for equal eigenvalues. The slope
of the cotangent, along a direction that tells the eigenvalues apart, gives the limit exactly.
"""

from __future__ import annotations

from jaccli.autodiff.reverse import pullback
from jaccli.graph.node import (
    Node,
    apply,
    broadcast_to,
    cast,
    constant,
    dependents,
    filled,
    input_node,
    reshape,
    topological,
)
from jaccli.graph.rewriting import replaced


class Variation:
    """The cotangent of a node as a function of that node's value.

    Args:
        cotangent: of the node, a graph that reads the node.
        node: the node.
        seed: the cotangent of the whole output, which `cotangent` is linear in.
    """

    def __init__(self, cotangent: Node, node: Node, seed: Node) -> None:
        self.cotangent = cotangent
        self._node = node
        self._seed = seed

    def along(self, tangent: Node) -> Node:
        """The derivative of the cotangent as the node moves along a tangent."""
        if self._node not in set(topological([self.cotangent])):
            return filled(self.cotangent.shape, 0.0, self.cotangent.dtype)
        v = input_node("v of a variation", self.cotangent.shape, self.cotangent.dtype)
        (back,) = pullback(self.cotangent, v, [self._node])
        (slope,) = pullback(back, tangent, [v])
        return slope

    def generic(self) -> Variation:
        """The same for a fixed cotangent of the output that has no special direction."""
        if not self._seed.reads_input:
            return self
        return Variation(replaced(self.cotangent, {self._seed: _scattered(self._seed)}), self._node, self._seed)

    def held(self) -> Node:
        """The cotangent as if the node stood still."""
        return replaced(self.cotangent, {self._node: apply("stop_gradient", self._node)})

    @property
    def is_chained(self) -> bool:
        """Whether the cotangent holds further variations, whose slopes would be slopes of slopes."""
        moved = dependents([self.cotangent], [self._node]) - {self._node}
        return any(other.primitive.varied is not None for other in moved)


def _scattered(like: Node) -> Node:
    """Numbers without a pattern, none of them 0."""
    if not like.shape:
        return constant(0.7390851332151607, like.dtype)
    turns = apply("sin", cast(apply("iota", length=like.size), like.dtype) + 1.0)
    return broadcast_to(reshape(turns, like.shape), like.shape)
