"""How many units in the last place values and slopes are off: every function of single entries, against 60 digits.

    python -m benchmarks.accuracy [NAME …]

Each function is run on a wide grid of arguments. The same graph is then written out entry by entry and evaluated by
SymPy and mpmath, and so are its slopes, by SymPy's rules and not by those of this program. An error is counted in units
in the last place of the exact number, divided by the condition of the point where that is above 1: beside a zero of the
function, a rounding of the argument alone costs so much.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.api import Formula
from jaccli.errors import JaccliError
from jaccli.formula.functions.registry import Function, catalogue
from jaccli.graph.node import Node, topological
from jaccli.verify import elements
from jaccli.verify.clock import finishes
from jaccli.verify.elements import NotWrittenError, adjoints
from jaccli.verify.writing import Writer

Array = NDArray[Any]

_SIZES = (
    1e-12,
    1e-5,
    0.003,
    0.07,
    0.3,
    0.62,
    0.97,
    1.3,
    2.2,
    3.1,
    4.7,
    7.9,
    13.4,
    25.3,
    61.0,
    240.0,
    690.0,
    3e3,
    1e5,
    1e8,
)
_FIRST = (1e-5, 0.07, 0.3, 0.8, 1.3, 3.1, 7.9, 25.3, 240.0)
_SECOND = (2e-5, 0.05, 0.4, 0.7, 1.7, 3.3, 8.1, 31.3, 120.0)
_DIGITS = 400
BOUND = 4
PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
_PAGE = """# How exact the functions are

This page is made by `python -m benchmarks.accuracy`. It runs {measured} functions of single entries on wide grids of
arguments, and compares {compared:,} values and slopes with the same formula evaluated to 400 digits. An error is
counted in units in the last place (ulp) of a float64, divided by the condition of the point where that is above 1:
beside a zero of a function, a rounding of its argument alone costs so much.

{verdict}

Where SciPy's numbers are not that good, `jaccli/numbers` has others. Dawson's integral, Airy functions and the Bessel
functions I, Y and scaled K of the orders 0 and 1 are Taylor series around a table of centres. Beta, binomials, rising
factorials, Poisson's logarithms and incomplete gamma functions sum logarithms of gamma in two parts. Zeta is reflected
left of -1. Bessel functions of other orders, orthogonal polynomials and incomplete beta functions are SciPy's, take
more than two arguments or fixed ones, and are not measured here.
"""
_ALL = "All of them agree to {bound} ulps."
_BUT = """All of them agree to {bound} ulps, except for these, shown at their worst point.

| function | what | ulps | at |
| --- | --- | --- | --- |
{rows}"""
_LEAST = 1e-290
_SECONDS = 20.0


class Off(NamedTuple):
    """The worst point of a function: how far the value or the slope in one argument is off there.

    Attributes:
        what: the function's name, or "slope in x".
        ulps: units in the last place, over the condition of the point.
        raw: units in the last place.
        point: the arguments.
        points: how many were compared.
        missing: the first point where the exact number is finite, and ours or our slope is not.
    """

    what: str
    ulps: float
    raw: float
    point: tuple[float, ...]
    points: int
    missing: tuple[float, ...] | None


def arguments(function: Function) -> list[str]:
    """The array arguments that a function needs; none where it needs anything else."""
    names = []
    for parameter in function.parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return []
        if parameter.default is inspect.Parameter.empty:
            if parameter.annotation not in ("Array", "Floats", "Any"):
                return []
            names.append(parameter.name)
    return names if len(names) <= 2 else []


def is_of_entries(formula: Formula, point: dict[str, Array], names: list[str]) -> bool:
    """Whether each entry of a result depends on the entries at the same place alone, and is no step."""
    try:
        lowered = formula.bound(point)[1]
    except (JaccliError, TypeError, ValueError):
        return False
    shape = next(iter(point.values())).shape
    nodes = topological([lowered.output])
    whole = all(_is_of_entries(node) for node in nodes)
    reached = {node.params["name"] for node in nodes if node.primitive.name == "input"}
    return lowered.output.is_float and lowered.output.shape == shape and whole and reached == set(names)


def _is_of_entries(node: Node) -> bool:
    return node.primitive.elementwise or node.primitive.name in ("input", "constant", "broadcast_to", "cast")


def grid(count: int, signed: bool, every: int) -> list[Array]:
    """The arguments, one array each; of two arguments only positive ones unless signed."""
    if count == 1:
        sizes = np.array(_SIZES[::every])
        return [np.concatenate([-sizes[::-1], [0.0], sizes])]
    lines = [np.array(sizes[::every]) for sizes in (_FIRST, _SECOND)]
    signed_lines = [np.concatenate([-line[::3], line]) if signed else line for line in lines]
    first, second = np.meshgrid(*signed_lines)
    return [first.ravel(), second.ravel()]


def measure(function: Function, seconds: float = _SECONDS, every: int = 1) -> Iterator[Off]:
    """The worst value and the worst slope in each argument, on every so manieth point of the grid."""
    names = arguments(function)
    if not names:
        return
    own = [f"{name}_" for name in names]
    formula = Formula(f"{function.name}({', '.join(own)})")
    columns = grid(len(names), function.family != "Special functions", every)
    if not is_of_entries(formula, dict(zip(own, columns, strict=True)), own):
        return
    rows: list[tuple[tuple[float, ...], Any, list[Any]]] = []

    def read() -> None:
        for entry in zip(*(column.tolist() for column in columns), strict=True):
            point = {name: np.array([value]) for name, value in zip(own, entry, strict=True)}
            try:
                rows.append((entry, *_exact(formula, point, own)))
            except NotWrittenError:
                return

    finishes(read, seconds)
    rows = [row for row in rows if _usable(row[1])]
    if not rows:
        return
    point = {name: np.array([row[0][i] for row in rows]) for i, name in enumerate(own)}
    value = formula.value(point)
    slopes = formula.vjp(point, 1.0)
    bends = {name: formula.derivative(name).vjp({**point, "v": 1.0}, 1.0, wrt=own) for name in own}
    yield _worst(f"{function.name}", value, [row[1] for row in rows], rows, slopes, point)
    for i, name in enumerate(own):
        yield _worst(f"slope in {names[i]}", slopes[name], [row[2][i] for row in rows], rows, bends[name], point)


def _exact(formula: Formula, point: dict[str, Array], names: list[str]) -> tuple[Any, list[Any]]:
    program = formula.bound(point)[0]
    written = Writer(point, {name: {0} for name in names}, {}).write(program.smooth)
    totals = adjoints([(written.output[0], 1)])
    return written.output[0].number, [totals.get(written.variables[name, 0], 0) for name in names]


def _usable(number: Any) -> bool:
    return bool(getattr(number, "is_Float", False) or getattr(number, "is_Rational", False)) and abs(number) < 1e300


def _worst(
    what: str, found: Array, exact: list[Any], rows: Any, slopes: dict[str, Array], point: dict[str, Array]
) -> Off:
    worst, raw, counted = 0.0, 0.0, 0
    where: tuple[float, ...] = ()
    missing: tuple[float, ...] | None = None
    for i, number in enumerate(exact):
        if not _usable(number) or abs(number) < _LEAST:
            continue
        if not math.isfinite(found[i]):
            missing = missing or rows[i][0]
            continue
        counted += 1
        spacing = float(np.spacing(abs(float(number))))
        off = float(abs(_precise(found[i]) - number)) / spacing
        with np.errstate(all="ignore"):
            condition = float(sum(abs(point[n][i] * slopes[n][i] / float(number)) for n in slopes))
        if not math.isfinite(condition):
            missing = missing or rows[i][0]
            continue
        condition = max(1.0, condition)
        if off / condition > worst:
            worst, raw, where = off / condition, off, rows[i][0]
    return Off(what, worst, raw, where, counted, missing)


def _precise(value: float) -> Any:
    import sympy

    return sympy.Float(float(value), _DIGITS)


def table(names: Sequence[str] = ()) -> str:
    """The page of what is off by more than `BOUND` units, and how many functions were measured."""
    elements.WORKING_DIGITS = _DIGITS
    worst: list[tuple[Function, Off]] = []
    measured = compared = 0
    for function in catalogue():
        if names and function.name not in names:
            continue
        offs = list(measure(function))
        measured += bool(offs)
        compared += sum(off.points for off in offs)
        worst += [(function, off) for off in offs if off.ulps > BOUND]
        for off in offs:
            shown = f"{off.ulps:10.3g} {off.raw:10.3g}  {off.point}  {off.missing}"
            print(f"{function.name:22} {off.what:18} {shown}", flush=True)
    rows = [
        f"| `{function.name}` | {'value' if off.what == function.name else off.what} | {off.ulps:.1f} | "
        f"{', '.join(f'{number:g}' for number in off.point)} |"
        for function, off in sorted(worst, key=lambda pair: -pair[1].ulps)
    ]
    verdict = (_BUT if rows else _ALL).format(bound=BOUND, rows="\n".join(rows))
    return _PAGE.format(measured=measured, compared=compared, verdict=verdict)


def main() -> None:
    """Measures, and writes the page unless single functions are asked for."""
    names = sys.argv[1:]
    page = table(names)
    if names:
        print(page)
    else:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
