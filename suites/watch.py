"""The watch: every station sends, phases come and go, and at its end each stream has an entry.

It runs what it is given between the begin of the watch and its end, and knows the phases by
name alone. Traces are saved before anything is judged.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from clusters.errors import PlumblineError
from clusters.progress import Progress
from clusters.steps import istio
from fixtures import manifests, posts
from fixtures.lab import OUTSIDER, Lab
from fixtures.posts import LONGEST, Post
from fixtures.streams import Stream as Asking
from fixtures.traces import Traces
from fixtures.watched import Asked, Change, entry, shares, wrong
from reports.upgrade_schema import Budget, Phase, Share, Stream
from suites.canary_split.conftest import NINE_TO_ONE
from suites.stations import Station

TRACES, HISTORIES = "traces", "histories"
USERS, PAUSE = 2, 0.1  # of Locust, in each cluster: some twenty requests per second
Place = tuple[str, str]
Outcome = Literal["done", "failed", "rolled back"]  # of a phase


def _now() -> float:
    return time.time()


@dataclass
class Watch:
    """A watch under way. Times of its phases count from its begin."""

    lab: Lab
    folder: Path
    progress: Progress
    began: float = field(default_factory=_now)
    phases: list[Phase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _stations: dict[Place, Station] = field(default_factory=dict)
    _standing: dict[Place, Post] = field(default_factory=dict)
    _since: dict[Place, float] = field(default_factory=dict)
    _traces: dict[Place, list[Traces]] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, component: str = "", cluster: str = "") -> Iterator[None]:
        """A phase, told of also when it fails."""
        started = _now()
        outcome: Outcome = "failed"
        label = f"{name}, {cluster}" if cluster else name
        try:
            with self.progress.step(name, cluster):
                yield
            outcome = "done"
        finally:
            self.phases.append(
                Phase(
                    name=label,
                    component=component,
                    cluster=cluster,
                    started=started - self.began,
                    seconds=_now() - started,
                    outcome=outcome,
                )
            )

    def concluded(self, outcome: Outcome, note: str) -> None:
        """How the last phase came out in the end."""
        last = self.phases[-1]
        self.phases[-1] = last.model_copy(update={"outcome": outcome, "note": note})
        if note:
            self.notes.append(f"{last.name}: {outcome}: {note}")

    @property
    def well(self) -> bool:
        """Whether every phase so far was done."""
        return all(phase.outcome == "done" for phase in self.phases)

    def failed(self, error: PlumblineError) -> None:
        """Something went wrong that ends the watch early: a phase of its own says so."""
        self.notes.append(f"{error.expected}: {error.seen}")
        now = _now() - self.began
        self.phases.append(
            Phase(name="cut short", started=now, seconds=0.0, outcome="failed", note=str(error))
        )

    def quiet(self, name: str, seconds: float) -> None:
        """A phase in which nothing is done."""
        with self.phase(name):
            time.sleep(seconds)

    @contextmanager
    def standing(self, stations: Sequence[Station]) -> Iterator[None]:
        """The stations send until the block ends."""
        self.begin(stations)
        try:
            yield
        finally:
            self.end(stations)

    def begin(self, stations: Iterable[Station]) -> None:
        """Have stations send, from the callers that are there now.

        Raises:
            PlumblineError: one did not begin.
        """
        standing = {_place(station): station.post(self.lab) for station in stations}
        self._stations |= {_place(station): station for station in stations}
        posts.start(standing.values())
        self._standing |= standing
        self._since |= dict.fromkeys(standing, _now())

    def end(self, stations: Iterable[Station]) -> None:
        """End what stations send, and keep their traces.

        What they sent while others were still beginning, or ending, is not judged: that is work
        of the watch's own.
        """
        places = [_place(s) for s in stations if _place(s) in self._standing]
        leaving, until = [self._standing.pop(place) for place in places], _now()
        for place, ended in zip(places, posts.stop(leaving, self.folder / TRACES), strict=True):
            traces = ended if isinstance(ended, Traces) else Traces((), None)
            if isinstance(ended, PlumblineError):
                self.notes.append(f"{place[1]} of {place[0]} left no trace: {ended.seen}")
            span = self._since[place], until
            self._traces.setdefault(place, []).append(traces.between(*span))

    def post(self, cluster: str, workload: str) -> Post:
        """The one that stands there now."""
        return self._standing[cluster, workload]

    @contextmanager
    def load(self, stations: Iterable[Station]) -> Iterator[None]:
        """Locust beside it, from outside the mesh, with what each station there asks first."""
        with ExitStack() as stack:
            for station in (s for s in stations if s.workload == OUTSIDER):
                caller = self.lab.caller(
                    station.cluster, station.workload, station.namespace, identity=station.identity
                )
                first = station.questions[0].stream
                asking = Asking(stream="load", url=first.url, headers=first.headers)
                loading = caller.meanwhile(asking, users=USERS, seconds=LONGEST, pause=PAUSE)
                stack.enter_context(loading)
            yield

    def change(self, budgets: Iterable[Budget]) -> Change:
        return Change(self.began, tuple(self.phases), tuple(budgets))

    def entries(self, budgets: Iterable[Budget]) -> tuple[Stream, ...]:
        """Every stream's entry, in the stations' order."""
        change = self.change(budgets)
        return tuple(
            self._entry(question.asked, self._traces.get(place, []), change)
            for place, station in self._stations.items()
            for question in station.questions
        )

    def _entry(self, asked: Asked, parts: Sequence[Traces], change: Change) -> Stream:
        """The entry, with the requests that were not good as lines of a History beside it."""
        told = entry(asked, parts, change)
        history = wrong(asked, parts)
        if not len(history):
            return told
        path = f"{HISTORIES}/{asked.cluster}-{asked.name}.jsonl"
        history.save(self.folder / path)
        return told.model_copy(update={"history": path})

    def shares(self, budgets: Iterable[Budget]) -> tuple[Share, ...]:
        """The declared split, as each cluster's stream of it went, by component and in all."""
        change = self.change(budgets)
        return tuple(
            share
            for (cluster, workload), parts in self._traces.items()
            if workload == OUTSIDER
            for share in shares(cluster, NINE_TO_ONE, [t for p in parts for t in p.streams], change)
        )


@contextmanager
def failures_logged(lab: Lab) -> Iterator[None]:
    """Proxies log the requests that fail, and no others, until the block ends.

    Raises:
        UnservedKindError, RefusedError: a cluster does not take it.
    """
    meshed = [lab.kube(c.name) for c in lab.topology.clusters if "istio" in c.features]
    documents = manifests.support("watch")
    with ExitStack() as stack:
        for kube, document in product(meshed, documents):
            stack.callback(kube.delete, document, istio.NAMESPACE)
            kube.apply(document, istio.NAMESPACE, "support/watch.yaml")
        yield


def _place(station: Station) -> Place:
    return station.cluster, station.workload
