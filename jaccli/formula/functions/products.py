"""Products and contractions: matmul in all ranks, dot, outer, cross, kron, tensordot, einsum."""

from __future__ import annotations

import itertools
from typing import Any

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.diagonals import diagonal
from jaccli.formula.functions.registry import Array, Floats, Whole, call, find, function
from jaccli.formula.functions.shaping import part
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, cast, filled, reshape, show_shape, transpose
from jaccli.graph.primitive import normal_axis
from jaccli.graph.primitives.contraction import contract

FAMILY = "Products and contractions"


@function(FAMILY, "mm", "bmm", "mv", "mtimes", "matvec", example="W @ x")
def matmul(a: Array, b: Array) -> Node:
    """Matrix product, as @: vectors, matrices and stacks of them."""
    a, b = _numbers(a), _numbers(b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(
            f"@ multiplies vectors and matrices, and shapes {show_shape(a.shape)} and {show_shape(b.shape)} meet here",
            hint="for a product of numbers write *",
        )
    if a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ShapeError(
            f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for @: "
            f"{a.shape[-1]} columns meet {b.shape[max(b.ndim - 2, 0)]} rows",
            hint=_transpose_hint(a, b),
        )
    return _stacked(a, b)


def _transpose_hint(a: Node, b: Node) -> str | None:
    if b.ndim == 2 and a.shape[-1] == b.shape[-1]:
        return "the second transposed would fit: a @ b.T"
    if a.ndim == 2 and b.shape[max(b.ndim - 2, 0)] == a.shape[0]:
        return "the first transposed would fit: a.T @ b"
    return None


def _numbers(x: Node) -> Node:
    return cast(x, "int64") if x.dtype == "bool" else x


def _stacked(a: Node, b: Node) -> Node:
    """The contraction, with stacking axes broadcast: labels count from the right, -1 the shared axis."""
    row, shared, column = -3, -1, -2
    stack_a, stack_b = a.shape[:-2], b.shape[:-2]
    rank = max(len(stack_a), len(stack_b))
    left = [*range(rank - len(stack_a), rank), *([row, shared] if a.ndim > 1 else [shared])]
    right = [*range(rank - len(stack_b), rank), *([shared, column] if b.ndim > 1 else [shared])]
    lengths_a = dict(zip(left, a.shape, strict=True))
    lengths_b = dict(zip(right, b.shape, strict=True))
    for label in range(rank):
        one, two = lengths_a.get(label, 1), lengths_b.get(label, 1)
        if one != two and 1 not in (one, two):
            raise ShapeError(f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for @: stacks differ")
    a, left = _drop_single(a, left)
    b, right = _drop_single(b, right)
    single = [label for label in range(rank) if label not in left and label not in right]
    kept = [label for label in range(rank) if label not in single]
    out = [*kept, *([row] if row in left else []), *([column] if column in right else [])]
    names = {label: number for number, label in enumerate(dict.fromkeys((*left, *right)))}
    product = contract(a, b, [names[n] for n in left], [names[n] for n in right], [names[n] for n in out])
    if not single:
        return product
    lengths = iter(product.shape)
    shape = [1 if label in single else next(lengths) for label in range(rank)]
    return reshape(product, (*shape, *lengths))


def _drop_single(x: Node, labels: list[int]) -> tuple[Node, list[int]]:
    """x without its stacking axes of length 1: the other operand says how long they are."""
    kept = [axis for axis, label in enumerate(labels) if label < 0 or x.shape[axis] != 1]
    return reshape(x, tuple(x.shape[axis] for axis in kept)), [labels[axis] for axis in kept]


@function(FAMILY, example="dot(a, b)")
def dot(a: Array, b: Array) -> Node:
    """NumPy's dot: inner product of vectors, matrix product of matrices, product with numbers."""
    a, b = _numbers(a), _numbers(b)
    if a.ndim == 0 or b.ndim == 0:
        return apply("multiply", a, b)
    shared = b.ndim - 2 if b.ndim > 1 else 0
    if a.shape[-1] != b.shape[shared]:
        raise ShapeError(f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit for dot")
    return tensor_product(a, b, [a.ndim - 1], [shared])


def tensor_product(a: Node, b: Node, axes_a: list[int], axes_b: list[int]) -> Node:
    """Summed over pairs of axes; the rest of a's axes, then of b's."""
    left = list(range(a.ndim))
    right = [a.ndim + axis for axis in range(b.ndim)]
    for one, two in zip(axes_a, axes_b, strict=True):
        if a.shape[one] != b.shape[two]:
            raise ShapeError(
                f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit: "
                f"axes of length {a.shape[one]} and {b.shape[two]} meet"
            )
        right[two] = left[one]
    out = [n for axis, n in enumerate(left) if axis not in axes_a]
    out += [n for axis, n in enumerate(right) if axis not in axes_b]
    return contract(a, b, left, right, out)


@function(FAMILY, example="inner(a, b)")
def inner(a: Array, b: Array) -> Node:
    """Sum of products over the last axes."""
    a, b = _numbers(a), _numbers(b)
    if a.ndim == 0 or b.ndim == 0:
        return apply("multiply", a, b)
    return tensor_product(a, b, [a.ndim - 1], [b.ndim - 1])


@function(FAMILY, example="vdot(a, b)")
def vdot(a: Array, b: Array) -> Node:
    """Sum of products of all entries."""
    return inner(reshape(a, (a.size,)), reshape(b, (b.size,)))


@function(FAMILY, example="vecdot(a, b)")
def vecdot(a: Array, b: Array, axis: Whole = -1) -> Node:
    """Sum of products over one axis, the others broadcast."""
    product = apply("multiply", _numbers(a), _numbers(b))
    return apply("sum", product, axes=(normal_axis(axis, product.ndim),))


@function(FAMILY, example="vecmat(x, A)")
def vecmat(a: Array, b: Array) -> Node:
    """Row vectors times matrices."""
    if a.ndim == 0:
        raise ShapeError("vecmat needs a row vector, and this is a number")
    product = matmul(reshape(a, (*a.shape[:-1], 1, a.shape[-1])), b)
    return reshape(product, (*product.shape[:-2], product.shape[-1]))


@function(FAMILY, "ger", example="outer(a, b)")
def outer(a: Array, b: Array) -> Node:
    """Every product of an entry of the first with one of the second."""
    return contract(_numbers(reshape(a, (a.size,))), _numbers(reshape(b, (b.size,))), [0], [1], [0, 1])


@function(FAMILY, example="cross(a, b)")
def cross(a: Array, b: Array, axis: Whole = -1) -> Node:
    """Cross product of vectors of length 3 (or 2) along an axis."""
    a, b = _to_last(a, axis), _to_last(b, axis)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ShapeError(
            f"cross needs vectors of length 3, and shapes {show_shape(a.shape)} and {show_shape(b.shape)} meet"
        )
    if a.shape[-1] == b.shape[-1] == 2:
        return apply("subtract", _times(a, 0, b, 1), _times(a, 1, b, 0))
    components = []
    for one, two in ((1, 2), (2, 0), (0, 1)):
        components.append(apply("subtract", _times(a, one, b, two), _times(a, two, b, one)))
    wide = [reshape(c, (*c.shape, 1)) for c in components]
    joined = apply("concatenate", *wide, axis=wide[0].ndim - 1)
    place = normal_axis(axis, joined.ndim)
    order = list(range(joined.ndim - 1))
    order.insert(place, joined.ndim - 1)
    return transpose(joined, order)


def _to_last(x: Node, axis: int) -> Node:
    x = _numbers(x)
    place = normal_axis(axis, x.ndim)
    return transpose(x, (*(a for a in range(x.ndim) if a != place), place))


def _times(a: Node, i: int, b: Node, j: int) -> Node:
    """a[..., i] * b[..., j], a third component that is missing being 0."""

    def component(x: Node, position: int) -> Node:
        if position >= x.shape[-1]:
            return _zero(x)
        return reshape(part(x, x.ndim - 1, position, 1), x.shape[:-1])

    return apply("multiply", component(a, i), component(b, j))


def _zero(x: Node) -> Node:
    return filled(x.shape[:-1], 0.0 if x.is_float else 0, x.dtype)


@function(FAMILY, "kronecker_product", example="kron(A, B)")
def kron(a: Array, b: Array) -> Node:
    """Kronecker product."""
    a, b = _numbers(a), _numbers(b)
    rank = max(a.ndim, b.ndim)
    a = reshape(a, (*(1,) * (rank - a.ndim), *a.shape))
    b = reshape(b, (*(1,) * (rank - b.ndim), *b.shape))
    out = [n for axis in range(rank) for n in (axis, rank + axis)]
    product = contract(a, b, list(range(rank)), list(range(rank, 2 * rank)), out)
    return reshape(product, tuple(m * n for m, n in zip(a.shape, b.shape, strict=True)))


@function(FAMILY, example="tensordot(A, B, axes=1)")
def tensordot(a: Array, b: Array, axes: Any = 2, *, context: Context) -> Node:
    """Sum of products over pairs of axes."""
    a, b = _numbers(a), _numbers(b)
    if isinstance(axes, (list, tuple)):
        if len(axes) != 2:
            raise FormulaError("axes of tensordot is a number or a pair of lists")
        first = [normal_axis(axis, a.ndim) for axis in context.integers(axes[0], "axes")]
        second = [normal_axis(axis, b.ndim) for axis in context.integers(axes[1], "axes")]
    else:
        count = context.integer(axes, "axes of tensordot")
        if not 0 <= count <= min(a.ndim, b.ndim):
            raise ShapeError(
                f"tensordot cannot sum over {count} axes of {show_shape(a.shape)} and {show_shape(b.shape)}"
            )
        first, second = list(range(a.ndim - count, a.ndim)), list(range(count))
    if len(first) != len(second):
        raise ShapeError("tensordot needs as many axes of the one as of the other")
    return tensor_product(a, b, first, second)


@function(FAMILY, "chain_matmul", example="multi_dot([A, B, C])")
def multi_dot(arrays: Any, *more: Any, context: Context) -> Node:
    """Product of several matrices, from left to right."""
    listed = list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]
    nodes = [context.array(item) for item in (*listed, *more)]
    if len(nodes) < 2:
        raise FormulaError("multi_dot multiplies several matrices, and one is given", hint="write multi_dot([A, B, C])")
    total = nodes[0]
    for node in nodes[1:]:
        total = matmul(total, node)
    return total


@function(FAMILY, example="einsum('ij,jk->ik', A, B)")
def einsum(subscripts: Any, *operands: Any, context: Context) -> Node:
    """Sum of products over axes with equal letters, in full: ellipsis, repeated letters, any number of arrays.

    The letters may also stand as lists of numbers after each array: einsum(A, [0, 1], B, [1, 2], [0, 2]).
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists(context, (subscripts, *operands))
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    nodes = [_numbers(context.array(operand)) for operand in operands]
    if any(node.is_float for node in nodes):
        nodes = [context.floats(node) for node in nodes]
    terms, result = _read_subscripts(subscripts, nodes)
    pairs = [_distinct(node, term, subscripts) for node, term in zip(nodes, terms, strict=True)]
    _check_lengths(pairs, subscripts)
    pairs = [_without_ones(node, term, pairs) for node, term in pairs]
    while len(pairs) > 1:
        first, second = _cheapest(pairs, result)
        rest = [pair for position, pair in enumerate(pairs) if position not in (first, second)]
        needed = set(result).union(*(term for _, term in rest))
        pairs = [*rest, _contract_pair(pairs[first], pairs[second], needed, result)]
    return _finish(*pairs[0], result)


Term = tuple[str, ...]


def _from_lists(context: Context, values: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The letters and arrays of einsum(A, [0, 1], B, [1, 2], [0, 2])."""

    def letters(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            raise FormulaError(
                "einsum needs its subscripts: a text first, or a list of numbers after each array",
                hint="einsum('ij,jk->ik', A, B) or einsum(A, [0, 1], B, [1, 2], [0, 2])",
            )
        return "".join("..." if item is Ellipsis else letter(item) for item in value)

    def letter(value: Any) -> str:
        number = context.integer(value, "a subscript of einsum")
        if not 0 <= number < len(_LETTERS):
            raise FormulaError(f"the subscripts of einsum are numbers from 0 to {len(_LETTERS) - 1}, not {number}")
        return _LETTERS[number]

    pairs = len(values) // 2
    text = ",".join(letters(values[2 * place + 1]) for place in range(pairs))
    if len(values) % 2:
        text = f"{text}->{letters(values[-1])}"
    return text, values[0 : 2 * pairs : 2]


def _read_subscripts(subscripts: str, nodes: list[Node]) -> tuple[list[Term], Term]:
    """The letters of every operand and of the result; axes under an ellipsis become letters of their own."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(nodes):
        raise FormulaError(f"einsum: {subscripts!r} has {len(terms)} operands, and {len(nodes)} arrays are given")
    wrong = set(text.replace("->", "").replace(",", "").replace("...", "")) - set(_LETTERS)
    if wrong:
        raise FormulaError(f"einsum: {min(wrong)!r} is no letter, in {subscripts!r}")
    hidden = max(
        (node.ndim - len(term.replace("...", "")) for term, node in zip(terms, nodes, strict=True) if "..." in term),
        default=0,
    )
    read = [_letters(term, node, hidden, subscripts) for term, node in zip(terms, nodes, strict=True)]
    dots = tuple(f".{i}" for i in range(hidden))
    if not arrow:
        counts = {letter: sum(term.count(letter) for term in read) for term in read for letter in term}
        return read, (*dots, *sorted(n for n, number in counts.items() if number == 1 and not n.startswith(".")))
    head, ellipsis, tail = output.partition("...")
    result = (*head, *dots, *tail) if ellipsis else tuple(head)
    unknown = [letter for letter in result if all(letter not in term for term in read)]
    if unknown and not unknown[0].startswith("."):
        raise FormulaError(f"einsum: the output letter {unknown[0]} stands in no operand, in {subscripts!r}")
    if len(set(result)) < len(result):
        raise FormulaError(f"einsum: an output letter stands twice, in {subscripts!r}")
    return read, result


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _letters(term: str, node: Node, hidden: int, subscripts: str) -> Term:
    head, ellipsis, tail = term.partition("...")
    covered = node.ndim - len(head) - len(tail)
    if covered < 0 or (covered and not ellipsis):
        raise ShapeError(f"einsum: {term!r} does not fit an array of shape {show_shape(node.shape)}, in {subscripts!r}")
    dots = [f".{i}" for i in range(hidden - covered, hidden)] if ellipsis else []
    return (*head, *dots, *tail)


def _distinct(node: Node, term: Term, subscripts: str) -> tuple[Node, Term]:
    """Repeated letters of one operand replaced by their diagonal."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            one = term.index(letter)
            two = term.index(letter, one + 1)
            if node.shape[one] != node.shape[two]:
                raise ShapeError(
                    f"einsum: axes of length {node.shape[one]} and {node.shape[two]} share {letter}, in {subscripts!r}"
                )
            node = diagonal(node, 0, one, two)
            term = (*(n for axis, n in enumerate(term) if axis not in (one, two)), letter)
    return node, term


def _check_lengths(pairs: list[tuple[Node, Term]], subscripts: str) -> None:
    lengths: dict[str, int] = {}
    for node, term in pairs:
        for letter, length in zip(term, node.shape, strict=True):
            known = lengths.setdefault(letter, length)
            if known == 1:
                lengths[letter] = length
            elif length not in (1, known):
                raise ShapeError(f"einsum: {letter} stands for lengths {known} and {length}, in {subscripts!r}")


def _without_ones(node: Node, term: Term, pairs: list[tuple[Node, Term]]) -> tuple[Node, Term]:
    """Axes of length 1 dropped where another operand has the letter at full length."""
    longest = {letter: max(n.shape[t.index(letter)] for n, t in pairs if letter in t) for letter in term}
    kept = [axis for axis, letter in enumerate(term) if node.shape[axis] == longest[letter]]
    return reshape(node, tuple(node.shape[axis] for axis in kept)), tuple(term[axis] for axis in kept)


def _cheapest(pairs: list[tuple[Node, Term]], result: Term) -> tuple[int, int]:
    """The two operands to multiply next: the pair with the smallest product, as opt_einsum's greedy order."""

    def cost(choice: tuple[int, int]) -> tuple[int, int]:
        lengths: dict[str, int] = {}
        for position in choice:
            node, term = pairs[position]
            lengths.update(zip(term, node.shape, strict=True))
        others = set(result).union(*(t for p, (_, t) in enumerate(pairs) if p not in choice))
        work, size = 1, 1
        for letter, length in lengths.items():
            work *= length
            size *= length if letter in others else 1
        return size - sum(pairs[p][0].size for p in choice), work

    return min(itertools.combinations(range(len(pairs)), 2), key=cost)


def _contract_pair(
    first: tuple[Node, Term], second: tuple[Node, Term], needed: set[str], result: Term
) -> tuple[Node, Term]:
    """The product over the letters that nobody needs any more, its axes in the order of the result."""
    (a, left), (b, right) = first, second
    out = tuple(n for n in dict.fromkeys((*result, *left, *right)) if n in needed and n in (*left, *right))
    names = {letter: number for number, letter in enumerate(dict.fromkeys((*left, *right)))}
    product = contract(a, b, [names[n] for n in left], [names[n] for n in right], [names[n] for n in out])
    return product, out


def _finish(node: Node, term: Term, result: Term) -> Node:
    summed = tuple(axis for axis, letter in enumerate(term) if letter not in result)
    if summed:
        node = apply("sum", node, axes=summed)
        term = tuple(letter for letter in term if letter in result)
    missing = [letter for letter in result if letter not in term]
    if missing:
        node = reshape(node, (*(1,) * len(missing), *node.shape))
        term = (*missing, *term)
    return transpose(node, tuple(term.index(letter) for letter in result))


def _added(name: str, product: str, doc: str) -> None:
    def build(x: Floats, a: Floats, b: Floats, beta: Any = 1, alpha: Any = 1, *, context: Context) -> Node:
        made = context.array(call(find(product)[0], context, [a, b], {}))
        scaled = context.floats(alpha) * made
        if isinstance(beta, (int, float)) and beta == 0:
            return scaled  # PyTorch leaves x out then, even a NaN
        return context.floats(beta) * x + scaled

    build.__doc__ = doc
    function(FAMILY, name=name, example=f"{name}(x, a, b)")(build)


_added("addmm", "matmul", "beta*x + alpha*(a @ b).")
_added("addmv", "matmul", "beta*x + alpha*(a @ b) for a matrix and a vector.")
_added("baddbmm", "matmul", "beta*x + alpha*(a @ b) for stacks of matrices.")
_added("addr", "outer", "beta*x + alpha*outer(a, b).")
