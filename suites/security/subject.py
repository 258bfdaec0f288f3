"""Workloads that take mTLS alone, or nearly: what the security practices are asked of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clusters.components import multicluster
from clusters.components.authority import Authority
from clusters.remote import Container
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream, with_nonces
from fixtures.history.wire import Capture
from fixtures.lab import (
    FRONTEND,
    OUTSIDE,
    OUTSIDER,
    STRANGER,
    Lab,
    convergence,
    sampling,
)
from fixtures.lab.proxy_log import lines_of
from fixtures.lab.space import Space
from fixtures.lab.trust import root_of
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from fixtures.traffic.handshake import Peer, shake
from fixtures.traffic.sniffer import Sniffer
from suites.security.believed import UNAVAILABLE
from suites.security.presented import Presented, named, right, to_present

NAME = Path(__file__).parent.name
STRICT, EXCEPTED, LENIENT = "strict", "excepted", "lenient"
ACCESS = "access"
"""The workload that access policies are of."""
NAMED = "named"
"""A service of two accounts, of which `STRICT` alone is to be believed."""
INSIDER, NODE = "insider", "node"
"""Clients of the workloads' own namespace, without sidecars; the second on its node's network."""
WORKLOADS = (STRICT, EXCEPTED, LENIENT)
HTTP, UNDECLARED = 3000, 3001
PORTS = (HTTP, UNDECLARED)
PLAIN = frozenset({(EXCEPTED, UNDECLARED), (LENIENT, HTTP), (LENIENT, UNDECLARED)})
"""Workloads and ports that take plain text too; no other does."""
COUNT = 20
PRACTICES = (
    "peerauthentication",
    "destinationrule-server-name",
    "authorizationpolicy-literal-principal",
    "authorizationpolicy-literal-namespace",
    "authorizationpolicy-open",
    "authorizationpolicy-closed",
    "authorizationpolicy-form",
    "authorizationpolicy-principal",
)
"""Stems of the practice's files, in the order in which they are applied."""


@dataclass(frozen=True)
class Observation:
    """What was sent to every workload and port, in plain text and by mTLS, and what arrived.

    Attributes:
        began: when it was sent, by `time.monotonic()`.
        capture: what could be read of it on its node.
    """

    history: History
    arrived: frozenset[str]
    began: float
    capture: Capture


@dataclass(frozen=True)
class Request:
    """A request by mTLS of a client without a sidecar.

    Attributes:
        presented: the certificate that the client comes with.
        client: by whom; the outsider if it is none.
        host: for another Host than the workload's own.
        header: a whole line, of no other header than these.
    """

    presented: Presented
    path: str = "/"
    client: ClientPod | None = None
    host: str = ""
    header: str = ""


@dataclass(frozen=True)
class Answers:
    """What a workload answered to each that was asked, by name, and which of them arrived.

    Attributes:
        nonces: by name.
        began: when it was asked, by `time.monotonic()`.
    """

    shown: Mapping[str, Handshake]
    arrived: frozenset[str]
    nonces: Mapping[str, str]
    began: float


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
        stranger: likewise; no policy names it.
        outsider: has none.
        addresses: of the pods, by their workload.
        sniffer: looks at what they say to each other.
    """

    space: Space
    deadline: float
    client: ClientPod
    stranger: ClientPod
    outsider: ClientPod
    addresses: Mapping[str, str]
    sniffer: Sniffer

    def observe(self) -> Observation:
        """Ask every port in plain text, and each service by mTLS, and look at the wire meanwhile.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what was answered did not come into a workload's log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        pods = [*self.addresses.values(), self.client.address, self.outsider.address]
        with self.sniffer.capturing(pods, f"{mark}-[0-9]+_") as end:
            history = side_by_side(
                lambda: self.outsider.ask(*self._in_plain_text(mark)),
                lambda: self.client.ask(*self._by_mtls(mark)),
            )
            capture = end()
        wanted = sampling.expected(history)
        arrived = frozenset(sampling.arrivals(self, wanted, began))
        return Observation(history, arrived, began, capture)

    def unserved(self, observed: Observation, stream: str) -> dict[str, str]:
        """By nonce, what the log of the client's proxy says of a stream's requests that got a 503.

        Raises:
            NotReadyError: one was not there in time.
        """
        away = observed.history.stream(stream).where(lambda e: e.status == UNAVAILABLE)
        wanted = [nonce for exchange in away for nonce in nonces(exchange.url)]
        proxy = Container(self.client.namespace, self.client.pod, convergence.PROXY)
        return lines_of(self.client.kube, proxy, wanted, observed.began, self.deadline)

    def pairs(self) -> list[tuple[str, str]]:
        """The addresses of those who speak to each other within the service mesh."""
        return [(self.client.address, self.addresses[name]) for name in WORKLOADS]

    def shake(self) -> dict[str, Handshake]:
        """What each workload shows of itself to a client without a certificate."""
        peers = [Peer(self.addresses[name], HTTP) for name in WORKLOADS]
        return dict(zip(WORKLOADS, shake(self.outsider, peers), strict=True))

    def show(self) -> Answers:
        """Connect to `strict` with certificates of all kinds, and ask it for something."""
        own = to_present(self.authority, root_of(self.space))
        return self.present(STRICT, {name: Request(each) for name, each in own.items()})

    def walk(self) -> Answers:
        """Ask `strict` for what nobody may have, in every way, and for what everybody may."""
        own = right(self.authority, root_of(self.space))
        return self.present(STRICT, {path: Request(own, path) for path in (PUBLIC, *WALKS)})

    def present(self, workload: str, requests: Mapping[str, Request]) -> Answers:
        """What a workload answers who comes with a certificate and asks for a path, by name."""
        mark, began = convergence.generation(), time.monotonic()
        numbers = {name: f"n{number}-{mark}" for number, name in enumerate(requests)}
        shown: dict[str, Handshake] = {}
        for client in {each.client for each in requests.values()}:
            own = {name: each for name, each in requests.items() if each.client is client}
            peers = [self._peer(workload, each, numbers[name]) for name, each in own.items()]
            shown.update(zip(own, shake(client or self.outsider, peers), strict=True))
        served = frozenset(numbers[name] for name, each in shown.items() if is_served(each))
        logged = sampling.arrivals(self, served, began)
        arrived = frozenset(name for name, nonce in numbers.items() if nonce in logged)
        return Answers(shown, arrived, numbers, began)

    def minted(self, name: str) -> Presented:
        """A certificate of any SPIFFE ID, by the cluster's own authority."""
        return named(self.authority, root_of(self.space), name)

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
        yield with_nonces(mtls_name(NAMED), self.space.host(NAMED), mark, count=COUNT)

    def _peer(self, workload: str, request: Request, nonce: str) -> Peer:
        lines = (
            f"GET {request.path}?nonce={nonce} HTTP/1.1",
            f"Host: {request.host or self.space.host(workload)}",
            "Connection: close",
            *filter(None, [request.header]),
        )
        whole = "".join(f"{line}\r\n" for line in (*lines, ""))
        address, presented = self.addresses[workload], request.presented
        return Peer(address, HTTP, presented.certificate, presented.key, whole)


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
    policies = _policies(lab)
    for each in policies:  # some were made before others, and an earlier run had its own order
        space.kube.delete(each.document, space.namespace)
    client = lab.client(cluster, FRONTEND)
    convergence.documents(space, policies, deadline, [client])
    node = lab.client(cluster, NODE, space.namespace)
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in (*WORKLOADS, ACCESS)}
    return Guarded(
        space,
        deadline,
        client=client,
        stranger=lab.client(cluster, STRANGER),
        outsider=lab.client(cluster, OUTSIDER, identity=OUTSIDE),
        addresses={name: str(pod["status"]["podIP"]) for name, pod in pods.items()},
        sniffer=Sniffer(space.kube, space.namespace, node.pod, inside=True),
    )


def _policies(lab: Lab) -> list[Given]:
    """The practice's documents; what allows a path is made before what denies it, and after."""
    again = lab.manifests.given("authorizationpolicy-open").renamed("open-again")
    return [*map(lab.manifests.given, PRACTICES), again]
