"""From colours to seeds, and from compressed products back to the entries of a Jacobian.

Seeds and decompression meet in the colouring plan only: one seed a colour, the sum of the unit vectors of its
columns (or rows); an entry is read from the product of its colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from jaccli.sparsity.colouring import Plan

Array = NDArray[Any]
Pattern: TypeAlias = sparse.csr_array


def seeds(colours: Array, first: int, last: int, dtype: Any) -> Array:
    """The seeds of colours first to last - 1, as rows."""
    chosen = np.flatnonzero((colours >= first) & (colours < last))
    rows = np.zeros((last - first, len(colours)), dtype)
    rows[colours[chosen] - first, chosen] = 1.0
    return rows


def units(positions: Array, size: int, dtype: Any) -> Array:
    """Unit vectors as rows."""
    rows = np.zeros((len(positions), size), dtype)
    rows[np.arange(len(positions)), positions] = 1.0
    return rows


class Entries:
    """The stored entries of a pattern, filled in as products arrive. State: the values so far."""

    def __init__(self, pattern: Pattern, dtype: Any) -> None:
        self._pattern = pattern
        self._rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
        self._values = np.zeros(pattern.nnz, dtype)
        self._by_colour: Array | None = None
        self._starts: Array | None = None
        self._across: Array | None = None

    def read(self, plan: Plan, first: int, products: Array) -> None:
        """Takes the entries whose colour is first, first + 1, … from their products (one row a colour)."""
        own, across = (self._pattern.indices, self._rows)
        if plan.direction == "reverse":
            own, across = across, own
        if plan.count <= len(products):
            colours = plan.colours[own]
            self._values[:] = products[np.maximum(colours, 0), across]
            return
        if self._by_colour is None:
            colours = plan.colours[own]
            self._by_colour = np.argsort(colours, kind="stable")
            self._starts = np.searchsorted(colours[self._by_colour], np.arange(plan.count + 1))
        assert self._starts is not None
        chosen = self._by_colour[self._starts[first] : self._starts[first + len(products)]]
        self._values[chosen] = products[plan.colours[own[chosen]] - first, across[chosen]]

    def read_rows(self, rows: Array, products: Array) -> None:
        """Takes whole rows from products that hold them."""
        for row, product in zip(rows.tolist(), products, strict=True):
            place = slice(self._pattern.indptr[row], self._pattern.indptr[row + 1])
            self._values[place] = product[self._pattern.indices[place]]

    def read_columns(self, columns: Array, products: Array) -> None:
        """Takes whole columns from products that hold them."""
        for column, product in zip(columns.tolist(), products, strict=True):
            chosen = np.flatnonzero(self._pattern.indices == column)
            self._values[chosen] = product[self._rows[chosen]]

    def mirror(self, own: Array) -> None:
        """Replaces the entries that are not read at their own place by their mirror images."""
        transposed = sparse.csr_array((self._values, self._pattern.indices, self._pattern.indptr),
                                      shape=self._pattern.shape).T.tocsr()  # fmt: skip
        transposed.sort_indices()
        self._values = np.where(own, self._values, transposed.data)

    def matrix(self) -> sparse.csr_array:
        """The Jacobian."""
        indices, indptr = self._pattern.indices.copy(), self._pattern.indptr.copy()
        return sparse.csr_array((self._values, indices, indptr), shape=self._pattern.shape)

    @property
    def has_nan(self) -> bool:
        """Whether an entry is NaN."""
        return bool(np.isnan(self._values).any())


def chunks(count: int, length: int) -> Iterator[tuple[int, int]]:
    """Ranges [first, last) of at most `length` that cover `count`."""
    for first in range(0, count, length):
        yield first, min(first + length, count)
