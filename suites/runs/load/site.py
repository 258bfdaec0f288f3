"""The site of a load: clusters with the reference in force, and the pods that send.

It knows no behaviour by its name: each says what a load sends to it. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import suites
from clusters.components.istio import PROXY
from clusters.errors import PlumblineError, TopologyError
from clusters.remote import Container
from clusters.topology import Cluster, Topology
from fixtures import manifests
from fixtures.behaviour import Behaviour, discover
from fixtures.checks.merged import usual
from fixtures.history.streams import Stream
from fixtures.lab import Lab, cgroups
from fixtures.lab.probes import Probe
from fixtures.lab.space import Space
from fixtures.traffic.distributed import Generators, Streams
from suites.runs.run import Run

MASTER, WORKER = "plumbline-load-master", "plumbline-load-worker"
TIMEOUT = 5.0


def _space(lab: Lab, cluster: str) -> Space:
    return lab.space(PODS.name, cluster)


PODS = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio"}),
    in_force=_space,
    shared_clients=False,
    ephemeral=True,
)
"""The master and the workers live only while a load is made."""


@dataclass(frozen=True)
class Place:
    """One cluster of a site: who sends there, and what."""

    cluster: str
    generators: Generators
    probes: tuple[Probe, ...]

    @property
    def streams(self) -> Streams:
        """What is sent, by the names of the probes."""
        return {
            probe.asked.group: (_stream(probe), usual(probe.asked.expectation))
            for probe in self.probes
        }

    def proxies(self) -> list[float]:
        """Seconds of CPU that the workers' sidecars took since they began."""
        workers = self.generators.workers
        sidecars = [Container(worker.namespace, worker.pod, PROXY) for worker in workers]
        return cgroups.cpu_seconds(self.generators.master.kube, sidecars)


@contextmanager
def entered(run: Run, topology: Topology, workers: int, only_first: bool) -> Iterator[list[Place]]:
    """The clusters that have something to be loaded, with so many workers each, until the block
    ends.

    Raises:
        TopologyError: no cluster has.
        PlumblineError: the reference did not come into force, or a pod does not run.
    """
    loadable = [behaviour for behaviour in discover(suites) if behaviour.load]
    clusters = [each for each in topology.clusters if _offered(loadable, each)]
    if not clusters:
        names = ", ".join(each.name for each in topology.clusters)
        raise TopologyError("a cluster with Istio to be loaded", seen=names, look="make status")
    chosen = [each.name for each in (clusters[:1] if only_first else clusters)]
    lab = Lab(topology, manifests.load(), run.folder, run.home.topology.parent / "locks")
    try:
        lab.prepare(loadable)
        probes = {name: tuple(_probes(lab, loadable, name)) for name in chosen}
        lab.bring_ephemeral([(PODS, chosen)])  # their proxies have what is in force from the first
        yield [Place(name, _generators(lab, name, workers), probes[name]) for name in chosen]
    finally:
        with suppress(PlumblineError):
            lab.clear_ephemeral()
        lab.close()


def _offered(behaviours: Sequence[Behaviour[Any]], cluster: Cluster) -> list[Behaviour[Any]]:
    return [b for b in behaviours if b.is_offered_by(cluster) and PODS.is_offered_by(cluster)]


def _probes(lab: Lab, behaviours: Sequence[Behaviour[Any]], cluster: str) -> Iterator[Probe]:
    for behaviour in _offered(behaviours, lab.topology.cluster(cluster)):
        if behaviour.load:
            yield from behaviour.load(behaviour.in_force(lab, cluster))


def _generators(lab: Lab, cluster: str, workers: int) -> Generators:
    """The pods that send, once they run."""
    namespace = PODS.in_force(lab, cluster).namespace
    master = lab.client(cluster, MASTER, namespace)
    return Generators(master, tuple(lab.scaled(cluster, WORKER, namespace, workers)))


def _stream(probe: Probe) -> Stream:
    own = probe.stream
    return Stream(stream=probe.asked.group, url=own.url, headers=own.headers, timeout=TIMEOUT)
