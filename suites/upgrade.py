"""An upgrade under the watch, and the watch alone: their order, and the account of them.

Before: the suites on the old train. Then the watch, and under it the steps of the upgrade,
cluster by cluster. After: the suites again, and the two runs side by side. It knows no
requirement, no vendor's way and no kind of outage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from clusters import address_range, bringup, doctor, engine, upgrading, versions
from clusters.engine import Engine
from clusters.errors import (
    InterruptedRunError,
    PlumblineError,
    TopologyError,
    WatchError,
)
from clusters.plan import DEFAULT, planned
from clusters.procedure import Step, perform
from clusters.progress import Progress
from clusters.settings import Settings
from clusters.topology import Topology
from clusters.upgrading import Upgrading
from clusters.versions import Train
from fixtures import manifests
from fixtures.lab import Lab
from reports.compare import compare
from reports.reading import FILE as RESULTS
from reports.schema import Results
from reports.upgrade import publish
from reports.upgrade_schema import FILE, Budget, Upgrade
from suites.cross_cluster_policy.conftest import Guarded, renewed
from suites.faults import Faults, Made, choice, found
from suites.run import Run
from suites.stations import FEATURES, Station, across, in_cluster
from suites.watch import Watch, failures_logged

QUIET = 8.0  # seconds of quiet before and after a cluster's upgrade, to compare latencies with


@dataclass(frozen=True)
class Field:
    """The clusters that are up, entered, and the watch over them."""

    topology: Topology
    lab: Lab
    engine: Engine
    watch: Watch
    guarded: Guarded
    progress: Progress

    @contextmanager
    def standing(self, stations: Sequence[Station]) -> Iterator[None]:
        """Stations send until the block ends; what goes wrong meanwhile is a note of the account.

        Whatever was seen until then is told: an account that is red, and not none at all.
        """
        try:
            with self.watch.standing(stations):
                yield
        except InterruptedRunError:
            raise
        except PlumblineError as error:
            self.watch.failed(error)


def watch(run: Run, quiet: float, faults: str) -> Upgrade:
    """Watch what is across the clusters and what the first has for itself, and make faults if
    asked to; for the short ones only what they show in is watched.

    Args:
        quiet: seconds in which nothing is done.
        faults: none, short, all, or the name of one.

    Raises:
        FaultsError: there are none of that name.
        TopologyError: no clusters are up.
        PlumblineError: the reference did not come into force.
    """
    made: list[Made] = []
    chosen = choice(faults)
    with run.stage("watch"), _field(run, chosen.suites) as field, _told_anyway(run, field):
        first = field.topology.clusters[0].name
        with field.standing([*across(field.lab), *in_cluster(field.lab, first, chosen.suites)]):
            field.watch.quiet("quiet", quiet)
            maker = Faults(field.lab, field.engine, field.watch, field.guarded)
            made = maker.make(chosen.makers)
        return _account(run, field, (), made)


def upgrade(run: Run, trains: tuple[Train, Train], only: str) -> Upgrade:
    """Bring the first train up, and upgrade it to the second, or one component of it.

    The watch is a program of its own, as whoever enters a private engine's network is ended
    with it.

    Raises:
        UpgradeError: there is no such component.
        TopologyError: the clusters did not come up.
        WatchError: the watch left no account.
    """
    base, to = trains
    upgrading.check(only)
    if run.program("up", "clusters", "up", "--versions", base.name, "--also", to.name) != 0:
        raise TopologyError("the clusters up", seen="they are not", look="see above")
    before = _suites(run, "before")
    words = ["--to", to.name, *(["--only", only] if only else [])]
    run.program("watch", "suites", "watch", *words)
    path = run.folder / FILE
    if not path.exists():
        raise WatchError(f"an account of the watch at {path}", seen="none", look="see above")
    account = Upgrade.load(path)
    after = _suites(run, "after")
    told = {
        "before": "before",
        "after": "after",
        "stages": tuple(run.stages),
        "began": run.began,
        "comparison": compare(before, after) if before and after else None,
    }
    return _judged(account.model_copy(update=told))


def under_watch(run: Run, to: Train, only: str) -> Upgrade:
    """Upgrade the clusters that are up, whose nodes have the images of both trains, cluster by
    cluster and watched.

    Raises:
        TopologyError: no clusters are up.
        PlumblineError: the reference did not come into force.
    """
    with _field(run) as field, _told_anyway(run, field):
        base = versions.load(field.topology.train)
        work = _upgrading(run, field, (base, to))
        with field.standing(across(field.lab)):
            for cluster in field.topology.clusters:
                if field.watch.well:
                    _upgrade_one(field, work, cluster.name, only)
        account = _account(run, field, _budgets(to), ())
    _renamed(field.topology, to, only).save(run.home.topology)
    changed = dict(_changed(base, to, only))
    return _judged(account.model_copy(update={"to": to.name, "only": only, "versions_to": changed}))


@contextmanager
def _told_anyway(run: Run, field: Field) -> Iterator[None]:
    """An account also of a watch that is interrupted: what it had seen by then."""
    try:
        yield
    except InterruptedRunError:
        account = _account(run, field, (), ()).model_copy(update={"status": "interrupted"})
        publish(account, run.folder)
        raise


def _upgrade_one(field: Field, work: Upgrading, name: str, only: str) -> None:
    """Upgrade one cluster while its own behaviours are watched too, with Locust beside it."""
    stations, watch = in_cluster(field.lab, name), field.watch
    plan = next(each for each in work.everyone if each.name == name)
    with field.standing(stations), watch.load(stations):
        watch.quiet(f"quiet before {name}", QUIET)
        steps = work.steps(plan, field.lab.kube(name), only)
        for performed in perform(steps, lambda step: _around(watch, step, stations)):
            watch.concluded(performed.outcome, performed.note)
        watch.quiet(f"quiet after {name}", QUIET)


@contextmanager
def _around(watch: Watch, step: Step, stations: Sequence[Station]) -> Iterator[None]:
    """A step as a phase; callers that it replaces hand over to their successors."""
    leaving = [s for s in stations if s.meshed] if step.replaces_callers else []
    watch.end(leaving)
    with watch.phase(step.name, step.component, step.cluster):
        yield
    watch.begin(leaving)


@contextmanager
def _field(run: Run, suites: Collection[str] = FEATURES) -> Iterator[Field]:
    """The clusters that are up, from here on reached by this process and its children, with what
    the suites need in place."""
    topology, progress = (
        Topology.load(run.home.topology),
        Progress(run.home.root / "estimates.json"),
    )
    running = engine.ensure(run.home)
    running.enter()
    run.folder.mkdir(parents=True, exist_ok=True)
    lab = Lab(topology, manifests.load(), run.folder, run.home.topology.parent / "locks")
    try:
        with progress.step("reference in force"):
            lab.prepare({suite: FEATURES[suite] for suite in suites})
            guarded = renewed(lab)
            guarded.protect()
        with failures_logged(lab):
            yield Field(topology, lab, running, Watch(lab, run.folder, progress), guarded, progress)
    finally:
        lab.close()


def _upgrading(run: Run, field: Field, trains: tuple[Train, Train]) -> Upgrading:
    base, to = (
        bringup.prepared(run.home, train, field.engine, field.progress, node=False)
        for train in trains
    )
    addresses = address_range.of_lab(field.engine) or DEFAULT
    return Upgrading(base, to, planned(Settings.of_user().clustermesh, addresses))


def _suites(run: Run, name: str) -> Results | None:
    """A run of all suites in a folder of its own within this one's; None if it left no results."""
    one = replace(run, name=f"{run.name}/{name}", stages=run.stages)
    one.suites(phase=f"suites {name}")
    path = one.folder / RESULTS
    return Results.load(path) if path.exists() else None


def _account(run: Run, field: Field, budgets: Sequence[Budget], made: Sequence[Made]) -> Upgrade:
    """All that the watch saw, judged."""
    watch = field.watch
    with field.progress.step("traces judged"):
        streams = watch.entries(budgets)
        shares = watch.shares(budgets)
    told = Upgrade(
        run=run.name,
        status="failed",
        began=run.began,
        ended=datetime.now(UTC),
        base=field.topology.train,
        versions=dict(field.topology.versions),
        machine=doctor.machine(),
        stages=tuple(run.stages),
        notes=(*field.topology.notes, *watch.notes),
        phases=tuple(watch.phases),
        streams=streams,
        shares=shares,
        faults=tuple(found(each, streams, watch.phases) for each in made),
        budgets=tuple(budgets),
    )
    return _judged(told)


def _judged(told: Upgrade) -> Upgrade:
    return told.model_copy(update={"status": told.come_to(), "ended": datetime.now(UTC)})


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
