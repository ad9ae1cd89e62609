"""What a sub-expression is while a formula becomes a graph: an array (a node), or something known before any
number is computed (a Python number, a tuple, a slice, an option)."""

from __future__ import annotations

import inspect
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jaccli.errors import FormulaError, LimitError, ShapeError
from jaccli.formula.complex import Complex
from jaccli.formula.names import Dialect
from jaccli.graph.node import (
    DType,
    Node,
    Scalar,
    apply,
    broadcast_to,
    cast,
    constant,
    constant_array,
    packed_floats,
    reshape,
)
from jaccli.graph.primitive import MOST_AXES

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = Any
"""A Node, a Python number, None, Ellipsis, a string, a SliceValue, or a list or tuple of values."""

_LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class SliceValue:
    """`start:stop:step` with static parts."""

    start: int | None
    stop: int | None
    step: int | None


@dataclass(frozen=True)
class Pair:
    """PyTorch's (values, indices): the values everywhere but under `[0]`, `[1]`, `.indices` and two names."""

    values: Node
    indices: Node


@dataclass(frozen=True)
class FloatLimits:
    """What `finfo` knows of a floating-point dtype."""

    eps: float
    max: float
    tiny: float

    @staticmethod
    def of(dtype: DType) -> FloatLimits:
        """The limits of float64 or float32."""
        if dtype == "float32":
            return FloatLimits(2.0**-23, (2 - 2.0**-23) * 2.0**127, 2.0**-126)
        return FloatLimits(2.0**-52, (2 - 2.0**-52) * 2.0**1023, 2.0**-1022)

    def entry(self, name: str) -> float:
        """The limit of that name; a `FormulaError` lists what there is."""
        known = {"eps": self.eps, "max": self.max, "min": -self.max, "tiny": self.tiny, "smallest_normal": self.tiny}
        if name not in known:
            raise FormulaError(f"finfo has no {name}", hint=f"it has {', '.join(known)}")
        return known[name]


class Parts(tuple[Value, ...]):
    """Several results of a function, which can be asked for by name.

    Attributes:
        names: of the results, in order.
    """

    names: tuple[str, ...]

    def __new__(cls, values: Iterable[Value], *names: str) -> Parts:
        """The results with their names."""
        made = super().__new__(cls, values)
        made.names = names
        return made


@dataclass(frozen=True)
class RandomVariable:
    """PyTorch's distribution object: what can be asked of it by name.

    Attributes:
        name: of its class.
        methods: functions of arrays, such as `log_prob`.
        properties: arrays, such as `mean`.
    """

    name: str
    methods: Mapping[str, Callable[..., Node]]
    properties: Mapping[str, Node]

    def __repr__(self) -> str:
        return f"a {self.name} distribution"

    def ask(self, name: str, arguments: Sequence[Value] = (), *, called: bool) -> Node:
        """The answer of a method or a property; a `FormulaError` lists what there is."""
        if called and name in self.methods:
            wanted = len(inspect.signature(self.methods[name]).parameters)
            if len(arguments) != wanted:
                raise FormulaError(
                    f"{name} of {self!r} takes {wanted or 'no'} argument{'s' * (wanted != 1)}, not {len(arguments)}"
                )
            return self.methods[name](*arguments)
        if not called and name in self.properties:
            return self.properties[name]
        known = ", ".join([*(f"{method}(…)" for method in self.methods), *self.properties])
        raise FormulaError(f"{self!r} has no {name} here", hint=f"it has {known}")


@dataclass
class Context:
    """What functions need to know about the formula they stand in. State: the notes collected so far.

    Attributes:
        float_dtype: of every float in the formula.
        compute: the numbers of a node, for the few places where a shape depends on them (boolean masks).
        dialect: whose meaning the call at hand asks for, by prefix or by keyword.
        prefix: the prefix of the call at hand.
        positional: how many arguments it has without a keyword.
        is_method: whether it was written `x.name(…)`.
        notes: what the reader should be told.
    """

    float_dtype: DType
    compute: Callable[[Node], NDArray[Any]]
    dialect: Dialect | None = None
    prefix: str = ""
    positional: int = 0
    is_method: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Tells the reader something, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def is_torch(self) -> bool:
        """Whether PyTorch's meaning was asked for."""
        return self.dialect == "torch"

    def array(self, value: Value) -> Node:
        """The value as a node: numbers become constants, lists of numbers constant arrays, lists of arrays stacks."""
        if isinstance(value, Node):
            return value
        if isinstance(value, Pair):
            return value.values
        if isinstance(value, (bool, int, float)):
            return self.number(value)
        if isinstance(value, (list, tuple)):
            return self._stacked(value)
        if isinstance(value, Complex):
            return value.as_real()
        raise FormulaError(f"{describe(value)} stands where an array is needed")

    def floats(self, value: Value) -> Node:
        """The value as a float array."""
        node = self.array(value)
        return node if node.is_float else cast(node, self.float_dtype)

    def number(self, value: Scalar) -> Node:
        """A constant: whole numbers stay integers while they fit, all else is a float."""
        if isinstance(value, bool):
            return constant(value, "bool")
        if isinstance(value, int) and abs(value) < 2**63:
            return constant(value, "int64")
        return constant(to_float(value), self.float_dtype)

    def _stacked(self, values: Sequence[Value]) -> Node:
        flat, shape = _flatten(values)
        if flat is not None:
            return _number_array(flat, shape, self.float_dtype)
        nodes = [self.array(value) for value in values]
        dtypes = {node.dtype for node in nodes}
        if len(dtypes) > 1 and any(node.is_float for node in nodes):
            nodes = [cast(node, self.float_dtype) for node in nodes]
        return stack(nodes, 0)

    def integer(self, value: Value, what: str) -> int:
        """A whole number that is known now; computed if it depends on no input."""
        _refuse_floating_input(value, what)
        number = self.static(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or number != int_or_none(number):
            raise FormulaError(f"{what} must be a whole number, and this is {describe(value)}")
        return int(number)

    def static(self, value: Value) -> Value:
        """A node without axes as the number that it stands for; everything else unchanged."""
        if isinstance(value, Node) and value.shape == ():
            return self.compute(value).item()
        return value

    def integers(self, value: Value, what: str) -> tuple[int, ...]:
        """One whole number or several, as a tuple."""
        if isinstance(value, Node) and value.ndim == 1:
            _refuse_floating_input(value, what)
            value = self.compute(value).tolist()
        if isinstance(value, (list, tuple)):
            return tuple(self.integer(item, what) for item in value)
        return (self.integer(value, what),)


def _refuse_floating_input(value: Value, what: str) -> None:
    if isinstance(value, Node) and value.is_float and value.reads_input:
        raise FormulaError(
            f"{what} must be a whole number, and this is computed from a floating input",
            hint="give sizes and indices as integers, with int:, as in --n int:3",
        )


def int_or_none(number: float) -> int | None:
    """The whole number that a float is, if it is one."""
    if isinstance(number, int):
        return number
    return int(number) if math.isfinite(number) and number == int(number) else None


def describe(value: Value) -> str:
    """A value in words, for messages."""
    if isinstance(value, Node):
        return f"an array of shape {value.shape}" if value.shape else "a computed number"
    if isinstance(value, str):
        return f"the text {value!r}"
    if isinstance(value, SliceValue):
        return "a slice"
    if value is None:
        return "None"
    if value is Ellipsis:
        return "..."
    if isinstance(value, (list, tuple)):
        return "a list"
    return repr(value)


def stack(nodes: Sequence[Node], axis: int) -> Node:
    """Arrays of one shape (broadcast where they differ only in scalars) along a new axis."""
    shapes = {node.shape for node in nodes}
    if len(shapes) > 1:
        listed = ", ".join(str(node.shape) for node in nodes)
        raise ShapeError(f"arrays of different shapes cannot be stacked: {listed}")
    if not nodes:
        raise ShapeError("there is nothing to stack")
    shape = nodes[0].shape
    wide = [reshape(node, (*shape[:axis], 1, *shape[axis:])) for node in nodes]
    return wide[0] if len(wide) == 1 else apply("concatenate", *wide, axis=axis)


def to_float(value: Scalar) -> float:
    """A Python number as a float; one beyond its range is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _flatten(values: Sequence[Value]) -> tuple[list[Scalar] | None, tuple[int, ...]]:
    """The numbers of a nested list and its shape; None where it holds arrays or is ragged."""
    level: list[Value] = list(values)
    shape = [len(level)]
    while level and all(isinstance(item, (list, tuple)) for item in level):
        lengths = {len(item) for item in level}
        if len(lengths) > 1:
            raise ShapeError("the rows of this list have different lengths")
        shape.append(lengths.pop())
        level = [entry for item in level for entry in item]
    if all(isinstance(item, (bool, int, float)) for item in level):
        return level, tuple(shape)
    return None, ()


def _check_axes(shape: tuple[int, ...]) -> None:
    if len(shape) > MOST_AXES:
        raise LimitError(f"a list nested {len(shape)} deep; the limit is {MOST_AXES}")


def _number_array(numbers: list[Scalar], shape: tuple[int, ...], float_dtype: DType) -> Node:
    _check_axes(shape)
    if numbers and all(isinstance(number, bool) for number in numbers):
        return constant_array(struct.pack(f"<{len(numbers)}?", *numbers), shape, "bool")
    if numbers and all(isinstance(number, int) and abs(number) < 2**63 for number in numbers):
        return constant_array(struct.pack(f"<{len(numbers)}q", *numbers), shape, "int64")
    return constant_array(packed_floats([to_float(number) for number in numbers], float_dtype), shape, float_dtype)


def of_kind(context: Context, node: Node, dtype: Any) -> Node:
    """The array with entries of a kind as a formula writes it: float, int, bool, 'float32', torch.long."""
    name = dtype if isinstance(dtype, str) else ""
    if "bool" in name:
        return as_mask(context, node)
    if "int" in name or name in ("long", "short"):
        return node if node.dtype == "int64" else cast(node, "int64")
    return context.floats(node)


def as_mask(context: Context, value: Value) -> Node:
    """The value as truth values: a number holds where it is not 0."""
    node = context.array(value)
    return node if node.dtype == "bool" else apply("not_equal", node, constant(0, node.dtype))


def broadcast_together(*nodes: Node) -> tuple[Node, ...]:
    """The nodes broadcast to their common shape."""
    from jaccli.graph.node import broadcast_shapes

    shape = broadcast_shapes([node.shape for node in nodes])
    return tuple(broadcast_to(node, shape) for node in nodes)
