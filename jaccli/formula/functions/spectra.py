"""Spectra of pieces of a signal: short-time transforms and back, periodograms, trends; transforms of several axes."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.arithmetic import as_complex
from jaccli.formula.complex import Complex
from jaccli.formula.functions.reductions import mean
from jaccli.formula.functions.registry import Flag, Floats, Whole, flag, function, use
from jaccli.formula.functions.shaping import moveaxis, part, swapaxes
from jaccli.formula.functions.signal import FAMILY, padded
from jaccli.formula.limits import check_made
from jaccli.formula.values import Context, Value, describe
from jaccli.graph.node import Node, apply, cast, constant, filled, reshape, show_shape
from jaccli.graph.primitive import MOST_AXES, normal_axis

_WINDOWS = {"hann": "hann_window", "hanning": "hann_window", "hamming": "hamming_window", "blackman": "blackman_window"}


def _several(name: str, inverse: bool, default: tuple[int, ...] | None, doc: str) -> None:
    def build(x: Any, s: Any = None, axes: Any = default, norm: Any = None, *, context: Context) -> Value:
        ndim = as_complex(context, x).real.ndim
        lengths: list[Any] = list(context.integers(s, "the lengths")) if s is not None else []
        if s is not None and axes is None and len(lengths) > ndim:
            raise ShapeError(f"{name} is given {len(lengths)} lengths, and the array has {ndim} axes")
        first = range(ndim - len(lengths), ndim) if s is not None else range(ndim)
        places = list(first if axes is None else context.integers(axes, "axes"))
        lengths = lengths or [None] * len(places)
        if len(lengths) != len(places):
            raise ShapeError(f"{name} has {len(places)} axes and {len(lengths)} lengths")
        if not 1 <= len(places) <= MOST_AXES:
            raise ShapeError(f"{name} is over 1 to {MOST_AXES} axes, and this is over {len(places)}")
        real, whole = ("irfft", "ifft") if inverse else ("rfft", "fft")
        if not inverse:
            x = use(context, real, x, lengths[-1], places[-1], norm)
        for place, length in zip(places[:-1], lengths[:-1], strict=True):
            x = use(context, whole, x, length, place, norm)
        return use(context, real, x, lengths[-1], places[-1], norm) if inverse else x

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"abs({name}(x))" if not inverse else f"{name}(rfft2(x))")(build)


_several(
    "rfft2", False, (-2, -1), "The half of the Fourier transform of real entries over two axes that holds all of it."
)
_several(
    "rfftn", False, None, "The half of the Fourier transform of real entries over several axes that holds all of it."
)
_several("irfft2", True, (-2, -1), "The real entries of which this is the rfft2.")
_several("irfftn", True, None, "The real entries of which this is the rfftn.")
_OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _opposite(norm: Any) -> str:
    if not (norm is None or isinstance(norm, str)) or norm not in _OPPOSITE:
        raise FormulaError(
            f"the norm of a Fourier transform is a name, not {describe(norm)}", hint="'backward', 'ortho' or 'forward'"
        )
    return _OPPOSITE[norm]


@function(FAMILY, example="hfft(rfft(x))")
def hfft(x: Any, n: Any = None, axis: Whole = -1, norm: Any = None, *, context: Context) -> Value:
    """The real Fourier transform of a signal that is its own mirror image, of which half is given."""
    values = as_complex(context, x)
    mirrored = Complex(values.real, apply("negative", values.imag))
    return use(context, "irfft", mirrored, n, axis, _opposite(norm))


@function(FAMILY, example="abs(ihfft(x))")
def ihfft(x: Floats, n: Any = None, axis: Whole = -1, norm: Any = None, *, context: Context) -> Value:
    """The inverse of hfft."""
    found = as_complex(context, use(context, "rfft", x, n, axis, _opposite(norm)))
    return Complex(found.real, apply("negative", found.imag))


def _window(context: Context, window: Any, length: int) -> Node:
    """A window of a length: by name, as an array of that length or shorter and then in the middle, or ones."""
    _check_length(length)
    if window is None or window in ("boxcar", "rect", "rectangular", "ones"):
        return filled((length,), 1.0, context.float_dtype)
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise FormulaError(f"unknown window {window!r}", hint="'hann', 'hamming', 'blackman', 'boxcar' or an array")
        return context.array(use(context, _WINDOWS[window], length))
    node = context.floats(window)
    if node.ndim != 1 or node.size > length:
        raise ShapeError(f"a window of shape {show_shape(node.shape)} does not fit pieces of {length} entries")
    left = (length - node.size) // 2
    return padded(node, [(left, length - node.size - left)])


def _pieces(x: Node, length: int, hop: int) -> Node:
    """Pieces of the last axis, one a row."""
    _check_length(length, hop)
    if x.ndim == 0:
        raise ShapeError("a signal has an axis, and this is a number")
    return apply("windows", x, sizes=(length,), strides=(hop,), dilation=(1,))


def _check_length(length: int, hop: int = 1) -> None:
    if length < 1 or hop < 1:
        raise FormulaError(
            "the pieces of a signal, and the steps between them, are 1 entry or more",
            hint=f"these are pieces of {length}" + (f" in steps of {hop}" if length > 0 else ""),
        )


def _flag(context: Context, value: Any, default: bool, what: str) -> bool:
    return default if value is None else flag(context, value, what)


def _torch_stft(
    x: Floats,
    n_fft: Whole,
    hop_length: Any = None,
    win_length: Any = None,
    window: Any = None,
    center: Flag = True,
    pad_mode: str = "reflect",
    normalized: Flag = False,
    onesided: Any = None,
    return_complex: Any = None,
    align_to_window: Any = None,
    *,
    context: Context,
) -> Value:
    """Fourier transforms of overlapping pieces of a signal, frequencies by pieces, as PyTorch."""
    hop = n_fft // 4 if hop_length is None else context.integer(hop_length, "hop_length")
    width = n_fft if win_length is None else context.integer(win_length, "win_length")
    shape = _window(context, _window(context, window, width), n_fft)
    if center:
        flat = x.ndim == 1
        wide = reshape(x, (1, x.size)) if flat else x
        ends = [(0, 0)] * (wide.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        wide = context.array(use(context, "pad", wide, ends, pad_mode))
        x = reshape(wide, (wide.size,)) if flat else wide
    name = "rfft" if _flag(context, onesided, True, "onesided") else "fft"
    found = as_complex(context, use(context, name, _pieces(x, n_fft, hop) * shape))
    if normalized:
        found = found.each(lambda node: node / math.sqrt(n_fft))
    found = found.each(lambda node: swapaxes(node, -1, -2))
    if _flag(context, return_complex, True, "return_complex"):
        return found
    return apply(
        "concatenate", *(reshape(node, (*node.shape, 1)) for node in (found.real, found.imag)), axis=found.real.ndim
    )


function(FAMILY, ".stft", name="torch.stft", example="abs(torch.stft(x, 4))")(_torch_stft)


@function(FAMILY, ".istft", name="torch.istft", example="torch.istft(torch.stft(x, 4), 4)")
def torch_istft(
    x: Any,
    n_fft: Whole,
    hop_length: Any = None,
    win_length: Any = None,
    window: Any = None,
    center: Flag = True,
    normalized: Flag = False,
    onesided: Any = None,
    length: Any = None,
    return_complex: Flag = False,
    *,
    context: Context,
) -> Node:
    """The signal of which this is the stft, as PyTorch."""
    hop = n_fft // 4 if hop_length is None else context.integer(hop_length, "hop_length")
    width = n_fft if win_length is None else context.integer(win_length, "win_length")
    shape = _window(context, _window(context, window, width), n_fft)
    frames = as_complex(context, x).each(lambda node: swapaxes(node, -1, -2))
    if frames.real.ndim < 2:
        raise ShapeError("torch.istft takes what torch.stft gives: frequencies by pieces")
    if _flag(context, onesided, True, "onesided"):
        pieces = context.array(use(context, "irfft", frames, n_fft))
    else:
        pieces = as_complex(context, use(context, "ifft", frames)).real
    if normalized:
        pieces = pieces * math.sqrt(n_fft)
    count = pieces.shape[-2]
    _check_length(n_fft, hop)
    if not count or pieces.shape[-1] != n_fft:
        raise ShapeError(
            f"torch.istft: {count} pieces of {pieces.shape[-1]} frequencies are not those of n_fft={n_fft} entries"
        )
    whole = n_fft + hop * (count - 1)
    check_made((whole,))
    params = {"sizes": (n_fft,), "strides": (hop,), "dilation": (1,), "lengths": (whole,)}
    total = apply("overlap", pieces * shape, **params)
    squares = reshape(shape * shape, (1, n_fft)) * filled((count, 1), 1.0, shape.dtype)
    level = apply("overlap", squares, **params)
    first = n_fft // 2 if center else 0
    last = whole - first if length is None else min(first + context.integer(length, "length"), whole)
    if last < first:
        raise FormulaError(f"the length of a signal is 0 or more, not {last - first}")
    kept = part(total, total.ndim - 1, first, last - first) / part(level, 0, first, last - first)
    return kept


def _scipy_pieces(
    context: Context, x: Node, window: Any, nperseg: Any, noverlap: Any, nfft: Any, detrend: Any
) -> tuple[Node, Node, int]:
    """The pieces of the last axis times a window, the window, and the length of their transforms."""
    if nperseg is None and isinstance(window, Node):
        nperseg = window.size
    size, shared = _sizes(context, x, nperseg, noverlap)
    shape = _window(context, window, size)
    pieces = _pieces(x, size, size - shared)
    if isinstance(detrend, str):
        pieces = _without_trend(pieces, detrend)
    elif detrend is not None and detrend is not False:
        raise FormulaError(f"detrend is 'linear', 'constant' or False, not {describe(detrend)}")
    length = size if nfft is None else context.integer(nfft, "nfft")
    if length < size:
        raise FormulaError(f"nfft is at least the {size} entries of a piece, not {length}")
    return pieces * shape, shape, length


def _sizes(context: Context, x: Node, nperseg: Any, noverlap: Any) -> tuple[int, int]:
    """How many entries a piece has, and how many it shares with the next one."""
    size = min(256 if nperseg is None else context.integer(nperseg, "nperseg"), x.shape[-1])
    shared = size // 2 if noverlap is None else context.integer(noverlap, "noverlap")
    _check_length(size, size - shared)
    return size, shared


def _without_trend(x: Node, kind: str) -> Node:
    centred = x - mean(x, x.ndim - 1, True)
    if kind == "constant":
        return centred
    if kind != "linear":
        raise FormulaError(f"unknown trend {kind!r}", hint="'linear' and 'constant' are taken")
    length = x.shape[-1]
    time = cast(apply("iota", length=length), x.dtype) - (length - 1) / 2
    slope = apply("sum", centred * time, axes=(x.ndim - 1,)) / (length * (length * length - 1) / 12 or 1.0)
    return centred - reshape(slope, (*slope.shape, 1)) * time


@function(FAMILY, example="detrend(x)")
def detrend(data: Floats, axis: Whole = -1, type: str = "linear") -> Node:
    """The entries of an axis without their line of least squares, or with type='constant' their mean."""
    place = normal_axis(axis, data.ndim)
    return moveaxis(_without_trend(moveaxis(data, place, -1), type), -1, place)


def _frequencies(context: Context, length: int, fs: float) -> Value:
    return use(context, "rfftfreq", length, 1 / _rate(fs))


def _rate(fs: float) -> float:
    if not 0 < fs < math.inf:
        raise FormulaError(f"fs is how many samples a second has, a number above 0, not {fs}")
    return fs


def _periodogram(
    context: Context, x: Node, fs: float, parts: tuple[Node, Node, int], scaling: str
) -> tuple[Value, Node]:
    pieces, shape, length = parts
    found = as_complex(context, use(context, "rfft", pieces, length))
    total = apply("sum", shape * shape, axes=(0,)) * fs
    if scaling == "spectrum":
        total = apply("sum", shape, axes=(0,)) ** 2.0
    elif scaling != "density":
        raise FormulaError(f"unknown scaling {scaling!r}", hint="'density' and 'spectrum' are taken")
    count = found.real.shape[-1]
    number = apply("iota", length=count)
    single = apply("equal", number, constant(0, "int64"))
    if length % 2 == 0:
        single = single | apply("equal", number, constant(count - 1, "int64"))
    twice = apply("where", single, constant(1.0, x.dtype), constant(2.0, x.dtype))
    power = (found.real * found.real + found.imag * found.imag) * twice / total
    return _frequencies(context, length, fs), power


@function(FAMILY, example="welch(x, nperseg=4)[1]")
def welch(
    x: Floats,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = "constant",
    scaling: str = "density",
    axis: Whole = -1,
    average: str = "mean",
    *,
    context: Context,
) -> Value:
    """f, P = welch(x): the mean power of overlapping pieces of a real signal at each frequency."""
    if average != "mean":
        raise FormulaError(f"welch averages by 'mean' here, not {average!r}")
    x = moveaxis(x, axis, -1)
    parts = _scipy_pieces(context, x, window, nperseg, noverlap, nfft, detrend)
    frequencies, power = _periodogram(context, x, fs, parts, scaling)
    return frequencies, moveaxis(mean(power, power.ndim - 2), -1, axis)


@function(FAMILY, example="periodogram(x)[1]")
def periodogram(
    x: Floats,
    fs: float = 1.0,
    window: Any = "boxcar",
    nfft: Any = None,
    detrend: Any = "constant",
    scaling: str = "density",
    axis: Whole = -1,
    *,
    context: Context,
) -> Value:
    """f, P = periodogram(x): the power of a real signal at each frequency."""
    length = x.shape[normal_axis(axis, x.ndim)]
    return welch(x, fs, window, length, 0, nfft, detrend, scaling, axis, context=context)


@function(FAMILY, example="abs(stft(x, nperseg=4)[2])")
def stft(
    x: Floats,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: Any = 256,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = False,
    return_onesided: Flag = True,
    boundary: Any = "zeros",
    padded: Flag = True,
    axis: Whole = -1,
    *,
    context: Context,
) -> Value:
    """f, t, Z = stft(x): Fourier transforms of overlapping pieces of a signal, as SciPy; torch.stft is PyTorch's."""
    from jaccli.formula.functions.signal import padded as with_ends

    x = moveaxis(x, axis, -1)
    size, shared = _sizes(context, x, nperseg, noverlap)
    if boundary not in ("zeros", None):
        raise FormulaError(f"unknown boundary {boundary!r}", hint="'zeros' and None are taken")
    x = with_ends(x, [(size // 2, size // 2)]) if boundary else x
    if padded:
        x = with_ends(x, [(0, -(x.shape[-1] - size) % (size - shared))])
    pieces, shape, length = _scipy_pieces(context, x, window, size, shared, nfft, detrend)
    found = as_complex(context, use(context, "rfft" if return_onesided else "fft", pieces, length))
    level = apply("sum", shape, axes=(0,))
    found = found.each(lambda node: moveaxis(swapaxes(node / level, -1, -2), -2, axis if axis >= 0 else axis - 1))
    count = pieces.shape[-2]
    start = size / 2 / _rate(fs) - (size // 2 / fs if boundary else 0.0)
    times = cast(apply("iota", length=count), x.dtype) * ((size - shared) / fs) + start
    frequencies = _frequencies(context, length, fs) if return_onesided else use(context, "fftfreq", length, 1 / fs)
    return frequencies, times, found
