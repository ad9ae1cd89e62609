"""A folder of small files that anyone may delete at any time: read and written without ever failing.

Files are written whole or not at all, so that several processes can share the folder. It stays below a size, the
files that were used longest ago go first. A folder that another user could have filled is not used.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

MOST_BYTES = 64_000_000
MOST_BYTES_OF_FILE = 2_000_000
_BLOCK = 4096  # what a disk takes for the smallest file
_KEPT_WHEN_FULL = 0.75
_TRIM_EVERY = 32  # files written, on average: listing a full folder takes longer than a command should
_DAY, _HOUR = 86_400, 3_600
_OWN = re.compile(r"[0-9a-f]{16}\.jaccli")
_PART = re.compile(r"\.[0-9a-f]{16}\.part")
_READ_FLAGS = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Usage(NamedTuple):
    """How many files there are, and the bytes that they take on a disk."""

    entries: int
    size: int


class _File(NamedTuple):
    used: float
    size: int
    path: str


def user_folder() -> str | None:
    """Where the cache of this user is, or None where `JACCLI_CACHE=off` or the system names no place.

    `JACCLI_CACHE=DIR` puts it elsewhere; else it is in `XDG_CACHE_HOME`, or where the system keeps caches.
    """
    setting = os.environ.get("JACCLI_CACHE", "")
    if setting.lower() in ("off", "0", "no", "false"):
        return None
    if setting:
        return os.path.abspath(os.path.expanduser(setting))
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):
        return os.path.join(shared, "jaccli")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return os.path.join(local, "jaccli", "Cache") if os.path.isabs(local) else None
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return None
    return os.path.join(home, *(("Library", "Caches") if sys.platform == "darwin" else (".cache",)), "jaccli")


class CacheFolder:
    """The files of a folder, by the sixteen hexadecimal digits of their names. Immutable; the folder may not exist."""

    def __init__(self, path: str) -> None:
        self.path = path

    def refusal(self) -> str | None:
        """Why the folder is not used, or None: others must not be able to say what this user computes."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            return str(error)
        if not stat.S_ISDIR(found.st_mode):
            return "it is no folder"
        if sys.platform == "win32":
            return None
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        return "others can write to it" if found.st_mode & stat.S_IWOTH else None

    def read(self, digits: str) -> bytes | None:
        """The content of a file, or None where it cannot be had."""
        try:
            descriptor = os.open(self._path(digits), _READ_FLAGS)
            with open(descriptor, "rb") as stream:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES_OF_FILE:
                    return None
                content = stream.read(MOST_BYTES_OF_FILE + 1)
            if time.time() - found.st_mtime > _DAY:
                os.utime(self._path(digits))
        except (OSError, ValueError):
            return None
        return content if len(content) <= MOST_BYTES_OF_FILE else None

    def write(self, digits: str, content: bytes) -> None:
        """Makes or replaces a file; where that cannot be done, or it is too large, nothing happens."""
        if len(content) > MOST_BYTES_OF_FILE:
            return
        temporary = os.path.join(self.path, f".{os.urandom(8).hex()}.part")
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            descriptor = os.open(temporary, _WRITE_FLAGS, 0o600)
        except (OSError, ValueError):
            return
        try:
            with open(descriptor, "wb") as stream:
                stream.write(content)
            os.replace(temporary, self._path(digits))
        except OSError:
            _remove(temporary)
        if int(digits, 16) % _TRIM_EVERY == 0:
            self.trim()

    def trim(self, most: int = MOST_BYTES) -> None:
        """Removes the files that were used longest ago, if there are too many bytes, and what killed writers left."""
        for left in self._files(_PART):
            if time.time() - left.used > _HOUR:
                _remove(left.path)
        files = sorted(self._files(_OWN))
        total = sum(file.size for file in files)
        if total <= most:
            return
        for file in files:
            if total <= most * _KEPT_WHEN_FULL:
                break
            _remove(file.path)
            total -= file.size

    def usage(self) -> Usage:
        """What is there now."""
        sizes = [file.size for file in self._files(_OWN)]
        return Usage(len(sizes), sum(sizes))

    def clear(self) -> Usage:
        """Removes every file of the cache, and nothing else; gives what was there."""
        before = self.usage()
        for file in (*self._files(_OWN), *self._files(_PART)):
            _remove(file.path)
        return before

    def _path(self, digits: str) -> str:
        return os.path.join(self.path, f"{digits}.jaccli")

    def _files(self, pattern: re.Pattern[str]) -> Iterator[_File]:
        with contextlib.suppress(OSError, ValueError), os.scandir(self.path) as found:
            for entry in found:
                if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        yield _File(status.st_mtime, -(-status.st_size // _BLOCK) * _BLOCK, entry.path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
