"""The discrete Fourier transform, on pairs of real arrays: a complex array is packed along an axis of length 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.errors import NumbersError, ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, show_shape
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.clusters import carry
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)


def _packed(x: Any, axis: int, dtype: Any) -> Any:
    return np.stack([x.real, x.imag], axis=axis).astype(dtype, copy=False)


def _dft_shape(x: Node, forward: bool) -> tuple[Shape, DType]:
    if x.ndim < 2 or x.shape[-2] != 2 or x.shape[-1] == 0:
        raise ShapeError(f"a Fourier transform needs at least one entry, and this has shape {show_shape(x.shape)}")
    return x.shape, x.dtype


def _dft(x: Any, forward: bool) -> Any:
    values = x[..., 0, :] + 1j * x[..., 1, :]
    found = np.fft.fft(values) if forward else np.fft.ifft(values, norm="forward")
    return _packed(found, -2, x.dtype)


def _alike(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    return node.primitive(args[0], **node.params)


register(
    Primitive(
        "dft",
        "Sums of the last axis with all roots of unity, not normalised; real and imaginary part on the axis before.",
        _dft_shape,
        _dft,
        lambda index, g, node: apply("dft", g, forward=not node.params["forward"]),
        "dense",
        batch=_alike,
        cases=(
            Case(((2, 5),), (ANY,), {"forward": True}),
            Case(((3, 2, 4),), (ANY,), {"forward": False}),
        ),
    )
)


def _real_shape(real: Node, imaginary: Node) -> tuple[Shape, DType]:
    return real.shape, real.dtype


def _real(real: Any, imaginary: Any) -> Any:
    if np.any(imaginary):
        raise NumbersError("the eigenvalues are complex; take real(…), imag(…), abs(…) or angle(…) of them")
    return np.array(real)


register(
    Primitive(
        "surely_real",
        "The real part; an imaginary part other than 0 is an error.",
        _real_shape,
        _real,
        lambda index, g, node: g,
        "dense",
        batch=carry,
        differentiable=(True, False),
        cases=(Case(((3,), (3,)), (ANY, (0.0, 0.0))),),
    )
)
