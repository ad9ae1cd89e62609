"""The Python API: results belong to the caller, errors are jaccli's, derivatives compose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jaccli import Formula, InputError, JaccliError, LimitError
from jaccli.runtime import memory

X = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("text", "compute"),
    [
        ("sum(x*array([1.,2.]))", lambda f, x: f.vjp({"x": x})["x"]),
        ("x + zeros(2)", lambda f, x: f.value({"x": x})),
        ("x", lambda f, x: f.value({"x": x})),
        ("x[::-1]", lambda f, x: f.value({"x": x})),
        ("x", lambda f, x: f.vjp({"x": x}, np.ones(2))["x"]),
        ("x*2", lambda f, x: f.jvp({"x": x}, {"x": np.ones(2)})),
        ("eye(2) + 0*x", lambda f, x: f.value({"x": x})),
        ("x**2", lambda f, x: f.jacobian({"x": x}, sparse=True)["x"].indices),
        ("x**2", lambda f, x: f.sparsity({"x": x})["x"].data),
        ("sum(x**2)", lambda f, x: f.hvp({"x": x}, {"x": 1.0})["x"]),
        ("x**2", lambda f, x: f.diagonal({"x": x})["x"]),
    ],
)
def test_changing_a_result_changes_nothing_else(text: str, compute: Callable[[Formula, Any], Any]) -> None:
    formula, x = Formula(text), X.copy()
    first = compute(formula, x)
    before = first.copy()
    first[...] = 0
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(compute(formula, x), before)


def test_two_results_are_two_arrays() -> None:
    v = np.ones(2)
    backs = Formula("x + y").vjp({"x": X, "y": X}, v)
    backs["x"][:] = 7
    np.testing.assert_array_equal(backs["y"], [1, 1])
    np.testing.assert_array_equal(v, [1, 1])


def test_a_pullback_does_not_depend_on_what_is_done_to_its_value() -> None:
    value, pull = Formula("exp(x)").pullback({"x": X})
    value[:] = 0
    np.testing.assert_allclose(pull([1.0, 1.0])["x"], np.exp(X))


def test_an_output_of_one_entry_needs_no_cotangent() -> None:
    for text in ("sum(x, keepdims=True)", "sum(x).reshape(1)", "sum(x)"):
        np.testing.assert_array_equal(Formula(text).vjp({"x": X})["x"], [1, 1])


def test_a_derivative_is_a_formula() -> None:
    formula = Formula("x**3*y")
    slope = formula.derivative("x")
    assert slope.inputs == ("x", "y", "v")
    point = {"x": 2.0, "y": 5.0, "v": 1.0}
    assert slope.value(point) == 60
    assert slope.derivative("x").value(point | {"v1": 1.0}) == 60
    np.testing.assert_allclose(slope.jacobian(point)["y"], 12)
    assert Formula("E*x").derivative("E").value({"E": 3.0, "x": 2.0, "v": 1.0}) == 2


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Formula("x**2").derivative("x").value({"x": 1.0}),
        lambda: Formula("x**2").derivative("y"),
        lambda: Formula("y[i]").derivative("i").value({"y": X, "i": [0], "v": [1.0]}),
        lambda: Formula("x").value(3),  # type: ignore[arg-type]
        lambda: Formula("x").jvp({"x": 1.0}, 3),  # type: ignore[arg-type]
        lambda: Formula("x").vjp({"x": [1, 2]}, 1.0),
        lambda: Formula("x").vjp({"x": X}),
        lambda: Formula("x").vjp({"x": X}, wrt=["y"]),
        lambda: Formula("x").value({"x": [[1.0], [2.0, 3.0]]}),
        lambda: Formula("x").value({"x": ["a"]}),
        lambda: Formula("x").hessian({"x": X}),
    ],
)
def test_mistakes_are_jaccli_s_errors(mistake: Callable[[], object]) -> None:
    with pytest.raises(JaccliError):
        mistake()


def test_integers_stay_integers() -> None:
    assert Formula("n**2").value({"n": 94906267}) == 94906267**2
    assert Formula("x[n**2]").value({"x": X, "n": 1}) == 2
    assert Formula("arange(3)**2").value({}).dtype == np.int64
    assert Formula("n**0.5").value({"n": 4}) == 2


def test_a_method_where_takes_its_array_where_the_condition_holds() -> None:
    np.testing.assert_array_equal(Formula("x.where(x > 1, y)").value({"x": X, "y": 7.0}), [7, 2])


def test_a_list_times_a_number_must_say_what_it_means() -> None:
    with pytest.raises(JaccliError, match="repeats the list"):
        Formula("stack([x]*3)").value({"x": X})


def test_nesting_beyond_the_axes_of_an_array_is_a_limit() -> None:
    with pytest.raises(LimitError):
        Formula("[" * 70 + "x" + "]" * 70).value({"x": 1.0})


def test_missing_inputs_are_named() -> None:
    with pytest.raises(InputError, match="no value is given for y"):
        Formula("x*y").value({"x": 1.0})


def test_formulas_of_one_text_know_the_same() -> None:
    first, second = (Formula("x.transpose(1, 2).sum() + k.sum()") for _ in range(2))
    point = {"x": np.ones((2, 3, 4)), "k": np.arange(3.0)}
    np.testing.assert_array_equal(first.vjp(point)["k"], second.vjp(point)["k"])
    assert first.notes == second.notes
    assert first.notes
    assert second.vjp({"x": np.ones((1, 2, 3)), "k": np.ones(2)})["k"].shape == (2,)


def test_results_are_the_callers_own() -> None:
    point = {"x": np.ones((3, 4))}
    for text in ("x", "x.T", "x.reshape(12)", "2*x", "x[1:]", "x @ ones((4, 2))", "broadcast_to(x[0], (3, 4))"):
        formula = Formula(text)
        formula.value(point)[...] = 7.0
        formula.jacobian(point, sparse=True)["x"].data[...] = 7.0
        formula.vjp(point, 1.0)["x"][...] = 7.0
        np.testing.assert_array_equal(point["x"], 1.0)
        again = Formula(text)
        np.testing.assert_array_equal(again.value(point), np.asarray(again.value({"x": np.ones((3, 4))})))
        assert not np.any(again.jacobian(point, sparse=True)["x"].data == 7.0)
        assert not np.any(again.vjp(point, 1.0)["x"] == 7.0)


@pytest.mark.parametrize("text", ["exp(x)*x", "sum(x.T @ x)", "x[::-1]*x", "where(x > 1, x**2, x)"])
def test_a_pullback_outlives_changes_of_its_inputs(text: str) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    formula = Formula(text)
    expected = formula.vjp({"x": x}, 1.0)["x"]
    _, pull = formula.pullback({"x": x})
    x[...] = 0.0
    np.testing.assert_array_equal(pull(1.0)["x"], expected)
    np.testing.assert_array_equal(pull(1.0)["x"], expected)


def test_what_a_pullback_keeps_of_the_inputs_is_counted() -> None:
    formula = Formula("sum(x*s)")
    point = {"x": np.ones(1_000_000), "s": 2.0}
    with memory.limited(4_000_000), pytest.raises(LimitError):
        formula.pullback(point)
    with memory.limited(40_000_000):
        assert formula.pullback(point)[1]()["s"] == 1_000_000


def test_a_part_of_the_memory_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_free_memory", lambda: 8_000_000_000)
    monkeypatch.setattr(memory, "_container_rests", lambda: iter(()))
    monkeypatch.setattr(memory, "_process_rest", lambda: None)
    assert memory.available_memory() == 7_000_000_000


def test_zeta_at_infinity_left_of_zero_has_no_value() -> None:
    found = Formula("zeta(s, q)").value({"s": [np.inf, -np.inf, np.nan, 2.0], "q": [-1.5, -1.5, -1.5, -1.5]})
    assert np.isnan(found[:3]).all()
    assert np.isfinite(found[3])
