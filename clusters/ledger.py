"""Ledger: what a run wrote to its clusters, object by object, so that its report can say so.

One line of JSON for each write, in a file that all of a run's processes append to. It holds names
and verbs, never what an object held.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

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
        """Append a write: one system call, so that lines of several processes never mix."""
        if self.file is None:
            return
        line = f"{write.model_dump_json()}\n".encode()
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def read(file: Path) -> list[Write]:
    """The writes of a ledger; a line that a kill has cut short is left out."""
    if not file.exists():
        return []
    return list(_whole(file.read_text(encoding="utf-8").splitlines()))


def _whole(lines: Iterable[str]) -> Iterable[Write]:
    for line in lines:
        try:
            yield Write.model_validate_json(line)
        except ValidationError:
            continue
