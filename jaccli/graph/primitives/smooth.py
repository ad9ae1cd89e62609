"""Functions of one or two entries: exponentials, logarithms, circular and hyperbolic functions, erf.

Derivatives reuse the output where that costs no digits, and take a stable form where it would: the slope
of tanh is 4e/(1+e)² with e = exp(-2|x|), not 1 - tanh², which is 0 for x > 19. Formulas are those of
Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, broadcast_to, constant, select
from jaccli.graph.primitive import Kernel, Masked, Ufunc, elementwise
from jaccli.graph.primitives.arithmetic import AWAY_FROM_ZERO
from jaccli.graph.primitives.removable import by_size
from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

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
    Ufunc("numpy", "exp"),
    lambda g, y, x: g * y,
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.exp(x),
)
elementwise(
    "expm1",
    "exp(x) - 1 without cancellation near 0.",
    Ufunc("numpy", "expm1"),
    lambda g, y, x: g * apply("exp", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.exp(x) - 1,
)
elementwise(
    "exp2",
    "2 to the power of the entry.",
    Ufunc("numpy", "exp2"),
    lambda g, y, x: g * (y * math.log(2)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.Integer(2) ** x,
)
elementwise(
    "log",
    "Natural logarithm.",
    Ufunc("numpy", "log"),
    lambda g, y, x: g / x,
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log2",
    "Logarithm to base 2.",
    Ufunc("numpy", "log2"),
    lambda g, y, x: g / (x * math.log(2)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x) / sympy.log(2),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log10",
    "Logarithm to base 10.",
    Ufunc("numpy", "log10"),
    lambda g, y, x: g / (x * math.log(10)),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.log(x) / sympy.log(10),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "log1p",
    "log(1 + x) without cancellation near 0.",
    Ufunc("numpy", "log1p"),
    lambda g, y, x: g / (1.0 + x),
    ranges=((-0.8, 4.0),),
    symbolic=lambda sympy, x: sympy.log(1 + x),
    kinks="infinite at -1, NaN below",
)
elementwise(
    "sqrt",
    "Square root.",
    Ufunc("numpy", "sqrt"),
    lambda g, y, x: g / (2.0 * y),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.sqrt(x),
    kinks="infinite at 0, NaN below",
)
elementwise(
    "cbrt",
    "Cube root over the reals.",
    Ufunc("numpy", "cbrt"),
    lambda g, y, x: g / (3.0 * (y * y)),
    ranges=(AWAY_FROM_ZERO,),
    symbolic=lambda sympy, x: sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3),
    kinks="infinite at 0",
)
elementwise(
    "abs",
    "Absolute value.",
    Ufunc("numpy", "abs"),
    lambda g, y, x: g * apply("sign", x),
    ranges=(AWAY_FROM_ZERO,),
    floats=False,
    symbolic=lambda sympy, x: sympy.Abs(x),
    kinks="0 at 0, the middle of -1 and 1",
)
elementwise(
    "sin",
    "Sine.",
    Ufunc("numpy", "sin"),
    lambda g, y, x: g * apply("cos", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.sin(x),
)
elementwise(
    "cos",
    "Cosine.",
    Ufunc("numpy", "cos"),
    lambda g, y, x: -(g * apply("sin", x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.cos(x),
)
elementwise(
    "tan",
    "Tangent.",
    Ufunc("numpy", "tan"),
    lambda g, y, x: g * (1.0 + y * y),
    ranges=((-1.3, 1.3),),
    symbolic=lambda sympy, x: sympy.tan(x),
)
elementwise(
    "arcsin",
    "Inverse sine, between -pi/2 and pi/2.",
    Ufunc("numpy", "arcsin"),
    lambda g, y, x: g / apply("sqrt", (1.0 - x) * (1.0 + x)),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.asin(x),
    kinks="infinite at -1 and 1, NaN outside",
)
elementwise(
    "arccos",
    "Inverse cosine, between 0 and pi.",
    Ufunc("numpy", "arccos"),
    lambda g, y, x: -(g / apply("sqrt", (1.0 - x) * (1.0 + x))),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.acos(x),
    kinks="minus infinity at -1 and 1, NaN outside",
)
elementwise(
    "arctan",
    "Inverse tangent, between -pi/2 and pi/2.",
    Ufunc("numpy", "arctan"),
    lambda g, y, x: g / (1.0 + x * x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.atan(x),
)
elementwise(
    "sinh",
    "Hyperbolic sine.",
    Ufunc("numpy", "sinh"),
    lambda g, y, x: g * apply("cosh", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.sinh(x),
)
elementwise(
    "cosh",
    "Hyperbolic cosine.",
    Ufunc("numpy", "cosh"),
    lambda g, y, x: g * apply("sinh", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.cosh(x),
)
elementwise(
    "tanh",
    "Hyperbolic tangent.",
    Ufunc("numpy", "tanh"),
    lambda g, y, x: g * apply("tanh_slope", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.tanh(x),
)


def _few_tanh_slopes() -> Callable[[Any], Any]:
    square, reciprocal, cosh = np.square, np.reciprocal, np.cosh
    return lambda x: square(reciprocal(cosh(x)))


def _tanh_slope(out: Any, x: Any) -> None:
    np.abs(x, out=out)
    np.multiply(out, -2.0, out=out)
    np.exp(out, out=out)
    below = np.add(out, 1.0)
    below *= below
    np.divide(out, below, out=out)
    np.multiply(out, 4.0, out=out)


elementwise(
    "tanh_slope",
    "1 - tanh(x)**2 without cancellation.",
    # The square comes last, for it may underflow.
    Kernel(_tanh_slope, few=_few_tanh_slopes),
    lambda g, y, x: g * (-2.0 * (apply("tanh", x) * y)),
    ranges=(ANY,),
    template="1 - tanh({0})**2",
    symbolic=lambda sympy, x: sympy.sech(x) ** 2,
)
elementwise(
    "arcsinh",
    "Inverse hyperbolic sine.",
    Ufunc("numpy", "arcsinh"),
    lambda g, y, x: g / apply("hypot", x, constant(1.0, x.dtype)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.asinh(x),
)
elementwise(
    "arccosh",
    "Inverse hyperbolic cosine.",
    Ufunc("numpy", "arccosh"),
    lambda g, y, x: g / apply("sqrt", (x - 1.0) * (x + 1.0)),
    ranges=((1.2, 4.0),),
    symbolic=lambda sympy, x: sympy.acosh(x),
    kinks="infinite at 1, NaN below",
)
elementwise(
    "arctanh",
    "Inverse hyperbolic tangent.",
    Ufunc("numpy", "arctanh"),
    lambda g, y, x: g / ((1.0 - x) * (1.0 + x)),
    ranges=(INSIDE,),
    symbolic=lambda sympy, x: sympy.atanh(x),
    kinks="infinite at -1 and 1, NaN outside",
)
elementwise(
    "arctan2",
    "Angle of the point (x, y), first argument y.",
    Ufunc("numpy", "arctan2"),
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
    Ufunc("numpy", "hypot"),
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
    Ufunc("numpy", "logaddexp"),
    lambda g, y, a, b: _share(g, y, a, b),
    lambda g, y, a, b: _share(g, y, b, a),
    ranges=(ANY, ANY),
    symbolic=lambda sympy, a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
    kinks="two equal infinities share equally",
)


def _sigmoid(out: Any, x: Any) -> None:
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    below = np.add(out, 1.0)
    np.copyto(out, 1.0, where=np.greater_equal(x, 0.0))
    np.divide(out, below, out=out)


elementwise(
    "sigmoid",
    "1/(1 + exp(-x)) without overflow.",
    Kernel(_sigmoid),
    lambda g, y, x: g * (y * apply("sigmoid", -x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: 1 / (1 + sympy.exp(-x)),
)


def _softplus(out: Any, x: Any) -> None:
    rising = np.maximum(x, 0.0)
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.add(out, rising, out=out)


elementwise(
    "softplus",
    "log(1 + exp(x)) without overflow.",
    Kernel(_softplus),
    lambda g, y, x: g * apply("sigmoid", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.log(1 + sympy.exp(x)),
)


def counts(a: Node, inside: Node) -> Node:
    """Where the slope in a second argument counts: the first is not 0, or it is an input and the slope is finite.

    A weight that is 0 now and can change has a slope in the slope: masking it would lose the mixed derivative.
    """
    live = apply("not_equal", a, constant(0.0, a.dtype))
    return live | inside if a.reads_input else live


def _xlogy_second(g: Node, y: Node, a: Node, b: Node) -> Masked:
    live = counts(a, b > 0.0)
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
    Ufunc("scipy.special", "erf"),
    lambda g, y, x: g * (2 / math.sqrt(math.pi) * apply("exp_square", x, scale=-1.0)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erf(x),
)


def _tanhshrink(x: Any) -> Any:
    def near(part: Any) -> Any:
        square = part * part
        tail = np.zeros_like(part)
        for k in range(35, 1, -2):
            tail = square / (k + tail)
        return part * (tail / (1.0 + tail))

    return by_size(x, 2.0, near, lambda part: part - np.tanh(part))


elementwise(
    "tanhshrink",
    "x - tanh(x) without cancellation near 0, by the continued fraction of tanh.",
    _tanhshrink,
    lambda g, y, x: g * (apply("tanh", x) * apply("tanh", x)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: x - sympy.tanh(x),
)
