"""`jaccli check`: the derivative against independent witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from jaccli.cli.command import command
from jaccli.cli.options import Against, CheckHessian, CheckJacobian, Cotangent, NumericOutput, Problem
from jaccli.errors import ExitCode, UsageError
from jaccli.io.listing import Listing

if TYPE_CHECKING:
    from jaccli.cli.request import Request
    from jaccli.verify import CheckReport, Row

_COLUMNS = ("witness", "input", "verdict", "entries", "abs. error", "rel. error", "ulps", "worst at", "ours", "theirs")
_STYLES = {"agrees": "green", "differs": "bold red"}


@command(example='jaccli check "(x+1)**2" --x eye:5')
def run(
    problem: Problem,
    output: NumericOutput,
    v: Cotangent = None,
    against: Against = None,
    jacobian: CheckJacobian = False,
    hessian: CheckHessian = False,
) -> None:
    """Checks the derivative against independent witnesses: exit code 0 if it holds, 1 if not.

    symbolic: the derivative by SymPy, evaluated with 50 digits. fd: finite differences with an error estimate.
    Without --v, a random v is drawn. With --strict, a point without derivative does not hold either.
    """
    from jaccli.cli.request import read

    if jacobian and hessian:
        raise UsageError("--jacobian and --hessian exclude each other", hint="check one after the other")
    request = read("check", problem, output, cotangents=[] if v is None else [v])

    from jaccli.verify import check

    chosen = ("symbolic", "fd") if against is None else tuple(name.strip() for t in against for name in t.split(","))
    report = check(
        request.formula,
        request.point,
        v=request.cotangent(v),
        wrt=request.wrt,
        against=chosen,
        seed=problem.seed,
        target="hessian" if hessian else "jacobian" if jacobian else "vjp",
    )
    holds = report.holds and (report.smooth or not output.strict)
    request.deliver(_listing(request, report, holds))
    if not holds:
        raise typer.Exit(ExitCode.DOES_NOT_HOLD)


def _listing(request: Request, report: CheckReport, holds: bool) -> Listing:
    notes = [f"{row.witness}, {row.input}: {row.note}" for row in report.rows if row.note]
    verdict = "the derivative holds" if holds else "the derivative does not hold"
    if not report.compared:
        verdict = "nothing could be compared"
    return Listing(
        title=f"derivative of {request.expression}",
        columns=_COLUMNS,
        rows=[_cells(row, request.presentation.precision or 3) for row in report.rows],
        fields={
            "command": "check",
            "expression": request.expression,
            "inputs": {
                name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in request.point.items()
            },
            "holds": holds,
            "smooth": report.smooth,
            "rows": [_fields(row) for row in report.rows],
        },
        footer="\n".join([*notes, verdict]),
        style=lambda position: _STYLES.get(report.rows[position].verdict, "yellow"),
        prose=False,
    )


def _cells(row: Row, digits: int) -> list[str]:
    index = f"[{','.join(map(str, row.worst_index))}]" if row.worst_index else ""
    errors = [f"{number:.{digits}g}" for number in (row.largest_absolute, row.largest_relative, row.ulps)]
    # Where the two agree their last digits say nothing; where they differ, any digit may be the one.
    exact = row.verdict == "differs"
    values = [_number(row.ours, exact), _number(row.theirs, exact)]
    return [row.witness, row.input, row.verdict, str(row.entries), *errors, index, *values]


def _number(number: float | None, exact: bool) -> str:
    if number is None:
        return ""
    return repr(float(number)) if exact else f"{number:.6g}"


def _fields(row: Row) -> dict[str, object]:
    return {
        "witness": row.witness,
        "input": row.input,
        "verdict": row.verdict,
        "entries": int(row.entries),
        "largest_absolute": float(row.largest_absolute),
        "largest_relative": float(row.largest_relative),
        "ulps": float(row.ulps),
        "worst_index": None if row.worst_index is None else [int(part) for part in row.worst_index],
        "ours": None if row.ours is None else float(row.ours),
        "theirs": None if row.theirs is None else float(row.theirs),
        "note": row.note,
    }
