"""Layers of networks under PyTorch's names: pooling, padding, shuffling, cells of recurrent networks, attention."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.activations import FAMILY as ACTIVATIONS
from jaccli.formula.functions.losses import FAMILY as NORMALISATION
from jaccli.formula.functions.normalisation import batch_norm, group_norm, instance_norm
from jaccli.formula.functions.registry import Array, Flag, Floats, Whole, function, use
from jaccli.formula.functions.shaping import part, swapaxes
from jaccli.formula.functions.signal import FAMILY, padded, several
from jaccli.formula.limits import check_pieces
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, reshape, select, show_shape, size_of, transpose
from jaccli.graph.primitives.shaping import take_slices
from jaccli.graph.primitives.windows import window_counts

_FIRST = "of equal entries of a piece, equal shares"


@function("Shape and assembly", "Identity", "conj_physical", "resolve_conj", "resolve_neg", example="alias(x)")
def alias(x: Any, *args: Any, **kwargs: Any) -> Value:
    """The array itself, as nn.Identity()(x)."""
    return x


@function("Shape and assembly", "Flatten", name="nn.flatten", example="nn.Flatten()(x)")
def flatten_layer(x: Array, start_dim: Whole = 1, end_dim: Whole = -1, *, context: Context) -> Value:
    """Neighbouring axes as one, by default all but the first."""
    return use(context, "flatten", x, start_dim, end_dim)


def _norm_layers() -> None:
    def batch(
        x: Floats, num_features: Any = None, eps: float = 1e-5, *rest: Any, context: Context, **options: Any
    ) -> Node:
        return batch_norm(x, training=True, eps=eps, context=context)

    def instance(
        x: Floats, num_features: Any = None, eps: float = 1e-5, *rest: Any, context: Context, **options: Any
    ) -> Node:
        return instance_norm(x, eps=eps, context=context)

    def group(x: Floats, num_groups: Whole, num_channels: Any = None, eps: float = 1e-5, *, context: Context) -> Node:
        return group_norm(x, num_groups, eps=eps, context=context)

    batch.__doc__ = "nn.BatchNorm1d(n)(x) as it is made: in training, with weight 1 and bias 0."
    instance.__doc__ = "nn.InstanceNorm1d(n)(x) as it is made: with weight 1 and bias 0."
    group.__doc__ = "nn.GroupNorm(groups, n)(x) as it is made: with weight 1 and bias 0."
    function(
        NORMALISATION, "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", name="BatchNorm1d", example="nn.BatchNorm1d(3)(x)"
    )(batch)
    function(
        NORMALISATION, "InstanceNorm2d", "InstanceNorm3d", name="InstanceNorm1d", example="nn.InstanceNorm1d(3)(x)"
    )(instance)
    function(NORMALISATION, name="GroupNorm", example="nn.GroupNorm(1, 2)(x)")(group)


_norm_layers()


def _padding(name: str, mode: str, rank: int) -> None:
    def build(x: Floats, padding: Any, value: Any = 0.0, *, context: Context) -> Value:
        given = context.integers(padding, "padding")
        widths = given * (2 * rank) if len(given) == 1 else given
        pairs = [(0, 0)] * (x.ndim - len(widths) // 2)
        pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
        return use(context, "pad", x, pairs, mode, value)

    build.__doc__ = f"Entries added at both ends of the last axes: {mode}."
    function(FAMILY, name=f"{name}{rank}d", example=f"nn.{name}{rank}d(1)(x)")(build)


for _name, _mode in (
    ("ZeroPad", "constant"),
    ("ConstantPad", "constant"),
    ("ReflectionPad", "reflect"),
    ("ReplicationPad", "edge"),
    ("CircularPad", "wrap"),
):
    for _rank in (1, 2, 3):
        _padding(_name, _mode, _rank)


def _adaptive_max(rank: int) -> None:
    def build(x: Floats, output_size: Any, return_indices: Flag = False, *, context: Context) -> Node:
        if return_indices:
            raise FormulaError("the indices of a pooling are not given", hint="leave return_indices out")
        if x.ndim < rank:
            raise ShapeError(f"pooling over {rank} axes does not fit an array of shape {show_shape(x.shape)}")
        given = list(output_size) if isinstance(output_size, (list, tuple)) else [output_size] * rank
        if len(given) != rank:
            raise FormulaError(f"output_size is one number or {rank}")
        for offset, wanted in enumerate(given):
            axis = x.ndim - rank + offset
            length = x.shape[axis]
            count = length if wanted is None else context.integer(wanted, "output_size")
            if not 1 <= count <= max(length, 1):
                raise FormulaError(f"output_size is between 1 and {length}, not {count}")
            pieces = []
            for place in range(count):
                first, last = place * length // count, -(-(place + 1) * length // count)
                piece = apply("max", part(x, axis, first, last - first), axes=(axis,))
                pieces.append(reshape(piece, (*x.shape[:axis], 1, *x.shape[axis + 1 :])))
            x = pieces[0] if count == 1 else apply("concatenate", *pieces, axis=axis)
        return x

    build.__doc__ = f"Largest entries of equal pieces of the last {rank} axes, as many as asked for."
    name = f"adaptive_max_pool{rank}d"
    function(FAMILY, f"AdaptiveMaxPool{rank}d", name=name, kinks=_FIRST, example=f"{name}(x, 2)")(build)


def _power_mean(rank: int) -> None:
    def build(
        x: Floats, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: Flag = False, *, context: Context
    ) -> Value:
        if x.ndim < rank:
            raise ShapeError(f"pooling over {rank} axes does not fit an array of shape {show_shape(x.shape)}")
        if not norm_type:
            raise FormulaError("norm_type of a pooling by powers is not 0")
        powers = x if norm_type == 1 else x**norm_type
        sizes = several(context, kernel_size, rank, "kernel_size")
        average = use(context, f"avg_pool{rank}d", powers, kernel_size, stride, 0, True, ceil_mode)
        total = context.array(average) * float(math.prod(sizes))
        return total if norm_type == 1 else total ** (1.0 / norm_type)

    build.__doc__ = f"Root of the sum of powers of each window of the last {rank} axes."
    name = f"lp_pool{rank}d"
    function(FAMILY, f"LPPool{rank}d", name=name, example=f"{name}(x, 2, 2)")(build)


for _rank in (1, 2, 3):
    _adaptive_max(_rank)
    _power_mean(_rank)


@function(NORMALISATION, "LocalResponseNorm", example="local_response_norm(x, 2)")
def local_response_norm(x: Floats, size: Whole, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Node:
    """Each entry over a power of the mean square of its neighbouring channels (axis 1)."""
    if x.ndim < 2:
        raise ShapeError(f"channels stand on axis 1, and this array has shape {show_shape(x.shape)}")
    if size < 1:
        raise FormulaError(f"size of local_response_norm is 1 or more, not {size}")
    channels = x.shape[1]
    before, after = min(size // 2, channels), min((size - 1) // 2, channels)
    wide = padded(x * x, [(before, after), *[(0, 0)] * (x.ndim - 2)])
    total = part(wide, 1, 0, channels)
    for place in range(1, check_pieces(before + after + 1, "the window of channels")):
        total = total + part(wide, 1, place, channels)
    return x / (total * (alpha / size) + k) ** beta


def _windowed(
    context: Context, kernel_size: Any, dilation: Any, stride: Any
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    sizes, gaps, steps = (
        several(context, value, 2, what)
        for value, what in ((kernel_size, "kernel_size"), (dilation, "dilation"), (stride, "stride"))
    )
    return sizes, gaps, steps


@function(FAMILY, "Unfold", name="F.unfold", example="F.unfold(x, 2)")
def unfold_image(
    x: Floats, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1, *, context: Context
) -> Node:
    """Windows of (samples, channels, height, width) as columns: (samples, channels*window, number of windows)."""
    if x.ndim < 3:
        raise ShapeError(f"an image has channels, height and width, and this has shape {show_shape(x.shape)}")
    sizes, gaps, steps = _windowed(context, kernel_size, dilation, stride)
    widths = [(n, n) for n in several(context, padding, 2, "padding")]
    slid = apply("windows", padded(x, widths), sizes=sizes, strides=steps, dilation=gaps)
    lead = x.ndim - 3
    moved = transpose(slid, (*range(lead + 1), lead + 3, lead + 4, lead + 1, lead + 2))
    count = slid.shape[lead + 1] * slid.shape[lead + 2]
    return reshape(moved, (*x.shape[:lead], x.shape[lead] * sizes[0] * sizes[1], count))


@function(FAMILY, "Fold", example="fold(F.unfold(x, 2), (4, 4), 2)")
def fold(
    x: Floats,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
    *,
    context: Context,
) -> Node:
    """The image that columns of windows add up to, the transpose of F.unfold."""
    sizes, gaps, steps = _windowed(context, kernel_size, dilation, stride)
    margins = several(context, padding, 2, "padding")
    lengths = several(context, output_size, 2, "output_size")
    whole = tuple(length + 2 * margin for length, margin in zip(lengths, margins, strict=True))
    counts = window_counts(whole, sizes, steps, gaps)
    window = sizes[0] * sizes[1]
    if x.ndim < 2 or x.shape[-2] % window or x.shape[-1] != counts[0] * counts[1]:
        raise ShapeError(f"fold: {counts[0]}×{counts[1]} windows of {window} do not fit {show_shape(x.shape)}")
    lead = x.ndim - 2
    apart = reshape(x, (*x.shape[:lead], x.shape[-2] // window, *sizes, *counts))
    moved = transpose(apart, (*range(lead + 1), lead + 3, lead + 4, lead + 1, lead + 2))
    total = apply("overlap", moved, sizes=sizes, strides=steps, dilation=gaps, lengths=whole)
    bounds = [(0, length, 1) for length in total.shape[:-2]]
    bounds += [(margin, length, 1) for margin, length in zip(margins, lengths, strict=True)]
    return take_slices(total, tuple(bounds))


@function(FAMILY, "PixelUnshuffle", example="pixel_unshuffle(x, 2)")
def pixel_unshuffle(x: Floats, downscale_factor: Whole) -> Node:
    """Pixels gathered into channels: (…, c, h*r, w*r) to (…, c*r*r, h, w)."""
    r = downscale_factor
    if x.ndim < 3 or r < 1 or x.shape[-1] % r or x.shape[-2] % r:
        raise ShapeError(f"pixel_unshuffle by {r} does not fit an array of shape {show_shape(x.shape)}")
    channels, height, width = x.shape[-3], x.shape[-2] // r, x.shape[-1] // r
    flat = reshape(x, (size_of(x.shape[:-3]), channels, height, r, width, r))
    moved = transpose(flat, (0, 1, 3, 5, 2, 4))
    return reshape(moved, (*x.shape[:-3], channels * r * r, height, width))


@function(FAMILY, "ChannelShuffle", example="channel_shuffle(x, 2)")
def channel_shuffle(x: Floats, groups: Whole) -> Node:
    """Channels (axis 1) of several groups interleaved."""
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise ShapeError(f"{groups} groups of channels do not fit an array of shape {show_shape(x.shape)}")
    apart = reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return reshape(swapaxes(apart, 1, 2), x.shape)


def _upsampled(name: str, mode: str, align: bool, *synonyms: str) -> None:
    def build(x: Floats, size: Any = None, scale_factor: Any = None, *, context: Context) -> Value:
        return use(context, "interpolate", x, size, scale_factor, mode, align or None)

    build.__doc__ = f"interpolate with mode={mode!r}" + (" and align_corners=True." if align else ".")
    function(FAMILY, *synonyms, name=name, example=f"{name}(x, scale_factor=2)")(build)


_upsampled("upsample_bilinear", "bilinear", True, "UpsamplingBilinear2d")
_upsampled("upsample_nearest", "nearest", False, "UpsamplingNearest2d")


# Activations


@function(ACTIVATIONS, "Softmax2d", name="softmax2d", example="nn.Softmax2d()(x)")
def softmax2d(x: Floats, *, context: Context) -> Value:
    """softmax over the channels of images, the third axis from the end."""
    return use(context, "softmax", x, axis=-3)


@function(FAMILY, example="constant_pad_nd(x, (1, 1), 2)")
def constant_pad_nd(x: Floats, pad: Any, value: Any = 0.0, *, context: Context) -> Value:
    """One value at both ends of the last axes, given from the last one on."""
    widths = context.integers(pad, "pad")
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
    return use(context, "pad", x, pairs, "constant", value)


@function(ACTIVATIONS, "RReLU", kinks="the left slope at 0", example="rrelu(x)")
def rrelu(x: Floats, lower: float = 1 / 8, upper: float = 1 / 3, training: Flag = False, *, context: Context) -> Value:
    """leaky_relu with the mean of two slopes; in training the slope is random."""
    if training:
        raise FormulaError("rrelu is random while training", hint="write training=False, or leaky_relu")
    return use(context, "leaky_relu", x, (lower + upper) / 2)


@function(ACTIVATIONS, example="sparse_plus(x)")
def sparse_plus(x: Floats) -> Node:
    """0 below -1, (x + 1)**2/4 up to 1, then x."""
    middle = (x + 1.0) * (x + 1.0) * 0.25
    return select(x <= -1.0, 0.0, select(x >= 1.0, x, middle))


@function(ACTIVATIONS, kinks="0 at -1 and 1, as hard_sigmoid", example="sparse_sigmoid(x)")
def sparse_sigmoid(x: Floats) -> Node:
    """0 below -1, (x + 1)/2 up to 1, then 1."""
    return select(x <= -1.0, 0.0, select(x >= 1.0, 1.0, (x + 1.0) * 0.5))
