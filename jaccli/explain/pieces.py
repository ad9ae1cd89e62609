"""The steps of a formula that a person recognises: its inputs, its sub-expressions as written, its output.

The graph behind a formula has finer steps. Those between two sub-expressions belong to one piece, so that `mean(x)`
is one step and not a sum and a quotient.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jaccli.errors import Span
from jaccli.explain.wording import Wording
from jaccli.formula.lowered import Lowered
from jaccli.formula.parser import parse
from jaccli.graph.node import Node, dependents, input_node, topological
from jaccli.graph.printing import to_text
from jaccli.graph.rewriting import replaced
from jaccli.io.report import output_name

LONGEST_TEXT = 160
_MOST_OPERATIONS_IN_TEXT = 60


@dataclass(frozen=True, eq=False)
class Piece:
    """One step.

    Attributes:
        node: what it stands for in the graph.
        name: of an input, of an assignment, or `t1`, `t2`, … where the formula gives none.
        expression: how it follows from its arguments, in their names; the name itself for an input.
        written: the text of the formula that it stands for, or "" for a part that is not written out.
        arguments: the pieces that it is computed from.
        inside: the nodes that it is made of, itself included.
    """

    node: Node
    name: str
    expression: str
    written: str
    arguments: tuple[Piece, ...]
    inside: frozenset[Node]

    @property
    def is_input(self) -> bool:
        """Whether it is given, not computed."""
        return not self.arguments and self.node.primitive.name == "input"

    def placeholder(self) -> Node:
        """An input of its name and shape, which stands for it in the formulas of its neighbours."""
        return input_node(self.name, self.node.shape, self.node.dtype)


def pieces(text: str, lowered: Lowered, output: Node) -> list[Piece]:
    """The pieces under an output: the inputs, then the others, each after its arguments.

    Args:
        text: the formula.
        lowered: its graph.
        output: the node of its result, as it is differentiated.
    """
    varying = {*dependents([output], lowered.inputs.values()), output}
    order = [node for node in topological([*lowered.inputs.values(), output]) if node in varying]
    owners = _owners(order, _recognised(lowered, output))
    names = _names(text, lowered, output, [node for node in order if owners[node] is node])
    wording = Wording(text, {node: lowered.origins.get(node, ()) for node in names}, names)
    inside: dict[Node, list[Node]] = {}
    for node in order:
        inside.setdefault(owners[node], []).append(node)
    found: dict[Node, Piece] = {}
    for node in names:
        arguments = _arguments(inside[node], owners, found)
        expression, written = wording.of(node)
        says_all = expression not in ("", names[node]) and all(argument.written for argument in arguments)
        found[node] = Piece(
            node=node,
            name=names[node],
            expression=expression if says_all or not arguments else _printed(node, arguments),
            written=written,
            arguments=arguments,
            inside=frozenset(inside[node]),
        )
    return sorted(found.values(), key=lambda piece: not piece.is_input)


def short_text(node: Node) -> str | None:
    """The formula of a node, or None where it is too long to read."""
    sizes: dict[Node, int] = {}
    for visited in topological([node]):
        sizes[visited] = 1 + sum(sizes[argument] for argument in visited.args)
    if sizes[node] > _MOST_OPERATIONS_IN_TEXT:
        return None
    text = to_text(node)
    return text if len(text) <= LONGEST_TEXT else None


def product_text(node: Node, cotangent: Node) -> str | None:
    """The formula of what a cotangent is turned into; where that is a product, the other factor stands in brackets, so
    that one sees what the cotangent is multiplied with."""
    if node.primitive.name != "multiply" or node.args[0] is not cotangent or node.args[1] is cotangent:
        return short_text(node)
    factor = short_text(node.args[1])
    if factor is None:
        return None
    return f"{to_text(cotangent)}*{f'({factor})' if _is_compound(factor) else factor}"


def _is_compound(text: str) -> bool:
    """Whether an operator stands outside of all brackets."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if not depth and character in "+-*/@% ":
            return True
    return False


def _recognised(lowered: Lowered, output: Node) -> set[Node]:
    written = {node for node, spans in lowered.origins.items() if spans}
    return {*written, *lowered.inputs.values(), output}


def _owners(order: Sequence[Node], recognised: set[Node]) -> dict[Node, Node]:
    """For each node the piece that it is inside of; a node inside of two becomes a piece of its own."""
    readers: dict[Node, set[Node]] = {node: set() for node in order}
    owners: dict[Node, Node] = {}
    for node in reversed(order):
        mine = readers[node]
        owners[node] = node if node in recognised or len(mine) != 1 else next(iter(mine))
        for argument in node.args:
            if argument in readers:
                readers[argument].add(owners[node])
    return owners


def _arguments(inside: Sequence[Node], owners: Mapping[Node, Node], found: Mapping[Node, Piece]) -> tuple[Piece, ...]:
    members = set(inside)
    read = (argument for node in inside for argument in node.args if argument in owners and argument not in members)
    return tuple(found[node] for node in dict.fromkeys(read))


def _names(text: str, lowered: Lowered, output: Node, order: Sequence[Node]) -> dict[Node, str]:
    assigned = dict(_assigned(text, lowered.origins))
    inputs = {node: name for name, node in lowered.inputs.items()}
    names: dict[Node, str] = {}
    taken = {*inputs.values(), *assigned.values()}
    fresh = _fresh(taken)
    used = set(inputs.values())
    for node in order:
        if node in inputs:
            names[node] = inputs[node]
            continue
        name = assigned.get(node)
        if name is None:
            name = output_name(taken) if node is output else next(fresh)
        elif name in used:
            name = next(f"{name}_{number}" for number in itertools.count(2) if f"{name}_{number}" not in taken | used)
        names[node] = name
        used.add(name)
    return names


def _assigned(text: str, origins: Mapping[Node, Sequence[Span]]) -> Iterator[tuple[Node, str]]:
    """The nodes that an assignment gives a name; the first name counts."""
    at = {span: node for node, spans in origins.items() for span in spans}
    met = set()
    unpacked: set[str] = set()
    for statement in parse(text).statements:
        node = at.get(statement.value.span)
        if len(statement.targets) == 1 and node is not None and node not in met:
            met.add(node)
            yield node, statement.targets[0]
        elif len(statement.targets) > 1:
            unpacked.update(statement.targets)
    for span, node in at.items():
        name = text[span.start : span.end]
        if name in unpacked and node not in met:
            met.add(node)
            yield node, name


def _fresh(taken: Container[str]) -> Iterator[str]:
    """`t1`, `t2`, … without the names that are taken."""
    for number in itertools.count(1):
        name = f"t{number}"
        if name not in taken:
            yield name


def _printed(node: Node, arguments: Sequence[Piece]) -> str:
    local = replaced(node, {argument.node: argument.placeholder() for argument in arguments})
    return short_text(local) or f"{node.primitive.name}({', '.join(argument.name for argument in arguments)})"
