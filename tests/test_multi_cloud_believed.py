"""Backends that a Gateway speaks TLS to: their certificates, and what is true of the refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from clusters.components.authority import is_issued, new_root
from fixtures.history.verdict import Outcome
from fixtures.traffic.sealed import Served
from suites.multi_cloud.backends import (
    COMMON_NAME,
    EXPIRED,
    HOST,
    OF_ANOTHER_AUTHORITY,
    OF_OTHER_NAMES,
    OTHER_BY_HOSTNAME,
    RIGHT,
    WRONG,
    to_show,
)
from suites.multi_cloud.believed import come_by_name, is_unbelieved
from suites.multi_cloud.sealed import PORTS, SERVICES
from tests.histories import FAIL, INCONCLUSIVE, PASS, UNAVAILABLE, Answer, exchanges

CAUSE = "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end"
REFUSED: Answer = {"status": 503, "body": "upstream connect error"}
SERVED: Answer = {"status": 200, "service": "expired"}


@pytest.mark.parametrize(
    ("answers", "cause", "outcome"),
    [
        ([REFUSED, REFUSED], CAUSE, PASS),
        ([REFUSED, SERVED], CAUSE, FAIL),
        ([REFUSED, {**SERVED, "status": 503}], CAUSE, FAIL),
        ([UNAVAILABLE, UNAVAILABLE], "no_healthy_upstream", INCONCLUSIVE),
        ([REFUSED, {"status": 404}], CAUSE, INCONCLUSIVE),
        ([REFUSED], CAUSE, INCONCLUSIVE),
    ],
)
def test_who_is_not_believed_is_known_by_the_cause(
    answers: list[Answer], cause: str, outcome: Outcome
) -> None:
    logged = {f"s-{number}": f"GET / 503 UF {cause}" for number in range(len(answers))}
    assert is_unbelieved(logged, 2)(exchanges(*answers)).outcome is outcome


NAMED = Served(names=(HOST, HOST))


@pytest.mark.parametrize(
    ("right", "wrong", "outcome"),
    [
        (NAMED.model_copy(update={"requests": 2}), NAMED, PASS),
        (NAMED, NAMED.model_copy(update={"requests": 1}), FAIL),
        (NAMED, Served(names=(HOST, "")), FAIL),
        (Served(names=("other.example.com",)), NAMED, FAIL),
        (Served(others=1), NAMED, FAIL),
        (NAMED, Served(), INCONCLUSIVE),
        (NAMED, Served(died="killed"), INCONCLUSIVE),
    ],
)
def test_requests_come_to_the_right_one_alone(
    right: Served, wrong: Served, outcome: Outcome
) -> None:
    assert come_by_name({RIGHT: right, EXPIRED: wrong}, RIGHT, HOST).outcome is outcome


def test_each_certificate_has_one_fault() -> None:
    authority = new_root("sealed")
    root = x509.load_pem_x509_certificate(authority.certificate.encode())
    shown = {
        name: x509.load_pem_x509_certificate(own.certificate.encode())
        for name, own in to_show(authority).items()
    }
    assert shown.keys() == {RIGHT, *WRONG, OTHER_BY_HOSTNAME} == PORTS.keys()
    assert all(each.issuer == root.subject for each in shown.values())
    assert [name for name, each in shown.items() if not is_issued(each, by=root)] == [
        OF_ANOTHER_AUTHORITY
    ]
    now = datetime.now(UTC)
    assert [name for name, each in shown.items() if each.not_valid_after_utc < now] == [EXPIRED]
    others = {OF_OTHER_NAMES, COMMON_NAME, OTHER_BY_HOSTNAME}
    assert {name for name, each in shown.items() if HOST not in _names(each)} == others
    assert HOST in shown[COMMON_NAME].subject.rfc4514_string()


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)


def test_every_certificate_is_behind_a_service() -> None:
    assert {name for names in SERVICES.values() for name in names} == PORTS.keys()
