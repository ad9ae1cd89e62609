"""Functions of single entries: arithmetic, exponentials, logarithms, circular and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.arithmetic import binary
from jaccli.formula.complex import Complex
from jaccli.formula.functions.registry import Array, Floats, Whole, function
from jaccli.formula.values import Context, Value, as_mask, broadcast_together, stack
from jaccli.graph.node import Node, apply, cast, constant, reshape
from jaccli.graph.primitive import table
from jaccli.graph.primitives.shaping import take_slices

ARITHMETIC = "Arithmetic and powers"
EXPONENTIAL = "Exponential and logarithm"
TRIGONOMETRIC = "Trigonometric and hyperbolic"
ROUNDING = "Rounding and sign"
LOGIC = "Comparisons and logic"


def _unary(primitive: str, family: str, *synonyms: str, name: str | None = None, example: str = "") -> None:
    row = table()[primitive]

    def build(x: Floats) -> Node:
        return apply(primitive, cast(x, "int64") if x.dtype == "bool" else x)

    build.__doc__ = row.doc
    function(family, *synonyms, name=name or primitive, kinks=row.kinks, example=example or f"{primitive}(x)")(build)


def _keeping_integers(primitive: str, family: str, *synonyms: str) -> None:
    row = table()[primitive]

    def build(x: Array) -> Node:
        return apply(primitive, cast(x, "int64") if x.dtype == "bool" else x)

    build.__doc__ = row.doc
    function(family, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(x)")(build)


def _binary(primitive: str, family: str, *synonyms: str, name: str | None = None) -> None:
    row = table()[primitive]

    def build(x: Any, y: Any, context: Context) -> Value:
        if row.floats:
            return apply(primitive, context.floats(x), context.floats(y))
        return context.array(binary(context, primitive, x, y))

    build.__doc__ = row.doc
    function(family, *synonyms, name=name or primitive, kinks=row.kinks, example=f"{name or primitive}(x, y)")(build)


_binary("multiply", ARITHMETIC, "mul")


@function(ARITHMETIC, "div", "true_divide", kinks=table()["divide"].kinks, example="divide(x, y)")
def divide(x: Any, y: Any, rounding_mode: Any = None, *, context: Context) -> Value:
    """The quotient; with rounding_mode='floor' or 'trunc' a whole number."""
    quotient = context.array(binary(context, "divide", x, y))
    if rounding_mode not in (None, "floor", "trunc"):
        raise FormulaError(f"unknown rounding_mode {rounding_mode!r}", hint="it is 'floor', 'trunc' or None")
    return quotient if rounding_mode is None else apply(rounding_mode, quotient)


_binary("power", ARITHMETIC, "pow", "float_power")
_binary("remainder", ARITHMETIC, "mod", "Mod")
_binary("fmod", ARITHMETIC, "rem")
_binary("floor_divide", ARITHMETIC)
_keeping_integers("negative", ARITHMETIC, "neg")


@function(ARITHMETIC, "Abs", "absolute", "fabs", "magnitude", name="abs", kinks=table()["abs"].kinks, example="abs(x)")
def abs_(x: Any, *, context: Context) -> Node:
    """Absolute value."""
    return x.size if isinstance(x, Complex) else apply("abs", context.array(x))


@function(ARITHMETIC, example="positive(x)")
def positive(x: Array) -> Node:
    """The array itself, +x."""
    return x


@function(ARITHMETIC, "clone", "contiguous", example="real(x)")
def real(x: Any, *, context: Context) -> Node:
    """The real part of complex numbers; real ones as they are."""
    return x.real if isinstance(x, Complex) else context.array(x)


@function(ARITHMETIC, name="complex", example="abs(exp(complex(0, x)))")
def complex_(real: Floats, imag: Floats) -> Value:
    """The complex numbers of two parts; 2j is complex(0, 2). Take real, imag, abs or angle of a result."""
    real, imag = broadcast_together(real, imag)
    return Complex(real, imag)


@function(ARITHMETIC, example="real(polar(r, phi))")
def polar(abs: Floats, angle: Floats) -> Value:
    """The complex numbers of an absolute value and an angle."""
    abs, angle = broadcast_together(abs, angle)
    return Complex(abs * apply("cos", angle), abs * apply("sin", angle))


@function(ARITHMETIC, example="imag(fft(x))")
def imag(x: Any, *, context: Context) -> Node:
    """The imaginary part of complex numbers; of real ones 0."""
    if isinstance(x, Complex):
        return x.imag
    node = context.floats(x)
    return apply("multiply", apply("stop_gradient", node), constant(0.0, node.dtype))


@function(ARITHMETIC, "conjugate", example="real(conj(fft(x)))")
def conj(x: Any, *, context: Context) -> Value:
    """Complex numbers with the opposite imaginary part; real ones as they are."""
    return Complex(x.real, apply("negative", x.imag)) if isinstance(x, Complex) else context.array(x)


@function(ARITHMETIC, example="view_as_real(fft(x))")
def view_as_real(x: Any) -> Node:
    """The parts of complex numbers along a new last axis."""
    if not isinstance(x, Complex):
        raise FormulaError("view_as_real takes complex numbers")
    return stack([x.real, x.imag], x.real.ndim)


@function(ARITHMETIC, example="abs(view_as_complex(z))")
def view_as_complex(x: Floats) -> Value:
    """The complex numbers whose parts stand along a last axis of two entries."""
    if x.ndim == 0 or x.shape[-1] != 2:
        raise FormulaError("view_as_complex takes an array whose last axis has two entries")
    whole = tuple((0, length, 1) for length in x.shape[:-1])
    real, imag = (reshape(take_slices(x, (*whole, (side, 1, 1))), x.shape[:-1]) for side in (0, 1))
    return Complex(real, imag)


@function(ARITHMETIC, example="lerp(x, y, 0.3)")
def lerp(x: Floats, y: Floats, weight: Floats) -> Node:
    """x + weight*(y - x), the straight line from one array to another."""
    return x + weight * (y - x)


@function(ARITHMETIC, example="addcmul(x, y, z, value=2)")
def addcmul(x: Floats, tensor1: Floats, tensor2: Floats, value: Any = 1, *, context: Context) -> Node:
    """x + value*tensor1*tensor2."""
    return x + context.floats(value) * tensor1 * tensor2


@function(ARITHMETIC, example="addcdiv(x, y, z, value=2)")
def addcdiv(x: Floats, tensor1: Floats, tensor2: Floats, value: Any = 1, *, context: Context) -> Node:
    """x + value*tensor1/tensor2."""
    return x + context.floats(value) * tensor1 / tensor2


@function(ARITHMETIC, example="square(x)")
def square(x: Array, context: Context) -> Value:
    """x**2."""
    return binary(context, "power", x, 2)


@function(ARITHMETIC, example="reciprocal(x)")
def reciprocal(x: Floats) -> Node:
    """1/x."""
    return apply("divide", constant(1.0, x.dtype), x)


_unary("sqrt", ARITHMETIC, "Sqrt")
_unary("cbrt", ARITHMETIC)


@function(ARITHMETIC, kinks="minus infinity at 0", example="rsqrt(x)")
def rsqrt(x: Floats) -> Node:
    """1/sqrt(x)."""
    return apply("divide", constant(1.0, x.dtype), apply("sqrt", x))


@function(ARITHMETIC, "root", "real_root", example="nthroot(x, 3)")
def nthroot(x: Floats, n: int) -> Node:
    """The n-th root over the reals; of a negative number where n is odd."""
    degree = int(n) if isinstance(n, (int, float)) and math.isfinite(n) else 0
    if degree < 1 or degree != n:
        raise FormulaError("the degree of a root must be a whole number above 0")
    if degree == 2:
        return apply("sqrt", x)
    if degree == 3:
        return apply("cbrt", x)
    size = apply("power", apply("abs", x), constant(1.0 / degree, x.dtype))
    return (
        apply("multiply", apply("sign", x), size) if degree % 2 else apply("power", x, constant(1.0 / degree, x.dtype))
    )


_unary("exp", EXPONENTIAL, "Exp")
_unary("expm1", EXPONENTIAL)
_unary("exp2", EXPONENTIAL)


@function(EXPONENTIAL, "ln", "Log", kinks="infinite at 0, NaN below", example="log(x)")
def log(x: Floats, base: Any = None, *, context: Context) -> Node:
    """Natural logarithm, or to a base."""
    natural = apply("log", x)
    if base is None:
        return natural
    return apply("divide", natural, apply("log", context.floats(base)))


_unary("log2", EXPONENTIAL)
_unary("log10", EXPONENTIAL)
_unary("log1p", EXPONENTIAL)
_binary("logaddexp", EXPONENTIAL)


@function(EXPONENTIAL, example="logaddexp2(x, y)")
def logaddexp2(x: Floats, y: Floats) -> Node:
    """log2(2**x + 2**y) without overflow."""
    two = constant(math.log(2), x.dtype)
    natural = apply("logaddexp", apply("multiply", x, two), apply("multiply", y, two))
    return apply("divide", natural, two)


@function(EXPONENTIAL, example="exp10(x)")
def exp10(x: Floats) -> Node:
    """10**x."""
    return apply("power", constant(10.0, x.dtype), x)


@function(EXPONENTIAL)
def lg(x: Floats) -> Node:
    """Not taken: lg is base 2 for some and base 10 for others."""
    raise FormulaError("lg means base 2 to some and base 10 to others", hint="write log2(x) or log10(x)")


_unary("sin", TRIGONOMETRIC, "Sin")
_unary("cos", TRIGONOMETRIC, "Cos")
_unary("tan", TRIGONOMETRIC, "Tan", "tg")
_unary("arcsin", TRIGONOMETRIC, "asin")
_unary("arccos", TRIGONOMETRIC, "acos")
_unary("arctan", TRIGONOMETRIC, "atan")
_binary("arctan2", TRIGONOMETRIC, "atan2")
_unary("sinh", TRIGONOMETRIC)
_unary("cosh", TRIGONOMETRIC)
_unary("tanh", TRIGONOMETRIC, "Tanh")
_unary("arcsinh", TRIGONOMETRIC, "asinh")
_unary("arccosh", TRIGONOMETRIC, "acosh")
_unary("arctanh", TRIGONOMETRIC, "atanh")
_binary("hypot", TRIGONOMETRIC)


def _one_over(name: str, primitive: str, doc: str) -> None:
    def build(x: Floats) -> Node:
        return apply("divide", constant(1.0, x.dtype), apply(primitive, x))

    build.__doc__ = doc
    function(TRIGONOMETRIC, name=name, example=f"{name}(x)")(build)


_one_over("sec", "cos", "1/cos(x).")
_one_over("csc", "sin", "1/sin(x).")
_one_over("sech", "cosh", "1/cosh(x).")
_one_over("csch", "sinh", "1/sinh(x).")
_one_over("coth", "tanh", "1/tanh(x).")


def _of_reciprocal(name: str, primitive: str, doc: str) -> None:
    def build(x: Floats) -> Node:
        return apply(primitive, apply("divide", constant(1.0, x.dtype), x))

    build.__doc__ = doc
    function(TRIGONOMETRIC, f"arc{name[1:]}", name=name, example=f"{name}(x)")(build)


_of_reciprocal("asec", "arccos", "Inverse of sec: arccos(1/x).")
_of_reciprocal("acsc", "arcsin", "Inverse of csc: arcsin(1/x).")
_of_reciprocal("acot", "arctan", "Inverse of cot: arctan(1/x).")
_of_reciprocal("asech", "arccosh", "Inverse of sech: arccosh(1/x).")
_of_reciprocal("acsch", "arcsinh", "Inverse of csch: arcsinh(1/x).")
_of_reciprocal("acoth", "arctanh", "Inverse of coth: arctanh(1/x).")


@function(TRIGONOMETRIC, example="cot(x)")
def cot(x: Floats) -> Node:
    """cos(x)/sin(x)."""
    return apply("divide", apply("cos", x), apply("sin", x))


@function(TRIGONOMETRIC, "radians", "rad", example="deg2rad(x)")
def deg2rad(x: Floats) -> Node:
    """Degrees to radians."""
    return apply("multiply", x, constant(math.pi / 180, x.dtype))


@function(TRIGONOMETRIC, "degrees", "deg", example="rad2deg(x)")
def rad2deg(x: Floats) -> Node:
    """Radians to degrees."""
    return apply("multiply", x, constant(180 / math.pi, x.dtype))


_keeping_integers("sign", ROUNDING, "sgn", "signum")
_unary("floor", ROUNDING)
_unary("ceil", ROUNDING, "ceiling")
_unary("trunc", ROUNDING, "fix")
_unary("rint", ROUNDING)


@function(ROUNDING, "around", kinks="a step: derivative 0, at the jumps too", example="round(x)")
def round_(x: Floats, decimals: Whole = 0) -> Node:
    """The nearest whole number, half to even; or to a number of decimals."""
    if abs(decimals) > 300:
        raise FormulaError(f"round takes at most 300 decimals, not {decimals}")
    if not decimals:
        return apply("rint", x)
    scale = constant(10.0**decimals, x.dtype)
    return apply("divide", apply("rint", apply("multiply", x, scale)), scale)


@function(ROUNDING, example="modf(x)[0]")
def modf(x: Floats) -> Value:
    """The fraction and the whole part, both with the sign of the entry."""
    whole = apply("trunc", x)
    return apply("subtract", x, whole), whole


@function(ARITHMETIC, example="divmod(x, y)[0]")
def divmod_(x: Any, y: Any, context: Context) -> Value:
    """x // y and x % y."""
    return binary(context, "floor_divide", x, y), binary(context, "remainder", x, y)


@function(EXPONENTIAL, example="ldexp(x, 3)")
def ldexp(x: Floats, n: Floats) -> Node:
    """x*2**n for whole numbers n."""
    return apply("multiply", x, apply("exp2", apply("stop_gradient", n)))


@function(EXPONENTIAL, kinks="the exponent is a step: derivative 0", example="frexp(x)[0]")
def frexp(x: Floats) -> Value:
    """Mantissa from 1/2 to 1 and exponent of 2."""
    exponent = apply("binary_exponent", x)
    return apply("multiply", x, apply("exp2", apply("negative", exponent))), exponent


@function(ROUNDING, example="frac(x)")
def frac(x: Floats) -> Node:
    """The fraction, with the sign of the entry."""
    return apply("subtract", x, apply("trunc", x))


for _name, _sign in (("less", "lt"), ("less_equal", "le"), ("equal", "eq"), ("not_equal", "ne")):
    _binary(_name, LOGIC, _sign)


def _swapped(name: str, primitive: str, *synonyms: str) -> None:
    def build(x: Any, y: Any, context: Context) -> Value:
        return context.array(binary(context, primitive, y, x))

    build.__doc__ = (
        f"Whether the first entry is {name.replace('_', ' or ')}{'' if 'equal' in name else ' than the second'}."
    )
    function(LOGIC, *synonyms, name=name, kinks="a step: derivative 0", example=f"{name}(x, y)")(build)


_swapped("greater", "less", "gt")
_swapped("greater_equal", "less_equal", "ge")


_LOGIC_NAMES = {
    "logical_and": ("bitwise_and", "And"),
    "logical_or": ("bitwise_or", "Or"),
    "logical_xor": ("bitwise_xor", "Xor"),
}


def _logical(name: str) -> None:
    row = table()[name]

    def build(x: Any, y: Any, context: Context) -> Node:
        return apply(name, as_mask(context, x), as_mask(context, y))

    build.__doc__ = row.doc
    function(LOGIC, *_LOGIC_NAMES[name], name=name, example=f"{name}(x > 0, y > 0)")(build)


_logical("logical_and")
_logical("logical_or")
_logical("logical_xor")


@function(LOGIC, "bitwise_not", "bitwise_invert", "invert", "Not", example="logical_not(x > 0)")
def logical_not(x: Any, context: Context) -> Node:
    """The opposite truth value."""
    return apply("logical_not", as_mask(context, x))


_unary("isnan", LOGIC)
_unary("isfinite", LOGIC, "is_finite")
_unary("isinf", LOGIC)
_unary("signbit", LOGIC)
_binary("nextafter", LOGIC)
