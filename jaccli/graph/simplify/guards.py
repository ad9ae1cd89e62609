"""Rules for what the raw derivative takes care of: points without a derivative, and digits that a plain formula loses.

Each rule here takes something for granted, and says what.
"""

from __future__ import annotations

from jaccli.graph.node import Node, apply, broadcast_to, constant, filled, reshape, transpose
from jaccli.graph.simplify.rule import REGULAR, Rule, is_a, times, uniform_number


def _on_domain(node: Node) -> Node | None:
    return broadcast_to(node.args[0], node.shape)


def _tested(condition: Node) -> Node | None:
    """The node t of `t != 0`."""
    if is_a(condition, "logical_not") and is_a(condition.args[0], "equal"):
        condition = condition.args[0]
    elif not is_a(condition, "not_equal"):
        return None
    first, second = condition.args
    return first if uniform_number(second) == 0.0 else None


def _zero_guard(node: Node) -> Node | None:
    """where(t != 0, e, 0) as e, where e has t as a factor or a divisor."""
    condition, chosen, other = node.args
    tested = _tested(condition)
    if tested is None or uniform_number(other) != 0.0:
        return None
    length = tested
    while is_a(length, "reshape", "broadcast_to"):
        length = length.args[0]
    drops = is_a(length, "norm", "hypot") or tested in _factors(chosen)
    return broadcast_to(chosen, node.shape) if drops else None


def _factors(node: Node) -> set[Node]:
    found: set[Node] = set()
    stack = [node]
    while stack and len(found) < 32:
        part = stack.pop()
        if is_a(part, "broadcast_to", "reshape"):
            stack.append(part.args[0])
        if part in found:
            continue
        found.add(part)
        if is_a(part, "multiply", "divide", "negative"):
            stack.extend(part.args)
        elif is_a(part, "power"):
            found.update(part.args)
    return found


def _weight_guard(node: Node) -> Node | None:
    """The slope of a**b in a, or of a weight times a value in the value: the formula where it is finite."""
    condition, chosen, other = node.args
    if not is_a(condition, "logical_or") or uniform_number(other) != 0.0:
        return None
    tests = [part for part in condition.args if is_a(part, "not_equal") and uniform_number(part.args[1]) == 0.0]
    drops = any(part.args[0] in _factors(chosen) for part in tests)
    return broadcast_to(chosen, node.shape) if drops else None


def _power_guard(node: Node) -> Node | None:
    """The slope of a**b in b: the formula for a base that is not 0."""
    condition, chosen, other = node.args
    if not is_a(condition, "equal") or uniform_number(condition.args[1]) != 0.0 or not is_a(chosen, "where"):
        return None
    logs = [part for part in _factors(other) if is_a(part, "log") and part.args[0] is condition.args[0]]
    return broadcast_to(other, node.shape) if logs else None


def _tie_guard(node: Node) -> Node | None:
    """sigmoid(where(a == b, 0, a - b)), which keeps two equal infinities apart from NaN."""
    condition, chosen, other = node.args
    if not is_a(condition, "equal") or uniform_number(chosen) != 0.0 or not is_a(other, "subtract"):
        return None
    return broadcast_to(other, node.shape) if set(condition.args) == set(other.args) else None


def _tanh_slope(node: Node) -> Node | None:
    one = constant(1.0, node.dtype)
    return apply("subtract", one, apply("power", apply("tanh", node.args[0]), constant(2.0, node.dtype)))


def _exp_square(node: Node) -> Node | None:
    square = apply("power", node.args[0], constant(2.0, node.dtype))
    scale = node.params["scale"]
    return apply("exp", apply("negative", square) if scale == -1.0 else times(constant(scale, node.dtype), square))


def _sigmoid_slope(node: Node) -> Node | None:
    a, b = node.args
    for one, other in ((a, b), (b, a)):
        if not (is_a(one, "sigmoid") and is_a(other, "sigmoid")):
            continue
        if is_a(other.args[0], "negative") and other.args[0].args[0] is one.args[0]:
            return times(one, apply("subtract", constant(1.0, node.dtype), one))
    return None


def _softmax_limit(node: Node) -> Node | None:
    return apply("softmax", node.args[0], axes=node.params["axes"], limit=False) if node.params["limit"] else None


def _cofactor(node: Node) -> Node | None:
    (matrix,) = node.args
    if matrix.ndim != 2:
        return None
    return times(apply("det", matrix), transpose(apply("inv", matrix), (1, 0)))


def _inverse_transpose(node: Node) -> Node | None:
    (matrix,) = node.args
    return transpose(apply("inv", matrix), (1, 0)) if matrix.ndim == 2 else None


def _over_determinant(node: Node) -> Node | None:
    """det(X)*A/det(X) as A."""
    over, under = node.args
    if not is_a(under, "det"):
        return None
    rest = _without(over, under)
    return None if rest is None else broadcast_to(rest, node.shape)


def _over_absolute(node: Node) -> Node | None:
    """sign(x)*y/abs(x) as y/x."""
    over, under = node.args
    if not is_a(under, "abs"):
        return None
    rest = _without(over, apply("sign", under.args[0]))
    return None if rest is None else broadcast_to(apply("divide", rest, under.args[0]), node.shape)


_POSITIVE = ("softmax", "exp", "sigmoid")
_NO_UNDERFLOW = "exponentials and probabilities that are divided by are not so small that they round to 0"


def _over_positive(node: Node) -> Node | None:
    """x*exp(y)/exp(y) as x."""
    over, under = node.args
    if not is_a(under, *_POSITIVE):
        return None
    rest = _without(over, under)
    return None if rest is None else broadcast_to(rest, node.shape)


def _times_quotient(node: Node) -> Node | None:
    """exp(x)*(y - z/exp(x)) as exp(x)*y - z."""
    a, b = node.args
    for factor, total in ((a, b), (b, a)):
        if not is_a(factor, *_POSITIVE) or not is_a(total, "add", "subtract") or factor.shape != node.shape:
            continue
        if not any(is_a(part, "divide") and part.args[1] is factor for part in total.args):
            continue
        parts = [
            part.args[0] if is_a(part, "divide") and part.args[1] is factor else times(part, factor)
            for part in total.args
        ]
        return broadcast_to(total.primitive(*parts), node.shape)
    return None


def _over_quotient(node: Node) -> Node | None:
    """x/(x/y)/y as 1, and x**2/(x/y)/y as x."""
    inner, last = node.args
    if not (is_a(inner, "divide") and is_a(inner.args[1], "divide") and inner.args[1].args[1] is last):
        return None
    over, under = inner.args[0], inner.args[1].args[0]
    if is_a(over, "power") and over.args[0] is under and uniform_number(over.args[1]) == 2.0:
        return broadcast_to(under, node.shape)
    rest = _without(over, under)
    return None if rest is None else broadcast_to(rest, node.shape)


def _without(over: Node, factor: Node) -> Node | None:
    """A product without one of its factors."""
    if over is factor:
        return constant(1.0, over.dtype)
    if not is_a(over, "multiply"):
        return None
    first, second = over.args
    for one, other in ((first, second), (second, first)):
        if one is factor:
            return other
    for place, part in enumerate(over.args):
        rest = _without(part, factor) if is_a(part, "multiply") else None
        if rest is not None:
            return times(rest, second) if place == 0 else times(first, rest)
    return None


def _sign_guard(node: Node) -> Node | None:
    """where(sign of det(X) < 0, 0, e), the slope of logdet."""
    condition, chosen, other = node.args
    if not is_a(condition, "less") or not is_a(condition.args[0], "det_sign") or uniform_number(chosen) != 0.0:
        return None
    return broadcast_to(other, node.shape)


def _product_of_others(node: Node) -> Node | None:
    """The products of all entries but the own one."""
    a, b = node.args
    if not (is_a(a, "exclusive_cumprod") and is_a(b, "exclusive_cumprod")) or a.args != b.args:
        return None
    if a.params["reverse"] == b.params["reverse"]:
        return None
    (x,) = a.args
    product = apply("prod", x, axes=(x.ndim - 1,))
    return apply("divide", reshape(product, (*x.shape[:-1], 1)), x)


def _shift(node: Node) -> Node | None:
    """logsumexp(x - s) as logsumexp(x) - s, and softmax(x - s) as softmax(x), where s does not vary along the axes."""
    (inner,) = node.args
    if not is_a(inner, "subtract"):
        return None
    x, offset = inner.args
    lined_up = (*(1,) * (inner.ndim - offset.ndim), *offset.shape)
    axes = node.params["axes"]
    if x.shape != inner.shape or any(lined_up[axis] != 1 for axis in axes):
        return None
    bare = node.primitive(x, **node.params)
    if is_a(node, "softmax"):
        return bare
    kept = tuple(length for axis, length in enumerate(lined_up) if axis not in axes)
    return apply("subtract", bare, reshape(offset, kept))


def _deviations(node: Node) -> Node | None:
    """sum(x - mean(x)) as 0."""
    (inner,) = node.args
    if not is_a(inner, "subtract"):
        return None
    x, average = inner.args
    while is_a(average, "reshape", "broadcast_to"):
        average = average.args[0]
    if not is_a(average, "divide"):
        return None
    total, count = average.args
    while is_a(total, "reshape"):
        total = total.args[0]
    axes = node.params["axes"]
    is_mean = is_a(total, "sum") and total.args[0] is x and total.params["axes"] == axes
    size = 1
    for axis in axes:
        size *= x.shape[axis]
    return filled(node.shape, 0.0, node.dtype) if is_mean and uniform_number(count) == size else None


RULES = (
    Rule(
        "domain guard",
        "jaccli.on_domain(slope, y) → slope",
        ("on_domain",),
        _on_domain,
        "maximum(x, y)",
        "every function is taken where it has a value",
    ),
    Rule(
        "zero guard",
        "where(t != 0, x/t, 0) → x/t",
        ("where",),
        _zero_guard,
        "norm(x)",
        "norms and other divisors are not 0",
    ),
    Rule(
        "weight guard",
        "where((t != 0) | (…), t*x, 0) → t*x",
        ("where",),
        _weight_guard,
        "sum(x**y)",
        "the base of a power is not 0, and a value with a weight of 0 is finite",
    ),
    Rule(
        "power guard",
        "where(x == 0, …, x**y*log(x)) → x**y*log(x)",
        ("where",),
        _power_guard,
        "sum(x**y)",
        "the base of a power is not 0",
    ),
    Rule(
        "tie guard", "where(x == y, 0, x - y) → x - y", ("where",), _tie_guard, "logaddexp(x, y)", "no infinite entries"
    ),
    Rule(
        "tanh",
        "jaccli.tanh_slope(x) → 1 - tanh(x)**2",
        ("tanh_slope",),
        _tanh_slope,
        "tanh(x)",
        "1 - tanh(x)**2 loses digits for x beyond 10 or so",
    ),
    Rule("normal density", "jaccli.exp_square(x, scale=-1.0) → exp(-x**2)", ("exp_square",), _exp_square, "erf(x)"),
    Rule(
        "logistic slope",
        "sigmoid(x)*sigmoid(-x) → sigmoid(x)*(1 - sigmoid(x))",
        ("multiply",),
        _sigmoid_slope,
        "sigmoid(x)",
        "1 - sigmoid(x) loses digits for large x",
    ),
    Rule(
        "softmax",
        "jaccli.softmax(x, limit=True) → softmax(x)",
        ("softmax",),
        _softmax_limit,
        "logsumexp(x)",
        "no infinite entries",
    ),
    Rule("cofactors", "jaccli.cofactor(X) → det(X)*inv(X).T", ("cofactor",), _cofactor, "det(A)", REGULAR),
    Rule(
        "inverse transpose",
        "jaccli.inverse_transpose(X) → inv(X).T",
        ("inverse_transpose",),
        _inverse_transpose,
        "logdet(A)",
        REGULAR,
    ),
    Rule(
        "sign guard",
        "where(sign of det(X) < 0, 0, x) → x",
        ("where",),
        _sign_guard,
        "logdet(A)",
        "logdet is taken of matrices with a positive determinant",
    ),
    Rule(
        "product of the others",
        "product of all entries but one → prod(x)/x",
        ("multiply",),
        _product_of_others,
        "prod(x)",
        "no entry of a product is 0",
    ),
    Rule(
        "shift",
        "logsumexp(x - s) → logsumexp(x) - s, softmax(x - s) → softmax(x)",
        ("logsumexp", "softmax"),
        _shift,
        "log_softmax(x)",
        "no infinite entries",
    ),
    Rule("deviations", "sum(x - mean(x)) → 0", ("sum",), _deviations, "sum(x - mean(x))"),
    Rule(
        "over the absolute value",
        "sign(x)*y/abs(x) → y/x",
        ("divide",),
        _over_absolute,
        "log(abs(x))",
        "norms and other divisors are not 0",
    ),
    Rule(
        "over an exponential",
        "x*exp(y)/exp(y) → x, softmax and sigmoid likewise",
        ("divide",),
        _over_positive,
        "x*exp(y)/exp(y)",
        _NO_UNDERFLOW,
    ),
    Rule(
        "exponential times a quotient",
        "exp(x)*(y - z/exp(x)) → exp(x)*y - z, softmax and sigmoid likewise",
        ("multiply",),
        _times_quotient,
        "exp(x)*(y - z/exp(x))",
        _NO_UNDERFLOW,
    ),
    Rule(
        "over a quotient",
        "x/(x/y)/y → 1, x**2/(x/y)/y → x",
        ("divide",),
        _over_quotient,
        "sum(x*log(x/y))",
        "norms and other divisors are not 0",
    ),
    Rule("over the determinant", "det(X)*A/det(X) → A", ("divide",), _over_determinant, "log(det(A))", REGULAR),
)
