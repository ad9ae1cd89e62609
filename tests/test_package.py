"""The package from outside: version, imports, the direction of its dependencies, and what is generated from it."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jaccli

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jaccli"
HEAVY = {"numpy", "scipy", "sympy"}

# What each part may import besides itself. Parts that do not exist yet have their place already.
_BASE = {"errors", "lazy", "threads"}
_GRAPH = _BASE | {"graph", "numbers"}
_ENGINE = _GRAPH | {"runtime"}
_API = _ENGINE | {"formula", "autodiff", "sparsity"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "lazy": set(),
    "threads": {"errors"},
    "numbers": {"lazy"},
    "graph": _BASE | {"numbers"},
    "runtime": _GRAPH,
    "formula": _GRAPH,
    "sparsity": _ENGINE,
    "autodiff": _ENGINE | {"sparsity"},
    "source": _ENGINE | {"formula"},
    "compiled": _API | {"source"},
    "api": _API | {"compiled", "source"},
    "io": _ENGINE | {"api"},
    "verify": _API | {"api", "io"},
    "explain": _API | {"api", "io", "verify", "export"},
    "testing": {"verify"},
    "export": _ENGINE,
    "cli": _API | {"api", "io", "verify", "explain", "export"},
    "__main__": {"cli"},
    "pytest_plugin": {"errors", "verify", "cli"},
    "__init__": {"errors", "api", "explain"},
}


def command(*words: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    program = ["-c", code] if code is not None else ["-m", "jaccli"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *program, *words], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_the_version_comes_from_one_place() -> None:
    finished = command("--version")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, f"jaccli {jaccli.__version__}\n", "")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "jaccli/__init__.py"


def test_it_runs_as_a_module() -> None:
    finished = command("vjp", "(x+1)**2", "--x", "eye:5", "--v", "ones", "--json")
    assert finished.returncode == 0
    assert json.loads(finished.stdout)["result"]["x"][0] == [4.0, 2.0, 2.0, 2.0, 2.0]


def test_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("name", jaccli.__all__)
def test_what_the_package_exports_is_there(name: str) -> None:
    assert getattr(jaccli, name) is not None


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'formula_of'"):
        jaccli.formula_of  # noqa: B018


_LOADED = "\nimport sys; from jaccli.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], HEAVY | {"rich", "pydantic"}),
        (["--version"], HEAVY | {"rich", "pydantic"}),
        (["ops"], HEAVY | {"rich"}),
        (["ops", "relu", "--json"], HEAVY | {"rich"}),
        (["vjp", "--help"], HEAVY | {"rich"}),
        (["test", "--help"], HEAVY | {"rich"}),
        (["test", "--schema"], HEAVY | {"rich"}),
        (["vjp", "(x+1)**2", "--x", "eye:5", "--v", "ones", "--json"], {"rich", "scipy"}),
        (["vjp", "(x+1)**2", "--x", "eye:5", "--v", "ones"], {"rich", "scipy"}),
        (["explain", "--help"], HEAVY | {"rich"}),
        (["explain", "(x+1)**2", "--x", "eye:5", "--v", "ones", "--json"], {"rich", "matplotlib"}),
        (["explain", "(x+1)**2", "--x", "eye:5", "--v", "ones"], {"rich", "matplotlib"}),
        (["graph", "(x+1)**2", "--x", "eye:5"], {"rich", "scipy"}),
        (["jacobian", "x**2", "--x", "1,2", "--heatmap"], {"rich", "matplotlib"}),
    ],
    ids=" ".join,
)
def test_a_command_loads_only_what_it_needs(words: list[str], unwanted: set[str]) -> None:
    loaded = set(command(*words, code=_LOADED).stderr.split())
    assert "jaccli" in loaded
    assert not loaded & unwanted


def parts(imported: str) -> str:
    """The part of the package that a module belongs to."""
    words = imported.split(".")
    return words[1] if len(words) > 1 else "__init__"


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "jaccli" else (module,)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_dependencies_point_one_way(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = MAY_IMPORT[part] | {part}
    for imported in imports(ast.parse(path.read_text("utf-8"))):
        if imported.split(".")[0] == "jaccli" and imported != "jaccli.__version__":
            assert parts(imported) in allowed, f"{part} imports {imported}"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["eval", "x**2"], "array"),
        (["jvp", "x**2", "--t", "x=ones"], "array"),
        (["vjp", "x**2", "--v", "ones"], "by name"),
        (["grad", "x**2", "--v", "ones"], "by name"),
        (["jacobian", "x**2"], "by name"),
        (["diag", "x**2"], "by name"),
        (["hvp", "sum(x**2)", "--t", "x=ones"], "by name"),
        (["hessian", "sum(x**2)"], "by two names"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_the_shape_of_the_json(answer: Callable[..., Any], words: list[str], kind: str) -> None:
    found = answer(*words, "--x", "1,nan,-inf")
    assert list(found)[:3] == ["command", "expression", "inputs"]
    assert found["command"] == words[0]
    assert found["expression"] == words[1]
    assert found["inputs"] == {"x": {"shape": [3], "dtype": "float64"}}
    result = found["result"]
    if kind == "array":
        assert isinstance(result, list)
    elif kind == "by name":
        assert list(result) == ["x"]
    else:
        assert list(result["x"]) == ["x"]
    assert ("calls" in found) == (words[0] == "grad")


def test_numbers_that_json_lacks_are_words(answer: Callable[..., Any]) -> None:
    assert answer("eval", "x + 0", "--x", "1,nan,inf,-inf")["result"] == [1.0, "NaN", "Infinity", "-Infinity"]


def test_stored_entries_as_json(answer: Callable[..., Any]) -> None:
    block = answer("jacobian", "2*x", "--x", "1,2", "--sparse")["result"]["x"]
    assert block == {"shape": [2, 2], "row": [0, 1], "col": [0, 1], "data": [2.0, 2.0]}


def test_the_page_of_functions_is_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_functions.py"))["page"]()
    assert (ROOT / "docs" / "functions.md").read_text("utf-8") == made, "run python docs/make_functions.py"


def test_the_picture_of_the_readme_can_be_made() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))
    drawn = script["draw"](script["COMMAND"])
    assert drawn.startswith("<svg")
    assert "vᵀJ" in drawn
    assert (ROOT / "docs" / "images" / "vjp.svg").read_text("utf-8").startswith("<svg")


def test_the_changelog_has_the_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(jaccli.__version__)}\b", changes, re.MULTILINE)
