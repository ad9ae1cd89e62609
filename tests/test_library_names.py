"""Names, keywords and orders of arguments of the libraries: what is understood, and what is refused and how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from numpy.typing import NDArray

from jaccli import Formula, FormulaError
from jaccli.formula.functions.refusals import REFUSED
from jaccli.formula.functions.registry import functions

RANDOM = np.random.default_rng(17)
X, Y = RANDOM.standard_normal(4), RANDOM.standard_normal(4)
A, B = RANDOM.standard_normal((4, 3)), RANDOM.standard_normal((3, 5))
S = A.T @ A + np.eye(3)
SPD2 = B @ B.T + np.eye(3)
P = RANDOM.uniform(0.2, 0.8, 4)
CUBE = np.arange(24.0).reshape(2, 3, 4)

SAME = [
    ("einsum(A, [0, 1], B, [1, 2], [0, 2])", {"A": A, "B": B}, A @ B),
    ("np.einsum(A, [Ellipsis, 1], B, [1, 2])", {"A": A, "B": B}, A @ B),
    ("i, j = torch.triu_indices(3, 3, offset=1); S[i, j]", {"S": S}, S[np.triu_indices(3, 1)]),
    ("torch.tril_indices(row=3, col=2, offset=-1)[0]*x[:3]", {"x": X}, np.array([1, 2, 2]) * X[:3]),
    ("x[np.clip(np.searchsorted([0.0, 1.0], [-1.0, 0.5, 5.0]) - 1, 0, 1)]", {"x": X}, X[[0, 0, 1]]),
    ("np.sum(A, 1, None, None, True)", {"A": A}, A.sum(1, keepdims=True)),
    ("np.std(A, 0, None, None, 1)", {"A": A}, A.std(0, ddof=1)),
    ("np.percentile(x, 30, 0, None, False, 'linear', True)", {"x": X}, np.percentile(X, 30, keepdims=True)),
    ("np.add(x1=x, x2=x)", {"x": X}, 2 * X),
    ("torch.quantile(x, 0.3, 0, True)", {"x": X}, np.quantile(X, 0.3, keepdims=True)),
    ("x[np.lexsort((x, round(y)))]", {"x": X, "y": Y}, X[np.lexsort((X, np.round(Y)))]),
    ("scipy.linalg.cholesky(S, True)", {"S": S}, np.linalg.cholesky(S)),
    ("jax.scipy.linalg.cholesky(S)", {"S": S}, np.linalg.cholesky(S).T),
    ("scipy.linalg.eigh(S, M, eigvals_only=True)", {"S": S, "M": SPD2}, scipy.linalg.eigvalsh(S, SPD2)),
    ("scipy.linalg.lu_solve(scipy.linalg.lu_factor(S), b)", {"S": S, "b": X[:3]}, np.linalg.solve(S, X[:3])),
    ("torch.linalg.lu(S).U", {"S": S}, scipy.linalg.lu(S)[2]),
    ("torch.aminmax(x).max - torch.aminmax(x).min", {"x": X}, np.ptp(X)),
    ("scipy.special.legendre(3)(x) + np.poly1d([1, 2])(x)", {"x": P}, scipy.special.eval_legendre(3, P) + P + 2),
    ("scipy.special.assoc_laguerre(x, 3, 1.5)", {"x": P}, scipy.special.eval_genlaguerre(3, 1.5, P)),
    ("jax.nn.identity(x) + nn.Identity()(x)", {"x": X}, 2 * X),
    ("jax.lax.max(x, 0)", {"x": X}, np.maximum(X, 0)),
    ("np.linalg.diagonal(x)", {"x": CUBE}, CUBE[:, [0, 1, 2], [0, 1, 2]]),
    ("x.select(1, 2)", {"x": A}, A[:, 2]),
    ("F.pairwise_distance(A, 0*A)", {"A": A}, np.linalg.norm(A + 1e-6, axis=1)),
    ("pairwise_distance(A, 0*A)", {"A": A}, np.linalg.norm(A, axis=1)),
    ("np.divide(x, 0.3, rounding_mode='floor')", {"x": X}, np.floor(X / 0.3)),
    ("np.nan_to_num(log(0*x), neginf=-5)", {"x": X}, np.full(4, -5.0)),
    ("np.linspace(a, 2, 4, endpoint=False)", {"a": 0.5}, np.linspace(0.5, 2, 4, endpoint=False)),
    ("np.polynomial.legendre.leggauss(3)[1]*a", {"a": 2.0},
     2 * np.polynomial.legendre.leggauss(3)[1]),
    ("scipy.signal.detrend(x)", {"x": X}, X - np.polyval(np.polyfit(np.arange(4), X, 1), np.arange(4))),
    ("np.put_along_axis(A, [[0], [2], [1], [1]], y[:, None], 1)", {"A": A, "y": Y},
     np.where(np.arange(3) == np.array([[0], [2], [1], [1]]), Y[:, None], A)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "inputs", "value"), SAME, ids=[row[0] for row in SAME])
def test_a_call_means_what_its_library_says(text: str, inputs: dict[str, Any], value: NDArray[Any]) -> None:
    formula = Formula(text)
    np.testing.assert_allclose(formula.value(inputs), value, rtol=1e-11, atol=1e-13)
    moving = {name: RANDOM.standard_normal(np.shape(entry)) for name, entry in inputs.items()}
    there, here = (
        formula.value({name: entry + step * moving[name] for name, entry in inputs.items()}) for step in (1e-6, -1e-6)
    )
    found = formula.jvp(inputs, moving)
    np.testing.assert_allclose(found, (there - here) / 2e-6, rtol=1e-5, atol=1e-7)
    weights = RANDOM.standard_normal(np.shape(value))
    back = formula.vjp(inputs, weights)
    total = sum(np.sum(back[name] * moving[name]) for name in moving)
    np.testing.assert_allclose(total, np.sum(weights * found), rtol=1e-9, atol=1e-12)


def test_no_name_is_both_refused_and_a_function() -> None:
    assert sorted(REFUSED & functions().keys()) == []


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("np.random.randn(3)*x", "is random", "give the numbers as an input"),
        ("F.gumbel_softmax(x)", "is random", "draw the numbers outside"),
        ("nn.Linear(4, 2)(x)", "random weights", "linear(x, W, b)"),
        ("jax.lax.fori_loop(0, 3, 1, x)", "a function or a loop", "or the steps out"),
        ("np.empty(3)*x", "whatever was in memory", "zeros"),
        ("np.histogram(x)", "a step whose derivative is 0", "bincount"),
        ("scipy.linalg.schur(x)", "no smooth function", "sqrtm"),
        ("torch.svd_lowrank(x)", "random approximation", "svd"),
        ("np.gcd(x, 2)", "whole numbers", "outside"),
        ("np.union1d(x, x)", "as many entries as the values say", "mask"),
        ("torch.save(x)", "reads, writes or prints", "--x @data.npy"),
        ("x.stride()", "how arrays are stored", "leave it out"),
        ("scipy.special.jn_zeros(0, 3)*x", "not in the language yet", "--claim"),
        ("x.masked_fil(x > 0, 0)", "unknown method masked_fil", "did you mean .masked_fill()?"),
    ],
)
def test_a_name_that_is_not_in_the_language_says_what_to_do_instead(text: str, why: str, hint: str) -> None:
    with pytest.raises(FormulaError) as raised:
        Formula(text).value({"x": X})
    told = str(raised.value)
    assert why in told
    assert hint in told


def test_a_function_in_place_gives_a_new_array_and_says_so() -> None:
    formula = Formula("y = x.abs_(); x + y + torch.relu_(x)")
    np.testing.assert_allclose(formula.value({"x": X}), X + abs(X) + np.maximum(X, 0))
    assert any("abs_ gives a new array here" in note for note in formula.notes)


def test_the_slope_of_a_power_changes_with_an_exponent_that_is_0() -> None:
    inputs = {"x": np.array([2.0, 3.0, 0.0]), "n": np.array([0.0, 0.5, 0.0])}
    blocks = Formula("sum(x**n)").hessian(inputs)
    expected = [1 / 2, 3.0**-0.5 * (1 + 0.5 * np.log(3)), 0]
    np.testing.assert_allclose(np.diag(blocks["x"]["n"]), expected, rtol=1e-12)
    np.testing.assert_allclose(blocks["x"]["n"], blocks["n"]["x"].T, rtol=1e-12)
    np.testing.assert_array_equal(Formula("x**n").diagonal(inputs)["x"][[0, 2]], 0)


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("sum(xlogy(t, x))", lambda x: 1 / x),
        ("sum(xlog1py(t, x))", lambda x: 1 / (1 + x)),
        ("sum(rel_entr(t, x))", lambda x: -1 / x),
        ("sum(scipy.stats.poisson.logpmf(t, x))", lambda x: 1 / x),
        ("F.binary_cross_entropy_with_logits(x, t, reduction='sum')", lambda x: -1 + 0 * x),
        ("F.binary_cross_entropy(x, t, reduction='sum')", lambda x: -1 / x - 1 / (1 - x)),
    ],
)
def test_a_weight_that_is_0_has_a_mixed_derivative(text: str, mixed: Any) -> None:
    inputs = {"x": P, "t": np.array([0.0, 1.0, 0.5, 0.0])}
    blocks = Formula(text).hessian(inputs)
    for block in (blocks["x"]["t"], blocks["t"]["x"].T):
        np.testing.assert_allclose(block, np.diag(mixed(P)), rtol=1e-12, atol=1e-13)
