"""The kernel's limits on watched files, and whether two nodes can live within them.

Reads /proc and judges; it changes nothing. On cgroup version 2 a container's shim watches the
events of its group by an instance of its own, so that tens of pods use more than a hundred, all
as root; on version 1 they do without. Who comes last gets "too many open files".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
        return Limits(
            *(int((folder / f"max_user_{name}").read_text(encoding="utf-8")) for name in _NAMES)
        )
    except (OSError, ValueError):
        return None


_NAMES = ("instances", "watches")
