"""Complex arrays inside a formula, as pairs of real ones.

Inputs and outputs are real. What is complex in between comes from `fft`, `eigvals` and `1j`, and ends in abs, real,
imag or angle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaccli.errors import FormulaError
from jaccli.graph.node import Node, apply, broadcast_to, constant, scalar_value

HINT = "take real(…), imag(…), abs(…) or angle(…) of it: inputs and results are real"


@dataclass(frozen=True)
class Complex:
    """A complex array.

    Attributes:
        real, imag: its parts, of one shape.
        is_tame: whether it may be real after all, and may be taken for an array then.
    """

    real: Node
    imag: Node
    is_tame: bool = False

    def __repr__(self) -> str:
        return "a complex array"

    def each(self, change: Callable[[Node], Any]) -> Complex:
        """The same rearrangement of both parts."""
        return Complex(change(self.real), change(self.imag), self.is_tame)

    def as_real(self) -> Node:
        """The real part where the imaginary part is surely 0, checked with the numbers."""
        if not self.is_tame:
            raise FormulaError("a complex array stands where a real one is needed", hint=HINT)
        return apply("surely_real", self.real, self.imag)

    @property
    def size(self) -> Node:
        """Absolute values."""
        return apply("hypot", self.real, self.imag)


def is_zero(node: Node) -> bool:
    """Whether every entry is 0 by construction."""
    while node.primitive.name in ("broadcast_to", "reshape"):
        node = node.args[0]
    return scalar_value(node) == 0


def combine(name: str, a: Complex, b: Complex) -> Complex:
    """A sum, difference, product or quotient; parts that are 0 by construction take no part in a product."""
    is_tame = a.is_tame and b.is_tame
    if name in ("add", "subtract"):
        return Complex(apply(name, a.real, b.real), apply(name, a.imag, b.imag), is_tame)
    if name == "multiply":
        return bilinear(lambda x, y: apply("multiply", x, y), a, b)
    if name == "divide":
        if is_zero(b.imag):
            return a.each(lambda part: apply("divide", part, b.real))
        size = apply("add", _squared(b.real), _squared(b.imag))
        product = combine("multiply", a, Complex(b.real, apply("negative", b.imag), b.is_tame))
        return product.each(lambda part: apply("divide", part, size))
    if name == "power":
        return _power(a, b)
    raise FormulaError(f"{name} of complex arrays is not in the language", hint=HINT)


def bilinear(product: Callable[[Node, Node], Node], a: Complex, b: Complex) -> Complex:
    """A product of complex arrays from that of real ones."""
    real = _terms(product, (a.real, b.real, "add"), (a.imag, b.imag, "subtract"))
    imag = _terms(product, (a.real, b.imag, "add"), (a.imag, b.real, "add"))
    return Complex(real, imag, a.is_tame and b.is_tame)


def _terms(
    product: Callable[[Node, Node], Node], first: tuple[Node, Node, str], second: tuple[Node, Node, str]
) -> Node:
    alive = [(x, y, sign) for x, y, sign in (first, second) if not (is_zero(x) or is_zero(y))]
    if not alive:
        like = product(first[0], first[1])
        return broadcast_to(constant(0.0, like.dtype), like.shape)
    total, *rest = (product(x, y) for x, y, _ in alive)
    if rest:
        return apply(second[2], total, rest[0])
    return total if alive[0][2] == "add" else apply("negative", total)


def exponential(z: Complex) -> Complex:
    """exp(z)."""
    turn = Complex(apply("cos", z.imag), apply("sin", z.imag))
    if is_zero(z.real):
        return turn
    size = apply("exp", z.real)
    return turn.each(lambda part: apply("multiply", size, part))


def logarithm(z: Complex) -> Complex:
    """The principal logarithm."""
    return Complex(apply("log", z.size), apply("arctan2", z.imag, z.real))


def square_root(z: Complex) -> Complex:
    """The principal square root."""
    half = logarithm(z).each(lambda part: apply("multiply", part, constant(0.5, part.dtype)))
    return exponential(half)


def _power(a: Complex, b: Complex) -> Complex:
    exponent = scalar_value(b.real) if is_zero(b.imag) else None
    if exponent is not None and 1 <= abs(exponent) <= 64 and exponent == int(exponent):
        total = a
        for digit in bin(abs(int(exponent)))[3:]:
            total = combine("multiply", total, total)
            total = combine("multiply", total, a) if digit == "1" else total
        one = Complex(constant(1.0, a.real.dtype), constant(0.0, a.real.dtype), is_tame=True)
        return total if exponent > 0 else combine("divide", one, total)
    return exponential(combine("multiply", b, logarithm(a)))


def _squared(x: Node) -> Node:
    return apply("power", x, constant(2.0, x.dtype))
