"""`across`, a service of all clusters, and who calls it: what the practices are asked of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path

from fixtures.checks.sequential import SplitTest
from fixtures.checks.wire import Pair
from fixtures.history import Exchange, History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream, with_nonces
from fixtures.history.verdict import Verdict, combine
from fixtures.history.wire import Capture
from fixtures.lab import Lab, convergence, sampling
from fixtures.lab.hubble import Agent
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.batches import draw
from fixtures.traffic.client import ClientPod, side_by_side
from fixtures.traffic.handshake import Peer, shake
from fixtures.traffic.sniffer import Sniffer, capturing

NAME = Path(__file__).parent.name
ACROSS, HOME, PREFER, BOTH = "across", "home", "prefer", "both"
"""Services of one workload: of all clusters, of the own one, of all but rather of the own one, and
of all once more, which keeps its connections."""
PLAIN, CLIENT, OUTSIDER, WIRE = "plain", "client", "outsider", "wire"
EVERYWHERE, NEAR, FAR = "everywhere", "near", "far"
"""Services of Cilium's over all clusters: without affinity, of affinity `local`, of `remote`."""
WITHHELD, UNJOINED = "withheld", "unjoined"
"""The same of a service whose pods azure-cluster shares with nobody, and of one that is shared and
yet of no other cluster."""
LEAVING, STANDBY = "leaving", "standby"
"""Services of a workload that comes and goes: of all clusters, and of all but rather the own."""
AILING, SILENT = "ailing", "silent"
"""Services of a workload with moods, of all clusters; each has rules of its own."""
PORT = 3000  # of the pods
OUTSIDERS = (PLAIN, EVERYWHERE, NEAR, FAR, WITHHELD, UNJOINED)
"""What is asked from outside the service mesh."""
COUNT = 100
"""Requests of a client to `across`: by chance each cluster answers its part of them."""
FEW = 20


@dataclass(frozen=True)
class Place:
    """One cluster: its namespace, its pods of `across` and `plain`, and who sends there.

    Attributes:
        client: with a sidecar.
        outsider: without one.
        sniffers: on each of its nodes.
        addresses: of the pods, by their workload.
    """

    space: Space
    deadline: float
    client: ClientPod
    outsider: ClientPod
    sniffers: tuple[Sniffer, ...]
    addresses: Mapping[str, str]

    @property
    def cluster(self) -> str:
        return self.space.kube.cluster.name

    @property
    def drawn(self) -> Stream:
        """Requests to the service of all clusters, each on a connection of its own."""
        url = f"http://{self.space.host(EVERYWHERE)}/"
        return Stream(stream=f"drawn by {self.cluster}", url=url, timeout=2, reuse=False)

    def service(self, workload: str) -> str:
        """What its pod of a workload answers as."""
        return f"{workload}-{self.cluster}"

    def is_answer(self, exchange: Exchange) -> bool:
        """Whether a pod of this cluster answered."""
        return exchange.service.endswith(f"-{self.cluster}")


@dataclass(frozen=True)
class Observation:
    """What was sent in one window, what of it could be read on the wire, and what arrived.

    Attributes:
        arrived: the nonces in the logs of all backends.
    """

    history: History
    capture: Capture
    arrived: frozenset[str]


@dataclass(frozen=True)
class Everywhere:
    """The same in all clusters.

    Attributes:
        joined: whether each client's proxy knew the pods of all clusters within T.
        shared: whether each cluster's agent did.
    """

    places: Mapping[str, Place]
    joined: Verdict
    shared: Verdict

    @property
    def ways(self) -> tuple[tuple[Place, Place], ...]:
        """Each cluster and each other one, in both directions."""
        return tuple(permutations(self.places.values(), 2))

    def others(self, cluster: str) -> list[Place]:
        """All but one."""
        return [place for name, place in self.places.items() if name != cluster]

    @property
    def few(self) -> int:
        """So many requests that by chance the pods of all clusters answer some."""
        return FEW * len(self.places) // 2

    @property
    def sealed_pairs(self) -> list[Pair]:
        """The addresses of each client and of each other cluster's pod that it may be led to."""
        return [(one.addresses[CLIENT], other.addresses[ACROSS]) for one, other in self.ways]

    @property
    def readable_pairs(self) -> list[Pair]:
        """The same of clients and pods without sidecars."""
        return [(one.addresses[OUTSIDER], other.addresses[PLAIN]) for one, other in self.ways]

    def discover(self) -> History:
        """Have everybody ask the services of all clusters, and those of the own one."""
        mark = convergence.generation()
        # In turn, as the services have their pods in common (docs/findings.md, "several services").
        return side_by_side(
            *self._by_clients(mark, {ACROSS: COUNT, HOME: FEW}),
            *(
                partial(p.outsider.ask, *_from_outside(p, OUTSIDERS, mark, self.few), in_turn=True)
                for p in self.places.values()
            ),
        )

    def prefer(self) -> History:
        """Have the clients ask the service of which the own cluster's pods are preferred."""
        mark = convergence.generation()
        return side_by_side(*self._by_clients(mark, {ACROSS: COUNT, PREFER: COUNT}))

    def observe(self) -> Observation:
        """Have everybody ask other clusters' pods, look at the wire meanwhile, and read the
        backends' logs.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        sniffers = [each for place in self.places.values() for each in place.sniffers]
        looked_at = {a for pair in (*self.sealed_pairs, *self.readable_pairs) for a in pair}
        with capturing(sniffers, looked_at, f"{mark}-[0-9]+_") as end:
            history = side_by_side(
                *self._by_clients(mark, {ACROSS: COUNT}),
                *(
                    partial(p.outsider.ask, *self._in_plain_text(p, mark))
                    for p in self.places.values()
                ),
            )
            capture = end()
        return Observation(history, capture, self._arrived(history, began))

    def draw(self, test: SplitTest) -> History:
        """Each cluster's outsider asks the service of all clusters until the share of its own is
        decided; of more than two as often again and more, as each of the others decides by its own.
        """
        least = round(3 * test.expected_n) if len(self.places) > 2 else 0
        draws = (
            partial(draw, place.outsider, place.drawn, place.service(PLAIN), test, minimum=least)
            for place in self.places.values()
        )
        return side_by_side(*draws)

    def shake(self) -> dict[tuple[str, str], Handshake]:
        """What `across` shows of itself, by the clusters of client and server."""
        peers = [Peer(place.addresses[ACROSS], PORT) for place in self.places.values()]
        return {
            (client, server): shown
            for client, place in self.places.items()
            for server, shown in zip(self.places, shake(place.outsider, peers), strict=True)
        }

    def _by_clients(self, mark: str, counts: Mapping[str, int]) -> Iterator[Callable[[], History]]:
        """Each cluster's client, asking services so many times."""
        for place in self.places.values():
            yield partial(place.client.ask, *_called(place, mark, counts))

    def _in_plain_text(self, here: Place, mark: str) -> Iterator[Stream]:
        """What has a sidecar must not be answered, what has none is."""
        for there in self.places.values():
            if there is not here:
                forced = (plain_name(ACROSS, here, there), there.addresses[ACROSS], FEW)
                served = (plain_name(PLAIN, here, there), there.addresses[PLAIN], COUNT)
                for stream, address, count in (forced, served):
                    host, marked = f"{address}:{PORT}", _header(mark)
                    yield with_nonces(stream, host, mark, count=count, headers=marked)

    def _arrived(self, history: History, began: float) -> frozenset[str]:
        arrived: set[str] = set()
        for place in self.places.values():
            wanted = sampling.expected(history.where(place.is_answer))
            arrived |= sampling.arrivals(place, wanted, began).keys()
        return frozenset(arrived)


def call_name(service: str, place: Place) -> str:
    """The stream of a client's requests to a service, each with its sidecar's help."""
    return f"{place.cluster}/{CLIENT}->{service}"


def service_name(service: str, place: Place) -> str:
    """The stream of requests to a service from who has no sidecar."""
    return f"{place.cluster}/{OUTSIDER}->{service}"


def plain_name(workload: str, here: Place, there: Place) -> str:
    """The stream of requests in plain text to another cluster's pod."""
    return f"{here.cluster}/{OUTSIDER}->{workload} of {there.cluster}"


def _called(place: Place, mark: str, counts: Mapping[str, int]) -> Iterator[Stream]:
    for service, count in counts.items():
        stream, host = call_name(service, place), place.space.host(service)
        more = {"headers": _header(mark), "whole": True}
        yield with_nonces(stream, host, mark, count=count, **more)


def _from_outside(place: Place, services: Iterable[str], mark: str, count: int) -> Iterator[Stream]:
    for service in services:
        stream = service_name(service, place)
        yield with_nonces(stream, place.space.host(service), mark, count=count)


def _header(mark: str) -> dict[str, str]:
    """What an echo says again in its body, beside what it was asked for."""
    return {"x-mark": f"{mark}-0_"}


def in_force(lab: Lab, _cluster: str) -> Everywhere:
    """All clusters' pods, once every proxy takes mTLS alone and every client knows all of them, or
    has not come to within T: that is the service mesh's own failure.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    policy = lab.manifests.given("peerauthentication")
    names = names_of(lab)
    with ThreadPoolExecutor(len(names)) as pool:
        places = dict(zip(names, pool.map(lambda n: _place(lab, n, policy), names), strict=True))
    each = places.values()
    joined, shared = (combine(known(p, each) for p in each) for known in (_joined, _shared))
    return Everywhere(places, joined, shared)


def names_of(lab: Lab) -> list[str]:
    """The clusters that the service mesh is one over."""
    return [cluster.name for cluster in lab.topology.with_feature("istio-multicluster")]


def _joined(place: Place, places: Iterable[Place]) -> Verdict:
    """Whether a client's proxy comes to know the pods of `across` of all places within T."""
    wanted = [f"{each.addresses[ACROSS]}:{PORT}" for each in places]

    def wait() -> None:
        for service in (ACROSS, PREFER):
            host = place.space.host(service)
            convergence.members(place.client, host, wanted, place.deadline)

    return convergence.in_time(f"{place.cluster}'s client to know all pods of {ACROSS}", wait)


def _shared(place: Place, places: Iterable[Place]) -> Verdict:
    """Whether a cluster's agent comes to know the pods without sidecars of all within T."""
    agent = Agent.any_of(place.space.kube)
    addresses = [each.addresses[PLAIN] for each in places]
    wait = partial(convergence.backends, agent, addresses, place.deadline)
    return convergence.in_time(f"{place.cluster}'s agent to know all pods of {PLAIN}", wait)


def _place(lab: Lab, cluster: str, policy: Given) -> Place:
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    convergence.security_policy(space, policy, ACROSS, deadline)
    client = lab.client(cluster, CLIENT, space.namespace)
    outsider = lab.client(cluster, OUTSIDER, space.namespace, identity=OUTSIDER)
    wires = lab.clients(cluster, WIRE, space.namespace, identity=WIRE)
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in (ACROSS, PLAIN)}
    addresses = {name: str(pod["status"]["podIP"]) for name, pod in pods.items()}
    addresses |= {CLIENT: client.address, OUTSIDER: outsider.address}
    return Place(
        space,
        deadline,
        client,
        outsider,
        tuple(Sniffer(space.kube, space.namespace, wire.pod) for wire in wires),
        addresses,
    )
