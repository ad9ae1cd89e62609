"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time

from jaccli.errors import FileError

_PATIENCE = 2.0  # seconds until somebody reads a named pipe
_SUFFIX = ".part"
_SWEPT_AFTER = 2.0  # seconds; a file that is younger may not be marked yet

# Temporary files of this process that have not yet taken their place: what ends the process removes them.
_waiting: set[str] = set()


def check_writable(path: str) -> None:
    """Makes sure that a file can be written, before long work begins.

    Raises:
        FileError: the folder is missing or closed, or the path is a folder, or no path at all.
    """
    target = _resolved(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target) or path.endswith(("/", os.sep)):
        raise FileError(f"{path} is a folder", hint="give the name of a file")
    if os.path.islink(target):
        raise FileError(f"{path} cannot be written: it is a link that leads back to itself")
    is_device = not _is_replaceable(target)
    if os.name == "nt" and is_device:
        return  # NUL and its kin stand in no folder, and have no permissions
    if not os.path.isdir(folder):
        raise FileError(f"{path} cannot be written: the folder {folder} does not exist", hint="make it first")
    place = target if is_device else folder
    if not os.access(place, os.W_OK):
        raise FileError(f"{path} cannot be written: there is no permission to write in {place}")


def write_atomically(path: str, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, and never a part.

    The content goes to a temporary file in the same folder, which then takes the place of the target; a
    symbolic link stays a link, permissions stay as they were. A device or pipe is written straight.

    Raises:
        FileError: it cannot be written; an existing file is then as it was.
    """
    if _is_replaceable(_resolved(path)):
        Replacement(path, content).take_place()
        return
    try:
        with open(_opened_straight(path), "wb") as stream:
            stream.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise FileError(f"{path} cannot be written: it is a pipe that nobody reads") from error
        raise _unwritable(path, error) from error


def _opened_straight(path: str) -> int:
    """A descriptor of a device or pipe. A reader has a moment to come; without one, opening a pipe waits for ever."""
    given_up = time.monotonic() + _PATIENCE
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            break
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > given_up:
                raise
        time.sleep(0.02)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


class Replacement:
    """The new content of a file, already on disk beside it, that waits to take its place or to be dropped.

    Raises:
        FileError: it cannot be written; nothing is left of it.
    """

    def __init__(self, path: str, content: bytes) -> None:
        self._path = path
        self._target = _resolved(path)
        # The name is cut so that it stays below the limit of a file system wherever the target's own name does.
        folder, name = os.path.split(self._target)
        _sweep(folder, f".{name[:40]}.")
        self._temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}{_SUFFIX}")
        self._descriptor: int | None = None
        _waiting.add(self._temporary)
        try:
            self._write(content)
        except OSError as error:
            self.drop()
            raise _unwritable(path, error) from error
        except BaseException:
            self.drop()
            raise

    def take_place(self) -> None:
        """Makes this the file's content, durably: it outlives a loss of power.

        Raises:
            FileError: the file cannot be replaced, and is as it was.
        """
        try:
            os.replace(self._temporary, self._target)
        except OSError as error:
            self.drop()
            raise _unwritable(self._path, error) from error
        _waiting.discard(self._temporary)
        self._let_go()
        _settle(os.path.dirname(self._target))

    def drop(self) -> None:
        """Leaves the file as it was."""
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)
        _waiting.discard(self._temporary)
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _write(self, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._temporary, flags, 0o666)
        _lock(self._descriptor)
        with open(self._descriptor, "wb", closefd=False) as stream:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(self._temporary, stat.S_IMODE(os.stat(self._target).st_mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if os.name == "nt":  # which replaces no file that is open
            self._let_go()


def _lock(descriptor: int) -> bool:
    """Marks a temporary file as one whose process lives; says whether no other has."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: str, beginning: str) -> None:
    """Removes what killed processes left beside a file: temporary files that nobody holds any more."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            left = [entry for entry in entries if entry.name.startswith(beginning) and entry.name.endswith(_SUFFIX)]
        for entry in left:
            age = time.time() - entry.stat(follow_symlinks=False).st_mtime
            if age > _SWEPT_AFTER and entry.is_file(follow_symlinks=False):
                descriptor = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
                try:
                    if _lock(descriptor):
                        os.unlink(entry.path)
                finally:
                    os.close(descriptor)


def drop_all() -> None:
    """Removes the temporary files of this process: the last act of one that ends at once."""
    for temporary in tuple(_waiting):
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _resolved(path: str) -> str:
    if not path:
        raise FileError("the name of the file to write is empty")
    try:
        return os.path.realpath(path)
    except ValueError as error:
        raise FileError(f"{path!r} is not the name of a file: {error}") from error


def _is_replaceable(target: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(target).st_mode)
    except OSError:
        return True


def _settle(folder: str) -> None:
    """Puts a new name in a folder on disk; Windows does so by itself, and some file systems cannot."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritable(path: str, error: OSError) -> FileError:
    return FileError(f"{path} cannot be written: {error.strerror or error}")
