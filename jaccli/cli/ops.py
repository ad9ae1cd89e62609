"""`jaccli ops`: the functions of the language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jaccli.cli.command import command
from jaccli.cli.options import Output
from jaccli.errors import FormulaError, UsageError, nearest, nearest_few
from jaccli.io.listing import Listing

if TYPE_CHECKING:
    from jaccli.formula.functions.registry import Function

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="One function, as formulas name it: sin, ln, torch.relu, np.linalg.inv."),
]
Family = Annotated[str | None, typer.Option("--family", metavar="FAMILY", help="Only the functions of this family.")]


@command(example="jaccli ops logsumexp")
def run(output: Output, name: Name = None, family: Family = None) -> None:
    """The functions of the language, each with its derivative and its convention at kinks; with a name, all that is
    known about that one."""
    from jaccli.formula.functions.registry import catalogue
    from jaccli.io.writers import deliver

    presentation = output.presentation()
    functions = catalogue()
    listing = _of_all(_of_family(functions, family)) if name is None else _of_one(_named(functions, name))
    deliver(listing, presentation)


def _of_family(functions: list[Function], family: str | None) -> list[Function]:
    if family is None:
        return functions
    families = list(dict.fromkeys(function.family for function in functions))
    if family not in families:
        suggestion = nearest(family, families)
        hint = f"did you mean {suggestion!r}? " if suggestion else ""
        raise UsageError(f"there is no family {family!r}", hint=f"{hint}there are {', '.join(families)}")
    return [function for function in functions if function.family == family]


def _named(functions: list[Function], name: str) -> Function:
    """The function that a formula would take: with a prefix, as a method, and also as a call, `relu(x)`."""
    from jaccli.formula.functions.registry import find
    from jaccli.formula.names import MODULES

    path = name.partition("(")[0].strip().strip(".")
    owner, dot, method = path.partition(".")
    method = method if dot and owner not in MODULES else path.partition(".Tensor.")[2]
    # Of an array's methods, those that end in _ write into the array, and give the same.
    for spelling in (path, method, method.removesuffix("_")):
        try:
            return find(spelling)[0]
        except FormulaError:
            continue
    raise UsageError(f"there is no function {name!r}", hint=_near(functions, path.rpartition(".")[2]))


def _near(functions: list[Function], word: str) -> str:
    spellings = [spelling for function in functions for spelling in (function.name, *function.synonyms)]
    close = nearest_few(word, spellings, 3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    about = [function.name for function in functions if re.search(rf"\b{re.escape(word)}", function.doc, re.IGNORECASE)]
    if word and about:
        return f"{', '.join(about[:8])} have to do with {word}"
    return "jaccli ops lists them all"


def _of_all(functions: list[Function]) -> Listing:
    ordered = [
        function
        for family in dict.fromkeys(function.family for function in functions)
        for function in functions
        if function.family == family
    ]
    return Listing(
        title="",
        columns=("family", "function", "also called", "gives", "at kinks", "derivative"),
        rows=[_row(function) for function in ordered],
        fields={"command": "ops", "functions": [_fields(function) for function in ordered]},
        footer=f"{len(ordered)} functions, each with vᵀJ for its arguments; jaccli ops NAME tells more about one",
    )


def _row(function: Function) -> tuple[str, ...]:
    fields = _fields(function)
    texts = fields["derivative"]
    derivative = "; ".join(text if len(texts) == 1 else f"{name}: {text}" for name, text in texts.items())
    of = f"of {fields['derivative_of']}: " if fields["derivative_of"] else ""
    return (
        function.family,
        function.signature,
        ", ".join(function.synonyms),
        _first_line(function.doc),
        function.kinks,
        f"{of}{derivative}{fields['derivative_note']}",
    )


def _of_one(function: Function) -> Listing:
    fields = _fields(function)
    rows = [
        (key, ", ".join(value) if isinstance(value, list) else value)
        for key, value in fields.items()
        if value and not key.startswith("derivative")
    ]
    of = f" of {fields['derivative_of']}" if fields["derivative_of"] else ""
    rows += [(f"vᵀJ for {name}{of}", text) for name, text in fields["derivative"].items()]
    rows += [("derivative", fields["derivative_note"])] if fields["derivative_note"] else []
    return Listing(
        title=function.signature,
        columns=("field", "value"),
        rows=rows,
        fields={"command": "ops", "functions": [fields]},
    )


def _fields(function: Function) -> dict[str, Any]:
    from jaccli.explain.known_derivatives import derivative_fields

    return {
        "name": function.name,
        "family": function.family,
        "signature": function.signature,
        "synonyms": list(function.synonyms),
        "doc": function.doc,
        "kinks": function.kinks,
        "example": function.example,
        **derivative_fields(function),
    }


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
