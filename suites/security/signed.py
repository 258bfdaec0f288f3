"""What must be true of an authority that signs for whoever proves an account by its token.

Sources: istio.io/api, security/v1alpha1/ca.proto: the authority is required to see that who asks
may have what the request names, and may put its own in the place of that. istiod does (1.30 and
1.31, security/pkg/server/ca/server.go): the certificate is of the token's account, whatever the
request says. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cryptography import x509

from fixtures.checks.certificates import flaw
from fixtures.history.certificates import Chain
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.traffic import protobuf
from fixtures.traffic.grpc import Code, Reply

HOLDER = "who holds the token"
IN_REQUEST, IN_HEADER = "another's name in the request", "another's name in a header"
IMPERSONATING = "another's name by impersonation"
TOO_LONG = "a life beyond the longest"
NO_TOKEN, BY_HEADER = "no token", "a header and no token"
FOR_ANOTHER, ALTERED, REVOKED = "a token for another", "an altered token", "a revoked token"
NAMING = (IN_REQUEST, IN_HEADER)
"""Those who hold a token, and name another: they get a certificate of their own name, or none."""
REFUSED: Mapping[str, Code] = {
    **dict.fromkeys(
        (IMPERSONATING, NO_TOKEN, BY_HEADER, FOR_ANOTHER, ALTERED, REVOKED), Code.UNAUTHENTICATED
    ),
    TOO_LONG: Code.INVALID_ARGUMENT,
}
"""Those who get none, and the status that refuses them."""
REFUSALS = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.INVALID_ARGUMENT)
LIFETIME = 3600
"""Seconds that a certificate is asked for."""
BEGUN = timedelta(minutes=5)
"""A certificate begins so much earlier than it is made at most: clocks differ."""
CERTIFICATES = 1
"""The field of IstioCertificateResponse: the leaf first, the root last."""


def signs_for_holders(replies: Mapping[str, Reply], own: str, root: x509.Certificate) -> Verdict:
    """Who holds a token gets a certificate of its own name alone, and nobody else gets one.

    Args:
        replies: by the names above.
        own: the SPIFFE ID of who holds the token.
    """
    for name in NAMING:
        if replies[name].messages and (problem := _problem(replies[name], own, root)):
            return failed(f"{name}: {problem}")
    if signed := [name for name in REFUSED if replies[name].messages]:
        return failed(f"signed for {', '.join(signed)}: {_names(replies[signed[0]])}")
    if silent := [name for name, reply in replies.items() if reply.error]:
        return inconclusive(f"{silent[0]} was not answered: {replies[silent[0]].error}")
    if problem := _problem(replies[HOLDER], own, root, timedelta(seconds=LIFETIME)):
        return failed(f"{HOLDER} got no certificate as it should be: {problem}")
    open_ends = [name for name, code in REFUSED.items() if replies[name].code != code]
    open_ends += [
        name for name in NAMING if not replies[name].messages and replies[name].code not in REFUSALS
    ]
    if open_ends:
        said = "; ".join(f"{name}: {replies[name].words}" for name in open_ends)
        return inconclusive(f"neither signed nor refused as it should be: {said}")
    kept = [name for name in NAMING if replies[name].messages]
    mine = f", {len(kept)} that named another got their own name" if kept else ""
    return passed(f"signed for {own}{mine}; refused: {', '.join(REFUSED)}")


def _problem(
    reply: Reply, own: str, root: x509.Certificate, lifetime: timedelta | None = None
) -> str:
    """Why a reply is no certificate of this name, and of such a life at most; empty if it is."""
    try:
        chain = _chain(reply)
    except ValueError as error:
        return f"{reply.words}: {error}"
    too_long = lifetime is not None and chain.lifetime > lifetime + BEGUN
    lived = f"its certificate lives {chain.lifetime}, and not {lifetime}"
    return flaw(chain, own, root) or (lived if too_long else "")


def _chain(reply: Reply) -> Chain:
    return Chain.parse(tuple(p for m in reply.messages for p in protobuf.texts(m, CERTIFICATES)))


def _names(reply: Reply) -> str:
    try:
        return ", ".join(_chain(reply).names)
    except ValueError:
        return "what is no certificate"
