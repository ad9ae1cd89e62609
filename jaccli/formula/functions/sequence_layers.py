"""Cells of recurrent networks, attention with several heads, and losses over labels and sequences, as PyTorch."""

from __future__ import annotations

import itertools
import math
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.index_arrays import integers
from jaccli.formula.functions.losses import FAMILY as NORMALISATION
from jaccli.formula.functions.losses import reduced
from jaccli.formula.functions.normalisation import linear
from jaccli.formula.functions.products import matmul
from jaccli.formula.functions.reductions import mean
from jaccli.formula.functions.registry import Flag, Floats, Whole, function, use
from jaccli.formula.functions.shaping import part, swapaxes
from jaccli.formula.limits import check_pieces
from jaccli.formula.values import Context, Value, stack
from jaccli.graph.node import Node, apply, constant, filled, reshape, select, show_shape, transpose
from jaccli.graph.primitive import normal_axis


def _gates(
    context: Context, x: Node, hidden: Node, weights: tuple[Any, Any, Any, Any], count: int
) -> tuple[Node, Node]:
    for name, weight in (("W_ih", weights[0]), ("W_hh", weights[1])):
        node = context.floats(weight)
        if node.ndim != 2 or hidden.ndim == 0 or node.shape[0] != count * hidden.shape[-1]:
            raise ShapeError(
                f"{name} has the shape {show_shape(node.shape)}, and {count} times the length of h, "
                f"{show_shape(hidden.shape)}, rows are needed"
            )
    w_ih, w_hh, b_ih, b_hh = weights
    return (
        linear(x, context.floats(w_ih), b_ih, context=context),
        linear(hidden, context.floats(w_hh), b_hh, context=context),
    )


def _quarters(x: Node, count: int) -> list[Node]:
    width = x.shape[-1] // count
    return [part(x, x.ndim - 1, place * width, width) for place in range(count)]


@function(NORMALISATION, example="lstm_cell(x, (h, h), tile(A, (4, 1)), tile(A, (4, 1)))[0]")
def lstm_cell(
    x: Floats, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, *, context: Context
) -> Value:
    """h, c = lstm_cell(x, (h, c), W_ih, W_hh): one step, the gates in PyTorch's order i, f, g, o."""
    if not isinstance(hx, (list, tuple)) or len(hx) != 2:
        raise FormulaError(
            "lstm_cell needs the pair (h, c) of its state", hint="write lstm_cell(x, (h, c), W_ih, W_hh)"
        )
    hidden, cell = (context.floats(item) for item in hx)
    first, second = _gates(context, x, hidden, (w_ih, w_hh, b_ih, b_hh), 4)
    enter, forget, new, leave = _quarters(first + second, 4)
    cell = apply("sigmoid", forget) * cell + apply("sigmoid", enter) * apply("tanh", new)
    return apply("sigmoid", leave) * apply("tanh", cell), cell


@function(NORMALISATION, example="gru_cell(x, h, tile(A, (3, 1)), tile(A, (3, 1)))")
def gru_cell(
    x: Floats, hx: Floats, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, *, context: Context
) -> Node:
    """One step of a gated recurrent unit, the gates in PyTorch's order r, z, n."""
    first, second = (_quarters(item, 3) for item in _gates(context, x, hx, (w_ih, w_hh, b_ih, b_hh), 3))
    reset, keep = (apply("sigmoid", first[place] + second[place]) for place in (0, 1))
    new = apply("tanh", first[2] + reset * second[2])
    return new + keep * (hx - new)


def _plain_cell(name: str, base: str) -> None:
    def build(
        x: Floats, hx: Floats, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, *, context: Context
    ) -> Value:
        first, second = _gates(context, x, hx, (w_ih, w_hh, b_ih, b_hh), 1)
        return use(context, base, first + second)

    build.__doc__ = f"One step of a recurrent network, {base} of two linear maps."
    function(NORMALISATION, name=name, example=f"{name}(x, h, A, A)")(build)


_plain_cell("rnn_tanh_cell", "tanh")
_plain_cell("rnn_relu_cell", "relu")


@function(
    NORMALISATION,
    example="multi_head_attention_forward(x, x, x, 4, 2, ones(12, 4), None, None, None, False, 0, eye(4), None)[0]",
)
def multi_head_attention_forward(
    query: Floats,
    key: Floats,
    value: Floats,
    embed_dim_to_check: Any,
    num_heads: Whole,
    in_proj_weight: Floats,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: Flag,
    dropout_p: Any,
    out_proj_weight: Floats,
    out_proj_bias: Any,
    training: Any = False,
    key_padding_mask: Any = None,
    need_weights: Flag = True,
    attn_mask: Any = None,
    average_attn_weights: Flag = True,
    is_causal: Flag = False,
    *,
    context: Context,
) -> Value:
    """Attention with several heads over (length, samples, depth), and its weights, as PyTorch."""
    if bias_k is not None or bias_v is not None or add_zero_attn:
        raise FormulaError("bias_k, bias_v and add_zero_attn are not in the language", hint="give None, None, False")
    if query.ndim != 3:
        raise ShapeError(f"attention takes (length, samples, depth), and the queries are {show_shape(query.shape)}")
    depth = query.shape[-1]
    _check_attention((query, key, value), num_heads, in_proj_weight)
    biases: list[Node | None] = [None] * 3
    if in_proj_bias is not None:
        bias = context.floats(in_proj_bias)
        if bias.shape != (3 * depth,):
            raise ShapeError(f"in_proj_bias has {3 * depth} entries, and this has shape {show_shape(bias.shape)}")
        biases = [part(bias, 0, place * depth, depth) for place in range(3)]
    heads = []
    for place, source in enumerate((query, key, value)):
        flat = linear(source, part(in_proj_weight, 0, place * depth, depth), biases[place], context=context)
        length, samples, _ = flat.shape
        heads.append(transpose(reshape(flat, (length, samples, num_heads, depth // num_heads)), (1, 2, 0, 3)))
    scores = matmul(heads[0], swapaxes(heads[1], -1, -2)) * (1.0 / math.sqrt(depth // num_heads))
    for mask, shape in ((attn_mask, None), (key_padding_mask, (query.shape[1], 1, 1, key.shape[0]))):
        if mask is not None:
            node = context.array(mask)
            node = node if shape is None else reshape(node, shape)
            if shape is None and node.ndim == 3:
                node = reshape(node, (query.shape[1], num_heads, *node.shape[1:]))
            scores = select(node, -math.inf, scores) if node.dtype == "bool" else scores + context.floats(node)
    weights = apply("softmax", scores, axes=(normal_axis(-1, 4),), limit=False)
    joined = reshape(transpose(matmul(weights, heads[2]), (2, 0, 1, 3)), query.shape)
    found = linear(joined, out_proj_weight, out_proj_bias, context=context)
    if not need_weights:
        return found, None
    return found, mean(weights, 1) if average_attn_weights else weights


def _check_attention(sources: tuple[Node, Node, Node], num_heads: int, weight: Node) -> None:
    depth = sources[0].shape[-1]
    for node in sources:
        if node.ndim != 3 or node.shape[-1] != depth:
            raise ShapeError(f"keys and values are (length, samples, {depth}), and these are {show_shape(node.shape)}")
    if num_heads < 1 or not depth or depth % num_heads:
        raise ShapeError(f"a depth of {depth} is not shared evenly by {num_heads} heads")
    if weight.shape != (3 * depth, depth):
        raise ShapeError(
            f"in_proj_weight has the shape {show_shape((3 * depth, depth))}, and this has {show_shape(weight.shape)}"
        )


# Losses


def _class_numbers(numbers: list[float], classes: int, least: int, name: str) -> list[int]:
    """Numbers of classes; anything else is an error."""
    if not all(number == number // 1 and least <= number < classes for number in numbers):
        raise FormulaError(f"the targets of {name} are whole numbers from {least} to {classes - 1}")
    return [int(number) for number in numbers]


@function(NORMALISATION, example="linear_cross_entropy(x, W, [0, 1])")
def linear_cross_entropy(x: Floats, linear_weight: Floats, target: Any, *, context: Context, **options: Any) -> Value:
    """cross_entropy of x @ W.T."""
    return use(context, "cross_entropy", linear(x, linear_weight, context=context), target, **options)


@function(
    NORMALISATION,
    "MultiLabelMarginLoss",
    kinks="half of the slope at the hinge",
    example="multilabel_margin_loss(x, [0, 1, -1])",
)
def multilabel_margin_loss(x: Floats, target: Any, reduction: str = "mean", *, context: Context) -> Value:
    """Mean of the violations max(0, 1 - score of a target + score of another class); targets end at the first -1."""
    single = x.ndim == 1
    rows = reshape(x, (1, x.size)) if single else x
    if rows.ndim != 2 or not rows.size:
        raise ShapeError(f"multilabel_margin_loss takes (samples, classes), and this has shape {show_shape(x.shape)}")
    numbers = context.compute(context.array(target))
    if numbers.shape != x.shape:
        raise ShapeError(
            f"multilabel_margin_loss: scores of shape {show_shape(x.shape)} and targets of shape "
            f"{show_shape(numbers.shape)}; fill the targets up with -1"
        )
    check_pieces(rows.shape[0], "multilabel_margin_loss")
    losses = []
    for place, given in enumerate(numbers.reshape(rows.shape).tolist()):
        row = _class_numbers(given, rows.shape[1], -1, "multilabel_margin_loss")
        own = row[: row.index(-1)] if -1 in row else row
        others = sorted(set(range(rows.shape[1])).difference(own))
        line = reshape(part(rows, 0, place, 1), (rows.shape[1],))
        if not own or not others:
            losses.append(apply("sum", line * 0.0, axes=(0,)))
            continue
        chosen = apply("take", line, context.array(own))
        rest = apply("take", line, context.array(others))
        gaps = 1.0 - (reshape(chosen, (len(own), 1)) - rest)
        violation = apply("maximum", gaps, constant(0.0, x.dtype))
        losses.append(apply("sum", violation, axes=(0, 1)) / float(rows.shape[1]))
    found = reduced(stack(losses, 0), reduction)
    return reshape(found, ()) if single else found


@function(NORMALISATION, "CTCLoss", example="ctc_loss(log_softmax(x, -1), [1], [3], [1])")
def ctc_loss(
    log_probs: Floats,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: Whole = 0,
    reduction: str = "mean",
    zero_infinity: Flag = False,
    *,
    context: Context,
) -> Node:
    """Negative log probability of label sequences, summed over their alignments, from (time, samples, classes)."""
    if log_probs.ndim not in (2, 3):
        raise ShapeError(f"ctc_loss takes (time, samples, classes), and this has shape {show_shape(log_probs.shape)}")
    single = log_probs.ndim == 2
    scores = reshape(log_probs, (log_probs.shape[0], 1, log_probs.shape[1])) if single else log_probs
    if not scores.size:
        raise ShapeError(f"ctc_loss has nothing to work on in the shape {show_shape(log_probs.shape)}")
    longest, samples, classes = scores.shape
    if not 0 <= blank < classes:
        raise FormulaError(f"blank is the number of a class, from 0 to {classes - 1}, not {blank}")
    steps = _of_each_sample(context, input_lengths, samples, 1, longest, "an input length")
    check_pieces(sum(steps), "ctc_loss")
    numbers = context.compute(context.array(targets))
    most = numbers.shape[-1] if numbers.ndim else 0
    counts = _of_each_sample(context, target_lengths, samples, 0, most, "a target length")
    if numbers.ndim == 1 and sum(counts) <= numbers.size:
        ends = list(itertools.accumulate(counts))
        labels = [numbers[end - count : end].tolist() for end, count in zip(ends, counts, strict=True)]
    elif numbers.ndim == 2 and numbers.shape[0] == samples:
        labels = [row[:count].tolist() for row, count in zip(numbers, counts, strict=True)]
    else:
        raise ShapeError(
            f"ctc_loss: targets of shape {show_shape(numbers.shape)} are not those of {samples} samples with "
            f"lengths {sum(counts)} together",
            hint="targets are (samples, labels), or the labels of all samples in one row",
        )
    losses = [
        _of_sequence(part(scores, 1, place, 1), _class_numbers(own, classes, 0, "ctc_loss"), steps[place], blank)
        for place, own in enumerate(labels)
    ]
    total = stack(losses, 0)
    if zero_infinity:
        total = select(apply("isinf", total), 0.0, total)
    if reduction == "mean":
        total = total / context.floats(context.array([float(max(count, 1)) for count in counts]))
    found = reduced(total, reduction)
    return reshape(found, ()) if single else found


def _of_each_sample(context: Context, value: Any, samples: int, least: int, most: int, what: str) -> tuple[int, ...]:
    """A length for every sample, of one for all or of as many."""
    given = context.integers(value, what)
    given = given * samples if len(given) == 1 else given
    if len(given) != samples or not all(least <= length <= most for length in given):
        raise FormulaError(f"{what} of ctc_loss is from {least} to {most}, one for each of {samples} samples")
    return given


def _of_sequence(scores: Node, labels: list[int], steps: int, blank: int) -> Node:
    """The loss of one sample by the forward recursion over the labels with blanks between them."""
    states = [blank]
    for label in labels:
        states += [label, blank]
    count = len(states)
    skips = [i > 1 and states[i] != blank and states[i] != states[i - 2] for i in range(count)]
    numbers = integers(states)
    allowed = apply("equal", integers(map(int, skips)), constant(1, "int64"))
    first = apply("less", apply("iota", length=count), constant(2, "int64"))
    emitted = apply("take", transpose(reshape(scores, (scores.shape[0], scores.shape[2])), (1, 0)), numbers)

    def at(time: int) -> Node:
        return reshape(part(emitted, 1, time, 1), (count,))

    level = select(first, at(0), -math.inf)
    for time in range(1, steps):
        moved = [level, _shifted(level, 1), select(allowed, _shifted(level, 2), -math.inf)]
        level = apply("logsumexp", stack(moved, 0), axes=(0,)) + at(time)
    return apply("negative", apply("logsumexp", part(level, 0, max(count - 2, 0), min(count, 2)), axes=(0,)))


def _shifted(level: Node, by: int) -> Node:
    count = level.shape[0]
    by = min(by, count)
    return apply("concatenate", filled((by,), -math.inf, level.dtype), part(level, 0, 0, count - by), axis=0)
