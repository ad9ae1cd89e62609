"""Accumulated gradients, and the file that keeps them between invocations."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaccli.errors import FileError, JaccliError
from jaccli.io.atomic import write_atomically
from jaccli.io.conversion import Array
from jaccli.io.numpy_files import read_npy
from jaccli.io.report import shape_text

RESET = "reset"

Gradients = Mapping[str, Array]


def zeros(likes: Gradients) -> dict[str, Array]:
    """Accumulators that hold nothing yet, shaped like the inputs."""
    return {name: np.zeros_like(array) for name, array in likes.items()}


def accumulate(before: Gradients, steps: Sequence[Gradients | None]) -> list[dict[str, Array]]:
    """What the accumulators hold after each step.

    Args:
        before: what they hold at first.
        steps: the gradients of each backward call; None zeroes the accumulators.
    """
    totals: list[dict[str, Array]] = []
    held = dict(before)
    for step in steps:
        held = zeros(held) if step is None else {name: held[name] + gradient for name, gradient in step.items()}
        totals.append(held)
    return totals


@dataclass
class Accumulators:
    """What is held before this invocation, and what is to be held after it."""

    before: dict[str, Array]
    after: dict[str, Array] | None = field(default=None)

    def keep(self, totals: Gradients) -> None:
        """Says what to hold from now on; nothing is written if this is never called."""
        self.after = dict(totals)


@contextlib.contextmanager
def keeping(path: str | None, likes: Gradients) -> Iterator[Accumulators]:
    """The accumulators of a file, locked against other writers until the block ends, and then written.

    Accumulators of other inputs in the file stay as they are. Without a path they begin at zero and are
    forgotten; an exception leaves the file as it was.

    Args:
        path: an `.npz` file, which need not exist; or None.
        likes: arrays of the shapes that the accumulators must have, by input.

    Raises:
        FileError: the file cannot be read or written, or holds other shapes.
    """
    if path is None:
        yield Accumulators(zeros(likes))
        return
    with _locked(path):
        held = _read(path)
        for name in likes.keys() & held.keys():
            _check_shape(path, name, held[name], likes[name])
        state = Accumulators({name: held.get(name, np.zeros_like(like)) for name, like in likes.items()})
        yield state
        if state.after is not None:
            write_atomically(path, archive(held | state.after))


def archive(arrays: Gradients) -> bytes:
    """Arrays as the bytes of an `.npz` file, a member each.

    Not by `numpy.savez`, which takes an input called `file` for an argument of its own.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as members:
        for name, array in arrays.items():
            with members.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _read(path: str) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(path) as members:
            result = {}
            for info in members.infolist():
                with members.open(info) as stream:
                    result[info.filename.removesuffix(".npy")] = read_npy(stream, info.file_size)
            return result
    except FileNotFoundError:
        return {}
    except JaccliError as error:
        raise _unreadable(path, str(error)) from error
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, LookupError) as error:
        raise _unreadable(path, "is no .npz file, or it is damaged") from error


def _unreadable(path: str, problem: str) -> FileError:
    return FileError(
        f"the accumulators in {path} cannot be read: the file {problem}", hint="move it away to begin anew"
    )


def _check_shape(path: str, name: str, held: Array, like: Array) -> None:
    if held.shape != like.shape:
        raise FileError(
            f"{path} holds {name}.grad of shape {shape_text(held.shape)}, and {name} is {shape_text(like.shape)}",
            hint="use another --state file for another problem, or --v reset with the old shapes",
        )
    if held.dtype.kind != "f":
        raise FileError(f"{path} holds {name}.grad as {held.dtype}, and gradients are floats")


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Holds the lock that belongs to a file: another file beside it, because the file itself is replaced."""
    folder, name = os.path.split(os.path.realpath(path))
    try:
        descriptor = os.open(os.path.join(folder, f".{name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise FileError(f"{path} cannot be locked: {error.strerror or error}") from error
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)  # which lets the lock go, as the end of the process would


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
