"""No function is less exact than docs/accuracy.md says; those that it does not name are within 4 ulps."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from jaccli.formula.functions.registry import Function, catalogue
from jaccli.verify import elements

ROOT = Path(__file__).parents[1]
ALLOWED = 4.0
LISTED = re.compile(r"^\| `([\w.]+)` \| [^|]+ \| ([\d.]+) \|", re.MULTILINE)

pytestmark = pytest.mark.slow


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "benchmarks" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def limits() -> dict[str, float]:
    """The worst that the page tells of each function, with room for another library of mathematics."""
    found: dict[str, float] = {}
    for name, ulps in LISTED.findall((ROOT / "docs" / "accuracy.md").read_text("utf-8")):
        found[name] = max(found.get(name, 0.0), 2 * float(ulps))
    return found


accuracy = loaded()
LIMITS = limits()
FUNCTIONS = [function for function in catalogue() if accuracy.arguments(function)]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_function_is_as_exact_as_the_page_says(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "WORKING_DIGITS", 400)
    for off in accuracy.measure(function, seconds=1.0, every=4):
        assert off.ulps <= LIMITS.get(function.name, ALLOWED), off


def test_the_page_names_few() -> None:
    assert len(LIMITS) < len(FUNCTIONS) / 30
