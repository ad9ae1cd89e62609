"""What every command shares: option groups, the sorting of words, and help that is quick to show.

A command is a function `run` in a file of its own, marked with `@command(example=…)`. A parameter whose type
is a dataclass of options stands for all of its fields.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperOption

from jaccli.cli.arguments import Declared, rewrite
from jaccli.cli.coercion import converted_here
from jaccli.cli.limits import limits
from jaccli.cli.messages import coloured
from jaccli.cli.progress import progress
from jaccli.errors import InputError
from jaccli.io.letters import showable

Run = Callable[..., None]

_HEADING = re.compile(r"^(Usage|[A-Z][\w ]*):", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w-]*)")


def command(*, example: str) -> Callable[[Run], Run]:
    """Marks a function as a command.

    Args:
        example: a line that runs as it stands, shown at the end of the command's help.
    """

    def mark(run: Run) -> Run:
        expanded = _expand(run)
        vars(expanded)["example"] = example
        return expanded

    return mark


def built(name: str, run: Run) -> TyperCommand:
    """The Typer command of a marked function."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    epilog = f"\b\nExample:\n  {vars(run)['example']}"
    app.command(name, cls=JaccliCommand, epilog=epilog)(run)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _expand(run: Run) -> Run:
    """The function with each option group replaced by its fields, as keyword parameters."""
    groups: dict[str, type[Any]] = {}
    parameters: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(run, eval_str=True).parameters.values():
        kind = parameter.annotation
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            groups[parameter.name] = kind
            parameters |= _fields(kind)
        else:
            parameters[parameter.name] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)

    @functools.wraps(run)
    def expanded(**values: Any) -> None:
        arguments = {
            group: kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
            for group, kind in groups.items()
        }
        run(**arguments, **values)

    # `wraps` leads introspection back to `run`; what Typer must see are the fields.
    del vars(expanded)["__wrapped__"]
    expanded.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    vars(expanded)["__signature__"] = inspect.Signature(list(parameters.values()))
    return expanded


def _fields(kind: type[Any]) -> dict[str, inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(kind)
    }


class JaccliCommand(TyperCommand):
    """A command whose words may name inputs, and whose help is grouped and coloured without loading Rich."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The options and arguments, which convert their values without pydantic."""
        return converted_here(super().get_params(ctx))

    def declared(self, ctx: typer.Context) -> Declared:
        """What the command declares, for sorting the words."""
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, TyperOption)]
        long_names = {option.name: max(option.opts, key=len) for option in options}
        return Declared(
            names={word: long_names[option.name] for option in options for word in option.opts},
            flags=frozenset(long_names[option.name] for option in options if option.is_flag),
            repeatable=frozenset(long_names[option.name] for option in options if option.multiple),
        )

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Sorts the words first, where the command takes a formula."""
        if any(parameter.name == "formula" for parameter in self.params):
            args = rewrite(args, self.declared(ctx), lenient=ctx.resilient_parsing)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Runs the command within its limits; an error about an input's name learns which options there are."""
        try:
            given = ctx.params
            with (
                limits(given.get("max_memory"), given.get("timeout")),
                progress(quiet=bool(given.get("quiet"))),
            ):
                return super().invoke(ctx)
        except InputError as error:
            self.declared(ctx).explain(error)
            raise

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """`FORMULA [--NAME VALUE …] [OPTIONS]`, the order in which people write."""
        if any(parameter.name == "formula" for parameter in self.params):
            return ["FORMULA", "[--NAME VALUE …]", "[OPTIONS]"]
        return super().collect_usage_pieces(ctx)

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The options in their groups: the command's own first."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, TyperOption):
                record = parameter.get_help_record(ctx)
                if record is not None:
                    panels.setdefault(parameter.rich_help_panel or "Options", []).append(record)
            else:
                panels["Arguments"].append((parameter.metavar or parameter.name, getattr(parameter, "help", "")))
        for panel, records in panels.items():
            if records:
                with formatter.section(panel):
                    formatter.write_dl(records)

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        """The help text, coloured where it is seen at a terminal."""
        return painted(super().get_help(ctx))


def painted(text: str) -> str:
    """A help text with its headings and options coloured, if standard output shows colours."""
    if sys.stdout is None:  # closed: nobody reads it
        return text
    text = showable(text, sys.stdout)
    if not coloured(sys.stdout):
        return text
    text = _OPTION.sub("\033[36m\\1\033[0m", text)
    return _HEADING.sub("\033[1;33m\\1:\033[0m", text)
