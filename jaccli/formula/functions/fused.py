"""Operations that libraries give a name of their own: a product with a sum, a scaled sum, two statistics at once."""

from __future__ import annotations

from typing import Any

from jaccli.errors import ShapeError
from jaccli.formula.arithmetic import binary
from jaccli.formula.functions.linear_algebra import entrywise_norm, matrix_norm
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.rearranging import compress
from jaccli.formula.functions.reductions import mean, reduce, std, var
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import moveaxis
from jaccli.formula.limits import LARGEST
from jaccli.formula.values import Context, Parts, Value
from jaccli.graph.node import Node, apply, constant, reshape, size_of
from jaccli.graph.node import broadcast_shapes as common_shape
from jaccli.graph.primitive import normal_axis, table

ARITHMETIC = "Arithmetic and powers"
PRODUCTS = "Products and contractions"
REDUCTIONS = "Reductions"
SHAPE = "Shape and assembly"
CHOICE = "Choice"


def _scaled(context: Context, scale: Any, value: Value) -> Value:
    return value if isinstance(scale, (int, float)) and scale == 1 else binary(context, "multiply", scale, value)


def _with_alpha(primitive: str, *synonyms: str) -> None:
    def build(x: Any, y: Any, alpha: Any = 1, *, context: Context) -> Value:
        return context.array(binary(context, primitive, x, _scaled(context, alpha, y)))

    build.__doc__ = f"{table()[primitive].doc} The second is multiplied by alpha first, as in PyTorch."
    function(ARITHMETIC, *synonyms, name=primitive, example=f"{primitive}(x, y)")(build)


_with_alpha("add")
_with_alpha("subtract", "sub")


@function(ARITHMETIC, example="rsub(x, y)")
def rsub(x: Any, y: Any, alpha: Any = 1, *, context: Context) -> Value:
    """y - alpha*x."""
    return context.array(binary(context, "subtract", y, _scaled(context, alpha, x)))


def _plus(context: Context, x: Any, product: Node, beta: Any, alpha: Any) -> Node:
    # PyTorch leaves x out where beta is 0, even a NaN.
    if isinstance(beta, (int, float)) and beta == 0:
        return context.array(_scaled(context, alpha, product))
    return context.array(binary(context, "add", _scaled(context, beta, x), _scaled(context, alpha, product)))


@function(PRODUCTS, example="addbmm(x, A, B)")
def addbmm(x: Any, a: Array, b: Array, beta: Any = 1, alpha: Any = 1, *, context: Context) -> Node:
    """beta*x + alpha*(a @ b), summed over the stack."""
    if a.ndim != 3 or b.ndim != 3:
        raise ShapeError(f"addbmm multiplies stacks of matrices, and these have shapes {a.shape} and {b.shape}")
    return _plus(context, x, reduce("sum", matmul(a, b), 0, False), beta, alpha)


@function(REDUCTIONS, kinks="0 where the two are equal", example="dist(x, y)")
def dist(x: Floats, y: Floats, ord: float = 2.0) -> Node:
    """The norm of all entries of x - y."""
    return entrywise_norm(apply("subtract", x, y), float(ord), None, False)


@function(REDUCTIONS, example="frobenius_norm(x)")
def frobenius_norm(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Node:
    """Root of the sum of squares."""
    return reduce("norm", x, axis, keepdims)


@function("Linear algebra", example="nuclear_norm(A)")
def nuclear_norm(x: Floats, keepdims: Flag = False, *, context: Context) -> Node:
    """Sum of the singular values."""
    return matrix_norm(x, "nuc", (-2, -1), keepdims, context=context)


def _torch_correction(correction: Any) -> Any:
    return 1 if correction is None else correction


@function(REDUCTIONS, example="std_mean(x)[0]")
def std_mean(
    x: Floats, axis: Axis = None, correction: Any = None, keepdims: Flag = False, *, context: Context
) -> Value:
    """Root of the variance, divided by n - 1 as in PyTorch, and mean."""
    spread = std(x, axis, _torch_correction(correction), keepdims, context=context)
    return spread, mean(x, axis, keepdims)


@function(REDUCTIONS, example="var_mean(x)[0]")
def var_mean(
    x: Floats, axis: Axis = None, correction: Any = None, keepdims: Flag = False, *, context: Context
) -> Value:
    """Variance, divided by n - 1 as in PyTorch, and mean."""
    spread = var(x, axis, _torch_correction(correction), keepdims, context=context)
    return spread, mean(x, axis, keepdims)


@function(REDUCTIONS, kinks="at a tie equal shares", example="aminmax(x)[0]")
def aminmax(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Value:
    """Smallest and largest entry."""
    return Parts((reduce("min", x, axis, keepdims), reduce("max", x, axis, keepdims)), "min", "max")


@function(CHOICE, "Threshold", kinks="0 on the threshold", example="threshold(x, 0.1, 20)")
def threshold(x: Floats, threshold: Any, value: Any, *, context: Context) -> Node:
    """The entry where it is above the threshold, else the value."""
    other = apply("add", apply("multiply", apply("stop_gradient", x), context.number(0)), context.floats(value))
    return apply("where", apply("less", context.floats(threshold), x), x, other)


@function("Indexing and sorting", example="extract(x > 0, x)")
def extract(condition: Any, x: Array, *, context: Context) -> Node:
    """The entries where a condition holds, in one row."""
    flags = context.array(condition)
    return compress(reshape(flags, (flags.size,)), x, context=context)


@function("Comparisons and logic", example="isclose(x, y)")
def isclose(x: Floats, y: Floats, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: Flag = False) -> Node:
    """Whether two entries differ by at most atol + rtol*abs(y)."""
    if equal_nan:
        return apply("logical_or", isclose(x, y, rtol, atol), apply("isnan", x) & apply("isnan", y))
    bound = apply("add", _number(x, atol), apply("multiply", _number(x, rtol), apply("abs", y)))
    near = apply("less_equal", apply("abs", apply("subtract", x, y)), bound)
    return apply("logical_or", apply("equal", x, y), apply("logical_and", near, apply("isfinite", y)))


def _number(like: Node, value: float) -> Node:
    return constant(value, like.dtype)


def _infinite(name: str, sign: float, doc: str) -> None:
    def build(x: Floats) -> Node:
        return apply("equal", x, _number(x, sign * float("inf")))

    build.__doc__ = doc
    function("Comparisons and logic", name=name, example=f"{name}(x)")(build)


_infinite("isposinf", 1.0, "Whether the entry is plus infinity.")
_infinite("isneginf", -1.0, "Whether the entry is minus infinity.")


def _without_nan(primitive: str, neutral: float, doc: str) -> None:
    def build(x: Floats, axis: Axis = None) -> Node:
        from jaccli.formula.functions.scans import cumprod, cumsum

        kept = apply("where", apply("isnan", x), _number(x, neutral), x)
        return (cumsum if primitive == "cumsum" else cumprod)(kept, axis)

    build.__doc__ = doc
    function("Scans and differences", name=f"nan{primitive}", example=f"nan{primitive}(x)")(build)


_without_nan("cumsum", 0.0, "Sums of the entries up to each one, NaN counting as 0.")
_without_nan("cumprod", 1.0, "Products of the entries up to each one, NaN counting as 1.")


@function("Comparisons and logic", example="allclose(x, y)")
def allclose(
    x: Floats, y: Floats, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: Flag = False, *, context: Context
) -> Node:
    """Whether all pairs of entries are close."""
    near = isclose(x, y, rtol, atol, equal_nan)
    return apply("all", near, axes=tuple(range(near.ndim))) if near.ndim else near


@function("Comparisons and logic", "array_equiv", example="array_equal(x, y)")
def array_equal(x: Array, y: Array) -> Node:
    """Whether all pairs of entries are equal, and the shapes."""
    if x.shape != y.shape:
        return constant(False, "bool")
    same = apply("equal", x, y)
    return apply("all", same, axes=tuple(range(same.ndim))) if same.ndim else same


@function("Comparisons and logic", example="isin(x, [1, 2])")
def isin(x: Array, test_elements: Array, assume_unique: Flag = False, invert: Flag = False) -> Node:
    """Whether the entry is one of some others."""
    same = apply("equal", reshape(x, (*x.shape, 1)), reshape(test_elements, (test_elements.size,)))
    found = apply("sum", same, axes=(x.ndim,))
    return apply("logical_not", found) if invert else found


@function("Shape and assembly", "nelement", example="numel(x)*x")
def numel(x: Array) -> int:
    """How many entries there are."""
    return x.size


@function("Shape and assembly", example="zeros(broadcast_shapes((2, 1), (1, 3)))")
def broadcast_shapes(*shapes: Any, context: Context) -> Value:
    """The shape that arrays of some shapes are broadcast to."""
    return common_shape([_lengths(context, shape) for shape in shapes])


def _lengths(context: Context, shape: Any) -> tuple[int, ...]:
    lengths = context.integers(shape, "a length of a shape")
    if any(length < 0 for length in lengths):
        raise ShapeError(f"a length of a shape is 0 or more, and the lengths are {lengths}")
    return lengths


@function("Shape and assembly", example="resize(x, (5,))")
def resize(x: Array, new_shape: Any, *, context: Context) -> Node:
    """The entries in order, again from the first where they do not suffice, in a shape."""
    lengths = _lengths(context, new_shape)
    count = size_of(lengths)
    if not 0 < count <= LARGEST or not x.size:
        raise ShapeError(f"resize: {x.size} entries do not fill a shape {lengths}")
    places = apply("remainder", apply("iota", length=count), constant(x.size, "int64"))
    return reshape(apply("take", reshape(x, (x.size,)), places), lengths)


@function("Shape and assembly", example="rollaxis(x, 1)")
def rollaxis(x: Array, axis: Whole, start: Whole = 0) -> Node:
    """An axis moved to stand before another."""
    source = normal_axis(axis, x.ndim)
    target = start + x.ndim if start < 0 else start
    if not 0 <= target <= x.ndim:
        raise ShapeError(f"rollaxis: start is between {-x.ndim} and {x.ndim}, not {start}")
    return moveaxis(x, source, target - 1 if target > source else target)


@function(
    "Shape and assembly",
    "ascontiguousarray",
    "asfortranarray",
    "asarray_chkfinite",
    "real_if_close",
    "copy",
    example="copy(x)",
)
def copied(x: Any, *args: Any, **kwargs: Any) -> Value:
    """The array itself."""
    return x
