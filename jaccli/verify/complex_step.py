"""The witness of complex steps: Im f(x + ih)/h is the slope of an analytic f without any difference that cancels.

(W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, 1998.) Operations with kinks
are not analytic; where one of them stands on the way from an input, this witness says so and compares nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaccli.errors import NumbersError
from jaccli.graph.node import Node, dependents, topological
from jaccli.runtime.plan import evaluate
from jaccli.verify.judging import Reading, judge
from jaccli.verify.problem import Block, Problem, drawn_positions
from jaccli.verify.report import Row, uncompared

Array = NDArray[Any]
Form = Callable[..., Any]
"""(*arrays, **the node's parameters) -> array, where some of the arrays are complex."""

_STEP = 1e-20
_BLUR_FACTOR = 4.0
_NEAR = 1e-6
_MOST_NAMED = 3


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


OWN = _names(
    "add subtract negative multiply divide exp expm1 log log10 log1p sqrt sin cos tan arcsin arccos",
    "arctan sinh cosh tanh arcsinh arccosh arctanh where prod contract inv det exclusive_cumprod erf",
    "erfcx erfi dawsn gamma rgamma xlogy xlog1py solve log1p_ratio digamma_difference spence hyp1f1 hyp2f1",
    "expm inverse_transpose weighted log_ratio cosm1",
)
"""Operations whose own rule for numbers takes complex ones."""

PARTWISE = _names(
    "sum cumsum scatter_add overlap",
)
"""Linear operations besides those that move entries: real and imaginary parts do not meet."""

NOT_ANALYTIC = _names(
    "abs sign floor ceil trunc rint maximum minimum max min clip remainder fmod floor_divide norm hypot",
    "cummax cummin nextafter signbit",
)
"""Operations with kinks or jumps."""


def _sigmoid(z: Array) -> Array:
    is_right = z.real >= 0
    small = np.exp(np.where(is_right, -z, z))
    return np.asarray(np.where(is_right, 1.0, small) / (1.0 + small))


def _softplus(z: Array) -> Array:
    is_right = z.real > 0
    return np.asarray(np.where(is_right, z, 0.0) + np.log1p(np.exp(np.where(is_right, -z, z))))


def _tanh_slope(z: Array) -> Array:
    small = np.exp(np.where(z.real >= 0, -2.0 * z, 2.0 * z))
    return np.asarray(4.0 * small / (1.0 + small) ** 2)


def _logaddexp(a: Array, b: Array) -> Array:
    larger, smaller = np.where(a.real >= b.real, a, b), np.where(a.real >= b.real, b, a)
    return np.asarray(larger + np.log1p(np.exp(smaller - larger)))


def _cbrt(z: Array) -> Array:
    return np.asarray(np.where(z.real < 0, -1.0, 1.0) * np.where(z.real < 0, -z, z) ** (1.0 / 3.0))


def _arctan2(y: Array, x: Array) -> Array:
    steep = np.abs(y.real) > np.abs(x.real)
    angle = np.where(steep, -1.0, 1.0) * np.arctan(np.where(steep, x, y) / np.where(steep, y, x))
    return np.asarray(angle + (np.arctan2(y.real, x.real) - angle.real))


def _shifted(z: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    top = np.max(z.real, axis=axes, keepdims=True, initial=-np.inf)
    return np.exp(z - top), top


def _logsumexp(z: Array, axes: tuple[int, ...], **params: Any) -> Array:
    shares, top = _shifted(z, axes)
    return np.asarray(np.log(np.sum(shares, axis=axes)) + np.squeeze(top, axis=axes))


def _softmax(z: Array, axes: tuple[int, ...], **params: Any) -> Array:
    shares, _ = _shifted(z, axes)
    return np.asarray(shares / np.sum(shares, axis=axes, keepdims=True))


def _power(base: Array, exponent: Array) -> Array:
    from jaccli.graph.primitives.arithmetic import power_numbers

    return np.asarray((np.power if exponent.dtype.kind == "c" else power_numbers)(base, exponent))


def _gammaln(z: Array) -> Array:
    from scipy import special

    return np.asarray(special.loggamma(z))


FORMS: Mapping[str, Form] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "tanh_slope": _tanh_slope,
    "logaddexp": _logaddexp,
    "cbrt": _cbrt,
    "arctan2": _arctan2,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "power": _power,
    "gammaln": _gammaln,
    "exp2": lambda z: np.exp(z * math.log(2.0)),
    "log2": lambda z: np.log(z) / math.log(2.0),
    "logit": lambda z: np.log(z) - np.log1p(-z),
    "cast": lambda z, dtype: z,
    "stop_gradient": lambda z: z.real,
    "on_domain": lambda z, domain: np.where(np.isnan(domain.real), math.nan, z),
}
"""Operations that need another way in complex numbers."""


def complex_step(problem: Problem) -> list[Row]:
    """One row for each block."""
    return [_row(problem, block) for block in problem.blocks]


def _row(problem: Problem, block: Block) -> Row:
    source = problem.program.inputs[block.source]
    moving = dependents([block.function], [source])
    order = [node for node in topological([block.function]) if node in moving]
    stands = [node.primitive.name for node in order if node.is_float and node.args and not _form(node)]
    if stands:
        kinked = list(dict.fromkeys(name for name in stands if name in NOT_ANALYTIC))
        reason = "not analytic: " if kinked else "no complex form of "
        return uncompared("complex", block.label, reason + _named(kinked or list(dict.fromkeys(stands))))
    positions = drawn_positions(problem, block)
    stepper = _Stepper(problem, block, order)
    readings = {position: stepper.reading(*divmod(position, block.columns)) for position in positions}
    return judge("complex", block, readings, problem.drawn(block, positions))


def _named(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _form(node: Node) -> Form | None:
    """How an operation is computed in complex numbers; None where it is not."""
    row = node.primitive
    if row.name in FORMS:
        return FORMS[row.name]
    if row.dependency == "moves" or row.name in PARTWISE:
        return lambda *arrays, **params: _partwise(row.numeric, arrays, params)
    return row.numeric if row.name in OWN else None


def _partwise(numeric: Form, arrays: tuple[Array, ...], params: Mapping[str, Any]) -> Array:
    parts = [
        numeric(*(part(array) if array.dtype.kind in "fc" else array for array in arrays), **params)
        for part in (np.real, np.imag)
    ]
    return np.asarray(parts[0] + 1j * np.asarray(parts[1]))


class _Stepper:
    """The function at x + ih. State: its values for the coordinate that was stepped along last."""

    def __init__(self, problem: Problem, block: Block, order: list[Node]) -> None:
        self._problem = problem
        self._block = block
        self._order = order
        moving = set(order)
        around = [argument for node in order for argument in node.args if argument not in moving]
        kept = list(dict.fromkeys([*around, block.function]))
        self._known = dict(zip(kept, evaluate(kept, problem.feeds), strict=True))
        self._value = self._known[block.function]
        self._stepped: dict[int, Array] = {}

    def reading(self, row: int, column: int) -> Reading:
        """The slope of one entry."""
        block = self._block
        place = float(self._problem.point[block.source].reshape(-1)[column])
        step = _STEP * (abs(place) if place and math.isfinite(place) else 1.0)
        if column not in self._stepped:
            self._stepped = {column: self._at(column, step)}
        found, weights = self._stepped[column], block.cotangent(row)
        used = weights != 0
        ours = block.entry(row * block.columns + column)
        if not math.isfinite(ours) and not np.all(np.isfinite(self._value)):
            return Reading(reason="the formula has no finite value here")
        with np.errstate(all="ignore"):
            apart = np.abs(found.real - self._value)[used]
            if not np.all(apart <= _NEAR * (1.0 + np.abs(self._value[used]))):
                return Reading(reason="the formula's branch is not that of complex arithmetic here")
            value = float(np.sum(weights[used] * (found.imag[used] / step)))
        if not math.isfinite(value):
            return Reading(reason="complex steps have no finite number here")
        return Reading(value, _BLUR_FACTOR * float(block.blur(row)[column]))

    def _at(self, column: int, step: float) -> Array:
        """The function where one coordinate has an imaginary part."""
        source = self._problem.program.inputs[self._block.source]
        moved = np.asarray(self._problem.point[self._block.source]).astype(complex)
        moved.reshape(-1)[column] += 1j * step
        values: dict[Node, Array] = {**self._known, source: moved}
        with np.errstate(all="ignore"):
            for node in self._order:
                if node is not source:
                    values[node] = self._computed(node, [values[argument] for argument in node.args])
        return np.asarray(values[self._block.function], complex)

    @staticmethod
    def _computed(node: Node, arguments: list[Array]) -> Array:
        if not node.is_float:
            return np.asarray(node.primitive.numeric(*(array.real for array in arguments), **node.params))
        form = _form(node)
        assert form is not None
        try:
            return np.asarray(form(*arguments, **node.params))
        except NumbersError:
            return np.full(node.shape, math.nan)
