"""How the primitives of square matrices make their entries: determinants by expansion, systems by elimination."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from jaccli.graph.node import Node
from jaccli.verify.elements import Element, NotWrittenError, Operation, fixed, slots
from jaccli.verify.writing import Rule, Writer, combine, combine_all, elements_of, shaped

Array = NDArray[Any]

_LARGEST_DETERMINANT = 7


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


def _inverse_transpose(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return np.swapaxes(_inv(writer, node, arrays), -1, -2)


def _logabsdet(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    sizes = (combine("abs", _det_of(matrix)) for matrix in _matrices(arrays[0]))
    return shaped([combine("log", size) for size in sizes], node.shape)


def _det_sign(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    return shaped([combine("sign", _det_of(matrix)) for matrix in _matrices(arrays[0])], node.shape)


def _less(entry: Element, terms: list[Element]) -> Element:
    """The entry without the sum of some terms."""
    return combine("subtract", entry, combine_all("add", terms)) if terms else entry


def _cholesky(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    entries: list[Element] = []
    for matrix in _matrices(arrays[0]):
        factor = np.full(matrix.shape, fixed(0.0), object)
        for i, j in zip(*np.tril_indices(len(matrix)), strict=True):
            symmetric = combine("divide", combine("add", matrix[i, j], matrix[j, i]), fixed(2.0))
            rest = _less(symmetric, [combine("multiply", factor[i, k], factor[j, k]) for k in range(j)])
            factor[i, j] = combine("sqrt", rest) if i == j else combine("divide", rest, factor[j, j])
        entries += factor.ravel().tolist()
    return shaped(entries, node.shape)


def _lu_factors(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    entries: list[Element] = []
    for matrix in _matrices(arrays[0]):
        both: Any = np.array(matrix)
        for i, j in np.ndindex(*matrix.shape):
            rest = _less(matrix[i, j], [combine("multiply", both[i, k], both[k, j]) for k in range(min(i, j))])
            both[i, j] = combine("divide", rest, both[j, j]) if i > j else rest
        entries += both.ravel().tolist()
    return shaped(entries, node.shape)


def _solve_triangular(writer: Writer, node: Node, arrays: list[Array]) -> Array:
    entries: list[Element] = []
    lower = node.params["lower"] != node.params["transposed"]
    for left, right in zip(_matrices(arrays[0]), _matrices(arrays[1]), strict=True):
        matrix = left.T if node.params["transposed"] else left
        solved = np.array(right)
        size = len(solved)
        for i in range(size) if lower else reversed(range(size)):
            done = range(i) if lower else range(i + 1, size)
            for column in range(solved.shape[1]):
                rest = _less(solved[i, column], [combine("multiply", matrix[i, k], solved[k, column]) for k in done])
                solved[i, column] = rest if node.params["unit"] else combine("divide", rest, matrix[i, i])
        entries += solved.ravel().tolist()
    return shaped(entries, node.shape)


MATRIX_RULES: dict[str, Rule] = {
    "det": _det,
    "det_sign": _det_sign,
    "logabsdet": _logabsdet,
    "cofactor": _cofactor,
    "solve": _solve,
    "solve_triangular": _solve_triangular,
    "inv": _inv,
    "inverse_transpose": _inverse_transpose,
    "cholesky": _cholesky,
    "lu_factors": _lu_factors,
}
