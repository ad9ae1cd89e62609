"""What JAX calls by another name or in another order under `jax.lax`; a name with `lax.` before it holds only there."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.arithmetic import binary
from jaccli.formula.functions.index_arrays import dynamic_slice
from jaccli.formula.functions.reductions import reduce
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, call, function, functions, use
from jaccli.formula.functions.shaping import flip, part, rows, transpose
from jaccli.formula.functions.signal import padded
from jaccli.formula.limits import check_made, check_pieces
from jaccli.formula.updates import places, replaced
from jaccli.formula.values import Context, Value, describe
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, show_shape
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
    if stride < 1:
        raise FormulaError(f"the stride of slice_in_dim is 1 or more, not {stride}")
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
    return broadcast_to(operand, check_made((*_lengths(context, sizes), *operand.shape)))


def _lengths(context: Context, value: Any) -> tuple[int, ...]:
    lengths = context.integers(value, "a length")
    if any(length < 0 for length in lengths):
        raise ShapeError(f"a length is 0 or more, and the lengths given are {lengths}")
    return lengths


@function(SHAPE, example="jax.lax.broadcast_in_dim(x, (3, 2), (0,))")
def broadcast_in_dim(operand: Array, shape: Any, broadcast_dimensions: Any, *, context: Context) -> Node:
    """The array in a larger shape, its axes standing where they are sent."""
    lengths = check_made(_lengths(context, shape))
    where = context.integers(broadcast_dimensions, "an axis")
    if len(set(where)) != operand.ndim or len(where) != operand.ndim:
        raise ShapeError(
            f"broadcast_in_dim: {len(set(where))} different places for the axes of {show_shape(operand.shape)}"
        )
    sizes = [1] * len(lengths)
    for length, place in zip(operand.shape, where, strict=True):
        sizes[normal_axis(place, len(lengths))] = length
    return broadcast_to(reshape(operand, tuple(sizes)), lengths)


@function(SHAPE, example="jax.lax.iota(float, 3)")
def iota(dtype: Any, size: Whole, *, context: Context) -> Node:
    """0, 1, 2, …"""
    check_made(_lengths(context, size))
    numbers = apply("iota", length=size)
    return numbers if "int" in str(dtype) else cast(numbers, context.float_dtype)


@function(SHAPE, example="jax.lax.broadcasted_iota(float, (2, 3), 1)")
def broadcasted_iota(dtype: Any, shape: Any, dimension: Whole, *, context: Context) -> Node:
    """0, 1, 2, … along one axis of a shape."""
    lengths = check_made(_lengths(context, shape))
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
    lengths = _lengths(context, sizes)
    if sum(lengths) != operand.shape[place]:
        raise ShapeError(f"lax.split: parts of {sum(lengths)} entries together do not fill {operand.shape[place]}")
    check_pieces(len(lengths), "lax.split")
    first, found = 0, []
    for size in lengths:
        found.append(part(operand, place, first, size))
        first += size
    return tuple(found)


@function(SHAPE, name="lax.pad", example="jax.lax.pad(x, 0.0, ((1, 1, 0), (0, 0, 0)))")
def pad(operand: Floats, padding_value: float, padding_config: Any, *, context: Context) -> Node:
    """Entries of one value before, after and between those of each axis; negative widths cut."""
    value = float(padding_value)
    for axis, (before, after, between) in enumerate(_widths(context, padding_config, operand.ndim)):
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


def _widths(context: Context, config: Any, ndim: int) -> list[tuple[int, ...]]:
    """(before, after, between) for every axis, of a list or of an array with a row for each."""
    items = rows(config) if isinstance(config, Node) and config.ndim == 2 else config
    found = [context.integers(item, "a width") for item in items] if isinstance(items, (list, tuple)) else []
    if len(found) != ndim or not isinstance(items, (list, tuple)) or any(len(w) != 3 or w[2] < 0 for w in found):
        raise ShapeError(
            f"lax.pad needs (before, after, between) for each of {ndim} axes, not {describe(config)}",
            hint="before and after may be negative, between is 0 or more",
        )
    return found


@function(SHAPE, name="lax.expand_dims", example="jax.lax.expand_dims(x, (0,))")
def expand_dims(array: Array, dimensions: Axis, *, context: Context) -> Node:
    """New axes of length 1."""
    return context.array(use(context, "expand_dims", array, dimensions))


@function(PRODUCTS, example="jax.lax.dot_general(A, B, (((1,), (0,)), ((), ())))")
def dot_general(lhs: Array, rhs: Array, dimension_numbers: Any, *, context: Context) -> Node:
    """Summed over pairs of axes, with others in step, which come first in the result."""
    (left_sum, right_sum), (left_batch, right_batch) = _dimension_numbers(context, dimension_numbers)
    for node, chosen in ((lhs, (*left_sum, *left_batch)), (rhs, (*right_sum, *right_batch))):
        if any(not 0 <= axis < node.ndim for axis in chosen) or len(set(chosen)) < len(chosen):
            raise ShapeError(f"dot_general: axes {chosen} are not different axes of the shape {show_shape(node.shape)}")
    left = list(range(lhs.ndim))
    right = [lhs.ndim + axis for axis in range(rhs.ndim)]
    for one, two in zip((*left_sum, *left_batch), (*right_sum, *right_batch), strict=True):
        if lhs.shape[one] != rhs.shape[two]:
            raise ShapeError(f"dot_general: axes of length {lhs.shape[one]} and {rhs.shape[two]} meet")
        right[two] = left[one]
    free = [n for axis, n in enumerate(left) if axis not in (*left_sum, *left_batch)]
    free += [n for axis, n in enumerate(right) if axis not in (*right_sum, *right_batch)]
    return contract(lhs, rhs, left, right, [*(left[axis] for axis in left_batch), *free])


def _dimension_numbers(context: Context, numbers: Any) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Axes that are summed over and axes in step, of the left array and of the right."""
    pairs = numbers if isinstance(numbers, (list, tuple)) else ()
    if len(pairs) != 2 or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        raise FormulaError(
            "dot_general needs two pairs of axes: those summed over, and those in step",
            hint="(((1,), (0,)), ((), ())) is the matrix product",
        )
    found = tuple((context.integers(left, "an axis"), context.integers(right, "an axis")) for left, right in pairs)
    if any(len(left) != len(right) for left, right in found):
        raise ShapeError("dot_general: as many axes of the left array as of the right one are paired")
    return found


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


@function(PRODUCTS, example="jax.lax.batch_matmul(A, B)")
def batch_matmul(lhs: Array, rhs: Array, *, context: Context) -> Value:
    """Matrix products of two stacks."""
    return use(context, "matmul", lhs, rhs)


@function(INDEXING, name="lax.transpose", example="jax.lax.transpose(x, (1, 0))")
def lax_transpose(operand: Array, permutation: Any, *, context: Context) -> Node:
    """The axes in another order."""
    return transpose(operand, permutation, context=context)
