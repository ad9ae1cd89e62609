"""How much rounding blurs a result, measured: the result again with every operation slightly perturbed.

Each operation that rounds is multiplied by 1 + k·eps, k drawn between -4 and 4, and the spread of a few such
runs is the blur (stochastic arithmetic after J. Vignes, A stochastic arithmetic for reliable scientific
computation, 1993). k depends on the number alone, so that equal numbers stay equal and a tie stays a tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.graph.node import Node, topological
from jaccli.runtime.plan import evaluate

Array = NDArray[Any]

RUNS = 3
AMPLITUDE = 4.0
_LARGEST_GRAPH = 20_000_000  # entries; beyond it a repeated run costs more than it tells
_CHOICES = ("where", "max", "min", "maximum", "minimum", "clip", "cummax", "cummin", "on_domain", "stop_gradient")
_STEPS = ("floor", "ceil", "trunc", "rint", "sign", "nextafter")
_EXACT = frozenset([*_CHOICES, *_STEPS, "abs", "negative", "cast", "input", "constant", "iota"])


def blur(outputs: Sequence[Node], feeds: Mapping[Node, Array], seed: int = 0) -> list[Array]:
    """The spread of each output under rounding, entry by entry, of its shape; 0 where it cannot be measured."""
    order = topological(outputs, stop=feeds)
    if sum(node.size for node in order) > _LARGEST_GRAPH:
        return [np.zeros(node.shape) for node in outputs]
    plain = evaluate(outputs, dict(feeds))
    spread = [np.zeros(node.shape) for node in outputs]
    with np.errstate(all="ignore"):
        for run in range(RUNS):
            shaken = _shaken_run(order, outputs, feeds, seed * RUNS + run + 1)
            for total, exact, value in zip(spread, plain, shaken, strict=True):
                apart = np.abs(np.subtract(value, exact, dtype=np.float64))
                np.maximum(total, np.where(np.isfinite(apart), apart, 0.0), out=total)
    return spread


def _shaken_run(order: Sequence[Node], outputs: Sequence[Node], feeds: Mapping[Node, Array], seed: int) -> list[Array]:
    values: dict[Node, Array] = dict(feeds)
    last_use = {argument: node for node in order for argument in node.args}
    keep = set(outputs)
    for node in order:
        if node in values:
            continue
        values[node] = _shaken(node, [values[argument] for argument in node.args], seed)
        for argument in node.args:
            if last_use[argument] is node and argument not in keep:
                values.pop(argument, None)
    return [values[output] for output in outputs]


def _shaken(node: Node, arguments: list[Array], seed: int) -> Array:
    row = node.primitive
    if row.name == "constant":
        return evaluate([node], {})[0]
    if not node.is_float or row.name in _EXACT or row.dependency == "moves":
        return np.asarray(row.numeric(*arguments, **node.params))
    if row.dependency != "elementwise":
        # A sum inside the operation rounds too: what its terms lose shows when they are shaken beforehand.
        arguments = [shake(argument, seed + 1) for argument in arguments]
    return shake(np.asarray(row.numeric(*arguments, **node.params)), seed)


def shake(values: Array, seed: int) -> Array:
    """Floats, each off by up to `AMPLITUDE` units of rounding, as a function of the number and the seed."""
    if values.dtype.kind != "f":
        return values
    bits = np.array(values, np.float64, order="C").view(np.uint64)
    with np.errstate(over="ignore"):
        mixed = (bits ^ np.uint64(seed * 0x2545F4914F6CDD1D & 0xFFFFFFFFFFFFFFFF)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    draw = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    eps = np.finfo(values.dtype).eps
    return np.asarray(values * (1.0 + AMPLITUDE * eps * draw)).astype(values.dtype)
