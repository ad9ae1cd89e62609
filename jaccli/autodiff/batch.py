"""Carrying a batch: from a graph for one cotangent to a graph for a stack of them.

Every node that depends on a batched node gets one leading axis; all others are computed once. Each
primitive's row says how it carries the axis, so that, for instance, a stack of matrix products becomes one
larger product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaccli.graph.building import uninterrupted
from jaccli.graph.node import Node, broadcast_to, topological
from jaccli.graph.primitive import align


@uninterrupted
def batch(outputs: Sequence[Node], stacked: Mapping[Node, Node], size: int) -> list[Node]:
    """The outputs as functions of stacks.

    Args:
        outputs: nodes of any shapes.
        stacked: for each node that is to vary, a node of shape (size, *its shape).
        size: of the leading axis.

    Returns:
        Nodes of shape (size, *output shape); an output that varies with none of them is repeated.
    """
    carried: dict[Node, Node] = dict(stacked)
    for node in topological(outputs, stop=stacked):
        if node in carried or not any(argument in carried for argument in node.args):
            continue
        flags = [argument in carried for argument in node.args]
        args = [carried.get(argument, argument) for argument in node.args]
        if node.primitive.batch is not None:
            carried[node] = node.primitive.batch(node, args, flags, size)
        else:
            carried[node] = node.primitive(*align(args, flags, node.ndim), **node.params)
    return [carried[node] if node in carried else broadcast_to(node, (size, *node.shape)) for node in outputs]
