"""Memory that arrays leave behind is kept for the next ones.

An array of some 100 kB and more usually comes from the system as pages that are zeroed at the first touch, and goes
back when it is freed; filling it again costs ten times what the arithmetic does. The C library of most Linux systems
keeps what is freed below a threshold that follows the largest block it has seen freed, up to 32 MiB: mallopt(3),
M_MMAP_THRESHOLD. Freeing one such block, which is never touched, is all it takes. Elsewhere it does nothing.
"""

from __future__ import annotations

import contextlib
from functools import cache

import numpy as np

_LARGEST_KEPT = 31 << 20


@cache
def keep_freed_memory() -> None:
    """Lets the process keep freed blocks of up to 31 MiB, and of them no more than 62 MiB that are unused."""
    with contextlib.suppress(MemoryError):  # little memory is a reason to keep less of it
        np.empty(_LARGEST_KEPT, np.uint8)
