"""Work in two stages: what depends on the inputs alone is computed once, the rest for every cotangent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.batch import batch
from jaccli.graph.node import Node, dependents, input_node, topological
from jaccli.runtime.memory import lacking
from jaccli.runtime.plan import Plan
from jaccli.runtime.sums import with_early_sums

Array = NDArray[Any]

_LARGEST_CHUNK_BYTES = 1 << 26
_LONGEST_CHUNK = 4096
_SPARED = 8  # of the free memory, one part in so many is taken by a chunk


class Staged:
    """Outputs as a function of early nodes and of late ones.

    The early plan computes the early outputs and the residuals: every node that the late part reads and that does
    not depend on a late node. The late plan needs nothing else, however often it is run.

    Args:
        written: as for a `Plan`.

    Attributes:
        early: plan from the early feeds to (early outputs, residuals).
        late: plan from (residuals, late feeds) to the outputs.
    """

    def __init__(
        self,
        outputs: Sequence[Node],
        early: Sequence[Node],
        late: Sequence[Node],
        early_outputs: Sequence[Node],
        written: Node,
    ) -> None:
        outputs = with_early_sums(outputs, (*early, *late), written)
        varying = dependents(outputs, late)
        moving = dependents(outputs, early)
        residuals: dict[Node, None] = {}
        for node in topological(outputs, stop=late):
            if node in varying:
                residuals.update((a, None) for a in node.args if a not in varying and a in moving)
        residuals.update((output, None) for output in outputs if output not in varying and output in moving)
        self._count = len(early_outputs)
        self.early = Plan((*early_outputs, *residuals), early)
        self.late = Plan(outputs, (*residuals, *late))

    def start(self, values: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """The early outputs and the residuals at a point."""
        results = self.early.run(values)
        return results[: self._count], results[self._count :]

    def finish(self, residuals: Sequence[Array], values: Sequence[Array]) -> list[Array]:
        """The outputs for values of the late nodes."""
        return self.late.run([*residuals, *values])


class Batched:
    """A linear function of one node, run for stacks of its values in chunks that fit into memory."""

    def __init__(
        self,
        outputs: Sequence[Node],
        early: Sequence[Node],
        late: Node,
        chunk: int,
        written: Node,
    ) -> None:
        self.chunk = chunk
        stacked = input_node(f"stack of {late.params['name']}", (chunk, *late.shape), late.dtype)
        self._shape = stacked.shape
        self._dtype = late.dtype
        self._staged = Staged(batch(outputs, {late: stacked}, chunk), early, [stacked], [written], written)

    def start(self, values: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """The early outputs and the residuals at a point."""
        return self._staged.start(values)

    def run(self, residuals: Sequence[Array], stack: Array) -> list[Array]:
        """The outputs for a stack of at most `chunk` values; a shorter one is filled up with zeros."""
        count = len(stack)
        if count == self.chunk:
            return self._staged.finish(residuals, [stack])
        filled = np.zeros(self._shape, self._dtype)
        filled[:count] = stack
        return [output[:count] for output in self._staged.finish(residuals, [filled])]


def chunk_length(outputs: Sequence[Node], late: Node, wanted: int) -> int:
    """How many values of `late` to carry at once, so that intermediate results stay within bounds."""
    varying = dependents(outputs, [late])
    largest = max((node.size for node in varying), default=1)
    length = min(wanted, _LONGEST_CHUNK, _LARGEST_CHUNK_BYTES // (8 * max(largest, 1)))
    available = lacking(_SPARED * 8 * largest * length)
    if available is not None:
        length = available // (_SPARED * 8 * largest)
    return max(1, length)
