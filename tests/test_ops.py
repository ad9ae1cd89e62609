"""What `jaccli ops` says of every function: a derivative, or why there is none, and an example that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaccli
from jaccli.explain.examples import lowered_example
from jaccli.explain.known_derivatives import written
from jaccli.formula.functions.registry import Function, catalogue

FUNCTIONS = [function for function in catalogue() if function.name != "lg"]  # an entry that explains why it is none
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


@each_function
def test_a_function_is_told_with_its_derivative(answer: Callable[..., Any], function: Function) -> None:
    (told,) = answer("ops", function.name)["functions"]
    assert told["doc"]
    assert told["example"]
    assert bool(told["derivative"]) != bool(told["derivative_note"])
    if told["derivative"] and not told["derivative_of"]:
        assert set(told["derivative"]) <= {parameter.name for parameter in function.parameters} | set("xy") | {
            "low",
            "high",
        }


@each_function
def test_an_example_runs_and_so_does_its_derivative(function: Function) -> None:
    found = lowered_example(function)
    assert found is not None
    point = found[1]
    formula = jaccli.Formula(function.example)
    value = formula.value(point)
    floating = [name for name, array in point.items() if array.dtype.kind == "f"]
    if value.dtype.kind != "f" or not floating:
        return
    assert np.isfinite(value).all()
    backs = formula.vjp(point, np.ones(value.shape))
    assert {name: back.shape for name, back in backs.items()} == {name: point[name].shape for name in floating}
    assert all(np.isfinite(back).all() for back in backs.values())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("jv", "vᵀJ for x of jv(2, x)"),
        ("argmax", "none: the values are whole numbers"),
        ("zeros", "none: the values depend on no input"),
        ("pinv", "too long for a line"),
        ("softmax", "vᵀJ for x "),
    ],
)
def test_the_derivative_is_told_in_words_that_fit(run: Callable[..., Any], name: str, said: str) -> None:
    assert said in run("ops", name).out


def test_the_table_tells_each_derivative_and_convention(answer: Callable[..., Any], run: Callable[..., Any]) -> None:
    functions = {told["name"]: told for told in answer("ops")["functions"]}
    assert all(told["derivative"] or told["derivative_note"] for told in functions.values())
    assert functions["tanh"]["derivative"] == {"x": "v*(1 - tanh(x)**2)"}
    assert functions["relu"]["kinks"] == "0 at 0"
    lines = run("ops", "--family", "Activations").out.splitlines()
    assert lines[0].split("  ")[-1] == "derivative"
    (relu,) = [line for line in lines if " relu(x) " in line]
    assert re.search(r"  0 at 0 +where\(x <= 0, 0, v\)$", relu)
    (prelu,) = [line for line in lines if " prelu(" in line]
    assert prelu.endswith("; weight: where(x <= 0, v*x, 0)")


def test_the_derivatives_of_the_table_are_up_to_date() -> None:
    kept = Path(__file__).parents[1] / "jaccli" / "explain" / "derivatives.json"
    assert kept.read_text("utf-8") == written(catalogue()), "run python docs/make_functions.py"


def test_a_function_that_is_not_in_the_table_yet_is_derived(
    answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answer("ops", "sinh")
    monkeypatch.setattr("jaccli.explain.known_derivatives._known", dict)
    assert answer("ops", "sinh") == before


@pytest.mark.parametrize("width", [30, 60, 100])
def test_on_a_narrow_line_a_function_is_a_block_of_lines(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = run("ops", "--family", "Activations").out
    block = out.partition("\n\n")[0].splitlines()
    assert block[0] == "  family       Activations"
    assert block[1] == "  function     relu(x)"
    assert [line for line in block if line.startswith("  at kinks  ")] == ["  at kinks     0 at 0"]
    assert all(len(line) <= max(width, 40) for line in out.splitlines()[:-1])
    alone = run("ops", "minimum").out.splitlines()
    assert alone[0] == "minimum(x, *others)"
    assert "kinks at a tie each argument gets half" in " ".join(" ".join(alone).split())
    assert all(len(line) <= max(width, 40) for line in alone)


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("F.relu", "relu"),
        ("torch.relu", "relu"),
        ("torch.nn.functional.relu", "relu"),
        ("nn.functional.gelu", "gelu"),
        ("jnp.tanh", "tanh"),
        ("np.sin", "sin"),
        ("np.linalg.inv", "inv"),
        ("math.log1p", "log1p"),
        ("scipy.stats.norm.cdf", "norm.cdf"),
        ("np.maximum.reduce", "maximum.reduce"),
        ("ln", "log"),
        ("Tensor.pow", "power"),
        ("torch.Tensor.add_", "add"),
        ("x.clamp", "clip"),
        (".sum", "sum"),
        ("relu(x)", "relu"),
    ],
)
def test_a_function_is_found_as_people_name_it(answer: Callable[..., Any], spelt: str, name: str) -> None:
    (told,) = answer("ops", spelt)["functions"]
    assert told["name"] == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sinn", "did you mean sin or "),
        ("torch.linalg.invv", "did you mean inv or"),
        ("SoftMax2", "softmax"),
        ("hyperbolic", "sinh, cosh, tanh"),
        ("qqqqq", "jaccli ops lists them all"),
        ("", "jaccli ops lists them all"),
    ],
)
def test_an_unknown_name_suggests_near_ones(run: Callable[..., Any], name: str, hint: str) -> None:
    finished = run("ops", name)
    assert finished.code == 2
    assert f"error: there is no function {name!r}" in finished.err
    assert hint in finished.err
