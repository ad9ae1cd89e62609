"""A graph as plain data, and back.

The data holds names, numbers and lists only. Reading builds every node through its primitive again, so that
shapes are checked and data that was tampered with is refused, never run.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaccli.errors import JaccliError
from jaccli.graph.node import DType, Node, constant_array, input_node, size_of, topological
from jaccli.graph.primitive import table

_ITEM_SIZES: dict[DType, int] = {"float64": 8, "float32": 4, "int64": 8, "bool": 1}


class GraphDataError(JaccliError):
    """Data that is no graph."""


@dataclass(frozen=True)
class Graph:
    """Inputs by name, and outputs, of one graph."""

    inputs: Mapping[str, Node]
    outputs: tuple[Node, ...]

    def nodes(self) -> list[Node]:
        """Every node that the outputs need, each after the ones it reads, and every input."""
        return topological((*self.inputs.values(), *self.outputs))


def to_data(graph: Graph) -> dict[str, Any]:
    """The graph as JSON data: a list of nodes whose arguments are positions in it, and the outputs' positions."""
    nodes = graph.nodes()
    places = {node: place for place, node in enumerate(nodes)}
    return {
        "nodes": [_node_data(node, places) for node in nodes],
        "inputs": [places[node] for node in graph.inputs.values()],
        "outputs": [places[node] for node in graph.outputs],
    }


def _node_data(node: Node, places: dict[Node, int]) -> dict[str, Any]:
    params = {
        name: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else _listed(value)
        for name, value in node.params.items()
    }
    return {
        "op": node.primitive.name,
        "args": [places[argument] for argument in node.args],
        "params": params,
        "shape": list(node.shape),
        "dtype": node.dtype,
    }


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def from_data(data: Any) -> Graph:
    """The graph that `to_data` wrote.

    Raises:
        GraphDataError: for data of another form, unknown operations, or shapes that do not follow.
    """
    try:
        nodes: list[Node] = []
        for entry in data["nodes"]:
            nodes.append(_read_node(entry, nodes))
        inputs = {nodes[place].params["name"]: nodes[place] for place in data["inputs"]}
        return Graph(inputs, tuple(nodes[place] for place in data["outputs"]))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise GraphDataError(f"this is not the data of a graph: {error}") from None


def _read_node(entry: Mapping[str, Any], nodes: Sequence[Node]) -> Node:
    shape, dtype, params = _tupled(entry["shape"]), entry["dtype"], entry["params"]
    if dtype not in _ITEM_SIZES or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError(f"{dtype!r} of shape {shape!r}")
    if entry["op"] == "input":
        return input_node(str(params["name"]), shape, dtype)
    if entry["op"] == "constant":
        content = base64.b64decode(params["data"], validate=True)
        if len(content) != size_of(shape) * _ITEM_SIZES[dtype]:
            raise ValueError("a constant of another size")
        return constant_array(content, shape, dtype)
    places = entry["args"]
    if not all(isinstance(place, int) and 0 <= place < len(nodes) for place in places):
        raise ValueError("an argument that comes later")
    node = table()[entry["op"]](*(nodes[p] for p in places), **{name: _tupled(v) for name, v in params.items()})
    if node.shape != shape or node.dtype != dtype:
        raise ValueError(f"{entry['op']} of another shape")
    return node
