"""The functions of the language against PyTorch and JAX: values and reverse-mode derivatives."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jaccli import Formula

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp, jsp, jnn = jax.numpy, jax.scipy, jax.nn
F, L, S = torch.nn.functional, torch.linalg, torch.special

Array = NDArray[Any]
Row = tuple[str, dict[str, Any], Callable[..., Any]]

RANDOM = np.random.default_rng(3)


def normal(*shape: int) -> Array:
    return RANDOM.standard_normal(shape)


def unit(*shape: int) -> Array:
    return RANDOM.uniform(0.05, 0.95, shape)


X, Y = normal(4, 3), normal(4, 3)
P, T = unit(4, 3), unit(4, 3)
SHARES = P / P.sum(axis=1, keepdims=True)
WEIGHT = unit(3)
IDS = np.array([0, 2, 1, 1])
IMAGE, LINE = normal(2, 3, 6, 7), normal(2, 4, 9)
A, B, C, D = normal(3, 3), normal(4, 3), normal(2, 3, 3), normal(3, 5)
V = normal(5)
KNOTS = np.sort(unit(6)) * 4

TORCH: list[Row] = [
    *[
        (f"F.{name}(x)", {"x": 4 * X}, getattr(F, name))
        for name in (
            "relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign", "logsigmoid",
            "hardtanh", "hardswish", "leaky_relu", "softshrink", "hardshrink", "tanhshrink",
        )
    ],
    ("l1_loss(x, y)", {"x": X, "y": Y}, F.l1_loss),
    ("smooth_l1_loss(x, y, beta=0.5)", {"x": X, "y": Y}, lambda x, y: F.smooth_l1_loss(x, y, beta=0.5)),
    ("huber_loss(x, y, delta=0.7)", {"x": X, "y": Y}, lambda x, y: F.huber_loss(x, y, delta=0.7)),
    ("cross_entropy(x, i)", {"x": X, "i": IDS}, F.cross_entropy),
    ("cross_entropy(x, i, weight=stop_gradient(w), label_smoothing=0.1)", {"x": X, "i": IDS, "w": WEIGHT},
     lambda x, i, w: F.cross_entropy(x, i, weight=w.detach(), label_smoothing=0.1)),
    ("cross_entropy(x, i, ignore_index=2, label_smoothing=0.1)", {"x": X, "i": IDS},
     lambda x, i: F.cross_entropy(x, i, ignore_index=2, label_smoothing=0.1)),
    ("cross_entropy(x, p, weight=stop_gradient(w), label_smoothing=0.2)", {"x": X, "p": SHARES, "w": WEIGHT},
     lambda x, p, w: F.cross_entropy(x, p, weight=w.detach(), label_smoothing=0.2)),
    ("cross_entropy(x, i, reduction='sum')", {"x": normal(2, 3, 4), "i": RANDOM.integers(0, 3, (2, 4))},
     lambda x, i: F.cross_entropy(x, i, reduction="sum")),
    ("nll_loss(log_softmax(x, 1), i)", {"x": X, "i": IDS}, lambda x, i: F.nll_loss(F.log_softmax(x, 1), i)),
    ("binary_cross_entropy(p, t)", {"p": P, "t": T}, F.binary_cross_entropy),
    ("F.binary_cross_entropy_with_logits(x, t, pos_weight=stop_gradient(w))", {"x": X, "t": T, "w": WEIGHT},
     lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w.detach())),
    ("F.kl_div(x, t, reduction='batchmean')", {"x": X, "t": T}, lambda x, t: F.kl_div(x, t, reduction="batchmean")),
    ("F.kl_div(x, y, log_target=True)", {"x": X, "y": Y}, lambda x, y: F.kl_div(x, y, log_target=True)),
    ("F.cosine_similarity(x, y)", {"x": X, "y": Y}, F.cosine_similarity),
    ("F.normalize(x, p=1, dim=0)", {"x": X}, lambda x: F.normalize(x, p=1, dim=0)),
    ("F.layer_norm(x, (3,), w, w)", {"x": X, "w": WEIGHT}, lambda x, w: F.layer_norm(x, (3,), w, w)),
    ("F.rms_norm(x, (3,), w)", {"x": X, "w": WEIGHT}, lambda x, w: F.rms_norm(x, (3,), w)),
    ("F.batch_norm(x, None, None, w, w, training=True)", {"x": X, "w": WEIGHT},
     lambda x, w: F.batch_norm(x, None, None, w, w, training=True)),
    ("F.group_norm(x, 2)", {"x": normal(2, 4, 3)}, lambda x: F.group_norm(x, 2)),
    ("F.instance_norm(x)", {"x": normal(2, 4, 3)}, F.instance_norm),
    ("F.scaled_dot_product_attention(q, k, v, is_causal=True)", {"q": normal(2, 5, 4), "k": normal(2, 6, 4), "v": normal(2, 6, 3)},
     lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
    ("F.linear(x, w, b)", {"x": X, "w": normal(5, 3), "b": normal(5)}, F.linear),
    ("F.bilinear(x, y, w)", {"x": X, "y": Y, "w": normal(5, 3, 3)}, F.bilinear),
    ("torch.cdist(x, y, p=3)", {"x": X, "y": normal(5, 3)}, lambda x, y: torch.cdist(x, y, p=3)),
    ("F.pdist(x)", {"x": X}, F.pdist),
    ("gaussian_nll_loss(x, y, p, full=True)", {"x": X, "y": Y, "p": P},
     lambda x, y, p: F.gaussian_nll_loss(x, y, p, full=True)),
    ("triplet_margin_loss(x, y, z)", {"x": X, "y": Y, "z": normal(4, 3)}, lambda x, y, z: F.triplet_margin_loss(x, y, z, eps=0)),
    ("torch.median(x, dim=1).values", {"x": X}, lambda x: torch.median(x, dim=1).values),
    ("torch.cummax(x, 1).values", {"x": X}, lambda x: torch.cummax(x, 1).values),
    ("conv1d(x, w, b, stride=2, padding=1, groups=2)", {"x": LINE, "w": normal(6, 2, 3), "b": normal(6)},
     lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1, groups=2)),
    ("F.conv2d(x, w, padding='same')", {"x": IMAGE, "w": normal(4, 3, 3, 2)}, lambda x, w: F.conv2d(x, w, padding="same")),
    ("F.conv2d(x, w, stride=(1, 2), padding=(1, 0), dilation=2)", {"x": IMAGE, "w": normal(4, 3, 3, 2)},
     lambda x, w: F.conv2d(x, w, stride=(1, 2), padding=(1, 0), dilation=2)),
    ("conv3d(x, w)", {"x": normal(1, 2, 4, 4, 4), "w": normal(3, 2, 2, 2, 2)}, F.conv3d),
    ("F.max_pool2d(x, 2, stride=1, padding=1)", {"x": IMAGE}, lambda x: F.max_pool2d(x, 2, stride=1, padding=1)),
    ("avg_pool2d(x, 3, 2, 1, count_include_pad=False)", {"x": IMAGE},
     lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    ("cholesky(A @ A.T + eye(3))", {"A": A}, lambda A: L.cholesky(A @ A.T + torch.eye(3))),
    *[("svdvals(A)", {"A": x}, L.svdvals) for x in (A, B, D)],
    *[
        ("U, s, V = svd(A); U**2 @ diag(s) @ V**2", {"A": x},
         lambda A: (lambda r: r[0] ** 2 @ torch.diag(r[1]) @ r[2] ** 2)(L.svd(A, full_matrices=False)))
        for x in (A, B, D)
    ],
    *[("pinv(A)", {"A": x}, L.pinv) for x in (A, B, D)],
    *[("Q, R = qr(A); Q @ exp(R)", {"A": x}, lambda A: (lambda r: r[0] @ torch.exp(r[1]))(L.qr(A))) for x in (A, B, D)],
    ("slogdet(A)[1]", {"A": C}, lambda A: L.slogdet(A)[1]),
    ("logdet(A @ A.T)", {"A": A}, lambda A: torch.logdet(A @ A.T)),
    ("lstsq(A, b)[0]", {"A": B, "b": normal(4, 2)}, lambda A, b: L.lstsq(A, b).solution),
    ("expm(A)", {"A": C}, L.matrix_exp),
    ("norm(A, 2)", {"A": B}, lambda A: L.norm(A, 2)),
    ("norm(A, 'nuc')", {"A": D}, lambda A: L.norm(A, "nuc")),
    ("torch.linalg.solve_triangular(A, b, upper=True, left=False)", {"A": A, "b": normal(2, 3)},
     lambda A, b: L.solve_triangular(A, b, upper=True, left=False)),
    ("cholesky_solve(b, A)", {"A": A, "b": normal(3, 2)}, lambda A, b: torch.cholesky_solve(b, torch.tril(A))),
    ("sum(abs(eigvals(A)))", {"A": A}, lambda A: L.eigvals(A).abs().sum()),
    ("abs(eig(A)[1])", {"A": A}, lambda A: L.eig(A)[1].abs()),
    ("scatter(x, 0, [[0, 1, 2], [2, 0, 1]], y)", {"x": X, "y": normal(2, 3)},
     lambda x, y: torch.scatter(x, 0, torch.tensor([[0, 1, 2], [2, 0, 1]]), y)),
    ("scatter_add(x, 0, [[0, 1, 2], [0, 0, 1]], y)", {"x": X, "y": normal(2, 3)},
     lambda x, y: torch.scatter_add(x, 0, torch.tensor([[0, 1, 2], [0, 0, 1]]), y)),
    ("index_add(x, 0, [1, 1], y, alpha=2)", {"x": X, "y": normal(2, 3)},
     lambda x, y: torch.index_add(x, 0, torch.tensor([1, 1]), y, alpha=2)),
    ("torch.kthvalue(x, 2, dim=0)[0]", {"x": X}, lambda x: torch.kthvalue(x, 2, dim=0).values),
    *[
        (f"torch.special.{name}(x)", {"x": x}, getattr(S, name))
        for name, x in (
            ("erf", X), ("erfc", X), ("erfcx", X), ("erfinv", P), ("ndtr", X), ("log_ndtr", 4 * X), ("ndtri", P), ("logit", P),
            ("entr", P), ("gammaln", 4 * P), ("digamma", 4 * P), ("i0", X), ("i0e", X), ("i1", X), ("i1e", X), ("sinc", X),
            ("expit", X), ("exp2", X), ("expm1", X), ("log1p", P),
        )
    ],
    ("torch.special.polygamma(2, x)", {"x": 4 * P}, lambda x: S.polygamma(2, x)),
    ("torch.special.xlog1py(x, y)", {"x": X, "y": P}, S.xlog1py),
]  # fmt: skip

JAX: list[Row] = [
    ("jax.nn.standardize(x)", {"x": X}, lambda x: jnn.standardize(x)),
    ("jax.nn.gelu(x)", {"x": X}, lambda x: jnn.gelu(x)),
    ("median(x, axis=1)", {"x": X}, lambda x: jnp.median(x, axis=1)),
    ("quantile(x, [0.1, 0.6], axis=0)", {"x": X}, lambda x: jnp.quantile(x, jnp.array([0.1, 0.6]), axis=0)),
    ("nanquantile(x, 0.3, axis=1)", {"x": X}, lambda x: jnp.nanquantile(x, 0.3, axis=1)),
    ("cov(x)", {"x": X}, lambda x: jnp.cov(x)),
    ("corrcoef(x)", {"x": X}, lambda x: jnp.corrcoef(x)),
    ("logcumsumexp(x, axis=1)", {"x": X}, lambda x: jax.lax.cumlogsumexp(x, 1)),
    ("unwrap(3*x)", {"x": X}, lambda x: jnp.unwrap(3 * x)),
    ("interp(x, t, y)", {"x": 4 * P, "t": KNOTS, "y": normal(6)}, jnp.interp),
    ("polyval(c, x)", {"c": V, "x": X}, jnp.polyval),
    ("convolve(a, b, 'same')", {"a": V, "b": normal(3)}, lambda a, b: jnp.convolve(a, b, "same")),
    ("convolve2d(a, b)", {"a": X, "b": normal(2, 2)}, lambda a, b: jsp.signal.convolve2d(a, b)),
    ("eigvalsh(A)", {"A": C}, lambda A: jnp.linalg.eigvalsh(A)),
    ("eigh(A)[1]**2", {"A": A}, lambda A: jnp.linalg.eigh(A)[1] ** 2),
    ("P, L, U = lu(A); exp(L) @ sin(U)", {"A": A},
     lambda A: (lambda r: jnp.exp(r[1]) @ jnp.sin(r[2]))(jsp.linalg.lu(A))),
    ("toeplitz(x, y)", {"x": V, "y": normal(4)}, lambda x, y: jsp.linalg.toeplitz(x, y)),
    ("tensorinv(T, ind=2)", {"T": normal(2, 3, 6)}, lambda T: jnp.linalg.tensorinv(T, ind=2)),
    ("x.at[[0, 0, 2]].add(y)", {"x": X, "y": normal(3)}, lambda x, y: x.at[jnp.array([0, 0, 2])].add(y)),
    ("real(ifft(fft(x)*fft(y)))", {"x": X, "y": Y}, lambda x, y: jnp.fft.ifft(jnp.fft.fft(x) * jnp.fft.fft(y)).real),
    ("irfft(rfft(x)*2)", {"x": V[:4]}, lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * 2)),
    *[
        (f"jsp.special.{name}(x)", {"x": x}, getattr(jsp.special, name))
        for name, x in (("gamma", 4 * P), ("expi", 4 * P), ("exp1", 4 * P), ("dawsn", X), ("spence", P), ("rgamma", X))
        if hasattr(jsp.special, name)
    ],
    ("jsp.special.beta(x, y)", {"x": 3 * P, "y": 3 * T}, jsp.special.beta),
    ("jsp.special.betainc(2.0, 3.0, x)", {"x": P}, lambda x: jsp.special.betainc(2.0, 3.0, x)),
    ("jsp.special.gammainc(a, x)", {"a": 3 * P, "x": 4 * T}, jsp.special.gammainc),
    ("jsp.special.zeta(1.5 + x, y)", {"x": P, "y": T}, lambda x, y: jsp.special.zeta(1.5 + x, y)),
    ("jsp.special.rel_entr(x, y)", {"x": P, "y": T}, jsp.special.rel_entr),
    ("jsp.special.kl_div(x, y)", {"x": P, "y": T}, jsp.special.kl_div),
    ("jsp.special.logsumexp(x, b=y)", {"x": X, "y": T}, lambda x, y: jsp.special.logsumexp(x, b=y)),
]  # fmt: skip


def of_torch(function: Callable[..., Any], inputs: dict[str, Any], weights: Array) -> tuple[Array, dict[str, Array]]:
    arrays = {name: torch.tensor(value) for name, value in inputs.items()}
    floating = [name for name, array in arrays.items() if array.is_floating_point()]
    for name in floating:
        arrays[name].requires_grad_()
    result = function(*arrays.values())
    (result * torch.tensor(weights)).sum().backward()
    slopes = {name: arrays[name].grad for name in floating}
    return result.detach().numpy(), {
        name: np.zeros_like(inputs[name]) if slope is None else slope.numpy() for name, slope in slopes.items()
    }


def of_jax(function: Callable[..., Any], inputs: dict[str, Any], weights: Array) -> tuple[Array, dict[str, Array]]:
    arrays = {name: jnp.asarray(value) for name, value in inputs.items()}
    value = function(*arrays.values())
    slopes = jax.grad(lambda point: jnp.sum(function(*(point[name] for name in arrays)) * weights))(arrays)
    return np.asarray(value), {name: np.asarray(slope) for name, slope in slopes.items()}


@pytest.mark.parametrize(
    ("row", "peer"),
    [*((row, of_torch) for row in TORCH), *((row, of_jax) for row in JAX)],
    ids=lambda part: part[0] if isinstance(part, tuple) else part.__name__,
)
def test_a_function_agrees(row: Row, peer: Callable[..., tuple[Array, dict[str, Array]]]) -> None:
    text, inputs, function = row
    formula = Formula(text)
    found = formula.value(inputs)
    weights = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(found.shape)
    value, slopes = peer(function, inputs, weights)
    np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-11)
    backs = formula.vjp(inputs, weights)
    for name, slope in slopes.items():
        np.testing.assert_allclose(backs[name], slope, rtol=1e-8, atol=1e-10)
