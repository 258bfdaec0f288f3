"""Who speaks what to whom: by services and a Gateway, in HTTP, in bytes, and over WebSockets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from clusters.errors import UnservedKindError
from fixtures.history import History
from fixtures.history.streams import marked, nonce
from fixtures.lab import Lab, convergence
from fixtures.lab.origins import arrived
from fixtures.traffic.raw import Bytes, Conversation, Reply, converse, exchange
from suites.performance.calls import CALLS_ROUTE
from suites.performance.framing import AMBIGUOUS, TOLERATED, UNROUTABLE, by_request
from suites.performance.sharing import RULE
from suites.performance.subject import NAME, Stage, stage_of

Framed = tuple[Mapping[str, Reply], Mapping[str, int]]
"""By the names of requests: what each was answered, and how often it arrived."""
CALLS, WEB = "calls", "web"
"""Ports of the echo: HTTP/2 in clear text is declared of one, HTTP/1.1 of the other."""
PORTS = {CALLS: 81, WEB: 80}
BY_GATEWAY, BY_SIDECAR = "by the Gateway", "by sidecars"
FRAMING, GREETING = "envoyfilter-framing", "tcproute-greeting"
GREETER_PORT, GATEWAY_PORT = 90, 9000
COUNT, FRAMES, GREETINGS = 10, 200, 5


def spoken_in_force(lab: Lab, cluster: str) -> Stage:
    """The workloads, once the Gateway goes by the practices.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: a practice's manifest is refused, or is never in force.
    """
    greeting = (GREETING,) if has_tcp_routes(lab, cluster) else ()
    return stage_of(lab, cluster, (FRAMING, CALLS_ROUTE, RULE, *greeting))


def has_tcp_routes(lab: Lab, cluster: str) -> bool:
    """Whether a cluster has TCPRoutes: Gateway API's standard channel does from 1.6 on."""
    space = lab.space(NAME, cluster)
    try:
        space.kube.list(convergence.GATEWAY_API, "TCPRoute", space.namespace)
    except UnservedKindError:
        return False
    return True


def way(port: str, by: str) -> str:
    """The stream to a port of the echo, by one of two ways."""
    return f"{port} {by}"


def speak(stage: Stage) -> History:
    """Ask for both ports of the echo, by both ways.

    Raises:
        CommandError: the prober could not be started.
    """
    mark, echo = convergence.generation(), stage.space.host("echo")
    by_gateway = stage.outsider.probe(
        *(
            marked(way(p, BY_GATEWAY), stage.address, mark, path=f"/{p}", count=COUNT, whole=True)
            for p in PORTS
        )
    )
    return by_gateway + stage.steady.probe(
        *(
            marked(way(p, BY_SIDECAR), f"{echo}:{n}", mark, path=f"/{p}", count=COUNT, whole=True)
            for p, n in PORTS.items()
        )
    )


def smuggle(stage: Stage) -> Framed:
    """Send what can be understood in two ways, and what is clean.

    Raises:
        CommandError: the program could not be started.
        NotReadyError: what was answered did not come into the origin's log in time.
    """
    mark, began = convergence.generation(), time.monotonic()
    requests = {**AMBIGUOUS, **UNROUTABLE, **TOLERATED}
    numbers = {name: nonce(name, mark, "0") for name in requests}
    every = [
        Bytes(stage.address, 80, text.format(path=f"/raw?nonce={numbers[n]}", host="edge.example"))
        for n, text in requests.items()
    ]
    replies = dict(zip(requests, exchange(stage.outsider, every), strict=True))
    served = frozenset(numbers[name] for name, reply in replies.items() if reply.status == 200)
    came = arrived(stage.pods("origin"), served, began, stage.deadline)
    return replies, by_request(numbers, (each.nonce for each in came))


def upgrade(stage: Stage) -> tuple[dict[str, Conversation], Conversation]:
    """Have two clients send frames, each by a way of its own, and one try that must not.

    Raises:
        CommandError: a program could not be started.
    """
    own = f"ws://{stage.space.host('echo')}/ws"
    (by_gateway,) = converse(stage.outsider, [f"ws://{stage.address}/ws"], FRAMES)
    (by_sidecar,) = converse(stage.steady, [own], FRAMES)
    (denied,) = converse(stage.loud, [own], FRAMES)
    return {BY_GATEWAY: by_gateway, BY_SIDECAR: by_sidecar}, denied


def listen(stage: Stage, *, by_gateway: bool) -> Mapping[str, Sequence[Reply]]:
    """Connect to a server that speaks first, and wait for what it says.

    Raises:
        CommandError: a program could not be started.
    """
    direct = Bytes(stage.space.address("greeter"), GREETER_PORT, greeting=True)
    replies = {BY_SIDECAR: exchange(stage.steady, [direct] * GREETINGS)}
    if by_gateway:
        through = Bytes(stage.address, GATEWAY_PORT, greeting=True)
        replies[BY_GATEWAY] = exchange(stage.outsider, [through] * GREETINGS)
    return replies
