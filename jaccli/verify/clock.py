"""Work that is stopped when its time is over, wherever it is.

SymPy and mpmath cannot be asked to stop: a single special function at an awkward place may take for ever. So the
work runs in a thread of its own, and an exception is raised inside it.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable

_PATIENCE = 0.2
_ATTEMPTS = 5


class _StopError(BaseException):
    """Raised inside the work; no `except Exception` on its way catches it."""


def _say(usual: Callable[[threading.ExceptHookArgs], object], args: threading.ExceptHookArgs) -> None:
    """What is said of an exception that ends a thread: of a stop that came when the work had just ended, nothing."""
    if args.exc_type is not _StopError:
        usual(args)


def finishes(work: Callable[[], None], seconds: float) -> bool:
    """Runs the work; False if it was stopped because the time was over.

    What the work raises is raised here.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except _StopError:
            pass
        except BaseException as error:
            raised.append(error)

    if getattr(threading.excepthook, "func", None) is not _say:
        threading.excepthook = functools.partial(_say, threading.excepthook)
    thread = threading.Thread(target=run, name="witness", daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        stopped = thread.is_alive()
        if stopped:
            _stop(thread)
    if raised:
        raise raised[0]
    return not stopped


def _stop(thread: threading.Thread) -> None:
    # More than once, since cleaning up may swallow it. A thread that still runs dies with the process.
    for _ in range(_ATTEMPTS):
        if thread.ident is None or not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_StopError))
        thread.join(_PATIENCE)
