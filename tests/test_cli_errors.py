"""What the command line says when it cannot do what is asked: one message, the right exit code, no traceback."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaccli.cli.main import COMMANDS, main

# (words, exit code, fragments of the message)
MISTAKES: list[tuple[list[str], int, list[str]]] = [
    # the command
    (["vpj", "x", "--x", "3"], 2, ["there is no command 'vpj'", "did you mean vjp?"]),
    (["x**2 + y", "--x", "3"], 2, ["there is no command", "the command stands first"]),
    (["--bogus"], 2, ["--bogus"]),
    # the formula
    (["vjp"], 2, ["there is no formula"]),
    (["vjp", "--x", "3"], 2, ["there is no formula"]),
    (["vjp", "x", "y", "--x", "3"], 2, ["there are two formulas: x and y"]),
    (["vjp", "@missing.jac", "--x", "3"], 2, ["cannot be read from missing.jac", "No such file"]),
    (["vjp", "@", "--x", "3"], 2, ["@ has no file name"]),
    (["vjp", "@.", "--x", "3"], 2, ["cannot be read from ."]),
    (["vjp", "", "--x", "3"], 2, []),
    (["vjp", "x +", "--x", "3"], 2, ["x +", "^"]),
    (["vjp", "__import__('os').getpid()"], 2, ["^"]),
    (["vjp", "sinn(x)", "--x", "3"], 2, ["sinn", "sin"]),
    # options
    (["vjp", "x", "--x", "3", "--format", "jsn"], 2, ["--format has no choice 'jsn'", "did you mean json?"]),
    (["vjp", "x", "--x", "3", "--precision", "many"], 2, ["--precision takes a whole number", "many"]),
    (["vjp", "x", "--x", "3", "--precision", "0"], 2, ["from 1 to 17", "0"]),
    (["vjp", "x", "--x", "3", "--seed", "-1"], 2, ["--seed", "at least 0", "-1"]),
    (["vjp", "x", "--x", "3", "--dtype", "float16"], 2, ["--dtype", "float64, float32"]),
    (["vjp", "x", "--x", "3", "--json", "--format", "csv"], 2, ["exclude each other"]),
    (["vjp", "x", "--x", "3", "--quiet", "--verbose"], 2, ["exclude each other"]),
    (["vjp", "x", "--x", "3", "--v", "1", "--v", "2"], 2, ["--v is given twice"]),
    (["vjp", "x", "--x", "3", "--json=no"], 2, ["--json takes no value"]),
    (["vjp", "x", "--x", "3", "--v"], 2, ["--v has no value"]),
    (["jacobian", "x", "--x", "3", "--mode", "fast"], 2, ["--mode", "auto, reverse, forward, sparse"]),
    (["jacobian", "x", "--x", "3", "--chunk", "0"], 2, ["--chunk", "at least 1"]),
    (["jacobian", "x", "--x", "3", "--layout", "tensor", "--sparse"], 2, ["--sparse gives a matrix"]),
    (["check", "x", "--x", "3", "--against", "symbolc"], 2, ["symbolc", "did you mean symbolic?"]),
    # inputs
    (["vjp", "x*y", "--x", "3"], 2, ["the input y has no value", "--y VALUE"]),
    (["vjp", "x*y"], 2, ["the inputs x, y have no value"]),
    (["vjp", "x", "--x", "3", "--bogus", "3"], 2, ["no input bogus", "its only input is x"]),
    (["vjp", "theta*x", "--x", "3", "--thetta", "3"], 2, ["no input thetta", "theta, x", "did you mean theta?"]),
    (["jacobian", "x", "--x", "3", "--chunck", "3"], 2, ["no input chunck", "did you mean --chunk?"]),
    (["vjp", "v*x", "--x", "3", "--v", "3"], 2, ["the input v has no value", "-i v=VALUE"]),
    (["vjp", "x", "--x", "3", "--x", "4"], 2, ["the input x is given twice: 3 and 4"]),
    (["vjp", "x", "--x", "3", "-i", "x=4"], 2, ["the input x is given twice"]),
    (["vjp", "x", "-i", "x"], 2, ["NAME=VALUE"]),
    (["vjp", "x", "--x"], 2, ["--x has no value"]),
    (["vjp", "x", "--x", "--json"], 2, ["--x has no value"]),
    (["vjp", "3", "--x", "3"], 2, ["no input x", "it has no inputs"]),
    (["vjp", "x", "--x", "3", "--wrt", "z"], 2, ["--wrt", "no input z"]),
    (["vjp", "x*y", "--x", "3", "--y", "2", "--wrt", ""], 2, ["error: --wrt names no input\n", "--wrt x,y, or leave"]),
    (["derive", "x*y", "--wrt", " , "], 2, ["error: --wrt names no input\n", "--wrt x,y, or leave it out"]),
    (["vjp", "x", "--x", "3", "--wrt", "x,,x"], 2, ["error: --wrt x,,x has a gap\n"]),
    # values
    (["vjp", "x", "--x", "@missing.npy"], 2, ["missing.npy"]),
    (["vjp", "x", "--x", "eyes:5"], 2, ["eyes", "eye"]),
    (["vjp", "x", "--x", "[1,"], 2, ["--x"]),
    (["vjp", "x", "--x", "1e"], 2, ["--x"]),
    # v and tangents
    (["vjp", "x", "--x", "1,2"], 2, ["--v"]),
    (["vjp", "x", "--x", "1,2", "--v", "1,2,3"], 2, ["3", "2"]),
    (["jvp", "x", "--x", "1,2"], 2, ["there is no tangent", "--t x=ones"]),
    (["jvp", "x", "--x", "1,2", "--t", "y=1,2"], 2, ["--t y", "no input y"]),
    (["jvp", "x", "--x", "1,2", "--t", "1,2"], 2, ["--t takes NAME=VALUE"]),
    (["jvp", "t", "-i", "t=1", "--t", "1"], 2, ["--t takes NAME=VALUE", "-i t=VALUE"]),
    (["jvp", "x", "--x", "1,2", "--t", "x=1,2", "--t", "x=3,4"], 2, ["--t x is given twice: 1,2 and 3,4"]),
    (["derive", "x", "--shape", "x=1", "--shape", "x=2"], 2, ["error: --shape x is given twice: 1 and 2"]),
    (["jvp", "x", "--x", "1,2", "--t", "x=1,2,3"], 2, ["3", "2"]),
    (["hessian", "x", "--x", "1,2"], 2, ["scalar"]),
    # output
    (["vjp", "x", "--x", "3", "-o", "result"], 2, ["without extension", ".json"]),
    (["vjp", "x", "--x", "3", "-o", "result.xlsx"], 2, [".xlsx", "--format"]),
    (["vjp", "x", "--x", "3", "-o", "missing/result.json"], 2, ["missing", "does not exist"]),
    (["vjp", "x", "--x", "3", "-o", ".", "--json"], 2, ["is a folder"]),
    (["vjp", "x*y", "--x", "3", "--y", "2", "-o", "r.npy"], 2, ["holds one array", ".npz", "--wrt"]),
    (["jacobian", "x", "--x", "1,2", "--sparse", "-o", "r.npy"], 2, ["no sparse matrix"]),
    (["grad", "x", "--x", "3", "--state", "missing/s.npz"], 2, ["missing", "does not exist"]),
    (["ops", "sinn"], 2, ["there is no function 'sinn'", "sin"]),
    (["ops", "--format", "npy"], 2, ["holds arrays"]),
    # numbers
    (["vjp", "log(x)", "--x", "0", "--strict"], 3, ["not finite", "1 inf"]),
    (["eval", "x", "--x", "[1,nan]", "--strict"], 3, ["not finite", "1 nan of 2", "[1]"]),
    (["grad", "log(x)", "--x", "0", "--v", "1", "--v", "reset", "--strict"], 3, ["after call 1"]),
    (["explain", "log(x)", "--x", "0", "--strict"], 3, ["it arose in the forward pass: log(x) is -inf", "^^^^^^"]),
    (["vjp", "x + inf", "--x", "1", "--value", "--strict"], 3, ["the value f(x) is not finite", "x + inf is inf at x"]),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(("words", "code", "fragments"), MISTAKES)
def test_a_mistake_gets_one_message_and_its_exit_code(
    words: list[str], code: int, fragments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert "Traceback" not in err
    assert "internal error" not in err
    for fragment in fragments:
        assert fragment in err
    assert os.listdir() == []


def environment(**further: str) -> dict[str, str]:
    path = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **further}


def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaccli", *words]
    return subprocess.run(command, env=env or environment(), capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "code", "fragment"),
    [
        (["vjp", "x", "--x", "--json"], 2, "--x has no value"),
        (["vjp", "log(x)", "--x", "0", "--strict"], 3, "not finite"),
        (["nothing"], 2, "there is no command"),
        ([], 2, ""),
    ],
)
def test_the_real_entry_point_exits_alike(words: list[str], code: int, fragment: str) -> None:
    ended = run(*words)
    assert ended.returncode == code
    assert fragment in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        (["--help"], {"numpy", "scipy", "sympy", "pydantic", "rich"}),
        (["--version"], {"numpy", "scipy", "sympy", "pydantic", "rich"}),
        (["vjp", "--help"], {"numpy", "scipy", "sympy", "pydantic", "rich"}),
        (["ops"], {"numpy", "scipy", "sympy", "pydantic", "rich"}),
        (["ops", "tanh", "--json"], {"numpy", "scipy", "sympy", "pydantic", "rich"}),
        (["vjp", "x*x", "--x", "3", "--json"], {"rich", "pydantic"}),
        (["vjp", "x*x", "--x", "3"], {"rich", "pydantic"}),
    ],
)
def test_nothing_heavy_is_loaded_that_is_not_needed(words: list[str], modules: set[str]) -> None:
    code = (
        f"import sys; from jaccli.cli.main import main; main({words!r}); print(sorted({modules!r} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=60)
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("jaccli j", ["jvp", "jacobian"]),
        ("jaccli vjp --form", ["--format"]),
        ("jaccli vjp x --x 3 --format m", ["mtx", "markdown"]),
        ("jaccli vjp x --x 3 --d", ["--dtype", "--debug"]),
    ],
)
def test_completion_offers_commands_options_and_choices(line: str, offered: list[str]) -> None:
    position = str(len(line.split()) - 1)
    ended = run(env=environment(_JACCLI_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=position))
    assert ended.stdout.split() == offered


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_with_an_example_that_runs(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex

    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    example = shown.rstrip().splitlines()[-1].strip()
    program, *words = shlex.split(example)
    assert program == "jaccli"
    assert words[0] == name
    assert main(words) == 0
    assert capsys.readouterr().out


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for code in ("0", "1", "2", "3", "4", "70", "130"):
        assert re.search(rf"^ +{code}  ", shown, re.MULTILINE)
    for name in COMMANDS:
        assert re.search(rf"^  {name}  ", shown, re.MULTILINE)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"jaccli \d+\.\d+\S*\n", capsys.readouterr().out)


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vjp", "x", "--debug"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-2].startswith("error: ")


@pytest.mark.parametrize(
    ("failure", "code", "fragment"),
    [
        (ZeroDivisionError("surprise"), 70, "internal error: ZeroDivisionError: surprise"),
        (MemoryError(), 4, "not enough memory"),
        (RecursionError("deep"), 4, "too deep"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_nobody_expected_is_one_message(
    failure: BaseException,
    code: int,
    fragment: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import jaccli.cli.request

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(jaccli.cli.request, "read", fail)
    assert main(["vjp", "x", "--x", "3"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert fragment in err
    assert "Traceback" not in err


def test_an_error_message_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vjp", "x + \x1b]0;title\x07", "--x", "3"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\x07" not in err


def test_a_closed_pipe_ends_quietly() -> None:
    words = [sys.executable, "-m", "jaccli", "eval", "x", "--x", "arange:200000", "--format", "plain"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("chosen", ["plain", "npy", "json"])
def test_a_full_disk_is_said(chosen: str) -> None:
    words = [sys.executable, "-m", "jaccli", "eval", "x", "--x", "arange:20000", "--format", chosen]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=environment(), text=True, timeout=60)
    assert ended.returncode == 2
    assert "No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_with_130() -> None:
    words = [sys.executable, "-m", "jaccli", "vjp", "-", "--x", "3"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdin is not None and process.stderr is not None
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert b"Traceback" not in process.stderr.read()


# Inputs and outputs that work


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-x**2", "--x", "3"], -6.0),
        (["--x", "3", "-x**2"], -6.0),
        (["x**2", "--x", "-1.5"], -3.0),
        (["x**2", "--x=-1.5"], -3.0),
        (["v*3", "-i", "v=2"], 3.0),
        (["θ**2", "--θ", "1"], 2.0),
        (["W1*2", "--W1", "pi/4"], 2.0),
        (["x**2", "--x", "2", "--v", "-1"], -4.0),
        (["x**2", "--v=-1", "--x", "2"], -4.0),
        (["--x", "2", "--", "-x"], -1.0),
    ],
)
def test_formula_and_inputs_in_any_order(words: list[str], expected: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vjp", "--json", *words]) == 0
    (result,) = json.loads(capsys.readouterr().out)["result"].values()
    assert result == expected


def test_formula_from_a_file_and_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("f.jac").write_text("\ufeffx**2\n", encoding="utf-8")
    assert main(["vjp", "@f.jac", "--x", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["expression"] == "x**2"
    standard_input(monkeypatch, b"x**3\n")
    assert main(["vjp", "-", "--x", "2", "--format", "plain"]) == 0
    assert capsys.readouterr().out == "12.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ["vjp", "-", "--x", "@-"],
        ["vjp", "x*y", "--x", "@-", "--y", "@-"],
        ["vjp", "x", "--x", "@-", "--v", "@-"],
        ["vjp", "-", "--x", "int:@-"],
        ["jvp", "x", "--x", "@-", "--t", "x=@-"],
        ["grad", "x", "--x", "3", "--v", "@-", "--v", "@-"],
    ],
)
def test_standard_input_is_read_once(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standard_input(monkeypatch, b"3")
    assert main(words) == 2
    assert "standard input can be read once" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b"x" * 10_000_001])
def test_a_formula_file_must_be_text_of_bearable_length(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.jac").write_bytes(content)
    assert main(["vjp", "@f.jac", "--x", "3"]) in (2, 4)
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("extension", [".json", ".csv", ".tsv", ".npy", ".npz", ".mtx", ".tex", ".md", ".txt"])
def test_a_file_takes_the_format_of_its_extension(extension: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"result{extension}"
    assert main(["vjp", "(x+1)**2", "--x", "eye:5", "--v", "ones", "-o", path]) == 0
    assert capsys.readouterr() == ("", "")
    assert Path(path).stat().st_size > 0
    assert os.listdir() == [path]
    if extension == ".npy":
        np.testing.assert_array_equal(np.load(path), 2 * np.eye(5) + 2)


def test_a_binary_format_is_kept_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["vjp", "x", "--x", "3", "--format", "npy"]) == 2
    assert "-o FILE.npy" in capsys.readouterr().err


def test_state_accumulates_between_invocations(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["grad", "(x+1)**2", "--x", "eye:2", "--v", "ones", "--state", "s.npz", "--json"]
    results = []
    for extra in ([], [], ["--v", "reset"], []):
        assert main([*words, *extra]) == 0
        results.append(json.loads(capsys.readouterr().out)["result"]["x"])
    assert results == [[[4, 2], [2, 4]], [[8, 4], [4, 8]], [[0, 0], [0, 0]], [[4, 2], [2, 4]]]


def test_state_is_not_touched_by_a_failed_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grad", "log(x)", "--x", "1", "--state", "s.npz"]) == 0
    before = Path("s.npz").read_bytes()
    assert main(["grad", "log(x)", "--x", "0", "--state", "s.npz", "--strict"]) == 3
    assert main(["grad", "log(x)", "--x", "1,2", "--v", "ones", "--state", "s.npz"]) == 2
    assert Path("s.npz").read_bytes() == before
    assert "and x is 2" in capsys.readouterr().err


def test_a_check_that_does_not_hold_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import jaccli.verify
    from jaccli.verify import CheckReport, Row

    wrong = Row("symbolic", "x", 4, 0.5, math.inf, math.nan, (0, 1), 2.0, 1.5, "differs", "half of it is missing")
    monkeypatch.setattr(jaccli.verify, "check", lambda *_, **__: CheckReport((wrong,)))
    assert main(["check", "x**2", "--x", "eye:2", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["holds"] is False
    assert content["rows"][0]["largest_relative"] == "Infinity"
    assert content["rows"][0]["worst_index"] == [0, 1]
    assert main(["check", "x**2", "--x", "eye:2"]) == 1
    shown = capsys.readouterr().out
    assert "differs" in shown
    assert "symbolic, x: half of it is missing" in shown
    assert shown.endswith("the derivative does not hold\n")


def test_a_strict_check_wants_a_derivative_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "abs(x)", "--x", "0", "--strict"]) == 1
    assert main(["check", "abs(x)", "--x", "1", "--strict"]) == 0
    assert main(["check", "x**3", "--x", "2", "--against", "symbolic, fd,adjoint"]) == 0


def test_notes_go_to_standard_error_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", "x.repeat(2)", "--x", "1,2", "--format", "plain"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out == "1.0\n1.0\n2.0\n2.0\n"
    assert err.startswith("note: ")
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == (out, "")
    assert main([*words, "--verbose"]) == 0
    assert "note: x has shape (2,) and dtype float64" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "has_escapes"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals(settings: dict[str, str], has_escapes: bool) -> None:
    ended = run("eval", "x", "--x", "1,nan", env=environment(**settings))
    assert ("\x1b[" in ended.stdout) is has_escapes
    assert "\x1b[" not in run("--help", env=environment(**settings)).stdout


def test_no_color_wins_over_force_color() -> None:
    settings = environment(FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[31" not in run("eval", "x", "--x", "1,nan", env=settings).stdout
    assert "\x1b[" not in run("nothing", env=settings).stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_encoding_is_served(encoding: str) -> None:
    settings = environment(PYTHONIOENCODING=encoding)
    ended = run("vjp", "x*θ", "--x", "1,2", "--θ", "2", "--v", "ones", "--json", env=settings)
    assert json.loads(ended.stdout)["result"] == {"x": [2.0, 2.0], "θ": 3.0}
    assert run("vjp", "x", "--x", "1,2", "--v", "ones", env=settings).returncode == 0
