"""The README's examples print what it says they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
WITH_PYTHON = [page for page in PAGES if "\n>>> " in page.read_text("utf-8")]
DOCTEST = """
import doctest, sys
sys.exit(doctest.testfile(sys.argv[1], module_relative=False, encoding="utf-8").failed)
"""
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text: str) -> list[tuple[str, str]]:
    """Each `$ command` of the console blocks that runs jaccli, with the output below it."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("jaccli "):
                found.append((command, output))
    return found


EXAMPLES = [pytest.param(*example, id=example[0]) for page in PAGES for example in examples(page.read_text("utf-8"))]


@pytest.mark.parametrize(("command", "output"), EXAMPLES)
def test_the_example_prints_what_the_page_says(run: Callable[..., Any], command: str, output: str) -> None:
    finished = run(*shlex.split(command)[1:])
    assert trimmed(finished.out + finished.err) == trimmed(output)


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def test_the_tour_is_there() -> None:
    assert len(examples(README.read_text("utf-8"))) >= 10


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_of_the_page_does_what_it_shows(page: Path) -> None:
    # In a process of its own: a page that adds to the tables must not add to those of the other tests.
    words = [sys.executable, "-c", DOCTEST, str(page)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_table_of_commands_is_complete() -> None:
    from jaccli.cli.main import COMMANDS

    commands = re.findall(r"^\| `(\w+)` \|", README.read_text("utf-8"), flags=re.MULTILINE)
    assert set(commands) >= set(COMMANDS)
