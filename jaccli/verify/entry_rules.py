"""How the primitives that are not element-wise make their entries, from the textbook definition of each."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from jaccli.graph.node import Node, size_of
from jaccli.verify.elements import WORKING_DIGITS, Element, NotWrittenError, Operation, fixed, slots
from jaccli.verify.writing import Rule, Writer, combine, combine_all, elements_of, shaped

Array = NDArray[Any]

_LARGEST_DETERMINANT = 7


def _numpy(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    """For rows whose numeric rule only moves entries, whatever they are."""
    return np.asarray(node.primitive.numeric(*arrays, **node.params), object)


def _zeros(shape: tuple[int, ...]) -> Array:
    return np.full(shape, fixed(0.0), object)


def _unslice(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    positions = np.arange(size_of(node.shape)).reshape(node.shape)
    taken = _slice_of(positions, node.params["bounds"])
    whole = _zeros((size_of(node.shape),))
    whole[taken.ravel()] = arrays[0].ravel()
    return whole.reshape(node.shape)


def _slice_of(array: Array, bounds: Any) -> Array:
    for axis, (first, count, step) in enumerate(bounds):
        array = np.take(array, first + step * np.arange(count), axis=axis)
    return array


def _cast(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    if node.is_float and node.args[0].is_float:
        return arrays[0]
    make = {"float64": _as_float, "float32": _as_float, "int64": _as_integer, "bool": _as_truth}[node.dtype]
    return shaped([make(element) for element in arrays[0].ravel().tolist()], node.shape)


def _as_float(element: Element) -> Element:
    number = element.number
    if number.is_Boolean:
        return fixed(1.0 if number == sympy.true else 0.0)
    return Element(None, (), False, sympy.Float(number, WORKING_DIGITS) if number.is_Integer else number)


def _as_integer(element: Element) -> Element:
    return fixed(int(_as_float(element).number))


def _as_truth(element: Element) -> Element:
    return fixed(element.number not in (0, sympy.false))


def _indices(array: Array) -> Array:
    return np.array([int(element.number) for element in array.ravel().tolist()], np.int64).reshape(array.shape)


def _check_index(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return elements_of(_indices(arrays[0]) % max(node.params["size"], 1))


def _take(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return np.take(arrays[0], _indices(arrays[1]), axis=0)


def _scatter_add(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    rest = node.shape[1:]
    index = _indices(arrays[1]).ravel()
    rows = arrays[0].reshape(len(index), size_of(rest))
    return shaped(
        [
            _sum_of([row[column] for row, target in zip(rows, index, strict=True) if target == place], node)
            for place in range(node.shape[0])
            for column in range(size_of(rest))
        ],
        node.shape,
    )


def _sum_of(entries: list[Element], node: Node) -> Element:
    if node.dtype == "bool":
        return combine_all("logical_or", entries) if entries else fixed(False)
    return combine_all("add", entries) if entries else fixed(0.0)


def _groups(array: Array, axes: tuple[int, ...]) -> list[list[Element]]:
    """The entries that each result of a reduction sees."""
    others = tuple(axis for axis in range(array.ndim) if axis not in axes)
    kept = tuple(array.shape[axis] for axis in others)
    merged = np.transpose(array, (*others, *axes)).reshape(size_of(kept), -1 if array.size else 0)
    return [list(group) for group in merged]


def _reduction(combination: str, neutral: float | bool | None) -> Rule:
    def rule(writer: Writer, node: Node, arrays: list[Array]) -> Array:
        entries = []
        for group in _groups(arrays[0], node.params["axes"]):
            empty = [] if neutral is None else [fixed(neutral)]
            entries.append(combine_all(combination, group or empty))
        return shaped(entries, node.shape)

    return rule


def _sum(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return shaped([_sum_of(group, node) for group in _groups(arrays[0], node.params["axes"])], node.shape)


def _norm(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    groups = _groups(arrays[0], node.params["axes"])
    sums = (_sum_of([combine("multiply", entry, entry) for entry in group], node) for group in groups)
    return shaped([combine("sqrt", total) for total in sums], node.shape)


def _exponentials(group: list[Element]) -> list[Element]:
    return [combine("exp", entry) for entry in group]


def _logsumexp(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    groups = _groups(arrays[0], node.params["axes"])
    return shaped([combine("log", _sum_of(_exponentials(group), node)) for group in groups], node.shape)


def _softmax(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    axes = node.params["axes"]
    others = tuple(axis for axis in range(node.ndim) if axis not in axes)
    shares: list[Element] = []
    for group in _groups(arrays[0], axes):
        weights = _exponentials(group)
        total = _sum_of(weights, node)
        shares += [combine("divide", weight, total) for weight in weights]
    order = (*others, *axes)
    return np.transpose(shaped(shares, tuple(node.shape[axis] for axis in order)), np.argsort(order))


def _sorted_positions(entries: list[Element], descending: bool) -> list[int]:
    numbers = [entry.number for entry in entries]
    rank = functools.cmp_to_key(lambda a, b: int(sympy.sign(numbers[a] - numbers[b])) * (-1 if descending else 1))
    known = [position for position, number in enumerate(numbers) if number.is_comparable]
    return sorted(known, key=rank) + [position for position in range(len(numbers)) if position not in set(known)]


def _argsort(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    lines = arrays[0].reshape(-1, node.shape[-1]) if node.size else []
    orders = [_sorted_positions(list(line), node.params["descending"]) for line in lines]
    return elements_of(np.array(orders, np.int64).reshape(node.shape))


def _argument(descending: bool) -> Rule:
    def rule(writer: Writer, node: Node, arrays: list[Array]) -> Array:
        groups = _groups(arrays[0], node.params["axes"])
        return shaped([fixed(_sorted_positions(group, descending)[0]) for group in groups], node.shape)

    return rule


def _contract(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    left, right, out = (node.params[name] for name in ("left", "right", "out"))
    lengths = dict(zip(left, arrays[0].shape, strict=True)) | dict(zip(right, arrays[1].shape, strict=True))
    summed = [label for label in lengths if label not in out]
    entries = []
    for kept in itertools.product(*(range(lengths[label]) for label in out)):
        place = dict(zip(out, kept, strict=True))
        terms = []
        for inner in itertools.product(*(range(lengths[label]) for label in summed)):
            place.update(zip(summed, inner, strict=True))
            first = arrays[0][tuple(place[label] for label in left)]
            terms.append(combine("multiply", first, arrays[1][tuple(place[label] for label in right)]))
        entries.append(_sum_of(terms, node))
    return shaped(entries, node.shape)


def _along_last(array: Array, reverse: bool) -> Array:
    return array[..., ::-1] if reverse else array


def _cumsum(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    running = np.array(_along_last(arrays[0], node.params["reverse"]))
    for i in range(1, running.shape[-1]):
        running[..., i] = _pairwise("add", running[..., i - 1], running[..., i])
    return _along_last(running, node.params["reverse"])


def _exclusive_cumprod(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    line = _along_last(arrays[0], node.params["reverse"])
    products = np.full(line.shape, fixed(1.0), object)
    for i in range(1, line.shape[-1]):
        products[..., i] = _pairwise("multiply", products[..., i - 1], line[..., i - 1])
    return _along_last(products, node.params["reverse"])


def _recurrence(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    factor, term = (_along_last(array, node.params["reverse"]) for array in arrays)
    total = np.array(term)
    for i in range(1, total.shape[-1]):
        carried = _pairwise("multiply", factor[..., i], total[..., i - 1])
        total[..., i] = _pairwise("add", carried, term[..., i])
    return _along_last(total, node.params["reverse"])


def _pairwise(name: str, first: Any, second: Any) -> Any:
    if isinstance(first, Element):
        return combine(name, first, second)
    pairs = zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    return shaped([combine(name, *pair) for pair in pairs], first.shape)


@functools.cache
def _determinant(size: int) -> Operation:
    symbols = slots(size * size)
    return Operation(sympy.Matrix(size, size, symbols).det(method="berkowitz").expand(), symbols)


def _det_of(matrix: Array) -> Element:
    size = len(matrix)
    if size > _LARGEST_DETERMINANT:
        raise NotWrittenError(f"a determinant of a {size}×{size} matrix has too many terms")
    if size <= 3:
        entries = tuple(matrix.ravel().tolist())
        return Element(_determinant(size), entries, any(entry.moves for entry in entries))
    terms = []
    for column in range(size):
        minor = _det_of(np.delete(matrix[1:], column, axis=1))
        product = combine("multiply", matrix[0, column], minor)
        terms.append(combine("negative", product) if column % 2 else product)
    return combine_all("add", terms)


def _matrices(array: Array) -> Array:
    return array.reshape(-1, *array.shape[-2:]) if array.size else np.empty((0, *array.shape[-2:]), object)


def _det(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return shaped([_det_of(matrix) for matrix in _matrices(arrays[0])], node.shape)


def _cofactor(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    entries = []
    for matrix in _matrices(arrays[0]):
        for row, column in np.ndindex(*matrix.shape):
            minor = _det_of(np.delete(np.delete(matrix, row, axis=0), column, axis=1))
            entries.append(combine("negative", minor) if (row + column) % 2 else minor)
    return shaped(entries, node.shape)


def _solve(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    solved = []
    for left, right in zip(_matrices(arrays[0]), _matrices(arrays[1]), strict=True):
        solved += list(_eliminated(np.concatenate([left, right], axis=1)).ravel())
    return shaped(solved, node.shape)


def _inv(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    identity = elements_of(np.eye(node.shape[-1]))
    inverses: list[Element] = []
    for matrix in _matrices(arrays[0]):
        inverses += list(_eliminated(np.concatenate([matrix, identity], axis=1)).ravel())
    return shaped(inverses, node.shape)


def _eliminated(rows: Array) -> Array:
    """Gauss-Jordan elimination of a square matrix with right-hand sides beside it; gives what becomes of these."""
    rows = np.array(rows)
    size = len(rows)
    for step in range(size):
        pivot = max(range(step, size), key=lambda row: abs(float(rows[row, step].number)))
        rows[[step, pivot]] = rows[[pivot, step]]
        for column in reversed(range(step, rows.shape[1])):
            rows[step, column] = combine("divide", rows[step, column], rows[step, step])
        for row in range(size):
            if row == step:
                continue
            for column in reversed(range(step, rows.shape[1])):
                product = combine("multiply", rows[row, step], rows[step, column])
                rows[row, column] = combine("subtract", rows[row, column], product)
    return rows[:, size:]


RULES: dict[str, Rule] = {
    **dict.fromkeys(["reshape", "transpose", "broadcast_to", "slice", "concatenate"], _numpy),
    "unslice": _unslice,
    "cast": _cast,
    "check_index": _check_index,
    "take": _take,
    "scatter_add": _scatter_add,
    "sum": _sum,
    "prod": _reduction("multiply", 1.0),
    "max": _reduction("maximum", None),
    "min": _reduction("minimum", None),
    "all": _reduction("logical_and", True),
    "norm": _norm,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "argsort": _argsort,
    "argmax": _argument(descending=True),
    "argmin": _argument(descending=False),
    "contract": _contract,
    "cumsum": _cumsum,
    "exclusive_cumprod": _exclusive_cumprod,
    "recurrence": _recurrence,
    "det": _det,
    "cofactor": _cofactor,
    "solve": _solve,
    "inv": _inv,
}
