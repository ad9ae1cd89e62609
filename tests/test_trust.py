"""Limits of memory and time, files that survive anything, and endings that are quiet."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaccli
from jaccli.cli.main import main
from jaccli.errors import LimitError
from jaccli.io.atomic import Replacement, write_atomically
from jaccli.io.npy_header import literal
from jaccli.runtime import memory
from jaccli.runtime.deadline import deadline

ROOT = Path(__file__).parents[1]
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and descriptors of POSIX")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files and limits of Linux")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(*words: str, code: str | None = None, **options: Any) -> subprocess.Popen[str]:
    """A process of the command line, or of some code."""
    program = ["-m", "jaccli"] if code is None else ["-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, *program, *words], text=True, env=environment, **streams)


def ended(*words: str, code: str | None = None, given: str | None = None, **options: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of a process."""
    with start(*words, code=code, stdin=subprocess.PIPE, **options) as process:
        out, err = process.communicate(given, timeout=120)
        return process.returncode, out or "", err or ""


# Memory


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "max(x[:, None] * x)", "--x", "ones:2000"],
        ["eval", "sin(x[:, None] + x)", "--x", "ones:2000"],
        ["eval", "broadcast_to(x, (2000, 2000))", "--x", "1"],
        ["eval", "a = outer(x, x); b = a @ a; c = b @ a; sum(c)", "--x", "ones:1200"],
        ["vjp", "sum(outer(x, x)**2)", "--x", "ones:2000"],
        ["jacobian", "x * sum(x)", "--x", "ones:2000"],
        ["jacobian", "cumsum(x)", "--x", "ones:2000", "--chunk", "2000"],
        ["hessian", "sum(x)**3", "--x", "ones:2000"],
        ["eval", "x", "--x", "ones:200000", "--json"],
        ["eval", "x", "--x", "ones:2000x2000"],
        ["eval", "eye(2000)"],
        ["eval", "x @ x", "--x", "randn:800x800"],  # inputs count: 5 MB beside a result of 5 MB
        ["jacobian", "x * y", "--x", "ones:900", "--y", "ones:900", "--mode", "forward"],  # 6 MB for each input
        ["jacobian", "x @ x", "--x", "rand:70x70", "--sparse"],
        ["sparsity", "x @ x", "--x", "rand:70x70"],
        ["derive", "sum(x)", "--x", "ones:2000x2000"],
    ],
    ids=lambda words: words[1],
)
def test_what_does_not_fit_is_refused_with_a_way_out(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--max-memory", "10M"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"\d (MB|GB)", err)
    assert "hint: " in err


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "sum(x.T.reshape(-1)[::2])", "--x", "ones:500x1000"],  # views take nothing
        ["eval", "sum(broadcast_to(x, (30, 1000)) * 2)", "--x", "ones:1000"],
        ["vjp", "⟦⟧".join(["x"]) + " + x" * 200, "--x", "ones:10000", "--v", "ones"],  # what is used up is let go
        ["jacobian", "x**2", "--x", "ones:20000", "--sparse", "-o", "j.npz"],
        ["eval", "x", "--x", "ones:100000", "-o", "x.npy"],
    ],
    ids=lambda words: words[1][:30],
)
def test_what_fits_is_not_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--max-memory", "10M"]) == 0, capsys.readouterr().err


def test_a_jacobian_fits_beside_its_passes(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["jacobian", "x * sum(x)", "--x", "ones:1000", "-o", "j.npy", "--max-memory"]
    assert main([*words, "8M"]) == 4
    assert "takes 8.0 MB, 9.0 MB while it is computed; 8.0 MB are free" in capsys.readouterr().err
    assert main([*words, "14M"]) == 0, capsys.readouterr().err
    assert np.array_equal(np.load("j.npy"), np.eye(1000) * 1000 + 1)


def test_where_the_system_refuses_memory_the_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("jaccli.runtime.plan._run_region_step", refused)
    words = ["eval", "sin(x) * 2", "--x", "ones:100000"]
    assert main([*words, "--max-memory", "500M"]) == 4
    assert "the limit of 500.0 MB does not leave enough memory" in capsys.readouterr().err
    assert main(words) == 4
    assert "the machine's memory does not hold an intermediate result" in capsys.readouterr().err


def test_the_environment_sets_limits_and_options_go_before_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACCLI_MAX_MEMORY", "1kB")
    words = ["eval", "sum(x)", "--x", "ones:1000"]
    assert main(words) == 4
    assert main([*words, "--max-memory", "1 GiB"]) == 0
    monkeypatch.setenv("JACCLI_MAX_MEMORY", "much")
    assert main(words) == 2
    assert "JACCLI_MAX_MEMORY is a size, and 'much' is not one" in capsys.readouterr().err
    monkeypatch.setenv("JACCLI_MAX_MEMORY", "")
    monkeypatch.setenv("JACCLI_TIMEOUT", "soon")
    assert main(words) == 2
    assert "JACCLI_TIMEOUT is a time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "files", "free"),
    [
        ("0::/a/b", {"a/b/memory.max": "1000", "a/b/memory.current": "300"}, 700),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "500", "a/memory.current": "100"}, 400),
        ("0::/gone", {"memory.max": "900", "memory.current": "0"}, 900),
        ("0::/../../x", {"memory.max": "900", "memory.current": "0"}, 900),
        (
            "3:cpu,memory:/c",
            {
                "memory/c/memory.limit_in_bytes": "1000",
                "memory/c/memory.usage_in_bytes": "900",
                "memory/c/memory.stat": "cache 5\ntotal_inactive_file 300\n",
            },
            400,
        ),
        ("5:cpu:/c", {"memory/c/memory.limit_in_bytes": "1"}, None),
    ],
)
@LINUX
def test_what_a_container_leaves(
    version: str, files: dict[str, str], free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "cgroup").write_text(version + "\n")
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "cgroup")
    assert min(memory._container_rests(), default=None) == free


@LINUX
def test_the_limit_of_the_process_counts() -> None:
    code = (
        "import resource, sys; from jaccli.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "sys.exit(main(['eval', 'sum(x)', '--x', 'ones:20000x20000']))"
    )
    ending, out, err = ended(code=code)
    assert (ending, out) == (4, "")
    assert "would take 3.2 GB of memory, and " in err


# Time


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "sum(inv(x @ x @ x @ x @ x @ x @ x @ x))", "--x", "randn:3000x3000"],
        ["check", "besselj(2, x)*zeta(x)*gamma(x)**x*erf(x)", "--x", "linspace:1.1:9:4000", "--against", "all"],
        ["vjp", "@long.jac", "--x", "1"],
    ],
    ids=["numpy", "sympy", "parser"],
)
def test_a_deadline_ends_any_work(words: list[str]) -> None:
    Path("long.jac").write_text("x" + " + sin(x)" * 110_000)
    ending, out, err = ended(*words, "--timeout", "0.4")
    assert (ending, out) == (4, "")
    assert err.startswith("error: the work took longer than 0.4 s and was stopped\n  hint: ")
    assert err.count("\n") == 2


@POSIX
def test_a_deadline_ends_waiting_for_input() -> None:
    with start("eval", "x", "--x", "@-", "--timeout", "0.3", stdin=subprocess.PIPE) as process:
        assert process.wait(60) == 4  # standard input stays open
        assert process.stderr is not None
        assert "longer than 0.3 s" in process.stderr.read()


def test_a_deadline_that_is_kept_leaves_no_trace() -> None:
    with deadline(0.2, lambda: None):
        pass
    time.sleep(0.4)
    with pytest.raises(LimitError, match="longer than"), deadline(0.1, lambda: None):
        while True:
            time.sleep(0.01)
    time.sleep(0.1)
    assert "deadline" not in [thread.name for thread in threading.enumerate()]


# Files


@POSIX
@pytest.mark.parametrize("kind", ["json", "csv", "npy", "npz", "mtx", "tex", "md", "txt", "tsv"])
def test_a_failing_write_leaves_the_old_file(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    import resource

    path = Path(f"out.{kind}")
    path.write_bytes(b"precious")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        assert main(["eval", "x", "--x", "ones:100", "-o", str(path)]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert capsys.readouterr().err.startswith(f"error: out.{kind} cannot be written: ")
    assert path.read_bytes() == b"precious"
    assert os.listdir() == [path.name]


@POSIX
def test_a_killed_command_leaves_a_whole_file() -> None:
    write_atomically("out.npy", b"old")
    for delay in np.linspace(0.15, 0.5, 8):
        with start("eval", "x", "--x", "ones:1500x1500", "-o", "out.npy") as process:
            time.sleep(delay)
            process.kill()
        content = Path("out.npy").read_bytes()
        assert content == b"old" or np.load(io.BytesIO(content)).shape == (1500, 1500)


@POSIX
def test_what_a_killed_process_left_is_swept_away() -> None:
    left, young = Path(".out.npy.0123456789abcdef.part"), Path(".out.npy.fedcba9876543210.part")
    mine = Replacement("out.npy", b"mine")
    other = Path(".another.npy.0123456789abcdef.part")
    for path in (left, young, other):
        path.write_bytes(b"half")
    for path in (left, other, *Path().glob(".out.npy.*.part")):
        if path != young:
            os.utime(path, (time.time() - 60,) * 2)
    write_atomically("out.npy", b"new")
    assert (left.exists(), young.exists(), other.exists()) == (False, True, True)
    mine.take_place()
    assert Path("out.npy").read_bytes() == b"mine"


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_what_is_terminated_leaves_no_temporary_file(number: signal.Signals) -> None:
    code = (
        "import jaccli.__main__ as process, jaccli.io.atomic as atomic, time\n"
        "process._end_at_interrupts(); waiting = atomic.Replacement('out.npy', b'new'); print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    with start(code=code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(os.listdir()) == 1
        process.send_signal(number)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 128 + number
    assert os.listdir() == []


@POSIX
def test_links_and_permissions_stay() -> None:
    os.mkdir("there")
    Path("there/true.json").write_text("{}")
    os.chmod("there/true.json", 0o640)
    os.symlink("there/true.json", "link.json")
    assert main(["eval", "x", "--x", "1", "-o", "link.json"]) == 0
    assert os.path.islink("link.json")
    assert json.loads(Path("there/true.json").read_text())["result"] == 1.0
    assert os.stat("there/true.json").st_mode & 0o777 == 0o640


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkdir("closed", mode=0o500)
    for words in (
        ["eval", "x", "--x", "1", "-o", "closed/r.json"],
        ["grad", "x", "--x", "1", "--state", "closed/s.npz"],
    ):
        assert main(words) == 2
        assert "no permission to write in" in capsys.readouterr().err


def test_a_result_can_replace_its_own_input() -> None:
    np.save("x.npy", np.arange(4.0))
    assert main(["eval", "2*x", "--x", "@x.npy", "-o", "x.npy"]) == 0
    assert np.load("x.npy").tolist() == [0, 2, 4, 6]


def test_a_replacement_that_is_dropped_leaves_nothing() -> None:
    Replacement("a.txt", b"never").drop()
    assert os.listdir() == []


@POSIX
def test_a_pipe_that_nobody_writes_to_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jaccli.io.opening.PATIENCE", 0.1)
    os.mkfifo("silent")
    for words in (["eval", "x", "--x", "@silent"], ["eval", "@silent"]):
        assert main(words) == 2
        assert "silent" in capsys.readouterr().err
    os.mkfifo("speaking")
    monkeypatch.setattr("jaccli.io.opening.PATIENCE", 60.0)
    writer = threading.Thread(target=lambda: Path("speaking").write_bytes(b"1,2,3\n"))
    writer.start()
    assert main(["eval", "sum(x)", "--x", "@speaking", "--json"]) == 0
    writer.join()
    assert json.loads(capsys.readouterr().out)["result"] == 6


@POSIX
def test_a_pipe_that_nobody_reads_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("jaccli.io.atomic._PATIENCE", 0.1)
    os.mkfifo("unread.json")
    assert main(["eval", "x", "--x", "1", "-o", "unread.json"]) == 2
    assert "it is a pipe that nobody reads" in capsys.readouterr().err
    monkeypatch.setattr("jaccli.io.atomic._PATIENCE", 60.0)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(Path("unread.json").read_text()))
    reader.start()
    assert main(["eval", "x", "--x", "1", "-o", "unread.json"]) == 0
    reader.join()
    assert json.loads(found[0])["result"] == 1


# Accumulators


def adding(count: int) -> str:
    """Code that adds 1 so many times."""
    return (
        "import sys; from jaccli.cli.main import main\n"
        f"for _ in range({count}):\n"
        "    assert main(['grad', 'x', '--x', '1,2', '--v', 'ones', '--state', 's.npz', '-o', sys.argv[1]]) == 0"
    )


@pytest.mark.parametrize(
    ("processes", "updates"), [(3, 10), pytest.param(8, 100, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_processes_that_write_at_once_lose_no_update(processes: int, updates: int) -> None:
    running = [start(f"{number}.json", code=adding(updates)) for number in range(processes)]
    for process in running:
        _, err = process.communicate(timeout=280)
        assert process.returncode == 0, err
    assert np.load("s.npz")["x"].tolist() == [processes * updates] * 2
    assert not [name for name in os.listdir() if name.endswith(".part")]


@POSIX
def test_a_killed_writer_leaves_the_old_state_or_the_new() -> None:
    held = 0.0
    for delay in (0.0, 0.003, 0.007, 0.013):
        with start("r.json", code=adding(100_000)) as process:
            while not (os.path.exists("s.npz") and np.load("s.npz")["x"][0] > held) and process.poll() is None:
                time.sleep(0.01)
            time.sleep(delay)
            process.kill()
        now = np.load("s.npz")["x"]
        assert now[0] == now[1] > held
        held = float(now[0])
    assert main(["grad", "x", "--x", "1,2", "--v", "ones", "--state", "s.npz"]) == 0


GRAD = ["grad", "x", "--x", "1,2", "--v", "ones", "--state", "s.npz"]


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        (["grad", "y", "--y", "1,2", "--v", "ones"], "holds the gradients of x, and these are of y"),
        (["grad", "x*y", "--x", "1,2", "--y", "1", "--v", "ones"], "holds the gradients of x, and these are of x, y"),
        (["grad", "x", "--x", "1", "--v", "ones"], "of shape 2, and x is scalar"),
        (["grad", "x", "--x", "1,2", "--v", "ones", "--dtype", "float32"], "as float64, and x is float32"),
        (["grad", "x", "--x", "1,2", "--v", "ones", "-o", "s.npz"], "name the same file"),
        (["grad", "x", "--x", "1,2", "--v", "ones", "-o", "missing/r.json"], "does not exist"),
        (["grad", "x", "--x", "1,2", "--v", "ones", "--v", "1,2,3"], "v has shape (3,)"),
    ],
)
def test_a_state_of_something_else_is_refused_untouched(
    words: list[str], fragment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(GRAD) == 0
    before = Path("s.npz").read_bytes()
    assert main([*words, "--state", "s.npz"]) == 2
    assert fragment in capsys.readouterr().err
    assert Path("s.npz").read_bytes() == before


@pytest.mark.parametrize(
    "variables",
    [{}, {"COMP_WORDS": "jaccli v", "COMP_CWORD": "many"}, {"_JACCLI_COMPLETE": "x"}, {"_JACCLI_COMPLETE": "a_b_c"}],
)
def test_a_question_of_a_shell_that_makes_no_sense_is_an_error(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_JACCLI_COMPLETE", "complete_bash")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["vjp", "x", "--x", "1"]) == 2
    assert "unset _JACCLI_COMPLETE" in capsys.readouterr().err


@POSIX
@pytest.mark.parametrize("words", ["--help", "vjp --help"])
def test_help_for_nobody_is_no_error_of_ours(words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f'"$0" -m jaccli {words} >&-'
    finished = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert finished.returncode in (0, 2)
    assert "internal error" not in finished.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_an_update_counts_only_where_its_result_was_shown() -> None:
    assert main(GRAD) == 0
    before = Path("s.npz").read_bytes()
    with open("/dev/full", "w") as full:
        assert ended(*GRAD, stdout=full)[0] == 2
    assert Path("s.npz").read_bytes() == before
    assert not [name for name in os.listdir() if name.endswith(".part")]
    reader, writer = os.pipe()
    os.close(reader)
    assert ended(*GRAD, stdout=writer)[::2] == (0, "")  # nobody wanted to read on, as with | head
    os.close(writer)
    assert np.load("s.npz")["x"].tolist() == [2, 2]


# Endings


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("extra", "settings", "is_seen"),
    [([], {}, True), (["--quiet"], {}, False), ([], {"TERM": "dumb"}, False), (["--sparse"], {}, True)],
)
def test_a_bar_is_seen_at_a_terminal_and_leaves_no_trace(
    extra: list[str], settings: dict[str, str], is_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaccli.cli.progress.PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    words = ["jacobian", "cumsum(x)", "--x", "ones:50", "--chunk", "5", "-o", "j.npz", *extra]
    assert main(words) == 0
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("10 %" in shown) is is_seen
    assert shown.endswith("\r\033[K") is is_seen


def test_short_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["jacobian", "cumsum(x)", "--x", "ones:8", "--chunk", "1", "-o", "j.npz"]) == 0
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


@POSIX
def test_an_interrupt_at_any_instant_is_one_line() -> None:
    write_atomically("out.npy", b"old")
    endings = set()
    for delay in np.linspace(0.05, 0.45, 9):
        words = ("eval", "x", "--x", "ones:1000x1000", "-o", "out.npy")
        with start(*words) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        # Before the program has begun, the interpreter itself answers.
        if process.returncode in (0, 130):
            assert err == ("error: interrupted\n" if process.returncode else "")
            endings.add(process.returncode)
        assert [name for name in os.listdir() if name != "out.npy"] == []
    assert 130 in endings


@POSIX
def test_an_interrupt_ends_one_long_call_of_a_library() -> None:
    code = (
        "import sys, threading, os, signal; import jaccli.__main__ as process\n"
        "threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "sys.argv = ['jaccli', 'eval', 'sum(x@x@x@x@x@x@x@x)', '--x', 'randn:6000x6000']; sys.exit(process.main())"
    )
    started = time.monotonic()
    assert ended(code=code)[::2] == (130, "error: interrupted\n")
    assert time.monotonic() - started < 60  # the products alone would take minutes


@LINUX
def test_processes_of_test_end_with_a_killed_parent() -> None:
    slow = '[[formula]]\nexpr = "sum(sin(x @ x)**2)"\ninputs.x = "randn:60x60"\n'
    Path("s.jaccli.toml").write_text(slow * 4, "utf-8")
    with start("test", "-j", "2", "s.jaccli.toml") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        started = time.monotonic()
        while len(found := children.read_text().split()) < 3 and time.monotonic() - started < 30:
            time.sleep(0.05)
        time.sleep(1.0)
        process.kill()
    started = time.monotonic()
    while alive := [child for child in found if _is_alive(child)]:
        assert time.monotonic() - started < 8, alive  # the symbolic witness alone would take longer
        time.sleep(0.05)
    assert len(found) == 3


def _is_alive(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@POSIX
def test_an_interrupt_that_is_ignored_stays_so() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import jaccli.__main__ as process\n"
        "process._end_at_interrupts(); print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    )
    assert ended(code=code)[1] == "True\n"


@POSIX
@pytest.mark.parametrize(("closed", "expected"), [("<&-", 0), (">&-", 2), ("2>&-", 0), ("<&- >&- 2>&-", 2)])
def test_closed_descriptors_do_no_harm(closed: str, expected: int) -> None:
    command = f'"$0" -m jaccli eval x.repeat\\(2\\) --x 1,2 {closed}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert finished.returncode == expected
    assert "Traceback" not in finished.stderr
    command = f'"$0" -m jaccli eval x.repeat\\(2\\) --x 1,2 -o r.json {closed}'
    finished = subprocess.run(["sh", "-c", command, sys.executable], env=environment, timeout=60, check=False)
    assert finished.returncode == 0
    assert json.loads(Path("r.json").read_text())["result"] == [1, 1, 2, 2]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_messages_that_cannot_be_said_do_no_harm() -> None:
    with open("/dev/full", "w") as full:
        assert ended("eval", "x.repeat(2)", "--x", "1,2", "--format", "plain", stderr=full) == (
            0,
            "1.0\n1.0\n2.0\n2.0\n",
            "",
        )
        assert ended("eval", "x +", "--x", "1,2", stderr=full)[0] == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "latin-1", "cp1252"])
@pytest.mark.parametrize(
    "words",
    [
        ["jacobian", "x*sum(x)", "--x", "ones:40"],
        ["--help"],
        ["vjp", "--help"],
        ["ops", "softmax"],
        ["sparsity", "x", "--x", "1,2"],
        ["vjp", "x +", "--x", "1"],
    ],
    ids=" ".join,
)
def test_a_terminal_without_utf8_gets_letters(words: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding, newline="") for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    main(words)
    for stream in streams.values():
        stream.flush()
        shown = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
        assert "\\u" not in shown
        assert "internal error" not in shown


@POSIX
def test_the_c_locale_is_served() -> None:
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ending, out, err = ended("vjp", "x**2 + ∂", "--x", "1", env=settings)
    assert ending == 2
    assert "Traceback" not in err
    ending, out, err = ended("vjp", "x*sum(x)", "--x", "ones:3", "--v", "ones", env=settings)
    assert (ending, out.splitlines()[0]) == (0, "v^TJ for x  (3)")


def test_the_result_of_a_command_is_the_input_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vjp", "x*y", "-ix=1,2", "-iy=3", "--v", "ones", "-o", "r.json"]) == 0
    assert main(["eval", "2*x", "--x", "@r.json:x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"] == [6, 6]
    assert main(["eval", "3*x", "--x", "1,2", "-o", "r.json"]) == 0
    assert main(["eval", "2*x", "--x", "@r.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"] == [6, 12]


def test_several_sparse_blocks_go_into_one_archive() -> None:
    assert main(["jacobian", "x*y", "--x", "1,2", "--y", "3,4", "--sparse", "-o", "j.npz"]) == 0
    found = np.load("j.npz")
    assert sorted(found) == [f"{name}.{part}" for name in "xy" for part in ("col", "data", "row", "shape")]
    assert found["x.data"].tolist() == [3, 4]
    assert found["y.shape"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': (1, 2), \"b\": [True, 'x']}\n", {"a": (1, 2), "b": [True, "x"]}),
        ("(3L,)", (3,)),
        ("()", ()),
        ("((), [])", ((), [])),
        ("(1)", 1),
    ],
)
def test_literals_are_read_without_the_compiler(text: str, value: object) -> None:
    assert literal(text) == value


@pytest.mark.parametrize("text", ["", "(", "1 1", "(1,]", "{1: 2}", "f()", "'a' 'b'", "a", "(" * 99, "1.5", "{'a'}"])
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        literal(text)


def test_a_graph_that_explodes_is_stopped() -> None:
    text = "x = outer(x, x).ravel(); " * 40 + "sum(x)"
    with pytest.raises(LimitError):
        jaccli.Formula(text).value({"x": [1.0, 2.0]})
