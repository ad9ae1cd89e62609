"""What a formula says of itself before any tree is built: its free names, and what its calls call.

Nothing here needs SymPy, so that a formula whose graph is known already runs without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jaccli.errors import FormulaError
from jaccli.formula import syntax
from jaccli.formula.names import CONSTANTS, MODULES
from jaccli.formula.parser import parse
from jaccli.graph.building import uninterrupted

PROPERTIES = frozenset({"T", "mT", "H", "shape", "size", "ndim"})
"""Properties of an array that no module has: `K.T` is about a value."""
_DEGREE_FIRST = frozenset(
    [
        "legendre",
        "chebyt",
        "chebyu",
        "hermite",
        "hermitenorm",
        "laguerre",
        "genlaguerre",
        "gegenbauer",
        "jacobi",
        "poly1d",
    ]
)
"""What makes a polynomial that is called afterwards, `legendre(3)(x)`: its argument comes last."""
_LONGEST_PATH = 8  # no module lies deeper, and x.T.T.T… is looked at once for each of its dots
_LITERAL_NAMES = frozenset({"None", "True", "False", "...", "Ellipsis", "newaxis", "float", "int", "bool"})


class Scan(NamedTuple):
    """A formula's statements and names.

    Attributes:
        text: as it was given.
        statements: in order; the value of the last is the output.
        values: the names that stand for a value somewhere, so that none of them is a module.
        inputs: the free names in order of appearance, constants of the language left out.
        optional: the constants among the free names, which an input of that name replaces.
        notes: what the reader should be told.
    """

    text: str
    statements: tuple[syntax.Statement, ...]
    values: frozenset[str]
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    notes: tuple[str, ...]


class Called(NamedTuple):
    """A call: the name of what is called, the pieces that it is applied to, the last of them by keyword."""

    head: str
    pieces: tuple[syntax.Syntax, ...]
    keywords: tuple[str, ...]


@uninterrupted
def scan(text: str) -> Scan:
    """The names of a formula's text; a `FormulaError` shows the place where it is not in the language."""
    statements, notes = parse(text)
    values = {name for statement in statements for name in statement.targets}
    for statement in statements:
        values.update(_names_that_stand_alone(statement.value))
    known = frozenset(values)
    bound: set[str] = set()
    free: dict[str, None] = {}
    for statement in statements:
        free.update((name, None) for name in _names(statement.value, text, known) if name not in bound)
        bound.update(statement.targets)
    inputs = tuple(name for name in free if name not in CONSTANTS)
    optional = tuple(name for name in free if name in CONSTANTS)
    return Scan(text, statements, known, inputs, optional, notes)


def pieces(node: syntax.Syntax, text: str, values: frozenset[str]) -> Sequence[syntax.Syntax]:
    """The sub-expressions whose values an expression needs, in order.

    Args:
        node: the expression.
        text: the formula's, for an error.
        values: `Scan.values`.
    """
    match node:
        case syntax.Unary(operand=operand):
            return (operand,)
        case syntax.Chain(operands=operands):
            return operands
        case syntax.Conditional(condition=condition, chosen=chosen, other=other):
            return (condition, chosen, other)
        case syntax.Index(value=value, items=items):
            return (value, *items)
        case syntax.Slice(start=start, stop=stop, step=step):
            none = syntax.Name(node.span, "None")
            return (start or none, stop or none, step or none)
        case syntax.Display(items=items):
            return items
        case syntax.Attribute(value=value):
            return () if module_path(node, values) else (value,)
        case syntax.Call():
            return called(node, text, values).pieces
        case _:
            return ()


def called(call: syntax.Call, text: str, values: frozenset[str]) -> Called:
    """What a call calls; the head is a function's name with its prefix as written, or `.name` for a method."""
    keywords = tuple(name for name, _ in call.keywords)
    function = call.function
    head = _function_name(function, values)
    if head is None and isinstance(function, syntax.Attribute):
        own = (function.value, *call.arguments, *(value for _, value in call.keywords))
        return Called(f".{function.name}", own, keywords)
    if head is None and isinstance(function, syntax.Call):
        # A module object, nn.LeakyReLU(0.1)(x): its options follow the arguments.
        head = _function_name(function.function, values)
        parts = (call.arguments, function.arguments)
        last = (head or "").rpartition(".")[2]
        both = (*parts[1], *parts[0]) if last in _DEGREE_FIRST else (*parts[0], *parts[1])
        call = syntax.Call(call.span, function.function, both, (*call.keywords, *function.keywords))
        keywords = (*keywords, *(name for name, _ in function.keywords))
    if head is None:
        raise FormulaError(
            "this is not a function", hint="a product needs its sign: write a*(b)", text=text, span=function.span
        )
    return Called(head, (*call.arguments, *(value for _, value in call.keywords)), keywords)


def module_path(node: syntax.Syntax, values: frozenset[str]) -> str | None:
    """`np.linalg.inv` where `np` is no value of the formula."""
    parts: list[str] = []
    while isinstance(node, syntax.Attribute) and len(parts) < _LONGEST_PATH:
        parts.append(node.name)
        node = node.value
    if not parts or not isinstance(node, syntax.Name) or node.name not in MODULES or node.name in values:
        return None
    return ".".join((node.name, *reversed(parts)))


def _function_name(function: syntax.Syntax, values: frozenset[str]) -> str | None:
    if isinstance(function, syntax.Name):
        return None if function.name == "..." else function.name
    return module_path(function, values)


def _names(root: syntax.Syntax, text: str, values: frozenset[str]) -> Iterator[str]:
    """The names whose values an expression needs, in order of appearance."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Name):
            if node.name not in _LITERAL_NAMES:
                yield node.name
        else:
            stack.extend(reversed(pieces(node, text, values)))


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
