"""The entry point: finds the command, runs it, and turns every ending into an exit code."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from jaccli.cli.coercion import converted_here
from jaccli.cli.command import built, painted
from jaccli.cli.messages import say_error
from jaccli.errors import ExitCode, FileError, JaccliError, UsageError, nearest
from jaccli.io.destination import closed_pipes_named
from jaccli.runtime import graph_cache
from jaccli.runtime.deadline import OutOfTimeError

# One line a command: its name, which is its module in jaccli.cli, and what it gives.
COMMANDS = {
    "eval": "the value f(inputs)",
    "vjp": "vᵀJ for each input (PyTorch's backward)",
    "jvp": "J·u for tangents of the inputs",
    "grad": "gradients that accumulate over calls",
    "jacobian": "the Jacobian, ∂output/∂input",
    "diag": "the diagonal of the Jacobian",
    "hessian": "second derivatives, all blocks",
    "hvp": "the Hessian times a vector",
    "check": "the derivative against independent witnesses",
    "derive": "the derivative as a formula, LaTeX or code",
    "explain": "the chain rule on your numbers, step by step",
    "graph": "the op graph as a tree or a drawing",
    "test": "spec files of formulas, for CI",
    "sparsity": "the pattern of the Jacobian, and its colours",
    "ops": "the functions of the language",
    "cache": "the graphs of formulas seen before, on disk",
}

# Not one of the codes of `ExitCode`, because a user cannot cause it: sysexits.h calls it EX_SOFTWARE.
INTERNAL_ERROR = 70

_HELP = """Derivatives of a formula: products, Jacobians, Hessians, and proof that they are right.

Every free name of the formula is an input: --NAME VALUE. A value is a number, a list ([1,2,3]), a generator
(eye:5, ones:2x3, linspace:0:1:11, randn:4) or a file (@x.npy, @x.csv)."""

_EPILOG = """\b
Exit codes:
  0    done, and what was checked holds
  1    a check or test does not hold
  2    the request cannot be understood: formula, value,
       option, shape, file
  3    the numbers failed: --strict and a NaN or infinity,
       a singular matrix
  4    a limit was met (memory, time, size)
  70   an error inside jaccli, which is worth a report
  130  interrupted

\b
Example:
  jaccli vjp "(x+1)**2" --x eye:5 --v ones

jaccli COMMAND --help tells more about a command."""


class Commands(TyperGroup):
    """The commands, each imported when it is asked for."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The options, which convert their values without pydantic."""
        return converted_here(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The order in which people write."""
        return ["COMMAND", "FORMULA", "[--NAME VALUE …]", "[OPTIONS]"]

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(f"jaccli.cli.{cmd_name}")
            self.commands[cmd_name] = built(cmd_name, module.run)
        command = self.commands[cmd_name]
        assert isinstance(command, TyperCommand)
        return command

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command that the first word names.

        Raises:
            UsageError: it names none.
        """
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise _no_such_command(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The list of commands, made without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        """The help text, coloured where it is seen at a terminal."""
        return painted(super().get_help(ctx))


def _no_such_command(word: str) -> UsageError:
    suggestion = nearest(word, list(COMMANDS))
    if suggestion is not None:
        return UsageError(f"there is no command {word!r}", hint=f"did you mean {suggestion}?")
    shown = word if len(word) <= 40 else f"{word[:39]}…"
    return UsageError(
        f"there is no command {shown!r}",
        hint=f'the command stands first, as in jaccli vjp "x**2" --x 3; there are {", ".join(COMMANDS)}',
    )


app = typer.Typer(
    name="jaccli",
    cls=Commands,
    help=_HELP,
    epilog=_EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from jaccli import __version__

        print(f"jaccli {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(ExitCode.NOT_UNDERSTOOD)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and gives its exit code; whatever happens, it has been said."""
    if argv is None:
        with _short_life():
            return main(sys.argv[1:])
    _write_what_can_be_shown()
    words = list(argv)
    try:
        code = _run(words)
        if sys.stdout is not None:
            with closed_pipes_named():
                sys.stdout.flush()
        return code
    except BrokenPipeError:
        _abandon_output()
        return ExitCode.DONE
    except KeyboardInterrupt:
        say_error("interrupted")
        return ExitCode.INTERRUPTED
    except OutOfTimeError:  # it arrived when the work had just ended, one way or the other
        say_error("the time was over")
        return ExitCode.LIMIT_MET
    except Exception as error:
        return _explained(error, debug="--debug" in words)


def _write_what_can_be_shown() -> None:
    """Lets a terminal without UTF-8 show escapes in place of what it lacks; help and tables must not fail there.

    A pipe or file gets the same bytes on every system, lines that end in a line feed.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    if not sys.stdout.isatty():
        sys.stdout.reconfigure(newline="\n")


@contextlib.contextmanager
def _short_life() -> Iterator[None]:
    """Leaves out what pays only in a process that lives for more than a moment."""
    # Importing makes a million objects and no garbage, and at the end nothing needs to be collected.
    gc.set_threshold(50_000, 20, 20)
    # The threads of OpenBLAS otherwise keep a core busy for 30 ms after NumPy is imported, waiting for work.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    try:
        yield
    finally:
        gc.freeze()


_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def _run(words: list[str]) -> int:
    group = typer.main.get_command(app)
    wanted = os.environ.get("_JACCLI_COMPLETE")
    if wanted:
        if wanted.partition("_")[0] not in ("complete", "source") or wanted.partition("_")[2] not in _SHELLS:
            raise UsageError(
                f"a shell asks for completions with complete_bash or the like, and this is {wanted[:40]!r}",
                hint="unset _JACCLI_COMPLETE",
            )
        try:
            group.main(args=words, prog_name="jaccli")
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"a shell that asks for completions sets COMP_WORDS and COMP_CWORD, and here is {error}",
                hint="unset _JACCLI_COMPLETE",
            ) from None
    try:
        with graph_cache.switched_on(), group.make_context("jaccli", words) as ctx:
            group.invoke(ctx)
    except typer.Exit as ending:
        return ending.exit_code
    return ExitCode.DONE


def _explained(error: Exception, *, debug: bool) -> int:
    """Says what went wrong and gives the exit code for it."""
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, OSError):
        _abandon_output()
        error = FileError(f"the result cannot be written: {error.strerror or error}")
    if isinstance(error, JaccliError):
        say_error(str(error))
        return error.exit_code
    if isinstance(error, typer.TyperException):
        message = error.format_message()
        say_error(message[:1].lower() + message[1:].rstrip("."))
        return ExitCode.NOT_UNDERSTOOD
    if isinstance(error, MemoryError):
        say_error("there is not enough memory\n  hint: --wrt, --sparse or --chunk make the work smaller")
        return ExitCode.LIMIT_MET
    if isinstance(error, RecursionError):
        say_error("the formula is nested too deep\n  hint: name its parts: h = …; then use h")
        return ExitCode.LIMIT_MET
    detail = f"{type(error).__name__}: {error}".strip(": ")
    say_error(f"internal error: {detail}\n  hint: please report this; --debug shows the traceback")
    return INTERNAL_ERROR


def _abandon_output() -> None:
    """Lets what is still buffered for a closed or full output go nowhere, so that the exit stays quiet."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
