"""What a pattern is like: how full, how wide a band, how many passes it takes in either direction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from jaccli.sparsity.colouring import Plan, colour_forward, colour_hessian, colour_reverse


class Summary(NamedTuple):
    """A pattern in numbers.

    Attributes:
        pattern: boolean, (rows, columns).
        forward, reverse: the passes that give every entry by tangents alone, or by cotangents alone, but for full
            rows or columns set apart.
        symmetric: the colours of a star colouring where the matrix is a Hessian's block with itself, else None.
        lower, upper: how far entries stand below and above the diagonal at most.
    """

    pattern: sparse.csr_array
    forward: Plan
    reverse: Plan
    symmetric: int | None
    lower: int
    upper: int

    @property
    def stored(self) -> int:
        """How many entries can be other than zero."""
        return int(self.pattern.nnz)

    @property
    def density(self) -> float:
        """The share of the entries that can be other than zero; 0 for a matrix without entries."""
        rows, columns = self.pattern.shape
        return self.stored / (rows * columns) if rows and columns else 0.0

    @property
    def mode(self) -> str:
        """The cheapest way: "forward", "reverse" or "symmetric"."""
        choices = {"forward": self.forward.passes, "reverse": self.reverse.passes}
        if self.symmetric is not None:
            choices["symmetric"] = self.symmetric
        return min(choices, key=lambda mode: choices[mode])

    @property
    def passes(self) -> int:
        """How many passes the cheapest way takes."""
        return {"forward": self.forward.passes, "reverse": self.reverse.passes, "symmetric": self.symmetric or 0}[
            self.mode
        ]


def summarise(pattern: sparse.csr_array, *, symmetric: bool = False) -> Summary:
    """A boolean pattern in numbers; `symmetric` for a Hessian's block with itself."""
    star = int(colour_hessian(pattern).max(initial=-1)) + 1 if symmetric else None
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    distance = pattern.indices - rows
    lower, upper = int(max(-distance.min(initial=0), 0)), int(max(distance.max(initial=0), 0))
    return Summary(pattern, colour_forward(pattern), colour_reverse(pattern), star, lower, upper)
