"""Rows for functions of single entries with a static parameter: an order, a degree, a scale.

The derivative of such a row is mostly the same row at another parameter, which makes derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaccli.graph.node import DType, Node, Shape, apply, broadcast_shapes, promote
from jaccli.graph.primitive import Case, Masked, Params, Primitive, Pullback, register

Ranges = tuple[tuple[float, float] | int | None, ...]


def parametric(
    name: str,
    doc: str,
    numeric: Callable[..., Any],
    *pullbacks: Pullback | None,
    variants: tuple[tuple[Params, Ranges], ...],
    template: str = "",
    symbolic: Callable[..., Any] | None = None,
    kinks: str = "",
) -> Primitive:
    """An element-wise row of floats whose rules also read the node's parameters.

    `pullbacks` are rules (cotangent, output, *arguments) -> cotangent; `output.params` holds the parameters.
    `variants` lists parameters to test with the ranges to draw arguments from; `symbolic` takes the parameters
    as keywords.
    """

    def shape(*args: Node, **params: Any) -> tuple[Shape, DType]:
        return broadcast_shapes([argument.shape for argument in args]), promote(a.dtype for a in args)

    def pullback(index: int, cotangent: Node, node: Node) -> Node | Masked:
        rule = pullbacks[index]
        assert rule is not None
        return rule(cotangent, node, *node.args)

    count = len(pullbacks)
    shapes: list[tuple[Shape, ...]] = [((3,),) * count, ((2, 2), (2, 1), (2,))[:count]]
    return register(
        Primitive(
            name=name,
            doc=doc,
            shape=shape,
            numeric=numeric,
            pullback=pullback if any(pullbacks) else None,
            dependency="elementwise",
            cases=tuple(Case(case, ranges, params) for params, ranges in variants for case in shapes),
            template=template or f"{name}({', '.join(f'{{{i}}}' for i in range(count))})",
            symbolic=symbolic,
            kinks=kinks,
            elementwise=True,
            floats=True,
            pullbacks=pullbacks,
        )
    )


def next_order(name: str) -> Pullback:
    """The pullback of a family whose derivative is its own row with `order` one higher."""

    def rule(g: Node, y: Node, x: Node) -> Node:
        return g * apply(name, x, **{**y.params, "order": y.params["order"] + 1})

    return rule
