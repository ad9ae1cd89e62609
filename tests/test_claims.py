"""Claims: every right one passes and every wrong one fails, however it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaccli
from jaccli.cli.main import main
from jaccli.io.values import parse_value
from jaccli.verify import CheckReport, Claim, check
from jaccli.verify.claims import claim_of

BANK: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "claims.json").read_text("utf-8"))


def cases(kind: str) -> list[Any]:
    return list(_cases(kind))


def _cases(kind: str) -> Iterator[Any]:
    for entry in BANK:
        for number, found in enumerate(entry[kind]):
            claims = found if kind == "right" else found["claim"]
            what = number if kind == "right" else f"{found['why']}-{number}"
            yield pytest.param(entry, claims, id=f"{entry['formula']}-{what}")


def claims_of(texts: dict[str, str], point: dict[str, Any]) -> list[Claim]:
    made = []
    for key, text in texts.items():
        kind, _, name = key.rpartition(" ")
        if key == "value":
            made.append(claim_of("value", None, text, inputs=tuple(point)))
        elif kind == "jacobian":
            made.append(claim_of("jacobian", name, text, inputs=tuple(point)))
        else:
            made.append(claim_of("vjp", name, text, inputs=tuple(point), shape=point[name].shape))
    return made


def judged(entry: dict[str, Any], texts: dict[str, str], **options: Any) -> CheckReport:
    formula = jaccli.Formula(entry["formula"], entry.get("dtype", "float64"))
    point = {name: parse_value(text, name=name) for name, text in entry["inputs"].items()}
    v = None
    if "v" in entry:
        v = parse_value(entry["v"], name="v", shape=formula.output_shape(point))
    return check(formula, point, v, against=("fd",), claims=claims_of(texts, point), **options)


def described(report: CheckReport) -> str:
    return "\n".join(map(str, report.rows))


@pytest.mark.parametrize(("entry", "claims"), cases("right"))
def test_a_right_claim_holds(entry: dict[str, Any], claims: dict[str, str]) -> None:
    report = judged(entry, claims)
    assert report.holds, described(report)


@pytest.mark.parametrize(("entry", "claims"), cases("wrong"))
def test_a_wrong_claim_does_not_hold(entry: dict[str, Any], claims: dict[str, str]) -> None:
    report = judged(entry, claims)
    assert not report.holds, described(report)


def words(entry: dict[str, Any], texts: dict[str, str]) -> list[str]:
    made = ["check", entry["formula"], "--json"]
    made += [word for name, text in entry["inputs"].items() for word in ("-i", f"{name}={text}")]
    made += ["--v", entry["v"]] if "v" in entry else []
    made += ["--dtype", entry["dtype"]] if "dtype" in entry else []
    for key, text in texts.items():
        kind, _, name = key.rpartition(" ")
        made += (
            [f"--claim-value={text}"] if key == "value" else [f"--claim{'-jacobian' * bool(kind)}", f"{name}={text}"]
        )
    return made


@pytest.mark.parametrize("entry", BANK[::6], ids=lambda entry: entry["formula"])
def test_the_command_exits_with_0_or_1(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for texts in entry["right"][:1]:
        assert main(words(entry, texts)) == 0
        assert json.loads(capsys.readouterr().out)["holds"] is True
    for wrong in entry["wrong"][:1]:
        assert main(words(entry, wrong["claim"])) == 1
        answer = json.loads(capsys.readouterr().out)
        row = next(row for row in answer["rows"] if row["verdict"] == "differs")
        assert row["witness"].startswith("claim")
        assert row["ours"] != row["theirs"] or row["entries"] == 0


def claimed(formula: str, point: dict[str, Any], v: Any = None, *, kind: str = "vjp", **claims: Any) -> CheckReport:
    made = [
        Claim(kind, name, text) if isinstance(text, str) else Claim(kind, name, array=text)  # type: ignore[arg-type]
        for name, text in claims.items()
    ]
    return check(jaccli.Formula(formula), point, v, against=(), claims=made)


SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]])

# (formula, inputs, claims, words of the diagnosis)
DIAGNOSES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("(x+1)**2", {"x": [1.0, 2.0]}, {"x": "(x+1)*v"}, "your gradient is 0.5 × the true one: a factor 2 is missing"),
    ("(x+1)**2", {"x": [1.0, 2.0]}, {"x": "3*(x+1)*v"}, "1.5 × the true one: a factor 3/2 is too much"),
    ("(x+1)**2", {"x": [1.0, 2.0]}, {"x": "-(x+1)*v"}, "-0.5 × the true one: a sign and a factor 2 is missing"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "-2*x*v"}, "the sign is wrong"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "2*x"}, "v is missing: it is the product with ones"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "0*v"}, "what is claimed is 0 everywhere"),
    ("floor(x)", {"x": [1.5, 2.5]}, {"x": "v"}, "what is claimed should be 0"),
    ("W@x", {"W": SQUARE, "x": [1.0, 2.0]}, {"x": "W@v"}, "this is J·v and not vᵀJ"),
    ("W@x", {"W": SQUARE, "x": [1.0, 2.0]}, {"W": "outer(x,v)"}, "a transpose"),
    ("W@x", {"W": SQUARE, "x": [1.0, 2.0]}, {"W": "-outer(x,v)"}, "a transpose and a sign"),
    ("x*sin(x)", {"x": [1.0, 2.0]}, {"x": "v*sin(x)"}, "a term is missing: what goes through sin(x)"),
    (
        "x*sin(x)",
        {"x": [1.0, 2.0]},
        {"x": "v*(sin(x)-x*cos(x))"},
        "a term has the wrong sign: what goes",
    ),
    (
        "tanh(sin(x))",
        {"x": [1.0, 2.0]},
        {"x": "v*(1-tanh(sin(x))**2)"},
        "the factor cos(x), the slope of sin(x)",
    ),
    ("w*x**2", {"x": [1.0, 2.0], "w": 1.0}, {"x": "2*x*v"}, "the factor w is missing"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "2*x*x*v"}, "the factor x is too much"),
    ("mean(x**2)", {"x": [1.0, 2.0, 4.0]}, {"x": "2*x*v"}, "3 is too much, the number of entries of x (a sum in place"),
    (
        "sum(x**2)",
        {"x": [1.0, 2.0, 4.0]},
        {"x": "2*x/3*v"},
        "3 is missing, the number of entries of x (a mean",
    ),
    (
        "x + b",
        {"x": np.ones((2, 3)), "b": [1.0, 2.0, 3.0]},
        {"b": "v"},
        "the sum over axis 0 is missing",
    ),
    (
        "x + b",
        {"x": np.ones((2, 3)), "b": [[1.0], [2.0]]},
        {"b": "sum(v,axis=1)"},
        "the numbers are right, and want",
    ),
    ("sum(x**2,axis=1)", {"x": SQUARE}, {"x": "2*x*v"}, "v is spread along the wrong axis"),
    ("x[::-1]**2", {"x": [1.0, 2.0, 4.0]}, {"x": "2*x*v"}, "v is reversed along axis 0"),
    ("x**2", {"x": 2.0}, {"x": "4*v"}, "it holds at the inputs and nowhere near them"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "2*x*v+0.25"}, "it is off by the constant 0.25"),
    ("log(x)", {"x": [1.0, 2.0]}, {"x": "v/(x-1)"}, "what is claimed is"),
    ("x**2", {"x": [1.0, 2.0]}, {"x": "2*(x+1e-6)*v"}, "it agrees to 5 digits"),
    ("x**2*v", {"x": [1.0, 2.0], "v": 3.0}, {"x": "2*x*v"}, "v1 is missing"),
]


@pytest.mark.parametrize(("formula", "point", "claims", "words"), DIAGNOSES)
def test_the_diagnosis_names_the_mistake(
    formula: str, point: dict[str, Any], claims: dict[str, Any], words: str
) -> None:
    (row,) = claimed(formula, point, **claims).rows
    assert row.verdict == "differs"
    assert words in row.diagnosis


@pytest.mark.parametrize(
    ("formula", "point", "claims"),
    [
        ("x**2", {"x": [1.0, 2.0, 3.0]}, {"x": "where(x>2.5,3,2)*x*v"}),
        ("x*y", {"x": [1.0, 2.0], "y": [3.0, 5.0]}, {"x": "x*v"}),
        ("relu(W@x)", {"W": SQUARE - 2, "x": [1.0, 2.0]}, {"x": "W.T@v"}),
    ],
)
def test_no_diagnosis_where_the_evidence_is_not_clear(formula: str, point: Any, claims: dict[str, str]) -> None:
    (row,) = claimed(formula, point, **claims).rows
    assert (row.verdict, row.diagnosis) == ("differs", "")


def test_a_wrong_claim_says_where_it_differs() -> None:
    (row,) = claimed("x**2", {"x": [1.0, 2.0, 3.0]}, v=1.0, x="where(arange(3)==1, 4, 2*x)*v").rows
    where = "right at the inputs, but 1 of 3 entries differ at point 1, drawn near them with seed 0: x = "
    assert row.note.startswith(where)
    assert row.worst_index == (1,)
    assert row.ours != row.theirs
    assert row.point == 1


def test_a_claim_for_one_v_does_not_hold_for_others() -> None:
    (row,) = claimed("x**2", {"x": [1.0, 2.0]}, v=1.0, x="2*x").rows
    assert row.note.startswith("right at the inputs for the v given, but 2 of 2 entries differ for v = ")


def test_the_gradient_of_a_number_may_leave_v_out() -> None:
    assert claimed("sum(x**2)", {"x": [1.0, 2.0]}, x="2*x").holds
    assert not claimed("sum(x**2)", {"x": [1.0, 2.0]}, v=3.0, x="2*x").holds


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"x": "W@v"}, "its shapes do not fit together: "),
        ({"W": "v@x"}, "its shapes do not fit together: "),
        ({"x": "sum(v, axis=1)"}, "its shapes do not fit together: axis 1 is out of range"),
        ({"W": "outer(x, v)"}, "it has shape (2, 3), and W has shape (3, 2): a transpose"),
        ({"x": "v"}, "it has shape (3,), and x has shape (2,)"),
    ],
)
def test_shapes_that_do_not_fit_are_a_wrong_claim(claims: dict[str, str], words: str) -> None:
    point = {"W": np.ones((3, 2)), "x": [1.0, 2.0]}
    (row,) = claimed("W@x", point, **claims).rows
    assert row.verdict == "differs"
    assert row.diagnosis.startswith(words)


def test_where_no_point_near_has_a_value_this_is_said() -> None:
    (row,) = claimed("where(x == 2, x**2, nan)", {"x": 2.0}, x="2*x*v").rows
    assert "judged at the inputs alone" in row.note


def test_points_0_judges_a_claim_at_the_inputs_alone() -> None:
    claims = [Claim("vjp", "x", "4*v")]
    assert check(jaccli.Formula("x**2"), {"x": 2.0}, against=(), claims=claims, points=0).holds
    assert not check(jaccli.Formula("x**2"), {"x": 2.0}, against=(), claims=claims).holds


# What an input is may be what a claim rests on; then the random points keep it so, and say it.
KEPT: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("-sum(t*log_softmax(z))", {"z": [1.0, 2.0, 3.0], "t": [0.0, 1.0, 0.0]}, {"z": "(softmax(z)-t)*v"}, "labels"),
    ("-sum(t*log_softmax(z))", {"z": [1.0, 2.0], "t": [0.25, 0.75]}, {"z": "(softmax(z)-t)*v"}, "probabilities"),
    ("sum((m*x)**2)", {"x": [1.0, 2.0, 3.0], "m": [0.0, 1.0, 1.0]}, {"x": "2*m*x*v"}, "labels"),
]


@pytest.mark.parametrize(("formula", "point", "claims", "words"), KEPT)
def test_what_the_entries_of_an_input_have_in_common_is_kept(
    formula: str, point: dict[str, Any], claims: dict[str, str], words: str
) -> None:
    (row,) = claimed(formula, point, **claims).rows
    assert row.verdict == "agrees"
    assert words in row.note
    assert "without that, the claim differs" in row.note
    strict = [Claim("vjp", name, text) for name, text in claims.items()]
    assert not check(jaccli.Formula(formula), point, against=(), claims=strict, strict=True).holds


@pytest.mark.parametrize(
    ("formula", "claims"),
    [("x@A@x", {"x": "2*A@x*v"}), ("A@x", {"x": "A@v"}), ("det(A)*sum(x)", {"A": "v*det(A)*inv(A)*sum(x)"})],
)
def test_a_claim_that_rests_on_symmetry_is_told_so(formula: str, claims: dict[str, str]) -> None:
    point = {"x": [1.0, 2.0], "A": [[2.0, 1.0], [1.0, 3.0]]}
    (row,) = claimed(formula, point, **claims).rows
    assert row.verdict == "differs"
    assert row.diagnosis.startswith("it holds as long as A is symmetric")


@pytest.mark.parametrize("formula", ["abs(x)", "maximum(x, 0)", "x*abs(x) + x"])
def test_points_near_zero_lie_on_both_sides(formula: str) -> None:
    assert not claimed(formula, {"x": 0.0}, x="v").holds


def test_a_claim_at_a_kink_may_be_any_slope_between_both_sides() -> None:
    point = {"x": [-1.0, 0.0, 2.0]}
    for claim in ("where(x >= 0, v, -v)", "where(x > 0, v, -v)", "sign(x)*v"):
        report = claimed("abs(x)", point, v=1.0, x=claim)
        assert report.holds, described(report)
    row = claimed("abs(x)", point, v=1.0, x="where(x >= 0, v, -v)").rows[0]
    assert row.verdict == "not differentiable here"
    assert "not differentiable at [1]: abs at 0, one-sided slopes -1 and 1; claimed is 1" in row.note
    assert not claimed("abs(x)", point, v=1.0, x="where(x == 0, 3*v, sign(x)*v)").holds


# (formula, x, kind, claim, whether it holds) where the formula or its derivative is infinite, or is none
SINGULAR: list[tuple[str, Any, str, str, bool]] = [
    ("log(x)", [0.0, 1.0], "vjp", "[7,1]", False),
    ("log(x)", [0.0, 1.0], "vjp", "[inf,1]", True),
    ("log(x)", [0.0, 1.0], "vjp", "[-inf,1]", False),
    ("log(x)", [0.0, 1.0], "vjp", "where(x==0, 7, v/x)", False),
    ("log(x)", [0.0, 1.0], "vjp", "v/x", True),
    ("1/x", [0.0, 1.0], "vjp", "[7,-1]", False),
    ("1/x", [0.0, 1.0], "vjp", "-v/x**2", True),
    ("sqrt(x)", [0.0, 1.0], "vjp", "[7,0.5]", False),
    ("sqrt(x)", [0.0, 1.0], "vjp", "v/(2*sqrt(x))", True),
    ("sin(x)/x", 0.0, "vjp", "v*(x*cos(x)-sin(x))/x**2", True),
    ("sin(x)/x", 0.0, "vjp", "v*(x*cos(x)+sin(x))/x**2", False),
    ("floor(x)", [2.0], "vjp", "[7,]", False),
    ("floor(x)", [2.0], "vjp", "0*v", True),
    ("log(x)", [-1.0, 2.0], "jacobian", "[[7,0],[0,0.5]]", False),
    ("log(x)", [-1.0, 2.0], "jacobian", "[[nan,0],[0,0.5]]", True),
    ("log(x)", [-1.0, 2.0], "jacobian", "diag(1/x)", True),
    ("log(x)", [-1.0, -2.0], "jacobian", "diag(3/x)", False),
    ("log(x)", -1.0, "vjp", "3*v", False),
    # the formula overflows where its slope, and the claim, need not
    ("exp(x)/1e300", 720.0, "vjp", "exp(x - 690.7755278982137)*v", True),
    ("exp(x)/1e300", 720.0, "vjp", "exp(x - 690.7755278982137)*2*v", False),
    ("exp(x)/1e300", [720.0, 1.0], "jacobian", "diag(exp(x - 690.7755278982137))", True),
    ("exp(x)/1e300", [720.0, 1.0], "jacobian", "exp(x - 690.7755278982137)", False),
    ("exp(x)/exp(x)", 800.0, "vjp", "0*v", True),
    ("exp(x)/exp(x)", 800.0, "vjp", "v", False),
    ("exp(x)", 720.0, "vjp", "5*v", False),
]


@pytest.mark.parametrize("tolerances", [{}, {"rtol": 1e-6, "atol": 1e-6}], ids=["rounding", "given"])
@pytest.mark.parametrize(("formula", "x", "kind", "text", "holds"), SINGULAR)
def test_claims_where_the_derivative_is_no_number(
    formula: str, x: Any, kind: Any, text: str, holds: bool, tolerances: dict[str, float]
) -> None:
    claims = [claim_of(kind, "x", text, inputs=("x",))]
    report = check(jaccli.Formula(formula), {"x": x}, 1.0, against=(), claims=claims, **tolerances)
    assert report.holds is holds, described(report)


def test_a_claim_that_was_compared_nowhere_does_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "log(x)", "--x", "-1", "--claim", "x=3*v"]) == 1
    shown = capsys.readouterr().out
    assert "nothing could be compared: there is no derivative at the inputs; give inputs where there is one" in shown
    assert shown.endswith("the claim does not hold\n")
    (row,) = claimed("log(x)", {"x": [0.0, 1.0]}, v=1.0, x=np.array([7.0, 1.0])).rows
    assert row.diagnosis == "what is claimed is 7 where the derivative is inf"


def test_a_number_beyond_an_overflow_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "exp(x)/1e300", "--x", "720"]
    assert main([*words, "--claim", "x=exp(x - 690.7755278982137)*v"]) == 0
    shown = capsys.readouterr().out
    assert "claim, x: floats overflow on the way to our number: it is computed with 50 digits" in shown
    assert "symbolic, x: the value overflows floats here, and its slope does with it" in shown
    assert main([*words, "--claim", "x=exp(x - 690.7755278982137)*v/2"]) == 1
    assert "a factor 2 is missing" in capsys.readouterr().out
    assert main([*words, "--claim-value", "exp(x - 690.7755278982137)"]) == 0
    assert main([*words, "--claim-value", "exp(x - 690)"]) == 1


def test_a_number_that_is_expected_is_the_computed_one_at_kinks_too() -> None:
    def holds(formula: str, x: Any, array: list[float]) -> bool:
        claims = [Claim("vjp", "x", array=np.array(array), as_computed=True)]
        return check(jaccli.Formula(formula), {"x": x}, 1.0, against=(), claims=claims).holds

    assert holds("abs(x)", [0.0, 1.0], [0.0, 1.0])
    assert not holds("abs(x)", [0.0, 1.0], [0.5, 1.0])
    assert holds("log(x)", [0.0, -1.0, 1.0], [np.inf, np.nan, 1.0])
    assert not holds("log(x)", [0.0, -1.0, 1.0], [7.0, np.nan, 1.0])
    assert holds("exp(x)/exp(x)", [800.0], [np.nan])
    assert not holds("exp(x)/exp(x)", [800.0], [0.0])
    assert not holds("log(x)", [0.0, -1.0, 1.0], [np.nan, np.nan, 1.0])
    assert not holds("log(x)", [0.0, -1.0, 1.0], [np.inf, 7.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_arrays_are_judged_by_the_precision_they_were_computed_in(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    point = {"W": rng.standard_normal((6, 5)), "x": rng.standard_normal(5)}
    rough = {name: np.asarray(value, dtype) for name, value in point.items()}
    gradient = rough["W"].T @ (1 - np.tanh(rough["W"] @ rough["x"]) ** 2)
    assert gradient.dtype == dtype
    for array in (gradient, gradient.astype(np.float64)):
        if array.dtype == np.float64 and dtype is np.float16:
            continue  # so few bits may have been typed
        assert claimed("tanh(W@x)", point, v=1.0, x=array).holds
        assert not claimed("tanh(W@x)", point, v=1.0, x=array * np.float32(1.05)).holds


def test_an_array_of_doubles_is_judged_as_such() -> None:
    assert not claimed("x**2", {"x": [1.0, 3.0]}, v=1.0, x=np.array([2.0, 6.000006])).holds
    assert claimed("x**2", {"x": [1.0, 3.0]}, v=1.0, x=np.array([2.0, 6.0])).holds


def test_tolerances_of_the_users_replace_our_own() -> None:
    claims = [Claim("vjp", "x", array=np.array([2.0, 6.001]))]
    formula = jaccli.Formula("x**2")

    def holds(**tolerance: float) -> bool:
        return check(formula, {"x": [1.0, 3.0]}, 1.0, against=(), claims=claims, **tolerance).holds

    assert not holds()
    assert holds(rtol=1e-3)
    assert holds(atol=0.01)
    assert not holds(rtol=1e-5)


def test_a_right_claim_that_rounding_ruins_holds_and_a_wrong_one_does_not() -> None:
    right = "v*(x*sin(x)-2*(1-cos(x)))/x**3"
    for x in (1e-7, 1e-6, 1e-4):
        assert claimed("(1-cos(x))/x**2", {"x": x}, x=right).holds
        assert not claimed("(1-cos(x))/x**2", {"x": x}, x=f"{right}*(1+1e-6)").holds


def test_a_jacobian_may_be_claimed_as_a_matrix() -> None:
    point = {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}
    assert claimed("x**2", point, kind="jacobian", x="diag(2*x.reshape(4))").holds
    assert claimed("x**2", point, kind="jacobian", x=np.diag(2 * point["x"].ravel()).reshape(2, 2, 2, 2)).holds


def test_a_value_may_be_claimed_where_there_is_nothing_to_differentiate() -> None:
    formula = jaccli.Formula("i*2 + 1")
    point = {"i": np.array([1, 2])}
    assert check(formula, point, claims=[Claim("value", formula="i + i + 1")]).holds
    report = check(formula, point, claims=[Claim("value", array=np.array([3, 4]))])
    assert not report.holds
    assert "no floating input" in report.notes[0]
    with pytest.raises(jaccli.InputError, match="never differentiated"):
        check(formula, point, claims=[Claim("vjp", "i", "2*v")])


def test_a_claim_is_data() -> None:
    report = claimed("x**2", {"x": [1.0, 2.0]}, x="x*v")
    fields = report.fields()
    assert json.loads(json.dumps(fields))["rows"][0]["diagnosis"].startswith("your gradient is 0.5")
    assert fields["holds"] is False


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["x**2", "--x", "1,2", "--claim", "x=2*y*v"], ["--claim x: there is no y here", "x, the cotangent v"]),
        (["x**2", "--x", "1,2", "--claim-jacobian", "x=v"], ["there is no v here", "--claim NAME=FORMULA"]),
        (["x**2", "--x", "1,2", "--claim", "x=2*(x*v"], ["--claim x", "never closed", "2*(x*v", "^"]),
        (["x**2", "--x", "1,2", "--claim", "z=2*x*v"], ["--claim z", "no input z", "x"]),
        (["x**2", "--x", "1,2", "--claim", "2*x*v"], ["--claim takes NAME=VALUE"]),
        (["x**2", "--x", "1,2", "--claim", "x=v", "--claim", "x=2*v"], ["claim x is given twice"]),
        (["x**2", "--x", "1,2", "--claim", "x=@nope.npy"], ["--claim x", "nope.npy", "no such file"]),
        (["x**2", "--x", "1,2", "--claim", "x=2,4"], ["belong to one v", "--v VALUE"]),
        (["x[i]", "--x", "1,2", "-i", "i=int:1", "--claim", "i=v"], ["never differentiated"]),
        (["x**2", "--x", "1,2", "--rtol=-1"], ["--rtol"]),
        (["x**2", "--x", "1,2", "--points", "-1"], ["--points"]),
        (["x**2", "--x", "1,2", "--vjp", "--jacobian"], ["exclude each other"]),
        (["x**2", "--x", "@-", "--claim", "x=@-"], ["standard input can be read once", "--claim x"]),
    ],
)
def test_claims_that_cannot_be_understood(
    words: list[str], fragments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for fragment in fragments:
        assert fragment in captured.err


def test_the_command_shows_the_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "(x+1)**2", "--x", "eye:5", "--claim", "x=(x+1)*v", "--points", "3"]) == 1
    shown = capsys.readouterr().out
    assert "claim, x: 25 of 25 entries differ at the inputs; your gradient is 0.5 × the true one" in shown
    assert "3 random points near the inputs, drawn with seed 0" in shown
    assert shown.endswith("the claim does not hold\n")


def test_the_command_reads_arrays_computed_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "grad.npy", np.array([2.0, 4.0], np.float32))
    assert main(["check", "x**2", "--x", "1,2", "--v", "ones", "--claim", f"x=@{tmp_path}/grad.npy"]) == 0
    assert main(["check", "x**2", "--x", "2,1", "--v", "ones", "--claim", f"x=@{tmp_path}/grad.npy"]) == 1
    assert main(["check", "x**2", "--x", "1,1", "--v", "ones", "--claim", "x=full:2x1:2"]) == 1
    assert main(["check", "2*x", "--x", "1,1", "--v", "ones", "--claim", "x=full:2"]) == 0
    assert "the derivative and the claims hold" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[pi/3,1/3]", "pi/3,1/3", "pi/3;1/3", "[inf,-nan]", "[1/3,2**-2,e]"])
def test_a_list_of_constants_is_numbers(text: str) -> None:
    claim = claim_of("vjp", "x", text, inputs=("x",))
    assert claim.array is not None
    np.testing.assert_array_equal(claim.array, parse_value(text, name="x"))


@pytest.mark.parametrize(
    "text", ["[2*x[0],1/3]", "[v,v]", "[e,pi]", "e,1", "pi/3", "sum(ones(2),axis=0)", "[ones(2),ones(2)]"]
)
def test_what_speaks_of_an_input_or_is_no_list_is_a_formula(text: str) -> None:
    assert claim_of("vjp", "x", text, inputs=("x", "e")).formula == text


def test_a_list_of_constants_is_judged_for_the_v_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x/3", "--x", "1,1", "--v", "ones", "--claim", "x=1/3,1/3"]) == 0
    assert main(["check", "x/3", "--x", "1,1", "--v", "ones", "--claim", "x=1/3,1/4"]) == 1
    assert main(["check", "x/3", "--x", "1,1", "--claim", "x=1/3,1/3"]) == 2
    assert "belong to one v" in capsys.readouterr().err


def test_a_claim_is_a_formula_or_an_array() -> None:
    with pytest.raises(jaccli.UsageError, match="a formula or an array"):
        Claim("vjp", "x")
    with pytest.raises(jaccli.UsageError, match="for an input"):
        Claim("value", "x", "x")
    with pytest.raises(jaccli.UsageError, match="for an input"):
        Claim("vjp", None, "x")
