"""A cache that several clients share: what it serves, and to whom."""

from __future__ import annotations

import pytest

from fixtures.history import Arrived, History
from fixtures.history.verdict import Outcome
from fixtures.lab.origins import Arrival
from suites.performance.caching import Kept
from suites.performance.kept import all_arrive, asked_by_etag, fits, kept, lives
from tests.histories import FAIL, INCONCLUSIVE, PASS, UNAVAILABLE, Answer, exchanges

URL = "http://edge/page?nonce=page-0"
SERVED: Answer = {"status": 200, "service": "origin"}


def aged(*ages: int | None) -> History:
    answers = [
        SERVED if age is None else {**SERVED, "answer_headers": {"age": str(age)}} for age in ages
    ]
    return exchanges(*answers, url=URL)


def came(times: int) -> list[Arrival]:
    line = {"pod": "o", "at": 0.0, "method": "GET", "attempt": 1, "under_way": 1, "status": 200}
    return [Arrival.model_validate({**line, "path": "/page?nonce=page-0"})] * times


@pytest.mark.parametrize(
    ("history", "arrivals", "outcome"),
    [
        (aged(None, 0, 1, 2), 1, PASS),
        (aged(None, 0, 1, 2), 2, FAIL),
        (aged(None, 0, 1, 2), 0, FAIL),
        (aged(None, None, 1, 2), 1, FAIL),
        (aged(None, 1, 1, 1), 1, FAIL),
        (exchanges(SERVED, UNAVAILABLE, url=URL), 1, FAIL),
    ],
)
def test_one_of_all_arrives(history: History, arrivals: int, outcome: Outcome) -> None:
    assert kept(came(arrivals))(history).outcome is outcome


def test_one_request_shows_nothing_of_a_cache() -> None:
    assert all_arrive(came(1))(aged(None)).outcome is INCONCLUSIVE


@pytest.mark.parametrize(("arrivals", "outcome"), [(2, PASS), (1, FAIL), (3, FAIL)])
def test_what_must_not_be_kept_arrives_each_time(arrivals: int, outcome: Outcome) -> None:
    assert all_arrive(came(arrivals))(aged(None, None)).outcome is outcome


def by(sent: str, answered: str) -> Answer:
    arrived = Arrived(headers={"x-asker": answered})
    return {**SERVED, "request_headers": {"x-asker": sent}, "arrived": arrived}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((by("a", "a"), by("b", "b")), PASS),
        ((by("a", "a"), by("b", "a")), FAIL),
        ((by("a", "a"), by("a", "a")), INCONCLUSIVE),
        ((by("a", "a"), {**SERVED, "request_headers": {"x-asker": "b"}}), FAIL),
        ((by("a", "a"), UNAVAILABLE), FAIL),
    ],
)
def test_each_gets_the_answer_to_its_own_request(
    answers: tuple[Answer, ...], outcome: Outcome
) -> None:
    assert fits(["x-asker"])(exchanges(*answers, url=URL)).outcome is outcome


def test_a_proxy_that_is_started_again_does_not_live() -> None:
    assert lives(1, 1, "edge-1").outcome is PASS
    assert lives(1, 2, "edge-1").outcome is FAIL


STREAMS = {"keeping": "k", "renewed": "r", "condition": "c"}
UNCHANGED: Answer = {"status": 304}


def page(renewed: str, condition: Answer) -> History:
    changed = {**SERVED, "answer_headers": {"etag": renewed}}
    return (
        exchanges(SERVED, SERVED, stream="k", url=URL)
        + exchanges(changed, stream="r", url=URL)
        + exchanges(condition, stream="c", url=URL)
    )


@pytest.mark.parametrize(
    ("history", "statuses", "outcome"),
    [
        (page("new", UNCHANGED), (200, 304, 200), PASS),
        (page("new", UNCHANGED), (200, 304, 200, 304), PASS),
        (page("new", UNCHANGED), (200, 200, 200), FAIL),
        (page("new", UNCHANGED), (200, 304), FAIL),
        (page("new", UNCHANGED), (200, 304, 200, 200), FAIL),
        (page("old", UNCHANGED), (200, 304, 200), FAIL),
        (page("new", SERVED), (200, 304, 200), FAIL),
    ],
)
def test_what_is_stale_is_asked_for_by_its_etag(
    history: History, statuses: tuple[int, ...], outcome: Outcome
) -> None:
    (arrival,) = came(1)
    arrivals = [arrival.model_copy(update={"status": status}) for status in statuses]
    assert asked_by_etag(STREAMS, "new", arrivals)(history).outcome is outcome


def test_what_two_readings_of_a_log_have_came_once() -> None:
    (first,), later = came(1), came(1)[0].model_copy(update={"at": 1.0})
    early = Kept(aged(None), [first], "edge-1", (0, 0))
    late = Kept(aged(None), [first, later], "edge-1", (0, 1))
    joined = early + late
    assert list(joined.arrivals) == [first, later]
    assert (len(joined.history), joined.restarts) == (2, (0, 1))
