"""Reductions over axes. Each row takes `axes`, counted from the front, and drops them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.errors import ShapeError
from jaccli.graph.node import (
    DType,
    Node,
    Shape,
    apply,
    broadcast_to,
    constant,
    reshape,
    select,
    show_shape,
    size_of,
    transpose,
)
from jaccli.graph.primitive import Case, Masked, Prepared, Primitive, normal_axis, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
Axes = tuple[int, ...]
_SHORT = 32
_MANY = 64
_FEW_FOR_BLAS = 1 << 10
_AXES_CASES: tuple[tuple[Shape, Axes], ...] = (((3,), (0,)), ((2, 3), (1,)), ((2, 1, 3), (0, 2)), ((2, 2), (0, 1)))


def keep(shape: Shape, axes: Axes) -> Shape:
    """The shape with those axes of length 1."""
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def drop(shape: Shape, axes: Axes) -> Shape:
    """The shape without those axes; a `ShapeError` where it lacks one."""
    for axis in axes:
        normal_axis(axis, len(shape))
    return tuple(length for axis, length in enumerate(shape) if axis not in axes)


def spread(reduced: Node, like: Node, axes: Axes) -> Node:
    """A reduced node repeated over the axes that were dropped, to the shape of `like`."""
    return broadcast_to(reshape(reduced, keep(like.shape, axes)), like.shape)


def _axes_shape(x: Node, axes: Axes) -> tuple[Shape, DType]:
    return drop(x.shape, axes), x.dtype


def _shift(name: str) -> Callable[[Node, list[Node], list[bool], int], Node]:
    def batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
        params = dict(node.params) | {"axes": tuple(axis + 1 for axis in node.params["axes"])}
        return apply(name, args[0], **params)

    return batch


def _cases(span: tuple[float, float] = ANY, **params: Any) -> tuple[Case, ...]:
    return tuple(Case((shape,), (span,), {"axes": axes, **params}) for shape, axes in _AXES_CASES)


def _sum(x: Any, axes: Axes) -> Any:
    return (np.logical_or if x.dtype == bool else np.add).reduce(x, axis=axes)


def _reducer(name: str, shape: Shape, axes: Axes) -> Callable[[Any], Any]:
    reduce = getattr(np, name).reduce
    if not all(shape[axis] for axis in axes):
        # Only for a result without entries, and even there NumPy asks for a number to start from.
        return lambda x: reduce(x, axes, initial=x.dtype.type(0))
    if _has_short_rows(shape, axes):
        return lambda x: reduce(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0)
    axis = axes[0] if len(axes) == 1 else axes
    return lambda x: reduce(x, axis)


def _has_short_rows(shape: Shape, axes: Axes) -> bool:
    """Whether many rows of few numbers are reduced: NumPy goes through them row by row, which takes as long for two
    numbers as for fifty."""
    return axes == (len(shape) - 1,) and 1 < shape[-1] <= _SHORT and size_of(shape[:-1]) >= _MANY


def sum_of(shape: Shape, axes: Axes, dtype: str, keep: bool = False) -> Callable[[Any], Any]:
    """The sum over axes as a function of arrays of a shape (the first axis may be shorter); `keep` leaves the axes with
    length 1. Short rows are multiplied with ones."""
    if dtype == "bool":
        return lambda x: np.any(x, axis=axes, keepdims=keep)
    if _has_short_rows(shape, axes) and dtype.startswith("float"):
        ones = np.ones((shape[-1], 1) if keep else shape[-1], dtype)
        return lambda x: np.matmul(x, ones)
    axis = axes[0] if len(axes) == 1 else axes
    add = np.add.reduce
    if keep:
        return lambda x: add(x, axis=axis, keepdims=True)
    return lambda x: add(x, axis)


@functools.lru_cache(64)
def _ones(count: int, dtype: str) -> Any:
    ones = np.ones(count, dtype)
    ones.flags.writeable = False
    return ones


def _total(node: Node) -> Callable[[Any], Any]:
    """The sum as a function of arrays of the node's shape. A product with ones takes a third of the time for few
    numbers; of many, NumPy's own sum has fewer rounding errors."""
    shape, axes = node.args[0].shape, node.params["axes"]
    if not axes or not node.is_float or node.args[0].size > _FEW_FOR_BLAS:
        return sum_of(shape, axes, node.dtype)
    dot, rest = np.ndarray.dot, node.shape
    ones = _ones(size_of(shape[axis] for axis in axes), node.dtype)
    if axes == (len(shape) - 1,):
        return lambda x: dot(x, ones)
    if axes == tuple(range(len(rest), len(shape))):
        rows = (size_of(rest), len(ones))
        return lambda x: dot(x.reshape(rows), ones).reshape(rest)
    if axes == tuple(range(len(axes))):
        columns = (len(ones), size_of(rest))
        return lambda x: dot(ones, x.reshape(columns)).reshape(rest)
    return sum_of(shape, axes, node.dtype)


register(
    Primitive(
        "sum",
        "Sum over axes; of truth values, whether any holds.",
        _axes_shape,
        Prepared(_sum, _total),
        lambda index, g, node: spread(g, node.args[0], node.params["axes"]),
        "reduces",
        batch=_shift("sum"),
        structural=True,
        cases=(*_cases(), Case(((0, 2),), (ANY,), {"axes": (0,)})),
    )
)


def _extreme_shape(x: Node, axes: Axes) -> tuple[Shape, DType]:
    if size_of(drop(x.shape, axes)) and any(x.shape[axis] == 0 for axis in axes):
        raise ShapeError(
            f"an array of shape {show_shape(x.shape)} has no largest or smallest entry along an empty axis"
        )
    return _axes_shape(x, axes)


def _extreme_pullback(index: int, g: Node, node: Node) -> Masked:
    (x,) = node.args
    axes = node.params["axes"]
    best = spread(node, x, axes)
    wins = apply("equal", x, best)
    count = apply("sum", apply("cast", wins, dtype=g.dtype), axes=axes)
    live = wins | apply("isnan", best)
    return Masked(select(live, apply("on_domain", spread(g / count, x, axes), best), 0.0), live)


def _extreme(function: str) -> Prepared:
    return Prepared(
        lambda x, axes: _reducer(function, x.shape, axes)(x),
        lambda node: _reducer(function, node.args[0].shape, node.params["axes"]),
    )


for _name, _doc, _function in (
    ("max", "Largest entry over axes.", "maximum"),
    ("min", "Smallest entry over axes.", "minimum"),
):
    register(
        Primitive(
            _name,
            _doc,
            _extreme_shape,
            _extreme(_function),
            _extreme_pullback,
            "reduces",
            batch=_shift(_name),
            cases=_cases(),
            kinks="tied entries share the derivative equally",
        )
    )


def _prod_pullback(index: int, g: Node, node: Node) -> Node:
    (x,) = node.args
    axes = node.params["axes"]
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    order = (*others, *axes)
    rest = tuple(x.shape[axis] for axis in others)
    line = reshape(transpose(x, order), (*rest, size_of(x.shape[axis] for axis in axes)))
    forward = apply("exclusive_cumprod", line, reverse=False)
    backward = apply("exclusive_cumprod", line, reverse=True)
    slopes = reshape(g, (*rest, 1)) * (forward * backward)
    unmerged = reshape(slopes, (*rest, *(x.shape[axis] for axis in axes)))
    return transpose(unmerged, tuple(order.index(axis) for axis in range(x.ndim)))


register(
    Primitive(
        "prod",
        "Product over axes.",
        _axes_shape,
        lambda x, axes: np.prod(x, axis=axes),
        _prod_pullback,
        "reduces",
        batch=_shift("prod"),
        cases=_cases((0.5, 2.0)),
        kinks="exact at zeros: products of the other entries, never a division",
    )
)


def _all_axes_shape(result: DType) -> Callable[..., tuple[Shape, DType]]:
    return lambda x, axes: (drop(x.shape, axes), result)


def _argument_of(function: str) -> Callable[..., Any]:
    def numeric(x: Any, axes: Axes) -> Any:
        order = tuple(axis for axis in range(x.ndim) if axis not in axes) + axes
        rest = drop(x.shape, axes)
        if 0 in rest:
            return np.zeros(rest, np.int64)
        merged = np.transpose(x, order).reshape(*rest, -1)
        return np.asarray(getattr(np, function)(merged, axis=-1), np.int64)

    return numeric


for _name, _doc in (("argmax", "Index of the first largest entry."), ("argmin", "Index of the first smallest entry.")):
    register(
        Primitive(
            _name,
            _doc,
            lambda x, axes: (_extreme_shape(x, axes)[0], "int64"),
            _argument_of(_name),
            None,
            "reduces",
            batch=_shift(_name),
            cases=_cases(),
        )
    )
register(
    Primitive(
        "all",
        "Whether every entry holds, over axes.",
        _all_axes_shape("bool"),
        lambda x, axes: np.all(x, axis=axes),
        None,
        "reduces",
        batch=_shift("all"),
        cases=tuple(Case((shape,), (None,), {"axes": axes}) for shape, axes in _AXES_CASES),
    )
)


def _norm(x: Any, axes: Axes) -> Any:
    largest = np.max(np.abs(x), axis=axes, keepdims=True, initial=0.0)
    scale = np.where(np.isfinite(largest) & (largest > 0), largest, 1.0)
    extreme = (scale > 1e140) | (scale < 1e-140)
    scale = np.where(extreme, scale, 1.0)
    root = np.sqrt(np.sum(np.square(x / scale if np.any(extreme) else x), axis=axes))
    return root * np.squeeze(scale, axis=axes)


def _norm_pullback(index: int, g: Node, node: Node) -> Node:
    (x,) = node.args
    axes = node.params["axes"]
    length = spread(node, x, axes)
    live = ~apply("equal", length, constant(0.0, x.dtype))
    return spread(g, x, axes) * select(live, x / length, 0.0)


register(
    Primitive(
        "norm",
        "Root of the sum of squares over axes, without overflow.",
        _axes_shape,
        _norm,
        _norm_pullback,
        "reduces",
        batch=_shift("norm"),
        cases=_cases((0.5, 2.0)),
        kinks="0 at the origin, the smallest element of the subdifferential",
    )
)


def _shifted(x: Any, axes: Axes) -> tuple[Any, Any]:
    largest = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        difference = np.where(x == largest, 0.0, x - largest)
    return largest, difference


def _logsumexp(x: Any, axes: Axes) -> Any:
    largest, difference = _shifted(x, axes)
    finite = np.where(np.isneginf(largest), 0.0, 1.0)
    total = np.sum(np.exp(difference) * finite, axis=axes)
    return np.log(total) + np.where(np.isneginf(largest), 0.0, largest).reshape(total.shape)


def _softmax(x: Any, axes: Axes, limit: bool) -> Any:
    largest, difference = _shifted(x, axes)
    weights = np.exp(difference)
    shares = weights / np.sum(weights, axis=axes, keepdims=True)
    return shares if limit else np.where(np.isfinite(largest), shares, np.nan)


class _Weights:
    """The exponentials of the entries below the largest one, for arrays of one shape: `_shifted` with its choices made.

    Where all largest entries are finite, which is the rule, nothing else is looked at.
    """

    def __init__(self, node: Node, axes: Axes) -> None:
        self._kept = keep(node.shape, axes)
        self._largest = None if 0 in node.shape else _reducer("maximum", node.shape, axes)

    def __call__(self, x: Any) -> tuple[Any, Any] | None:
        """The largest entries and the weights; None where one of the largest is infinite, NaN or missing."""
        if self._largest is None:
            return None
        largest = self._largest(x).reshape(self._kept)
        flat = largest.reshape(-1)
        squares = flat.dot(flat)  # in one call; where it overflows, the longer way gives the same
        return (largest, np.exp(np.subtract(x, largest))) if squares - squares == 0.0 else None


def _logsumexp_of(node: Node) -> Callable[[Any], Any]:
    (x,), axes = node.args, node.params["axes"]
    weights_of, total_of = _Weights(x, axes), sum_of(x.shape, axes, x.dtype)

    def logsumexp(x: Any) -> Any:
        found = weights_of(x)
        return _logsumexp(x, axes) if found is None else np.log(total_of(found[1])) + found[0].reshape(node.shape)

    return logsumexp


def _softmax_of(node: Node) -> Callable[[Any], Any]:
    axes, limit = node.params["axes"], node.params["limit"]
    weights_of, total_of = _Weights(node, axes), sum_of(node.shape, axes, node.dtype, keep=True)

    def softmax(x: Any) -> Any:
        found = weights_of(x)
        return _softmax(x, axes, limit) if found is None else np.divide(found[1], total_of(found[1]))

    return softmax


register(
    Primitive(
        "logsumexp",
        "log of the sum of exponentials over axes, without overflow.",
        _axes_shape,
        Prepared(_logsumexp, _logsumexp_of),
        lambda index, g, node: (
            spread(g, node.args[0], node.params["axes"])
            * apply("softmax", node.args[0], axes=node.params["axes"], limit=True)
        ),
        "reduces",
        batch=_shift("logsumexp"),
        cases=_cases(),
        kinks="infinite entries that tie share equally",
    )
)


def _softmax_pullback(index: int, g: Node, node: Node) -> Node:
    axes = node.params["axes"]
    return node * (g - spread(apply("sum", g * node, axes=axes), g, axes))


register(
    Primitive(
        "softmax",
        "Exponentials over axes, divided by their sum.",
        lambda x, axes, limit: (x.shape, x.dtype),
        Prepared(_softmax, _softmax_of),
        _softmax_pullback,
        "mixes",
        batch=_shift("softmax"),
        cases=_cases(limit=False),
    )
)
