"""Products summed over shared axes: matrix products, outer products, every einsum of two operands.

Axes carry integer labels. Because the rule is symmetric in the operands and the output, both pullbacks are
contractions again, and a batch axis is one more label.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jaccli.errors import ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, cast, promote, show_shape
from jaccli.graph.primitive import Case, Prepared, Primitive, register
from jaccli.lazy import lazy
from jaccli.threads import share, threads

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
_WORTH_THREADS = 1 << 20  # multiplications, about 100 microseconds
_SHARED_BY_BLAS = 1 << 18  # multiplications from which OpenBLAS takes several threads to one product
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
        if len(labels) != node.ndim:
            raise ShapeError(
                f"an array of shape {show_shape(node.shape)} does not fit a product over {len(labels)} axes"
            )
        for label, length in zip(labels, node.shape, strict=True):
            if lengths.setdefault(label, length) != length:
                raise ShapeError(
                    f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for this product: "
                    f"axes of length {lengths[label]} and {length} meet"
                )
    return tuple(lengths[label] for label in out), a.dtype


Shape2 = tuple[Shape, Shape]


@functools.lru_cache(maxsize=4096)
def _product(
    shapes: Shape2, left: Labels, right: Labels, out: Labels, choose: Callable[..., Any] | None = None
) -> Callable[[Any, Any], Any]:
    """The contraction for operands of some shapes, as one (stacked) matrix product; `choose` gives the way to compute
    it by (shape of the stack, rows, terms, columns)."""
    own = [label for label in out if (label in left) != (label in right)]
    if own and own[0] in right:
        # Rows come from the operand that owns the first axis of the output, so that the product is laid out like it.
        swapped = _product((shapes[1], shapes[0]), right, left, out, choose)
        return lambda a, b: swapped(b, a)
    lengths = dict(zip((*left, *right), (*shapes[0], *shapes[1]), strict=True))
    batch = [label for label in out if label in left and label in right]
    summed = [label for label in left if label in right and label not in out]
    rows = [label for label in out if label in left and label not in right]
    columns = [label for label in out if label in right and label not in left]

    def shape(*groups: Labels | list[int]) -> Shape:
        return tuple(lengths[label] for group in groups for label in group)

    take_left = _arranger(left, (*batch, *rows, *summed))
    take_right = _arranger(right, (*batch, *summed, *columns))
    give = _arranger((*batch, *rows, *columns), out)
    if not summed:
        left_alone = (*shape(batch, rows), *(1,) * len(columns))
        right_alone = (*shape(batch), *(1,) * len(rows), *shape(columns))
        return lambda a, b: give(take_left(a).reshape(left_alone) * take_right(b).reshape(right_alone))
    if not batch and not rows and not columns:
        if len(left) == 1:
            return np.ndarray.dot
        return lambda a, b: a.reshape(-1).dot(take_right(b).reshape(-1))
    if not batch and len(summed) == len(rows) == 1 and len(columns) <= 1:
        # The method is called three times as fast as `numpy.matmul`, and copies what BLAS does not take.
        dot = np.ndarray.dot
        return lambda a, b: dot(take_left(a), take_right(b))
    inner = math.prod(shape(summed))
    left_shape = (*shape(batch), math.prod(shape(rows)), inner)
    right_shape = (*shape(batch), inner, math.prod(shape(columns)))
    result = shape(batch, rows, columns)
    sizes = shape(batch), math.prod(shape(rows)), inner, math.prod(shape(columns))
    matmul = np.matmul if choose is None else choose(*sizes)
    if len(rows) == len(summed) == len(columns) == 1:
        first, second = _for_blas(take_left, left, batch), _for_blas(take_right, right, batch)
        if batch and out[-1] == columns[0] and out != (*batch, *rows, *columns):
            whole, order = shape(list(out)), tuple(out.index(label) for label in (*batch, *rows, *columns))

            def in_place(a: Any, b: Any) -> Any:
                product = np.empty(whole, np.result_type(a, b))
                matmul(first(a), second(b), out=product.transpose(order))
                return product

            return in_place
        return lambda a, b: give(matmul(first(a), second(b)))
    return lambda a, b: give(
        matmul(take_left(a).reshape(left_shape), take_right(b).reshape(right_shape)).reshape(result)
    )


def _matmul(stack: Shape, rows: int, inner: int, columns: int) -> Callable[..., Any]:
    """The product of (stacks of) matrices: BLAS computes a small one with one thread, so that a large stack of them is
    shared among ours."""
    work = rows * inner * columns
    shared = len(stack) == 1 and work <= _SHARED_BY_BLAS and work * stack[0] >= _WORTH_THREADS
    return _sharing if shared else np.matmul


def _sharing(a: Any, b: Any, out: Any = None) -> Any:
    """The products of two stacks of matrices, shared among threads."""
    if out is None:
        out = np.empty((len(a), a.shape[1], b.shape[2]), np.result_type(a, b))
    parts = min(threads(), len(a))
    bounds = [len(a) * part // parts for part in range(parts + 1)]
    share([functools.partial(np.matmul, a[i:j], b[i:j], out=out[i:j]) for i, j in itertools.pairwise(bounds)])
    return out


def _for_blas(take: Callable[[Any], Any], labels: Labels, batch: Sequence[int]) -> Callable[[Any], Any]:
    """Copies a stack of matrices whose entries are far apart in memory: BLAS does not take those."""
    if not labels or labels[-1] not in batch:
        return take
    return lambda array: np.ascontiguousarray(take(array))


def _arranger(labels: Labels, wanted: Labels) -> Callable[[Any], Any]:
    """Brings axes into another order."""
    if tuple(labels) == tuple(wanted):
        return lambda array: array
    order = tuple(labels.index(label) for label in wanted)
    return lambda array: array.transpose(order)


def _contract(a: Any, b: Any, left: Labels, right: Labels, out: Labels) -> Any:
    return _product((a.shape, b.shape), left, right, out)(a, b)


def _contractor(node: Node) -> Callable[[Any, Any], Any]:
    a, b = node.args
    return _product((a.shape, b.shape), node.params["left"], node.params["right"], node.params["out"], _matmul)


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
        Prepared(_contract, _contractor),
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
