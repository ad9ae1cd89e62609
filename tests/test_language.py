"""The language of formulas: what each form means, and the whole message where a text is not in the language."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaccli import Formula, FormulaError

ERRORS = Path(__file__).parent / "errors"
A = np.asarray([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]])
X = np.asarray([1.0, -2.0, 3.0])


def value(text: str, **inputs: Any) -> Any:
    return Formula(text).value(inputs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # arithmetic
        ("-x**2", -(X**2)),
        ("2**-x", 2**-X),
        ("2**3**2 + 0*x", np.full(3, 512.0)),
        ("x^2", X**2),
        ("-x % 3", -X % 3),
        ("x // 2 * 2", X // 2 * 2),
        ("1 - x - 2", 1 - X - 2),
        ("8 / x / 2", 8 / X / 2),
        ("+x", X),
        ("1_000 * x + 1e3 + .5", 2_000 * X - 1000 * X + 1000.5),
        # choice
        ("x if x > 0 else -2*x", np.where(X > 0, X, -2 * X)),
        ("where((x > 0) & ~(x > 2), x, 0)", [1.0, 0.0, 0.0]),
        ("1 if x > 2 else 2 if x > 0 else 3", [2.0, 3.0, 1.0]),
        # indexing
        ("x[0]", X[0]),
        ("x[-1]", X[-1]),
        ("x[::-1]", X[::-1]),
        ("x[1:, None]", X[1:, None]),
        ("x[...]", X),
        ("x[[0, 0, 2]]", X[[0, 0, 2]]),
        ("x[x > 0]", X[X > 0]),
        # properties are constants
        ("x / len(x) + x.size + x.shape[0] + x.ndim", X / 3 + 7),
        # lists
        ("[x[0], 2*x[1]]", [1.0, -4.0]),
        ("[[1, 2, 3], x]", [[1.0, 2.0, 3.0], X]),
        # statements
        ("y = 2*x; y + 1", 2 * X + 1),
        ("y = 2*x\nz = y + 1\nz * y", (2 * X + 1) * 2 * X),
        ("x = x + 1; x = x * 2; x", (X + 1) * 2),
        ("y = x  # twice\ny + y", 2 * X),
        ("x +\\\n1", X + 1),
        ("(x\n + 1)", X + 1),
        # methods and pasted text
        ("(x+1).pow(2)", (X + 1) ** 2),
        ("x.sum(dim=0)", X.sum()),
        ("torch.sum(x, dim=0, keepdim=True)", X.sum(keepdims=True)),
        ("np.linalg.norm(x)", np.linalg.norm(X)),
        ("jnp.exp(x) + jax.nn.relu(x)", np.exp(X) + np.maximum(X, 0)),
        ("F.relu(x)", np.maximum(X, 0)),
        ("math.pi * x + np.pi", np.pi * X + np.pi),
        ("scipy.special.expit(x)", 1 / (1 + np.exp(-X))),
        ("ln(Abs(x))", np.log(np.abs(X))),
        ("np.sum(np.square(x), axis=-1)", (X**2).sum()),
        # nothing is simplified away
        ("x - x", np.zeros(3)),
        ("x * 0", 0 * X),
    ],
)
def test_what_a_text_means(text: str, expected: Any) -> None:
    found = value(text, x=X)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.T", A.T),
        ("a[0]", A[0]),
        ("a[:, 1]", A[:, 1]),
        ("a[..., ::2]", A[..., ::2]),
        ("a[[0, 1], [2, 0]]", A[[0, 1], [2, 0]]),
        ("a[a > 0]", A[A > 0]),
        ("a @ a.T", A @ A.T),
        ("a.sum(axis=(0, 1))", A.sum()),
        ("a.mean(axis=-1, keepdims=True)", A.mean(axis=-1, keepdims=True)),
        ("a.reshape(3, 2)", A.reshape(3, 2)),
        ("a.reshape(-1)", A.ravel()),
        ("einsum('ij,kj->ik', a, a)", A @ A.T),
        ("r, s = a; r * s", A[0] * A[1]),
    ],
)
def test_what_a_text_means_for_a_matrix(text: str, expected: Any) -> None:
    np.testing.assert_allclose(value(text, a=A), expected, rtol=1e-14)


def test_index_arrays_are_inputs() -> None:
    found = Formula("x[i]").vjp({"x": X, "i": np.asarray([2, 2, 0])}, np.ones(3))
    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"], [1, 0, 2])


def test_zero_over_zero_is_nan() -> None:
    assert np.isnan(value("x/x", x=0.0))


@pytest.mark.parametrize(
    "name", ["E", "I", "N", "S", "Q", "beta", "gamma", "pi", "e", "lambda_", "θ", "zeta", "Symbol"]
)
def test_an_input_is_an_input_whatever_others_make_of_its_name(name: str) -> None:
    assert value(f"2*{name}", **{name: 3.0}) == 6.0
    assert Formula(f"{name}**2").vjp({name: 3.0})[name] == 6.0


@pytest.mark.parametrize(
    ("name", "number"), [("pi", np.pi), ("e", np.e), ("tau", 2 * np.pi), ("E", np.e), ("oo", np.inf), ("inf", np.inf)]
)
def test_constants(name: str, number: float) -> None:
    formula = Formula(f"{name} * x")
    assert formula.inputs == ("x",)
    assert formula.value({"x": 1.0}) == number


def test_an_assignment_beats_a_constant() -> None:
    assert value("pi = 3; pi * x", x=2.0) == 6.0


def test_inputs_come_in_order_of_appearance() -> None:
    assert Formula("h = b * a; h + c + a").inputs == ("b", "a", "c")


def test_an_assigned_name_is_no_input() -> None:
    assert Formula("h = x; h").inputs == ("x",)


@pytest.mark.parametrize("text", ["x.detach() * x", "stop_gradient(x) * x", "jax.lax.stop_gradient(x) * x"])
def test_a_value_held_fixed(text: str) -> None:
    assert Formula(text).vjp({"x": 3.0})["x"] == 3.0


def test_the_branch_not_taken_contributes_zero() -> None:
    found = Formula("where(x > 0, sqrt(x), 0*x)").vjp({"x": [0.0, 4.0, -1.0]}, 1.0)["x"]
    np.testing.assert_array_equal(found, [0, 0.25, 0])


def test_numpy_and_torch_differ_and_the_note_says_which_was_taken() -> None:
    numpy_meaning, torch_meaning = Formula("std(x)"), Formula("std(x, dim=0)")
    assert numpy_meaning.value({"x": X}) == pytest.approx(X.std())
    assert torch_meaning.value({"x": X}) == pytest.approx(X.std(ddof=1))
    assert any("PyTorch" in note for note in torch_meaning.notes)


def test_a_note_goes_to_standard_error(run: Callable[..., Any]) -> None:
    finished = run("eval", "std(x, dim=0)", "--x", "1,2,4", "--json")
    assert finished.code == 0
    assert finished.err.startswith("note: std: PyTorch's meaning")
    assert run("eval", "std(x, dim=0)", "--x", "1,2,4", "--json", "--quiet").err == ""


def test_ten_thousand_terms() -> None:
    assert Formula(" + ".join(["x"] * 10_000)).vjp({"x": 1.0})["x"] == 10_000


def test_two_hundred_brackets() -> None:
    assert value("(" * 200 + "x" + ")" * 200, x=3.0) == 3.0


@pytest.mark.parametrize("text", ["(" * 100_000 + "x" + ")" * 100_000, "-" * 100_000 + "x", "x" + "[0]" * 100_000])
def test_absurd_depth_is_no_crash(run: Callable[..., Any], text: str) -> None:
    finished = run("eval", text, "--x", "1")
    assert finished.code in (0, 2, 4)
    assert "internal error" not in finished.err


def test_an_error_knows_its_place() -> None:
    with pytest.raises(FormulaError) as caught:
        Formula("x + sinn(y)").value({"x": 1.0, "y": 2.0})
    assert caught.value.span == (4, 11)
    assert str(caught.value).splitlines()[1:3] == ["  x + sinn(y)", "      ^^^^^^^"]


def test_an_error_in_a_later_line_shows_that_line() -> None:
    with pytest.raises(FormulaError) as caught:
        Formula("y = 2*x\ny + sinn(y)").value({"x": 1.0})
    assert str(caught.value).splitlines()[1:3] == ["  y + sinn(y)", "      ^^^^^^^"]


def failures() -> list[Any]:
    """Every record of `errors/*.txt`: a command, its whole standard error, and its exit code."""
    found = []
    for path in sorted(ERRORS.glob("*.txt")):
        records = re.findall(r"^\$ (.+)\n((?:.*\n)*?)exit (\d+)$", path.read_text("utf-8"), flags=re.MULTILINE)
        found += [pytest.param(*record, id=f"{path.stem}: {record[0]}") for record in records]
    return found


@pytest.mark.parametrize(("command", "message", "code"), failures())
def test_the_whole_message(run: Callable[..., Any], command: str, message: str, code: str) -> None:
    finished = run(*shlex.split(command)[1:])
    assert finished.err == message
    assert finished.code == int(code)
    assert finished.out == ""


def test_there_are_failures() -> None:
    assert len(failures()) >= 40
