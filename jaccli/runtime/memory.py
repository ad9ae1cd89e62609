"""How large an array may become, asked before it is allocated."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from jaccli.errors import LimitError

MOST_ELEMENTS = 2**31
MOST_AXES = 64  # NumPy's own limit
TEXT_EXPANSION = 8  # memory that a text takes while it is read, in multiples of its size

_ALWAYS_THERE = 1 << 25  # asking the system takes longer than filling so little
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_SMALLER = "give a smaller size; --max-memory says how much may be taken"
_LESS = "give smaller inputs, or less at once: --wrt, --chunk, --sparse"
_limit: int | None = None
_allowed: int | None = None
_reserved = 0
_SPARED = 8  # of shared memory one part in so many is left to other processes, and to what is not worth counting


def available_memory() -> int | None:
    """The bytes that this process may still take, or None where the system does not say.

    The smallest of the free memory and what the containers leave, both but for a part, the process's own limit
    (`ulimit -v`) and what `limited` allows, less what is `reserved`.
    """
    shared = [rest for rest in (_free_memory(), *_container_rests()) if rest is not None]
    known = [_allowed, _process_rest(), *(rest - rest // _SPARED for rest in shared)]
    least = min((limit for limit in known if limit is not None), default=None)
    return None if least is None else max(0, least - _reserved)


@contextlib.contextmanager
def limited(most: int | None) -> Iterator[None]:
    """Allows arrays of no more than so many bytes; None allows what the system has."""
    global _limit, _allowed
    before = _limit, _allowed
    _limit = _allowed = most
    try:
        yield
    finally:
        _limit, _allowed = before


def hold(size: int) -> None:
    """Counts an array that stays until the end against what `limited` allows."""
    global _allowed
    if _allowed is not None:
        _allowed = max(0, _allowed - size)


@contextlib.contextmanager
def reserved(size: int) -> Iterator[None]:
    """Keeps so many bytes free for a result that is filled while other work goes on."""
    global _reserved
    _reserved += size
    try:
        yield
    finally:
        _reserved -= size


def exhausted(what: str) -> LimitError:
    """The error where the system has refused memory although there seemed to be enough."""
    if _limit is None:
        return LimitError(f"the machine's memory does not hold {what}", hint=_LESS)
    return LimitError(
        f"the limit of {readable_bytes(_limit)} does not leave enough memory for {what}",
        hint=f"{_LESS}; --max-memory says how much may be taken",
    )


def allowed() -> int | None:
    """The bytes that `limited` still allows, or None where it sets no limit."""
    return _allowed


def lacking(needed: int) -> int | None:
    """The bytes that are free, where `needed` bytes are more than that; None where they fit."""
    if needed < _ALWAYS_THERE and (_allowed is None or needed + _reserved <= _allowed):
        return None
    available = available_memory()
    return available if available is not None and needed > available else None


def check_size(shape: Sequence[int], item_size: int, what: str) -> None:
    """Refuse an array of `shape` that would not fit, before it is made.

    Sizes of 0 do not excuse the others, because NumPy cannot index such a shape either.

    Raises:
        LimitError: more than 2**31 elements, more than 64 axes, or more bytes than there are.
    """
    if len(shape) > MOST_AXES:
        raise LimitError(f"{what} has {len(shape)} axes; an array has at most {MOST_AXES}")
    count = math.prod(size for size in shape if size)
    if count > MOST_ELEMENTS:
        raise LimitError(f"{what} would hold more than 2**31 numbers", hint=_SMALLER)
    if 0 in shape:
        return
    free = lacking(count * item_size)
    if free is not None:
        needed = readable_bytes(count * item_size)
        raise LimitError(f"{what} would take {needed} of memory, and {readable_bytes(free)} are free", hint=_SMALLER)


def check_text_size(size: int) -> None:
    """Refuse a text of `size` bytes that would not fit once it is read as numbers (LimitError)."""
    if lacking(size * TEXT_EXPANSION) is not None:
        raise LimitError(
            f"{readable_bytes(size)} of text are too much for the free memory", hint="save the numbers as .npy"
        )


def longest_text() -> int:
    """The most bytes of text that can be read as numbers in the memory there is."""
    available = available_memory()
    return sys.maxsize if available is None else available // TEXT_EXPANSION


def readable_bytes(count: int) -> str:
    """A number of bytes for people: `512 bytes`, `80.0 GB`."""
    if count >= 10**18:
        return "more than a million TB"
    if count < 1000:
        return f"{count} bytes"
    size, unit = float(count), "bytes"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size:.3g} {unit}"


def _free_memory() -> int | None:
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        pass
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _windows_memory() -> int | None:
    if sys.platform == "win32":
        import ctypes

        class Status(ctypes.Structure):  # MEMORYSTATUSEX of the Windows API
            _fields_ = (("length", ctypes.c_uint32), ("load", ctypes.c_uint32), ("sizes", ctypes.c_uint64 * 7))

        status = Status(length=ctypes.sizeof(Status))
        if ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status.sizes[1])  # the physical memory that is free
    return None


def _container_rests() -> Iterator[int]:
    """What each control group of this process, and each above it, has left."""
    try:
        groups = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _rests(_CONTROL_GROUPS, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _rests(_CONTROL_GROUPS / "memory", path, *names)


def _rests(root: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    group = root / path.lstrip("/")
    # A container may name its group as the host sees it: then its own root is what there is.
    for folder in (group, *group.parents):
        if folder != root and root not in folder.parents:
            return
        most, used = _number_in(folder / limit), _number_in(folder / usage)
        if most is not None and used is not None:
            yield max(0, most - used + (_field_of(folder / "memory.stat", reclaimable) or 0))


def _number_in(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max" where there is no limit
        return None


def _field_of(path: Path, name: str) -> int | None:
    try:
        fields = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines())
        return int(fields[name])
    except (OSError, ValueError, KeyError):
        return None


def _process_rest() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        pages = 0
    return max(0, soft - pages * resource.getpagesize())
