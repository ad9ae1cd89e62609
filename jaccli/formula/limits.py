"""How much a text may ask for while it becomes a graph, before the memory of a run can be counted."""

from __future__ import annotations

from jaccli.errors import LimitError, ShapeError
from jaccli.graph.node import Shape, show_shape, size_of
from jaccli.graph.primitive import MOST_AXES

LARGEST = 2**27
MOST_LISTED = 2**22
MOST_PIECES = 20_000


def check_made(shape: Shape) -> Shape:
    """The shape of an array that a text makes from nothing; a `LimitError` where it has more than 2**27 entries."""
    if len(shape) > MOST_AXES:
        raise LimitError(f"an array of {len(shape)} axes; the limit is {MOST_AXES}")
    if size_of(tuple(length for length in shape if length)) > LARGEST:
        raise LimitError(
            f"an array of shape {show_shape(shape)} is too large: a formula makes up to {LARGEST:,} entries",
            hint="give it as an input: --x zeros:…, linspace:… or a file",
        )
    return shape


def check_listed(count: int, what: str) -> int:
    """The length of a list of places that a text asks for; a `LimitError` where it has more than 2**22 entries."""
    if count < 0:
        raise ShapeError(f"{what}: there are no {count} entries", hint="lengths are 0 or more")
    if count > MOST_LISTED:
        raise LimitError(
            f"{what}: a formula lists at most {MOST_LISTED:,} places, and this needs {_number(count)}",
            hint="give smaller sizes, or an index array as an input: --i int:…",
        )
    return count


def check_pieces(count: int, what: str) -> int:
    """How many arrays one array is cut into; a `LimitError` where these are more than 20,000."""
    if count > MOST_PIECES:
        raise LimitError(
            f"{what} gives {_number(count)} arrays, and the limit is {MOST_PIECES:,}",
            hint="work on the whole array, or on slices of it: x[:, 0], x.reshape(…)",
        )
    return count


def _number(count: int) -> str:
    return f"{count:,}" if count < 10**18 else "more than 10**18"
