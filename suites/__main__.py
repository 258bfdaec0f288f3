"""python -m suites: the main job, e2e, and the suites alone, run.

Strings the stages together as programs of their own (up, suites, report, down), times
them, and makes sure that a report is written however they end. It knows no requirement.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from clusters import bringup, doctor, lock, signals, versions
from clusters.errors import InterruptedRunError, PlumblineError, TopologyError
from clusters.home import Home
from clusters.topology import Topology
from fixtures import kills, manifests, mutants
from reports import matrix
from reports.publish import append_step_summary, publish
from reports.reading import FILE
from reports.schema import Machine, Results, Stage
from reports.terminal import show, show_matrix

OUT = Path("reports/out")
SUITES = Path(__file__).parent
WORKERS = "4"
GRACE = 60  # seconds that an interrupted stage has to write what it found
EXAMPLES = """
examples:
  python -m suites e2e                          everything, from nothing to a report and back
  python -m suites run                          against the clusters that are up
  python -m suites run -- -k CS1                pytest's own arguments after --
  MANIFESTS=mine python -m suites run           your own files instead of the reference's
  python -m suites mutants                      faults made on purpose: all must be noticed
  python -m suites mutants --only weights-85-15

environment: VERSIONS, IMAGES, MIRROR, ENGINE, MANIFESTS, KEEP=1 (e2e leaves the clusters up)
exit status: 0 if every requirement passed, 1 if not, 130 if interrupted
"""


@dataclass
class Run:
    """One run: its folder, and what its stages took."""

    name: str
    home: Home
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

    def program(self, phase: str, *words: str) -> int:
        """Run a stage as a program of its own; its exit status."""
        environ = {**os.environ, "PLUMBLINE_RUN": self.name}
        with self.stage(phase):
            child = subprocess.Popen([sys.executable, "-m", *words], env=environ)
            try:
                return child.wait()
            except InterruptedRunError:
                # A terminal has told the child as well; a kill from elsewhere has not.
                child.send_signal(signal.SIGINT)
                child.wait(GRACE)
                raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see the exit status above."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True, highlight=False)
    home = Home.of_user()
    run = Run(bringup.new_run(), home)
    try:
        with signals.as_errors(end=lambda: None), lock.held(home, f"suites {options.name}"):
            return int(options.command(options, run))
    except InterruptedRunError as error:
        results = _finish(run, interrupted=True, cause=str(error))
        show(results, run.folder)
        console.print(f"[yellow]interrupted[/]; look: make down; report: {run.folder}")
        return 130
    except PlumblineError as error:
        console.print(f"[red]{type(error).__name__}[/]")
        console.print(str(error), markup=False, soft_wrap=True)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suites",
        description="Check that a mesh does what the reference manifests say.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function, text in (
        ("e2e", _e2e, "clusters up, suites, report, clusters down"),
        ("run", _suites, "the suites, against the clusters that are up"),
        ("mutants", _mutants, "the suites against faults made on purpose: all must be noticed"),
    ):
        made = commands.add_parser(name, help=text, description=text)
        if name == "mutants":
            made.add_argument("--only", default="all", metavar="NAME", help="one mutant")
        made.add_argument("pytest", nargs=argparse.REMAINDER, help="-- arguments for pytest")
        made.set_defaults(command=function, name=name)
    return parser


def _e2e(options: argparse.Namespace, run: Run) -> int:
    _check_input()
    cause = "the clusters did not come up; what went wrong is printed above"
    if run.program("up", "clusters", "up") == 0:
        cause = "pytest wrote no results; what went wrong is printed above"
        _pytest(options, run)
    # An interrupted run does not come here: what it left may be looked at, until `make down`.
    if not os.environ.get("KEEP"):
        run.program("down", "clusters", "down")
    return _conclude(run, cause)


def _suites(options: argparse.Namespace, run: Run) -> int:
    _check_input()
    Topology.load(run.home.topology)
    _pytest(options, run)
    return _conclude(run, "pytest wrote no results; what went wrong is printed above")


def _mutants(options: argparse.Namespace, run: Run) -> int:
    """Ask the suites of every mutant, and see that those that must fail for it did."""
    Topology.load(run.home.topology)
    every = [m for folder in sorted(SUITES.iterdir()) for m in mutants.catalogue(folder)]
    asked = [mutant for mutant in every if options.only in ("all", mutant.name)]
    if not asked:
        raise PlumblineError("a mutant of that name", seen=options.only, look="ls suites/*/*.yaml")
    _pytest(options, run, f"--mutants={options.only}", "-q", "--no-header", "--tb=no", "-rN")
    path = run.folder / FILE
    if not path.exists():
        return 1
    found = kills.matrix(Results.load(path), asked)
    matrix.publish(found, run.folder)
    show_matrix(found, run.folder)
    return 0 if found.proven else 1


def _check_input() -> None:
    """Refuse what cannot work before anything is built."""
    versions.load(os.environ.get("VERSIONS") or "2026-08")
    folder = os.environ.get("MANIFESTS")
    manifests.load(Path(folder).expanduser().resolve() if folder else None)


def _pytest(options: argparse.Namespace, run: Run, *own: str) -> None:
    more = [*own, *(word for word in options.pytest if word != "--")]
    run.program(
        "suites", "clusters", "run", "--", sys.executable, "-m", "pytest", "suites",
        f"--out={run.folder}", "-n", WORKERS, "--dist=loadgroup", *more,
    )  # fmt: skip


def _conclude(run: Run, cause: str) -> int:
    results = _finish(run, interrupted=False, cause=cause)
    show(results, run.folder)
    return results.exit_status


def _finish(run: Run, *, interrupted: bool, cause: str) -> Results:
    """The run's results with its stage times; if nothing was asked, results that say why."""
    path = run.folder / "results.json"
    results = Results.load(path) if path.exists() else _empty(run, cause)
    update: dict[str, object] = {"stages": (*results.stages, *run.stages), "began": run.began}
    update["ended"] = datetime.now(UTC)
    if interrupted:
        update["status"] = "interrupted"
    results = results.model_copy(update=update)
    publish(results, run.folder)
    append_step_summary(results, os.environ)
    return results


def _empty(run: Run, cause: str) -> Results:
    train = versions.load(os.environ.get("VERSIONS") or "2026-08")
    try:
        topology = Topology.load(run.home.topology)
        notes = (*topology.notes, cause)
    except TopologyError:
        notes = (cause,)
    return Results(
        run=run.name,
        status="failed",
        began=run.began,
        ended=datetime.now(UTC),
        train=train.name,
        versions=train.versions.model_dump(),
        machine=Machine.model_validate(doctor.machine().model_dump()),
        notes=notes,
        requirements=(),
    )


if __name__ == "__main__":
    sys.exit(main())
