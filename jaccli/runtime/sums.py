"""Sums that are taken before what is the same along them: Σ a·b = a·Σ b where a does not vary.

A pullback multiplies first and sums in the end, because going forward the broadcast comes first. Where a product, or a
contraction, is made for the sum alone, it is cheaper to sum what varies and to multiply that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from jaccli.graph.node import Node, Shape, apply, broadcast_to, reshape, size_of, topological
from jaccli.graph.rewriting import rewritten

_DEEPEST = 100  # formulas may be deeper than Python's stack
SMALLEST = 1 << 10  # below, the numbers are those of the derivative as `explain` tells it, to the last digit
_LARGEST = 1 << 27  # what is larger is refused or taken as it is written, however little of it is wanted
Axes = tuple[int, ...]


def with_early_sums(outputs: Sequence[Node], given: Collection[Node], written: Node) -> list[Node]:
    """Derivatives, where products and contractions that are made for a sum alone are made of sums.

    Equal but for rounding, and for cotangents so large that their own sum overflows.

    Args:
        given: nodes whose values are known, which are left as they are, with all below them.
        written: the formula, whose operations keep the order in which they are written.
    """
    given = {*given, *topological([written])}
    order = topological(outputs, given)
    found = [node for node in order if node.primitive.name == "sum" and node.is_float and node not in given]
    if not found:
        return list(outputs)
    readers = Counter(argument for node in order for argument in node.args)
    readers.update(outputs)
    kept = {node for node, count in readers.items() if count > 1} | given
    early = {node: _early(node.args[0], node.params["axes"], kept, 0) for node in found}
    better = {node: sooner for node, sooner in early.items() if sooner is not None}
    return rewritten(outputs, better, given)


def _early(node: Node, axes: Axes, kept: Collection[Node], depth: int) -> Node | None:
    """The sum of a node over axes that does not compute the node; None where there is no such way."""
    if not axes or node in kept or depth > _DEEPEST or not max(1, SMALLEST) <= node.size <= _LARGEST:
        return None
    name = node.primitive.name
    if name == "negative":
        inner = _early(node.args[0], axes, kept, depth + 1)
        return None if inner is None else -inner
    if name in ("multiply", "divide"):
        return _factored(node, axes, kept, depth)
    if name in ("add", "subtract"):
        terms = [_early(term, axes, kept, depth + 1) for term in node.args if term.shape == node.shape]
        if len(terms) < 2 or terms[0] is None or terms[1] is None:
            return None
        return apply(name, *(term for term in terms if term is not None))
    if name == "transpose":
        permutation = node.params["permutation"]
        return _transposed(node, axes, permutation, kept, depth)
    return _contracted(node, axes, kept, depth) if name == "contract" else None


def _sum(node: Node, axes: Axes, kept: Collection[Node], depth: int) -> Node:
    early = _early(node, axes, kept, depth + 1)
    return apply("sum", node, axes=axes) if early is None else early


def _factored(node: Node, axes: Axes, kept: Collection[Node], depth: int) -> Node | None:
    """Σ a·b = a·Σ b along axes where a does not vary, and the same for a quotient and its numerator."""
    operands = [_unrepeated(argument, kept) for argument in node.args]
    first, second = (_varying(operand, axes, node.shape) for operand in operands)
    gone = [axis for axis in axes if axis not in first & second]
    if not gone or (node.primitive.name == "divide" and second - first):
        return None
    factors = [_along(operand, gone, node.ndim, kept, depth) for operand in operands]
    rest = [axis for axis in range(node.ndim) if axis not in gone]
    found = broadcast_to(apply(node.primitive.name, *factors), tuple(node.shape[axis] for axis in rest))
    repeats = size_of(node.shape[axis] for axis in gone if axis not in first | second)
    if repeats != 1:
        found = found * float(repeats)
    shared = tuple(place for place, axis in enumerate(rest) if axis in axes)
    return _sum(found, shared, kept, depth) if shared else found


def _unrepeated(node: Node, kept: Collection[Node]) -> Node:
    while node.primitive.name == "broadcast_to" and node not in kept:
        node = node.args[0]
    return node


def _varying(operand: Node, axes: Axes, shape: Shape) -> set[int]:
    """Those of the axes of a result along which an operand has more than one entry."""
    missing = len(shape) - operand.ndim
    return {axis for axis in axes if axis >= missing and operand.shape[axis - missing] != 1}


def _along(operand: Node, gone: Sequence[int], ndim: int, kept: Collection[Node], depth: int) -> Node:
    """An operand of a result of `ndim` axes, summed over those that go as far as it has them."""
    missing = ndim - operand.ndim
    own = tuple(axis - missing for axis in gone if axis >= missing)
    summed = tuple(axis for axis in own if operand.shape[axis] != 1)
    total = _sum(operand, summed, kept, depth) if summed else operand
    return reshape(total, tuple(length for axis, length in enumerate(operand.shape) if axis not in own))


def _transposed(node: Node, axes: Axes, permutation: Sequence[int], kept: Collection[Node], depth: int) -> Node | None:
    inner_axes = tuple(sorted(permutation[axis] for axis in axes))
    inner = _early(node.args[0], inner_axes, kept, depth + 1)
    if inner is None:
        return None
    left = [axis for axis in range(node.ndim) if axis not in inner_axes]
    order = [left.index(permutation[axis]) for axis in range(node.ndim) if axis not in axes]
    return inner if order == list(range(len(order))) else apply("transpose", inner, permutation=tuple(order))


def _contracted(node: Node, axes: Axes, kept: Collection[Node], depth: int) -> Node | None:
    """Σₙ A·bₙ = A·Σₙ bₙ, for labels that one operand alone has."""
    labels = {name: tuple(node.params[name]) for name in ("left", "right", "out")}
    summed = [labels["out"][axis] for axis in axes]
    if any(label in labels["left"] and label in labels["right"] for label in summed):
        return None
    args = []
    for side, argument in zip(("left", "right"), node.args, strict=True):
        own = tuple(axis for axis, label in enumerate(labels[side]) if label in summed)
        args.append(_sum(argument, own, kept, depth) if own else argument)
    rest = {name: tuple(label for label in own if label not in summed) for name, own in labels.items()}
    return apply("contract", *args, **rest)
