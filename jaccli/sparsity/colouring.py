"""Grouping columns (or rows) so that one pass gives a whole group.

Two columns may share a colour where no row holds entries of both. Greedy colouring in natural order and in order of
falling degree follows A. Curtis, M. Powell, J. Reid (1974) and A. Gebremedhin, F. Manne, A. Pothen, What color is
your Jacobian?, SIAM Review 47 (2005); the loop over columns is SciPy's compiled one. Regular patterns are tried with
colours that repeat along the index first, which is optimal for bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]
Pattern: TypeAlias = sparse.csr_array

_LONGEST_PERIOD = 64
_MOST_WORK = 4_000_000_000
_MOST_STAR_ENTRIES = 400_000


@dataclass(frozen=True)
class Plan:
    """Which passes give every entry of a Jacobian.

    Attributes:
        direction: "forward" colours columns, one tangent a colour; "reverse" colours rows, one cotangent a colour.
        colours: of each column (forward) or row (reverse); -1 where it needs no pass.
        count: the number of colours.
        apart: rows (forward) or columns (reverse) so full that each gets a pass of its own in the other direction.
    """

    direction: str
    colours: Array
    count: int
    apart: Array

    @property
    def passes(self) -> int:
        """How many cotangents and tangents are needed in all."""
        return self.count + len(self.apart)


def colour_jacobian(pattern: Pattern) -> Plan:
    """The cheapest of colouring columns and rows, a few full rows or columns set apart.

    Args:
        pattern: boolean, (outputs, inputs).
    """
    forward = colour_forward(pattern)
    if forward.passes <= 2:
        return forward
    reverse = colour_reverse(pattern)
    return reverse if reverse.passes < forward.passes else forward


def colour_forward(pattern: Pattern) -> Plan:
    """Colours for the columns, a few full rows set apart where that saves passes."""
    return _one_direction(pattern, "forward")


def colour_reverse(pattern: Pattern) -> Plan:
    """Colours for the rows, a few full columns set apart where that saves passes."""
    return _one_direction(sparse.csr_array(pattern.T.tocsr()), "reverse")


def _one_direction(pattern: Pattern, direction: str) -> Plan:
    filled = np.diff(pattern.indptr)
    falling = np.argsort(-filled, kind="stable")
    bounds = np.append(filled[falling], 0)
    cost = np.arange(len(bounds)) + bounds
    few = int(np.argmin(cost))
    if few == 0 or cost[few] * 2 > cost[0]:
        few = 0
    apart = np.sort(falling[:few])
    rest = pattern
    if few:
        keep = np.ones(pattern.shape[0], bool)
        keep[apart] = False
        rest = sparse.csr_array(pattern[np.flatnonzero(keep)])
    colours = colour_columns(rest)
    return Plan(direction, colours, int(colours.max(initial=-1)) + 1, apart)


def colour_columns(pattern: Pattern) -> Array:
    """A colour for every column, such that no row holds two entries of one colour; -1 for an empty column."""
    used = np.zeros(pattern.shape[1], bool)
    used[pattern.indices] = True
    lower = int(np.diff(pattern.indptr).max(initial=0))
    if lower <= 1:
        return np.where(used, 0, -1)
    periodic = _periodic(pattern, lower)
    if periodic is not None:
        return np.where(used, periodic, -1)
    if lower * (pattern.shape[1] + pattern.nnz) > _MOST_WORK or lower == int(used.sum()):
        colours = np.full(pattern.shape[1], -1)
        colours[used] = np.arange(int(used.sum()))
        return colours
    best = _greedy(pattern, None)
    if best.max() + 1 > lower:
        degrees = np.diff(pattern.tocsc().indptr)
        other = _greedy(pattern, np.argsort(-degrees, kind="stable"))
        best = other if other.max() < best.max() else best
    return _compact(np.where(used, best, -1))


def _compact(colours: Array) -> Array:
    """The same groups numbered without gaps."""
    numbers = np.unique(colours[colours >= 0])
    renumbered = np.full(int(numbers[-1]) + 1 if len(numbers) else 0, -1)
    renumbered[numbers] = np.arange(len(numbers))
    return np.where(colours >= 0, renumbered[np.maximum(colours, 0)], -1) if len(numbers) else colours


def _periodic(pattern: Pattern, lower: int) -> Array | None:
    """Column number modulo the smallest period that any colouring could have, where that is one."""
    if lower > _LONGEST_PERIOD:
        return None
    colours = np.arange(pattern.shape[1]) % lower
    return colours if is_valid(pattern, colours) else None


def is_valid(pattern: Pattern, colours: Array) -> bool:
    """Whether no row of the pattern holds two entries of one colour. Colour -1 must not occur in a row."""
    count = int(colours.max(initial=-1)) + 1
    rows = np.repeat(np.arange(pattern.shape[0], dtype=np.int64), np.diff(pattern.indptr))
    own = colours[pattern.indices]
    if len(own) and own.min() < 0:
        return False
    keys = rows * max(count, 1) + own
    keys.sort()
    return not bool(np.any(keys[1:] == keys[:-1]))


def _greedy(pattern: Pattern, order: Array | None) -> Array:
    """First-fit colouring of the columns in an order, by SciPy's compiled loop."""
    from scipy.optimize._numdiff import group_columns

    if order is None:
        order = np.arange(pattern.shape[1])
    legacy = sparse.csr_matrix((np.ones(pattern.nnz, np.int8), pattern.indices, pattern.indptr), shape=pattern.shape)
    return np.asarray(group_columns(legacy, order))


def colour_diagonal(pattern: Pattern, wanted: Pattern) -> Array:
    """Colours such that the wanted entries of every row meet no other entry of their row.

    Entries that are not wanted may share colours with one another: the full Jacobian is not recovered.
    """
    full = np.diff(pattern.indptr)
    asked = np.diff(wanted.indptr)
    if np.array_equal(full, asked):
        return colour_columns(pattern)
    pairs = int((full.astype(np.int64) * asked).sum())
    if pairs > 50_000_000:
        return np.arange(pattern.shape[1])
    rows = np.repeat(np.arange(pattern.shape[0]), full)
    first = np.repeat(wanted.indices, full[np.repeat(np.arange(wanted.shape[0]), asked)])
    starts = np.repeat(pattern.indptr[:-1], asked)
    lengths = np.repeat(full, asked)
    offsets = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    second = pattern.indices[np.repeat(starts, lengths) + offsets]
    del rows
    different = first != second
    low, high = np.minimum(first, second)[different], np.maximum(first, second)[different]
    edges = np.unique(low.astype(np.int64) * pattern.shape[1] + high)
    low, high = np.divmod(edges, pattern.shape[1])
    conflicts = sparse.csr_array(
        (np.ones(2 * len(edges), bool), np.stack([low, high], 1).ravel(), np.arange(0, 2 * len(edges) + 1, 2)),
        shape=(len(edges), pattern.shape[1]),
    )
    used = np.zeros(pattern.shape[1], bool)
    used[wanted.indices] = True
    colours = colour_columns(conflicts)
    # A column in no conflict may take any colour.
    return np.where(used, np.maximum(colours, 0), colours)


def colour_hessian(pattern: Pattern) -> Array:
    """A star colouring of a symmetric pattern: of every entry (i, j), one of the two places is read directly.

    See A. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, New acyclic and star coloring algorithms, SIAM J. Sci.
    Comput. 29 (2007).
    """
    best = colour_columns(pattern)
    lower = int(np.diff(pattern.indptr).max(initial=0))
    for period in range(1, min(int(best.max(initial=-1)) + 1, _LONGEST_PERIOD)):
        colours = np.where(best >= 0, np.arange(pattern.shape[1]) % period, -1)
        if reads_symmetric(pattern, colours) is not None:
            return _compact(colours)
    if lower > 2 and pattern.nnz <= _MOST_STAR_ENTRIES:
        star = _star(pattern)
        if star.max(initial=-1) < best.max(initial=-1) and reads_symmetric(pattern, star) is not None:
            return star
    return best


def reads_symmetric(pattern: Pattern, colours: Array) -> Array | None:
    """For every entry whether it is read at its own place (True) or at its mirror image; None: not a star colouring."""
    rows = np.repeat(np.arange(pattern.shape[0], dtype=np.int64), np.diff(pattern.indptr))
    columns = pattern.indices
    count = int(colours.max(initial=-1)) + 1
    if len(columns) and colours[columns].min() < 0:
        return None
    hits = np.bincount(rows * count + colours[columns], minlength=pattern.shape[0] * count)
    own = hits[rows * count + colours[columns]] == 1
    mirror = hits[columns.astype(np.int64) * count + colours[rows]] == 1
    return own if bool(np.all(own | mirror)) else None


def _star(pattern: Pattern) -> Array:
    """Greedy star colouring in order of falling degree: no path of four vertices with two colours."""
    indptr, indices = pattern.indptr.tolist(), pattern.indices.tolist()
    size = pattern.shape[0]
    colours = [-1] * size
    degrees = np.diff(pattern.indptr)
    for vertex in np.argsort(-degrees, kind="stable").tolist():
        if indptr[vertex] == indptr[vertex + 1]:
            continue
        forbidden = set()
        for place in range(indptr[vertex], indptr[vertex + 1]):
            near = indices[place]
            if near == vertex:
                continue
            own = colours[near]
            if own >= 0:
                forbidden.add(own)
            for further in range(indptr[near], indptr[near + 1]):
                second = indices[further]
                if second in (vertex, near) or colours[second] < 0:
                    continue
                if own < 0 or _has_neighbour_of(colours, indptr, indices, second, near, own):
                    forbidden.add(colours[second])
        colour = 0
        while colour in forbidden:
            colour += 1
        colours[vertex] = colour
    return np.array(colours)


def _has_neighbour_of(
    colours: list[int], indptr: list[int], indices: list[int], vertex: int, besides: int, colour: int
) -> bool:
    """Whether a vertex has a neighbour of that colour other than one."""
    return any(
        indices[place] not in (besides, vertex) and colours[indices[place]] == colour
        for place in range(indptr[vertex], indptr[vertex + 1])
    )
