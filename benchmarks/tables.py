"""Writes jaccli/numbers/tables.py: values and slopes of special functions at the centres of their Taylor series.

    python -m benchmarks.tables

They are computed by mpmath with 50 digits and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mpmath as mp

from jaccli.numbers import centres

FILE = Path(__file__).parents[1] / "jaccli" / "numbers" / "tables.py"
_HEAD = """\
\"\"\"Values and slopes at centres of Taylor series, from 50 digits: made by `python -m benchmarks.tables`.\"\"\"

from __future__ import annotations
"""
_LINE = 120


def _dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def _dawson_slope(x: Any) -> Any:
    return 1 - 2 * x * _dawson(x)


def _erfcx(x: Any) -> Any:
    return mp.exp(x * x) * mp.erfc(x)


def _erfcx_slope(x: Any) -> Any:
    return 2 * x * _erfcx(x) - 2 / mp.sqrt(mp.pi)


def _scaled_i(order: int, derivative: int) -> Callable[[Any], Any]:
    def of(x: Any) -> Any:
        value = mp.besseli(order, x)
        slope = (mp.besseli(abs(order - 1), x) + mp.besseli(order + 1, x)) / 2
        return mp.exp(-x) * (slope - value if derivative else value)

    return of


def _scaled_k(order: int, derivative: int) -> Callable[[Any], Any]:
    def of(x: Any) -> Any:
        value = mp.besselk(order, x)
        slope = -(mp.besselk(abs(order - 1), x) + mp.besselk(order + 1, x)) / 2
        return mp.exp(x) * (slope + value if derivative else value)

    return of


def _second(order: int, derivative: int) -> Callable[[Any], Any]:
    def of(x: Any) -> Any:
        slope = (mp.bessely(order - 1, x) - mp.bessely(order + 1, x)) / 2
        return slope if derivative else mp.bessely(order, x)

    return of


def _airy(function: Callable[..., Any], derivative: int) -> Callable[[Any], Any]:
    return lambda x: function(x, derivative=derivative)


def _log_gamma_rest(x: Any) -> Any:
    """What a float leaves out of the logarithm of gamma."""
    value = mp.loggamma(x)
    return value - mp.mpf(float(value))


TABLES: dict[str, tuple[centres.Centres, tuple[Callable[[Any], Any], ...]]] = {
    "DAWSON": (centres.DAWSON, (_dawson, _dawson_slope)),
    "ERFCX": (centres.ERFCX, (_erfcx, _erfcx_slope)),
    "SCALED_I0": (centres.SCALED_I, (_scaled_i(0, 0), _scaled_i(0, 1))),
    "SCALED_I1": (centres.SCALED_I, (_scaled_i(1, 0), _scaled_i(1, 1))),
    "SCALED_K0": (centres.SCALED_K, (_scaled_k(0, 0), _scaled_k(0, 1))),
    "SCALED_K1": (centres.SCALED_K, (_scaled_k(1, 0), _scaled_k(1, 1))),
    "Y0": (centres.SECOND_KIND, (_second(0, 0), _second(0, 1))),
    "Y1": (centres.SECOND_KIND, (_second(1, 0), _second(1, 1))),
    "LOG_GAMMA": (centres.LOG_GAMMA, (mp.loggamma, _log_gamma_rest, mp.digamma)),
    "AIRY_AI": (centres.AIRY, (_airy(mp.airyai, 0), _airy(mp.airyai, 1))),
    "AIRY_BI": (centres.AIRY, (_airy(mp.airybi, 0), _airy(mp.airybi, 1))),
}


def written(name: str, rows: Iterable[Iterable[float]]) -> str:
    """An assignment of rows of numbers, filled lines."""
    lines = [f"{name} = ("]
    for row in rows:
        lines.append("    (")
        line = "       "
        for number in row:
            text = f" {number!r},"
            if len(line) + len(text) > _LINE:
                lines.append(line)
                line = "       "
            line += text
        lines += [line, "    ),"]
    return "\n".join([*lines, ")  # fmt: skip"])


def numbers(name: str) -> list[list[float]]:
    """The rows of a table: values at all centres, slopes at all centres."""
    places, functions = TABLES[name]
    with mp.workdps(50):
        return [[float(function(mp.mpf(centre))) for centre in places.all()] for function in functions]


def main() -> None:
    """Writes the file."""
    parts = [written(name, numbers(name)) for name in TABLES]
    FILE.write_text("\n".join([_HEAD, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
