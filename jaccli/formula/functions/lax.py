"""What JAX calls by another name or in another order under `jax.lax`; a name with `lax.` before it holds only there."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.index_arrays import dynamic_slice
from jaccli.formula.functions.reductions import reduce
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, call, function, functions, use
from jaccli.formula.functions.shaping import flip, part, transpose
from jaccli.formula.functions.signal import convolution, padded
from jaccli.formula.updates import places, replaced
from jaccli.formula.values import Context, Value, binary
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, show_shape
from jaccli.graph.node import transpose as permuted
from jaccli.graph.primitive import normal_axis, table
from jaccli.graph.primitives.contraction import contract
from jaccli.graph.primitives.shaping import take_slices

INDEXING = "Indexing and sorting"
SHAPE = "Shape and assembly"
PRODUCTS = "Products and contractions"
SIGNAL = "Convolution, interpolation and signal"


@function(INDEXING, name="lax.slice", example="jax.lax.slice(x, (0, 0), (2, 2))")
def slice_(operand: Array, start_indices: Any, limit_indices: Any, strides: Any = None, *, context: Context) -> Node:
    """From a start to before a limit along every axis, in strides."""
    first, last = (context.integers(value, "a bound of a slice") for value in (start_indices, limit_indices))
    steps = (1,) * operand.ndim if strides is None else context.integers(strides, "a stride")
    if not len(first) == len(last) == len(steps) == operand.ndim:
        raise ShapeError(f"lax.slice needs a start, a limit and a stride for each of {operand.ndim} axes")
    bounds = []
    for start, stop, step, length in zip(first, last, steps, operand.shape, strict=True):
        if not 0 <= start <= stop <= length or step < 1:
            raise ShapeError(f"lax.slice: {start}:{stop}:{step} is not on an axis of {length}")
        bounds.append((start, len(range(start, stop, step)), step))
    return take_slices(operand, tuple(bounds))


@function(INDEXING, example="jax.lax.slice_in_dim(x, 0, 2, axis=0)")
def slice_in_dim(
    operand: Array, start_index: Any, limit_index: Any, stride: Whole = 1, axis: Whole = 0, *, context: Context
) -> Node:
    """From a start to before a limit along one axis, in strides."""
    place = normal_axis(axis, operand.ndim)
    length = operand.shape[place]
    first = 0 if start_index is None else context.integer(start_index, "a start")
    last = length if limit_index is None else context.integer(limit_index, "a limit")
    chosen = range(length)[slice(first, last, stride)]
    return part(operand, place, chosen.start, len(chosen), stride)


@function(INDEXING, "dynamic_index_in_dim", example="jax.lax.index_in_dim(x, 1)")
def index_in_dim(operand: Array, index: Whole, axis: Whole = 0, keepdims: Flag = True) -> Node:
    """One entry of an axis, which stays with length 1."""
    place = normal_axis(axis, operand.ndim)
    if not -operand.shape[place] <= index < operand.shape[place]:
        raise ShapeError(f"index {index} is out of range: the axis has {operand.shape[place]} entries")
    one = part(operand, place, index % operand.shape[place], 1)
    return one if keepdims else reshape(one, (*one.shape[:place], *one.shape[place + 1 :]))


@function(INDEXING, example="jax.lax.dynamic_slice_in_dim(x, 1, 1)")
def dynamic_slice_in_dim(operand: Array, start_index: Whole, slice_size: Whole, axis: Whole = 0) -> Node:
    """Some neighbouring entries of an axis; the start is moved so that they fit."""
    place = normal_axis(axis, operand.ndim)
    length = operand.shape[place]
    if not 0 <= slice_size <= length:
        raise ShapeError(f"{slice_size} entries are not on an axis of {length}")
    first = start_index + length if start_index < 0 else start_index
    return part(operand, place, min(max(first, 0), length - slice_size), slice_size)


@function(INDEXING, example="jax.lax.dynamic_update_slice(x, y, (0, 1))")
def dynamic_update_slice(operand: Array, update: Array, start_indices: Any, *, context: Context) -> Node:
    """The array with another written over a part of it, from a start that is moved so that it fits."""
    positions = dynamic_slice(places(operand), start_indices, update.shape, context=context)
    return replaced(context, operand.shape, reshape(operand, (operand.size,)), positions, update)


@function(INDEXING, "dynamic_update_index_in_dim", example="jax.lax.dynamic_update_slice_in_dim(x, y, 1, 0)")
def dynamic_update_slice_in_dim(
    operand: Array, update: Array, start_index: Whole, axis: Whole, *, context: Context
) -> Node:
    """The array with another written over neighbouring entries of an axis."""
    place = normal_axis(axis, operand.ndim)
    if update.ndim == operand.ndim - 1:
        update = reshape(update, (*update.shape[:place], 1, *update.shape[place:]))
    starts = [start_index if one == place else 0 for one in range(operand.ndim)]
    return dynamic_update_slice(operand, update, starts, context=context)


@function(SHAPE, name="lax.broadcast", example="jax.lax.broadcast(x, (2,))")
def broadcast(operand: Array, sizes: Any, *, context: Context) -> Node:
    """The array repeated along new first axes."""
    return broadcast_to(operand, (*context.integers(sizes, "a length"), *operand.shape))


@function(SHAPE, example="jax.lax.broadcast_in_dim(x, (3, 2), (0,))")
def broadcast_in_dim(operand: Array, shape: Any, broadcast_dimensions: Any, *, context: Context) -> Node:
    """The array in a larger shape, its axes standing where they are sent."""
    lengths = context.integers(shape, "a length")
    where = context.integers(broadcast_dimensions, "an axis")
    if len(where) != operand.ndim:
        raise ShapeError(f"broadcast_in_dim: {len(where)} places for the axes of {show_shape(operand.shape)}")
    sizes = [1] * len(lengths)
    for length, place in zip(operand.shape, where, strict=True):
        sizes[normal_axis(place, len(lengths))] = length
    return broadcast_to(reshape(operand, tuple(sizes)), lengths)


@function(SHAPE, example="jax.lax.iota(float, 3)")
def iota(dtype: Any, size: Whole, *, context: Context) -> Node:
    """0, 1, 2, …"""
    numbers = apply("iota", length=size)
    return numbers if "int" in str(dtype) else cast(numbers, context.float_dtype)


@function(SHAPE, example="jax.lax.broadcasted_iota(float, (2, 3), 1)")
def broadcasted_iota(dtype: Any, shape: Any, dimension: Whole, *, context: Context) -> Node:
    """0, 1, 2, … along one axis of a shape."""
    lengths = context.integers(shape, "a length")
    place = normal_axis(dimension, len(lengths))
    numbers = iota(dtype, lengths[place], context=context)
    shape = tuple(lengths[place] if axis == place else 1 for axis in range(len(lengths)))
    return broadcast_to(reshape(numbers, shape), lengths)


@function(SHAPE, example="jax.lax.collapse(x, 0, 2)")
def collapse(operand: Array, start_dimension: Whole, stop_dimension: Any = None, *, context: Context) -> Node:
    """Neighbouring axes, the last not included, as one."""
    stop = operand.ndim if stop_dimension is None else context.integer(stop_dimension, "an axis")
    first, last = (value + operand.ndim if value < 0 else value for value in (start_dimension, stop))
    if not 0 <= first < last <= operand.ndim:
        raise ShapeError(f"axes {first} to {last} are not those of an array of shape {show_shape(operand.shape)}")
    count = 1
    for length in operand.shape[first:last]:
        count *= length
    return reshape(operand, (*operand.shape[:first], count, *operand.shape[last:]))


@function(SHAPE, example="jax.lax.rev(x, (0,))")
def rev(operand: Array, dimensions: Axis) -> Node:
    """The entries of axes in reverse."""
    return flip(operand, dimensions)


@function(SHAPE, name="lax.split", example="jax.lax.split(x, (1, 1))[0]")
def split(operand: Array, sizes: Any, axis: Whole = 0, *, context: Context) -> Value:
    """The array cut into parts of given lengths along an axis."""
    place = normal_axis(axis, operand.ndim)
    first, found = 0, []
    for size in context.integers(sizes, "the length of a part"):
        found.append(part(operand, place, first, size))
        first += size
    return tuple(found)


@function(SHAPE, name="lax.pad", example="jax.lax.pad(x, 0.0, ((1, 1, 0), (0, 0, 0)))")
def pad(operand: Floats, padding_value: Any, padding_config: Any, *, context: Context) -> Node:
    """Entries of one value before, after and between those of each axis; negative widths cut."""
    value = float(context.static(padding_value))
    configuration = [context.integers(item, "a width") for item in padding_config]
    if len(configuration) != operand.ndim or any(len(item) != 3 or item[2] < 0 for item in configuration):
        raise ShapeError(f"lax.pad needs (before, after, between) for each of {operand.ndim} axes")
    for axis, (before, after, between) in enumerate(configuration):
        if between:
            length = operand.shape[axis]
            spread = max((length - 1) * (between + 1) + 1, 0)
            bounds = tuple((0, length, between + 1) if a == axis else (0, n, 1) for a, n in enumerate(operand.shape))
            shape = tuple(spread if a == axis else n for a, n in enumerate(operand.shape))
            placed = apply("unslice", operand, bounds=bounds, shape=shape)
            if value:
                count = reshape(
                    apply("iota", length=spread), tuple(spread if a == axis else 1 for a in range(operand.ndim))
                )
                own = apply("equal", apply("remainder", count, constant(between + 1, "int64")), constant(0, "int64"))
                placed = apply("where", own, placed, constant(value, operand.dtype))
            operand = placed
        widths = [(0, 0)] * operand.ndim
        widths[axis] = (max(before, 0), max(after, 0))
        operand = padded(operand, widths, value)
        cut = operand.shape[axis] + min(before, 0) + min(after, 0)
        operand = part(operand, axis, max(-before, 0), max(cut, 0))
    return operand


@function(SHAPE, name="lax.expand_dims", example="jax.lax.expand_dims(x, (0,))")
def expand_dims(array: Array, dimensions: Axis, *, context: Context) -> Node:
    """New axes of length 1."""
    return context.array(use(context, "expand_dims", array, dimensions))


@function(PRODUCTS, example="jax.lax.dot_general(A, B, (((1,), (0,)), ((), ())))")
def dot_general(lhs: Array, rhs: Array, dimension_numbers: Any, *, context: Context) -> Node:
    """Summed over pairs of axes, with others in step, which come first in the result."""
    (contracted, batched) = dimension_numbers
    left_sum, right_sum = (context.integers(item, "an axis") for item in contracted)
    left_batch, right_batch = (context.integers(item, "an axis") for item in batched)
    axes = ((lhs, left_sum), (rhs, right_sum), (lhs, left_batch), (rhs, right_batch))
    if any(not 0 <= axis < node.ndim for node, chosen in axes for axis in chosen):
        raise ShapeError(f"dot_general: no such axes in shapes {show_shape(lhs.shape)} and {show_shape(rhs.shape)}")
    left = list(range(lhs.ndim))
    right = [lhs.ndim + axis for axis in range(rhs.ndim)]
    for one, two in zip((*left_sum, *left_batch), (*right_sum, *right_batch), strict=True):
        if lhs.shape[one] != rhs.shape[two]:
            raise ShapeError(f"dot_general: axes of length {lhs.shape[one]} and {rhs.shape[two]} meet")
        right[two] = left[one]
    free = [n for axis, n in enumerate(left) if axis not in (*left_sum, *left_batch)]
    free += [n for axis, n in enumerate(right) if axis not in (*right_sum, *right_batch)]
    return contract(lhs, rhs, left, right, [*(left[axis] for axis in left_batch), *free])


def _of_axes(name: str, primitive: str, doc: str) -> None:
    def build(operand: Floats, axes: Axis) -> Node:
        return reduce(primitive, operand, axes, False)

    build.__doc__ = doc
    function("Reductions", name=name, example=f"jax.lax.{name}(x, (0,))")(build)


_of_axes("reduce_sum", "sum", "Sum over axes.")
_of_axes("reduce_prod", "prod", "Product over axes.")
_of_axes("reduce_max", "max", "Largest entry over axes.")
_of_axes("reduce_min", "min", "Smallest entry over axes.")


def _pairwise(name: str, primitive: str, doc: str) -> None:
    def build(x: Any, y: Any, *, context: Context) -> Value:
        return call(functions()[primitive], context, [x, y], {})

    build.__doc__ = doc
    function("Choice", name=name, kinks=table()[primitive].kinks, example=f"jax.{name}(x, y)")(build)


_pairwise("lax.max", "maximum", "The larger of two entries.")
_pairwise("lax.min", "minimum", "The smaller of two entries.")


@function("Choice", name="select_n", example="jax.lax.select_n(x > 0, x, y)")
def select_n(which: Any, *cases: Any, context: Context) -> Value:
    """The entry of the case of that number; a truth value counts as 0 or 1."""
    node = context.array(which)
    return use(context, "choose", cast(node, "int64") if node.dtype == "bool" else node, list(cases))


@function("Arithmetic and powers", example="jax.lax.integer_pow(x, 3)")
def integer_pow(x: Any, y: Whole, *, context: Context) -> Value:
    """A whole power."""
    return binary(context, "power", x, y)


@function("Shape and assembly", example="jax.lax.convert_element_type(x, float)")
def convert_element_type(operand: Array, new_dtype: Any, *, context: Context) -> Value:
    """The array with another kind of entries."""
    return use(context, "astype", operand, new_dtype)


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
    return numbers


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
        pairs = [(width[0], width[1]) for width in (context.integers(item, "a width") for item in padding)]
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


@function(PRODUCTS, example="jax.lax.batch_matmul(A, B)")
def batch_matmul(lhs: Array, rhs: Array, *, context: Context) -> Value:
    """Matrix products of two stacks."""
    return use(context, "matmul", lhs, rhs)


@function(INDEXING, name="lax.transpose", example="jax.lax.transpose(x, (1, 0))")
def lax_transpose(operand: Array, permutation: Any, *, context: Context) -> Node:
    """The axes in another order."""
    return transpose(operand, permutation, context=context)


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
            if padding.upper() == "SAME":
                total = size + step - 2
                first = size - 1 if step > size - 1 else -(-total // 2)
            else:
                total = size + step - 2 + max(size - step, 0)
                first = size - 1
            pairs.append((first, total - first))
    return conv_general_dilated(lhs, rhs, (1,) * rank, pairs, steps, list(gaps), dimension_numbers, context=context)
