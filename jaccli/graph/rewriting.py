"""A graph with some of its nodes computed in other ways."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from jaccli.graph.node import Node, topological


def replaced(output: Node, new: Mapping[Node, Node]) -> Node:
    """The output with some nodes replaced by others of their shape and dtype, and what depends on them made anew."""
    rebuilt = dict(new)
    for node in topological([output], stop=new):
        if node not in rebuilt and any(argument in rebuilt for argument in node.args):
            args = [rebuilt.get(argument, argument) for argument in node.args]
            rebuilt[node] = node.primitive(*args, **node.params)
    return rebuilt.get(output, output)


def rewritten(outputs: Sequence[Node], better: Mapping[Node, Node], stop: Collection[Node]) -> list[Node]:
    """The outputs where some nodes are computed in other ways, which may hold such nodes again.

    Args:
        better: for each of these nodes one of the same shape and dtype, which reads no node below `stop`.
        stop: nodes that are left as they are, with all below them.
    """
    if not better:
        return list(outputs)

    def reads(node: Node) -> Sequence[Node]:
        return (better[node],) if node in better else node.args

    rebuilt: dict[Node, Node] = {}
    for node in topological(outputs, stop, reads):
        if node in better:
            rebuilt[node] = rebuilt.get(better[node], better[node])
        elif any(argument in rebuilt for argument in node.args) and node not in stop:
            rebuilt[node] = node.primitive(*(rebuilt.get(a, a) for a in node.args), **node.params)
    return [rebuilt.get(output, output) for output in outputs]
