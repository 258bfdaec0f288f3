"""The kill matrix: which faults the requirements noticed, as JSON, Markdown and a page.

Its schema and its forms. What killed what was found by a run of the suites over mutants; it
judges nothing beyond that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from clusters.files import write
from clusters.models import Machine
from reports import wording
from reports.html import environment
from reports.publish import point
from reports.schema import Status

LATEST = "mutants"

Outcome = Literal["killed", "survived", "not applicable"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(_Frozen):
    """What one requirement came to for one mutant, or for the reference."""

    requirement: str
    verdict: Status
    reason: str


class Entry(_Frozen):
    """One mutant: killed if every requirement that must fail for it did."""

    name: str
    suite: str
    cluster: str = ""
    what: str
    kills: tuple[str, ...]
    outcome: Outcome
    reason: str = ""
    cells: tuple[Cell, ...] = ()

    def verdict(self, requirement: str) -> str:
        """What a requirement came to; empty if it was not asked."""
        return next((c.verdict for c in self.cells if c.requirement == requirement), "")


class Matrix(_Frozen):
    """All mutants of a run, and the reference between them wherever it was not green."""

    schema_version: Literal[1] = 1
    run: str
    train: str
    seconds: float
    machine: Machine
    entries: tuple[Entry, ...]
    references: int = Field(description="times that a requirement was asked of the reference")
    reference_red: tuple[Cell, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(entry.outcome == outcome for entry in self.entries)

    @property
    def proven(self) -> bool:
        """Every mutant that can be run was killed, and the reference stayed green."""
        return self.count("killed") > 0 and not self.count("survived") and not self.reference_red

    @property
    def headline(self) -> str:
        told = f"{self.count('killed')} killed, {self.count('survived')} survived, "
        told += f"{self.count('not applicable')} not applicable"
        if self.reference_red:
            return f"{told}; the reference was red {len(self.reference_red)} times"
        return f"{told}; the reference was green {self.references} times between them"

    def suites(self) -> dict[str, tuple[list[str], list[Entry]]]:
        """Each suite's requirements, in the order of their numbers, and its mutants."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.suite, []).append(entry)
        return {suite: (_requirements(entries), entries) for suite, entries in found.items()}


def _requirements(entries: list[Entry]) -> list[str]:
    asked = {cell.requirement for entry in entries for cell in entry.cells}
    return sorted(asked, key=lambda name: (name.rstrip("0123456789"), _number(name)))


def _number(requirement: str) -> int:
    digits = "".join(character for character in requirement if character.isdigit())
    return int(digits or 0)


def publish(matrix: Matrix, directory: Path) -> None:
    """Write mutants.json, mutants.md and mutants.html, and point `mutants` beside them there.

    Raises:
        OSError: the folder cannot be written.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / "mutants.json", (matrix.model_dump_json(indent=2) + "\n").encode())
    point(directory.parent / LATEST, directory.name)
    write(directory / "mutants.md", markdown(matrix).encode())
    write(directory / "mutants.html", html(matrix).encode())


def markdown(matrix: Matrix) -> str:
    """A table per suite, as a step summary shows it."""
    lines = [f"# Mutants: {matrix.headline}", "", f"Took {wording.duration(matrix.seconds)}.", ""]
    for suite, (requirements, entries) in matrix.suites().items():
        lines += [f"## {suite}", "", f"| mutant | {' | '.join(requirements)} | outcome |"]
        lines.append("|---" * (len(requirements) + 2) + "|")
        for entry in entries:
            cells = " | ".join(_cell(entry, requirement) for requirement in requirements)
            lines.append(f"| {entry.name} | {cells} | {entry.outcome} |")
        lines.append("")
    lines += [f"- reference: {c.requirement} {c.verdict}: {c.reason}" for c in matrix.reference_red]
    return "\n".join(lines) + "\n"


def _cell(entry: Entry, requirement: str) -> str:
    verdict = entry.verdict(requirement)
    told = {"fail": "✗", "pass": "·", "inconclusive": "?", "skip": "-"}.get(verdict, "")
    return f"**{told}**" if requirement in entry.kills else told


def html(matrix: Matrix) -> str:
    """The page; it needs nothing else."""
    return environment().get_template("mutants.html.j2").render(matrix=matrix, wording=wording)
