"""The example of every function with one argument at a time replaced by what does not belong there.

    python tests/fuzzing/arguments.py

Random texts rarely put the one wrong number at the one place where it hurts; this goes through all of them. Every text
must end in a result or in a `JaccliError`, within two seconds of the processor and a gigabyte.
"""

from __future__ import annotations

import ast
import functools
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from fuzzing import run

WRONG = (
    "-1", "0", "2", "7", "1.5", "2**63", "-2**63", "10**9", "10**400", "1e308", "nan", "-inf", "1j", "True", "None",
    "'nosuch'", "''", "x", "s", "i", "E", "Z", "B", "D", "-x", "i + 5", "-i", "x > 0", "1j*x", "i[:, None]", "[]",
    "[[]]", "[1j, 2]", "[x, s]", "(x, y)", "()", "('a',)", "(0, -1)", "(1, 2, 3)", "[[1, 2], [3]]", "arange(4)",
    "eye(3)", "zeros((0, 3))", "zeros((3, 0))", "zeros((2, 2, 0, 2))", "ones((2, 0, 3))", "ones((1, 0, 4, 4))",
    "ones((1, 3, 5, 5))", "full((3, 3), inf)", "x[:, None, None, None]", "linspace(0, 1, 9)", "zeros(10**6)",
    "broadcast_to(x, (10**9, 3))", "torch.distributions.Normal(0, s)",
)  # fmt: skip
_SELF = ("input", "a", "self", "tensor", "dim", "dims")


def texts(row: Any) -> Iterator[str]:
    """A function's example with each argument replaced, with each option set, and with its arguments by keyword."""
    try:
        tree = ast.parse(row.example, mode="eval")
    except SyntaxError:  # statements, and signs that Python does not know
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls[:2]:
        for place, argument in enumerate(call.args):
            for wrong in _wrong():
                call.args[place] = wrong
                yield ast.unparse(tree)
            call.args[place] = argument
        for keyword in call.keywords:
            value = keyword.value
            for wrong in _wrong():
                keyword.value = wrong
                yield ast.unparse(tree)
            keyword.value = value
    for call in calls[:1]:
        yield from _with_options(tree, call, [parameter.name for parameter in row.parameters])


def _with_options(tree: ast.Expression, call: ast.Call, names: list[str]) -> Iterator[str]:
    given = {keyword.arg for keyword in call.keywords}
    for name in names[len(call.args) :]:
        if name not in given and name != "context":
            for wrong in _wrong():
                call.keywords.append(ast.keyword(name, wrong))
                yield ast.unparse(tree)
                call.keywords.pop()
    arguments, keywords = list(call.args), list(call.keywords)
    for place in range(len(arguments) if len(names) >= len(arguments) else 0):
        for first in (names[place], *_SELF):
            named = zip((first, *names[place + 1 :]), arguments[place:], strict=False)
            call.args = arguments[:place]
            call.keywords = [*(ast.keyword(name, value) for name, value in named), *keywords]
            yield ast.unparse(tree)
    call.args, call.keywords = arguments, keywords


@functools.cache
def _wrong() -> tuple[ast.expr, ...]:
    return tuple(ast.parse(text, mode="eval").body for text in WRONG)


def attempt(text: str, turn: int, values: dict[str, Any]) -> None:
    """Computes a text, or a derivative of it; anything but a `JaccliError` goes through."""
    import jaccli

    try:
        formula = jaccli.Formula(text)
        given = {name: values[name] for name in (*formula.inputs, *formula.constants) if name in values}
        floats = [name for name, value in given.items() if value.dtype.kind == "f"]
        match turn % 6:
            case 0:
                formula.value(given)
            case 1 if floats:
                formula.jvp(given, dict.fromkeys(floats, 1.0))
            case 2:
                formula.jacobian(given)
            case 3:
                formula.diagonal(given)
            case _:
                formula.vjp(given, 1.0)
    except jaccli.JaccliError as error:
        str(error)


def everything(one_in: int = 1) -> Iterator[tuple[str, dict[str, Any]]]:
    """All texts of one function in so many, each with the values that the function's example runs with."""
    from jaccli.formula.functions.registry import catalogue

    values = run.point()
    for row in catalogue()[::one_in]:
        if row.example:
            here = {**values, **run.example_point(row)}
            for text in dict.fromkeys(texts(row)):
                yield text, here


def main() -> int:
    """Tries all; gives the number of findings."""
    from jaccli.runtime.memory import limited

    findings = number = 0
    run.prepare()
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, run.too_slow)
    signal.signal(signal.SIGPROF, run.too_slow)
    for number, (text, values) in enumerate(everything(), 1):
        run.set_alarms(run.LONGEST)
        try:
            with limited(run.LARGEST):
                attempt(text, number, values)
            run.set_alarms(0)
        except (Exception, run.TooSlowError) as error:
            run.set_alarms(0)
            findings += 1
            print(f"{text!r}\n    {type(error).__name__}: {str(error)[:300]}", flush=True)
    print(f"{number:,} texts, {findings} findings")
    return findings


if __name__ == "__main__":
    sys.exit(main() > 0)
