"""What a check is about: the blocks of a derivative, each with the numbers under test."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.autodiff.program import Program
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.vectors import cotangent_for
from jaccli.errors import InputError, LimitError, ShapeError
from jaccli.graph.node import Node, Shape, input_node, show_shape, size_of
from jaccli.runtime.memory import lacking, readable_bytes
from jaccli.runtime.plan import evaluate
from jaccli.verify.rounding import blur

if TYPE_CHECKING:
    from jaccli.api import Formula

Array = NDArray[Any]
Target = Literal["vjp", "jacobian", "hessian"]
Place = tuple[str | None, str]
"""(the input differentiated for before, in a Hessian; the input differentiated for)."""

MOST_ENTRIES = 32
MOST_NUMBERS = 50_000_000  # of a Jacobian or Hessian: each is compared with several others of its size
_BYTES_COMPARED = 280  # of a number, at the peak: measured for a claim
_LESS = "give smaller inputs, or compare the VJP"


@dataclass(frozen=True, eq=False)
class Block:
    """One array of derivatives under test.

    Entry (row, column) is the derivative of Σ cotangent(row) · function with respect to entry `column` of the
    source; `ours` holds it at index (row, column) once its leading axes and those of the source are merged.

    Attributes:
        label: for people: the input's name, or two names.
        source: the input that is differentiated for.
        first: of a Hessian's block, the input that was differentiated for before.
        function: the node that is differentiated, in a Hessian a gradient.
        cotangent: gives the weights of a row, an array of the function's shape.
        ours: the numbers under test, of shape lead + source.
        rows, columns: how many there are.
        blur: how much rounding blurs the entries of a row: an array of the source's size.
        makes_nan: whether the function has a NaN at the point.
    """

    label: str
    source: str
    first: str | None
    function: Node
    cotangent: Callable[[int], Array]
    ours: Array
    rows: int
    columns: int
    blur: Callable[[int], Array]
    makes_nan: bool

    def entry(self, position: int) -> float:
        """The number under test at a position in C order."""
        return float(self.ours.reshape(-1)[position])

    def index(self, position: int) -> tuple[int, ...]:
        """The position as an index of `ours`."""
        return tuple(int(i) for i in np.unravel_index(position, self.ours.shape))


@dataclass(frozen=True)
class Problem:
    """A formula at a point, and what is tested there.

    Attributes:
        program: the graph with its plans.
        point: the inputs' values by name, of the graph's shapes and dtypes.
        cotangent: the weights of the outputs for a VJP.
        target: what is tested.
        blocks: the arrays under test.
        seed: of every draw.
    """

    program: Program
    point: Mapping[str, Array]
    cotangent: Array
    target: Target
    blocks: tuple[Block, ...]
    seed: int

    @property
    def feeds(self) -> dict[Node, Array]:
        """The inputs' values by node."""
        return {node: self.point[name] for name, node in self.program.inputs.items()}

    def drawn(self, block: Block, read: Collection[int]) -> str:
        """How many entries were read, where they were not all."""
        if len(read) == block.ours.size:
            return ""
        return f"{len(read):,} of {block.ours.size:,} entries, drawn with seed {self.seed}"

    def random(self, stream: int) -> np.random.Generator:
        """A source of random numbers; each purpose has its own stream."""
        return np.random.default_rng([self.seed, stream])


def state(
    formula: Formula,
    inputs: Mapping[str, ArrayLike],
    v: ArrayLike | None,
    wrt: Sequence[str] | None,
    target: Target,
    seed: int,
) -> Problem:
    """The problem with its numbers under test computed.

    Raises:
        LimitError: a Jacobian or Hessian of more than `MOST_NUMBERS`, or too large to be compared in the free memory.
        JaccliError: as the computation itself does.
    """
    program, point = formula._bind(inputs)
    names = tuple(formula._names(program, wrt))
    _refuse_too_many(program, names, target)
    cotangent = _cotangent(program, v, target, seed)
    ours: dict[Place, Array] = {}
    if target == "hessian":
        hessian = formula.hessian(inputs, wrt=wrt)
        ours.update(((first, source), hessian[first][source]) for first in names for source in names)
    elif target == "jacobian":
        ours.update(((None, name), block) for name, block in formula.jacobian(inputs, wrt=wrt).items())
    else:
        ours.update(((None, name), back) for name, back in formula.vjp(inputs, cotangent, wrt=wrt).items())
    return pose(program, point, ours, cotangent, target, seed)


def _refuse_too_many(program: Program, names: Sequence[str], target: Target) -> None:
    if target == "vjp":
        return
    entries = sum(program.inputs[name].size for name in names)
    numbers = entries * (entries if target == "hessian" else program.smooth.size)
    if numbers > MOST_NUMBERS:
        raise LimitError(
            f"the {target.capitalize()} would hold {numbers:,} numbers; at most {MOST_NUMBERS:,} are compared",
            hint=_LESS,
        )
    needed = numbers * _BYTES_COMPARED
    free = lacking(needed)
    if free is not None:
        raise LimitError(
            f"comparing a {target.capitalize()} of {numbers:,} numbers takes about {readable_bytes(needed)}, "
            f"and {readable_bytes(free)} are free",
            hint=_LESS,
        )


def pose(
    program: Program,
    point: Mapping[str, Array],
    ours: Mapping[Place, Array],
    cotangent: Array,
    target: Target,
    seed: int,
) -> Problem:
    """The problem for numbers from anywhere: computed here, or claimed by someone.

    Args:
        program: the formula's graph.
        point: the value of every input.
        ours: the arrays under test, by the inputs that were differentiated for.
        cotangent: the weights of a VJP, else ones.
        target: what the arrays are.
        seed: of every draw.
    """
    feeds = {node: point[name] for name, node in program.inputs.items()}
    firsts = list(dict.fromkeys(first for first, _ in ours if first is not None))
    gradient = dict(zip(firsts, program.gradient(firsts), strict=True))
    blocks = []
    for (first, source), numbers in ours.items():
        function = program.smooth if first is None else gradient[first]
        weights = _always(cotangent) if target == "vjp" else _units(function.shape)
        blocks.append(_block(program.inputs[source], source, first, function, weights, numbers, feeds))
    return Problem(program, point, cotangent, target, tuple(blocks), seed)


def _cotangent(program: Program, v: ArrayLike | None, target: Target, seed: int) -> Array:
    shape = program.smooth.shape
    if target == "hessian" and program.smooth.size != 1:
        raise ShapeError(
            f"a Hessian is of an output of one entry, and this output has shape {show_shape(shape)}",
            hint="sum(…) makes it a scalar",
        )
    if target != "vjp":
        if v is not None:
            raise InputError(f"a {target.capitalize()} takes no cotangent", hint="leave out v")
        return np.ones(shape, program.smooth.dtype)
    if v is None and shape != ():
        drawn = np.random.default_rng([seed, 0]).standard_normal(shape)
        return drawn.astype(program.smooth.dtype)
    return cotangent_for(program, v)


def _block(
    node: Node,
    source: str,
    first: str | None,
    function: Node,
    cotangent: Callable[[int], Array],
    ours: Array,
    feeds: Mapping[Node, Array],
) -> Block:
    weights = input_node("weights of the outputs", function.shape, function.dtype)
    known: dict[int, Array] = {}

    def blurred(row: int) -> Array:
        if row not in known:
            backs = pullback(function, weights, [node])
            known[row] = blur(backs, {**feeds, weights: cotangent(row)})[0].ravel()
        return known[row]

    label = source if first is None else f"{first}, {source}"
    rows = size_of(ours.shape[: ours.ndim - node.ndim])
    makes_nan = bool(np.any(np.isnan(evaluate([function], dict(feeds))[0])))
    return Block(label, source, first, function, cotangent, ours, rows, node.size, blurred, makes_nan)


def _always(cotangent: Array) -> Callable[[int], Array]:
    return lambda row: cotangent


def _units(shape: Shape) -> Callable[[int], Array]:
    def unit(row: int) -> Array:
        array = np.zeros(shape)
        array.reshape(-1)[row] = 1.0
        return array

    return unit


def drawn_positions(problem: Problem, block: Block, limit: int = MOST_ENTRIES) -> list[int]:
    """Which entries of a block are compared: all up to a limit, else half of them among those that are not 0."""
    size = block.ours.size
    if size <= limit:
        return list(range(size))
    generator = problem.random(1)
    nonzero = np.flatnonzero(block.ours.reshape(-1) != 0)
    chosen = set(generator.choice(nonzero, min(limit // 2, len(nonzero)), replace=False).tolist())
    while len(chosen) < limit:
        chosen.add(int(generator.integers(size)))
    return sorted(chosen)
