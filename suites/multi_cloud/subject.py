"""`across`, a service of all clusters, and who calls it: what the practices are asked of."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path

from fixtures.checks.wire import Pair
from fixtures.history import Exchange, History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream
from fixtures.history.verdict import Verdict, combine
from fixtures.history.wire import Capture
from fixtures.lab import OUTSIDE, OUTSIDER, TRUST_DOMAIN, Lab, convergence, namespace_of, sampling
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from fixtures.traffic.handshake import shake
from fixtures.traffic.sniffer import Sniffer, capturing

NAME = Path(__file__).parent.name
ACROSS, HOME, PLAIN, CLIENT, WIRE = "across", "home", "plain", "client", "wire"
PORT = 3000  # of the pods
ROOT = "istio-ca-root-cert"
COUNT = 100
"""Requests of a client to `across`: by chance each cluster answers about half of them."""
FEW = 20


@dataclass(frozen=True)
class Place:
    """One cluster: its namespace, its pods of `across` and `plain`, and who sends there.

    Attributes:
        client: with a sidecar.
        outsider: without one.
        addresses: of the pods, by their workload.
    """

    space: Space
    deadline: float
    client: ClientPod
    outsider: ClientPod
    sniffer: Sniffer
    addresses: Mapping[str, str]

    @property
    def cluster(self) -> str:
        return self.space.kube.cluster.name

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
    """

    places: Mapping[str, Place]
    joined: Verdict

    @property
    def ways(self) -> tuple[tuple[Place, Place], ...]:
        """Each cluster and each other one, in both directions."""
        return tuple(permutations(self.places.values(), 2))

    @property
    def sealed_pairs(self) -> list[Pair]:
        """The addresses of each client and of each other cluster's pod that it may be led to."""
        return [(one.addresses[CLIENT], other.addresses[ACROSS]) for one, other in self.ways]

    @property
    def readable_pairs(self) -> list[Pair]:
        """The same of clients and pods without sidecars."""
        return [(one.addresses[OUTSIDER], other.addresses[PLAIN]) for one, other in self.ways]

    def observe(self) -> Observation:
        """Have everybody ask, look at the wire meanwhile, and read the backends' logs.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        with capturing([p.sniffer for p in self.places.values()], f"{mark}-[0-9]+_") as end:
            history = side_by_side(
                *(partial(p.client.ask, *_called(p, mark)) for p in self.places.values()),
                *(
                    partial(p.outsider.ask, *self._asked_from_outside(p, mark))
                    for p in self.places.values()
                ),
            )
            capture = end()
        return Observation(history, capture, self._arrived(history, began))

    def shake(self) -> dict[tuple[str, str], Handshake]:
        """What `across` shows of itself, by the clusters of client and server."""
        places = self.places.values()
        pairs = [(client, server) for client in places for server in places]
        with ThreadPoolExecutor(len(pairs)) as pool:
            shown = pool.map(lambda p: shake(p[0].outsider, p[1].addresses[ACROSS], PORT), pairs)
            return {
                (client.cluster, server.cluster): each
                for (client, server), each in zip(pairs, shown, strict=True)
            }

    def _asked_from_outside(self, here: Place, mark: str) -> Iterator[Stream]:
        """In plain text: what has a sidecar must not be answered, what has none is."""
        for there in self.places.values():
            if there is not here:
                forced = (plain_name(ACROSS, here, there), there.addresses[ACROSS], FEW)
                served = (plain_name(PLAIN, here, there), there.addresses[PLAIN], COUNT)
                for stream, address, count in (forced, served):
                    yield _stream(stream, f"{address}:{PORT}", mark, count)

    def _arrived(self, history: History, began: float) -> frozenset[str]:
        arrived: set[str] = set()
        for place in self.places.values():
            wanted = sampling.expected(history.where(place.is_answer))
            arrived |= sampling.arrivals(place, wanted, began).keys()
        return frozenset(arrived)


def call_name(service: str, place: Place) -> str:
    """The stream of a client's requests to a service, each with its sidecar's help."""
    return f"{place.cluster}/{CLIENT}->{service}"


def plain_name(workload: str, here: Place, there: Place) -> str:
    """The stream of requests in plain text to another cluster's pod."""
    return f"{here.cluster}/{OUTSIDER}->{workload} of {there.cluster}"


def spiffe_id(account: str) -> str:
    """The SPIFFE ID of an account of the behaviour's namespace (Istio, "Secure Naming")."""
    return f"spiffe://{TRUST_DOMAIN}/ns/{namespace_of(NAME)}/sa/{account}"


def _called(place: Place, mark: str) -> Iterator[Stream]:
    for service, count in ((ACROSS, COUNT), (HOME, FEW)):
        yield _stream(call_name(service, place), place.space.host(service), mark, count, whole=True)


def _stream(name: str, host: str, mark: str, count: int, *, whole: bool = False) -> Stream:
    """Requests with the mark in what is asked for and in a header; an echo has both in its body."""
    word = "".join(letter if letter.isalnum() else "-" for letter in name)
    return Stream(
        stream=name,
        url=f"http://{host}/?nonce={word}-{mark}-{{seq}}_",
        headers={"x-mark": f"{mark}-0_"},
        count=count,
        concurrency=4,
        timeout=2,
        reuse=False,
        whole=whole,
    )


def in_force(lab: Lab, _cluster: str) -> Everywhere:
    """All clusters' pods, once every proxy takes mTLS alone and every client knows all of them, or
    has not come to within T: that is the service mesh's own failure.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    policy = lab.manifests.given("peerauthentication")
    names = [c.name for c in lab.topology.with_feature("istio-multicluster")]
    with ThreadPoolExecutor(len(names)) as pool:
        places = dict(zip(names, pool.map(lambda n: _place(lab, n, policy), names), strict=True))
    return Everywhere(places, combine(_joined(place, places.values()) for place in places.values()))


def _joined(place: Place, places: Iterable[Place]) -> Verdict:
    """Whether a client's proxy comes to know the pods of `across` of all places within T."""
    wanted = [f"{each.addresses[ACROSS]}:{PORT}" for each in places]
    host = place.space.host(ACROSS)
    wait = partial(convergence.members, place.client, host, wanted, place.deadline)
    return convergence.in_time(f"{place.cluster}'s client to know all pods of {host}", wait)


def _place(lab: Lab, cluster: str, policy: Given) -> Place:
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    convergence.security_policy(space, policy, ACROSS, deadline)
    client = lab.client(cluster, CLIENT, space.namespace)
    outsider = lab.client(cluster, OUTSIDER, identity=OUTSIDE)
    wire = lab.client(cluster, WIRE, space.namespace, identity=WIRE)
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in (ACROSS, PLAIN)}
    addresses = {name: str(pod["status"]["podIP"]) for name, pod in pods.items()}
    addresses |= {CLIENT: client.address, OUTSIDER: outsider.address}
    return Place(
        space,
        deadline,
        client,
        outsider,
        Sniffer(space.kube, space.namespace, wire.pod),
        addresses,
    )


def root_of(space: Space) -> str:
    """The root that a namespace's proxies believe, in PEM, as istiod tells it to each."""
    stored = space.kube.get("v1", "ConfigMap", ROOT, space.namespace) or {"data": {}}
    return str(stored["data"].get("root-cert.pem", ""))
