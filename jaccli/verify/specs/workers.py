"""Tests in processes of their own. A process that dies takes one test with it, and the others go on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from jaccli.verify.specs.outcome import Outcome
from jaccli.verify.specs.reading import Entry

_LOOK_UP = 0.2  # seconds: a deadline that is over is met between two waits


@dataclass(eq=False)
class _Worker:
    """A process, and the number of the test that it works on, None where it has none."""

    process: BaseProcess
    connection: Connection
    working_on: int | None = None


def outcomes(entries: Sequence[Entry], count: int, *, is_closed: bool) -> Generator[tuple[int, Outcome]]:
    """The outcomes with the numbers of their tests, in the order in which they are ready.

    Closing the iterator ends the processes.

    Args:
        entries: the tests.
        count: how many processes.
        is_closed: whether an entry may name files of its own folder only.
    """
    waiting = deque(enumerate(entries))
    workers: list[_Worker] = []
    try:
        while waiting and len(workers) < count:
            workers.append(_started(waiting, is_closed))
        while busy := {worker.connection: worker for worker in workers if worker.working_on is not None}:
            for connection in wait(list(busy), _LOOK_UP):
                worker = busy[connection]  # type: ignore[index]
                number = worker.working_on
                assert number is not None
                outcome = _received(worker)
                if outcome is not None:
                    _hand_out(worker, waiting)
                else:
                    workers.remove(worker)
                    outcome = _lost(entries[number], worker.process)
                    if waiting:
                        workers.append(_started(waiting, is_closed))
                yield number, outcome
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.kill()
            worker.process.join()


def _started(waiting: deque[tuple[int, Entry]], is_closed: bool) -> _Worker:
    # Not forked: a child has none of its parent's threads, and what these have locked would stay locked.
    from jaccli.runtime.memory import allowed

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, is_closed, allowed()), daemon=True)
    process.start()
    theirs.close()
    worker = _Worker(process, ours)
    _hand_out(worker, waiting)
    return worker


def _hand_out(worker: _Worker, waiting: deque[tuple[int, Entry]]) -> None:
    worker.working_on, entry = waiting.popleft() if waiting else (None, None)
    if entry is not None:
        with contextlib.suppress(OSError):  # it has died, which is noticed where its answer is awaited
            worker.connection.send(entry)


def _received(worker: _Worker) -> Outcome | None:
    """The outcome that a worker sends, or None where it has died."""
    try:
        outcome = worker.connection.recv()
    except (EOFError, OSError):
        return None
    assert isinstance(outcome, Outcome)
    return outcome


def _lost(entry: Entry, process: BaseProcess) -> Outcome:
    process.join()
    code = process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    message = f"the process that ran this has died ({how}); there may be too little memory for it"
    return Outcome("error", message=message, line=entry.line)


def _end_with_parent() -> None:
    """Ends this process with its parent, however that ended: a test may take long, and nobody waits for it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(connection: Connection, is_closed: bool, most: int | None) -> None:
    """What a worker does until its parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent ends it
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.environ["JACCLI_THREADS"] = "1"  # the cores have a worker each
    from jaccli.runtime import graph_cache
    from jaccli.runtime.memory import limited
    from jaccli.verify.specs.trial import attempt

    with contextlib.suppress(EOFError, OSError), graph_cache.switched_on(), limited(most):
        while True:
            entry = connection.recv()
            assert isinstance(entry, Entry)
            connection.send(attempt(entry, is_closed=is_closed))
