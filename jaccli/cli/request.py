"""From the options of a numeric command to what the API takes, and from its answer to the output.

Everything heavy is imported inside the functions, since the command files are also imported to show help.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from jaccli.cli.arguments import INPUT_OPTION, MissingInputError, UnknownInputError, listed_names, pairs
from jaccli.cli.messages import say_note
from jaccli.cli.nonfinite import not_finite
from jaccli.cli.options import NumericOutput, Output, Problem
from jaccli.errors import FileError, InputError, LimitError, UsageError
from jaccli.io import destination
from jaccli.io.formats import KEEPS_AXES, SHOWS_STRUCTURE, Presentation
from jaccli.io.opening import opened

if TYPE_CHECKING:
    from jaccli.api import Formula
    from jaccli.explain.question import Question
    from jaccli.io.listing import Listing
    from jaccli.io.report import Array, Block, Report

_STANDARD_INPUT = re.compile(r"\s*(?:(?:int|float):)?@-.*", re.DOTALL)
_LONGEST_FORMULA = 4_000_000


@dataclass(frozen=True)
class Request:
    """A parsed formula at a point, and where the answer goes.

    Attributes:
        command: the name of the command.
        expression: the formula's text.
        formula: the formula.
        point: the value of every input, in the formula's order.
        wrt: the inputs to differentiate for, or None for all floating ones.
        presentation: how to show the answer.
        problem, output: the options that all of this came from.
        tangent_texts: the values of `--t`, by input, as they were typed.
    """

    command: str
    expression: str
    formula: Formula
    point: Mapping[str, Array]
    wrt: list[str] | None
    presentation: Presentation
    problem: Problem
    output: Output
    tangent_texts: Mapping[str, str]

    @property
    def keeps_axes(self) -> bool:
        """Whether the format shows a Jacobian with its axes, and not as rows and columns."""
        return self.presentation.format in KEEPS_AXES

    @property
    def shows_structure(self) -> bool:
        """Whether the format tells zeros of structure from zeros that are numbers."""
        return self.presentation.format in SHOWS_STRUCTURE

    @property
    def wants_value(self) -> bool:
        """Whether f(x) is shown: JSON always has it."""
        return self.presentation.show_value or self.presentation.format == "json"

    def value(self) -> Array | None:
        """f(x) where it is shown, else None."""
        return self.formula.value(self.point) if self.wants_value else None

    def differentiated(self) -> dict[str, Array]:
        """The inputs that get a derivative."""
        return {
            name: array
            for name, array in self.point.items()
            if array.dtype.kind == "f" and (self.wrt is None or name in self.wrt)
        }

    def cotangent(self, text: str | None, *, batched: bool = False) -> Array | None:
        """The value of `--v`, or None where it is left out.

        A shapeless generator takes the output's shape; with `batched` the number of cotangents is not known,
        so that it needs a shape of its own.
        """
        if text is None:
            return None
        shape = None if batched else self.formula.output_shape(self.point)
        return _parsed(text, self.problem, name="v", label="--v", shape=shape)

    def tangents(self, *, within_wrt: bool = False) -> dict[str, Array]:
        """The values of `--t NAME=VALUE`, in the formula's order.

        Args:
            within_wrt: refuse the tangent of an input that `--wrt` leaves out.

        Raises:
            InputError: there is none, or one for a name that cannot have it.
        """
        for name in self.tangent_texts:
            if name not in self.point:
                raise UnknownInputError(name, tuple(self.point), f"--t {name}: ")
            if within_wrt and self.wrt is not None and name not in self.wrt:
                raise InputError(f"{name} has a tangent, and --wrt leaves it out", hint=f"leave out --t {name}=… too")
        if not self.tangent_texts:
            name = next(iter(self.differentiated()), "x")
            raise InputError("there is no tangent", hint=f"give one with --t {name}=VALUE; --t {name}=ones will do")
        return {name: self._tangent(name, array) for name, array in self.point.items() if name in self.tangent_texts}

    def _tangent(self, name: str, like: Array) -> Array:
        text = self.tangent_texts[name]
        return _parsed(text, self.problem, name=f"tangent of {name}", label=f"--t {name}", shape=like.shape)

    def detail(self, text: str) -> None:
        """Says how something was done, with `--verbose`."""
        if self.output.verbose:
            say_note(text)

    def report(
        self,
        blocks: Sequence[Block],
        *,
        value: Array | None = None,
        calls: Sequence[tuple[str, Sequence[Block]]] | None = None,
        matrix: bool = False,
        questions: Sequence[Question] = (),
    ) -> Report:
        """The report of this command; where the result is not finite, a note says where that arose.

        Args:
            blocks, value, calls, matrix: as in `Report`.
            questions: what was computed, one for each call if there are several.

        Raises:
            NumbersError: `--strict` and a result that is not finite.
        """
        from jaccli.io.report import Report

        made = Report(
            command=self.command,
            expression=self.expression,
            inputs={name: (array.shape, str(array.dtype)) for name, array in self.point.items()},
            blocks=tuple(blocks),
            value=value,
            calls=calls,
            matrix=matrix,
        )
        strict = isinstance(self.output, NumericOutput) and self.output.strict
        if strict or not self.output.quiet:
            trouble = not_finite(self, made, questions)
            if trouble is not None and strict:
                raise trouble
            if trouble is not None:
                trouble.hint = None
                say_note(str(trouble))
        return made

    def write(
        self, blocks: Sequence[Block], question: Question, *, value: Array | None = None, matrix: bool = False
    ) -> None:
        """Makes the report and writes it to its destination."""
        self.deliver(self.report(blocks, value=value, matrix=matrix, questions=[question]))

    def deliver(self, report: Report | Listing) -> None:
        """Writes a finished report to its destination, and what must be known besides to standard error."""
        from jaccli.io.writers import deliver

        self.say_notes()
        deliver(report, self.presentation)

    def say_notes(self) -> None:
        """Says what must be known beside the result, and with `--verbose` how it was computed."""
        for name, array in self.point.items():
            self.detail(f"{name} has shape {array.shape} and dtype {array.dtype}")
        for text in self.formula.how:
            self.detail(text)
        if not self.output.quiet:
            for text in self.formula.notes:
                say_note(text)


def read(
    command: str,
    problem: Problem,
    output: Output,
    *,
    cotangents: Sequence[str] = (),
    tangents: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    presentation: Presentation | None = None,
) -> Request:
    """Reads the formula and the values of its inputs.

    Args:
        command: the name of the command.
        problem: formula and inputs, as they were typed.
        output: where the answer goes; checked first, so that no work is lost on a destination that is closed.
        cotangents, tangents: the values of `--v` and `--t`, since they too may want standard input.
        values: other values by what they are called, for the same reason.
        presentation: how to show the answer, where the command knows better than `output`.

    Raises:
        UsageError, InputError, FormulaError, ValueSpecError, FileError: what cannot be understood.
    """
    presentation = output.presentation() if presentation is None else presentation
    destination.check(presentation)
    given = pairs(problem.input or (), INPUT_OPTION)
    tangent_texts = pairs(tangents, "--t", also_called="t")
    readers = {"the formula": "@-" if problem.formula == "-" else ""}
    readers |= {f"--{name}": text for name, text in given.items()}
    readers |= {f"--t {name}": text for name, text in tangent_texts.items()}
    readers |= {"--v" if number == 1 else f"--v number {number}": text for number, text in enumerate(cotangents, 1)}
    _check_standard_input(readers | dict(values or {}))
    expression = formula_text(problem.formula)

    from jaccli.api import Formula

    formula = Formula(expression, dtype=problem.dtype)
    names = (*formula.inputs, *(name for name in formula.constants if name in given))
    _check_names(names, given)
    wrt = _wrt(problem, names)
    point = {name: _parsed(given[name], problem, name=name, label=f"--{name}", shape=None) for name in names}
    return Request(command, expression, formula, point, wrt, presentation, problem, output, tangent_texts)


def _parsed(text: str, problem: Problem, *, name: str, label: str, shape: tuple[int, ...] | None) -> Array:
    from jaccli.io.values import parse_value
    from jaccli.runtime.memory import hold

    array = parse_value(text, name=name, shape=shape, seed=problem.seed, dtype=problem.dtype, label=label)
    hold(array.nbytes)
    return array


def formula_text(word: str) -> str:
    """The formula behind a word of the command line: the text itself, @FILE, or - for standard input.

    Raises:
        FileError, LimitError: it cannot be read, or is too long.
    """
    if word == "-":
        if sys.stdin is None:
            raise FileError("standard input is closed", hint="give the formula as text or @FILE")
        return _read_text(sys.stdin.buffer, "standard input")
    if not word.startswith("@"):
        return word
    path = word[1:]
    if not path:
        raise FileError("@ has no file name", hint="write @FILE, or - for standard input")
    try:
        with _formula_file(path) as stream:
            return _read_text(stream, path)
    except OSError as error:
        raise FileError(f"the formula cannot be read from {path}: {error.strerror or error}") from error


def _formula_file(path: str) -> BinaryIO:
    try:
        return opened(path)
    except FileError as error:
        raise FileError(f"{path} {error.message}", hint=error.hint) from error
    except ValueError as error:
        raise FileError(f"{path!r} is not the name of a file: {error}") from error


def _read_text(stream: BinaryIO, name: str) -> str:
    data = stream.read(_LONGEST_FORMULA + 1)
    if len(data) > _LONGEST_FORMULA:
        raise LimitError(f"the formula in {name} is longer than {_LONGEST_FORMULA:,} bytes")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise FileError(f"{name} does not hold text in UTF-8") from error


def _check_standard_input(readers: Mapping[str, str]) -> None:
    asking = [label for label, text in readers.items() if _STANDARD_INPUT.fullmatch(text)]
    if len(asking) > 1:
        raise UsageError(
            f"standard input can be read once, and is asked for by {' and by '.join(asking)}",
            hint="put one of them into a file and give @FILE",
        )


def _check_names(names: tuple[str, ...], given: Mapping[str, str]) -> None:
    for name in given:
        if name not in names:
            raise UnknownInputError(name, names)
    missing = [name for name in names if name not in given]
    if missing:
        raise MissingInputError(missing)


def _wrt(problem: Problem, names: tuple[str, ...]) -> list[str] | None:
    if problem.wrt is None:
        return None
    return list(listed_names(problem.wrt, "--wrt", names))
