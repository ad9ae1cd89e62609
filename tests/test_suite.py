"""`jaccli test`: what it says, writes and refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from jaccli.verify.specs import workers
from jaccli.verify.specs.outcome import Outcome
from jaccli.verify.specs.reading import Entry, entries_of
from jaccli.verify.specs.running import run as run_entries
from jaccli.verify.specs.schema import schema

Run = Callable[..., Any]

ROOT = Path(__file__).parents[1]
FD = '[defaults]\nagainst = "fd"\n'
RIGHT = """
[[formula]]
name = "softplus"
expr = "log(1 + exp(x))"
inputs.x = "linspace:-5:5:11"
v = "ones"
claim.x = "v / (1 + exp(-x))"
claim_jacobian.x = "diag(1 / (1 + exp(-x)))"
claim_value = "logaddexp(0, x)"
expect.shape = [11]
expect.value = "@value.npy"
"""
WRONG = """
[[formula]]
name = "sign"
expr = "x**2"
inputs.x = [1, 2]
claim.x = "-2*x*v"
"""
UNCLEAR = """
[[formula]]
name = "typo"
expr = "sinn(x)"
inputs.x = 1
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    np.save("value.npy", np.logaddexp(0, np.linspace(-5, 5, 11)))


def write(text: str, name: str = "a.jaccli.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def outcomes(run: Run, *words: str) -> dict[str, dict[str, Any]]:
    finished = run("test", *words, "--json")
    assert finished.err == ""
    return {test["name"]: test for test in json.loads(finished.out)["tests"]}


def test_what_holds(run: Run) -> None:
    write(RIGHT)
    finished = run("test")
    assert (finished.code, finished.err) == (0, "")
    assert re.fullmatch(r"a\.jaccli\.toml \.\n1 passed in \d+\.\d\d s\n", finished.out)
    assert run("test", "--quiet").out == ""


def test_what_does_not_hold_is_told_with_the_table_of_the_check(run: Run) -> None:
    write(RIGHT + WRONG)
    finished = run("test")
    assert finished.code == 1
    assert "a.jaccli.toml .F\n" in finished.out
    assert "FAILED a.jaccli.toml:17: sign\nclaim.x differs: the sign is wrong\n  x**2\n" in finished.out
    for words in (["witness", "verdict", "ulps"], ["claim", "x", "differs"], ["symbolic", "x", "agrees"]):
        assert any(all(word in line for word in words) for line in finished.out.splitlines()), words
    assert "1 failed, 1 passed in" in finished.out
    assert "softplus" not in finished.out


def test_what_cannot_be_understood_says_file_line_and_key_and_the_others_run(run: Run) -> None:
    write(UNCLEAR + RIGHT + WRONG)
    finished = run("test")
    assert finished.code == 2
    assert "ERROR a.jaccli.toml:4: typo\nexpr: unknown function sinn\n  sinn(x)\n  ^^^^^^^\n" in finished.out
    assert "1 failed, 1 error, 1 passed" in finished.out


# (keys of the entry, status, the key at fault, fragments of the message)
CASES: list[tuple[str, str, str, list[str]]] = [
    ('expr = "x**2"\ninputs.x = 3', "passed", "", []),
    ('expr = "x**2"\ninputs.x = 3\nexpect.value = 9\nexpect.vjp.x = 6\nexpect.jacobian.x = 6', "passed", "", []),
    ('expr = "x**2"\ninputs.x = [1, 2]\nexpect.jacobian.x = [[2, 0], [0, 4]]', "passed", "", []),
    ('expr = "x**2"\ninputs.x = [1, 2]\nexpect.value = "full:4"', "failed", "expect.value", ["expect.value differs"]),
    ('expr = "x**2"\ninputs.x = 3\nexpect.value = 9.001', "failed", "expect.value", ["to 3 digits", "rtol = 0.001"]),
    ('expr = "x**2"\ninputs.x = 3\nexpect.value = 9.001\nrtol = 1e-3', "passed", "", []),
    ('expr = "x**2"\ninputs.x = 3\nexpect.value = 9.001\natol = 0.01', "passed", "", []),
    ('expr = "x**2"\ninputs.x = 3\nexpect.value = 8\nxfail = "known"', "xfailed", "xfail", ["known"]),
    ('expr = "x**2"\ninputs.x = 3\nxfail = "known"', "failed", "xfail", ["known", "it holds: take xfail out"]),
    ('expr = "sinn(x)"\ninputs.x = 3\nxfail = "known"', "error", "expr", ["did you mean sin?"]),
    ('expr = "sinn(x)"\ninputs.x = 3\nskip = "later"', "skipped", "skip", ["later"]),
    ('expr = "x"\ninputs.x = [1, 2]\nexpect.shape = [3]', "failed", "expect.shape", ["shape (2,), not (3,)"]),
    ('expr = "x"\ninputs.x = [1, 2]\nexpect.value = [1]', "failed", "expect.value", ["(2,)", "(1,)"]),
    ('expr = "x"\ninputs.x = [1, 2]\nexpect.vjp.x = [1, 1]', "error", "expect.vjp.x", ["v = "]),
    ('expr = "x"\ninputs.x = 1\nclaim.x = "1.001*v"\nrtol = 0.01', "passed", "", []),
    ('expr = "1 - cos(x)"\ninputs.x = 1e-6\nclaim_value = "2*sin(x/2)**2"\nrtol = 1e-12', "passed", "", []),
    ('expr = "x"\ninputs.x = [1, 2]\nclaim.x = [1, 1]', "error", "claim.x", ["v = "]),
    ('expr = "x"\ninputs.x = [1, 2]\nv = [3, 4]\nclaim.x = [3, 4.5]', "failed", "claim.x", ["claim.x differs"]),
    ('expr = "x"\ninputs.x = [1, 2]\nv = [3, 4]\nexpect.vjp.x = [3, 4]', "passed", "", []),
    ('expr = "log(x)"\ninputs.x = [0, 1]\nv = "ones"\nexpect.vjp.x = [inf, 1]', "passed", "", []),
    ('expr = "log(x)"\ninputs.x = [0, 1]\nv = 1\nexpect.vjp.x = [7, 1]', "failed", "expect.vjp.x", ["is inf"]),
    ('expr = "log(x)"\ninputs.x = 0\nexpect.jacobian.x = 7\nrtol = 1', "failed", "expect.jacobian.x", ["is inf"]),
    ('expr = "abs(x)"\ninputs.x = 0\nexpect.vjp.x = 0.5', "failed", "expect.vjp.x", ["should be 0"]),
    ('expr = "abs(x)"\ninputs.x = 0\nexpect.vjp.x = 0', "passed", "", []),
    ('expr = "x"\ninputs.x = [1, 2]\nv = [3, 4, 5]', "error", "expr", ["(3,)", "(2,)"]),
    ('expr = "x"\ninputs.x = "zeros:0x3"\nexpect.value = []', "passed", "", []),
    ('expr = "x*y"\ninputs.x = 1', "error", "inputs", ["the input y has no value", "inputs.y"]),
    ('expr = "theta"\ninputs.thetta = 1', "error", "inputs.thetta", ["no input thetta", "did you mean theta?"]),
    ('expr = "x"\ninputs.x = "eyes:3"', "error", "inputs.x", ["did you mean eye?"]),
    ('expr = "x"\ninputs.x = [1, [2]]', "error", "inputs.x", ["ragged"]),
    ('expr = "x"\ninputs.x = 1\nclaim.y = "v"', "error", "claim.y", ["no input y"]),
    ('expr = "x"\ninputs.x = 1\nclaim.x = "w"', "error", "claim.x", ["there is no w here"]),
    ('expr = "x"\ninputs.x = 1\nwrt = "y"', "error", "expr", ["no input y"]),
    ('expr = "x*y"\ninputs = {x = 1, y = 2}\nwrt = "x, y"', "passed", "", []),
    ('expr = "abs(x)"\ninputs.x = 0', "passed", "", []),
    ('expr = "abs(x)"\ninputs.x = 0\nstrict = true', "failed", "strict", ["not differentiable here"]),
    ('expr = "x**3"\ninputs.x = [1, 2]\ncompare = "jacobian"\nv = "ones"\nclaim.x = "3*x**2*v"', "passed", "", []),
    ('expr = "sum(x**3)"\ninputs.x = [1, 2]\ncompare = "hessian"', "passed", "", []),
    ('expr = "x"\ninputs.x = [1, 2]\ncompare = "hessian"', "error", "expr", ["Hessian"]),
    ('expr = "inv(x)"\ninputs.x = [[1, 2], [2, 4]]', "failed", "", ["singular"]),
    ('expr = "x"\ninputs.x = "int:[1,2]"', "error", "expr", ["nothing to differentiate"]),
    ('expr = "x[i]"\ninputs.x = [1, 2, 3]\ninputs.i = "int:[0,2]"\nexpect.value = [1, 3]', "passed", "", []),
    ('expr = "x/3"\ninputs.x = 1\ndtype = "float32"\nexpect.value = 0.33333334', "passed", "", []),
    ('expr = "x"\ninputs.x = "rand:2"\nseed = 5\nexpect.value = "rand:2"', "failed", "expect.value", ["expect.value"]),
    ('expr = "x**2"\ninputs.x = 1\npoints = 3\nagainst = ["adjoint", "forward"]', "passed", "", []),
    ('file = "sub/f.jac"\ninputs.x = 3\nexpect.value = 27', "passed", "", []),
    ('file = "missing.jac"\ninputs.x = 3', "error", "file", ["'missing.jac' cannot be read"]),
]  # fmt: skip


def test_every_key_does_what_it_says(run: Run) -> None:
    write("x**3\n", "sub/f.jac")
    write(FD + "".join(f"[[formula]]\nname = {str(n)!r}\n{keys}\n" for n, (keys, *_) in enumerate(CASES)))
    found = outcomes(run)
    for number, (keys, status, key, fragments) in enumerate(CASES):
        test = found[str(number)]
        assert (test["outcome"], test["at"]["key"]) == (status, key), (keys, test)
        assert all(fragment in test["message"] for fragment in fragments), (keys, test["message"])


def test_cases_are_tests_of_their_own(run: Run) -> None:
    write(
        FD
        + '[[formula]]\nname = "power"\nexpr = "x**p"\ninputs.p = 2\nexpect.shape = []\n'
        + "[[formula.cases]]\ninputs.x = 3\nexpect.value = 9\n"
        + '[[formula.cases]]\nname = "cubed"\ninputs = {x = 3, p = 3}\nexpect.value = 9\n'
    )
    found = outcomes(run)
    assert {name: test["outcome"] for name, test in found.items()} == {"power[1]": "passed", "power[cubed]": "failed"}
    assert found["power[cubed]"]["at"] == {"line": 14, "key": "expect.value"}


def test_which_files_and_which_tests(run: Run) -> None:
    write(FD + RIGHT, "sub/b.jaccli.toml")
    write(FD + RIGHT.replace("@value.npy", "@../value.npy"), ".hidden/c.jaccli.toml")
    write(FD + WRONG)
    write("no spec", "other.toml")
    np.save("sub/value.npy", np.load("value.npy"))
    finished = run("test", "--verbose")
    assert finished.code == 1
    assert re.findall(r"^(\w+) +\d+\.\d\d s +(\S+)$", finished.out, re.MULTILINE) == [
        ("failed", "a.jaccli.toml::sign"),
        ("passed", "sub/b.jaccli.toml::softplus"),
    ]
    assert "the slowest:" in finished.out
    assert list(outcomes(run, "sub", "sub/b.jaccli.toml", "./sub")) == ["softplus"]
    assert list(outcomes(run, "-k", "not SIGN")) == ["softplus"]
    assert list(outcomes(run, "-k", "sub/ or sign")) == ["sign", "softplus"]
    assert run("test", "-x").out.count("FAILED") == 1
    assert list(outcomes(run, "-x")) == ["sign"]


# (words, fragments of the message)
REFUSED: list[tuple[list[str], list[str]]] = [
    ([], ["there are no spec files below the current folder", ".jaccli.toml"]),
    (["empty", "."], ["there are no spec files below empty or ."]),
    (["ab.toml"], ["there is no file or folder ab.toml", "did you mean abc.toml?"]),
    (["abc.toml", "-k", "zzz"], ["-k 'zzz' selects none of 1 tests"]),
    (["abc.toml", "-k", "a b"], ["-k: 'b' cannot stand here", "^"]),
    (["abc.toml", "-j", "0"], ["-j", "0"]),
    (["abc.toml", "--quiet", "--verbose"], ["exclude each other"]),
    (["abc.toml", "--junit", "missing/j.xml"], ["missing/j.xml cannot be written"]),
]


@pytest.mark.parametrize(("words", "fragments"), REFUSED, ids=lambda value: " ".join(value))
def test_a_run_that_cannot_be_is_refused(run: Run, words: list[str], fragments: list[str]) -> None:
    write(RIGHT, "abc.toml")
    Path("empty").mkdir()
    finished = run("test", *words)
    assert (finished.code, finished.out) == (2, "")
    assert all(fragment in finished.err for fragment in fragments), finished.err


def test_all_files_that_cannot_be_read_are_told_and_nothing_runs(run: Run) -> None:
    write("[[formula]]\nexp = 'x'\n")
    write(RIGHT, "b.jaccli.toml")
    write("a =\n", "c.jaccli.toml")
    finished = run("test")
    assert (finished.code, finished.out) == (2, "")
    assert "error: a.jaccli.toml:2: exp: there is no key 'exp'\n  hint: did you mean expr?" in finished.err
    assert "error: c.jaccli.toml:1: this is no TOML" in finished.err


LARGE = """
[[formula]]
name = "large"
expr = "x @ x"
inputs.x = "rand:60x60"
claim_jacobian.x = "zeros(60, 60, 60, 60)"
"""


def test_a_jacobian_that_is_too_large_is_a_limit_and_not_a_mistake(run: Run) -> None:
    write(FD + LARGE)
    finished = run("test", "--max-memory", "50M")
    assert finished.code == 4
    assert "of 12,960,000 numbers takes about 3.6 GB, and 50.0 MB are free" in finished.out
    write(FD + LARGE.replace("60", "100"))
    finished = run("test")
    assert finished.code == 4
    assert "at most 50,000,000 are compared" in finished.out
    write(FD + LARGE + WRONG)
    assert run("test", "--max-memory", "50M").code == 1
    write(FD + LARGE + WRONG + UNCLEAR)
    assert run("test", "--max-memory", "50M").code == 2


def test_limits_hold_in_processes_too(run: Run) -> None:
    write(FD + LARGE + LARGE.replace("large", "another"))
    assert run("test", "-j", "2", "--max-memory", "50M").code == 4
    finished = run("test", "-j", "2", "--timeout", "0.3")
    assert finished.code == 4
    assert "longer than 0.3 s" in finished.err


def test_processes_change_nothing(run: Run) -> None:
    texts = [f'[[formula]]\nname = "n{n}"\nexpr = "x**{n}"\ninputs.x = 2\nexpect.value = {2**n}\n' for n in range(9)]
    write(FD + "".join(texts).replace("expect.value = 16", "expect.value = 17"))
    shown = [re.sub(r"\d+\.\d\d s", "", run("test", "-j", count).out) for count in ("1", "2")]
    assert shown[0] == shown[1]
    assert list(outcomes(run, "-j", "2", "-x")) == ["n0", "n1", "n2", "n3", "n4"]


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_a_process_that_dies_takes_one_test_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entries_of("".join(f'[[formula]]\nname = "n{n}"\nexpr = "x"\n' for n in range(5)), "f.toml", ".")
    monkeypatch.setattr(workers, "_work", dying)
    found = list(run_entries(entries, processes=2))
    assert [result.entry.name for result in found] == ["n0", "n1", "n2", "n3", "n4"]
    assert [result.outcome.status for result in found] == ["passed", "passed", "error", "passed", "passed"]
    assert "SIGKILL" in found[2].outcome.message


def dying(connection: Any, is_closed: bool, most: int | None) -> None:
    """What a worker does in the test above."""
    while True:
        try:
            entry: Entry = connection.recv()
        except EOFError:
            return
        if entry.name == "n2":
            os.kill(os.getpid(), signal.SIGKILL)
        connection.send(Outcome("passed"))


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_ends_it_at_once(processes: str) -> None:
    hard = 'expr = "hyp2f1(a, b, c, x)"\ninputs = {a = 30.1, b = 40.2, c = 4.3, x = 0.9}\npoints = 1000\n'
    quick = FD + '[[formula]]\nname = "quick"\nexpr = "x"\ninputs.x = 1\n'
    write(quick + "".join(f'[[formula]]\nname = "{number}"\n{hard}' for number in range(4)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "jaccli", "test", "-j", processes, "--verbose"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "::quick" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "error: interrupted\n"


def test_junit(run: Run) -> None:
    skipped = '[[formula]]\nname = "later"\nexpr = "x"\nskip = "not yet"\n'
    write(FD + RIGHT + WRONG + UNCLEAR.replace("typo", 'typo \\u001b<&\\"') + skipped)
    assert run("test", "--junit", "out.xml").code == 2
    root = ElementTree.fromstring(Path("out.xml").read_bytes())
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "4", "1", "1")
    (suite,) = root
    assert (suite.get("name"), suite.get("skipped")) == ("a.jaccli.toml", "1")
    cases = {case.get("name"): case for case in suite}
    assert all(float(case.get("time")) >= 0 and case.get("classname") == "a.jaccli.toml" for case in suite)
    assert list(cases["softplus"]) == []
    failure = cases["sign"].find("failure")
    assert failure.get("message") == "claim.x differs: the sign is wrong"
    assert "witness" in failure.text
    assert "unknown function sinn" in cases['typo \ufffd<&"'].find("error").get("message")
    assert cases["later"].find("skipped").get("message") == "not yet"


def annotations(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("::error ")]


def test_annotations(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(FD + WRONG.replace('"sign"', '"100%, a: b"'), "sub/a.jaccli.toml")
    assert annotations(run("test").out) == []
    (line,) = annotations(run("test", "--github").out)
    title = "100%25%2C a%3A b%3A claim.x differs%3A the sign is wrong"
    assert line.startswith(
        f"::error file=sub/a.jaccli.toml,line=8,title={title}::claim.x differs: the sign is wrong%0A"
    )
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert annotations(run("test").out) == [line]
    assert annotations(run("test", "--no-github").out) == []
    finished = run("test", "--json")
    assert json.loads(finished.out)["failed"] == 1
    assert annotations(finished.err) == [line]
    monkeypatch.setenv("GITHUB_WORKSPACE", os.getcwd())
    monkeypatch.chdir("sub")
    assert annotations(run("test").out) == [line]


def test_an_unreadable_file_is_annotated(run: Run) -> None:
    write("[[formula]]\nexp = 'x'\n")
    (line,) = annotations(run("test", "--github").out)
    assert line.startswith("::error file=a.jaccli.toml,line=2,title=exp%3A there is no key 'exp'::")


def test_a_formula_cannot_give_commands_to_github(run: Run) -> None:
    write(FD + "[[formula]]\nname = 'a ::error ::b'\nexpr = '''x\n::add-mask::x\n'''\ninputs.x = 1\n")
    lines = run("test", "--github").out.splitlines()
    token = re.fullmatch(r"::stop-commands::(\w{32})", lines[0])[1]
    start, end = 0, lines.index(f"::{token}::")
    commands = [number for number, line in enumerate(lines) if line.strip().startswith("::")]
    assert all(start <= number <= end or lines[number].startswith("::error file=") for number in commands)
    assert len([number for number in commands if number > end]) == 1


UPDATED = """\
# The head  # stays
[[formula]]
name = "square"   # and so does this
expr = "x**2"
inputs.x = [1, 2]
v = "ones"
expect = { value = [0, 0], vjp.x = [2, 4.0000000000000001] } # and this

[[formula]]
name = "new"  # states nothing
expr = '''
x.T
'''
inputs.x = [[1, inf], [nan, 0.1]]
[formula.expect]

[[formula]]
name = "claims"
expr = "x"
inputs.x = 3
claim.x = "v"

[[formula]]
name = "later"
expr = "x"
inputs.x = 3
skip = "why"

[[formula]]
name = "cases"
expr = "x + 1"
cases = [ {inputs.x = 1}, {inputs.x = 2, expect.shape = [7]}, {inputs = {x = "zeros:0x2"}} ]
[[formula]]
expr = "linspace(0, 1, 30)*x"
inputs.x = 3
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_update_writes_numbers_and_nothing_else(run: Run, newline: str) -> None:
    before = (FD + UPDATED.replace("[formula.expect]\n", "")).replace("\n", newline)
    path = write(before)
    assert run("test").code == 1
    finished = run("test", "--update")
    assert finished.code == 0, finished.out
    assert "new expected numbers for square, new, cases[1], cases[2], cases[3]" in finished.err
    text = path.read_bytes().decode()
    kept = [line for line in before.split(newline) if "0, 0" not in line and not line.startswith("cases")]
    lines = iter(text.split(newline))
    assert all(line in lines for line in kept)
    assert "expect = { value = [1.0, 4.0], vjp.x = [2, 4.0000000000000001] } # and this" in text
    _square, new, claims, later, cases, row = tomllib.loads(text)["formula"]
    assert repr(new["expect"]) == "{'value': [[1.0, nan], [inf, 0.1]]}"
    assert "expect" not in claims | later | cases
    assert [case["expect"] for case in cases["cases"]] == [{"value": 2.0}, {"shape": []}, {"value": "zeros:0x2"}]
    np.testing.assert_array_equal(row["expect"]["value"], 3 * np.linspace(0, 1, 30))
    assert max(map(len, text[text.index("linspace(0, 1, 30)") :].split(newline))) <= 100
    again = run("test", "--update", "-x")
    assert (again.code, again.err, path.read_bytes().decode()) == (0, "", text)


SHARED = """[[formula]]
name = "same"
expr = "0*x + 3"
expect.value = 7       # of both
cases = [ {inputs.x = 1}, {inputs.x = 2} ]
[[formula]]
name = "some"
expr = "x*y"
expect = {value = 6, vjp.x = 3, vjp.y = 2}
cases = [ {inputs = {x = 2, y = 3}}, {inputs = {x = 4, y = 3}} ]
[[formula]]
name = "own"
expr = "x"
expect.value = 7
[[formula.cases]]
inputs.x = 1

[[formula.cases]]
inputs.x = 2
expect.value = 2
"""


def test_update_of_a_number_that_cases_share(run: Run) -> None:
    path = write(FD + SHARED)
    finished = run("test", "--update")
    assert finished.code == 0, finished.out
    text = path.read_text("utf-8")
    same, some, own = tomllib.loads(text)["formula"]
    assert "expect.value = 3.0       # of both\n" in text
    assert not any("expect" in case for case in same["cases"])
    assert some["expect"] == {"value": 6, "vjp": {"x": 3, "y": 2}}
    assert [case.get("expect") for case in some["cases"]] == [None, {"value": 12.0, "vjp": {"x": 3.0, "y": 4.0}}]
    assert own["expect"] == {"value": 7}
    assert [case["expect"]["value"] for case in own["cases"]] == [1.0, 2]
    assert run("test").code == 0
    again = write(FD + SHARED)
    assert run("test", "--update", "-k", "same[1]").code == 0
    (first, second) = tomllib.loads(again.read_text("utf-8"))["formula"][0]["cases"]
    assert (first["expect"], "expect" in second) == ({"value": 3.0}, False)  # of the other nothing is known


def test_update_leaves_alone_what_it_cannot_write(run: Run) -> None:
    elsewhere = '[[formula]]\nname = "file"\nexpr = "x"\ninputs.x = 1\nexpect.value = "@value.npy"\n'
    path = write(FD + UNCLEAR + WRONG + elsewhere)
    before = path.read_bytes()
    assert run("test", "--update").code == 2
    assert path.read_bytes() == before
    write(FD + '[[formula]]\nexpr = "x"\ninputs.x = "ones:2000"\n')
    finished = run("test", "--update")
    assert finished.code == 4
    assert "expect.value would have 2,000 numbers" in finished.err


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_values_come_from_the_folder_of_the_spec_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("1,2", "outside/x.csv")
    write("x**2", "outside/f.jac")
    write("1,2", "in/x.csv")
    os.symlink(tmp_path / "outside", "in/linked")
    os.symlink("../outside/x.csv", "in/link.csv")
    os.symlink("x.csv", "in/inner.csv")
    outside = str(tmp_path / "outside" / "x.csv")
    good = [
        "inputs.x = '@x.csv'",
        "inputs.x = 'float:@./inner.csv'",
        "inputs.x = '@x.csv:0'",
    ]
    places = [
        "../outside/x.csv",
        "link.csv",
        "linked/x.csv",
        outside,
        "../outside/x.csv:0",
        "linked/../x.csv",
    ]
    bad = [
        f"inputs.x = {[1, 2] if key != 'inputs.x' else 0}\n{key} = '{prefix}@{place}'".removeprefix("inputs.x = 0\n")
        for place in places
        for key, prefix in (
            ("inputs.x", ""),
            ("inputs.x", "int:"),
            ("v", ""),
            ("claim.x", ""),
            ("claim_value", "float:"),
            ("expect.value", ""),
        )
    ]
    entries = [f"[[formula]]\nname = '{n}'\nexpr = 'x'\n{keys}\n" for n, keys in enumerate([*good, *bad])]
    files = [
        f"[[formula]]\nname = 'f{n}'\nfile = '{name}'\ninputs.x = 1\n"
        for n, name in enumerate(("../outside/f.jac", "linked/f.jac"))
    ]
    stdin = [
        f"[[formula]]\nname = 's{n}'\nexpr = 'x'\ninputs.x = '{value}'\n"
        for n, value in enumerate(("@-", "float:@-", "@-:0"))
    ]
    write(FD + "".join([*entries, *files, *stdin]), "in/a.jaccli.toml")
    found = outcomes(run)
    assert [found[str(number)]["outcome"] for number in range(len(good))] == ["passed"] * len(good)
    refused = {name: test for name, test in found.items() if not name.isdigit() or int(name) >= len(good)}
    assert {test["outcome"] for test in refused.values()} == {"error"}
    for name, test in refused.items():
        wanted = "standard input cannot be named" if name.startswith("s") else "leads outside of the folder"
        assert wanted in test["message"], (name, test)
    assert outcomes(run, "--allow-outside", "-k", "f0 or f1")["f0"]["outcome"] == "passed"


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_a_spec_that_is_a_link_to_elsewhere_is_not_followed(run: Run) -> None:
    write(RIGHT, "outside/a.jaccli.toml")
    np.save("outside/value.npy", np.load("value.npy"))
    Path("in").mkdir()
    os.symlink("../outside/a.jaccli.toml", "in/a.jaccli.toml")
    finished = run("test", "in")
    assert finished.code == 2
    assert "in/a.jaccli.toml is a link that leads outside of in" in finished.err
    assert run("test", "outside").code == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(run: Run) -> None:
    os.mkfifo("pipe.csv")
    write(FD + "[[formula]]\nname = 'pipe'\nexpr = 'x'\ninputs.x = '@pipe.csv'\n")
    assert "is a device" in outcomes(run)["pipe"]["message"]


def test_the_page_shows_what_happens(run: Run) -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    specs = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    write(specs[0], "formulas.jaccli.toml")
    assert run("test").out.startswith(shown)
    write(specs[1], "cases/power.jaccli.toml")
    assert {test["outcome"] for test in outcomes(run, "cases").values()} == {"passed"}
    keys = set(re.findall(r"`([a-z_]+)(?=[`.])", page.partition("| --- | --- |")[2].partition("[defaults]")[0]))
    assert keys >= set(schema()["$defs"]["formula"]["properties"])
