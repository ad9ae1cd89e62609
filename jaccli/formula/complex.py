"""Complex arrays inside a formula, as pairs of real ones.

Inputs and outputs are real. What is complex in between comes from `fft` and `eigvals`, and ends in abs, real, imag or
angle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaccli.errors import FormulaError
from jaccli.graph.node import Node, apply, constant

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


def combine(name: str, a: Complex, b: Complex) -> Complex:
    """A sum, difference, product or quotient."""
    if name in ("add", "subtract"):
        return Complex(apply(name, a.real, b.real), apply(name, a.imag, b.imag), a.is_tame and b.is_tame)
    if name == "multiply":
        real = apply("subtract", apply("multiply", a.real, b.real), apply("multiply", a.imag, b.imag))
        imag = apply("add", apply("multiply", a.real, b.imag), apply("multiply", a.imag, b.real))
        return Complex(real, imag, a.is_tame and b.is_tame)
    if name == "divide":
        size = apply("add", _squared(b.real), _squared(b.imag))
        product = combine("multiply", a, Complex(b.real, apply("negative", b.imag), b.is_tame))
        return product.each(lambda part: apply("divide", part, size))
    raise FormulaError(f"{name} of complex arrays is not in the language", hint=HINT)


def _squared(x: Node) -> Node:
    return apply("power", x, constant(2.0, x.dtype))
