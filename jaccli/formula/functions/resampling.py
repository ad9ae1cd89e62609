"""Images at other sizes and places: adaptive pooling, interpolation, sampling along a grid."""

from __future__ import annotations

import math
import struct
from typing import Any

from jaccli.errors import FormulaError, LimitError, ShapeError
from jaccli.formula.functions.registry import Flag, Floats, function
from jaccli.formula.functions.shaping import moveaxis
from jaccli.formula.functions.signal import FAMILY
from jaccli.formula.limits import check_listed
from jaccli.formula.values import Context, broadcast_together, stack
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, constant_array, reshape, show_shape, transpose
from jaccli.graph.primitives.contraction import contract

Weights = list[dict[int, float]]
_LONGEST = 1 << 17
"""For each new entry along an axis: which old ones it is made of, and their weights."""


def _mixed(x: Node, axis: int, weights: Weights) -> Node:
    """An axis whose entries are weighted sums of the old ones."""
    length = x.shape[axis]
    check_listed(len(weights) * length, f"the weights of {len(weights)} entries")
    rows = [row.get(place, 0.0) for row in weights for place in range(length)]
    matrix = constant_array(struct.pack(f"<{len(rows)}d", *rows), (len(weights), length), "float64")
    last = moveaxis(x, axis, x.ndim - 1)
    letters = list(range(last.ndim))
    found = contract(last, cast(matrix, x.dtype), letters, [last.ndim, last.ndim - 1], [*letters[:-1], last.ndim])
    return moveaxis(found, x.ndim - 1, axis)


def _means(length: int, count: int) -> Weights:
    """Means over nearly equal neighbouring pieces, as PyTorch cuts them."""
    weights: Weights = []
    check_listed(length * count, f"the weights of {length} entries")
    for place in _places(count):
        first, last = place * length // count, -(-(place + 1) * length // count)
        weights.append(dict.fromkeys(range(first, last), 1 / (last - first)))
    return weights


def _lines(length: int, count: int, scale: float | None, aligned: bool) -> Weights:
    """Straight lines between neighbours; the corners meet, or the outer edges do."""
    weights: Weights = []
    for place in _places(count):
        if aligned:
            at = place * (length - 1) / (count - 1) if count > 1 else 0.0
        else:
            at = max((place + 0.5) * (length / count if scale is None else 1 / scale) - 0.5, 0.0)
        low = min(int(at), length - 1)
        high = min(low + 1, length - 1)
        row = {low: 1 - (at - low)}
        row[high] = row.get(high, 0.0) + (at - low)
        weights.append(row)
    return weights


def _nearest(length: int, count: int, scale: float | None) -> Weights:
    step = length / count if scale is None else 1 / scale
    return [{min(math.floor(place * step), length - 1): 1.0} for place in _places(count)]


def _places(count: int) -> range:
    if count > _LONGEST:
        raise LimitError(f"a resampled axis would have {count:,} entries; the limit is {_LONGEST:,}")
    return range(count)


def _lengths(context: Context, value: Any, rank: int) -> list[Any]:
    given = list(value) if isinstance(value, (list, tuple)) else [value] * rank
    if len(given) != rank:
        raise FormulaError(f"{len(given)} lengths are given for {rank} axes")
    return [context.static(item) for item in given]


def _adaptive(rank: int) -> None:
    def build(x: Floats, output_size: Any, *, context: Context) -> Node:
        if x.ndim < rank:
            raise ShapeError(f"pooling over {rank} axes does not fit an array of shape {show_shape(x.shape)}")
        for offset, given in enumerate(_lengths(context, output_size, rank)):
            axis = x.ndim - rank + offset
            count = x.shape[axis] if given is None else context.integer(given, "output_size")
            if count < 1:
                raise FormulaError("output_size is 1 or more")
            if x.shape[axis] == 0:
                raise ShapeError(f"an array of shape {show_shape(x.shape)} has no entries to take means of")
            x = _mixed(x, axis, _means(x.shape[axis], count))
        return x

    build.__doc__ = f"Means over equal pieces of the last {rank} axes, as many as asked for."
    name = f"adaptive_avg_pool{rank}d"
    function(FAMILY, f"AdaptiveAvgPool{rank}d", name=name, example=f"{name}(x, 2)")(build)


for _rank in (1, 2, 3):
    _adaptive(_rank)

_MODES = {"nearest": None, "area": None, "linear": 1, "bilinear": 2, "trilinear": 3}


@function(FAMILY, "upsample", "Upsample", example="interpolate(x, scale_factor=2, mode='nearest')")
def interpolate(
    x: Floats,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    *,
    context: Context,
) -> Node:
    """(samples, channels, …) with other lengths: mode 'nearest', 'linear', 'bilinear', 'trilinear' or 'area'."""
    rank = x.ndim - 2
    if mode not in _MODES or rank < 1 or _MODES[mode] not in (None, rank):
        raise FormulaError(
            f"interpolate does not know the mode {mode!r} for an array of shape {show_shape(x.shape)}",
            hint=f"the modes are {', '.join(_MODES)}; bilinear takes (samples, channels, height, width)",
        )
    if (size is None) == (scale_factor is None):
        raise FormulaError("interpolate takes size or scale_factor, one of them")
    aligned = bool(context.static(align_corners)) if align_corners is not None else False
    for offset, given in enumerate(_lengths(context, scale_factor if size is None else size, rank)):
        length = x.shape[2 + offset]
        scale = None
        if size is None:
            scale = context.static(given)
            if not isinstance(scale, (int, float)):
                raise FormulaError("scale_factor of interpolate is a number, or one for each axis")
        count = context.integer(given, "size") if scale is None else _scaled_length(length, scale)
        if count < 1 or length < 1:
            raise ShapeError(f"interpolate: {length} entries cannot become {count}")
        if mode == "area":
            weights = _means(length, count)
        elif mode == "nearest":
            weights = _nearest(length, count, scale)
        else:
            weights = _lines(length, count, scale, aligned)
        x = _mixed(x, 2 + offset, weights)
    return x


def _scaled_length(length: int, scale: float) -> int:
    if not math.isfinite(length * scale):
        raise FormulaError(f"interpolate: {length} entries cannot become {length * scale}")
    return math.floor(length * scale)


@function(FAMILY, example="affine_grid(theta, (1, 1, 4, 5))")
def affine_grid(theta: Floats, size: Any, align_corners: Flag = False, *, context: Context) -> Node:
    """The places (x, y) in -1 to 1 that 2×3 matrices send the pixels of an image to, for grid_sample."""
    lengths = context.integers(size, "a length of an image")
    if theta.ndim != 3 or theta.shape[1:] != (2, 3) or len(lengths) != 4:
        raise ShapeError(f"affine_grid takes (samples, 2, 3) and four lengths, not {show_shape(theta.shape)}")
    y, x = (_centres(n, align_corners, theta) for n in lengths[2:])
    x, y = broadcast_together(reshape(x, (1, x.size)), reshape(y, (y.size, 1)))
    ones = broadcast_to(constant(1.0, theta.dtype), x.shape)
    return contract(stack([x, y, ones], 2), theta, [0, 1, 2], [3, 4, 2], [3, 0, 1, 4])


def _centres(count: int, aligned: bool, like: Node) -> Node:
    check_listed(count, "affine_grid")
    places = [2 * i / max(count - 1, 1) - 1 if aligned else (2 * i + 1) / count - 1 for i in range(count)]
    return cast(constant_array(struct.pack(f"<{count}d", *places), (count,), "float64"), like.dtype)


@function(FAMILY, kinks="at a pixel the slope towards the next", example="grid_sample(img, grid)")
def grid_sample(
    x: Floats, grid: Floats, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: Flag = False
) -> Node:
    """Images (samples, channels, height, width) read between pixels at places (x, y) in -1 to 1."""
    if x.ndim != 4 or grid.ndim != 4 or grid.shape[-1] != 2 or grid.shape[0] != x.shape[0]:
        raise ShapeError(f"grid_sample: shapes {show_shape(x.shape)} and {show_shape(grid.shape)} do not fit")
    if mode not in ("bilinear", "nearest") or padding_mode not in ("zeros", "border"):
        raise FormulaError(
            "grid_sample knows mode='bilinear' and 'nearest', and padding_mode='zeros' and 'border'",
        )
    samples, _, height, width = x.shape
    columns, rows = (
        _pixels(reshape(apply("slice", grid, bounds=_component(grid, axis)), grid.shape[:-1]), length, align_corners)
        for axis, length in ((0, width), (1, height))
    )
    if padding_mode == "border":
        columns, rows = (
            apply("clip", place, constant(0.0, x.dtype), constant(float(length - 1), x.dtype))
            for place, length in ((columns, width), (rows, height))
        )
    if mode == "nearest":
        return _read(x, apply("round", rows), apply("round", columns))
    top, left = apply("floor", rows), apply("floor", columns)
    down, right = (reshape(part, (samples, 1, *part.shape[1:])) for part in (rows - top, columns - left))
    upper = _read(x, top, left) * (1.0 - right) + _read(x, top, left + 1.0) * right
    lower = _read(x, top + 1.0, left) * (1.0 - right) + _read(x, top + 1.0, left + 1.0) * right
    return upper * (1.0 - down) + lower * down


def _component(grid: Node, axis: int) -> tuple[tuple[int, int, int], ...]:
    return (*((0, length, 1) for length in grid.shape[:-1]), (axis, 1, 1))


def _pixels(place: Node, length: int, aligned: bool) -> Node:
    """A place in -1 to 1 as a number of pixels."""
    if aligned:
        return (place + 1.0) * (0.5 * (length - 1))
    return ((place + 1.0) * float(length) - 1.0) * 0.5


def _read(x: Node, rows: Node, columns: Node) -> Node:
    """The pixels at whole places, 0 beside the image: (samples, channels, …)."""
    samples, channels, height, width = x.shape
    zero, low, right = (constant(value, x.dtype) for value in (0.0, float(height - 1), float(width - 1)))
    inside = (rows >= 0.0) & (rows <= low) & (columns >= 0.0) & (columns <= right)
    row = cast(apply("clip", rows, zero, low), "int64")
    column = cast(apply("clip", columns, zero, right), "int64")
    first = reshape(apply("iota", length=samples), (samples, *(1,) * (rows.ndim - 1)))
    flat = (first * height + row) * width + column
    pixels = reshape(transpose(x, (0, 2, 3, 1)), (samples * height * width, channels))
    found = transpose(apply("take", pixels, flat), (0, rows.ndim, *range(1, rows.ndim)))
    mask = reshape(inside, (samples, 1, *inside.shape[1:]))
    return apply("where", mask, found, zero)
