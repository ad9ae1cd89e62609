"""Tokens to a syntax tree: Python's expression syntax, read as data.

Python's own parser refuses a sum of three thousand terms and may exhaust the C stack, so this one keeps its
own stack: each rule is a generator that yields the rule it needs next, and a loop runs them. Chains of
operators of one precedence are one node, whatever their length.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from jaccli.errors import FormulaError, LimitError, Span
from jaccli.formula.syntax import (
    Attribute,
    Call,
    Chain,
    Conditional,
    Display,
    Index,
    Name,
    Number,
    Slice,
    Statement,
    Syntax,
    Text,
    Unary,
)
from jaccli.formula.token_stream import TokenStream

DEEPEST_NESTING = 16_000

Rule = Generator[Any, Any, Any]


_LEVELS = {
    "or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "|": 5, "&": 7,
    "+": 9, "-": 9, "*": 10, "/": 10, "//": 10, "%": 10, "@": 10,
}  # fmt: skip
_COMPARE, _NOT, _UNARY = 4, 3, 11


class Parsed(NamedTuple):
    """The statements of a formula, and what its reader should be told."""

    statements: tuple[Statement, ...]
    notes: tuple[str, ...]


def parse(text: str) -> Parsed:
    """The statements of a formula.

    Raises:
        FormulaError: with the place, where the text is not in the language.
        LimitError: where it is nested too deeply.
    """
    parser = _Parser(text)
    statements = parser.statements()
    return Parsed(statements, ("^ is read as a power; ** says the same",) if parser.caret_is_power else ())


class _Parser(TokenStream):
    """One pass over the tokens. State: besides the next token, whether a caret was met."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.caret_is_power = False

    def statements(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while self._skip_newlines().kind != "end":
            found.append(self._statement())
            if self._peek().kind not in ("newline", "end"):
                raise self._unexpected()
        if not found:
            raise FormulaError("the formula is empty", hint='write an expression, such as "(x+1)**2"')
        return tuple(found)

    def _statement(self) -> Statement:
        start = self._peek().span.start
        value = self._run(self._items("="))
        targets: tuple[str, ...] = ()
        if self._accept("="):
            targets = self._targets(value)
            value = self._run(self._items("="))
            if self._peek().text == "=":
                raise self._error("two assignments in one statement", self._peek(), "give each its own line")
        return Statement(targets, value, Span(start, value.span.end))

    def _targets(self, value: Syntax) -> tuple[str, ...]:
        items = value.items if isinstance(value, Display) else (value,)
        names = []
        for item in items:
            if not isinstance(item, Name) or item.name in ("None", "True", "False", "..."):
                raise FormulaError(
                    "only a name can stand before =",
                    hint="entries cannot be assigned to; build the array with stack, concatenate or where",
                    text=self._text,
                    span=item.span,
                )
            names.append(item.name)
        return tuple(names)

    def _run(self, rule: Rule) -> Any:
        stack = [rule]
        sent: Any = None
        while stack:
            try:
                wanted = stack[-1].send(sent)
            except StopIteration as finished:
                stack.pop()
                sent = finished.value
                continue
            stack.append(wanted)
            sent = None
            if len(stack) > DEEPEST_NESTING:
                raise LimitError(
                    "the formula is nested too deeply",
                    hint="give inner parts a name of their own, as in h = tanh(W @ x); W2 @ h",
                    text=self._text,
                    span=self._peek().span,
                )
        return sent

    # Rules, loosest first. A rule yields the rule that it needs and is sent its result.

    def _items(self, end: str) -> Rule:
        """An expression, or several with commas, which make a tuple."""
        start = self._peek().span.start
        first = yield self._expression()
        if self._peek().text != "," or self._peek().kind != "operator":
            return first
        items = [first]
        while self._accept(","):
            if self._peek().kind in ("end", "newline") or self._peek().text in (end, ")", "]"):
                break
            items.append((yield self._expression()))
        return Display(self._since(start), tuple(items), "()")

    def _expression(self) -> Rule:
        start = self._peek().span.start
        chosen = yield self._binary(0)
        if not self._accept_word("if"):
            return chosen
        condition = yield self._binary(0)
        if not self._accept_word("else"):
            raise self._error("`if` needs an `else` here", self._peek(), "write: a if condition else b")
        other = yield self._expression()
        return Conditional(self._since(start), condition, chosen, other)

    def _binary(self, lowest: int) -> Rule:
        start = self._peek().span.start
        if lowest <= _NOT and self._peek().kind == "name" and self._peek().text == "not":
            self._take()
            operand = yield self._binary(_NOT)
            left: Syntax = Unary(self._since(start), "~", operand)
        else:
            left = yield self._unary()
        while True:
            level = self._level()
            if level is None or level < lowest:
                return left
            operators: list[str] = []
            operands = [left]
            while self._level() == level:
                if level == _COMPARE and operators:
                    raise self._error(
                        "comparisons cannot be chained", self._peek(), "write (a < b) & (b < c) instead of a < b < c"
                    )
                operators.append(self._take().text)
                operands.append((yield self._binary(level + 1)))
            left = Chain(self._since(start), tuple(operators), tuple(operands))

    def _unary(self) -> Rule:
        token = self._peek()
        if token.kind == "operator" and token.text in ("-", "+", "~", "√"):
            self._take()
            operand = yield (self._postfix() if token.text == "√" else self._unary())
            return Unary(self._since(token.span.start), token.text, operand)
        base = yield self._postfix()
        if self._accept("**") or self._accept("^"):
            if self._tokens[self._next - 1].text == "^":
                self.caret_is_power = True
            exponent = yield self._unary()
            return Chain(self._since(token.span.start), ("**",), (base, exponent))
        return base

    def _postfix(self) -> Rule:
        start = self._peek().span.start
        value = yield self._atom()
        while self._peek().kind == "operator" and self._peek().text in ("(", "[", "."):
            sign = self._take().text
            if sign == ".":
                name = self._take_name()
                value = Attribute(self._since(start), value, name.text)
            elif sign == "[":
                value = yield self._index(value, start)
            else:
                value = yield self._call(value, start)
        self._refuse_implicit_product(value)
        return value

    def _call(self, function: Syntax, start: int) -> Rule:
        arguments: list[Syntax] = []
        keywords: list[tuple[str, Syntax]] = []
        while not self._closes(")"):
            token = self._peek()
            following = self._tokens[self._next + 1] if token.kind != "end" else token
            if token.kind == "name" and following.text == "=" and following.kind == "operator":
                self._take()
                self._take()
                if token.text in dict(keywords):
                    raise self._error(f"the keyword {token.text} is given twice", token)
                keywords.append((token.text, (yield self._expression())))
            else:
                if token.kind == "operator" and token.text in ("*", "**"):
                    raise self._error("arguments cannot be unpacked", token, "write the arguments out")
                argument = yield self._expression()
                if keywords:
                    raise FormulaError("a positional argument after a keyword", text=self._text, span=argument.span)
                arguments.append(argument)
            if not self._accept(",") and not self._closes(")"):
                raise self._unexpected("`,` or `)`")
        self._take()
        return Call(self._since(start), function, tuple(arguments), tuple(keywords))

    def _index(self, value: Syntax, start: int) -> Rule:
        items: list[Syntax] = []
        while not self._closes("]"):
            items.append((yield self._index_item()))
            if not self._accept(",") and not self._closes("]"):
                raise self._unexpected("`,` or `]`")
        end = self._take()
        if not items:
            raise self._error("an index needs something between its brackets", end)
        return Index(self._since(start), value, tuple(items))

    def _index_item(self) -> Rule:
        start = self._peek().span.start
        parts: list[Syntax | None] = [None]
        while True:
            if self._accept(":"):
                parts.append(None)
            elif self._peek().text in (",", "]") or self._peek().kind == "end" or parts[-1] is not None:
                break
            else:
                parts[-1] = yield self._expression()
        if len(parts) == 1:
            if parts[0] is None:
                raise self._unexpected("an index")
            return parts[0]
        if len(parts) > 3:
            raise self._error("a slice has at most three parts, start:stop:step", self._peek())
        first, second, third = (*parts, None)[:3]
        return Slice(self._since(start), first, second, third)

    def _atom(self) -> Rule:
        token = self._peek()
        if token.kind == "number":
            self._take()
            return Number(token.span, self._number(token))
        if token.kind == "name":
            name = self._take_name()
            if self._peek().kind == "text" and self._peek().span.start == name.span.end:
                raise self._error("strings have no prefixes here", name, "strings stand only as options of functions")
            return Name(name.span, name.text)
        if token.kind == "text":
            self._take()
            return Text(token.span, token.text[1:-1])
        if token.kind == "operator" and token.text == "...":
            self._take()
            return Name(token.span, "...")
        if token.kind == "operator" and token.text == "(":
            return (yield self._parenthesis())
        if token.kind == "operator" and token.text == "[":
            return (yield self._list())
        raise self._unexpected("a value")

    def _parenthesis(self) -> Rule:
        start = self._take().span.start
        if self._closes(")"):
            return Display(Span(start, self._take().span.end), (), "()")
        inner = yield self._items(")")
        if not self._closes(")"):
            raise self._unclosed("(", ")", start)
        self._take()
        return inner

    def _list(self) -> Rule:
        start = self._take().span.start
        items: list[Syntax] = []
        while not self._closes("]"):
            items.append((yield self._expression()))
            if self._peek().kind in ("number", "name"):
                raise self._error(
                    "entries of a list are separated by commas", self._peek(), "write [1, 2], [[1, 2], [3, 4]]"
                )
            if not self._accept(",") and not self._closes("]"):
                raise self._unclosed("[", "]", start)
        return Display(Span(start, self._take().span.end), tuple(items), "[]")

    def _level(self) -> int | None:
        token = self._peek()
        if token.kind == "operator" or (token.kind == "name" and token.text in ("and", "or")):
            return _LEVELS.get(token.text)
        return None
