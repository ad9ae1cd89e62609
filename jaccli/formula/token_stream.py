"""The tokens of a formula one after the other, and what is said where one of them cannot stand."""

from __future__ import annotations

from jaccli.errors import FormulaError, Span
from jaccli.formula.syntax import Name, Syntax
from jaccli.formula.tokens import Token, tokenize

_RESERVED = {
    "lambda": "functions cannot be defined here; as a variable call it lam",
    "for": "there are no loops or comprehensions; write whole-array operations, such as sum(x, axis=0)",
    "while": "there are no loops; write whole-array operations",
    "def": "functions cannot be defined here; write the body as statements, name = value",
    "return": "leave out return: the last line is the output",
    "import": "nothing needs importing: functions are known by name, with or without np. or torch.",
    "from": "nothing needs importing: functions are known by name, with or without np. or torch.",
    "in": "as a variable call it in_",
    "is": "compare with ==",
    "as": "as a variable call it as_",
    "class": "classes cannot be defined here",
    "with": "statements other than name = value are not in the language",
    "try": "statements other than name = value are not in the language",
    "raise": "statements other than name = value are not in the language",
    "assert": "statements other than name = value are not in the language",
    "del": "statements other than name = value are not in the language",
    "pass": "statements other than name = value are not in the language",
    "global": "statements other than name = value are not in the language",
    "nonlocal": "statements other than name = value are not in the language",
    "async": "statements other than name = value are not in the language",
    "await": "statements other than name = value are not in the language",
    "yield": "statements other than name = value are not in the language",
    "break": "there are no loops",
    "continue": "there are no loops",
    "elif": "write: a if condition else b",
    "except": "statements other than name = value are not in the language",
    "finally": "statements other than name = value are not in the language",
}


class TokenStream:
    """What a parser reads from. State: the position of the next token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._next = 0

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _since(self, start: int) -> Span:
        """From there to the end of what was taken last, brackets round an operand included."""
        return Span(start, self._tokens[self._next - 1].span.end)

    def _skip_newlines(self) -> Token:
        while self._peek().kind == "newline":
            self._take()
        return self._peek()

    def _accept(self, text: str) -> bool:
        token = self._peek()
        if token.kind == "operator" and token.text == text:
            self._take()
            return True
        return False

    def _accept_word(self, word: str) -> bool:
        token = self._peek()
        if token.kind == "name" and token.text == word:
            self._take()
            return True
        return False

    def _closes(self, bracket: str) -> bool:
        token = self._peek()
        return token.kind == "operator" and token.text == bracket

    def _take_name(self) -> Token:
        token = self._peek()
        if token.kind != "name":
            raise self._unexpected("a name")
        if token.text in _RESERVED:
            raise self._error(f"`{token.text}` is not in the language", token, _RESERVED[token.text])
        if token.text in ("and", "or", "not", "if", "else"):
            raise self._unexpected("a value")
        if token.text.startswith("__"):
            raise self._error(f"the name {token.text} is not in the language", token, "names begin with a letter")
        return self._take()

    def _number(self, token: Token) -> int | float:
        digits = token.text.replace("_", "")
        try:
            if digits[:2].lower() in ("0x", "0b", "0o"):
                return int(digits, 0)
            return int(digits) if digits.isdecimal() else float(digits)
        except ValueError:
            raise self._error(f"{token.text} is not a number", token) from None

    # Errors.

    def _error(self, message: str, token: Token, hint: str | None = None) -> FormulaError:
        return FormulaError(message, hint=hint, text=self._text, span=token.span)

    def _unclosed(self, opening: str, closing: str, start: int) -> FormulaError:
        token = self._peek()
        if token.kind == "name" and token.text in ("for", "async"):
            return self._error(f"`{token.text}` is not in the language", token, _RESERVED[token.text])
        if token.kind != "end":
            return self._unexpected(f"`{closing}`")
        return FormulaError(f"this `{opening}` is never closed", text=self._text, span=Span(start, start + 1))

    def _unexpected(self, wanted: str | None = None) -> FormulaError:
        token = self._peek()
        following = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        if token.kind == "end":
            return self._error(f"the formula ends where {wanted or 'something'} should follow", token)
        if token.kind == "name" and token.text in _RESERVED:
            return self._error(f"`{token.text}` is not in the language", token, _RESERVED[token.text])
        if token.text.endswith("=") and token.text not in ("=", "==", "<=", ">=", "!="):
            sign = token.text[:-1]
            hint = "write name = value as a statement of its own" if sign == ":" else f"write x = x {sign} …"
            return self._error(f"`{token.text}` is not in the language", token, hint)
        if token.text == "=":
            hint = "for a comparison write ==" if following.text != "=" else "for a comparison write == together"
            return self._error("`=` cannot stand here", token, hint)
        if token.text in ("{", "}"):
            return self._error("braces are not in the language", token, "lists are written [1, 2, 3]")
        if token.text in ("<<", ">>"):
            return self._error(f"`{token.text}` is not in the language", token, "multiply by a power of two: x * 2**n")
        if token.text == "‖":
            return self._error("bars are not in the language", token, "write norm(x)")
        if token.text == "|":
            return self._error("bars are not in the language", token, "write abs(x)")
        if token.text in (")", "]"):
            return self._error(f"`{token.text}` has no opening bracket, or something is missing before it", token)
        expected = f"; expected {wanted}" if wanted else ""
        shown = "the end of the line" if token.kind == "newline" else f"`{token.text}`"
        return self._error(f"{shown} cannot stand here{expected}", token)

    def _refuse_implicit_product(self, value: Syntax) -> None:
        token = self._peek()
        if token.kind not in ("name", "number", "text") or token.text in ("if", "else", "and", "or", "not"):
            return
        if token.kind == "text":
            raise self._error("a string cannot stand here", token, "for the transpose write .T")
        if token.text in _RESERVED:
            raise self._error(f"`{token.text}` is not in the language", token, _RESERVED[token.text])
        before = self._text[value.span.start : value.span.end]
        if len(before) > 20 or "\n" in before:
            before = "…" + before[-10:].replace("\n", " ")
        fix = f"{before}({token.text})" if isinstance(value, Name) and len(before) > 1 else f"{before}*{token.text}"
        raise self._error("two values stand side by side", token, f"write {fix}")
