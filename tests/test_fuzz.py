"""Random formulas: every one ends in a result or a `JaccliError`, and its derivatives agree with each other."""

from __future__ import annotations

import contextlib
import itertools
import math
from random import Random
from typing import Any

import numpy as np
import pytest
from fuzzing import arguments, grammar
from fuzzing.run import attempt, point
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jaccli
from jaccli.cli.main import main
from jaccli.io.arrays import read_array
from jaccli.io.values import parse_value
from jaccli.runtime.memory import limited

RANDOM = st.randoms(use_true_random=False)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

# What random formulas have found; each of them ended in another exception once.
FOUND = [
    ("[1,2,3][::0]", "step of a slice cannot be 0"),
    ("arange(1e400)", "finite"),
    ("arange(0.5, 10**400, 0.5)", "finite"),
    ("arange(99999999999999999999)", "too large"),
    ("arange(0, 1e-5, 1e-300)", "would hold more than 134,217,728 numbers"),
    ("segment_sum([1, 2], [0, 1], -2)", "num_segments is 0 or more"),
    ("x[9**9**9**9]", "must be a whole number"),
    ("rot90(x, axes=0)", "plane of two axes"),
    ("x.size(1e308)", "out of range"),
    ("...()", "this is not a function"),
    ("zeros(2)[inf]", "must be a whole number"),
]


@MANY
@given(RANDOM)
def test_a_wild_formula_ends_in_a_result_or_an_error_of_ours(random: Random) -> None:
    attempt(random, point())


def test_formulas_by_their_seeds() -> None:
    values = point()
    for seed in range(1000):
        attempt(Random(seed), values)


def test_wrong_arguments_end_in_a_result_or_an_error_of_ours() -> None:
    with limited(1 << 30):
        for number, (text, values) in enumerate(itertools.islice(arguments.everything(11), 0, None, 23)):
            arguments.attempt(text, number, values)


@MANY
@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(jaccli.JaccliError):
        jaccli.Formula(text).value({"x": 1.0})


@MANY
@given(RANDOM)
def test_a_wild_value_is_an_array_or_an_error_of_ours(random: Random) -> None:
    with contextlib.suppress(jaccli.JaccliError):
        assert parse_value(grammar.value(random), name="x").dtype.kind in "fib"


@MANY
@given(kind=st.sampled_from(["npy", "npz", "json", "csv", "tsv", "txt", "mtx"]), data=st.data())
def test_a_damaged_file_is_an_array_or_an_error_of_ours(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(_file(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(content)
    with contextlib.suppress(jaccli.JaccliError):
        assert read_array(str(path)).dtype.kind in "fiub"


def _file(kind: str) -> bytes:
    from jaccli.io.accumulators import archive
    from jaccli.io.report import Block
    from jaccli.io.writers import binary

    array = np.arange(6.0).reshape(2, 3)
    texts = {"json": "[[1, 2.5], [3, NaN]]", "csv": "a,b\n1,2\n3,4\n", "tsv": "1\t2\n3\t4\n", "txt": "1 2\n3 4\n"}
    if kind in texts:
        return texts[kind].encode()
    if kind == "mtx":
        return binary.mtx([Block(("x",), array, "x")]).encode()
    return archive({"x": array}) if kind == "npz" else binary.npy([Block(("x",), array, "x")])


def test_an_input_without_entries_takes_no_passes() -> None:
    blocks = jaccli.Formula("sum(x)*ones(10**6) + sum(y)").jacobian({"x": np.zeros((0, 3)), "y": np.zeros(1)})
    assert blocks["x"].shape == (10**6, 0, 3)
    assert blocks["y"].sum() == 10**6


@pytest.mark.parametrize(("text", "fragment"), FOUND)
def test_what_was_found_stays_an_error_of_ours(text: str, fragment: str) -> None:
    with pytest.raises(jaccli.JaccliError, match=fragment):
        jaccli.Formula(text).value({"x": [1.0, 2.0]} if "x" in jaccli.Formula(text).inputs else {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("negative(True)", -1.0),
        ("quantile(x, nan/y)", math.nan),
        ("int(inf) < 0", 1.0),
        ("int(1e308) < 0", 1.0),
    ],
)
def test_what_was_found_has_a_value_now(text: str, value: float) -> None:
    formula = jaccli.Formula(text)
    found = formula.value({name: [1.0, 2.0, 4.0] if name == "x" else 1.0 for name in formula.inputs})
    assert float(found) == value or (math.isnan(found) and math.isnan(value))


def test_a_range_that_never_gets_there_is_empty() -> None:
    assert jaccli.Formula("arange(2**63, 1e-5, 1e-300)").value({}).shape == (0,)


def test_differences_of_truth_values_say_where_they_change() -> None:
    assert jaccli.Formula("diff(x > 1)").value({"x": [0.0, 2.0, 3.0]}).tolist() == [True, False]


POINT = {
    "x": np.array([0.3, -0.7, 1.1]),
    "y": np.array([0.9, 0.4, -0.2]),
    "A": np.array([[0.5, -0.3, 0.8], [0.1, 0.7, -0.6]]),
    "C": np.array([[0.2, 0.5, -0.4], [0.3, -0.9, 0.6], [0.7, 0.1, 0.35]]),
    "s": np.array(0.6),
}


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(RANDOM, st.sampled_from([(), (3,), (3, 3)]))
def test_reverse_forward_and_differences_agree(random: Random, shape: tuple[int, ...]) -> None:
    text = grammar.smooth(random, shape, 3)
    formula = jaccli.Formula(text)
    here = {name: POINT[name] for name in formula.inputs}
    if not here:
        return
    numbers = np.random.default_rng(random.randrange(2**32))
    tangents = {name: numbers.standard_normal(array.shape) for name, array in here.items()}
    output = formula.value(here)
    assert output.shape == shape
    v = numbers.standard_normal(shape)
    backs = formula.vjp(here, v)
    reverse = sum(float(np.sum(backs[name] * tangents[name])) for name in here)
    forward = float(np.sum(v * formula.jvp(here, tangents)))
    terms = sum(float(np.sum(np.abs(backs[name] * tangents[name]))) for name in here)
    assert reverse == pytest.approx(forward, rel=1e-9, abs=1e-9 * (1 + terms)), text

    def along(step: float) -> float:
        moved = {name: array + step * tangents[name] for name, array in here.items()}
        return float(np.sum(v * formula.value(moved)))

    # Central differences at two steps, extrapolated; their distance says how far they can be trusted.
    coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (2e-4, 1e-4))
    difference, doubt = (4 * fine - coarse) / 3, abs(fine - coarse)
    if np.isfinite(difference) and doubt < 1e-2 * (1 + abs(fine)):
        noise = 1e-11 * (1 + abs(along(0.0)) + float(np.sum(np.abs(v * output)))) / 1e-4
        assert reverse == pytest.approx(difference, rel=1e-5, abs=2 * doubt + noise + 1e-7), text


def test_the_diagonal_of_nothing_is_empty() -> None:
    assert jaccli.Formula("meshgrid([], y)[0]").diagonal({"y": [1.0, 2.0, 3.0]})["y"].size == 0


def test_what_is_asked_wrongly_is_not_computed_to_find_its_place() -> None:
    with pytest.raises(jaccli.InputError, match="nothing to differentiate"):
        jaccli.Formula("elliptic_k(repmat(0x1f, 10**9, 0x1f))").vjp({}, 1.0)


@pytest.mark.parametrize("degree", ["nan", "inf", "-inf", "2.5", "0"])
def test_the_degree_of_a_root_is_a_whole_number(degree: str) -> None:
    with pytest.raises(jaccli.FormulaError, match="whole number above 0"):
        jaccli.Formula(f"nthroot(x, {degree})").value({"x": 8.0})


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("torch.distributions.Exponential(1.0).log_prob()", jaccli.FormulaError),
        ("torch.distributions.Normal(0, 1).entropy(2.0)", jaccli.FormulaError),
        ("adaptive_avg_pool1d(ones((2, 3)), 2**63)", jaccli.LimitError),
        ("interpolate(ones((1, 1, 3)), size=2**40)", jaccli.LimitError),
    ],
)
def test_requests_that_fuzzing_found_are_errors(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        jaccli.Formula(text).value({})


def test_truth_values_have_an_order() -> None:
    assert jaccli.Formula("topk(x > 1, 2)").value({"x": [0.0, 2.0, 1.0]}).tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "zeros(10**9) + x",
        "triu_indices(30_000)",
        "tril_indices(10**9, 0, 1)",
        "split(x, 10**9)[0]",
        "unbind(arange(10**6))[0]",
        "vstack(zeros((10**6, 1)))",
        "diff(arange(10**6), 10**6)",
        "repeat(x, [10**9, 1, 1])",
        "pad(x, 10**9, mode='wrap')",
        "pdist(ones((10**4, 2)))",
        "segment_max(x, [0, 0, 1], 10**9)",
        "segment_max(x, [0, 0, 2**31])",
        "polyval(zeros(10**6), x)",
        "interpolate(ones((1, 1, 200)), size=10**5)",
        "delete(broadcast_to(x, (10**9, 3)), 1)",
        "repeat_interleave(ones((2, 0, 3)), (2**63)[..., None], 2)",
        "broadcast_to(zeros((0, 1, 1)), (0, 2**40, 2**40))",
    ],
)
def test_what_a_formula_lists_or_makes_is_bounded(text: str) -> None:
    with pytest.raises(jaccli.LimitError):
        jaccli.Formula(text).value({"x": POINT["x"]} if jaccli.Formula(text).inputs else {})


@pytest.mark.parametrize(
    "text",
    [
        "x.new_full((10**9,), 2)",
        "x.expand(10**9, 3)",
        "tile(x, 10**9)",
        "diag_embed(x, 10**6)",
        "broadcast_to(x, (2**40, 3))",
        "sum(broadcast_to(x, (2**40, 3)))",
        "sum(sin(broadcast_to(x[0], (2**40,))))",
        "ones((8000, 8000)) @ (ones((8000, 8000)) * x[0])",
    ],
)
def test_arrays_that_are_only_walked_through_are_counted_too(text: str) -> None:
    with limited(1 << 30), pytest.raises(jaccli.LimitError):
        jaccli.Formula(text).vjp({"x": POINT["x"]}, 1.0)


def test_a_pattern_with_too_many_rows_is_refused() -> None:
    with limited(1 << 30), pytest.raises(jaccli.LimitError, match="rows"):
        jaccli.Formula("x.norm() - broadcast_to(1.0, (10**9,))").jacobian({"x": POINT["x"]}, sparse=True)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("cartesian_prod()", "at least one vector"),
        ("expand_dims(A, (0, 0))", "names an axis twice"),
        ("interpolate(ones((1, 1, 3)), scale_factor=nan)", "cannot become nan"),
        ("interpolate(ones((1, 1, 3)), scale_factor=1e308)", "cannot become inf"),
        ("nll_loss(A, [0, 2], ignore_index=inf)", "must be a whole number"),
        ("diag_indices(3, 2**63)[0]", "has no diagonal"),
        ("triu_indices(-1)[0]", "has no triangle"),
        ("one_hot(x, -1e300)", "num_classes is 0 or more"),
        ("concatenate([x, x], 1j*y)", "a whole number|complex"),
        ("dot(x, y, 1j*x)", "at most|complex"),
        ("indices(zeros(1000))", "the limit is 64"),
        ("scipy.stats.dirichlet.logpdf(x, s)", "out of range"),
        ("torch.distributions.MultivariateNormal(x, scale_tril=1).entropy()", "needs a square matrix"),
        ("adaptive_avg_pool2d(zeros((0, 3)), 2)", "no entries to take means of"),
        ("solve(C, exp(1j*s))", "no axis"),
        ("a, b, c, d = x; a", "4 names stand before = and 3 values after it"),
        ("logit(x, x)", "eps of logit must be a number"),
        ("AdaptiveMaxPool1d(A, (2, 3))", "output_size is one number or 1"),
        ("embedding(0, s, 0)", "a table of rows"),
        ("lp_pool2d(zeros((1, 2, 4, 4)), 0.0, 2)", "norm_type of a pooling"),
        ("interpolate(zeros((1, 1, 3)), scale_factor=[x])", "scale_factor of interpolate is a number"),
        ("polyint(x, 10**9)", "the limit is 1,000"),
        ("unravel_index([1], zeros(100, dtype=int))[0]", "the limit is 64|a whole number"),
        ("where(stft(x), x, 0)", "."),
        ("embedding_bag([0], A, [2, 0])", "offsets cut a vector"),
        ("embedding_bag(1, A, (0, 0))", "offsets cut a vector"),
        ("local_response_norm(A, 0)", "size of local_response_norm is 1 or more"),
        ("put_along_axis([1, 2, 3], [0, 0, 1], airy(-1), 0)", "[Ss]hape|floats|an index"),
        ("nan_to_num(x, 'nuc')", "nan of nan_to_num must be a number"),
        ("split_with_sizes(x, 1.5)", "must be a whole number"),
        ("lexsort(0)", "a single number has no rows"),
        ("one_hot(full((3,), nan))", "nan is among them"),
        ("segment_min(x, [0, 0, 1], -1)", "num_segments is 0 or more"),
        ("choose([0.5, 1.0], [x, y])", "an index must be whole numbers"),
        ("unravel_index([1], (2**63, 2))[0]", "64 bits"),
        ("fill_diagonal(A, zeros(0))", "the array is empty"),
        ("pairwise_distance(A, A, eps=x)", "eps of pairwise_distance must be a number"),
        ("select_n(inf, x, x)", "must be whole numbers"),
        ("slice_in_dim(x, 0, 3, 0)", "stride of slice_in_dim is 1 or more"),
        ("lax.pad(x, 'ii', ((1, 1, 0),))", "padding_value of lax.pad must be a number"),
        ("lax.pad(x, x, ((1, 1, 0),))", "padding_value of lax.pad must be a number"),
        ("lax.pad(x, 0, 1.5)", "each of 1 axes, not 1.5"),
        ("lax.broadcast(x, -1)", "a length is 0 or more"),
        ("lax.split(x, (1, 1))", "do not fill 3"),
        ("broadcast_in_dim(C, (3, 3), (0, 0))", "1 different places"),
        ("dot_general(A, C, 'nuc')", "two pairs of axes"),
        ("dot_general(A, C, ((1, 0), ((), ()), 0))", "two pairs of axes"),
        ("dot_general(A, C, (((0, 1), (0,)), ((), ())))", "as many axes"),
        ("dot_general(C, C, (((0, 0), (0, 1)), ((), ())))", "not different axes"),
        ("jax.lax.conv(ones((1, 1, 3)), ones((1, 1, 2)), (1,), 5)", "padding is 'SAME', 'VALID' or"),
        ("jax.lax.conv(ones((1, 1, 3)), ones((1, 1, 2)), (0,), 'SAME')", "stride is 1 or more"),
        ("rfftn(s)", "over 0"),
        ("irfftn(s)", "over 0"),
        ("rfftn(x, s=(2, 2))", "2 lengths, and the array has 1"),
        ("rfft2(x, axes=zeros(1000))", "over 1 to 64 axes"),
        ("ihfft(x, norm=[x])", "norm of a Fourier transform is a name"),
        ("stft(x, nperseg=-1)", "1 entry or more"),
        ("stft(x, nperseg=2, noverlap=2)", "1 entry or more"),
        ("torch.stft(x, 2, onesided=x)", "onesided must be True or False"),
        ("torch.istft(torch.stft(x, 4), 4, length=-3)", "length of a signal is 0 or more"),
        ("periodogram(x, 0)", "samples a second"),
        ("welch(x, detrend=x)", "detrend is 'linear', 'constant' or False"),
        ("welch(x, nperseg=3, nfft=1)", "nfft is at least the 3 entries"),
        ("lstm_cell(x, 1, A, A)", "pair \\(h, c\\)"),
        ("lstm_cell(x, (x,), A, A)", "pair \\(h, c\\)"),
        ("multi_head_attention_forward(A, A, A, 3, 1, C, None, None, None, 0, 0, C, None)", "length, samples, depth"),
        ("multilabel_margin_loss(s, [0, 1, -1])", "takes \\(samples, classes\\)"),
        ("multilabel_margin_loss(C, [0, 1, -1])", "fill the targets up"),
        ("multilabel_margin_loss(x, [0, 5, -1])", "whole numbers from -1 to 2"),
        ("ctc_loss(C, [5], [3], [1])", "whole numbers from 0 to 2"),
        ("ctc_loss(C, 1, [3], [1])", "a target length of ctc_loss is from 0 to 0"),
        ("ctc_loss(C, [1], [4], [1])", "an input length of ctc_loss is from 1 to 3"),
        ("leslie(x, x)", "n - 1 below the diagonal"),
        ("dft(0)", "size of dft is 1 or more"),
        ("dft(3, [x])", "scale of dft is"),
        ("hilbert(10**9)", "too large"),
        ("convolution_matrix(x, 0)", "a size of 1 or more"),
        ("solve_toeplitz((x,), x)", "has a first column, or"),
        ("solve_banded(1, C, x)", "two numbers of diagonals"),
        ("eigvalsh_tridiagonal(x, x)", "n - 1 beside it"),
        ("cholesky_banded(C[:0])", "a matrix with entries"),
        ("lu_solve((C, x), x)", "order of the rows"),
        ("lu_solve((C, [0, 1, 9]), x)", "index 9 is out of range"),
        ("norm_except_dim(s)", "axis 0 is out of range"),
        ("norm_except_dim(C, 0)", "order of a norm is 1 or more"),
        ("rq(x)", "rq takes matrices"),
        ("resize(x, (-1, -1))", "a length of a shape is 0 or more"),
        ("rollaxis(C, 0, 9)", "start is between -2 and 2"),
        ("roots_jacobi(3, -1, 0.5)", "lie between -1 and 10000"),
        ("roots_gegenbauer(3, -0.5)", "lie between -0.5 and 10000"),
        ("roots_gegenbauer(3, 1e-300)", "leaves the range of floats"),
        ("roots_laguerre(1000)", "leaves the range of floats"),
        ("lpmv(500, 500, x)", "beyond the range of floats"),
        ("rearrange(x, '(a b) -> a b', a=-1, b=-3)", "is negative"),
        ("matrix_norm(A, axis=(x, 0))", "must be a whole number"),
        ("embedding_bag([0, 1, 1], C, [0, 3], mode='sum', per_sample_weights=s)", "a weight for each index"),
        ("jaccli.reshape(x, shape=(-3, -1))", "is no shape"),
        ("F.pad(s, (1, 1))", "has fewer"),
        ("pad(x, [[]])", "a pair of widths"),
        ("combinations(x, 2**63)", "too many choices"),
        ("combinations(zeros(10**6), 10**5)", "too many choices"),
        ("kaiser_window(2, 'valid', full((3, 3), inf))", "beta of kaiser is one number"),
        ("affine_grid(zeros((1, 2, 3)), (1, 1, -1, 5))", "lengths are 0 or more"),
        ("fftshift(x, axes=zeros(10**6))", "name an axis twice"),
        ("split_with_sizes(x, zeros(10**6))[0]", "the limit is 20,000"),
        ("F.fold(zeros((1, 4, 4)), (3, 3), 2, stride=0)", "are at least 1"),
        ("F.conv_transpose1d(x[None, None], x[None, None], stride=0)", "are at least 1"),
        ("F.conv_transpose1d(x[None, None], x[None, None], groups=0)", "takes \\(samples"),
        ("F.multi_margin_loss(C, [0, 1, 2], weight=[1, 2])", "a weight for each of 3 classes"),
        ("torch.distributions.Independent(torch.distributions.Normal(x, 1), 2).log_prob(x)", "0 to 1 axes"),
        ("interp(x, [0, 1], [1, 2], period=x)", "the period of interp is one number"),
        ("gradient(x, axis=zeros(10**6))", "name an axis twice"),
    ],
)
def test_arguments_without_meaning_are_errors(text: str, fragment: str) -> None:
    formula = jaccli.Formula(text)
    with pytest.raises(jaccli.JaccliError, match=fragment):
        formula.value({name: POINT[name] for name in formula.inputs})


@pytest.mark.parametrize(
    "text",
    [
        "abs((x + 1j)**inf)",
        "abs((x + 1j)**nan)",
        "kv(-inf, x)",
        "ive(-inf, x)",
        "kve(-inf, x)",
        "tan(1e308) + x",
        "sum(ive(-inf, x))*x",
    ],
)
def test_powers_and_orders_without_end_are_numbers(text: str) -> None:
    assert jaccli.Formula(text).vjp({"x": POINT["x"]}, 1.0)["x"].shape == (3,)


def test_numbers_beyond_float32_are_infinite_there() -> None:
    formula = jaccli.Formula("x + 1e308 + sum([1e308, 2])", dtype="float32")
    assert formula.value({"x": 1.0}) == math.inf
    assert jaccli.Formula("x - 1", dtype="float32").value({"x": [-1e308]}).tolist() == [-math.inf]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("pixel_unshuffle(ones((1, 0, 4, 4)), 2)", (1, 0, 2, 2)),
        ("pixel_shuffle(ones((2, 0, 3)), 1)", (2, 0, 3)),
        ("pixel_shuffle(ones((1, 0, 4, 4)), 2)", (1, 0, 8, 8)),
    ],
)
def test_pixels_of_nothing_keep_their_shape(text: str, shape: tuple[int, ...]) -> None:
    assert jaccli.Formula(text).value({}).shape == shape


@pytest.mark.parametrize("text", ["svdvals(Z)", "norm(Z, 'nuc')", "svdvals(Z.T)"])
def test_singular_values_of_nothing_have_derivatives(text: str) -> None:
    assert jaccli.Formula(text).vjp({"Z": np.zeros((0, 3))}, 1.0)["Z"].shape == (0, 3)
    assert jaccli.Formula(text).jvp({"Z": np.zeros((0, 3))}, {"Z": 1.0}).size <= 1


@pytest.mark.parametrize("text", ["hyp1f1(10**9, 1, x)", "hyp2f1(1, 2, -1e12, x)", "yv(2e8, x)", "jv(-2e8, x)"])
def test_parameters_that_take_minutes_are_refused(text: str) -> None:
    with pytest.raises(jaccli.LimitError, match="the limit is 1e\\+06"):
        jaccli.Formula(text).value({"x": -1.5})


def test_parameters_that_are_no_numbers_give_none() -> None:
    assert math.isnan(jaccli.Formula("hyp1f1(nan, 1, x)").value({"x": -1.5}))
    assert math.isnan(jaccli.Formula("hyp1f1(inf, 1, x)").value({"x": -1.5}))


@pytest.mark.parametrize("text", ["zeros((2,)*3)", "ones(3*(1, 2))", "x.shape*2"])
def test_a_tuple_times_a_number_is_not_guessed(text: str) -> None:
    with pytest.raises(jaccli.FormulaError, match="repeats the tuple"):
        jaccli.Formula(text).value({"x": 1.0} if "x" in text else {})


@pytest.mark.parametrize("text", [f"einsum('{'i' * 100_000}', x)", "x" + "²" * 10_000, "sum(x, " + "q" * 199 + "=1)"])
def test_no_message_quotes_a_text_without_end(text: str) -> None:
    with pytest.raises(jaccli.JaccliError) as caught:
        jaccli.Formula(text).value({"x": 0.5})
    assert len(str(caught.value)) < 4000


def test_a_long_value_is_not_quoted_whole() -> None:
    with pytest.raises(jaccli.JaccliError) as caught:
        parse_value("[" * 3000 + "]" * 3000, name="x")
    assert len(str(caught.value)) < 4000


def test_many_arrays_joined_have_a_derivative() -> None:
    assert jaccli.Formula("sum([" + "x, " * 8000 + "x])").vjp({"x": 0.5})["x"] == 8001


def test_a_derivative_too_large_to_be_written_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "cumsum(x)", "--shape", "x=50000", "--jacobian"]) == 4
    assert "too large" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "max(A[:0, :0], axis=0)",
        "argmax(A[:0, :0], axis=0)",
        "argmin(A[:0, :0], axis=1)",
        "segment_sum(A[:0], zeros(0, dtype=int))",
    ],
)
def test_nothing_taken_of_nothing_is_nothing(text: str) -> None:
    assert jaccli.Formula(text).value({"A": POINT["A"]}).size == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("torch.reshape(input=x, shape=(3, 1))[0]", [0.3]),
        ("np.repeat(repeats=2, a=x)[:2]", [0.3, 0.3]),
        ("F.pad(x, (-1, 1))", [-0.7, 1.1, 0.0]),
        ("abs(exp([-1, 1j*3]))", [math.exp(-1), 1.0]),
    ],
)
def test_what_was_an_error_of_ours_has_values(text: str, value: list[float]) -> None:
    assert jaccli.Formula(text).value({"x": POINT["x"]} if "x" in jaccli.Formula(text).inputs else {}) == pytest.approx(
        value
    )


def test_a_tangent_of_few_entries_beside_a_long_line_takes_little_work() -> None:
    formula = jaccli.Formula("convolve(zeros(10**6), x)")
    assert formula.jvp({"x": POINT["x"]}, {"x": 1.0}).shape == (10**6 + 2,)
    assert formula.vjp({"x": POINT["x"]}, 1.0)["x"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("mode", ["auto", "reverse", "forward", "sparse"])
def test_what_does_not_depend_on_an_input_has_zeros_at_once(mode: Any) -> None:
    found = jaccli.Formula("isclose(s, zeros(10**6))").jacobian({"s": 0.7}, mode=mode)["s"]
    assert found.shape == (10**6,)
    assert not found.any()


def test_passes_without_end_are_refused() -> None:
    with pytest.raises(jaccli.LimitError, match="1,000,000 passes in reverse mode"):
        jaccli.Formula("s*ones(10**6)").jacobian({"s": 0.7}, mode="reverse")
    assert jaccli.Formula("s*ones(10**6)").jacobian({"s": 0.7})["s"].all()


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("convolve(ones(10**6), ones(10**6))", "takes 1,000,000,000,000 products"),
        ("sum(correlate(ones(10**6), ones(10**5)))", "a correlation of lines"),
        ("sum(inv(eye(9000)))", "most of them for inv of \\(9000, 9000\\)"),
        ("svd(ones((5000, 5000)))[1]", "the limit is"),
        ("max(ones((11000, 11000)) @ ones((11000, 11000)))", "the product of"),
        ("legendre(100000, zeros(10**6))", "polynomial"),
        ("sum(expm(ones((10**7, 1, 1))))", "expm"),
        ("sum(betainc(2, 3, ones((10**5, 10**4))))", "betainc|memory"),
    ],
)
def test_work_that_no_input_explains_is_refused(text: str, fragment: str) -> None:
    with pytest.raises(jaccli.LimitError, match=fragment):
        jaccli.Formula(text).value({})


def test_work_that_an_input_explains_is_done() -> None:
    x = np.ones(60_000)
    assert jaccli.Formula("convolve(x, x)[59_999]").value({"x": x}) == 60_000
    line = np.linspace(0.0, 1e4, 2500)
    assert jaccli.Formula("logdet(exp(-(x[:, None] - x)**2))").value({"x": line}) == pytest.approx(0.0, abs=1e-3)
    with pytest.raises(jaccli.LimitError, match="products"):
        jaccli.Formula("convolve(x, x)").value({"x": np.ones(100_000)})


SHAPES = [0.3, 7.0, 5e3, 2e6]


@pytest.mark.parametrize("text", ["gammainc(a, x)", "betainc(a, 4.0, x/(1 + x))"])
def test_slopes_in_shapes_of_every_size_are_those_of_each_alone(text: str) -> None:
    formula = jaccli.Formula(text)
    points = [shape * 0.9 for shape in SHAPES]
    together = formula.vjp({"a": SHAPES, "x": points}, 1.0)["a"]
    alone = [float(formula.vjp({"a": a, "x": x}, 1.0)["a"]) for a, x in zip(SHAPES, points, strict=True)]
    assert together == pytest.approx(alone, rel=1e-12)
    second = formula.hessian({"a": 7.0, "x": 6.0}, wrt=["a"])["a"]["a"]
    step = 1e-4
    slopes = [float(formula.vjp({"a": 7.0 + h, "x": 6.0}, 1.0)["a"]) for h in (step, -step)]
    assert float(second) == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("text", ["gammainc(a, a)", "betainc(a, 2.0, 0.5)", "fdtri(a, 3.0, 0.5)"])
def test_slopes_in_shapes_without_digits_are_refused(text: str) -> None:
    formula = jaccli.Formula(text)
    assert np.isfinite(formula.value({"a": 1e12}))
    with pytest.raises(jaccli.LimitError, match=r"at a shape of [15]e\+1[12]"):
        formula.vjp({"a": 1e12}, 1.0)
