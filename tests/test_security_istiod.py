"""What istiod signs, and what it tells: the right and the wrong, read out of its answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from clusters.components.authority import Authority, new_root
from fixtures.history.verdict import Outcome
from fixtures.traffic import protobuf, raw
from fixtures.traffic.grpc import Code, Reply
from suites.security import signing
from suites.security.debugging import answered_grpc, answered_http, named
from suites.security.disclosed import ANSWERED, NOTHING, SILENCE, Answer, Asked, discloses
from suites.security.presented import Wanted, mint
from suites.security.signed import (
    ALTERED,
    BY_HEADER,
    HOLDER,
    IMPERSONATING,
    IN_HEADER,
    IN_REQUEST,
    NAMING,
    REFUSED,
    REVOKED,
    TOO_LONG,
    signs_for_holders,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS

OWN = "spiffe://cluster.local/ns/plumbline-security/sa/default"
VICTIM = "spiffe://cluster.local/ns/plumbline-security/sa/strict"
ROOT = new_root("a root")
ISSUER = ROOT.sign("an issuer")
LOADED = x509.load_pem_x509_certificate(ROOT.certificate.encode())
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
SILENT = Reply(error="TimeoutError: timed out")


def certificate(name: str, ends: timedelta = HOUR, issuer: Authority = ISSUER) -> Reply:
    """istiod's answer with a certificate of this name, and those of its authorities."""
    wanted = Wanted(
        (x509.UniformResourceIdentifier(name),), begins=-timedelta(minutes=2), ends=ends
    )
    minted = mint(issuer, wanted, ROOT.certificate)
    read = x509.load_pem_x509_certificates(minted.certificate.encode())
    chain = [each.public_bytes(Encoding.PEM).decode() for each in read]
    return answer(protobuf.encode({1: chain}))


def answer(message: bytes) -> Reply:
    encoded = base64.b64encode(message)
    return Reply(status=200, trailers={"grpc-status": "0"}, messages=[encoded])


def refusal(code: Code, words: str = "") -> Reply:
    return Reply(status=200, headers={"grpc-status": str(int(code)), "grpc-message": words})


GOOD = {
    HOLDER: certificate(OWN),
    **{name: certificate(OWN) for name in NAMING},
    **{name: refusal(code) for name, code in REFUSED.items()},
}


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ({}, PASS),
        ({IN_REQUEST: refusal(Code.PERMISSION_DENIED)}, PASS),
        ({HOLDER: certificate(VICTIM)}, FAIL),
        ({HOLDER: certificate(OWN, MONTH)}, FAIL),
        ({HOLDER: certificate(OWN, issuer=new_root("another"))}, FAIL),
        ({HOLDER: refusal(Code.UNAUTHENTICATED)}, FAIL),
        ({HOLDER: answer(b"\xff")}, FAIL),
        ({HOLDER: answer(b"")}, FAIL),
        ({HOLDER: SILENT}, INCONCLUSIVE),
        ({IN_REQUEST: certificate(VICTIM)}, FAIL),
        ({IN_HEADER: certificate(VICTIM)}, FAIL),
        ({IMPERSONATING: certificate(VICTIM)}, FAIL),
        ({IMPERSONATING: certificate(OWN)}, FAIL),
        ({BY_HEADER: certificate(VICTIM)}, FAIL),
        ({REVOKED: certificate(OWN)}, FAIL),
        ({TOO_LONG: certificate(OWN, MONTH)}, FAIL),
        ({TOO_LONG: refusal(Code.UNAVAILABLE)}, INCONCLUSIVE),
        ({ALTERED: SILENT}, INCONCLUSIVE),
        ({ALTERED: SILENT, IN_REQUEST: certificate(VICTIM)}, FAIL),
        ({IN_REQUEST: refusal(Code.UNAVAILABLE)}, INCONCLUSIVE),
    ],
)
def test_a_certificate_is_for_who_holds_the_token(
    replies: Mapping[str, Reply], outcome: Outcome
) -> None:
    assert signs_for_holders({**GOOD, **replies}, OWN, LOADED).outcome is outcome


def test_who_was_signed_for_is_told() -> None:
    verdict = signs_for_holders({**GOOD, IMPERSONATING: certificate(VICTIM)}, OWN, LOADED)
    assert verdict.reason == f"signed for {IMPERSONATING}: {VICTIM}"
    assert "refused: another's name by impersonation" in signs_for_holders(GOOD, OWN, LOADED).reason


def test_a_request_names_whom_it_is_for() -> None:
    csr = x509.load_pem_x509_csr(signing.request(VICTIM).encode())
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [VICTIM]
    assert csr.is_signature_valid


def test_an_altered_token_says_another_account_under_its_own_signature() -> None:
    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {
        "sub": "system:serviceaccount:n:default",
        "kubernetes.io": {"serviceaccount": {"name": "default", "uid": "u"}},
    }
    token = SecretStr(f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.signature")
    head, payload, signature = signing.altered(token, "strict").get_secret_value().split(".")
    assert (head, signature) == (encoded({"alg": "RS256"}), "signature")
    changed = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert changed == {
        "sub": "system:serviceaccount:n:strict",
        "kubernetes.io": {"serviceaccount": {"name": "strict", "uid": "u"}},
    }


# --- what istiod tells ------------------------------------------------------------------------

REFUSED_TO_ALL = Asked("nobody", ("401",))
OF_ITS_OWN = Asked("a neighbour", shows="a.own", only="own")
OF_ALL = Asked("istiod's", shows="b.other")
KNOWN = frozenset({"a.own", "b.other"})
RIGHT = {
    REFUSED_TO_ALL: Answer("401"),
    OF_ITS_OWN: Answer(ANSWERED, "", frozenset({"a.own", "c.own"})),
    OF_ALL: Answer(ANSWERED, "", KNOWN),
}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, PASS),
        ({REFUSED_TO_ALL: Answer(ANSWERED, "all")}, FAIL),
        ({REFUSED_TO_ALL: Answer("500")}, INCONCLUSIVE),
        ({REFUSED_TO_ALL: Answer(SILENCE)}, INCONCLUSIVE),
        ({REFUSED_TO_ALL: Answer(NOTHING)}, INCONCLUSIVE),
        ({OF_ITS_OWN: Answer(ANSWERED, "", KNOWN)}, FAIL),
        ({OF_ITS_OWN: Answer(ANSWERED, "", frozenset({"a.own", "b.unown"}))}, FAIL),
        ({OF_ITS_OWN: Answer(ANSWERED)}, FAIL),
        ({OF_ITS_OWN: Answer("403")}, FAIL),
        ({OF_ALL: Answer(ANSWERED, "b.other")}, PASS),
        ({OF_ALL: Answer("401")}, FAIL),
        ({OF_ALL: Answer(NOTHING)}, FAIL),
        ({OF_ALL: Answer(SILENCE)}, INCONCLUSIVE),
        ({OF_ALL: Answer(SILENCE), REFUSED_TO_ALL: Answer(ANSWERED)}, FAIL),
    ],
)
def test_each_is_told_what_it_may_know(answers: Mapping[Asked, Answer], outcome: Outcome) -> None:
    assert discloses({**RIGHT, **answers}.items()).outcome is outcome


def test_refusals_without_an_answer_prove_nothing_and_answers_without_refusals_neither() -> None:
    assert discloses([]).outcome is INCONCLUSIVE
    assert discloses([(REFUSED_TO_ALL, Answer("401"))]).outcome is INCONCLUSIVE
    assert discloses([(OF_ALL, RIGHT[OF_ALL])]).outcome is INCONCLUSIVE


def test_the_port_is_told_beside_who_asked() -> None:
    assert named(REFUSED_TO_ALL, 8080) == Asked("8080: nobody", ("401",))


def test_a_page_is_read_by_its_status_and_its_proxies() -> None:
    page = 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n[{"proxy":"a.own"},{"proxy": "b.other"}]'
    read = answered_http(raw.Reply(answer=page))
    assert (read.status, read.proxies) == (ANSWERED, KNOWN)
    assert answered_http(raw.Reply(answer="HTTP/1.1 401 Unauthorized\r\n\r\n")).status == "401"
    assert answered_http(raw.Reply(error="no")) == Answer(SILENCE, "no")


def test_a_stream_is_read_by_its_resources() -> None:
    def told(*values: bytes) -> Answer:
        some = [protobuf.encode({1: "type", 2: value}) for value in values]
        return answered_grpc(answer(protobuf.encode({1: "version", 2: some, 4: "type"})))

    config = [protobuf.encode({1: protobuf.encode({1: name})}) for name in ("a.own", "b.other")]
    assert (told(*config).status, told(*config).proxies) == (ANSWERED, KNOWN)
    in_json = json.dumps([{"proxy": "a.own"}]).encode()
    assert told(in_json).proxies == {"a.own"}
    assert told().status == NOTHING
    assert answered_grpc(refusal(Code.UNAUTHENTICATED)).status == "UNAUTHENTICATED"
    assert answered_grpc(refusal(Code.OK)).status == "OK"
    assert answered_grpc(SILENT) == Answer(SILENCE, SILENT.error)
    assert answered_grpc(Reply(status=503)).status == SILENCE
    assert answered_grpc(answer(b"\x0b")).status == SILENCE
