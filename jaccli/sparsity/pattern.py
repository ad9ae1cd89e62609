"""Which entries of a Jacobian can be other than zero, before any number is known.

Every node gets a boolean matrix, (entries of the node) × (entries of the input), worked out from those of its
arguments by the dependency word in its primitive's row. The pattern holds for all values of the floating inputs and
never misses an entry; it may hold more than are needed. What constants switch off (`tril`, a factor 0) is left out.
Integer inputs are indices, so their values are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from jaccli.graph.node import Node, dependents, size_of, topological
from jaccli.graph.primitive import table
from jaccli.runtime.plan import evaluate
from jaccli.sparsity.rows import chosen, merged, refuse_long, refuse_too_many, union

Array = NDArray[Any]
Pattern: TypeAlias = sparse.csr_array

_FEW_PRODUCTS = 10_000_000


def jacobian_pattern(output: Node, source: Node, known: Mapping[Node, Array], most: int | None = None) -> Pattern:
    """The pattern of ∂output/∂source.

    Args:
        output, source: nodes of one graph.
        known: the values of inputs that are not differentiated and hold no floats (index arrays, masks).
        most: how many entries the pattern of a node may have; None for as many as the memory holds.

    Returns:
        A boolean matrix of shape (output size, source size), its column indices sorted.

    Raises:
        LimitError: where the pattern itself would not fit into memory, or has more entries than it may.
    """
    return _Detection(output, source, known, most).pattern()


class _Detection:
    """One walk over the graph. State: the patterns so far, dropped after their last use."""

    def __init__(self, output: Node, source: Node, known: Mapping[Node, Array], most: int | None) -> None:
        self._most = most
        self._output = output
        self._source = source
        self._known = known
        self._active = dependents([output], [source])
        unknown = [node for node in topological([output]) if node.primitive.name == "input" and node not in known]
        self._unknown = dependents([output], unknown)
        self._patterns: dict[Node, Pattern] = {}

    def pattern(self) -> Pattern:
        if self._output not in self._active:
            refuse_long(self._output.size)
            return sparse.csr_array((self._output.size, self._source.size), dtype=bool)
        self._patterns[self._source] = _identity(self._source.size)
        order = [node for node in topological([self._output]) if node in self._active]
        refuse_long(max(node.size for node in order))
        last_use = {argument: node for node in order for argument in node.args}
        for node in order:
            if node not in self._patterns:
                found = self._rule(node)
                self._patterns[node] = found
            for argument in set(node.args):
                if last_use[argument] is node and argument is not self._output:
                    self._patterns.pop(argument, None)
        result = self._patterns[self._output]
        result.sum_duplicates()
        return result

    def _rule(self, node: Node) -> Pattern:
        return _RULES[node.primitive.dependency](self, node)

    def of(self, node: Node) -> Pattern | None:
        """The pattern of a node, or None where it does not depend on the source (or only through a step)."""
        return self._patterns.get(node)

    def rows(self, pattern: Pattern, positions: Array) -> Pattern:
        """The rows at an array of positions, in that order."""
        return chosen(pattern, positions, self._most)

    def union(self, patterns: Sequence[Pattern]) -> Pattern:
        """The entries of all patterns."""
        return union(patterns, self._most)

    def merged(self, members: Pattern, pattern: Pattern) -> Pattern:
        """Row i: the union of the pattern's rows that row i of `members` names."""
        return merged(members, pattern, self._most)

    def fixed(self, node: Node) -> Array | None:
        """The value of a node that no floating input reaches."""
        if node in self._unknown:
            return None
        inputs = [n for n in topological([node]) if n.primitive.name == "input"]
        return evaluate([node], {n: self._known[n] for n in inputs})[0]

    def differentiable(self, node: Node) -> list[tuple[int, Pattern]]:
        """The arguments that carry a derivative into the node, with their patterns."""
        found = []
        for index, argument in enumerate(node.args):
            pattern = self.of(argument)
            if pattern is not None and pattern.nnz and argument.is_float and node.primitive.differentiates(index):
                found.append((index, pattern))
        return found


def _empty(node: Node, columns: int) -> Pattern:
    return sparse.csr_array((node.size, columns), dtype=bool)


def _identity(size: int) -> Pattern:
    index = np.int32 if size < 2**31 - 1 else np.int64
    return sparse.csr_array(
        (np.ones(size, bool), np.arange(size, dtype=index), np.arange(size + 1, dtype=index)), shape=(size, size)
    )


def _elementwise(detection: _Detection, node: Node) -> Pattern:
    parts = []
    for index, pattern in detection.differentiable(node):
        argument = node.args[index]
        if argument.shape != node.shape:
            positions = np.arange(argument.size).reshape(argument.shape)
            pattern = detection.rows(pattern, np.broadcast_to(positions, node.shape).ravel())
        live = _live_rows(detection, node, index)
        if live is not None:
            pattern = _mask_rows(pattern, live)
        parts.append(pattern)
    return detection.union(parts) if parts else _empty(node, detection._source.size)


def _live_rows(detection: _Detection, node: Node, index: int) -> Array | None:
    """Where a constant leaves the dependence on an argument: a factor other than 0, the branch that is taken."""
    name = node.primitive.name
    if name == "multiply":
        factor = detection.fixed(node.args[1 - index])
        keep = None if factor is None else factor != 0
    elif name == "where":
        condition = detection.fixed(node.args[0])
        keep = None if condition is None else condition if index == 1 else ~condition
    else:
        return None
    if keep is None or keep.all():
        return None
    rows: Array = np.broadcast_to(keep, node.shape).ravel()
    return rows


def _mask_rows(pattern: Pattern, live: Array) -> Pattern:
    counts = np.where(live, np.diff(pattern.indptr), 0)
    kept = np.repeat(live, np.diff(pattern.indptr))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(pattern.indptr.dtype)
    return sparse.csr_array((pattern.data[kept], pattern.indices[kept], indptr), shape=pattern.shape)


def _moves(detection: _Detection, node: Node) -> Pattern:
    """Runs the operation on positions: 1, 2, … for the entries of the arguments, 0 for none."""
    moved = dict(detection.differentiable(node))
    positions: list[Array] = []
    blocks = []
    start = 0
    for index, argument in enumerate(node.args):
        if index in moved:
            positions.append(np.arange(start + 1, start + argument.size + 1).reshape(argument.shape))
            blocks.append(moved[index])
            start += argument.size
        elif argument.is_float or not _is_index(node, index):
            positions.append(np.zeros(argument.shape, np.int64))
        else:
            known = detection.fixed(argument)
            if known is None:
                return _dense(detection, node)
            positions.append(known)
    if not blocks:
        return _empty(node, detection._source.size)
    stacked = blocks[0] if len(blocks) == 1 else sparse.csr_array(sparse.vstack(blocks, format="csr"))
    found = np.asarray(node.primitive.numeric(*positions, **node.params)).ravel()
    if found.size and found.min() == 0:
        padded = sparse.csr_array((stacked.data, stacked.indices, np.concatenate([[0], stacked.indptr])),
                                  shape=(stacked.shape[0] + 1, stacked.shape[1]))  # fmt: skip
        return detection.rows(padded, found)
    return detection.rows(stacked, found - 1)


def _is_index(node: Node, index: int) -> bool:
    return node.args[index].dtype == "int64" and not node.primitive.differentiates(index)


def _gathering(detection: _Detection, node: Node, argument: int, groups: Array, count: int) -> Pattern | None:
    """Row g of the result: the union of the argument's rows whose group is g."""
    pattern = dict(detection.differentiable(node)).get(argument)
    if pattern is None:
        return None
    if len(groups) == count and np.array_equal(groups, np.arange(count)):
        return pattern
    members = sparse.csr_array(
        (np.ones(len(groups), bool), (groups, np.arange(len(groups)))), shape=(count, len(groups))
    )
    return detection.merged(members, pattern)


def _gathered(detection: _Detection, node: Node, groups: Array, count: int) -> Pattern:
    """As `_gathering` for the first argument, and an empty pattern where it carries no derivative."""
    found = _gathering(detection, node, 0, groups, count)
    return _empty(node, detection._source.size) if found is None else found


def _scatters(detection: _Detection, node: Node) -> Pattern:
    index = detection.fixed(node.args[1])
    if index is None:
        return _dense(detection, node)
    rest = size_of(node.shape[1:])
    groups = (np.ravel(index)[:, None] * rest + np.arange(rest)).ravel()
    return _gathered(detection, node, groups, node.size)


def _overlaps(detection: _Detection, node: Node) -> Pattern:
    """Each entry depends on the window entries that `windows` would take from its place."""
    params = {name: node.params[name] for name in ("sizes", "strides", "dilation")}
    places = table()["windows"].numeric(np.arange(node.size).reshape(node.shape), **params)
    return _gathered(detection, node, places.ravel(), node.size)


def _convolves(detection: _Detection, node: Node) -> Pattern:
    """Entry i of one line meets entry j of the other in entry i + j of the result."""
    return _lines_meet(detection, node, lambda index, own, other: own + other)


def _correlates(detection: _Detection, node: Node) -> Pattern:
    """Entry i of the long line meets entry j of the one that slides in entry i - j of the result."""
    return _lines_meet(detection, node, lambda index, own, other: other - own if index else own - other)


def _lines_meet(detection: _Detection, node: Node, place: Callable[[int, Array, Array], Array]) -> Pattern:
    """Entries of two lines meet at a place of the result, if it is there; a fixed line's zeros carry nothing."""
    length = node.shape[-1]
    parts = []
    for index, pattern in detection.differentiable(node):
        own, other = node.args[index], node.args[1 - index]
        weights = detection.fixed(other)
        met = np.ones(other.shape, bool) if weights is None else weights != 0
        line, theirs = (found[:, None] for found in np.nonzero(met.reshape(-1, other.shape[-1])))
        refuse_too_many(len(line) * own.shape[-1])
        ours = np.arange(own.shape[-1])
        at = place(index, ours, theirs)
        there = (at >= 0) & (at < length)
        row, column = (line * length + at)[there], (line * own.shape[-1] + ours)[there]
        members = sparse.csr_array((np.ones(column.size, bool), (row, column)), shape=(node.size, own.size))
        parts.append(detection.merged(members, pattern))
    return detection.union(parts) if parts else _empty(node, detection._source.size)


def _groups(shape: Sequence[int], axes: Sequence[int]) -> tuple[Array, int]:
    """For every entry of an array the number of its group, entries differing along `axes` being one group."""
    kept = [1 if axis in axes else length for axis, length in enumerate(shape)]
    numbers = np.arange(size_of(kept)).reshape(kept)
    return np.broadcast_to(numbers, shape).ravel(), size_of(kept)


def _reduces(detection: _Detection, node: Node) -> Pattern:
    groups, count = _groups(node.args[0].shape, node.params["axes"])
    return _gathered(detection, node, groups, count)


def _mixes(detection: _Detection, node: Node) -> Pattern:
    groups, count = _groups(node.args[0].shape, node.params["axes"])
    found = _gathering(detection, node, 0, groups, count)
    return _empty(node, detection._source.size) if found is None else detection.rows(found, groups)


def _scans(detection: _Detection, node: Node) -> Pattern:
    """Each entry depends on the entries before it: the pattern of a line is a triangle."""
    length = node.shape[-1] if node.shape else 1
    lines = node.size // max(length, 1)
    refuse_too_many(lines * length * length)
    reverse = node.params.get("reverse", False)
    triangle = np.triu(np.ones((length, length), bool)) if reverse else np.tril(np.ones((length, length), bool))
    members = sparse.csr_array(sparse.kron(sparse.eye_array(lines, dtype=bool), triangle, format="csr"), dtype=bool)
    parts = [detection.merged(members, pattern) for _, pattern in detection.differentiable(node)]
    return detection.union(parts) if parts and node.size else _empty(node, detection._source.size)


def _contracts(detection: _Detection, node: Node) -> Pattern:
    """Over the summed labels first, then spread over the labels that the other operand brings."""
    left, right, out = node.params["left"], node.params["right"], node.params["out"]
    parts = []
    for index, labels, others in ((0, left, right), (1, right, left)):
        argument = node.args[index]
        weights = detection.fixed(node.args[1 - index]) if index in dict(detection.differentiable(node)) else None
        if weights is not None and node.size and _pays(weights, labels, others, argument.shape):
            parts.append(_weighted(detection, node, index, weights, (labels, others, out)))
            continue
        summed = [axis for axis, label in enumerate(labels) if label not in out]
        groups, count = _groups(argument.shape, summed)
        reduced = _gathering(detection, node, index, groups, count)
        if reduced is None:
            continue
        kept = [label for label in labels if label in out]
        lengths = [argument.shape[labels.index(label)] for label in kept]
        numbers = np.arange(count).reshape(lengths)
        places = [out.index(label) for label in kept]
        ordered = numbers.transpose(np.argsort(places) if places else ())
        shape = [node.shape[place] if label in kept else 1 for place, label in enumerate(out)]
        parts.append(detection.rows(reduced, np.broadcast_to(ordered.reshape(shape), node.shape).ravel()))
    return detection.union(parts) if parts else _empty(node, detection._source.size)


def _pays(weights: Array, labels: Sequence[int], others: Sequence[int], lengths: Sequence[int]) -> bool:
    """Whether to go by the single entries of a constant factor: it is mostly zeros, or has some and is small."""
    stored = int(np.count_nonzero(weights))
    free = size_of([length for label, length in zip(labels, lengths, strict=True) if label not in others])
    return stored * 2 <= weights.size or (stored < weights.size and stored * free <= _FEW_PRODUCTS)


def _weighted(detection: _Detection, node: Node, index: int, weights: Array, labels: tuple[Any, Any, Any]) -> Pattern:
    """A product with a constant: only its non-zero entries carry a dependence."""
    own, others, out = labels
    pattern = dict(detection.differentiable(node))[index]
    argument = node.args[index]
    stored = np.flatnonzero(weights)
    places = np.unravel_index(stored, weights.shape) if weights.shape else ()
    lengths = dict(zip(own, argument.shape, strict=True)) | dict(zip(out, node.shape, strict=True))
    free = [label for label in own if label not in others]
    count = size_of([lengths[label] for label in free])
    grid = np.indices([lengths[label] for label in free]).reshape(len(free), count)
    coordinate = {label: np.repeat(values, count) for label, values in zip(others, places, strict=True)}
    coordinate |= {label: np.tile(values, len(stored)) for label, values in zip(free, grid, strict=True)}

    def flat(which: Sequence[int]) -> Array:
        total = np.zeros(len(stored) * count, np.int64)
        for label in which:
            total = total * lengths[label] + coordinate[label]
        return total

    members = sparse.csr_array(
        (np.ones(len(stored) * count, bool), (flat(out), flat(own))), shape=(node.size, argument.size)
    )
    return detection.merged(members, pattern)


def _matrices(detection: _Detection, node: Node, among: Sequence[int] | None = None) -> Pattern:
    """Every entry of a result's stack element depends on all entries of the same element of the arguments."""
    stack = size_of(node.args[0].shape[:-2])
    per_result = node.size // max(stack, 1)
    parts = []
    for index, _ in detection.differentiable(node):
        if among is not None and index not in among:
            continue
        per_argument = node.args[index].size // max(stack, 1)
        groups = np.repeat(np.arange(stack), per_argument)
        merged = _gathering(detection, node, index, groups, stack)
        if merged is not None:
            parts.append(detection.rows(merged, np.repeat(np.arange(stack), per_result)))
    return detection.union(parts) if parts else _empty(node, detection._source.size)


def _solves(detection: _Detection, node: Node) -> Pattern:
    """As "matrices", but a column of the solution depends on the same column of the right-hand side only."""
    carried = dict(detection.differentiable(node))
    parts = [_matrices(detection, node, (0,))] if 0 in carried else []
    if 1 in carried:
        groups, count = _groups(node.shape, (len(node.shape) - 2,))
        merged = _gathering(detection, node, 1, groups, count)
        if merged is not None:
            parts.append(detection.rows(merged, groups))
    return detection.union(parts) if parts else _empty(node, detection._source.size)


def _dense(detection: _Detection, node: Node) -> Pattern:
    parts = []
    for index, _ in detection.differentiable(node):
        merged = _gathering(detection, node, index, np.zeros(node.args[index].size, np.int64), 1)
        if merged is not None:
            parts.append(detection.rows(merged, np.zeros(node.size, np.int64)))
    return detection.union(parts) if parts else _empty(node, detection._source.size)


_RULES: dict[str, Callable[[_Detection, Node], Pattern]] = {
    "elementwise": _elementwise,
    "moves": _moves,
    "scatters": _scatters,
    "overlaps": _overlaps,
    "convolves": _convolves,
    "correlates": _correlates,
    "reduces": _reduces,
    "mixes": _mixes,
    "scans": _scans,
    "contracts": _contracts,
    "matrices": _matrices,
    "solves": _solves,
    "dense": _dense,
}
