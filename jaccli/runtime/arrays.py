"""Arrays across the border of the package: what callers give, and what they get to keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.errors import InputError, LimitError
from jaccli.graph.node import DType
from jaccli.runtime.memory import lacking, readable_bytes

Array = NDArray[Any]

_FEW = 1 << 12
_LOOKED_AT = 1 << 20
FLOATS: dict[DType, np.dtype[Any]] = {"float64": np.dtype(np.float64), "float32": np.dtype(np.float32)}


def as_input(name: str, value: ArrayLike, dtype: DType) -> Array:
    """The value of an input: floats in `dtype`, whole numbers as int64, truth values as they are."""
    if type(value) is np.ndarray and value.dtype is FLOATS[dtype]:
        return value
    array = _as_array(name, value)
    kind = array.dtype.kind
    return array if kind == "b" else _converted(array, "int64" if kind in "iu" else dtype)


def as_float(what: str, value: ArrayLike, dtype: DType) -> Array:
    """A cotangent or tangent, as floats."""
    if type(value) is np.ndarray and value.dtype is FLOATS[dtype]:
        return value
    return _converted(_as_array(what, value), dtype)


def _converted(array: Array, dtype: DType) -> Array:
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, as everywhere in a formula
        return array.astype(dtype, copy=False)


def _as_array(what: str, value: ArrayLike) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{what} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} holds {array.dtype}, and only real numbers are taken")
    return array


def dtype_name(array: Array) -> DType:
    """The name of an input's dtype."""
    names: dict[str, DType] = {"b": "bool", "i": "int64"}
    if array.dtype.kind in names:
        return names[array.dtype.kind]
    return "float32" if array.dtype == np.float32 else "float64"


def without_repeats(array: Array) -> Array:
    """The array with one of the entries that a broadcast repeats, however long it says that it is."""
    return array[tuple(slice(1) if not stride else slice(None) for stride in array.strides)]


def has_nan(array: Array) -> bool:
    """Whether an entry is NaN. Of a large array the truth values are not all held at once."""
    if array.size <= _FEW:
        squares = np.vdot(array, array)  # one call that warns of nothing, and squares make no NaN of their own
        return bool(squares != squares)
    array = without_repeats(array)
    if array.size <= _LOOKED_AT or not array.flags.c_contiguous:
        return bool(np.isnan(array).any())
    flat = array.reshape(-1)
    return any(bool(np.isnan(flat[first : first + _LOOKED_AT]).any()) for first in range(0, flat.size, _LOOKED_AT))


def apart(arrays: Sequence[Array], others: Collection[Array]) -> list[Array]:
    """The arrays, or copies of those that share memory with one of the others.

    Raises:
        LimitError: the free memory does not hold the copies.
    """
    shared = [any(np.may_share_memory(array, other) for other in others) for array in arrays]
    needed = sum(array.nbytes for array, copied in zip(arrays, shared, strict=True) if copied)
    free = lacking(needed)
    if free is not None:
        raise LimitError(
            f"what the backward pass needs of the inputs takes {readable_bytes(needed)}, and {readable_bytes(free)} "
            "are free",
            hint="give smaller inputs",
        )
    return [array.copy() if copied else array for array, copied in zip(arrays, shared, strict=True)]


def own(results: Sequence[Array], lent: Collection[Array]) -> list[Array]:
    """The results as arrays of their own: one that shares memory with another, with a constant of the plan or with an
    array of the caller's is copied, and so is a small part of something large."""
    taken = {id(array): array for array in lent}
    own_memory = {id(result): result for result in results if id(result) not in taken and _is_new(result)}
    owned = []
    for result in results:
        if own_memory.pop(id(result), None) is None and not _stands_alone(
            result, (*taken.values(), *own_memory.values())
        ):
            result = result.copy()
        taken[id(result)] = result
        owned.append(result)
    return owned


def _is_new(array: Array) -> bool:
    flags = array.flags
    return flags.writeable and flags.owndata  # constants of a plan are read-only


def _stands_alone(array: Array, others: Iterable[Array]) -> bool:
    flags = array.flags
    if not flags.writeable:  # windows overlap themselves
        return False
    small_part = not isinstance(array.base, np.ndarray) or array.base.nbytes > 2 * array.nbytes
    if small_part or not flags.c_contiguous:
        return False
    return not any(np.may_share_memory(array, other) for other in others)
