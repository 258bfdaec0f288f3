"""What must be true of the certificates of a service mesh's workloads.

Sources: Istio, "Security" (identity and certificate management); SPIFFE's X509-SVID: one URI, the
SPIFFE ID, in a certificate; the lifetime is istiod's default (SECRET_TTL, 24 h). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from cryptography import x509

from fixtures.checks.certificates import flaw
from fixtures.history.certificates import Chain, Handshake
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

LIFETIME = timedelta(hours=24)
BEGUN = timedelta(minutes=5)
"""A certificate begins so much earlier than it is made at most: clocks differ."""


def are_their_own(
    shown: Mapping[str, Handshake], names: Mapping[str, str], root: x509.Certificate
) -> Verdict:
    """Each workload shows a certificate of its SPIFFE ID alone, no longer than declared, by the
    root; and no two the same."""
    serials: set[int] = set()
    for workload, handshake in shown.items():
        try:
            chain = Chain.parse(handshake.chain)
        except ValueError as error:
            return failed(f"{workload} shows no certificate: {handshake.error or error}")
        if problem := _problem(chain, names[workload], root):
            return failed(f"{workload}: {problem}")
        serials.add(chain.leaf.serial_number)
    if len(serials) != len(shown):
        return failed(f"{len(shown)} workloads show {len(serials)} certificates")
    return passed(f"{len(shown)} workloads, each with a certificate of its own name")


def _problem(chain: Chain, name: str, root: x509.Certificate) -> str:
    lived = chain.lifetime
    too_long = f"its certificate lives {lived}, and not {LIFETIME}"
    return flaw(chain, name, root) or (too_long if lived > LIFETIME + BEGUN else "")


def are_refused(shown: Mapping[str, Handshake], arrived: Collection[str], right: str) -> Verdict:
    """Of these clients one alone, which is as it should be, was answered; nothing of the others
    arrived.

    Args:
        shown: by what is wrong with a client's certificate.
        arrived: those whose request the workload has in its log.
    """
    answered = [name for name, handshake in shown.items() if handshake.answer]
    wrong = sorted({*answered, *arrived} - {right})
    if wrong:
        return failed(f"believed: {', '.join(wrong)}; {shown[wrong[0]].answer[:40]!r}")
    if right not in answered or right not in arrived:
        handshake = shown[right]
        said = handshake.error or repr(handshake.answer[:60]) or "no answer"
        return failed(f"the client that is as it should be was not served: {said}")
    refused = "; ".join(f"{name}: {h.error}" for name, h in shown.items() if name != right)
    if missing := [name for name, h in shown.items() if name != right and not h.error]:
        return inconclusive(f"nothing is known of {', '.join(missing)}")
    return passed(f"refused {len(shown) - 1} of {len(shown)} clients: {refused}")
