"""Products summed over shared axes: matrix products, outer products, every einsum of two operands.

Axes carry integer labels. Because the rule is symmetric in the operands and the output, both pullbacks are
contractions again, and a batch axis is one more label.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jaccli.errors import ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, cast, promote, show_shape
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
Labels = tuple[int, ...]


def contract(a: Node, b: Node, left: Sequence[int], right: Sequence[int], out: Sequence[int]) -> Node:
    """The contraction of a (axes labelled `left`) with b (`right`) to axes `out`.

    Labels within one operand are distinct. A label of one operand only that is not in `out` is summed first.
    """
    a, left = _sum_lonely(a, tuple(left), (*right, *out))
    b, right = _sum_lonely(b, tuple(right), (*left, *out))
    names: dict[int, int] = {}
    for label in (*left, *right):
        names.setdefault(label, len(names))
    common = promote((a.dtype, b.dtype))
    return apply(
        "contract",
        cast(a, common),
        cast(b, common),
        left=tuple(names[label] for label in left),
        right=tuple(names[label] for label in right),
        out=tuple(names[label] for label in out),
    )


def matmul(a: Node, b: Node) -> Node:
    """`a @ b` for two matrices, or stacks of them with equal leading axes."""
    rank = a.ndim - 2
    batch = tuple(range(rank))
    return contract(a, b, (*batch, rank, rank + 1), (*batch, rank + 1, rank + 2), (*batch, rank, rank + 2))


def _sum_lonely(node: Node, labels: Labels, elsewhere: Labels) -> tuple[Node, Labels]:
    lonely = tuple(axis for axis, label in enumerate(labels) if label not in elsewhere)
    if not lonely:
        return node, labels
    return apply("sum", node, axes=lonely), tuple(label for label in labels if label in elsewhere)


def _contract_shape(a: Node, b: Node, left: Labels, right: Labels, out: Labels) -> tuple[Shape, DType]:
    lengths: dict[int, int] = {}
    for node, labels in ((a, left), (b, right)):
        for label, length in zip(labels, node.shape, strict=True):
            if lengths.setdefault(label, length) != length:
                raise ShapeError(
                    f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for this product: "
                    f"axes of length {lengths[label]} and {length} meet"
                )
    return tuple(lengths[label] for label in out), a.dtype


class _Layout(NamedTuple):
    """How two operands become one (stacked) matrix product."""

    left_order: Labels
    right_order: Labels
    batch: int
    rows: int
    summed: int
    result_order: Labels


@functools.lru_cache(maxsize=4096)
def _layout(left: Labels, right: Labels, out: Labels) -> _Layout:
    batch = [label for label in out if label in left and label in right]
    summed = [label for label in left if label in right and label not in out]
    rows = [label for label in out if label in left and label not in right]
    columns = [label for label in out if label in right and label not in left]
    result = (*batch, *rows, *columns)
    return _Layout(
        tuple(left.index(label) for label in (*batch, *rows, *summed)),
        tuple(right.index(label) for label in (*batch, *summed, *columns)),
        len(batch),
        len(rows),
        len(summed),
        tuple(result.index(label) for label in out),
    )


def _contract(a: Any, b: Any, left: Labels, right: Labels, out: Labels) -> Any:
    layout = _layout(left, right, out)
    a = a.transpose(layout.left_order)
    b = b.transpose(layout.right_order)
    stack = a.shape[: layout.batch]
    rows = a.shape[layout.batch : layout.batch + layout.rows]
    columns = b.shape[layout.batch + layout.summed :]
    if layout.summed == 0:
        product = a.reshape((*stack, *rows, *(1,) * len(columns))) * b.reshape((*stack, *(1,) * len(rows), *columns))
    else:
        summed = a.shape[layout.batch + layout.rows :]
        inner = int(np.prod(summed, dtype=np.int64))
        a = a.reshape((*stack, int(np.prod(rows, dtype=np.int64)), inner))
        b = b.reshape((*stack, inner, int(np.prod(columns, dtype=np.int64))))
        product = np.matmul(a, b).reshape((*stack, *rows, *columns))
    return product.transpose(layout.result_order)


def _contract_pullback(index: int, g: Node, node: Node) -> Node:
    a, b = node.args
    left, right, out = node.params["left"], node.params["right"], node.params["out"]
    if index == 0:
        return contract(g, b, out, right, left)
    return contract(a, g, left, out, right)


def _contract_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    left, right, out = node.params["left"], node.params["right"], node.params["out"]
    extra = 1 + max((*left, *right, *out), default=-1)
    return contract(
        args[0],
        args[1],
        (extra, *left) if batched[0] else left,
        (extra, *right) if batched[1] else right,
        (extra, *out),
    )


def _case(a: Shape, b: Shape, left: Labels, right: Labels, out: Labels) -> Case:
    return Case((a, b), (ANY, ANY), {"left": left, "right": right, "out": out})


register(
    Primitive(
        "contract",
        "Product of two arrays summed over shared axes.",
        _contract_shape,
        _contract,
        _contract_pullback,
        "contracts",
        batch=_contract_batch,
        cases=(
            _case((2, 3), (3, 4), (0, 1), (1, 2), (0, 2)),
            _case((3,), (3,), (0,), (0,), ()),
            _case((2,), (3,), (0,), (1,), (1, 0)),
            _case((2, 3), (3,), (0, 1), (1,), (0,)),
            _case((2, 3, 2), (2, 2, 4), (0, 1, 2), (0, 2, 3), (3, 0, 1)),
            _case((2, 3), (2, 3), (0, 1), (0, 1), (0,)),
            _case((0, 3), (3, 2), (0, 1), (1, 2), (0, 2)),
            _case((2, 0), (0, 2), (0, 1), (1, 2), (0, 2)),
        ),
    )
)
