"""Workloads that take mTLS alone, or nearly: what the security practices are asked of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clusters.components import multicluster
from clusters.components.authority import Authority
from fixtures.history import History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import (
    FRONTEND,
    OUTSIDE,
    OUTSIDER,
    Lab,
    convergence,
    sampling,
)
from fixtures.lab.space import Space
from fixtures.lab.trust import root_of
from fixtures.traffic.client import ClientPod, side_by_side
from fixtures.traffic.handshake import Peer, shake
from suites.security.presented import Presented, right, to_present

NAME = Path(__file__).parent.name
STRICT, EXCEPTED, LENIENT = "strict", "excepted", "lenient"
WORKLOADS = (STRICT, EXCEPTED, LENIENT)
HTTP, UNDECLARED = 3000, 3001
PORTS = (HTTP, UNDECLARED)
PLAIN = frozenset({(EXCEPTED, UNDECLARED), (LENIENT, HTTP), (LENIENT, UNDECLARED)})
"""Workloads and ports that take plain text too; no other does."""
COUNT = 20


@dataclass(frozen=True)
class Observation:
    """What was sent to every workload and port, in plain text and by mTLS, and what arrived."""

    history: History
    arrived: frozenset[str]


@dataclass(frozen=True)
class Answers:
    """What `strict` answered to each that was asked, by name, and which of them arrived."""

    shown: Mapping[str, Handshake]
    arrived: frozenset[str]


WALKS = (
    "/admin/x", "/admin", "//admin/x", "/./admin/x", "/x/../admin/x", "/x/%2e%2e/admin/x",
    "/%61dmin/x", "/admin%2fx", "/%2fadmin/x", "/admin%5cx", "\\admin\\x", "/admin//x",
)  # fmt: skip
"""Ways to ask for what is below /admin (Istio, "Security best practices", "Path normalization")."""
PUBLIC = "/public"


@dataclass(frozen=True)
class Guarded:
    """The workloads of one cluster, and who connects to them.

    Attributes:
        client: has a sidecar.
        outsider: has none.
        addresses: of the pods, by their workload.
    """

    space: Space
    deadline: float
    client: ClientPod
    outsider: ClientPod
    addresses: Mapping[str, str]

    def observe(self) -> Observation:
        """Ask every port in plain text, and each service by mTLS.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what was answered did not come into a workload's log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        history = side_by_side(
            lambda: self.outsider.ask(*self._in_plain_text(mark)),
            lambda: self.client.ask(*self._by_mtls(mark)),
        )
        wanted = sampling.expected(history)
        return Observation(history, frozenset(sampling.arrivals(self, wanted, began)))

    def shake(self) -> dict[str, Handshake]:
        """What each workload shows of itself to a client without a certificate."""
        peers = [Peer(self.addresses[name], HTTP) for name in WORKLOADS]
        return dict(zip(WORKLOADS, shake(self.outsider, peers), strict=True))

    def show(self) -> Answers:
        """Connect to `strict` with certificates of all kinds, and ask it for something."""
        own = to_present(self.authority, root_of(self.space))
        return self._shown({name: (each, "/") for name, each in own.items()})

    def walk(self) -> Answers:
        """Ask `strict` for what nobody may have, in every way, and for what everybody may."""
        own = right(self.authority, root_of(self.space))
        return self._shown({path: (own, path) for path in (PUBLIC, *WALKS)})

    def _shown(self, asked: Mapping[str, tuple[Presented, str]]) -> Answers:
        """What `strict` answers who comes with a certificate and asks for a path, by name."""
        mark, began = convergence.generation(), time.monotonic()
        numbers = {name: f"n{number}-{mark}" for number, name in enumerate(asked)}
        peers = [self._presenting(*asked[name], nonce) for name, nonce in numbers.items()]
        shown = dict(zip(asked, shake(self.outsider, peers), strict=True))
        served = frozenset(numbers[name] for name, each in shown.items() if is_served(each))
        logged = sampling.arrivals(self, served, began)
        return Answers(shown, frozenset(name for name, nonce in numbers.items() if nonce in logged))

    @property
    def authority(self) -> Authority:
        """What the cluster's istiod signs with."""
        return multicluster.plugged(self.space.kube)

    def _in_plain_text(self, mark: str) -> Iterator[Stream]:
        for name in WORKLOADS:
            for port in PORTS:
                host = f"{self.addresses[name]}:{port}"
                http2 = port == UNDECLARED
                yield with_nonces(plain_name(name, port), host, mark, count=COUNT, http2=http2)

    def _by_mtls(self, mark: str) -> Iterator[Stream]:
        for name in WORKLOADS:
            yield with_nonces(mtls_name(name), self.space.host(name), mark, count=COUNT)

    def _presenting(self, presented: Presented, path: str, nonce: str) -> Peer:
        host = self.space.host(STRICT)
        request = f"GET {path}?nonce={nonce} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        address = self.addresses[STRICT]
        return Peer(address, HTTP, presented.certificate, presented.key, request)


def plain_name(workload: str, port: int) -> str:
    """The stream of requests in plain text to a port of a workload's pod."""
    return f"plain->{workload}:{port}"


def mtls_name(workload: str) -> str:
    """The stream of a sidecar's client to a workload's service."""
    return f"mtls->{workload}"


def is_served(handshake: Handshake) -> bool:
    """Whether the request behind a handshake was answered 200."""
    return handshake.answer.startswith("HTTP/1.1 200 ")


def in_force(lab: Lab, cluster: str) -> Guarded:
    """The workloads of a cluster, once their proxies enforce the practice's PeerAuthentication.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    policy = lab.manifests.given("peerauthentication")
    for name in WORKLOADS:
        convergence.security_policy(space, policy, name, deadline)
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in WORKLOADS}
    return Guarded(
        space,
        deadline,
        client=lab.client(cluster, FRONTEND),
        outsider=lab.client(cluster, OUTSIDER, identity=OUTSIDE),
        addresses={name: str(pod["status"]["podIP"]) for name, pod in pods.items()},
    )
