"""Derivatives at kinks, ties, poles and singular points: measured conventions, one row of data a case.

Each row holds a formula, a point, and the derivative that is wanted there: one element of the subdifferential at a
kink, the signed limit at the edge of a domain, NaN where an operation makes a NaN, "error" where there is no answer.
Forward and reverse mode must both give it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jaccli import Formula, JaccliError

DATA: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "data" / "conventions.json").read_text(encoding="utf-8")
)
ROWS = [(group, row) for group, rows in DATA.items() for row in rows]
TOLERANCE = 1e-9
"""The data are rounded to ten digits."""


def numbers(value: Any) -> NDArray[np.float64]:
    """A nested list in which "nan" and "inf" stand for the numbers that JSON does not have."""
    return np.array(value, dtype=np.float64)


def label(case: tuple[str, dict[str, Any]]) -> str:
    return f"{case[1]['formula']} at {json.dumps(case[1]['inputs'])}"


def derivatives(row: dict[str, Any], mode: Any) -> dict[str, NDArray[Any]]:
    formula = Formula(row["formula"])
    point = {name: numbers(value) for name, value in row["inputs"].items()}
    if row.get("kind") == "hessian":
        return {name: blocks[name] for name, blocks in formula.hessian(point).items()}
    return formula.jacobian(point, mode=mode)


@pytest.mark.parametrize("mode", ["reverse", "forward", "auto"])
@pytest.mark.parametrize("case", ROWS, ids=label)
def test_convention(case: tuple[str, dict[str, Any]], mode: str) -> None:
    row = case[1]
    expected = row["expected"]
    if "error" in expected.values():
        with pytest.raises(JaccliError):
            derivatives(row, mode)
        return
    found = derivatives(row, mode)
    for name, value in expected.items():
        wanted = numbers(value)
        if wanted.shape == ():
            wanted = np.full(found[name].shape, wanted)
        assert found[name].shape == wanted.shape
        np.testing.assert_allclose(found[name], wanted, rtol=TOLERANCE, atol=1e-15, equal_nan=True)


def test_every_group_is_there() -> None:
    assert len(ROWS) == 343
    assert all(set(row) <= {"formula", "inputs", "kind", "expected"} for _, row in ROWS)
