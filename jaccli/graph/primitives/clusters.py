"""What repeated eigenvalues and singular values need: clusters, their mean, and quotients whose gap may close.

Values alone share the projector of their cluster. A smooth function of the matrix has the exact limit of numerator over
gap, which is the slope of the numerator as the values separate. Bare vectors, which are no function of the matrix
there, get NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.graph.node import (
    DType,
    Node,
    Shape,
    apply,
    broadcast_shapes,
    broadcast_to,
    cast,
    reshape,
    select,
    sum_to,
)
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.contraction import matmul
from jaccli.graph.primitives.linear_algebra import matrix_transpose
from jaccli.graph.primitives.parametric import parametric
from jaccli.graph.primitives.shaping import take_slices
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_APART = 64.0
"""Values closer than this many rounding errors of the largest, times the size, count as repeated."""


def carry(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    """The batch rule of operations on stacks of matrices: every argument gets the leading axis."""
    carried = [
        argument if carries else broadcast_to(argument, (size, *argument.shape))
        for argument, carries in zip(args, batched, strict=True)
    ]
    return node.primitive(*carried, **node.params)


def rows(packed: Node, first: int, count: int) -> Node:
    """Some rows of each matrix of a stack."""
    lead = tuple((0, length, 1) for length in packed.shape[:-2])
    return take_slices(packed, (*lead, (first, count, 1), (0, packed.shape[-1], 1)))


def row(packed: Node, position: int) -> Node:
    """One row of each matrix, as a stack of vectors."""
    return reshape(rows(packed, position, 1), (*packed.shape[:-2], packed.shape[-1]))


def columns(vector: Node) -> Node:
    """A stack of vectors as rows, one entry a column: shape (…, 1, n)."""
    return reshape(vector, (*vector.shape[:-1], 1, vector.shape[-1]))


def down(vector: Node) -> Node:
    """A stack of vectors, one entry a row: shape (…, n, 1)."""
    return reshape(vector, (*vector.shape, 1))


def identity(length: int) -> Node:
    """Truth values, true on the diagonal."""
    number = apply("iota", length=length)
    return apply("equal", reshape(number, (length, 1)), number)


def off_diagonal(gaps: Node) -> Node:
    """Gaps with 1 on the diagonal, where the numerators are 0."""
    return select(identity(gaps.shape[-1]), 1.0, gaps)


def diagonal_matrix(vector: Node) -> Node:
    """Matrices with a stack of vectors on their diagonals."""
    return select(identity(vector.shape[-1]), columns(vector), 0.0)


def skew(x: Node) -> Node:
    """x - x.T"""
    return x - matrix_transpose(x)


def sandwich(left: Node, middle: Node, right: Node) -> Node:
    """left @ middle @ right.T"""
    return matmul(matmul(left, middle), matrix_transpose(right))


# Clusters of repeated values


def _tolerance(values: Any) -> Any:
    largest = np.max(np.abs(values), axis=-1, keepdims=True, initial=0.0)
    return _APART * values.shape[-1] * np.finfo(values.dtype).eps * largest


def _together(values: Any) -> Any:
    """Which pairs of values, in order, belong to one cluster: a matrix of truth values."""
    apart = np.abs(np.diff(values, axis=-1)) > _tolerance(values)
    first = np.zeros((*values.shape[:-1], min(values.shape[-1], 1)), int)
    number = np.concatenate([first, np.cumsum(apart, axis=-1)], axis=-1)
    return number[..., :, None] == number[..., None, :]


def _sharing(values: Any, drops_zero: bool) -> Any:
    """The matrix that replaces weights of values by their mean over each cluster (and 0 where the value is 0)."""
    together = _together(values)
    shares = together / np.sum(together, axis=-1, keepdims=True)
    if drops_zero:
        shares = shares * (np.abs(values) > _tolerance(values))[..., None, :]
    return shares.astype(values.dtype, copy=False)


def _square_of_last(x: Node, **params: Any) -> tuple[Shape, DType]:
    return (*x.shape, x.shape[-1]), x.dtype


register(
    Primitive(
        "cluster_shares",
        "The matrix that averages over clusters of repeated values.",
        _square_of_last,
        _sharing,
        None,
        "dense",
        batch=carry,
        cases=(Case(((3,),), ((0.0, 0.0),), {"drops_zero": False}),),
    )
)


def _turning(values: Any, second: bool) -> Any:
    """A skew matrix without a pattern that turns vectors within their cluster; for 0 the two sides turn apart."""
    length = values.shape[-1]
    i, j = np.arange(length)[:, None], np.arange(length)[None, :]
    skew = np.sin(1.0 + 2.0 * i + 3.0 * j) - np.sin(1.0 + 2.0 * j + 3.0 * i)
    together = _together(values)
    if second:
        zero = np.abs(values) <= _tolerance(values)
        skew = np.where(zero[..., :, None] & zero[..., None, :], 2.0 * np.cos(1.0 * i + j) * np.sign(j - i), skew)
    return np.where(together, skew, 0.0).astype(values.dtype, copy=False)


register(
    Primitive(
        "cluster_turn",
        "A rotation within clusters of repeated values, to first order.",
        _square_of_last,
        _turning,
        None,
        "dense",
        batch=carry,
        cases=(Case(((3,),), ((0.0, 0.0),), {"second": False}),),
    )
)


def _limit_weights(gap: Any, scale: Any, doubt: Any, level: Any, of_limit: bool, length: int) -> Any:
    """What multiplies a numerator (1/gap), and what its limit: (1, 0) apart, (0, 1) together, NaN without a limit."""
    tiny = np.abs(gap) <= _APART * length * np.finfo(gap.dtype).eps * scale
    known = doubt <= 1e-7 * level
    inside = np.where(known, 1.0 if of_limit else 0.0, np.nan)
    outside = 0.0 if of_limit else 1.0 / np.where(tiny, 1.0, gap)
    return np.where(tiny, inside, outside).astype(gap.dtype, copy=False)


def _limit_weights_shape(gap: Node, scale: Node, doubt: Node, level: Node, **params: Any) -> tuple[Shape, DType]:
    return broadcast_shapes([gap.shape, scale.shape, doubt.shape, level.shape]), gap.dtype


def _limit_weights_pullback(index: int, g: Node, node: Node) -> Node:
    """The slope of 1/gap; within a cluster it would take a second limit, which is not known."""
    gap, scale = node.args[:2]
    tiny = apply("abs", gap) <= (_APART * node.params["length"] * _EPSILON[gap.dtype]) * scale
    return sum_to(broadcast_to(g * select(tiny, float("nan"), -(node * node)), node.shape), gap.shape)


_EPSILON = {"float64": 2.220446049250313e-16, "float32": 1.1920929e-07}
register(
    Primitive(
        "limit_weights",
        "1/gap, or the weights of a limit where the gap closes.",
        _limit_weights_shape,
        _limit_weights,
        _limit_weights_pullback,
        "dense",
        batch=None,
        differentiable=(True, False, False, False),
        cases=(
            Case(
                ((2, 3), (1, 1), (2, 3), (1, 1)),
                ((0.5, 2.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)),
                {"of_limit": False, "length": 3},
            ),
        ),
    )
)


def shared(weights: Node, held: Node, values: Node, drops_zero: bool) -> Node:
    """Weights of values, averaged over clusters: one row, shape (…, 1, n).

    `held` are the weights with the values held fixed. As soon as the values move apart nothing is averaged, so the
    weights change with the values as they are.
    """
    averaged = matmul(columns(held), apply("cluster_shares", values, drops_zero=drops_zero))
    return averaged if held is weights else averaged + columns(apply("moving", weights, held))


def steps(length: int, dtype: DType) -> Node:
    """1, 2, …: rates at which values separate."""
    return cast(apply("iota", length=length), dtype) + 1.0


def largest(x: Node, axes: int) -> Node:
    """The largest size over the last axes, which stay with length 1."""
    places = tuple(range(x.ndim - axes, x.ndim))
    kept = (*x.shape[: x.ndim - axes], *(1,) * axes)
    return reshape(apply("max", apply("abs", x), axes=places), kept)


class Quotient:
    """A numerator over gaps that may close, with the numerator's slope as they open again, and reasons to doubt it."""

    def __init__(self, numerator: Node, slope: Node, opening: Node, doubt: Node) -> None:
        self.numerator = numerator
        self.limit = slope / opening
        self.doubt = doubt

    def over(self, gap: Node, scale: Node, level: Node, length: int) -> Node:
        """The quotient, or its limit where the gap has closed."""
        plain, limit = (
            apply("limit_weights", gap, scale, self.doubt, level, of_limit=of_limit, length=length)
            for of_limit in (False, True)
        )
        return plain * self.numerator + limit * self.limit


parametric(
    "moving",
    "0, with the slopes of a difference: of a value and of the same value held fixed.",
    lambda value, held: np.zeros(np.broadcast_shapes(np.shape(value), np.shape(held)), np.result_type(value, held)),
    lambda g, y, value, held: g,
    lambda g, y, value, held: -g,
    variants=(),
    template="({0} - stop_gradient({0}))",
)
