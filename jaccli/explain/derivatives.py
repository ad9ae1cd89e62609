"""The derivative of a function of the language as text."""

from __future__ import annotations

import inspect
from typing import NamedTuple

from jaccli.autodiff.reverse import pullback
from jaccli.errors import JaccliError
from jaccli.formula.functions.registry import Function, call
from jaccli.formula.values import Context, Value
from jaccli.graph.node import DType, Node, Shape, input_node
from jaccli.graph.primitive import table
from jaccli.graph.printing import to_text
from jaccli.graph.simplify import EXACT, simplified

_LONGEST = 400
_NUMBERS, _VECTOR, _MATRIX = (), (3,), (3, 3)
_OF_MATRICES = ("Linear algebra", "Products and contractions")
_ARRAYS = ("Array", "Floats", "Any")


class Derivative(NamedTuple):
    """What there is to show of a function's derivative.

    Attributes:
        of: what it is the derivative of, where that is the function's example and not the bare function.
        texts: the VJP for each array argument, v being the cotangent.
        note: says why there are no texts.
    """

    of: str
    texts: dict[str, str]
    note: str


def derivative(function: Function) -> Derivative:
    """The derivative of a function.

    Functions of entries are shown on numbers, those with an axis on a vector of length 3, those of matrices on 3x3
    matrices. A function that does not stand alone, since it needs options, is shown as its example has it.
    """
    for shape in _shapes(function):
        try:
            texts = _of_row(function, shape) or _of_function(function, shape)
        except (JaccliError, TypeError, ValueError, AttributeError, IndexError):
            continue
        if texts and all(len(text) <= _LONGEST for text in texts.values()):
            return Derivative("", texts, "")
    return _of_example(function)


def _of_example(function: Function) -> Derivative:
    from jaccli.explain.examples import lowered_example

    found = lowered_example(function)
    if found is None:
        return Derivative("", {}, "none")
    lowered = found[0]
    inputs = {name: node for name, node in lowered.inputs.items() if node.is_float}
    if not lowered.output.is_float:
        return Derivative("", {}, "none: the values are whole numbers or truth values, which step")
    if not inputs:
        return Derivative("", {}, "none: the values depend on no input")
    texts = _texts(lowered.output, inputs)
    if any(len(text) > _LONGEST for text in texts.values()):
        return Derivative("", {}, f'too long for a line; jaccli derive "{function.example}" writes it out')
    return Derivative(function.example, texts, "")


def _shapes(function: Function) -> tuple[Shape, ...]:
    if function.family in _OF_MATRICES:
        return (_MATRIX, _VECTOR)
    if any(parameter.name == "axis" for parameter in function.parameters):
        return (_VECTOR, _MATRIX)
    return (_NUMBERS, _VECTOR, _MATRIX)


def _of_row(function: Function, shape: Shape) -> dict[str, str]:
    """Where the function is a primitive of several entries, its row says it without the options around it."""
    row = table().get(function.name)
    if row is None or not row.elementwise or len(row.pullbacks) < 2 or not any(row.pullbacks) or row.cases[0].params:
        return {}
    names: tuple[str, ...] = ("x", "y")
    if len(row.pullbacks) == 3:
        names = ("condition", "x", "y") if function.name == "where" else ("x", "low", "high")
    dtypes: list[DType] = ["bool" if span is None else "float64" for span in row.cases[0].ranges]
    nodes = [input_node(name, shape, dtype) for name, dtype in zip(names, dtypes, strict=True)]
    floats = {name: node for name, node in zip(names, nodes, strict=True) if node.is_float}
    return _texts(row(*nodes), floats)


def _of_function(function: Function, shape: Shape) -> dict[str, str]:
    required = [
        parameter.name
        for parameter in function.parameters
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
        and parameter.annotation in _ARRAYS
    ]
    nodes = {name: input_node(name, shape, "float64") for name in required}
    value = call(function, Context("float64", _no_numbers), list(nodes.values()), {})
    return _texts(value, nodes) if isinstance(value, Node) and value.is_float else {}


def _texts(value: Node, nodes: dict[str, Node]) -> dict[str, str]:
    v = input_node("v", value.shape, value.dtype)
    backs = simplified(pullback(value, v, list(nodes.values())), EXACT).nodes
    return {name: to_text(back) for name, back in zip(nodes, backs, strict=True)}


def _no_numbers(node: Node) -> Value:
    raise ValueError("no numbers are known here")
