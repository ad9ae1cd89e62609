"""Integrals without a closed form: exponential, sine, Fresnel and elliptic integrals, Dawson's, the dilogarithm,
hypergeometric functions, and Lambert's W.

Their slopes are elementary; where the textbook form cancels or is 0/0 another one is taken. Source: Abramowitz and
Stegun, Handbook of Mathematical Functions, chapters 5, 7, 15 and 17; elliptic integrals by B. Carlson's symmetric
forms.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply, constant, select
from jaccli.graph.primitive import elementwise
from jaccli.graph.primitives.parametric import parametric
from jaccli.graph.primitives.special import exp_square, exp_square_numeric
from jaccli.lazy import lazy
from jaccli.numbers.angles import cosine_of_pi, sine_of_pi
from jaccli.numbers.dilogarithm import dilogarithm
from jaccli.numbers.gaussian import dawson, dawson_slope, erfi_near

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

ANY = (-3.0, 3.0)
POSITIVE = (0.2, 4.0)

elementwise(
    "expi",
    "Exponential integral Ei.",
    lambda x: special.expi(x),
    lambda g, y, x: g * (apply("exp", x) / x),
    ranges=(POSITIVE,),
    symbolic=lambda sympy, x: sympy.Ei(x),
    kinks="infinite at 0",
)


def _expn(x: Any, order: int) -> Any:
    x = np.asarray(x)
    found = np.exp(-x) / x if order == 0 else special.exp1(x) if order == 1 else special.expn(order, x)
    return np.asarray(found, x.dtype)


parametric(
    "expn",
    "Exponential integral E_n of a fixed whole order.",
    _expn,
    lambda g, y, x: (
        -(g * (apply("expn", x, order=y.params["order"] - 1) if y.params["order"] else y * (1.0 + 1.0 / x)))
    ),
    variants=tuple(({"order": order}, (POSITIVE,)) for order in (0, 1, 3)),
    template="expn({order}, {0})",
    symbolic=lambda sympy, x, order: sympy.expint(order, x),
    kinks="minus infinity at 0 for orders 0 and 1",
)


def _sine_integral(position: int) -> Any:
    return lambda x: special.sici(x)[position]


def _hyperbolic_integral(position: int) -> Any:
    return lambda x: special.shichi(x)[position]


elementwise(
    "sine_integral",
    "Sine integral Si.",
    _sine_integral(0),
    lambda g, y, x: g * apply("sinc", x, order=0, pi=False),
    ranges=(ANY,),
    template="Si({0})",
    symbolic=lambda sympy, x: sympy.Si(x),
)
elementwise(
    "cosine_integral",
    "Cosine integral Ci.",
    _sine_integral(1),
    lambda g, y, x: g * (apply("cos", x) / x),
    ranges=(POSITIVE,),
    template="Ci({0})",
    symbolic=lambda sympy, x: sympy.Ci(x),
    kinks="infinite at 0",
)
elementwise(
    "hyperbolic_sine_integral",
    "Hyperbolic sine integral Shi.",
    _hyperbolic_integral(0),
    lambda g, y, x: g * (0.5 * (apply("exprel", x, order=0) + apply("exprel", -x, order=0))),
    ranges=(ANY,),
    template="Shi({0})",
    symbolic=lambda sympy, x: sympy.Shi(x),
)
elementwise(
    "hyperbolic_cosine_integral",
    "Hyperbolic cosine integral Chi.",
    _hyperbolic_integral(1),
    lambda g, y, x: g * (apply("cosh", x) / x),
    ranges=(POSITIVE,),
    template="Chi({0})",
    symbolic=lambda sympy, x: sympy.Chi(x),
    kinks="infinite at 0",
)


def _phase(x: Any, cosine: bool) -> Any:
    """sin or cos of pi*x**2/2; the square is reduced in two parts, so that large x keeps its digits."""
    wide = np.clip(np.asarray(x, np.float64), -1e8, 1e8)
    high = wide.astype(np.float32).astype(np.float64)
    low = wide - high
    turns = np.fmod(0.5 * high * high, 2.0) + np.fmod(low * (0.5 * low + high), 2.0)
    found = cosine_of_pi(turns) if cosine else sine_of_pi(turns)
    return found.astype(np.asarray(x).dtype, copy=False)


def _phase_slope(g: Node, y: Node, x: Node) -> Node:
    other = math.pi * (x * apply("fresnel_phase", x, cosine=not y.params["cosine"]))
    return g * (-other if y.params["cosine"] else other)


parametric(
    "fresnel_phase",
    "sin or cos of pi*x**2/2.",
    _phase,
    _phase_slope,
    variants=tuple(({"cosine": cosine}, (ANY,)) for cosine in (False, True)),
    template="fresnel_phase({0}, cosine={cosine})",
    symbolic=lambda sympy, x, cosine: (sympy.cos if cosine else sympy.sin)(sympy.pi * x**2 / 2),
)
parametric(
    "fresnel",
    "Fresnel integral S or C.",
    lambda x, cosine: np.asarray(special.fresnel(x)[int(cosine)], np.asarray(x).dtype),
    lambda g, y, x: g * apply("fresnel_phase", x, cosine=y.params["cosine"]),
    variants=tuple(({"cosine": cosine}, (ANY,)) for cosine in (False, True)),
    template="fresnel({0})[{cosine:d}]",
    symbolic=lambda sympy, x, cosine: (sympy.fresnelc if cosine else sympy.fresnels)(x),
)


def _dawson(x: Any) -> Any:
    return special.dawsn(x) if np.iscomplexobj(x) else dawson(x)


def _erfi(x: Any) -> Any:
    x = np.asarray(x)
    if np.iscomplexobj(x):
        return special.erfi(x)
    near = np.abs(x) < 1.0
    small, large = np.where(near, x, 0.0), np.where(near, 1.0, x)
    # Where the square overflows, Dawson's integral does not matter.
    grown = exp_square_numeric(large, 1.0) * (2.0 / math.sqrt(math.pi) * dawson(np.clip(large, -1e3, 1e3)))
    return np.where(near, erfi_near(small), grown).astype(x.dtype, copy=False)


elementwise(
    "erfi",
    "Imaginary error function, -i*erf(i*x).",
    _erfi,
    lambda g, y, x: g * (2.0 / math.sqrt(math.pi) * exp_square(x, 1.0)),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.erfi(x),
)
elementwise(
    "dawsn",
    "Dawson's integral.",
    _dawson,
    lambda g, y, x: g * apply("dawsn_slope", x),
    ranges=(ANY,),
    symbolic=lambda sympy, x: sympy.sqrt(sympy.pi) / 2 * sympy.exp(-(x**2)) * sympy.erfi(x),
)
elementwise(
    "dawsn_slope",
    "1 - 2*x*dawsn(x), far out without cancellation.",
    dawson_slope,
    lambda g, y, x: -(g * (2.0 * (apply("dawsn", x) + x * y))),
    ranges=(ANY,),
    template="(1 - 2*({0})*dawsn({0}))",
    symbolic=lambda sympy, x: 1 - sympy.sqrt(sympy.pi) * x * sympy.exp(-(x**2)) * sympy.erfi(x),
)
elementwise(
    "spence",
    "Dilogarithm of 1 - x.",
    lambda x: special.spence(x) if np.iscomplexobj(x) else dilogarithm(x),
    lambda g, y, x: -(g * select(x < 0.5, apply("log", x) / (x - 1.0), apply("log1p_ratio", x - 1.0, order=0))),
    ranges=((0.2, 3.0),),
    symbolic=lambda sympy, x: sympy.polylog(2, 1 - x),
    kinks="minus infinity at 0; smooth at 1, where the slope is -1",
)


def _lambert(x: Any, branch: int) -> Any:
    x = np.asarray(x)
    found = special.lambertw(x, branch)
    return np.where(found.imag == 0, found.real, np.nan).astype(x.dtype, copy=False)


def _lambert_slope(g: Node, y: Node, x: Node) -> Node:
    zero = apply("equal", x, constant(0.0, x.dtype))
    at_zero = 1.0 if y.params["branch"] == 0 else -math.inf
    return g * select(zero, at_zero, y / x / (1.0 + y))


parametric(
    "lambertw",
    "Lambert's W, the solution of w*exp(w) = x, on a real branch.",
    _lambert,
    _lambert_slope,
    variants=(({"branch": 0}, ((-0.3, 3.0),)), ({"branch": -1}, ((-0.33, -0.05),))),
    template="lambertw({0}, {branch})",
    symbolic=lambda sympy, x, branch: sympy.LambertW(x, branch),
    kinks="infinite at -1/e, NaN below",
)


def _elliptic_slope(m: Any) -> Any:
    """dK/dm = B/(2*(1 - m)) with B = (E - (1 - m)*K)/m, near 0 from K - D."""
    m = np.asarray(m)
    near = special.ellipk(m) - special.elliprd(0.0, 1.0 - m, 1.0) / 3.0
    safe = np.where(m > 0.5, m, 1.0)
    far = (special.ellipe(safe) - (1.0 - safe) * special.ellipk(np.where(safe < 1, safe, 0.0))) / safe
    return np.where(m > 0.5, far, near) / (2.0 * (1.0 - m))


def _quotient(a: float, b: float) -> float:
    return a / b if b else math.nan


def _hypergeometric(x: Node, a: float, b: float, c: float) -> Node:
    return apply("hyp2f1", x, a=a, b=b, c=c)


elementwise(
    "ellipk",
    "Complete elliptic integral of the first kind, of the parameter m.",
    lambda m: special.ellipk(m),
    lambda g, y, m: g * apply("ellipk_slope", m),
    ranges=((-2.0, 0.9),),
    symbolic=lambda sympy, m: sympy.elliptic_k(m),
    kinks="infinite at 1",
)
elementwise(
    "ellipk_slope",
    "Derivative of the complete elliptic integral of the first kind.",
    _elliptic_slope,
    lambda g, y, m: g * (9.0 * math.pi / 64.0 * _hypergeometric(m, 2.5, 2.5, 3.0)),
    ranges=((-0.9, 0.9),),
    template="((ellipe({0}) - (1 - ({0}))*ellipk({0}))/(2*({0})*(1 - ({0}))))",
    symbolic=lambda sympy, m: sympy.elliptic_k(m).diff(m),
)
elementwise(
    "ellipkm1",
    "ellipk(1 - p), exact for small p.",
    lambda p: special.ellipkm1(p),
    lambda g, y, p: g * apply("ellipkm1_slope", p),
    ranges=((0.1, 3.0),),
    symbolic=lambda sympy, p: sympy.elliptic_k(1 - p),
    kinks="infinite at 0",
)


def _near_one_slope(p: Any) -> Any:
    p = np.asarray(p)
    safe = np.where(p < 0.5, p, 0.25)
    inner = (special.ellipe(1.0 - safe) - safe * special.ellipkm1(safe)) / (1.0 - safe)
    return -np.where(p < 0.5, inner / (2.0 * p), _elliptic_slope(np.where(p < 0.5, 0.0, 1.0 - p)))


elementwise(
    "ellipkm1_slope",
    "Derivative of ellipkm1.",
    _near_one_slope,
    lambda g, y, p: (
        g
        * select(
            p < 0.5,
            (apply("ellipkm1", p) / 4.0 + (2.0 * p - 1.0) * y) / (p * (1.0 - p)),
            9.0 * math.pi / 64.0 * _hypergeometric(1.0 - p, 2.5, 2.5, 3.0),
        )
    ),
    ranges=((0.1, 1.9),),
    template="((({0})*ellipkm1({0}) - ellipe(1 - ({0})))/(2*({0})*(1 - ({0}))))",
    symbolic=lambda sympy, p: sympy.elliptic_k(1 - p).diff(p),
)
elementwise(
    "ellipe",
    "Complete elliptic integral of the second kind, of the parameter m.",
    lambda m: special.ellipe(m),
    lambda g, y, m: g * apply("ellipe_slope", m),
    ranges=((-2.0, 0.9),),
    symbolic=lambda sympy, m: sympy.elliptic_e(m),
    kinks="minus infinity at 1",
)
elementwise(
    "ellipe_slope",
    "Derivative of the complete elliptic integral of the second kind.",
    lambda m: special.elliprd(0.0, 1.0 - m, 1.0) / -6.0,
    lambda g, y, m: -(g * (3.0 * math.pi / 64.0 * _hypergeometric(m, 1.5, 2.5, 3.0))),
    ranges=((-0.9, 0.9),),
    template="((ellipe({0}) - ellipk({0}))/(2*({0})))",
    symbolic=lambda sympy, m: sympy.elliptic_e(m).diff(m),
)
_OVERFLOWN = 1e5


def _kummer(x: Any, a: float, b: float) -> Any:
    """Kummer's function. SciPy adds up terms for seconds, at infinity for ever, where the answer overflows."""
    if not math.isfinite(a):
        return np.full_like(x, math.nan)
    grows = a > 0 or a != round(a)
    bounded = np.minimum(x, _OVERFLOWN) if grows else x
    return np.asarray(special.hyp1f1(a, b, bounded), np.asarray(x).dtype)


parametric(
    "hyp1f1",
    "Kummer's function with fixed parameters.",
    _kummer,
    lambda g, y, x: (
        g * (_quotient(y.params["a"], y.params["b"]) * apply("hyp1f1", x, a=y.params["a"] + 1, b=y.params["b"] + 1))
    ),
    variants=(({"a": 0.5, "b": 1.5}, (ANY,)),),
    template="hyp1f1({a}, {b}, {0})",
    symbolic=lambda sympy, x, a, b: sympy.hyper([sympy.nsimplify(a)], [sympy.nsimplify(b)], x),
)


def _gauss_slope(g: Node, y: Node, x: Node) -> Node:
    a, b, c = (float(y.params[name]) for name in "abc")
    return g * (_quotient(a * b, c) * _hypergeometric(x, a + 1, b + 1, c + 1))


parametric(
    "hyp2f1",
    "Gauss' hypergeometric function with fixed parameters.",
    lambda x, a, b, c: np.asarray(special.hyp2f1(a, b, c, x), np.asarray(x).dtype),
    _gauss_slope,
    variants=(({"a": 0.5, "b": 1.0, "c": 1.5}, ((-0.8, 0.8),)),),
    template="hyp2f1({a}, {b}, {c}, {0})",
    symbolic=lambda sympy, x, a, b, c: sympy.hyper([sympy.nsimplify(a), sympy.nsimplify(b)], [sympy.nsimplify(c)], x),
)
