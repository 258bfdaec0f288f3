"""results.json: what a run found, one entry per requirement. All other forms are made from it.

The schema is versioned: a field is never renamed or given another meaning within a
version. This module judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from clusters.models import Frozen, Image, Machine
from reports.files import Kept

SCHEMA: Final = 1

Status = Literal["pass", "fail", "inconclusive", "skip"]
RunStatus = Literal["passed", "failed", "interrupted"]
INTERRUPTED: Final = "the run was interrupted first"
"""The reason of an entry that the run had not come to."""
PAIR: Final = "->"
"""In a variant of what was asked of a pair of clusters: who asked, and who was asked."""


class Requirement(Frozen):
    """What was asked, and what came of it."""

    id: str = Field(description="such as CS1; one requirement may be asked of several clusters")
    variant: str = Field(default="", description="the cluster or parameter it was asked of")
    suite: str
    sentence: str = Field(description="the requirement in one sentence")
    source: str = Field(description="the reference's kind/name that demands it")
    verdict: Status
    reason: str
    needs: str = Field(
        default="", description="a feature that no cluster here offers, so that it was not asked"
    )
    deviation: str = Field(
        default="", description="why it fails, where that is known; the verdict is a skip then"
    )
    numbers: dict[str, int | float | str | bool] = Field(default_factory=dict)
    history: str = Field(default="", description="path of its History, relative to results.json")
    evidence: str = Field(default="", description="folder of its evidence, relative likewise")
    test: str = Field(description="pytest's node id, to run it again")
    seconds: float

    @property
    def key(self) -> str:
        """Unique within a run: the id, with its variant where it has one."""
        return f"{self.id}[{self.variant}]" if self.variant else self.id

    @property
    def explained(self) -> bool:
        """Whether it is a skip that is red in no profile: no cluster offers what it needs, or its
        failure is known."""
        return self.verdict == "skip" and bool(self.needs or self.deviation)


class Stage(Frozen):
    """One step's time in seconds; `started` counts from the begin of its phase."""

    phase: str = Field(description="up, suites, down")
    name: str
    cluster: str = ""
    started: float
    seconds: float


class Written(Frozen):
    """What was written to one namespace of a cluster: how many objects of a kind, by one verb."""

    cluster: str
    namespace: str = Field(description="empty for objects of the whole cluster")
    kind: str
    verb: str = Field(description="apply, patch, delete, exec, or create and what was made below")
    objects: int
    times: int


class Load(Frozen):
    """A load in one cluster, by Locust or, to compare, by a client pod."""

    cluster: str
    by: str
    loop: Literal["open", "closed"] = Field(
        description="closed: each user sends once it was answered; open: what is due is sent"
    )
    users: int
    workers: int
    seconds: float
    rate: float = Field(description="requests a second that an open loop has; 0 for a closed one")
    requests: int
    unusual: int = Field(description="answers that were not what a stream must get")
    delayed: int = Field(description="requests of an open loop that were sent late or never")
    lines: int = Field(description="requests that have a line in the history")
    p50_ms: float = Field(
        description="closed: from sending to the answer; open: from when it was due"
    )
    p99_ms: float
    p999_ms: float
    max_ms: float
    cpu_ms: dict[str, float] = Field(
        description="milliseconds of CPU for a request, by who took it"
    )
    by_second: dict[str, tuple[int, ...]] = Field(
        description="answers in each second, by status, or `unusual`"
    )
    page: str = Field(default="", description="path of Locust's own report, relative likewise")

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Results(Frozen, Kept):
    """A whole run."""

    schema_version: Literal[1] = 1
    run: str
    status: RunStatus
    began: AwareDatetime
    ended: AwareDatetime
    train: str
    profile: str = Field(default="full", description="core, or full: in both a skip is red")
    manifests: str = Field(default="reference", description="reference, or the user's own folder")
    versions: dict[str, str]
    images: tuple[Image, ...] = ()
    machine: Machine
    stages: tuple[Stage, ...] = ()
    notes: tuple[str, ...] = ()
    written: tuple[Written, ...] = Field(
        default=(), description="all that the run wrote to the clusters; writes.jsonl has each"
    )
    loads: tuple[Load, ...] = Field(default=(), description="the loads of `make load`")
    requirements: tuple[Requirement, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        keys = Counter(requirement.key for requirement in self.requirements)
        twice = [key for key, n in keys.items() if n > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} stands there twice")
        return self

    def count(self, verdict: Status) -> int:
        return sum(r.verdict == verdict for r in self.requirements)

    @property
    def exit_status(self) -> int:
        """0 only if the run came to its end and every requirement passed."""
        return 0 if self.status == "passed" else 1


def verdict_of(requirements: Iterable[Requirement]) -> RunStatus:
    """A run passed if something was asked and all of it passed."""
    verdicts = [r.verdict for r in requirements]
    return "passed" if verdicts and all(v == "pass" for v in verdicts) else "failed"
