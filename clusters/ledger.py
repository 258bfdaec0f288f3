"""Ledger: what a run wrote to its clusters, object by object, so that its report can say so.

It holds names and verbs, never what an object held.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clusters import journal
from clusters.models import Frozen

FILE = "writes.jsonl"


class Write(Frozen):
    """One write: the verb of the API (RBAC's words), and the object.

    The name is empty where the API server, or who runs there, gives it.
    """

    cluster: str
    verb: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Ledger:
    """Where writes are noted; nowhere without a file."""

    file: Path | None = None

    def note(self, write: Write) -> None:
        """Append a write."""
        if self.file is not None:
            journal.append(write, self.file)


def read(file: Path) -> list[Write]:
    """The writes of a ledger."""
    return list(journal.read(file, Write))
