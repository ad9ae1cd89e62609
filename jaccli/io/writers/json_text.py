"""JSON: exact, one line a call, and rows below each other at a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaccli.io.report import Array, Block, Report


# A nested JSON text: `str` is finished text, a dict is an object of such texts.
Tree = str | dict[str, "Tree"]

_NOT_FINITE = (("NaN", '"NaN"'), ("Infinity", '"Infinity"'), ('-"Infinity"', '"-Infinity"'))


def text(report: Report, *, indented: bool = False) -> str:
    """The report as one JSON object and a line end: on one line, or indented over several for people."""
    tree: dict[str, Tree] = {
        "command": _string(report.command),
        "expression": _string(report.expression),
        "inputs": {name: _kind(shape, dtype) for name, (shape, dtype) in report.inputs.items()},
    }
    if report.value is not None:
        tree["value"] = array_text(report.value, indented=indented)
    is_value = [(block.path, block.entries is report.value) for block in report.blocks] == [((), True)]
    tree["result"] = tree["value"] if is_value else _nested(report.laid_out(), indented)
    if report.calls is not None:
        calls = [_joined(_nested(blocks, indented), indented, "") for _, blocks in report.calls]
        tree["calls"] = _list(calls, indented)
    return _joined(tree, indented, "") + "\n"


def array_text(array: Array, *, indented: bool = False) -> str:
    """The nested lists of an array; NaN and infinities as strings, since JSON has no such numbers.

    The encoder runs over the whole array at once, and its tokens for non-finite numbers are quoted afterwards:
    in the text of an array no letters stand for anything else.
    """
    array = np.asarray(array)
    if indented and array.ndim > 1 and array.size:
        return _list([array_text(part, indented=True) for part in array], True)
    encoded = json.dumps(array.tolist())
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        for token, quoted in _NOT_FINITE:
            encoded = encoded.replace(token, quoted)
    return encoded


def _nested(blocks: Sequence[Block], indented: bool) -> Tree:
    """The blocks as an object by their paths, or the only block itself if it has no path."""
    if len(blocks) == 1 and not blocks[0].path:
        return _block_text(blocks[0], indented)
    root: dict[str, Tree] = {}
    for block in blocks:
        place = root
        for name in block.path[:-1]:
            inner = place.setdefault(name, {})
            assert isinstance(inner, dict)
            place = inner
        place[block.path[-1]] = _block_text(block, indented)
    return root


def _block_text(block: Block, indented: bool) -> Tree:
    if not block.is_sparse:
        return array_text(block.dense(), indented=indented)
    rows, columns, data = block.coordinates()
    return {
        "shape": json.dumps(block.shape),
        "row": array_text(rows),
        "col": array_text(columns),
        "data": array_text(data),
    }


def _kind(shape: Sequence[int], dtype: str) -> str:
    return json.dumps({"shape": list(shape), "dtype": dtype})


def _string(content: str) -> str:
    return json.dumps(content, ensure_ascii=False)


def _joined(tree: Tree, indented: bool, indent: str) -> str:
    if isinstance(tree, str):
        return tree.replace("\n", "\n" + indent) if indented else tree
    deeper = indent + "  "
    members = [f"{_string(key)}: {_joined(value, indented, deeper if indented else '')}" for key, value in tree.items()]
    if not indented:
        return "{" + ", ".join(members) + "}"
    return "{\n" + ",\n".join(deeper + member for member in members) + f"\n{indent}}}" if members else "{}"


def _list(items: Sequence[str], indented: bool) -> str:
    if not indented:
        return "[" + ", ".join(items) + "]"
    return "[" + ",\n ".join(item.replace("\n", "\n ") for item in items) + "]"
