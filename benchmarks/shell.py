"""A call from the shell: whole processes against the imports alone, and against scripts for the same derivative."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Comparison, MissingPeer, Work

TITLE = "A call from the shell"

_IMPORTS = "import numpy, sympy, typer, rich"
_FORMULA = "(x+1)**2"
_EXPECTED = 2 * (np.eye(5) + 1)
_SCRIPTS = {
    "torch": "import torch; x = torch.eye(5, dtype=torch.float64, requires_grad=True); "
    "y = (x + 1)**2; y.backward(torch.ones_like(y)); print(x.grad.tolist())",
    "jax": "import jax; jax.config.update('jax_enable_x64', True); import jax.numpy as jnp; x = jnp.eye(5); "
    "y, pull = jax.vjp(lambda x: (x + 1)**2, x); print(pull(jnp.ones_like(y))[0].tolist())",
    "autograd": "import autograd, autograd.numpy as np; x = np.eye(5); "
    "print(autograd.make_vjp(lambda x: (x + 1)**2)(x)[0](np.ones((5, 5))).tolist())",
    "sympy": "import numpy, sympy; x = sympy.Symbol('x'); f = sympy.lambdify(x, sympy.diff((x + 1)**2, x)); "
    "print(f(numpy.eye(5)).tolist())",
}


def works() -> Iterator[Comparison]:
    """The calls, each against the imports; then the repeated call against scripts."""
    fresh = itertools.count(1)

    def new_formula() -> Any:
        return _json(_jaccli("vjp", f"{_FORMULA} + 0*{next(fresh)}", "--x", "eye:5", "--v", "ones", "--json"))

    def repeated() -> Any:
        return _json(_jaccli("vjp", _FORMULA, "--x", "eye:5", "--v", "ones", "--json"))

    def table() -> Any:
        return _table(_jaccli("vjp", _FORMULA, "--x", "eye:5", "--v", "ones"))

    imports = f"python -c '{_IMPORTS}'"
    against_imports = functools.partial(Comparison, peer=imports, prepare=lambda: _imports, agree=_is_right)
    yield against_imports("a formula for the first time, --json", ours=new_formula, least=1 / 1.2)
    yield against_imports("the same formula again, --json", ours=repeated, least=1 / 0.45)
    yield against_imports("the same formula again, a table", ours=table, least=1 / 0.55)
    yield against_imports("--help", ours=lambda: _lines(_jaccli("--help")))
    for name in _SCRIPTS:
        prepare = functools.partial(_script, name)
        yield Comparison("the same formula again, --json", f"a script with {name}", repeated, prepare, _is_right)


def _imports() -> None:
    _run([sys.executable, "-c", _IMPORTS])


def _script(name: str) -> Work:
    if importlib.util.find_spec(name) is None:
        raise MissingPeer(f"{name} is not installed")
    return lambda: json.loads(_run([sys.executable, "-c", _SCRIPTS[name]]))


def _jaccli(*words: str) -> str:
    return _run([sys.executable, "-m", "jaccli", *words])


def _run(words: list[str]) -> str:
    finished = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    return finished.stdout


@functools.cache
def environment() -> dict[str, str]:
    """A cache of its own, and compiled modules, as an installed package has them."""
    folder = tempfile.mkdtemp(prefix="jaccli-shell-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    root = str(Path(__file__).parents[1])
    return {
        **kept,
        "PYTHONPATH": root,
        "PYTHONPYCACHEPREFIX": str(Path(folder, "compiled")),
        "JACCLI_CACHE": str(Path(folder, "cache")),
    }


def _json(text: str) -> Any:
    return json.loads(text)["result"]["x"]


def _table(text: str) -> Any:
    """The numbers of a table: its rows without their labels."""
    return [[float(word) for word in line.split()[1:]] for line in text.splitlines()[2:]]


def _lines(text: str) -> None:
    assert "Usage" in text


def _is_right(*results: Any) -> None:
    for result in results:
        if result is not None:
            np.testing.assert_allclose(result, _EXPECTED, rtol=1e-15)
