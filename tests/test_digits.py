"""Special functions to the last digits: values and slopes against 50 digits, between the points of docs/accuracy.md."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import jaccli
from jaccli.numbers import tables

ROOT = Path(__file__).parents[1]
ALLOWED = 4.0
Numbers = tuple[float, ...]

NEAR = (1e-9, 0.0135, 0.11, 0.26, 0.49, 0.61, 0.88, 1.02)
MIDDLE = (1.31, 2.68, 3.9, 5.41, 7.87, 9.9)
FAR = (13.3, 26.1, 80.7, 1e3, 1e6)


def mirrored(*points: float) -> Numbers:
    return (*(-point for point in points), *points)


def _dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


ONE: dict[str, tuple[Callable[[Any], Any], Numbers]] = {
    "dawsn": (_dawson, mirrored(*NEAR, *MIDDLE, 13.3, 80.7)),
    "erfi": (mp.erfi, mirrored(*NEAR, *MIDDLE, 25.3)),
    "i0": (lambda x: mp.besseli(0, x), (1e-9, 1e-4, 0.3, 2.2, 7.9, 8.1, 50.0)),
    "i1": (lambda x: mp.besseli(1, x), (1e-9, 1e-4, 0.3, 2.2, 7.9, 8.1, 50.0)),
    "i0e": (lambda x: mp.exp(-x) * mp.besseli(0, x), (1e-9, 0.02, 0.3, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "i1e": (lambda x: mp.exp(-x) * mp.besseli(1, x), (1e-9, 0.02, 0.3, 0.97, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "k0e": (lambda x: mp.exp(x) * mp.besselk(0, x), (1e-9, 0.02, 0.3, 0.97, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "k1e": (lambda x: mp.exp(x) * mp.besselk(1, x), (1e-9, 0.02, 0.3, 0.97, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "y0": (lambda x: mp.bessely(0, x), (1e-9, 0.02, 0.3, 1.3, 2.6, 3.5, 4.7, 4.95, 8.4, 11.7, 12.3)),
    "y1": (lambda x: mp.bessely(1, x), (1e-9, 0.02, 0.3, 1.3, 2.6, 3.5, 3.86, 4.7, 8.4, 11.7, 12.3)),
    "airyai": (mp.airyai, mirrored(*NEAR, *MIDDLE, 10.1, 13.3, 26.1)),
    "airybi": (mp.airybi, mirrored(*NEAR, *MIDDLE, 10.1, 13.3, 26.1)),
    "airyaiprime": (lambda x: mp.airyai(x, derivative=1), mirrored(*NEAR, *MIDDLE, 10.1, 13.3)),
    "airybiprime": (lambda x: mp.airybi(x, derivative=1), mirrored(*NEAR, *MIDDLE, 10.1, 13.3)),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), (*mirrored(*NEAR), *MIDDLE, *FAR)),
}


def off(found: float, exact: Any, condition: Any) -> float:
    """Units in the last place, over the condition where that is above 1."""
    spacing = float(np.spacing(abs(float(exact))))
    return float(abs(mp.mpf(float(found)) - exact)) / spacing / max(1.0, float(condition))


@pytest.mark.parametrize("name", ONE)
def test_a_function_of_one_argument_has_its_last_digits(name: str) -> None:
    reference, points = ONE[name]
    x = np.array(points)
    formula = jaccli.Formula(f"{name}(x)")
    values, slopes = formula.value({"x": x}), formula.vjp({"x": x}, np.ones_like(x))["x"]
    with mp.workdps(60):
        for point, value, slope in zip(points, values, slopes, strict=True):
            at = mp.mpf(point)
            f0, f1, f2 = mp.taylor(reference, at, 2)
            assert off(value, f0, abs(at * f1 / f0)) <= ALLOWED, point
            assert off(slope, f1, abs(2 * at * f2 / f1)) <= ALLOWED, point


@pytest.mark.parametrize("name", ONE)
def test_odd_arguments_do_no_harm(name: str) -> None:
    formula = jaccli.Formula(f"{name}(x)")
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0])
    found = formula.value({"x": odd})
    assert np.isnan(found[0])
    assert formula.value({"x": np.zeros((0, 2))}).shape == (0, 2)
    single = jaccli.Formula(f"{name}(x)", dtype="float32").value({"x": [0.3, 2.5]})
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, formula.value({"x": np.float64(np.float32([0.3, 2.5]))}), rtol=3e-7)
    assert formula.value({"x": 0.3}) == formula.value({"x": [0.3]})[0]


def test_the_tables_are_those_of_their_maker() -> None:
    spec = importlib.util.spec_from_file_location("makes_tables", ROOT / "benchmarks" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    for name, (places, functions) in maker.TABLES.items():
        for row, function in zip(getattr(tables, name), functions, strict=True):
            assert len(row) == len(places.all())
            for place in range(0, len(row), 16):
                with mp.workdps(50):
                    assert row[place] == float(function(mp.mpf(places.all()[place])))
