"""TLS that a Gateway passes through: each name ends at its own backend, and others nowhere."""

from __future__ import annotations

import json

import pytest

from fixtures.history.certificates import Handshake
from fixtures.history.verdict import Outcome
from fixtures.traffic.sealed import Own, Served, own_certificate
from suites.performance.passed_through import ends_at_its_backend, goes_nowhere
from suites.performance.passing import LETTER, NAMES, PARCEL
from tests.histories import FAIL, INCONCLUSIVE, PASS

CERTIFICATES = {name: own_certificate(host) for name, host in NAMES.items()}
OWN = {name: each.digest for name, each in CERTIFICATES.items()}
GATEWAYS = own_certificate("edge.example.com")
RESET = Handshake(error="ConnectionResetError: [Errno 104] Connection reset by peer")
ALERTED = Handshake(error="SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert")
LATE = Handshake(error="TimeoutError: timed out")


def ended(own: Own, service: str, name: str) -> Handshake:
    body = json.dumps({"service": service, "server_name": name})
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    return Handshake(version="TLSv1.3", chain=(own.certificate,), answer=answer)


RIGHT = {name: ended(CERTIFICATES[name], name, host) for name, host in NAMES.items()}


@pytest.mark.parametrize(
    ("handshake", "outcome"),
    [
        (RIGHT[LETTER], PASS),
        (RIGHT[PARCEL], FAIL),
        (ended(GATEWAYS, LETTER, NAMES[LETTER]), FAIL),
        (ended(CERTIFICATES[LETTER], PARCEL, NAMES[LETTER]), FAIL),
        (ended(CERTIFICATES[LETTER], LETTER, ""), FAIL),
        (RIGHT[LETTER].model_copy(update={"answer": ""}), FAIL),
        (RIGHT[LETTER].model_copy(update={"answer": "HTTP/1.1 200 OK\r\n\r\nhello"}), FAIL),
        (RESET, FAIL),
        (LATE, INCONCLUSIVE),
    ],
)
def test_each_name_ends_at_its_backend(handshake: Handshake, outcome: Outcome) -> None:
    shown = {LETTER: [RIGHT[LETTER], handshake], PARCEL: [RIGHT[PARCEL]]}
    assert ends_at_its_backend(shown, OWN, NAMES).outcome is outcome


@pytest.mark.parametrize(
    ("handshake", "came", "outcome"),
    [
        (RESET, Served(names=(NAMES[LETTER],)), PASS),
        (RIGHT[LETTER], Served(names=(NAMES[LETTER],)), FAIL),
        (ALERTED, Served(names=(NAMES[LETTER],)), FAIL),
        (Handshake(), Served(names=(NAMES[LETTER],)), FAIL),
        (LATE, Served(names=(NAMES[LETTER],)), INCONCLUSIVE),
        (RESET, Served(names=(NAMES[LETTER], "stamp.example.com")), FAIL),
        (RESET, Served(names=(NAMES[LETTER], "")), FAIL),
        (RESET, Served(names=(NAMES[LETTER],), others=1), FAIL),
        (RESET, Served(), FAIL),
        (RESET, Served(died="it was killed"), INCONCLUSIVE),
    ],
)
def test_other_names_go_nowhere(handshake: Handshake, came: Served, outcome: Outcome) -> None:
    shown = {"stamp.example.com": handshake, "no name": RESET}
    served = {LETTER: came, PARCEL: Served(names=(NAMES[PARCEL],))}
    assert goes_nowhere(shown, served).outcome is outcome


def test_whose_certificate_it_was_is_named() -> None:
    shown = {LETTER: [ended(GATEWAYS, LETTER, NAMES[LETTER])]}
    assert "not that of letter but of CN=edge.example.com" in (
        ends_at_its_backend(shown, OWN, NAMES).reason
    )
