"""Functions of a matrix: exponential, logarithm, square root, and the equation A X + X B = Q.

The derivative of f at A in a direction E is a corner of f of the block matrix [[A, E], [0, A]]; its adjoint is the
same at the transposed matrix. Source: N. Higham, Functions of Matrices (2008), chapter 3.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError, ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, filled, show_shape
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.clusters import carry
from jaccli.graph.primitives.contraction import matmul
from jaccli.graph.primitives.decompositions import block, each_matrix, same_square
from jaccli.graph.primitives.linear_algebra import matrix_transpose, square
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
    from scipy import linalg
else:
    np = lazy("numpy")
    linalg = lazy("scipy.linalg")

_REGULAR = (0.5, 2.0)
_SMALL = (-1.0, 1.0)


def _blocks(x: Node, direction: Node) -> Node:
    """[[x, direction], [0, x]]"""
    axis = x.ndim - 1
    top = apply("concatenate", x, direction, axis=axis)
    bottom = apply("concatenate", filled(x.shape, 0.0, x.dtype), x, axis=axis)
    return apply("concatenate", top, bottom, axis=axis - 1)


def _derivative_pullback(name: str) -> Callable[[int, Node, Node], Node]:
    def rule(index: int, g: Node, node: Node) -> Node:
        x, direction = node.args
        if index == 1:
            return apply(name, matrix_transpose(x), g)
        length = x.shape[-1]
        nothing = filled(x.shape, 0.0, x.dtype)
        axis = x.ndim - 1
        top = apply("concatenate", nothing, g, axis=axis)
        bottom = apply("concatenate", nothing, nothing, axis=axis)
        corner = apply("concatenate", top, bottom, axis=axis - 1)
        back = apply(name, matrix_transpose(_blocks(x, direction)), corner)
        first, second = (0, length), (length, 2 * length)
        return block(back, first, first) + block(back, second, second)

    return rule


def _corner(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def numeric(x: Any, direction: Any) -> Any:
        length = x.shape[-1]
        lower = np.concatenate([np.zeros_like(x), x], axis=-1)
        # The corner is linear in the direction, which is scaled so that it does not drown the matrix.
        size = np.max(np.abs(direction), axis=(-2, -1), keepdims=True, initial=0.0)
        scale = np.where(size > 0, np.maximum(np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0.0), 1.0), 1.0)
        scale = scale / np.where(size > 0, size, 1.0)
        upper = np.concatenate([x, direction * scale], axis=-1)
        return function(np.concatenate([upper, lower], axis=-2))[..., :length, length:] / scale

    return numeric


def _matrix_function(
    name: str, doc: str, function: Callable[[Any], Any], span: tuple[float, float], kinks: str
) -> None:
    sizes = ((2, 2), (2, 3, 3)) if name == "expm" else ((1, 1),)
    register(
        Primitive(
            name,
            f"{doc} of a matrix.",
            same_square(name),
            function,
            lambda index, g, node: apply(f"{name}_derivative", matrix_transpose(node.args[0]), g),
            "matrices",
            batch=carry,
            cases=tuple(Case((size,), (span,)) for size in sizes),
            kinks=kinks,
        )
    )
    register(
        Primitive(
            f"{name}_derivative",
            f"Derivative of the {doc.lower()} of a matrix in a direction.",
            lambda x, direction: (x.shape, x.dtype),
            _corner(function),
            _derivative_pullback(f"{name}_derivative"),
            "matrices",
            batch=carry,
            cases=tuple(Case((size, size), (span, _SMALL)) for size in sizes),
        )
    )


def _real(name: str, why: str) -> Callable[[Any], Any]:
    def one(matrix: Any) -> Any:
        if not matrix.size or not np.all(np.isfinite(matrix)):
            return np.full_like(matrix, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a singular matrix: what comes of it is looked at below
            found = getattr(linalg, name)(matrix)
        if np.iscomplexobj(found):
            scale = np.max(np.abs(found), initial=1.0)
            if np.max(np.abs(found.imag), initial=0.0) > 1e-9 * scale or not np.all(np.isfinite(found.real)):
                raise NumbersError(f"{name}: {why}")
            found = found.real
        if not np.all(np.isfinite(found)):
            raise NumbersError(f"{name}: {why}")
        return found

    return lambda x: each_matrix(one, x)


_matrix_function("expm", "Exponential", lambda x: np.asarray(linalg.expm(x), x.dtype), _SMALL, "")
_matrix_function(
    "logm",
    "Principal logarithm",
    _real("logm", "the matrix has an eigenvalue that is 0 or negative, so it has no real logarithm"),
    _REGULAR,
    "a matrix without a real logarithm is an error",
)


def _sqrtm_pullback(index: int, g: Node, node: Node) -> Node:
    turned = matrix_transpose(node)
    return apply("sylvester", turned, turned, g)


register(
    Primitive(
        "sqrtm",
        "Principal square root of a matrix.",
        same_square("sqrtm"),
        _real("sqrtm", "the matrix has a negative eigenvalue, so it has no real root"),
        _sqrtm_pullback,
        "matrices",
        batch=carry,
        cases=(Case(((1, 1),), (_REGULAR,)),),
        kinks="a matrix without a real root is an error",
    )
)


def _sylvester_shape(a: Node, b: Node, q: Node) -> tuple[Shape, DType]:
    square(a, "solve_sylvester")
    square(b, "solve_sylvester")
    if q.shape != (*a.shape[:-1], b.shape[-1]) or a.shape[:-2] != b.shape[:-2]:
        shapes = ", ".join(show_shape(x.shape) for x in (a, b, q))
        raise ShapeError(f"solve_sylvester: shapes {shapes} do not fit")
    return q.shape, q.dtype


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    """SciPy answers a singular equation too, with one of a nearby equation; so eigenvalues are looked at first."""
    if not all(np.all(np.isfinite(array)) for array in (a, b, q)):
        return np.full_like(q, np.nan)
    sums = np.linalg.eigvals(a)[..., :, None] + np.linalg.eigvals(b)[..., None, :]
    size = np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0)
    if np.any(np.abs(sums) <= 16 * max(*q.shape[-2:], 1) * np.finfo(q.dtype).eps * size):
        raise NumbersError("solve_sylvester: a and -b share an eigenvalue, so there is no answer")
    return each_matrix(linalg.solve_sylvester, a, b, q)


def _sylvester_pullback(index: int, g: Node, node: Node) -> Node:
    a, b, _ = node.args
    back = apply("sylvester", matrix_transpose(a), matrix_transpose(b), g)
    if index == 0:
        return -matmul(back, matrix_transpose(node))
    return -matmul(matrix_transpose(node), back) if index == 1 else back


register(
    Primitive(
        "sylvester",
        "The solution X of A X + X B = Q.",
        _sylvester_shape,
        _sylvester,
        _sylvester_pullback,
        "matrices",
        batch=carry,
        cases=(
            Case(((2, 2), (3, 3), (2, 3)), (_REGULAR, _REGULAR, _REGULAR)),
            Case(((2, 2, 2), (2, 2, 2), (2, 2, 2)), (_REGULAR, _REGULAR, _REGULAR)),
        ),
        kinks="an error where A and -B share an eigenvalue",
    )
)
