"""`jaccli sparsity`, the sparse files, and what `--verbose` says."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from conftest import Run

from jaccli.explain.spy import picture, sampled
from jaccli.explain.structure import lines
from jaccli.sparsity.summary import summarise

STENCIL = "x[2:] - 2*x[1:-1] + x[:-2]"


def band(size: int) -> scipy.sparse.csr_array:
    pattern = scipy.sparse.csr_array(scipy.sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(size, size)))
    return pattern.astype(bool)


def test_the_pattern_as_json(answer: Callable[..., Any]) -> None:
    told = answer("sparsity", STENCIL, "--x", "zeros:5")
    assert told["command"] == "sparsity"
    assert told["inputs"] == {"x": {"shape": [5], "dtype": "float64"}}
    assert told["result"] == {
        "x": {
            "shape": [3, 5],
            "stored": 9,
            "density": 0.6,
            "bandwidth": {"lower": 0, "upper": 2},
            "colours": {"forward": 3, "reverse": 3},
            "apart": {"forward": 0, "reverse": 0},
            "passes": {"forward": 3, "reverse": 3},
            "mode": "forward",
            "row": [0, 0, 0, 1, 1, 1, 2, 2, 2],
            "col": [0, 1, 2, 1, 2, 3, 2, 3, 4],
        }
    }


def test_the_pattern_of_a_hessian_as_json(answer: Callable[..., Any]) -> None:
    result = answer("sparsity", "sum(x[1:]*x[:-1]**2) + y**3", "--x", "ones:6", "--y", "2", "--hessian")["result"]
    assert set(result) == {"x", "y"}
    assert result["x"]["x"]["colours"]["symmetric"] == 3
    assert result["x"]["y"]["stored"] == result["y"]["x"]["stored"] == 0
    assert result["y"]["y"] | {"row": [0], "col": [0]} == result["y"]["y"]


def test_the_pattern_in_words_and_dots(run: Run) -> None:
    told = run("sparsity", STENCIL, "--x", "zeros:5")
    assert told.code == 0
    assert told.err == ""
    assert told.out == (
        "∂y/∂x  3×5\n"
        "  9 stored entries, density 0.6\n"
        "  bandwidth: 0 below the diagonal, 2 above it\n"
        "  forward: 3 colours\n"
        "  reverse: 3 colours\n"
        "  cheapest: forward, 3 passes\n"
        "  ┌─────────┐\n"
        "  │● ● ● · ·│\n"
        "  │· ● ● ● ·│\n"
        "  │· · ● ● ●│\n"
        "  └─────────┘\n"
    )


def test_full_rows_are_told_apart(run: Run) -> None:
    told = run("sparsity", "concatenate([[sum(x)], x])", "--x", "zeros:100")
    assert "forward: 1 colour and 1 full row apart, 2 passes" in told.out
    assert "cheapest: forward, 2 passes instead of 100" in told.out


def test_a_hessian_needs_a_scalar(run: Run) -> None:
    told = run("sparsity", "x**2", "--x", "ones:3", "--hessian")
    assert told.code == 2
    assert "a Hessian is of an output of one entry" in told.err


@pytest.mark.parametrize("size", [3, 40, 1000])
@pytest.mark.parametrize("width", [20, 33, 80, 200])
def test_a_picture_fits_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, size: int, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for term in ("xterm", "dumb"):
        monkeypatch.setenv("TERM", term)
        told = run("sparsity", "roll(x, 1) * x", "--x", f"zeros:{size}")
        assert max(map(len, told.out.splitlines())) <= width
        drawn = told.out[told.out.index("passes" if size > 2 else "pass") :]
        assert ("│" in drawn) == (term == "xterm")
        assert term == "xterm" or told.out.replace("∂", "").replace("×", "").isascii()


def test_sampling_keeps_every_entry_and_the_shape() -> None:
    counts = sampled(band(1000), 40, 60)
    assert counts.shape == (40, 40)
    assert counts.sum() == band(1000).nnz
    assert (np.diag(counts) > 0).all()
    assert np.count_nonzero(np.triu(counts, 2)) == 0
    assert sampled(band(5), 40, 60).tolist() == band(5).toarray().astype(int).tolist()


def test_a_short_axis_keeps_its_resolution() -> None:
    tall = scipy.sparse.csr_array(np.tile(np.eye(3, dtype=bool), (1000, 1)))
    assert sampled(tall, 40, 60).shape == (40, 3)


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0), (1, 1), (100, 1), (1, 100), (500, 3)])
@pytest.mark.parametrize("filled", [False, True])
def test_every_shape_has_a_picture(shape: tuple[int, int], filled: bool) -> None:
    pattern = scipy.sparse.csr_array(np.full(shape, filled))
    for glyphs in ("braille", "ascii"):
        drawn = picture(pattern, 40, 20, glyphs)
        assert len(drawn) <= 20
        assert len({len(line) for line in drawn}) == 1
        assert len(drawn[0]) <= 40
    assert lines(summarise(pattern), "y", 40, "ascii")


def test_braille_dots_stand_where_the_entries_do() -> None:
    matrix = np.zeros((40, 40), bool)
    matrix[0, 0] = matrix[39, 39] = matrix[3, 1] = True
    drawn = picture(scipy.sparse.csr_array(matrix), 80, 40, "braille")
    assert drawn[1] == "│" + chr(0x2800 + 0x01 + 0x80) + "⠀" * 19 + "│"
    assert drawn[-2] == "│" + "⠀" * 19 + chr(0x2800 + 0x80) + "│"


@pytest.mark.parametrize("extension", ["mtx", "npz"])
def test_pattern_files_read_back(run: Run, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"pattern.{extension}"
    assert run("sparsity", STENCIL, "--x", "zeros:12", "-o", str(path)).code == 0
    found = scipy.io.mmread(path) if extension == "mtx" else scipy.sparse.load_npz(path)
    expected = np.array([[0 <= column - row <= 2 for column in range(12)] for row in range(10)])
    np.testing.assert_array_equal(found.toarray() != 0, expected)


def test_the_image_is_a_png_with_a_pixel_for_every_cell(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pattern.png"
    assert run("sparsity", "roll(x, 1)", "--x", "zeros:400", "-o", str(path)).code == 0
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (sum_of,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert sum_of == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + length
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (width, height, rest) == (402, 402, [8, 0, 0, 0, 0])
    pixels = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not pixels[:, 0].any()
    np.testing.assert_array_equal(pixels[1:-1, 2:-1] < 128, np.roll(np.eye(400, dtype=bool), 1, axis=0))


def test_the_drawing_is_svg(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pattern.svg"
    assert run("sparsity", "x[:2]", "--x", "zeros:3", "-o", str(path)).code == 0
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    path_data = root.find("{http://www.w3.org/2000/svg}path")
    assert path_data is not None
    assert path_data.get("d") == "M0 0h1v1h-1zM1 1h1v1h-1z"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "∂y/∂x, 2 × 3"


def test_one_image_holds_one_pattern(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pattern.svg"
    told = run("sparsity", "x*y", "--x", "zeros:3", "--y", "ones:3", "-o", str(path))
    assert told.code == 2
    assert "there are 2: x, y" in told.err
    assert "--wrt" in told.err
    assert not path.exists()
    assert run("sparsity", "x*y", "--x", "zeros:3", "--y", "ones:3", "-o", str(path), "--wrt", "y").code == 0


@pytest.mark.parametrize("extension", ["mtx", "npz", "json"])
def test_sparse_jacobians_read_back(run: Run, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"jacobian.{extension}"
    assert run("jacobian", STENCIL, "--x", "randn:12", "--sparse", "-o", str(path)).code == 0
    if extension == "json":
        block = json.loads(path.read_text())["result"]["x"]
        found: Any = scipy.sparse.coo_array((block["data"], (block["row"], block["col"])), shape=block["shape"])
    else:
        found = scipy.io.mmread(path) if extension == "mtx" else scipy.sparse.load_npz(path)
    expected = np.eye(10, 12) - 2 * np.eye(10, 12, 1) + np.eye(10, 12, 2)
    np.testing.assert_array_equal(found.toarray(), expected)


def test_verbose_says_how(run: Run) -> None:
    told = run("jacobian", STENCIL, "--x", "zeros:100", "--sparse", "--verbose", "--json")
    assert told.code == 0
    assert "x: pattern 98 x 100 with 294 entries; 3 colours, forward mode, 3 passes instead of 98" in told.err
    told = run("hessian", "sum(x[1:]*x[:-1])", "--x", "zeros:100", "--verbose", "--json")
    assert "entries; " in told.err
    assert "passes instead of 100" in told.err
    told = run("diag", "roll(x, 1)*x", "--x", "zeros:100", "--verbose", "--json")
    assert "colours" in told.err
    assert "colours" not in run("jacobian", STENCIL, "--x", "zeros:100", "--json").err


@pytest.mark.parametrize(
    "words",
    [
        ("jacobian", "sin(x)*x"),
        ("jacobian", "sin(x)*x", "--mode", "sparse"),
        ("jacobian", "sin(x)*x", "--mode", "forward", "-o", "NOWHERE.npy"),
        ("hessian", "sum(sin(x)*x)"),
    ],
)
def test_a_dense_result_that_does_not_fit_is_refused(
    run: Run, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*words, "--x", "ones:1000000")
    assert told.code == 4
    assert "8.0 TB" in told.err
    assert "--sparse" in told.err
    assert not list(tmp_path.iterdir())
