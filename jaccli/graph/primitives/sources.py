"""Where graphs begin: inputs, constants, and values that are held fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.errors import ShapeError
from jaccli.graph.node import DType, Node, Shape
from jaccli.graph.primitive import Case, Primitive, elementwise, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


def _no_rule(*args: Node, **params: Any) -> tuple[Shape, DType]:
    raise TypeError("inputs and constants are made by input_node and constant")


def _no_numbers(*arrays: Any, **params: Any) -> Any:
    raise TypeError("the runtime reads inputs and constants itself")


register(Primitive("input", "An input of the formula.", _no_rule, _no_numbers, None, "elementwise"))
register(Primitive("constant", "An array of fixed numbers.", _no_rule, _no_numbers, None, "elementwise"))


def _counted(length: int) -> tuple[Shape, DType]:
    if length < 0:
        raise ShapeError(f"there is no array of {length} entries")
    return (length,), "int64"


register(
    Primitive(
        "iota",
        "The whole numbers 0, 1, 2, …",
        _counted,
        lambda length: np.arange(length),
        None,
        "elementwise",
        cases=(Case((), (), {"length": 3}),),
    )
)
elementwise(
    "stop_gradient",
    "The value itself, held fixed: its derivative is 0.",
    lambda x: x,
    None,
    ranges=((-2.0, 2.0),),
    floats=False,
    symbolic=lambda sympy, x: x,
)
