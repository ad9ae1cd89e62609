"""Special functions that others are made of: SciPy's names for a complement or an inverse."""

from __future__ import annotations

import math

from jaccli.formula.functions.registry import Floats, function
from jaccli.formula.functions.special import number
from jaccli.graph.node import Node, apply

FAMILY = "Special functions"


@function(FAMILY, example="comb(n, k)")
def comb(n: Floats, k: Floats) -> Node:
    """How many ways there are to choose k of n, for real arguments as binom."""
    return apply("binom", n, k)


@function(FAMILY, example="agm(a, b)")
def agm(a: Floats, b: Floats) -> Node:
    """Arithmetic-geometric mean of two positive numbers."""
    total = apply("add", a, b)
    share = apply("divide", a, total)
    rest = apply("multiply", number(a, 4.0), apply("divide", b, total))
    integral = apply("ellipkm1", apply("multiply", share, rest))
    return apply("divide", apply("multiply", number(a, math.pi / 4), total), integral)


@function(FAMILY, example="betaincc(a, b, x)")
def betaincc(a: Floats, b: Floats, x: Floats) -> Node:
    """Complement of betainc: 1 - betainc(a, b, x)."""
    return apply("betainc", b, a, apply("subtract", number(x, 1.0), x))


@function(FAMILY, example="inv_boxcox1p(x, lam)")
def inv_boxcox1p(x: Floats, lmbda: Floats) -> Node:
    """The inverse of boxcox1p in its first argument."""
    return apply("inv_boxcox1p", x, lmbda)
