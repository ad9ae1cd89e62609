"""A pattern as an image file: PNG (https://www.w3.org/TR/png-3/) or SVG."""

from __future__ import annotations

import struct
import zlib
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LONGEST_SIDE = 1024
_SMALLEST_SIDE = 384
_LIGHTEST = 160
_INK = "#1b4f8a"


def png(counts: Array) -> bytes:
    """A grey-scale image of a grid: white where a cell's count is 0, the darker the larger it is."""
    shades = _shades(counts)
    times = max(1, _SMALLEST_SIDE // max(*shades.shape, 1))
    pixels = np.pad(np.repeat(np.repeat(shades, times, 0), times, 1), 1, constant_values=128)
    height, width = pixels.shape
    lines = np.hstack([np.zeros((height, 1), np.uint8), pixels])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _shades(counts: Array) -> Array:
    most = max(int(counts.max(initial=0)), 1)
    dark = _LIGHTEST - np.rint(_LIGHTEST * counts / most)
    return np.where(counts > 0, dark, 255).astype(np.uint8)


def svg(counts: Array, title: str) -> str:
    """A drawing of a grid: a unit square for every cell that is not empty, squares side by side as one."""
    height, width = counts.shape
    scale = _SMALLEST_SIDE / max(width, height, 1)
    path = "".join(f"M{first} {row}h{last - first}v1h{first - last}z" for row, first, last in _runs(counts > 0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.6g}" height="{height * scale:.6g}" '
        f'viewBox="-0.5 -0.5 {width + 1} {height + 1}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width}" height="{height}" fill="white" stroke="gray" stroke-width="1" '
        'vector-effect="non-scaling-stroke"/>\n'
        f'<path d="{path}" fill="{_INK}" shape-rendering="crispEdges"/>\n'
        "</svg>\n"
    )


def _runs(cells: Array) -> list[tuple[int, int, int]]:
    """Row, first and last column (exclusive) of every run of cells that are set."""
    edges = np.diff(np.pad(cells.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, first = np.nonzero(edges == 1)
    _, last = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), first.tolist(), last.tolist(), strict=True))
