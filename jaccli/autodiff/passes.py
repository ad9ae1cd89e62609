"""Batched passes through a derivative: stacks of tangents pushed forward, or of cotangents pulled back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.batch import batch
from jaccli.autodiff.forward import pushforward
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.staged import Batched, chunk_length
from jaccli.errors import LimitError
from jaccli.graph.node import Node, Shape, apply, dependents, input_node, size_of
from jaccli.runtime import progress
from jaccli.runtime.arrays import has_nan, own
from jaccli.runtime.memory import lacking, readable_bytes
from jaccli.runtime.plan import Plan
from jaccli.runtime.work import LARGEST_LOOP

if TYPE_CHECKING:
    from jaccli.sparsity.colouring import Direction

Array = NDArray[Any]
_FEW = 1 << 18
_FEW_SQUARES = 1 << 12
_WALKED_FOR_ONE = 64  # entries that a pass may walk through for each that it gives, however many passes


class Kind(NamedTuple):
    """Which linear map a pass applies.

    Attributes:
        direction: u ↦ J·u for one source, or v ↦ vᵀJ for each of the sources.
        sources: the inputs that are differentiated for.
        masked: zeros of a seed are structural, so that an infinite slope elsewhere leaves no NaN.
        guarded: an operation that makes a NaN has the derivative NaN.
    """

    direction: Direction
    sources: tuple[Node, ...]
    masked: bool = False
    guarded: bool = False


class Pass(NamedTuple):
    """A linear map at one point. `nan`: whether the output has a NaN there."""

    batched: Batched
    residuals: list[Array]
    shape: Shape
    nan: bool

    @property
    def length(self) -> int:
        """How many seeds a pass takes."""
        return self.batched.chunk

    def __call__(self, seeds: Array) -> list[Array]:
        """The products of a stack of seeds, one stack a source, in arrays that belong to nobody else."""
        products = self.batched.run(self.residuals, seeds.reshape((len(seeds), *self.shape)))
        return own(products, (seeds, *self.residuals))


class Passes:
    """The passes of one output. State: the batched plans made so far.

    Args:
        inputs: all inputs of the graph.
        output: what is differentiated.
    """

    def __init__(self, inputs: Sequence[Node], output: Node) -> None:
        self._inputs = list(inputs)
        self.output = output
        self._batched: dict[tuple[Any, ...], tuple[Batched, Shape]] = {}
        self._plans: dict[tuple[Kind, int], Plan | None] = {}
        self._reaching: dict[Kind, bool] = {}
        self._value: Plan | None = None

    def at(self, feeds: Sequence[Array], kind: Kind, wanted: int, chunk: int | None) -> Pass:
        """The linear map at a point, for `wanted` seeds in chunks of `chunk`, or as many as fit."""
        key = (kind, wanted, chunk)
        if key not in self._batched:
            late, results = _linear_map(self.output, kind)
            wanted = max(wanted, 1)
            _refuse_endless(wanted, results, late, kind)
            length = chunk_length(results, late, wanted) if chunk is None else max(1, min(chunk, wanted))
            self._batched[key] = Batched(results, self._inputs, late, length, self.output), late.shape
        batched, shape = self._batched[key]
        (value,), residuals = batched.start(feeds)
        return Pass(batched, residuals, shape, has_nan(value))

    def run(
        self,
        feeds: Sequence[Array],
        kind: Kind,
        count: int,
        seeds: Callable[[int, int], Array],
        take: Callable[[int, list[Array]], None],
        chunk: int | None = None,
    ) -> bool:
        """Passes for the same seeds every time; says whether the output has a NaN at the point.

        Args:
            count: the number of seeds.
            seeds: gives those from one number up to another, as rows.
            take: is given the number of a chunk's first seed, and its products, one stack a source.
        """
        whole = self._whole(kind, count, seeds) if chunk is None else None
        if whole is not None:
            value, *products = whole.owned(feeds)
            take(0, products)
            return has_nan(value)
        run = self.at(feeds, kind, count, chunk)
        _refuse_too_many(min(run.length, count), run.shape)
        for first in range(0, count, run.length):
            last = min(first + run.length, count)
            take(first, run(seeds(first, last)))
            progress.tell(last, count)
        return run.nan

    def reaches(self, kind: Kind) -> bool:
        """Whether any product depends on its seed. Where none does, all are 0."""
        if kind not in self._reaching:
            late, results = _linear_map(self.output, kind)
            varying = dependents(results, [late])
            self._reaching[kind] = any(result in varying for result in results)
        return self._reaching[kind]

    def is_nan(self, feeds: Sequence[Array]) -> bool:
        """Whether the output has a NaN at a point."""
        if self._value is None:
            self._value = Plan([nan_source(self.output)], self._inputs)
        return has_nan(self._value.run(feeds)[0])

    def _whole(self, kind: Kind, count: int, seeds: Callable[[int, int], Array]) -> Plan | None:
        """A plan of its own for few seeds: what depends on them alone is computed once. None where they are many."""
        key = (kind, count)
        if key not in self._plans:
            found = stacked_map(self.output, kind, count, seeds)
            self._plans[key] = None
            if found is not None:
                known, products = found
                self._plans[key] = Plan([nan_source(self.output), *products], self._inputs, known, self.output)
        return self._plans[key]


def _refuse_endless(passes: int, results: Sequence[Node], late: Node, kind: Kind) -> None:
    """Raises a `LimitError` where the passes walk through far more entries than they give, for longer than anyone
    waits."""
    entries = max(node.size for node in (late, *dependents(results, [late])))
    if passes * entries <= LARGEST_LOOP or entries <= _WALKED_FOR_ONE * sum(node.size for node in results):
        return
    raise LimitError(
        f"{passes:,} passes in {kind.direction} mode, each over arrays of {entries:,} entries",
        hint="--mode auto takes the direction of fewer passes, --wrt chooses inputs; jaccli vjp and jvp take one pass",
    )


def _refuse_too_many(seeds: int, shape: Shape) -> None:
    """Raises a `LimitError` where a stack of seeds does not fit into the free memory."""
    needed = 8 * seeds * size_of(shape)
    free = lacking(needed)
    if free is not None:
        raise LimitError(
            f"{seeds:,} passes at once take {readable_bytes(needed)} of memory, and {readable_bytes(free)} are free",
            hint="--chunk takes fewer at once, --sparse as many as there are colours",
        )


def _linear_map(output: Node, kind: Kind) -> tuple[Node, list[Node]]:
    """The seed's node and its products."""
    if kind.direction == "forward":
        (source,) = kind.sources
        tangent = input_node("tangent", source.shape, source.dtype)
        return tangent, [pushforward(output, {source: tangent}, guarded=kind.guarded, masked=kind.masked)]
    cotangent = input_node("cotangent", output.shape, output.dtype)
    return cotangent, pullback(output, cotangent, kind.sources, guarded=kind.guarded, masked=kind.masked)


def stacked_map(
    output: Node, kind: Kind, count: int, seeds: Callable[[int, int], Array]
) -> tuple[dict[Node, Array], list[Node]] | None:
    """The products of seeds that are known, as nodes: (values of the seeds' node, products).

    None where they are many.
    """
    late, results = _linear_map(output, kind)
    largest = max((node.size for node in dependents(results, [late])), default=1)
    if not 0 < count * max(largest, late.size) <= _FEW:
        return None
    stacked = input_node(
        f"seeds for {[source.params['name'] for source in kind.sources]}", (count, *late.shape), late.dtype
    )
    values = np.ascontiguousarray(seeds(0, count)).reshape(stacked.shape)
    return {stacked: values}, batch(results, {late: stacked}, count)


_NAN_ONLY_FROM_NAN = frozenset(
    [
        "tanh",
        "exp",
        "expm1",
        "exp2",
        "arctan",
        "sigmoid",
        "softplus",
        "erf",
        "erfc",
        "negative",
        "abs",
        "sinh",
        "cosh",
        "arcsinh",
        "cbrt",
        "reshape",
        "transpose",
    ]
)


def nan_mark(node: Node) -> Node:
    """A scalar that is NaN or true just where a node has a NaN: of few entries the sum of their squares, of many a
    truth value, because that is found in the loop that computes them."""
    source = nan_source(node)
    axes = tuple(range(source.ndim))
    if source.is_float and source.size <= _FEW_SQUARES:
        return apply("contract", source, source, left=axes, right=axes, out=())
    return apply("sum", apply("isnan", source), axes=axes)


def nan_source(node: Node) -> Node:
    """An earlier node that has a NaN just where the node has one."""
    while node.primitive.name in _NAN_ONLY_FROM_NAN:
        node = node.args[0]
    return node
