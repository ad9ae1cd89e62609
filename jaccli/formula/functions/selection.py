"""Choosing between values, and holding them fixed."""

from __future__ import annotations

from typing import Any

from jaccli.errors import FormulaError
from jaccli.formula.arithmetic import operands
from jaccli.formula.functions.registry import Array, Floats, function, use
from jaccli.formula.values import Context, Value, as_mask, of_kind
from jaccli.graph.node import Node, apply, broadcast_to, constant

FAMILY = "Choice"
_HALF = "at a tie each argument gets half"


@function(FAMILY, "ITE", kinks="the branch that is not taken contributes exactly 0", example="where(x > 0, x, 0)")
def where(condition: Any, x: Any = None, y: Any = None, *, context: Context) -> Node:
    """Entry by entry the first value where the condition holds, else the second."""
    if x is None or y is None:
        raise FormulaError("where needs three arguments", hint="write where(condition, a, b)")
    chosen, other = operands(context, x, y)
    mask = as_mask(context, condition)
    if _has_point(mask):
        context.note(
            "a branch chosen by == or != on floats has no interior: the derivative there is that of the branch "
            "taken, which may not be the derivative of the function"
        )
    return apply("where", mask, chosen, other)


def _has_point(mask: Node) -> bool:
    """Whether a condition on floats tells single points apart: == or !=, also as a part of & | ~."""
    if mask.primitive.name in ("equal", "not_equal"):
        return any(argument.is_float for argument in mask.args)
    return mask.primitive.name.startswith("logical_") and any(_has_point(argument) for argument in mask.args)


@function(FAMILY, "Max", kinks=_HALF, example="maximum(x, 0)")
def maximum(x: Any, *others: Any, context: Context) -> Node:
    """The larger of two entries (or more)."""
    return _extreme(context, "maximum", x, others)


@function(FAMILY, "Min", kinks=_HALF, example="minimum(x, 1)")
def minimum(x: Any, *others: Any, context: Context) -> Node:
    """The smaller of two entries (or more)."""
    return _extreme(context, "minimum", x, others)


@function(FAMILY, kinks=_HALF, example="fmax(x, 0)")
def fmax(x: Any, y: Any, *, context: Context) -> Node:
    """The larger of two entries, the other one where one is NaN."""
    return _without_nan(context, "maximum", x, y)


@function(FAMILY, kinks=_HALF, example="fmin(x, 1)")
def fmin(x: Any, y: Any, *, context: Context) -> Node:
    """The smaller of two entries, the other one where one is NaN."""
    return _without_nan(context, "minimum", x, y)


def _without_nan(context: Context, name: str, x: Value, y: Value) -> Node:
    left, right = operands(context, x, y)
    if not left.is_float:
        return apply(name, left, right)
    both = apply("where", apply("isnan", right), left, apply(name, left, right))
    return apply("where", apply("isnan", left), right, both)


def _extreme(context: Context, name: str, first: Value, others: tuple[Value, ...]) -> Node:
    if not others:
        raise FormulaError(
            f"{name} compares two arrays, and one is given", hint=f"for the entries of one write {name[:3]}(x)"
        )
    total = first
    for other in others:
        left, right = operands(context, total, other)
        total = apply(name, left, right)
    return context.array(total)


@function(
    FAMILY,
    "clamp",
    kinks="on a bound the derivative stays with the entry: the interval is closed",
    example="clip(x, -1, 1)",
)
def clip(x: Array, min: Any = None, max: Any = None, *, context: Context) -> Node:
    """The entry, kept between two bounds; None is no bound."""
    if min is None and max is None:
        return x
    if x.dtype == "int64" and all(bound is None or not context.array(bound).is_float for bound in (min, max)):
        low_end = x if min is None else apply("maximum", x, context.array(min))
        return low_end if max is None else apply("minimum", low_end, context.array(max))
    low = -float("inf") if min is None else min
    high = float("inf") if max is None else max
    x = context.floats(x)
    return apply("clip", x, context.floats(low), context.floats(high))


@function(FAMILY, example="clamp_min(x, 0)")
def clamp_min(x: Array, min: Any, *, context: Context) -> Node:
    """The entry, not below a bound."""
    return clip(x, min, None, context=context)


@function(FAMILY, example="clamp_max(x, 0)")
def clamp_max(x: Array, max: Any, *, context: Context) -> Node:
    """The entry, not above a bound."""
    return clip(x, None, max, context=context)


@function(FAMILY, example="Piecewise((x, x > 0), (0, True))")
def Piecewise(*pairs: Any, context: Context) -> Node:
    """The value of the first pair (value, condition) whose condition holds."""
    return _cases([(pair[1], pair[0]) for pair in _pairs(pairs)], float("nan"), context)


@function(FAMILY, example="select([x < 0, x > 1], [0*x, x], 1)")
def select(condlist: Any, choicelist: Any, default: Any = 0, *, context: Context) -> Value:
    """The entry of the first array whose condition holds, else the default; x.select(axis, i) as PyTorch's method."""
    if isinstance(condlist, Node) and (context.is_torch or context.is_method):
        return use(context, "index_in_dim", condlist, default, choicelist, keepdims=False)
    if isinstance(condlist, Node) and context.dialect == "jax":
        return where(condlist, choicelist, default, context=context)
    if not isinstance(condlist, (list, tuple)) or not isinstance(choicelist, (list, tuple)):
        raise FormulaError(
            "select needs a list of conditions and a list of arrays", hint="select([c1, c2], [a1, a2], default)"
        )
    if len(condlist) != len(choicelist):
        raise FormulaError(f"select has {len(condlist)} conditions and {len(choicelist)} arrays")
    return _cases(list(zip(condlist, choicelist, strict=True)), default, context)


@function(FAMILY, example="piecewise(x, [x < 0, x > 1], [0*x, x, 1])")
def piecewise(x: Floats, condlist: Any, funclist: Any, *, context: Context) -> Node:
    """NumPy's piecewise, with values in place of functions: one a condition, and one more for the rest (0)."""
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) else [condlist]
    values = list(funclist) if isinstance(funclist, (list, tuple)) else [funclist]
    if len(values) not in (len(conditions), len(conditions) + 1):
        raise FormulaError(f"piecewise has {len(conditions)} conditions and {len(values)} values")
    default = values[-1] if len(values) > len(conditions) else 0
    chosen = _cases(list(zip(conditions, values, strict=False)), default, context)
    return broadcast_to(context.floats(chosen), x.shape)


def _pairs(pairs: tuple[Any, ...]) -> tuple[Any, ...]:
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise FormulaError("Piecewise takes pairs (value, condition)", hint="Piecewise((x, x > 0), (0, True))")
    return pairs


def _cases(cases: list[tuple[Value, Value]], default: Value, context: Context) -> Node:
    result: Value = default
    for condition, value in reversed(cases):
        if condition is True:
            result = value
        elif condition is not False:
            result = where(condition, value, result, context=context)
    return context.array(result)


@function(FAMILY, "Heaviside", kinks="a step: derivative 0, at the jump too", example="heaviside(x, 0.5)")
def heaviside(x: Floats, values: Any = 0.5, *, context: Context) -> Node:
    """0 below 0, 1 above, and the second argument at 0."""
    zero = constant(0.0, x.dtype)
    middle = apply("stop_gradient", context.floats(values))
    ones = apply("where", apply("less", zero, x), constant(1.0, x.dtype), zero)
    return apply("where", apply("equal", x, zero), middle, ones)


@function(FAMILY, kinks="0 at 0, as abs", example="copysign(x, y)")
def copysign(x: Floats, y: Floats) -> Node:
    """The size of the first entry with the sign of the second."""
    size = apply("abs", x)
    return apply("where", apply("signbit", y), apply("negative", size), size)


@function(FAMILY, kinks="0 where an entry was replaced", example="nan_to_num(x)")
def nan_to_num(x: Floats, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None) -> Node:
    """NaN becomes 0, infinities the largest numbers, or the numbers given."""
    largest = 1.7976931348623157e308 if x.dtype == "float64" else 3.4028234663852886e38
    ends = [
        constant(default if given is None else float(given), x.dtype)
        for given, default in ((nan, 0.0), (posinf, largest), (neginf, -largest))
    ]
    kept = apply("where", apply("isnan", x), ends[0], x)
    end = apply("where", apply("less", x, constant(0.0, x.dtype)), ends[2], ends[1])
    return apply("where", apply("isinf", x), end, kept)


@function(FAMILY, "detach", example="x*stop_gradient(x)")
def stop_gradient(x: Array) -> Node:
    """The value itself, held fixed: its derivative is 0."""
    return apply("stop_gradient", x)


@function(FAMILY, name="jax.clamp", example="jax.lax.clamp(0, x, 1)")
def jax_clamp(min: Any, x: Any, max: Any, *, context: Context) -> Node:
    """JAX's clamp, whose bounds stand on both sides of the array."""
    return clip(context.array(x), min, max, context=context)


@function(FAMILY, "Dropout", example="dropout(x, training=False)")
def dropout(x: Array, p: float = 0.5, training: bool = True, *, context: Context) -> Node:
    """The array itself with training=False or p=0; at random nothing can be differentiated."""
    if p == 0 or not context.static(training):
        return x
    raise FormulaError("dropout is random while training", hint="write training=False, or multiply by a mask")


@function(FAMILY, "cast", "asfarray", example="astype(x, float)")
def astype(x: Array, dtype: Any = None, *, context: Context) -> Node:
    """The array with another kind of entries."""
    return of_kind(context, x, dtype)
