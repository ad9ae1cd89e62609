"""Jacobians of formulas that are computed entry by entry: one pass gives what many give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaccli import Formula, LimitError
from jaccli.runtime.memory import limited

POINT = {
    "b": np.array([0.7, -1.3, 0.4]),
    "x": np.linspace(0.3, 1.9, 6),
    "A": np.arange(1.0, 13.0).reshape(3, 4) / 7,
    "s": np.array(0.9),
    "c": np.array([[1.2]]),
}
TEXTS = [
    "b[0]*(1 - exp(-b[1]*x))",
    "b[0]*exp(-b[1]*x) + b[0]*b[2]",
    "x[0]*x + x[1]",
    "x[::-1]*x - x[2]",
    "sin(x)*x",
    "x[1:]*x[:-1]**2 - s",
    "A*b[:, newaxis] + s",
    "A.T*b + A[0, 0]",
    "exp(b[0] + s)*x + sqrt(b[2])",
    "exp(s)*b[0]",
    "b[0] + 0*x",
    "c*x",
    "x**b[0] + b[2]**x",
    "where(x > 1, b[0]*x, b[1]*log(x))",
    "maximum(b[0]*x, b[2])",
    "b.reshape(3, 1)*A[:, ::2]",
    "broadcast_to(s, (2, 3))*b",
    "x*3 + pi",
    "stop_gradient(b[0])*x*b[0]",
    "(x > 1)*b[0]",
]


@pytest.mark.parametrize("text", TEXTS)
def test_one_pass_gives_what_many_give(text: str) -> None:
    formula = Formula(text)
    point = {name: POINT[name] for name in formula.inputs}
    one = formula.jacobian(point)
    assert formula.how == (f"{', '.join(formula.inputs)}: entry by entry, 1 pass",)
    for mode in ("reverse", "forward"):
        for name, block in formula.jacobian(point, mode=mode).items():
            assert one[name].shape == block.shape
            np.testing.assert_allclose(one[name], block, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("text", TEXTS)
def test_the_blocks_belong_to_the_caller(text: str) -> None:
    formula = Formula(text)
    point = {name: POINT[name] for name in formula.inputs}
    before = {name: block.copy() for name, block in formula.jacobian(point).items()}
    for block in formula.jacobian(point).values():
        assert block.flags.c_contiguous
        block[...] = 7.0
    after = formula.jacobian(point)
    assert all(np.array_equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("text", ["cumsum(b)[0]*x", "sum(x)*x", "b[0]*sum(b*b)", "x @ outer(x, b)", "sort(b)[0]*x"])
def test_what_reads_several_entries_takes_more_passes(text: str) -> None:
    formula = Formula(text)
    point = {name: POINT[name] for name in formula.inputs}
    found = formula.jacobian(point)
    assert "entry by entry" not in formula.how[0]
    for name, block in formula.jacobian(point, mode="reverse").items():
        np.testing.assert_allclose(found[name], block, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("b[0]*log(x)", {"b": [2.0, 1.0], "x": [0.0, 1.0, -1.0]}),
        ("sqrt(b[0])*x + b[1]", {"b": [0.0, 1.0], "x": [0.0, 1.0]}),
        ("x*b[0]", {"b": [np.nan, 1.0], "x": [0.0, 1.0]}),
        ("b[0]/x", {"b": [1.0, 2.0], "x": [0.0, 1.0]}),
        ("where(x > 0, b[0]*log(x), b[1])", {"b": [1.0, 2.0], "x": [0.0, 2.0]}),
    ],
)
def test_infinities_and_nans_are_those_of_many_passes(text: str, point: dict[str, Any]) -> None:
    formula = Formula(text)
    found = formula.jacobian(point)
    for name, block in formula.jacobian(point, mode="reverse").items():
        np.testing.assert_array_equal(found[name], block)


@given(st.integers(0, 5), st.sampled_from(["x[{0}]*x", "exp(x[{0}])", "x*x[{0}] + x[-{0}]*sin(x)"]))
@settings(max_examples=30, deadline=None)
def test_any_entry_finds_its_column(place: int, text: str) -> None:
    formula = Formula(text.format(place))
    one, many = (formula.jacobian({"x": POINT["x"]}, mode=mode)["x"] for mode in ("auto", "reverse"))
    np.testing.assert_allclose(one, many, rtol=1e-14)


def test_verbose_says_so(run: Callable[..., Any]) -> None:
    told = run("jacobian", "b[0]*x", "--x", "1,2,3", "--b", "4,5", "--verbose")
    assert "b, x: entry by entry, 1 pass" in told.err


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("sqrt(x) - sqrt(x[::-1])", {"x": [1.0, 0.0, 1.0]}),
        ("x*c + x[::-1]*c", {"x": [1.0, 0.0, 1.0], "c": 1.5e308}),
        ("exp(b[0]*x)", {"b": [1e3], "x": [1.0, -1.0]}),
    ],
)
def test_nothing_is_warned_of(text: str, point: dict[str, Any]) -> None:
    with np.errstate(all="raise"):
        found = Formula(text).jacobian(point, wrt=["x"])["x"]
        many = Formula(text).jacobian(point, wrt=["x"], mode="reverse")["x"]
    np.testing.assert_array_equal(found, many)


def test_blocks_have_the_precision_of_their_inputs() -> None:
    formula = Formula("maximum(sign(i), x)", "float32")
    point = {"i": np.array([1, -2, 0]), "x": np.array([0.5, 0.5, 0.5])}
    assert formula.jacobian(point, wrt=["x"])["x"].dtype == np.float32


def test_what_does_not_fit_is_refused_at_every_call() -> None:
    formula = Formula(" + ".join(f"b[{place}]*x" for place in range(20)))
    point = {"x": np.ones(100_000), "b": np.ones(20)}
    assert formula.jacobian(point, wrt=["b"])["b"].shape == (100_000, 20)
    with limited(10 << 20), pytest.raises(LimitError):
        formula.jacobian(point, wrt=["b"])
    with limited(24 << 20):  # beside the result there is room for a few passes, and not for all of it once more
        assert formula.jacobian(point, wrt=["b"])["b"].sum() == 2_000_000
