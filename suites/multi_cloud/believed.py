"""What must be true of a backend that a Gateway speaks TLS to: it is believed by its name and its
authority, or it gets no request.

Sources: Gateway API, "BackendTLSPolicy"; Envoy, "Access logging"
(UPSTREAM_TRANSPORT_FAILURE_REASON). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from fixtures.checks import Check, nonces
from fixtures.checks.guard import guarded
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, combine, failed, inconclusive, passed
from fixtures.traffic.sealed import Served

UNAVAILABLE = 503
UNBELIEVED = "CERTIFICATE_VERIFY_FAILED"
"""BoringSSL's words for it, as Envoy logs them."""


def is_unbelieved(logged: Mapping[str, str], minimum: int) -> Check:
    """Each request got the Gateway's own 503, as a certificate was not believed.

    Args:
        logged: by nonce, the line of each that was not served in the Gateway's log.
    """

    def is_refused(exchange: Exchange) -> bool:
        return exchange.status == UNAVAILABLE and not exchange.service

    def judge(history: History) -> Verdict:
        served = history.where(lambda e: bool(e.service))
        if len(served):
            return failed(f"{len(served)} of {len(history)} were served", n=len(history))
        refused = history.where(is_refused)
        if len(refused) < len(history):
            return inconclusive(f"only {len(refused)} of {len(history)} got a 503")
        lines = [logged.get(nonce, "") for e in refused for nonce in nonces(e.url)]
        other = [line for line in lines if UNBELIEVED not in line]
        if other:
            return inconclusive(f"{len(other)} were refused for something else: {other[0][:300]}")
        said = f"all {len(refused)} were refused for the backend's certificate"
        return passed(said, n=len(refused))

    return guarded(judge, minimum)


def come_by_name(served: Mapping[str, Served], right: str, host: str) -> Verdict:
    """Each connection to a backend asks for its name by TLS, and requests come to the right one
    alone.

    Args:
        served: what came to the backend by its certificate. That somebody connected is what a
            refusal is worth something by.
    """
    return combine(_came(name, each, host, name == right) for name, each in served.items())


def _came(name: str, served: Served, host: str, right: bool) -> Verdict:
    if served.died:
        return inconclusive(f"{name} ended: {served.died}")
    if served.others:
        return failed(f"{served.others} connections to {name} were none of TLS")
    strange = sorted({other or "no name" for other in served.names} - {host})
    if strange:
        return failed(f"{name} was asked for {', '.join(strange)}")
    if served.requests and not right:
        return failed(f"{served.requests} requests came to {name}")
    if not served.names:
        return inconclusive(f"nobody connected to {name}")
    said = f"{len(served.names)} connections and {served.requests} requests came to {name}"
    return passed(said, **{f"{name}.connections": len(served.names)})
