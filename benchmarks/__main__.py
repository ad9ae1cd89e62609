"""Runs the benchmarks and writes the table: `python -m benchmarks [MODULE …] [-o FILE]`."""

from __future__ import annotations

import argparse
import importlib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import Figure, tables

MODULES = ("shell", "warm", "real", "first", "sparsity")


def main() -> int:
    """Exit code 0 where every target that could be measured is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed as ratios against peers.")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE", help=f"of {', '.join(MODULES)}")
    parser.add_argument("-k", default="", metavar="WORD", help="only tasks whose name holds this word; writes nothing")
    parser.add_argument("-o", default=Path(__file__).with_name("RESULTS.md"), type=Path, metavar="FILE")
    options = parser.parse_args()
    missed: list[str] = []

    def sections() -> Iterator[tuple[str, Sequence[Figure]]]:
        for name in options.modules:
            module = importlib.import_module(f"benchmarks.{name}")
            figures = []
            for work in module.works():
                if options.k not in work.task:
                    continue
                try:
                    figure = work.figure()
                except Exception as error:  # a task that fails is a line of the table, and the others still run
                    traceback.print_exc()
                    figure = Figure(work.task, "", f"failed: {type(error).__name__}", "", None, "", False)
                print(" | ".join((figure.task, figure.peer, figure.ours, figure.theirs, figure.target)), flush=True)
                figures.append(figure)
                if figure.holds is False:
                    missed.append(f"{figure.task} ({figure.peer})")
            yield module.TITLE, figures

    written = "".join(tables(sections()))
    if not options.k:
        options.o.write_text(written, encoding="utf-8")
    for task in missed:
        print(f"target missed: {task}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
