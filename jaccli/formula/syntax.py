"""The syntax tree: what a formula's text says, piece by piece, and where each piece stands."""

from __future__ import annotations

from dataclasses import dataclass

from jaccli.errors import Span


@dataclass(frozen=True, slots=True)
class Syntax:
    """A piece of the tree, and where it stands in the text."""

    span: Span


@dataclass(frozen=True, slots=True)
class Number(Syntax):
    """A literal: a whole number or a float."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Text(Syntax):
    """A string, the option of a function."""

    value: str


@dataclass(frozen=True, slots=True)
class Name(Syntax):
    """A name; also None, True, False and `...`."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """-x, +x, ~x, √x."""

    operator: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Chain(Syntax):
    """Operands joined, left to right, by operators of one precedence."""

    operators: tuple[str, ...]
    operands: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Syntax):
    """`chosen if condition else other`."""

    condition: Syntax
    chosen: Syntax
    other: Syntax


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """A function, method or module object applied to arguments."""

    function: Syntax
    arguments: tuple[Syntax, ...]
    keywords: tuple[tuple[str, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Attribute(Syntax):
    """`value.name`."""

    value: Syntax
    name: str


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """`value[items]`."""

    value: Syntax
    items: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Slice(Syntax):
    """`start:stop:step` inside an index."""

    start: Syntax | None
    stop: Syntax | None
    step: Syntax | None


@dataclass(frozen=True, slots=True)
class Display(Syntax):
    """A list in square brackets or a tuple in round ones."""

    items: tuple[Syntax, ...]
    brackets: str


@dataclass(frozen=True, slots=True)
class Statement:
    """`targets = value`, or a value alone."""

    targets: tuple[str, ...]
    value: Syntax
    span: Span
