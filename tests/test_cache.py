"""The cache of graphs: what it saves, and that nothing in its folder can change a result or cause an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaccli
from jaccli import compiled
from jaccli.api import Formula
from jaccli.formula.lowered import InputSpec
from jaccli.graph.serialise import from_data, to_data
from jaccli.runtime import cache_folder, graph_cache
from jaccli.runtime.cache_folder import CacheFolder, user_folder

ROOT = Path(__file__).parents[1]
CALL = ("vjp", "h = tanh(x); sum(h @ h.T) + pi", "--x", "randn:3x3", "--json")
SEES_SYMPY = """
import json, sys
from jaccli.cli.main import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "sympy": "sympy" in sys.modules, "parser": "jaccli.formula.parser" in sys.modules}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, switched on."""
    path = tmp_path / "cache"
    monkeypatch.setenv("JACCLI_CACHE", str(path))
    return path


@pytest.fixture
def active(folder: Path) -> Iterator[Path]:
    """A cache that formulas of this process use."""
    with graph_cache.switched_on():
        yield folder


def process(*words: str) -> tuple[str, dict[str, Any]]:
    """The output of a call in a process of its own, and what that process had loaded."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", SEES_SYMPY, *words]
    finished = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert finished.stderr == ""
    *out, seen = finished.stdout.splitlines()
    return "\n".join(out), json.loads(seen)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jaccli"))


def unpacked(entry: Path) -> tuple[str, Any]:
    request, data = zlib.decompress(entry.read_bytes()).decode().split("\n", 1)
    return request, json.loads(data)


def pack(entry: Path, request: str, data: Any) -> None:
    entry.write_bytes(zlib.compress(f"{request}\n{json.dumps(data)}".encode()))


def graph_entry(folder: Path) -> Path:
    return next(entry for entry in entries(folder) if '"graph"' in unpacked(entry)[0])


def fill(text: str, x: Any) -> Any:
    return Formula(text).value({"x": x})


class Counter:
    """Counts how often a formula is lowered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from jaccli.formula import lower

        self.calls = 0
        original = lower.lower

        def counted(*arguments: Any) -> Any:
            self.calls += 1
            return original(*arguments)

        monkeypatch.setattr(lower, "lower", counted)


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> Counter:
    # A process of its own would remember no text from a call before.
    compiled.forget()
    monkeypatch.setattr(compiled, "_MOST_TEXTS", 0)
    return Counter(monkeypatch)


def test_a_formula_seen_before_runs_without_sympy(folder: Path) -> None:
    first, seen_first = process(*CALL)
    again, seen_again = process(*CALL)
    assert first == again
    assert seen_first == {"code": 0, "sympy": True, "parser": True}
    assert seen_again == {"code": 0, "sympy": False, "parser": False}


def test_a_constant_in_a_value_is_known_too(folder: Path) -> None:
    words = ("eval", "x + 1", "--x", "[pi/4, 1/3]", "--json")
    assert process(*words)[0] == process(*words)[0]
    assert process(*words)[1]["sympy"] is False


def test_switched_off_nothing_is_written_or_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process(*CALL)
    before = entries(folder)
    monkeypatch.setenv("JACCLI_CACHE", "off")
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))
    assert process(*CALL)[1]["sympy"] is True
    assert entries(folder) == before
    assert os.listdir(folder.parent) == ["cache"]


def test_python_writes_no_files(folder: Path) -> None:
    fill("x**2", 3.0)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("x + 1", 3.0), ("x + 2", 3.0)),
        (("x + 1", 3.0), ("x + 1", [3.0])),
        (("x + 1", 3.0), ("x + 1", 3)),
        (("sum(x)", np.ones((2, 3))), ("sum(x)", np.ones((3, 2)))),
    ],
)
def test_text_shape_and_dtype_tell_entries_apart(one: Any, other: Any, active: Path, lowered: Counter) -> None:
    fill(*one), fill(*other)
    assert lowered.calls == 2
    fill(*one), fill(*other)
    assert lowered.calls == 2


def test_float32_has_entries_of_its_own(active: Path, lowered: Counter) -> None:
    for dtype in ("float64", "float32", "float64", "float32"):
        assert Formula("x + 1/3", dtype).value({"x": 1}).dtype == dtype
    assert lowered.calls == 2


def test_the_order_of_the_inputs_is_kept(active: Path) -> None:
    for names in ("xy", "yx"):
        for _ in range(2):
            assert Formula("x - 2*y").value({name: {"x": 5.0, "y": 1.0}[name] for name in names}) == 3


def test_another_version_starts_anew(active: Path, lowered: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    fill("x**3", 2.0)
    monkeypatch.setattr(jaccli, "__version__", "99")
    fill("x**3", 2.0)
    assert lowered.calls == 2


def test_other_rules_start_anew(active: Path, lowered: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    fill("x**3", 2.0)
    monkeypatch.setattr(graph_cache, "_sources", lambda: 1)
    fill("x**3", 2.0)
    assert lowered.calls == 2


def test_a_graph_that_depends_on_values_is_not_kept(active: Path) -> None:
    for n in (2, 3):
        assert Formula("zeros(n) + x").value({"n": n, "x": 1.0}).shape == (n,)


def test_large_constants_are_not_kept(active: Path) -> None:
    text = f"x + [{', '.join(map(str, range(20_000)))}]"
    fill(text, 1.0)
    assert sum("graph" in json.loads(unpacked(entry)[0])[3] for entry in entries(active)) == 0


def test_notes_and_places_come_back(active: Path, lowered: Counter) -> None:
    for _ in range(2):
        formula = Formula("x^2 + torch.std(x)")
        bound = formula._lower({"x": InputSpec((4,), "float64")}, {})
        places = {formula.text[span.start : span.end] for spans in bound.origins.values() for span in spans}
        assert {"x^2", "torch.std(x)", formula.text} <= places
        assert any("power" in note for note in bound.notes)
    assert lowered.calls == 1


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "a bit": lambda content: content[:20] + bytes([content[20] ^ 4]) + content[21:],
    "noise": lambda content: bytes(range(256)) * 4,
    "no compression": zlib.decompress,
    "more behind it": lambda content: content + b"more",
    "no text": lambda content: zlib.compress(b"\xff\xfe"),
    "no JSON": lambda content: zlib.compress(zlib.decompress(content)[:-3]),
    "deep": lambda content: zlib.compress(zlib.decompress(content).split(b"\n")[0] + b"\n" + b"[" * 200_000),
    "a bomb": lambda content: zlib.compress(b" " * 100_000_000, 9),
    "another request": lambda content: zlib.compress(zlib.decompress(content).replace(b"tanh", b"sinh", 1)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_replaced(damage: str, active: Path, lowered: Counter) -> None:
    expected = fill("tanh(x)", 0.5)
    sound = {entry: entry.read_bytes() for entry in entries(active)}
    for entry, content in sound.items():
        entry.write_bytes(DAMAGE[damage](content))
    assert fill("tanh(x)", 0.5) == expected
    assert lowered.calls == 2
    assert {entry: entry.read_bytes() for entry in entries(active)} == sound


def _set(*path: Any, to: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return change


TAMPERED: dict[str, Callable[[Any], None]] = {
    "unknown operation": _set("graph", "nodes", -1, "op", to="system"),
    "an operation that is no text": _set("graph", "nodes", -1, "op", to=["add"]),
    "huge shape": _set("graph", "nodes", 0, "shape", to=[2**40, 2**40]),
    "many axes": _set("graph", "nodes", 0, "shape", to=[1] * 100),
    "negative shape": _set("graph", "nodes", 0, "shape", to=[-3]),
    "truth as length": _set("graph", "nodes", 0, "shape", to=[True]),
    "another shape": _set("graph", "nodes", 0, "shape", to=[4, 5]),
    "another dtype": _set("graph", "nodes", 0, "dtype", to="object"),
    "another input": _set("graph", "nodes", 0, "params", "name", to="y"),
    "too many arguments": _set("graph", "nodes", 1, "args", to=[0, 0, 0]),
    "no arguments": _set("graph", "nodes", 1, "args", to=[]),
    "an argument that comes later": _set("graph", "nodes", 1, "args", to=[2]),
    "an argument from behind": _set("graph", "nodes", 1, "args", to=[-1]),
    "a parameter more": _set("graph", "nodes", 1, "params", to={"out": 0}),
    "a parameter of another kind": _set("graph", "nodes", 2, "params", "axes", to="01"),
    "an axis that is not there": _set("graph", "nodes", 2, "params", "axes", to=[7]),
    "a constant of another size": _set("graph", "nodes", 3, "params", "data", to="AAAA"),
    "no base 64": _set("graph", "nodes", 3, "params", "data", to="%%%%"),
    "no outputs": _set("graph", "outputs", to=[]),
    "two outputs": _set("graph", "outputs", to=[0, 1]),
    "no nodes": _set("graph", "nodes", to=[]),
    "nodes that are numbers": _set("graph", "nodes", to=[1, 2, 3]),
    "no graph": _set("graph", to=None),
    "a place out of range": _set("origins", to=[[99, 0, 1]]),
    "places that are texts": _set("origins", to=[[0, "a", "b"]]),
    "notes that are numbers": _set("notes", to=[1]),
}


@pytest.mark.parametrize("change", TAMPERED)
def test_tampered_data_is_ignored_and_replaced(change: str, active: Path, lowered: Counter) -> None:
    text, x = "sum(tanh(x), axis=0) * 2.5", np.arange(6.0).reshape(3, 2)
    expected = fill(text, x)
    entry = graph_entry(active)
    sound = entry.read_bytes()
    request, data = unpacked(entry)
    assert [node["op"] for node in data["graph"]["nodes"][:4]] == ["input", "tanh", "sum", "constant"]
    TAMPERED[change](data)
    pack(entry, request, data)
    np.testing.assert_array_equal(fill(text, x), expected)
    assert lowered.calls == 2
    assert entry.read_bytes() == sound


@pytest.mark.parametrize("names", [None, 3, {}, [], [["x"], []], ["x", [], []], [[1], [], []], [["a b"], [], []]])
def test_tampered_names_are_ignored_and_replaced(names: Any, active: Path) -> None:
    assert Formula("x + pi").inputs == ("x",)
    (entry,) = entries(active)
    sound = entry.read_bytes()
    pack(entry, unpacked(entry)[0], names)
    assert Formula("x + pi").inputs == ("x",)
    assert entry.read_bytes() == sound


@pytest.mark.parametrize(
    ("text", "name", "wrong"),
    [
        ("x[1:3]", "bounds", [[2, 2, 1]]),
        ("x[1:3]", "bounds", [[-9, 2, 1]]),
        ("conv1d(x[None, None, :], [[[1, 2.0]]])", "dilation", [-3]),
        ("conv1d(x[None, None, :], [[[1, 2.0]]])", "strides", [0]),
    ],
)
def test_no_entry_reads_outside_of_an_array(text: str, name: str, wrong: Any) -> None:
    formula = Formula(text)
    lowered = formula._lower({"x": InputSpec((3,), "float64")}, {})
    from jaccli.graph.serialise import Graph, GraphDataError

    data = json.loads(json.dumps(to_data(Graph(lowered.inputs, (lowered.output,)))))
    from_data(data)
    node = next(node for node in data["nodes"] if name in node["params"])
    node["params"][name] = wrong
    with pytest.raises(GraphDataError):
        from_data(data)


def test_processes_can_share_a_folder(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "jaccli", *CALL]
    running = [
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for _ in range(4)
    ]
    finished = [process.communicate(timeout=60) for process in running]
    assert len(set(finished)) == 1
    assert finished[0][1] == b""
    assert process(*CALL)[1]["sympy"] is False
    assert not list(folder.glob(".*.part"))


def test_the_folder_stays_bounded(tmp_path: Path) -> None:
    files = CacheFolder(str(tmp_path))
    for number in range(10):
        files.write(f"{number:016x}", b"x" * 4096)
        os.utime(tmp_path / f"{number:016x}.jaccli", (number, number))
    (tmp_path / "another.txt").write_text("kept")
    files.trim(most=8 * 4096)
    assert [entry.stem[-1] for entry in entries(tmp_path)] == list("456789")
    assert files.usage() == (6, 6 * 4096)
    assert (tmp_path / "another.txt").exists()


def test_a_full_folder_is_trimmed_while_it_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_folder.CacheFolder.trim, "__defaults__", (40 * 4096,))
    files = CacheFolder(str(tmp_path))
    for number in range(200):
        files.write(f"{number:016x}", b"x")
    assert len(entries(tmp_path)) <= 40 + 32


def test_what_killed_writers_left_goes_too(tmp_path: Path) -> None:
    old, new = tmp_path / f".{'a' * 16}.part", tmp_path / f".{'b' * 16}.part"
    old.write_bytes(b""), new.write_bytes(b"")
    os.utime(old, (0, 0))
    CacheFolder(str(tmp_path)).trim()
    assert [path.name for path in tmp_path.iterdir()] == [new.name]


def test_an_entry_in_use_counts_as_young(tmp_path: Path) -> None:
    files = CacheFolder(str(tmp_path))
    files.write("0" * 16, b"x")
    os.utime(tmp_path / f"{'0' * 16}.jaccli", (0, 0))
    assert files.read("0" * 16) == b"x"
    assert time.time() - (tmp_path / f"{'0' * 16}.jaccli").stat().st_mtime < 60


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_files_that_are_no_files_are_passed_over(tmp_path: Path) -> None:
    files = CacheFolder(str(tmp_path))
    (tmp_path / f"{'1' * 16}.jaccli").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / f"{'2' * 16}.jaccli").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / f"{'3' * 16}.jaccli")
    (tmp_path / f"{'4' * 16}.jaccli").write_bytes(b"x" * (cache_folder.MOST_BYTES_OF_FILE + 1))
    assert [files.read(digit * 16) for digit in "12345"] == [None] * 5
    files.clear()
    assert (tmp_path / "secret").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no owners and modes")
def test_a_folder_of_others_is_not_used(folder: Path, run: Any, lowered: Counter) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    for _ in range(2):
        assert run("eval", "x+1", "--x", "2").code == 0
    assert (lowered.calls, entries(folder)) == (2, [])
    assert "others can write to it" in run("cache").out


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/cache", "\ud800", "x" * 5000, "~nobody-here/x"])
def test_a_place_that_cannot_be_written_is_no_error(
    place: str, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graph_cache, "user_folder", lambda: place)
    assert run("eval", "x+1", "--x", "2", "--json").err == ""


def test_a_file_in_place_of_the_folder_is_no_error(folder: Path, run: Any) -> None:
    folder.write_text("mine")
    assert run("eval", "x+1", "--x", "2").code == 0
    assert run("cache", "clear").code == 0
    assert folder.read_text() == "mine"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.cache/jaccli"),
        ("linux", {"HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/c/jaccli"),
        ("linux", {"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "/h/.cache/jaccli"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Caches/jaccli"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/jaccli/Cache"),
        ("win32", {}, None),
        ("linux", {"HOME": "/h", "JACCLI_CACHE": "off"}, None),
        ("linux", {"HOME": "/h", "JACCLI_CACHE": "OFF"}, None),
        ("linux", {"HOME": "/h", "JACCLI_CACHE": "/d"}, "/d"),
        ("linux", {"HOME": "/h", "JACCLI_CACHE": "~/d"}, "/h/d"),
        ("linux", {"HOME": "/h", "JACCLI_CACHE": ""}, "/h/.cache/jaccli"),
    ],
)
def test_where_the_cache_is(
    platform: str, variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "JACCLI_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache_folder.sys, "platform", platform)
    assert user_folder() == expected


def test_the_command_shows_and_clears(folder: Path, run: Any, answer: Any) -> None:
    assert answer("cache")["entries"] == 0
    run("eval", "x+1", "--x", "2")
    shown = answer("cache")
    assert (shown["directory"], shown["used"], shown["entries"]) == (str(folder), True, 2)
    assert shown["bytes"] == CacheFolder(str(folder)).usage().size
    assert str(folder) in run("cache").out
    assert answer("cache", "clear")["removed"] == 2
    assert entries(folder) == []
    assert run("cache", "burn").code == 2


def test_the_command_says_that_the_cache_is_off(run: Any, answer: Any) -> None:
    assert answer("cache")["used"] is False
    assert "JACCLI_CACHE" in run("cache").out


SAME = [
    ("vjp", "(x+1)**2", "--x", "eye:3", "--v", "ones"),
    ("jacobian", "softmax(W @ x)", "--W", "randn:3x4", "--x", "randn:4"),
    ("hessian", "sum(where(x > 0, x**3, exp(x)))", "--x", "randn:3"),
    ("eval", "x[[0, 2], 1:] @ [[1.0], [2]]", "--x", "randn:3x3"),
    ("vjp", "einsum('ij,jk->ik', a, b).sum() / e", "--a", "randn:2x3", "--b", "randn:3x2"),
    ("eval", "x[x > 0]", "--x", "[1,-1,2]"),
    ("diag", "cumsum(x) * sort(x) + norm(x)", "--x", "randn:4", "--dtype", "float32"),
    ("grad", "torch.std(x) + logsumexp(x)", "--x", "randn:5"),
]


@pytest.mark.parametrize("words", SAME)
def test_results_are_the_same_with_and_without(words: tuple[str, ...], folder: Path, run: Any) -> None:
    cold, warm = run(*words, "--json"), run(*words, "--json")
    assert cold.code == 0, cold.err
    os.environ["JACCLI_CACHE"] = "off"
    assert cold == warm == run(*words, "--json")


@pytest.mark.parametrize("words", [("eval", "x + ", "--x", "1"), ("eval", "x @ x", "--x", "eye:2x3"), ("eval", "x+y")])
def test_errors_are_the_same_with_and_without(words: tuple[str, ...], folder: Path, run: Any) -> None:
    cold, warm = run(*words), run(*words)
    assert cold.code == 2
    os.environ["JACCLI_CACHE"] = "off"
    assert cold == warm == run(*words)
