"""Accumulated gradients, and the file that keeps them between invocations."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaccli.errors import FileError, LimitError
from jaccli.io.atomic import Replacement
from jaccli.io.conversion import Array
from jaccli.io.numpy_files import listed, read_npy
from jaccli.io.report import shape_text

RESET = "reset"

# A link in place of the lock is not followed, so that nobody can have another file made.
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_CLOEXEC"))

_PAUSE = 0.01  # seconds between two attempts to lock, where the system does not wait by itself

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
    """What is held before this invocation, and what is to be held after it.

    Attributes:
        path: the file; None where nothing is kept.
        before: what the accumulators hold now, by input.
    """

    path: str | None
    before: dict[str, Array]
    _after: Replacement | None = field(default=None)

    def keep(self, totals: Gradients) -> None:
        """Prepares what to hold from now on: it is on disk, and takes its place when the block of `keeping` ends.

        Raises:
            FileError: it cannot be written.
        """
        if self.path is not None:
            self._after = Replacement(self.path, archive(totals))

    def settle(self) -> None:
        """Makes what was prepared the content of the file."""
        if self._after is not None:
            self._after.take_place()

    def forget(self) -> None:
        """Leaves the file as it was."""
        if self._after is not None:
            self._after.drop()


@contextlib.contextmanager
def keeping(path: str | None, likes: Gradients) -> Iterator[Accumulators]:
    """The accumulators of a file, locked against other writers until the block ends, and then replaced.

    The block hands over what to keep and then shows the result. So an update counts where its result was shown, or
    where nobody wanted to read on (a closed pipe); any other exception leaves the file as it was. Without a path the
    accumulators begin at zero and are forgotten.

    Args:
        path: an `.npz` file, which need not exist; or None.
        likes: arrays of the names, shapes and dtypes that the accumulators must have.

    Raises:
        FileError: the file cannot be read or written, or holds other names, shapes or dtypes.
        LimitError: what it holds would not fit into memory.
    """
    if path is None:
        yield Accumulators(None, zeros(likes))
        return
    with _locked(path):
        state = Accumulators(path, _read(path, likes))
        try:
            yield state
        except BrokenPipeError:
            state.settle()
            raise
        except BaseException:
            state.forget()
            raise
        state.settle()


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


def _read(path: str, likes: Gradients) -> dict[str, Array]:
    """What the file holds; zeros where there is none."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileError(f"{path} is no regular file, and accumulators need one", hint="give a name in a folder")
        with zipfile.ZipFile(path) as members:
            found = {info.filename.removesuffix(".npy"): info for info in members.infolist()}
            _check_names(path, list(found), list(likes))
            held = {name: _member(path, members, info) for name, info in found.items()}
    except FileNotFoundError:
        return zeros(likes)
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, LookupError, zlib.error) as error:
        raise _unreadable(path, "is no .npz file, or it is damaged") from error
    for name, array in held.items():
        _check_kind(path, name, array, likes[name])
    return held


def _member(path: str, members: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    try:
        with members.open(info) as stream:
            return read_npy(stream, info.file_size)
    except LimitError as error:
        raise LimitError(f"the accumulators in {path}: {error.message}", hint=error.hint) from error
    except FileError as error:
        raise _unreadable(path, error.message) from error


def _unreadable(path: str, problem: str) -> FileError:
    return FileError(
        f"the accumulators in {path} cannot be read: the file {problem}", hint="move it away to begin anew"
    )


def _check_names(path: str, held: list[str], wanted: list[str]) -> None:
    if set(held) != set(wanted):
        raise FileError(
            f"{path} holds the gradients of {listed(held) or 'nothing'}, and these are of {listed(wanted)}",
            hint="use another --state file for another problem; --wrt has to be the same each time",
        )


def _check_kind(path: str, name: str, held: Array, like: Array) -> None:
    if held.shape != like.shape:
        raise FileError(
            f"{path} holds {name}.grad of shape {shape_text(held.shape)}, and {name} is {shape_text(like.shape)}",
            hint="use another --state file for another problem",
        )
    if held.dtype != like.dtype:
        raise FileError(
            f"{path} holds {name}.grad as {held.dtype}, and {name} is {like.dtype}",
            hint="use another --state file, or the same --dtype",
        )


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Holds the lock that belongs to a file: another file beside it, because the file itself is replaced."""
    folder, name = os.path.split(os.path.realpath(path))
    try:
        descriptor = os.open(os.path.join(folder, f".{name}.lock"), _LOCK_FLAGS, 0o666)
    except OSError as error:
        raise FileError(f"{path} cannot be locked: {error.strerror or error}") from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise FileError(f"{path} cannot be locked: {error.strerror or error}") from error
        yield
    finally:
        os.close(descriptor)  # which lets the lock go, as the end of the process would


def _lock(descriptor: int) -> None:
    """Waits for the lock, however long another process holds it; `--timeout` bounds that."""
    if sys.platform == "win32":
        import msvcrt

        # Not LK_LOCK, which sleeps a whole second between two attempts and gives up after ten.
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLK):
                    raise
            time.sleep(_PAUSE)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
