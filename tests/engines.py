"""An engine's handle for tests: knows things from a table, notes what it is told, runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.talking import Patience

Thing = dict[str, Any]


@dataclass(frozen=True)
class TableEngine(Engine):
    """`things` by kind and name, as `docker inspect` tells them; `calls` as they came.

    After a call that begins like a key of `then`, the things of its value are there too;
    a call that begins like one of `refused` fails, with what `says` has for it.
    """

    name: str = "a table"
    host: str | None = None
    namespace: Path | None = None
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    then: dict[str, dict[tuple[str, str], Thing]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    says: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def docker(self, *argv: str | Path, **_: object) -> str:
        call = " ".join(map(str, argv))
        said = next((text for start, text in self.says.items() if call.startswith(start)), "")
        if not call.startswith("info"):  # asks, and changes nothing
            self.calls.append(call)
        if call.startswith(self.refused or ("\0",)):
            seen = said or "refused by the table"
            raise CommandError(f"exit status 0 of docker {call}", seen=seen)
        for start, things in self.then.items():
            if call.startswith(start):
                self.things.update(things)
        return said

    def pull(self, reference: str, _: Patience) -> None:
        self.docker("pull", reference)

    def inspect(self, kind: str, name: str) -> Thing | None:
        return self.things.get((kind, name))
