"""One run at a time on one lab: a lock that says who holds it.

Released by the kernel when its holder dies, however it dies. A run's own child processes
go in under their parent's lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from clusters import files
from clusters.errors import LockedError
from clusters.home import Home
from clusters.settings import Settings

HELD = "PLUMBLINE_LOCK_HELD"  # set for the children of the process that holds it


@contextlib.contextmanager
def hold(home: Home, purpose: str) -> Iterator[None]:
    """Hold the lab's lock.

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
        files.write(
            note,
            json.dumps(
                {
                    "pid": os.getpid(),
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


def _holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return f"{holder['purpose']}, process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "held by a run that has not said who it is"
