"""What an element-wise region does: which arrays it reads, its operations on tiles, what it stores and what it sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaccli.graph.node import Node, Shape, scalar_value
from jaccli.graph.primitive import Kernel, Ufunc
from jaccli.graph.primitives.reductions import sum_of
from jaccli.runtime.blocks import Blocks, Layout, cut, lengths, merged, plain, repeated
from jaccli.runtime.sincos import sine_and_cosine

Array = NDArray[Any]
Source = Callable[[Node], Node]
"""What a loop reads in place of a node: that which a broadcast repeats."""

WORTH_A_THREAD = 1 << 19  # additions: about 120 microseconds, and waking a thread takes 40
TILE_BYTES = 1 << 19
TWO_TILES = 1 << 21  # a region of that size goes through the cache well in two halves
_MANY_OPERATIONS = 64
_SHORT_ROW = 64
_WORTH_A_PART = 8
_LIGHT = frozenset({"add", "subtract", "multiply", "negative", "abs", "sign", "cast", "isnan", "maximum", "minimum"})


class Operation(NamedTuple):
    """One operation on tiles: `run(*results, *arguments)`; registers are negative for outer arrays (~index)."""

    run: Callable[..., Any]
    reads: tuple[int, ...]
    writes: tuple[int, ...]


class Sum(NamedTuple):
    """A sum over axes of a node of the region.

    Attributes:
        node: the sum.
        place: the register or outer array that is summed.
        shape: its entries along the merged axes, 1 where it sums.
        run: the sum of a tile, the summed axes kept with length 1.
        in_parts: whether several tiles add to the same entries.
    """

    node: Node
    place: int
    shape: Shape
    run: Callable[[Array], Array]
    in_parts: bool


class Region(NamedTuple):
    """A loop over tiles.

    Attributes:
        loads: nodes read from outside, each with its lengths along the merged axes; () for one entry.
        operations: in order; a register is a scratch buffer, ~i the outer array i (loads first, then stores).
        stores: nodes of the region that are needed outside.
        sums: what is summed in the loop.
        scratch: dtype of every scratch buffer.
        blocks: the tiles.
        size: entries of the region's shape.
        work: how long it takes, in additions of two numbers.
    """

    loads: tuple[tuple[Node, Shape], ...]
    operations: tuple[Operation, ...]
    stores: tuple[Node, ...]
    sums: tuple[Sum, ...]
    scratch: tuple[str, ...]
    blocks: Blocks
    size: int
    work: int


class Outline(NamedTuple):
    """What goes into a region, and how its axes merge.

    Attributes:
        nodes: element-wise nodes of one shape, each after those it reads.
        loads: the nodes that are read from outside, and how they lie.
        sums: nodes that sum one of them, and how what they give lies.
        groups: the axes that merge.
    """

    nodes: Sequence[Node]
    loads: dict[Node, Layout]
    sums: dict[Node, Layout]
    groups: Sequence[tuple[int, ...]]
    blocks: Blocks


def outline(nodes: Sequence[Node], sums: Iterable[Node], source: Source) -> Outline:
    """The region of nodes of one shape, with those of the sums that are cheap to take in its loop."""
    shape = nodes[0].shape
    inside = set(nodes)
    loads = {source(a): _layout(source(a), shape) for node in nodes for a in node.args if a not in inside}
    several = [layout for node, layout in loads.items() if node.size != 1]
    taken = {node: _sum_layout(node, shape) for node in sums}
    width = max([8, *(np.dtype(node.dtype).itemsize for node in nodes)])
    while True:
        groups = merged(shape, [plain(len(shape)), *several, *taken.values()])
        blocks = cut(lengths(shape, groups), _tile_bytes(nodes[0].size * width, len(nodes)) // width)
        costly = [node for node, layout in taken.items() if not _is_cheap(lengths(shape, groups, layout), blocks)]
        if not costly:
            return Outline(nodes, loads, taken, groups, blocks)
        for node in costly:
            del taken[node]


def _tile_bytes(whole: int, operations: int) -> int:
    """How large a tile is: what goes through the cache in two halves does so, and of many operations each may take a
    buffer."""
    if operations > _MANY_OPERATIONS:
        return max(TILE_BYTES // 4, TILE_BYTES * _MANY_OPERATIONS // operations)
    return max(TILE_BYTES, min(TWO_TILES, whole) // 2)


def _layout(load: Node, shape: Shape) -> Layout:
    if load.primitive.name == "transpose" and load.shape == shape:
        return tuple(load.params["permutation"])
    return repeated(load.shape, shape)


def _sum_layout(node: Node, shape: Shape) -> Layout:
    return tuple(None if axis in node.params["axes"] else axis for axis in range(len(shape)))


def _in_parts(kept: Shape, blocks: Blocks) -> bool:
    """Whether several tiles add to the same entries of a sum."""
    return blocks.number > 1 and any(
        one == 1 != length for one, length in zip(kept[: blocks.axis + 1], blocks.shape, strict=False)
    )


def _is_cheap(kept: Shape, blocks: Blocks) -> bool:
    """Whether the parts of a sum, one a tile, are few beside what is summed."""
    entries = 1
    for one, length in zip(kept[blocks.axis :], blocks.full, strict=True):
        entries *= min(one, length)
    return not _in_parts(kept, blocks) or entries * _WORTH_A_PART <= blocks.entries


def build_region(about: Outline, needed: set[Node], source: Source) -> Region:
    """The loop.

    Args:
        about: its parts.
        needed: those of its nodes whose arrays are wanted outside.
        source: as for `outline`.
    """
    nodes, shape = about.nodes, about.nodes[0].shape
    loads = tuple(
        (node, lengths(shape, about.groups, at) if node.size != 1 else ()) for node, at in about.loads.items()
    )
    stores = [node for node in nodes if node in needed]
    place = {node: ~number for number, node in enumerate((*about.loads, *stores))}
    registers = _Registers(nodes, about.sums, place, source)
    operations = [*registers.copies(about), *map(registers.operation, _groups(nodes, source))]
    sums = tuple(_sum(node, place[node.args[0]], layout, about) for node, layout in about.sums.items())
    awkward = {node for node, at in about.loads.items() if node.size != 1 and _is_awkward(at, about)}
    apart = sum(place[node] < 0 for node in awkward)  # the others were copied first
    work = nodes[0].size * (sum(map(_weight, nodes)) + len(sums) + 4 * apart + 5 * (len(awkward) - apart))
    return Region(
        loads, tuple(operations), tuple(stores), sums, tuple(registers.scratch), about.blocks, nodes[0].size, work
    )


def _weight(node: Node) -> int:
    """How long an operation takes in additions, about."""
    return 1 if node.primitive.name in _LIGHT else 16 if node.primitive.name in ("sin", "cos") else 4


def _sum(node: Node, place: int, layout: Layout, about: Outline) -> Sum:
    kept = lengths(about.nodes[0].shape, about.groups, layout)
    axes = [axis for axis, one in enumerate(kept) if one == 1 != about.blocks.shape[axis]]
    first = about.blocks.axis
    run = sum_of(about.blocks.full, tuple(axis - first for axis in axes if axis >= first), node.dtype, keep=True)
    return Sum(node, place, kept, run, _in_parts(kept, about.blocks))


class _Registers:
    """Where the results of a region's operations go. State: the scratch buffers, and who still reads which."""

    def __init__(self, nodes: Sequence[Node], sums: Iterable[Node], place: dict[Node, int], source: Source) -> None:
        self.scratch: list[str] = []
        self._inside = set(nodes)
        self._place = place
        self._source = source
        self._free: dict[str, list[int]] = {}
        self._uses: dict[Node, int] = {}
        for node in nodes:
            for argument in node.args:
                self._uses[argument] = self._uses.get(argument, 0) + 1
        for node in sums:
            self._uses[node.args[0]] = self._uses.get(node.args[0], 0) + len(nodes) + 1

    def copies(self, about: Outline) -> Iterator[Operation]:
        """Loads whose entries lie apart, or repeat in short rows, and that are read more than once, put in order first:
        a copy costs as much as one operation that reads them."""
        reads = [self._read(argument) for node in about.nodes for argument in node.args if argument not in self._inside]
        for node, layout in about.loads.items():
            if node.size != 1 and _is_awkward(layout, about) and reads.count(node) > 1:
                target = self._register(node.dtype)
                yield Operation(np.copyto, (self._place[node],), (target,))
                self._place[node] = target

    def operation(self, together: tuple[Node, ...]) -> Operation:
        """The operation that computes a node, or two at once, its registers taken and let go."""
        node = together[0]
        reads = tuple(self._place[self._read(argument)] for argument in node.args)
        run, in_place = _runner(node) if len(together) == 1 else (_both, False)
        released = []
        for argument in {a for one in together for a in one.args} & self._inside:
            self._uses[argument] -= sum(one.args.count(argument) for one in together)
            if self._uses[argument] == 0 and self._place[argument] >= 0:
                released.append(argument)
        if in_place:
            self._release(released)
        for one in together:
            if one not in self._place:
                self._place[one] = self._register(one.dtype)
        if not in_place:
            self._release(released)
        return Operation(run, reads, tuple(self._place[one] for one in together))

    def _read(self, argument: Node) -> Node:
        return argument if argument in self._inside else self._source(argument)

    def _release(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._free.setdefault(node.dtype, []).append(self._place[node])

    def _register(self, dtype: str) -> int:
        if self._free.get(dtype):
            return self._free[dtype].pop()
        self.scratch.append(dtype)
        return len(self.scratch) - 1


def _is_awkward(layout: Layout, about: Outline) -> bool:
    """Whether reading a load is much slower than reading numbers in a row: its axes are exchanged, or it repeats after
    few numbers."""
    places = [at for at in layout if at is not None]
    if places != sorted(places):
        return True
    row = 1
    repeats = [layout[group[0]] is None for group in about.groups]
    for length, repeated_here in zip(about.blocks.shape[::-1], repeats[::-1], strict=True):
        if repeated_here != repeats[-1]:
            return row < _SHORT_ROW
        row *= length
    return False


def _groups(nodes: Sequence[Node], source: Source) -> Iterator[tuple[Node, ...]]:
    """The nodes in order; a sine and a cosine of the same argument together, where the first of them stands."""
    turns = {(node.primitive.name, node.args[0]): node for node in nodes if _turns(node, source)}
    done: set[Node] = set()
    for node in nodes:
        if node in done:
            continue
        pair = tuple(turns[name, node.args[0]] for name in ("sin", "cos") if (name, *node.args) in turns)
        if node in pair and len(pair) == 2:
            done.update(pair)
            yield pair
        else:
            yield (node,)


def _turns(node: Node, source: Source) -> bool:
    """Whether a node is a sine or cosine of an array of float64."""
    name, dtype = node.primitive.name, node.dtype
    return name in ("sin", "cos") and dtype == "float64" and source(node.args[0]).shape == node.shape


def _both(sine: Array, cosine: Array, x: Array) -> None:
    sine_and_cosine(sine.reshape(-1), cosine.reshape(-1), x.reshape(-1))


def _runner(node: Node) -> tuple[Callable[..., Any], bool]:
    """The operation as (out, *arguments) -> None, and whether out may be one of the arguments."""
    numeric, params = node.primitive.numeric, node.params
    if isinstance(numeric, Ufunc):
        function = numeric.function

        def by_ufunc(out: Array, *arguments: Any) -> None:
            function(*arguments, out=out, casting="unsafe")

        return by_ufunc, True
    if isinstance(numeric, Kernel):
        return numeric.run, False
    if node.primitive.name == "where":
        return _choose, False
    if node.primitive.name == "power" and scalar_value(node.args[1]) in _POWERS:
        return _POWERS[scalar_value(node.args[1])], True

    def by_value(out: Array, *arguments: Any) -> None:
        out[...] = numeric(*arguments, **params)

    return by_value, True


def _choose(out: Array, condition: Array, chosen: Any, other: Any) -> None:
    np.copyto(out, other)
    np.copyto(out, chosen, where=condition)


def _cube(out: Array, base: Array, exponent: Any) -> None:
    np.multiply(base, np.square(base), out=out)


_POWERS: dict[Any, Callable[..., Any]] = {
    2.0: lambda out, base, exponent: np.square(base, out=out),
    3.0: _cube,
    1.0: lambda out, base, exponent: np.copyto(out, base),
    0.5: lambda out, base, exponent: np.sqrt(base, out=out),
    -1.0: lambda out, base, exponent: np.reciprocal(base, out=out),
}
