"""Throws random formulas and values at the program, until a number of them has been tried.

    python tests/fuzzing/run.py --count 100000 --seed 1

Every one must end in a result or in a `JaccliError`, within two seconds of the processor and a gigabyte. What does not
is printed with the seed that makes it again; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import io
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from fuzzing import grammar

LONGEST = 2.0
LARGEST = 1 << 30


class TooSlowError(BaseException):
    """More than two seconds of the processor, or twenty of the clock."""


def point() -> dict[str, Any]:
    """A value for every name of the grammar."""
    from jaccli.io.values import parse_value

    return {name: parse_value(text, name=name) for name, text in grammar.POINT_TEXTS.items()}


def at_its_point(random: Random, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The example of a function, changed here and there, and values of shapes that the example runs with."""
    from jaccli.formula.functions.registry import catalogue

    row = random.choice([row for row in catalogue() if row.example])
    text = row.example if random.random() < 0.2 else grammar.mutated(random, row.example)
    return text, {**values, **example_point(row)}


@functools.cache
def example_point(row: Any) -> dict[str, Any]:
    """Values that a function's example runs with."""
    from jaccli.explain.examples import lowered_example

    found = lowered_example(row)
    return {} if found is None else found[1]


def attempt(random: Random, values: dict[str, Any]) -> tuple[str, str]:
    """Tries one random request; gives its text and how it ended. Anything but a `JaccliError` goes through."""
    import jaccli
    from jaccli.cli.main import main
    from jaccli.io.values import parse_value

    kind = random.randrange(12)
    if kind == 0:
        text = grammar.value(random)
        attempt.text = f"value {text!r}"  # type: ignore[attr-defined]
        with contextlib.suppress(jaccli.JaccliError):
            parse_value(text, name="x", shape=random.choice((None, (), (2, 3))))
        return text, "value"
    text, values = at_its_point(random, values) if random.random() < 0.25 else (grammar.wild(random), values)
    attempt.text = text  # type: ignore[attr-defined]
    if kind == 1:
        return text, _command_line(main, random, text)
    try:
        formula = jaccli.Formula(text)
        given = {name: values[name] for name in (*formula.inputs, *formula.constants) if name in values}
        if kind < 5:
            formula.value(given)
        elif kind < 8:
            formula.vjp(given, 1.0)
        elif kind == 8:
            formula.jvp(given, dict.fromkeys([n for n, v in given.items() if v.dtype.kind == "f"], 1.0))
        elif kind == 9:
            formula.jacobian(given, mode=random.choice(("auto", "reverse", "forward", "sparse")))
        elif kind == 10:
            formula.diagonal(given)
        else:
            formula.hessian(given)
    except jaccli.JaccliError as error:
        str(error)
        return text, type(error).__name__
    return text, "result"


def _command_line(main: Any, random: Random, text: str) -> str:
    command = random.choice(("eval", "vjp", "jacobian", "diag", "sparsity", "grad", "hessian"))
    chosen = random.choice(("table", "json", "csv", "latex", "markdown", "plain"))
    words = [command, "--format", chosen, "--", text]
    from jaccli.formula.scan import scan

    with contextlib.suppress(Exception):
        found = scan(text)
        given = [name for name in (*found.inputs, *found.optional) if name in grammar.POINT_TEXTS]
        words[1:1] = [word for name in given for word in ("-i", f"{name}={grammar.POINT_TEXTS[name]}")]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    if code not in (0, 1, 2, 3, 4) or "Traceback" in err.getvalue() or (code > 1) != ("error: " in err.getvalue()):
        raise AssertionError(f"{words}: exit code {code}, {err.getvalue()[:500]}")
    return f"exit code {code}"


def too_slow(number: int, _: object) -> None:
    """What an alarm does."""
    raise TooSlowError("by the clock" if number == signal.SIGALRM else "by the processor")


def set_alarms(seconds: float) -> None:
    """The clock counts too, for what waits and never works."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)


def prepare() -> None:
    """Bounds the memory, and loads what formulas need, so that no text is charged for it, nor an import cut in two."""
    import jaccli

    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (LARGEST + (1 << 29), resource.getrlimit(resource.RLIMIT_DATA)[1]))

    for text in ("sin(x)", "gamma(x)", "inv(A)", "fft(x).real", "svd(A)[1]"):
        formula = jaccli.Formula(text)
        formula.value({name: [[2.0, 1.0], [1.0, 3.0]] for name in formula.inputs})
    grammar.functions()


def run(count: int, seed: int) -> int:
    """Tries so many; gives the number of findings."""
    from jaccli.runtime.memory import limited

    prepare()
    values, endings, seen = point(), collections.Counter[str](), set[str]()
    findings, slowest = 0, (0.0, "")
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, too_slow)
    signal.signal(signal.SIGPROF, too_slow)
    begun = time.monotonic()
    for number in range(seed, seed + count):
        random, started = Random(number), time.process_time()
        set_alarms(LONGEST)
        try:
            with limited(LARGEST):
                text, ending = attempt(random, values)
            set_alarms(0)
        except (Exception, TooSlowError) as error:
            set_alarms(0)
            text, ending = attempt.text, "FINDING"  # type: ignore[attr-defined]
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
            if place not in seen or isinstance(error, TooSlowError):
                print(f"seed {number}: {text!r}\n    {place}: {str(error)[:300]}", flush=True)
            seen.add(place)
            findings += 1
        endings[ending] += 1
        slowest = max(slowest, (time.process_time() - started, text))
    print(f"{count:,} texts from seed {seed} on in {time.monotonic() - begun:.0f} s: {dict(endings.most_common())}")
    print(f"slowest {slowest[0]:.2f} s: {slowest[1][:200]!r}; {findings} findings at {len(seen)} places")
    return findings


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(run(options.count, options.seed) > 0)
