"""The syntax tree as unevaluated SymPy expressions, one a statement.

The tree says what the user wrote. Sums, products and powers are SymPy's own classes, put together without its
evaluation and without its cache, so that nothing is reordered, folded or simplified; everything that SymPy has
no word for (indexing, array functions, comparisons of arrays) is an `Apply`. A name bound by a statement stays a
symbol in the later ones.

    a - b        Add(a, Mul(-1, b))          a / b        Mul(a, Pow(b, -1))
    f(x, k=1)    Apply(f, x, Keyword(k, 1))  x[1:, None]  Apply([], x, Slice(1, None, None), None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.symbol import Str

from jaccli.errors import Span
from jaccli.formula import syntax
from jaccli.formula.scan import Called, Scan, called, module_path, pieces, scan
from jaccli.graph.building import uninterrupted

Expression = Any
"""A SymPy tree. SymPy has no type annotations that would say more."""

INDEX = "[]"
CONDITIONAL = "if"


class Apply(sympy.Expr):  # type: ignore[misc]
    """A function of the language applied to arguments: args are (head, *arguments).

    The head is a function's name with its prefix as written (`torch.std`), `.name` for a method of the first
    argument, `@name` for its property, `[]` for an index, or the sign of an operator.
    """

    is_commutative = True

    @property
    def head(self) -> str:
        """What is applied."""
        return str(self.args[0].name)


class Keyword(sympy.Basic):  # type: ignore[misc]
    """A keyword argument: (name, value)."""


class Slice(sympy.Basic):  # type: ignore[misc]
    """A slice of an index: (start, stop, step), an absent part is the symbol None."""


class Items(sympy.Basic):  # type: ignore[misc]
    """A list or a tuple: (brackets, *items)."""


@dataclass(frozen=True)
class TreeStatement:
    """One statement: the names that it binds, its tree, and all the places where each sub-tree stands in the text."""

    targets: tuple[str, ...]
    tree: Expression
    spans: dict[Expression, list[Span]]

    def span(self, tree: Expression) -> Span | None:
        """Where a sub-tree stands first."""
        places = self.spans.get(tree)
        return None if places is None else places[0]


@dataclass(frozen=True)
class Tree:
    """A formula as SymPy trees.

    Attributes:
        text: as it was given.
        statements: in order; the value of the last is the output.
        inputs: the free names in order of appearance, constants of the language left out.
        optional: the constants among the free names, which an input of that name replaces.
        notes: what the reader should be told.
    """

    text: str
    statements: tuple[TreeStatement, ...]
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    notes: tuple[str, ...]


def read_tree(text: str) -> Tree:
    """The SymPy trees of a formula's text; a `FormulaError` shows the place where it is not in the language."""
    return build_tree(scan(text))


@uninterrupted
def build_tree(scanned: Scan) -> Tree:
    """The SymPy trees of a formula that was scanned."""
    known: dict[Expression, Expression] = {}
    statements = []
    for statement in scanned.statements:
        builder = _Builder(scanned.text, scanned.values, known)
        tree = builder.build(statement.value)
        statements.append(TreeStatement(statement.targets, tree, builder.spans))
    return Tree(scanned.text, tuple(statements), scanned.inputs, scanned.optional, scanned.notes)


class _Builder:
    """Builds the tree of one statement, without recursion. State: the spans met so far."""

    def __init__(self, text: str, values: frozenset[str], known: dict[Expression, Expression]) -> None:
        self._text = text
        self._values = values
        self._known = known
        self.spans: dict[Expression, list[Span]] = {}

    def build(self, root: syntax.Syntax) -> Expression:
        frames: list[tuple[syntax.Syntax, Sequence[syntax.Syntax], list[Expression]]] = [self._frame(root)]
        while True:
            node, wanted, done = frames[-1]
            if len(done) < len(wanted):
                frames.append(self._frame(wanted[len(done)]))
                continue
            frames.pop()
            built = self._combine(node, done)
            built = self._known.setdefault(built, built)
            self.spans.setdefault(built, []).append(node.span)
            if not frames:
                return built
            frames[-1][2].append(built)

    def _frame(self, node: syntax.Syntax) -> tuple[syntax.Syntax, Sequence[syntax.Syntax], list[Expression]]:
        return node, pieces(node, self._text, self._values), []

    def _combine(self, node: syntax.Syntax, trees: list[Expression]) -> Expression:
        """The tree of an expression from those of its pieces."""
        match node:
            case syntax.Number(value=value):
                return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)
            case syntax.Text(value=value):
                return Str(value)
            case syntax.Name(name=name):
                return sympy.Symbol(name)
            case syntax.Unary(operator=operator):
                return _unary(operator, trees[0])
            case syntax.Chain():
                return self._chain(node, trees)
            case syntax.Conditional():
                return apply(CONDITIONAL, *trees)
            case syntax.Index():
                return apply(INDEX, *trees)
            case syntax.Slice():
                return Slice(*trees)
            case syntax.Display(brackets=brackets):
                return Items(Str(brackets), *trees)
            case syntax.Attribute(name=name):
                return apply(f"@{name if trees else module_path(node, self._values)}", *trees)
            case syntax.Call():
                return self._call(called(node, self._text, self._values), trees)
        raise TypeError(f"no tree for {type(node).__name__}")

    def _chain(self, node: syntax.Chain, trees: list[Expression]) -> Expression:
        joined: list[Expression] = []
        built = _chain(node.operators, trees, joined)
        # `W @ x` in the middle of `W @ x * y` is a step of its own, so it has its place like any other.
        for place, tree in enumerate(joined):
            if tree is not None and tree is not built:
                span = Span(node.span.start, node.operands[place + 1].span.end)
                self.spans.setdefault(self._known.setdefault(tree, tree), []).append(span)
        return built

    def _call(self, call: Called, trees: list[Expression]) -> Expression:
        count = len(trees) - len(call.keywords)
        named = [Keyword(Str(key), value) for key, value in zip(call.keywords, trees[count:], strict=True)]
        return apply(call.head, *trees[:count], *named)


def apply(head: str, *arguments: Expression) -> Expression:
    """An `Apply` of that head."""
    return Apply(Str(head), *arguments)


def _unary(operator: str, operand: Expression) -> Expression:
    match operator:
        case "-":
            return _product([sympy.S.NegativeOne, operand])
        case "+":
            return operand
        case "√":
            return apply("sqrt", operand)
        case _:
            return apply(operator, operand)


def _chain(operators: tuple[str, ...], operands: list[Expression], joined: list[Expression]) -> Expression:
    """The tree of a chain; `joined` gets for each operator the tree that it makes of all before it, or None."""
    if operators[0] == "**":
        return power(operands[0], operands[1])
    if operators[0] in ("+", "-"):
        terms = [
            _product([sympy.S.NegativeOne, operand]) if operator == "-" else operand
            for operator, operand in zip(operators, operands[1:], strict=True)
        ]
        return sympy.Add._from_args([operands[0], *terms], is_commutative=True)
    if operators[0] in ("or", "and", "|", "&"):
        return apply("|" if operators[0] in ("or", "|") else "&", *operands)
    factors = [operands[0]]
    for operator, operand in zip(operators, operands[1:], strict=True):
        joined.append(None)
        if operator == "*":
            factors.append(operand)
        elif operator == "/":
            factors.append(power(operand, sympy.S.NegativeOne))
        else:
            factors = [apply(operator, _product(factors), operand)]
            joined[-1] = factors[0]
    return _product(factors)


def _product(factors: list[Expression]) -> Expression:
    return sympy.Mul._from_args(factors, is_commutative=True)


def power(base: Expression, exponent: Expression) -> Expression:
    """`base**exponent` as it stands: the constructor would fold x**1 and keep a cache that compares deep trees."""
    raised = sympy.Expr.__new__(sympy.Pow, base, exponent)
    raised.is_commutative = True
    return raised
