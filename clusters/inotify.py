"""The kernel's limits on watched files, and whether two nodes can live within them.

They hold for all processes of a user. On cgroup version 2 a container's shim watches the events of
its group by an instance of its own, so that tens of pods use more than a hundred, all as root; on
version 1 they do without. The sidecars of all pods are of one user too, and have three each. Who
comes last gets "too many open files". Only a private engine raises them, and puts them back.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from clusters import files

FOLDER = Path("/proc/sys/fs/inotify")


@dataclass(frozen=True)
class Limits:
    """For all processes of one user: root, where containers run."""

    instances: int
    watches: int

    def __str__(self) -> str:
        return f"{self.instances} instances, {self.watches} watches"

    def times(self, number: float) -> Limits:
        """So many times as much, or this if that is less."""
        more = max(1.0, number)
        return Limits(int(self.instances * more), int(self.watches * more))

    def reaches(self, other: Limits) -> bool:
        return self.instances >= other.instances and self.watches >= other.watches


NEEDED = {1: Limits(64, 8192), 2: Limits(256, 8192)}
WANTED = {1: Limits(256, 65536), 2: Limits(512, 524288)}
RAISED = WANTED[2]
LARGEST = 3.0
"""The size of the largest lab, as `plan.size` has it: four clusters, some of several nodes."""


def mend(number: float = 1.0) -> str:
    """The command that raises the limits to so many times what two nodes want."""
    raised = RAISED.times(number)
    return (
        f"sudo sysctl -w fs.inotify.max_user_instances={raised.instances}"
        f" && sudo sysctl -w fs.inotify.max_user_watches={raised.watches}"
    )


def limits(folder: Path = FOLDER) -> Limits | None:
    """This kernel's limits; None where it does not tell."""
    try:
        return Limits(*map(_number, _files(folder)))
    except (OSError, ValueError):
        return None


def may_be_raised(folder: Path = FOLDER) -> bool:
    """Whether this process may change them: not in a container whose /proc/sys is read-only."""
    return all(os.access(file, os.W_OK) for file in _files(folder))


def raise_limits(record: Path, folder: Path = FOLDER) -> None:
    """Raise what is less than the largest lab wants, for as long as the record is there.

    Where nobody may, nothing is changed: doctor tells of it.
    """
    aims = zip(_files(folder), astuple(RAISED.times(LARGEST)), strict=True)
    with suppress(OSError, ValueError):
        changes = {f.name: (former, aim) for f, aim in aims if (former := _number(f)) < aim}
        if changes and may_be_raised(folder):
            files.write(record, json.dumps(changes))
            for name, (_, aim) in changes.items():
                (folder / name).write_text(str(aim), encoding="utf-8")


def put_back(record: Path, folder: Path = FOLDER) -> None:
    """Undo what `raise_limits` noted, but for what somebody has changed since."""
    if not record.exists():
        return
    for name, (former, raised) in json.loads(record.read_bytes()).items():
        with suppress(OSError, ValueError):
            if _number(folder / name) == raised:
                (folder / name).write_text(str(former), encoding="utf-8")
    record.unlink()


def _files(folder: Path) -> list[Path]:
    return [folder / f"max_user_{name}" for name in ("instances", "watches")]


def _number(file: Path) -> int:
    return int(file.read_text(encoding="utf-8"))
