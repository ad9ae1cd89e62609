"""How the primitives that are not element-wise make their entries, from the textbook definition of each."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from jaccli.graph.node import Node, size_of
from jaccli.graph.primitive import table
from jaccli.verify.elements import WORKING_DIGITS, Element, fixed
from jaccli.verify.matrix_rules import MATRIX_RULES
from jaccli.verify.writing import Rule, Writer, combine, combine_all, elements_of, shaped

Array = NDArray[Any]


def moved(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    """For rows that only move entries: their own rule, run on the places of the entries, says where each comes from."""
    entries = [fixed(0.0 if node.is_float else 0)]
    places = []
    for argument, array in zip(node.args, arrays, strict=True):
        if argument.dtype != node.dtype:  # an array of indices
            places.append(_indices(array))
            continue
        places.append(np.arange(len(entries), len(entries) + array.size).reshape(array.shape))
        entries += array.ravel().tolist()
    sources = node.primitive.numeric(*places, **node.params)
    return shaped([entries[source] for source in np.ravel(sources).tolist()], node.shape)


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


def _overlap(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    params = {name: node.params[name] for name in ("sizes", "strides", "dilation")}
    targets = table()["windows"].numeric(np.arange(size_of(node.shape)).reshape(node.shape), **params)
    landing: list[list[Element]] = [[] for _ in range(size_of(node.shape))]
    for target, entry in zip(np.ravel(targets).tolist(), arrays[0].ravel().tolist(), strict=True):
        landing[target].append(entry)
    return shaped([_sum_of(entries, node) for entries in landing], node.shape)


def _lines(side: int) -> Rule:
    """Entries i and j of two lines meet in entry i + side·j of the result, where there is one."""

    def rule(writer: Writer, node: Node, arrays: list[Array]) -> Array:
        entries = []
        for first, second in zip(*(array.reshape(-1, array.shape[-1]) for array in arrays), strict=True):
            terms: list[list[Element]] = [[] for _ in range(node.shape[-1])]
            for (i, a), (j, b) in itertools.product(enumerate(first), enumerate(second)):
                if 0 <= i + side * j < len(terms):
                    terms[i + side * j].append(combine("multiply", a, b))
            entries += [_sum_of(group, node) for group in terms]
        return shaped(entries, node.shape)

    return rule


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
    sign = -1 if descending else 1

    def compare(a: int, b: int) -> int:
        return sign * int(sympy.sign(numbers[a] - numbers[b]))

    known = [position for position, number in enumerate(numbers) if number.is_comparable]
    unknown = [position for position, number in enumerate(numbers) if not number.is_comparable]
    return sorted(known, key=functools.cmp_to_key(compare)) + unknown


def _argsort(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    lines = list(arrays[0].reshape(-1, node.shape[-1])) if node.size else []
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


def _running(combination: str) -> Rule:
    def rule(writer: Writer, node: Node, arrays: list[Array]) -> Array:
        reverse = node.params.get("reverse", False)
        return _along_last(_accumulated(combination, _along_last(arrays[0], reverse)), reverse)

    return rule


def _accumulated(combination: str, line: Array) -> Array:
    running = np.array(line)
    for i in range(1, running.shape[-1]):
        running[..., i] = _pairwise(combination, running[..., i - 1], running[..., i])
    return running


def _logcumsumexp(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    reverse = node.params.get("reverse", False)
    weights = shaped(_exponentials(arrays[0].ravel().tolist()), node.shape)
    sums = _accumulated("add", _along_last(weights, reverse))
    return _along_last(shaped([combine("log", entry) for entry in sums.ravel().tolist()], node.shape), reverse)


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


RULES: dict[str, Rule] = {
    "cast": _cast,
    "check_index": _check_index,
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
    "cumsum": _running("add"),
    "exclusive_cumprod": _exclusive_cumprod,
    "recurrence": _recurrence,
    "cummax": _running("maximum"),
    "cummin": _running("minimum"),
    "logcumsumexp": _logcumsumexp,
    "overlap": _overlap,
    "convolve": _lines(1),
    "correlate": _lines(-1),
    **MATRIX_RULES,
}
