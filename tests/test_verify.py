"""The referee: it passes what is right, kinks and rounding included, and catches what is wrong."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jaccli
from jaccli.autodiff.program import Program
from jaccli.autodiff.reverse import pullback
from jaccli.cli.main import main
from jaccli.errors import InputError, UsageError
from jaccli.graph.node import DType, Node, apply, input_node, size_of
from jaccli.graph.primitive import Case, Primitive, table
from jaccli.verify import CheckReport, Row, check, clock
from jaccli.verify.clock import finishes
from jaccli.verify.complex_step import FORMS, NOT_ANALYTIC, OWN, PARTWISE, complex_step
from jaccli.verify.differences import differences
from jaccli.verify.extrapolation import diverges, extrapolated, jumps
from jaccli.verify.problem import Place, Problem, pose, state
from jaccli.verify.rounding import blur, shake
from jaccli.verify.symbolic import symbolic

ALL = ("symbolic", "fd", "adjoint", "forward")
RANDOM = np.random.default_rng(0)
PROBE = {
    "t": np.array([[1.0], [2.0], [3.2]]),
    "W1": RANDOM.standard_normal((20, 1)),
    "b1": RANDOM.standard_normal(20),
    "W2": RANDOM.standard_normal((20, 20)),
    "b2": RANDOM.standard_normal(20),
    "W3": RANDOM.standard_normal((4, 20)),
    "b3": RANDOM.standard_normal(4),
}
ABC = {"a": [1.0, 2.0, 3.0], "b": [3.0, 4.0, 5.0], "c": [6.0, 7.0, 8.0]}
SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])


def run(text: str, inputs: dict[str, Any], against: tuple[str, ...] = ALL, **options: Any) -> CheckReport:
    return check(jaccli.Formula(text, options.pop("dtype", "float64")), inputs, against=against, **options)


def described(report: CheckReport) -> str:
    return "\n".join(map(str, report.rows))


def row_of(report: CheckReport, witness: str, name: str = "x") -> Row:
    return next(row for row in report.rows if row.witness == witness and row.input == name)


EXAMPLES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("(x+1)**2", {"x": np.eye(5)}, {"v": 1.0}),
    ("(inp+1).pow(2)", {"inp": np.eye(5)}, {"v": 1.0}),
    ("(x+1)**2", {"x": np.eye(2)}, {"target": "jacobian"}),
    ("x*2", {"x": [1.0, -2.0, 0.5]}, {"v": [0.1, 1.0, 0.0001]}),
    ("3*a + 2*b*b + log(c)", ABC, {"v": [0.1, 1.0, 0.0001]}),
    ("3*a + 2*b*b + log(c)", {"a": 0.1, "b": 1.0, "c": 0.1}, {}),
    ("3*a + 2*b*b + log(c)", {"a": [0.0], "b": [0.0], "c": [0.0]}, {"v": [0.1]}),
    ("3*a + 2*b*b + log(c)", {"a": 1.0, "b": 1.0, "c": 1.0}, {}),
    ("w.sum()", {"w": SQUARE}, {}),
    ("log(x)", {"x": [[0.40616, 1.0], [2.0, 3.0]]}, {"target": "jacobian"}),
    ("sum(sqrt(x))", {"x": SQUARE}, {"target": "hessian"}),
    ("W @ x", {"W": SQUARE, "x": [[1.0], [2.0]]}, {"target": "jacobian"}),
    ("z = 2*x; z.sum(dim=1)", {"x": [[1.0, 2.0, 3.0, 4.0]]}, {"v": [1.0]}),
    ("tanh(tanh(t @ W1.T + b1) @ W2.T + b2) @ W3.T + b3", PROBE, {"wrt": ["t"], "target": "jacobian"}),
    ("x**2 * w", {"x": [1.0, 2.0, 3.0], "w": [0.5, 1.0, 2.0]}, {"v": [-0.1, 1.0, 0.0001]}),
]


@pytest.mark.parametrize(("text", "inputs", "options"), EXAMPLES)
def test_the_examples_hold(text: str, inputs: dict[str, Any], options: dict[str, Any]) -> None:
    report = run(text, inputs, **options)
    assert report.holds, described(report)


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("tanh(sin(x) * exp(-x**2) + x)", {"x": np.linspace(-2, 2, 7)}),
    ("softmax(A @ x)", {"A": RANDOM.standard_normal((3, 4)), "x": RANDOM.standard_normal(4)}),
    ("logsumexp(x, axis=1)", {"x": RANDOM.standard_normal((3, 4))}),
    ("max(x, axis=0) * min(x, axis=0)", {"x": RANDOM.standard_normal((3, 4))}),
    ("where(x > 0, x**2, -x)", {"x": [-1.0, 0.5, 2.0]}),
    ("relu(W @ x)", {"W": RANDOM.standard_normal((4, 3)), "x": RANDOM.standard_normal((3, 2))}),
    ("prod(x)", {"x": [0.0, 2.0, 3.0]}),
    ("cumprod(x)", {"x": [1.0, 0.0, 3.0, 0.0]}),
    ("cumsum(x[::-1])**2", {"x": [1.0, 2.0, 3.0]}),
    ("det(A)", {"A": np.ones((3, 3))}),
    ("det(A)", {"A": RANDOM.standard_normal((5, 5))}),
    ("inv(A)", {"A": SQUARE}),
    ("solve(A, b)", {"A": RANDOM.random((4, 4)) + 2 * np.eye(4), "b": RANDOM.random(4)}),
    ("einsum('ij,jk->ki', A, B)", {"A": RANDOM.random((2, 3)), "B": RANDOM.random((3, 2))}),
    ("x[i]", {"x": [1.0, 2.0, 3.0], "i": np.array([0, 2, 2])}),
    ("sort(x)", {"x": [3.0, 1.0, 2.0]}),
    ("norm(x)", {"x": [3.0, -4.0]}),
    ("std(x)", {"x": [1.0, 2.0, 4.0]}),
    ("x % 0.7 + floor(x)", {"x": [1.1, 2.5]}),
    ("stop_gradient(x)*x", {"x": [1.0, 2.5]}),
    ("concatenate([x, x**2])[1:5:2]", {"x": [1.0, 2.0, 3.0]}),
    ("x", {"x": np.zeros((0, 3))}),
    ("x*0", {"x": 2.0}),
    ("x > 0", {"x": [1.0, -1.0]}),
    ("x**3", {"x": [1e-200, 1e100]}),
    ("abs(x - 1e-5)", {"x": 0.0}),
    ("exp(-1e8*(x - 1e-5)**2)", {"x": 0.0}),
]


@pytest.mark.parametrize(("text", "inputs"), RIGHT)
def test_every_witness_agrees_with_what_is_right(text: str, inputs: dict[str, Any]) -> None:
    report = run(text, inputs)
    assert {row.verdict for row in report.rows} == {"agrees"}, described(report)


@pytest.mark.parametrize(
    "text",
    ["sum(x**3)", "sum(exp(x)*sin(x))", "logsumexp(x)", "prod(x)", "x @ x * x[0]", "norm(x)", "sum(x*abs(x))"],
)
def test_hessians(text: str) -> None:
    report = run(text, {"x": [0.5, -1.5, 2.0]}, target="hessian")
    assert {row.verdict for row in report.rows} == {"agrees"}, described(report)
    assert {row.input for row in report.rows} == {"x, x"}


def test_a_hessian_of_two_inputs_has_four_blocks() -> None:
    report = run("x**2 * sin(y)", {"x": 0.5, "y": 2.0}, ("symbolic",), target="hessian")
    assert [row.input for row in report.rows] == ["x, x", "x, y", "y, x", "y, y"]
    assert report.holds


# (formula, inputs, witnesses that see it, fragments of the note)
KINKS: list[tuple[str, dict[str, Any], tuple[str, ...], list[str]]] = [
    ("abs(x)", {"x": 0.0}, ("symbolic", "fd"), ["abs at 0", "one-sided slopes -1 and 1", "ours is 0"]),
    ("abs(x + y - z)", {"x": 0.1, "y": 0.2, "z": 0.3}, ("symbolic", "fd"), ["abs at 0", "one-sided slopes -1 and 1"]),
    ("max(x)", {"x": [1.0, 1.0, 0.5]}, ("symbolic", "fd"), ["at [0]", "max at a tie", "1 more such entry"]),
    ("maximum(x, 0)", {"x": 0.0}, ("symbolic", "fd"), ["maximum at a tie", "slopes 0 and 1", "ours is 0.5"]),
    ("clip(x, -1, 1)", {"x": 1.0}, ("symbolic", "fd"), ["clip on a bound"]),
    ("norm(x)", {"x": [0.0, 0.0]}, ("symbolic", "fd"), ["norm at 0", "and 1 more such entry"]),
    ("floor(x)", {"x": 2.0}, ("symbolic", "fd"), ["floor at a jump"]),
    ("where(x > 0, x, 0)", {"x": 0.0}, ("symbolic", "fd"), ["a comparison of equal numbers", "slopes 0 and 1"]),
    ("sort(x)[0]", {"x": [1.0, 1.0]}, ("symbolic", "fd"), ["an order with a tie"]),
    ("sqrt(x)", {"x": 0.0}, ("symbolic", "fd"), ["edge of the domain, slope inf from the right", "ours is inf"]),
    ("sqrt(x)**2", {"x": 0.0}, ("symbolic", "fd"), ["edge of the domain, slope 1 from the right", "ours is nan"]),
    ("x*log(x)", {"x": 0.0}, ("fd",), ["no value"]),
    ("xlogy(x, x)", {"x": 0.0}, ("fd",), ["slope -inf from the right"]),
    ("cbrt(x)", {"x": 0.0}, ("symbolic", "fd"), ["slopes inf and inf"]),
    ("1/x", {"x": 0.0}, ("symbolic", "fd"), ["a division by 0"]),
    ("log(x)", {"x": -1.0}, ("symbolic", "fd"), ["no value here"]),
    ("log(x)", {"x": 0.0}, ("symbolic", "fd"), ["log at 0"]),
    ("x**1.5", {"x": 0.0}, ("symbolic", "fd"), ["edge of the domain, slope 0 from the right"]),
]


@pytest.mark.parametrize(("text", "inputs", "witnesses", "fragments"), KINKS)
def test_a_place_without_derivative_is_reported_and_is_no_failure(
    text: str, inputs: dict[str, Any], witnesses: tuple[str, ...], fragments: list[str]
) -> None:
    report = run(text, inputs, witnesses, v=1.0)
    assert report.holds
    assert not report.smooth
    for witness in witnesses:
        row = row_of(report, witness)
        assert row.verdict == "not differentiable here", described(report)
        for fragment in fragments:
            assert fragment in row.note


def test_a_kink_beside_smooth_entries_leaves_them_compared() -> None:
    report = run("abs(x)", {"x": [-1.0, 0.0, 2.0]}, ("symbolic", "fd"), v=1.0)
    for row in report.rows:
        assert row.entries == 2
        assert "at [1]" in row.note


@pytest.mark.parametrize("text", ["x*abs(x)", "where(x > 0, x**3, x**2)", "maximum(x, 0) - maximum(-x, 0)", "sinc(x)"])
def test_a_smooth_point_on_the_edge_of_a_choice_is_compared(text: str) -> None:
    report = run(text, {"x": 0.0}, ("symbolic", "fd"))
    assert {row.verdict for row in report.rows} == {"agrees"}, described(report)


def test_second_derivatives_at_a_removable_point_are_limits() -> None:
    assert run("sum(sinc(x))", {"x": [0.0, 0.3]}, ("symbolic",), target="hessian").holds


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("(1 - cos(x))/x**2", {"x": [1e-6, 1e-3]}),
        ("sin(1e6*x)", {"x": 0.3}),
        ("(x + 1e8) - 1e8", {"x": 0.1}),
        ("sum(x)", {"x": [1e16, 1.0, -1e16]}),
        ("log(1 + x)", {"x": 1e-12}),
        ("A @ inv(A)", {"A": 1.0 / (np.arange(5)[:, None] + np.arange(5) + 1)}),
        ("1e-12*x**2 + x", {"x": [1e-9, 1e9]}),
        ("x**20 - (x - 1e-3)**20", {"x": 1.0}),
        ("exp(x) - exp(y)", {"x": 30.0, "y": 30.0 - 1e-9}),
        ("sinc(x)", {"x": [1e-8, 1e-3]}),
        ("softmax(10*W @ x)", {"W": np.random.default_rng(1).standard_normal((60, 40)), "x": np.ones(40)}),
        ("sigmoid(x)", {"x": [50.0, 800.0, -800.0]}),
        ("sin(1e9*x)", {"x": 0.3}),
        ("log(sin(x*y))*cos(exp(x*y))", {"x": 5.2, "y": 3.9}),
    ],
)
def test_rounding_is_no_false_alarm(text: str, inputs: dict[str, Any]) -> None:
    report = run(text, inputs)
    assert report.holds, described(report)


def test_lost_digits_are_said() -> None:
    row = row_of(run("(1 - cos(x))/x**2", {"x": [1e-6, 0.5]}, ("symbolic",), v=1.0), "symbolic")
    assert "ill-conditioned at [0]: rounding alone may change it by" in row.note


@pytest.mark.parametrize("text", ["tanh(x)*x", "sum(softmax(x)**2)", "x @ x"])
def test_single_precision_is_judged_by_its_own_rounding(text: str) -> None:
    report = run(text, {"x": np.array([0.5, 1.5, -0.25], np.float32)}, dtype="float32")
    assert {row.verdict for row in report.rows} == {"agrees"}, described(report)


_fresh = itertools.count()
Change = Callable[[Node], Node]
Plant = Callable[[str, Change, int], str]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Gives a function that puts a wrong rule into the table, and a new input's name.

    Nodes are shared by value, so only a name never used before makes nodes that have the wrong rule.
    """

    def put(name: str, change: Change, index: int = 0) -> str:
        row = table()[name]
        monkeypatch.setitem(table(), name, planted(row, change, index))
        return f"planted{next(_fresh)}"

    yield put


def planted(row: Primitive, change: Change, wrong: int) -> Primitive:
    """The row with the cotangent of one argument changed."""

    def rule(index: int, g: Node, node: Node) -> Any:
        assert row.pullback is not None
        pulled = row.pullback(index, g, node)
        if index != wrong:
            return pulled
        return change(pulled) if isinstance(pulled, Node) else pulled._replace(value=change(pulled.value))

    return dataclasses.replace(row, pullback=rule)


def scaled(factor: float) -> Change:
    return lambda pulled: pulled * factor


MISTAKES: list[tuple[str, str, Change, int, Any]] = [
    ("tanh", "sum(tanh({0}))", scaled(1.0005), 0, [0.5, -1.0]),
    ("tanh", "tanh({0})", scaled(-1.0), 0, [0.5, -1.0]),
    ("exp", "exp({0})*2", scaled(0.9995), 0, [0.5, -1.0]),
    ("multiply", "{0}*3.0", scaled(2.0), 0, [0.5, -1.0]),
    ("power", "{0}**3", scaled(1.0005), 0, 2.0),
    ("divide", "1.0/{0}", scaled(-1.0), 1, 2.0),
    ("softmax", "softmax({0})", lambda pulled: pulled + 0.001, 0, [0.5, -1.0, 2.0]),
    ("logsumexp", "logsumexp({0})", lambda pulled: pulled + pulled * pulled, 0, [0.5, -1.0]),
    ("max", "max({0})", scaled(0.5), 0, [0.5, -1.0]),
    ("maximum", "maximum({0}, 0)", scaled(1.0005), 0, [0.5, -1.0]),
    ("norm", "norm({0})", scaled(1.0005), 0, [3.0, 4.0]),
    ("contract", "{0} @ [[1.0, 2.0], [3.0, 4.0]]", lambda p: apply("transpose", p, permutation=(1, 0)), 0, SQUARE),
    ("sum", "sum({0})", scaled(1.0005), 0, [3.0, 4.0]),
    ("cumsum", "cumsum({0})", lambda p: apply("slice", p, bounds=((1, 2, -1),)), 0, [3.0, 4.0]),
    ("det", "det({0})", lambda p: apply("transpose", p, permutation=(1, 0)), 0, SQUARE),
    ("inv", "inv({0})", scaled(-1.0), 0, SQUARE),
    ("slice", "{0}[1:]**2", scaled(1.0005), 0, [1.0, 2.0, 3.0]),
    ("abs", "abs({0})", scaled(-1.0), 0, [1.0, -2.0]),
    ("abs", "abs({0})", lambda pulled: pulled + 5.0, 0, [0.0, 1.0]),
]


@pytest.mark.parametrize("witness", ["symbolic", "fd", "complex"])
@pytest.mark.parametrize(("name", "text", "change", "index", "value"), MISTAKES)
def test_a_wrong_rule_is_caught(
    plant: Plant,
    name: str,
    text: str,
    change: Change,
    index: int,
    value: Any,
    witness: str,
) -> None:
    source = plant(name, change, index)
    report = run(text.format(source), {source: value}, (witness,), seed=1)
    if witness == "complex" and name in NOT_ANALYTIC:
        assert report.rows[0].note == f"not analytic: {name}"
        return
    assert not report.holds, described(report)
    row = report.rows[0]
    assert row.verdict == "differs"
    assert row.worst_index is not None
    assert row.ours != row.theirs


def posed(row: Primitive, case: Case, seed: int) -> Problem:
    """A primitive called by one of its cases, with the VJP of the row under test."""
    random = np.random.default_rng(seed)
    number = next(_fresh)
    point: dict[str, Any] = {}
    for i, (shape, span) in enumerate(zip(case.shapes, case.ranges, strict=True)):
        if span is None:
            point[f"a{i} of {number}"] = np.asarray(random.random(shape) > 0.5)
        elif isinstance(span, int):
            point[f"a{i} of {number}"] = np.asarray(random.integers(0, span, shape))
        else:
            point[f"a{i} of {number}"] = np.asarray(random.uniform(*span, shape))
    dtypes: dict[str, DType] = {"f": "float64", "i": "int64", "b": "bool"}
    inputs = {name: input_node(name, value.shape, dtypes[value.dtype.kind]) for name, value in point.items()}
    output = row(*inputs.values(), **case.params)
    names = [name for i, (name, node) in enumerate(inputs.items()) if node.is_float and row.differentiates(i)]
    program = Program(inputs, output)
    cotangent = random.standard_normal(output.shape)
    ours: dict[Place, Any] = {
        (None, name): b for name, b in zip(names, program.vjp(point, cotangent, names), strict=True)
    }
    return pose(program, point, ours, cotangent, "vjp", seed)


WITNESSED = [row for row in table().values() if row.pullback is not None and row.varied is None and row.cases]


@pytest.mark.parametrize("row", WITNESSED, ids=lambda row: row.name)
def test_every_primitive_is_passed_and_a_wrong_one_is_caught(row: Primitive) -> None:
    case = min(row.cases, key=lambda case: (0 in case.shapes[0] or case.shapes[0] == (), size_of(case.shapes[0])))
    right = [*symbolic(posed(row, case, 3)), *differences(posed(row, case, 3))]
    assert {found.verdict for found in right} <= {"agrees", "not compared"}, right
    assert any(found.verdict == "agrees" for found in right)
    unwritten = any(found.verdict == "not compared" for found in right)
    for index in range(1 if unwritten else len(case.shapes)):
        wrong = posed(planted(row, scaled(1.0005), index), case, 3)
        rows = differences(wrong) if unwritten else symbolic(wrong)
        for block, found in zip(wrong.blocks, rows, strict=True):
            hit = block.source.startswith(f"a{index} ") and np.max(np.abs(block.ours), initial=0.0) > 1e-9
            assert found.verdict == ("differs" if hit else "agrees"), found


ANALYTIC = [row for row in WITNESSED if row.name in OWN | PARTWISE | FORMS.keys() or row.dependency == "moves"]


@pytest.mark.parametrize("row", ANALYTIC, ids=lambda row: row.name)
def test_complex_steps_agree_with_every_analytic_primitive_and_catch_a_wrong_one(row: Primitive) -> None:
    for case in row.cases:
        for found in complex_step(posed(row, case, 3)):
            assert found.verdict == "agrees", found
        for index in range(len(case.shapes)):
            wrong = posed(planted(row, scaled(1.0005), index), case, 3)
            for block, found in zip(wrong.blocks, complex_step(wrong), strict=True):
                hit = block.source.startswith(f"a{index} ") and np.max(np.abs(block.ours), initial=0.0) > 1e-9
                assert found.verdict == ("differs" if hit else "agrees"), found


def test_the_tables_of_complex_arithmetic_name_primitives_once() -> None:
    named = [*OWN, *PARTWISE, *FORMS, *NOT_ANALYTIC]
    assert len(named) == len(set(named))
    assert set(named) <= set(table())
    kinked = {row.name for row in WITNESSED if row.kinks and "at" in row.kinks} & {"abs", "maximum", "max", "norm"}
    assert kinked <= NOT_ANALYTIC


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("abs(x)*max(x)", "not analytic: abs, max"),
        ("betainc(2, 3, x/9)", "no complex form of betainc"),
        ("sum(floor(x))*x", "not analytic: floor"),
    ],
)
def test_complex_steps_say_where_they_cannot_be_taken(text: str, note: str) -> None:
    row = run(text, {"x": [1.0, 2.5]}, ("complex",)).rows[0]
    assert (row.verdict, row.note) == ("not compared", note)


@pytest.mark.parametrize("target", ["vjp", "jacobian", "hessian"])
def test_complex_steps_need_no_digits_of_differences(target: Any) -> None:
    row = run("sum(exp(x)*sin(x)/(1 + x**2))", {"x": [0.5, -1.5, 2.0]}, ("complex",), target=target).rows[0]
    assert row.verdict == "agrees"
    assert row.largest_relative < 1e-13


def test_complex_steps_do_not_follow_another_branch() -> None:
    row = run("log(x**3)", {"x": [-1.0, 2.0]}, ("complex",), v=[0.0, 1.0]).rows[0]
    assert row.verdict == "agrees"
    assert run("x**0.5", {"x": -1.0}, ("complex",)).rows[0].verdict == "not compared"


def test_random_points_are_drawn_near_the_inputs_and_the_worst_is_named() -> None:
    report = run("sum(sqrt(x)*i)", {"x": [0.0, 4.0], "i": np.array([1, 2])}, ("fd",), points=5, seed=2)
    assert report.holds
    assert row_of(report, "fd").entries >= 11
    assert "5 random points near the inputs, drawn with seed 2" in report.notes
    again = run("sum(sqrt(x)*i)", {"x": [0.0, 4.0], "i": np.array([1, 2])}, ("fd",), points=5, seed=2)
    assert report == again


def test_points_without_a_finite_value_are_drawn_again_and_this_is_said() -> None:
    report = run("sum(log(x - 0.99))", {"x": [1.0, 1.0, 1.0]}, ("fd",), points=4)
    assert report.holds
    assert any("drawn again" in note for note in report.notes), report.notes


def test_a_rule_that_is_wrong_away_from_the_inputs_is_caught_at_a_point(plant: Plant) -> None:
    source = plant("sin", lambda pulled: pulled * pulled, 0)
    assert run(f"sin({source})", {source: 0.0}, ("fd",), v=1.0).holds
    report = run(f"sin({source})", {source: 0.0}, ("fd",), v=1.0, points=3)
    row = report.rows[0]
    assert not report.holds
    assert row.point > 0
    assert any(f"the worst point is {row.point}: {source} = " in note for note in report.notes)


def test_a_strict_check_fails_at_a_kink() -> None:
    assert run("abs(x)", {"x": 0.0}, ("fd",)).holds
    assert not run("abs(x)", {"x": 0.0}, ("fd",), strict=True).holds


@pytest.mark.parametrize("witness", ["symbolic", "fd"])
def test_a_wrong_rule_is_caught_in_jacobians_and_hessians(plant: Plant, witness: str) -> None:
    source = plant("sin", scaled(1.0005), 0)
    inputs = {source: [0.5, 1.0]}
    assert not run(f"sin({source})", inputs, (witness,), target="jacobian").holds
    if witness == "symbolic":
        assert not run(f"sum(sin({source}))", inputs, (witness,), target="hessian").holds


@pytest.mark.parametrize("witness", ["adjoint", "forward"])
def test_a_rule_that_is_no_transpose_is_caught(plant: Plant, witness: str) -> None:
    source = plant("cumsum", lambda pulled: apply("slice", pulled, bounds=((2, 3, -1),)), 0)
    assert not run(f"cumsum({source})", {source: [1.0, 2.0, 3.0]}, (witness,)).holds


def test_a_missing_dependency_is_caught(plant: Plant) -> None:
    source = plant("multiply", lambda pulled: pulled * 0.0, 1)
    assert not run(f"sin({source})*{source}", {source: 0.5}, ("symbolic",)).holds
    assert not run(f"sin({source})*{source}", {source: 0.5}, ("fd",)).holds


def test_nan_for_a_derivative_that_exists_is_wrong(plant: Plant) -> None:
    source = plant("sin", lambda pulled: pulled * float("nan"), 0)
    report = run(f"sin({source})", {source: 0.5}, ("symbolic", "fd"))
    assert [row.verdict for row in report.rows] == ["differs", "differs"]


def test_conventions_that_do_not_add_up_are_said() -> None:
    for row in run("relu(x) - relu(-x)", {"x": 0.0}, ("symbolic", "fd")).rows:
        assert row.verdict == "differs"
        assert "need not add up" in row.note


def test_the_worst_entry_is_shown_with_its_errors(plant: Plant) -> None:
    source = plant("exp", scaled(1.5), 0)
    row = run(f"exp({source})", {source: [0.0, 1.0]}, ("symbolic",), v=1.0).rows[0]
    assert row.worst_index == (1,)
    assert row.theirs == np.e
    assert row.largest_relative == pytest.approx(0.5)
    assert row.largest_absolute == pytest.approx(0.5 * np.e)
    assert row.ulps == pytest.approx(0.5 * np.e / np.spacing(np.e))


def test_large_arrays_are_sampled_and_this_is_said() -> None:
    report = run("(x + 1)**2", {"x": RANDOM.random((50, 50))}, seed=3)
    assert report.holds
    for witness in ("symbolic", "fd", "forward"):
        row = row_of(report, witness)
        assert row.entries == 32
        assert row.note == "32 of 2,500 entries, drawn with seed 3"


def test_the_seed_decides_the_draw() -> None:
    inputs = {"x": RANDOM.random(100)}
    first, again, other = (run("tanh(x)", inputs, ("symbolic",), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_has_no_closed_form_is_not_compared() -> None:
    report = run("betainc(2, 3, x)", {"x": 0.5}, ("symbolic", "fd"))
    assert row_of(report, "symbolic").verdict == "not compared"
    assert "no closed form" in row_of(report, "symbolic").note
    assert row_of(report, "fd").verdict == "agrees"
    assert report.holds


def test_nothing_compared_does_not_hold() -> None:
    assert not run("betainc(2, 3, x)", {"x": 0.5}, ("symbolic",)).holds


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # where the interruption lands
def test_the_symbolic_witness_stops_in_time() -> None:
    inputs = {"x": RANDOM.random((20, 20))}
    problem = state(jaccli.Formula("tanh(x @ x) @ tanh(x @ x)"), inputs, None, None, "vjp", 0)
    started = time.monotonic()
    (row,) = symbolic(problem, seconds=0.2)
    assert time.monotonic() - started < 5.0
    assert row.verdict == "not compared"
    assert "longer than 0.2 s" in row.note


def test_work_without_end_is_stopped() -> None:
    def endless() -> None:
        while True:
            try:
                time.sleep(0.001)
            except Exception:  # what careless code does
                continue

    assert not finishes(endless, 0.05)
    assert finishes(lambda: None, 5.0)
    with pytest.raises(ZeroDivisionError):
        finishes(lambda: 1 // 0, 5.0)  # type: ignore[arg-type]


def test_a_stop_that_comes_when_the_work_has_ended_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_type))
    assert finishes(lambda: None, 5.0)
    for error in (clock._StopError, ValueError):
        thread = threading.Thread(target=lambda error=error: (_ for _ in ()).throw(error()).__next__())
        thread.start()
        thread.join()
    assert said == [ValueError]


def test_too_large_a_formula_is_not_written_out() -> None:
    row = run("sum(x)", {"x": np.ones(500_000)}, ("symbolic",)).rows[0]
    assert row.verdict == "not compared"
    assert "entries" in row.note


def test_a_kink_beside_an_entry_without_value() -> None:
    report = run("abs(x) + log(y)", {"x": [0.0, 1.0], "y": [1.0, -1.0]}, ("symbolic", "fd"), v=1.0)
    assert report.holds, described(report)
    assert "abs at 0" in row_of(report, "symbolic").note


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324, 1e-310, 1e-281])
def test_numbers_at_the_ends_of_the_range(value: float) -> None:
    report = run("x*0.5", {"x": value}, ("all",))
    assert report.holds, described(report)


def test_infinite_inputs_are_not_compared() -> None:
    report = run("arctan(x)", {"x": [np.inf, 1.0]}, ("symbolic", "fd"))
    assert report.holds
    assert row_of(report, "fd").entries == 1
    assert "x is inf there" in row_of(report, "fd").note


def test_an_input_that_the_graph_does_not_read_has_derivative_0() -> None:
    assert run("matrix_power(A, 0)", {"A": SQUARE}, ("symbolic", "fd")).holds


def test_names_of_inputs_are_only_names() -> None:
    inputs = {"lambda_": 0.5, "S": 1.5, "E": 2.0, "slot0": 0.25}
    assert run("lambda_*S*E + sin(slot0)", inputs, ("symbolic", "fd")).holds


def test_without_v_one_is_drawn_or_1_for_a_scalar() -> None:
    assert run("sum(x)", {"x": [1.0, 2.0]}, ("symbolic",)).rows[0].ours == 1.0
    assert run("x*1", {"x": [1.0, 2.0]}, ("symbolic",)).rows[0].ours not in (0.0, 1.0)


def test_only_the_inputs_asked_for_are_checked() -> None:
    report = run("x*y", {"x": 1.0, "y": 2.0}, wrt=["y"])
    assert {row.input for row in report.rows} == {"y"}


@pytest.mark.parametrize(
    ("options", "error", "fragment"),
    [
        ({"against": ("symbolc",)}, UsageError, "did you mean symbolic?"),
        ({"target": "jacobain"}, UsageError, "did you mean jacobian?"),
        ({"target": "jacobian", "v": 1.0}, InputError, "takes no cotangent"),
        ({"target": "hessian"}, jaccli.JaccliError, "output of one entry"),
        ({"wrt": ["z"]}, InputError, "no input z"),
    ],
)
def test_requests_that_cannot_be_understood(options: dict[str, Any], error: type[Exception], fragment: str) -> None:
    with pytest.raises(error, match=fragment.replace("?", r"\?")):
        run("x*2", {"x": [1.0, 2.0]}, **options)


def test_all_stands_for_every_witness() -> None:
    report = run("x**2", {"x": 1.0}, ("all",))
    assert {row.witness for row in report.rows} == {*ALL, "complex"}


@pytest.mark.parametrize(
    ("words", "code", "index"),
    [
        (["x**2", "--x", "[1,2]"], 0, 1),
        (["x**2", "--x", "[1,2]", "--jacobian"], 0, 2),
        (["x @ x", "--x", "[1,2]", "--hessian"], 0, 2),
    ],
)
def test_the_command_checks_products_jacobians_and_hessians(
    words: list[str], code: int, index: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words, "--json", "--against", "all"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"] is True
    assert {row["witness"] for row in answer["rows"]} == {*ALL, "complex"}
    assert len(next(row for row in answer["rows"] if row["witness"] == "symbolic")["worst_index"]) == index


# (words after `check`, how the last line begins)
LAST_LINES: list[tuple[list[str], str]] = [
    (["x**2", "--x", "3"], "the derivative holds"),
    (["x**2", "--x", "zeros:0", "--v", "ones"], "the derivative holds"),
    (["abs(x)", "--x", "[0,1]"], "the derivative holds"),
    (["abs(x)", "--x", "0"], "nothing could be compared at this point, which has no derivative"),
    (["log(x)", "--x", "-1"], "nothing could be compared at this point, which has no derivative"),
    (["log(x)", "--x", "0", "--claim", "x=v/x"], "the claims hold; the witnesses could compare nothing at this point"),
    (["abs(x)", "--x", "0", "--points", "2"], "the derivative holds"),
    (["(1-cos(x))/x**2", "--x", "1e-8"], "the derivative agrees within rounding, which leaves no digit certain"),
    (["(1-cos(x))/x**2", "--x", "[1e-8,1]"], "the derivative holds"),
    (["sin(x)", "--x", "[0,pi]"], "the derivative holds"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), LAST_LINES)
def test_the_last_line_says_no_more_than_was_compared(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(line)


def test_the_command_shows_as_many_digits_as_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x**3/7", "--x", "1.3", "--against", "fd", "--precision", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[-2:] == ["0.724", "0.724"]
    assert main(["check", "x**3/7", "--x", "1.3", "--against", "fd"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[-2:] == ["0.724286", "0.724286"]


def test_the_command_shows_the_value_if_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "x**2", "--x", "[3,4]", "--against", "fd"]
    assert main([*words, "--value"]) == 0
    assert "value = [9, 16]\n" in capsys.readouterr().out
    assert main([*words, "--value", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == [9.0, 16.0]
    assert main([*words, "--json"]) == 0
    assert "value" not in json.loads(capsys.readouterr().out)


def test_points_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x", "--x", "1", "--points", "1001"]) == 2
    assert "at most 1,000 random points are tried at a time, not 1,001" in capsys.readouterr().err


def test_the_command_shows_where_it_differs(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    source = plant("sinh", scaled(-1.0), 0)
    assert main(["check", f"sinh({source})", f"--{source}", "[0,1]", "--v", "[0,1]"]) == 1
    shown = capsys.readouterr().out
    assert "differs" in shown
    assert "[1]" in shown
    assert "-1.5430806348152437" in shown
    assert "does not hold" in shown


def test_equal_numbers_are_shaken_alike() -> None:
    values = np.array([0.1, 0.2, 0.1, 0.0, np.inf, -0.1])
    shaken = shake(values, 5)
    assert shaken[0] == shaken[2]
    assert shaken[3] == 0.0
    assert shaken[4] == np.inf
    assert np.all(np.abs(shaken[:3] / values[:3] - 1) <= 5 * np.finfo(float).eps)
    assert np.any(shaken[:2] != values[:2])


def test_blur_measures_cancellation() -> None:
    x = input_node("blurred", (), "float64")
    difference = apply("subtract", apply("exp", x), apply("exp", apply("negative", x)))
    (small,), (large,) = (blur([difference], {x: np.asarray(at)}) for at in (1e-10, 3.0))
    assert 1e-17 < small < 1e-14
    assert 1e-16 < large < 1e-12


def test_blur_leaves_ties_alone() -> None:
    x = input_node("tied", (2,), "float64")
    doubled = apply("multiply", x, x)
    (back,) = pullback(apply("max", doubled, axes=(0,)), input_node("v", (), "float64"), [x])
    feeds = {x: np.array([3.0, 3.0]), input_node("v", (), "float64"): np.asarray(1.0)}
    assert np.all(blur([back], feeds)[0] < 1e-13)


def test_extrapolation_beats_the_best_single_quotient() -> None:
    steps = [2.0**-k for k in range(2, 10)]
    central = [(np.exp(h) - np.exp(-h)) / (2 * h) for h in steps]
    estimate = extrapolated(central, [1e-16 / h for h in steps], 2)
    assert abs(estimate.slope - 1.0) <= estimate.error
    assert estimate.error < 1e-11


@pytest.mark.parametrize(
    ("function", "endless", "jump"),
    [
        (np.sqrt, True, False),
        (lambda h: h * np.log(h), True, False),
        (lambda h: 1.0 + h, True, True),
        (np.sin, False, False),
        (lambda h: h**1.5, False, False),
        (lambda h: h + 1e-15 * (h < 0.01), False, False),
    ],
)
def test_quotients_without_limit(function: Callable[[float], float], endless: bool, jump: bool) -> None:
    steps = [2.0**-k for k in range(2, 14)]
    quotients = [float(function(h)) / h for h in steps]
    rounding = [1e-15 / h for h in steps]
    assert diverges(quotients, rounding) is endless
    if endless:
        assert jumps(quotients) is jump
