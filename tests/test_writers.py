"""The formats of a result: exact where a program reads them, readable where a person does."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from jaccli.errors import FileError, JaccliError, NumbersError, UsageError
from jaccli.io import destination
from jaccli.io.accumulators import accumulate, keeping
from jaccli.io.atomic import write_atomically
from jaccli.io.formats import OF_EXTENSION, Format, Presentation, chosen_format
from jaccli.io.listing import Listing
from jaccli.io.matrix_market import read_matrix_market
from jaccli.io.numbers import column
from jaccli.io.report import Axis, Block, Report, first_trouble
from jaccli.io.writers import rendered
from jaccli.io.writers.grid import Limits, plain_lines, section, visible

X = np.array([[1.0, -2.5], [0.1, 3.0]])


def report(*blocks: Block, matrix: bool = False, value: Any = None, calls: Any = None, command: str = "vjp") -> Report:
    inputs = {"x": ((2, 2), "float64")}
    return Report(command, "(x+1)**2", inputs, blocks, value=value, calls=calls, matrix=matrix)


def block(
    array: Any, *path: str, title: str = "vᵀJ for x", rows: Axis | None = None, cols: Axis | None = None
) -> Block:
    entries = array if hasattr(array, "tocoo") else np.asarray(array)
    return Block(path, entries, title, rows, cols)


def text(shown: Report | Listing, chosen: Format, **settings: Any) -> str:
    content = rendered(shown, Presentation(chosen, **settings))
    assert isinstance(content, str)
    return content


def data(shown: Report, chosen: Format, **settings: Any) -> bytes:
    content = rendered(shown, Presentation(chosen, **settings))
    assert isinstance(content, bytes)
    return content


def jacobian_block() -> Block:
    tensor = np.arange(16.0).reshape(2, 2, 2, 2)
    return block(tensor, "x", title="∂y/∂x", rows=Axis("y", (2, 2)), cols=Axis("x", (2, 2)))


# JSON


def test_json_is_one_line_with_its_keys_in_order() -> None:
    content = text(report(block(X, "x"), value=X), "json")
    assert content.count("\n") == 1
    assert content.endswith("}\n")
    assert list(json.loads(content)) == ["command", "expression", "inputs", "value", "result"]
    assert content.startswith('{"command": "vjp", "expression": "(x+1)**2", "inputs": {"x": {"shape": [2, 2], "dtype"')


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (0,), (2, 0), (0, 3)])
def test_json_numbers_read_back_exactly(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).standard_normal(shape) * 10.0 ** np.random.default_rng(2).integers(
        -300, 300, shape
    )
    result = json.loads(text(report(block(array, "x")), "json"))["result"]["x"]
    assert result == array.tolist()


def test_json_has_strings_for_what_json_lacks() -> None:
    content = text(report(block([math.nan, math.inf, -math.inf, -0.0, 5e-324], "x")), "json")
    assert '["NaN", "Infinity", "-Infinity", -0.0, 5e-324]' in content
    json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_json_keeps_integers_and_booleans() -> None:
    assert '"result": [true, false]' in text(report(block(np.array([True, False]))), "json")
    assert f'"result": {2**62}' in text(report(block(np.int64(2**62))), "json")


def test_json_nests_by_two_names() -> None:
    blocks = [block(X, first, second) for first in "ab" for second in "ab"]
    result = json.loads(text(report(*blocks), "json"))["result"]
    assert result == {first: {second: X.tolist() for second in "ab"} for first in "ab"}


def test_json_shows_sparse_blocks_by_their_stored_entries() -> None:
    matrix = scipy.sparse.csr_array(np.array([[0.0, 2.0, 0.0], [math.nan, 0.0, 0.0]]))
    result = json.loads(text(report(block(matrix, "x")), "json"))["result"]["x"]
    assert result == {"shape": [2, 3], "row": [0, 1], "col": [1, 0], "data": [2.0, "NaN"]}


def test_json_has_the_calls_of_grad() -> None:
    calls = [("v = ones", [block(X, "x")]), ("reset", [block(0 * X, "x")])]
    content = json.loads(text(report(block(0 * X, "x"), calls=calls), "json"))
    assert content["calls"] == [{"x": X.tolist()}, {"x": (0 * X).tolist()}]


def test_json_keeps_the_axes_of_a_jacobian_unless_a_matrix_is_asked_for() -> None:
    tensor = json.loads(text(report(jacobian_block()), "json"))["result"]["x"]
    matrix = json.loads(text(report(jacobian_block(), matrix=True), "json"))["result"]["x"]
    assert np.shape(tensor) == (2, 2, 2, 2)
    assert matrix == np.arange(16.0).reshape(4, 4).tolist()


def test_json_indented_says_the_same() -> None:
    calls = [("v = ones", [block(X, "x"), block(1.5, "b")])]
    shown = report(block(X, "x"), block(np.arange(8.0).reshape(2, 2, 2), "b"), value=X, calls=calls)
    indented = rendered(shown, Presentation("json"), indented=True)
    assert isinstance(indented, str)
    assert indented.count("\n") > 10
    assert json.loads(indented) == json.loads(text(shown, "json"))


def test_json_of_a_million_numbers_is_not_made_one_by_one() -> None:
    array = np.random.default_rng(0).standard_normal(300_000)
    array[::1000] = math.nan
    result = json.loads(text(report(block(array, "x")), "json"))["result"]["x"]
    assert result.count("NaN") == 300
    assert result[1] == array[1]


# CSV, TSV, plain


def test_csv_of_a_matrix_is_its_rows() -> None:
    assert text(report(block(X, "x")), "csv") == "1.0,-2.5\n0.1,3.0\n"
    assert text(report(block(X, "x")), "tsv") == "1.0\t-2.5\n0.1\t3.0\n"


def test_csv_of_a_vector_is_a_column_and_of_a_number_a_line() -> None:
    assert text(report(block([1.0, math.nan, -math.inf], "x")), "csv") == "1.0\nnan\n-inf\n"
    assert text(report(block(0.1, "x")), "csv") == "0.1\n"


def test_csv_of_several_arrays_is_a_line_an_entry() -> None:
    rows = list(csv.reader(io.StringIO(text(report(block(X, "x"), block(7.0, "b")), "csv"))))
    assert rows[0] == ["input", "axis0", "axis1", "value"]
    assert ["x", "0", "1", "-2.5"] in rows
    assert ["b", "", "", "7.0"] in rows


def test_csv_of_three_axes_has_an_index_a_line() -> None:
    rows = list(csv.reader(io.StringIO(text(report(block(np.zeros((2, 1, 3)), "x")), "csv"))))
    assert rows[0] == ["input", "axis0", "axis1", "axis2", "value"]
    assert len(rows) == 7


def test_csv_of_a_hessian_names_both_inputs() -> None:
    content = text(report(block(X, "x", "x"), block(X, "x", "b")), "csv")
    assert content.splitlines()[:2] == ["input,with,axis0,axis1,value", "x,x,0,0,1.0"]


def test_text_formats_read_back_exactly() -> None:
    array = np.random.default_rng(3).standard_normal((3, 4)) * 1e-200
    single = array.astype(np.float32) * np.float32(1)
    for chosen, delimiter in (("csv", ","), ("tsv", "\t"), ("plain", None)):
        again = np.loadtxt(io.StringIO(text(report(block(array, "x")), chosen)), delimiter=delimiter)  # type: ignore[arg-type]
        np.testing.assert_array_equal(again, array)
        again = np.loadtxt(io.StringIO(text(report(block(single, "x")), chosen)), delimiter=delimiter)  # type: ignore[arg-type]
        np.testing.assert_array_equal(again.astype(np.float32), single)


def test_plain_of_numbers_has_nothing_else() -> None:
    assert text(report(block(4.0, "x")), "plain") == "4.0\n"
    assert text(report(block([1.0, 2.0], "x")), "plain") == "1.0\n2.0\n"
    assert text(report(block(X, "x"), block(2.0, "b")), "plain") == "# x\n1.0 -2.5\n0.1 3.0\n# b\n2.0\n"


def test_precision_rounds_text_and_never_json() -> None:
    third = report(block(1 / 3, "x"))
    assert text(third, "csv", precision=3) == "0.333\n"
    assert text(third, "plain", precision=2) == "0.33\n"
    assert json.loads(text(third, "json", precision=3))["result"]["x"] == 1 / 3


@pytest.mark.parametrize("chosen", ["table", "json", "csv", "tsv", "npy", "npz", "mtx", "latex", "markdown", "plain"])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (3, 0), (2, 2)])
def test_every_format_bears_every_small_shape(chosen: Format, shape: tuple[int, ...]) -> None:
    content = rendered(report(block(np.ones(shape), "x")), Presentation(chosen))
    assert bool(content) or 0 in shape


# npy, npz, mtx


def test_npy_holds_one_array_and_says_so() -> None:
    np.testing.assert_array_equal(np.load(io.BytesIO(data(report(block(X, "x")), "npy")), allow_pickle=False), X)
    with pytest.raises(UsageError, match="holds one array, and there are 2: x, b") as caught:
        data(report(block(X, "x"), block(X, "b")), "npy")
    assert ".npz" in str(caught.value)


def test_npz_holds_arrays_by_name() -> None:
    content = np.load(io.BytesIO(data(report(block(X, "file"), block(2.0, "b")), "npz")), allow_pickle=False)
    assert sorted(content) == ["b", "file"]
    np.testing.assert_array_equal(content["file"], X)
    hessian = np.load(io.BytesIO(data(report(block(X, "x", "b"), block(X, "b", "b")), "npz")))
    assert sorted(hessian) == ["b,b", "x,b"]
    assert sorted(np.load(io.BytesIO(data(report(block(X)), "npz")))) == ["result"]


def test_npz_takes_the_value_too() -> None:
    shown = report(block(X, "x"), value=X)
    assert sorted(np.load(io.BytesIO(data(shown, "npz", show_value=True)))) == ["value", "x"]
    with pytest.raises(UsageError, match="called value"):
        data(report(block(X, "value"), value=X), "npz", show_value=True)


def test_sparse_goes_to_scipys_formats() -> None:
    matrix = scipy.sparse.csr_array(np.array([[0.0, 1 / 3], [0.0, 0.0], [2.0, 0.0]]))
    again = scipy.sparse.load_npz(io.BytesIO(data(report(block(matrix, "x")), "npz")))
    np.testing.assert_array_equal(again.toarray(), matrix.toarray())
    market = scipy.io.mmread(io.StringIO(text(report(block(matrix, "x")), "mtx")))
    np.testing.assert_array_equal(market.toarray(), matrix.toarray())
    with pytest.raises(UsageError, match="no sparse matrix"):
        data(report(block(matrix, "x")), "npy")
    both = np.load(io.BytesIO(data(report(block(matrix, "x"), block(2 * matrix, "b")), "npz")))
    again = scipy.sparse.coo_array((both["b.data"], (both["b.row"], both["b.col"])), shape=both["b.shape"])
    np.testing.assert_array_equal(again.toarray(), 2 * matrix.toarray())


@pytest.mark.parametrize(
    "nothing", [np.zeros((0, 3)), np.zeros((3, 0), dtype=np.int64), scipy.sparse.csr_array((2, 2))], ids=str
)
def test_matrix_market_holds_nothing_too(nothing: Any) -> None:
    written = text(report(block(nothing, "x")), "mtx")
    assert read_matrix_market(written, exact=False).shape == nothing.shape


def test_matrix_market_reads_back_exactly_and_takes_a_matrix_only() -> None:
    array = np.random.default_rng(5).standard_normal((3, 3))
    array = array + array.T
    np.testing.assert_array_equal(scipy.io.mmread(io.StringIO(text(report(block(array, "x")), "mtx"))), array)
    assert "general" in text(report(block(array, "x")), "mtx")
    with pytest.raises(UsageError, match="3 axes"):
        text(report(block(np.zeros((2, 2, 2)), "x")), "mtx")
    assert text(report(jacobian_block(), matrix=True), "mtx")


# LaTeX and Markdown


def test_latex_is_a_displayed_matrix() -> None:
    content = text(report(block([[1e-20, math.nan], [math.inf, 2.0]], "x")), "latex")
    assert r"1 \times 10^{-20} & \mathrm{NaN} \\" in content
    assert r"\infty & 2 \\" in content
    assert content.count(r"\[") == content.count(r"\]") == 1


def test_markdown_has_labels_and_hides_nothing() -> None:
    content = text(report(jacobian_block(), matrix=True), "markdown")
    assert r"|  | x\[0,0] | x\[0,1] | x\[1,0] | x\[1,1] |" in content
    assert r"| **y\[1,1]** | 12 | 13 | 14 | 15 |" in content
    assert "…" not in text(report(block(np.zeros((100, 100)), "x")), "markdown")


# Tables


def test_a_table_says_what_it_is_and_labels_rows_and_columns() -> None:
    assert text(report(block(X, "x")), "table") == (
        "vᵀJ for x  (2×2)\n"
        "       0     1\n"
        "  0  1.0  -2.5\n"
        "  1  0.1   3.0\n"
    )  # fmt: skip


def test_a_jacobian_table_is_a_matrix_with_the_entries_names() -> None:
    lines = text(report(jacobian_block(), matrix=True), "table").splitlines()
    assert lines[0] == "∂y/∂x  (4×4)"
    assert lines[1].split() == ["x[0,0]", "x[0,1]", "x[1,0]", "x[1,1]"]
    assert lines[-1].split() == ["y[1,1]", "12", "13", "14", "15"]


def test_a_number_is_one_line() -> None:
    assert text(report(block(2.4621, "x")), "table") == "vᵀJ for x = 2.4621\n"
    assert text(report(block(True, "x")), "table") == "vᵀJ for x = true\n"


def test_vectors_lie_down_when_short_and_stand_when_long() -> None:
    assert len(text(report(block(np.arange(5.0), "x")), "table").splitlines()) == 3
    assert len(text(report(block(np.arange(20.0), "x")), "table").splitlines()) == 21


def test_more_axes_are_slices_with_headings() -> None:
    content = text(report(block(np.arange(12.0).reshape(2, 3, 2), "x")), "table")
    assert "[0,:,:]" in content
    assert "[1,:,:]" in content
    assert content.splitlines()[0] == "vᵀJ for x  (2×3×2)"


def test_what_a_table_hides_is_counted_and_the_way_to_it_told() -> None:
    content = text(report(block(np.zeros((100, 200)), "x")), "table")
    shown = sum(line.split()[1:].count("0") for line in content.splitlines()[2:])
    assert f"{20_000 - shown:,} of 20,000 entries are hidden" in content
    assert "--full" in content and "-o FILE" in content and "--json" in content
    assert "hidden" not in text(report(block(np.zeros((100, 200)), "x")), "table", full=True)
    assert "entries are hidden" in text(report(block(np.zeros((20, 2, 2)), "x")), "table")


def test_a_table_marks_what_is_not_finite() -> None:
    content = text(report(block([1.0, math.nan, math.inf], "x")), "table")
    assert "nan" in content and "inf" in content
    assert "not finite: 1 nan and 1 inf of 3, the first at [1]" in content


def test_a_sparse_table_lists_the_stored_entries() -> None:
    matrix = scipy.sparse.csr_array(np.diag([1.0, 2.0, 3.0]))
    content = text(report(block(matrix, "x", rows=Axis("y", (3,)), cols=Axis("x", (3,)))), "table")
    assert "(3×3, 3 stored)" in content
    assert "y[2]    x[2]      3" in content


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_a_narrow_table_splits_its_columns_and_cuts_no_number(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    array = np.random.default_rng(0).standard_normal((3, 9))
    content = text(report(block(array, "x")), "table", precision=4)
    assert all(len(line) <= width for line in content.splitlines())
    numbers = np.array([float(cell) for line in content.splitlines()[1:] for cell in line.split()])
    for entry in array.ravel():
        assert np.isclose(numbers, entry, rtol=1e-3).any()


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_a_terminal_shows_the_same_numbers_at_every_width(width: int) -> None:
    from jaccli.io.writers import terminal
    from jaccli.io.writers.table import parts

    array = np.random.default_rng(0).standard_normal((3, 9)) * 1000
    shown = parts(report(block(array, "x")), Presentation("table"))
    out = terminal.console(width)
    with out.capture() as capture:
        terminal.show_sections(out, shown)
    content = capture.get()
    grid = section(block(array, "x")).grids[0]
    for cells in grid.columns:
        for cell in cells:
            assert cell.strip() in content
    assert max(map(len, content.splitlines())) <= width


def test_value_comes_first_and_only_if_asked_for() -> None:
    shown = report(block(X, "x"), value=np.float64(5.0))
    assert text(shown, "table", show_value=True).splitlines()[0] == "f(x) = 5"
    assert "f(x)" not in text(shown, "table")


def test_grad_tables_have_a_heading_a_call() -> None:
    calls = [("v = ones", [block(4.0, "x", title="x.grad")]), ("reset", [block(0.0, "x", title="x.grad")])]
    assert text(report(block(0.0, "x"), calls=calls), "table") == (
        "after call 1 of 2: v = ones\nx.grad = 4\n\nafter call 2 of 2: reset\nx.grad = 0\n"
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0, 2.0, 0.0], ["4", "2", "0"]),
        ([0.3, 3.0, 0.0003], ["0.3000", "3.0000", "0.0003"]),
        ([1 / 3, 1000.0], ["   0.333333", "1000.000000"]),
        ([1e-20, 4.0, math.nan], ["1e-20", "4e+00", "  nan"]),
        ([1e300, -2.5], [" 1.0e+300", "-2.5e+000"]),
        ([1234567.0, 1.0], ["1234567", "      1"]),
        ([math.inf, -0.0, -1.5], ["inf  ", "  0  ", " -1.5"]),
        ([True, False], [" true", "false"]),
        ([3, -12], ["  3", "-12"]),
        ([None, 1.5], ["…  ", "1.5"]),
        ([], []),
    ],
)
def test_numbers_align_at_the_decimal_point(values: Sequence[float | None], expected: list[str]) -> None:
    assert column(values, 6) == expected


@pytest.mark.parametrize("digits", [1, 3, 6, 12, 17])
def test_a_column_keeps_the_digits_that_are_asked_for(digits: int) -> None:
    values = (np.random.default_rng(digits).standard_normal(200) * 10.0 ** np.arange(-100, 100)).tolist()
    for size in (1, 3, 200):
        for start in range(0, 200, size):
            chunk = values[start : start + size]
            for cell, value in zip(column(chunk, digits), chunk, strict=True):
                assert float(cell) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


def test_visible_positions_are_all_or_the_ends() -> None:
    assert list(visible(40, 40)) == list(range(40))
    positions = list(visible(41, 40))
    assert positions[0] == 0 and positions[-1] == 40 and positions.count(None) == 1


def test_a_grid_without_labels_has_no_empty_column() -> None:
    grid = section(block(np.arange(3.0), "x"), limits=Limits()).grids[0]
    assert plain_lines(grid, None) == ["  0  1  2", "  0  1  2"]


# Listings

LISTING = Listing("things", ("name", "text"), [("a", "one"), ("b|c", "two, three")], {"names": ["a", math.nan]}, "two")


def test_listings_have_their_formats() -> None:
    assert text(LISTING, "table") == "things\n  name  text\n  a     one\n  b|c   two, three\ntwo\n"
    assert text(LISTING, "csv") == 'name,text\na,one\nb|c,"two, three"\n'
    assert text(LISTING, "plain") == "a\tone\nb|c\ttwo, three\n"
    assert "| b\\|c | two, three |" in text(LISTING, "markdown")
    assert json.loads(text(LISTING, "json")) == {"names": ["a", "NaN"]}
    with pytest.raises(UsageError, match="holds arrays"):
        text(LISTING, "npy")


# Formats and destinations


@pytest.mark.parametrize(("extension", "chosen"), OF_EXTENSION.items())
def test_the_extension_tells_the_format(extension: str, chosen: Format) -> None:
    assert chosen_format(None, False, f"dir.d/file{extension.upper()}") == chosen
    assert chosen_format("plain", False, f"file{extension}") == "plain"
    assert chosen_format(None, True, f"file{extension}") == "json"


@pytest.mark.parametrize("path", ["file", "file.xlsx", ".json"])
def test_an_unknown_extension_lists_the_known_ones(path: str) -> None:
    with pytest.raises(UsageError, match=r"\.npz"):
        chosen_format(None, False, path)


def test_json_beside_another_format_is_refused() -> None:
    assert chosen_format("json", True, None) == "json"
    with pytest.raises(UsageError, match="exclude each other"):
        chosen_format("csv", True, None)


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.csv"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileError, match="No space left"):
        write_atomically(str(target), b"new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.csv"]


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_writing_keeps_mode_and_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_writing_to_a_device_leaves_it_a_device() -> None:
    write_atomically("/dev/null", b"anything")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(os.name == "nt", reason="signals, links, modes and devices of POSIX")
def test_a_new_file_obeys_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(str(tmp_path / "file"), b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("path", ["missing/file.csv", "."])
def test_a_destination_is_checked_before_the_work(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError):
        destination.check(Presentation("csv", path=path))


def test_the_first_entry_that_is_not_finite_is_found() -> None:
    found = first_trouble(report(block([[1.0, 2.0], [math.nan, 0.0]], "x")))
    assert found is not None
    assert (found.block.name, found.said, found.at) == ("x", "1 nan of 4, the first at [1, 0]", (1, 0))
    matrix = scipy.sparse.csr_array(np.array([[0.0, 1.0], [0.0, math.inf]]))
    found = first_trouble(report(block(matrix, "x")))
    assert found is not None
    assert (found.said, found.at) == ("1 inf of 2, the first at [1, 1]", (1, 1))
    calls = [("v = 1", [block(math.inf, "x")]), ("reset", [block(0.0, "x")])]
    found = first_trouble(report(block(0.0, "x"), calls=calls))
    assert found is not None
    assert (found.call, found.at) == (0, ())
    assert first_trouble(report(block(X, "x"))) is None


# Accumulators


def test_accumulators_add_and_reset() -> None:
    totals = accumulate({"x": np.zeros(2)}, [{"x": np.ones(2)}, {"x": np.ones(2)}, None, {"x": np.full(2, 5.0)}])
    assert [total["x"].tolist() for total in totals] == [[1, 1], [2, 2], [0, 0], [5, 5]]


def test_the_state_file_keeps_what_was_accumulated(tmp_path: Path) -> None:
    path = str(tmp_path / "state.npz")
    for expected in (1.0, 2.0, 3.0):
        with keeping(path, {"x": np.zeros(2)}) as state:
            state.keep({"x": state.before["x"] + 1})
        assert np.load(path)["x"].tolist() == [expected, expected]


def test_the_state_file_stays_as_it_was_after_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "state.npz")
    with keeping(path, {"x": np.zeros(())}) as state:
        state.keep({"x": np.array(1.0)})
    with pytest.raises(NumbersError), keeping(path, {"x": np.zeros(())}) as state:
        raise NumbersError("no")
    assert np.load(path)["x"] == 1.0


def test_concurrent_writers_lose_no_update(tmp_path: Path) -> None:
    path = str(tmp_path / "state.npz")

    def add() -> None:
        for _ in range(20):
            with keeping(path, {"x": np.zeros(())}) as state:
                state.keep({"x": state.before["x"] + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.load(path)["x"] == 80.0


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 but no archive"])
def test_a_damaged_state_file_is_said_and_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    with pytest.raises(JaccliError, match="accumulators"), keeping(str(path), {"x": np.zeros(())}):
        pass
    assert path.read_bytes() == content


def test_a_state_of_another_shape_names_both(tmp_path: Path) -> None:
    path = str(tmp_path / "state.npz")
    with keeping(path, {"x": np.zeros((2, 3))}) as state:
        state.keep({"x": np.zeros((2, 3))})
    with pytest.raises(FileError, match=r"2×3, and x is 4"), keeping(path, {"x": np.zeros(4)}):
        pass


def test_zeros_of_structure_are_dots_where_people_read(run: Callable[..., Any]) -> None:
    words = ("jacobian", "x*[2, 0.5, 3]", "--x", "1,1,0")
    table = run(*words).out.splitlines()[2:]
    assert [line.split()[1:] for line in table] == [["2", "·", "·"], ["·", "0.5", "·"], ["·", "·", "3"]]
    assert "| **y\\[0]** | 2 | · | · |" in run(*words, "--format", "markdown").out
    assert r"2 & \cdot & \cdot \\" in run(*words, "--format", "latex").out
    for chosen in ("csv", "tsv", "plain", "json"):
        assert "·" not in run(*words, "--format", chosen).out


def test_a_zero_that_is_a_number_stays_a_number(run: Callable[..., Any]) -> None:
    out = run("jacobian", "x**2", "--x", "0,3").out
    assert [line.split()[1:] for line in out.splitlines()[2:]] == [["0", "·"], ["·", "6"]]


def test_a_hessian_and_a_tensor_tell_them_apart_too(run: Callable[..., Any]) -> None:
    assert run("hessian", "sum(x**3) + 2*x[0]*x[1]", "--x", "0,1,2").out.count("·") == 4
    assert run("jacobian", "x**2", "--x", "1,2", "--layout", "tensor").out.count("·") == 2


def test_a_column_with_dots_aligns_at_the_decimal_point(run: Callable[..., Any]) -> None:
    text, given = "W @ x + [0, 0, 1]*x[0]", "[[1.5,0],[-22.25,1],[100,2]]"
    out = run("jacobian", text, "--W", given, "--x", "1,1", "--wrt", "x").out
    column = [line[8:18] for line in out.splitlines()[2:]]
    assert len({line.index(".") for line in column if "." in line}) == 1


def test_numbers_of_a_listing_align_at_the_decimal_point(run: Callable[..., Any]) -> None:
    finished = run("check", "a*x + b", "--a", "100.5", "--x", "2", "--b", "1", "--v", "1")
    rows = [line for line in finished.out.splitlines() if re.match(r"  (symbolic|fd)", line)]
    ours = [re.findall(r"\d+(?:\.\d+)?", line)[-1] for line in rows]
    assert set(ours) == {"2", "100.5", "1"}
    ends = {line.rindex(number) + len(number.partition(".")[0]) for line, number in zip(rows, ours, strict=True)}
    assert len(ends) == 1
