"""python -m tests.adopted: a run in clusters that somebody else has, and what it leaves of them.

Brings a lab up and has an owner for it; from then on the harness knows of it what a site's file
says. All objects of the clusters are compared before and after each step.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from clusters import adopt, journal, providers
from clusters.errors import PlumblineError
from clusters.home import Home
from clusters.process import without_proxies
from clusters.topology import Topology
from fixtures.plugin.record import ENTRIES_FILE
from reports.reading import FILE
from reports.schema import Requirement, Results
from reports.wording import counts, duration
from suites.runs.run import OUT
from tests.adopted import stored, tokens
from tests.adopted.owner import Owner, let_through
from tests.kills.trial import kill, start

LOG = OUT / "adopted.log"
"""What the commands say."""
CLUSTERS = (sys.executable, "-m", "clusters")
SUITES = (sys.executable, "-m", "suites", "run")
LOAD = (sys.executable, "-m", "suites", "load", "--size", "32,2,20,100")
NODES = "aws-cluster=3"
PASSED = 3
"""Requirements that have passed when a run is killed: what is not offered comes first."""
LONGEST = 3600.0
"""Seconds that a command may run."""
WITHHELD = ("DOCKER_HOST", "KUBECONFIG", "PLUMBLINE_TOPOLOGY")
"""Variables by which a lab could be found."""


@dataclass
class Trial:
    """What the harness does to a site's clusters, step by step.

    Attributes:
        folder: with the site's file, its kubeconfigs, and the home of the harness.
        before: all objects of each cluster when the owner had settled in.
        bad: what is not as it should be.
    """

    topology: Topology
    folder: Path
    console: Console
    before: Mapping[str, stored.Objects] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    def begin(self) -> None:
        """Write the site's file, and see what there is."""
        lines = (
            f'[[clusters]]\nrole = "{each.name}"\ncontext = "{each.context}"\n'
            f'kubeconfig = "{self.folder / each.name}.yaml"\n'
            for each in self.topology.clusters
        )
        (self.folder / "site.toml").write_text("\n".join(lines), encoding="utf-8")
        self.before = self.objects()
        self._say("the owner has settled in", f"{sum(map(len, self.before.values()))} objects")

    def objects(self) -> Mapping[str, stored.Objects]:
        """All objects of each cluster, as its administrator sees them."""
        with ThreadPoolExecutor() as pool:
            names = [each.name for each in self.topology.clusters]
            return dict(zip(names, pool.map(stored.take, self.topology.clusters), strict=True))

    def step(self, what: str, words: Sequence[str], *, status: int = 0, run: str = "") -> None:
        """Run a command of the harness to its end, and see that nothing has changed."""
        began = time.monotonic()
        with self.started(words, run or "command") as process:
            came = process.wait(LONGEST)
        self.see(what, came == status, f"status {came}, {duration(time.monotonic() - began)}")
        self.compare()

    @contextmanager
    def started(self, words: Sequence[str], run: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command of the harness, which knows no lab; it is killed if it has not ended."""
        environ = {k: v for k, v in without_proxies(os.environ).items() if k not in WITHHELD}
        environ |= {"PLUMBLINE_HOME": str(self.home.root), "PLUMBLINE_RUN": run}
        process = start(words, environ, LOG)
        try:
            yield process
        finally:
            kill(process, "group")

    def compare(self) -> None:
        """See that every object is what it was."""
        now = self.objects()
        changes = [
            f"{name}: {each}"
            for name, objects in self.before.items()
            for each in stored.difference(objects, now[name])
        ]
        total = sum(map(len, now.values()))
        self.see("  every object as before", not changes, "; ".join(changes) or f"all {total}")

    def see(self, what: str, good: bool, seen: str) -> None:
        """Tell what was seen, and remember it if it is not as it should be."""
        self._say(f"{'ok' if good else 'NO'}: {what}", seen)
        if not good:
            self.bad.append(what)

    def _say(self, what: str, seen: str) -> None:
        self.console.print(f"{what}: {seen}", markup=False, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """All of it; 0 if everything was as it should be."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True, highlight=False)
    try:
        return _inside(console) if options.inside else _outside(options.nodes)
    except PlumblineError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 1


def _outside(nodes: str) -> int:
    """Bring new clusters up, have a process of this program try all where they can be reached, and
    take them down with all that their owner has in them."""
    providers.see_none_adopted(Home.of_user())
    inside = (sys.executable, "-m", "tests.adopted", "--inside")
    try:
        steps = (("down",), ("up", "--nodes", nodes), ("run", "--", *inside))
        return next(filter(None, (_call(*each) for each in steps)), 0)
    finally:
        _call("down")


def _call(*words: str) -> int:
    return subprocess.run([*CLUSTERS, *words], check=False).returncode


def _inside(console: Console) -> int:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Topology.load(Home.of_user().topology), Path(folder), console)
        _tried(trial)
    console.print(f"what the commands said: {LOG}", markup=False)
    return 1 if trial.bad else 0


def _tried(trial: Trial) -> None:
    owner = Owner(trial.topology)
    try:
        owner.settle_in(adopt.harness_of(trial.home))
        with tokens.renewed(trial.topology.clusters, trial.folder):
            trial.begin()
            _steps(trial, owner)
        times = tokens.asked(trial.folder)
        trial.see("credentials are asked for again", times > 1, f"{times} times")
    finally:
        owner.close()


def _steps(trial: Trial, owner: Owner) -> None:
    site, run = str(trial.folder / "site.toml"), f"adopted-{secrets.token_hex(3)}"
    trial.step("adopt", [*CLUSTERS, "adopt", site])
    known = Topology.load(trial.home.topology).clusters
    more = [each for cluster in known for each in let_through(cluster)]
    trial.see("the account may do nothing else", not more, "; ".join(more) or "all was refused")
    trial.step("a dry run", [*SUITES, "--dry"])
    trial.step("a run", [*SUITES], run=run)
    results = Results.load(OUT / run / FILE)
    trial.see("its verdict", results.status == "passed", counts(results.requirements))
    trial.step("a load by an open loop", LOAD, run=f"{run}-load")
    _kill_one(trial, f"{run}-killed")
    trial.step("what a killed run left is released", [*CLUSTERS, "release"])
    owner.withdraw()
    trial.before = trial.objects()
    trial.step("a run without consent is refused", [*SUITES], status=1, run=f"{run}-refused")
    trial.step("down", [*CLUSTERS, "down"])


def _kill_one(trial: Trial, run: str) -> None:
    """Kill a run with all of its processes, once it has asked something."""
    entries = OUT / run / ENTRIES_FILE
    with trial.started(SUITES, run) as process:
        while process.poll() is None:
            if _passed(entries) >= PASSED:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.1)
    now = {k for each in trial.objects().values() for k in each}
    left = now - {k for each in trial.before.values() for k in each}
    trial.see("a run is killed while it asks", bool(left), f"{len(left)} objects are left of it")


def _passed(entries: Path) -> int:
    return sum(each.verdict == "pass" for each in journal.read(entries, Requirement))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.adopted", description=__doc__)
    parser.add_argument("--nodes", default=NODES, help=f"of the clusters (default: {NODES})")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
