"""Expected numbers written into a spec file: into the places of the old ones, so that everything else stays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import LimitError
from jaccli.io.atomic import write_atomically
from jaccli.verify.specs.outcome import Finished
from jaccli.verify.specs.places import Path, Place, places
from jaccli.verify.specs.reading import MARK, Entry, parsed, source_of
from jaccli.verify.specs.situation import Situation, situation
from jaccli.verify.specs.statements import computed

Array = NDArray[Any]

MOST_NUMBERS = 1000
_WIDEST_LINE = 100
_STATING = ("expect", "claim", "claim_jacobian", "claim_value")


def update(path: str, file: str, results: Sequence[Finished], *, is_closed: bool) -> list[Entry]:
    """Writes the computed numbers for what does not hold, and `expect.value` for what states nothing.

    What holds stays as it is, and so does all of the file's text besides. What a formula expects of all of its cases
    is changed where all of them give the new number; else those that do not hold get one of their own. Left alone is
    what stands in a file of its own.

    Args:
        path: of the spec file.
        file: how messages call it.
        results: what came of its tests.
        is_closed: whether files outside of its folder are refused.

    Returns:
        The entries that have new numbers.

    Raises:
        LimitError: a value has more than 1000 numbers.
        FileError: the file cannot be written; it is then as it was.
    """
    source = source_of(path, file)
    text = source.removeprefix(MARK)
    where = places(text)
    changes: dict[Path, str] = {}
    changed = []
    for result in results:
        keys = _keys(result, where)
        if keys:
            changes |= _numbers(result.entry, keys, is_closed)
            changed.append(result.entry)
    changes = _shared(changes, where)
    if changes:
        made = with_changes(text, where, changes)
        _verify(text, made, changes, file)
        write_atomically(path, (MARK * (text != source) + made).encode("utf-8"))
    return changed


def _keys(result: Finished, where: Mapping[Path, Place]) -> list[str]:
    """Which expected numbers of a test are to be written."""
    entry, outcome = result.entry, result.outcome
    if outcome.status in ("error", "skipped", "xfailed"):
        return []
    if not any(key in entry.settings for key in _STATING):
        return ["expect.value"]
    keys = []
    for key in outcome.stale:
        if (*entry.path, *key.split(".")) in where:
            keys.append(key)
        else:
            keys += _with_kin(entry, key)
    return [key for key in dict.fromkeys(keys) if not _is_file(entry, key)]


def _with_kin(entry: Entry, key: str) -> list[str]:
    """An inherited number with those beside it: a case that states one VJP replaces all that the formula states."""
    _, kind, *name = key.split(".")
    return [f"expect.{kind}.{other}" for other in entry.settings["expect"][kind]] if name else [key]


def _shared(changes: Mapping[Path, str], where: Mapping[Path, Place]) -> dict[Path, str]:
    """The changes, those of all cases of a formula made where the formula itself states the number."""
    made = dict(changes)
    for path, value in changes.items():
        if path in where or path[2:3] != ("cases",):
            continue
        formula, key = path[:2], path[4:]
        cases = {other[3] for other in where if other[:3] == (*formula, "cases") and len(other) > 3}
        kin = [(*formula, "cases", case, *key) for case in cases]
        if (*formula, *key) in where and all(other not in where and changes.get(other) == value for other in kin):
            made[*formula, *key] = value
            made.pop(path)
    return made


def _is_file(entry: Entry, key: str) -> bool:
    data: Any = entry.settings
    for part in key.split("."):
        data = data[part]
    return isinstance(data, str) and "@" in data


def _numbers(entry: Entry, keys: Sequence[str], is_closed: bool) -> dict[Path, str]:
    found = situation(entry, is_closed=is_closed)
    return {(*entry.path, *key.split(".")): _text(found, key) for key in keys}


def _text(found: Situation, key: str) -> str:
    if key == "expect.shape":
        return str(list(found.output_shape))
    array = computed(found, key)
    if array.size > MOST_NUMBERS:
        raise LimitError(
            f"{found.entry.file}:{found.entry.line}: {found.entry.name}: {key} would have {array.size:,} numbers",
            hint='expect.shape says less, and expect.value = "@x.npy" keeps them in a file of their own',
        )
    if array.size == 0:
        return f'"zeros:{"x".join(map(str, array.shape))}"'
    return toml_text(array, len(key) + 3)


def toml_text(array: Array, indent: int = 0) -> str:
    """An array in TOML, exactly; in lines of rows where one line would be long."""
    line = _nested(array)
    if array.ndim == 0 or indent + len(line) <= _WIDEST_LINE:
        return line
    if array.ndim > 1:
        return "[\n" + "".join(f"  {_nested(row)},\n" for row in array) + "]"
    lines = [""]
    for number in array:
        cell = _nested(number) + ","
        if len(lines[-1]) + len(cell) + 3 > _WIDEST_LINE:
            lines.append("")
        lines[-1] += f" {cell}"
    return "[\n" + "".join(f" {line}\n" for line in lines) + "]"


def _nested(array: Array) -> str:
    if np.ndim(array):
        return "[" + ", ".join(map(_nested, array)) + "]"
    if array.dtype.kind != "f":
        return str(int(array))
    number = float(array)
    return repr(number) if math.isfinite(number) else "nan" if math.isnan(number) else f"{number}"


def with_changes(text: str, where: Mapping[Path, Place], changes: Mapping[Path, str]) -> str:
    """The text with new values: in place of the old ones, or as new lines at the end of their tables."""
    newline = "\r\n" if "\r\n" in text else "\n"
    edits = []
    for path, value in changes.items():
        value = value.replace("\n", newline)
        if path in where:
            edits.append((where[path].start, where[path].end, value))
        else:
            edits.append(_insertion(text, where, path, value, newline))
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _insertion(text: str, where: Mapping[Path, Place], path: Path, value: str, newline: str) -> tuple[int, int, str]:
    cut = max(number for number, part in enumerate(path) if isinstance(part, int)) + 1
    table = where[path[:cut]]
    key = ".".join(map(str, path[cut:]))
    if not table.is_header:
        comma = ", " if text[table.start + 1 : table.end - 1].strip() else ""
        end = len(text[: table.end - 1].rstrip())
        return end, end, f"{comma}{key} = {value}"
    following = min(
        (place.start for place in where.values() if place.is_header and place.start > table.start), default=len(text)
    )
    own = [place.end for place in where.values() if table.start <= place.start < following]
    line_end = text.find("\n", max(own))
    line_end = len(text) if line_end < 0 else line_end - (text[line_end - 1] == "\r")
    return line_end, line_end, f"{newline}{key} = {value}"


def _verify(old: str, new: str, changes: Mapping[Path, str], file: str) -> None:
    """Makes sure that the new text means the old one with the new values, before anything is written."""
    wanted = parsed(old, file)
    for path, value in changes.items():
        table: Any = wanted
        for part in path[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else table[part]
        table[path[-1]] = parsed(f"value = {value}", file)["value"]
    if not _equal(parsed(new, file), wanted):
        raise AssertionError(f"the update of {file} would change more than its expected numbers")


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_equal(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_equal, first, second))
    return bool(first == second or (first != first and second != second))
