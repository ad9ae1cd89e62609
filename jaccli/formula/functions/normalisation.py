"""Normalisation, similarities and distances, and the layers of neural networks."""

from __future__ import annotations

import itertools
import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.assembly import repeat_interleave
from jaccli.formula.functions.diagonals import tril
from jaccli.formula.functions.linear_algebra import entrywise_norm
from jaccli.formula.functions.losses import FAMILY, number, reduced
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.reductions import mean, normal_axes, reduce
from jaccli.formula.functions.reductions import mean as average
from jaccli.formula.functions.registry import Axis, Flag, Floats, Whole, function
from jaccli.formula.functions.shaping import matrix_transposed, part, swapaxes
from jaccli.formula.limits import check_listed
from jaccli.formula.values import Context, stack
from jaccli.graph.node import Node, apply, broadcast_shapes, broadcast_to, constant, filled, reshape, select, show_shape
from jaccli.graph.primitive import normal_axis

_COINCIDENT = "0 where two points coincide, as norm at 0"


@function(
    FAMILY,
    "CosineSimilarity",
    kinks="NaN where a vector is 0: the angle has no limit",
    example="cosine_similarity(x, y, axis=-1)",
)
def cosine_similarity(x: Floats, y: Floats, axis: Axis = None, eps: float = 0.0, *, context: Context) -> Node:
    """Cosine of the angle between vectors along an axis: by default the last, under PyTorch's prefixes axis 1."""
    shape = broadcast_shapes([x.shape, y.shape])
    place = (1 if context.is_torch and len(shape) > 1 else -1) if axis is None else axis
    axes = normal_axes(place, len(shape))
    x, y = broadcast_to(x, shape), broadcast_to(y, shape)
    product = reduce("sum", apply("multiply", x, y), axes, False)
    return apply("divide", product, apply("multiply", reduce("norm", x, axes, False), reduce("norm", y, axes, False)))


@function(
    FAMILY,
    "CosineEmbeddingLoss",
    kinks="as maximum: half of the slope at the hinge",
    example="cosine_embedding_loss(a, b, y)",
)
def cosine_embedding_loss(
    x: Floats, other: Floats, target: Floats, margin: float = 0.0, reduction: str = "mean", *, context: Context
) -> Node:
    """Mean of 1 - cosine where the target is 1, and of max(0, cosine - margin) where it is -1."""
    cosine = cosine_similarity(x, other, -1, context=context)
    apart = apply("maximum", apply("subtract", cosine, number(cosine, margin)), number(cosine, 0.0))
    alike = apply("less", number(target, 0.0), target)
    return reduced(apply("where", alike, apply("subtract", number(cosine, 1.0), cosine), apart), reduction)


@function(FAMILY, kinks="1/eps at 0", example="normalize(x, axis=-1)")
def normalize(x: Floats, ord: float = 2.0, axis: Axis = None, eps: float = 1e-12, *, context: Context) -> Node:
    """The array over its norm along an axis (the last; under PyTorch's prefixes axis 1), the norm kept above eps."""
    place = (1 if context.is_torch and x.ndim > 1 else -1) if axis is None else axis
    length = entrywise_norm(x, ord, place, True)
    return apply("divide", x, apply("maximum", length, number(x, eps)))


@function(FAMILY, "PairwiseDistance", kinks=_COINCIDENT, example="pairwise_distance(x, y)")
def pairwise_distance(
    x: Floats, y: Floats, ord: float = 2.0, eps: float | None = None, keepdims: Flag = False, *, context: Context
) -> Node:
    """Distance between corresponding rows; eps is added to the difference, by default 0, and 1e-6 for PyTorch's."""
    small = (1e-6 if context.is_torch else 0.0) if eps is None else eps
    difference = apply("subtract", x, y)
    difference = difference + small if small else difference
    return entrywise_norm(difference, ord, max(difference.ndim - 1, 0), keepdims)


@function(FAMILY, kinks=_COINCIDENT, example="cdist(x, y)")
def cdist(x: Floats, y: Floats, ord: float = 2.0) -> Node:
    """Distance of every row of the first from every row of the second."""
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"cdist needs two lists of points, and shapes {show_shape(x.shape)} and {show_shape(y.shape)} meet"
        )
    one = reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    other = reshape(y, (*y.shape[:-2], 1, *y.shape[-2:]))
    return entrywise_norm(apply("subtract", one, other), ord, -1, False)


@function(FAMILY, kinks=_COINCIDENT, example="pdist(x)")
def pdist(x: Floats, ord: float = 2.0, *, context: Context) -> Node:
    """Distance of every pair of rows, in the order (0, 1), (0, 2), …."""
    if x.ndim != 2:
        raise ShapeError(f"pdist needs a list of points, and this has shape {show_shape(x.shape)}")
    from jaccli.formula.functions.gathering import take

    count = x.shape[0]
    check_listed(count * count, f"the pairs of {count} points")
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    if not pairs:
        return filled((0,), 0.0, x.dtype)
    first, second = (take(x, context.array(list(places)), 0, context=context) for places in zip(*pairs, strict=True))
    return entrywise_norm(apply("subtract", first, second), ord, -1, False)


def _standardised(x: Node, axes: tuple[int, ...], eps: float) -> Node:
    centred = apply("subtract", x, mean(x, axes, True))
    variance = mean(apply("power", centred, number(x, 2.0)), axes, True)
    return apply("divide", centred, apply("sqrt", apply("add", variance, number(x, eps))))


def _scaled(context: Context, x: Node, weight: Any, bias: Any, shape: tuple[int, ...] | None = None) -> Node:
    """weight*x + bias, both under `shape` where one is given."""
    for name, value in (("multiply", weight), ("add", bias)):
        if value is not None:
            node = context.floats(value)
            x = apply(name, x, node if shape is None else reshape(node, shape))
    return x


def _last_axes(context: Context, x: Node, shape: Any, what: str) -> tuple[int, ...]:
    lengths = (
        (x.shape[-1:] if x.ndim else ()) if shape is None else context.integers(shape, f"normalized_shape of {what}")
    )
    if x.shape[x.ndim - len(lengths) :] != lengths or not lengths:
        raise ShapeError(f"{what} over {show_shape(lengths)} does not fit an array of shape {show_shape(x.shape)}")
    return tuple(range(x.ndim - len(lengths), x.ndim))


@function(FAMILY, "LayerNorm", example="layer_norm(x)")
def layer_norm(
    x: Floats,
    normalized_shape: Any = None,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *,
    context: Context,
) -> Node:
    """The last axes with mean 0 and variance 1, times weight plus bias."""
    axes = _last_axes(context, x, normalized_shape, "layer_norm")
    return _scaled(context, _standardised(x, axes, eps), weight, bias)


@function(FAMILY, example="standardize(x)")
def standardize(
    x: Floats, axis: Axis = -1, mean: Any = None, variance: Any = None, epsilon: float = 1e-5, *, context: Context
) -> Node:
    """An axis with mean 0 and variance 1, or less a given mean and over the root of a given variance."""
    axes = normal_axes(axis, x.ndim)
    if mean is None and variance is None:
        return _standardised(x, axes, epsilon)
    centre = average(x, axes, True) if mean is None else context.floats(mean)
    spread = average((x - centre) ** 2.0, axes, True) if variance is None else context.floats(variance)
    return (x - centre) / apply("sqrt", spread + epsilon)


@function(FAMILY, "RMSNorm", example="rms_norm(x)")
def rms_norm(x: Floats, normalized_shape: Any = None, weight: Any = None, eps: Any = None, *, context: Context) -> Node:
    """The last axes over the root of their mean square."""
    axes = _last_axes(context, x, normalized_shape, "rms_norm")
    static = context.static(eps)
    small = float(static) if isinstance(static, (int, float)) else 2.220446049250313e-16
    square = mean(apply("power", x, number(x, 2.0)), axes, True)
    return _scaled(context, apply("divide", x, apply("sqrt", apply("add", square, number(x, small)))), weight, None)


def _channels(x: Node) -> tuple[int, ...]:
    if x.ndim < 2:
        raise ShapeError(f"channels stand on axis 1, and this array has shape {show_shape(x.shape)}")
    return (1, x.shape[1], *(1,) * (x.ndim - 2))


@function(FAMILY, example="batch_norm(x, None, None, training=True)")
def batch_norm(
    x: Floats,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: Flag = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    context: Context,
) -> Node:
    """Each channel (axis 1) with mean 0 and variance 1: those of the batch in training, else the running ones."""
    shape = _channels(x)
    if training or running_mean is None or running_var is None:
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        return _scaled(context, _standardised(x, axes, eps), weight, bias, shape)
    centred = apply("subtract", x, reshape(context.floats(running_mean), shape))
    width = apply("sqrt", apply("add", reshape(context.floats(running_var), shape), number(x, eps)))
    return _scaled(context, apply("divide", centred, width), weight, bias, shape)


@function(FAMILY, example="group_norm(x, 2)")
def group_norm(
    x: Floats, num_groups: Whole, weight: Any = None, bias: Any = None, eps: float = 1e-5, *, context: Context
) -> Node:
    """Groups of channels (axis 1) with mean 0 and variance 1."""
    shape = _channels(x)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ShapeError(f"{x.shape[1]} channels do not make {num_groups} equal groups")
    grouped = reshape(x, (x.shape[0], num_groups, x.shape[1] // num_groups, *x.shape[2:]))
    axes = tuple(range(2, grouped.ndim))
    return _scaled(context, reshape(_standardised(grouped, axes, eps), x.shape), weight, bias, shape)


@function(FAMILY, example="instance_norm(x)")
def instance_norm(
    x: Floats,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    running_mean: Any = None,
    running_var: Any = None,
    use_input_stats: Flag = True,
    *,
    context: Context,
) -> Node:
    """Each channel (axis 1) of each sample with mean 0 and variance 1; with use_input_stats=False the running ones."""
    shape = _channels(x)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, eps=eps, context=context)
    return _scaled(context, _standardised(x, tuple(range(2, x.ndim)), eps), weight, bias, shape)


@function(FAMILY, example="linear(x, W, b)")
def linear(x: Floats, weight: Floats, bias: Any = None, *, context: Context) -> Node:
    """x @ W.T + b, the rows of W being the outputs' weights."""
    product = matmul(x, matrix_transposed(weight) if weight.ndim > 1 else weight)
    return product if bias is None else apply("add", product, context.floats(bias))


@function(FAMILY, example="bilinear(x, y, W)")
def bilinear(x: Floats, y: Floats, weight: Floats, bias: Any = None, *, context: Context) -> Node:
    """sum over i, j of x[…, i]*W[k, i, j]*y[…, j] for every output k, plus b."""
    from jaccli.formula.functions.products import einsum

    product = einsum("...i,kij,...j->...k", x, weight, y, context=context)
    return product if bias is None else apply("add", product, context.floats(bias))


@function(FAMILY, example="embedding([0, 2], W)")
def embedding(index: Any, weight: Floats, padding_idx: Any = None, *, context: Context) -> Node:
    """The rows of a table at an array of indices; the row padding_idx is held fixed."""
    from jaccli.formula.functions.gathering import take

    if not weight.ndim:
        raise ShapeError("embedding takes a table of rows, and this is a single number")
    if padding_idx is not None:
        row = context.integer(padding_idx, "padding_idx") % max(weight.shape[0], 1)
        number = reshape(apply("iota", length=weight.shape[0]), (weight.shape[0], *(1,) * (weight.ndim - 1)))
        weight = select(apply("equal", number, context.number(row)), apply("stop_gradient", weight), weight)
    return take(weight, index, 0, context=context)


@function(FAMILY, kinks="mode='max': ties share equally", example="embedding_bag([[0, 2]], W)")
def embedding_bag(
    index: Any,
    weight: Floats,
    offsets: Any = None,
    mode: str = "mean",
    per_sample_weights: Any = None,
    *,
    context: Context,
) -> Node:
    """Rows of a table at arrays of indices, summed, averaged or compared over each array; offsets cut a vector."""
    if mode not in ("sum", "mean", "max"):
        raise FormulaError(f"unknown mode {mode!r} of embedding_bag", hint="'sum', 'mean' and 'max' are taken")
    ids = context.array(index)
    shares = None if per_sample_weights is None else context.floats(per_sample_weights)
    if shares is not None and shares.shape != ids.shape:
        raise ShapeError(
            f"embedding_bag needs a weight for each index: indices have shape {show_shape(ids.shape)}, "
            f"per_sample_weights {show_shape(shares.shape)}"
        )
    if offsets is not None:
        cuts = [*context.integers(offsets, "an offset"), ids.size]
        if ids.ndim != 1 or cuts != sorted(cuts) or cuts[0] < 0:
            raise FormulaError("offsets cut a vector of indices: they ascend from 0 or more to its length")
        found = []
        for first, last in itertools.pairwise(cuts):
            share = None if shares is None else part(shares, 0, first, last - first)
            found.append(_bag(context, part(ids, 0, first, last - first), weight, mode, share))
        return stack(found, 0)
    return _bag(context, ids, weight, mode, shares)


def _bag(context: Context, ids: Node, weight: Node, mode: str, share: Node | None) -> Node:
    rows = embedding(ids, weight, context=context)
    if share is not None:
        rows = rows * reshape(share, (*share.shape, 1))
    axis = rows.ndim - 2
    return average(rows, axis) if mode == "mean" else reduce(mode, rows, axis, False)


@function(FAMILY, example="scaled_dot_product_attention(q, k, v)")
def scaled_dot_product_attention(
    query: Floats,
    key: Floats,
    value: Floats,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: Flag = False,
    scale: Any = None,
    *,
    context: Context,
) -> Node:
    """softmax(q @ k.T*scale) @ v over the last two axes; scale is 1/sqrt(length of q's last axis) by default."""
    if min(query.ndim, key.ndim, value.ndim) < 2:
        shapes = ", ".join(show_shape(node.shape) for node in (query, key, value))
        raise ShapeError(f"attention takes matrices of queries, keys and values, and shapes {shapes} are given")
    factor = number(query, 1.0 / math.sqrt(max(query.shape[-1], 1))) if scale is None else context.floats(scale)
    scores = apply("multiply", matmul(query, matrix_transposed(key)), factor)
    if is_causal:
        ones = filled(scores.shape[-2:], True, "bool")
        scores = select(tril(ones), scores, -math.inf)
    if attn_mask is not None:
        mask = context.array(attn_mask)
        scores = select(mask, scores, -math.inf) if mask.dtype == "bool" else apply("add", scores, context.floats(mask))
    weights = apply("softmax", scores, axes=(normal_axis(-1, scores.ndim),), limit=False)
    return matmul(weights, value)


@function(FAMILY, example="dot_product_attention(q, k, v)")
def dot_product_attention(
    query: Floats,
    key: Floats,
    value: Floats,
    bias: Any = None,
    mask: Any = None,
    scale: Any = None,
    is_causal: Flag = False,
    *,
    context: Context,
) -> Node:
    """JAX's attention: the heads stand before the last axis, (samples, length, heads, depth) or without samples."""
    if not 3 <= query.ndim == key.ndim == value.ndim <= 4:
        raise ShapeError(
            f"attention takes (samples, length, heads, depth), and the queries are {show_shape(query.shape)}",
            hint="scaled_dot_product_attention takes the heads before the length",
        )
    heads = query.shape[-2]
    turned = [swapaxes(node, -3, -2) for node in (query, key, value)]
    for place in (1, 2):  # several heads of the queries share one of the keys
        if turned[place].shape[-3] != heads:
            turned[place] = repeat_interleave(
                turned[place], heads // max(turned[place].shape[-3], 1), -3, context=context
            )
    given = [None if item is None else context.array(item) for item in (bias, mask)]
    scores_bias = given[0]
    if given[1] is not None:
        hidden = select(given[1], constant(0.0, query.dtype), -math.inf)
        scores_bias = hidden if scores_bias is None else apply("add", scores_bias, hidden)
    found = scaled_dot_product_attention(
        turned[0], turned[1], turned[2], scores_bias, is_causal=is_causal, scale=scale, context=context
    )
    return swapaxes(found, -3, -2)
