"""Who a workload of another cluster is: what it shows in a handshake, and who it takes others for.

Sources: Istio, "Plug in CA Certificates" and "Secure Naming"; SPIFFE's X509-SVID: one URI, the
SPIFFE ID, in a certificate. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from fixtures.checks import Check
from fixtures.checks.certificates import flaw
from fixtures.checks.guard import each, is_served
from fixtures.history import Exchange
from fixtures.history.certificates import Chain, Handshake
from fixtures.history.verdict import Verdict, failed, passed

XFCC = "x-forwarded-client-cert"


def known_as(spiffe_id: str, minimum: int) -> Check:
    """Each request was served, and to the backend's proxy the client was of this SPIFFE ID."""

    def holds(exchange: Exchange) -> bool:
        headers = exchange.arrived.headers if exchange.arrived else {}
        return is_served(exchange) and f"URI={spiffe_id}" in headers.get(XFCC, "").split(";")

    return each(holds, f"served, and known as {spiffe_id}", minimum)


Roots = Mapping[str, x509.Certificate]
"""By cluster, what its proxies believe."""


def are_themselves(
    shown: Mapping[tuple[str, str], Handshake],
    spiffe_id: str,
    roots: Mapping[str, x509.Certificate],
) -> Verdict:
    """Each server shows its SPIFFE ID alone, under the root that its client believes, and those of
    two clusters were signed by two authorities.

    Args:
        shown: by the clusters of client and server.
    """
    issuers: dict[str, set[x509.Certificate]] = {}
    for (client, server), handshake in shown.items():
        try:
            chain = Chain.parse(handshake.chain)
        except ValueError as error:
            return failed(f"{server} to {client}: {handshake.error or error}")
        problem = flaw(chain, spiffe_id, roots[client])
        if not problem and chain.issuer in (None, roots[client]):
            problem = "no authority between it and the root was shown"
        if problem or chain.issuer is None:
            return failed(f"{server} to {client}: {problem}")
        issuers.setdefault(server, set()).add(chain.issuer)
    if any(len(each) != 1 for each in issuers.values()):
        return failed("a server shows different authorities to different clients")
    if len(set.union(*issuers.values())) != len(issuers):
        return failed(f"{' and '.join(issuers)} have one authority, and not each its own")
    return passed(f"{len(shown)} handshakes: {spiffe_id}, by the authority of its own cluster")
