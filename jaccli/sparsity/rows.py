"""Rows of patterns: chosen, put together and merged, each asked for its size before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from jaccli.errors import LimitError
from jaccli.runtime.memory import lacking, readable_bytes

Array = NDArray[Any]
Pattern: TypeAlias = sparse.csr_array

_BYTES_PER_ENTRY = 24  # an index and a truth value, in both of the parts of a union and in the union
_BYTES_IN_PRODUCT = 9
_BYTES_PER_ROW = 16  # of an argument's pattern and of the node's own
_TIMES = 8  # by how much the entries of a product are thought to meet, before it is known


def refuse_too_many(entries: int, most: int | None = None, bytes_per_entry: int = _BYTES_PER_ENTRY) -> None:
    """Raises a `LimitError` for a pattern of more entries than `most`, or than the free memory holds."""
    needed = entries * bytes_per_entry
    free = lacking(needed)
    if free is None and (most is None or entries <= most):
        return
    taken = "" if free is None else f" and takes {readable_bytes(needed)}; {readable_bytes(free)} are free"
    raise LimitError(
        f"the pattern of the Jacobian has {entries:,} entries{taken}",
        hint="--wrt chooses inputs; jaccli jacobian --mode forward and jaccli vjp need no pattern",
    )


def refuse_long(rows: int) -> None:
    """Raises a `LimitError` where the free memory does not hold where each row of a pattern begins."""
    needed = rows * _BYTES_PER_ROW
    free = lacking(needed)
    if free is not None:
        raise LimitError(
            f"the pattern of the Jacobian has {rows:,} rows and takes {readable_bytes(needed)}; "
            f"{readable_bytes(free)} are free",
            hint="give smaller inputs; jaccli vjp needs no pattern",
        )


def chosen(pattern: Pattern, positions: Array, most: int | None) -> Pattern:
    """The rows at an array of positions, in that order."""
    if len(positions) == pattern.shape[0] and np.array_equal(positions, np.arange(len(positions))):
        return pattern
    refuse_too_many(int(np.diff(pattern.indptr)[positions].sum(dtype=np.int64)) if len(positions) else 0, most)
    return pattern[positions]


def union(patterns: Sequence[Pattern], most: int | None) -> Pattern:
    """The entries of all patterns of one shape."""
    total = patterns[0]
    for pattern in patterns[1:]:
        if pattern is not total:
            refuse_too_many(max(int(total.nnz), int(pattern.nnz)), most)
            refuse_too_many(int(total.nnz) + int(pattern.nnz))
            total = total + pattern
    return total


def merged(members: Pattern, pattern: Pattern, most: int | None) -> Pattern:
    """Row i of the result: the union of the pattern's rows that row i of `members` names."""
    meetings = int(np.diff(pattern.indptr)[members.indices].sum(dtype=np.int64))
    entries = min(meetings, members.shape[0] * pattern.shape[1])
    refuse_too_many(entries // _TIMES, most, _BYTES_IN_PRODUCT)
    refuse_too_many(entries, None, _BYTES_IN_PRODUCT)
    found = sparse.csr_array(members @ pattern)
    refuse_too_many(0 if most is None else int(found.nnz), most, 0)
    return found
