"""What is said of a result that holds a NaN or an infinity: the place in the formula, the entry, the numbers there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jaccli
from jaccli.cli.main import main
from jaccli.explain.nonfinite import where_arisen
from jaccli.explain.question import Entry, Question

# (words of the command line, what is said of the origin, the text under the carets or None)
ORIGINS: list[tuple[list[str], str, str | None]] = [
    # values
    (["eval", "log(x)", "--x", "1,2,3,-1"], "forward pass: log(x) is NaN at x = -1.0, index [3]", "log(x)"),
    (["eval", "2 + 1/x", "--x", "0"], "forward pass: 1/x is inf at x = 0.0", "1/x"),
    (["eval", "log(x)", "--x", "[[1,1],[0,1]]"], "log(x) is -inf at x = 0.0, index [1, 0]", "log(x)"),
    (["eval", "x/y", "--x", "1,0", "--y", "2,0"], "x/y is NaN at x = 0.0, y = 0.0, index [1]", "x/y"),
    (
        ["eval", "sum(log(x - 1)**2)", "--x", "2,0"],
        "log(x - 1) is NaN at x - 1 = -1.0, index [1], where x[1] = 0.0",
        "log(x - 1)",
    ),
    (["eval", "exp(x)/exp(x)", "--x", "1000"], "exp(x) is inf at x = 1000.0", "exp(x)"),
    (["eval", "h = sqrt(x)\ny = h*2\nsum(y[::-1])", "--x", "4,-1"], "sqrt(x) is NaN at x = -1.0, index [1]", "sqrt(x)"),
    (
        ["eval", "exp(A) @ b", "--A", "[[1,2],[3,800]]", "--b", "1,1"],
        "exp(A) is inf at A = 800.0, index [1, 1]",
        "exp(A)",
    ),
    (["eval", "rel_entr(x, y)", "--x", "1", "--y", "0"], "rel_entr(x, y) is inf", "rel_entr(x, y)"),
    (["eval", "log(-2)*x", "--x", "1"], "log(-2) is NaN", "log(-2)"),
    # an infinity that is written or masked away is not the cause
    (
        ["eval", "softmax(where(m > 0, s, -inf)) @ log(s)", "--m", "1,0", "--s", "1,-2"],
        "log(s) is NaN at s = -2.0, index [1]",
        "log(s)",
    ),
    (
        ["eval", "where(x > 0, log(x), 1/(x + 1))", "--x", "1,-1"],
        "1/(x + 1) is inf at x + 1 = 0.0, index [1], where x[1] = -1.0",
        "1/(x + 1)",
    ),
    # inputs
    (["eval", "2*x + y", "--x", "1,nan", "--y", "1"], "it is given: x[1] is NaN", None),
    (["vjp", "sum(x*y)", "--x", "1,2", "--y", "1,-inf"], "it is given: y[1] is -inf", None),
    (["vjp", "v*x", "-i", "v=inf", "--x", "2", "--wrt", "x"], "it is given: v is inf", None),
    (["vjp", "x*2", "--x", "1,2", "--v", "1,nan"], "it is given: the cotangent v[1] is NaN", None),
    (["jvp", "x*2", "--x", "1,2", "--t", "x=1,nan"], "it is given: the tangent of x[1] is NaN", None),
    # derivatives
    (
        ["vjp", "sum(sqrt(x))", "--x", "0,1"],
        "backward pass: the slope of sqrt(x) is infinite at x = 0.0, index [0]",
        "sqrt(x)",
    ),
    (
        ["vjp", "sqrt(x)**2", "--x", "0"],
        "the slope of sqrt(x) is infinite at x = 0.0, and 0 times infinity is NaN",
        "sqrt(x)",
    ),
    (["vjp", "sum(log(x))", "--x", "-1,1"], "forward pass: log(x) is NaN at x = -1.0, index [0]", "log(x)"),
    (
        ["vjp", "arccos(2*x)", "--x", "0.5"],
        "the slope of arccos(2*x) is infinite at 2*x = 1.0, where x = 0.5",
        "arccos(2*x)",
    ),
    (
        ["vjp", "x**y", "--x", "0", "--y", "0.5", "--wrt", "x"],
        "the slope of x**y is infinite at x = 0.0, y = 0.5",
        "x**y",
    ),
    (["grad", "sqrt(x)", "--x", "0", "--v", "reset", "--v", "2"], "after call 2", "sqrt(x)"),
    (
        ["vjp", "sqrt(x)", "--x", "4,0", "--v", "[[1,0],[0,1]]", "--batched"],
        "the slope of sqrt(x) is infinite at x = 0.0, index [1]",
        "sqrt(x)",
    ),
    (
        ["jvp", "sqrt(x)", "--x", "0,1", "--t", "x=ones"],
        "among the tangents: the slope of sqrt(x) is infinite at x = 0.0",
        "sqrt(x)",
    ),
    (
        ["jacobian", "sqrt(x)*y", "--x", "1,0", "--y", "1,1"],
        "the slope of sqrt(x) is infinite at x = 0.0, index [1]",
        "sqrt(x)",
    ),
    (
        ["jacobian", "sqrt(x)", "--x", "1,0", "--sparse"],
        "the slope of sqrt(x) is infinite at x = 0.0, index [1]",
        "sqrt(x)",
    ),
    (["explain", "sum(sqrt(x))", "--x", "1,0"], "the slope of sqrt(x) is infinite at x = 0.0, index [1]", "sqrt(x)"),
    (["diag", "sqrt(x)", "--x", "1,0"], "the slope of sqrt(x) is infinite at x = 0.0, index [1]", "sqrt(x)"),
    (
        ["diag", "sum(sqrt(x), axis=1)", "--x", "[[1,0],[1,1]]"],
        "the slope of sqrt(x) is infinite at x = 0.0, index [0, 1]",
        "sqrt(x)",
    ),
    (
        ["hessian", "sum(x**1.5)", "--x", "0,1"],
        "the second derivative of x**1.5 gives inf at x = 0.0, index [0]",
        "x**1.5",
    ),
    (
        ["hvp", "sum(x**1.5)", "--x", "0,1", "--t", "x=ones"],
        "the second derivative of x**1.5 gives inf at x = 0.0",
        "x**1.5",
    ),
]


def underlined(message: str) -> str | None:
    """What stands above the carets of a message."""
    lines = message.splitlines()
    for line, marks in itertools.pairwise(lines):
        if marks.strip() and set(marks.strip()) == {"^"}:
            return line[marks.index("^") : len(marks)]
    return None


@pytest.mark.parametrize(
    ("words", "said", "part"), ORIGINS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_it_is_told_where_a_number_failed(
    run: Callable[..., Any], words: list[str], said: str, part: str | None
) -> None:
    shown = run(*words)
    assert shown.code == 0
    assert shown.err.startswith("note: the result of ")
    assert said in shown.err
    assert underlined(shown.err) == part
    refused = run(*words, "--strict")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err.startswith("error: the result of ")
    assert said in refused.err
    assert underlined(refused.err) == part
    assert run(*words, "--quiet").err == ""


def test_a_value_that_is_shown_is_looked_at_too(run: Callable[..., Any]) -> None:
    words = ("vjp", "x + y", "--x", "1,2", "--y", "nan,1", "--wrt", "x", "--v", "ones")
    assert run(*words, "--strict").code == 0  # the product is finite, and nothing else was asked for
    shown = run(*words, "--value")
    assert shown.code == 0
    assert shown.err.startswith("note: the value f(x, y) is not finite: 1 nan of 2, the first at [0]\n")
    assert "it is given: y[0] is NaN" in shown.err
    refused = run(*words, "--value", "--strict")
    assert (refused.code, refused.out) == (3, "")
    assert run(*words, "--value", "--quiet").err == ""


def test_the_output_is_the_same_with_and_without_the_note(run: Callable[..., Any]) -> None:
    words = ("vjp", "sum(sqrt(x))", "--x", "0,1", "--json")
    loud, quiet = run(*words), run(*words, "--quiet")
    assert loud.out == quiet.out
    assert json.loads(loud.out)["result"]["x"] == ["Infinity", 0.5]
    assert loud.err.count("note:") == 1


def test_nothing_is_said_of_finite_numbers(run: Callable[..., Any]) -> None:
    shown = run("vjp", "where(x > 0, sqrt(x), inf*x)", "--x", "4")
    assert (shown.code, shown.err) == (0, "")


def test_a_graph_from_the_cache_knows_its_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACCLI_CACHE", str(tmp_path))
    messages = []
    for _ in range(2):
        assert main(["eval", "1 + log(x)", "--x", "-1,1"]) == 0
        messages.append(capsys.readouterr().err)
    assert list(tmp_path.iterdir())
    assert messages[0] == messages[1]
    assert underlined(messages[1]) == "log(x)"


def test_the_origin_is_there_for_python() -> None:
    formula = jaccli.Formula("sum(log(x))")
    arisen = jaccli.first_nonfinite(formula, {"x": [1.0, -1.0]})
    assert arisen is not None
    assert (arisen.what, arisen.stage, arisen.index) == ("NaN", "forward pass", (1,))
    assert arisen.span is not None
    assert formula.text[arisen.span.start : arisen.span.end] == "log(x)"
    backward = jaccli.first_nonfinite(jaccli.Formula("sqrt(x)"), {"x": [0.0]}, 1.0)
    assert backward is not None
    assert (backward.what, backward.stage, backward.index) == ("inf", "backward pass", (0,))
    assert jaccli.first_nonfinite(formula, {"x": [1.0, 2.0]}) is None


def test_an_entry_that_is_finite_has_no_origin() -> None:
    formula = jaccli.Formula("x**2")
    assert where_arisen(formula, {"x": 1.0}, Question("value"), Entry((), ())) is None
    assert where_arisen(formula, {"x": 1.0}, Question("vjp"), Entry(("x",), ())) is None
