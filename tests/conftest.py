"""Fixtures: the command line, run in process."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from jaccli.cli.main import main

# No test, and no process that it starts, may touch the user's own files.
os.environ["JACCLI_CACHE"] = "off"

# Where the tests themselves run in the background, interrupts are ignored, also by the processes that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Finished(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `jaccli` with the words given."""

    def command(*words: str) -> Finished:
        capsys.readouterr()
        code = main(words)
        return Finished(code, *capsys.readouterr())

    return command


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """The parsed JSON of a command that must succeed."""

    def command(*words: str) -> Any:
        finished = run(*words, "--json")
        assert finished.code == 0, finished.err
        assert len(finished.out.splitlines()) == 1
        return json.loads(finished.out)

    return command
