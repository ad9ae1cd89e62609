"""asdex, which finds patterns in JAX programs, as an independent witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jaccli.api import Formula
from jaccli.sparsity.summary import summarise

Array = NDArray[Any]

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore"),  # JAX and asdex warn of dense patterns and of their own future
]

asdex = pytest.importorskip("asdex")
jax = pytest.importorskip("jax")
jnp = jax.numpy


def bratu(u: Any) -> Any:
    p = jnp.pad(u, 1)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + 0.1 * jnp.exp(u)


def brusselator(w: Any) -> Any:
    v, z = w
    a, b = jnp.pad(v, 1, mode="wrap"), jnp.pad(z, 1, mode="wrap")
    da = a[2:, 1:-1] + a[:-2, 1:-1] + a[1:-1, 2:] + a[1:-1, :-2] - 4 * v
    db = b[2:, 1:-1] + b[:-2, 1:-1] + b[1:-1, 2:] + b[1:-1, :-2] - 4 * z
    return jnp.stack([1 + v**2 * z - 4.4 * v + da, 3.4 * v - v**2 * z + db])


LAPLACE = "{0}[2:, 1:-1] + {0}[:-2, 1:-1] + {0}[1:-1, 2:] + {0}[1:-1, :-2] - 4*{1}"
BRUSSELATOR = (
    "v = x[0]; z = x[1]; a = pad(v, 1, mode='wrap'); b = pad(z, 1, mode='wrap'); "
    f"stack([1 + v**2*z - 4.4*v + {LAPLACE.format('a', 'v')}, 3.4*v - v**2*z + {LAPLACE.format('b', 'z')}])"
)
JACOBIANS: list[tuple[str, Callable[[Any], Any], tuple[int, ...]]] = [
    ("sin(x) * x", lambda x: jnp.sin(x) * x, (30,)),
    (
        "(3 - 2*x)*x - concatenate([[0], x[:-1]]) - 2*concatenate([x[1:], [0]]) + 1",
        lambda x: (3 - 2 * x) * x - jnp.pad(x[:-1], (1, 0)) - 2 * jnp.pad(x[1:], (0, 1)) + 1,
        (50,),
    ),
    (f"p = pad(x, 1); {LAPLACE.format('p', 'x')} + 0.1*exp(x)", bratu, (9, 7)),
    (BRUSSELATOR, brusselator, (2, 9, 9)),
    (
        "concatenate([[sum(x**2)], x[1:]*x[0]])",
        lambda x: jnp.concatenate([jnp.sum(x**2)[None], x[1:] * x[0]]),
        (40,),
    ),
    ("tanh(x @ ones((3, 4)))", lambda x: jnp.tanh(x @ jnp.ones((3, 4))), (20, 3)),
    ("cumsum(x) * x", lambda x: jnp.cumsum(x) * x, (12,)),
    ("roll(x, 2) / x", lambda x: jnp.roll(x, 2) / x, (12,)),
    ("reshape(x, (3, 4)).T * 2", lambda x: x.reshape(3, 4).T * 2, (12,)),
]
HESSIANS: list[tuple[str, Callable[[Any], Any]]] = [
    (
        "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)",
        lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    ),
    ("sum(x**3) + x[0]*sum(x[1:]**2)", lambda x: jnp.sum(x**3) + x[0] * jnp.sum(x[1:] ** 2)),
    ("sum(sin(x))", lambda x: jnp.sum(jnp.sin(x))),
    ("sum(x[2:]*x[1:-1]*x[:-2])", lambda x: jnp.sum(x[2:] * x[1:-1] * x[:-2])),
]


def positions(row: Any, column: Any) -> set[tuple[int, int]]:
    return set(zip(np.asarray(row).tolist(), np.asarray(column).tolist(), strict=True))


@pytest.mark.parametrize(("text", "function", "shape"), JACOBIANS, ids=[row[0][:40] for row in JACOBIANS])
def test_jacobian_patterns_and_colours(text: str, function: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    pattern = Formula(text).sparsity({"x": np.ones(shape)})["x"]
    theirs = asdex.jacobian_sparsity(function, jnp.ones(shape))
    extra = positions(*pattern.tocoo().coords) - positions(theirs.rows, theirs.cols)
    missed = positions(theirs.rows, theirs.cols) - positions(*pattern.tocoo().coords)
    assert not missed, f"missed {sorted(missed)}, extra {sorted(extra)}"
    assert not extra, f"extra {sorted(extra)}"
    summary = summarise(pattern)
    assert summary.passes <= asdex.jacobian_coloring(function, jnp.ones(shape)).num_colors


@pytest.mark.parametrize(("text", "function"), HESSIANS, ids=[row[0] for row in HESSIANS])
def test_hessian_patterns_and_colours(text: str, function: Callable[[Any], Any]) -> None:
    x = np.linspace(0.5, 1.5, 40)
    formula = Formula(text)
    pattern = formula.hessian_sparsity({"x": x})["x"]["x"]
    theirs = asdex.hessian_sparsity(function, jnp.asarray(x))
    assert positions(*pattern.tocoo().coords) == positions(theirs.rows, theirs.cols)
    colours = asdex.hessian_coloring(function, jnp.asarray(x)).num_colors
    assert summarise(pattern, symmetric=True).passes <= colours
    dense = np.asarray(jax.hessian(function)(jnp.asarray(x)))
    np.testing.assert_allclose(formula.hessian({"x": x})["x"]["x"], dense, rtol=1e-4, atol=1e-3)
