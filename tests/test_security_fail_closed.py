"""New connections while nobody signs: served until certificates end, refused, and well again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from clusters.components.authority import Authority, new_root
from fixtures.history.certificates import Shown
from fixtures.history.streams import OpenStream
from fixtures.history.traces import NO_HEARTBEATS, Answer, Trace
from fixtures.history.verdict import Outcome
from suites.security.fail_closed import Away, fails_closed, refusals
from suites.security.presented import Wanted, mint
from tests.histories import FAIL, INCONCLUSIVE, PASS
from tests.traces import WHO

SERVED = Answer(status=200, service="fleeting", pod="fleeting-1")
OTHER = Answer(status=200, service="another", pod="another-1")
REFUSED = Answer(status=503, body="reset reason: remote connection failure")
UNHEALTHY = Answer(status=503, body="no healthy upstream")
SILENT = Answer(error="timeout", detail="connected: no answer")
STARVED = Answer(error="starved")
ANSWERS = (SERVED, OTHER, REFUSED, UNHEALTHY, SILENT, STARVED)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
GONE, AGAIN, BACK, ENDED = (BEGAN + each for each in (5, 45, 52, 70))
FIRST, LAST = BEGAN + 20, BEGAN + 28
"""When the client's certificate ends, and the workload's."""
INTERVAL = 0.1
NONCE = "fleeting-g1-0_"
T = 10.0


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_root("of the tests")


def trace(answer: Callable[[float], Answer], name: str = "new") -> Trace:
    """What was answered at each time, in seconds since the begin."""
    times = np.arange(BEGAN, ENDED, INTERVAL)
    places = np.array([ANSWERS.index(answer(at - BEGAN)) for at in times], dtype=np.int64)
    stream = OpenStream(name=name, url="http://198.18.0.1/", interval=INTERVAL)
    seq = np.arange(len(times), dtype=np.int64)
    return Trace(WHO, stream, seq, times, times, times + 0.01, places, ANSWERS, NO_HEARTBEATS)


def as_it_should_be(at: float) -> Answer:
    return REFUSED if FIRST - BEGAN <= at < BACK - BEGAN + 3 else SERVED


def but(answer: Answer, start: float, end: float) -> Callable[[float], Answer]:
    """As it should be, but for this answer in a time."""
    return lambda at: answer if start <= at < end else as_it_should_be(at)


def shown(authority: Authority, at: float, end: float) -> Shown:
    now = datetime.now(UTC).timestamp()
    wanted = Wanted(begins=timedelta(seconds=end - 30 - now), ends=timedelta(seconds=end - now))
    whole = mint(authority, wanted, "").certificate
    own, _, _ = whole.partition("-----END CERTIFICATE-----")
    return Shown(peer=0, at=at, own="x", chain=(f"{own}-----END CERTIFICATE-----\n",))


def log(why: str, status: int = 503, until: float = BACK + 3) -> str:
    """The log of the client's proxy, with a line for each tenth of a second from `FIRST` on."""
    times = (datetime.fromtimestamp(at, UTC) for at in np.arange(FIRST, until, INTERVAL))
    return "".join(
        f'[{at.isoformat(timespec="milliseconds")[:-6]}Z] "GET /?nonce={NONCE} HTTP/1.1" {status} '
        f'UF upstream_reset_before_response_started - "TLS_error:|268435581:SSL routines:{why}" 0\n'
        for at in times
    )


@pytest.fixture
def away(authority: Authority) -> Away:
    certificates = {
        "passer": [shown(authority, BEGAN + 1, FIRST - 10), shown(authority, BEGAN + 4, FIRST)],
        "fleeting": [
            shown(authority, BEGAN + 1, LAST),
            Shown(peer=1, at=BEGAN + 2, own="x"),
            shown(authority, BACK + 1, BACK + 31),
        ],
    }
    standing = trace(lambda _: SERVED, "standing")
    refused = refusals(log("CERTIFICATE_VERIFY_FAILED"), NONCE)
    return Away(trace(as_it_should_be), standing, refused, certificates, GONE, AGAIN, BACK)


def test_it_fails_closed_and_all_is_well_again(away: Away) -> None:
    verdict = fails_closed(away, "fleeting", T)
    assert verdict.outcome is PASS
    assert verdict.numbers["passer.ends"] == 15.0
    assert verdict.numbers["fleeting.ends"] == 23.0
    assert verdict.numbers["refused.after"] == pytest.approx(0, abs=0.2)
    assert verdict.numbers["served.between"] == 0
    assert verdict.numbers["well.seconds"] == pytest.approx(2.9, abs=0.2)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (but(UNHEALTHY, 10, 10.2), FAIL),
        (but(REFUSED, 15, 20), FAIL),
        (but(REFUSED, 19.5, 20), PASS),
        (but(SERVED, 20, 28), PASS),
        (but(SERVED, 20, 30), PASS),
        (but(SERVED, 40, 40.2), FAIL),
        (but(OTHER, 40, 40.2), FAIL),
        (but(SILENT, 40, 40.2), FAIL),
        (but(STARVED, 37, 44.5), INCONCLUSIVE),
        (but(SERVED, 52, 55), PASS),
        (but(REFUSED, 55, 61), PASS),
        (but(REFUSED, 55, 64), FAIL),
        (but(UNHEALTHY, 63, 63.2), FAIL),
        (but(REFUSED, 55, 75), FAIL),
        (lambda _: SERVED, FAIL),
        (lambda _: REFUSED, FAIL),
        (lambda _: STARVED, INCONCLUSIVE),
    ],
)
def test_what_is_answered_over_new_connections(
    away: Away, answer: Callable[[float], Answer], outcome: Outcome
) -> None:
    assert fails_closed(replace(away, new=trace(answer)), "fleeting", T).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(REFUSED, FAIL), (SILENT, FAIL), (OTHER, FAIL), (STARVED, PASS)],
)
def test_the_connection_that_stands_is_the_control(
    away: Away, answer: Answer, outcome: Outcome
) -> None:
    standing = trace(lambda at: answer if 30 <= at < 31 else SERVED, "standing")
    assert fails_closed(replace(away, standing=standing), "fleeting", T).outcome is outcome


def test_a_connection_is_of_no_use_once_the_authority_comes_back(away: Away) -> None:
    standing = trace(lambda at: REFUSED if at > 50 else SERVED, "standing")
    assert fails_closed(replace(away, standing=standing), "fleeting", T).outcome is PASS


def test_certificates_that_outlive_the_authority_are_told(away: Away, authority: Authority) -> None:
    day = [shown(authority, BEGAN + 1, BEGAN + 86_400)]
    verdict = fails_closed(replace(away, shown={**away.shown, "fleeting": day}), "fleeting", T)
    assert verdict.outcome is FAIL
    assert "than they live: passer after 15 s, fleeting after 86395 s" in verdict.reason


def test_nothing_is_known_without_certificates(away: Away) -> None:
    silent = replace(away, shown={**away.shown, "fleeting": [Shown(peer=1, at=BEGAN, error="no")]})
    assert fails_closed(silent, "fleeting", T).outcome is INCONCLUSIVE
    served = replace(silent, new=trace(lambda _: SERVED))
    assert fails_closed(served, "fleeting", T).outcome is FAIL


def test_how_long_who_is_resumed_was_served_is_told(away: Away) -> None:
    resumed = replace(away, new=trace(but(SERVED, 20, 28)))
    verdict = fails_closed(resumed, "fleeting", T)
    assert verdict.numbers["served.between"] == 80
    assert verdict.numbers["refused.after"] == pytest.approx(8, abs=0.2)


@pytest.mark.parametrize(
    ("logged", "outcome"),
    [
        (log("CERTIFICATE_VERIFY_FAILED"), PASS),
        (log("SSLV3_ALERT_CERTIFICATE_EXPIRED"), PASS),
        (log("WRONG_VERSION_NUMBER"), FAIL),
        (log("CERTIFICATE_VERIFY_FAILED", until=GONE + 34), PASS),
        (log("CERTIFICATE_VERIFY_FAILED", until=GONE + 30), INCONCLUSIVE),
        (log("CERTIFICATE_VERIFY_FAILED", status=200), INCONCLUSIVE),
        ("", INCONCLUSIVE),
    ],
)
def test_why_it_was_refused_is_in_the_log(away: Away, logged: str, outcome: Outcome) -> None:
    refused = refusals(logged, NONCE)
    assert fails_closed(replace(away, refused=refused), "fleeting", T).outcome is outcome


def test_lines_of_others_are_left_out() -> None:
    text = log("CERTIFICATE_VERIFY_FAILED")
    assert refusals(text, "another-g1-0_") == []
    first, *_ = refusals(f"2026-01-01T00:00:00Z info ads\n{text}", NONCE)
    assert first.at == pytest.approx(FIRST)
    assert "CERTIFICATE_VERIFY_FAILED" in first.line
