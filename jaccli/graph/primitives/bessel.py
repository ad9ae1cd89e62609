"""Bessel, Airy and spherical Bessel functions of a fixed order, and the classical orthogonal polynomials.

Airy functions and Bessel functions of the orders 0 and 1 have numbers of their own in `jaccli/numbers`.

Slopes are sums of neighbours in order (Abramowitz and Stegun, Handbook of Mathematical Functions, 9.1.27, 9.6.26,
10.1.20, 22.8), which have no removable point at 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.node import Node, apply
from jaccli.graph.primitives.parametric import parametric
from jaccli.lazy import lazy
from jaccli.numbers.airy import airy_function
from jaccli.numbers.bessel import plain_i, scaled_i, scaled_i_slope, scaled_k, scaled_k_slope, second_kind

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")

POSITIVE = (0.4, 5.0)
ANY = (-4.0, 4.0)


def bessel(x: Node, kind: str, order: float) -> Node:
    """The Bessel function of a kind (jv, yv, iv, kv, or scaled ive, kve) and order; a negative order is reflected."""
    if -math.inf < order < 0 and order == int(order):
        mirrored = apply("bessel", x, kind=kind, order=-order)
        return -mirrored if kind in ("jv", "yv") and int(order) % 2 else mirrored
    return apply("bessel", x, kind=kind, order=float(order))


def _bessel(x: Any, kind: str, order: float) -> Any:
    found = _of_low_order(x, kind, int(order)) if order in (0.0, 1.0) else getattr(special, kind)(order, x)
    return np.asarray(found, np.asarray(x).dtype)


def _of_low_order(x: Any, kind: str, order: int) -> Any:
    match kind:
        case "yv":
            return second_kind(x, order)
        case "iv":
            return plain_i(x, order)
        case "ive":
            return scaled_i(x, order)
        case "kve":
            return scaled_k(x, order)
        case "jv":
            return special.j1(x) if order else special.j0(x)
        case _:
            return special.k1(x) if order else special.k0(x)


def _bessel_slope(g: Node, y: Node, x: Node) -> Node:
    kind, order = y.params["kind"], y.params["order"]
    if kind in ("ive", "kve"):
        return g * apply("bessel_scaled_slope", x, kind=kind, order=order)
    if order == 0:
        next_ = bessel(x, kind, 1.0)
        return g * (next_ if kind == "iv" else -next_)
    below, above = bessel(x, kind, order - 1.0), bessel(x, kind, order + 1.0)
    total = below - above if kind in ("jv", "yv") else below + above
    return g * ((-0.5 if kind == "kv" else 0.5) * total)


def _symbolic(sympy: Any, x: Any, kind: str, order: float) -> Any:
    number = sympy.nsimplify(order)
    function = {"j": sympy.besselj, "y": sympy.bessely, "i": sympy.besseli, "k": sympy.besselk}[kind[0]]
    scale = {"ive": sympy.exp(-sympy.Abs(x)), "kve": sympy.exp(x)}.get(kind, 1)
    return scale * function(number, x)


parametric(
    "bessel",
    "Bessel function of a fixed order: J, Y, I, K, and I, K scaled by an exponential.",
    _bessel,
    _bessel_slope,
    variants=(
        *(({"kind": "jv", "order": order}, (ANY,)) for order in (0.0, 1.0, 3.0)),
        *(({"kind": kind, "order": 0.5}, (POSITIVE,)) for kind in ("jv", "yv", "iv", "kv")),
        *(({"kind": kind, "order": order}, (POSITIVE,)) for kind in ("yv", "kv") for order in (0.0, 2.0)),
        *(({"kind": "iv", "order": order}, (ANY,)) for order in (0.0, 1.0)),
        *(({"kind": kind, "order": order}, (POSITIVE,)) for kind in ("ive", "kve") for order in (0.0, 1.0, 1.5)),
    ),
    template="{kind}({order}, {0})",
    symbolic=_symbolic,
    kinks="exact at 0; i0e has a kink there, where its slope is 0",
)

_NODES = 48
_SERIES_ORDER = 30
_SERIES_FROM = 25.0


def _scaled_slope(x: Any, kind: str, order: float) -> Any:
    """Neighbours less the function cancel; far out an asymptotic series does not, and nor does an integral near 0."""
    x = np.asarray(x)
    if order in (0.0, 1.0):
        return (scaled_i_slope if kind == "ive" else scaled_k_slope)(x, int(order))
    value = getattr(special, kind)
    neighbours = 0.5 * (
        value(abs(order - 1.0) if -math.inf < order < 1 and order == int(order) else order - 1.0, x)
        + value(order + 1.0, x)
    )
    if kind == "kve":
        direct = value(order, x) - neighbours
        return np.where(x > 0.5, _falling_slope(x, order), direct).astype(x.dtype, copy=False)
    direct = neighbours - np.sign(x) * value(order, x)
    usable = (x > _SERIES_FROM) & (order * order < _SERIES_FROM)
    return np.where(usable, _far_slope(np.abs(x), order), direct).astype(x.dtype, copy=False)


def _falling_slope(x: Any, order: float) -> Any:
    """Minus the integral over t of (cosh(t) - 1)*cosh(order*t)*exp(-x*(cosh(t) - 1)), by the trapezoidal rule."""
    safe = np.maximum(x, 0.5)
    end = np.arccosh(1.0 + (40.0 + 2.0 * abs(order)) / safe)
    total = np.zeros_like(safe)
    for k in range(1, _NODES + 1):
        at = end * k / _NODES
        more = 2.0 * np.square(np.sinh(0.5 * at))
        total = total + more * np.cosh(order * at) * np.exp(-safe * more)
    return -total * end / _NODES


def _far_slope(x: Any, order: float) -> Any:
    """The derivative of Hankel's series of the scaled I, term by term."""
    safe = np.maximum(x, _SERIES_FROM)
    term = np.ones_like(safe)
    total = np.zeros_like(safe)
    for k in range(24):
        total = total - (k + 0.5) * term
        term = term * -(4.0 * order * order - (2 * k + 1) ** 2) / (8.0 * (k + 1) * safe)
    return total / np.sqrt(2.0 * np.pi * safe) / safe


def _scaled_second(g: Node, y: Node, x: Node) -> Node:
    kind, order = y.params["kind"], y.params["order"]
    sign = -1.0 if kind == "kve" else 1.0

    def slope(at: float) -> Node:
        return apply("bessel_scaled_slope", x, kind=kind, order=abs(at) if float(at).is_integer() else at)

    side = apply("sign", x) if kind == "ive" else 1.0
    if order == 0:
        return g * (sign * slope(1.0) - sign * (side * slope(0.0)))
    return g * (0.5 * sign * (slope(order - 1.0) + slope(order + 1.0)) - sign * (side * slope(order)))


parametric(
    "bessel_scaled_slope",
    "Derivative of a Bessel function scaled by an exponential.",
    _scaled_slope,
    _scaled_second,
    variants=tuple(({"kind": kind, "order": order}, (POSITIVE,)) for kind in ("ive", "kve") for order in (0.0, 1.0)),
    template="slope_of_{kind}({order}, {0})",
)


_AIRY = ("airyai", "airyaiprime", "airybi", "airybiprime")


def _airy(x: Any, kind: str) -> Any:
    return airy_function(x, second=kind.startswith("airybi"), slope=kind.endswith("prime"))


def _airy_slope(g: Node, y: Node, x: Node) -> Node:
    kind = y.params["kind"]
    if kind.endswith("prime"):
        return g * (x * apply("airy", x, kind=kind.removesuffix("prime")))
    return g * apply("airy", x, kind=f"{kind}prime")


parametric(
    "airy",
    "Airy functions Ai and Bi, and their slopes.",
    _airy,
    _airy_slope,
    variants=tuple(({"kind": kind}, ((-3.0, 2.0),)) for kind in _AIRY),
    template="{kind}({0})",
    symbolic=lambda sympy, x, kind: getattr(sympy, kind)(x),
)


def _spherical(x: Any, kind: str, order: int) -> Any:
    x = np.asarray(x)
    found = np.asarray(getattr(special, f"spherical_{kind}n")(order, x), x.dtype)
    near = np.square(x) < 2 * order + 3
    if kind in ("y", "k") or not 0 < order <= _SERIES_ORDER or not np.any(near):
        return found
    return np.where(near, _small_spherical(np.where(near, x, 0.0), kind, order), found)


def _small_spherical(x: Any, kind: str, order: int) -> Any:
    """By the power series (10.1.2, 10.2.5), where SciPy's quotients of sines cancel."""
    square = (0.5 if kind == "i" else -0.5) * np.square(x)
    total = np.ones_like(x)
    for k in range(18, 0, -1):
        total = 1.0 + square / (k * (2 * (order + k) + 1)) * total
    for k in range(1, order + 1):
        total = total * x / (2 * k + 1)
    return total


def spherical_slope(g: Node, y: Node, x: Node) -> Node:
    """The slope of a spherical Bessel function y of x, times g."""
    kind, n = str(y.params["kind"]), int(y.params["order"])
    above = apply("spherical_bessel", x, kind=kind, order=n + 1)
    if n == 0:
        return g * (above if kind == "i" else -above)
    below = apply("spherical_bessel", x, kind=kind, order=n - 1)
    sign = 1.0 if kind in ("i", "k") else -1.0
    total = (float(n) * below + sign * (n + 1.0) * above) / (2.0 * n + 1.0)
    return g * (-total if kind == "k" else total)


parametric(
    "spherical_bessel",
    "Spherical Bessel function of a fixed whole order: j, y, i, k.",
    _spherical,
    spherical_slope,
    variants=tuple(({"kind": kind, "order": order}, (POSITIVE,)) for kind in "jyik" for order in (0, 2)),
    template="spherical_{kind}n({order}, {0})",
    # The root of x alone, so that left of 0 it is on the same branch as the function of half order.
    symbolic=lambda sympy, x, kind, order: (
        sympy.sqrt(sympy.pi / 2) / sympy.sqrt(x) * _symbolic(sympy, x, kind, order + 0.5)
    ),
    kinks="exact at 0",
)


def polynomial(x: Node, kind: str, degree: int, *shapes: float) -> Node:
    """A classical orthogonal polynomial; below degree 0 it is 0."""
    return apply("polynomial", x, kind=kind, degree=degree, shapes=tuple(map(float, shapes)))


def _polynomial(x: Any, kind: str, degree: int, shapes: tuple[float, ...]) -> Any:
    x = np.asarray(x)
    if degree < 0:
        return np.zeros_like(x)
    return np.asarray(getattr(special, f"eval_{kind}")(degree, *shapes, x), x.dtype)


def _polynomial_slope(g: Node, y: Node, x: Node) -> Node:
    kind, n = str(y.params["kind"]), int(y.params["degree"])
    shapes: tuple[float, ...] = y.params["shapes"]
    match kind:
        case "legendre":
            return g * polynomial(x, "gegenbauer", n - 1, 1.5)
        case "chebyt":
            return g * (float(n) * polynomial(x, "chebyu", n - 1))
        case "chebyu":
            return g * (2.0 * polynomial(x, "gegenbauer", n - 1, 2.0))
        case "gegenbauer":
            return g * (2.0 * shapes[0] * polynomial(x, kind, n - 1, shapes[0] + 1.0))
        case "jacobi":
            factor = 0.5 * (n + sum(shapes) + 1.0)
            return g * (factor * polynomial(x, kind, n - 1, *(shape + 1.0 for shape in shapes)))
        case "hermite":
            return g * (2.0 * n * polynomial(x, kind, n - 1))
        case "hermitenorm":
            return g * (float(n) * polynomial(x, kind, n - 1))
        case _:
            shape = shapes[0] if shapes else 0.0
            return -(g * polynomial(x, "genlaguerre", n - 1, shape + 1.0))


def _polynomial_symbolic(sympy: Any, x: Any, kind: str, degree: int, shapes: tuple[float, ...]) -> Any:
    if degree < 0:
        return sympy.Integer(0)
    numbers = [sympy.nsimplify(shape) for shape in shapes]
    match kind:
        case "hermitenorm":
            return 2 ** sympy.Rational(-degree, 2) * sympy.hermite(degree, x / sympy.sqrt(2))
        case "genlaguerre":
            return sympy.assoc_laguerre(degree, numbers[0], x)
        case "chebyt" | "chebyu":
            return (sympy.chebyshevt if kind == "chebyt" else sympy.chebyshevu)(degree, x)
        case _:
            return getattr(sympy, kind)(degree, *numbers, x)


parametric(
    "polynomial",
    "Classical orthogonal polynomial of a fixed degree.",
    _polynomial,
    _polynomial_slope,
    variants=tuple(
        ({"kind": kind, "degree": degree, "shapes": shapes}, ((-0.9, 0.9),))
        for degree in (0, 3)
        for kind, shapes in (
            ("legendre", ()),
            ("chebyt", ()),
            ("chebyu", ()),
            ("hermite", ()),
            ("hermitenorm", ()),
            ("laguerre", ()),
            ("genlaguerre", (0.5,)),
            ("gegenbauer", (1.5,)),
            ("jacobi", (0.5, 1.5)),
        )
    ),
    template="eval_{kind}({degree}, {0})",
    symbolic=_polynomial_symbolic,
)
