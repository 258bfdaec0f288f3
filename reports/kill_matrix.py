"""mutants.json: the kill matrix, which faults the requirements noticed.

Its schema. What killed what was found by a run of the suites over mutants; it judges nothing
beyond that.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clusters.models import Frozen, Machine
from reports.files import Kept
from reports.schema import Status

Outcome = Literal["killed", "survived", "not applicable", "refused", "equivalent", "not run"]
"""`not run`: the run was interrupted first; `refused`: the cluster does not take it; `equivalent`:
an oracle says that no request of the space could tell it from the reference."""


class Cell(Frozen):
    """What one requirement came to for one mutant, or for the reference."""

    requirement: str
    verdict: Status
    reason: str


class Word(Frozen):
    """What somebody else says of a mutant's documents, beside what it says of the reference's."""

    peer: str
    noticed: bool
    says: str = ""
    seconds: float


class MutantRun(Frozen):
    """One mutant: killed if every requirement that must fail for it did.

    Attributes:
        peers: what others say of it, if they were asked.
    """

    name: str
    suite: str
    cluster: str = ""
    what: str
    kills: tuple[str, ...]
    outcome: Outcome
    reason: str = ""
    cells: tuple[Cell, ...] = ()
    peers: tuple[Word, ...] = ()

    def verdict(self, requirement: str) -> str:
        """What a requirement came to; empty if it was not asked."""
        return next((c.verdict for c in self.cells if c.requirement == requirement), "")


class KillMatrix(Frozen, Kept):
    """All mutants of a run, and the reference between them wherever it was not green."""

    schema_version: Literal[1] = 1
    run: str
    train: str
    seconds: float
    machine: Machine
    entries: tuple[MutantRun, ...]
    references: int = Field(description="times that a requirement was asked of the reference")
    reference_red: tuple[Cell, ...] = ()
    seed: int = Field(default=0, description="that drew the sample; 0 if it is none")

    def count(self, outcome: Outcome) -> int:
        return sum(entry.outcome == outcome for entry in self.entries)

    def peers(self) -> dict[str, list[Word]]:
        """What each of the others says, in the order of the mutants."""
        words: dict[str, list[Word]] = {}
        for word in (word for entry in self.entries for word in entry.peers):
            words.setdefault(word.peer, []).append(word)
        return words

    @property
    def proven(self) -> bool:
        """Every mutant that can be run was killed, and the reference stayed green."""
        open_ = self.count("survived") + self.count("not run")
        return self.count("killed") > 0 and not open_ and not self.reference_red

    @property
    def headline(self) -> str:
        text = f"{self.count('killed')} killed, {self.count('survived')} survived, "
        text += f"{self.count('not applicable')} not applicable"
        if refused := self.count("refused"):
            text += f", {refused} refused by the cluster"
        if equivalent := self.count("equivalent"):
            text += f", {equivalent} equivalent"
        if left := self.count("not run"):
            text += f", {left} not run"
        if self.reference_red:
            return f"{text}; the reference was red {len(self.reference_red)} times"
        return f"{text}; the reference was green {self.references} times between them"

    def suites(self) -> dict[str, tuple[list[str], list[MutantRun]]]:
        """Each suite's requirements, in the order of their numbers, and its mutants."""
        by_suite: dict[str, list[MutantRun]] = {}
        for entry in self.entries:
            by_suite.setdefault(entry.suite, []).append(entry)
        return {suite: (_requirements(entries), entries) for suite, entries in by_suite.items()}


def _requirements(entries: list[MutantRun]) -> list[str]:
    names = {cell.requirement for entry in entries for cell in entry.cells}
    return sorted(names, key=lambda name: (name.rstrip("0123456789"), _number(name)))


def _number(requirement: str) -> int:
    digits = "".join(character for character in requirement if character.isdigit())
    return int(digits or 0)
