"""Sparse Jacobians and Hessians: pattern, colouring, one batched pass a direction, decompression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.forward import pushforward
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.staged import Batched, chunk_length
from jaccli.graph.node import Node, input_node
from jaccli.sparsity.colouring import Plan, colour_diagonal, colour_hessian, colour_jacobian, reads_symmetric
from jaccli.sparsity.compression import Entries, chunks, seeds, units
from jaccli.sparsity.pattern import jacobian_pattern

if TYPE_CHECKING:
    from scipy import sparse

Array = NDArray[Any]


class Structure(NamedTuple):
    """What is known of a Jacobian before its numbers."""

    pattern: sparse.csr_array
    plan: Plan

    def describe(self, name: str) -> str:
        """One line for `--verbose`."""
        rows, columns = self.pattern.shape
        apart = f" and {len(self.plan.apart)} full ones apart" if len(self.plan.apart) else ""
        return (
            f"{name}: pattern {rows} x {columns} with {self.pattern.nnz} entries; "
            f"{self.plan.count} colours{apart}, {self.plan.direction} mode, "
            f"{self.plan.passes} passes instead of {min(rows, columns)}"
        )


class SparseJacobian:
    """The Jacobian of one node for one input, by as many passes as it has colours.

    Args:
        inputs: all inputs of the graph.
        output, source: what is differentiated, for what.
        known: values of inputs that hold no floats.
        symmetric: whether the Jacobian is a Hessian's block with itself.
    """

    def __init__(
        self,
        inputs: Sequence[Node],
        output: Node,
        source: Node,
        known: Mapping[Node, Array],
        symmetric: bool = False,
    ) -> None:
        self._inputs = list(inputs)
        self._output = output
        self._source = source
        pattern = jacobian_pattern(output, source, known)
        plan = colour_jacobian(pattern)
        self._own: Array | None = None
        if symmetric and plan.passes > 1:
            plan = self._symmetric_plan(pattern, plan)
        self.structure = Structure(pattern, plan)
        self._sweeps: dict[tuple[str, bool, bool, int], Batched] = {}

    def _symmetric_plan(self, pattern: sparse.csr_array, plan: Plan) -> Plan:
        colours = colour_hessian(pattern)
        count = int(colours.max(initial=-1)) + 1
        if count >= plan.passes:
            return plan
        self._own = reads_symmetric(pattern, colours)
        return Plan("forward", colours, count, np.empty(0, np.int64))

    def matrix(self, feeds: Sequence[Array], *, guarded: bool, chunk: int | None = None) -> sparse.csr_array:
        """The Jacobian at a point, of shape (output size, source size)."""
        entries = self._entries(feeds, False, guarded, chunk)
        if entries.has_nan:
            entries = self._entries(feeds, True, guarded, chunk)
        return entries.matrix()

    def _entries(self, feeds: Sequence[Array], masked: bool, guarded: bool, chunk: int | None) -> Entries:
        pattern, plan = self.structure
        entries = Entries(pattern, self._output.dtype)
        other = "reverse" if plan.direction == "forward" else "forward"
        run = self._runner(plan.direction, masked, guarded, plan.count, chunk, feeds)
        for first, last in chunks(plan.count, run.length):
            entries.read(plan, first, run(seeds(plan.colours, first, last, self._output.dtype)))
        if len(plan.apart):
            across = self._width(other)
            full = self._runner(other, masked, guarded, len(plan.apart), chunk, feeds)
            for first, last in chunks(len(plan.apart), full.length):
                chosen = plan.apart[first:last]
                products = full(units(chosen, across, self._output.dtype))
                (entries.read_rows if plan.direction == "forward" else entries.read_columns)(chosen, products)
        if self._own is not None:
            entries.mirror(self._own)
        return entries

    def _width(self, direction: str) -> int:
        return self._source.size if direction == "forward" else self._output.size

    def _runner(
        self, direction: str, masked: bool, guarded: bool, wanted: int, chunk: int | None, feeds: Sequence[Array]
    ) -> _Runner:
        late, result = linear_map(direction, self._output, self._source, masked, guarded)
        length = chunk_length([result], late, max(wanted, 1)) if chunk is None else max(1, min(chunk, wanted))
        key = (direction, masked, guarded, length)
        if key not in self._sweeps:
            self._sweeps[key] = Batched([result], self._inputs, late, length)
        batched = self._sweeps[key]
        return _Runner(batched, batched.start(feeds), late.shape)


class _Runner(NamedTuple):
    """A batched pass at one point."""

    batched: Batched
    residuals: list[Array]
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        """How many seeds a pass takes."""
        return self.batched.chunk

    def __call__(self, rows: Array) -> Array:
        """The products of seeds, one a row."""
        (products,) = self.batched.run(self.residuals, rows.reshape((len(rows), *self.shape)))
        return products.reshape(len(rows), -1)


def linear_map(direction: str, output: Node, source: Node, masked: bool, guarded: bool) -> tuple[Node, Node]:
    """The seed's node and its product: u ↦ J·u (forward) or v ↦ vᵀJ (reverse). With `masked`, zeros of a seed are
    structural, so that an infinite slope elsewhere leaves no NaN."""
    if direction == "forward":
        tangent = input_node("tangent", source.shape, source.dtype)
        return tangent, pushforward(output, {source: tangent}, guarded=guarded, masked=masked)
    cotangent = input_node("cotangent", output.shape, output.dtype)
    (back,) = pullback(output, cotangent, [source], guarded=guarded, masked=masked)
    return cotangent, back


def sparse_diagonal(
    inputs: Sequence[Node],
    output: Node,
    source: Node,
    known: Mapping[Node, Array],
    samples: int,
) -> tuple[Structure, Callable[[Sequence[Array], bool], Array]]:
    """Blocks ∂y[b, …]/∂x[b, …] by a colouring of their own: (structure, point ↦ array (samples, outputs, inputs))."""
    from scipy import sparse

    pattern = jacobian_pattern(output, source, known)
    per_output, per_input = output.size // max(samples, 1), source.size // max(samples, 1)
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    inside = rows // max(per_output, 1) == pattern.indices // max(per_input, 1)
    counts = np.bincount(rows[inside], minlength=pattern.shape[0])
    wanted = sparse.csr_array(
        (pattern.data[inside], pattern.indices[inside], np.concatenate([[0], np.cumsum(counts)])), shape=pattern.shape
    )
    colours = colour_diagonal(pattern, wanted)
    plan = Plan("forward", colours, int(colours.max(initial=-1)) + 1, np.empty(0, np.int64))
    passes = _DiagonalPasses(list(inputs), output, source, wanted, plan)

    def blocks(feeds: Sequence[Array], guarded: bool) -> Array:
        entries = passes.entries(feeds, guarded, False)
        if entries.has_nan:
            entries = passes.entries(feeds, guarded, True)
        matrix = entries.matrix()
        result = np.zeros((samples, per_output, per_input), output.dtype)
        own = np.repeat(np.arange(wanted.shape[0]), np.diff(wanted.indptr))
        result[own // max(per_output, 1), own % max(per_output, 1), wanted.indices % max(per_input, 1)] = matrix.data
        return result

    return Structure(pattern, plan), blocks


class _DiagonalPasses(NamedTuple):
    """The forward passes of a diagonal."""

    inputs: list[Node]
    output: Node
    source: Node
    wanted: sparse.csr_array
    plan: Plan

    def entries(self, feeds: Sequence[Array], guarded: bool, masked: bool) -> Entries:
        """The wanted entries at a point."""
        late, result = linear_map("forward", self.output, self.source, masked, guarded)
        length = chunk_length([result], late, max(self.plan.count, 1))
        batched = Batched([result], self.inputs, late, length)
        run = _Runner(batched, batched.start(feeds), late.shape)
        entries = Entries(self.wanted, self.output.dtype)
        for first, last in chunks(self.plan.count, length):
            entries.read(self.plan, first, run(seeds(self.plan.colours, first, last, self.output.dtype)))
        return entries
