"""Peers: the vendors' own suites against the clusters that are up, in a report of our form.

Each is a program that is built from its vendor's module, run as its vendor documents it, and taken
at its word. What they print is kept whole. It judges nothing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from clusters import node_images, providers, tools, versions
from clusters.errors import CommandError, InputError
from clusters.process import environment
from clusters.progress import Progress
from clusters.topology import Topology
from reports.publish import publish, report_of
from reports.render.terminal import show
from reports.schema import Requirement
from suites.runs import conformance, connectivity, istioctl
from suites.runs.run import Run

PEERS = ("istioctl", "cilium", "conformance")
PROFILE = "peers"
NOTE = "The vendors' own suites, at their word; Gateway API's has pods of the lab's images."


def peers(run: Run, only: str = "", test: str = "") -> int:
    """Run the vendors' suites and show what they say; 0 only if none says that something is wrong.

    Args:
        only: one of `PEERS`, or all of them.
        test: the name of one test of the conformance suite or of Cilium's.

    Raises:
        InputError: there is no such peer.
        TopologyError: no clusters are up.
        ForeignError: they are somebody's, and a suite would make namespaces there.
        DoctorError: a program could not be built.
    """
    if only and only not in PEERS:
        raise InputError(f"ONLY to be one of {', '.join(PEERS)}", seen=only)
    topology = Topology.load(run.home.topology)
    if only != "istioctl":
        providers.see_none_adopted(run.home)
    asking = Asking(run, topology, Progress(run.home.root / "estimates.json"))
    entries: list[Requirement] = []
    with run.stage("programs"):
        asking.bring(only)
    providers.reach(run.home)
    for name in PEERS:
        if only in ("", name):
            with run.stage(name):
                entries += asking.peer(name, test)
    results = run.results(topology, PROFILE, tuple(entries), notes=(NOTE,))
    publish(results, run.folder)
    show(report_of(results), run.folder)
    return results.exit_status


class Asking:
    """What a run of peers works with."""

    def __init__(self, run: Run, topology: Topology, progress: Progress) -> None:
        self._run, self._topology, self._progress = run, topology, progress
        self._console = Console(highlight=False)
        self._train = versions.load(topology.train)
        run.folder.mkdir(parents=True, exist_ok=True)

    def bring(self, only: str) -> None:
        """Have the programs, built if need be, and the images that only they want."""
        for name in tools.PEERS:
            if not only or only in name:
                self._program(name)
        if only in ("", tools.CILIUM):
            names = tuple(connectivity.IMAGES.values())
            node_images.put(self._run.home, self._topology, names, self._progress)

    def peer(self, name: str, test: str = "") -> Iterator[Requirement]:
        """What one of `PEERS` says."""
        match name:
            case "istioctl":
                return self.istioctl()
            case "cilium":
                return self.connectivity(test)
        return self.conformance(test)

    def istioctl(self) -> Iterator[Requirement]:
        """Each of istioctl's checks of each cluster."""
        program, variables = self._program(tools.ISTIOCTL), istioctl.variables(self._topology)
        for cluster in self._topology.clusters:
            for check in istioctl.CHECKS:
                log, began = f"{cluster.name}-{check}.json", time.monotonic()
                words = istioctl.arguments(check, cluster, self._topology)
                output = "".join(self._lines(program, words, variables, log))
                try:
                    said = istioctl.messages(output)
                except ValueError:
                    raise _failed(self._run.folder / log, f"istioctl {check}") from None
                seconds = time.monotonic() - began
                yield istioctl.requirement(check, said, cluster.name, log, seconds)

    def conformance(self, test: str = "") -> Iterator[Requirement]:
        """Each test of Gateway API's suite, in the first cluster: it takes minutes."""
        program, cluster = self._program(tools.CONFORMANCE), self._topology.clusters[0]
        report = (self._run.folder / conformance.REPORT).absolute()
        words = conformance.arguments(self._topology, report, test)
        log, version = "conformance.log", self._topology.versions["gateway_api"]
        variables = {"KUBECONFIG": str(cluster.kubeconfig)}
        tests = list(conformance.ended(self._lines(program, words, variables, log)))
        if not tests:
            raise _failed(self._run.folder / log, "the conformance suite")
        for each in tests:
            yield conformance.requirement(each, cluster.name, version, log)

    def connectivity(self, test: str = "") -> Iterator[Requirement]:
        """Each of Cilium's connectivity tests, over the first two clusters: it takes minutes."""
        program, variables = self._program(tools.CILIUM), istioctl.variables(self._topology)
        report = (self._run.folder / connectivity.REPORT).absolute()
        words = connectivity.arguments(self._topology, self._train, report, test)
        log = self._run.folder / "connectivity.log"
        try:
            list(self._lines(program, words, variables, log.name))
        finally:
            cleaning = connectivity.cleaning(self._topology)
            list(self._lines(program, cleaning, variables, "connectivity-cleanup.log"))
        if not report.exists():
            raise _failed(log, "Cilium's connectivity test")
        yield from connectivity.requirements(report, log, self._train.versions.cilium)

    def _program(self, name: str) -> Path:
        return tools.ensure(name, self._run.home, self._train, self._progress)

    def _lines(
        self, program: Path, words: Sequence[str], variables: Mapping[str, str], log: str
    ) -> Iterator[str]:
        """What it prints, line by line while it runs, kept in a file. Its exit status is not looked
        at: it is of what it found."""
        env = environment(variables, direct=True)
        self._console.print(f"{program.name}: {log}", style="dim")
        with (
            (self._run.folder / log).open("w", encoding="utf-8", buffering=1) as file,
            subprocess.Popen(
                [program, *words],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                errors="replace",
            ) as child,
        ):
            for line in child.stdout or ():
                file.write(line)
                if line.startswith("=== RUN   Conformance/"):
                    self._console.print(f"  {line.split('/')[1].strip()}", style="dim")
                yield line


def _failed(log: Path, what: str) -> CommandError:
    text = log.read_text(encoding="utf-8")
    return CommandError(f"{what} to say what it found", seen=text[-1000:], look=f"less {log}")
