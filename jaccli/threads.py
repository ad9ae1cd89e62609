"""How many threads share the work on a large array, and the pool that they wait in."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from jaccli.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


def share(jobs: Sequence[Callable[[], None]]) -> None:
    """Runs all jobs, the first of them in this thread. An exception in one of them is raised."""
    futures = [_pool(threads()).submit(job) for job in jobs[1:]]
    jobs[0]()
    for future in futures:
        future.result()


@cache
def threads() -> int:
    """How many threads share the tiles: `JACCLI_THREADS`, or the cores that the process may use."""
    wanted = os.environ.get("JACCLI_THREADS", "")
    if wanted:
        if not wanted.isdecimal() or int(wanted) < 1:
            raise UsageError(f"JACCLI_THREADS is {wanted!r}", hint="it is a number of threads, 1 or more")
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # loads logging: small arrays need no threads

    return ThreadPoolExecutor(size, thread_name_prefix="jaccli")
