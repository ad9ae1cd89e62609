"""Arrays of integers that choose entries: triangles, grids, products of ranges."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.creation import grid
from jaccli.formula.functions.gathering import FAMILY, along, argsort, searchsorted
from jaccli.formula.functions.registry import Array, Flag, Whole, function
from jaccli.formula.functions.shaping import part, rows
from jaccli.formula.limits import check_listed, check_made
from jaccli.formula.values import Context, Value, broadcast_together, stack
from jaccli.graph.node import Node, apply, cast, constant_array, reshape, show_shape
from jaccli.graph.primitive import MOST_AXES, normal_axis


def integers(values: Iterable[int]) -> Node:
    """A vector of whole numbers that are known now."""
    numbers = list(values)
    return constant_array(struct.pack(f"<{len(numbers)}q", *numbers), (len(numbers),), "int64")


def _triangle(context: Context, n: int, m: Any, k: int, *, lower: bool, as_matrix: bool) -> Value:
    width = n if m is None else context.integer(m, "the number of columns")
    if n < 0 or width < 0:
        raise ShapeError(f"a matrix of shape {(n, width)} has no triangle")
    check_listed(n * max(width, 1), f"the triangle of a {n}×{width} matrix")
    spans = [range(min(width, i + k + 1)) if lower else range(max(0, i + k), width) for i in range(n)]
    rows = integers(itertools.chain.from_iterable(itertools.repeat(i, len(span)) for i, span in enumerate(spans)))
    columns = integers(itertools.chain.from_iterable(spans))
    return stack([rows, columns], 0) if as_matrix else (rows, columns)


@function(FAMILY, example="x[triu_indices(2, 1)]")
def triu_indices(n: Whole, k: Whole = 0, m: Any = None, *, context: Context) -> Value:
    """Rows and columns of the entries on and above a diagonal of an n×m matrix; PyTorch's takes n, m, k."""
    return _triangle(context, n, m, k, lower=False, as_matrix=context.is_torch)


@function(FAMILY, example="x[tril_indices(2)]")
def tril_indices(n: Whole, k: Whole = 0, m: Any = None, *, context: Context) -> Value:
    """Rows and columns of the entries on and below a diagonal of an n×m matrix; PyTorch's takes n, m, k."""
    return _triangle(context, n, m, k, lower=True, as_matrix=context.is_torch)


@function(FAMILY, example="x[diag_indices(2)]")
def diag_indices(n: Whole, ndim: Whole = 2) -> Value:
    """The indices of the main diagonal."""
    if n < 0 or not 0 <= ndim <= MOST_AXES:
        raise ShapeError(f"an array of {ndim} axes of length {n} has no diagonal")
    return (apply("iota", length=n),) * ndim


@function(FAMILY, name="ix_", example="x[ix_([0, 1], [1])]")
def ix_(*sequences: Any, context: Context) -> Value:
    """Index arrays that choose every combination of rows and columns."""
    nodes = [context.array(item) for item in sequences]
    rank = len(nodes)
    return tuple(
        reshape(node, tuple(node.size if place == axis else 1 for place in range(rank)))
        for axis, node in enumerate(nodes)
    )


@function(FAMILY, example="indices((2, 3))[0]")
def indices(dimensions: Any, *, context: Context) -> Node:
    """The index of every entry of an array, one grid for each axis."""
    lengths = check_made(context.integers(dimensions, "a length of a shape"))
    ranges = ix_(*(apply("iota", length=length) for length in lengths), context=context)
    return stack(list(broadcast_together(*ranges)), 0)


@function(FAMILY, example="cartesian_prod(x, y)")
def cartesian_prod(*tensors: Any, context: Context) -> Node:
    """Every combination of the entries of vectors, one a row."""
    if not tensors:
        raise FormulaError("cartesian_prod needs at least one vector")
    wide = broadcast_together(*ix_(*tensors, context=context))
    columns = [reshape(node, (node.size,)) for node in wide]
    return stack(columns, 1) if len(columns) > 1 else columns[0]


@function(FAMILY, example="bucketize(x, [0, 1, 2])")
def bucketize(x: Array, boundaries: Array, right: Flag = False) -> Node:
    """PyTorch's digitize: the number of the bin that an entry falls into; no derivative."""
    return searchsorted(boundaries, x, "right" if right else "left")


@function(FAMILY, example="choose([0, 1], [x, y])")
def choose(a: Array, choices: Any, *, context: Context) -> Node:
    """Entry by entry, from the array of that number."""
    if not isinstance(choices, (list, tuple)) or not choices:
        raise FormulaError("choose needs a list of arrays")
    nodes = [context.array(choice) for choice in choices]
    if any(node.is_float for node in nodes):
        nodes = [context.floats(node) for node in nodes]
    checked = apply("check_index", a, size=len(nodes), axis=0)
    number, *wide = broadcast_together(checked, *nodes)
    total = wide[-1]
    for place in range(len(wide) - 2, -1, -1):
        total = apply("where", apply("equal", number, context.number(place)), wide[place], total)
    return total


@function(FAMILY, example="narrow(x, 0, 1, 1)")
def narrow(x: Array, dim: Whole, start: Whole, length: Whole) -> Node:
    """Some neighbouring entries of an axis: length of them from start on."""
    place = normal_axis(dim, x.ndim)
    first = start + x.shape[place] if start < 0 else start
    if not 0 <= first <= first + length <= x.shape[place]:
        raise ShapeError(f"{length} entries from {start} on are not on an axis of {x.shape[place]}")
    return part(x, place, first, length)


@function(FAMILY, name="dynamic_slice", example="dynamic_slice(x, (0, 1), (2, 1))")
def dynamic_slice(x: Array, start_indices: Any, slice_sizes: Any, *, context: Context) -> Node:
    """A part of the array of some lengths, from some place on, which is moved so that the part fits."""
    starts, sizes = context.integers(start_indices, "a start"), context.integers(slice_sizes, "a length")
    if not len(starts) == len(sizes) == x.ndim or any(size > n for size, n in zip(sizes, x.shape, strict=True)):
        raise ShapeError(f"dynamic_slice: {show_shape(sizes)} entries do not fit an array of {show_shape(x.shape)}")
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        length = x.shape[axis]
        first = start + length if start < 0 else start
        x = part(x, axis, min(max(first, 0), length - size), size)
    return x


@function(FAMILY, example="tri(3)")
def tri(n: Whole, m: Any = None, k: Whole = 0, *, context: Context) -> Node:
    """Ones on and below a diagonal, zeros elsewhere."""
    width = n if m is None else context.integer(m, "the number of columns")
    row, column = grid(n, width)
    return cast(column <= row + k, context.float_dtype)


def _indices_like(name: str, lower: bool | None) -> None:
    def build(x: Array, k: Whole = 0, *, context: Context) -> Value:
        if lower is None:
            return diag_indices(x.shape[0] if x.ndim else 0, x.ndim)
        if x.ndim != 2:
            raise ShapeError(f"{name} needs a matrix, and this has shape {show_shape(x.shape)}")
        height, width = x.shape
        return _triangle(context, height, width, k, lower=lower, as_matrix=False)

    build.__doc__ = f"The indices of {name.removesuffix('_from')} for a matrix of this shape."
    function(FAMILY, name=name, example=f"x[{name}(x)]")(build)


_indices_like("tril_indices_from", True)
_indices_like("triu_indices_from", False)
_indices_like("diag_indices_from", None)


@function(FAMILY, example="unravel_index([3, 1], (2, 2))[0]")
def unravel_index(indices: Array, shape: Any, *, context: Context) -> Value:
    """The index along every axis of the places of a flattened array."""
    rest, found = indices, []
    if isinstance(shape, Node) and shape.size > MOST_AXES:
        raise FormulaError(f"a shape of {shape.size:,} axes; the limit is {MOST_AXES}")
    lengths = context.integers(shape, "a length of a shape")
    if not all(0 <= length < 2**63 for length in lengths):
        raise FormulaError("the lengths of a shape are 0 or more, and no larger than 64 bits hold")
    for length in reversed(lengths):
        found.append(apply("remainder", rest, constant_array(struct.pack("<q", length), (), "int64")))
        rest = apply("floor_divide", rest, constant_array(struct.pack("<q", length), (), "int64"))
    return tuple(reversed(found))


@function(FAMILY, example="ravel_multi_index(([1, 0], [1, 1]), (2, 2))")
def ravel_multi_index(multi_index: Any, dims: Any, *, context: Context) -> Node:
    """The places in a flattened array of indices along every axis."""
    lengths = context.integers(dims, "a length of a shape")
    if not isinstance(multi_index, (list, tuple)) or len(multi_index) != len(lengths):
        raise ShapeError(f"ravel_multi_index needs an index for each of {len(lengths)} axes")
    total = context.array(0)
    for one, length in zip(multi_index, lengths, strict=True):
        total = apply("add", apply("multiply", total, context.array(length)), context.array(one))
    return total


@function(FAMILY, kinks="the order is held fixed", example="x[lexsort((x, x))]")
def lexsort(keys: Any, axis: Whole = -1, *, context: Context) -> Node:
    """The order that sorts by the last key, then the one before, and so on; no derivative."""
    nodes = [context.array(key) for key in keys] if isinstance(keys, (list, tuple)) else rows(context.array(keys))
    order: Node | None = None
    for key in nodes:
        moved = key if order is None else along(context, key, order, normal_axis(axis, key.ndim))
        found = argsort(moved, axis, context=context)
        order = found if order is None else along(context, order, found, normal_axis(axis, key.ndim))
    if order is None:
        raise FormulaError("lexsort needs at least one key")
    return order
