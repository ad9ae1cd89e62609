"""The words of a command line: which of them is the formula, an option, an input."""

from __future__ import annotations

import pytest
import typer

from jaccli.cli.arguments import Declared, UnknownInputError, pairs, rewrite
from jaccli.cli.main import COMMANDS, app
from jaccli.errors import InputError, JaccliError, UsageError

DECLARED = Declared(
    names={
        "--input": "--input",
        "-i": "--input",
        "--output": "--output",
        "-o": "--output",
        "--v": "--v",
        "--wrt": "--wrt",
        "--chunk": "--chunk",
        "--json": "--json",
        "--value": "--value",
        "--sparse": "--sparse",
        "--help": "--help",
        "-h": "--help",
    },
    flags=frozenset({"--json", "--value", "--sparse", "--help"}),
    repeatable=frozenset({"--input", "--wrt"}),
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["x", "--x", "3"], ["--input=x=3", "--", "x"]),
        (["--x", "3", "x"], ["--input=x=3", "--", "x"]),
        (["x", "--x=3"], ["--input=x=3", "--", "x"]),
        (["x", "--x", "-1.5"], ["--input=x=-1.5", "--", "x"]),
        (["x", "--x", "-inf"], ["--input=x=-inf", "--", "x"]),
        (["x", "--x=-1.5"], ["--input=x=-1.5", "--", "x"]),
        (["x", "--x", "--pi"], ["--input=x=--pi", "--", "x"]),
        (["x", "--x", "--3"], ["--input=x=--3", "--", "x"]),
        (["x", "--x", "-i"], None),
        (["-x**2", "--x", "3"], ["--input=x=3", "--", "-x**2"]),
        (["--x", "3", "-x**2"], ["--input=x=3", "--", "-x**2"]),
        (["-x", "--x", "3"], ["--input=x=3", "--", "-x"]),
        (["-output", "--output", "f.csv"], ["--output=f.csv", "--", "-output"]),
        (["-", "--x", "3"], ["--input=x=3", "--", "-"]),
        (["@f.jac", "--x", "3"], ["--input=x=3", "--", "@f.jac"]),
        (["--json", "x", "--x", "3"], ["--json", "--input=x=3", "--", "x"]),
        (["--x", "3", "--", "-o"], ["--input=x=3", "--", "-o"]),
        (["--x", "3", "--", "--x"], ["--input=x=3", "--", "--x"]),
        (["v*2", "-i", "v=3", "--v", "-1"], ["--input=v=3", "--v=-1", "--", "v*2"]),
        (["v*2", "--input", "v=3", "--v=ones"], ["--input=v=3", "--v=ones", "--", "v*2"]),
        (["θ", "--θ", "1"], ["--input=θ=1", "--", "θ"]),
        (["fi", "--ﬁ", "1"], ["--input=fi=1", "--", "fi"]),
        (["W1@x", "--W1", "@w.npy", "--x", "@x.csv:col"], ["--input=W1=@w.npy", "--input=x=@x.csv:col", "--", "W1@x"]),
        (["lambda_", "--lambda_", "1"], ["--input=lambda_=1", "--", "lambda_"]),
        (["x", "--x", "a=b"], ["--input=x=a=b", "--", "x"]),
        (["x", "--x", "1", "-o", "f.csv"], ["--input=x=1", "--output=f.csv", "--", "x"]),
        (["x", "--x", "1", "--wrt", "x", "--wrt", "y"], ["--input=x=1", "--wrt=x", "--wrt=y", "--", "x"]),
        (["x", "--x", "1", "--json", "--json"], ["--input=x=1", "--json", "--json", "--", "x"]),
        (["", "--x", "1"], ["--input=x=1", "--", ""]),
        (["--help"], ["--help"]),
        (["-h"], ["--help"]),
        (["x", "--help"], ["--help"]),
        (["x*x", "y", "--help"], ["--help"]),
    ],
)
def test_words_become_options_inputs_and_one_formula(words: list[str], expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(JaccliError):
            rewrite(words, DECLARED)
    else:
        assert rewrite(words, DECLARED) == expected


@pytest.mark.parametrize(
    ("words", "error", "fragments"),
    [
        (["x", "--x"], InputError, ["--x has no value"]),
        (["x", "--x="], InputError, ["--x has no value"]),
        (["x", "--x", "--json"], InputError, ["--x has no value", "the option --json"]),
        (["x", "--x", "--y", "3"], InputError, ["--x has no value", "--y"]),
        (["x", "--x", "--v=ones"], InputError, ["--x has no value", "--v=ones"]),
        (["x", "--v"], InputError, ["--v has no value"]),
        (["x", "-o"], InputError, ["--output has no value"]),
        (["x", "--sparce"], InputError, ["--sparce has no value", "did you mean --sparse?"]),
        (["x", "--sparce", "--json"], InputError, ["did you mean --sparse?"]),
        (["--sparce", "x**2", "--x", "3"], UsageError, ["there is no formula", "--sparce", "--sparse?"]),
        (["x**2", "y", "--x", "3"], UsageError, ["two formulas", "x**2", "y", "quotes"]),
        (["x**2", "-json", "--x", "3"], UsageError, ["two formulas", "did you mean --json?"]),
        (["value*2", "--value", "3"], UsageError, ["two formulas", "-i value=3"]),
        (["--value", "3", "value*2"], UsageError, ["two formulas", "-i value=3"]),
        (["--x", "3"], UsageError, ["there is no formula", "quotes"]),
        ([], UsageError, ["there is no formula"]),
        (["--dry-run", "x"], UsageError, ["--dry-run", "neither an option nor an input", "after a --"]),
        (["--x**2", "--x", "3"], UsageError, ["neither an option nor an input"]),
        (["x", "--jso-n", "3"], UsageError, ["did you mean --json?"]),
        (["x", "--json=yes", "--x", "3"], UsageError, ["--json takes no value", "-i json=yes"]),
        (["x", "--x", "3", "--v", "1", "--v", "2"], UsageError, ["--v is given twice"]),
    ],
)
def test_what_cannot_be_sorted_is_said(words: list[str], error: type[Exception], fragments: list[str]) -> None:
    with pytest.raises(error) as caught:
        rewrite(words, DECLARED)
    for fragment in fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize("words", [["x", "--x"], ["x", "y"], ["--bo-gus"], ["x", "--v"], [], ["--x"]])
def test_completion_bears_unfinished_lines(words: list[str]) -> None:
    rewrite(words, DECLARED, lenient=True)


def test_an_input_given_twice_shows_both_values() -> None:
    with pytest.raises(InputError, match="the input x is given twice: 3 and 4"):
        pairs(["x=3", "x=4"], "--input")


@pytest.mark.parametrize("text", ["x", "=3", "1x=3", "x y=3", ""])
def test_a_pair_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        pairs([text], "--input")


def test_pairs_split_at_the_first_equals_sign() -> None:
    assert pairs(["x=a=b", " y =2"], "--input") == {"x": "a=b", "y": "2"}


def test_an_unknown_input_names_the_others_and_the_nearest() -> None:
    assert "did you mean theta?" in str(UnknownInputError("thetta", ("x", "theta")))
    error = UnknownInputError("chunck", ("x", "y"))
    DECLARED.explain(error)
    assert "its inputs are x, y" in str(error)
    assert "did you mean --chunk?" in str(error)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_declared_comes_from_the_command_itself(name: str) -> None:
    """Every option that Typer knows is known to the sorting of words, with its kind."""
    group = typer.main.get_command(app)
    with group.make_context("jaccli", [name, "--help"], resilient_parsing=True) as ctx:
        command = group.get_command(ctx, name)  # type: ignore[attr-defined]
        with command.make_context(name, [], parent=ctx, resilient_parsing=True) as inner:
            declared = command.declared(inner)
    words = {word for parameter in command.params for word in parameter.opts if word.startswith("-")}
    assert words | {"--help"} <= set(declared.names)
    assert {"--json", "--quiet", "--help"} <= declared.flags
    assert not declared.flags & declared.repeatable
