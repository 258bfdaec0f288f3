"""Signals become an error, and an error leaves no child of ours behind.

Covers SIGINT, SIGTERM and SIGHUP; nobody can cover SIGKILL, so `down` clears up after it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

import psutil

from clusters.errors import InterruptedRunError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 10  # seconds that a child has to end by itself


@contextlib.contextmanager
def as_errors(end: Callable[[], None] | None = None) -> Iterator[None]:
    """Raise InterruptedRunError in the main thread on a signal.

    First `end` is called, by default to end our children. A second signal is ignored: the
    first one's clearing up is under way.
    """
    before = {each: signal.getsignal(each) for each in SIGNALS}

    def stop(number: int, _: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        (end or end_children)()
        raise InterruptedRunError(
            "the run to come to its end", seen=signal.Signals(number).name, look="make down"
        )

    for each in SIGNALS:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def end_children() -> None:
    """End the processes that this one started in its own session: by their ids, kindly first."""
    children = psutil.Process().children(recursive=True)
    end(each for each in children if session_of(each) == os.getsid(0))


def session_of(process: psutil.Process) -> int:
    """The session that a process is in; 0 of one that is gone."""
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return 0


def environment_of(process: psutil.Process) -> dict[str, str]:
    """What a process was started with; empty where it cannot be told."""
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def end(processes: Iterable[psutil.Process]) -> None:
    """End processes, kindly first, and return when they are gone."""
    ending = list(processes)
    for each in ending:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(ending, timeout=GRACE)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(alive, timeout=GRACE)
