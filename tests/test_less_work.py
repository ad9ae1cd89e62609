"""Plans that leave out work give what plans of every node give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jaccli import Formula
from jaccli.autodiff.reverse import pullback
from jaccli.compiled import forget
from jaccli.graph.node import topological
from jaccli.runtime import plan
from jaccli.runtime.products import with_known_products
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
]


def results(text: str) -> list[np.ndarray[Any, Any]]:
    forget()
    formula = Formula(text)
    point = {name: POINT[name] for name in formula.inputs}
    value = formula.value(point)
    v = np.linspace(0.5, 1.5, value.size).reshape(value.shape)
    gradients = [*formula.vjp(point, v).values(), *Formula(f"sum({text})").vjp(point).values()]
    hessian = [block for row in Formula(f"sum(({text})**2)").hessian(point).values() for block in row.values()]
    return [value, *gradients, *formula.jacobian(point, mode="reverse").values(), *hessian]


@pytest.mark.parametrize("text", SUMS)
def test_numbers_are_those_of_every_node(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = results(text)
    monkeypatch.setattr(plan, "with_early_sums", lambda outputs, given: outputs)
    monkeypatch.setattr(plan, "with_known_products", lambda outputs, given: outputs)
    for less, all_of_it in zip(fewer, results(text), strict=True):
        np.testing.assert_allclose(less, all_of_it, rtol=1e-12, atol=1e-12 * (1 + abs(all_of_it).max(initial=0)))
    forget()


def sizes(text: str) -> dict[str, int]:
    """The largest node of each kind that the value of a formula takes."""
    formula = Formula(text)
    lowered = formula.lowered({name: POINT[name] for name in formula.inputs})
    (output,) = with_early_sums([lowered.output], set())
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


def test_a_product_that_is_there_is_used() -> None:
    formula = Formula("exp(-x**2)*sin(x)")
    program, _, _ = formula.bound({"x": POINT["x"]})
    (back,) = pullback(program.output, program.cotangent, [program.inputs["x"]])
    before = topological([program.output, back])
    after = topological(with_known_products([program.output, back], set()))
    assert len(after) == len(before) - 1


def test_sums_of_very_many_terms() -> None:
    text = "sum((" + " + ".join(f"{place}*x*s" for place in range(1, 3000)) + "))"
    formula = Formula(text)
    found = formula.vjp({"x": POINT["x"], "s": 2.0})
    np.testing.assert_allclose(found["s"], POINT["x"].sum() * 2999 * 3000 / 2, rtol=1e-10)
