"""Which servers a client may believe: those of the accounts that it was told, and no others.

Source: Istio, "Destination Rule", ClientTLSSettings.subject_alt_names. A connection to any other
fails before a request is sent, the client's own proxy answers 503, and its log says why. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fixtures.checks import SERVED, Check, nonces
from fixtures.checks.guard import guarded
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

UNAVAILABLE = 503
UNBELIEVED = "CERTIFICATE_VERIFY_FAILED"
"""BoringSSL's words for it, as Envoy logs them (UPSTREAM_TRANSPORT_FAILURE_REASON)."""


def believes_alone(service: str, arrived: Collection[str], logged: Mapping[str, str]) -> Check:
    """Whoever serves is `service`; all others were refused for their certificates, and saw nothing.

    Args:
        arrived: the nonces in the logs of all backends.
        logged: by nonce, the line of each that got a 503 in the log of the client's proxy.
    """

    def is_refused(exchange: Exchange) -> bool:
        lines = (logged.get(nonce, "") for nonce in nonces(exchange.url))
        return exchange.status == UNAVAILABLE and any(UNBELIEVED in line for line in lines)

    def judge(history: History) -> Verdict:
        others = history.where(lambda e: e.service not in ("", service))
        if len(others):
            return failed(f"{len(others)} of {len(history)} were served by another account")
        refused = history.where(is_refused)
        reached = [e for e in refused if nonces(e.url) & frozenset(arrived)]
        if reached:
            return failed(f"{len(reached)} were refused and yet reached a server")
        served = history.where(lambda e: e.status == SERVED)
        if not len(served):
            return failed(f"the server of the right account was not believed in {len(history)}")
        if len(served) + len(refused) < len(history) or not len(refused):
            said = f"{len(served)} served and {len(refused)} refused for a certificate"
            return inconclusive(f"of {len(history)} {said}")
        return passed(f"{len(served)} were served, {len(refused)} refused for a certificate")

    return guarded(judge)
