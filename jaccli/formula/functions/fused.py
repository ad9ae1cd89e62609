"""Operations that libraries give a name of their own: a product with a sum, a scaled sum, two statistics at once."""

from __future__ import annotations

from typing import Any

from jaccli.errors import ShapeError
from jaccli.formula.arithmetic import binary
from jaccli.formula.functions.linear_algebra import entrywise_norm, matrix_norm
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.rearranging import compress
from jaccli.formula.functions.reductions import mean, reduce, std, var
from jaccli.formula.functions.registry import Array, Axis, Flag, Floats, function
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply, constant, reshape
from jaccli.graph.primitive import table

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
    return reduce("min", x, axis, keepdims), reduce("max", x, axis, keepdims)


@function(CHOICE, kinks="0 on the threshold", example="threshold(x, 0.1, 20)")
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
def isclose(x: Floats, y: Floats, rtol: float = 1e-5, atol: float = 1e-8) -> Node:
    """Whether two entries differ by at most atol + rtol*abs(y)."""
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
