"""Building without interruptions: Python's collector of cycles stays out while graphs and their plans are made."""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Pause:
    """The collector of the process, off while something is being built. State: how many are building."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._builders = 0
        self._was_on = False

    def begin(self) -> None:
        with self._lock:
            if not self._builders:
                self._was_on = gc.isenabled()
                gc.disable()
            self._builders += 1

    def end(self) -> None:
        with self._lock:
            self._builders -= 1
            if not self._builders and self._was_on:
                gc.enable()


_pause = _Pause()


def uninterrupted(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function, during which no cycles are looked for in the whole process.

    A long formula becomes some hundred thousand small objects that all stay. The collector would go through them again
    and again as they grow in number, which takes as long as making them, and would find nothing.
    """

    @functools.wraps(function)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        _pause.begin()
        try:
            return function(*args, **kwargs)
        finally:
            _pause.end()

    return wrapped
