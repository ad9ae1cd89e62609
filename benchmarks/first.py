"""First results: a fresh process that reads a real problem and differentiates it, against importing PyTorch."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import real, shell
from benchmarks.harness import Comparison, MissingPeer, Work

TITLE = "First results of real problems"


def works() -> Iterator[Comparison | real.Nothing]:
    """One comparison a problem, nothing of it being cached; the result is compared with the reference."""
    names = real.names()
    if names:
        _run(f"from benchmarks import first; first.differentiate({names[0]!r})")  # so that modules are compiled
    if not names:
        yield real.Nothing()
    for name in names:
        ours = functools.partial(_run, f"from benchmarks import first; first.differentiate({name!r})")
        yield Comparison(name, "import torch", ours, _import, lambda ours, theirs: None, 1.0, (1, 1))


def differentiate(name: str) -> None:
    """What the fresh process does."""
    problem = real.read(name)
    real.agree(problem, problem.ours()(), ())


def _import() -> Work:
    if importlib.util.find_spec("torch") is None:
        raise MissingPeer("torch is not installed")
    _run("import torch")  # so that its files are in memory
    return lambda: _run("import torch")


def _run(code: str) -> None:
    environment = {**shell.environment(), "JACCLI_CACHE": "off"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
