"""Eigenvalues and eigenvectors of a general real matrix, on the last two axes.

Both may be complex. The row packs them as real rows: real parts and imaginary parts of the values, then those of the
vectors. A complex matrix M becomes the real block matrix [[Re M, -Im M], [Im M, Re M]], whose transpose stands for
the conjugate transpose. Derivative: C. Boeddeker et al., On the computation of complex-valued gradients (2017), for
vectors of length 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError
from jaccli.graph.node import DType, Node, Shape, apply, select
from jaccli.graph.primitive import Case, Primitive, Variation, register
from jaccli.graph.primitives.clusters import carry, columns, diagonal_matrix, down, identity, off_diagonal, row, rows
from jaccli.graph.primitives.contraction import matmul
from jaccli.graph.primitives.decompositions import block
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
_APART = 64.0


class ComplexParts:
    """The parts of a packed eigendecomposition, or of its cotangent."""

    def __init__(self, packed: Node) -> None:
        count = packed.shape[-1]
        self.values = row(packed, 0), row(packed, 1)
        self.vectors = rows(packed, 2, count), rows(packed, 2 + count, count)


def _eig_shape(x: Node) -> tuple[Shape, DType]:
    square(x, "eig")
    return (*x.shape[:-2], 2 * x.shape[-1] + 2, x.shape[-1]), x.dtype


def _eig(x: Any) -> Any:
    try:
        values, vectors = np.linalg.eig(x)
    except np.linalg.LinAlgError as error:
        raise NumbersError("eig: the eigenvalues do not converge") from error
    parts = [values.real[..., None, :], values.imag[..., None, :], vectors.real, vectors.imag]
    return np.concatenate(parts, axis=-2).astype(x.dtype, copy=False)


def _blocks(real: Node, imag: Node) -> Node:
    axis = real.ndim - 1
    top = apply("concatenate", real, -imag, axis=axis)
    bottom = apply("concatenate", imag, real, axis=axis)
    return apply("concatenate", top, bottom, axis=axis - 1)


def _eig_varied(index: int, g: Node, node: Node, variation: Variation) -> Node:
    own, back = ComplexParts(node), ComplexParts(g)
    length = node.shape[-1]
    turned = matrix_transpose(_blocks(*own.vectors))
    if g.primitive.name == "unslice" and g.params["bounds"][-2][0] + g.params["bounds"][-2][1] <= 2:
        generic = ComplexParts(variation.generic().cotangent).values
        inner = [diagonal_matrix(part) for part in _averaged(back.values, generic, node)]
    else:
        inner = _with_vectors(own, back, turned, length)
    total = apply("solve", turned, matmul(_blocks(inner[0], inner[1]), turned))
    return block(total, (0, length), (0, length))


def _averaged(weights: tuple[Node, Node], generic: tuple[Node, Node], packed: Node) -> list[Node]:
    """Weights averaged over clusters of repeated values, NaN where these have too few vectors to share."""
    shares = apply("eig_shares", packed)
    shared = []
    for weight, other in zip(weights, generic, strict=True):
        means = [row(matmul(columns(part), shares), 0) for part in (weight, other)]
        shared.append(apply("shared_weight", means[0], means[1], other, packed))
    return shared


def _with_vectors(own: ComplexParts, back: ComplexParts, turned: Node, length: int) -> list[Node]:
    seen = matmul(turned, _blocks(*back.vectors))
    lengths = matmul(turned, matrix_transpose(turned))
    along = select(identity(length), block(seen, (0, length), (0, length)), 0.0)
    pair = (seen, lengths)
    real, imag = (
        (block(part, (0, length), (0, length)) for part in pair),
        (block(part, (length, 2 * length), (0, length)) for part in pair),
    )
    (seen_real, lengths_real), (seen_imag, lengths_imag) = tuple(real), tuple(imag)
    top = seen_real - matmul(lengths_real, along), seen_imag - matmul(lengths_imag, along)
    gap = [columns(part) - down(part) for part in own.values]
    size = off_diagonal(gap[0] * gap[0] + gap[1] * gap[1])
    # The quotient by the conjugate of a gap z is the product with z over |z|**2.
    product = top[0] * gap[0] - top[1] * gap[1], top[0] * gap[1] + top[1] * gap[0]
    return [diagonal_matrix(value) + part / size for value, part in zip(back.values, product, strict=True)]


register(
    Primitive(
        "eig",
        "Eigenvalues and eigenvectors of a matrix as rows: real and imaginary parts of the one, then of the other.",
        _eig_shape,
        _eig,
        lambda index, g, node: g,
        "matrices",
        batch=carry,
        varied=_eig_varied,
        cases=(Case(((2, 2),), ((0.5, 2.0),)), Case(((1, 1),), (ANY,))),
        kinks="repeated eigenvalues share their cluster; NaN where eigenvectors are missing (a Jordan block)",
    )
)


def _unpacked(packed: Any) -> tuple[Any, Any]:
    count = packed.shape[-1]
    values = packed[..., 0, :] + 1j * packed[..., 1, :]
    return values, packed[..., 2 : 2 + count, :] + 1j * packed[..., 2 + count :, :]


def _together(packed: Any) -> Any:
    values, _ = _unpacked(packed)
    largest = np.max(np.abs(values), axis=-1, initial=0.0)[..., None, None]
    gaps = np.abs(values[..., :, None] - values[..., None, :])
    return gaps <= _APART * values.shape[-1] * np.finfo(packed.dtype).eps * largest


def _eig_shares(packed: Any) -> Any:
    together = _together(packed)
    return (together / together.sum(axis=-1, keepdims=True)).astype(packed.dtype, copy=False)


register(
    Primitive(
        "eig_shares",
        "The matrix that averages over clusters of repeated eigenvalues.",
        lambda packed: ((*packed.shape[:-2], packed.shape[-1], packed.shape[-1]), packed.dtype),
        _eig_shares,
        None,
        "dense",
        batch=carry,
        cases=(Case(((6, 2),), (ANY,)),),
    )
)


def _shared_weight(mean: Any, expected: Any, weight: Any, packed: Any) -> Any:
    """NaN where weights differ within a cluster that has too few eigenvectors: a Jordan block moves like a root."""
    crowded = _together(packed).sum(axis=-1) > 1
    if not np.any(crowded):
        return np.array(mean)
    defective = crowded & (np.linalg.cond(_unpacked(packed)[1]) > 1e12)[..., None]
    apart = np.abs(weight - expected) > 1e-12 * np.max(np.abs(weight), axis=-1, keepdims=True, initial=0.0)
    return np.where(defective & apart, np.nan, mean)


register(
    Primitive(
        "shared_weight",
        "A mean over a cluster, NaN where there is none.",
        lambda mean, expected, weight, packed: (mean.shape, mean.dtype),
        _shared_weight,
        lambda index, g, node: apply("shared_weight", g, *node.args[1:]),
        "dense",
        batch=carry,
        differentiable=(True, False, False, False),
        cases=(Case(((2,), (2,), (2,), (6, 2)), (ANY, ANY, ANY, ANY)),),
    )
)
