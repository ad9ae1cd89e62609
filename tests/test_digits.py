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


def _scaled_k(x: Any, order: int) -> Any:
    """The integral of exp(-x*(cosh(t) - 1))*cosh(order*t), by the trapezoidal rule; mpmath's besselk takes long."""
    last = int(12 * mp.acosh(1 + 120 / x)) + 1
    nodes = [mp.mpf(i) / 12 for i in range(1, last + 1)]
    rest = mp.fsum(mp.exp(-2 * x * mp.sinh(t / 2) ** 2) * mp.cosh(order * t) for t in nodes)
    return (mp.mpf(1) / 2 + rest) / 12


ONE: dict[str, tuple[Callable[[Any], Any], Numbers]] = {
    "dawsn": (_dawson, mirrored(*NEAR, *MIDDLE, 13.3, 80.7)),
    "erfi": (mp.erfi, mirrored(*NEAR, *MIDDLE, 25.3)),
    "rgamma": (mp.rgamma, (-7.3, -2.5, -0.999, -0.3, -1e-4, 1e-9, 0.26, 0.7, 3.3, 25.3)),
    "spence": (lambda x: mp.polylog(2, 1 - x).real, (1e-9, 0.11, 0.465, 0.62, 0.9, 1.3, 1.97, 3.42, 80.7, 1e6)),
    "zeta": (mp.zeta, (-17.37, -9.7, -2.5, -1.5, -0.9, -0.62, 0.3, 0.9, 1.3, 2.5, 7.9, 15.2)),
    "spherical_bessel_j0": (lambda x: mp.sin(x) / x, mirrored(1e-12, 1e-4, 0.3, 2.1, 2.4, 7.9)),
    "i0": (lambda x: mp.besseli(0, x), (1e-9, 1e-4, 0.3, 2.2, 7.9, 8.1, 50.0)),
    "i1": (lambda x: mp.besseli(1, x), (1e-9, 1e-4, 0.3, 2.2, 7.9, 8.1, 50.0)),
    "i0e": (lambda x: mp.exp(-x) * mp.besseli(0, x), (1e-9, 0.02, 0.3, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "i1e": (lambda x: mp.exp(-x) * mp.besseli(1, x), (1e-9, 0.02, 0.3, 0.97, 2.2, 8.4, 17.2, 31.9, 33.0)),
    "k0e": (lambda x: _scaled_k(x, 0), (0.02, 0.97, 8.4, 31.9, 33.0)),
    "k1e": (lambda x: _scaled_k(x, 1), (0.02, 0.97, 8.4, 31.9, 33.0)),
    "y0": (lambda x: mp.bessely(0, x), (1e-9, 2.6, 4.95)),
    "y1": (lambda x: mp.bessely(1, x), (0.3, 3.86)),
    "airyai": (mp.airyai, mirrored(*NEAR, *MIDDLE, 10.1, 13.3, 26.1)),
    "airybi": (mp.airybi, mirrored(*NEAR, *MIDDLE, 10.1, 13.3, 26.1)),
    "airyaiprime": (lambda x: mp.airyai(x, derivative=1), mirrored(*NEAR, *MIDDLE, 10.1, 13.3)),
    "airybiprime": (lambda x: mp.airybi(x, derivative=1), mirrored(*NEAR, *MIDDLE, 10.1, 13.3)),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), (*mirrored(*NEAR), *MIDDLE, *FAR)),
}


def _choose(n: Any, k: Any) -> Any:
    return mp.gamma(n + 1) * mp.rgamma(k + 1) * mp.rgamma(n - k + 1)


def _inverse_box_cox(x: Any, lam: Any) -> Any:
    return (1 + lam * x) ** (1 / lam)


SMALL_AND_LARGE = ((1e-5, 2e-5), (1e-5, 8.1), (0.07, 0.05), (0.3, 8.1), (7.9, 0.05), (7.9, 8.1), (240.0, 119.5))
TWO: dict[str, tuple[Callable[[Any, Any], Any], tuple[tuple[float, float], ...]]] = {
    "beta": (mp.beta, (*SMALL_AND_LARGE, (12.2, 4e-6), (61833.3, 0.017))),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), (*SMALL_AND_LARGE, (12.2, 4e-6), (78682.8, 17.4))),
    "binom": (_choose, (*SMALL_AND_LARGE, (1e-5, 120.0), (240.0, 0.05), (37.3, 19.0), (6016.4, 6e-4))),
    "poch": (lambda x, m: mp.gamma(x + m) / mp.gamma(x), (*SMALL_AND_LARGE[:-1], (7.9, 0.7), (3e-6, 1.02))),
    "poisson.logpmf": (
        lambda k, mu: k * mp.log(mu) - mu - mp.loggamma(k + 1),
        (*SMALL_AND_LARGE, (8530.0, 26344.1), (1000.0, 1001.0), (9668.0, 9.9)),
    ),
    "gammainc": (
        lambda a, x: mp.gammainc(a, 0, x, regularized=True),
        ((1e-5, 2e-5), (5e-6, 0.003), (0.46, 1.1), (1.7, 1.86), (4.0, 2.5), (7.9, 8.1), (41.0, 24.5), (190.0, 240.0)),
    ),
    "gammaincc": (
        lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True),
        ((1e-5, 2e-5), (2e-6, 0.6), (0.46, 1.1), (1.7, 1.86), (7.9, 8.1), (112.5, 166.7)),
    ),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, ((7.9, 8.1), (6.96, 9.84), (1.0, 1.0001), (57.5, 7e-4))),
    "inv_boxcox": (_inverse_box_cox, ((240.0, 120.0), (1e-5, 2e-5), (0.3, 8.1), (7.9, 0.05))),
    "inv_boxcox1p": (
        lambda x, lam: _inverse_box_cox(x, lam) - 1,
        ((240.0, 120.0), (1e-5, 2e-5), (0.3, 8.1), (7.9, 0.05)),
    ),
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
    with mp.workdps(50):
        for point, value, slope in zip(points, values, slopes, strict=True):
            at = mp.mpf(point)
            f0, f1, f2 = mp.taylor(reference, at, 2)
            assert off(value, f0, abs(at * f1 / f0)) <= ALLOWED, point
            assert off(slope, f1, abs(2 * at * f2 / f1)) <= ALLOWED, point


def _partial(reference: Callable[[Any, Any], Any], at: tuple[Any, Any], orders: tuple[int, int]) -> Any:
    """Differences with so small a step that half of 80 digits are left."""
    return mp.diff(reference, at, orders, h=mp.mpf(10) ** -15 * min(at))


@pytest.mark.parametrize("name", TWO)
def test_a_function_of_two_arguments_has_its_last_digits(name: str) -> None:
    reference, points = TWO[name]
    x, y = (np.array(column) for column in zip(*points, strict=True))
    formula = jaccli.Formula(f"{name}(x, y)")
    values, slopes = formula.value({"x": x, "y": y}), formula.vjp({"x": x, "y": y}, np.ones_like(x))
    with mp.workdps(80):
        for i, point in enumerate(points):
            at = (mp.mpf(point[0]), mp.mpf(point[1]))
            value, by_x, by_y = reference(*at), _partial(reference, at, (1, 0)), _partial(reference, at, (0, 1))
            assert off(values[i], value, abs(at[0] * by_x / value) + abs(at[1] * by_y / value)) <= ALLOWED, point
            mixed = abs(_partial(reference, at, (1, 1)))
            bends = abs(_partial(reference, at, (2, 0))), abs(_partial(reference, at, (0, 2)))
            for slope, exact, condition in (
                (slopes["x"][i], by_x, at[0] * bends[0] + at[1] * mixed),
                (slopes["y"][i], by_y, at[1] * bends[1] + at[0] * mixed),
            ):
                assert off(slope, exact, condition / abs(exact)) <= ALLOWED, point


def test_binomials_of_whole_numbers_are_whole() -> None:
    n, k = np.meshgrid(np.arange(51.0), np.arange(51.0))
    exact = [[float(mp.binomial(int(a), int(b))) for a, b in zip(*row, strict=True)] for row in zip(n, k, strict=True)]
    np.testing.assert_array_equal(jaccli.Formula("comb(n, k)").value({"n": n, "k": k}), exact)


def test_where_a_binomial_is_zero_its_slopes_are_not() -> None:
    formula = jaccli.Formula("binom(n, k)")
    point = {"n": np.array([2.5, 0.3]), "k": np.array([5.5, 1.3])}
    slopes = formula.vjp(point, np.ones(2))
    with mp.workdps(60):
        for i in range(2):
            at = (mp.mpf(2.5), mp.mpf(5.5)) if i == 0 else (mp.mpf(0.3), mp.mpf(1.3))
            assert off(slopes["n"][i], _partial(_choose, at, (1, 0)), 1) <= ALLOWED
            assert off(slopes["k"][i], _partial(_choose, at, (0, 1)), 1) <= ALLOWED
    for one in ("n", "k"):
        bends = formula.derivative(one).vjp({**point, "v": np.ones(2)}, np.ones(2), wrt=["n", "k"])
        assert np.all(np.isfinite([bends["n"], bends["k"]]))


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
