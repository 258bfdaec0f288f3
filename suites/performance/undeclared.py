"""Who speaks what to ports of which nobody says what they speak: their proxies have to find out.

What is sent is drawn: methods and paths, in HTTP/1.1 and in HTTP/2, of two clients, one of which is
denied a path; and TLS, which is to pass as it is. Nothing here judges.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixtures.history import History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream
from fixtures.lab import OUTSIDE, Lab
from fixtures.traffic.handshake import HTTP, Peer, shake
from fixtures.traffic.sealed import own_certificate, serving
from suites.performance.draws import CLOSED, EACH, OPEN, kinds
from suites.performance.passing import BACKEND_PORT, LETTER, NAMES, TIMES
from suites.performance.subject import Stage, stage_of

MANIFEST = "service-undeclared"
SERVICE = "undeclared"
PORTS = {"HTTP/1.1": 80, "HTTP/2.0": 81}
"""By the protocol that is spoken to it, as the backend names it; nothing declares either."""
SEALED_PORT = 84
MARK = ("x-routed", "by-request")
"""The header that the client's proxy puts into an answer, if it knows that it is one."""
DENIED = "denied"


@dataclass(frozen=True)
class Observation:
    """What was answered, and what TLS was shown of the backend whose certificate is `own`."""

    history: History
    shown: Mapping[str, Sequence[Handshake]]
    own: Mapping[str, str]


def undeclared_in_force(lab: Lab, cluster: str) -> Stage:
    """The workloads, once their proxies go by a Service that declares nothing.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    return stage_of(lab, cluster, [MANIFEST])


def named(proto: str, what: str, kind: int) -> str:
    """The stream of one kind of requests by one protocol: `open`, `admitted` or `denied` ones."""
    return f"{what} over {proto}, {kind}"


def requests(host: str, proto: str, what: str, draw: random.Random) -> Iterator[Stream]:
    """Requests of some kinds, drawn; those that are to be denied are below the closed path, and no
    other is."""
    begin = CLOSED if what == DENIED else OPEN
    for number, (method, path) in enumerate(kinds(draw, begin)):
        yield Stream(
            stream=named(proto, what, number),
            url=f"http://{host}:{PORTS[proto]}{path}",
            method=method,
            http2=proto == "HTTP/2.0",
            count=EACH,
            whole=True,
        )


def speak(lab: Lab, stage: Stage, seed: int) -> Observation:
    """Have two clients ask both ports, and one speak TLS to a third.

    Raises:
        CommandError: a program could not be started in a pod.
    """
    host, draw = stage.space.host(SERVICE), random.Random(seed)  # noqa: S311 (no secret)
    steady = [each for proto in PORTS for each in requests(host, proto, "open", draw)]
    loud = [
        each
        for proto in PORTS
        for what in ("admitted", DENIED)
        for each in requests(host, proto, what, draw)
    ]
    history = stage.steady.probe(*steady) + stage.loud.probe(*loud)
    shown, own = _seal(lab, stage)
    return Observation(history, {LETTER: shown}, {LETTER: own})


def _seal(lab: Lab, stage: Stage) -> tuple[list[Handshake], str]:
    """What TLS shows at a port of which nobody says that it is TLS, and whose it should be."""
    space, own = stage.space, own_certificate(NAMES[LETTER])
    backend = lab.client(space.kube.cluster.name, LETTER, space.namespace, identity=OUTSIDE)
    request = f"GET / HTTP/1.1\r\nHost: {NAMES[LETTER]}\r\nConnection: close\r\n\r\n"
    address = space.address(LETTER)
    peer = Peer(address, SEALED_PORT, request=request, server_name=NAMES[LETTER], alpn=HTTP)
    with serving(backend, LETTER, BACKEND_PORT, own):
        return shake(stage.steady, [peer] * TIMES), own.digest
