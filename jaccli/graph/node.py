"""The op graph: immutable, hash-consed nodes with a shape and a dtype.

A node is one primitive applied to earlier nodes. Equal applications are one object, so that a node's
identity is its value: common sub-expressions are shared by construction, in a formula and in every
derivative made of it. Nothing here knows NumPy; numbers live in the runtime.
"""

from __future__ import annotations

import math
import struct
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from jaccli.errors import LimitError, ShapeError

if TYPE_CHECKING:
    from jaccli.graph.primitive import Primitive

Shape = tuple[int, ...]
DType = Literal["float64", "float32", "int64", "bool"]
Scalar = float | int | bool

MOST_NODES = 2_000_000
_RANK_OF_DTYPE: dict[DType, int] = {"bool": 0, "int64": 1, "float32": 2, "float64": 3}
_SCALAR_CODES: dict[DType, str] = {"float64": "<d", "float32": "<f", "int64": "<q", "bool": "<?"}


class Node:
    """One application of a primitive.

    Attributes:
        primitive: the row of the table that says what the node does.
        args: the nodes it reads.
        params: its static parameters (axes, shapes, slices), hashable values by name.
        shape, dtype: of the array that it stands for.
        size: the number of its entries.
        reads_input: whether its numbers depend on an input of the graph, and are not known already.
    """

    __slots__ = ("__weakref__", "args", "dtype", "params", "primitive", "reads_input", "shape", "size")

    def __init__(
        self, primitive: Primitive, args: tuple[Node, ...], params: Mapping[str, Any], shape: Shape, dtype: DType
    ) -> None:
        self.primitive = primitive
        self.args = args
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self.size = size_of(shape)
        self.reads_input: bool = primitive.name == "input" or any(argument.reads_input for argument in args)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the node can carry a derivative."""
        return self.dtype in ("float64", "float32")

    def __repr__(self) -> str:
        params = "".join(f", {name}={value!r}" for name, value in self.params.items() if name != "data")
        arguments = ", ".join(argument.primitive.name for argument in self.args)
        return f"<{self.primitive.name}({arguments}{params}) {self.dtype}{list(self.shape)}>"

    # The operators serve the derivative rules: they leave out factors of one and terms of zero. The
    # graph of a formula is built by `apply` instead, which keeps every operation that was written.

    def __add__(self, other: Node | Scalar) -> Node:
        if not isinstance(other, Node) and other == 0:
            return self
        return apply("add", self, _lift(other, self))

    __radd__ = __add__

    def __neg__(self) -> Node:
        return apply("negative", self)

    def __sub__(self, other: Node | Scalar) -> Node:
        return apply("subtract", self, _lift(other, self))

    def __rsub__(self, other: Scalar) -> Node:
        return apply("subtract", _lift(other, self), self)

    def __mul__(self, other: Node | Scalar) -> Node:
        if not isinstance(other, Node) and other == 1:
            return self
        if not isinstance(other, Node) and other == -1:
            return -self
        if isinstance(other, Node):
            if _is_ones(self) and self.dtype == other.dtype:
                return _stretched(other, self)
            if _is_ones(other) and self.dtype == other.dtype:
                return _stretched(self, other)
            if self.primitive.name == "negative" and other.primitive.name == "multiply":
                factor = scalar_value(other.args[0])
                if factor is not None:
                    return self.args[0] * (-factor * other.args[1])
        return apply("multiply", self, _lift(other, self))

    def __rmul__(self, other: Scalar) -> Node:
        if other in (1, -1):
            return self * other
        return apply("multiply", _lift(other, self), self)

    def __truediv__(self, other: Node | Scalar) -> Node:
        return apply("divide", self, _lift(other, self))

    def __rtruediv__(self, other: Scalar) -> Node:
        return apply("divide", _lift(other, self), self)

    def __pow__(self, other: Node | Scalar) -> Node:
        return apply("power", self, _lift(other, self))

    def __lt__(self, other: Node | Scalar) -> Node:
        return apply("less", self, _lift(other, self))

    def __le__(self, other: Node | Scalar) -> Node:
        return apply("less_equal", self, _lift(other, self))

    def __gt__(self, other: Node | Scalar) -> Node:
        return apply("less", _lift(other, self), self)

    def __ge__(self, other: Node | Scalar) -> Node:
        return apply("less_equal", _lift(other, self), self)

    def __and__(self, other: Node) -> Node:
        return apply("logical_and", self, other)

    def __or__(self, other: Node) -> Node:
        return apply("logical_or", self, other)

    def __invert__(self) -> Node:
        return apply("logical_not", self)


_interned: weakref.WeakValueDictionary[tuple[Any, ...], Node] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def intern(primitive: Primitive, args: tuple[Node, ...], params: Mapping[str, Any], shape: Shape, dtype: DType) -> Node:
    """The one node with these parts."""
    key = (primitive.name, tuple(map(id, args)), tuple(params.values()), shape, dtype)
    with _lock:
        node = _interned.get(key)
        if node is None:
            if len(_interned) >= MOST_NODES:
                raise LimitError(f"there are more than {MOST_NODES:,} operations", hint="write whole-array operations")
            node = _interned[key] = Node(primitive, args, params, shape, dtype)
    return node


def apply(name: str, *args: Node, **params: Any) -> Node:
    """The node of the primitive `name` applied to nodes, its shape and dtype worked out and checked."""
    from jaccli.graph.primitive import table

    return table()[name](*args, **params)


def size_of(shape: Iterable[int]) -> int:
    """The number of entries of an array of that shape."""
    size = 1
    for length in shape:
        size *= length
    return size


def promote(dtypes: Iterable[DType]) -> DType:
    """The dtype of a result computed from operands of those dtypes: bool < int64 < float32 < float64."""
    return max(dtypes, key=_RANK_OF_DTYPE.__getitem__)


def broadcast_shapes(shapes: Sequence[Shape]) -> Shape:
    """The shape that NumPy's broadcasting gives; a `ShapeError` names the shapes that do not fit."""
    result: list[int] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        offset = len(result) - len(shape)
        for axis, length in enumerate(shape, offset):
            if result[axis] == 1:
                result[axis] = length
            elif length not in (1, result[axis]):
                listed = " and ".join(map(show_shape, shapes))
                raise ShapeError(
                    f"shapes {listed} do not broadcast",
                    hint="compared from the right, two axes must be equal or one of them 1",
                )
    return tuple(result)


def show_shape(shape: Shape) -> str:
    """A shape as Python writes it: `(3, 4)`, `(5,)`, `()`."""
    return str(tuple(shape))


def input_node(name: str, shape: Shape, dtype: DType) -> Node:
    """The node of an input of the graph."""
    from jaccli.graph.primitive import table

    return intern(table()["input"], (), {"name": name}, tuple(shape), dtype)


def constant(value: Scalar, dtype: DType) -> Node:
    """A constant of no axes."""
    code = _SCALAR_CODES[dtype]
    number = bool(value) if dtype == "bool" else int(value) if dtype == "int64" else float(value)
    if dtype == "int64" and not _fits(number):
        raise LimitError("a whole number has at most 64 bits with its sign", hint="write it as a float: 1e30")
    return constant_array(
        packed_floats([number], dtype) if dtype == "float32" else struct.pack(code, number), (), dtype
    )


def packed_floats(numbers: Sequence[float], dtype: DType) -> bytes:
    """Floats as little-endian bytes; one beyond the range of float32 is infinite there, as it is in NumPy."""
    code = _SCALAR_CODES[dtype][1]
    try:
        return struct.pack(f"<{len(numbers)}{code}", *numbers)
    except OverflowError:
        return b"".join(map(_packed_or_infinite, numbers))


def _packed_or_infinite(number: float) -> bytes:
    try:
        return struct.pack("<f", number)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, number))


def constant_array(data: bytes, shape: Shape, dtype: DType) -> Node:
    """A constant array from its entries as little-endian bytes in C order."""
    from jaccli.graph.primitive import table

    return intern(table()["constant"], (), {"data": data}, tuple(shape), dtype)


def scalar_value(node: Node) -> Scalar | None:
    """The number that a constant of no axes stands for; None for every other node."""
    if node.primitive.name != "constant" or node.shape:
        return None
    number: Scalar = struct.unpack(_SCALAR_CODES[node.dtype], node.params["data"])[0]
    return number


def filled(shape: Shape, value: Scalar, dtype: DType) -> Node:
    """An array with one value everywhere: a constant, broadcast."""
    return broadcast_to(constant(value, dtype), shape)


def broadcast_to(node: Node, shape: Shape) -> Node:
    """The node itself where it has that shape, else its broadcast."""
    return node if node.shape == shape else apply("broadcast_to", node, shape=tuple(shape))


def reshape(node: Node, shape: Shape) -> Node:
    """The node itself where it has that shape, else its reshape."""
    return node if node.shape == tuple(shape) else apply("reshape", node, shape=tuple(shape))


def transpose(node: Node, permutation: Sequence[int]) -> Node:
    """The node with its axes in that order; the node itself where nothing moves."""
    order = tuple(permutation)
    return node if order == tuple(range(node.ndim)) else apply("transpose", node, permutation=order)


def select(condition: Node, chosen: Node | Scalar, other: Node | Scalar) -> Node:
    """Entry by entry the one or the other; a bare number takes the dtype of the node beside it."""
    like = chosen if isinstance(chosen, Node) else other
    assert isinstance(like, Node)
    return apply("where", condition, _lift(chosen, like), _lift(other, like))


def sum_to(node: Node, shape: Shape) -> Node:
    """The adjoint of broadcasting `shape` to the node's shape: sums over the axes that were stretched."""
    if node.shape == shape:
        return node
    extra = node.ndim - len(shape)
    stretched = tuple(
        axis for axis in range(node.ndim) if axis < extra or (shape[axis - extra] == 1 and node.shape[axis] != 1)
    )
    summed = apply("sum", node, axes=stretched) if stretched else node
    return reshape(summed, shape)


def cast(node: Node, dtype: DType) -> Node:
    """The node in that dtype; a constant is converted at once."""
    if node.dtype == dtype:
        return node
    number = scalar_value(node)
    # What has no whole number close to it becomes what NumPy makes of it.
    foldable = number is not None and (dtype != "int64" or _fits(number))
    return constant(number, dtype) if number is not None and foldable else apply("cast", node, dtype=dtype)


def _fits(number: Scalar) -> bool:
    return -(2**63) <= number < 2**63  # False for a NaN


def _is_ones(node: Node) -> bool:
    """Whether a node is the constant 1, or that broadcast."""
    while node.primitive.name == "broadcast_to":
        node = node.args[0]
    return node.primitive.name == "constant" and scalar_value(node) == 1


def _stretched(node: Node, ones: Node) -> Node:
    return broadcast_to(node, broadcast_shapes([node.shape, ones.shape]))


def _lift(value: Node | Scalar, like: Node) -> Node:
    if isinstance(value, Node):
        return value
    return constant(value, like.dtype)


def topological(
    outputs: Iterable[Node], stop: Iterable[Node] = (), reads: Callable[[Node], Sequence[Node]] | None = None
) -> list[Node]:
    """All nodes that the outputs need, each after the ones that it reads; `stop` nodes are not entered.

    `reads` gives the nodes that one reads where these are not its arguments. An explicit stack, so that the depth of a
    formula is bounded by memory only.
    """
    read = reads or _arguments
    order: list[Node] = []
    done: set[Node] = set()
    closed = set(stop)
    stack: list[tuple[Node, Iterator[Node]]] = []
    for output in outputs:
        if output in done:
            continue
        stack.append((output, iter(() if output in closed else read(output))))
        done.add(output)
        while stack:
            node, pending = stack[-1]
            for argument in pending:
                if argument not in done:
                    done.add(argument)
                    stack.append((argument, iter(() if argument in closed else read(argument))))
                    break
            else:
                order.append(node)
                stack.pop()
    return order


def _arguments(node: Node) -> Sequence[Node]:
    return node.args


def dependents(outputs: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """The nodes under the outputs whose value depends on one of the sources, the sources included."""
    touched = set(sources)
    for node in topological(outputs):
        if node not in touched and any(argument in touched for argument in node.args):
            touched.add(node)
    return touched


def newly_reached(output: Node, known: set[Node]) -> list[Node]:
    """The nodes that an output needs and that were not known; from now on they are."""
    found: list[Node] = []
    stack = [output]
    while stack:
        node = stack.pop()
        if node not in known:
            known.add(node)
            found.append(node)
            stack.extend(node.args)
    return found
