"""Who a workload of another cluster is: what it shows in a handshake, and who it takes others for.

Sources: Istio, "Plug in CA Certificates" and "Secure Naming"; SPIFFE's X509-SVID: one URI, the
SPIFFE ID, in a certificate. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from fixtures.checks import Check
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


def are_themselves(
    shown: Mapping[tuple[str, str], Handshake], spiffe_id: str, roots: Mapping[str, str]
) -> Verdict:
    """Each server shows its SPIFFE ID alone, under the root that its client believes, and those of
    two clusters were signed by two authorities.

    Args:
        shown: by the clusters of client and server.
        roots: by cluster, what its proxies believe, in PEM.
    """
    issuers: dict[str, set[bytes]] = {}
    for (client, server), handshake in shown.items():
        try:
            chain = Chain.parse(handshake.chain)
            root = x509.load_pem_x509_certificate(roots[client].encode())
        except ValueError as error:
            return failed(f"{server} to {client}: {handshake.error or error}")
        if problem := _problem(chain, spiffe_id, root):
            return failed(f"{server} to {client}: {problem}")
        if chain.issuer:
            issuers.setdefault(server, set()).add(chain.issuer.tbs_certificate_bytes)
    if any(len(each) != 1 for each in issuers.values()):
        return failed("a server shows different authorities to different clients")
    if len(set.union(*issuers.values())) != len(issuers):
        return failed(f"{' and '.join(issuers)} have one authority, and not each its own")
    return passed(f"{len(shown)} handshakes: {spiffe_id}, by the authority of its own cluster")


def _problem(chain: Chain, spiffe_id: str, root: x509.Certificate) -> str:
    if chain.names != (spiffe_id,):
        return f"it is {', '.join(chain.names) or 'nobody'} and not {spiffe_id}"
    if chain.issuer is None or chain.issuer == root:
        return "no authority between it and the root was shown"
    if not chain.leads_to(root):
        return "its certificate does not lead to the root that the client believes"
    if chain.ends > chain.issuer.not_valid_after_utc:
        return "its certificate lasts longer than its issuer's"
    return ""
