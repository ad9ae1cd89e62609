"""Running extremes and running log-sums along the last axis, and places in a sorted array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.graph.node import DType, Node, Shape, apply, broadcast_to, cast, select
from jaccli.graph.primitive import Case, Masked, Primitive, register
from jaccli.graph.primitives.scans import shift
from jaccli.graph.primitives.shaping import take_slices
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)


def _alike(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    return node.primitive(args[0], **node.params)


def _same_as_before(x: Node) -> Node:
    """1 where an entry equals the one before it, 0 elsewhere and at the start."""
    length = x.shape[-1]
    whole = tuple((0, size, 1) for size in x.shape[:-1])
    later = take_slices(x, (*whole, (1, length - 1, 1)))
    earlier = take_slices(x, (*whole, (0, length - 1, 1)))
    equal = cast(apply("equal", later, earlier), x.dtype)
    return apply("unslice", equal, bounds=(*whole, (1, length - 1, 1)), shape=x.shape)


def _running_pullback(index: int, g: Node, node: Node) -> Node | Masked:
    """Entry i of the result is shared by the entries up to i that attain it."""
    (x,) = node.args
    if x.shape[-1] == 0:
        return g
    ties = apply("equal", x, node)
    run = _same_as_before(node)
    count = apply("recurrence", run, cast(ties, x.dtype), reverse=False)
    sums = apply("recurrence", shift(run, True), g / count, reverse=True)
    live = ties | apply("isnan", node)
    return Masked(select(live, sums, 0.0), live)


for _name, _doc in (("cummax", "Largest entry so far"), ("cummin", "Smallest entry so far")):
    register(
        Primitive(
            _name,
            f"{_doc} along the last axis.",
            lambda x: (x.shape, x.dtype),
            lambda x, _name=_name: (np.maximum if _name == "cummax" else np.minimum).accumulate(x, axis=-1),
            _running_pullback,
            "scans",
            batch=_alike,
            cases=(Case(((5,),), (ANY,)), Case(((2, 4),), (ANY,)), Case(((2, 0),), (ANY,))),
            kinks="tied entries share the derivative equally",
        )
    )


def _logcumsumexp_pullback(index: int, g: Node, node: Node) -> Node:
    (x,) = node.args
    if x.shape[-1] == 0:
        return g
    length = x.shape[-1]
    whole = tuple((0, size, 1) for size in x.shape[:-1])
    later = take_slices(node, (*whole, (1, length - 1, 1)))
    earlier = take_slices(node, (*whole, (0, length - 1, 1)))
    decay = apply("exp", _less(earlier, later))
    factor = apply("unslice", decay, bounds=(*whole, (0, length - 1, 1)), shape=x.shape)
    return apply("recurrence", factor, g, reverse=True) * apply("exp", _less(x, node))


def _less(a: Node, b: Node) -> Node:
    """a - b, 0 where both are the same infinity."""
    return select(apply("equal", a, b), 0.0, a - b)


register(
    Primitive(
        "logcumsumexp",
        "log of the running sum of exponentials along the last axis, without overflow.",
        lambda x: (x.shape, x.dtype),
        lambda x: np.logaddexp.accumulate(x, axis=-1),
        _logcumsumexp_pullback,
        "scans",
        batch=_alike,
        cases=(Case(((5,),), (ANY,)), Case(((2, 4),), (ANY,)), Case(((2, 0),), (ANY,))),
    )
)


def _places_shape(table: Node, values: Node, side: str) -> tuple[Shape, DType]:
    return values.shape, "int64"


def _places(table: Any, values: Any, side: Any) -> Any:
    return np.searchsorted(table, values, side=side)


def _places_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    if batched[0]:
        raise TypeError("a sorted table never carries a batch of cotangents")
    return apply("searchsorted", args[0], broadcast_to(args[1], (size, *node.shape)), side=node.params["side"])


register(
    Primitive(
        "searchsorted",
        "Where entries would stand in a sorted array.",
        _places_shape,
        _places,
        None,
        "dense",
        batch=_places_batch,
        cases=(
            Case(((3,), (2, 2)), ((0.0, 0.0), ANY), {"side": "right"}),
            Case(((3,), ()), ((0.0, 0.0), ANY), {"side": "left"}),
        ),
    )
)
