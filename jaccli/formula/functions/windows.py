"""Windows of signal processing: constants that taper a piece of a signal."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.registry import Whole, call, find, function
from jaccli.formula.functions.signal import FAMILY
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, cast, constant, filled, show_shape


def _phase(context: Context, count: int, periodic: bool) -> Node:
    """2*pi*n/(count - 1) for n below count; over count for one that repeats."""
    if count < 0:
        raise FormulaError(f"a window of {count} entries")
    length = count if periodic else count - 1
    return cast(apply("iota", length=count), context.float_dtype) * (2 * math.pi / max(length, 1))


def _cosines(context: Context, count: int, periodic: bool, weights: Sequence[float]) -> Node:
    if count == 1:
        return filled((1,), 1.0, context.float_dtype)
    phase = _phase(context, count, periodic)
    total = filled((count,), weights[0], context.float_dtype)
    for order, weight in enumerate(weights[1:], start=1):
        total = total + apply("cos", phase * float(order)) * weight
    return total


def _window(name: str, weights: Sequence[float], doc: str, *synonyms: str) -> None:
    def build(m: Whole, sym: bool = True, *, context: Context) -> Node:
        return _cosines(context, m, not context.static(sym), weights)

    build.__doc__ = f"{doc}, of m entries."
    function(FAMILY, *synonyms, name=name, example=f"{name}(8)")(build)

    def periodic_build(window_length: Whole, periodic: bool = True, *, context: Context) -> Node:
        return _cosines(context, window_length, bool(context.static(periodic)), weights)

    short = {"hanning": "hann"}.get(name, name)
    periodic_build.__doc__ = f"{doc}, as PyTorch: by default one that repeats."
    function(FAMILY, name=f"{short}_window", example=f"{short}_window(8)")(periodic_build)


_window("hanning", (0.5, -0.5), "Hann's window", "hann")
_window("hamming", (0.54, -0.46), "Hamming's window")
_window("blackman", (0.42, -0.5, 0.08), "Blackman's window")


@function(FAMILY, example="bartlett(8)")
def bartlett(m: Whole, *, context: Context) -> Node:
    """The triangular window, 0 at both ends."""
    if m == 1:
        return filled((1,), 1.0, context.float_dtype)
    middle = (m - 1) / 2
    distance = apply("abs", cast(apply("iota", length=max(m, 0)), context.float_dtype) - middle)
    return 1.0 - distance / constant(middle or 1.0, context.float_dtype)


@function(FAMILY, example="kaiser(8, 14)")
def kaiser(m: Whole, beta: Any, *, context: Context) -> Node:
    """Kaiser's window, differentiable in beta."""
    width = context.floats(beta)
    if width.ndim:
        raise ShapeError(f"beta of kaiser is one number, not an array of shape {show_shape(width.shape)}")
    half = max(m - 1, 1) / 2
    place = cast(apply("iota", length=max(m, 0)), context.float_dtype) - (half if m > 1 else 0.0)
    inside = apply("maximum", 1.0 - (place / half) * (place / half), constant(0.0, context.float_dtype))
    bessel = functools.partial(call, find("i0")[0], context)
    return context.array(bessel([width * apply("sqrt", inside)], {})) / context.array(bessel([width], {}))


@function(FAMILY, example="bartlett_window(8)")
def bartlett_window(window_length: Whole, periodic: bool = True, *, context: Context) -> Node:
    """The triangular window, as PyTorch: by default one that repeats."""
    return _shortened(bartlett, window_length, bool(context.static(periodic)), context=context)


@function(FAMILY, example="kaiser_window(8)")
def kaiser_window(window_length: Whole, periodic: bool = True, beta: Any = 12.0, *, context: Context) -> Node:
    """Kaiser's window, as PyTorch: by default one that repeats."""
    whole = functools.partial(kaiser, beta=beta)
    return _shortened(whole, window_length, bool(context.static(periodic)), context=context)


def _shortened(window: Callable[..., Node], count: int, periodic: bool, *, context: Context) -> Node:
    """A window of one entry more without its last, where it repeats."""
    if not periodic or count <= 1:
        return window(count, context=context)
    return apply("slice", window(count + 1, context=context), bounds=((0, count, 1),))
