"""Real problems, warm: derivatives of formulas from a folder, against PyTorch and JAX running the same text.

The folder is that of `JACCLI_PROBLEMS`, or `shared/problems` beside the project. Each problem in it has a formula, its
inputs, what to differentiate, and reference derivatives, with which ours and the peers' are compared first.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.harness import Comparison, Figure, MissingPeer, Summary, Work, peer
from jaccli.api import Formula

TITLE = "Real problems, warm"

_FOLDER = Path(os.environ.get("JACCLI_PROBLEMS", Path(__file__).parents[2] / "shared" / "problems"))
_MOST_DENSE = 20_000_000
_LONG = 60_000  # characters of a text that JAX's compiler does not manage within minutes


def works() -> Iterator[Comparison | Summary | Nothing]:
    """One comparison a problem and peer, and the geometric mean of each peer's ratios."""
    found = [read(name) for name in names()]
    if not found:
        yield Nothing()
        return
    for name, module, least in (("PyTorch eager", _torch, 10.0), ("JAX jit", _jax, 0.5)):
        ratios: list[float] = []
        for problem in found:
            yield Comparison(
                problem.name,
                name,
                problem.ours(),
                functools.partial(module, problem),
                functools.partial(agree, problem),
                1.0 if (problem.name, name) == ("adbench_gmm_d10_k25_n1000", "PyTorch eager") else None,
                None,
                ratios.append,
            )
        yield Summary("geometric mean of the above", name, ratios, least)


class Nothing:
    """Says that there are no problems here."""

    task = "real problems"

    def figure(self) -> Figure:
        """A line without figures."""
        return Figure(self.task, "", "", f"skipped: no problems in {_FOLDER}", None)


@dataclass(frozen=True)
class Problem:
    """A formula, its inputs, and which derivative is asked for.

    Attributes:
        kind: "gradient", "vjp", "jacobian" or "hessian".
        wrt: the inputs to differentiate for.
        stored: those whose Jacobian is wanted as stored entries.
        reference: derivatives by input, 2-D where stored.
    """

    name: str
    text: str
    inputs: Mapping[str, np.ndarray[Any, Any]]
    kind: str
    wrt: tuple[str, ...]
    stored: frozenset[str]
    cotangent: np.ndarray[Any, Any] | None
    reference: Mapping[str, Any]
    tolerance: float
    sizes: tuple[int, int]

    def ours(self) -> Work:
        """Our way, the formula kept."""
        formula, inputs, wrt = Formula(self.text), dict(self.inputs), list(self.wrt)
        if self.kind == "gradient":
            return lambda: formula.vjp(inputs, wrt=wrt)
        if self.kind == "vjp":
            return lambda: formula.vjp(inputs, self.cotangent, wrt=wrt)
        if self.kind == "hessian":
            return lambda: {name: blocks[name] for name, blocks in formula.hessian(inputs, wrt=wrt).items()}
        dense = [name for name in wrt if name not in self.stored]
        stored = [name for name in wrt if name in self.stored]

        def jacobians() -> dict[str, Any]:
            found = formula.jacobian(inputs, wrt=dense) if dense else {}
            return found | (formula.jacobian(inputs, wrt=stored, sparse=True) if stored else {})

        return jacobians


def names() -> list[str]:
    """The problems of the folder."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/problem.json"))


def read(name: str) -> Problem:
    """One problem, with its inputs and references."""
    folder = _FOLDER / name
    about = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    saved = np.load(folder / "reference.npz")
    reference = {
        name: sparse.load_npz(folder / f"J_{name}.npz") if name in about["sparse"] else saved[f"d_{name}"]
        for name in about["wrt"]
    }
    inputs = {name: np.load(folder / f"{name}.npy") for name in about["inputs"]}
    cotangent = folder / "cotangent.npy"
    return Problem(
        about["name"],
        (folder / "formula.jac").read_text(encoding="utf-8"),
        inputs,
        about["kind"],
        tuple(about["wrt"]),
        frozenset(about["sparse"]),
        np.load(cotangent) if cotangent.exists() else None,
        reference,
        max(about["suggested_rtol_normwise"], 1e-9),
        (math.prod(about["output_shape"]), sum(inputs[name].size for name in about["wrt"])),
    )


def agree(problem: Problem, ours: Mapping[str, Any], theirs: Sequence[Any]) -> None:
    """Ours and the peer's (none or all) with the reference, by the largest entry."""
    for name, found in (*ours.items(), *zip(problem.wrt, theirs, strict=bool(theirs))):
        reference = problem.reference[name]
        if name in problem.stored:
            found = found if sparse.issparse(found) else np.asarray(found).reshape(reference.shape)
            reference = reference if sparse.issparse(found) else reference.toarray()
        else:
            found = np.asarray(found).reshape(reference.shape)
        difference = abs(found - reference).max()
        assert difference <= problem.tolerance * abs(reference).max(), f"{name} is off by {difference}"


def _torch(problem: Problem) -> Work:
    torch = peer("torch")
    inputs = {name: torch.from_numpy(array) for name, array in problem.inputs.items()}
    function = _as_function(problem, inputs, _torch_names(torch))
    arguments = tuple(inputs[name] for name in problem.wrt)
    if problem.kind in ("gradient", "vjp"):
        cotangent = None if problem.cotangent is None else torch.from_numpy(problem.cotangent)

        def product() -> Any:
            moving = tuple(argument.detach().requires_grad_() for argument in arguments)
            return [found.numpy() for found in torch.autograd.grad(function(*moving), moving, cotangent)]

        return product
    transform = _transform(problem, torch.func.jacrev, torch.func.jacfwd, torch.func.hessian)
    derivative = transform(function, argnums=tuple(range(len(arguments))))

    def matrices() -> Any:
        return [found.detach().numpy() for found in _own_blocks(problem, derivative(*arguments))]

    return matrices


def _jax(problem: Problem) -> Work:
    if len(problem.text) > _LONG:
        raise MissingPeer("its compiler takes minutes for so long a text")
    jax = peer("jax")
    jax.config.update("jax_enable_x64", True)
    inputs = {name: jax.numpy.asarray(array) for name, array in problem.inputs.items()}
    function = _as_function(problem, inputs, _jax_names(jax))
    arguments = tuple(inputs[name] for name in problem.wrt)
    places = tuple(range(len(arguments)))
    if problem.kind in ("gradient", "vjp"):
        cotangent = jax.numpy.asarray(1.0 if problem.cotangent is None else problem.cotangent)
        pulled = jax.jit(lambda *moving: jax.vjp(function, *moving)[1](cotangent))
        return lambda: [np.asarray(found) for found in pulled(*arguments)]
    transform = _transform(problem, jax.jacrev, jax.jacfwd, jax.hessian)
    derivative = jax.jit(lambda *moving: _own_blocks(problem, transform(function, argnums=places)(*moving)))
    return lambda: [np.asarray(found) for found in derivative(*arguments)]


def _transform(problem: Problem, reverse: Any, forward: Any, hessian: Any) -> Any:
    """What a user of the peer would choose: the direction with fewer passes."""
    if problem.kind == "hessian":
        return hessian
    outputs, inputs = problem.sizes
    if outputs * inputs > _MOST_DENSE:
        raise MissingPeer(f"its Jacobian would be dense, with {outputs * inputs:,} entries")
    return forward if inputs <= outputs else reverse


def _own_blocks(problem: Problem, found: Any) -> Any:
    return [row[place] for place, row in enumerate(found)] if problem.kind == "hessian" else found


def _as_function(problem: Problem, inputs: Mapping[str, Any], names: Mapping[str, Any]) -> Callable[..., Any]:
    """The text as a Python function of the inputs that are differentiated for: the language is Python's here."""
    *statements, last = [part.strip() for part in re.split("[\n;]", problem.text) if part.strip()]
    body = "\n".join(f"    {line}" for line in (*statements, f"return {last}"))
    scope: dict[str, Any] = {**names, **inputs}
    exec(f"def function({', '.join(problem.wrt)}):\n{body}", scope)
    function: Callable[..., Any] = scope["function"]
    return function


def _jax_names(jax: Any) -> dict[str, Any]:
    numpy = jax.numpy
    return {**vars(numpy), "logsumexp": jax.scipy.special.logsumexp}


def _torch_names(torch: Any) -> dict[str, Any]:
    def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.sum(x) if axis is None else torch.sum(x, dim=axis, keepdim=keepdims)

    def logsumexp(x: Any, axis: Any = None) -> Any:
        return torch.logsumexp(x, dim=tuple(range(x.ndim)) if axis is None else axis)

    def on_tensors(function: Any) -> Any:
        return lambda x: function(torch.as_tensor(x, dtype=torch.float64))

    names = ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "arctan")
    return {
        **{name: on_tensors(getattr(torch, name)) for name in names},
        "arctan2": torch.arctan2,
        "concatenate": lambda parts, axis=0: torch.cat(parts, dim=axis),
        "stack": lambda parts, axis=0: torch.stack(parts, dim=axis),
        "einsum": torch.einsum,
        "outer": torch.outer,
        "reshape": torch.reshape,
        "logsumexp": logsumexp,
        "sum": total,
        "pi": math.pi,
    }
