"""Who asks istiod about its proxies, by all of its doors: HTTP, and Envoy's discovery service.

What is asked of discovery are types of istiod's own (`istio.io/debug`), and its configuration
(the "api generator").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from clusters.components.istio import NAMESPACE
from clusters.waiting import wait_for
from fixtures.lab import FRONTEND, HOME, Lab, tokens
from fixtures.lab.environment import synced
from fixtures.traffic import protobuf, raw
from fixtures.traffic.grpc import Call, Code, Reply, converse
from fixtures.traffic.raw import Bytes, exchange
from suites.security.asking import ACCOUNT, DEBUG_PORTS, PLAIN, SECURE, Asker
from suites.security.disclosed import ANSWERED, NOTHING, SILENCE, Answer, Asked, proxies_in
from suites.security.subject import STRICT

OK = 200
METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
NODE, NAMES, TYPE = 2, 3, 4
"""Fields of DiscoveryRequest."""
RESOURCES = 2
"""The field of DiscoveryResponse; each is a google.protobuf.Any, with its message in field 2."""
DEBUG, STATUS, DUMP = "istio.io/debug", "istio.io/debug/syncz", "istio.io/debug/config_dump"
ROUTES = "networking.istio.io/v1/VirtualService"
STRANGER, NEIGHBOUR, SYSTEM = "nobody", "one of another namespace", "one of istiod's namespace"
UNAUTHENTICATED, DENIED = Code.UNAUTHENTICATED.name, Code.PERMISSION_DENIED.name

Answers = list[tuple[Asked, Answer]]


@dataclass(frozen=True)
class Doors:
    """What is asked about: a proxy of the asker's own namespace, and one of another.

    Attributes:
        system: a token of istiod's own namespace.
    """

    asker: Asker
    own: str
    other: str
    system: SecretStr

    def ask(self) -> Answers:
        """Ask by all doors.

        Raises:
            CommandError: a program could not be started.
        """
        return [*self._in_http(), *self._in_discovery()]

    def _in_http(self) -> Answers:
        some = [(port, *each) for port in DEBUG_PORTS for each in self._pages()]
        replies = exchange(
            self.asker.client, [self._get(port, path, token) for port, path, token, _ in some]
        )
        return [
            (named(asked, port), answered_http(reply))
            for (port, _, _, asked), reply in zip(some, replies, strict=True)
        ]

    def _pages(self) -> list[tuple[str, SecretStr | None, Asked]]:
        status, dump = f"syncz?namespace={HOME}", "config_dump?proxyID="
        token = self.asker.token
        return [
            (status, None, Asked(f"{STRANGER}, syncz", ("401",))),
            (dump + self.own, None, Asked(f"{STRANGER}, config_dump", ("401",))),
            (status, token, Asked(f"{NEIGHBOUR}, syncz", ("403",))),
            (dump + self.other, token, Asked(f"{NEIGHBOUR}, another's dump", ("403", "404"))),
            (dump + self.own, token, Asked(f"{NEIGHBOUR}, its own dump", shows="configs")),
            (status, self.system, Asked(f"{SYSTEM}, syncz", shows=self.other)),
        ]

    def _get(self, port: int, path: str, token: SecretStr | None) -> Bytes:
        lines = [f"GET /debug/{path} HTTP/1.1", f"Host: istiod:{port}", "Connection: close"]
        if token:
            lines.append(f"Authorization: Bearer {token.get_secret_value()}")
        return Bytes(self.asker.istiod, port, "".join(f"{line}\r\n" for line in (*lines, "")))

    def _in_discovery(self) -> Answers:
        anonymous, known = self._anonymous(), self._known()
        by_tls = [(self._stream(DEBUG, "syncz"), Asked(STRANGER, (UNAUTHENTICATED,))), *known]
        said = converse(
            self.asker.client,
            [
                self.asker.in_clear_text([call for call, _ in anonymous]),
                self.asker.by_tls([call for call, _ in by_tls]),
            ],
        )
        ports = ((PLAIN, anonymous), (SECURE, by_tls))
        return [
            (named(asked, port), answered_grpc(reply))
            for (port, some), replies in zip(ports, said, strict=True)
            for (_, asked), reply in zip(some, replies.replies, strict=True)
        ]

    def _anonymous(self) -> list[tuple[Call, Asked]]:
        what = ((DEBUG, "syncz"), (STATUS, ""), (DUMP, self.own), (ROUTES, ""))
        return [
            (self._stream(kind, name), Asked(f"{STRANGER}, {kind} {name}", (UNAUTHENTICATED,)))
            for kind, name in what
        ]

    def _known(self) -> list[tuple[Call, Asked]]:
        namespace, token = self.asker.space.namespace, self.asker.token
        own = Asked(f"{NEIGHBOUR}, {STATUS}", shows=self.own, only=namespace)
        dump = Asked(f"{NEIGHBOUR}, {DUMP} of another", (NOTHING, DENIED))
        claim = Asked(f"{NEIGHBOUR} that claims istiod's", (DENIED,))
        denied = [(DEBUG, "syncz"), (ROUTES, "")]
        return [
            *(
                (self._stream(kind, name, token), Asked(f"{NEIGHBOUR}, {kind} {name}", (DENIED,)))
                for kind, name in denied
            ),
            (self._stream(STATUS, "", token), own),
            (self._stream(DUMP, self.other, token), dump),
            (self._stream(STATUS, "", token, NAMESPACE), claim),
            *(
                (
                    self._stream(kind, name, self.system, NAMESPACE),
                    Asked(f"{SYSTEM}, {kind} {name}", shows=self.other),
                )
                for kind, name in ((DEBUG, "syncz"), (STATUS, ""))
            ),
        ]

    def _stream(
        self, kind: str, name: str, token: SecretStr | None = None, namespace: str = ""
    ) -> Call:
        """Ask discovery for a type, as a proxy of a namespace: the asker's own if it is empty."""
        place = namespace or self.asker.space.namespace
        domain = f"{place}.svc.cluster.local"
        node = f"sidecar~{self.asker.client.address}~{self.asker.client.pod}.{place}~{domain}"
        wanted: protobuf.Fields = {NAMES: name} if name else {}
        message = protobuf.encode({NODE: protobuf.encode({1: node}), **wanted, TYPE: kind})
        return Call(METHOD, [message], bearer=token, is_open=True)


def doors_of(lab: Lab, asker: Asker) -> Doors:
    """What is asked about, once istiod has it.

    Raises:
        NotReadyError: istiod has no such proxies in time.
        RefusedError: the API server made no token.
    """
    kube, space = asker.space.kube, asker.space
    frontend = lab.client(kube.cluster.name, FRONTEND)
    strict = kube.pod(space.namespace, f"app={STRICT}")["metadata"]["name"]
    own, other = f"{strict}.{space.namespace}", f"{frontend.pod}.{frontend.namespace}"
    wait_for(
        f"istiod to have {own} and {other}",
        lambda: ", ".join({own, other} - synced(kube)),
        asker.deadline,
        kube.kubectl(
            f"-n {NAMESPACE} exec deploy/istiod -- pilot-discovery request GET /debug/syncz"
        ),
    )
    return Doors(asker, own, other, tokens.token(kube, NAMESPACE, ACCOUNT))


def named(asked: Asked, port: int) -> Asked:
    """The same, with the port in its name."""
    return Asked(f"{port}: {asked.name}".rstrip(), asked.refusals, asked.shows, asked.only)


def answered_http(reply: raw.Reply) -> Answer:
    """What came of a page."""
    if not reply.status:
        return Answer(SILENCE, reply.error)
    _, _, body = reply.answer.partition("\r\n\r\n")
    status = ANSWERED if reply.status == OK else str(reply.status)
    return Answer(status, body, proxies_in(body))


def answered_grpc(reply: Reply) -> Answer:
    """What came of a stream: its first message, or the status in its place."""
    if not reply.messages:
        known = not reply.error and reply.code in Code.__members__.values()
        return Answer(Code(reply.code).name if known else SILENCE, reply.words)
    try:
        resources = protobuf.parts(reply.messages[0], RESOURCES)
        values = [value for each in resources for value in protobuf.parts(each, 2)]
        text = "\n".join(value.decode(errors="replace") for value in values)
        return Answer(ANSWERED if values else NOTHING, text, proxies_in(text) | _nodes(values))
    except ValueError as error:
        return Answer(SILENCE, str(error))


def _nodes(values: Iterable[bytes]) -> frozenset[str]:
    """The proxies that messages are of: envoy.service.status.v3.ClientConfig.node.id."""
    return frozenset(name for value in values for name in _ids(value))


def _ids(value: bytes) -> Sequence[str]:
    try:
        return [name for node in protobuf.parts(value, 1) for name in protobuf.texts(node, 1)]
    except ValueError:
        return ()  # a text in JSON
