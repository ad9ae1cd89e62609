"""The questions people ask about Jacobian products, with the numbers that PyTorch gives, through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Answer = Callable[..., Any]
Run = Callable[..., Any]

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.sh"))
GIVES = "# gives: "
FOUR_AND_TWO = 2 * (np.ones((5, 5)) + np.eye(5))
THREE_INPUTS = "3*a + 2*b*b + log(c)"


def close(actual: Any, expected: Any, tolerance: float = 1e-12) -> None:
    expected = np.asarray(expected, dtype=float)
    actual = np.asarray(actual, dtype=float)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("formula", "name"), [("(x+1)**2", "x"), ("(inp+1).pow(2)", "inp")])
def test_01_the_product_with_ones(answer: Answer, formula: str, name: str) -> None:
    close(answer("vjp", formula, f"--{name}", "eye:5", "--v", "ones")["result"][name], FOUR_AND_TWO)


def test_02_it_accumulates(answer: Answer) -> None:
    calls = answer("grad", "(x+1)**2", "--x", "eye:5", "--v", "ones", "--v", "ones", "--v", "reset", "--v", "ones")
    expected = [FOUR_AND_TWO, 2 * FOUR_AND_TWO, 0 * FOUR_AND_TWO, FOUR_AND_TWO]
    for call, after in zip(calls["calls"], expected, strict=True):
        close(call["x"], after)
    close(calls["result"]["x"], FOUR_AND_TWO)


def test_03_the_jacobian_behind_it(answer: Answer) -> None:
    jacobian = np.asarray(answer("jacobian", "(x+1)**2", "--x", "eye:2")["result"]["x"])
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 0, 0] = expected[1, 1, 1, 1] = 4
    expected[0, 1, 0, 1] = expected[1, 0, 1, 0] = 2
    close(jacobian, expected)
    close(np.tensordot(np.ones((2, 2)), jacobian, 2), [[4, 2], [2, 4]])


@pytest.mark.parametrize("x", ["1,2,3", "randn:3", "-5,0,1e6"])
def test_04_a_weighted_product(answer: Answer, x: str) -> None:
    close(answer("vjp", "x*2", "--x", x, "--v", "0.1,1.0,0.0001")["result"]["x"], [0.2, 2.0, 0.0002])
    rows = [answer("vjp", "x*2", "--x", x, "--v", f"onehot:{row}")["result"]["x"] for row in range(3)]
    close(rows, 2 * np.eye(3))
    close(answer("jacobian", "x*2", "--x", x)["result"]["x"], 2 * np.eye(3))


def test_05_three_inputs(answer: Answer) -> None:
    point = ("--a", "1,2,3", "--b", "3,4,5", "--c", "6,7,8")
    result = answer("vjp", THREE_INPUTS, *point, "--v", "0.1,1.0,0.0001")["result"]
    close(result["a"], [0.3, 3, 0.0003])
    close(result["b"], [1.2, 16, 0.002])
    close(result["c"], [0.1 / 6, 1 / 7, 0.0001 / 8])


def test_06_at_a_point(answer: Answer) -> None:
    result = answer("vjp", THREE_INPUTS, "--a", "0.1", "--b", "1.0", "--c", "0.1")["result"]
    close([result["a"], result["b"], result["c"]], [3, 4, 10])


def test_07_at_a_singular_point(answer: Answer) -> None:
    point = ("--a", "[0]", "--b", "[0]", "--c", "[0]")
    backward = ("--v", "[0.1]", "--v", "[1.0]", "--v", "[0.0001]")
    found = answer("grad", THREE_INPUTS, *point, *backward)
    close(found["result"]["a"], [3.3003])
    close(found["result"]["b"], [0])
    assert found["result"]["c"] == ["Infinity"]
    assert found["calls"][0]["c"] == ["Infinity"]


def test_07_a_cotangent_of_another_shape_is_refused_with_both_shapes(run: Run) -> None:
    point = ("--a", "[0]", "--b", "[0]", "--c", "[0]")
    finished = run("vjp", THREE_INPUTS, *point, "--v", "0.1,1.0,0.0001")
    assert finished.code == 2
    assert finished.out == ""
    assert "(3,)" in finished.err
    assert "(1,)" in finished.err


def test_08_twice(answer: Answer) -> None:
    found = answer("grad", THREE_INPUTS, "--a", "1", "--b", "1", "--c", "1", "--v", "1", "--v", "1")["result"]
    close([found["a"], found["b"], found["c"]], [6, 8, 2])


@pytest.mark.parametrize("formula", ["sum(w)", "w.sum()"])
def test_09_sums(answer: Answer, formula: str) -> None:
    backward = [word for v in ("1", "1", "1", "1", "reset") for word in ("--v", v)]
    calls = answer("grad", formula, "--w", "randn:2x3", *backward)["calls"]
    for call, total in zip(calls, [1, 2, 3, 4, 0], strict=True):
        close(call["w"], np.full((2, 3), total))
    close(answer("vjp", formula, "--w", "randn:2x3")["result"]["w"], np.ones((2, 3)))


def test_10_element_wise_log(answer: Answer) -> None:
    x = np.asarray([[0.40616, 0.5], [2.0, 0.1]])
    jacobian = answer("jacobian", "log(x)", "--x", str(x.tolist()))["result"]["x"]
    close(jacobian, np.diag(1 / x.ravel()).reshape(2, 2, 2, 2))
    close(jacobian[0][0][0][0], 2.4621, 1e-4)


def test_11_a_hessian(answer: Answer) -> None:
    x = np.asarray([[1.0, 4.0], [0.25, 2.0]])
    hessian = answer("hessian", "sum(sqrt(x))", "--x", str(x.tolist()))["result"]["x"]["x"]
    close(hessian, np.diag(-(x.ravel() ** -1.5) / 4).reshape(2, 2, 2, 2))


def test_12_a_linear_layer(answer: Answer) -> None:
    point = ("--W", "[[5,6],[7,8]]", "--x", "[[1],[2]]")
    found = answer("jacobian", "W @ x", *point)["result"]
    weights = np.asarray([[5, 6], [7, 8]])
    close(np.asarray(found["x"]).reshape(2, 2), weights)
    expected = np.zeros((2, 1, 2, 2))
    for row in range(2):
        expected[row, 0, row] = [1, 2]
    close(found["W"], expected)
    products = [answer("vjp", "W @ x", *point, "--v", f"onehot:2x1:{row},0")["result"]["x"] for row in range(2)]
    close(np.asarray(products).reshape(2, 2), weights)


def test_13_row_sums(answer: Answer) -> None:
    for v, expected in [("[[1,0,0,0]]", [2, 0, 0, 0]), ("[[0,1,0,0]]", [0, 2, 0, 0]), ("ones", [2, 2, 2, 2])]:
        close(answer("vjp", "2*x", "--x", "[[1,2,3,4]]", "--v", v)["result"]["x"], [expected])
    loss = "z = 2*x; z.sum(dim=1)"
    close(answer("vjp", loss, "--x", "[[1,2,3,4]]", "--v", "[1]")["result"]["x"], [[2, 2, 2, 2]])


NETWORK = "tanh(tanh(t @ W1.T + b1) @ W2.T + b2) @ W3.T + b3"
WEIGHTS = [
    word
    for name, shape in {"W1": "20x1", "b1": "20", "W2": "20x20", "b2": "20", "W3": "4x20", "b3": "4"}.items()
    for word in (f"--{name}", f"randn:{shape}")
]


def test_14_only_the_diagonal(answer: Answer) -> None:
    point = ("--t", "[[1],[2],[3.2]]", *WEIGHTS, "--wrt", "t")
    full = np.asarray(answer("jacobian", NETWORK, *point)["result"]["t"])
    short = np.asarray(answer("diag", NETWORK, *point)["result"]["t"])
    assert full.shape == (3, 4, 3, 1)
    assert short.shape == (3, 4, 1)
    for sample in range(3):
        for other in range(3):
            expected = short[sample] if sample == other else np.zeros((4, 1))
            close(full[sample, :, other], expected)
    assert np.all(short != 0)


def test_14_many_samples_and_outputs_stay_cheap(answer: Answer) -> None:
    words = [word.replace("4x20", "400x20") if word != "randn:4" else "randn:400" for word in WEIGHTS]
    short = answer("diag", NETWORK, "--t", "randn:100x1", *words, "--wrt", "t")["result"]["t"]
    assert np.shape(short) == (100, 400, 1)


def test_15_importance_weights(answer: Answer) -> None:
    losses = "[sum(x**2), sum(sin(x)), prod(x)]"
    weights = [-0.1, 1.0, 0.0001]
    point = ("--x", "0.5,-1.5,2")
    weighted = answer("vjp", losses, *point, "--v", "-0.1,1.0,0.0001")["result"]["x"]
    single = [answer("vjp", losses, *point, "--v", f"onehot:{index}")["result"]["x"] for index in range(3)]
    close(weighted, np.asarray(weights) @ np.asarray(single))
    x = np.asarray([0.5, -1.5, 2.0])
    close(single, [2 * x, np.cos(x), np.prod(x) / x])


@pytest.mark.skipif(os.name == "nt", reason="the examples are shell scripts")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_example_runs(script: Path, tmp_path: Path) -> None:
    command = tmp_path / "jaccli"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jaccli "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    finished = subprocess.run(
        ["sh", str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    promises = [line for line in script.read_text().splitlines() if line.startswith(GIVES)]
    assert promises
    for promise in promises:
        assert promise.removeprefix(GIVES) in finished.stdout


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 6
