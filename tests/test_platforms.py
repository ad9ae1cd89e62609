"""Other systems, as far as one can play them here: consoles, pipes and locks of Windows, locales, narrow terminals."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jaccli.cli.main import main
from jaccli.io import accumulators, atomic, consoles, destination

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


class Stream(io.TextIOWrapper):
    """A standard stream whose bytes can be looked at."""

    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\r\n")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return 1

    @property
    def content(self) -> bytes:
        self.flush()
        written = self.buffer.getvalue()  # type: ignore[attr-defined]
        assert isinstance(written, bytes)
        return written


def shown(stream: Stream, *words: str) -> str:
    assert main(words) == 0
    return stream.content.decode(stream.encoding)


# Files and pipes


@pytest.mark.parametrize("chosen", ["table", "json", "csv", "tsv", "markdown", "latex", "plain", "mtx"])
def test_a_pipe_gets_line_feeds_on_every_system(monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["jacobian", "x**2", "--x", "1,2", "--format", chosen]) == 0
    assert stream.content.endswith(b"\n")
    assert b"\r" not in stream.content


@pytest.mark.parametrize("extension", ["json", "csv", "tsv", "md", "tex", "txt", "mtx"])
def test_files_have_line_feeds_on_every_system(monkeypatch: pytest.MonkeyPatch, extension: str) -> None:
    monkeypatch.setattr(os, "linesep", "\r\n")
    assert main(["jacobian", "x**2", "--x", "1,2", "-o", f"y.{extension}"]) == 0
    assert b"\r" not in Path(f"y.{extension}").read_bytes()


def test_what_ends_in_carriage_returns_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.txt").write_bytes(b"\xef\xbb\xbfh = x**2\r\n3*h\r\n")
    Path("x.csv").write_bytes(b"\xef\xbb\xbf1,2\r\n3,4\r\n")
    Path("s.jaccli.toml").write_bytes(
        b'[[formula]]\r\nexpr = "x**2"\r\ninputs.x = "@x.csv"\r\nexpect.shape = [2, 2]\r\n'
    )
    assert main(["eval", "@f.txt", "--x", "@x.csv", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "3.0,12.0\n27.0,48.0\n"
    assert main(["test", "s.jaccli.toml", "--update"]) == 0
    assert b"[2, 2]\r\n" in Path("s.jaccli.toml").read_bytes()


def test_a_closed_pipe_is_quiet_where_the_system_calls_it_an_invalid_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def closed(content: str) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(destination.sys, "platform", "win32")
    stream = Stream()
    monkeypatch.setattr(stream, "write", closed)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr("jaccli.cli.main._abandon_output", lambda: None)
    monkeypatch.setattr(accumulators, "_lock", lambda descriptor: None)
    assert main(["grad", "x**2", "--x", "3", "--v", "1", "--state", "s.npz"]) == 0
    assert capsys.readouterr().err == ""
    assert float(np.load("s.npz")["x"]) == 6.0  # nobody wanted to read on, and the update counts


def test_a_device_without_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    nul = r"\\.\NUL"
    monkeypatch.setattr(atomic.os, "name", "nt")
    monkeypatch.setattr(atomic, "_resolved", lambda path: nul)
    monkeypatch.setattr(atomic, "_is_replaceable", lambda target: target != nul)
    atomic.check_writable("NUL")


# Locks


class Locks:
    """Stands in for `msvcrt`: a lock on a byte that never waits. State: who holds it."""

    LK_NBLCK = 2

    def __init__(self, failure: int) -> None:
        self.failure = failure
        self.refused = 0
        self.is_held = True

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        if self.is_held:
            self.refused += 1
            raise OSError(self.failure, os.strerror(self.failure))


def test_a_lock_of_windows_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = Locks(errno.EACCES)
    monkeypatch.setitem(sys.modules, "msvcrt", locks)  # type: ignore[arg-type]
    monkeypatch.setattr(accumulators.sys, "platform", "win32")

    def let_go() -> None:
        while locks.refused < 3:
            time.sleep(0.001)
        locks.is_held = False

    other = threading.Thread(target=let_go)
    other.start()
    with accumulators.keeping("s.npz", {"x": np.zeros(2)}) as state:
        assert locks.refused >= 3
        state.keep({"x": np.ones(2)})
    other.join()
    assert np.array_equal(np.load("s.npz")["x"], np.ones(2))


def test_a_lock_that_cannot_be_had_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "msvcrt", Locks(errno.EBADF))  # type: ignore[arg-type]
    monkeypatch.setattr(accumulators.sys, "platform", "win32")
    assert main(["grad", "x**2", "--x", "3", "--v", "1", "--state", "s.npz"]) == 2
    assert "s.npz cannot be locked" in capsys.readouterr().err


# Consoles


def console(monkeypatch: pytest.MonkeyPatch, mode: int | None, *, takes_more: bool = True) -> list[int]:
    """Plays a console of Windows in some mode, None for a terminal that is none; gives the modes that are set."""
    made: list[int] = []

    def get(handle: Any, reference: Any) -> int:
        if mode is None:
            return 0
        ctypes.cast(reference, ctypes.POINTER(ctypes.c_uint32))[0] = mode
        return 1

    def change(handle: Any, wanted: Any) -> int:
        made.append(wanted.value)
        return int(takes_more)

    library = SimpleNamespace(GetConsoleMode=get, SetConsoleMode=change)
    monkeypatch.setattr(ctypes, "WinDLL", lambda name: library, raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda number: 7))  # type: ignore[arg-type]
    monkeypatch.setattr(consoles.sys, "platform", "win32")
    return made


@pytest.mark.parametrize(
    ("mode", "takes_more", "is_coloured", "asked"),
    [(3, True, True, [7]), (7, False, True, []), (3, False, False, [7]), (None, True, False, [])],
    ids=["is asked", "knows already", "of old", "is none"],
)
def test_colours_at_a_console_of_windows(
    monkeypatch: pytest.MonkeyPatch, mode: int | None, takes_more: bool, is_coloured: bool, asked: list[int]
) -> None:
    made = console(monkeypatch, mode, takes_more=takes_more)
    stream = Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["eval", "sinn(x)", "--x", "1"]) == 2
    assert stream.content.startswith(b"\033[1;31merror:\033[0m " if is_coloured else b"error: unknown function")
    assert set(made) == set(asked)


def test_a_line_leaves_the_last_place_of_windows_consoles_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination.shutil, "get_terminal_size", lambda: os.terminal_size((80, 25)))
    assert destination.terminal_width() == 80
    monkeypatch.setattr(destination.sys, "platform", "win32")
    assert destination.terminal_width() == 79
    monkeypatch.setenv("COLUMNS", "80")
    assert destination.terminal_width() == 80


@pytest.mark.parametrize("encoding", ["cp437", "cp850", "cp932", "cp1252", "cp1254", "ascii"])
@pytest.mark.parametrize(
    "words",
    [
        ["vjp", "x**2", "--x", "1,2;3,4", "--v", "ones"],
        ["jacobian", "θ**2", "--θ", "1,2"],
        ["sparsity", "diff(x)", "--x", "1,2,3"],
        ["check", "x**2", "--x", "3"],
        ["explain", "x**2", "--x", "3"],
        ["graph", "tanh(x) * x", "--x", "3"],
        ["ops", "relu"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])
def test_a_code_page_without_our_signs_gets_plain_ones(
    monkeypatch: pytest.MonkeyPatch, encoding: str, words: list[str], is_terminal: bool
) -> None:
    stream = Stream(encoding, is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(stream, *words)
    foreign = text.replace("\\u03b8", "").replace("θ", "")
    assert "\\u" not in foreign
    assert "\\x" not in foreign


def test_a_dumb_terminal_gets_neither_colours_nor_lines_that_are_drawn_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, err = Stream(is_terminal=True), Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr("jaccli.cli.suite.progress._PATIENCE", 0.0)
    Path("s.jaccli.toml").write_text('[[formula]]\nexpr = "x**2"\ninputs.x = 3\n' * 3, "utf-8")
    monkeypatch.setenv("TERM", "dumb")
    assert main(["test", "s.jaccli.toml"]) == 0
    assert main(["vjp", "x**2", "--x", "eye:3", "--v", "ones"]) == 0
    assert main(["eval", "log(x)", "--x", "0"]) == 0
    assert b"\033" not in out.content + err.content
    monkeypatch.setenv("TERM", "xterm")
    assert main(["test", "s.jaccli.toml"]) == 0
    assert b"\033[K" in err.content


@pytest.mark.parametrize(
    "words",
    [
        ["vjp", "x**2", "--x", "eye:3", "--v", "ones"],
        ["check", "sin(x)", "--x", "1"],
        ["explain", "sin(x)", "--x", "1"],
        ["ops", "relu"],
        ["--help"],
    ],
    ids=lambda words: words[0],
)
def test_a_terminal_without_colours_gets_plain_text(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    for setting, is_plain in (("1", True), ("", False)):
        out = Stream(is_terminal=True)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setenv("NO_COLOR", setting)
        assert main(words) == 0
        assert (b"\033" not in out.content) == is_plain


# Locales


@pytest.mark.parametrize(
    "settings",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8"},
        {"LC_ALL": "de_DE.ISO-8859-1", "LANGUAGE": "de"},
        {"LC_ALL": "no_such_locale"},
    ],
    ids=lambda settings: settings["LC_ALL"],
)
def test_numbers_are_read_and_written_alike_in_every_locale(settings: dict[str, str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JACCLI_CACHE": "off", **settings}
    Path("x.csv").write_text("1.5,2\n", "utf-8")
    words = ["eval", "sin(I)*0 + x + 0.25", "--x", "@x.csv", "--I", "1", "--format", "csv"]
    command = [sys.executable, "-m", "jaccli", *words]
    found = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"1.75\n2.25\n", b"")


@pytest.mark.parametrize("width", [20, 40, 60, 200])
@pytest.mark.parametrize(
    "words",
    [
        ["vjp", "x**2 + 1/3", "--x", "rand:3x9", "--v", "ones"],
        ["jacobian", "sin(x)", "--x", "rand:7"],
        ["hessian", "sum(x**3)", "--x", "rand:6"],
        ["ops", "--family", "Activations"],
    ],
    ids=lambda words: words[0],
)
def test_tables_keep_to_the_columns(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, words: list[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(*words).out.splitlines()
    assert max(map(len, (line for line in lines if " functions, " not in line))) <= max(width, 38)
