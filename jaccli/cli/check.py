"""`jaccli check`: the derivative against independent witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from jaccli.cli.command import command
from jaccli.cli.options import Against, Cotangent, NumericOutput, Problem
from jaccli.errors import ExitCode, UsageError, nearest

if TYPE_CHECKING:
    from jaccli.cli.request import Request
    from jaccli.io.listing import Listing
    from jaccli.verify import CheckReport

WITNESSES = ("symbolic", "fd")
_COLUMNS = (
    "witness",
    "input",
    "entries",
    "largest error",
    "relative",
    "ulps",
    "worst entry",
    "ours",
    "theirs",
    "verdict",
)


@command(example='jaccli check "(x+1)**2" --x eye:5')
def run(problem: Problem, output: NumericOutput, v: Cotangent = None, against: Against = None) -> None:
    """Checks the derivative against independent witnesses, and exits with 0 if all agree and with 1 if not.

    symbolic: the derivative by SymPy, evaluated with 50 digits. fd: finite differences with an error estimate.
    Without --v, a random v is drawn.
    """
    from jaccli.cli.request import read
    from jaccli.io.writers import deliver

    witnesses = _chosen(against)

    from jaccli.verify import check

    request = read("check", problem, output, cotangents=[] if v is None else [v])
    report = check(
        request.formula, request.point, v=request.cotangent(v), wrt=request.wrt, against=witnesses, seed=problem.seed
    )
    deliver(_listing(request, report), request.presentation)
    if not report.holds:
        raise typer.Exit(ExitCode.DOES_NOT_HOLD)


def _chosen(against: list[str] | None) -> tuple[str, ...]:
    if against is None:
        return WITNESSES
    names = [name.strip() for text in against for name in text.split(",")]
    for name in names:
        if name not in WITNESSES:
            suggestion = nearest(name, WITNESSES)
            hint = f"did you mean {suggestion}?" if suggestion else f"there are {', '.join(WITNESSES)}"
            raise UsageError(f"there is no witness {name!r}", hint=hint)
    return tuple(dict.fromkeys(names))


def _listing(request: Request, report: CheckReport) -> Listing:
    from jaccli.io.listing import Listing

    digits = request.presentation.precision or 3
    verdict = "holds" if report.holds else "does not hold"
    return Listing(
        title=f"{request.expression}  against {', '.join(dict.fromkeys(row.witness for row in report.rows))}",
        columns=_COLUMNS,
        rows=[_cells(row, digits) for row in report.rows],
        fields={
            "command": "check",
            "expression": request.expression,
            "inputs": {
                name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in request.point.items()
            },
            "holds": report.holds,
            "rows": [_fields(row) for row in report.rows],
        },
        footer=f"the derivative {verdict}",
        style=lambda position: "green" if report.rows[position].verdict == "holds" else "bold red",
    )


def _cells(row: Any, digits: int) -> list[str]:
    index = "" if row.worst_index is None else f"[{','.join(map(str, row.worst_index))}]"
    numbers = [f"{number:.{digits}g}" for number in (row.largest_absolute, row.largest_relative, row.ulps)]
    return [row.witness, row.input, str(row.entries), *numbers, index, repr(row.ours), repr(row.theirs), row.verdict]


def _fields(row: Any) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(row)
