"""One run at a time on one lab: a lock that says who holds it.

Released by the kernel when its holder dies, however it dies. A run's own child processes
go in under their parent's lock; those that outlive it are ended by whoever holds the lock next.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from clusters import files, signals
from clusters.errors import LockedError
from clusters.home import Home
from clusters.settings import Settings

HELD = "PLUMBLINE_LOCK_HELD"  # set for the children of the process that holds it


@contextlib.contextmanager
def hold(home: Home, purpose: str) -> Iterator[None]:
    """Hold the lab's lock, once nothing works under it any more of a holder that was killed.

    Raises:
        LockedError: another run holds it; the error says which, since when and what for.
    """
    if Settings.of_user().lock_held == str(home.lab):
        yield
        return
    file = home.lab / "lock"
    note = home.lab / "lock.json"
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            "no other run on this lab",
            seen=_holder(note),
            look="wait for it to end, or stop it and run `make down`",
        ) from None
    try:
        signals.end(_orphans(home, note))
        files.write(
            note,
            json.dumps(
                {
                    "pid": os.getpid(),
                    "session": os.getsid(0),
                    "purpose": purpose,
                    "since": datetime.now().astimezone().isoformat(timespec="seconds"),
                    "command": " ".join(sys.argv),
                }
            ),
        )
        os.environ[HELD] = str(home.lab)
        yield
    finally:
        os.environ.pop(HELD, None)
        note.unlink(missing_ok=True)
        lock.release()


def _orphans(home: Home, note: Path) -> list[psutil.Process]:
    """What a dead holder started and left at work: it bears the lab's name in its environment, and
    is of the holder's session, as daemons are not."""
    try:
        session = json.loads(note.read_text(encoding="utf-8"))["session"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [
        process
        for process in psutil.process_iter()
        if signals.session_of(process) == session
        and signals.environment_of(process).get(HELD) == str(home.lab)
    ]


def _holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return f"{holder['purpose']}, process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "held by a run that has not said who it is"
