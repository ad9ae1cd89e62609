"""What a primitive is: one row that says everything about one operation.

A row holds, side by side: the rule for shape and dtype, the rule for numbers, the pullback to each
argument, how output entries depend on input entries, how the operation carries a leading batch axis, and
a line of documentation. Interpreters (reverse mode, batching, sparsity, the runtime, the tests) only read
rows. Adding a primitive is adding a row to one of the modules in `jaccli.graph.primitives`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from jaccli.errors import LimitError, ShapeError
from jaccli.graph.node import DType, Node, Shape, broadcast_shapes, cast, intern, promote, reshape, size_of

Params = dict[str, Any]

MOST_AXES = 64  # NumPy's own limit
MOST_ENTRIES = 2**59  # what NumPy can index; beyond it even the sizes become numbers that take time and memory


class Masked(NamedTuple):
    """A cotangent some of whose entries are switched off by structure.

    `live` is a boolean node of the same shape. Where it is False the cotangent is exactly 0 whatever it is
    multiplied with later: the branch that `where` did not take contributes nothing, even where its slope
    is NaN or infinite. A cotangent that merely happens to be 0 is not masked.
    """

    value: Node
    live: Node


Pullback = Callable[..., "Node | Masked"]
"""For element-wise rows: (cotangent, output, *arguments) -> the cotangent of one argument."""


Dependency = Literal[
    "elementwise",
    "moves",
    "scatters",
    "overlaps",
    "reduces",
    "mixes",
    "scans",
    "contracts",
    "convolves",
    "correlates",
    "matrices",
    "solves",
    "dense",
]


class Variation(Protocol):
    """How a cotangent changes as its node moves; made by `jaccli.autodiff.variation`."""

    cotangent: Node

    def along(self, tangent: Node) -> Node:
        """The derivative of the cotangent as the node moves along a tangent."""

    def held(self) -> Node:
        """The cotangent as if the node stood still."""

    def generic(self) -> Variation:
        """The same for a cotangent of the output that has no special direction."""

    @property
    def is_chained(self) -> bool:
        """Whether the cotangent holds further variations."""


class Ufunc:
    """A universal function by its module and name, loaded at first use.

    The runtime may write its result into an array that it has (`out=`).
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    @property
    def source(self) -> tuple[str, str]:
        """Its module and its name."""
        return self._module, self._name

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """The function itself."""
        found: Callable[..., Any] = getattr(importlib.import_module(self._module), self._name)
        return found

    def __call__(self, *arrays: Any) -> Any:
        return self.function(*arrays)


class Kernel:
    """A function of entries that writes into an array it is given: (out, *arguments) -> None, one float dtype.

    `few` makes a function that gives the same in fewer calls, for so few entries that the calls take longer than what
    they do.
    """

    def __init__(self, run: Callable[..., None], few: Callable[[], Callable[..., Any]] | None = None) -> None:
        self.run = run
        self.few = few

    def __call__(self, *arrays: Any) -> Any:
        import numpy

        if len(arrays) == 1:
            out = numpy.empty_like(arrays[0], subok=False)
        else:
            shape = numpy.broadcast_shapes(*(numpy.shape(array) for array in arrays))
            out = numpy.empty(shape, numpy.result_type(*arrays))
        self.run(out, *arrays)
        return out


class Prepared:
    """Numbers whose parameters and shapes are settled once a node: `prepare(node)` is the function of the arrays.

    `taken(node)` says how many of the arguments, from the first on, that function is given; by default all of them.
    """

    def __init__(
        self,
        plain: Callable[..., Any],
        prepare: Callable[[Node], Callable[..., Any]],
        taken: Callable[[Node], int] = lambda node: len(node.args),
    ) -> None:
        self.plain = plain
        self.prepare = prepare
        self.taken = taken

    def __call__(self, *arrays: Any, **params: Any) -> Any:
        return self.plain(*arrays, **params)


ShapeRule = Callable[..., tuple[Shape, DType]]
"""(*nodes, **params) -> shape and dtype of the output, or a `ShapeError`."""


class Case(NamedTuple):
    """One way to call a primitive, for the property tests: argument shapes, sampling ranges, parameters.

    `ranges` gives each argument's interval (float arguments), or the exclusive upper bound of an index
    array; None stands for a boolean argument. `build` makes the arrays itself where a range is not enough.
    """

    shapes: tuple[Shape, ...]
    ranges: tuple[tuple[float, float] | int | None, ...]
    params: Params = {}  # noqa: RUF012 - a NamedTuple default, never written to


@dataclass(frozen=True, eq=False)
class Primitive:
    """One row of the table.

    Attributes:
        name: of the operation, as printed.
        doc: one line for people.
        shape: the rule for the output's shape and dtype.
        numeric: NumPy arrays in, NumPy array out; `**params` are the node's.
        pullback: (index, cotangent, node) -> cotangent of argument `index`; None: no derivative.
        dependency: how an output entry depends on the entries of the arguments, one of
            "elementwise" on the entry at the same place, after broadcasting;
            "moves" it is one entry of one argument, or none (found by running `numeric` on positions);
            "scatters" as `scatter_add`;
            "overlaps" as `overlap`;
            "reduces" on the entries over `axes`, which are dropped;
            "mixes" on the entries over `axes`, which stay;
            "scans" on the earlier entries of the last axis (the later ones with `reverse`);
            "contracts" as `contract`;
            "convolves" as `convolve`;
            "correlates" as `correlate`;
            "matrices" on all entries of the same matrix, stacks apart;
            "solves" as `solve`: so, but the columns of the second argument stay apart;
            "dense" on every entry of every argument.
        batch: (node, args, batched, size) -> the node with a leading axis of that size on the arguments
            where `batched` is True; None: element-wise alignment.
        structural: the pullback moves entries without computing with them, so that it serves masks too.
        varied: takes the place of `pullback` in reverse mode where the slope of the cotangent itself is needed:
            (index, cotangent, node, variation) -> cotangent of argument `index`; see `jaccli.autodiff.variation`.
        cases: how the property tests call it.
        template: how the operation is written in the language, `{0}` standing for the first argument.
        symbolic: (sympy, *elements) -> the same function of single elements, for the symbolic witness.
        kinks: the convention where the derivative is not defined, one sentence.
    """

    name: str
    doc: str
    shape: ShapeRule
    numeric: Callable[..., Any]
    pullback: Callable[[int, Node, Node], Node | Masked] | None
    dependency: Dependency
    batch: Callable[[Node, list[Node], list[bool], int], Node] | None = None
    structural: bool = False
    varied: Callable[[int, Node, Node, Variation], Node] | None = None
    differentiable: tuple[bool, ...] | None = None
    cases: tuple[Case, ...] = ()
    template: str | None = None
    symbolic: Callable[..., Any] | None = None
    kinks: str = ""
    elementwise: bool = False
    floats: bool = False
    pullbacks: tuple[Pullback | None, ...] = field(default=(), repr=False)

    def __call__(self, *args: Node, **params: Any) -> Node:
        """The node that applies the primitive, its shape checked."""
        if self.elementwise:
            args = self._common_dtype(args)
        shape, dtype = self.shape(*args, **params)
        if len(shape) > MOST_AXES:
            raise LimitError(f"an array of {len(shape)} axes; the limit is {MOST_AXES}")
        size = size_of(shape)
        if size > MOST_ENTRIES or (size == 0 and size_of(length for length in shape if length) > MOST_ENTRIES):
            raise LimitError("an array of more than 2**59 entries, which no machine holds")
        return intern(self, args, params, shape, dtype)

    def differentiates(self, index: int) -> bool:
        """Whether the output has a derivative with respect to argument `index`."""
        if self.elementwise:
            return self.pullbacks[index] is not None
        if self.pullback is None:
            return False
        return self.differentiable is None or self.differentiable[index]

    def _common_dtype(self, args: tuple[Node, ...]) -> tuple[Node, ...]:
        values = args[1:] if self.name == "where" else args
        common = promote(argument.dtype for argument in values)
        if self.floats and common in ("bool", "int64"):
            common = "float64"
        values = tuple(cast(argument, common) for argument in values)
        return args[:1] + values if self.name == "where" else values


_TABLE: dict[str, Primitive] = {}


@functools.cache
def table() -> dict[str, Primitive]:
    """All primitives by name."""
    import jaccli.graph.primitives  # noqa: F401 - the rows register themselves

    return _TABLE


def register(primitive: Primitive) -> Primitive:
    """Puts a row into the table."""
    if primitive.name in _TABLE:
        raise ValueError(f"two primitives are called {primitive.name}")
    _TABLE[primitive.name] = primitive
    return primitive


def elementwise(
    name: str,
    doc: str,
    numeric: Callable[..., Any],
    *pullbacks: Pullback | None,
    ranges: tuple[tuple[float, float] | int | None, ...],
    result: DType | None = None,
    floats: bool = True,
    template: str | None = None,
    symbolic: Callable[..., Any] | None = None,
    kinks: str = "",
) -> Primitive:
    """A row for a function of single entries, with NumPy's broadcasting.

    `pullbacks` holds one rule an argument, (cotangent, output, *arguments) -> cotangent; None where the
    derivative is 0 everywhere that it exists. `result` is the output's dtype where it is not that of the
    arguments; with `floats` integers are converted first. `ranges` is where the tests draw arguments.
    """

    def shape_rule(*args: Node, **params: Any) -> tuple[Shape, DType]:
        values = args[1:] if name == "where" else args
        common = promote(argument.dtype for argument in values)
        return broadcast_shapes([argument.shape for argument in args]), result or common

    def pullback(index: int, cotangent: Node, node: Node) -> Node | Masked:
        rule = pullbacks[index]
        assert rule is not None
        return rule(cotangent, node, *node.args)

    count = len(ranges)
    shapes: list[tuple[Shape, ...]] = [((),) * count, ((3,),) * count, ((2, 3),) * count, ((0, 2),) * count]
    if count > 1:
        shapes += [((2, 1), (1, 3), (3,))[:count], ((), (2, 2), (2, 1))[:count]]
    row = Primitive(
        name=name,
        doc=doc,
        shape=shape_rule,
        numeric=numeric,
        pullback=pullback if any(pullbacks) else None,
        dependency="elementwise",
        batch=None,
        cases=tuple(Case(case, ranges) for case in shapes),
        template=template or f"{name}({', '.join(f'{{{i}}}' for i in range(count))})",
        symbolic=symbolic,
        kinks=kinks,
        elementwise=True,
        floats=floats,
        pullbacks=pullbacks if pullbacks else (None,) * count,
    )
    return register(row)


def align(args: Sequence[Node], batched: Sequence[bool], rank: int) -> list[Node]:
    """Arguments of an element-wise operation, each batched one padded so that its batch axis comes first.

    `rank` is the rank of the unbatched result: a batched argument of lower rank gets axes of length 1 behind
    the batch axis, and broadcasting then lines everything up.
    """
    aligned = []
    for argument, carries in zip(args, batched, strict=True):
        if carries and argument.ndim - 1 < rank:
            padding = (1,) * (rank - (argument.ndim - 1))
            argument = reshape(argument, (argument.shape[0], *padding, *argument.shape[1:]))
        aligned.append(argument)
    return aligned


def normal_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front; a `ShapeError` where the array has no such axis."""
    if not -ndim <= axis < ndim:
        axes = f"axes 0 to {ndim - 1}" if ndim > 1 else "one axis, 0" if ndim else "no axes"
        raise ShapeError(f"axis {axis} is out of range: the array has {axes}")
    return axis % ndim
