"""A graph as text in the language of formulas.

Element-wise operations print by the template in their row, with the brackets that precedence asks for; other operations
print as calls. Repeating a number by broadcasting is left to the reader, as in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from jaccli.graph.node import Node, scalar_value, topological

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PRECEDENCE = {
    "where": 9,
    "less": 1,
    "less_equal": 1,
    "equal": 1,
    "not_equal": 1,
    "logical_or": 2,
    "logical_and": 3,
    "add": 4,
    "subtract": 4,
    "tanh_slope": 4,
    "multiply": 5,
    "divide": 5,
    "remainder": 5,
    "floor_divide": 5,
    "negative": 6,
    "logical_not": 6,
    "power": 7,
}
_ATOM = 9
_TRANSPARENT = frozenset({"cast", "on_domain"})
_NAMED_NUMBERS = {
    math.pi: "pi",
    math.log(2): "log(2)",
    math.log(10): "log(10)",
    2 / math.sqrt(math.pi): "2/sqrt(pi)",
    math.inf: "inf",
    -math.inf: "-inf",
}


def to_text(output: Node) -> str:
    """The formula of a node. Inputs print by name; shared parts are written out each time."""
    texts: dict[Node, tuple[str, int]] = {}
    for node in topological([output]):
        texts[node] = _text(node, texts)
    return texts[output][0]


def _text(node: Node, texts: dict[Node, tuple[str, int]]) -> tuple[str, int]:
    """The text of a node, and how tightly it binds."""
    name = node.primitive.name
    if name == "input":
        return str(node.params["name"]), _ATOM
    if name == "constant":
        return _constant(node)
    if name in _TRANSPARENT or (name == "reshape" and node.size == 1):
        return texts[node.args[0]]
    arguments = [texts[argument] for argument in node.args]
    if node.primitive.elementwise:
        arguments = [texts[_one_entry(argument)] for argument in node.args]
    printer = _PRINTERS.get(name)
    if printer is not None:
        return printer(node, [text for text, _ in arguments]), _ATOM
    if node.primitive.elementwise and node.primitive.template:
        return _by_template(node, node.primitive.template, arguments)
    params = [f"{key}={value!r}" for key, value in node.params.items()]
    return f"{name}({', '.join([*(text for text, _ in arguments), *params])})", _ATOM


def _one_entry(node: Node) -> Node:
    """The one entry that a node repeats, or the node itself."""
    return node.args[0] if node.primitive.name == "broadcast_to" and node.args[0].size == 1 else node


def _by_template(node: Node, template: str, arguments: list[tuple[str, int]]) -> tuple[str, int]:
    name = node.primitive.name
    own = _PRECEDENCE.get(name, _ATOM)
    if own == _ATOM or name == "tanh_slope":
        return template.format(*(text for text, _ in arguments), **node.params), own
    shown = []
    for position, (text, binds) in enumerate(arguments):
        tighter = (position > 0 and name in ("subtract", "divide", "multiply", "remainder", "floor_divide")) or (
            position == 0 and name == "power"
        )
        enough = binds > own if tighter or name in ("negative", "less", "equal") else binds >= own
        shown.append(text if enough else f"({text})")
    return template.format(*shown), own


def _constant(node: Node) -> tuple[str, int]:
    number = scalar_value(node)
    if number is None:
        return f"<constant of shape {node.shape}>", _ATOM
    if isinstance(number, float):
        named = _NAMED_NUMBERS.get(number)
        text = named or (str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number))
        if named and "/" in named:
            return text, _PRECEDENCE["divide"]
    else:
        text = str(number)
    return text, _ATOM if not text.startswith("-") else _PRECEDENCE["negative"]


def _axes(node: Node, texts: list[str], name: str) -> str:
    axes = node.params["axes"]
    if len(axes) == node.args[0].ndim:
        return f"{name}({texts[0]})"
    return f"{name}({texts[0]}, axis={axes[0] if len(axes) == 1 else axes})"


def _transpose(node: Node, texts: list[str]) -> str:
    order = node.params["permutation"]
    if order == tuple(reversed(range(len(order)))):
        return f"{texts[0]}.T" if texts[0].isidentifier() else f"({texts[0]}).T"
    return f"transpose({texts[0]}, {order})"


def _contract(node: Node, texts: list[str]) -> str:
    left, right, out = ("".join(_LETTERS[n] for n in node.params[key]) for key in ("left", "right", "out"))
    return f"einsum('{left},{right}->{out}', {texts[0]}, {texts[1]})"


def _slice(node: Node, texts: list[str]) -> str:
    items = []
    for (first, count, step), length in zip(node.params["bounds"], node.args[0].shape, strict=True):
        if (first, count, step) == (0, length, 1):
            items.append(":")
        elif step == 1:
            items.append(f"{first}:{first + count}")
        else:
            stop = first + count * step
            items.append(f"{first}:{stop if stop >= 0 else ''}:{step}")
    base = texts[0] if texts[0].isidentifier() else f"({texts[0]})"
    return f"{base}[{', '.join(items)}]"


_PRINTERS: dict[str, Callable[[Node, list[str]], str]] = {
    "sum": lambda node, texts: _axes(node, texts, "sum"),
    "max": lambda node, texts: _axes(node, texts, "max"),
    "min": lambda node, texts: _axes(node, texts, "min"),
    "prod": lambda node, texts: _axes(node, texts, "prod"),
    "norm": lambda node, texts: _axes(node, texts, "norm"),
    "logsumexp": lambda node, texts: _axes(node, texts, "logsumexp"),
    "softmax": lambda node, texts: _axes(node, texts, "softmax"),
    "transpose": _transpose,
    "reshape": lambda node, texts: f"reshape({texts[0]}, {node.params['shape']})",
    "broadcast_to": lambda node, texts: f"broadcast_to({texts[0]}, {node.params['shape']})",
    "contract": _contract,
    "slice": _slice,
    "concatenate": lambda node, texts: f"concatenate([{', '.join(texts)}], axis={node.params['axis']})",
    "iota": lambda node, texts: f"arange({node.params['length']})",
}
