"""A Gateway's certificates: those of its hosts, over new versions alone, and renewed unnoticed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history.certificates import Chain, Handshake, Series, Shown
from fixtures.history.verdict import Outcome
from fixtures.traffic.sealed import Own, own_certificate
from suites.service_mesh.own_certificates import (
    Renewed,
    is_renewed,
    knows_no_other,
    refuses_the_old,
    shows_its_own,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS

SHOP, BANK = own_certificate("shop.example.com"), own_certificate("bank.example.com")
NEW = own_certificate("shop.example.com")
OWN = {"shop": SHOP.digest, "bank": BANK.digest}
RESET = Handshake(error="ConnectionResetError: [Errno 104] Connection reset by peer")
LATE = Handshake(error="TimeoutError: timed out")
ALERT = Handshake(error="SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert")
ALERTED = Handshake(error="SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert")
UNABLE = Handshake(error="SSLError: [SSL: NO_PROTOCOLS_AVAILABLE] no protocols available")
UNNAMED = Handshake(error="SSLError: [SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name")


def showing(own: Own, version: str = "TLSv1.3", **other: str) -> Handshake:
    fields = {"version": version, "answer": "HTTP/1.1 200 OK\r\n\r\n{}", **other}
    return Handshake(chain=(own.certificate,), **fields)


def test_a_digest_is_that_of_the_certificate() -> None:
    assert Chain.parse((SHOP.certificate,)).digest == SHOP.digest
    assert len({SHOP.digest, BANK.digest, NEW.digest}) == 3


@pytest.mark.parametrize(
    ("of_bank", "outcome"),
    [
        (showing(BANK), PASS),
        (showing(SHOP), FAIL),
        (showing(NEW), FAIL),
        (showing(BANK, version="TLSv1.2"), FAIL),
        (showing(BANK, answer="HTTP/1.1 404 Not Found\r\n\r\n"), FAIL),
        (showing(BANK, answer=""), FAIL),
        (RESET, FAIL),
        (Handshake(), FAIL),
        (LATE, INCONCLUSIVE),
    ],
)
def test_each_host_shows_its_own(of_bank: Handshake, outcome: Outcome) -> None:
    shown = {
        ("shop", "TLSv1_2"): showing(SHOP, version="TLSv1.2"),
        ("bank", "TLSv1_3"): of_bank,
    }
    assert shows_its_own(shown, OWN).outcome is outcome


@pytest.mark.parametrize(
    ("handshake", "outcome"),
    [
        (ALERT, PASS),
        (showing(BANK, version="TLSv1.1"), FAIL),
        (ALERTED, FAIL),
        (RESET, FAIL),
        (UNABLE, INCONCLUSIVE),
        (LATE, INCONCLUSIVE),
    ],
)
def test_an_old_version_is_refused_for_what_it_is(handshake: Handshake, outcome: Outcome) -> None:
    assert refuses_the_old({"shop": ALERT, "bank": handshake}).outcome is outcome


@pytest.mark.parametrize(
    ("handshake", "outcome"),
    [
        (RESET, PASS),
        (UNNAMED, PASS),
        (showing(BANK), FAIL),
        (ALERTED, FAIL),
        (Handshake(), FAIL),
        (LATE, INCONCLUSIVE),
    ],
)
def test_no_other_name_is_known(handshake: Handshake, outcome: Outcome) -> None:
    assert knows_no_other({"other.example.com": RESET, "no name": handshake}).outcome is outcome


def series(*of_shop: Own | Handshake, bank: Own | Handshake = BANK) -> Renewed:
    """Two handshakes every tenth of a second, the first with shop."""
    lines = []
    for number, each in enumerate(of_shop):
        for peer, one in enumerate((each, bank)):
            at = 100 + number / 10 + peer / 100
            error = one.error if isinstance(one, Handshake) else ""
            own = "" if isinstance(one, Handshake) else one.digest
            lines.append(Shown(peer=peer, at=at, own=own, error=error))
    after = {**OWN, "shop": NEW.digest}
    return Renewed(Series(tuple(lines)), ("shop", "bank"), OWN, after)


@pytest.mark.parametrize(
    ("renewed", "outcome"),
    [
        (series(SHOP, SHOP, NEW, NEW), PASS),
        (series(SHOP, NEW, SHOP, NEW), PASS),
        (series(SHOP, *[SHOP] * 20, NEW), FAIL),
        (series(SHOP, NEW, *[SHOP] * 20), FAIL),
        (series(SHOP, SHOP), FAIL),
        (series(NEW, NEW), INCONCLUSIVE),
        (series(SHOP, RESET, NEW), FAIL),
        (series(SHOP, Handshake(), NEW), FAIL),
        (series(SHOP, BANK, NEW), FAIL),
        (series(SHOP, NEW, bank=NEW), FAIL),
        (series(SHOP, NEW, bank=RESET), FAIL),
        (series(SHOP, LATE, NEW), INCONCLUSIVE),
        (series(), INCONCLUSIVE),
        (replace(series(SHOP, NEW), series=Series((), "it was killed")), INCONCLUSIVE),
    ],
)
def test_a_certificate_is_renewed_without_a_break(renewed: Renewed, outcome: Outcome) -> None:
    assert is_renewed(renewed, within=1.5).outcome is outcome


@given(st.lists(st.sampled_from([SHOP, NEW]), max_size=20), st.integers(0, 20))
def test_one_handshake_that_fails_is_a_failure_wherever_it_is(some: list[Own], place: int) -> None:
    undisturbed = [SHOP, *some, NEW]
    assert is_renewed(series(*undisturbed), within=10).outcome is PASS
    broken: list[Own | Handshake] = [*undisturbed[:place], RESET, *undisturbed[place:]]
    assert is_renewed(series(*broken), within=10).outcome is FAIL


def test_the_time_is_told() -> None:
    assert is_renewed(series(SHOP, SHOP, SHOP, NEW), 1.5).numbers["renewed.seconds"] == 0.3
    assert is_renewed(series(SHOP, NEW, SHOP, NEW), 1.5).numbers["renewed.seconds"] == 0.2


def test_what_was_shown_in_another_place_is_named() -> None:
    assert "CN=bank.example.com" in knows_no_other({"x": showing(BANK)}).reason
    assert shows_its_own({("shop", "TLSv1_3"): showing(BANK)}, OWN).reason.startswith("shop over")
