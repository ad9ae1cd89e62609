"""What is said of a result that holds a NaN or an infinity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaccli.errors import NumbersError

if TYPE_CHECKING:
    from jaccli.cli.request import Request
    from jaccli.explain.nonfinite import Arisen
    from jaccli.explain.question import Question
    from jaccli.io.report import Report, Trouble


def not_finite(request: Request, report: Report, questions: Sequence[Question]) -> NumbersError | None:
    """The error that says what is not finite and where it arose; None where all of the result is finite."""
    from jaccli.io.report import first_trouble

    trouble = first_trouble(report)
    if trouble is None:
        return _value_not_finite(request, report)
    whose = f" for {trouble.block.name}" if trouble.block.path else ""
    when = "" if trouble.call is None else f" after call {trouble.call + 1}"
    message = f"the result of {report.command}{whose}{when} is not finite: {trouble.said}"
    return _error(message, _arisen(request, trouble, questions))


def _value_not_finite(request: Request, report: Report) -> NumbersError | None:
    """The same for f(x), where it was asked for beside a derivative."""
    from jaccli.explain.nonfinite import where_arisen
    from jaccli.explain.question import Entry, Question
    from jaccli.io.report import first_not_finite

    value = report.value_block() if request.presentation.show_value else None
    trouble = None if value is None else first_not_finite(value)
    if value is None or trouble is None:
        return None
    arisen = where_arisen(request.formula, request.point, Question("value"), Entry((), trouble.at))
    return _error(f"the value {value.title} is not finite: {trouble.said}", arisen)


def _error(message: str, arisen: Arisen | None) -> NumbersError:
    return NumbersError(
        message if arisen is None else f"{message}\n  {arisen.sentence}",
        hint="without --strict it is shown as it is",
        text=None if arisen is None else arisen.text,
        span=None if arisen is None else arisen.span,
    )


def _arisen(request: Request, trouble: Trouble, questions: Sequence[Question]) -> Arisen | None:
    call = trouble.call or 0
    if call >= len(questions):
        return None
    from jaccli.explain.nonfinite import where_arisen
    from jaccli.explain.question import Entry

    entry = Entry(trouble.block.path, trouble.at)
    if trouble.block.is_sparse:
        assert trouble.block.rows is not None and trouble.block.columns is not None
        row, column = trouble.at
        entry = Entry(entry.wrt, (*trouble.block.rows.index(row), *trouble.block.columns.index(column)))
    return where_arisen(request.formula, request.point, questions[call], entry)
