"""One property test over the table of primitives: a row that is added is tested without anyone writing its test.

Each row says with its `cases` how it is called. Reverse mode is compared with finite differences, with forward mode,
second derivatives with differences of the first, a batch with a loop, masks with what they mask, and the shape and
dtype of the numbers with the row's own rule. Element-wise rows are compared with SymPy in 40 digits besides.
"""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import Any, get_args

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from numpy.typing import NDArray

from jaccli.autodiff.batch import batch
from jaccli.autodiff.forward import pushforward
from jaccli.autodiff.reverse import pullback
from jaccli.errors import FormulaError
from jaccli.graph import primitive as primitive_module
from jaccli.graph.node import DType, Node, apply, input_node
from jaccli.graph.primitive import Case, Masked, Primitive, table
from jaccli.runtime.plan import evaluate
from jaccli.verify.elements import Operation

Array = NDArray[Any]

APART = {
    "input": "the runtime reads it",
    "constant": "the runtime reads it",
    "moving": "by design its slopes are not those of its value, which is 0 everywhere",
}
ROWS = [row for name, row in table().items() if name not in APART]
SMOOTH = [row for row in ROWS if row.pullback is not None]
STEP = 1e-3
STENCIL = ((-3, -1 / 60), (-2, 3 / 20), (-1, -3 / 4), (1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
DTYPES: dict[str, DType] = {"f": "float64", "b": "bool", "i": "int64"}
BATCH = 3

_fresh = itertools.count()

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_smooth_row = pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
drawn = settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@dataclasses.dataclass(frozen=True)
class Call:
    """A primitive applied to inputs, and their values.

    Attributes:
        row: the primitive.
        inputs: its arguments.
        feeds: their values.
        output: the node.
        random: a source of random numbers.
    """

    row: Primitive
    inputs: tuple[Node, ...]
    feeds: dict[Node, Array]
    output: Node
    random: np.random.Generator

    @property
    def moving(self) -> list[Node]:
        """The arguments that have a derivative."""
        return [node for i, node in enumerate(self.inputs) if node.is_float and self.row.differentiates(i)]

    def direction(self, node: Node) -> Array:
        return self.random.standard_normal(node.shape)


def called(row: Primitive, case: Case, seed: int) -> Call:
    """The primitive called as a case says, with random numbers in its ranges."""
    random = np.random.default_rng([seed, zlib.crc32(row.name.encode())])
    arrays = [sample(random, shape, span) for shape, span in zip(case.shapes, case.ranges, strict=True)]
    number = next(_fresh)
    inputs = tuple(input_node(f"a{i} of {number}", a.shape, DTYPES[a.dtype.kind]) for i, a in enumerate(arrays))
    output = row(*inputs, **case.params)
    return Call(row, inputs, dict(zip(inputs, arrays, strict=True)), output, random)


def sample(random: np.random.Generator, shape: tuple[int, ...], span: tuple[float, float] | int | None) -> Array:
    if span is None:
        return np.asarray(random.random(shape) > 0.5)
    if isinstance(span, int):
        return np.asarray(random.integers(0, span, shape))
    return np.asarray(random.uniform(*span, shape))


@st.composite
def cases(draw: st.DrawFn, row: Primitive) -> Case:
    """One of the row's cases; for an element-wise row also other shapes that broadcast, with lengths 0 and 1."""
    case = draw(st.sampled_from(row.cases))
    if row.elementwise and case.shapes and draw(st.booleans()):
        shapes = mutually_broadcastable_shapes(num_shapes=len(case.shapes), min_side=0, max_side=3, max_dims=3)
        return case._replace(shapes=draw(shapes).input_shapes)
    return case


calls = st.integers(0, 2**32 - 1)


def close(found: Any, expected: Any, relative: float, scale: float = 0.0) -> None:
    """Asserts that arrays agree relative to their largest entry, or to a scale that is given."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))
    largest = max(float(np.max(np.abs(expected), initial=0.0)), scale, 1e-3)
    assert np.max(np.abs(found - expected), initial=0.0) <= relative * largest, (found, expected)


def stencil(function: Callable[[float], Array]) -> Array:
    """The derivative of a function of one number at 0, by central differences of sixth order."""
    total = sum(weight * function(k * STEP) for k, weight in STENCIL)
    return np.asarray(total) / STEP


def check_shape(call: Call) -> None:
    """Shape and dtype of the numbers are what the rule says, and nothing is written into the arguments."""
    before = {node: array.copy() for node, array in call.feeds.items()}
    (value,) = evaluate([call.output], call.feeds)
    assert value.shape == call.output.shape
    assert value.dtype == call.output.dtype
    for node, array in call.feeds.items():
        assert np.array_equal(array, before[node])


def assume_no_flip(call: Call, u: dict[Node, Array]) -> None:
    """Passes over calls where LAPACK gives a vector and, a little further, its opposite: both are right."""
    if call.row.name not in ("eigh", "svd"):
        return
    reach = STENCIL[-1][0] * STEP * spread(call)
    ends = [{node: call.feeds[node] + side * reach * u[node] for node in call.moving} for side in (-1.0, 0.0, 1.0)]
    before, here, after = (evaluate([call.output], {**call.feeds, **moved})[0] for moved in ends)
    assume(np.max(np.abs(after - here), initial=0.0) < 1.0 and np.max(np.abs(before - here), initial=0.0) < 1.0)


def check_reverse(call: Call) -> None:
    """vᵀJu from reverse mode is what finite differences along u say."""
    v = call.direction(call.output)
    u = {node: call.direction(node) for node in call.moving}
    assume_no_flip(call, u)
    weights = input_node("v", call.output.shape, "float64")
    backs = evaluate(pullback(call.output, weights, call.moving), {**call.feeds, weights: v})
    for back, node in zip(backs, call.moving, strict=True):
        assert back.shape == node.shape
        assert back.dtype == node.dtype

    def along(step: float) -> Array:
        moved = {node: call.feeds[node] + step * u[node] * spread(call) for node in call.moving}
        return np.asarray(np.sum(v * evaluate([call.output], {**call.feeds, **moved})[0]))

    expected = spread(call) * sum(float(np.sum(back * u[node])) for back, node in zip(backs, call.moving, strict=True))
    close(stencil(along), expected, 1e-7, scale=float(np.sum(np.abs(v * evaluate([call.output], call.feeds)[0]))))


def spread(call: Call) -> float:
    """How far the differences go: less where the arguments are drawn from a narrow range."""
    spans = [span for case in call.row.cases for span in case.ranges if isinstance(span, tuple)]
    return min((0.2 * (high - low) for low, high in spans), default=1.0)


def check_forward(call: Call) -> None:
    """⟨v, Ju⟩ = ⟨vᵀJ, u⟩."""
    v = call.direction(call.output)
    u = {node: call.direction(node) for node in call.moving}
    weights = input_node("v", call.output.shape, "float64")
    tangents = {node: input_node(f"u of {node.params['name']}", node.shape, node.dtype) for node in call.moving}
    backs = evaluate(pullback(call.output, weights, call.moving), {**call.feeds, weights: v})
    push = pushforward(call.output, tangents)
    (ahead,) = evaluate([push], {**call.feeds, **{tangents[node]: u[node] for node in call.moving}})
    terms = [back * u[node] for back, node in zip(backs, call.moving, strict=True)]
    scale = sum(float(np.sum(np.abs(term))) for term in terms)
    close(np.sum(v * ahead), sum(float(np.sum(term)) for term in terms), 1e-11, scale)


def check_second(call: Call) -> None:
    """The derivative of the pullback is what differences of the pullback say."""
    v = call.direction(call.output)
    weights = input_node("v", call.output.shape, "float64")
    u = {node: call.direction(node) for node in call.moving}
    assume_no_flip(call, u)
    for node, back in zip(call.moving, pullback(call.output, weights, call.moving), strict=True):
        outer = call.direction(node)
        outer_node = input_node("outer", node.shape, node.dtype)
        sources = [*call.moving, weights]
        try:
            slopes = pullback(back, outer_node, sources)
        except FormulaError:  # a derivative that is refused with a message
            continue
        directions = [spread(call) * u[source] if source is not weights else v for source in sources]
        found = evaluate(slopes, {**call.feeds, weights: v, outer_node: outer})
        expected = sum(float(np.sum(s * d)) for s, d in zip(found, directions, strict=True))

        def along(step: float, back: Node = back, outer: Array = outer) -> Array:
            moved = {source: call.feeds[source] + step * spread(call) * u[source] for source in call.moving}
            feeds = {**call.feeds, **moved, weights: v + step * v}
            return np.asarray(np.sum(outer * evaluate([back], feeds)[0]))

        close(stencil(along), expected, 1e-6, scale=float(np.sum(np.abs(along(0.0)))))


def check_batch(call: Call) -> None:
    """A stack of cotangents in one pass gives what one at a time does, and so does a stack of each argument."""
    weights = input_node("v", call.output.shape, "float64")
    backs = pullback(call.output, weights, call.moving)
    looped_and_stacked(backs, weights, call.random.standard_normal((BATCH, *weights.shape)), call.feeds)
    for node in call.moving:
        around = call.feeds[node] + 0.01 * spread(call) * call.random.standard_normal((BATCH, *node.shape))
        looped_and_stacked([call.output], node, around, call.feeds)


def looped_and_stacked(outputs: Sequence[Node], late: Node, stack: Array, feeds: dict[Node, Array]) -> None:
    stacked = input_node(f"stack {next(_fresh)}", stack.shape, late.dtype)
    carried = evaluate(batch(list(outputs), {late: stacked}, len(stack)), {**feeds, stacked: stack})
    for i in range(len(stack)):
        single = evaluate(list(outputs), {**feeds, late: stack[i]})
        for many, one in zip(carried, single, strict=True):
            close(many[i], one, 1e-11)


def check_mask(call: Call) -> None:
    """A structural pullback, run on truth values, says which cotangents can be other than 0."""
    live = np.asarray(call.random.random(call.output.shape) > 0.5)
    weights = input_node("v", call.output.shape, "float64")
    mask = input_node("live", call.output.shape, "bool")
    assert call.row.pullback is not None
    for index, node in enumerate(call.inputs):
        if node not in call.moving:
            continue
        moved = call.row.pullback(index, weights, call.output)
        moved_mask = call.row.pullback(index, mask, call.output)
        assert isinstance(moved, Node)
        assert isinstance(moved_mask, Node)
        assert moved_mask.dtype == "bool"
        positive = 1.0 + call.random.random(call.output.shape)
        feeds = {**call.feeds, weights: np.where(live, positive, 0.0), mask: live}
        values, alive = evaluate([moved, moved_mask], feeds)
        assert np.array_equal(values != 0, alive)


@each_row
@drawn
@given(data=st.data())
def test_shape_and_dtype(row: Primitive, data: st.DataObject) -> None:
    check_shape(called(row, data.draw(cases(row)), data.draw(calls)))


@each_smooth_row
@drawn
@given(data=st.data())
def test_reverse_against_differences_and_forward(row: Primitive, data: st.DataObject) -> None:
    call = called(row, data.draw(cases(row)), data.draw(calls))
    if call.output.is_float:
        check_reverse(call)
        check_forward(call)


@each_smooth_row
@drawn
@given(data=st.data())
def test_second_derivatives(row: Primitive, data: st.DataObject) -> None:
    call = called(row, data.draw(cases(row)), data.draw(calls))
    if call.output.is_float:
        check_second(call)


@each_smooth_row
@drawn
@given(data=st.data())
def test_a_batch_is_a_loop(row: Primitive, data: st.DataObject) -> None:
    call = called(row, data.draw(cases(row)), data.draw(calls))
    if call.output.is_float:
        check_batch(call)


@pytest.mark.parametrize("row", [row for row in SMOOTH if row.structural], ids=lambda row: row.name)
@drawn
@given(data=st.data())
def test_masks_move_with_the_entries(row: Primitive, data: st.DataObject) -> None:
    check_mask(called(row, data.draw(cases(row)), data.draw(calls)))


# SymPy


def elementwise_calls(row: Primitive) -> list[tuple[Operation, Call]]:
    """Each way to call an element-wise row, as an operation of SymPy and with numbers."""
    found = []
    for number, case in enumerate(row.cases):
        if case.shapes != ((3,),) * len(case.shapes) or not case.shapes:
            continue
        symbols = sympy.symbols(f"x:{len(case.shapes)}", real=True)
        assert row.symbolic is not None
        expression = sympy.sympify(row.symbolic(sympy, *symbols, **case.params))
        if expression.has(sympy.Derivative):
            continue
        found.append(
            (Operation(expression, symbols), called(row, case._replace(shapes=((8,),) * len(symbols)), number))
        )
    return found


def precise(value: Any) -> Any:
    """An argument as SymPy's exact number."""
    return sympy.Float(float(value), 60) if isinstance(value, float | np.floating) else sympy.sympify(value.item())


def relative_errors(found: Array, expected: list[Any], scale: float = 0.0) -> list[float]:
    """How far numbers are from exact ones, relative to these, to a hundredth of the largest, or to a scale.

    Beside a zero of the function digits are lost already in its terms.
    """
    floor = max([scale, *(abs(exact) / 100 for exact in expected)])
    pairs = zip(found.tolist(), expected, strict=True)
    return [float(abs(sympy.Float(number, 60) - exact) / (max(abs(exact), floor) or 1)) for number, exact in pairs]


COMPARABLE = [row for row in ROWS if row.elementwise and row.symbolic is not None and row.name != "nextafter"]
UNKNOWN_TO_SYMPY = {("zeta", 0)}
"""(row, argument) for which SymPy has the function and not its derivative."""


@pytest.mark.parametrize("row", COMPARABLE, ids=lambda row: row.name)
def test_numbers_agree_with_sympy(row: Primitive) -> None:
    for operation, call in elementwise_calls(row):
        (values,) = evaluate([call.output], call.feeds)
        points = zip(*(call.feeds[node] for node in call.inputs), strict=True)
        expected = [operation.value([precise(entry) for entry in point]) for point in points]
        if call.output.dtype == "bool":
            assert values.tolist() == [value == sympy.true for value in expected]
        else:
            assert max(relative_errors(values, expected)) < 1e-13


@pytest.mark.parametrize("row", [row for row in COMPARABLE if row.pullback is not None], ids=lambda row: row.name)
def test_slopes_agree_with_sympy(row: Primitive) -> None:
    for operation, call in elementwise_calls(row):
        ones = input_node("ones", call.output.shape, "float64")
        feeds = {**call.feeds, ones: np.ones(call.output.shape)}
        *backs, values = evaluate([*pullback(call.output, ones, call.moving), call.output], feeds)
        scale = 0.1 * float(np.max(np.abs(values)))
        points = [list(map(precise, point)) for point in zip(*(call.feeds[node] for node in call.inputs), strict=True)]
        for back, node in zip(backs, call.moving, strict=True):
            index = call.inputs.index(node)
            if (row.name, index) in UNKNOWN_TO_SYMPY:
                continue
            wanted = [position == index for position in range(len(call.inputs))]
            slopes = [operation.slopes(point, wanted)[index] for point in points]
            assert max(relative_errors(back, slopes, scale)) < 1e-13


# The table itself


@each_row
def test_every_row_fills_its_columns(row: Primitive) -> None:
    assert row.doc.endswith((".", "…"))
    assert row.dependency in get_args(primitive_module.Dependency)
    assert row.cases, "the property test does not know how to call it"
    assert all(len(case.shapes) == len(case.ranges) for case in row.cases)
    if row.elementwise:
        assert row.template is not None
        assert len(row.pullbacks) == len(row.cases[0].shapes)
        assert row.template.count("{0}") >= 1
        assert row.dependency == "elementwise"
    if row.structural:
        assert row.pullback is not None


# The tester


def broken(name: str, **columns: Any) -> Primitive:
    return dataclasses.replace(table()[name], **columns)


def with_slope(name: str, change: Callable[[Node], Node]) -> Primitive:
    """A row whose pullback is changed."""
    row = table()[name]
    assert row.pullback is not None
    right = row.pullback

    def rule(index: int, g: Node, node: Node) -> Node | Masked:
        pulled = right(index, g, node)
        return Masked(change(pulled.value), pulled.live) if isinstance(pulled, Masked) else change(pulled)

    return dataclasses.replace(row, pullback=rule)


def fails(check: Callable[[Call], None], row: Primitive) -> bool:
    for seed, case in enumerate(row.cases):
        try:
            check(called(row, case, seed))
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("name", ["tanh", "multiply", "where", "softmax", "contract", "take", "solve"])
@pytest.mark.parametrize("factor", [1.0005, -1.0])
def test_a_wrong_slope_fails(name: str, factor: float) -> None:
    assert fails(check_reverse, with_slope(name, lambda pulled: pulled * factor))
    assert not fails(check_reverse, table()[name])


def test_a_pullback_made_of_a_row_that_is_no_transpose_fails() -> None:
    doubling = broken("negative", numeric=lambda x: 2.0 * x, pullback=lambda index, g, node: g)
    assert fails(check_forward, broken("tanh", pullback=lambda index, g, node: doubling(g)))
    assert not fails(check_forward, table()["tanh"])


def test_a_wrong_second_derivative_fails() -> None:
    """The slope is right as a number, but does not move with x."""
    row = table()["exp"]
    held = dataclasses.replace(row, pullback=lambda index, g, node: g * apply("stop_gradient", node))
    assert not fails(check_reverse, held)
    assert fails(check_second, held)
    assert not fails(check_second, row)


def test_a_wrong_shape_fails() -> None:
    assert fails(check_shape, broken("sum", numeric=lambda x, axes: np.sum(x, axis=axes, keepdims=True)))
    assert fails(check_shape, broken("floor", numeric=lambda x: np.floor(x).astype(int)))
    assert fails(check_shape, broken("negative", numeric=lambda x: np.negative(x, out=np.asarray(x))))


def test_a_wrong_batch_fails() -> None:
    def unmoved(node: Node, args: list[Node], batched: list[bool], size: int) -> Node:
        return node.primitive(apply("cumsum", args[0], reverse=node.params["reverse"]), **node.params)

    assert fails(check_batch, broken("cumsum", batch=unmoved))
    assert not fails(check_batch, table()["cumsum"])


def test_a_wrong_mask_fails() -> None:
    row = table()["concatenate"]
    assert row.pullback is not None
    right = row.pullback

    def rule(index: int, g: Node, node: Node) -> Node | Masked:
        pulled = right(index, g, node)
        assert isinstance(pulled, Node)
        return ~pulled if pulled.dtype == "bool" else pulled

    assert fails(check_mask, dataclasses.replace(row, pullback=rule))
    assert not fails(check_mask, row)


def test_the_precise_comparison_sees_the_last_digits() -> None:
    with mpmath.workdps(50):
        exact = sympy.exp(sympy.Float(0.5, 60))
    assert relative_errors(np.array([np.exp(0.5)]), [exact])[0] < 2e-16
    assert relative_errors(np.array([np.exp(0.5) * (1 + 1e-12)]), [exact])[0] > 1e-13
