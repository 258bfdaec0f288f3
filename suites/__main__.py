"""python -m suites: the main job, e2e, its parts, and what is made of them.

The commands, and the order of an e2e's stages. It knows no requirement.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clusters import bringup, lock, providers, signals, versions
from clusters.errors import InterruptedRunError, PlaceError, PlumblineError
from clusters.files import why
from clusters.home import Home
from clusters.settings import Settings
from clusters.topology import Topology
from clusters.versions import COMPONENTS
from fixtures.plugin.options import CORE, PROFILES
from reports.publish import append_step_summary, publish, report_of
from reports.render.terminal import replace_unencodable, show
from reports.upgrade_schema import FILE as UPGRADE
from reports.upgrade_schema import WINDOW, Upgrade
from suites.runs import matrix, mutants, soak
from suites.runs.run import OUT, Run, check_input, check_room, pytest_arguments

LONGEST_WINDOW = 1.0
"""Seconds: an outage that nobody would fail to notice without a watch."""
EXAMPLES = f"""
examples:
  python -m suites e2e                          everything, from nothing to a report and back
  python -m suites run                          against the clusters that are up
  python -m suites run -- -k CS1                pytest's own arguments after --
  python -m suites run --dry                    what would be written to the clusters
  MANIFESTS=mine python -m suites run           your own files instead of the reference's
  python -m suites mutants                      faults made on purpose: all must be noticed
  python -m suites mutants --only weights-85-15
  python -m suites soak --times 20 --burn 1     no false red, also with one core less
  python -m suites watch --faults all           what the monitor sees of faults made on purpose
  python -m suites upgrade --from 2026-04 --to 2026-08 --only cilium
  python -m suites peers --only istioctl        what the vendors' own suites say
  python -m suites load --size 32,2,30          Locust's master and workers in every cluster
  python -m suites matrix                       every cell of the nightly matrix, or what is left
  python -m suites matrix --list                what it would be

environment: {", ".join(Settings.names())} (docs/settings.md)
exit status: 0 if every requirement passed, 1 if not, 130 if interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see the exit status above."""
    replace_unencodable()
    options = parser().parse_args(argv)
    console = Console(stderr=True, highlight=False)
    try:
        home = Home.of_user()
        names = ("profile", "practices", "window")
        chosen = {name: getattr(options, name) for name in names if hasattr(options, name)}
        run = Run(bringup.new_run(), home, **chosen)
    except PlumblineError as error:
        return _refused(console, error)
    # Around all of it: a second signal must not stop the report of what was interrupted.
    with signals.as_errors(end=lambda: None):
        return _answer(options, run, console)


def _answer(options: argparse.Namespace, run: Run, console: Console) -> int:
    """Run the command, and tell how it ended."""
    try:
        return _run(options, run, console)
    except PlumblineError as error:
        return _refused(console, error)
    except OSError as error:
        if not error.filename or OUT.resolve() not in Path(str(error.filename)).resolve().parents:
            raise
        unwritten = f"to write the report {error.filename}"
        return _refused(console, PlaceError(unwritten, seen=why(error), look=f"df -h {OUT}"))


def _run(options: argparse.Namespace, run: Run, console: Console) -> int:
    """Run the command; one that is interrupted still reports what it had seen."""
    try:
        # A matrix is not at work on the lab itself: each of its cells holds it.
        free = options.command is _matrix
        if not (free and (options.list or options.json)):
            check_room()
        purpose = f"suites {options.name}"
        with contextlib.nullcontext() if free else lock.hold(run.home, purpose):
            return int(options.command(options, run))
    except InterruptedRunError as error:
        if options.command in (_e2e, _suites):
            run.finish(interrupted=True, cause=str(error), shown=True)
        if options.command is _matrix:
            console.print("[yellow]interrupted[/]; look: make matrix goes on; make down")
            return 130
        console.print(f"[yellow]interrupted[/]; look: make down; report: {escape(str(run.folder))}")
        return 130


def _refused(console: Console, error: PlumblineError) -> int:
    console.print(f"[red]{type(error).__name__}[/]")
    console.print(str(error), markup=False, soft_wrap=True)
    return 1


def window(text: str) -> float:
    """Milliseconds as seconds.

    Raises:
        argparse.ArgumentTypeError: they are not so many, or no number.
    """
    try:
        seconds = float(text) / 1000
    except ValueError:
        seconds = 0.0
    if not WINDOW <= seconds <= LONGEST_WINDOW:
        most = f"{LONGEST_WINDOW * 1000:.0f}"
        raise argparse.ArgumentTypeError(f"{WINDOW * 1000:.0f} to {most} milliseconds, not {text}")
    return seconds


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(
        prog="python -m suites",
        description="Check that clusters do what the reference manifests say.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function, name=name)
        return added

    every = [
        command("e2e", _e2e, "clusters up, suites, report, clusters down"),
        command("run", _suites, "the suites, against the clusters that are up"),
    ]
    text = "write nothing: tell what would be written to each cluster, and what that says to it"
    every[1].add_argument("--dry", action="store_true", help=text)
    text = "the suites against faults made on purpose: every one must be noticed"
    mutating = command("mutants", _mutants, text)
    mutating.add_argument(
        "--only", default="", metavar="NAME,...", help="some mutants (default: a sample)"
    )
    mutating.add_argument(
        "--all", action="store_true", help="every mutant, in place of a sample: hours"
    )
    mutating.add_argument(
        "--sample", type=int, default=mutants.SAMPLE, metavar="N",
        help=f"generated mutants of the sample (default: {mutants.SAMPLE})",
    )  # fmt: skip
    mutating.add_argument("--seed", type=int, default=0, help="draw the sample by it, and told")
    text = "tell beside it what a cluster's admission and istioctl notice of each"
    mutating.add_argument("--peers", action="store_true", help=text)
    soaking = command("soak", _soak, "the suites many times over, in random order: no false red")
    soaking.add_argument("--times", type=int, default=20, metavar="N", help="runs (default: 20)")
    soaking.add_argument(
        "--burn", type=int, nargs="?", const=1, default=0, metavar="N",
        help="with N cores kept busy (default: none; without a number: one)",
    )  # fmt: skip
    watching = command("watch", _watch, "watch the clusters that are up, 10 ms by 10 ms")
    watching.add_argument(
        "--quiet",
        type=float,
        default=60,
        metavar="SECONDS",
        help="in which nothing is done (default: 60)",
    )
    watching.add_argument(
        "--faults", default="none", help="none, short, all or one by name: each must be found"
    )
    upgrading = command("upgrade", _upgrade, "from one train to another, under the watch")
    upgrading.add_argument(
        "--from", dest="base", required=True, metavar="TRAIN", help="the train to begin with"
    )
    text = "internal: the part of `upgrade` that is monitored, on the clusters that are up"
    monitored = command("upgrade-monitored", _upgrade_monitored, text)
    text = "the streams of the practices as well: more than two cores may send in time"
    for each in (watching, upgrading, monitored):
        each.add_argument("--practices", action="store_true", help=text)
        each.add_argument(
            "--window", type=window, default=WINDOW, metavar="MS",
            help="shortest outage not to be missed: a longer one takes less of a small machine"
            f" (default: {WINDOW * 1000:.0f})",
        )  # fmt: skip
    for each in (upgrading, monitored):
        each.add_argument("--to", required=True, metavar="TRAIN", help="the train to end with")
        each.add_argument(
            "--only", default="", metavar="COMPONENT", help=f"one of {', '.join(COMPONENTS)}"
        )
    text = "the vendors' own suites: Gateway API's conformance, istioctl's precheck and analyze"
    peering = command("peers", _peers, text)
    peering.add_argument(
        "--only", default="", help="istioctl, cilium or conformance (default: all)"
    )
    peering.add_argument(
        "--test", default="", metavar="NAME", help="one test of conformance or cilium"
    )
    loading = command("load", _load, "load the clusters that are up by Locust's master and workers")
    loading.add_argument(
        "--size", default="medium", metavar="U,W,S[,R]",
        help="users, workers and seconds in each cluster, and requests a second for an open loop;"
        " or small, medium, large, open (default: medium)",
    )  # fmt: skip
    loading.add_argument(
        "--compare", action="store_true",
        help="the first cluster by 1, 2 and 4 workers, and by a client pod as suites load",
    )  # fmt: skip
    _options_of_matrix(
        command("matrix", _matrix, "every cell of the nightly matrix, then a report")
    )
    text = "core, or full: what takes long by itself as well (default: core)"
    for each in (*every, soaking):
        each.add_argument("--profile", choices=PROFILES, default=CORE, help=text)
    for each in (*every, mutating, soaking):
        each.add_argument("pytest", nargs=argparse.REMAINDER, help="-- arguments for pytest")
    return root


def _options_of_matrix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--list", action="store_true", help="only say which cells there are")
    parser.add_argument("--json", action="store_true", help="the same, as a workflow takes it")
    parser.add_argument("--only", default="", metavar="NAME", help="one cell, finished or not")
    parser.add_argument("--fresh", action="store_true", help="do not go on with the latest matrix")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the merged report")
    parser.add_argument("--base", type=Path, metavar="DIR", help="an earlier merged report")


def _e2e(options: argparse.Namespace, run: Run) -> int:
    check_input()
    providers.see_none_adopted(run.home)
    if run.program("up", "clusters", "up") != 0:
        _down(run)
        return run.finish_and_show("the clusters did not come up; what went wrong is printed above")
    run.suites(*pytest_arguments(options.pytest))
    if not pytest_arguments(options.pytest):  # who picks tests wants these alone
        run.watch()
    _down(run)
    return run.finish_and_show()


def _down(run: Run) -> None:
    # An interrupted run does not come here: what it left may be looked at, until `make down`.
    if not Settings.of_user().keep:
        run.program("down", "clusters", "down")


def _suites(options: argparse.Namespace, run: Run) -> int:
    check_input()
    Topology.load(run.home.topology)
    if options.dry:
        from suites.runs.dry_run import tell  # noqa: PLC0415

        tell(run)
        return 0
    run.suites(*pytest_arguments(options.pytest))
    run.release()
    return run.finish_and_show()


def _mutants(options: argparse.Namespace, run: Run) -> int:
    choice = mutants.Choice.of_user(
        options.only, everything=options.all, seed=options.seed, size=options.sample
    )
    more = pytest_arguments(options.pytest)
    return mutants.run_mutants(run, choice, more, peers=options.peers)


def _soak(options: argparse.Namespace, run: Run) -> int:
    return soak.soak(run, options.times, pytest_arguments(options.pytest), burn=options.burn)


def _watch(options: argparse.Namespace, run: Run) -> int:
    # An e2e must not wait for what it does not use.
    from suites.runs.watch import watch  # noqa: PLC0415

    providers.see_none_adopted(run.home)
    return _publish(watch(run, options.quiet, options.faults), run)


def _upgrade(options: argparse.Namespace, run: Run) -> int:
    from clusters import upgrading  # noqa: PLC0415
    from suites.runs.upgrade import upgrade  # noqa: PLC0415

    # What is refused here leaves the clusters alone; what fails from here on takes them down.
    trains = versions.load(options.base), versions.load(options.to)
    upgrading.check(options.only)
    providers.see_none_adopted(run.home)
    try:
        upgraded = upgrade(run, trains, options.only)
    except InterruptedRunError:
        raise
    except PlumblineError:
        _down(run)
        raise
    _down(run)
    return _publish(upgraded, run)


def _upgrade_monitored(options: argparse.Namespace, run: Run) -> int:
    """Leaves upgrade.json in the run's folder, for `upgrade` to go on with."""
    from suites.runs.upgrade import upgrade_monitored  # noqa: PLC0415

    report = upgrade_monitored(run, versions.load(options.to), options.only)
    report.save(run.folder / UPGRADE)
    return report.exit_status


def _peers(options: argparse.Namespace, run: Run) -> int:
    from suites.runs.peers import peers  # noqa: PLC0415

    return peers(run, options.only, options.test)


def _load(options: argparse.Namespace, run: Run) -> int:
    from suites.runs.load import load  # noqa: PLC0415

    return load(run, options.size, compare=options.compare)


def _publish(report: Upgrade, run: Run) -> int:
    publish(report, run.folder)
    append_step_summary(report, os.environ)
    show(report_of(report), run.folder)
    return report.exit_status


def _matrix(options: argparse.Namespace, run: Run) -> int:
    return matrix.command(options, run.home, run.name)


if __name__ == "__main__":
    sys.exit(main())
