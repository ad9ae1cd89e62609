"""Losses: the mean (or sum, or every entry) of a distance between predictions and targets."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.gathering import along
from jaccli.formula.functions.linear_algebra import entrywise_norm
from jaccli.formula.functions.reductions import mean, reduce
from jaccli.formula.functions.registry import Array, Flag, Floats, Whole, function
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, broadcast_to, cast, constant, reshape, select, show_shape

FAMILY = "Losses and normalisation"


def number(x: Node, value: float) -> Node:
    """A constant of the dtype of x."""
    return constant(value, x.dtype)


def reduced(x: Node, reduction: str) -> Node:
    """The mean or the sum of all entries, or the entries themselves."""
    if reduction == "mean":
        return mean(x)
    if reduction == "sum":
        return apply("sum", x, axes=tuple(range(x.ndim))) if x.ndim else x
    if reduction == "none":
        return x
    raise FormulaError(f"unknown reduction {reduction!r}", hint="reductions are 'mean', 'sum' and 'none'")


def _squared(x: Node) -> Node:
    return apply("power", x, number(x, 2.0))


@function(FAMILY, "mse", "MSELoss", "mean_squared_error", example="mse_loss(x, y)")
def mse_loss(x: Floats, target: Floats, reduction: str = "mean", weight: Any = None, *, context: Context) -> Node:
    """Mean squared difference; with a weight for each entry, the weighted mean."""
    losses = _weigh(context, _squared(apply("subtract", x, target)), weight)
    if weight is None or reduction != "mean":
        return reduced(losses, reduction)
    return reduced(losses, "sum") / reduced(broadcast_to(context.floats(weight), losses.shape), "sum")


@function(FAMILY, "L1Loss", "mae", "l1", "mean_absolute_error", kinks="0 at 0, as abs", example="l1_loss(x, y)")
def l1_loss(x: Floats, target: Floats, reduction: str = "mean") -> Node:
    """Mean absolute difference."""
    return reduced(apply("abs", apply("subtract", x, target)), reduction)


_SMOOTH = "both pieces meet with one slope"


@function(FAMILY, "SmoothL1Loss", "smooth_l1", kinks=_SMOOTH, example="smooth_l1_loss(x, y)")
def smooth_l1_loss(x: Floats, target: Floats, reduction: str = "mean", beta: float = 1.0) -> Node:
    """Squared difference over 2*beta near 0, absolute difference less beta/2 away from it; then the mean."""
    if beta < 0:
        raise FormulaError("beta of smooth_l1_loss cannot be negative")
    difference = apply("subtract", x, target)
    size = apply("abs", difference)
    if beta == 0:
        return reduced(size, reduction)
    near = apply("divide", _squared(difference), number(x, 2.0 * beta))
    far = apply("subtract", size, number(x, beta / 2))
    return reduced(apply("where", apply("less", size, number(x, beta)), near, far), reduction)


@function(FAMILY, "HuberLoss", kinks=_SMOOTH, example="huber_loss(x, y)")
def huber_loss(x: Floats, target: Floats, reduction: str = "mean", delta: float = 1.0) -> Node:
    """Half the squared difference within delta, delta*(abs(difference) - delta/2) outside; then the mean."""
    if not delta > 0:
        raise FormulaError("delta of huber_loss must be positive")
    difference = apply("subtract", x, target)
    size = apply("abs", difference)
    near = apply("divide", _squared(difference), number(x, 2.0))
    far = apply("multiply", number(x, delta), apply("subtract", size, number(x, delta / 2)))
    return reduced(apply("where", apply("less_equal", size, number(x, delta)), near, far), reduction)


def _class_axis(x: Node) -> int:
    if x.ndim == 0:
        raise ShapeError("the scores of classes need an axis of classes, and this is one number")
    return 1 if x.ndim > 1 else 0


class _Samples(NamedTuple):
    """The score of the right class of every sample, and the sample's weight: 0 where its class is ignored."""

    picked: Node
    kept: Node
    weights: Node


def _samples(context: Context, scores: Node, target: Node, weight: Any, ignored: int) -> _Samples:
    axis = _class_axis(scores)
    ids = cast(apply("rint", apply("stop_gradient", target)), "int64") if target.is_float else cast(target, "int64")
    expected = (*scores.shape[:axis], *scores.shape[axis + 1 :])
    if ids.shape != expected:
        raise ShapeError(
            f"classes of shape {show_shape(ids.shape)} do not fit scores of shape {show_shape(scores.shape)}",
            hint=f"class numbers have shape {show_shape(expected)}, probabilities that of the scores",
        )
    kept = apply("not_equal", ids, constant(ignored, "int64"))
    safe = apply("where", kept, ids, constant(0, "int64"))
    places = reshape(safe, (*expected[:axis], 1, *expected[axis:]))
    picked = reshape(along(context, scores, places, axis), expected)
    if weight is None:
        return _Samples(picked, kept, cast(kept, scores.dtype))
    by_class = along(context, context.floats(weight), reshape(safe, (safe.size,)), 0)
    return _Samples(picked, kept, select(kept, reshape(by_class, expected), 0.0))


def _over_samples(losses: Node, weights: Node, reduction: str) -> Node:
    """The mean of weighted losses divides by the sum of the weights."""
    if reduction == "mean":
        return apply("divide", reduced(losses, "sum"), reduced(weights, "sum"))
    return reduced(losses, reduction)


@function(FAMILY, "NLLLoss", "NLLLoss2d", "nll", example="nll_loss(log_softmax(z, axis=1), [0, 2])")
def nll_loss(
    x: Floats,
    target: Array,
    weight: Any = None,
    ignore_index: Whole = -100,
    reduction: str = "mean",
    *,
    context: Context,
) -> Node:
    """Minus the log-probability of the right class: shape (samples, classes, …) and class numbers."""
    samples = _samples(context, x, target, weight, ignore_index)
    losses = apply("weighted", samples.weights, apply("negative", samples.picked))
    return _over_samples(losses, samples.weights, reduction)


@function(FAMILY, "CrossEntropyLoss", example="cross_entropy(z, [0, 2])")
def cross_entropy(
    x: Floats,
    target: Array,
    weight: Any = None,
    ignore_index: Whole = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    context: Context,
) -> Node:
    """nll_loss of log_softmax: scores (samples, classes, …) with class numbers, or with probabilities."""
    axis = _class_axis(x)
    scores = log_of_softmax(x, axis)
    shape = tuple(x.shape[axis] if place == axis else 1 for place in range(x.ndim))
    by_class = scores if weight is None else apply("multiply", scores, reshape(context.floats(weight), shape))
    if target.shape == x.shape:
        shares = context.floats(target)
        if label_smoothing:
            less = apply("multiply", shares, number(x, 1.0 - label_smoothing))
            shares = apply("add", less, number(x, label_smoothing / x.shape[axis]))
        losses = apply("negative", apply("sum", apply("weighted", shares, by_class), axes=(axis,)))
        count = losses.size if losses.ndim else 1
        return (
            apply("divide", reduced(losses, "sum"), number(x, count))
            if reduction == "mean"
            else reduced(losses, reduction)
        )
    if target.is_float:
        context.note("cross_entropy: the targets are read as class numbers; int:… gives them as integers")
    samples = _samples(context, scores, target, weight, ignore_index)
    losses = apply("weighted", samples.weights, apply("negative", samples.picked))
    if label_smoothing:
        uniform = select(samples.kept, apply("negative", apply("sum", by_class, axes=(axis,))), 0.0)
        share = apply("multiply", number(x, label_smoothing / x.shape[axis]), uniform)
        losses = apply("add", apply("multiply", number(x, 1.0 - label_smoothing), losses), share)
    return _over_samples(losses, samples.weights, reduction)


def log_of_softmax(x: Node, axis: int) -> Node:
    """log(softmax(x)) along an axis, without overflow."""
    largest = apply("stop_gradient", reduce("max", x, (axis,), True))
    shifted = apply("subtract", x, largest)
    return apply("subtract", shifted, reduce("logsumexp", shifted, (axis,), True))


def _weigh(context: Context, losses: Node, weight: Any) -> Node:
    return losses if weight is None else apply("multiply", context.floats(weight), losses)


@function(FAMILY, "BCELoss", kinks="exact at 0 and 1", example="binary_cross_entropy(p, t)")
def binary_cross_entropy(
    x: Floats, target: Floats, weight: Any = None, reduction: str = "mean", *, context: Context
) -> Node:
    """Mean of -t*log(p) - (1 - t)*log(1 - p), with 0*log(0) = 0 and no clamp."""
    rest = apply("subtract", number(x, 1.0), target)
    total = apply("add", apply("xlogy", target, x), apply("xlog1py", rest, apply("negative", x)))
    return reduced(_weigh(context, apply("negative", total), weight), reduction)


@function(FAMILY, "BCEWithLogitsLoss", "bce_with_logits", example="binary_cross_entropy_with_logits(z, t)")
def binary_cross_entropy_with_logits(
    x: Floats,
    target: Floats,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
    *,
    context: Context,
) -> Node:
    """binary_cross_entropy of sigmoid(z), without overflow."""
    positive = target if pos_weight is None else apply("multiply", context.floats(pos_weight), target)
    rest = apply("subtract", number(x, 1.0), target)
    right = apply("weighted", positive, apply("softplus", apply("negative", x)))
    wrong = apply("weighted", rest, apply("softplus", x))
    return reduced(_weigh(context, apply("add", right, wrong), weight), reduction)


@function(FAMILY, "KLDivLoss", name="F.kl_div", example="F.kl_div(logq, p, reduction='sum')")
def kl_div_loss(
    x: Floats, target: Floats, reduction: str = "mean", log_target: Flag = False, *, context: Context
) -> Node:
    """PyTorch's kl_div: target*(log(target) - x), the first argument a log-probability; then the mean."""
    context.note("F.kl_div takes log-probabilities first, as PyTorch; kl_div(p, q) is SciPy's")
    if log_target:
        losses = apply("multiply", apply("exp", target), apply("subtract", target, x))
    else:
        losses = apply("subtract", apply("xlogy", target, target), apply("weighted", target, x))
    if reduction == "batchmean":
        return apply("divide", reduced(losses, "sum"), number(x, x.shape[0] if x.ndim else 1))
    return reduced(losses, reduction)


_ZERO_AT_TIE = "as maximum: half of the slope at the hinge"


def _hinge(x: Node) -> Node:
    return apply("maximum", x, number(x, 0.0))


@function(FAMILY, "hinge", kinks=_ZERO_AT_TIE, example="hinge_loss(z, t)")
def hinge_loss(x: Floats, target: Floats, reduction: str = "mean") -> Node:
    """Mean of max(0, 1 - t*z) for targets -1 and 1."""
    return reduced(_hinge(apply("subtract", number(x, 1.0), apply("multiply", target, x))), reduction)


@function(FAMILY, "HingeEmbeddingLoss", kinks=_ZERO_AT_TIE, example="hinge_embedding_loss(x, t)")
def hinge_embedding_loss(x: Floats, target: Floats, margin: float = 1.0, reduction: str = "mean") -> Node:
    """x where the target is 1, max(0, margin - x) where it is -1; then the mean."""
    near = apply("equal", target, number(x, 1.0))
    return reduced(apply("where", near, x, _hinge(apply("subtract", number(x, margin), x))), reduction)


@function(FAMILY, "MarginRankingLoss", "margin", kinks=_ZERO_AT_TIE, example="margin_ranking_loss(x, y, t)")
def margin_ranking_loss(x: Floats, y: Floats, target: Floats, margin: float = 0.0, reduction: str = "mean") -> Node:
    """Mean of max(0, -t*(x - y) + margin)."""
    lead = apply("multiply", apply("negative", target), apply("subtract", x, y))
    return reduced(_hinge(apply("add", lead, number(x, margin))), reduction)


@function(FAMILY, "SoftMarginLoss", example="soft_margin_loss(x, t)")
def soft_margin_loss(x: Floats, target: Floats, reduction: str = "mean") -> Node:
    """Mean of log(1 + exp(-t*x)), without overflow."""
    return reduced(apply("softplus", apply("negative", apply("multiply", target, x))), reduction)


@function(FAMILY, "TripletMarginLoss", kinks=_ZERO_AT_TIE, example="triplet_margin_loss(a, p, n)")
def triplet_margin_loss(
    anchor: Floats,
    positive: Floats,
    negative: Floats,
    margin: float = 1.0,
    reduction: str = "mean",
    ord: float = 2.0,
    eps: float | None = None,
    swap: Flag = False,
    *,
    context: Context,
) -> Node:
    """Mean of max(0, distance to the positive - distance to the negative + margin) over the last axis."""
    small = (1e-6 if context.is_torch else 0.0) if eps is None else eps

    def distance(x: Node, y: Node) -> Node:
        return entrywise_norm(apply("subtract", x, y) + small, ord, max(x.ndim - 1, 0), False)

    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = apply("minimum", far, distance(positive, negative))
    return reduced(_hinge(apply("add", apply("subtract", near, far), number(near, margin))), reduction)


@function(FAMILY, "GaussianNLLLoss", "gaussian_nll", example="gaussian_nll_loss(mu, y, var)")
def gaussian_nll_loss(
    x: Floats, target: Floats, var: Floats, full: Flag = False, eps: float = 1e-6, reduction: str = "mean"
) -> Node:
    """Mean of (log(var) + (x - target)**2/var)/2, the variance kept above eps."""
    bounded = apply("maximum", var, number(var, eps))
    misfit = apply("divide", _squared(apply("subtract", x, target)), bounded)
    losses = apply("multiply", number(x, 0.5), apply("add", apply("log", bounded), misfit))
    if full:
        losses = apply("add", losses, number(x, 0.5 * math.log(2 * math.pi)))
    return reduced(losses, reduction)


@function(FAMILY, "PoissonNLLLoss", "poisson_nll", example="poisson_nll_loss(x, y)")
def poisson_nll_loss(
    x: Floats,
    target: Floats,
    log_input: Flag = True,
    full: Flag = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Node:
    """Mean of exp(x) - target*x; without log_input of x - target*log(x + eps)."""
    if log_input:
        losses = apply("subtract", apply("exp", x), apply("multiply", target, x))
    else:
        shifted = apply("add", x, number(x, eps))
        losses = apply("subtract", x, apply("xlogy", target, shifted))
    if full:
        losses = apply("add", losses, _stirling(target))
    return reduced(losses, reduction)


def _stirling(target: Node) -> Node:
    """t*log(t) - t + log(2*pi*t)/2 where t is above 1, else 0."""
    level = apply("multiply", number(target, 0.5), apply("log", apply("multiply", number(target, math.tau), target)))
    formula = apply("add", apply("subtract", apply("xlogy", target, target), target), level)
    return select(apply("less", number(target, 1.0), target), formula, 0.0)


@function(FAMILY, "MultiMarginLoss", kinks=_ZERO_AT_TIE, example="multi_margin_loss(x, i)")
def multi_margin_loss(
    x: Floats,
    target: Array,
    margin: float = 1.0,
    reduction: str = "mean",
    ord: Whole = 1,
    weight: Any = None,
    *,
    context: Context,
) -> Node:
    """Mean of the violations max(0, margin - score of the target + score of another class), over all classes."""
    rows = x if x.ndim == 2 else reshape(x, (1, x.size))
    index = reshape(target, (rows.shape[0], 1))
    own = apply("equal", index, apply("iota", length=rows.shape[1]))
    score = apply("sum", select(own, rows, 0.0), axes=(1,))
    violation = _hinge(number(x, margin) - reshape(score, (score.size, 1)) + rows)
    if ord != 1:
        violation = violation ** float(ord)
    if weight is not None:
        by_class = context.floats(weight)
        if by_class.shape != rows.shape[1:]:
            raise ShapeError(
                f"multi_margin_loss: a weight for each of {rows.shape[1]} classes, not {show_shape(by_class.shape)}"
            )
        violation = violation * apply("take", by_class, index)
    losses = mean(select(own, 0.0, violation), 1)
    return reduced(losses if x.ndim == 2 else reshape(losses, ()), reduction)


@function(FAMILY, "MultiLabelSoftMarginLoss", example="multilabel_soft_margin_loss(x, y)")
def multilabel_soft_margin_loss(
    x: Floats, target: Floats, weight: Any = None, reduction: str = "mean", *, context: Context
) -> Node:
    """Mean over classes of the cross entropy of independent labels."""
    losses = _weigh(context, apply("logaddexp", x, number(x, 0.0)) - target * x, weight)
    return reduced(mean(losses, x.ndim - 1), reduction)
