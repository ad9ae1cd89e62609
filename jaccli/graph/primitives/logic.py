"""Steps and truth values: comparisons, logic, rounding, tests of entries. Their derivative is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaccli.graph.primitive import Ufunc, elementwise

_STEP = "a step: derivative 0, at the jumps too"
_BETWEEN_JUMPS = (0.1, 0.4)
_ANY = (-2.0, 2.0)


def _comparison(name: str, sign: str, doc: str, symbolic: Callable[..., Any]) -> None:
    elementwise(
        name,
        doc,
        Ufunc("numpy", name),
        None,
        None,
        ranges=(_ANY, _ANY),
        result="bool",
        floats=False,
        template=f"{{0}} {sign} {{1}}",
        symbolic=symbolic,
        kinks=_STEP,
    )


_comparison("less", "<", "Whether the first entry is less.", lambda sympy, a, b: sympy.Lt(a, b))
_comparison("less_equal", "<=", "Whether the first entry is at most the second.", lambda sympy, a, b: sympy.Le(a, b))
_comparison("equal", "==", "Whether two entries are equal.", lambda sympy, a, b: sympy.Eq(a, b))
_comparison("not_equal", "!=", "Whether two entries differ.", lambda sympy, a, b: sympy.Ne(a, b))


def _logical(name: str, template: str, doc: str, count: int, symbolic: Callable[..., Any]) -> None:
    elementwise(
        name,
        doc,
        Ufunc("numpy", name),
        ranges=(None,) * count,
        result="bool",
        floats=False,
        template=template,
        symbolic=symbolic,
        kinks=_STEP,
    )


_logical("logical_and", "{0} & {1}", "Both are true.", 2, lambda sympy, a, b: sympy.And(a, b))
_logical("logical_or", "{0} | {1}", "At least one is true.", 2, lambda sympy, a, b: sympy.Or(a, b))
_logical("logical_xor", "logical_xor({0}, {1})", "Exactly one is true.", 2, lambda sympy, a, b: sympy.Xor(a, b))
_logical("logical_not", "~{0}", "The opposite truth value.", 1, lambda sympy, a: sympy.Not(a))


def _rounding(name: str, doc: str, symbolic: Callable[..., Any]) -> None:
    elementwise(
        name,
        doc,
        Ufunc("numpy", name),
        None,
        ranges=(_BETWEEN_JUMPS,),
        symbolic=symbolic,
        kinks=_STEP,
    )


_rounding("floor", "The largest whole number not above the entry.", lambda sympy, x: sympy.floor(x))
_rounding("ceil", "The smallest whole number not below the entry.", lambda sympy, x: sympy.ceiling(x))
_rounding("trunc", "The entry without its fraction.", lambda sympy, x: sympy.sign(x) * sympy.floor(sympy.Abs(x)))
_rounding("rint", "The nearest whole number, half to even.", lambda sympy, x: sympy.floor(x + sympy.Rational(1, 2)))
_rounding("sign", "-1, 0 or 1 by the sign of the entry.", lambda sympy, x: sympy.sign(x))


def _test(name: str, doc: str, symbolic: Callable[..., Any]) -> None:
    elementwise(
        name,
        doc,
        Ufunc("numpy", name),
        None,
        ranges=(_ANY,),
        result="bool",
        symbolic=symbolic,
        kinks=_STEP,
    )


_test("isnan", "Whether the entry is not a number.", lambda sympy, x: sympy.false)
_test("isfinite", "Whether the entry is neither infinite nor NaN.", lambda sympy, x: sympy.true)
_test("isinf", "Whether the entry is infinite.", lambda sympy, x: sympy.false)
_test("signbit", "Whether the sign bit is set.", lambda sympy, x: sympy.Lt(x, 0))

elementwise(
    "nextafter",
    "The next number from the first entry towards the second.",
    Ufunc("numpy", "nextafter"),
    None,
    None,
    ranges=(_ANY, _ANY),
    symbolic=lambda sympy, a, b: a,
    kinks=_STEP,
)
