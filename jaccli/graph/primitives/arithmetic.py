"""Arithmetic of entries: sums, products, powers, remainders, choice between two values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, filled, scalar_value, select
from jaccli.graph.primitive import Case, Masked, Prepared, Primitive, Ufunc, elementwise, register
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANY = (-3.0, 3.0)
AWAY_FROM_ZERO = (0.3, 3.0)
POSITIVE = (0.1, 4.0)

elementwise(
    "add",
    "Sum of two arrays.",
    Ufunc("numpy", "add"),
    lambda g, y, a, b: g,
    lambda g, y, a, b: g,
    ranges=(ANY, ANY),
    floats=False,
    template="{0} + {1}",
    symbolic=lambda sympy, a, b: a + b,
)
elementwise(
    "subtract",
    "Difference of two arrays.",
    Ufunc("numpy", "subtract"),
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    ranges=(ANY, ANY),
    floats=False,
    template="{0} - {1}",
    symbolic=lambda sympy, a, b: a - b,
)
elementwise(
    "negative",
    "The opposite of every entry.",
    Ufunc("numpy", "negative"),
    lambda g, y, x: -g,
    ranges=(ANY,),
    floats=False,
    template="-{0}",
    symbolic=lambda sympy, x: -x,
)
elementwise(
    "multiply",
    "Product, entry by entry.",
    Ufunc("numpy", "multiply"),
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    ranges=(ANY, ANY),
    floats=False,
    template="{0}*{1}",
    symbolic=lambda sympy, a, b: a * b,
)
elementwise(
    "divide",
    "Quotient, entry by entry.",
    Ufunc("numpy", "divide"),
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -(g * y / b),
    ranges=(ANY, AWAY_FROM_ZERO),
    template="{0}/{1}",
    symbolic=lambda sympy, a, b: a / b,
    kinks="at a zero denominator the slope of the numerator is infinite with the sign of the denominator",
)


def power_numbers(base: Any, exponent: Any) -> Any:
    """`base**exponent`, by the cheap instruction where the exponent is one small number."""
    if np.ndim(exponent) == 0:
        fixed = float(exponent)
        if fixed == 2.0:
            return np.square(base)
        if fixed == 1.0:
            return np.asarray(base).copy()
        if fixed == -1.0:
            return np.reciprocal(base)
        if fixed == 0.5:
            return np.sqrt(base)
        if fixed == 3.0:
            return np.multiply(np.square(base), base)
    return np.power(base, exponent)


_CHEAP: dict[Any, str] = {2.0: "square", -1.0: "reciprocal", 0.5: "sqrt"}


def _power_by(node: Node) -> Callable[..., Any]:
    cheap: Callable[..., Any] = getattr(np, _CHEAP[scalar_value(node.args[1])]) if _is_cheap(node) else power_numbers
    return cheap


def _is_cheap(node: Node) -> bool:
    return node.is_float and scalar_value(node.args[1]) in _CHEAP


def _power_base(g: Node, y: Node, a: Node, b: Node) -> Node | Masked:
    fixed = scalar_value(b)
    if fixed is not None:
        if fixed == 0:
            nowhere = filled(y.shape, False, "bool")
            return Masked(filled(y.shape, 0.0, g.dtype), nowhere)
        return g * (b * a) if fixed == 2 else g if fixed == 1 else g * (b * a ** (fixed - 1.0))
    live = apply("not_equal", b, constant(0.0, b.dtype))
    if b.reads_input:
        # Away from the base 0 an exponent of 0 is one like others: the slope of this slope in it is 1/a.
        live = live | (apply("abs", a) > 0.0)
    return Masked(select(live, g * (b * a ** (b - 1.0)), 0.0), broadcast_to(live, y.shape))


def _power_exponent(g: Node, y: Node, a: Node, b: Node) -> Node:
    base = scalar_value(a)
    if base is not None and base > 0:
        return g * (y * math.log(base))
    if a is b:
        # x**x: towards 0 the slope of the exponent goes to minus infinity.
        return g * (y * apply("log", a))
    zero = apply("equal", a, constant(0.0, a.dtype))
    at_zero = select(b >= 0.0, 0.0 * b, math.nan)
    return g * select(zero, at_zero, y * apply("log", a))


elementwise(
    "power",
    "Base to the power of an exponent, entry by entry, over the reals.",
    Prepared(power_numbers, _power_by, lambda node: 1 if _is_cheap(node) else 2),
    _power_base,
    _power_exponent,
    ranges=(POSITIVE, ANY),
    floats=False,
    template="{0}**{1}",
    symbolic=lambda sympy, a, b: a**b,
    kinks="x**0 is constant; 0**y has slope 0 in y for y >= 0; a negative base has no derivative in the exponent",
)


def _weight(g: Node, y: Node, loses: Node, ties: Node) -> Masked:
    """g where this argument wins, half of it at a tie, NaN where either is NaN."""
    live = ~loses
    return Masked(select(live, apply("on_domain", select(ties, 0.5 * g, g), y), 0.0), live)


elementwise(
    "maximum",
    "The larger of two entries.",
    Ufunc("numpy", "maximum"),
    lambda g, y, a, b: _weight(g, y, a < b, apply("equal", a, b)),
    lambda g, y, a, b: _weight(g, y, b < a, apply("equal", a, b)),
    ranges=(ANY, ANY),
    floats=False,
    symbolic=lambda sympy, a, b: sympy.Max(a, b),
    kinks="at a tie each argument gets half",
)
elementwise(
    "minimum",
    "The smaller of two entries.",
    Ufunc("numpy", "minimum"),
    lambda g, y, a, b: _weight(g, y, a > b, apply("equal", a, b)),
    lambda g, y, a, b: _weight(g, y, b > a, apply("equal", a, b)),
    ranges=(ANY, ANY),
    floats=False,
    symbolic=lambda sympy, a, b: sympy.Min(a, b),
    kinks="at a tie each argument gets half",
)


def _inside(g: Node, y: Node, x: Node, low: Node, high: Node) -> Masked:
    live = ~((x < low) | (x > high))
    return Masked(select(live, g, 0.0), live)


def _at_low(g: Node, y: Node, x: Node, low: Node, high: Node) -> Masked:
    live = (x < low) & (low <= high)
    return Masked(select(live, g, 0.0), live)


def _at_high(g: Node, y: Node, x: Node, low: Node, high: Node) -> Masked:
    live = (x > high) | (low > high)
    return Masked(select(live, g, 0.0), live)


elementwise(
    "clip",
    "The entry, kept between two bounds.",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    _inside,
    _at_low,
    _at_high,
    ranges=(ANY, (-2.0, -0.5), (0.5, 2.0)),
    floats=False,
    symbolic=lambda sympy, x, low, high: sympy.Min(sympy.Max(x, low), high),
    kinks="on a bound the derivative stays with the entry: the interval is closed",
)


def _taken(g: Node, y: Node, condition: Node, chosen: Node, other: Node) -> Masked:
    return Masked(select(condition, g, 0.0), broadcast_to(condition, y.shape))


def _left(g: Node, y: Node, condition: Node, chosen: Node, other: Node) -> Masked:
    return Masked(select(condition, 0.0, g), broadcast_to(~condition, y.shape))


elementwise(
    "where",
    "The one or the other entry, by a condition.",
    lambda condition, chosen, other: np.where(condition, chosen, other),
    None,
    _taken,
    _left,
    ranges=(None, ANY, ANY),
    floats=False,
    symbolic=lambda sympy, condition, chosen, other: sympy.Piecewise((chosen, condition), (other, True)),
    kinks="the branch that is not taken contributes exactly 0",
)
elementwise(
    "remainder",
    "Remainder with the sign of the divisor, as Python's %.",
    Ufunc("numpy", "remainder"),
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * apply("floor_divide", a, b)),
    ranges=((0.2, 0.9), (1.0, 2.0)),
    floats=False,
    template="{0} % {1}",
    symbolic=lambda sympy, a, b: a - b * sympy.floor(a / b),
    kinks="at a jump the formula's value: slope 1 in the dividend",
)
elementwise(
    "fmod",
    "Remainder with the sign of the dividend, as C's fmod.",
    Ufunc("numpy", "fmod"),
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * apply("rint", (a - y) / b)),
    ranges=((0.2, 0.9), (1.0, 2.0)),
    floats=False,
    symbolic=lambda sympy, a, b: a - b * sympy.sign(a / b) * sympy.floor(sympy.Abs(a / b)),
    kinks="at a jump the formula's value: slope 1 in the dividend",
)
elementwise(
    "floor_divide",
    "Quotient rounded down.",
    Ufunc("numpy", "floor_divide"),
    None,
    None,
    ranges=((0.2, 0.9), (1.0, 2.0)),
    floats=False,
    template="{0} // {1}",
    symbolic=lambda sympy, a, b: sympy.floor(a / b),
    kinks="a step: derivative 0, at the jumps too",
)


def _cast_shape(x: Node, dtype: Any) -> Any:
    return x.shape, dtype


def _cast_pullback(index: int, g: Node, node: Node) -> Node:
    return cast(g, node.args[0].dtype)


register(
    Primitive(
        "cast",
        "The same entries in another dtype.",
        _cast_shape,
        Prepared(lambda x, dtype: np.asarray(x).astype(dtype), lambda node: lambda x: x.astype(node.dtype)),
        _cast_pullback,
        "elementwise",
        batch=lambda node, args, batched, size: apply("cast", args[0], **node.params),
        cases=(Case(((2, 3),), (ANY,), {"dtype": "float64"}),),
    )
)
