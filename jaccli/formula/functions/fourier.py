"""Fourier transforms and the eigenvalues of general matrices: complex in between, real at the end."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.arithmetic import as_complex
from jaccli.formula.complex import Complex
from jaccli.formula.functions.assembly import roll
from jaccli.formula.functions.linear_algebra import FAMILY as LINEAR_ALGEBRA
from jaccli.formula.functions.registry import Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.functions.signal import FAMILY
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, select, transpose
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.eigen import ComplexParts

_NORMS = (None, "backward", "ortho", "forward")


def _swap(x: Node, axis: int) -> Node:
    order = list(range(x.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    return transpose(x, order)


def _fitted(x: Node, axis: int, length: int | None) -> Node:
    """The axis cut or filled up with zeros to a length."""
    if length is None or length == x.shape[axis]:
        return x
    if length < x.shape[axis]:
        return part(x, axis, 0, length)
    shape = (*x.shape[:axis], length - x.shape[axis], *x.shape[axis + 1 :])
    return apply("concatenate", x, broadcast_to(constant(0.0, x.dtype), shape), axis=axis)


def _transform(x: Complex, axis: int, length: int | None, forward: bool, norm: Any) -> Complex:
    if norm not in _NORMS:
        raise FormulaError(f"unknown norm {norm!r} of a Fourier transform", hint="'backward', 'ortho' or 'forward'")
    place = normal_axis(axis, x.real.ndim)
    parts = [_swap(_fitted(node, place, length), place) for node in (x.real, x.imag)]
    count = parts[0].shape[-1]
    wide = [reshape(node, (*node.shape[:-1], 1, count)) for node in parts]
    packed = apply("dft", apply("concatenate", *wide, axis=wide[0].ndim - 2), forward=forward)
    scale = {None: not forward, "backward": not forward, "forward": forward, "ortho": 0.5}[norm]
    if scale:
        packed = apply("divide", packed, constant(math.sqrt(count) if scale == 0.5 else float(count), packed.dtype))
    found = [reshape(part(packed, packed.ndim - 2, i, 1), parts[0].shape) for i in (0, 1)]
    real, imag = (_swap(node, place) for node in found)
    return Complex(real, imag)


def _one_axis(name: str, forward: bool, doc: str) -> None:
    def build(x: Any, n: Any = None, axis: Whole = -1, norm: Any = None, *, context: Context) -> Value:
        length = None if n is None else context.integer(n, f"the length of {name}")
        return _transform(as_complex(context, x), axis, length, forward, norm)

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"abs({name}(x))")(build)


_one_axis("fft", True, "Discrete Fourier transform along an axis; take abs, real, imag or angle of the result.")
_one_axis("ifft", False, "Inverse discrete Fourier transform along an axis.")


def _axes(context: Context, axes: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if axes is None else context.integers(axes, "axes")


def _several(name: str, forward: bool, default: tuple[int, int] | None, doc: str) -> None:
    def build(x: Any, s: Any = None, axes: Any = default, norm: Any = None, *, context: Context) -> Value:
        values = as_complex(context, x)
        places = _axes(context, axes, values.real.ndim)
        lengths = [None] * len(places) if s is None else list(context.integers(s, "the lengths"))
        if len(lengths) != len(places):
            raise ShapeError(f"{name} has {len(places)} axes and {len(lengths)} lengths")
        for axis, length in zip(places, lengths, strict=True):
            values = _transform(values, axis, length, forward, norm)
        return values

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"abs({name}(x))")(build)


_several("fft2", True, (-2, -1), "Discrete Fourier transform over two axes.")
_several("ifft2", False, (-2, -1), "Inverse discrete Fourier transform over two axes.")
_several("fftn", True, None, "Discrete Fourier transform over several axes.")
_several("ifftn", False, None, "Inverse discrete Fourier transform over several axes.")


@function(FAMILY, example="abs(rfft(x))")
def rfft(x: Floats, n: Any = None, axis: Whole = -1, norm: Any = None, *, context: Context) -> Value:
    """The first half of the Fourier transform of real entries, which holds all of it."""
    length = None if n is None else context.integer(n, "the length of rfft")
    place = normal_axis(axis, x.ndim)
    whole = _transform(as_complex(context, x), axis, length, True, norm)
    count = whole.real.shape[place] // 2 + 1
    return whole.each(lambda node: part(node, place, 0, count))


@function(FAMILY, example="irfft(rfft(x))")
def irfft(x: Any, n: Any = None, axis: Whole = -1, norm: Any = None, *, context: Context) -> Node:
    """The real entries of which this is the rfft; n of them, by default an even number."""
    values = as_complex(context, x)
    place = normal_axis(axis, values.real.ndim)
    given = values.real.shape[place]
    length = 2 * (given - 1) if n is None else context.integer(n, "the length of irfft")
    if length < 1:
        raise ShapeError("irfft needs at least one entry of output", hint="give n")
    half = length // 2 + 1
    values = values.each(lambda node: _fitted(node, place, half))
    # Each entry but the first (and the middle one) stands for itself and for its mirror image.
    rest = (length - 1) // 2
    mirrored = values.each(lambda node: part(node, place, rest, rest, -1) if rest else part(node, place, 0, 0))
    real = apply("concatenate", values.real, mirrored.real, axis=place)
    imag = apply("concatenate", values.imag, apply("negative", mirrored.imag), axis=place)
    return _transform(Complex(real, _without_own(imag, place, length)), place, None, False, norm).real


def _without_own(imag: Node, axis: int, length: int) -> Node:
    """The imaginary parts of the entries that are their own mirror image count as 0."""
    number = apply("iota", length=imag.shape[axis])
    own = apply("equal", number, constant(0, "int64"))
    if length % 2 == 0:
        own = own | apply("equal", number, constant(length // 2, "int64"))
    shape = tuple(imag.shape[axis] if place == axis else 1 for place in range(imag.ndim))
    return select(reshape(own, shape), 0.0, imag)


def _shifted(context: Context, x: Any, axes: Any, forward: bool) -> Value:
    def change(node: Node) -> Node:
        places = tuple(normal_axis(axis, node.ndim) for axis in _axes(context, axes, node.ndim))
        if len(set(places)) < len(places):
            raise ShapeError("the axes of a shift name an axis twice")
        return roll(node, tuple((1 if forward else -1) * (node.shape[place] // 2) for place in places), places)

    return x.each(change) if isinstance(x, Complex) else change(context.array(x))


@function(FAMILY, example="fftshift(x)")
def fftshift(x: Any, axes: Any = None, *, context: Context) -> Value:
    """Frequency 0 moved to the middle."""
    return _shifted(context, x, axes, True)


@function(FAMILY, example="ifftshift(x)")
def ifftshift(x: Any, axes: Any = None, *, context: Context) -> Value:
    """The inverse of fftshift."""
    return _shifted(context, x, axes, False)


@function(FAMILY, example="fftfreq(8)")
def fftfreq(n: Whole, d: float = 1.0, *, context: Context) -> Node:
    """The frequencies of an fft of n samples at distance d."""
    number = apply("iota", length=n)
    high = apply("less", constant((n - 1) // 2, "int64"), number)
    signed = apply("where", high, apply("subtract", number, constant(n, "int64")), number)
    return apply("divide", cast(signed, context.float_dtype), constant(n * d, context.float_dtype))


@function(FAMILY, example="rfftfreq(8)")
def rfftfreq(n: Whole, d: float = 1.0, *, context: Context) -> Node:
    """The frequencies of an rfft of n samples at distance d."""
    number = cast(apply("iota", length=n // 2 + 1), context.float_dtype)
    return apply("divide", number, constant(n * d, context.float_dtype))


@function(FAMILY, kinks="NaN at 0 for complex numbers", example="angle(fft(x))")
def angle(x: Any, deg: Flag = False, *, context: Context) -> Node:
    """Angle of complex numbers, in degrees with deg=True; of real ones 0 or pi."""
    if deg:
        return angle(x, context=context) * (180.0 / math.pi)
    if isinstance(x, Complex):
        return apply("arctan2", x.imag, x.real)
    node = context.floats(x)
    negative = apply("less", node, constant(0.0, node.dtype))
    return apply("where", negative, constant(math.pi, node.dtype), constant(0.0, node.dtype))


@function(
    LINEAR_ALGEBRA,
    kinks="repeated eigenvalues share their cluster; NaN at a Jordan block",
    example="real(eigvals(A))",
)
def eigvals(x: Floats) -> Value:
    """Eigenvalues of a square matrix; where they are complex, take real, imag, abs or angle of them."""
    return Complex(*ComplexParts(apply("eig", x)).values, is_tame=True)


@function(
    LINEAR_ALGEBRA,
    kinks="repeated eigenvalues share their cluster; NaN at a Jordan block, and for vectors of repeated eigenvalues",
    example="real(eig(A)[0])",
)
def eig(x: Floats) -> Value:
    """Eigenvalues and eigenvectors, columns of length 1, of a square matrix: w, V = eig(A)."""
    parts = ComplexParts(apply("eig", x))
    return Complex(*parts.values, is_tame=True), Complex(*parts.vectors, is_tame=True)
