"""Functions of square matrices, on the last two axes; leading axes stack matrices.

Derivatives follow M. Giles, Collected matrix derivative results for forward and reverse mode (2008). The
determinant's are cofactors, computed from a singular value decomposition, and so exact where the matrix is
singular.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError, ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, broadcast_to, reshape, show_shape, transpose
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.contraction import matmul
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_REGULAR = (0.5, 2.0)


def matrix_transpose(x: Node) -> Node:
    """The last two axes swapped."""
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def square(x: Node, what: str) -> None:
    """Raises a `ShapeError` where x is no (stack of) square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{what} needs a square matrix, and this has shape {show_shape(x.shape)}")


def _square_shape(what: str) -> Callable[..., tuple[Shape, DType]]:
    def rule(x: Node) -> tuple[Shape, DType]:
        square(x, what)
        return x.shape, x.dtype

    return rule


def refuse_singular(function: Callable[..., Any], *arrays: Any, what: str) -> Any:
    """The function's result, with NumPy's complaint about a singular matrix in our words."""
    try:
        return function(*arrays)
    except np.linalg.LinAlgError as error:
        raise NumbersError(f"{what}: the matrix is singular, so there is no answer") from error


def _carry(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    carried = [
        argument if carries else broadcast_to(argument, (size, *argument.shape))
        for argument, carries in zip(args, batched, strict=True)
    ]
    return node.primitive(*carried, **node.params)


def _inv_pullback(index: int, g: Node, node: Node) -> Node:
    transposed = matrix_transpose(node)
    return -matmul(matmul(transposed, g), transposed)


register(
    Primitive(
        "inv",
        "Inverse of a matrix.",
        _square_shape("inv"),
        lambda x: refuse_singular(np.linalg.inv, x, what="inv"),
        _inv_pullback,
        "matrices",
        batch=_carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 3),), (_REGULAR,))),
        kinks="a singular matrix is an error",
    )
)


def _solve_shape(a: Node, b: Node) -> tuple[Shape, DType]:
    square(a, "solve")
    if a.shape[:-1] != b.shape[:-1]:
        raise ShapeError(f"solve: shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit")
    return b.shape, b.dtype


def _solve_pullback(index: int, g: Node, node: Node) -> Node:
    back = apply("solve", matrix_transpose(node.args[0]), g)
    return back if index == 1 else -matmul(back, matrix_transpose(node))


def _solve_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    if batched[0]:
        return _carry(node, args, batched, size)
    # Many right-hand sides of one matrix: they stand side by side as columns, so that it is factored once.
    b = args[1]
    columns = node.shape[-1]
    rank = b.ndim
    side_by_side = transpose(b, (*range(1, rank - 1), 0, rank - 1))
    wide = apply("solve", args[0], reshape(side_by_side, (*node.shape[:-1], size * columns)))
    apart = reshape(wide, (*node.shape[:-1], size, columns))
    return transpose(apart, (rank - 2, *range(rank - 2), rank - 1))


register(
    Primitive(
        "solve",
        "The solution X of A X = B.",
        _solve_shape,
        lambda a, b: refuse_singular(np.linalg.solve, a, b, what="solve"),
        _solve_pullback,
        "solves",
        batch=_solve_batch,
        cases=(Case(((2, 2), (2, 3)), (_REGULAR, _REGULAR)), Case(((2, 3, 3), (2, 3, 1)), (_REGULAR, _REGULAR))),
        kinks="a singular matrix is an error",
    )
)


def _stretch(scalars: Node, like: Node) -> Node:
    return broadcast_to(reshape(scalars, (*scalars.shape, 1, 1)), like.shape)


def _det_shape(x: Node) -> tuple[Shape, DType]:
    square(x, "det")
    return x.shape[:-2], x.dtype


register(
    Primitive(
        "det",
        "Determinant.",
        _det_shape,
        lambda x: np.linalg.det(x),
        lambda index, g, node: _stretch(g, node.args[0]) * apply("cofactor", node.args[0]),
        "matrices",
        batch=_carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 3),), (_REGULAR,)), Case(((1, 1),), (_REGULAR,))),
        kinks="exact at singular matrices: the derivative is the matrix of cofactors",
    )
)


def _others(values: Any) -> Any:
    """Products of all entries of the last axis but the own one."""
    length = values.shape[-1]
    masked = np.where(np.eye(length, dtype=bool), 1.0, values[..., None, :])
    return np.prod(masked, axis=-1)


def _decompose(x: Any) -> tuple[Any, Any, Any, Any]:
    finite = np.all(np.isfinite(x), axis=(-2, -1))
    u, s, vt = np.linalg.svd(np.where(finite[..., None, None], x, 0.0))
    s = np.where(finite[..., None], s, np.nan)
    orientation = np.rint(np.linalg.det(u) * np.linalg.det(vt))
    return u, s, vt, orientation


def _cofactor(x: Any) -> Any:
    u, s, vt, orientation = _decompose(x)
    return orientation[..., None, None] * ((u * _others(s)[..., None, :]) @ vt)


register(
    Primitive(
        "cofactor",
        "The matrix of cofactors, the derivative of the determinant.",
        _square_shape("cofactor"),
        _cofactor,
        lambda index, g, node: apply("cofactor_derivative", node.args[0], g),
        "matrices",
        batch=_carry,
        cases=(Case(((2, 2),), (_REGULAR,)), Case(((2, 3, 3),), (_REGULAR,)), Case(((1, 1),), (_REGULAR,))),
    )
)


def _cofactor_derivative(x: Any, g: Any) -> Any:
    u, s, vt, orientation = _decompose(x)
    length = s.shape[-1]
    pairs = np.eye(length, dtype=bool)[:, None, :] | np.eye(length, dtype=bool)[None, :, :]
    products = np.prod(np.where(pairs, 1.0, s[..., None, None, :]), axis=-1)
    products = np.where(np.eye(length, dtype=bool), 0.0, products)
    turned = np.swapaxes(u, -1, -2) @ g @ np.swapaxes(vt, -1, -2)
    diagonal = np.einsum("...ii->...i", turned)
    inner = -np.swapaxes(turned, -1, -2) * products
    inner = inner + np.eye(length) * np.einsum("...ik,...i->...k", products, diagonal)[..., None, :]
    return orientation[..., None, None] * (u @ inner @ vt)


def _cofactor_derivative_pullback(index: int, g: Node, node: Node) -> Node:
    x, direction = node.args
    if index == 1:
        return apply("cofactor_derivative", x, g)
    inverse = apply("inv", x)
    first, second = matmul(inverse, direction), matmul(inverse, g)
    both = matmul(first, second)
    trace_first, trace_second, trace_both = (_stretch(_trace(m), x) for m in (first, second, both))
    mixed = matmul(both, inverse) + matmul(matmul(second, first), inverse)
    total = (trace_first * trace_second - trace_both) * inverse + mixed
    total = total - trace_second * matmul(first, inverse) - trace_first * matmul(second, inverse)
    return _stretch(apply("det", x), x) * matrix_transpose(total)


def _trace(x: Node) -> Node:
    length = x.shape[-1]
    flat = reshape(x, (*x.shape[:-2], length * length))
    bounds = (*((0, size, 1) for size in x.shape[:-2]), (0, length, length + 1))
    return apply("sum", apply("slice", flat, bounds=bounds), axes=(flat.ndim - 1,))


register(
    Primitive(
        "cofactor_derivative",
        "Derivative of the matrix of cofactors in a direction.",
        lambda x, g: _square_shape("cofactor_derivative")(x),
        _cofactor_derivative,
        _cofactor_derivative_pullback,
        "matrices",
        batch=_carry,
        cases=(Case(((2, 2), (2, 2)), (_REGULAR, _REGULAR)), Case(((3, 3), (3, 3)), (_REGULAR, _REGULAR))),
    )
)
