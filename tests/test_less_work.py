"""Plans that leave out work give what plans of every node give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jaccli import Formula
from jaccli.autodiff import staged
from jaccli.compiled import forget
from jaccli.graph.node import topological
from jaccli.runtime import plan, sums
from jaccli.runtime.sums import with_early_sums

RANDOM = np.random.default_rng(5)
POINT = {
    "x": RANDOM.standard_normal(6),
    "X": RANDOM.standard_normal((6, 4)),
    "m": RANDOM.standard_normal((3, 4)),
    "Q": RANDOM.standard_normal((3, 4)),
    "L": RANDOM.standard_normal((4, 4, 3)),
    "A": RANDOM.standard_normal((6, 4)),
    "B": RANDOM.standard_normal((4, 5)),
    "T": RANDOM.standard_normal((2, 6, 4)),
    "y": RANDOM.standard_normal(4),
    "s": np.array(0.7),
    "c": RANDOM.standard_normal((6, 1)),
}
SUMS = [
    "sum(((X[:, newaxis] - m)*Q)**2)",
    "sum(logsumexp(-sum((Q*(X[:, None] - m) + einsum('ijk,nkj->nki', L, X[:, None] - m))**2, axis=2), axis=1))",
    "sum(exp(x)[:, None]*y)",
    "sum(x[:, None]*y/s, axis=0)",
    "sum((A*s - c*y).T, axis=1)",
    "mean(outer(x, y), axis=0)",
    "sum(A @ B, axis=0)",
    "sum(A @ B, axis=1)",
    "sum(A @ B)",
    "sum(-A*y*s, axis=0)",
    "sum(T*A*x[:, None], axis=(0, 1))",
    "sum(T*A*x[:, None], axis=1)",
    "sum(T.transpose(2, 0, 1)*s, axis=(1, 2))",
    "sum(A[:0]*y, axis=0)",
    "sum(s*s*ones((3, 4)), axis=0)",
    "sum(c*s, axis=0) + sum(c*s, axis=1)",
    "sum(T @ B, axis=0)",
    "sum(c*y, axis=1)*x",
    "(A*y).sum() + (A*y)[0, 0]",
    "sum(exp(-A)*sin(A)*y, axis=0)",
    "sum(x*exp(-x**2)*sin(x))",
    "broadcast_to(y, (6, 4))*s",
    "s*c*y + s*A",
    "outer(x, y)*broadcast_to(x[:, None], (6, 4))*tanh(s**2)",
]


@pytest.fixture(autouse=True)
def every_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over few numbers come early too."""
    monkeypatch.setattr(sums, "SMALLEST", 0)


def results(text: str) -> list[np.ndarray[Any, Any]]:
    forget()
    formula = Formula(text)
    point = {name: POINT[name] for name in formula.inputs}
    value = formula.value(point)
    v = np.linspace(0.5, 1.5, value.size).reshape(value.shape)
    found = [value, *formula.vjp(point, v).values(), *Formula(f"sum({text})").vjp(point).values()]
    for name in formula.inputs:
        found += formula.pullback(point, wrt=[name])[1](v).values()
    found += formula.vjp(point, np.stack([v, 2 * v]), batched=True).values()
    found += [formula.jvp(point, point)]
    for mode in ("reverse", "forward"):
        found += formula.jacobian(point, mode=mode, chunk=2).values()
    return found + [block for row in Formula(f"sum(({text})**2)").hessian(point).values() for block in row.values()]


@pytest.mark.parametrize("text", SUMS)
def test_numbers_are_those_of_every_node(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = results(text)
    for room in (plan, staged):
        monkeypatch.setattr(room, "with_early_sums", lambda outputs, given, written: outputs)
    for less, all_of_it in zip(fewer, results(text), strict=True):
        np.testing.assert_allclose(less, all_of_it, rtol=1e-12, atol=1e-12 * (1 + abs(all_of_it).max(initial=0)))
    forget()


def sizes(text: str) -> dict[str, int]:
    """The largest node of each kind, where the sums of a formula are a transform's."""
    formula = Formula(text)
    lowered = formula.lowered({name: POINT[name] for name in formula.inputs})
    (output,) = with_early_sums([lowered.output], set(), lowered.inputs[formula.inputs[0]])
    found: dict[str, int] = {}
    for node in topological([output]):
        found[node.primitive.name] = max(found.get(node.primitive.name, 0), node.size)
    return found


@pytest.mark.parametrize(
    ("text", "name", "most"),
    [
        ("sum(A*y*s, axis=0)", "multiply", 4),
        ("sum(x[:, None]*y)", "multiply", 1),
        ("sum(A @ B, axis=0)", "contract", 5),
        ("sum(A @ B, axis=1)", "contract", 6),
        ("sum((A @ B).T, axis=0)", "contract", 6),
        ("sum(A/s)", "divide", 1),
        ("sum(-(A*s))", "negative", 1),
    ],
)
def test_sums_come_first(text: str, name: str, most: int) -> None:
    assert sizes(text)[name] == most


@pytest.mark.parametrize(
    ("text", "name", "most"),
    [
        ("(A*s).sum() + (A*s)[0, 0]", "multiply", 24),  # needed all the same
        ("sum(A*X, axis=0)", "multiply", 24),  # both vary
        ("sum(T @ B, axis=2)", "contract", 12),
        ("sum(einsum('ij,ik->ijk', A, X), axis=0)", "contract", 96),
    ],
)
def test_what_varies_is_computed_first(text: str, name: str, most: int) -> None:
    assert sizes(text)[name] == most


@pytest.mark.parametrize(
    ("text", "point", "value"),
    [
        ("sum(x/s)", {"x": [1.5e308, 1.5e308], "s": 1e308}, 3.0),
        ("sum(s*x)", {"x": [1.5e308, 1.5e308], "s": 0.0}, 0.0),
        ("sum(s*x)", {"x": [1.0, 0.0], "s": np.inf}, np.nan),
        ("sum([[0.0, 0.0]] @ outer([1.0, 1.0], x))", {"x": [1.5e308, 1.5e308]}, 0.0),
        ("a*b*c + tanh(b*c)", {"a": 0.0, "b": 1e200, "c": 1e200}, 1.0),
    ],
)
def test_a_formula_is_computed_in_the_order_in_which_it_is_written(
    text: str, point: dict[str, Any], value: float
) -> None:
    np.testing.assert_array_equal(Formula(text).value(point), value)
    np.testing.assert_array_equal(Formula(text).pullback(point)[0], value)


def test_no_cotangent_is_no_cotangent_where_the_value_overflows() -> None:
    found = Formula("s*exp(x)").vjp({"s": 1e10, "x": [1.0, 709.0]}, [1.0, 0.0])
    np.testing.assert_allclose(found["x"], [1e10 * np.e, 0.0])


def test_sums_of_few_numbers_are_as_good_as_pairwise_ones() -> None:
    for count in (100, 1000, 1024, 8192):
        numbers = np.full(count, 0.1)
        assert abs(Formula("sum(x)").value({"x": numbers}) / (0.1 * count) - 1) < 16 * np.finfo(float).eps


def test_sums_of_very_many_terms() -> None:
    text = "sum((" + " + ".join(f"{place}*x*s" for place in range(1, 3000)) + "))"
    formula = Formula(text)
    found = formula.vjp({"x": POINT["x"], "s": 2.0})
    np.testing.assert_allclose(found["s"], POINT["x"].sum() * 2999 * 3000 / 2, rtol=1e-10)
