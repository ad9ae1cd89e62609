"""Text to tokens. Signs typed from paper become their operators; what is no sign of the language is an error
that shows the fix."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from jaccli.errors import FormulaError, LimitError, Span

LONGEST_TEXT = 1_000_000
LONGEST_NUMBER = 400
LONGEST_NAME = 200


class Token(NamedTuple):
    """A piece of text. `kind` is "number", "name", "text", "operator", "newline" or "end"."""

    kind: str
    text: str
    span: Span


_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PATTERN = re.compile(
    rf"""
      (?P<space>    [ \t\r\f\u00a0]+ | \\\r?\n | \#[^\n]* )
    | (?P<newline>  \n | ; )
    | (?P<number>   0[xX][0-9a-fA-F_]+ | 0[bB][01_]+ | 0[oO][0-7_]+
                  | (?: [0-9][0-9_]* (?: \.(?![*/^]) [0-9_]* )? | \.[0-9][0-9_]* ) (?: [eE][+-]?[0-9_]+ )? )
    | (?P<name>     (?! [{_SUPERSCRIPTS}] ) [^\W\d] (?: (?! [{_SUPERSCRIPTS}] ) \w )* )
    | (?P<text>     '[^'\\\n]*' | "[^"\\\n]*" )
    | (?P<superscript> ⁻?[{_SUPERSCRIPTS}]+ )
    | (?P<operator> \*\*= | //= | \.\.\. | \.\*\* | \*\* | // | == | != | <= | >= | -> | := | && | \|\|
                  | [-+*/%@&|^]= | \.[*/^] | << | >> | [-+*/%@&|^~<>=()\[\]{{}},.:!×·⋅−÷√≤≥≠‖] )
    """,
    re.VERBOSE,
)
_SIGNS = {
    "×": "*", "·": "*", "⋅": "*", "−": "-", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=",
    ".*": "*", "./": "/", ".^": "**", ".**": "**", "&&": "&", "||": "|", "!": "~",
}  # fmt: skip
_NAMES = {"π": "pi", "∞": "inf", "τ": "tau"}


def tokenize(text: str) -> list[Token]:
    """The tokens of a formula; line ends inside brackets are dropped.

    Raises:
        FormulaError: at a character that is not in the language.
        LimitError: for a text or a number of absurd length.
    """
    if len(text) > LONGEST_TEXT:
        raise LimitError(f"the formula has {len(text):,} characters; the limit is {LONGEST_TEXT:,}")
    tokens: list[Token] = []
    depth = 0
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            raise _stray(text, position)
        position = match.end()
        kind, piece, span = str(match.lastgroup), match.group(), Span(*match.span())
        if kind == "space":
            continue
        if kind == "operator":
            depth += (piece in "([{") - (piece in ")]}")
        if kind == "newline" and piece == "\n" and depth > 0:
            continue
        _append(tokens, kind, piece, span, text)
    tokens.append(Token("end", "", Span(len(text), len(text))))
    return tokens


def _append(tokens: list[Token], kind: str, piece: str, span: Span, text: str) -> None:
    if kind == "superscript":
        digits = "".join(str(_SUPERSCRIPTS.index(sign)) for sign in piece.lstrip("⁻"))
        tokens.append(Token("operator", "**", span))
        if piece.startswith("⁻"):
            tokens.append(Token("operator", "-", span))
        tokens.append(Token("number", digits, span))
        return
    if kind == "number":
        if len(piece) > LONGEST_NUMBER:
            raise LimitError(f"a number of {len(piece):,} digits; the limit is {LONGEST_NUMBER}", text=text, span=span)
        _refuse_glued(tokens, piece, span, text)
    if kind == "name" and tokens and tokens[-1].kind == "number" and tokens[-1].span.end == span.start:
        if piece not in ("j", "J"):
            raise _glued(tokens[-1], piece, span, text)
        tokens.extend(_imaginary(tokens.pop(), span))
        return
    if kind == "name" and len(piece) > LONGEST_NAME:
        raise FormulaError(f"a name of {len(piece):,} characters; the limit is {LONGEST_NAME}")
    if kind == "operator":
        piece = _SIGNS.get(piece, piece)
    if kind == "name":
        # One name however it is typed, as in Python.
        piece = _NAMES.get(piece) or (piece if piece.isascii() else unicodedata.normalize("NFKC", piece))
    tokens.append(Token(kind, piece, span))


def _refuse_glued(tokens: list[Token], piece: str, span: Span, text: str) -> None:
    if tokens and tokens[-1].kind == "number" and tokens[-1].span.end == span.start:
        raise FormulaError(f"{tokens[-1].text}{piece} is not a number", text=text, span=span)


def _imaginary(number: Token, unit: Span) -> list[Token]:
    """`2j` as complex(0, 2)."""
    whole = Span(number.span.start, unit.end)
    words = (("name", "complex"), ("operator", "("), ("number", "0"), ("operator", ","), ("number", number.text))
    return [Token(kind, word, whole) for kind, word in (*words, ("operator", ")"))]


def _glued(number: Token, name: str, span: Span, text: str) -> FormulaError:
    whole = Span(number.span.start, span.end)
    return FormulaError("a product needs its sign", hint=f"write {number.text}*{name}", text=text, span=whole)


def _stray(text: str, position: int) -> FormulaError:
    sign = text[position]
    span = Span(position, position + 1)
    if sign in "'\"":
        before = text[:position].rstrip()
        if before and (before[-1].isalnum() or before[-1] in ")]_"):
            return FormulaError("a text that does not end", hint="for the transpose write .T", text=text, span=span)
        return FormulaError("a text that does not end on its line", text=text, span=span)
    if sign == "\\":
        return FormulaError("a backslash is not an operator", hint="for A\\b write solve(A, b)", text=text, span=span)
    if sign == "?":
        return FormulaError(
            "? is not an operator", hint="write: a if condition else b, or where(condition, a, b)", text=text, span=span
        )
    shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
    return FormulaError(f"the character {shown} is not in the language", text=text, span=span)
