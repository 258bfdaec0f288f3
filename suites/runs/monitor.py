"""The disruption monitor: every source sends, phases come and go, each stream gets an entry.

It knows the phases by name alone, and its streams by what the behaviours' probes say. Traces are
saved before anything is judged.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from clusters.components import istio
from clusters.errors import PlaceError, PlumblineError, UnreachableError
from clusters.kube import Document, Kube
from clusters.progress import Progress
from fixtures import manifests
from fixtures.checks.watched import Change, entry, shares, wrong
from fixtures.history.streams import Stream as LoadStream
from fixtures.history.traces import Traces
from fixtures.lab import Lab
from fixtures.lab.probes import Probe, ProbeSource
from fixtures.traffic import monitor_processes
from fixtures.traffic.monitor_processes import LONGEST, MonitorProcess
from reports.upgrade_schema import WINDOW, Budget, Phase, Share, Stream

TRACES, HISTORIES = "traces", "histories"
TELEMETRY = manifests.SUPPORT / "watch.yaml"
USERS, PAUSE = 2, 0.1  # of Locust, in each cluster: some twenty requests per second
ClientId = tuple[str, str]  # cluster and workload
PhaseEnd = Literal["done", "failed", "rolled back"]


@dataclass
class Sender:
    """A probe source: the process that sends now, since when, and the traces of those before."""

    source: ProbeSource
    process: MonitorProcess | None = None
    since: float = 0.0
    traces: list[Traces] = field(default_factory=list)


@dataclass
class Monitor:
    """A watch under way. Times of its phases count from its begin. It asks so often that nothing
    that lasts as long as its `window`, in seconds, is missed."""

    lab: Lab
    folder: Path
    progress: Progress
    window: float = WINDOW
    began: float = field(default_factory=time.time)
    phases: list[Phase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _senders: dict[ClientId, Sender] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, component: str = "", cluster: str = "") -> Iterator[None]:
        """A phase, recorded also when it fails."""
        started = time.time()
        outcome: PhaseEnd = "failed"
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
                    seconds=time.time() - started,
                    outcome=outcome,
                )
            )

    def end_phase(self, outcome: PhaseEnd, note: str) -> None:
        """How the last phase came out in the end."""
        last = self.phases[-1]
        self.phases[-1] = last.model_copy(update={"outcome": outcome, "note": note})
        if note:
            self.notes.append(f"{last.name}: {outcome}: {note}")

    @property
    def all_done(self) -> bool:
        """Whether every phase so far was done."""
        return all(phase.outcome == "done" for phase in self.phases)

    def cut_short(self, error: PlumblineError) -> None:
        """Something went wrong that ends the watch early: a phase of its own says so."""
        self.notes.append(f"{error.expected}: {error.seen}")
        now = time.time() - self.began
        self.phases.append(
            Phase(name="cut short", started=now, seconds=0.0, outcome="failed", note=str(error))
        )

    def quiet(self, name: str, seconds: float) -> None:
        """A phase in which nothing is done."""
        with self.phase(name):
            time.sleep(seconds)

    @contextmanager
    def sending(self, sources: Sequence[ProbeSource]) -> Iterator[None]:
        """The sources send until the block ends."""
        self.start(sources)
        try:
            yield
        finally:
            self.stop(sources)

    def start(self, sources: Iterable[ProbeSource]) -> None:
        """Have sources send, from the client pods that are there now.

        Raises:
            PlumblineError: one did not start.
        """
        starting = {_client(each): each.process(self.lab, self.window) for each in sources}
        for source in sources:
            self._senders.setdefault(_client(source), Sender(source)).source = source
        monitor_processes.start(starting.values())
        now = time.time()
        for client, process in starting.items():
            sender = self._senders[client]
            sender.process, sender.since = process, now

    def stop(self, sources: Iterable[ProbeSource]) -> None:
        """Stop what sources send, and keep their traces.

        What they sent while others were still starting, or stopping, is not judged: that is work
        of the watch's own.
        """
        senders = [s for source in sources if (s := self._senders.get(_client(source)))]
        stopping = [(sender, sender.process) for sender in senders if sender.process]
        for sender, _ in stopping:
            sender.process = None
        until = time.time()
        ends = monitor_processes.stop([process for _, process in stopping], self.folder / TRACES)
        for (sender, _), end in zip(stopping, ends, strict=True):
            if isinstance(end, PlumblineError):
                cluster, workload = _client(sender.source)
                self.notes.append(f"{workload} of {cluster} left no trace: {end.seen}")
            traces = end if isinstance(end, Traces) else Traces((), None)
            sender.traces.append(traces.between(sender.since, until))

    def process(self, cluster: str, workload: str) -> MonitorProcess:
        """The one that sends there now.

        Raises:
            KeyError: none does.
        """
        sender = self._senders.get((cluster, workload))
        if sender is None or sender.process is None:
            raise KeyError((cluster, workload))
        return sender.process

    @contextmanager
    def load(self, sources: Iterable[ProbeSource]) -> Iterator[None]:
        """Locust beside it, with what the sources' probes ask to be loaded with."""
        with ExitStack() as stack:
            for source in sources:
                streams = [
                    LoadStream(stream="load", url=p.stream.url, headers=p.stream.headers)
                    for p in source.probes
                    if p.loaded
                ]
                if streams:
                    pod = self.lab.client(
                        source.cluster, source.workload, source.namespace, identity=source.identity
                    )
                    load = pod.meanwhile(*streams, users=USERS, seconds=LONGEST, pause=PAUSE)
                    stack.enter_context(load)
            yield

    def entries(self, budgets: Iterable[Budget]) -> tuple[Stream, ...]:
        """Every stream's entry, in the sources' order."""
        change = self._change(budgets)
        return tuple(
            self._entry(probe, sender.traces, change)
            for sender in self._senders.values()
            for probe in sender.source.probes
        )

    def _entry(self, probe: Probe, parts: Sequence[Traces], change: Change) -> Stream:
        """The entry, with the requests that were not good as lines of a History beside it."""
        judged = entry(probe.asked, parts, change)
        history = wrong(probe.asked, parts)
        if not len(history):
            return judged
        path = f"{HISTORIES}/{judged.cluster}-{judged.name}.jsonl"
        try:
            history.save(self.folder / path)
        except PlaceError as error:
            self.notes.append(error.line)
            return judged
        return judged.model_copy(update={"history": path})

    def shares(self, budgets: Iterable[Budget]) -> tuple[Share, ...]:
        """Each declared split, as its stream went in each cluster, by component and in all."""
        change = self._change(budgets)
        return tuple(
            share
            for sender in self._senders.values()
            for probe in sender.source.probes
            if probe.split
            for share in self._shares(sender, probe, change)
        )

    def _shares(self, sender: Sender, probe: Probe, change: Change) -> Iterator[Share]:
        traces = [trace for part in sender.traces for trace in part.streams]
        return shares(sender.source.cluster, probe.asked.name, probe.split, traces, change)

    def _change(self, budgets: Iterable[Budget]) -> Change:
        return Change(self.began, tuple(self.phases), tuple(budgets), self.window)


@contextmanager
def failures_logged(lab: Lab) -> Iterator[None]:
    """Proxies log the requests that fail, and no others, until the block ends.

    Raises:
        UnservedKindError, RefusedError: a cluster does not take it.
    """
    kubes = [lab.kube(c.name) for c in lab.topology.clusters if "istio" in c.features]
    documents = manifests.support(TELEMETRY)
    with ExitStack() as stack:
        for kube, document in product(kubes, documents):
            stack.callback(_take_away, kube, document)
            kube.apply(document, istio.NAMESPACE, str(TELEMETRY))
        yield


def _take_away(kube: Kube, document: Document) -> None:
    with suppress(UnreachableError):  # what was seen is still to be reported
        kube.delete(document, istio.NAMESPACE)


def _client(source: ProbeSource) -> ClientId:
    return source.cluster, source.workload
