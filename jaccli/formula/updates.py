"""Arrays with some entries replaced or added to, as copies: `x.at[i].set(v)`, `scatter`, `index_add`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.arithmetic import operands
from jaccli.formula.values import Context, Value
from jaccli.graph.node import (
    Node,
    apply,
    broadcast_shapes,
    broadcast_to,
    cast,
    constant_array,
    promote,
    reshape,
    show_shape,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ("set", "add", "subtract", "multiply", "mul", "divide", "power", "min", "max", "get")
_OPERATIONS = {
    "multiply": "multiply",
    "mul": "multiply",
    "divide": "divide",
    "power": "power",
    "min": "minimum",
    "max": "maximum",
}


@dataclass(frozen=True)
class At:
    """`x.at`, waiting for its index."""

    array: Node

    def __repr__(self) -> str:
        return ".at without an index"


@dataclass(frozen=True)
class Update:
    """`x.at[i]`, waiting for what is done there.

    Attributes:
        array: the array.
        positions: which entries, counted in C order, in the shape of the indexed part.
    """

    array: Node
    positions: Node

    def __repr__(self) -> str:
        return ".at[…] without .set(…) or .add(…)"


def places(array: Node) -> Node:
    """The number of each entry in C order."""
    return reshape(apply("iota", length=array.size), array.shape)


def update(context: Context, target: Update, method: str, arguments: list[Value]) -> Node:
    """The array with `method` done at the positions: set, add, subtract, multiply, divide, power, min, max."""
    if method not in METHODS or (method != "get" and len(arguments) != 1):
        raise FormulaError(f"unknown method {method} of x.at[…]", hint=f"there are {', '.join(METHODS)}")
    flat = reshape(target.array, (target.array.size,))
    if method == "get":
        return apply("take", flat, target.positions)
    array, value = operands(context, flat, arguments[0])
    if method in ("add", "subtract"):
        return added(
            target.array.shape, array, target.positions, apply("negative", value) if method == "subtract" else value
        )
    if method != "set":
        numbers = context.compute(target.positions)
        if len(set(numbers.ravel().tolist())) < numbers.size:
            raise FormulaError(
                f"{method} with an index that repeats has no one meaning", hint="add takes repeated indices"
            )
        value = apply(_OPERATIONS[method], apply("take", array, target.positions), value)
    return replaced(context, target.array.shape, array, target.positions, value)


def added(shape: tuple[int, ...], flat: Node, positions: Node, value: Node) -> Node:
    """The entries with a value added at positions, which may repeat."""
    spread = _spread(value, positions)
    return reshape(apply("add", flat, apply("scatter_add", spread, positions, size=flat.size)), shape)


def replaced(context: Context, shape: tuple[int, ...], flat: Node, positions: Node, value: Node) -> Node:
    """The entries with others in their place at positions; where a position repeats the last one stays."""
    spread = _spread(value, positions)
    common = promote((flat.dtype, spread.dtype))
    both = apply("concatenate", cast(flat, common), cast(reshape(spread, (spread.size,)), common), axis=0)
    order = _order(context.compute(positions), flat.size)
    return reshape(apply("take", both, order), shape)


def _spread(value: Node, positions: Node) -> Node:
    if broadcast_shapes([value.shape, positions.shape]) != positions.shape:
        raise ShapeError(
            f"a value of shape {show_shape(value.shape)} does not fit the {show_shape(positions.shape)} entries"
        )
    return broadcast_to(value, positions.shape)


def _order(numbers: NDArray[Any], size: int) -> Node:
    """For every place the entry that stands there: its own, or one of those that follow them all."""
    order = list(range(size))
    for number, place in enumerate(numbers.ravel().tolist()):
        order[place] = size + number
    return constant_array(b"".join(place.to_bytes(8, "little", signed=True) for place in order), (size,), "int64")
