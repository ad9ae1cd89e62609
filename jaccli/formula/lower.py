"""SymPy trees to one op graph.

Each operation that was written becomes one node (or, for a function of the language, the nodes that compose it)
in the order that was written. Shapes are checked on the way, and an error shows the sub-expression it arose in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.symbol import Str

from jaccli.errors import FormulaError, InputError, JaccliError, Span, nearest
from jaccli.formula.arithmetic import binary, negative
from jaccli.formula.functions.registry import call, find, functions
from jaccli.formula.indexing import index
from jaccli.formula.joining import NAMES as JOINERS
from jaccli.formula.joining import Joiner
from jaccli.formula.lowered import InputSpec, Lowered
from jaccli.formula.names import CONSTANTS
from jaccli.formula.properties import note_in_place, read_property
from jaccli.formula.tree import CONDITIONAL, INDEX, Apply, Expression, Items, Keyword, Slice, Tree, TreeStatement
from jaccli.formula.values import Context, Pair, SliceValue, Value, as_mask, describe
from jaccli.graph.building import uninterrupted
from jaccli.graph.node import DType, Node, apply, input_node

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPECIAL: dict[str, Value] = {
    "None": None,
    "newaxis": None,
    "True": True,
    "False": False,
    "...": Ellipsis,
    "Ellipsis": Ellipsis,
    "float": "float",
    "int": "int",
    "bool": "bool",
}
_OPERATORS = {
    "@": "matmul",
    "//": "floor_divide",
    "%": "remainder",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
    "|": "logical_or",
    "&": "logical_and",
    "~": "logical_not",
}


@uninterrupted
def lower(
    tree: Tree,
    inputs: Mapping[str, InputSpec],
    float_dtype: DType,
    compute: Callable[[Node], NDArray[Any]],
) -> Lowered:
    """The op graph of a formula for inputs of these shapes.

    Args:
        tree: the formula.
        inputs: shape and dtype by name; every name of `tree.inputs`, and any of `tree.optional`.
        float_dtype: of constants and of float results.
        compute: gives the numbers of a node, where a shape depends on them.

    Raises:
        InputError: for missing and unknown inputs.
        FormulaError, ShapeError: with the place.
    """
    _check_inputs(tree, inputs)
    nodes = {name: input_node(name, spec.shape, spec.dtype) for name, spec in inputs.items()}
    used_values: list[bool] = []

    def computed(node: Node) -> NDArray[Any]:
        used_values.append(node.reads_input)
        return compute(node)

    context = Context(float_dtype, computed)
    lowering = _Lowering(tree.text, context, dict(nodes))
    value: Value = None
    last = tree.statements[-1]
    for statement in tree.statements:
        value = lowering.statement(statement)
        if not statement.targets and statement is not last:
            context.note("a line that binds no name has no effect: only the last line is the output")
    try:
        output = context.array(value)
    except JaccliError as error:
        raise error.at(tree.text, last.span(last.tree)) from None
    origins = {node: tuple(spans) for node, spans in lowering.origins.items()}
    notes = (*tree.notes, *context.notes)
    return Lowered(nodes, output, origins, notes, any(used_values), lowering.bound())


def _check_inputs(tree: Tree, given: Mapping[str, InputSpec]) -> None:
    known = (*tree.inputs, *tree.optional)
    for name in given:
        if name not in known:
            guess = nearest(name, known)
            names = f"its inputs are {', '.join(tree.inputs)}" if tree.inputs else "it has no inputs"
            hint = f"did you mean {guess}?" if guess else names
            raise InputError(f"the formula has no input {name}: {names}", hint=hint if guess else None)
    missing = [name for name in tree.inputs if name not in given]
    if missing:
        raise InputError(
            f"no value is given for {', '.join(missing)}",
            hint=_missing_hint(missing[0]),
        )


def _missing_hint(name: str) -> str:
    if name in ("I", "j", "i"):
        return f"the imaginary unit is written 1j; if {name} is an input, give it: --{name} 3"
    if name in functions():
        return f"{name} is also a function, written {name}(…); as an input give it: --{name} 3"
    return f"give it with --{name} VALUE, such as --{name} 3 or --{name} eye:2"


class _Lowering:
    """Walks the trees. State: the names bound so far, and the origins of nodes."""

    def __init__(self, text: str, context: Context, names: dict[str, Value]) -> None:
        self._text = text
        self._context = context
        self._names = names
        self.origins: dict[Node, list[Span]] = {}

    def statement(self, statement: TreeStatement) -> Value:
        value = self._evaluate(statement)
        if len(statement.targets) == 1:
            self._names[statement.targets[0]] = value
        elif statement.targets:
            self._unpack(statement, value)
        return value

    def bound(self) -> tuple[tuple[str, Node], ...]:
        """The names that stand for arrays other than the inputs of that name."""
        return tuple(
            (name, value)
            for name, value in self._names.items()
            if isinstance(value, Node) and value.params.get("name") != name
        )

    def _unpack(self, statement: TreeStatement, value: Value) -> None:
        if isinstance(value, Pair):
            value = (value.values, value.indices)
        if isinstance(value, Node) and value.ndim and value.shape[0] == len(statement.targets):
            from jaccli.formula.functions.shaping import rows

            value = rows(value)
        if not isinstance(value, (list, tuple)) or len(value) != len(statement.targets):
            have = len(value) if isinstance(value, (list, tuple)) else _row_count(value)
            raise FormulaError(
                f"{len(statement.targets)} names stand before = and {have} value{'s' if have != 1 else ''} after it",
                text=self._text,
                span=statement.span(statement.tree),
            )
        self._names.update(zip(statement.targets, value, strict=True))

    def _evaluate(self, statement: TreeStatement) -> Value:
        """The value of a tree, children first, with a stack of its own."""
        values: dict[Expression, Value] = {}
        stack: list[tuple[Expression, bool]] = [(statement.tree, False)]
        while stack:
            tree, ready = stack.pop()
            if tree in values:
                continue
            if not ready:
                stack.append((tree, True))
                stack.extend((child, False) for child in reversed(_children(tree)) if child not in values)
                continue
            try:
                value = self._value(tree, [values[child] for child in _children(tree)])
            except JaccliError as error:
                raise error.at(self._text, _place(error, tree, statement)) from None
            for node in _nodes(value):
                self.origins.setdefault(node, []).extend(statement.spans.get(tree, ()))
            values[tree] = value
        return values[statement.tree]

    def _value(self, tree: Expression, children: list[Value]) -> Value:
        context = self._context
        match tree:
            case sympy.Symbol():
                return self._name(tree.name)
            case sympy.Integer():
                return int(tree)
            case sympy.Float() | sympy.core.numbers.Infinity():
                return float(tree)
            case sympy.Add():
                return self._sum(tree, children)
            case sympy.Mul():
                return self._product(tree, children)
            case sympy.Pow():
                return binary(context, "power", *children)
            case Slice():
                return SliceValue(*(_bound(context, child) for child in children))
            case Items():
                return list(children) if tree.args[0].name == "[]" else tuple(children)
            case Keyword():
                return children[0]
            case Apply():
                return self._apply(tree, children)
            case Str():
                return tree.name
        raise FormulaError(f"{type(tree).__name__} is not in the language")

    def _name(self, name: str) -> Value:
        if name in self._names:
            return self._names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        return _SPECIAL[name]

    def _sum(self, tree: Expression, children: list[Value]) -> Value:
        total = children[0]
        for term, value in zip(tree.args[1:], children[1:], strict=True):
            total = binary(self._context, "subtract" if _is_negated(term) else "add", total, value)
        return total

    def _product(self, tree: Expression, children: list[Value]) -> Value:
        if _is_negated(tree):
            return negative(self._context, children[0])
        total = children[0]
        for factor, value in zip(tree.args[1:], children[1:], strict=True):
            total = binary(self._context, "divide" if _is_divisor(factor) else "multiply", total, value)
        return total

    def _apply(self, tree: Expression, children: list[Value]) -> Value:
        context = self._context
        head = tree.head
        if head == INDEX:
            return index(context, children[0], children[1:])
        if head == CONDITIONAL:
            return self._conditional(*children)
        if head in _OPERATORS:
            return self._operator(head, children)
        if head.startswith("@"):
            return self._property(head[1:], children)
        keywords = {
            arg.args[0].name: value for arg, value in _with_arguments(tree, children) if isinstance(arg, Keyword)
        }
        arguments = [value for arg, value in _with_arguments(tree, children) if not isinstance(arg, Keyword)]
        if head.startswith("."):
            return self._method(head[1:], arguments, keywords)
        root, _, rest = head.partition(".")
        if root in self._names:
            if rest:
                return self._method(rest, [self._names[root], *arguments], keywords)
            if root not in functions():
                raise FormulaError(
                    f"{root} is a value, not a function", hint=f"for a product write {root}*(…), for an entry {root}[…]"
                )
        entry, qualified = find(head)
        note_in_place(context, qualified.name)
        return call(entry, context, arguments, keywords, qualified.dialect, qualified.prefix)

    def _conditional(self, condition: Value, chosen: Value, other: Value) -> Value:
        if isinstance(condition, (bool, int, float)):
            return chosen if condition else other
        entry, _ = find("where")
        return call(entry, self._context, [condition, chosen, other], {})

    def _operator(self, sign: str, children: list[Value]) -> Value:
        context = self._context
        if sign in ("&", "|"):
            total = children[0]
            for value in children[1:]:
                total = self._logical(sign, total, value)
            return total
        if sign == "~":
            if isinstance(children[0], bool):
                return not children[0]
            return apply("logical_not", self._truth(sign, children[0]))
        if sign in (">", ">="):
            return binary(context, "less" if sign == ">" else "less_equal", children[1], children[0])
        if sign == "@":
            entry, _ = find("matmul")
            return call(entry, context, children, {})
        return binary(context, _OPERATORS[sign], *children)

    def _logical(self, sign: str, left: Value, right: Value) -> Value:
        if isinstance(left, bool) and isinstance(right, bool):
            return (left and right) if sign == "&" else (left or right)
        return apply(_OPERATORS[sign], self._truth(sign, left), self._truth(sign, right))

    def _truth(self, sign: str, value: Value) -> Node:
        node = self._context.array(value)
        if node.dtype != "bool":
            raise FormulaError(
                f"{sign} combines truth values, and this is {describe(value)}",
                hint="compare first, as in (x > 0) & (y > 0); comparisons need their own brackets",
            )
        return as_mask(self._context, node)

    def _property(self, path: str, children: list[Value]) -> Value:
        if children:
            return read_property(self._context, children[0], path)
        root, _, rest = path.partition(".")
        if root in self._names:
            value = self._names[root]
            for name in rest.split("."):
                value = read_property(self._context, value, name)
            return value
        name = path.rsplit(".", 1)[-1]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name == "newaxis":
            return None
        if name in JOINERS:
            return Joiner(name)
        if name.startswith(("float", "double", "int", "long", "bool", "half")):
            return name
        if name in functions():
            raise FormulaError(f"the function {path} stands without its brackets", hint=f"write {path}(x)")
        raise FormulaError(
            f"{path} is not known", hint=f"{root} is read as the module; its constants are pi, e, inf, nan"
        )

    def _method(self, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        from jaccli.formula.properties import call_method

        return call_method(self._context, name, arguments, keywords)


def _row_count(value: Value) -> int:
    return value.shape[0] if isinstance(value, Node) and value.ndim else 1


def _nodes(value: Value) -> Iterable[Node]:
    """The nodes that a value consists of: one, or those of a function with several results."""
    if isinstance(value, Node):
        return (value,)
    return [part for part in value if isinstance(part, Node)] if isinstance(value, (tuple, list)) else ()


def _place(error: JaccliError, tree: Expression, statement: TreeStatement) -> Span | None:
    """The place of the argument that an error is about, else that of the whole."""
    whole = statement.span(tree)
    children = _children(tree)
    if whole is None or error.argument is None or error.argument >= len(children):
        return whole
    places = statement.spans.get(children[error.argument], ())
    return next((place for place in places if whole.start <= place.start and place.end <= whole.end), whole)


def _children(tree: Expression) -> tuple[Expression, ...]:
    """The sub-trees whose values a tree needs, in order."""
    if isinstance(tree, sympy.Add):
        return tuple(_bare(term) if index else term for index, term in enumerate(tree.args))
    if isinstance(tree, sympy.Mul):
        if _is_negated(tree):
            return (tree.args[1],)
        return tuple(_bare_divisor(factor) if index else factor for index, factor in enumerate(tree.args))
    if isinstance(tree, (Apply, Items, Keyword)):
        return tuple(tree.args[1:])
    return () if isinstance(tree, (sympy.Symbol, Str, sympy.Number)) else tuple(tree.args)


def _with_arguments(tree: Expression, children: list[Value]) -> list[tuple[Expression, Value]]:
    return list(zip(tree.args[1:], children, strict=True))


def _is_negated(tree: Expression) -> bool:
    """Whether a tree is the opposite of something, as `tree._unary` writes it."""
    return isinstance(tree, sympy.Mul) and len(tree.args) == 2 and tree.args[0] is sympy.S.NegativeOne


def _is_divisor(tree: Expression) -> bool:
    """Whether a factor is one over something, as `tree._chain` writes it."""
    return isinstance(tree, sympy.Pow) and tree.args[1] is sympy.S.NegativeOne


def _bare(term: Expression) -> Expression:
    return term.args[1] if _is_negated(term) else term


def _bare_divisor(factor: Expression) -> Expression:
    return factor.args[0] if _is_divisor(factor) else factor


def _bound(context: Context, value: Value) -> int | None:
    return None if value is None else context.integer(value, "a bound of a slice")
