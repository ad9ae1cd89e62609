"""A graph with everything that can be computed from it: the transforms and plans are made at first use and kept."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jaccli.autodiff.forward import pushforward
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.staged import Batched, Staged, chunk_length
from jaccli.errors import LimitError
from jaccli.graph.node import Node, apply, cast, constant, filled, input_node, show_shape, size_of
from jaccli.runtime.memory import available_memory, readable_bytes
from jaccli.runtime.plan import Plan

Array = NDArray[Any]
Mode = Literal["auto", "reverse", "forward", "sparse"]


class Program:
    """Values and derivatives of one output.

    Methods take the inputs' values by name. State: plans made so far.

    Args:
        inputs: the node of each input, by name.
        output: what to differentiate.
    """

    def __init__(self, inputs: Mapping[str, Node], output: Node) -> None:
        self.inputs = dict(inputs)
        self.output = output
        self.smooth = output if output.is_float else cast(output, "float64")
        self.cotangent = input_node("cotangent of the output", self.smooth.shape, self.smooth.dtype)

    def value(self, point: Mapping[str, Array]) -> Array:
        """The output."""
        (result,) = self._value_plan.run(self._feeds(point))
        return result

    def pullback(self, point: Mapping[str, Array], wrt: Sequence[str]) -> tuple[Array, Staged, list[Array]]:
        """The value, and the pullback for some inputs with its residuals; its late feed is the cotangent."""
        feeds = self._feeds(point)
        staged = self._pullback(tuple(wrt), guarded=False)
        (value,), residuals = staged.start(feeds)
        if np.isnan(value).any():
            staged = self._pullback(tuple(wrt), guarded=True)
            residuals = staged.start(feeds)[1]
        return value, staged, residuals

    def vjp(self, point: Mapping[str, Array], cotangent: Array, wrt: Sequence[str]) -> tuple[Array, list[Array]]:
        """The value, and the cotangent of each input."""
        value, staged, residuals = self.pullback(point, wrt)
        return value, staged.finish(residuals, [cotangent])

    def vjp_stack(self, point: Mapping[str, Array], cotangents: Array, wrt: Sequence[str]) -> list[Array]:
        """The cotangents of each input for a stack of cotangents of the output."""
        backs = self._backs(point, wrt)
        length = chunk_length(backs, self.cotangent, max(len(cotangents), 1))
        batched = Batched(backs, list(self.inputs.values()), self.cotangent, length)
        residuals = batched.start(self._feeds(point))
        pieces = [
            batched.run(residuals, cotangents[first : first + length]) for first in range(0, len(cotangents), length)
        ]
        empty = [np.zeros((0, *self.inputs[name].shape)) for name in wrt]
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)] if pieces else empty

    def jvp(self, point: Mapping[str, Array], tangents: Mapping[str, Array]) -> Array:
        """The tangent of the output."""
        moving = tuple(tangents)
        plan = self._pushforward(moving, self._makes_nan(point))
        (result,) = plan.run([*self._feeds(point), *(tangents[name] for name in moving)])
        return result

    def hvp(self, point: Mapping[str, Array], tangents: Mapping[str, Array], wrt: Sequence[str]) -> list[Array]:
        """The Hessian times tangents, for each input of `wrt`."""
        moving = tuple(tangents)
        plan = self._hessian_product(moving, tuple(wrt))
        return plan.run([*self._feeds(point), *(tangents[name] for name in moving)])

    def gradient(self, wrt: Sequence[str]) -> list[Node]:
        """The gradient's graph, for an output of one entry."""
        one = filled(self.smooth.shape, 1.0, self.smooth.dtype)
        return pullback(self.smooth, one, [self.inputs[name] for name in wrt])

    def jacobian(
        self, point: Mapping[str, Array], wrt: Sequence[str], mode: Mode = "auto", chunk: int | None = None
    ) -> list[Array]:
        """The Jacobian's block for each input, of shape output + input."""
        shapes = [self.inputs[name].shape for name in wrt]
        for shape, name in zip(shapes, wrt, strict=True):
            refuse_too_large((*self.smooth.shape, *shape), f"the Jacobian for {name}")
        entries = sum(size_of(shape) for shape in shapes)
        if mode == "forward" or (mode != "reverse" and entries < self.smooth.size):
            return [self._columns(point, name, chunk) for name in wrt]
        blocks = [np.empty((self.smooth.size, size_of(shape)), self.smooth.dtype) for shape in shapes]
        for first, stack in self.rows(point, wrt, chunk):
            for block, part in zip(blocks, stack, strict=True):
                block[first : first + len(part)] = part.reshape(len(part), -1)
        return [b.reshape((*self.smooth.shape, *shape)) for b, shape in zip(blocks, shapes, strict=True)]

    def rows(
        self, point: Mapping[str, Array], wrt: Sequence[str], chunk: int | None = None
    ) -> Iterator[tuple[int, list[Array]]]:
        """Rows of the Jacobian in order: (number of the first row, a stack of rows for each input)."""
        backs = self._backs(point, wrt)
        yield from self._sweep(backs, self.cotangent, self._feeds(point), chunk)

    def _columns(self, point: Mapping[str, Array], name: str, chunk: int | None) -> Array:
        source = self.inputs[name]
        tangent = input_node(f"tangent of {name}", source.shape, source.dtype)
        push = pushforward(self.smooth, {source: tangent}, guarded=self._makes_nan(point))
        block = np.empty((source.size, self.smooth.size), self.smooth.dtype)
        for first, (part,) in self._sweep([push], tangent, self._feeds(point), chunk):
            block[first : first + len(part)] = part.reshape(len(part), -1)
        return np.ascontiguousarray(block.T).reshape((*self.smooth.shape, *source.shape))

    def _sweep(
        self, outputs: Sequence[Node], late: Node, feeds: list[Array], chunk: int | None
    ) -> Iterator[tuple[int, list[Array]]]:
        """A linear function of `late` for every unit value of `late`, in chunks."""
        length = chunk_length(outputs, late, max(late.size, 1))
        length = length if chunk is None else max(1, min(chunk, late.size))
        batched = Batched(outputs, list(self.inputs.values()), late, length)
        residuals = batched.start(feeds)
        for first in range(0, late.size, length):
            count = min(length, late.size - first)
            units = np.zeros((count, late.size), late.dtype)
            units[np.arange(count), first + np.arange(count)] = 1.0
            yield first, batched.run(residuals, units.reshape((count, *late.shape)))

    def hessian(self, point: Mapping[str, Array], wrt: Sequence[str], chunk: int | None = None) -> list[list[Array]]:
        """The Hessian's blocks: one row of blocks for each input, of shape input + input."""
        rows = []
        for name, slope in zip(wrt, self.gradient(wrt), strict=True):
            shaped = Program(self.inputs, slope)
            rows.append(shaped.jacobian(point, wrt, "reverse", chunk))
            del name
        return rows

    @functools.cached_property
    def _value_plan(self) -> Plan:
        return Plan([self.output], list(self.inputs.values()))

    @functools.cached_property
    def _plans(self) -> dict[Any, Any]:
        return {}

    def _makes_nan(self, point: Mapping[str, Array]) -> bool:
        return bool(np.isnan(self.value(point)).any())

    def _backs(self, point: Mapping[str, Array], wrt: Sequence[str]) -> list[Node]:
        sources = [self.inputs[name] for name in wrt]
        return pullback(self.smooth, self.cotangent, sources, guarded=self._makes_nan(point))

    def _pullback(self, wrt: tuple[str, ...], guarded: bool) -> Staged:
        key = ("pullback", wrt, guarded)
        if key not in self._plans:
            sources = [self.inputs[name] for name in wrt]
            backs = pullback(self.smooth, self.cotangent, sources, guarded=guarded)
            self._plans[key] = Staged(backs, list(self.inputs.values()), [self.cotangent], [self.output])
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
            self._plans[key] = Plan([push], [*self.inputs.values(), *tangents.values()])
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
            self._plans[key] = Plan(backs, [*self.inputs.values(), *tangents.values()])
        plan: Plan = self._plans[key]
        return plan

    def _feeds(self, point: Mapping[str, Array]) -> list[Array]:
        return [point[name] for name in self.inputs]


def refuse_too_large(shape: Sequence[int], what: str) -> None:
    """Raises a `LimitError` for a float array that the free memory does not hold."""
    needed = 8 * size_of(shape)
    available = available_memory()
    if available is not None and needed > available:
        raise LimitError(
            f"{what} has shape {show_shape(tuple(shape))} and takes {readable_bytes(needed)}; "
            f"{readable_bytes(available)} are free",
            hint="--sparse gives the stored entries only, --wrt chooses inputs, jaccli diag gives the diagonal alone",
        )
