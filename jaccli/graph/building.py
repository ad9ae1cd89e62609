"""Building without interruptions: Python's collector of cycles stays out while graphs and their plans are made."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def uninterrupted(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function, during which no cycles are looked for.

    A long formula becomes some hundred thousand small objects that all stay. The collector would go through them again
    and again as they grow in number, which takes as long as making them, and would find nothing.
    """

    @functools.wraps(function)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return wrapped
