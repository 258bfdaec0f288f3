"""Protocol selection: what is declared is spoken, and nothing is taken for what it is not."""

from __future__ import annotations

from functools import partial

import pytest

from fixtures.checks import denied_http, every, known, on, with_positive_control
from fixtures.history.verdict import combine
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from fixtures.traffic.grpc import Code
from suites.performance import calls, undeclared
from suites.performance.called import called, spread
from suites.performance.draws import EACH, KINDS
from suites.performance.framing import TWO_HOSTS, framed_once, refused
from suites.performance.http3 import arrives_as_sent, told_and_served
from suites.performance.passed_through import ends_at_its_backend, goes_nowhere
from suites.performance.passing import NAMES, pass_through
from suites.performance.pools import multiplexed
from suites.performance.protocols import (
    BY_GATEWAY,
    BY_SIDECAR,
    CALLS,
    COUNT,
    FRAMES,
    WEB,
    Framed,
    has_tcp_routes,
    listen,
    speak,
    upgrade,
    way,
)
from suites.performance.quick import CAME_BY, DENIED, QUIC, SERVED, TCP, ask
from suites.performance.quick import PORT as HTTPS
from suites.performance.quick import named as stream
from suites.performance.sharing import CLIENTS, PLAIN, UPGRADED, upgrade_requests
from suites.performance.sharing import COUNT as REQUESTS
from suites.performance.spoken import detected, heard, spoken, upgraded
from suites.performance.subject import Stage
from suites.performance.undeclared import named

SELECTION = "Best Practices/Performance/Protocol selection"
WELCOME = "Gateway API Test TCP Server"
PROTOCOLS = {CALLS: "HTTP/2.0", WEB: "HTTP/1.1"}


@requirement("PR1", source=SELECTION)
def test_the_declared_protocol_is_spoken(judge: Judge, spoken_to: Stage) -> None:
    """The declared protocol is spoken to a backend, HTTP/2 or HTTP/1.1, by Gateway and sidecar."""
    checks = (
        on(way(port, by), spoken(proto, "echo", COUNT))
        for port, proto in PROTOCOLS.items()
        for by in (BY_GATEWAY, BY_SIDECAR)
    )
    judge(speak(spoken_to), every(*checks))


@pytest.mark.nightly
@requirement("PR2", source=SELECTION)
def test_grpc_is_understood_call_by_call(judge: Judge, spoken_to: Stage) -> None:
    """gRPC keeps its trailers and statuses by Gateway and sidecars, is routed by method, and the
    calls of one connection reach all pods."""
    pods = calls.pods(spoken_to)
    unknown = called(Code.UNIMPLEMENTED, words="method EchoThree not implemented")
    checks = (
        *(on(way, spread(calls.TALKER, pods, calls.COUNT)) for way in calls.WAYS),
        on(calls.BY_METHOD, called(Code.OK, service=calls.OTHER)),
        *(on(stream, unknown) for stream in (calls.UNKNOWN, calls.UNKNOWN_BY_GATEWAY)),
        on(calls.DENIED, called(Code.PERMISSION_DENIED, words="RBAC: access denied")),
        *(on(s, called(Code.OK, service=calls.TALKER)) for s in (calls.ADMITTED, calls.OTHERS)),
        on(calls.NOBODY, called(Code.UNAVAILABLE, words="no healthy upstream")),
    )
    judge(calls.call(spoken_to), every(*checks))


@requirement("PR3", source=SELECTION)
def test_a_websocket_is_upgraded(judge: Judge, spoken_to: Stage) -> None:
    """A WebSocket is upgraded by Gateway and sidecars, and who is denied is denied the upgrade."""
    judge.conclude(upgraded(*upgrade(spoken_to), FRAMES))


@pytest.mark.nightly
@requirement("PR4", source=SELECTION)
def test_tls_is_passed_through(judge: Judge, lab: Lab, passing: Stage) -> None:
    """TLS that is passed through stays closed to the Gateway: each name reaches its own backend,
    whose certificate the client is shown, and other names are cut off."""
    through = pass_through(lab, passing)
    verdicts = (
        ends_at_its_backend(through.shown, through.own, NAMES),
        goes_nowhere(through.others, through.served),
    )
    judge.conclude(combine(verdicts))


@pytest.mark.nightly
@requirement("PR5", source=SELECTION)
def test_a_server_may_speak_first(judge: Judge, lab: Lab, cluster: str, spoken_to: Stage) -> None:
    """A server that speaks first is heard at once, through sidecars and through a Gateway.

    A cluster without TCPRoutes is asked for the sidecars alone.
    """
    replies = listen(spoken_to, by_gateway=has_tcp_routes(lab, cluster))
    judge.conclude(heard(replies, WELCOME))


@requirement("PR6", source=SELECTION)
def test_requests_are_upgraded(judge: Judge, seed: int, spoken_to: Stage) -> None:
    """Where a rule upgrades requests, those of 20 clients over HTTP/1.1 share a connection of
    HTTP/2 for each of their sidecar's workers, and the backend still gets HTTP/1.1."""
    history, pools, workers = upgrade_requests(spoken_to, seed)
    shared = multiplexed(pools, UPGRADED, PLAIN, CLIENTS, workers)
    arrived = (on(name, spoken("HTTP/1.1", "echo", REQUESTS)) for name in (UPGRADED, PLAIN))
    judge(history, every(shared, *arrived))


@requirement("PR7", source=SELECTION)
def test_what_is_ambiguous_is_refused(judge: Judge, framed: Framed) -> None:
    """What can be framed in two ways is refused at the Gateway; all else arrives as one request."""
    judge.conclude(framed_once(*framed))


@requirement("PR10", source=SELECTION)
def test_a_request_is_for_one_host(judge: Judge, framed: Framed) -> None:
    """A request with two Host fields is refused at the Gateway (RFC 9112, 3.2)."""
    judge.conclude(refused(TWO_HOSTS, *framed))


@pytest.mark.nightly
@requirement("PR8", source=SELECTION, needs="http3")
def test_http3_is_told_and_is_the_same(judge: Judge, quick: Stage, seed: int) -> None:
    """HTTP/3 at a Gateway is told by Alt-Svc, and gives the answers and denials that TCP gives."""
    over_tcp = told_and_served("echo", CAME_BY, HTTPS, EACH)
    over_quic = arrives_as_sent("echo", "HTTP/3", CAME_BY, EACH)
    ways = {TCP: over_tcp, QUIC: over_quic}
    served = (on(stream(SERVED, w, n), check) for w, check in ways.items() for n in range(KINDS))
    denied = (on(stream(DENIED, w, n), denied_http(EACH)) for w in ways for n in range(KINDS))
    allowed = every(*served)
    judge(ask(quick, seed), with_positive_control(denied=every(*denied), allowed=allowed))


@requirement("PR9", source=SELECTION, needs="istio-filters")
def test_protocols_of_undeclared_ports_are_detected(
    judge: Judge, lab: Lab, silent_about: Stage, seed: int
) -> None:
    """Protocols of undeclared ports are detected: HTTP/1.1 and HTTP/2 are routed and denied request
    by request, and TLS passes as it is."""
    spoken_there = undeclared.speak(lab, silent_about, seed)
    kinds = [(proto, kind) for proto in undeclared.PORTS for kind in range(KINDS)]
    known_as = partial(detected, service=undeclared.SERVICE, mark=undeclared.MARK)
    served = (
        on(named(proto, what, kind), known_as(proto, minimum=EACH))
        for proto, kind in kinds
        for what in ("open", "admitted")
    )
    denied = (on(named(p, "denied", kind), denied_http(EACH)) for p, kind in kinds)
    sealed = known(ends_at_its_backend(spoken_there.shown, spoken_there.own, NAMES))
    allowed = every(*served, sealed)
    judge(spoken_there.history, with_positive_control(denied=every(*denied), allowed=allowed))
