"""The derivatives of all functions, worked out beforehand, so that `jaccli ops` loads no engine.

`python docs/make_functions.py` writes them. A function that is not among them yet is derived where it is asked for.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jaccli.formula.functions.registry import Function

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = ("derivative_of", "derivative", "derivative_note")


def derivative_fields(function: Function) -> dict[str, Any]:
    """What JSON tells of a function's derivative.

    Returns:
        `derivative`: the VJP for each argument as text, v being the cotangent. `derivative_of`: what it is the
        derivative of, where that is the function's example. `derivative_note`: why there is none.
    """
    told = _known().get(function.name)
    return dict(zip(_FIELDS, _derived(function) if told is None else told, strict=True))


def written(functions: Iterable[Function]) -> str:
    """The file, newly made: a line a function."""
    lines = [f"{json.dumps(function.name)}: {json.dumps(_derived(function))}" for function in functions]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _derived(function: Function) -> list[Any]:
    from jaccli.explain.derivatives import derivative

    return list(derivative(function))


@functools.cache
def _known() -> dict[str, list[Any]]:
    loaded: dict[str, list[Any]] = json.loads((files("jaccli.explain") / "derivatives.json").read_text("utf-8"))
    return loaded
