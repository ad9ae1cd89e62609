"""Convolutions, correlations and pooling."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.registry import Array, Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import flip, moveaxis, part
from jaccli.formula.values import Context
from jaccli.graph.node import (
    Node,
    apply,
    broadcast_to,
    constant,
    reshape,
    select,
    show_shape,
    size_of,
    transpose,
)
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.contraction import contract
from jaccli.graph.primitives.shaping import take_slices
from jaccli.graph.primitives.windows import backwards

FAMILY = "Convolution, interpolation and signal"
_MODES = ("full", "same", "valid")
Lengths = tuple[int, ...]


def _mode(mode: str, what: str) -> str:
    if mode not in _MODES:
        raise FormulaError(f"unknown mode {mode!r} of {what}", hint="the modes are 'full', 'same' and 'valid'")
    return mode


def _lines(a: Node, b: Node, what: str) -> None:
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(
            f"{what} takes two vectors, and shapes {show_shape(a.shape)} and {show_shape(b.shape)} are given",
            hint="convolve2d takes matrices",
        )


def _middle(full: Node, long: int, short: int) -> Node:
    """The part of a full convolution that mode 'same' keeps, as NumPy does."""
    return part(full, 0, (short - 1) // 2, long)


@function(FAMILY, "fftconvolve", example="convolve(x, [1, 2, 1])")
def convolve(a: Floats, v: Floats, mode: str = "full") -> Node:
    """Convolution of two vectors, as NumPy: mode 'full', 'same' or 'valid'."""
    _lines(a, v, "convolve")
    if _mode(mode, "convolve") == "valid":
        long, short = (a, v) if a.size >= v.size else (v, a)
        return apply("correlate", long, backwards(short))
    full = apply("convolve", a, v)
    return full if mode == "full" else _middle(full, max(a.size, v.size), min(a.size, v.size))


@function(FAMILY, example="correlate(x, [1, 2, 1])")
def correlate(a: Floats, v: Floats, mode: str = "valid", *, context: Context) -> Node:
    """Sliding products of two vectors: mode 'valid' (NumPy's default), 'same' or 'full' (SciPy's)."""
    _lines(a, v, "correlate")
    if _mode(mode, "correlate") == "valid":
        return apply("correlate", a, v) if a.size >= v.size else backwards(apply("correlate", v, a))
    full = apply("convolve", a, backwards(v))
    if mode == "full":
        return full
    if v.size > a.size:
        # NumPy swaps the two and reverses the result, so the middle of an even length lies on the other side.
        return part(full, 0, a.size // 2, v.size)
    return _middle(full, a.size, v.size)


def several(context: Context, value: Any, count: int, what: str) -> Lengths:
    numbers = context.integers(value, what)
    numbers = numbers * count if len(numbers) == 1 else numbers
    if len(numbers) != count:
        raise FormulaError(f"{what} is one number or {count}")
    return numbers


def padded(x: Node, widths: list[tuple[int, int]], value: float = 0.0) -> Node:
    """x with entries of one value at both ends of its last axes; a negative width cuts."""
    first = x.ndim - len(widths)
    for axis, (before, after) in enumerate(widths, first):
        pieces = [x]
        for place, width in ((0, before), (1, after)):
            if width > 0:
                ends = broadcast_to(constant(value, x.dtype), (*x.shape[:axis], width, *x.shape[axis + 1 :]))
                pieces.insert(0 if place == 0 else len(pieces), ends)
        x = x if len(pieces) == 1 else apply("concatenate", *pieces, axis=axis)
    return x


def _same_widths(x: Node, sizes: Lengths, dilation: Lengths) -> list[tuple[int, int]]:
    widths = []
    for size, gap in zip(sizes, dilation, strict=True):
        total = gap * (size - 1)
        widths.append((total // 2, total - total // 2))
    return widths


def convolution(
    context: Context, x: Node, weight: Node, bias: Any, rank: int, stride: Any, padding: Any, dilation: Any, groups: int
) -> Node:
    """Cross-correlation of (samples, channels, …) with (outputs, channels, …), as PyTorch."""
    name = f"conv{rank}d"
    single = x.ndim == rank + 1
    x = reshape(x, (1, *x.shape)) if single else x
    if x.ndim != rank + 2 or weight.ndim != rank + 2:
        raise ShapeError(
            f"{name} takes (samples, channels, …) and weights (outputs, channels, …): {rank + 2} axes each, "
            f"and shapes {show_shape(x.shape)} and {show_shape(weight.shape)} are given"
        )
    samples, channels = x.shape[:2]
    outputs, shared = weight.shape[:2]
    if groups < 1 or channels != shared * groups or outputs % groups:
        raise ShapeError(
            f"{name}: {channels} channels and weights of shape {show_shape(weight.shape)} do not fit"
            + (f" for {groups} groups" if groups != 1 else "")
        )
    sizes = weight.shape[2:]
    gaps, steps = (several(context, v, rank, w) for v, w in ((dilation, "dilation"), (stride, "stride")))
    if padding in ("same", "valid"):
        widths = _same_widths(x, sizes, gaps) if padding == "same" else [(0, 0)] * rank
    else:
        widths = [(n, n) for n in several(context, padding, rank, "padding")]
    slid = apply("windows", padded(x, widths), sizes=sizes, strides=steps, dilation=gaps)
    places = slid.shape[2 : 2 + rank]
    grouped = reshape(slid, (samples, groups, shared, *places, *sizes))
    kernels = reshape(weight, (groups, outputs // groups, shared, *sizes))
    left = list(range(3 + 2 * rank))
    inner = left[3 + rank :]
    out_label = 3 + 2 * rank
    product = contract(grouped, kernels, left, [1, out_label, 2, *inner], [0, 1, out_label, *left[3 : 3 + rank]])
    result = reshape(product, (samples, outputs, *places))
    if bias is not None:
        result = apply("add", result, reshape(context.floats(bias), (outputs, *(1,) * rank)))
    return reshape(result, result.shape[1:]) if single else result


def _conv(rank: int, axes: str) -> None:
    def build(
        x: Floats,
        weight: Floats,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Whole = 1,
        *,
        context: Context,
    ) -> Node:
        return convolution(context, x, weight, bias, rank, stride, padding, dilation, groups)

    build.__doc__ = f"Cross-correlation of (samples, channels, {axes}) with weights (outputs, channels, {axes})."
    function(FAMILY, f"Conv{rank}d", name=f"conv{rank}d", example=f"conv{rank}d(x, w)")(build)


_conv(1, "width")
_conv(2, "height, width")
_conv(3, "depth, height, width")


@function(FAMILY, "conv2", example="convolve2d(x, k)")
def convolve2d(a: Floats, v: Floats, mode: str = "full") -> Node:
    """Convolution of two matrices, as SciPy: mode 'full', 'same' or 'valid'."""
    return _matrices(a, flip(v), _mode(mode, "convolve2d"), "convolve2d")


@function(FAMILY, example="correlate2d(x, k)")
def correlate2d(a: Floats, v: Floats, mode: str = "full") -> Node:
    """Sliding products of two matrices, as SciPy: mode 'full', 'same' or 'valid'."""
    return _matrices(a, v, _mode(mode, "correlate2d"), "correlate2d")


def _matrices(a: Node, kernel: Node, mode: str, what: str) -> Node:
    if a.ndim != 2 or kernel.ndim != 2:
        raise ShapeError(
            f"{what} takes two matrices, and shapes {show_shape(a.shape)} and {show_shape(kernel.shape)} meet"
        )
    sizes = kernel.shape
    if mode == "valid" and all(m < n for m, n in zip(a.shape, sizes, strict=True)):
        raise ShapeError(f"{what}: the second matrix is larger than the first", hint="mode='full' takes every overlap")
    full = [(n - 1, n - 1) for n in sizes]
    same = [(n // 2, (n - 1) // 2) if what == "convolve2d" else ((n - 1) // 2, n // 2) for n in sizes]
    widths = {"full": full, "same": same, "valid": [(0, 0), (0, 0)]}[mode]
    slid = apply("windows", padded(a, widths), sizes=sizes, strides=(1, 1), dilation=(1, 1))
    return contract(slid, kernel, [0, 1, 2, 3], [2, 3], [0, 1])


def _pooled(
    context: Context,
    x: Node,
    rank: int,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    fill: float,
    ceil_mode: bool = False,
) -> tuple[Node, Lengths]:
    """Windows of the last axes with the places in one axis, and the windows' size."""
    if x.ndim < rank:
        raise ShapeError(f"pooling over {rank} axes does not fit an array of shape {show_shape(x.shape)}")
    sizes = several(context, size, rank, "kernel_size")
    steps = sizes if stride is None else several(context, stride, rank, "stride")
    if any(n < 1 for n in (*sizes, *steps)):
        raise FormulaError("sizes and strides of a window are 1 or more")
    widths = [(n, n) for n in several(context, padding, rank, "padding")]
    gaps = several(context, dilation, rank, "dilation")
    if ceil_mode:
        lengths = x.shape[x.ndim - rank :]
        widths = [
            (ends[0], ends[1] + _rest(length + 2 * ends[0] - gap * (size - 1) - 1, step, length + ends[0]))
            for ends, length, size, step, gap in zip(widths, lengths, sizes, steps, gaps, strict=True)
        ]
    slid = apply("windows", padded(x, widths, fill), sizes=sizes, strides=steps, dilation=gaps)
    count = 1
    for n in sizes:
        count *= n
    return reshape(slid, (*slid.shape[: slid.ndim - rank], count)), sizes


def _rest(beyond: int, step: int, end: int) -> int:
    """What is missing for one window more, which must begin before the end; nothing where the windows fit."""
    missing = -beyond % step
    begins = -(-beyond // step) * step
    return missing if begins < end else 0


def _pool(rank: int) -> None:
    def largest(
        x: Floats,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: Flag = False,
        return_indices: Flag = False,
        *,
        context: Context,
    ) -> Node:
        if return_indices:
            raise FormulaError("the indices of a pooling are not given", hint="leave return_indices out")
        lines, _ = _pooled(context, x, rank, kernel_size, stride, padding, dilation, -float("inf"), ceil_mode)
        first = apply("argmax", lines, axes=(lines.ndim - 1,))
        chosen = apply("equal", reshape(first, (*first.shape, 1)), apply("iota", length=lines.shape[-1]))
        return apply("sum", select(chosen, lines, 0.0), axes=(lines.ndim - 1,))

    def average(
        x: Floats,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        count_include_pad: Flag = True,
        ceil_mode: Flag = False,
        divisor_override: Any = None,
        *,
        context: Context,
    ) -> Node:
        lines, _ = _pooled(context, x, rank, kernel_size, stride, padding, 1, 0.0, ceil_mode)
        total = apply("sum", lines, axes=(lines.ndim - 1,))
        if divisor_override is not None:
            return apply("divide", total, constant(float(context.integer(divisor_override, "divisor")), x.dtype))
        if count_include_pad and not ceil_mode:
            return apply("divide", total, constant(float(lines.shape[-1]), x.dtype))
        ones = broadcast_to(constant(1.0, x.dtype), x.shape)
        if count_include_pad:  # of what ceil_mode adds, nothing counts
            ones = padded(ones, [(n, n) for n in several(context, padding, rank, "padding")], 1.0)
            padding = 0
        counted, _ = _pooled(context, ones, rank, kernel_size, stride, padding, 1, 0.0, ceil_mode)
        return apply("divide", total, apply("sum", counted, axes=(lines.ndim - 1,)))

    largest.__doc__ = f"Largest entry of each window of the last {rank} axes."
    average.__doc__ = f"Mean of each window of the last {rank} axes."
    first = "of equal entries of a window, the first"
    also = ("max_pool",) if rank == 2 else ()
    function(FAMILY, f"MaxPool{rank}d", *also, name=f"max_pool{rank}d", kinks=first, example=f"max_pool{rank}d(x, 2)")(
        largest
    )
    also = ("avg_pool",) if rank == 2 else ()
    function(FAMILY, f"AvgPool{rank}d", *also, name=f"avg_pool{rank}d", example=f"avg_pool{rank}d(x, 2)")(average)


for _rank in (1, 2, 3):
    _pool(_rank)


def _transposed(rank: int, axes: str) -> None:
    def build(
        x: Floats,
        weight: Floats,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Whole = 1,
        dilation: Any = 1,
        *,
        context: Context,
    ) -> Node:
        steps, crop, more, gaps = (
            several(context, value, rank, what)
            for value, what in (
                (stride, "stride"),
                (padding, "padding"),
                (output_padding, "output_padding"),
                (dilation, "dilation"),
            )
        )
        name = f"conv_transpose{rank}d"
        if (
            x.ndim != rank + 2
            or weight.ndim != rank + 2
            or x.shape[1] != weight.shape[0]
            or groups < 1
            or x.shape[1] % groups
        ):
            raise ShapeError(
                f"{name} takes (samples, channels, …) and weights (channels, outputs, …), "
                f"and shapes {show_shape(x.shape)} and {show_shape(weight.shape)} are given"
            )
        spread = _spread_out(x, weight, rank, groups, steps, gaps)
        bounds = [(0, length, 1) for length in spread.shape[:2]]
        for length, cut, extra in zip(spread.shape[2:], crop, more, strict=True):
            if length - 2 * cut + min(extra, cut) < 1:
                raise ShapeError(f"{name}: a padding of {cut} leaves nothing of {length} entries")
            bounds.append((cut, length - 2 * cut + min(extra, cut), 1))
        result = take_slices(spread, tuple(bounds))
        result = padded(result, [(0, extra - min(extra, cut)) for extra, cut in zip(more, crop, strict=True)])
        if bias is not None:
            result = apply("add", result, reshape(context.floats(bias), (result.shape[1], *(1,) * rank)))
        return result

    build.__doc__ = f"The transpose of the convolution, to (samples, outputs, {axes}): weights (channels, outputs, …)."
    name = f"conv_transpose{rank}d"
    function(FAMILY, f"ConvTranspose{rank}d", name=name, example=f"{name}(x, w)")(build)


def _spread_out(x: Node, weight: Node, rank: int, groups: int, steps: Lengths, gaps: Lengths) -> Node:
    """Every entry times the weights, added up where they overlap."""
    samples, channels, *places = x.shape
    sizes = weight.shape[2:]
    grouped = reshape(x, (samples, groups, channels // groups, *places))
    kernels = reshape(weight, (groups, channels // groups, *weight.shape[1:]))
    left = list(range(3 + rank))
    out = 3 + rank
    inner = list(range(4 + rank, 4 + 2 * rank))
    product = contract(grouped, kernels, left, [1, 2, out, *inner], [0, 1, out, *left[3:], *inner])
    lengths = tuple(
        (n - 1) * step + (size - 1) * gap + 1 for n, step, size, gap in zip(places, steps, sizes, gaps, strict=True)
    )
    product = reshape(product, (samples, groups * weight.shape[1], *places, *sizes))
    return apply("overlap", product, sizes=sizes, strides=steps, dilation=gaps, lengths=lengths)


_transposed(1, "width")
_transposed(2, "height, width")
_transposed(3, "depth, height, width")


@function(FAMILY, "PixelShuffle", example="pixel_shuffle(x, 2)")
def pixel_shuffle(x: Floats, upscale_factor: Whole) -> Node:
    """Channels spread over pixels: (…, c*r*r, h, w) to (…, c, h*r, w*r)."""
    r = upscale_factor
    if x.ndim < 3 or r < 1 or x.shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle by {r} does not fit an array of shape {show_shape(x.shape)}")
    channels, height, width = x.shape[-3:]
    flat = reshape(x, (size_of(x.shape[:-3]), channels // (r * r), r, r, height, width))
    moved = transpose(flat, (0, 1, 4, 2, 5, 3))
    return reshape(moved, (*x.shape[:-3], channels // (r * r), height * r, width * r))


@function(FAMILY, example="x.unfold(0, 2, 1)")
def unfold(x: Array, dimension: Whole, size: Whole, step: Whole) -> Node:
    """PyTorch's method: windows of an axis along a new last one."""
    last = moveaxis(x, dimension, x.ndim - 1)
    slid = apply("windows", last, sizes=(size,), strides=(step,), dilation=(1,))
    return moveaxis(slid, x.ndim - 1, normal_axis(dimension, x.ndim))
