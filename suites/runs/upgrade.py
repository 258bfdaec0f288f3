"""An upgrade under the monitor: its order, and the report of it.

Before: the suites on the old train. Then the watch, and under it the steps of the upgrade,
cluster by cluster. After: the suites again, and the two runs side by side. It knows no
requirement, no vendor's way and no kind of outage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import suites
from clusters import address_range, bringup, upgrading, versions
from clusters.errors import TopologyError, WatchError
from clusters.plan import DEFAULT, read_plan
from clusters.procedure import Step, perform
from clusters.settings import Settings
from clusters.topology import Topology
from clusters.upgrading import Upgrading
from clusters.versions import Train
from fixtures.behaviour import discover
from fixtures.lab.probes import ProbeSource
from reports.compare import compare
from reports.publish import publish
from reports.reading import FILE as RESULTS
from reports.schema import Results
from reports.upgrade_schema import FILE, Budget, Upgrade
from suites.runs.monitor import Monitor
from suites.runs.run import Run
from suites.runs.watch import Field, conclude, enter, report, report_interruption

MONITORED = "upgrade-monitored"  # the command of the part that is a program of its own
QUIET = 8.0  # seconds of quiet before and after a cluster's upgrade, to compare latencies with


def upgrade(run: Run, trains: tuple[Train, Train], only: str) -> Upgrade:
    """Bring the first train up, and upgrade it to the second, or one component of it.

    What is monitored is a program of its own, as whoever enters a private engine's network is
    ended with it.

    Args:
        only: a component that `upgrading.check` knows, or nothing: all of them.

    Raises:
        TopologyError: the clusters did not come up.
        WatchError: the monitored part left no report.
    """
    base, to = trains
    if run.program("up", "clusters", "up", "--versions", base.name, "--also", to.name) != 0:
        raise TopologyError("the clusters up", seen="they are not", look="see above")
    before = _suites(run, "before")
    more = [f"--window={run.window * 1000:g}", *(["--practices"] if run.practices else [])]
    run.program("watch", "suites", MONITORED, "--to", to.name, "--only", only, *more)
    path = run.folder / FILE
    if not path.exists():
        raise WatchError(f"a report of the watch at {path}", seen="none", look="see above")
    monitored = Upgrade.load(path)
    after = _suites(run, "after")
    update = {
        "before": "before",
        "after": "after",
        "stages": tuple(run.stages),
        "began": run.began,
        "comparison": compare(before, after) if before and after else None,
    }
    return conclude(monitored.model_copy(update=update))


def upgrade_monitored(run: Run, to: Train, only: str) -> Upgrade:
    """Upgrade the clusters that are up, whose nodes have the images of both trains, cluster by
    cluster under the monitor.

    Raises:
        TopologyError: no clusters are up.
        PlumblineError: the reference did not come into force.
    """
    with enter(run, discover(suites)) as field, report_interruption(run, field):
        base = versions.load(field.topology.train)
        run.home.upgraded.touch()  # from here on these are no clusters to bring up once more
        work = _upgrading(run, field, (base, to))
        across = field.across()
        with field.sending(across):
            for cluster in field.topology.clusters:
                if field.monitor.all_done:
                    there = [source for source in across if source.cluster == cluster.name]
                    _upgrade_one(field, work, cluster.name, only, there)
        result = report(run, field, _budgets(to), ())
    _renamed(field.topology, to, only).save(run.home.topology)
    changed = dict(_changed(base, to, only))
    return conclude(result.model_copy(update={"to": to.name, "only": only, "versions_to": changed}))


def _upgrade_one(
    field: Field, work: Upgrading, name: str, only: str, across: Sequence[ProbeSource]
) -> None:
    """Upgrade one cluster while its own behaviours are watched too, with Locust beside it.

    `across` are those of its client pods that send for behaviours across clusters already.
    """
    sources, monitor = field.within(name), field.monitor
    plan = next(each for each in work.everyone if each.name == name)
    with field.sending(sources), monitor.load(sources):
        monitor.quiet(f"quiet before {name}", QUIET)
        steps = work.steps(plan, field.lab.kube(name), only)
        everyone = [*across, *sources]
        for performed in perform(steps, lambda step: _around(monitor, step, everyone)):
            monitor.end_phase(performed.outcome, performed.note)
        monitor.quiet(f"quiet after {name}", QUIET)


@contextmanager
def _around(monitor: Monitor, step: Step, sources: Sequence[ProbeSource]) -> Iterator[None]:
    """A step as a phase; clients that it replaces hand over to their successors."""
    leaving = [source for source in sources if source.has_sidecar] if step.replaces_callers else []
    monitor.stop(leaving)
    with monitor.phase(step.name, step.component, step.cluster):
        yield
    monitor.start(leaving)


def _upgrading(run: Run, field: Field, trains: tuple[Train, Train]) -> Upgrading:
    base, to = (
        bringup.prepare(run.home, train, field.engine, field.progress, node=False)
        for train in trains
    )
    addresses = address_range.of_lab(field.engine) or DEFAULT
    return Upgrading(base, to, read_plan(Settings.of_user().clustermesh_file, addresses))


def _suites(run: Run, name: str) -> Results | None:
    """A run of all suites in a folder of its own within this one's; None if it left no results.

    Its report is drawn however it ends. The stages are those of the upgrade, and stay with it.
    """
    one = replace(run, name=f"{run.name}/{name}", stages=run.stages)
    path = one.folder / RESULTS
    try:
        one.suites(phase=f"suites {name}")
    finally:
        results = Results.load(path) if path.exists() else None
        if results:
            publish(results, one.folder)
    return results


def _budgets(to: Train) -> tuple[Budget, ...]:
    return tuple(
        Budget(component=name, closed=budget.closed, misrouted=budget.misrouted)
        for name, budget in to.budgets.items()
    )


def _changed(base: Train, to: Train, only: str) -> Iterator[tuple[str, str]]:
    """The versions that are asked for when it is done."""
    touched = upgrading.versions_of(only)
    for name, version in base.versions.model_dump().items():
        yield name, getattr(to.versions, name) if name in touched else version


def _renamed(topology: Topology, to: Train, only: str) -> Topology:
    """The topology as it is after the upgrade."""
    base = versions.load(topology.train)
    name = to.name if not only else f"{topology.train} with {only} of {to.name}"
    return topology.model_copy(update={"train": name, "versions": dict(_changed(base, to, only))})
