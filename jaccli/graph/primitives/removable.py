"""Quotients with a removable point at 0: sin(x)/x, (exp(x) - 1)/x, log(1 + x)/x, with all their derivatives.

Near 0 every derivative is summed from its series; away from it the recurrence that differentiating
x*f(x) gives is stable. So nothing cancels, and the slope at 0 is a number like any other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaccli.graph.primitives.parametric import next_order, parametric
from jaccli.lazy import lazy
from jaccli.numbers.angles import cosine_of_pi, sine_of_pi

if TYPE_CHECKING:
    import numpy as np
    from scipy import special
else:
    np = lazy("numpy")
    special = lazy("scipy.special")


def by_size(x: Any, bound: float, near: Any, far: Any) -> Any:
    """`near(x)` where |x| <= bound and `far(x)` elsewhere, each computed only for its own entries."""
    x = np.asarray(x)
    small = np.abs(x) <= bound
    if np.all(small):
        return near(x)
    result = np.asarray(far(np.where(small, x.dtype.type(2 * bound), x)))
    if np.any(small):
        result[small] = near(x[small])
    return result


def _sinc(x: Any, order: int, pi: bool) -> Any:
    scale = np.pi if pi else 1.0

    def near(part: Any) -> Any:
        angle = scale * part
        total = np.zeros_like(angle)
        first = (order + 1) // 2
        for k in range(first + order + 14, first - 1, -1):
            coefficient = (-1) ** k * math.perm(2 * k, order) / math.factorial(2 * k + 1)
            total = total * (angle * angle) + coefficient
        return total * angle ** (2 * first - order) * scale**order

    def far(part: Any) -> Any:
        angle = scale * part
        sine, cosine = (sine_of_pi(part), cosine_of_pi(part)) if pi else (np.sin(part), np.cos(part))
        value = sine / angle
        for n in range(1, order + 1):
            turned = (sine, cosine, -sine, -cosine)[n % 4]
            value = (turned - n * value) / angle
        return value * scale**order

    x = np.asarray(x)
    return by_size(x, (order + 0.5) / scale if order else 1e-9, near, far).astype(x.dtype, copy=False)


parametric(
    "sinc",
    "sin(pi*x)/(pi*x), or sin(x)/x, and their derivatives.",
    _sinc,
    next_order("sinc"),
    variants=tuple(({"order": order, "pi": pi}, ((-2.0, 2.0),)) for order in (0, 1, 3) for pi in (True, False)),
    template="sinc({0}, order={order}, pi={pi})",
    symbolic=lambda sympy, x, order, pi: (
        sympy.sinc(sympy.pi * x).diff(x, order) if pi else sympy.sinc(x).diff(x, order)
    ),
    kinks="smooth: value 1 and slope 0 at 0",
)


def _exprel(x: Any, order: int) -> Any:
    """The integral of s**order * exp(x*s) for s from 0 to 1."""
    x = np.asarray(x)
    if order == 0:
        return special.exprel(x)

    def near(part: Any) -> Any:
        size = np.abs(part)
        rising, falling = np.zeros_like(part), np.zeros_like(part)
        power, ratio = np.ones_like(part), np.full_like(part, 1.0 / (order + 1))
        for k in range(60 + 4 * order):
            rising += power / (k + order + 1)
            falling += ratio
            power = power * part / (k + 1)
            ratio = ratio * size / (order + k + 2)
        return np.where(part >= 0, rising, np.exp(part) * falling)

    def far(part: Any) -> Any:
        grown = np.exp(part)
        value = (grown - 1.0) / part
        for n in range(1, order + 1):
            value = (grown - n * value) / part
        return np.where(np.isposinf(part), np.inf, np.where(np.isneginf(part), 0.0, value))

    return by_size(x, 2.0 * order + 2.0, near, far).astype(x.dtype, copy=False)


parametric(
    "exprel",
    "(exp(x) - 1)/x and its derivatives.",
    _exprel,
    next_order("exprel"),
    variants=tuple(({"order": order}, ((-3.0, 3.0),)) for order in (0, 1, 2)),
    template="exprel({0}, order={order})",
    symbolic=lambda sympy, x, order: ((sympy.exp(x) - 1) / x).diff(x, order),
    kinks="smooth: value 1 and slope 1/2 at 0",
)


def _log1p_ratio(x: Any, order: int) -> Any:
    x = np.asarray(x)

    def near(part: Any) -> Any:
        total = np.zeros_like(part)
        for k in range(order + 60, order - 1, -1):
            total = total * part + (-1) ** k * math.perm(k, order) / (k + 1)
        return total

    def far(part: Any) -> Any:
        value = np.log1p(part) / part
        for n in range(1, order + 1):
            slope = (-1) ** (n - 1) * math.factorial(n - 1) / (1.0 + part) ** n
            value = (slope - n * value) / part
        return value

    return by_size(x, 0.4 if order else 1e-9, near, far).astype(x.dtype, copy=False)


parametric(
    "log1p_ratio",
    "log(1 + x)/x and its derivatives.",
    _log1p_ratio,
    next_order("log1p_ratio"),
    variants=tuple(({"order": order}, ((-0.8, 2.0),)) for order in (0, 1, 2)),
    template="log1p_ratio({0}, order={order})",
    symbolic=lambda sympy, x, order: (sympy.log(1 + x) / x).diff(x, order),
    kinks="smooth: value 1 and slope -1/2 at 0",
)
