"""Load and pressure: how long it lasted, what ran meanwhile, what a busy machine excuses."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import checks
from fixtures.history import Exchange, History
from fixtures.history.verdict import Outcome, Verdict
from tests.histories import (
    DENIED,
    FAIL,
    INCONCLUSIVE,
    MOBILE,
    PASS,
    RESET,
    TIMEOUT,
    WEB,
    Answer,
    exchanges,
    made,
    under,
    window,
)


@pytest.mark.parametrize(
    ("pressure", "answers", "outcome"),
    [
        (0.79, [MOBILE] * 3 + [TIMEOUT], FAIL),
        (0.8, [MOBILE] * 3 + [TIMEOUT], INCONCLUSIVE),
        (0.95, [MOBILE] * 3, PASS),
        (0.95, [MOBILE] * 3 + [TIMEOUT, RESET], FAIL),
        (0.95, [MOBILE] * 3 + [TIMEOUT, WEB], FAIL),
        (0.8, [MOBILE] * 3 + [{**RESET, "http2": True, "received": 2.1}], INCONCLUSIVE),
        (0.8, [MOBILE] * 3 + [{**RESET, "http2": True, "received": 1.9}], FAIL),
        (0.8, [MOBILE] * 3 + [{**RESET, "received": 2.1}], FAIL),
        (0.79, [MOBILE] * 3 + [{**RESET, "http2": True, "received": 2.1}], FAIL),
    ],
)
def test_only_silence_is_excused_by_pressure(
    pressure: float, answers: list[Answer], outcome: Outcome
) -> None:
    verdict = made("all_answered_by")(under(pressure, *answers))
    assert verdict.outcome is outcome
    assert verdict.numbers["pressure"] == pressure
    if outcome is INCONCLUSIVE:
        assert "waited for a core in 80% of the time" in verdict.reason


def test_pressure_is_that_of_the_busiest_machine() -> None:
    calm, busy = window(ended=9, stalled=1), window(ended=9, stalled=8)
    verdict = made("all_answered_by")(exchanges(*[TIMEOUT] * 3) + History((), [calm, busy, calm]))
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.numbers["pressure"] == 0.889


def test_a_client_that_died_leaves_it_open_but_a_leak_is_a_leak() -> None:
    dead = History((), [window(died="no end after 60 s")])
    verdict = made("all_answered_by")(exchanges(*[MOBILE] * 3) + dead)
    assert verdict.outcome is INCONCLUSIVE
    assert "caller-1 in aws-cluster: no end after 60 s" in verdict.reason
    assert made("denied_http")(exchanges(DENIED, WEB) + dead).outcome is FAIL
    assert made("denied_http")(dead).outcome is INCONCLUSIVE


def test_what_is_known_otherwise_goes_in_beside_the_history() -> None:
    check = checks.every(
        checks.status_is(200), checks.known(Verdict(FAIL, "Programmed is False", {"seconds": 3}))
    )
    verdict = check(exchanges(WEB))
    assert verdict.outcome is FAIL
    assert verdict.reason == "Programmed is False"
    assert verdict.numbers["seconds"] == 3


LOST: Answer = {"status": 500}


def lost_or_served(exchange: Exchange) -> str:
    return (
        "lost" if (exchange.status, exchange.service) == (500, "") else checks.served_by(exchange)
    )


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([WEB] * 9 + [LOST], PASS),
        ([WEB] * 7 + [LOST] * 3, FAIL),
        ([WEB] * 10, FAIL),
        ([WEB] * 9 + [{"status": 503}], FAIL),
        ([WEB] * 9 + [{**LOST, "service": "web-service"}], FAIL),
        ([WEB] * 9 + [MOBILE], FAIL),
        ([WEB] * 9 + [LOST, TIMEOUT], INCONCLUSIVE),
    ],
)
def test_a_share_may_be_of_what_is_lost(answers: list[Answer], outcome: Outcome) -> None:
    draws = list(islice(cycle(answers), 3_000))
    check = checks.split({"web-service": 90, "lost": 10}, of=lost_or_served)
    assert check(exchanges(*draws)).outcome is outcome


def streams(load: tuple[float, float], **others: float) -> History:
    """A load that was sent and answered then, and others that began then."""
    first, last = load
    loaded = exchanges(WEB, stream="through", sent=first, received=last)
    begun = [exchanges(WEB, stream=name, sent=at, received=at + 1) for name, at in others.items()]
    return sum(begun, loaded)


@pytest.mark.parametrize(
    ("history", "outcome"),
    [
        (streams((10, 20), there=12, back=15), PASS),
        (streams((10, 20), there=10, back=20), PASS),
        (streams((10, 20), there=9.9, back=15), INCONCLUSIVE),
        (streams((10, 20), there=12, back=20.1), INCONCLUSIVE),
        (streams((10, 20), there=12), INCONCLUSIVE),
        (streams((10, 20), there=12, back=15).where(lambda e: e.stream != "through"), INCONCLUSIVE),
        (
            streams((10, 20), there=12)
            + exchanges(WEB, stream="back", sent=15, received=16, caller="another"),
            INCONCLUSIVE,
        ),
    ],
)
def test_what_was_not_asked_during_the_load_shows_nothing_of_it(
    history: History, outcome: Outcome
) -> None:
    assert checks.meanwhile("through", ["there", "back"])(history).outcome is outcome


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (streams((10, 20), there=12, back=15), "through was under way meanwhile"),
        (streams((10, 20), there=12), "through and there, back are not all of one client"),
        (
            streams((10, 20), there=9, back=21),
            "through was not under way when there, back began",
        ),
    ],
)
def test_what_was_not_under_way_is_named(history: History, reason: str) -> None:
    assert checks.meanwhile("through", ["there", "back"])(history).reason.startswith(reason)


moments = st.integers(0, 9).map(float)


@given(st.lists(st.tuples(moments, moments), max_size=4), st.lists(moments, max_size=4))
def test_a_load_of_many_requests_lasts_from_the_first_to_the_last_answer(
    load: list[tuple[float, float]], begun: list[float]
) -> None:
    loaded = ({**WEB, "sent": min(ends), "received": max(ends)} for ends in load)
    others = ({**WEB, "sent": sent, "received": sent + 1} for sent in begun)
    history = exchanges(*loaded, stream="through") + exchanges(*others, stream="there")
    within = load and begun and min(map(min, load)) <= min(begun) <= max(map(max, load))
    assert checks.meanwhile("through", ["there"])(history).passed == bool(within)
    assert not checks.meanwhile("through", ["there", "back"])(history).passed
