"""The watch: the clusters that are up under the monitor, alone or with faults injected.

The reference is brought into force, behaviour by behaviour, and their probes send. It knows no
requirement, no behaviour by its name and no kind of outage.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import suites
from clusters import doctor, engine, files
from clusters.engine import Engine
from clusters.errors import InterruptedRunError, PlumblineError
from clusters.progress import Progress
from clusters.topology import Topology
from fixtures import manifests
from fixtures.behaviour import Behaviour, discover
from fixtures.lab import Lab
from fixtures.lab.faults import Site
from fixtures.lab.probes import ProbeSource, merge
from reports.publish import append_step_summary, publish
from reports.upgrade_schema import WINDOW, Budget, Upgrade
from suites.runs import faults
from suites.runs.faults import InjectedFault
from suites.runs.monitor import Monitor, failures_logged
from suites.runs.run import Run


@dataclass(frozen=True)
class Field:
    """The clusters that are up, entered, with behaviours in force and the monitor over them.

    `subjects` has what is asked, by the name of its behaviour: of all clusters, or of the one
    whose own behaviours came into force last.
    """

    topology: Topology
    lab: Lab
    engine: Engine
    monitor: Monitor
    progress: Progress
    behaviours: tuple[Behaviour[Any], ...]
    subjects: dict[str, Any]

    def across(self) -> list[ProbeSource]:
        """The probe sources of what is one for all clusters, in force already.

        Raises:
            PlumblineError: something that a probe needs is not there.
        """
        return self._sources([behaviour for behaviour in self.behaviours if behaviour.across])

    def within(self, cluster: str) -> list[ProbeSource]:
        """The probe sources of what a cluster has for itself, after it came into force.

        Raises:
            PlumblineError: a manifest was not accepted, or did not take effect in time.
        """
        one = self.topology.cluster(cluster)
        own = [b for b in self.behaviours if not b.across and b.is_offered_by(one)]
        for behaviour in own:
            self.subjects[behaviour.name] = behaviour.in_force(self.lab, cluster)
        return self._sources(own)

    def _sources(self, behaviours: Sequence[Behaviour[Any]]) -> list[ProbeSource]:
        return merge(
            source for b in behaviours if b.probes for source in b.probes(self.subjects[b.name])
        )

    @contextmanager
    def sending(self, sources: Sequence[ProbeSource]) -> Iterator[None]:
        """Sources send until the block ends; what goes wrong meanwhile is a note of the report.

        Whatever was seen until then is reported: a report that is red, and not none at all.
        """
        try:
            with self.monitor.sending(sources):
                yield
        except InterruptedRunError:
            raise
        except PlumblineError as error:
            self.monitor.cut_short(error)


def watch(run: Run, quiet: float, which: str) -> Upgrade:
    """Watch what is across the clusters and what the first has for itself, and inject faults if
    asked to; for the short ones only what they show in is watched.

    Args:
        quiet: seconds in which nothing is done.
        which: none, short, all, or the name of one fault.

    Raises:
        FaultsError: there are none of that name.
        TopologyError: no clusters are up.
        PlumblineError: the reference did not come into force.
    """
    injected: list[InjectedFault] = []
    choice = faults.choose(discover(suites), which)
    with (
        run.stage("watch"),
        enter(run, choice.behaviours) as field,
        report_interruption(run, field),
    ):
        first = field.topology.clusters[0].name
        with field.sending([*field.across(), *field.within(first)]):
            field.monitor.quiet("quiet", quiet)
            site = Site(field.lab, field.engine, field.monitor.process)
            injected = faults.inject(choice.faults, field.subjects, site, field.monitor.phase)
        return report(run, field, (), injected)


@contextmanager
def enter(run: Run, behaviours: Iterable[Behaviour[Any]]) -> Iterator[Field]:
    """The clusters that are up, from here on reached by this process and its children, with what
    those of the behaviours that are watched need in place. Those of the practices are, if the run
    says so: two cores are soon too few for their streams as well."""
    watched = tuple(b for b in behaviours if b.probes and (run.practices or not b.ephemeral))
    topology = Topology.load(run.home.topology)
    progress = Progress(run.home.root / "estimates.json")
    running = engine.ensure(run.home)
    running.enter()
    run.folder.mkdir(parents=True, exist_ok=True)
    files.reserve(run.folder)
    lab = Lab(topology, manifests.load(), run.folder, run.home.topology.parent / "locks")
    try:
        with progress.step("reference in force"):
            lab.prepare(watched)
            lab.bring_ephemeral((b, b.asked_of(topology.clusters)) for b in watched)
            subjects = {b.name: b.in_force(lab, "") for b in watched if b.across}
        with failures_logged(lab):
            monitor = Monitor(lab, run.folder, progress, run.window)
            yield Field(topology, lab, running, monitor, progress, watched, subjects)
    finally:
        with suppress(PlumblineError):  # who takes the clusters down next needs nothing of this
            lab.clear_ephemeral()
        lab.close()
        files.free(run.folder)


@contextmanager
def report_interruption(run: Run, field: Field) -> Iterator[None]:
    """A report also of a watch that is interrupted: what it had seen by then."""
    try:
        yield
    except InterruptedRunError:
        cut = report(run, field, (), ()).model_copy(update={"status": "interrupted"})
        publish(cut, run.folder)
        append_step_summary(cut, os.environ)
        raise


def report(
    run: Run, field: Field, budgets: Sequence[Budget], injected: Sequence[InjectedFault]
) -> Upgrade:
    """All that the monitor saw, judged."""
    monitor = field.monitor
    with field.progress.step("traces judged"):
        streams = monitor.entries(budgets)
        shares = monitor.shares(budgets)
    upgrade = Upgrade(
        run=run.name,
        status="failed",
        began=run.began,
        ended=datetime.now(UTC),
        base=field.topology.train,
        window=monitor.window,
        versions=dict(field.topology.versions),
        machine=doctor.machine(),
        stages=tuple(run.stages),
        notes=(*field.topology.notes, *monitor.notes, *_window(monitor.window)),
        phases=tuple(monitor.phases),
        streams=streams,
        shares=shares,
        faults=tuple(faults.judge(each, streams, monitor.phases) for each in injected),
        budgets=tuple(budgets),
    )
    return conclude(upgrade)


def _window(window: float) -> Iterator[str]:
    if window != WINDOW:
        yield f"The watch asked seldom: only what lasts {window * 1000:.0f} ms is not missed."


def conclude(report: Upgrade) -> Upgrade:
    """The report with its status, as of now."""
    return report.model_copy(update={"status": report.come_to(), "ended": datetime.now(UTC)})
