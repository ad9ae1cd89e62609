"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat

from jaccli.errors import FileError


def check_writable(path: str) -> None:
    """Makes sure that a file can be written, before long work begins.

    Raises:
        FileError: the folder is missing or closed, or the path is a folder.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise FileError(f"{path} is a folder", hint="give the name of a file")
    if not os.path.isdir(folder):
        raise FileError(f"{path} cannot be written: the folder {folder} does not exist", hint="make it first")
    place = folder if _is_replaceable(target) else target
    if not os.access(place, os.W_OK):
        raise FileError(f"{path} cannot be written: there is no permission to write in {place}")


def write_atomically(path: str, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, and never a part.

    The content goes to a temporary file in the same folder, which then takes the place of the target; a
    symbolic link stays a link. A device or pipe is written straight.

    Raises:
        FileError: it cannot be written; an existing file is then as it was.
    """
    target = os.path.realpath(path)
    try:
        if _is_replaceable(target):
            _replace(target, content)
        else:
            with open(target, "wb") as stream:
                stream.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}") from error


def _is_replaceable(target: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(target).st_mode)
    except OSError:
        return True


def _replace(target: str, content: bytes) -> None:
    # The name is cut so that it stays below the limit of a file system wherever the target's own name does.
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as stream:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
