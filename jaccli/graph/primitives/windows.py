"""Sliding windows over the last axes, and the convolution of two lines.

A convolution of images is a contraction over windows; the adjoint of taking windows adds them up where they overlap.
Convolutions of lines and correlations are each other's adjoints: none computes entries that nobody asked for.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from jaccli.errors import ShapeError
from jaccli.graph.node import DType, Node, Shape, apply, broadcast_to, show_shape
from jaccli.graph.primitive import Case, Primitive, register
from jaccli.graph.primitives.shaping import take_slices
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-2.0, 2.0)
Lengths = tuple[int, ...]


def window_counts(lengths: Lengths, sizes: Lengths, strides: Lengths, dilation: Lengths) -> Lengths:
    """How many windows fit along each axis."""
    if min((*sizes, *strides, *dilation), default=1) < 1:
        raise ShapeError("sizes, strides and dilations of windows are at least 1")
    zipped = zip(lengths, sizes, strides, dilation, strict=True)
    return tuple((length - (size - 1) * gap - 1) // step + 1 for length, size, step, gap in zipped)


def _windows_shape(x: Node, sizes: Lengths, strides: Lengths, dilation: Lengths) -> tuple[Shape, DType]:
    rank = len(sizes)
    if x.ndim < rank:
        raise ShapeError(f"windows over {rank} axes do not fit an array of shape {show_shape(x.shape)}")
    lengths = x.shape[x.ndim - rank :]
    counts = window_counts(lengths, sizes, strides, dilation)
    if any(count < 1 for count in counts):
        raise ShapeError(f"windows of {show_shape(sizes)} are larger than the array, {show_shape(lengths)}")
    return (*x.shape[: x.ndim - rank], *counts, *sizes), x.dtype


def _windows(x: Any, sizes: Lengths, strides: Lengths, dilation: Lengths) -> Any:
    rank = len(sizes)
    lead = x.ndim - rank
    counts = window_counts(x.shape[lead:], sizes, strides, dilation)
    steps = x.strides[lead:]
    # A step beyond the array is never taken, and may be more than a number of bytes can be.
    across, within = (
        tuple(step * min(gap, length) for step, gap, length in zip(steps, gaps, x.shape[lead:], strict=True))
        for gaps in (strides, dilation)
    )
    return np.lib.stride_tricks.as_strided(
        x, (*x.shape[:lead], *counts, *sizes), (*x.strides[:lead], *across, *within), writeable=False
    )


def _overlap(x: Any, sizes: Lengths, strides: Lengths, dilation: Lengths, lengths: Lengths) -> Any:
    rank = len(sizes)
    lead = x.ndim - 2 * rank
    counts = x.shape[lead : lead + rank]
    total = np.zeros((*x.shape[:lead], *lengths), x.dtype)
    if math.prod(counts) < math.prod(sizes):  # a few long windows: window after window
        x = np.moveaxis(x, range(lead, lead + rank), range(lead + rank, lead + 2 * rank))
        sizes, counts, strides, dilation = counts, sizes, dilation, strides
    for offsets in itertools.product(*map(range, sizes)):
        places: tuple[Any, ...] = tuple(
            slice(offset * gap, offset * gap + (count - 1) * step + 1, step)
            for offset, gap, count, step in zip(offsets, dilation, counts, strides, strict=True)
        )
        part = x[(..., *offsets)]
        if x.dtype == bool:
            total[(..., *places)] |= part
        else:
            total[(..., *places)] += part
    return total


def _alike(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    return node.primitive(args[0], **node.params)


def _windows_pullback(index: int, g: Node, node: Node) -> Node:
    rank = len(node.params["sizes"])
    return apply("overlap", g, **node.params, lengths=node.args[0].shape[node.args[0].ndim - rank :])


register(
    Primitive(
        "windows",
        "Windows that slide over the last axes: positions, then places within a window.",
        _windows_shape,
        _windows,
        _windows_pullback,
        "moves",
        batch=_alike,
        structural=True,
        cases=(
            Case(((5,),), (ANY,), {"sizes": (3,), "strides": (1,), "dilation": (1,)}),
            Case(((2, 7),), (ANY,), {"sizes": (2,), "strides": (2,), "dilation": (3,)}),
            Case(((2, 5, 4),), (ANY,), {"sizes": (3, 2), "strides": (2, 1), "dilation": (1, 2)}),
        ),
    )
)


def _overlap_pullback(index: int, g: Node, node: Node) -> Node:
    params = {name: node.params[name] for name in ("sizes", "strides", "dilation")}
    return apply("windows", g, **params)


def _overlap_shape(
    x: Node, sizes: Lengths, strides: Lengths, dilation: Lengths, lengths: Lengths
) -> tuple[Shape, DType]:
    fixed = x.ndim - 2 * len(sizes)
    most = (*window_counts(lengths, sizes, strides, dilation), *sizes)
    if len(x.shape[fixed:]) != len(most) or any(have > fit for have, fit in zip(x.shape[fixed:], most, strict=True)):
        raise ShapeError(f"windows of shape {show_shape(x.shape)} do not lie on axes of {show_shape(lengths)}")
    return (*x.shape[:fixed], *lengths), x.dtype


register(
    Primitive(
        "overlap",
        "Windows added up where they overlap.",
        _overlap_shape,
        _overlap,
        _overlap_pullback,
        "overlaps",
        batch=_alike,
        structural=True,
        cases=(
            Case(((3, 3),), (ANY,), {"sizes": (3,), "strides": (1,), "dilation": (1,), "lengths": (5,)}),
            Case(((2, 2, 2),), (ANY,), {"sizes": (2,), "strides": (2,), "dilation": (3,), "lengths": (7,)}),
        ),
    )
)


def _line_shapes(a: Node, b: Node, what: str) -> tuple[int, int]:
    """The lengths of two lines, whose stacks are alike."""
    if a.ndim == 0 or a.shape[:-1] != b.shape[:-1]:
        raise ShapeError(f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for a {what}")
    if a.shape[-1] == 0 or b.shape[-1] == 0:
        raise ShapeError(f"a {what} needs at least one entry on each side")
    return a.shape[-1], b.shape[-1]


def _convolve_shape(a: Node, b: Node) -> tuple[Shape, DType]:
    one, other = _line_shapes(a, b, "convolution")
    return (*a.shape[:-1], one + other - 1), a.dtype


def _convolve(a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return np.convolve(a, b)
    one, other = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    rows = [np.convolve(x, y) for x, y in zip(one, other, strict=True)]
    return np.array(rows, a.dtype).reshape(*a.shape[:-1], a.shape[-1] + b.shape[-1] - 1)


def _convolve_pullback(index: int, g: Node, node: Node) -> Node:
    return apply("correlate", g, node.args[1 - index])


def _correlate_shape(a: Node, b: Node) -> tuple[Shape, DType]:
    long, short = _line_shapes(a, b, "correlation")
    if short > long:
        raise ShapeError(f"a line of {short:,} entries does not slide along one of {long:,}")
    return (*a.shape[:-1], long - short + 1), a.dtype


def _correlate(a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return np.correlate(a, b)
    one, other = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    rows = [np.correlate(x, y) for x, y in zip(one, other, strict=True)]
    return np.array(rows, a.dtype).reshape(*a.shape[:-1], a.shape[-1] - b.shape[-1] + 1)


def _correlate_pullback(index: int, g: Node, node: Node) -> Node:
    long, short = node.args
    return apply("correlate", long, g) if index else apply("convolve", g, short)


def backwards(x: Node) -> Node:
    """The last axis in reverse order."""
    length = x.shape[-1]
    return take_slices(x, (*((0, size, 1) for size in x.shape[:-1]), (length - 1, length, -1)))


def _two_lines_batch(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
    carried = [
        argument if carries else broadcast_to(argument, (size, *argument.shape))
        for argument, carries in zip(args, batched, strict=True)
    ]
    return node.primitive(*carried)


register(
    Primitive(
        "convolve",
        "Full convolution of two lines, the last axes.",
        _convolve_shape,
        _convolve,
        _convolve_pullback,
        "convolves",
        batch=_two_lines_batch,
        cases=(
            Case(((4,), (3,)), (ANY, ANY)),
            Case(((2, 2), (2, 5)), (ANY, ANY)),
            Case(((1,), (1,)), (ANY, ANY)),
        ),
    )
)

register(
    Primitive(
        "correlate",
        "Products of a line with one that slides along it, summed: the last axes, where the two overlap in full.",
        _correlate_shape,
        _correlate,
        _correlate_pullback,
        "correlates",
        batch=_two_lines_batch,
        cases=(
            Case(((5,), (3,)), (ANY, ANY)),
            Case(((2, 4), (2, 4)), (ANY, ANY)),
            Case(((2, 3), (2, 1)), (ANY, ANY)),
        ),
    )
)
