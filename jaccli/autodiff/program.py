"""A graph with everything that can be computed from it: the transforms and plans are made at first use and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.dense import dense_blocks, small_plan, stacked_products
from jaccli.autodiff.forward import pushforward
from jaccli.autodiff.passes import Passes, nan_mark
from jaccli.autodiff.pointwise import PointwiseJacobian, pointwise_jacobian
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.room import refuse_too_large, refuse_working
from jaccli.autodiff.staged import Staged
from jaccli.errors import LimitError
from jaccli.graph.node import Node, apply, cast, constant, filled, input_node, topological
from jaccli.runtime.arrays import has_nan, without_repeats
from jaccli.runtime.memory import lacking, reserved
from jaccli.runtime.plan import Plan

if TYPE_CHECKING:
    from scipy import sparse

    from jaccli.autodiff.sparse import SparseJacobian

FEW_PASSES = 64
_WORTH_A_LOOK = 4096
_SMALL = 1 << 16  # entries of a Jacobian that one plan gives
_MOST_STRUCTURES = 4  # for values of index arrays, an input
_FULL = 8  # a pattern that stores more than one entry in so many is not looked at further
_FEW_ENTRIES = 1_000_000
Array = NDArray[Any]
Mode = Literal["auto", "reverse", "forward", "sparse"]


class Program:
    """Values and derivatives of one output.

    Methods take the inputs' values by name. State: plans made so far, and `how`.

    Args:
        inputs: the node of each input, by name.
        output: what to differentiate.
        gradient_of: the input whose gradient the output is, so that its Jacobian for that input is symmetric.

    Attributes:
        selections: the inputs that are differentiated for, by what was asked for.
        how: give lines that say how the last results were computed.
    """

    def __init__(self, inputs: Mapping[str, Node], output: Node, gradient_of: str | None = None) -> None:
        self.gradient_of = gradient_of
        self.selections: dict[tuple[str, ...] | None, list[str]] = {}
        self.how: list[Callable[[], str]] = []
        self.inputs = dict(inputs)
        self._take = _taker(tuple(inputs))
        self.output = output
        self.smooth = output if output.is_float else cast(output, "float64")
        self.cotangent = input_node("cotangent of the output", self.smooth.shape, self.smooth.dtype)

    @property
    def weight(self) -> int:
        """About how many numbers the program keeps: those of patterns, and a few arrays of the graph's size."""
        slopes: list[Program] = [slope for plans in self._plans.values() if isinstance(plans, list) for slope in plans]
        patterns = [found.structure.pattern for found in self._structures.values()]
        places = sum(found.weight for found in self._pointwise_found.values() if found is not None)
        stored = sum(len(pattern.indices) for pattern in patterns)
        return self._graph_size + places + stored + sum(slope.weight for slope in slopes)

    @property
    def _what(self) -> str:
        return "Hessian" if self.gradient_of else "Jacobian"

    @functools.cached_property
    def _graph_size(self) -> int:
        return sum(node.size for node in topological([self.output]))

    def value(self, point: Mapping[str, Array]) -> Array:
        """The output."""
        (result,) = self._value_plan.owned(self._feeds(point))
        return result

    def pullback(self, point: Mapping[str, Array], wrt: Sequence[str]) -> tuple[Array, Staged, list[Array]]:
        """The value, and the pullback for some inputs with its residuals; its late feed is the cotangent."""
        feeds = self._feeds(point)
        staged = self._pullback(tuple(wrt), guarded=False)
        (value,), residuals = staged.start(feeds)
        if has_nan(value):
            staged = self._pullback(tuple(wrt), guarded=True)
            residuals = staged.start(feeds)[1]
        return value, staged, residuals

    def vjp(self, point: Mapping[str, Array], cotangent: Array, wrt: Sequence[str]) -> list[Array]:
        """The cotangent of each input, by one pass that keeps nothing."""
        looked_at = cotangent.ndim == 0 or cotangent.size > _WORTH_A_LOOK
        ones = looked_at and bool(np.all(without_repeats(cotangent) == 1.0))
        feeds = self._feeds(point) if ones else [*self._feeds(point), cotangent]
        plan = self._product(tuple(wrt), ones, False)
        backs, nan = plan.marked(feeds)
        return self._product(tuple(wrt), ones, True).owned(feeds)[:-1] if nan else plan.claimed(backs, feeds)

    def _product(self, wrt: tuple[str, ...], ones: bool, guarded: bool) -> Plan:
        """Inputs (and cotangent, unless it is all ones) to the VJPs, and the mark of NaNs in the value."""
        key = ("vjp", wrt, ones, guarded)
        if key not in self._plans:
            v = filled(self.smooth.shape, 1.0, self.smooth.dtype) if ones else self.cotangent
            backs = pullback(self.smooth, v, [self.inputs[name] for name in wrt], guarded=guarded)
            feeds = list(self.inputs.values()) if ones else [*self.inputs.values(), self.cotangent]
            self._plans[key] = Plan([*backs, nan_mark(self.smooth)], feeds, written=self.smooth)
        plan: Plan = self._plans[key]
        return plan

    def vjp_stack(self, point: Mapping[str, Array], cotangents: Array, wrt: Sequence[str]) -> list[Array]:
        """The cotangents of each input for a stack of cotangents of the output."""
        sources = [self.inputs[name] for name in wrt]
        return stacked_products(self._passes, sources, self._feeds(point), cotangents)

    def jvp(self, point: Mapping[str, Array], tangents: Mapping[str, Array]) -> Array:
        """The tangent of the output."""
        moving = tuple(tangents)
        plan = self._pushforward(moving, self._makes_nan(point))
        (result,) = plan.owned([*self._feeds(point), *(tangents[name] for name in moving)])
        return result

    def hvp(self, point: Mapping[str, Array], tangents: Mapping[str, Array], wrt: Sequence[str]) -> list[Array]:
        """The Hessian times tangents, for each input of `wrt`."""
        moving = tuple(tangents)
        plan = self._hessian_product(moving, tuple(wrt))
        return plan.owned([*self._feeds(point), *(tangents[name] for name in moving)])

    def gradient(self, wrt: Sequence[str]) -> list[Node]:
        """The gradient's graph, for an output of one entry."""
        one = filled(self.smooth.shape, 1.0, self.smooth.dtype)
        return pullback(self.smooth, one, [self.inputs[name] for name in wrt])

    def jacobian(
        self, point: Mapping[str, Array], wrt: Sequence[str], mode: Mode = "auto", chunk: int | None = None
    ) -> list[Array]:
        """The Jacobian's block for each input, of shape output + input."""
        if chunk is None and mode == "auto":
            blocks = self._pointwise(point, tuple(wrt))
            if blocks is not None:
                return blocks
        if 0 in [self.inputs[name].size for name in wrt]:
            rest = [name for name in wrt if self.inputs[name].size]
            found = dict(zip(rest, self.jacobian(point, rest, mode, chunk) if rest else [], strict=True))
            empty = {name: (*self.smooth.shape, *self.inputs[name].shape) for name in wrt if name not in found}
            found.update({name: np.empty(shape, self.smooth.dtype) for name, shape in empty.items()})
            return [found[name] for name in wrt]
        if chunk is None and mode != "sparse":
            blocks = self._small_jacobian(point, tuple(wrt), mode)
            if blocks is not None:
                return blocks
        refuse_too_large({name: (*self.smooth.shape, *self.inputs[name].shape) for name in wrt}, self._what)
        if mode == "sparse":
            return [self._from_sparse(point, name, chunk) for name in wrt]
        if mode != "auto":
            return self._dense(point, wrt, mode, chunk)
        found = {name: self._from_sparse(point, name, chunk) for name in wrt if self._pays(point, name)}
        rest = [name for name in wrt if name not in found]
        found.update(zip(rest, self._dense(point, rest, mode, chunk) if rest else [], strict=True))
        return [found[name] for name in wrt]

    def _pointwise(self, point: Mapping[str, Array], wrt: tuple[str, ...]) -> list[Array] | None:
        """The blocks by one pass; None where an entry depends on several of something, or something is NaN, or the
        derivatives have no room beside the blocks."""
        if wrt not in self._pointwise_found:
            self._pointwise_found[wrt] = self._find_pointwise(wrt)
        jacobian = self._pointwise_found[wrt]
        if jacobian is None:
            return None
        if jacobian.bytes > _SMALL and lacking(2 * jacobian.bytes) is not None:
            return None  # the derivatives are there beside the blocks
        blocks = jacobian.blocks(self._feeds(point))
        if blocks is not None:
            self.how.append(lambda: f"{', '.join(wrt)}: entry by entry, 1 pass")
        return blocks

    def _find_pointwise(self, wrt: tuple[str, ...]) -> PointwiseJacobian | None:
        sources = [self.inputs[name] for name in wrt]
        if not self.smooth.size or any(map(self._may_pay, wrt)):
            return None
        refuse_too_large({source.params["name"]: (*self.smooth.shape, *source.shape) for source in sources}, self._what)
        return pointwise_jacobian(list(self.inputs.values()), self.smooth, sources)

    def _small_jacobian(self, point: Mapping[str, Array], wrt: tuple[str, ...], mode: Mode) -> list[Array] | None:
        """The blocks by one plan; None where they are large, or something is NaN."""
        key = ("jacobian", wrt, mode)
        if key not in self._plans:
            forward = self._goes_forward(wrt, mode)
            entries = [self.inputs[name].size for name in wrt]
            plan = None
            if self.smooth.size * sum(entries) <= _SMALL and not any(map(self._may_pay, wrt)):
                sources = [self.inputs[name] for name in wrt]
                plan = small_plan(list(self.inputs.values()), self.smooth, sources, forward)
            self._plans[key] = plan, functools.partial(_describe, wrt, forward, self._passes_needed(wrt, forward))
        plan, how = self._plans[key]
        if plan is None:
            return None
        blocks: list[Array] = plan.owned(self._feeds(point))
        value = blocks.pop(0)
        if has_nan(value) or any(map(has_nan, blocks)):
            return None
        self.how.append(how)
        return blocks

    def _goes_forward(self, wrt: Sequence[str], mode: Mode) -> bool:
        if mode in ("forward", "reverse"):
            return mode == "forward"
        return sum(self.inputs[name].size for name in wrt) < self.smooth.size

    def _passes_needed(self, wrt: Sequence[str], forward: bool) -> int:
        return sum(self.inputs[name].size for name in wrt) if forward else self.smooth.size

    def _may_pay(self, name: str) -> bool:
        """Whether a Jacobian is large enough for colouring."""
        return min(self.smooth.size, self.inputs[name].size) > FEW_PASSES

    def _pays(self, point: Mapping[str, Array], name: str) -> bool:
        """Whether colouring saves at least half of the passes of a Jacobian that is not small."""
        key = ("dense", name, *_fingerprint(self._known(point)))
        if not self._may_pay(name) or key in self._plans:
            return False
        rows, columns = self.smooth.size, self.inputs[name].size
        try:
            found = self.structure(point, name, max(_FEW_ENTRIES, rows * columns // _FULL)).structure
            if found.plan.passes * 2 <= min(rows, columns):
                return True
            forgotten = found.pattern.nnz > _FEW_ENTRIES
        except LimitError:
            forgotten = False
        self._plans[key] = None
        if forgotten:
            self._structures.pop(key[1:])
        return False

    def structure(self, point: Mapping[str, Array], name: str, most: int | None = None) -> SparseJacobian:
        """The pattern of one block and how it is computed. It depends on the values of integer inputs only.

        Raises:
            LimitError: it takes more memory than is free, or has more than `most` entries.
        """
        from jaccli.autodiff.sparse import SparseJacobian

        known = self._known(point)
        key = (name, *_fingerprint(known))
        found = self._structures.get(key)
        if found is None:
            symmetric = name == self.gradient_of
            found = SparseJacobian(list(self.inputs.values()), self.smooth, self.inputs[name], known, symmetric, most)
            if len(self._structures) >= len(self.inputs) * _MOST_STRUCTURES:
                self._structures.pop(next(iter(self._structures)))
            self._structures[key] = found
        return found

    def _known(self, point: Mapping[str, Array]) -> dict[Node, Array]:
        return {node: point[name] for name, node in self.inputs.items() if not node.is_float}

    def sparse_jacobian(self, point: Mapping[str, Array], name: str, chunk: int | None = None) -> sparse.csr_array:
        """One block of the Jacobian, of shape (output size, input size)."""
        structure = self.structure(point, name)
        refuse_working(structure.structure.pattern.nnz)
        self.how.append(functools.partial(structure.structure.describe, name))
        return structure.matrix(self._feeds(point), chunk)

    def sparse_blocks(self, point: Mapping[str, Array], name: str, samples: int) -> Array:
        """∂y[b, …]/∂x[b, …] for `samples` leading entries b, of shape (samples, outputs, inputs)."""
        from jaccli.autodiff.sparse import sparse_diagonal

        known = self._known(point)
        key = ("diagonal", name, samples, *_fingerprint(known))
        if key not in self._plans:
            self._plans[key] = sparse_diagonal(
                list(self.inputs.values()), self.smooth, self.inputs[name], known, samples
            )
        structure, blocks = self._plans[key]
        self.how.append(functools.partial(structure.describe, name))
        found: Array = blocks(self._feeds(point))
        return found

    def _from_sparse(self, point: Mapping[str, Array], name: str, chunk: int | None) -> Array:
        stored = self.structure(point, name).structure.pattern.nnz
        refuse_working(stored, 8 * self.smooth.size * self.inputs[name].size)
        matrix = self.sparse_jacobian(point, name, chunk)
        return np.asarray(matrix.toarray()).reshape((*self.smooth.shape, *self.inputs[name].shape))

    def _dense(self, point: Mapping[str, Array], wrt: Sequence[str], mode: Mode, chunk: int | None) -> list[Array]:
        forward = self._goes_forward(wrt, mode)
        self.how.append(functools.partial(_describe, wrt, forward, self._passes_needed(wrt, forward)))
        sources = [self.inputs[name] for name in wrt]
        with reserved(8 * self.smooth.size * sum(source.size for source in sources)):
            return dense_blocks(self._passes, sources, self._feeds(point), forward, chunk)

    def slopes(self, wrt: Sequence[str]) -> list[Program]:
        """The gradient for each input as a program of its own; their Jacobians are the Hessian's rows of blocks."""
        key = ("slopes", tuple(wrt))
        if key not in self._plans:
            pairs = zip(wrt, self.gradient(wrt), strict=True)
            self._plans[key] = [Program(self.inputs, slope, gradient_of=name) for name, slope in pairs]
        found: list[Program] = self._plans[key]
        return found

    def hessian(self, point: Mapping[str, Array], wrt: Sequence[str], chunk: int | None = None) -> list[list[Array]]:
        """The Hessian's blocks: one row of blocks for each input, of shape input + input."""
        sizes = {
            a if a == b else f"{a} and {b}": (*self.inputs[a].shape, *self.inputs[b].shape) for a in wrt for b in wrt
        }
        refuse_too_large(sizes, "Hessian")
        rows = []
        for slope in self.slopes(wrt):
            rows.append(slope.jacobian(point, wrt, "auto", chunk))
            self.how += slope.take_how()
        return rows

    def take_how(self) -> list[Callable[[], str]]:
        """What gives lines about how results were computed so far."""
        said, self.how = self.how, []
        return said

    @functools.cached_property
    def _value_plan(self) -> Plan:
        return Plan([self.output], list(self.inputs.values()))

    @functools.cached_property
    def _passes(self) -> Passes:
        return Passes(list(self.inputs.values()), self.smooth)

    @functools.cached_property
    def _pointwise_found(self) -> dict[tuple[str, ...], PointwiseJacobian | None]:
        return {}

    @functools.cached_property
    def _plans(self) -> dict[Any, Any]:
        return {}

    @functools.cached_property
    def _structures(self) -> dict[Any, SparseJacobian]:
        return {}

    def _makes_nan(self, point: Mapping[str, Array]) -> bool:
        return has_nan(self.value(point))

    def _pullback(self, wrt: tuple[str, ...], guarded: bool) -> Staged:
        key = ("pullback", wrt, guarded)
        if key not in self._plans:
            sources = [self.inputs[name] for name in wrt]
            backs = pullback(self.smooth, self.cotangent, sources, guarded=guarded)
            self._plans[key] = Staged(backs, list(self.inputs.values()), [self.cotangent], [self.output], self.smooth)
        staged: Staged = self._plans[key]
        return staged

    def _tangents(self, moving: tuple[str, ...]) -> dict[Node, Node]:
        sources = [(name, self.inputs[name]) for name in moving]
        return {source: input_node(f"tangent of {name}", source.shape, source.dtype) for name, source in sources}

    def _pushforward(self, moving: tuple[str, ...], guarded: bool) -> Plan:
        key = ("pushforward", moving, guarded)
        if key not in self._plans:
            tangents = self._tangents(moving)
            push = pushforward(self.smooth, tangents, guarded=guarded)
            self._plans[key] = Plan([push], [*self.inputs.values(), *tangents.values()], written=self.smooth)
        plan: Plan = self._plans[key]
        return plan

    def _hessian_product(self, moving: tuple[str, ...], wrt: tuple[str, ...]) -> Plan:
        key = ("hessian product", moving, wrt)
        if key not in self._plans:
            tangents = self._tangents(moving)
            slope: Node | None = None
            for back, (source, tangent) in zip(self.gradient(moving), tangents.items(), strict=True):
                product = apply("multiply", back, tangent)
                term = apply("sum", product, axes=tuple(range(source.ndim))) if source.ndim else product
                slope = term if slope is None else apply("add", slope, term)
            assert slope is not None
            one = constant(1.0, slope.dtype)
            backs = pullback(slope, one, [self.inputs[name] for name in wrt])
            self._plans[key] = Plan(backs, [*self.inputs.values(), *tangents.values()], written=self.smooth)
        plan: Plan = self._plans[key]
        return plan

    def _feeds(self, point: Mapping[str, Array]) -> Sequence[Array]:
        return self._take(point)


def _taker(names: tuple[str, ...]) -> Callable[[Mapping[str, Array]], Sequence[Array]]:
    """The arrays of a point in the order of the names."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda point: [point[name] for name in names]


def _describe(wrt: Sequence[str], forward: bool, passes: int) -> str:
    return f"{', '.join(wrt)}: {'forward' if forward else 'reverse'} mode, {passes} passes"


def _fingerprint(known: Mapping[Node, Array]) -> Iterator[tuple[str, bytes]]:
    return ((node.params["name"], value.tobytes()) for node, value in known.items())
