"""The runtime: regions give what single steps give, whatever the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jaccli import Formula
from jaccli.compiled import forget
from jaccli.runtime import plan, region, schedule

FORMULAS = [
    "tanh(sin(x)*exp(-x**2) + x)",
    "where(x > 0, log(x), 0) + maximum(x, 0.5)**3",
    "sum(sin(x)**2)*x + 1",
    "sum(sigmoid(x)*softplus(x))",
    "mean(x)*x + x[::-1]*3 + max(x)",
    "(x.reshape(2, -1) * [[1], [2]]).sum(axis=0)",
    "sum((x > 0) & (x < 1))*x",
    "x**0.5 + x**-1 + x**3 + x**2.5 + 2**x",
    "clip(x, 0.1, 1) / (1 + abs(x))",
    "x * -(full(40000, 2)/3 + 1)",
    "x / softmax(True, axis=-1)",
]


REPEATING = [
    "x*y + z",
    "x*exp(y)*y - z*y",
    "where(x > y, x*z, y)",
    "sum(x*y, axis=0)",
    "sum(x*y, axis=1)*sum(z)",
    "sum(x*y, axis=2) + sum(x*y, axis=2)**2",
    "sum(x*y, axis=(0, 2))",
    "sum((x*y)**2)",
    "sum(x > y, axis=0)*x",
    "sum(sin(x)*cos(x)*y, axis=2)",
    "x.transpose(2, 1, 0)*2 + x.transpose(2, 1, 0)**2",
    "sum(x.transpose(0, 2, 1)*x[0, 0, 0], axis=1)",
    "sum(x[:, :, :, None]*[1.0, 2.0], axis=2)",
    "softmax(x*y, axis=-1)",
    "logsumexp(x + z, axis=1)",
    "(x - mean(x, axis=0))/std(x, axis=0)",
    "max(x*y, axis=2) + min(x, axis=2)",
]


def results(text: str, point: dict[str, Any], smallest: int, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The value and the VJPs, from plans whose regions begin at that size."""
    monkeypatch.setattr(schedule, "SMALLEST_REGION", smallest)
    forget()
    formula = Formula(text)
    point = {name: point[name] for name in formula.inputs}
    value = formula.value(point)
    v = np.random.default_rng(1).uniform(0.5, 1, value.shape)
    return [value, *formula.vjp(point, v).values(), *formula.vjp(point, 1.0).values()]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("smallest", [1, 1 << 14])
def test_regions_give_what_single_steps_give(text: str, smallest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    point = {"x": np.random.default_rng(0).uniform(-1, 2, 40_000)}
    expected = results(text, point, 1 << 60, monkeypatch)
    for found, wanted in zip(results(text, point, smallest, monkeypatch), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("text", REPEATING)
@pytest.mark.parametrize("tile", [64, 200, 1 << 19])
def test_regions_repeat_entries_and_sum_over_axes(text: str, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region, "TILE_BYTES", tile)
    monkeypatch.setattr(region, "TWO_TILES", 0)
    random = np.random.default_rng(0)
    for shape in ((3, 4, 5), (70, 2, 3), (2, 3, 70), (3, 4, 1)):
        rows, columns, depth = shape
        for other in ((columns, depth), (rows, 1, 1), (rows, columns, 1), ()):
            point = {"x": shape, "y": other, "z": (1, columns, 1)}
            arrays = {name: random.uniform(0.5, 2, of) for name, of in point.items()}
            expected = results(text, arrays, 1 << 60, monkeypatch)
            for found, wanted in zip(results(text, arrays, 1, monkeypatch), expected, strict=True):
                assert found.shape == wanted.shape
                np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_strided_and_repeated_inputs_run_in_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SMALLEST_REGION", 1)
    base = np.random.default_rng(0).uniform(0.5, 2, (30, 20))
    for x in (base.T, base[::2], base[:, ::-1], np.broadcast_to(base[0], (30, 20)), np.asfortranarray(base)):
        np.testing.assert_allclose(Formula("log(x)*x").value({"x": x}), np.log(x) * x, rtol=1e-15)


def test_inputs_are_never_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SMALLEST_REGION", 1)
    x = np.linspace(0.1, 1, 50)
    x.flags.writeable = False
    formula = Formula("x*2 + sin(x)")
    formula.vjp({"x": x}, 1.0)
    value, pull = formula.pullback({"x": x})
    first, second = pull(np.ones(50))["x"], pull(np.ones(50))["x"]
    np.testing.assert_array_equal(first, second)
    assert value is not x


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    program = (
        "import numpy as np, jaccli; x = np.random.default_rng(0).standard_normal(700_001);"
        "f = jaccli.Formula('sum(tanh(x)*x)');"
        "print(f.value({'x': x}).tobytes().hex(), f.vjp({'x': x})['x'].sum().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"JACCLI_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "5")
    }
    assert len(outputs) == 1


def test_a_pullback_computes_the_forward_pass_once(monkeypatch: pytest.MonkeyPatch) -> None:
    formula = Formula("sum(exp(x))")
    _, pull = formula.pullback({"x": [1.0, 2.0]})
    monkeypatch.setattr(np, "exp", None)
    np.testing.assert_allclose(pull(2.0)["x"], 2 * np.e ** np.array([1.0, 2.0]))


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 50.0, 3e4, 1e9])
def test_sine_and_cosine_of_large_arrays_are_those_of_small_ones(scale: float) -> None:
    x = np.random.default_rng(0).standard_normal(20_000) * scale
    x[:6] = [0.0, -0.0, np.pi / 2, -np.pi, 1e5, 5e-324]
    small = np.concatenate([Formula("sin(x)*cos(x)").vjp({"x": piece}, 1.0)["x"] for piece in np.split(x, 20)])
    large = Formula("sin(x)*cos(x)").vjp({"x": x}, 1.0)["x"]
    np.testing.assert_allclose(large, small, rtol=0, atol=1e-15)
    both = Formula("stack([sin(x), cos(x)])")
    values = both.value({"x": x})
    assert np.max(np.abs(values - np.stack([np.sin(x), np.cos(x)])) / np.spacing(np.abs(values))) <= 2
    assert np.array_equal(np.signbit(values[0, :2]), [False, True])


def test_sine_of_what_is_not_finite() -> None:
    x = np.linspace(-3, 3, 20_000)
    x[[5, 7, 11]] = [np.nan, np.inf, -np.inf]
    values = Formula("stack([sin(x), cos(x)])").value({"x": x})
    assert np.isnan(values[:, [5, 7, 11]]).all()
    assert np.isfinite(np.delete(values, [5, 7, 11], 1)).all()


@pytest.mark.parametrize("text", ["tanh(sin(x)*exp(-x**2) + x)", "where(x > 0, log1p(x), exp(x))*softplus(x)"])
def test_a_large_vjp_needs_memory_for_its_result_and_a_few_tiles(text: str) -> None:
    x = np.random.default_rng(0).standard_normal(8_000_000)
    formula, v = Formula(text), np.random.default_rng(1).standard_normal(x.shape)
    formula.vjp({"x": x}, v)
    tracemalloc.start()
    try:
        formula.vjp({"x": x}, v)
        assert tracemalloc.get_traced_memory()[1] < 1.25 * x.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "call",
    [
        lambda formula, point: formula.vjp(point, 1.0),
        lambda formula, point: formula.jacobian(point),
        lambda formula, point: formula.jacobian(point, sparse=True),
        lambda formula, point: formula.jvp(point, {"x": 1.0}),
        lambda formula, point: formula.pullback(point)[1](1.0),
    ],
)
def test_plans_are_made_once(call: Callable[[Formula, Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    point = {"x": np.linspace(0, 1, 100)}
    formula = Formula("x[1:]*x[:-1] - exp(x[1:])")
    first = call(formula, point)

    def refused(*arguments: Any, **keywords: Any) -> None:
        raise AssertionError("a plan is made again")

    monkeypatch.setattr(plan.Plan, "__init__", refused)
    again = call(Formula(formula.text), point)
    assert str(first) == str(again)
