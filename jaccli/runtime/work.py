"""How long operations take, worked out from shapes before anything is computed.

A few letters of a formula make a matrix whose inverse takes hours, though it fits into memory. Such work is refused
where no input explains it; the time that large inputs take is their owner's, and `--timeout` is the bound for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from jaccli.errors import LimitError
from jaccli.graph.node import Node, show_shape
from jaccli.graph.primitive import Ufunc

LARGEST_LOOP = 1 << 33
LARGEST_WORK = 1 << 35  # steps of about a nanosecond

_PRODUCTS_A_STEP = 16  # that BLAS adds up in a nanosecond
_FUNCTION = 64  # nanoseconds of an entry that NumPy has no instruction for
_DEGREE = 2  # nanoseconds of a degree of a polynomial
_CALL = 1_000  # nanoseconds of a matrix, however small
# Nanoseconds of n**3 for a matrix of n rows, and of a matrix however small, where these are more than usual.
_CUBIC = 0.5
_MATRICES = {
    **dict.fromkeys(("det", "logabsdet", "det_sign", "cholesky", "solve_triangular"), (0.05, _CALL)),
    **dict.fromkeys(("solve", "inv", "inverse_transpose"), (0.1, _CALL)),
    "svd": (2.0, _CALL),
    "pinv": (2.0, _CALL),
    "eigh": (1.0, _CALL),
    "eig": (4.0, _CALL),
    "cofactor": (2.0, _CALL),
    "cofactor_derivative": (25.0, _CALL),
    "expm": (1.0, 30_000),
    "expm_derivative": (4.0, 100_000),
    "logm": (2.0, 200_000),
    "logm_derivative": (50.0, 200_000),
    "sqrtm": (2.0, 50_000),
    "sylvester": (3.0, 50_000),
}
_WORDS = {"contract": "the product", "convolve": "a convolution", "correlate": "a correlation"}
_ENTRIES = {"argsort": 100, "searchsorted": 50, "dft": 50, "logcumsumexp": 30, "take": 5, "scatter_add": 5}


def refuse_endless_work(nodes: Iterable[Node], feeds: Iterable[Node]) -> None:
    """Raises a `LimitError` for convolutions of more products than a loop may have, and where operations on arrays
    larger than any feed take too long together."""
    given = max((feed.size for feed in feeds), default=0)
    slowest: Node | None = None
    total, most = 0, 0
    for node in nodes:
        if node.primitive.dependency in ("convolves", "correlates"):
            _refuse_convolution(node)
        if max((node.size, *(argument.size for argument in node.args))) > given:
            taken = work(node)
            total += taken
            if taken > most:
                most, slowest = taken, node
    if total > LARGEST_WORK and slowest is not None:
        shapes = " and ".join(show_shape(part.shape) for part in slowest.args[:3] or [slowest])
        raise LimitError(
            f"computing this takes about {total:,} steps, most of them for {_word(slowest)} of {shapes}; "
            f"the limit is {LARGEST_WORK:,}",
            hint="make smaller arrays, or give the large one as an input",
        )


def work(node: Node) -> int:
    """About how many nanoseconds a node takes on one core."""
    row, params = node.primitive, node.params
    match row.dependency:
        case "contracts":
            labels = (*params["left"], *params["right"])
            sizes = (size for argument in node.args for size in argument.shape)
            products = math.prod(dict(zip(labels, sizes, strict=True)).values())
            return products // _PRODUCTS_A_STEP if node.is_float else products
        case "convolves" | "correlates":
            return _products(node)
        case "matrices" | "solves":
            shape = node.args[0].shape
            cubic, call = _MATRICES.get(row.name, (_CUBIC, _CALL))
            rows, columns = shape[-2:] if len(shape) > 1 else (1, 1)
            widest = max(rows, columns, *(argument.shape[-1] for argument in node.args if argument.ndim))
            return math.prod(shape[:-2]) * (int(cubic * rows * columns * widest) + call)
    if row.name == "polynomial":
        return node.size * (_FUNCTION + _DEGREE * int(params["degree"]))
    if row.elementwise and not (isinstance(row.numeric, Ufunc) and row.numeric.source[0] == "numpy"):
        return node.size * _FUNCTION
    return node.size * _ENTRIES.get(row.name, 1)


def _word(node: Node) -> str:
    return _WORDS.get(node.primitive.name, node.primitive.name)


def _products(node: Node) -> int:
    """The products of a convolution: each entry of the shorter line times every place that it slides to."""
    long, short = sorted((argument.shape[-1] for argument in node.args), reverse=True)
    places = long if node.primitive.name == "convolve" else long - short + 1
    return math.prod(node.shape[:-1]) * places * short


def _refuse_convolution(node: Node) -> None:
    products = _products(node)
    if products > LARGEST_LOOP:
        long, short = (argument.shape[-1] for argument in node.args)
        raise LimitError(
            f"{_word(node)} of lines of {long:,} and {short:,} entries, which takes {products:,} products; "
            f"the limit is {LARGEST_LOOP:,}",
            hint="irfft(rfft(a, n) * rfft(b, n), n) takes far fewer steps, with n the length of the result",
        )
