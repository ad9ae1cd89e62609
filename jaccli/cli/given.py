"""Inputs that are known by their shape only, for commands that write formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jaccli.cli.arguments import INPUT_OPTION, UnknownInputError, listed_names, pairs
from jaccli.cli.options import Problem
from jaccli.errors import InputError, UsageError

if TYPE_CHECKING:
    from jaccli.formula.lowered import InputSpec
    from jaccli.graph.node import DType

_SHAPE = re.compile(r"(?:(int|float):)?(?:\(\s*\)|\(?\s*(\d+(?:\s*[x,×]\s*\d+)*)\s*,?\s*\)?)")


@dataclass(frozen=True)
class Given:
    """What is known of the inputs.

    Attributes:
        specs: shape and dtype of each, in the formula's order.
        point: the values of those that have one.
        numbers: the names of which nothing is said, taken as numbers.
        wrt: the inputs to differentiate for.
    """

    specs: Mapping[str, InputSpec]
    point: Mapping[str, Any]
    numbers: tuple[str, ...]
    wrt: tuple[str, ...]


def given(names: tuple[str, ...], optional: tuple[str, ...], problem: Problem, shapes: list[str] | None) -> Given:
    """Shapes and values from the command line; a name without either is a number.

    Args:
        names: the inputs of the formula.
        optional: its constants, which an input of that name replaces.
        problem: the options that hold the values.
        shapes: the values of `--shape`.

    Raises:
        InputError, UsageError, ValueSpecError: what cannot be understood.
    """
    from jaccli.formula.lowered import InputSpec
    from jaccli.runtime.arrays import dtype_name

    values = pairs(problem.input or (), INPUT_OPTION)
    shaped = pairs(shapes or (), "--shape", also_called="shape")
    names = (*names, *(name for name in optional if name in values or name in shaped))
    for name in (*values, *shaped):
        if name not in names:
            raise UnknownInputError(name, names, "" if name in values else f"--shape {name}: ")
    _refuse_both(values, shaped)
    specs: dict[str, InputSpec] = {}
    point: dict[str, Any] = {}
    for name in names:
        if name in values:
            point[name] = _value(name, values[name], problem)
            specs[name] = InputSpec(point[name].shape, dtype_name(point[name]))
        else:
            specs[name] = _spec(name, shaped.get(name, "()"), problem.dtype)
    alone = tuple(name for name in names if name not in values and name not in shaped)
    return Given(specs, point, alone, _wrt(problem, specs))


def with_shapes(problem: Problem, shapes: list[str] | None) -> Problem:
    """The problem with a value of the wanted shape for each `--shape`, for commands that never look at the numbers.

    Raises:
        InputError, UsageError: what cannot be understood, or an input that has a value besides.
    """
    values = pairs(problem.input or (), INPUT_OPTION)
    shaped = pairs(shapes or (), "--shape", also_called="shape")
    _refuse_both(values, shaped)
    fillings = []
    for name, text in shaped.items():
        shape, dtype = _spec(name, text, problem.dtype)
        lengths = "x".join(map(str, shape))
        kind = "int:" if dtype == "int64" else ""
        fillings.append(f"{name}={kind}{f'zeros:{lengths}' if lengths else '0'}")
    return replace(problem, input=[*(problem.input or ()), *fillings])


def _refuse_both(values: Mapping[str, str], shaped: Mapping[str, str]) -> None:
    for name, text in shaped.items():
        if name in values:
            raise InputError(f"{name} has a value, and so a shape: leave out --shape {name}={text}")


def _value(name: str, text: str, problem: Problem) -> Any:
    from jaccli.io.values import parse_value
    from jaccli.runtime.memory import hold

    array = parse_value(text, name=name, shape=None, seed=problem.seed, dtype=problem.dtype, label=f"--{name}")
    hold(array.nbytes)
    return array


def _spec(name: str, text: str, dtype: DType) -> InputSpec:
    from jaccli.formula.lowered import InputSpec

    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--shape {name}={text} is no shape", hint=f"write --shape {name}=3, {name}=3x4, or {name}=() for a number"
        )
    lengths = tuple(int(length) for length in re.findall(r"\d+", found[2] or ""))
    return InputSpec(lengths, "int64" if found[1] == "int" else dtype)


def _wrt(problem: Problem, specs: Mapping[str, InputSpec]) -> tuple[str, ...]:
    floating = tuple(name for name, spec in specs.items() if spec.dtype.startswith("float"))
    if problem.wrt is None:
        if not floating:
            raise InputError("there is nothing to differentiate: the formula has no floating input")
        return floating
    wanted = listed_names(problem.wrt, "--wrt", tuple(specs))
    for name in wanted:
        if name not in floating:
            raise InputError(f"the input {name} holds integers, and these are never differentiated")
    return wanted
