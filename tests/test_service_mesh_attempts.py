"""Timeouts and attempts, judged from histories made by hand."""

from __future__ import annotations

import pytest

from fixtures.checks import all_answered_by
from fixtures.history import History
from fixtures.lab.origins import Arrival
from suites.service_mesh.attempts import (
    NOBODY_LISTENED,
    Attempt,
    arrived_times,
    but_unreached,
    ends_within,
    if_quick,
    moved_on,
    some_tried_again,
    unless_late,
    unless_unread,
)
from suites.service_mesh.subject import by_nonce, failing
from tests.histories import Answer, exchanges, window

LATE: Answer = {"status": 504, "sent": 0.0, "received": 0.31}


def late(received: float) -> Answer:
    return {**LATE, "received": received}


@pytest.mark.parametrize(
    ("answers", "pressure", "outcome"),
    [
        ([late(0.31), late(0.30)], 0.0, "pass"),
        ([late(0.31), late(0.55)], 0.9, "pass"),
        ([late(0.31), late(0.2)], 0.0, "fail"),
        ([late(1.01), late(1.02)], 0.0, "fail"),
        ([late(0.61), late(1.02)], 0.9, "inconclusive"),
        ([late(1.01), late(1.02)], 0.9, "fail"),
        ([late(0.31), {**LATE, "status": 200}], 0.0, "fail"),
        ([late(0.31), {"error": "timeout"}], 0.9, "fail"),
        ([], 0.0, "inconclusive"),
    ],
)
def test_a_timeout_ends_in_time(answers: list[Answer], pressure: float, outcome: str) -> None:
    worked = window(ended=10.0, stalled=10 * pressure, lines=len(answers))
    history = exchanges(*answers) + History((), [worked])
    assert ends_within(0.3, 0.4)(history).outcome == outcome


ATTEMPTS = {
    "s-0": [Attempt("a", 1), Attempt("b", 2)],
    "s-1": [Attempt("b", 1), Attempt("b", 2)],
    "s-2": [Attempt("b", 1)],
}
SERVED: Answer = {"status": 200, "service": "origin"}


def test_what_arrived_is_counted() -> None:
    history = exchanges(SERVED, SERVED, SERVED)
    verdict = arrived_times(ATTEMPTS, 1, 2)(history)
    assert (verdict.outcome, verdict.numbers) == ("pass", {"arrived.1": 1, "arrived.2": 2})
    assert arrived_times(ATTEMPTS, 2, 2)(history).outcome == "fail"
    assert arrived_times(ATTEMPTS, 1, 1)(history).outcome == "fail"
    quick = if_quick(arrived_times(ATTEMPTS, 1, 1))
    assert quick(history).outcome == "fail"
    pressed = History((), [window(ended=10.0, stalled=9.0, lines=3)])
    assert quick(history + pressed).outcome == "inconclusive"
    assert arrived_times({}, 1, 1)(history).outcome == "fail"
    assert arrived_times({}, 0, 1)(exchanges()).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("times", "pressure", "outcome"),
    [
        ((2, 3, 2), 0.0, "pass"),
        ((2, 0, 3), 0.9, "inconclusive"),
        ((2, 0, 3), 0.5, "fail"),
        ((1, 0, 3), 0.9, "fail"),
        ((2, 0, 4), 0.9, "fail"),
        ((2, 3, 4), 0.9, "fail"),
        ((), 0.9, "inconclusive"),
    ],
)
def test_a_few_that_a_pressed_backend_never_read_say_nothing(
    times: tuple[int, ...], pressure: float, outcome: str
) -> None:
    arrived = {f"s-{n}": [Attempt("a", 1 + i) for i in range(k)] for n, k in enumerate(times)}
    worked = window(ended=10.0, stalled=10 * pressure, lines=len(times))
    history = exchanges(*(LATE for _ in times)) + History((), [worked])
    assert unless_unread(arrived, 2, 3)(history).outcome == outcome


def test_another_pod_is_tried() -> None:
    history = exchanges(SERVED, SERVED, SERVED)
    assert moved_on(ATTEMPTS, 1)(history).outcome == "pass"
    assert moved_on(ATTEMPTS, 0)(history).outcome == "fail"
    assert moved_on({"s-2": [Attempt("b", 1)]}, 0)(history).outcome == "fail"


def test_a_later_attempt_that_is_served_shows_that_some_are_made() -> None:
    assert some_tried_again(ATTEMPTS)(exchanges(SERVED)).outcome == "pass"
    assert some_tried_again(ATTEMPTS)(exchanges({"status": 503})).outcome == "fail"
    assert some_tried_again({"s-0": [Attempt("a", 1)]})(exchanges(SERVED)).outcome == "fail"


def test_arrivals_are_attempts_of_their_nonce() -> None:
    def arrival(path: str, number: int) -> Arrival:
        words = {"pod": "a", "at": 1.0, "method": "GET", "under_way": 1, "status": 200}
        return Arrival.model_validate({**words, "path": path, "attempt": number})

    every = [arrival("/?nonce=n-0_", 1), arrival("/", 1), arrival("/?nonce=n-0_&delay=2", 2)]
    assert by_nonce(every) == {"n-0_": [Attempt("a", 1), Attempt("a", 2)]}


def test_streams_of_failures_are_told_from_each_other() -> None:
    assert failing("once", "POST", "close=1") == "once.POST.close-1"


@pytest.mark.parametrize(
    ("answer", "pressure", "outcome"),
    [
        ({"status": 504}, 0.9, "inconclusive"),
        ({"status": 504}, 0.5, "fail"),
        ({"status": 503}, 0.9, "fail"),
        (SERVED, 0.9, "pass"),
    ],
)
def test_what_a_limit_ended_on_a_pressed_machine_says_nothing(
    answer: Answer, pressure: float, outcome: str
) -> None:
    history = exchanges(answer) + History((), [window(ended=10.0, stalled=10 * pressure, lines=1)])
    assert unless_late(all_answered_by("origin"))(history).outcome == outcome


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([SERVED] * 6, "pass"),
        ([SERVED] * 5 + [{"status": 504}], "inconclusive"),
        ([SERVED] * 3 + [{"status": 504}] * 3, "fail"),
        ([SERVED] * 4 + [{"status": 504}, {"status": 503}], "fail"),
    ],
)
def test_a_few_that_a_limit_ended_are_asked_again_on_any_machine(
    answers: list[Answer], outcome: str
) -> None:
    assert unless_late(all_answered_by("origin", 6))(exchanges(*answers)).outcome == outcome


UNREACHED: Answer = {
    "status": 503,
    "body": f"upstream connect error. retried and the latest {NOBODY_LISTENED}",
}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([SERVED, SERVED, SERVED], "pass"),
        ([SERVED, SERVED, UNREACHED], "pass"),
        ([SERVED, UNREACHED, UNREACHED], "fail"),
        ([SERVED, SERVED, {"status": 503, "service": "origin"}], "fail"),
        ([UNREACHED], "inconclusive"),
    ],
)
def test_a_few_that_were_brought_to_nobody_do_not_count(
    answers: list[Answer], outcome: str
) -> None:
    check = but_unreached(all_answered_by("origin", len(answers) - 1), 1)
    assert check(exchanges(*answers)).outcome == outcome
