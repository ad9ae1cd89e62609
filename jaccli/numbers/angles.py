"""Sine and cosine of multiples of pi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


def sine_of_pi(x: Any) -> Any:
    """sin(pi*x), exact at whole and half numbers."""
    whole = np.rint(x)
    return np.where(whole % 2 == 0, 1.0, -1.0) * np.sin(np.pi * (x - whole))


def cosine_of_pi(x: Any) -> Any:
    """cos(pi*x), exact at whole and half numbers."""
    whole = np.rint(x)
    rest = np.abs(x - whole)
    return np.where(whole % 2 == 0, 1.0, -1.0) * np.where(
        rest < 0.25, np.cos(np.pi * rest), np.sin(np.pi * (0.5 - rest))
    )
