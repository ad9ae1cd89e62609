"""JAX's convolutions, whose axes stand in any order and whose images and weights may have gaps."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.lax import pad
from jaccli.formula.functions.registry import Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import flip, rows
from jaccli.formula.functions.signal import FAMILY as SIGNAL
from jaccli.formula.functions.signal import convolution
from jaccli.formula.values import Context, describe
from jaccli.graph.node import Node, show_shape
from jaccli.graph.node import transpose as permuted

Order = tuple[int, ...]


def _orders(context: Context, numbers: Any, rank: int) -> tuple[Order, Order, Order]:
    """Where samples, channels and the other axes stand in the images, the weights and the result."""
    usual = tuple(range(rank + 2))
    if numbers is None:
        return usual, usual, usual
    given = list(numbers) if isinstance(numbers, (list, tuple)) else []
    if len(given) != 3 or not all(isinstance(item, str) for item in given):
        raise FormulaError("dimension_numbers are three texts", hint="('NCHW', 'OIHW', 'NCHW')")
    letters = [letter for letter in given[0] if letter not in "NC"]
    wanted = ("NC" + "".join(letters), "OI" + "".join(letters), "NC" + "".join(letters))
    for text, names in zip(given, wanted, strict=True):
        if sorted(text) != sorted(names):
            raise FormulaError(f"dimension_numbers: {text!r} should hold the letters {names}")
    image, kernel, result = (tuple(text.index(n) for n in names) for text, names in zip(given, wanted, strict=True))
    return image, kernel, result


def _check_axes(x: Node, weight: Node) -> None:
    if x.ndim < 3 or weight.ndim != x.ndim:
        raise ShapeError(
            f"a convolution takes images and weights with as many axes, and shapes {show_shape(x.shape)} and "
            f"{show_shape(weight.shape)} are given"
        )


def _for_each_axis(context: Context, value: Any, rank: int, what: str) -> Order:
    numbers = context.integers(value, what)
    if len(numbers) != rank:
        raise ShapeError(f"{len(numbers)} numbers are given for {what} of each of {rank} axes")
    if any(number < 1 for number in numbers):
        raise FormulaError(f"{what} is 1 or more, not {min(numbers)}")
    return numbers


def _pairs(context: Context, padding: Any, rank: int) -> list[tuple[int, int]]:
    """(before, after) for each axis, of a list or of an array with a row for each."""
    items = rows(padding) if isinstance(padding, Node) and padding.ndim == 2 else padding
    found = [context.integers(item, "a width") for item in items] if isinstance(items, (list, tuple)) else []
    if len(found) != rank or any(len(pair) != 2 for pair in found):
        raise FormulaError(
            f"padding is 'SAME', 'VALID' or (before, after) for each of {rank} axes, not {describe(padding)}"
        )
    return [(before, after) for before, after in found]


@function(SIGNAL, example="jax.lax.conv_general_dilated(x, w, (1, 1), 'SAME')")
def conv_general_dilated(
    lhs: Floats,
    rhs: Floats,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any = None,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    feature_group_count: Whole = 1,
    batch_group_count: Whole = 1,
    *,
    context: Context,
) -> Node:
    """JAX's convolution (sliding products): padding 'SAME', 'VALID' or pairs, dilations, orders of the axes."""
    rank = lhs.ndim - 2
    _check_axes(lhs, rhs)
    if batch_group_count != 1:
        raise FormulaError("groups of samples are not in the language", hint="leave batch_group_count out")
    image, kernel, result = _orders(context, dimension_numbers, rank)
    x, weight = permuted(lhs, image), permuted(rhs, kernel)
    steps = _for_each_axis(context, window_strides, rank, "the stride")
    if lhs_dilation is not None:
        between = _for_each_axis(context, lhs_dilation, rank, "the dilation")
        config = [(0, 0, 0)] * 2 + [(0, 0, gap - 1) for gap in between]
        x = pad(x, 0.0, config, context=context)
    gaps = (1,) * rank if rhs_dilation is None else _for_each_axis(context, rhs_dilation, rank, "the dilation")
    sizes = [gap * (size - 1) + 1 for gap, size in zip(gaps, weight.shape[2:], strict=True)]
    if isinstance(padding, str):
        name = padding.upper()
        if name not in ("SAME", "VALID", "SAME_LOWER"):
            raise FormulaError(f"unknown padding {padding!r}", hint="'SAME', 'VALID' or a pair of widths for each axis")
        totals = [
            0 if name == "VALID" else max((-(-n // step) - 1) * step + size - n, 0)
            for n, step, size in zip(x.shape[2:], steps, sizes, strict=True)
        ]
        pairs = [((t + 1) // 2, t // 2) if name == "SAME_LOWER" else (t // 2, (t + 1) // 2) for t in totals]
    else:
        pairs = _pairs(context, padding, rank)
    config = [(0, 0, 0)] * 2 + [(before, after, 0) for before, after in pairs]
    x = pad(x, 0.0, config, context=context)
    found = convolution(context, x, weight, None, rank, list(steps), 0, list(gaps), feature_group_count)
    back = tuple(result.index(axis) for axis in range(rank + 2))
    return permuted(found, back)


@function(SIGNAL, name="lax.conv", example="jax.lax.conv(x, w, (1, 1), 'SAME')")
def conv(lhs: Floats, rhs: Floats, window_strides: Any, padding: Any, *, context: Context) -> Node:
    """JAX's convolution (sliding products) of (samples, channels, …) with (outputs, channels, …)."""
    return conv_general_dilated(lhs, rhs, window_strides, padding, context=context)


@function(SIGNAL, example="jax.lax.conv_with_general_padding(x, w, (1, 1), ((0, 0), (0, 0)), None, None)")
def conv_with_general_padding(
    lhs: Floats,
    rhs: Floats,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    *,
    context: Context,
) -> Node:
    """JAX's convolution (sliding products), with pairs of widths and dilations."""
    return conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, context=context)


_CONV_TRANSPOSE = "jax.lax.conv_transpose(x, w, (2,), 'VALID', dimension_numbers=('NCH', 'OIH', 'NCH'))"


@function(SIGNAL, name="lax.conv_transpose", example=_CONV_TRANSPOSE)
def conv_transpose(
    lhs: Floats,
    rhs: Floats,
    strides: Any,
    padding: Any,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    transpose_kernel: Flag = False,
    *,
    context: Context,
) -> Node:
    """JAX's convolution of an image with gaps: by default (samples, …, channels) with weights (…, inputs, outputs)."""
    rank = lhs.ndim - 2
    letters = {1: "H", 2: "HW", 3: "DHW"}.get(rank, "")
    if dimension_numbers is None:
        dimension_numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    _check_axes(lhs, rhs)
    steps = _for_each_axis(context, strides, rank, "the stride")
    gaps = (1,) * rank if rhs_dilation is None else _for_each_axis(context, rhs_dilation, rank, "the dilation")
    _, kernel, _ = _orders(context, dimension_numbers, rank)
    if transpose_kernel:
        rhs = flip(rhs, tuple(kernel[2:]))
        turned = list(range(rhs.ndim))
        turned[kernel[0]], turned[kernel[1]] = kernel[1], kernel[0]
        rhs = permuted(rhs, turned)
    pairs = padding
    if isinstance(padding, str):
        pairs = []
        for axis, step, gap in zip(kernel[2:], steps, gaps, strict=True):
            size = (rhs.shape[axis] - 1) * gap + 1
            if padding.upper() not in ("SAME", "VALID"):
                raise FormulaError(f"unknown padding {padding!r}", hint="'SAME', 'VALID' or pairs of widths")
            if padding.upper() == "SAME":
                total = size + step - 2
                first = size - 1 if step > size - 1 else -(-total // 2)
            else:
                total = size + step - 2 + max(size - step, 0)
                first = size - 1
            pairs.append((first, total - first))
    return conv_general_dilated(lhs, rhs, (1,) * rank, pairs, steps, list(gaps), dimension_numbers, context=context)
