"""Arrays made from a short text: `eye:5`, `linspace:0:1:11`, `rand:3x2`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from jaccli.errors import LimitError, UsageError, ValueSpecError, nearest
from jaccli.io.conversion import Array, Kind, array_of, convert, shape_text, shown
from jaccli.io.literals import parse_number
from jaccli.runtime.memory import MOST_ELEMENTS, check_size

Shape = tuple[int, ...]

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_LARGEST_EXACT = 2**62  # differences of two such integers still fit into 64 bits
_LARGEST_FLOAT_WHOLE = 2**53  # up to here floats are as exact as integers
_SIZE = re.compile(r"\d+", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """A generator's text, cut at the colons, and what is known where it stands.

    `shape` is the shape known from elsewhere, or None; `name` and `seed` choose the random stream.
    """

    text: str
    generator: str
    parts: tuple[str, ...]
    name: str
    shape: Shape | None
    seed: int
    dtype: str
    kind: Kind

    @property
    def target(self) -> str:
        """The dtype that the values get in the end."""
        return "int64" if self.kind is Kind.INTEGER else self.dtype


def generate(wish: Wish) -> Array:
    """The array that a generator's text stands for.

    Raises:
        ValueSpecError: the generator is unknown, or a part is missing, too many or not understood.
        LimitError: the array would be too large.
    """
    entry = GENERATORS.get(wish.generator)
    if entry is None:
        raise unknown_generator(wish.generator)
    if len(wish.parts) > entry.most_parts:
        _refuse(wish, f"has {len(wish.parts)} parts after the name, and at most {entry.most_parts} can be used")
    with np.errstate(all="ignore"):
        return entry.make(wish)


def unknown_generator(name: str) -> ValueSpecError:
    """The error for a word before a colon that is no generator, with the nearest one that is."""
    meant = nearest(name, [*GENERATORS, "int", "float"])
    if meant is not None:
        return ValueSpecError(f"there is no generator {shown(name)}", hint=f"did you mean {meant}?")
    known = ", ".join(GENERATORS)
    return ValueSpecError(f"there is no generator {shown(name)}", hint=f"there are {known}; a file is @FILE")


def _identity(wish: Wish) -> Array:
    shape = _wished_shape(wish, 0)
    if len(shape) == 1 and wish.parts:
        shape = shape * 2
    if len(shape) != 2:
        _refuse(wish, f"needs the shape of a matrix, and the shape is {shape_text(shape)}")
    _check(wish, shape)
    return np.eye(*shape, dtype=wish.target)


def _filled(value: float) -> Callable[[Wish], Array]:
    def make(wish: Wish) -> Array:
        shape = _wished_shape(wish, 0)
        _check(wish, shape)
        return np.full(shape, value, dtype=wish.target)

    return make


def _full(wish: Wish) -> Array:
    if not wish.parts or not wish.parts[-1]:
        _refuse(wish, "has no value to fill with")
    if len(wish.parts) == 1 and wish.shape is None:
        _refuse(wish, "has a shape or a value, and needs both here")
    exact = wish.kind is Kind.INTEGER
    value = array_of([parse_number(wish.parts[-1], exact=exact)], (), exact=exact)
    shape = _wished_shape(wish, 0) if len(wish.parts) == 2 else _known_shape(wish)
    _check(wish, shape)
    return np.full(shape, convert(value, _made_kind(wish), wish.dtype), dtype=wish.target)


def _one_hot(wish: Wish) -> Array:
    shape = _wished_shape(wish, 0) if len(wish.parts) == 2 else _known_shape(wish)
    index = _index(wish, wish.parts[-1] if wish.parts else "")
    if len(index) != len(shape):
        _refuse(wish, f"needs one index for each axis of the shape {shape_text(shape)}")
    for axis, (position, size) in enumerate(zip(index, shape, strict=True)):
        if not -size <= position < size:
            _refuse(wish, f"has the index {position} for axis {axis}, whose size is {size}; indices count from 0")
    _check(wish, shape)
    hot = np.zeros(shape, dtype=wish.target)
    hot[index] = 1
    return hot


def _arange(wish: Wish) -> Array:
    if not wish.parts:
        _refuse(wish, "has no end")
    numbers = [_finite(wish, part) for part in wish.parts]
    start, stop, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    if step == 0:
        _refuse(wish, "has the step 0, and would never end")
    length = (stop - start) / step
    if length > MOST_ELEMENTS or not math.isfinite(length):
        raise LimitError(f"{shown(wish.text)} would hold more than 2**31 numbers", hint="give a larger step")
    _check(wish, (math.ceil(length) if length > 0 else 0,))
    exact = wish.kind is not Kind.INTEGER and max(map(abs, (start, stop, step))) <= _LARGEST_FLOAT_WHOLE
    made = np.arange(start, stop, step, dtype=np.float64 if exact else None) if length > 0 else np.empty(0)
    return convert(made, _made_kind(wish), wish.dtype)


def _linspace(wish: Wish) -> Array:
    if len(wish.parts) != 3:
        _refuse(wish, "needs a first number, a last number and how many")
    start, stop = (_finite(wish, part) for part in wish.parts[:2])
    if not _SIZE.fullmatch(wish.parts[2]):
        _refuse(wish, f"has {shown(wish.parts[2])} where it says how many, a whole number")
    shape = _parsed_shape(wish, wish.parts[2])
    _check(wish, shape)
    return convert(np.linspace(start, stop, shape[0]), _made_kind(wish), wish.dtype)


def _uniform(wish: Wish) -> Array:
    shape = _wished_shape(wish, 0)
    _check(wish, shape)
    made = convert(np.asarray(_stream(wish).random(shape)), _made_kind(wish), wish.dtype)
    if made.dtype == np.float32:  # rounding must not reach the 1 that [0, 1) leaves out
        return np.minimum(made, np.nextafter(np.float32(1), np.float32(0)), out=made)
    return made


def _normal(wish: Wish) -> Array:
    shape = _wished_shape(wish, 0)
    _check(wish, shape)
    return convert(np.asarray(_stream(wish).standard_normal(shape)), _made_kind(wish), wish.dtype)


@dataclass(frozen=True)
class Generator:
    """One generator: how it is made, how many parts it takes, and how it is written."""

    make: Callable[[Wish], Array]
    most_parts: int
    usage: str


GENERATORS = {
    "eye": Generator(_identity, 1, "eye:5 or eye:3x4"),
    "ones": Generator(_filled(1.0), 1, "ones:4 or ones:2x3"),
    "zeros": Generator(_filled(0.0), 1, "zeros:4 or zeros:2x3"),
    "full": Generator(_full, 2, "full:2x3:7"),
    "arange": Generator(_arange, 3, "arange:STOP, arange:START:STOP or arange:START:STOP:STEP"),
    "linspace": Generator(_linspace, 3, "linspace:FIRST:LAST:COUNT"),
    "rand": Generator(_uniform, 1, "rand:4 or rand:3x2"),
    "randn": Generator(_normal, 1, "randn:4 or randn:3x2"),
    "onehot": Generator(_one_hot, 2, "onehot:5:2 or onehot:2x3:1,2"),
}


def _refuse(wish: Wish, problem: str) -> NoReturn:
    raise ValueSpecError(f"{shown(wish.text)} {problem}", hint=f"write {GENERATORS[wish.generator].usage}")


def _made_kind(wish: Wish) -> Kind:
    return Kind.INTEGER if wish.kind is Kind.INTEGER else Kind.FLOAT


def _check(wish: Wish, shape: Shape) -> None:
    check_size(shape, 8, shown(wish.text))


def _wished_shape(wish: Wish, part: int) -> Shape:
    if len(wish.parts) <= part or not wish.parts[part]:
        return _known_shape(wish)
    return _parsed_shape(wish, wish.parts[part])


def _known_shape(wish: Wish) -> Shape:
    if wish.shape is None:
        _refuse(wish, "needs a shape here, where none is known from elsewhere")
    return wish.shape


def _parsed_shape(wish: Wish, text: str) -> Shape:
    if text == "()":
        return ()
    sizes = [size.strip() for size in text.split("x")]
    if any(_INTEGER.fullmatch(size) and size.startswith("-") for size in sizes):
        _refuse(wish, "has a negative size")
    if not all(_SIZE.fullmatch(size) for size in sizes):
        _refuse(wish, f"has {shown(text)} where a shape is wanted")
    if any(len(size) > 18 for size in sizes):
        raise LimitError(f"{shown(wish.text)} would hold more than 2**31 numbers", hint="give a smaller size")
    return tuple(map(int, sizes))


def _index(wish: Wish, text: str) -> Shape:
    positions = [position.strip() for position in text.split(",")] if text else []
    if not all(_INTEGER.fullmatch(position) for position in positions):
        _refuse(wish, f"has {shown(text)} where an index is wanted")
    return tuple(map(int, positions))


def _finite(wish: Wish, text: str) -> int | float:
    if not text:
        _refuse(wish, "has an empty part")
    number = parse_number(text, exact=True)
    if isinstance(number, int) and abs(number) > _LARGEST_EXACT:
        number = parse_number(text)
    if not math.isfinite(number):
        _refuse(wish, f"has {shown(text)} where a finite number is wanted")
    return number


def _stream(wish: Wish) -> np.random.Generator:
    """The input's own stream of random numbers, chosen by its name and the seed alone."""
    if wish.seed < 0:
        raise UsageError(f"the seed is {wish.seed}, and has to be a whole number from 0 up", hint="write --seed 1")
    import hashlib  # loads OpenSSL, which only random arrays are worth

    name = int.from_bytes(hashlib.sha256(wish.name.encode("utf-8", "surrogatepass")).digest()[:16], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([wish.seed, name])))
