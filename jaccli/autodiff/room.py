"""Whether there is room for a Jacobian, before any of it is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaccli.errors import LimitError
from jaccli.graph.node import show_shape, size_of
from jaccli.runtime.memory import lacking, readable_bytes

_LOOKED_AT_IN = 8  # truth values take one byte for each number
_BYTES_PER_ENTRY = 56  # of a sparse Jacobian: value, index, row, colour and place, some of them twice


def refuse_working(stored: int, besides: int = 0) -> None:
    """Raises a `LimitError` where the free memory does not hold a sparse Jacobian, and `besides` bytes, at the peak."""
    needed = stored * _BYTES_PER_ENTRY + besides
    available = lacking(needed)
    if available is not None:
        raise LimitError(
            f"the Jacobian has {stored:,} stored entries and takes {readable_bytes(needed)} while it is computed; "
            f"{readable_bytes(available)} are free",
            hint="--wrt chooses inputs, --mode forward and --mode reverse need no pattern",
        )


def refuse_too_large(shapes: Mapping[str, Sequence[int]], what: str) -> None:
    """Raises a `LimitError` for float arrays, by input, that the free memory does not hold beside what it takes to look
    at them. The passes that fill them take what is left."""
    taken = 8 * sum(map(size_of, shapes.values()))
    needed = taken + taken // _LOOKED_AT_IN
    available = lacking(needed)
    if available is None:
        return
    name, shape = max(shapes.items(), key=lambda item: size_of(item[1]))
    others = f", and {len(shapes) - 1} more," if len(shapes) > 1 else ""
    raise LimitError(
        f"the {what} for {name} has shape {show_shape(tuple(shape))}{others} and takes {readable_bytes(taken)}, "
        f"{readable_bytes(needed)} while it is computed; {readable_bytes(available)} are free",
        hint="--sparse gives the stored entries only, --wrt chooses inputs, jaccli diag gives the diagonal alone",
    )
