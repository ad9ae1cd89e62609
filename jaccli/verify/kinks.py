"""Which operations of a formula stand at a place without a derivative, named for people: "abs at 0"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.graph.node import Node, dependents, scalar_value, topological
from jaccli.runtime.plan import Plan
from jaccli.verify.rounding import blur

Array = NDArray[Any]
Test = Callable[..., "tuple[Array, Array]"]
"""(node's parameters, *arguments) -> two arrays that are equal where the operation has no derivative."""

MOST_NAMED = 3


def _at(place: float) -> Test:
    return lambda params, x, *others: (x, np.full_like(x, place))


def _between(params: Mapping[str, Any], a: Array, b: Array, *others: Array) -> tuple[Array, Array]:
    return a, b


def _bounds(params: Mapping[str, Any], x: Array, low: Array, high: Array) -> tuple[Array, Array]:
    nearer = np.where(np.abs(x - low) < np.abs(x - high), low, high)
    return np.broadcast_to(x, nearer.shape), nearer


def _unit(params: Mapping[str, Any], x: Array) -> tuple[Array, Array]:
    return np.abs(x), np.ones_like(x)


def _second_zero(params: Mapping[str, Any], a: Array, b: Array) -> tuple[Array, Array]:
    return b, np.zeros_like(b)


def _whole(params: Mapping[str, Any], x: Array, *others: Array) -> tuple[Array, Array]:
    return x, np.rint(x)


def _half(params: Mapping[str, Any], x: Array) -> tuple[Array, Array]:
    return x, np.floor(x) + 0.5


def _quotient(params: Mapping[str, Any], a: Array, b: Array) -> tuple[Array, Array]:
    return a / b, np.rint(a / b)


def _length(params: Mapping[str, Any], x: Array) -> tuple[Array, Array]:
    lengths = np.sqrt(np.sum(np.square(x), axis=params["axes"]))
    return lengths, np.zeros_like(lengths)


def _origin(params: Mapping[str, Any], a: Array, b: Array) -> tuple[Array, Array]:
    length = np.hypot(a, b)
    return length, np.zeros_like(length)


def _sorted_neighbours(x: Array) -> tuple[Array, Array]:
    ordered = np.sort(x, axis=-1)
    return ordered[..., 1:], ordered[..., :-1]


def _leaders(params: Mapping[str, Any], x: Array, sign: int) -> tuple[Array, Array]:
    axes = params["axes"]
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    merged = np.transpose(x, (*others, *axes)).reshape(*(x.shape[axis] for axis in others), -1)
    ordered = np.sort(sign * merged, axis=-1)
    return ordered[..., -1:], ordered[..., -2:-1]


_LARGEST: Test = lambda params, x: _leaders(params, x, 1)  # noqa: E731 - a row of the table below
_SMALLEST: Test = lambda params, x: _leaders(params, x, -1)  # noqa: E731

_PLACES: dict[str, tuple[str, Test]] = {
    "abs": ("abs at 0", _at(0.0)),
    "sign": ("sign at 0", _at(0.0)),
    "floor": ("floor at a jump", _whole),
    "ceil": ("ceil at a jump", _whole),
    "trunc": ("trunc at a jump", _whole),
    "rint": ("round at a jump", _half),
    "remainder": ("% at a jump", _quotient),
    "fmod": ("fmod at a jump", _quotient),
    "floor_divide": ("// at a jump", _quotient),
    "maximum": ("maximum at a tie", _between),
    "minimum": ("minimum at a tie", _between),
    "clip": ("clip on a bound", _bounds),
    "max": ("max at a tie", _LARGEST),
    "min": ("min at a tie", _SMALLEST),
    "argmax": ("argmax at a tie", _LARGEST),
    "argmin": ("argmin at a tie", _SMALLEST),
    "argsort": ("an order with a tie", lambda params, x: _sorted_neighbours(x)),
    "less": ("a comparison of equal numbers", _between),
    "less_equal": ("a comparison of equal numbers", _between),
    "equal": ("a comparison of equal numbers", _between),
    "not_equal": ("a comparison of equal numbers", _between),
    "signbit": ("the sign of 0", _at(0.0)),
    "norm": ("norm at 0", _length),
    "hypot": ("hypot at the origin", _origin),
    "arctan2": ("arctan2 at the origin", _origin),
    "sqrt": ("sqrt at 0", _at(0.0)),
    "cbrt": ("cbrt at 0", _at(0.0)),
    "log": ("log at 0", _at(0.0)),
    "log2": ("log2 at 0", _at(0.0)),
    "log10": ("log10 at 0", _at(0.0)),
    "log1p": ("log1p at -1", _at(-1.0)),
    "arcsin": ("arcsin at -1 or 1", _unit),
    "arccos": ("arccos at -1 or 1", _unit),
    "arctanh": ("arctanh at -1 or 1", _unit),
    "arccosh": ("arccosh at 1", _at(1.0)),
    "divide": ("a division by 0", _second_zero),
    "xlogy": ("xlogy at 0", _second_zero),
}
_POWER = ("a power of 0", _at(0.0))


def touched(output: Node, point: Mapping[Node, Array], source: Node) -> tuple[str, ...]:
    """The places without a derivative that the formula touches, within rounding, on the way from one input.

    Args:
        output: of the formula.
        point: the value of every input.
        source: the input.
    """
    moving = dependents([output], [source])
    suspects = [node for node in topological([output]) if node in moving and _place(node) and node.size]
    needed = list(dict.fromkeys(argument for node in suspects for argument in node.args))
    if not needed:
        return ()
    values = dict(zip(needed, Plan(needed, tuple(point)).run(list(point.values())), strict=True))
    blurs = dict(zip(needed, blur(needed, point), strict=True))
    with np.errstate(all="ignore"):
        names = [_name(node, values, blurs) for node in suspects]
    return tuple(dict.fromkeys(name for name in names if name))


def _place(node: Node) -> tuple[str, Test] | None:
    if node.primitive.name == "power":
        exponent = scalar_value(node.args[1])
        return None if exponent is not None and exponent >= 0 and exponent == int(exponent) else _POWER
    return _PLACES.get(node.primitive.name)


def _name(node: Node, values: Mapping[Node, Array], blurs: Mapping[Node, Array]) -> str | None:
    place = _place(node)
    assert place is not None
    name, test = place
    arguments = [np.asarray(values[argument], np.float64) for argument in node.args]
    first, second = test(node.params, *arguments)
    if not first.size:
        return None
    allowance = 4.0 * max((float(np.max(blurs[argument], initial=0.0)) for argument in node.args), default=0.0)
    return name if np.any(np.abs(first - second) <= allowance) else None


def named(names: tuple[str, ...]) -> str:
    """The places as text: "abs at 0, max at a tie"."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
