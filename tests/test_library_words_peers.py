"""Functions under the libraries' names, keywords and orders of arguments, against PyTorch and JAX."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray
from test_functions_peers import of_jax, of_torch

from jaccli import Formula

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp, jsp, jnn, lax = jax.numpy, jax.scipy, jax.nn, jax.lax
nn, F, L = torch.nn, torch.nn.functional, torch.linalg

Array = NDArray[Any]
Row = tuple[str, dict[str, Any], Callable[..., Any]]
RANDOM = np.random.default_rng(7)


def normal(*shape: int) -> Array:
    return RANDOM.standard_normal(shape)


def unit(*shape: int) -> Array:
    return RANDOM.uniform(0.1, 0.9, shape)


X, Y, A = normal(4, 3), normal(4, 3), normal(4, 4)
CUBE, IMAGE, LINE, SCORES = normal(2, 3, 4), normal(2, 4, 6, 6), normal(2, 20), normal(7, 2, 4)
SPD = A @ A.T + 3 * np.eye(4)
IDS = np.array([0, 2, 1, 1])
HEADS = {"q": normal(3, 2, 4), "k": normal(5, 2, 4), "v": normal(5, 2, 4), "W": normal(12, 4), "b": normal(12),
         "M": normal(4, 4), "d": normal(4)}  # fmt: skip


TORCH: list[Row] = [
    (
        "F.triplet_margin_loss(x,y,z)",
        {"x": X, "y": Y, "z": normal(4, 3)},
        lambda x, y, z: F.triplet_margin_loss(x, y, z),
    ),
    (
        "F.triplet_margin_loss(x,y,z,margin=2.0,p=3,swap=True,reduction='sum')",
        {"x": X, "y": Y, "z": normal(4, 3)},
        lambda x, y, z: F.triplet_margin_loss(x, y, z, margin=2.0, p=3, swap=True, reduction="sum"),
    ),
    (
        "F.multi_margin_loss(x,i,p=2,margin=0.5)",
        {"x": X, "i": IDS},
        lambda x, i: F.multi_margin_loss(x, i, p=2, margin=0.5),
    ),
    (
        "F.multi_margin_loss(x,i,1,0.5,stop_gradient(w))",
        {"x": X, "i": IDS, "w": unit(3)},
        lambda x, i, w: F.multi_margin_loss(x, i, 1, 0.5, w.detach()),
    ),
    (
        "F.multilabel_soft_margin_loss(x,y,weight=w)",
        {"x": X, "y": unit(4, 3), "w": unit(3)},
        lambda x, y, w: F.multilabel_soft_margin_loss(x, y, weight=w),
    ),
    (
        "F.multilabel_margin_loss(x,[[0,2,-1],[1,-1,0],[-1,0,0],[2,1,0]])",
        {"x": X},
        lambda x: F.multilabel_margin_loss(x, torch.tensor([[0, 2, -1], [1, -1, 0], [-1, 0, 0], [2, 1, 0]])),
    ),
    ("F.mse_loss(x,y,weight=w)", {"x": X, "y": Y, "w": unit(4, 3)}, lambda x, y, w: F.mse_loss(x, y, weight=w)),
    (
        "F.instance_norm(x,None,None,w,b)",
        {"x": CUBE, "w": unit(3), "b": unit(3)},
        lambda x, w, b: F.instance_norm(x, None, None, w, b),
    ),
    ("F.max_pool2d(x,3,2,ceil_mode=True)", {"x": IMAGE}, lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)),
    ("F.max_pool2d(x,2,3,1,ceil_mode=True)", {"x": IMAGE}, lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True)),
    ("F.avg_pool2d(x,3,2,1,True,True)", {"x": IMAGE}, lambda x: F.avg_pool2d(x, 3, 2, 1, True, True)),
    ("F.avg_pool2d(x,3,2,1,True,False)", {"x": IMAGE}, lambda x: F.avg_pool2d(x, 3, 2, 1, True, False)),
    ("F.avg_pool2d(x,3,2,divisor_override=4)", {"x": IMAGE}, lambda x: F.avg_pool2d(x, 3, 2, divisor_override=4)),
    ("F.adaptive_max_pool2d(x,(4,5))", {"x": IMAGE}, lambda x: F.adaptive_max_pool2d(x, (4, 5))),
    ("nn.AdaptiveMaxPool1d(3)(x)", {"x": CUBE}, lambda x: F.adaptive_max_pool1d(x, 3)),
    ("F.lp_pool2d(abs(x),3,2,1)", {"x": IMAGE}, lambda x: F.lp_pool2d(x.abs(), 3, 2, 1)),
    ("F.lp_pool1d(x,2,2)", {"x": CUBE}, lambda x: F.lp_pool1d(x, 2, 2)),
    ("F.local_response_norm(x,3,0.1,0.6,2.0)", {"x": IMAGE}, lambda x: F.local_response_norm(x, 3, 0.1, 0.6, 2.0)),
    ("F.unfold(x,(2,3),padding=1,stride=2)", {"x": IMAGE}, lambda x: F.unfold(x, (2, 3), padding=1, stride=2)),
    (
        "F.fold(x,(5,4),(2,3),padding=(1,0),stride=(2,1),dilation=1)",
        {"x": normal(2, 18, 6)},
        lambda x: F.fold(x, (5, 4), (2, 3), padding=(1, 0), stride=(2, 1)),
    ),
    ("F.pixel_unshuffle(x,2)", {"x": IMAGE}, lambda x: F.pixel_unshuffle(x, 2)),
    ("F.channel_shuffle(x,2)", {"x": IMAGE}, lambda x: F.channel_shuffle(x, 2)),
    ("F.rrelu(x)", {"x": X}, lambda x: F.rrelu(x)),
    ("nn.BatchNorm2d(4)(x)", {"x": IMAGE}, lambda x: nn.BatchNorm2d(4, dtype=torch.float64)(x)),
    ("nn.GroupNorm(2,4)(x)", {"x": IMAGE}, lambda x: nn.GroupNorm(2, 4, dtype=torch.float64)(x)),
    ("nn.Flatten()(x)", {"x": IMAGE}, lambda x: nn.Flatten()(x)),
    ("nn.Unflatten(1,(2,2))(x)", {"x": IMAGE}, lambda x: nn.Unflatten(1, (2, 2))(x)),
    ("nn.Identity()(x)*2", {"x": X}, lambda x: x * 2),
    ("nn.Softmax2d()(x)", {"x": IMAGE}, lambda x: nn.Softmax2d()(x)),
    ("nn.PixelShuffle(2)(x)", {"x": IMAGE}, lambda x: nn.PixelShuffle(2)(x)),
    ("nn.Threshold(0.1,20)(x)", {"x": X}, lambda x: nn.Threshold(0.1, 20.0)(x)),
    (
        "h2,c2=torch.lstm_cell(x,(h,c),W,V,b,d); h2*2+c2",
        {
            "x": X,
            "h": normal(4, 3),
            "c": normal(4, 3),
            "W": normal(12, 3),
            "V": normal(12, 3),
            "b": normal(12),
            "d": normal(12),
        },
        lambda x, h, c, W, V, b, d: (lambda q: q[0] * 2 + q[1])(torch.lstm_cell(x, (h, c), W, V, b, d)),
    ),
    (
        "torch.gru_cell(x,h,W,V,b,d)",
        {"x": X, "h": normal(4, 3), "W": normal(9, 3), "V": normal(9, 3), "b": normal(9), "d": normal(9)},
        lambda x, h, W, V, b, d: torch.gru_cell(x, h, W, V, b, d),
    ),
    (
        "torch.rnn_tanh_cell(x,h,W,V,b,d)",
        {"x": X, "h": normal(4, 3), "W": normal(3, 3), "V": normal(3, 3), "b": normal(3), "d": normal(3)},
        lambda x, h, W, V, b, d: torch.rnn_tanh_cell(x, h, W, V, b, d),
    ),
    (
        "F.ctc_loss(log_softmax(x,-1),[[1,2,2],[3,1,0]],[7,6],[3,2])",
        {"x": SCORES},
        lambda x: F.ctc_loss(
            x.log_softmax(-1), torch.tensor([[1, 2, 2], [3, 1, 0]]), torch.tensor([7, 6]), torch.tensor([3, 2])
        ),
    ),
    (
        "F.ctc_loss(log_softmax(x,-1),[1,2,2,3,1],(7,6),(3,2),reduction='sum')",
        {"x": SCORES},
        lambda x: F.ctc_loss(x.log_softmax(-1), torch.tensor([1, 2, 2, 3, 1]), (7, 6), (3, 2), reduction="sum"),
    ),
    (
        "F.multi_head_attention_forward(q,k,v,4,2,W,b,None,None,False,0.0,M,d)[0]",
        HEADS,
        lambda q, k, v, W, b, M, d: F.multi_head_attention_forward(q, k, v, 4, 2, W, b, None, None, False, 0.0, M, d)[
            0
        ],
    ),
    (
        "F.multi_head_attention_forward(q,k,v,4,2,W,b,None,None,False,0.0,M,d,need_weights=True)[1]",
        HEADS,
        lambda q, k, v, W, b, M, d: F.multi_head_attention_forward(q, k, v, 4, 2, W, b, None, None, False, 0.0, M, d)[
            1
        ],
    ),
    (
        "torch.stft(x,8,3,window=torch.hann_window(8, dtype=torch.float64),return_complex=True).abs()",
        {"x": LINE},
        lambda x: torch.stft(x, 8, 3, window=torch.hann_window(8, dtype=torch.float64), return_complex=True).abs(),
    ),
    (
        "torch.view_as_real(torch.stft(x,8,2,6,window=w,center=False,normalized=True,onesided=False,return_complex=True))",
        {"x": LINE, "w": unit(6)},
        lambda x, w: torch.view_as_real(
            torch.stft(x, 8, 2, 6, window=w, center=False, normalized=True, onesided=False, return_complex=True)
        ),
    ),
    (
        "torch.istft(torch.stft(x,8,2,window=w,return_complex=True)*2,8,2,window=w)",
        {"x": LINE, "w": unit(8)},
        lambda x, w: torch.istft(torch.stft(x, 8, 2, window=w, return_complex=True) * 2, 8, 2, window=w),
    ),
    (
        "torch.fft.irfft2(torch.fft.rfft2(x)*2,s=(4,3))",
        {"x": X},
        lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 2, s=(4, 3)),
    ),
    (
        "torch.fft.hfft(torch.fft.rfft(x),norm='ortho')",
        {"x": X},
        lambda x: torch.fft.hfft(torch.fft.rfft(x), norm="ortho"),
    ),
    (
        "LU,p=torch.linalg.lu_factor(A); torch.linalg.lu_solve(LU,p,B)",
        {"A": A, "B": normal(4, 2)},
        lambda A, B: L.solve(A, B),
    ),
    ("LU,p=scipy.linalg.lu_factor(A); sum(log(abs(diag(LU))))", {"A": A}, lambda A: L.slogdet(A)[1]),
    (
        "scipy.linalg.lu_solve(scipy.linalg.lu_factor(A),b,trans=1)",
        {"A": A, "b": normal(4)},
        lambda A, b: L.solve(A.T, b),
    ),
    ("torch.linalg.cholesky_ex(A).L", {"A": SPD}, lambda A: L.cholesky_ex(A).L),
    ("torch.linalg.inv_ex(A)[0]", {"A": A}, lambda A: L.inv_ex(A)[0]),
    (
        "torch.linalg.householder_product(A,t)",
        {"A": normal(4, 3), "t": unit(3)},
        lambda A, t: L.householder_product(A, t),
    ),
    ("P,Lo,U=torch.linalg.lu(A); torch.linalg.lu(A).U", {"A": A}, lambda A: L.lu(A).U),
    ("torch.linalg.solve(A,B,left=False)", {"A": A, "B": normal(2, 4)}, lambda A, B: L.solve(A, B, left=False)),
    ("torch.linalg.diagonal(x)", {"x": normal(2, 3, 4)}, lambda x: L.diagonal(x)),
    ("torch.diag_embed(x,1,0,2)", {"x": X}, lambda x: torch.diag_embed(x, 1, 0, 2)),
    (
        "torch.scatter_reduce(x,0,[[0,1,2],[0,0,1]],y,'prod')",
        {"x": X, "y": normal(2, 3)},
        lambda x, y: torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2], [0, 0, 1]]), y, "prod"),
    ),
    ("torch.select_scatter(x,y,1,2)", {"x": X, "y": normal(4)}, lambda x, y: torch.select_scatter(x, y, 1, 2)),
    ("torch.slice_scatter(x,y,0,1,3)", {"x": X, "y": normal(2, 3)}, lambda x, y: torch.slice_scatter(x, y, 0, 1, 3)),
    ("torch.diagonal_scatter(x,y,1)", {"x": A, "y": normal(3)}, lambda x, y: torch.diagonal_scatter(x, y, 1)),
    (
        "torch.index_put(x,([0,0],[1,1]),y,accumulate=True)",
        {"x": X, "y": normal(2)},
        lambda x, y: torch.index_put(x, (torch.tensor([0, 0]), torch.tensor([1, 1])), y, accumulate=True),
    ),
    ("torch.masked_scatter(x,x>0,y)", {"x": X, "y": normal(4, 3)}, lambda x, y: torch.masked_scatter(x, x > 0, y)),
    ("x.put([0,5],y)", {"x": X, "y": normal(2)}, lambda x, y: x.put(torch.tensor([0, 5]), y)),
    ("torch.as_strided(x,(2,3),(3,2),1)", {"x": X}, lambda x: torch.as_strided(x, (2, 3), (3, 2), 1)),
    ("torch.combinations(x,3)", {"x": normal(5)}, lambda x: torch.combinations(x, 3)),
    ("torch.renorm(x,2,0,1.0)", {"x": X}, lambda x: torch.renorm(x, 2, 0, 1.0)),
    ("torch.hsplit(x,[1])[1]", {"x": X}, lambda x: torch.hsplit(x, [1])[1]),
    ("x.split_with_sizes([1,3],0)[1]", {"x": X}, lambda x: x.split_with_sizes([1, 3], 0)[1]),
    ("torch.msort(x)", {"x": X}, lambda x: torch.msort(x)),
    ("torch.aminmax(x,dim=0).max", {"x": X}, lambda x: torch.aminmax(x, dim=0).max),
    ("torch.einsum(x,[0,1],y,[0,2],[1,2])", {"x": X, "y": Y}, lambda x, y: torch.einsum("ab,ac->bc", x, y)),
    (
        "F.embedding_bag([[0,2],[1,1]],w,mode='max')",
        {"w": X},
        lambda w: F.embedding_bag(torch.tensor([[0, 2], [1, 1]]), w, mode="max"),
    ),
    (
        "F.embedding_bag([0,2,1,1],w,[0,3],mode='sum',per_sample_weights=s)",
        {"w": X, "s": unit(4)},
        lambda w, s: F.embedding_bag(
            torch.tensor([0, 2, 1, 1]), w, torch.tensor([0, 3]), mode="sum", per_sample_weights=s
        ),
    ),
    (
        "F.embedding([0,2,1],w,padding_idx=1)",
        {"w": X},
        lambda w: F.embedding(torch.tensor([0, 2, 1]), w, padding_idx=1),
    ),
    (
        "F.conv_transpose3d(x,w,stride=2,padding=1)",
        {"x": normal(1, 2, 3, 3, 3), "w": normal(2, 3, 2, 2, 2)},
        lambda x, w: F.conv_transpose3d(x, w, stride=2, padding=1),
    ),
    (
        "torch.special.shifted_chebyshev_polynomial_t(x,3)",
        {"x": unit(4)},
        lambda x: 2 * 0 + (32 * x**3 - 48 * x**2 + 18 * x - 1),
    ),
    (
        "torch.triangular_solve(b,A)[0]",
        {"b": normal(4, 2), "A": SPD},
        lambda b, A: L.solve_triangular(torch.triu(A), b, upper=True),
    ),
    ("torch.logit(x,eps=0.2)", {"x": unit(6)}, lambda x: torch.logit(x, eps=0.2)),
    ("x.select(1,2)+torch.select(x,1,0)", {"x": X}, lambda x: x.select(1, 2) + torch.select(x, 1, 0)),
    ("torch.tensor_split(x,3)[0]", {"x": X}, lambda x: torch.tensor_split(x, 3)[0]),
    ("torch.linspace(start=a,end=2,steps=5)", {"a": np.array(0.3)}, lambda a: a + (2 - a) * torch.arange(5) / 4),
    ("x.std(dim=0,correction=0)", {"x": X}, lambda x: x.std(dim=0, correction=0)),
    ("F.cosine_similarity(x,y,dim=0)", {"x": X, "y": Y}, lambda x, y: F.cosine_similarity(x, y, dim=0)),
    ("F.pairwise_distance(x,y)", {"x": X, "y": Y}, lambda x, y: F.pairwise_distance(x, y)),
    ("torch.relu_(x)+x.exp_().sum()", {"x": X}, lambda x: torch.relu(x) + x.exp().sum()),
    (
        "F.upsample_bilinear(x,scale_factor=2)",
        {"x": IMAGE},
        lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    ),
    (
        "F.linear_cross_entropy(x,W,i)",
        {"x": X, "W": normal(5, 3), "i": IDS},
        lambda x, W, i: F.cross_entropy(x @ W.T, i),
    ),
    *[
        (f"nn.{layer}(x)", {"x": IMAGE}, made)
        for layer, made in (
            ("ZeroPad2d(1)", nn.ZeroPad2d(1)),
            ("ConstantPad2d((1,2,0,1),3.5)", nn.ConstantPad2d((1, 2, 0, 1), 3.5)),
            ("ReflectionPad2d((1,2,2,1))", nn.ReflectionPad2d((1, 2, 2, 1))),
            ("ReplicationPad2d(2)", nn.ReplicationPad2d(2)),
            ("CircularPad2d(1)", nn.CircularPad2d(1)),
        )
    ],
    *[
        (
            f"x.scatter_reduce(0, [[0,1,2],[0,0,1]], y, reduce='{name}', include_self={own})",
            {"x": X, "y": normal(2, 3)},
            lambda x, y, name=name, own=own: x.scatter_reduce(
                0, torch.tensor([[0, 1, 2], [0, 0, 1]]), y, reduce=name, include_self=own
            ),
        )
        for name in ("sum", "mean", "amax", "amin", "prod")
        for own in (True, False)
    ],
]
JAX: list[Row] = [
    ("jax.lax.slice(x,(1,0),(4,3),(2,1))", {"x": X}, lambda x: lax.slice(x, (1, 0), (4, 3), (2, 1))),
    ("lax.slice_in_dim(x,1,3)", {"x": X}, lambda x: lax.slice_in_dim(x, 1, 3)),
    ("lax.index_in_dim(x,1,1,keepdims=False)", {"x": X}, lambda x: lax.index_in_dim(x, 1, 1, keepdims=False)),
    ("lax.dynamic_slice_in_dim(x,3,2)", {"x": X}, lambda x: lax.dynamic_slice_in_dim(x, 3, 2)),
    (
        "lax.dynamic_update_slice(x,y,(3,1))",
        {"x": X, "y": normal(2, 2)},
        lambda x, y: lax.dynamic_update_slice(x, y, (3, 1)),
    ),
    (
        "lax.dynamic_update_slice_in_dim(x,y,1,0)",
        {"x": X, "y": normal(2, 3)},
        lambda x, y: lax.dynamic_update_slice_in_dim(x, y, 1, 0),
    ),
    ("lax.broadcast(x,(2,))", {"x": X}, lambda x: lax.broadcast(x, (2,))),
    ("lax.broadcast_in_dim(x,(4,2,3),(0,2))", {"x": X}, lambda x: lax.broadcast_in_dim(x, (4, 2, 3), (0, 2))),
    ("lax.collapse(x,0,2)", {"x": X}, lambda x: lax.collapse(x, 0, 2)),
    ("lax.rev(x,(0,))", {"x": X}, lambda x: lax.rev(x, (0,))),
    ("lax.pad(x,2.0,((1,-1,1),(0,2,0)))", {"x": X}, lambda x: lax.pad(x, 2.0, ((1, -1, 1), (0, 2, 0)))),
    (
        "lax.dot_general(x,y,(((2,),(1,)),((0,),(0,))))",
        {"x": normal(2, 3, 4), "y": normal(2, 4, 5)},
        lambda x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))),
    ),
    ("lax.reduce_max(x,(0,))", {"x": X}, lambda x: jnp.max(x, 0)),
    ("lax.max(x,0.0)", {"x": X}, lambda x: lax.max(x, 0.0)),
    ("lax.select_n(x>0,x,y)", {"x": X, "y": Y}, lambda x, y: lax.select_n(x > 0, x, y)),
    ("lax.integer_pow(x,3)+lax.is_finite(x)", {"x": X}, lambda x: lax.integer_pow(x, 3) + lax.is_finite(x)),
    (
        "lax.conv_general_dilated(x,w,(2,1),'SAME',rhs_dilation=(1,2),dimension_numbers=('NHWC','HWIO','NHWC'))",
        {"x": normal(2, 5, 6, 3), "w": normal(3, 2, 3, 4)},
        lambda x, w: lax.conv_general_dilated(
            x, w, (2, 1), "SAME", rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
    ),
    (
        "lax.conv_general_dilated(x,w,(1,1),((1,0),(2,1)),lhs_dilation=(2,1),feature_group_count=2)",
        {"x": normal(2, 4, 5, 6), "w": normal(6, 2, 2, 3)},
        lambda x, w: lax.conv_general_dilated(
            x, w, (1, 1), ((1, 0), (2, 1)), lhs_dilation=(2, 1), feature_group_count=2
        ),
    ),
    (
        "lax.conv(x,w,(1,2),'VALID')",
        {"x": normal(2, 4, 5, 6), "w": normal(6, 4, 2, 3)},
        lambda x, w: lax.conv(x, w, (1, 2), "VALID"),
    ),
    (
        "lax.conv_transpose(x,w,(2,),'SAME',transpose_kernel=True)",
        {"x": normal(2, 4, 3), "w": normal(3, 5, 3)},
        lambda x, w: lax.conv_transpose(x, w, (2,), "SAME", transpose_kernel=True),
    ),
    ("lax.cumsum(x,axis=0,reverse=True)", {"x": X}, lambda x: lax.cumsum(x, axis=0, reverse=True)),
    ("lax.cumprod(x,axis=1,reverse=True)", {"x": X}, lambda x: lax.cumprod(x, axis=1, reverse=True)),
    ("lax.cumlogsumexp(x,axis=0,reverse=True)", {"x": X}, lambda x: lax.cumlogsumexp(x, axis=0, reverse=True)),
    (
        "jnp.cumulative_sum(x,axis=1,include_initial=True)",
        {"x": X},
        lambda x: jnp.cumulative_sum(x, axis=1, include_initial=True),
    ),
    ("jax.nn.identity(x)*2", {"x": X}, lambda x: x * 2),
    (
        "jax.nn.sparse_plus(2*x)+jax.nn.sparse_sigmoid(2*x)",
        {"x": X},
        lambda x: jnn.sparse_plus(2 * x) + jnn.sparse_sigmoid(2 * x),
    ),
    (
        "jax.nn.standardize(x,axis=0,mean=m,variance=v)",
        {"x": X, "m": normal(3), "v": unit(3)},
        lambda x, m, v: jnn.standardize(x, axis=0, mean=m, variance=v),
    ),
    ("jax.nn.one_hot([0,2],3,axis=0)*s", {"s": np.array(2.0)}, lambda s: jnn.one_hot(jnp.array([0, 2]), 3, axis=0) * s),
    ("jax.scipy.linalg.cholesky(A)", {"A": SPD}, lambda A: jsp.linalg.cholesky((A + A.T) / 2)),
    ("jax.scipy.linalg.cholesky(A,True)", {"A": SPD}, lambda A: jsp.linalg.cholesky((A + A.T) / 2, lower=True)),
    ("jnp.linalg.cholesky(A)", {"A": SPD}, lambda A: jnp.linalg.cholesky((A + A.T) / 2)),
    (
        "scipy.linalg.eigh(A,B)[0]",
        {"A": A + A.T, "B": SPD},
        lambda A, B: (lambda Li: jnp.linalg.eigvalsh(Li @ ((A + A.T) / 2) @ Li.T))(
            jnp.linalg.inv(jnp.linalg.cholesky((B + B.T) / 2))
        ),
    ),
    (
        "w,v=scipy.linalg.eigh(A,B); v@diag(exp(w))@v.T",
        {"A": A + A.T, "B": SPD},
        lambda A, B: (
            lambda Li: (lambda E: Li.T @ E[1] @ jnp.diag(jnp.exp(E[0])) @ (Li.T @ E[1]).T)(
                jnp.linalg.eigh(Li @ ((A + A.T) / 2) @ Li.T)
            )
        )(jnp.linalg.inv(jnp.linalg.cholesky((B + B.T) / 2))),
    ),
    (
        "scipy.linalg.eigvalsh_tridiagonal(d,e)",
        {"d": normal(5), "e": normal(4)},
        lambda d, e: jnp.linalg.eigvalsh(jnp.diag(d) + jnp.diag(e, 1) + jnp.diag(e, -1)),
    ),
    (
        "scipy.linalg.expm_frechet(A,B)[1]",
        {"A": A * 0.3, "B": normal(4, 4)},
        lambda A, B: jsp.linalg.expm_frechet(A, B)[1],
    ),
    ("scipy.linalg.polar(A)[0]+scipy.linalg.polar(A)[1]", {"A": A}, lambda A: sum(jsp.linalg.polar(A, method="svd"))),
    (
        "scipy.linalg.khatri_rao(x,y)",
        {"x": X, "y": Y},
        lambda x, y: jnp.vstack([jnp.kron(x[:, k], y[:, k]) for k in range(3)]).T,
    ),
    (
        "scipy.linalg.solve_banded((1,2),ab,b)",
        {"ab": normal(4, 5) + 4 * np.eye(4, 5) * 0 + np.array([0, 0, 5, 0])[:, None], "b": normal(5)},
        lambda ab, b: jnp.linalg.solve(
            sum(jnp.diag(ab[2 - k, max(k, 0) : 5 + min(k, 0)], k) for k in (-1, 0, 1, 2)), b
        ),
    ),
    (
        "scipy.linalg.solveh_banded(ab,b)",
        {"ab": np.stack([unit(5), unit(5) + 3]), "b": normal(5)},
        lambda ab, b: jnp.linalg.solve(jnp.diag(ab[1]) + jnp.diag(ab[0, 1:], 1) + jnp.diag(ab[0, 1:], -1), b),
    ),
    (
        "scipy.linalg.solve_toeplitz((c,r),b)",
        {"c": normal(4) + np.eye(4)[0] * 4, "r": normal(4), "b": normal(4)},
        lambda c, r, b: jnp.linalg.solve(jsp.linalg.toeplitz(c, r), b),
    ),
    (
        "scipy.linalg.solve_discrete_lyapunov(A,Q)",
        {"A": A * 0.2, "Q": normal(4, 4)},
        lambda A, Q: jnp.linalg.solve(jnp.eye(16) - jnp.kron(A, A), Q.ravel()).reshape(4, 4),
    ),
    (
        "scipy.linalg.convolution_matrix(a,4,'same')",
        {"a": normal(3)},
        lambda a: jsp.linalg.convolution_matrix(a, 4, mode="same"),
    ),
    (
        "scipy.linalg.fiedler(a)+scipy.linalg.leslie(a,b)*scipy.linalg.hilbert(3)*scipy.linalg.pascal(3)",
        {"a": unit(3), "b": unit(2)},
        lambda a, b: (
            jsp.linalg.fiedler(a) + jsp.linalg.leslie(a, b) * jsp.linalg.hilbert(3) * jnp.array(scipy.linalg.pascal(3))
        ),
    ),
    ("scipy.linalg.hadamard(4)@x", {"x": normal(4)}, lambda x: jnp.array(scipy.linalg.hadamard(4)) @ x),
    ("jsp.signal.stft(x,nperseg=8)[2].real", {"x": normal(30)}, lambda x: jsp.signal.stft(x, nperseg=8)[2].real),
    (
        "abs(jax.scipy.signal.stft(x,fs=2.0,nperseg=6,noverlap=2,window='hamming',boundary=None,padded=False)[2])",
        {"x": normal(2, 30)},
        lambda x: abs(
            jsp.signal.stft(x, fs=2.0, nperseg=6, noverlap=2, window="hamming", boundary=None, padded=False)[2]
        ),
    ),
    (
        "scipy.signal.welch(x,fs=3.0,nperseg=8)[1]",
        {"x": normal(30)},
        lambda x: jsp.signal.welch(x, fs=3.0, nperseg=8)[1],
    ),
    (
        "scipy.signal.welch(x,nperseg=7,noverlap=2,scaling='spectrum')[1]",
        {"x": normal(30)},
        lambda x: jsp.signal.welch(x, nperseg=7, noverlap=2, scaling="spectrum")[1],
    ),
    ("scipy.signal.detrend(x,axis=0)", {"x": X}, lambda x: jsp.signal.detrend(x, axis=0)),
    (
        "x[jnp.lexsort((y,round(x)))]",
        {"x": normal(9) * 2, "y": normal(9)},
        lambda x, y: x[jnp.lexsort((y, jnp.round(x)))],
    ),
    ("jnp.fill_diagonal(A,0.0,inplace=False)", {"A": A}, lambda A: jnp.fill_diagonal(A, 0.0, inplace=False)),
    ("jnp.poly(x)", {"x": normal(4)}, lambda x: jnp.poly(x)),
    ("jnp.polydiv(a,b)[0]", {"a": normal(5), "b": normal(3)}, lambda a, b: jnp.polydiv(a, b)[0]),
    (
        "np.polydiv(a,b)[1]",
        {"a": normal(5), "b": normal(3)},
        lambda a, b: a[0] * 0 + (a - jnp.convolve(jnp.polydiv(a, b)[0], b))[3:],
    ),
    (
        "sort(abs(np.roots(p)))",
        {"p": np.array([1.0, -6.2, 11.3, -6.1])},
        lambda p: jnp.sort(jnp.abs(jnp.roots(p, strip_zeros=False))),
    ),
    ("jnp.resize(x,(3,5))", {"x": X}, lambda x: jnp.resize(x, (3, 5))),
    ("jnp.rollaxis(x,2)", {"x": normal(2, 3, 4)}, lambda x: jnp.rollaxis(x, 2)),
    ("jax.scipy.stats.sem(x)", {"x": X}, lambda x: jsp.stats.sem(x)),
    ("x[jnp.triu_indices_from(x,1)]", {"x": A}, lambda x: x[jnp.triu_indices_from(x, 1)]),
    (
        "jnp.ediff1d(x,to_end=0.5,to_begin=y)",
        {"x": normal(4), "y": normal(2)},
        lambda x, y: jnp.ediff1d(x, to_end=0.5, to_begin=y),
    ),
    (
        "jnp.linspace(a,b,5,endpoint=False)+jnp.logspace(a,b,5,base=2.0)",
        {"a": np.array(0.3), "b": np.array(1.7)},
        lambda a, b: jnp.linspace(a, b, 5, endpoint=False) + jnp.logspace(a, b, 5, base=2.0),
    ),
    ("jnp.polyder(p,2)[0]*jnp.polyint(p,2)", {"p": normal(4)}, lambda p: jnp.polyder(p, 2)[0] * jnp.polyint(p, 2)),
    (
        "jnp.polyfit(x,y,2,w=w)",
        {"x": normal(7), "y": normal(7), "w": unit(7)},
        lambda x, y, w: jnp.linalg.lstsq(jnp.vander(x, 3) * w[:, None], y * w)[0],
    ),
    ("jnp.angle(x+2j*y,deg=True)", {"x": X, "y": Y}, lambda x, y: jnp.angle(x + 2j * y, deg=True)),
    (
        "scipy.special.sph_harm_y(3,-2,t,p).real",
        {"t": unit(5) * 3, "p": normal(5)},
        lambda t, p: (lambda s, c: jnp.sqrt(105 / (32 * jnp.pi)) * s**2 * c * jnp.cos(-2 * p))(jnp.sin(t), jnp.cos(t)),
    ),
    ("scipy.special.lpmv(2,3,x)", {"x": unit(5)}, lambda x: 15 * x * (1 - x * x)),
    (
        "scipy.special.legendre(3)(x)+np.poly1d([1,2,3])(x)",
        {"x": unit(5)},
        lambda x: (5 * x**3 - 3 * x) / 2 + x * x + 2 * x + 3,
    ),
    (
        "x_,w_=np.polynomial.legendre.leggauss(5); sum(w_*exp(a*x_))",
        {"a": np.array(0.7)},
        lambda a: jnp.sum(
            jnp.array(np.polynomial.legendre.leggauss(5)[1])
            * jnp.exp(a * jnp.array(np.polynomial.legendre.leggauss(5)[0]))
        ),
    ),
    ("scipy.special.diric(x,5)", {"x": normal(5)}, lambda x: jnp.sin(5 * x / 2) / (5 * jnp.sin(x / 2))),
    ("lax.top_k(x,2)[0]", {"x": X}, lambda x: lax.top_k(x, 2)[0]),
    ("np.quantile(x,0.3,axis=0,keepdims=True)", {"x": X}, lambda x: jnp.quantile(x, 0.3, axis=0, keepdims=True)),
]


@pytest.mark.parametrize(
    ("row", "peer"),
    [*((row, of_torch) for row in TORCH), *((row, of_jax) for row in JAX)],
    ids=lambda part: part[0] if isinstance(part, tuple) else part.__name__,
)
def test_a_word_of_a_library_agrees(row: Row, peer: Callable[..., tuple[Array, dict[str, Array]]]) -> None:
    text, inputs, function = row
    formula = Formula(text)
    found = formula.value(inputs)
    weights = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(found.shape)
    value, slopes = peer(function, inputs, weights)
    np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-11)
    backs = formula.vjp(inputs, weights)
    for name, slope in slopes.items():
        np.testing.assert_allclose(backs[name], slope, rtol=1e-8, atol=1e-10)
