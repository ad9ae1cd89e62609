"""Arrays from nothing: constants, ranges, identities."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError, LimitError
from jaccli.formula.functions.registry import Array, Floats, Whole, function
from jaccli.formula.limits import LARGEST, check_made
from jaccli.formula.values import Context, FloatLimits, SliceValue, Value, of_kind, to_float
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, filled, reshape
from jaccli.graph.primitive import normal_axis

FAMILY = "Creation"


def grid(height: int, width: int) -> tuple[Node, Node]:
    """Row and column numbers, ready to be compared: shapes (height, 1) and (1, width)."""
    return reshape(apply("iota", length=height), (height, 1)), reshape(apply("iota", length=width), (1, width))


def _shape(context: Context, values: tuple[Any, ...]) -> tuple[int, ...]:
    values = values[:-1] if values and isinstance(values[-1], str) else values
    if len(values) == 1 and isinstance(values[0], (list, tuple, Node)):
        shape = context.integers(values[0], "a length of a shape")
    else:
        shape = tuple(context.integer(value, "a length of a shape") for value in values)
    if any(length < 0 for length in shape):
        raise FormulaError(f"{shape} is no shape", hint="lengths are 0 or more")
    return check_made(shape)


def _kind(context: Context, node: Node, dtype: Any) -> Node:
    """Entries of the kind that was asked for, floats where none was."""
    return of_kind(context, node, "float" if dtype is None else dtype)


def _constant(context: Context, shape: tuple[Any, ...], value: float, dtype: Any) -> Node:
    if dtype is None and shape and isinstance(shape[-1], str):
        dtype = shape[-1]
    return _kind(context, filled(_shape(context, shape), value, context.float_dtype), dtype)


@function(FAMILY, example="zeros(2, 3)")
def zeros(*shape: Any, dtype: Any = None, context: Context) -> Node:
    """Zeros of a shape."""
    return _constant(context, shape, 0.0, dtype)


@function(FAMILY, example="ones(2, 3)")
def ones(*shape: Any, dtype: Any = None, context: Context) -> Node:
    """Ones of a shape; truth values with dtype=bool."""
    return _constant(context, shape, 1.0, dtype)


@function(FAMILY, example="full((2, 3), 7)")
def full(shape: Any, fill_value: Any, dtype: Any = None, *, context: Context) -> Node:
    """One value everywhere."""
    return broadcast_to(_kind(context, context.array(fill_value), dtype), _shape(context, (shape,)))


@function(FAMILY, example="zeros_like(x)")
def zeros_like(x: Array, dtype: Any = None, *, context: Context) -> Node:
    """Zeros of the shape of an array."""
    return _constant(context, x.shape, 0.0, dtype)


@function(FAMILY, example="ones_like(x)")
def ones_like(x: Array, dtype: Any = None, *, context: Context) -> Node:
    """Ones of the shape of an array."""
    return _constant(context, x.shape, 1.0, dtype)


@function(FAMILY, example="full_like(x, 7)")
def full_like(x: Array, fill_value: Any, dtype: Any = None, *, context: Context) -> Node:
    """One value everywhere, of the shape of an array."""
    return broadcast_to(_kind(context, context.array(fill_value), dtype), x.shape)


@function(FAMILY, "identity", example="eye(3)")
def eye(n: Any, m: Any = None, k: Whole = 0, dtype: Any = None, *, context: Context) -> Node:
    """Ones on a diagonal, zeros elsewhere; truth values with dtype=bool."""
    if context.prefix.endswith("nn"):  # jax.nn.identity
        return context.array(n)
    height, width = _shape(context, (n, n if m is None or isinstance(m, str) else m))
    row, column = grid(height, width)
    on_diagonal = apply("equal", column, apply("add", row, constant(k, "int64")))
    return _kind(context, on_diagonal, m if isinstance(m, str) else dtype)


@function(FAMILY, "range", example="arange(5)")
def arange(start: Any, stop: Any = None, step: Any = 1, *, context: Context) -> Node:
    """Numbers from start to before stop."""
    first, last, by = (context.static(value) for value in (start, stop, step))
    if stop is None:
        first, last = 0, first
    for value in (first, last, by):
        if not isinstance(value, (int, float)) or (isinstance(value, float) and not math.isfinite(value)):
            raise FormulaError("the bounds of arange must be numbers, and finite")
    if by == 0:
        raise FormulaError("the step of arange cannot be 0")
    if all(isinstance(value, int) for value in (first, last, by)):
        count = max(0, -((first - last) // by))
        _shape(context, (count,))
        numbers = apply("iota", length=count)
        scaled = apply("multiply", numbers, constant(by, "int64")) if by != 1 else numbers
        return apply("add", scaled, constant(first, "int64")) if first else scaled
    count = _count(first, last, by)
    _shape(context, (count,))
    numbers = cast(apply("iota", length=count), context.float_dtype)
    return apply(
        "add", constant(first, context.float_dtype), apply("multiply", numbers, constant(by, context.float_dtype))
    )


def _count(first: float, last: float, by: float) -> int:
    """How many numbers there are from first to before last."""
    length = (to_float(last) - to_float(first)) / to_float(by)
    if length == -math.inf:
        return 0
    if not length <= LARGEST:
        raise LimitError(f"arange would hold more than {LARGEST:,} numbers", hint="give a larger step")
    return max(0, math.ceil(length))


@function(FAMILY, example="linspace(0, 1, 11)")
def linspace(start: Floats, stop: Floats, num: Whole = 50, endpoint: bool = True, *, context: Context) -> Node:
    """Evenly spaced numbers from start to stop, both included; differentiable in its ends.

    With endpoint=False the last of num + 1 is left out.
    """
    (count,) = _shape(context, (num,))
    if not context.static(endpoint):
        wide = linspace(start, stop, count + 1, context=context)
        return apply("slice", wide, bounds=((0, count, 1), *((0, length, 1) for length in wide.shape[1:])))
    if count == 1:
        return reshape(start, (1, *start.shape))
    numbers = cast(apply("iota", length=count), start.dtype)
    fraction = reshape(numbers, (count, *(1,) * max(start.ndim, stop.ndim)))
    step = apply("divide", apply("subtract", stop, start), constant(float(max(count - 1, 1)), start.dtype))
    inner = apply("add", start, apply("multiply", fraction, step))
    at_end = apply("equal", fraction, constant(float(count - 1), start.dtype))
    return apply("where", at_end, broadcast_to(stop, inner.shape[1:]) if stop.shape != inner.shape[1:] else stop, inner)


@function(FAMILY, example="logspace(0, 2, 3)")
def logspace(
    start: Floats, stop: Floats, num: Whole = 50, endpoint: bool = True, base: Any = 10.0, *, context: Context
) -> Node:
    """Powers of ten, or of another base, with evenly spaced exponents."""
    return apply("power", context.floats(base), linspace(start, stop, num, endpoint, context=context))


@function(FAMILY, example="geomspace(1, 16, 5)")
def geomspace(start: Floats, stop: Floats, num: Whole = 50, endpoint: bool = True, *, context: Context) -> Node:
    """Numbers from start to stop, each the same multiple of the one before."""
    return apply("exp", linspace(apply("log", start), apply("log", stop), num, endpoint, context=context))


@function(
    FAMILY,
    "asarray",
    "tensor",
    "as_tensor",
    "Matrix",
    "Array",
    "Tensor",
    "asanyarray",
    "scalar_tensor",
    example="array([[1, 2], [3, 4]])",
)
def array(object: Any, *, context: Context) -> Node:
    """An array from nested lists, whose entries may be computed."""
    return context.array(object)


@function(FAMILY, example="float(x)")
def float_(x: Any, *, context: Context) -> Node:
    """The array as floats; float('-inf') is the number that the text names."""
    if isinstance(x, str):
        try:
            x = float(x)
        except ValueError:
            raise FormulaError(f"the text {x!r} names no number") from None
    return context.floats(x)


@function(FAMILY, example="int(3.7)")
def int_(x: Any, *, context: Context) -> Value:
    """A number without its fraction."""
    number = context.static(x)
    if isinstance(number, (int, float)) and number == number and abs(number) < 2**63:
        return int(number)
    return cast(context.array(x), "int64")


@function(FAMILY, example="len(x)")
def len_(x: Any, *, context: Context) -> int:
    """The length of the first axis."""
    if isinstance(x, (list, tuple)):
        return len(x)
    node = context.array(x)
    if node.ndim == 0:
        raise FormulaError("a number has no length")
    return node.shape[0]


@function(FAMILY, name="slice", example="x[slice(1, 3)]")
def slice_(start: Any, stop: Any = None, step: Any = None, *, context: Context) -> SliceValue:
    """start:stop:step as a value, for an index."""
    if stop is None and step is None:
        start, stop = None, start
    bounds = (None if part is None else context.integer(part, "a bound of a slice") for part in (start, stop, step))
    return SliceValue(*bounds)


@function(FAMILY, "shape_of", name="shape", example="shape(x)[0]")
def shape_of(x: Array) -> tuple[int, ...]:
    """The lengths of the axes."""
    return x.shape


@function(FAMILY, name="size", example="size(x)")
def size_of_array(x: Array, axis: Any = None, *, context: Context) -> int:
    """The number of entries, or of an axis."""
    return x.size if axis is None else x.shape[normal_axis(context.integer(axis, "axis of size"), x.ndim)]


@function(FAMILY, name="ndim", example="ndim(x)")
def ndim_of(x: Array) -> int:
    """The number of axes."""
    return x.ndim


@function(FAMILY, name="Rational", example="Rational(1, 3)")
def rational(p: Any, q: Any = 1, *, context: Context) -> Value:
    """A fraction."""
    from jaccli.formula.arithmetic import binary

    return binary(context, "divide", p, q)


@function(FAMILY, example="finfo(float).eps")
def finfo(dtype: Any = "float64", *, context: Context) -> FloatLimits:
    """The limits of floating-point numbers: finfo(x.dtype).eps, .min, .max, .tiny."""
    name = dtype if isinstance(dtype, str) else context.array(dtype).dtype
    if not name.startswith(("float", "double")):
        raise FormulaError(f"finfo knows floats, not {name}")
    return FloatLimits.of("float32" if name == "float32" else "float64")


def _new(name: str, value: float | None, doc: str) -> None:
    """PyTorch's methods that make another array of the kind of this one."""

    def build(x: Array, *shape: Any, context: Context) -> Node:
        given, entry = (shape, value) if value is not None else (shape[:1], shape[1] if len(shape) > 1 else 0)
        return broadcast_to(context.floats(entry), _shape(context, given))

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"x.{name}(3)" if value is not None else f"x.{name}((3,), 2)")(build)


_new("new_zeros", 0.0, "Zeros of a shape.")
_new("new_ones", 1.0, "Ones of a shape.")
_new("new_full", None, "One value everywhere: the shape, and the value.")
