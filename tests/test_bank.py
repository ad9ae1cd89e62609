"""Values and derivatives measured with PyTorch 2.13 and JAX 0.10, through the command line.

`data/bank.json` holds, by topic, the words of a command and what its JSON must hold: `result`, and `value` and
`calls` where the command gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BANK: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "data" / "bank.json").read_text("utf-8"))
CASES = [
    pytest.param(case, id=f"{topic}-{number}") for topic, cases in BANK.items() for number, case in enumerate(cases)
]
TOLERANCE = 1e-10
NOT_FINITE = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_those_of_the_peers(answer: Callable[..., Any], case: dict[str, Any]) -> None:
    found = answer(*case["argv"])
    for field in ("value", "result", "calls"):
        if field in case:
            same(found[field], case[field])


def same(found: Any, expected: Any) -> None:
    """Fails unless both have the same names and shapes, and numbers within 1e-10 of the largest."""
    if isinstance(expected, dict):
        assert set(found) == set(expected)
        for name in expected:
            same(found[name], expected[name])
    elif isinstance(expected, list) and expected and isinstance(expected[0], dict):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        wanted = numbers(expected)
        finite = np.abs(wanted[np.isfinite(wanted)])
        scale = max(1.0, float(finite.max(initial=0.0)))
        assert numbers(found).shape == wanted.shape
        np.testing.assert_allclose(numbers(found), wanted, rtol=TOLERANCE, atol=TOLERANCE * scale)


def numbers(nested: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(np.vectorize(lambda entry: NOT_FINITE.get(entry, entry), otypes=[float])(as_objects(nested)))


def as_objects(nested: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    shape = np.asarray(nested, dtype=object).shape
    return np.asarray(nested, dtype=object).reshape(shape) if 0 not in shape else np.zeros(shape, dtype=object)


def test_the_bank_is_whole() -> None:
    assert sum(map(len, BANK.values())) >= 600
    assert {case["argv"][0] for cases in BANK.values() for case in cases} >= {
        "vjp",
        "jvp",
        "grad",
        "jacobian",
        "hessian",
    }
