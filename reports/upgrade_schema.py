"""upgrade.json: what a watch saw while something changed, and what the change did.

Times are seconds since the watch began unless they say otherwise. The schema is versioned: a
field is never renamed or given another meaning within a version. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, Field

from clusters.models import Frozen, Machine
from reports.compare import Comparison
from reports.files import Kept
from reports.schema import RunStatus, Stage

SCHEMA: Final = 1
FILE: Final = "upgrade.json"

WINDOW: Final = 0.010
"""Seconds: a state that lasts so long must not be missed, unless a watch has another window."""
Demand = Literal["allow", "deny"]
Connections = Literal["new", "kept"]
Outcome = Literal["pass", "fail", "inconclusive"]
Period = Literal["before", "during", "after"]
Kind = Literal["leak", "misrouted", "dropped", "refused", "late", "unproven", "starved"]
KINDS: tuple[Kind, ...] = (
    "leak", "misrouted", "dropped", "refused", "late", "unproven", "starved",
)  # fmt: skip
"""Worst first.

leak: somebody was served who must not be. misrouted: the wrong backend answered. dropped: no
answer in time. refused: a connection refused or reset, or a proxy's own error. late: the right
answer, but beyond the stream's limit. unproven: somebody who must be denied was not served, but
not denied by its cause either. starved: the generator or its machine did not send when due.
"""


class Phase(Frozen):
    """One step of what was done while the watch ran; `component` is empty for a quiet one."""

    name: str
    component: str = ""
    cluster: str = Field(default="", description="empty if it is of no one cluster")
    started: float
    seconds: float
    outcome: Literal["done", "failed", "rolled back"] = "done"
    note: str = ""


class Outage(Frozen):
    """Requests of one stream and one kind with less than a second between any two.

    `low` and `high` bound the seconds for which the stream was in this state: what the
    requests of this kind span among themselves, and what their good neighbours span.
    """

    kind: Kind
    phase: str = Field(description="the phase in which it began")
    started: float
    low: float
    high: float
    n: int = Field(description="requests of this kind")
    of: int = Field(description="requests of the stream from its first to its last")
    seen: str = Field(description="what the first of them got, in words")


class Latency(Frozen):
    """Answers of one stream in one period, in milliseconds from when each was due to be sent."""

    period: Period
    n: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Stream(Frozen):
    """One open-loop stream through the whole watch, and what is to be made of it."""

    name: str = Field(description="unique within its cluster, such as rbac-frontend-new")
    suite: str = Field(description="the behaviour that it probes")
    cluster: str = Field(description="the cluster of its caller")
    sentence: str = Field(description="what it asks, such as `GET /api/v1 as frontend is served`")
    demand: Demand
    connections: Connections
    rate: float = Field(description="requests per second")
    n: int
    counts: dict[Kind, int] = Field(default_factory=dict, description="those that were not good")
    watched: float = Field(description="share of its time with a request at least every window")
    blind: float = Field(description="the longest time between two requests, in seconds")
    verdict: Outcome
    reason: str
    episodes: tuple[Outage, ...] = ()
    latencies: tuple[Latency, ...] = ()
    history: str = Field(default="", description="path, relative to upgrade.json")
    gaps: tuple[tuple[float, float], ...] = Field(
        default=(), description="from, to: when it was not watched, as no caller sent it"
    )

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.name}"


class Share(Frozen):
    """A declared split, as it was in one phase."""

    cluster: str
    service: str
    phase: str
    declared: float
    n: int
    hits: int
    low: float = Field(description="exact 99 % interval")
    high: float
    verdict: Outcome
    reason: str


class Fault(Frozen):
    """A fault made on purpose, and whether the watch saw it for what it was.

    `least` and `most` bound what was made, in seconds, as the one who made it knows; the
    found ones are the watch's own bounds.
    """

    name: str
    sentence: str
    stream: str = Field(description="key of the stream that must see it; empty if none must")
    kind: Kind | Literal[""]
    least: float
    most: float
    found: Kind | Literal[""] = ""
    found_low: float = 0.0
    found_high: float = 0.0
    verdict: Outcome
    reason: str


class Budget(Frozen):
    """How long a component's upgrade may shut a stream, or answer it wrongly, in seconds."""

    component: str
    closed: float
    misrouted: float


class Upgrade(Frozen, Kept):
    """A whole upgrade, or a watch during which nothing was upgraded (`to` is then empty)."""

    made_by: ClassVar[str] = "make upgrade"
    schema_version: Literal[1] = SCHEMA
    run: str
    status: RunStatus
    began: AwareDatetime
    ended: AwareDatetime
    base: str = Field(description="the train that was there")
    to: str = Field(default="", description="the train it was brought to")
    only: str = Field(default="", description="the one component that was changed, if not all")
    window: float = Field(default=WINDOW, description="seconds of the shortest outage to be seen")
    versions: dict[str, str]
    versions_to: dict[str, str] = Field(default_factory=dict)
    machine: Machine
    stages: tuple[Stage, ...] = ()
    notes: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    streams: tuple[Stream, ...] = ()
    shares: tuple[Share, ...] = ()
    faults: tuple[Fault, ...] = ()
    budgets: tuple[Budget, ...] = ()
    before: str = Field(default="", description="folder of the suites' run, relative to this file")
    after: str = ""
    comparison: Comparison | None = None

    @property
    def exit_status(self) -> int:
        return 0 if self.status == "passed" else 1

    def come_to(self) -> RunStatus:
        """What its parts amount to. Where faults were made on purpose it is they that are
        judged: the streams are meant to suffer."""
        parts: Iterable[Stream | Share | Fault] = self.faults or (*self.streams, *self.shares)
        return status_of((each.verdict for each in parts), self.phases, self.comparison)


def status_of(
    verdicts: Iterable[Outcome], phases: Iterable[Phase], comparison: Comparison | None
) -> RunStatus:
    """Passed if something was watched, all of it passed, no phase failed, nothing regressed."""
    outcomes = list(verdicts)
    good = bool(outcomes) and all(each == "pass" for each in outcomes)
    done = all(phase.outcome == "done" for phase in phases)
    return "passed" if good and done and not (comparison and comparison.regressed) else "failed"
