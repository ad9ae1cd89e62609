"""Eigenvalues of symmetric matrices and singular values, with their vectors, on the last two axes.

Each decomposition is one row whose output packs values and vectors as rows of one array. Derivatives follow M. Giles,
Collected matrix derivative results for forward and reverse mode (2008); where values are repeated, see `clusters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError, ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, broadcast_to, filled, show_shape
from jaccli.graph.primitive import Case, Primitive, Variation, register
from jaccli.graph.primitives.clusters import (
    Quotient,
    carry,
    columns,
    diagonal_matrix,
    down,
    largest,
    off_diagonal,
    row,
    rows,
    sandwich,
    shared,
    skew,
    steps,
)
from jaccli.graph.primitives.contraction import matmul
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


# Symmetric matrices


def refuse(function: Any, *arrays: Any, what: str, why: str) -> Any:
    """The function's result, with NumPy's complaint in our words."""
    try:
        return function(*arrays)
    except np.linalg.LinAlgError as error:
        raise NumbersError(f"{what}: {why}") from error


def symmetric(x: Any) -> Any:
    """The symmetric part of each matrix."""
    return 0.5 * (x + np.swapaxes(x, -1, -2))


def _eigh_shape(x: Node) -> tuple[Shape, DType]:
    square(x, "eigh")
    return (*x.shape[:-2], x.shape[-1] + 1, x.shape[-1]), x.dtype


def _eigh(x: Any) -> Any:
    found = refuse(np.linalg.eigh, symmetric(x), what="eigh", why="the eigenvalues do not converge")
    return np.concatenate([found[0][..., None, :], found[1]], axis=-2)


def _only(g: Node, position: int) -> bool:
    """Whether a cotangent of a packed result is known to be 0 but in one row."""
    return g.primitive.name == "unslice" and g.params["bounds"][-2] == (position, 1, 1)


def _eigh_varied(index: int, g: Node, node: Node, variation: Variation) -> Node:
    length = node.shape[-1]
    values, vectors = row(node, 0), rows(node, 1, length)
    turned = matrix_transpose(vectors)
    if _only(g, 0):
        return matmul(vectors * shared(row(g, 0), row(variation.held(), 0), values, False), turned)
    numerator = skew(matmul(turned, rows(g, 1, length)))
    rates = steps(length, node.dtype)
    opening = off_diagonal(rates - down(rates))
    if variation.is_chained:
        slope, doubt, level = numerator, filled(numerator.shape, float("inf"), g.dtype), largest(numerator, 2)
    else:
        slope, doubt, level = _eigh_slopes(node, rates, variation)
    quotient = Quotient(numerator, slope, opening, doubt)
    gap, scale = off_diagonal(columns(values) - down(values)), largest(down(values), 2)
    inner = diagonal_matrix(row(g, 0)) + 0.5 * quotient.over(gap, scale, level, length)
    return sandwich(vectors, inner, vectors)


def _eigh_slopes(node: Node, rates: Node, variation: Variation) -> tuple[Node, Node, Node]:
    """The numerator's slope as eigenvalues separate; how far from invariant under turns in a cluster; its size."""
    length = node.shape[-1]
    values, vectors = row(node, 0), rows(node, 1, length)
    turned = matrix_transpose(vectors)
    split = _stack(broadcast_to(rates, values.shape), filled(vectors.shape, 0.0, node.dtype))
    slope = skew(matmul(turned, rows(variation.along(split), 1, length)))
    generic = variation.generic()
    projected = matmul(turned, rows(generic.cotangent, 1, length))
    turn = apply("cluster_turn", values, second=False)
    rotated = _stack(filled(values.shape, 0.0, node.dtype), matmul(vectors, turn))
    change = matmul(turned, rows(generic.along(rotated), 1, length)) - matmul(turn, projected)
    doubt = apply("abs", skew(projected)) + apply("abs", skew(change))
    return slope, doubt, largest(projected, 2)


def _stack(first: Node, others: Node) -> Node:
    return apply("concatenate", columns(first), others, axis=others.ndim - 2)


_SYMMETRIC = "only the symmetric part counts; repeated values share their projector, their bare vectors have no slope"
register(
    Primitive(
        "eigh",
        "Eigenvalues (first row) and eigenvectors (the rows below) of a symmetric matrix.",
        _eigh_shape,
        _eigh,
        lambda index, g, node: g,
        "matrices",
        batch=carry,
        varied=_eigh_varied,
        cases=(Case(((2, 2),), ((-2.0, 2.0),)), Case(((2, 3, 3),), ((-2.0, 2.0),))),
        kinks=_SYMMETRIC,
    )
)


# Singular values


def _svd_shape(x: Node) -> tuple[Shape, DType]:
    if x.ndim < 2:
        raise ShapeError(f"svd needs a matrix, and this has shape {show_shape(x.shape)}")
    height, width = x.shape[-2:]
    return (*x.shape[:-2], height + 1 + width, min(height, width)), x.dtype


def _svd(x: Any) -> Any:
    left, values, right = refuse(
        lambda matrix: np.linalg.svd(matrix, full_matrices=False),
        x,
        what="svd",
        why="the singular values do not converge",
    )
    return np.concatenate([left, values[..., None, :], np.swapaxes(right, -1, -2)], axis=-2)


class Singular:
    """The parts of a packed singular value decomposition: left (m, k), values (k,), right (n, k)."""

    def __init__(self, packed: Node, height: int) -> None:
        self.left = rows(packed, 0, height)
        self.values = row(packed, height)
        self.right = rows(packed, height + 1, packed.shape[-2] - height - 1)

    def skews(self, own: Singular) -> tuple[Node, Node]:
        """The skew parts of left and right cotangents, seen from the vectors `own`."""
        left = skew(matmul(matrix_transpose(own.left), self.left))
        return left, skew(matmul(matrix_transpose(own.right), self.right))

    def beside(self, own: Singular) -> tuple[Node, Node]:
        """What the cotangents have outside the spaces of the vectors `own`."""
        left = self.left - matmul(own.left, matmul(matrix_transpose(own.left), self.left))
        return left, self.right - matmul(own.right, matmul(matrix_transpose(own.right), self.right))


def _svd_varied(index: int, g: Node, node: Node, variation: Variation) -> Node:
    (x,) = node.args
    height, width = x.shape[-2:]
    length = node.shape[-1]
    own, back = Singular(node, height), Singular(g, height)
    if _only(g, height):
        weights = shared(back.values, row(variation.held(), height), own.values, True)
        return matmul(own.left * weights, matrix_transpose(own.right))
    rates = steps(length, node.dtype)
    slopes = _SingularSlopes(node, own, rates, height, variation)
    scale = largest(down(own.values), 2)
    left, right = back.skews(own)
    along, below = columns(own.values), down(own.values)
    difference, total_gap = off_diagonal(along - below), off_diagonal(along + below)
    first = Quotient(left + right, slopes.left + slopes.right, off_diagonal(rates - down(rates)), slopes.doubt_sum)
    second = Quotient(left - right, slopes.left - slopes.right, rates + down(rates), slopes.doubt_difference)
    halves = first.over(difference, scale, slopes.level, length) + second.over(total_gap, scale, slopes.level, length)
    inner = diagonal_matrix(back.values) + 0.5 * halves
    total = sandwich(own.left, inner, own.right)
    outside = back.beside(own)
    if height > length:
        quotient = Quotient(outside[0], slopes.beside[0], rates, slopes.doubt_beside[0])
        total = total + matmul(quotient.over(along, scale, slopes.level, length), matrix_transpose(own.right))
    if width > length:
        quotient = Quotient(outside[1], slopes.beside[1], rates, slopes.doubt_beside[1])
        total = total + matmul(own.left, matrix_transpose(quotient.over(along, scale, slopes.level, length)))
    return total


class _SingularSlopes:
    """Slopes of the numerators as singular values separate and leave 0, and how far the cotangent is from invariant."""

    def __init__(self, node: Node, own: Singular, rates: Node, height: int, variation: Variation) -> None:
        split = self._packed(None, broadcast_to(rates, own.values.shape), None, own)
        chained = variation.is_chained
        moved = node if chained else variation.along(split)
        slope = Singular(moved, height)
        self.left, self.right = slope.skews(own)
        self.beside = slope.beside(own)
        generic = variation.generic()
        back = Singular(generic.cotangent, height)
        left, right = back.skews(own)
        outside = back.beside(own)
        projected = [matmul(matrix_transpose(a), b) for a, b in ((own.left, back.left), (own.right, back.right))]
        sizes = [largest(part, 2) for part in (*projected, *outside)]
        self.level = sizes[0] + sizes[1] + sizes[2] + sizes[3]
        turns = [apply("cluster_turn", own.values, second=second) for second in (False, True)]
        rotated = self._packed(matmul(own.left, turns[0]), None, matmul(own.right, turns[1]), own)
        change = Singular(node if chained else generic.along(rotated), height)
        change_left, change_right = (
            skew(matmul(matrix_transpose(vectors), part) - matmul(turn, seen))
            for vectors, part, turn, seen in (
                (own.left, change.left, turns[0], projected[0]),
                (own.right, change.right, turns[1], projected[1]),
            )
        )
        more = filled((), float("inf") if chained else 0.0, node.dtype)
        self.doubt_sum = apply("abs", left + right) + apply("abs", change_left + change_right) + more
        self.doubt_difference = apply("abs", left - right) + apply("abs", change_left - change_right) + more
        self.doubt_beside = tuple(apply("abs", part) + more for part in outside)

    @staticmethod
    def _packed(left: Node | None, values: Node | None, right: Node | None, own: Singular) -> Node:
        parts = (left, None if values is None else columns(values), right)
        likes = (own.left, columns(own.values), own.right)
        rows = [
            filled(like.shape, 0.0, like.dtype) if part is None else part
            for part, like in zip(parts, likes, strict=True)
        ]
        return apply("concatenate", *rows, axis=own.left.ndim - 2)


register(
    Primitive(
        "svd",
        "Left singular vectors, singular values and right singular vectors of a matrix, as rows one below the other.",
        _svd_shape,
        _svd,
        lambda index, g, node: g,
        "matrices",
        batch=carry,
        varied=_svd_varied,
        cases=(
            Case(((2, 2),), ((-2.0, 2.0),)),
            Case(((2, 3, 2),), ((-2.0, 2.0),)),
            Case(((2, 3),), ((-2.0, 2.0),)),
        ),
        kinks="repeated values share their cluster, at 0 their slope is 0; bare vectors of repeated values have none",
    )
)
