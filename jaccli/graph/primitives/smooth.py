"""Functions of one or two entries: exponentials, logarithms, circular and hyperbolic functions, erf.

Derivatives reuse the output where that costs no digits, and take a stable form where it would: the slope
of tanh is 4e/(1+e)² with e = exp(-2|x|), not 1 - tanh², which is 0 for x > 19. Formulas are those of
Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4 and 7.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, broadcast_to, constant, select
from jaccli.graph.primitive import Masked, elementwise
from jaccli.graph.primitives.arithmetic import AWAY_FROM_ZERO
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

ANY = (-2.5, 2.5)
POSITIVE = (0.1, 4.0)
INSIDE = (-0.9, 0.9)


def on_domain(slope: Node, value: Node) -> Node:
    """The slope, but NaN where the function has no value."""
    return apply("on_domain", slope, value)


elementwise(
    "on_domain",
    "The first entry, or NaN where the second is NaN: no finite slope where a function has no value.",
    lambda slope, value: np.where(np.isnan(value), np.nan, slope),
    lambda g, y, slope, value: on_domain(g, value),
    None,
    ranges=(ANY, ANY),
    symbolic=lambda sympy, slope, value: slope,
)
elementwise(
    "exp",
    "Exponential.",
    lambda x: np.exp(x),
    lambda g, y, x: g * y,
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.exp(x),
)
elementwise(
    "expm1",
    "exp(x) - 1 without cancellation near 0.",
    lambda x: np.expm1(x),
    lambda g, y, x: g * apply("exp", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.exp(x) - 1,
)
elementwise(
    "exp2",
    "2 to the power of the entry.",
    lambda x: np.exp2(x),
    lambda g, y, x: g * (y * math.log(2)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.Integer(2) ** x,
)
elementwise(
    "log",
    "Natural logarithm.",
    lambda x: np.log(x),
    lambda g, y, x: g / x,
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log2",
    "Logarithm to base 2.",
    lambda x: np.log2(x),
    lambda g, y, x: g / (x * math.log(2)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x) / sympy.log(2),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log10",
    "Logarithm to base 10.",
    lambda x: np.log10(x),
    lambda g, y, x: g / (x * math.log(10)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x) / sympy.log(10),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log1p",
    "log(1 + x) without cancellation near 0.",
    lambda x: np.log1p(x),
    lambda g, y, x: g / (1.0 + x),
    ranges=((-0.8, 4.0),),
    symbolic=lambda sympy, x: sympy.log(1 + x),
    kinks="infinite at -1, NaN below",
)
elementwise(
    "sqrt",
    "Square root.",
    lambda x: np.sqrt(x),
    lambda g, y, x: g / (2.0 * y),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.sqrt(x),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "cbrt",
    "Cube root over the reals.",
    lambda x: np.cbrt(x),
    lambda g, y, x: g / (3.0 * (y * y)),
    ranges=(AWAY_FROM_ZERO,),
    symbolic=lambda sympy, x: sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3),
    kinks="infinite at 0",
)
elementwise(
    "abs",
    "Absolute value.",
    lambda x: np.abs(x),
    lambda g, y, x: g * apply("sign", x),
    ranges=(AWAY_FROM_ZERO,),
    floats=False,
    symbolic=lambda sympy, x: sympy.Abs(x),
    kinks="0 at 0, the middle of -1 and 1",
)
elementwise(
    "sin",
    "Sine.",
    lambda x: np.sin(x),
    lambda g, y, x: g * apply("cos", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.sin(x),
)
elementwise(
    "cos",
    "Cosine.",
    lambda x: np.cos(x),
    lambda g, y, x: -(g * apply("sin", x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.cos(x),
)
elementwise(
    "tan",
    "Tangent.",
    lambda x: np.tan(x),
    lambda g, y, x: g * (1.0 + y * y),
    ranges=((-1.3, 1.3),),
    symbolic=lambda sympy, x: sympy.tan(x),
)
elementwise(
    "arcsin",
    "Inverse sine, between -pi/2 and pi/2.",
    lambda x: np.arcsin(x),
    lambda g, y, x: g / apply("sqrt", (1.0 - x) * (1.0 + x)),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.asin(x),
    kinks="infinite at -1 and 1, NaN outside",
)
elementwise(
    "arccos",
    "Inverse cosine, between 0 and pi.",
    lambda x: np.arccos(x),
    lambda g, y, x: -(g / apply("sqrt", (1.0 - x) * (1.0 + x))),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.acos(x),
    kinks="minus infinity at -1 and 1, NaN outside",
)
elementwise(
    "arctan",
    "Inverse tangent, between -pi/2 and pi/2.",
    lambda x: np.arctan(x),
    lambda g, y, x: g / (1.0 + x * x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.atan(x),
)
elementwise(
    "sinh",
    "Hyperbolic sine.",
    lambda x: np.sinh(x),
    lambda g, y, x: g * apply("cosh", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.sinh(x),
)
elementwise(
    "cosh",
    "Hyperbolic cosine.",
    lambda x: np.cosh(x),
    lambda g, y, x: g * apply("sinh", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.cosh(x),
)
elementwise(
    "tanh",
    "Hyperbolic tangent.",
    lambda x: np.tanh(x),
    lambda g, y, x: g * apply("tanh_slope", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.tanh(x),
)


def _tanh_slope(x: Any) -> Any:
    e = np.exp(-2.0 * np.abs(x))
    return 4.0 * e / np.square(1.0 + e)


elementwise(
    "tanh_slope",
    "1 - tanh(x)**2 without cancellation.",
    _tanh_slope,
    lambda g, y, x: g * (-2.0 * (apply("tanh", x) * y)),
    ranges=(ANY,),
    template="1 - tanh({0})**2",
    symbolic=lambda sympy, x: sympy.sech(x) ** 2,
)
elementwise(
    "arcsinh",
    "Inverse hyperbolic sine.",
    lambda x: np.arcsinh(x),
    lambda g, y, x: g / apply("hypot", x, constant(1.0, x.dtype)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.asinh(x),
)
elementwise(
    "arccosh",
    "Inverse hyperbolic cosine.",
    lambda x: np.arccosh(x),
    lambda g, y, x: g / apply("sqrt", (x - 1.0) * (x + 1.0)),
    ranges=((1.2, 4.0),),
    symbolic=lambda sympy, x: sympy.acosh(x),
    kinks="infinite at 1, NaN below",
)
elementwise(
    "arctanh",
    "Inverse hyperbolic tangent.",
    lambda x: np.arctanh(x),
    lambda g, y, x: g / ((1.0 - x) * (1.0 + x)),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.atanh(x),
    kinks="infinite at -1 and 1, NaN outside",
)
elementwise(
    "arctan2",
    "Angle of the point (x, y), first argument y.",
    lambda a, b: np.arctan2(a, b),
    lambda g, y, a, b: g * (b / apply("hypot", a, b) / apply("hypot", a, b)),
    lambda g, y, a, b: -(g * (a / apply("hypot", a, b) / apply("hypot", a, b))),
    ranges=(AWAY_FROM_ZERO, ANY),
    symbolic=lambda sympy, a, b: sympy.atan2(a, b),
    kinks="NaN at the origin, where the angle has no limit",
)


def _hypot_leg(g: Node, y: Node, leg: Node) -> Masked:
    live = apply("not_equal", y, constant(0.0, y.dtype))
    return Masked(select(live, g * (leg / y), 0.0), live)


elementwise(
    "hypot",
    "sqrt(x**2 + y**2) without overflow.",
    lambda a, b: np.hypot(a, b),
    lambda g, y, a, b: _hypot_leg(g, y, a),
    lambda g, y, a, b: _hypot_leg(g, y, b),
    ranges=(AWAY_FROM_ZERO, ANY),
    symbolic=lambda sympy, a, b: sympy.sqrt(a**2 + b**2),
    kinks="0 at the origin, the smallest element of the subdifferential",
)


def _share(g: Node, y: Node, own: Node, other: Node) -> Node:
    tie = apply("equal", own, other)
    return g * apply("sigmoid", select(tie, 0.0, own - other))


elementwise(
    "logaddexp",
    "log(exp(x) + exp(y)) without overflow.",
    lambda a, b: np.logaddexp(a, b),
    lambda g, y, a, b: _share(g, y, a, b),
    lambda g, y, a, b: _share(g, y, b, a),
    ranges=(ANY, ANY),
    symbolic=lambda sympy, a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
    kinks="two equal infinities share equally",
)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, x.dtype.type(1.0), e) / (1.0 + e)


elementwise(
    "sigmoid",
    "1/(1 + exp(-x)) without overflow.",
    _sigmoid,
    lambda g, y, x: g * (y * apply("sigmoid", -x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: 1 / (1 + sympy.exp(-x)),
)
elementwise(
    "softplus",
    "log(1 + exp(x)) without overflow.",
    lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    lambda g, y, x: g * apply("sigmoid", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.log(1 + sympy.exp(x)),
)


def _xlogy_second(g: Node, y: Node, a: Node, b: Node) -> Masked:
    live = apply("not_equal", a, constant(0.0, a.dtype))
    return Masked(select(live, g * (a / b), 0.0), broadcast_to(live, y.shape))


elementwise(
    "xlogy",
    "x*log(y), and 0 where x is 0.",
    lambda a, b: np.where((a == 0) & ~np.isnan(b), 0.0, a * np.log(b)),
    lambda g, y, a, b: g * apply("log", b),
    _xlogy_second,
    ranges=(ANY, POSITIVE),
    symbolic=lambda sympy, a, b: a * sympy.log(b),
    kinks="where x is 0 the slope in y is 0",
)
elementwise(
    "erf",
    "Error function.",
    lambda x: special.erf(x),
    lambda g, y, x: g * (2 / math.sqrt(math.pi) * apply("exp", -(x * x))),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erf(x),
)
elementwise(
    "erfc",
    "Complementary error function, 1 - erf(x).",
    lambda x: special.erfc(x),
    lambda g, y, x: -(g * (2 / math.sqrt(math.pi) * apply("exp", -(x * x)))),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erfc(x),
)
