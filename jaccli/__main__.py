"""The process: `jaccli` and `python -m jaccli`. Ready for an interrupt before anything else is loaded."""

from __future__ import annotations

import os
import signal
import sys

_BY_SIGNAL = 128  # 130 after Ctrl-C
_PATIENCE = 0.5  # seconds that a long call of a library may still take after an interrupt


def main() -> int:
    """Runs the command line of this process and gives its exit code."""
    _fill_closed_descriptors()
    _end_at_interrupts()
    from jaccli.cli.main import main as run

    return run()


def _fill_closed_descriptors() -> None:
    """Occupies the standard descriptors that are closed, so that no file gets their numbers and is written into."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one


def _end_at_interrupts() -> None:
    """Makes Ctrl-C and its like end the process at once, wherever it is, with no temporary file left behind.

    What is ignored, as after nohup, stays so.
    """
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    if sys.platform != "win32":
        usual[signal.SIGHUP] = signal.SIG_DFL
    caught = {number for number, handler in usual.items() if signal.getsignal(number) is handler}
    for number in caught:
        signal.signal(number, lambda received, _: _end(received))
    if caught and sys.platform != "win32":
        _watch_long_calls(caught)


def _watch_long_calls(caught: set[signal.Signals]) -> None:
    """Ends the process soon after an interrupt although the main thread is inside one long call of a library."""
    import threading
    import time

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        received = 0
        while received not in caught:
            received = os.read(reader, 1)[0]
        time.sleep(_PATIENCE)
        _end(received)

    threading.Thread(target=watch, name="interrupts", daemon=True).start()


def _end(received: int) -> None:
    # No exception: it could arise inside code that swallows it, or in an import that then reports something else.
    atomic = sys.modules.get("jaccli.io.atomic")
    if atomic is not None and hasattr(atomic, "drop_all"):
        atomic.drop_all()
    try:
        if received == signal.SIGINT:
            os.write(2, b"error: interrupted\n")
    finally:
        os._exit(_BY_SIGNAL + received)


if __name__ == "__main__":
    sys.exit(main())
