"""An engine's handle for tests: knows things from a table, notes what it is told, runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.providers.kind import CLUSTER
from clusters.talking import Patience
from tests import documents

Thing = dict[str, Any]


@dataclass(frozen=True)
class TableEngine(Engine):
    """`things` by kind and name, as `docker inspect` tells them; `calls` as they came.

    After a call that begins like a key of `then`, the things of its value are there too;
    a call that begins like one of `refused` fails, with what `says` has for it. What any other
    prints stands there too; of itself it says what a usual Docker does, if nothing else is there.
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
        said = _answer(self.says, call)
        if not call.startswith(("info", "version", "ps")):  # these ask, and change nothing
            self.calls.append(call)
        if call.startswith(self.refused or ("\0",)):
            words = said if self.says else ""
            raise CommandError(
                f"exit status 0 of docker {call}", seen=words or "refused by the table"
            )
        for start, things in self.then.items():
            if call.startswith(start):
                self.things.update(things)
        return said or self._nodes(call) or _answer(documents.DOCKER, call)

    def _nodes(self, call: str) -> str:
        """The containers with kind's label, each with what the label says."""
        if not call.startswith(f"ps --all --filter=label={CLUSTER} "):
            return ""
        things = ((name, each) for (kind, name), each in self.things.items() if kind == "container")
        labels = ((name, each.get("Config", {}).get("Labels", {})) for name, each in things)
        return "".join(f"{name} {own[CLUSTER]}\n" for name, own in labels if CLUSTER in own)

    def pull(self, reference: str, _: Patience) -> None:
        self.docker("pull", reference)

    def inspect(self, kind: str, name: str) -> Thing | None:
        return self.things.get((kind, name))


def _answer(answers: dict[str, str], call: str) -> str:
    return next((text for start, text in answers.items() if call.startswith(start)), "")
