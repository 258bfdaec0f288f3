"""python -m tests.cost: what a lab of so many clusters and nodes costs, in seconds, CPU and memory.

Brings each lab up from nothing, lets it rest, looks, and takes it down again, the lab that is up
before it too. The figures are of the whole machine, other work on it included. It asks nothing of
a cluster, and judges nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from clusters.home import Home
from clusters.settings import CLUSTERMESH
from clusters.topology import Stage, Topology

EXAMPLES = """
examples:
  python -m tests.cost 2 3 4 2x3        two, three and four clusters; two of three nodes each
  python -m tests.cost 3 --keep         three clusters, which are left up
  MANIFESTS=reports/out/cost/3 make suites    asks them, by the document that names them
"""
OUT = Path("reports/out/cost")
NAMES = ("aws-cluster", "azure-cluster", "gcp-cluster", "on-premises")
REST = 30.0
"""Seconds in which a lab that has just come up settles, and then as many in which it rests."""
GIB, MIB = 1024**3, 1024**2
MOST = 10
"""Programs that are told of, those with most CPU first."""


@dataclass(frozen=True)
class Size:
    """A lab: how many clusters, of how many nodes each."""

    clusters: int
    nodes: int = 1

    @classmethod
    def parse(cls, text: str) -> Size:
        """`3` clusters, or `2x3`: two of three nodes each.

        Raises:
            ValueError: it is neither.
        """
        clusters, _, nodes = text.partition("x")
        return cls(int(clusters), int(nodes or 1))

    def __str__(self) -> str:
        return f"{self.clusters} of {self.nodes}"


@dataclass(frozen=True)
class Cost:
    """What a lab cost.

    Attributes:
        seconds: until all was ready, of the engine's start too where it is a private one.
        cpu: seconds of all cores until then.
        resting: CPU seconds a second while nobody asks anything.
        memory: bytes that are no longer available.
        stages: by name the seconds of the cluster that took longest.
        programs: by name CPU seconds, and resident bytes, of the processes that began with it.
    """

    size: Size
    seconds: float
    cpu: float
    resting: float
    memory: int
    stages: Mapping[str, float]
    programs: Mapping[str, tuple[float, int]]


def document(clusters: int) -> dict[str, object]:
    """A CiliumClustermeshConfig of the reference's two clusters, and of further ones."""
    members = [{"name": n, "address": f"{n}.mesh.internal:2379"} for n in NAMES[:clusters]]
    return {
        "apiVersion": "cilium.io/v2alpha1",
        "kind": "CiliumClustermeshConfig",
        "metadata": {"name": "multi-cloud-mesh"},
        "spec": {"clusters": members},
    }


def longest(stages: Iterable[Stage]) -> dict[str, float]:
    """By name the seconds of the cluster that took longest."""
    by_name: dict[str, float] = {}
    for stage in stages:
        by_name[stage.name] = max(stage.seconds, by_name.get(stage.name, 0.0))
    return by_name


def tables(costs: Sequence[Cost]) -> Iterator[str]:
    """Lines of Markdown: the labs beside each other, their stages, and their programs."""
    yield "| clusters of nodes | ready after, s | CPU, s | at rest, of a core | memory, GiB |"
    yield "|---|---:|---:|---:|---:|"
    for each in costs:
        figures = f"{each.seconds:.0f} | {each.cpu:.0f} | {each.resting:.0%}"
        yield f"| {each.size} | {figures} | {each.memory / GIB:.1f} |"
    yield from _beside("stage, s", costs, [each.stages for each in costs], "{:.0f}")
    cpu = [{n: c for n, (c, _) in each.programs.items()} for each in costs]
    yield from _beside("program, CPU s", costs, cpu, "{:.0f}")
    memory = [{n: m / MIB for n, (_, m) in each.programs.items()} for each in costs]
    yield from _beside("program, resident MiB", costs, memory, "{:.0f}")


def _beside(
    title: str, costs: Sequence[Cost], columns: Sequence[Mapping[str, float]], form: str
) -> Iterator[str]:
    yield ""
    yield f"| {title} | {' | '.join(str(each.size) for each in costs)} |"
    yield f"|---|{'---:|' * len(costs)}"
    largest = Counter[str]()
    for column in columns:
        largest |= Counter(dict(column))
    for name, _ in largest.most_common(MOST):
        cells = (form.format(column.get(name, 0.0)) for column in columns)
        yield f"| {name} | {' | '.join(cells)} |"


def measure(size: Size, home: Home, rest: float) -> Cost:
    """Bring a lab up from nothing and look at it; it is left up.

    Raises:
        CalledProcessError: it did not go or come.
        TopologyError: it left no topology.
    """
    _clusters("down")
    folder = OUT / str(size.clusters)
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(document(size.clusters), sort_keys=False)
    (folder / CLUSTERMESH.name).write_text(text, encoding="utf-8")
    memory, since = psutil.virtual_memory().available, time.time()
    began, cpu = time.monotonic(), _busy()
    _clusters("up", MANIFESTS=str(folder), NODES=str(size.nodes))
    seconds, used = time.monotonic() - began, _busy() - cpu
    time.sleep(rest)
    cpu = _busy()
    time.sleep(rest)
    return Cost(
        size,
        seconds,
        used,
        resting=(_busy() - cpu) / rest,
        memory=memory - psutil.virtual_memory().available,
        stages=longest(Topology.load(home.topology).stages),
        programs=_programs(since),
    )


def _clusters(command: str, **settings: str) -> None:
    words = [sys.executable, "-m", "clusters", command]
    subprocess.run(words, env={**os.environ, **settings}, check=True)


def _busy() -> float:
    """Seconds that all cores have worked since the machine began."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _programs(since: float) -> dict[str, tuple[float, int]]:
    """Of those processes that began after a time, in seconds since 1970."""
    cpu, memory = Counter[str](), Counter[str]()
    for process in psutil.process_iter(("name", "create_time", "cpu_times", "memory_info")):
        of_it = process.info
        begun = of_it["create_time"] and of_it["create_time"] >= since
        if begun and of_it["cpu_times"] and of_it["memory_info"]:
            cpu[of_it["name"]] += of_it["cpu_times"].user + of_it["cpu_times"].system
            memory[of_it["name"]] += of_it["memory_info"].rss
    return {name: (seconds, memory[name]) for name, seconds in cpu.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure labs, one after another, and print what each cost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cost",
        description="What labs of so many clusters and nodes cost.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("size", nargs="+", type=Size.parse, help="3, or 2x3: two of three nodes")
    parser.add_argument("--rest", type=float, default=REST, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true", help="leave the last one up")
    options = parser.parse_args(argv)
    home = Home.of_user()
    costs = []
    for size in options.size:
        costs.append(measure(size, home, options.rest))
        print(*tables(costs[-1:]), sep="\n", flush=True)
    if not options.keep:
        _clusters("down")
    if len(costs) > 1:
        print(*tables(costs), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
