"""Writes docs/functions.md and the derivatives that `jaccli ops` shows: python docs/make_functions.py"""

from __future__ import annotations

import itertools
from pathlib import Path

from jaccli.explain.known_derivatives import written
from jaccli.formula.functions.registry import Function, catalogue

PAGE = Path(__file__).parent / "functions.md"
DERIVATIVES = Path(__file__).parents[1] / "jaccli" / "explain" / "derivatives.json"

_HEAD = """# The functions of the language

This page is made by `python docs/make_functions.py`. At a prompt, `jaccli ops` prints the same list with
every derivative, and `jaccli ops NAME` tells all about one function. Most functions of an array are methods too:
`x.sum(axis=0)`.
"""


def page() -> str:
    """The whole page."""
    by_family = sorted(catalogue(), key=lambda function: function.family)
    parts = [_HEAD]
    for family, members in itertools.groupby(by_family, key=lambda function: function.family):
        parts += [
            f"## {family}\n",
            "| function | gives | also called | where the derivative is not defined | example |",
            "| --- | --- | --- | --- | --- |",
            *(_row(function) for function in sorted(members, key=lambda function: function.name.lower())),
            "",
        ]
    return "\n".join(parts)


def _row(function: Function) -> str:
    cells = [
        _code(function.signature),
        _text(function.doc.partition("\n")[0]),
        ", ".join(_code(synonym) for synonym in function.synonyms),
        _text(function.kinks),
        _code(function.example) if function.example else "",
    ]
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{_text(text)}`"


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    DERIVATIVES.write_text(written(catalogue()), encoding="utf-8", newline="\n")
