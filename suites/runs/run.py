"""One run of the main job: its stages as programs of their own, their times, its results.

Makes sure that results are written however a stage ends. It knows no requirement.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusters import doctor, files, providers, versions
from clusters.errors import InterruptedRunError, PlaceError, TopologyError
from clusters.files import why
from clusters.home import Home
from clusters.settings import Settings
from clusters.topology import Topology
from fixtures import manifests
from fixtures.plugin.options import CORE
from fixtures.plugin.record import Record, run_status, written
from fixtures.plugin.requirements import load_asked
from reports.publish import append_step_summary, publish, report_of
from reports.reading import FILE
from reports.render.terminal import show
from reports.schema import Requirement, Results, Stage
from reports.upgrade_schema import FILE as UPGRADE
from reports.upgrade_schema import WINDOW, Fault, Upgrade
from suites.runs import sittings

OUT = Path("reports/out")
MB = 1_000_000
ROOM = 100 * MB  # a run's folder, evidence included, is a few tens of them
WATCH = "watch"
# More of them are faster (181 s with 4, 226 s with 2, on 2 cores) and starve each other: what
# comes of that is inconclusive.
WORKERS = "2"
GRACE = 60  # seconds that an interrupted stage has to write what it found
CUT = "pytest ended before it wrote its results; what went wrong is printed above"
NO_RESULTS = "pytest wrote no results; what went wrong is printed above"


@dataclass
class Run:
    """One run: its folder, and what its stages took.

    The suites only save what they found. Whoever runs them has it drawn, once, when all of it is
    there: `finish` does, and an upgrade for each of its two parts.
    """

    name: str
    home: Home
    profile: str = CORE
    practices: bool = False
    window: float = WINDOW
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    stages: list[Stage] = field(default_factory=list)
    _clock: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        return OUT / self.name

    @contextmanager
    def stage(self, phase: str) -> Iterator[None]:
        """Time a stage, also one that fails."""
        started = time.monotonic() - self._clock
        try:
            yield
        finally:
            seconds = time.monotonic() - self._clock - started
            self.stages.append(
                Stage(phase="run", name=phase, started=round(started, 2), seconds=round(seconds, 2))
            )

    def watch(self) -> None:
        """Show that the watch sees faults made on purpose; its report is in a folder below.

        Once more if the environment left open whether it does.
        """
        for _ in range(2):
            name = f"{self.name}/{WATCH}"
            self.program(WATCH, "suites", "watch", "--quiet=3", "--faults=short", name=name)
            path = self.folder / WATCH / UPGRADE
            faults = Upgrade.load(path).faults if path.exists() else ()
            if not any(fault.verdict == "inconclusive" for fault in faults):
                break

    def program(self, phase: str, *words: str, name: str = "") -> int:
        """Run a stage as a program of its own, as a run of that name; its exit status."""
        # UTF-8 whatever the locale: names of files go through all of them, into the report.
        environ = {**os.environ, "PLUMBLINE_RUN": name or self.name, "PYTHONUTF8": "1"}
        environ.pop("PYTEST_ADDOPTS", None)  # one forgotten in a shell would make a part a whole
        with self.stage(phase):
            child = subprocess.Popen([sys.executable, "-m", *words], env=environ)
            try:
                return child.wait()
            except InterruptedRunError:
                # A terminal has told the child as well; a kill from elsewhere has not.
                child.send_signal(signal.SIGINT)
                wait_or_kill(child, GRACE)
                raise

    def release(self) -> None:
        """Take away from adopted clusters what was made there, unless it is to be kept."""
        if providers.adopted(self.home) and not Settings.of_user().keep:
            self.program("clean", "clusters", "release")

    def suites(self, *more: str, phase: str = "suites") -> None:
        """Run the suites, and once more, alone, what the environment left open.

        `more` are pytest's own arguments.
        """
        self.pytest(*more, phase=phase)
        path = self.folder / FILE
        first = Results.load(path) if path.exists() else None
        again = sittings.left_open(first) if first else ()
        if first is None or not again:
            return
        folder = self.folder / sittings.SECOND
        tests = [requirement.test for requirement in again]
        self._pytest(sittings.SECOND, tests, f"--out={folder}", *more)
        second = folder / FILE
        if second.exists():
            sittings.join(first, Results.load(second)).save(path)

    def pytest(self, *more: str, phase: str = "suites") -> None:
        """Run the suites side by side where the clusters can be reached.

        Results are left in the run's folder, also where pytest was killed.
        """
        files.reserve(self.folder)
        workers = (f"--out={self.folder}", "-n", WORKERS, "--dist=loadgroup")
        try:
            self._pytest(phase, ["suites"], *workers, *more)
        finally:
            self._recover()

    def _recover(self) -> None:
        """Save what pytest had come to, if it asked anything and did not come to save it itself."""
        requirements = load_asked(self.folder)
        if not requirements or (self.folder / FILE).exists():
            return
        try:
            topology = Topology.load(self.home.topology)
        except TopologyError:  # taken down meanwhile: whoever finishes the run says so
            return
        files.free(self.folder)
        Record.of(self.folder).results(
            topology,
            requirements,
            self.folder,
            interrupted=True,
            profile=self.profile,
            manifests=manifests.of_user(Settings.of_user().manifests).name,
            notes=(CUT,),
        ).save(self.folder / FILE)

    def _pytest(self, phase: str, tests: Iterable[str], *more: str) -> None:
        # The suites ask for no folders of pytest's, which outlive the run.
        own = ("-p", "no:tmpdir", "--no-report", f"--profile={self.profile}", *more)
        words = (sys.executable, "-m", "pytest", *tests, *own)
        self.program(phase, "clusters", "run", "--", *words)

    def finish_and_show(self, cause: str = NO_RESULTS) -> int:
        """Finish and show; 0 only if every requirement passed."""
        return self.finish(interrupted=False, cause=cause, shown=True).exit_status

    def finish(self, *, interrupted: bool, cause: str, shown: bool = False) -> Results:
        """The run's results with its stage times; if nothing was asked, results that say why.

        They are shown also where they cannot be written.

        Raises:
            PlaceError: they cannot be written.
        """
        path = self.folder / FILE
        results = Results.load(path) if path.exists() else self._empty(cause)
        results = with_watch(results, self.folder / WATCH, self.stages)
        update: dict[str, object] = {"stages": (*results.stages, *self.stages)}
        update |= {"began": self.began, "ended": datetime.now(UTC)}
        update |= {"written": written(self.folder)}
        if interrupted:
            update["status"] = "interrupted"
        results = results.model_copy(update=update)
        try:
            publish(results, self.folder)
        finally:
            if shown:
                show(report_of(results), self.folder)
        append_step_summary(results, os.environ)
        return results

    def results(
        self, topology: Topology, profile: str, requirements: tuple[Requirement, ...], **more: Any
    ) -> Results:
        """Results of what no session of pytest asked; `more` are fields of theirs."""
        return Results(
            run=self.name,
            status=run_status(requirements, profile),
            began=self.began,
            ended=datetime.now(UTC),
            train=topology.train,
            profile=profile,
            versions=dict(topology.versions),
            images=topology.images,
            machine=topology.machine,
            stages=tuple(self.stages),
            requirements=requirements,
            **more,
        )

    def _empty(self, cause: str) -> Results:
        train = versions.load(versions.of_user())
        try:
            topology = Topology.load(self.home.topology)
            notes = (*topology.notes, cause)
        except TopologyError:
            notes = (cause,)
        return Results(
            run=self.name,
            status="failed",
            began=self.began,
            ended=datetime.now(UTC),
            train=train.name,
            versions=train.versions.model_dump(),
            machine=doctor.machine(),
            notes=notes,
            requirements=(),
        )


def wait_or_kill(child: subprocess.Popen[bytes], grace: float) -> None:
    """Wait for a program that was told to end; kill it if it did not in `grace` seconds."""
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def with_watch(results: Results, folder: Path, stages: Iterable[Stage]) -> Results:
    """The results with what the watch made of its faults, if there was to be one."""
    if not any(stage.name == WATCH for stage in stages):
        return results
    path = folder / UPGRADE
    faults = Upgrade.load(path).faults if path.exists() else ()
    entries = tuple(_entry(number, each) for number, each in enumerate(faults, start=1))
    requirements = (*results.requirements, *(entries or (NO_WATCH,)))
    interrupted = results.status == "interrupted"
    status = results.status if interrupted else run_status(requirements, results.profile)
    return results.model_copy(update={"requirements": requirements, "status": status})


def _entry(number: int, fault: Fault) -> Requirement:
    bounds = {"made.least": fault.least, "made.most": fault.most}
    measured = {"found": fault.found, "low": fault.found_low, "high": fault.found_high}
    injected, recognised = fault.kind or "nothing", fault.found or "nothing"
    return Requirement(
        id=f"W{number}",
        suite=WATCH,
        sentence=f"The watch sees it: {fault.sentence}",
        source=f"Fault/{fault.name}",
        verdict=fault.verdict,
        reason=f"{injected} was made, {recognised} found: {fault.reason}",
        numbers={**bounds, **measured},
        evidence=WATCH,
        test="make watch FAULTS=short",
        seconds=fault.most,
    )


NO_WATCH = Requirement(
    id="W1",
    suite=WATCH,
    sentence="The watch sees faults made on purpose.",
    source="Fault/any",
    verdict="inconclusive",
    reason="the watch left no report; what went wrong is printed above",
    test="make watch FAULTS=short",
    seconds=0.0,
)


def check_input() -> None:
    """Refuse what cannot work before anything is built.

    Raises:
        VersionsError: there is no such train.
        ManifestsError: $MANIFESTS cannot stand in for the reference.
    """
    versions.load(versions.of_user())
    manifests.of_user(Settings.of_user().manifests)


def check_room(folder: Path = OUT) -> None:
    """Refuse, before minutes of tests, a place that cannot take their report.

    Raises:
        PlaceError: the folder cannot be written, or the disk is full.
    """
    look = f"ls -ld {folder}; df -h {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PlaceError(
            f"to write reports into {folder.absolute()}", seen=why(error), look=look
        ) from None
    if free < ROOM:
        raise PlaceError(
            f"{ROOM / MB:.0f} MB free for reports in {folder.absolute()}",
            seen=f"{free / MB:.1f} MB",
            look=look,
        )


def pytest_arguments(words: Sequence[str]) -> list[str]:
    """pytest's own arguments, without the `--` that sets them off from ours."""
    return [word for word in words if word != "--"]
