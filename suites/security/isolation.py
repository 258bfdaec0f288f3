"""Workloads that network policies guard, or that may leave for what is named alone, and their
clients.

Each policy has a workload of its own, so that all are in force, and are asked, at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from clusters.kube import Document
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import OUTSIDE, OUTSIDER, Lab, convergence, namespace_of, sampling
from fixtures.lab.hubble import NAMESPACE_LABEL, Agent, labels
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from suites.security.subject import INSIDER, NAME

ISLAND, RANGED = "island", "ranged"
LEAVER = "leaver"
"""A client that a policy is of."""
POLICIES = (
    ("ciliumnetworkpolicy-island", ISLAND),
    ("ciliumnetworkpolicy-leaves", LEAVER),
    ("ciliumnetworkpolicy-port-range", RANGED),
)
"""Practices, each with the one workload that it is of."""
WAYS = ("pod", "service", "headless", "node")
"""How a workload is reached: by its pod's address, by a service of either kind, at its node."""
PORT, LAST = 3000, 3001
BELOW, ABOVE = PORT - 1, LAST + 1
API, HOST, METADATA, WORLD = "the API server", "the node", "metadata", "the world"
METADATA_ADDRESS = "169.254.169.254"
"""Where clouds tell a machine of its secrets."""
KUBELET, API_PORT = 10_250, 6443
"""Ports of a node; that of the API server is the one that its service leads to."""
COUNT = 4
"""Requests of a stream: of what is dropped Hubble tells no more than a hundred a second."""
SECONDS = 2
"""Of silence, after which a request was not answered."""
AT_ONCE = 8


@dataclass(frozen=True)
class Isolation:
    """What was asked in one window, what arrived, and what the agent dropped then."""

    history: History
    arrived: frozenset[str]
    drops: tuple[Drop, ...]


@dataclass(frozen=True)
class Isolated:
    """The guarded workloads under their policies, and who would reach them or leave.

    Attributes:
        addresses: of the pods, by their workload.
        islands: where `island` is, by each of the ways.
        away: where what is not named is, by its name.
    """

    space: Space
    deadline: float
    agent: Agent
    clients: Mapping[str, ClientPod]
    addresses: Mapping[str, str]
    islands: Mapping[str, str]
    away: Mapping[str, str]

    def observe(self) -> Isolation:
        """Have everybody ask at once, and ask Cilium what it dropped meanwhile.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began, opened = convergence.generation(), time.monotonic(), self.agent.now()
        streams = {INSIDER: self._inside, OUTSIDER: self._outside, LEAVER: self._leaving}
        asks = (
            partial(self.clients[who].probe, *asked(mark), at_once=AT_ONCE)
            for who, asked in streams.items()
        )
        history = side_by_side(*asks)
        # A backend keeps a log of what comes by HTTP alone.
        by_http = history.where(lambda e: e.url.startswith("http"))
        arrived = sampling.arrivals(self, sampling.expected(by_http), began)
        drops = self.agent.drops(opened, self.space.namespace)
        return Isolation(history, frozenset(arrived), drops)

    def _inside(self, mark: str) -> Iterator[Stream]:
        yield from self._islands(INSIDER, mark)
        for whom in (ISLAND, RANGED):
            for port in (BELOW, PORT, LAST, ABOVE):
                host = f"{self.addresses[whom]}:{port}"
                yield _stream(asked_at(whom, f"{port}/TCP"), host, mark, http2=port == LAST)
            udp = _stream(asked_at(whom, f"{PORT}/UDP"), f"{self.addresses[whom]}:{PORT}", mark)
            yield udp.model_copy(update={"url": udp.url.replace("http://", "udp://")})
        for whom in (API, HOST, WORLD):
            if whom in self.away:
                yield _stream(name(INSIDER, whom), self.away[whom], mark)

    def _outside(self, mark: str) -> Iterator[Stream]:
        yield from self._islands(OUTSIDER, mark)

    def _leaving(self, mark: str) -> Iterator[Stream]:
        yield _stream(name(LEAVER, ISLAND), self.space.host(ISLAND), mark)
        yield _stream(name(LEAVER, RANGED), f"{self.addresses[RANGED]}:{PORT}", mark)
        for whom, host in self.away.items():
            yield _stream(name(LEAVER, whom), host, mark)

    def _islands(self, who: str, mark: str) -> Iterator[Stream]:
        for way, host in self.islands.items():
            yield _stream(name(who, way), host, mark)


def _stream(stream: str, host: str, mark: str, *, http2: bool = False) -> Stream:
    return with_nonces(stream, host, mark, count=COUNT, timeout=SECONDS, http2=http2)


def name(who: str, whom: str) -> str:
    """The stream of a client's requests to whom, or by which way."""
    return f"{who}->{whom}"


def asked_at(whom: str, port: str) -> str:
    """The stream of the insider's requests to a port of a workload's pod, such as `80/TCP`."""
    return f"{INSIDER}->{whom}:{port}"


def labels_of(app: str) -> frozenset[str]:
    """The labels by which Cilium knows a workload of the suite's namespace."""
    return labels({"app": app, NAMESPACE_LABEL: namespace_of(NAME)})


def isolate(lab: Lab, cluster: str) -> Isolated:
    """The guarded workloads of a cluster, once its agent enforces all policies.

    Raises:
        NotReadyError: a workload does not run, or the agent did not get there in time.
        WrongManifestError: a policy is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    clients = {each: lab.client(cluster, each, space.namespace) for each in (INSIDER, LEAVER)}
    clients[OUTSIDER] = lab.client(cluster, OUTSIDER, identity=OUTSIDE)
    guarded = (ISLAND, RANGED, LEAVER)
    pods = {each: space.kube.pod(space.namespace, f"app={each}") for each in guarded}
    addresses = {each: str(pod["status"]["podIP"]) for each, pod in pods.items()}
    agent = Agent.of(space.kube, pods[ISLAND])
    known = {*addresses.values(), *(client.address for client in clients.values())}
    convergence.identities(agent, known, deadline)
    _enforce(lab, space, agent, pods, deadline)
    islands = _islands(space, pods[ISLAND], addresses[ISLAND])
    away = _away(lab, space, pods[LEAVER])
    return Isolated(space, deadline, agent, clients, addresses, islands, away)


def _enforce(
    lab: Lab, space: Space, agent: Agent, pods: Mapping[str, Document], deadline: float
) -> None:
    with ThreadPoolExecutor(len(POLICIES)) as pool:
        puts = [
            pool.submit(_put, space, lab.manifests.given(stem), agent, pods[app], deadline)
            for stem, app in POLICIES
        ]
        for done in puts:
            done.result()


def _put(space: Space, policy: Given, agent: Agent, pod: Document, deadline: float) -> None:
    """Have one policy enforced, or see to its absence. It is made anew, as its object's UID is what
    tells it from an earlier run's."""
    if policy.absent:
        convergence.no_network_policy(space, policy.document, agent, pod, deadline)
    else:
        space.kube.delete(policy.document, space.namespace)
        convergence.network_policy(space, policy, agent, pod, deadline)


def _islands(space: Space, pod: Document, address: str) -> dict[str, str]:
    service = space.kube.get("v1", "Service", ISLAND, space.namespace) or {}
    (port,) = (p for p in service["spec"]["ports"] if p["name"] == "http")
    hosts = (
        f"{address}:{PORT}",
        space.host(ISLAND),
        f"{space.host('island-headless')}:{PORT}",
        f"{pod['status']['hostIP']}:{port['nodePort']}",
    )
    return dict(zip(WAYS, hosts, strict=True))


def _away(lab: Lab, space: Space, pod: Document) -> dict[str, str]:
    """What nobody named: that of the world only where a lab has another cluster's node for it."""
    api = space.kube.get("v1", "Service", "kubernetes", "default") or {}
    away = {
        API: f"{api['spec']['clusterIP']}:443",
        HOST: f"{pod['status']['hostIP']}:{KUBELET}",
        METADATA: METADATA_ADDRESS,
    }
    worlds = [c.world for c in lab.topology.clusters if c.name != space.kube.cluster.name]
    return {**away, WORLD: f"{worlds[0]}:{KUBELET}"} if any(worlds[:1]) else away
