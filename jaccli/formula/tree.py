"""The syntax tree as unevaluated SymPy expressions, one a statement.

The tree says what the user wrote. Sums, products and powers are SymPy's own classes, put together without its
evaluation and without its cache, so that nothing is reordered, folded or simplified; everything that SymPy has
no word for (indexing, array functions, comparisons of arrays) is an `Apply`. A name bound by a statement stays a
symbol in the later ones.

    a - b        Add(a, Mul(-1, b))          a / b        Mul(a, Pow(b, -1))
    f(x, k=1)    Apply(f, x, Keyword(k, 1))  x[1:, None]  Apply([], x, Slice(1, None, None), None)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy
from sympy.core.symbol import Str

from jaccli.errors import FormulaError, Span
from jaccli.formula import syntax
from jaccli.formula.names import CONSTANTS, MODULES

Expression = Any
"""A SymPy tree. SymPy has no type annotations that would say more."""

PROPERTIES = frozenset({"T", "mT", "H", "shape", "size", "ndim"})
"""Properties of an array that no module has: `K.T` is about a value."""
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
    """One statement: the names that it binds, its tree, and where each sub-tree stands in the text."""

    targets: tuple[str, ...]
    tree: Expression
    spans: dict[Expression, Span]


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
    parsed = syntax.parse(text)
    values = {name for statement in parsed.statements for name in statement.targets}
    for statement in parsed.statements:
        values.update(_names_that_stand_alone(statement.value))
    known: dict[Expression, Expression] = {}
    bound: set[str] = set()
    free: dict[str, None] = {}
    statements = []
    for statement in parsed.statements:
        builder = _Builder(text, values, known)
        tree = builder.build(statement.value)
        free.update((name, None) for name in builder.names if name not in bound)
        bound.update(statement.targets)
        statements.append(TreeStatement(statement.targets, tree, builder.spans))
    return Tree(
        text,
        tuple(statements),
        tuple(name for name in free if name not in CONSTANTS),
        tuple(name for name in free if name in CONSTANTS),
        parsed.notes,
    )


def _names_that_stand_alone(root: syntax.Syntax) -> Iterator[str]:
    """Names used as a value, not as the first word of `np.sin`."""
    stack: list[syntax.Syntax | None] = [root]
    while stack:
        match stack.pop():
            case syntax.Name(name=name):
                yield name
            case syntax.Attribute(value=value, name=name):
                if not isinstance(value, syntax.Name) or name in PROPERTIES:
                    stack.append(value)
            case syntax.Unary(operand=operand):
                stack.append(operand)
            case syntax.Chain(operands=items) | syntax.Display(items=items):
                stack.extend(items)
            case syntax.Conditional(condition=condition, chosen=chosen, other=other):
                stack.extend((condition, chosen, other))
            case syntax.Call(function=function, arguments=arguments, keywords=keywords):
                stack.extend((*arguments, *(value for _, value in keywords)))
                if not isinstance(function, syntax.Name):
                    stack.append(function)
            case syntax.Index(value=value, items=items):
                stack.extend((value, *items))
            case syntax.Slice(start=start, stop=stop, step=step):
                stack.extend((start, stop, step))


class _Recipe(NamedTuple):
    """How to build one tree: from which pieces, and what to make of their trees."""

    pieces: Sequence[syntax.Syntax]
    combine: Callable[[list[Expression]], Expression]


class _Builder:
    """Builds the tree of one statement, without recursion. State: the names and spans met so far."""

    def __init__(self, text: str, values: set[str], known: dict[Expression, Expression]) -> None:
        self._text = text
        self._values = values
        self._known = known
        self.names: dict[str, None] = {}
        self.spans: dict[Expression, Span] = {}

    def build(self, root: syntax.Syntax) -> Expression:
        frames: list[tuple[syntax.Syntax, _Recipe, list[Expression]]] = [(root, self._recipe(root), [])]
        while True:
            node, recipe, done = frames[-1]
            if len(done) < len(recipe.pieces):
                piece = recipe.pieces[len(done)]
                frames.append((piece, self._recipe(piece), []))
                continue
            frames.pop()
            built = recipe.combine(done)
            built = self._known.setdefault(built, built)
            self.spans.setdefault(built, node.span)
            if not frames:
                return built
            frames[-1][2].append(built)

    def _recipe(self, node: syntax.Syntax) -> _Recipe:
        match node:
            case syntax.Number(value=value):
                number = sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)
                return _Recipe((), lambda _: number)
            case syntax.Text(value=value):
                return _Recipe((), lambda _: Str(value))
            case syntax.Name(name=name):
                return self._name(name)
            case syntax.Unary(operator=operator, operand=operand):
                return _Recipe((operand,), lambda trees: _unary(operator, trees[0]))
            case syntax.Chain(operators=operators, operands=operands):
                return _Recipe(operands, lambda trees: _chain(operators, trees))
            case syntax.Conditional(condition=condition, chosen=chosen, other=other):
                return _Recipe((condition, chosen, other), lambda trees: apply(CONDITIONAL, *trees))
            case syntax.Index(value=value, items=items):
                return _Recipe((value, *items), lambda trees: apply(INDEX, *trees))
            case syntax.Slice(start=start, stop=stop, step=step):
                none = syntax.Name(node.span, "None")
                return _Recipe((start or none, stop or none, step or none), lambda trees: Slice(*trees))
            case syntax.Display(items=items, brackets=brackets):
                return _Recipe(items, lambda trees: Items(Str(brackets), *trees))
            case syntax.Attribute(value=value, name=name):
                path = self._module_path(node)
                if path is not None:
                    return _Recipe((), lambda _: apply(f"@{path}"))
                return _Recipe((value,), lambda trees: apply(f"@{name}", *trees))
            case syntax.Call():
                return self._call(node)
        raise TypeError(f"no recipe for {type(node).__name__}")

    def _name(self, name: str) -> _Recipe:
        if name not in ("None", "True", "False", "...", "newaxis"):
            self.names.setdefault(name)
        return _Recipe((), lambda _: sympy.Symbol(name))

    def _call(self, call: syntax.Call) -> _Recipe:
        keywords = tuple(name for name, _ in call.keywords)
        pieces: tuple[syntax.Syntax, ...] = (*call.arguments, *(value for _, value in call.keywords))
        function = call.function
        head = self._function_name(function)
        if head is None and isinstance(function, syntax.Attribute):
            head = f".{function.name}"
            pieces = (function.value, *pieces)
        elif head is None and isinstance(function, syntax.Call):
            # A module object, nn.LeakyReLU(0.1)(x): its options follow the arguments.
            head = self._function_name(function.function)
            keywords = (*keywords, *(name for name, _ in function.keywords))
            pieces = (
                *call.arguments,
                *function.arguments,
                *(value for _, value in call.keywords),
                *(value for _, value in function.keywords),
            )
        if head is None:
            raise FormulaError(
                "this is not a function",
                hint="a product needs its sign: write a*(b)",
                text=self._text,
                span=function.span,
            )
        name, count = head, len(pieces) - len(keywords)

        def combine(trees: list[Expression]) -> Expression:
            named = [Keyword(Str(key), value) for key, value in zip(keywords, trees[count:], strict=True)]
            return apply(name, *trees[:count], *named)

        return _Recipe(pieces, combine)

    def _function_name(self, function: syntax.Syntax) -> str | None:
        return function.name if isinstance(function, syntax.Name) else self._module_path(function)

    def _module_path(self, node: syntax.Syntax) -> str | None:
        """`np.linalg.inv` where `np` is no value of the formula."""
        parts = []
        while isinstance(node, syntax.Attribute):
            parts.append(node.name)
            node = node.value
        if not parts or not isinstance(node, syntax.Name) or node.name not in MODULES or node.name in self._values:
            return None
        return ".".join((node.name, *reversed(parts)))


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


def _chain(operators: tuple[str, ...], operands: list[Expression]) -> Expression:
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
        if operator == "*":
            factors.append(operand)
        elif operator == "/":
            factors.append(power(operand, sympy.S.NegativeOne))
        else:
            factors = [apply(operator, _product(factors), operand)]
    return _product(factors)


def _product(factors: list[Expression]) -> Expression:
    return sympy.Mul._from_args(factors, is_commutative=True)


def power(base: Expression, exponent: Expression) -> Expression:
    """`base**exponent` as it stands: the constructor would fold x**1 and keep a cache that compares deep trees."""
    raised = sympy.Expr.__new__(sympy.Pow, base, exponent)
    raised.is_commutative = True
    return raised
