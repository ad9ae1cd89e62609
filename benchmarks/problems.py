"""The sparse problems as formulas of the language and as JAX functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Problem(NamedTuple):
    """One problem: its formula, the shape of `x`, and the same written for JAX (given `jax.numpy`)."""

    name: str
    text: str
    shape: tuple[int, ...]
    in_jax: Callable[[Any, Any], Any]
    hessian: bool = False

    def point(self) -> dict[str, Any]:
        """The same x each time, near one."""
        return {"x": np.random.default_rng(0).uniform(0.5, 1.5, self.shape)}


BROYDEN = "(3 - 2*x)*x - concatenate([[0], x[:-1]]) - 2*concatenate([x[1:], [0]]) + 1"
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
NETWORK = "tanh(tanh(x @ A + a) @ B + b) @ C + c"
BANDED = "p = pad(x, (5, 1)); n = len(x); x*(2 + 5*x**2) + 1 - (" + " + ".join(
    f"p[{k}:{k}+n]*(1 + p[{k}:{k}+n])" for k in (0, 1, 2, 3, 4, 6)
) + ")"  # fmt: skip
_LAPLACE = "{0}[2:, 1:-1] + {0}[:-2, 1:-1] + {0}[1:-1, 2:] + {0}[1:-1, :-2] - 4*{1}"
BRATU = f"p = pad(x, 1); {_LAPLACE.format('p', 'x')} + 0.1*exp(x)"
BRUSSELATOR = (
    "v = x[0]; z = x[1]; a = pad(v, 1, mode='wrap'); b = pad(z, 1, mode='wrap'); "
    f"stack([1 + v**2*z - 4.4*v + {_LAPLACE.format('a', 'v')}, 3.4*v - v**2*z + {_LAPLACE.format('b', 'z')}])"
)


def _broyden(jnp: Any, x: Any) -> Any:
    zero = jnp.zeros(1, x.dtype)
    return (3 - 2 * x) * x - jnp.concatenate([zero, x[:-1]]) - 2 * jnp.concatenate([x[1:], zero]) + 1


def _rosenbrock(jnp: Any, x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _banded(jnp: Any, x: Any) -> Any:
    n, p = len(x), jnp.pad(x, (5, 1))
    return x * (2 + 5 * x**2) + 1 - sum(p[k : k + n] * (1 + p[k : k + n]) for k in (0, 1, 2, 3, 4, 6))


def _stencil(p: Any, x: Any) -> Any:
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * x


def _bratu(jnp: Any, x: Any) -> Any:
    return _stencil(jnp.pad(x, 1), x) + 0.1 * jnp.exp(x)


def _brusselator(jnp: Any, x: Any) -> Any:
    v, z = x
    a, b = jnp.pad(v, 1, mode="wrap"), jnp.pad(z, 1, mode="wrap")
    return jnp.stack([1 + v**2 * z - 4.4 * v + _stencil(a, v), 3.4 * v - v**2 * z + _stencil(b, z)])


def _arrowhead(jnp: Any, x: Any) -> Any:
    return jnp.concatenate([jnp.sum(x**2)[None], x[1:] * x[0]])


def _blocks(jnp: Any, x: Any) -> Any:
    return jnp.tanh(x @ jnp.ones((4, 4)))


def problems(size: int) -> list[Problem]:
    """The classic problems with about `size` variables."""
    side = int(size**0.5)
    return [
        Problem("Broyden tridiagonal", BROYDEN, (size,), _broyden),
        Problem("Broyden banded", BANDED, (size,), _banded),
        Problem("Bratu on a grid", BRATU, (side, side), _bratu),
        Problem("Brusselator on a grid", BRUSSELATOR, (2, side, side), _brusselator),
        Problem("arrowhead", "concatenate([[sum(x**2)], x[1:]*x[0]])", (size,), _arrowhead),
        Problem("blocks of four", "tanh(x @ ones((4, 4)))", (size // 4, 4), _blocks),
        Problem("Rosenbrock Hessian", ROSENBROCK, (size,), _rosenbrock, hessian=True),
        Problem("arrowhead Hessian", "sum(x**3) + x[0]*sum(x[1:]**2)", (size,),
                lambda jnp, x: jnp.sum(x**3) + x[0] * jnp.sum(x[1:] ** 2), hessian=True),
        Problem("chained products Hessian", "sum(x[2:]*x[1:-1]*x[:-2])", (size,),
                lambda jnp, x: jnp.sum(x[2:] * x[1:-1] * x[:-2]), hessian=True),
        Problem("Bratu energy Hessian", "p = pad(x, 1); sum((p[1:, 1:] - p[:-1, 1:])**4 + (p[1:, 1:] - p[1:, :-1])**4)",
                (side, side), _energy, hessian=True),
    ]  # fmt: skip


def _energy(jnp: Any, x: Any) -> Any:
    p = jnp.pad(x, 1)
    return jnp.sum((p[1:, 1:] - p[:-1, 1:]) ** 4 + (p[1:, 1:] - p[1:, :-1]) ** 4)
