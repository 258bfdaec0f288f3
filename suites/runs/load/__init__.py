"""The load: Locust's own master and workers as pods in every cluster, and what they were answered.

Each stream of it is a requirement of the report: nobody but who must answered it, as often as it
should. Nothing here knows a behaviour by its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from clusters import forwarding, providers
from clusters.topology import Topology
from fixtures.checks.merged import as_expected
from fixtures.history.merged import percentile
from fixtures.plugin.record import run_status, written
from fixtures.traffic import distributed
from fixtures.traffic.distributed import WEB_PORT, Loaded, Progress, Size
from reports.publish import publish, report_of
from reports.render.terminal import show
from reports.schema import Load, Requirement, Results
from reports.wording import plural
from suites.runs.load import sizes
from suites.runs.load.site import Place, entered
from suites.runs.run import Run

PROFILE = "load"
LEAST = 50
"""Requests of a stream that say something."""
TELL_EVERY = 5.0  # seconds
DISTRIBUTED, ALONE = "master and workers", "one client pod"


def load(run: Run, words: str, *, compare: bool = False) -> int:
    """Load every cluster and show what came of it; 0 only if each stream got what it must.

    Args:
        compare: load the first cluster alone, by 1, 2 and 4 workers one after another, and then by
            one client pod as the suites do.

    Raises:
        InputError: there is no such load, or it is more than the bounds.
        TopologyError: no clusters are up.
        PlumblineError: the reference did not come into force, or a pod does not run.
    """
    topology, adopted = Topology.load(run.home.topology), providers.adopted(run.home)
    size = sizes.parse(words, sizes.MOST_ADOPTED if adopted else sizes.MOST)
    plan = sizes.to_compare(size) if compare else [size]
    run.folder.mkdir(parents=True, exist_ok=True)
    loads: list[Made] = []
    with ExitStack() as stack:
        stack.callback(run.release)
        # They are made here, since a lab's clusters may be in another network namespace.
        pages = [stack.enter_context(forwarding.listen()) for _ in topology.clusters]
        providers.reach(run.home)
        workers = max(each.workers for each in plan)
        with run.stage("reference in force"):
            places = stack.enter_context(entered(run, topology, workers, compare))
        console = Console(highlight=False)
        for place, page in zip(places, pages, strict=False):
            master = place.generators.master
            leading = forwarding.forwarded(
                page, master.kube, master.namespace, master.pod, WEB_PORT
            )
            console.print(f"{place.cluster}: Locust's page: {stack.enter_context(leading)}")
        for each in plan:
            with run.stage(f"load by {each.workers} workers"):
                loads += _side_by_side(run, places, each, console)
        if compare:
            with run.stage(f"load by {ALONE}"):
                loads.append(_alone(run, places[0], size))
    results = _results(run, topology, loads)
    publish(results, run.folder)
    show(report_of(results), run.folder)
    return results.exit_status


@dataclass(frozen=True)
class Made:
    """A load that was made in one cluster, and where its lines and Locust's page are."""

    place: Place
    by: str
    size: Size
    loaded: Loaded
    sidecars: float
    lines: str
    page: str = ""

    @property
    def variant(self) -> str:
        """What tells it from the others of its run."""
        workers = plural(self.size.workers, "worker")
        return f"{self.place.cluster}, {workers if self.by == DISTRIBUTED else self.by}"

    def entry(self) -> Load:
        """Its figures."""
        merged, history = self.loaded.load.merged, self.loaded.load.history
        histogram, requests = merged.histogram(), max(1, merged.n)
        cpu = {**self.loaded.cpu, "sidecars": self.sidecars}
        return Load(
            cluster=self.place.cluster,
            by=self.by,
            loop=self.size.loop,
            **self.size._asdict(),
            requests=merged.n,
            unusual=merged.unusual(),
            delayed=self.loaded.load.delayed,
            lines=len(history),
            p50_ms=percentile(histogram, 50),
            p99_ms=percentile(histogram, 99),
            p999_ms=percentile(histogram, 99.9),
            max_ms=histogram.get_max_value() / 1000,
            cpu_ms={name: round(1000 * seconds / requests, 3) for name, seconds in cpu.items()},
            by_second=merged.by_status(),
            page=self.page,
        )

    def requirements(self) -> Iterator[Requirement]:
        """What each stream had to get, and what it got."""
        for probe in self.place.probes:
            asked, name = probe.asked, probe.asked.group
            verdict = as_expected(self.loaded.load, name, asked.expectation, LEAST, probe.split)
            yield Requirement(
                id=f"LOAD-{name}",
                variant=self.variant,
                suite=asked.suite,
                sentence=f"Under load, {asked.sentence}",
                source=f"Load/{name}",
                verdict=verdict.outcome.value,
                reason=verdict.reason,
                numbers=dict(verdict.numbers),
                evidence=self.lines,
                test=f"make load LOAD={','.join(f'{value:g}' for value in self.size)}",
                seconds=self.size.seconds,
            )


def _side_by_side(run: Run, places: Sequence[Place], size: Size, console: Console) -> list[Made]:
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(lambda place: _distributed(run, place, size, console), places))


def _distributed(run: Run, place: Place, size: Size, console: Console) -> Made:
    heard = Heard(place.cluster, console)
    before = sum(place.proxies())
    loaded = place.generators.load(place.streams, size, heard)
    sidecars = sum(place.proxies()) - before
    name = f"{PROFILE}/{place.cluster}-{size.workers}"
    loaded.load.history.save(run.folder / f"{name}.jsonl")
    (run.folder / f"{name}.html").write_text(loaded.page, encoding="utf-8")
    return Made(
        place, DISTRIBUTED, size, loaded, sidecars, lines=f"{name}.jsonl", page=f"{name}.html"
    )


def _alone(run: Run, place: Place, size: Size) -> Made:
    before = sum(place.proxies())
    size = size._replace(workers=1, rate=0.0)
    loaded = distributed.alone(place.generators.workers[0], place.streams, size)
    sidecars = sum(place.proxies()) - before
    name = f"{PROFILE}/{place.cluster}-alone.jsonl"
    loaded.load.history.save(run.folder / name)
    return Made(place, ALONE, size, loaded, sidecars, lines=name)


@dataclass
class Heard:
    """Tells a person how far a load is, now and then."""

    cluster: str
    console: Console
    last: float = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self.last < TELL_EVERY:
            return
        self.last = time.monotonic()
        requests = f"{progress.requests:,} requests, {progress.unusual:,} not as usual"
        text = f"{progress.seconds:.0f} s, {progress.users} users, {requests}"
        self.console.print(f"  {self.cluster}: {text}", style="dim")


def _results(run: Run, topology: Topology, made: Sequence[Made]) -> Results:
    requirements = tuple(each for one in made for each in one.requirements())
    return Results(
        run=run.name,
        status=run_status(requirements, PROFILE),
        began=run.began,
        ended=datetime.now(UTC),
        train=topology.train,
        profile=PROFILE,
        versions=dict(topology.versions),
        images=topology.images,
        machine=topology.machine,
        stages=tuple(run.stages),
        notes=topology.notes,
        written=written(run.folder),
        loads=tuple(one.entry() for one in made),
        requirements=requirements,
    )
