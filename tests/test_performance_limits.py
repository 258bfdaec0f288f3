"""Whoever is held to a limit: by a bucket, by a pool, by a budget."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.history import History
from fixtures.history.verdict import Outcome
from fixtures.lab.origins import Arrival
from suites.performance import bandwidth
from suites.performance.limits import (
    faster_than,
    held_over_all,
    held_to_bucket,
    held_to_budget,
    held_to_pool,
    held_to_rate,
    overlap,
    tried_again,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges, window

SERVED: Answer = {"status": 200, "service": "origin"}
REFUSED: Answer = {"status": 429, "body": "local_rate_limited"}
AWAY: Answer = {"status": 503, "answer_headers": {"x-envoy-overloaded": "true"}}
FAILED: Answer = {"status": 503, "service": "origin"}
DELAY = 2.0


def arrival(number: int, at: float = 0.0) -> Arrival:
    return Arrival.model_validate(
        {
            "pod": "origin-1",
            "at": at,
            "method": "GET",
            "path": f"/?nonce=s-{number}",
            "attempt": 1,
            "under_way": 1,
            "status": 200,
        }
    )


@pytest.mark.parametrize(
    ("answers", "arrived", "outcome"),
    [
        ([SERVED] * 20 + [REFUSED] * 40, (), PASS),
        ([SERVED] * 21 + [REFUSED] * 39, (), PASS),
        ([SERVED] * 22 + [REFUSED] * 38, (), FAIL),
        ([SERVED] * 19 + [REFUSED] * 41, (), FAIL),
        ([SERVED] * 20 + [REFUSED] * 40, ("s-59",), FAIL),
        ([SERVED] * 20 + [REFUSED] * 39 + [FAILED], (), FAIL),
        ([SERVED] * 20, (), INCONCLUSIVE),
    ],
)
def test_a_bucket_serves_what_it_holds(
    answers: list[Answer], arrived: tuple[str, ...], outcome: Outcome
) -> None:
    assert held_to_bucket(20, 60.0, arrived)(exchanges(*answers)).outcome is outcome


def test_what_flows_into_a_bucket_may_be_served_too() -> None:
    slow = [{**SERVED, "sent": float(n), "received": n + 0.1} for n in range(30)]
    rest = [{**REFUSED, "sent": 30.0, "received": 30.1}] * 20
    assert held_to_bucket(20, 60.0, ())(exchanges(*slow, *rest)).outcome is PASS


def crowd(*answers: Answer, apart: float = 0.0, **common: Any) -> History:
    timed = [
        {"sent": n * apart, "received": n * apart + (0.1 if a is AWAY else DELAY), **a}
        for n, a in enumerate(answers)
    ]
    return exchanges(*timed, **common)


@pytest.mark.parametrize(
    ("history", "begins", "outcome"),
    [
        (crowd(SERVED, SERVED, AWAY, AWAY), (0.0, 2.0), PASS),
        (crowd(SERVED, SERVED, AWAY, AWAY), (0.0, 1.0), FAIL),
        (crowd(SERVED, AWAY, AWAY, AWAY), (0.0,), FAIL),
        (crowd(SERVED, SERVED, SERVED), (0.0, 2.0, 4.0), FAIL),
        (crowd(SERVED, SERVED, SERVED, apart=2.0), (0.0, 2.0, 4.0), INCONCLUSIVE),
        (crowd(SERVED, SERVED, AWAY, FAILED), (0.0, 2.0), FAIL),
        (crowd(SERVED, SERVED, {**AWAY, "received": 2.5}), (0.0, 2.0), FAIL),
        (crowd(SERVED, SERVED, {**AWAY, "service": "origin"}), (0.0, 2.0), FAIL),
        (crowd(SERVED, SERVED, AWAY), (0.0, 2.0, 4.0), FAIL),
    ],
)
def test_a_pool_has_room_for_so_many(
    history: History, begins: tuple[float, ...], outcome: Outcome
) -> None:
    came = [arrival(number, at) for number, at in enumerate(begins)]
    assert held_to_pool(1, 1, DELAY, came)(history).outcome is outcome


def test_on_a_pressed_machine_a_late_refusal_says_nothing() -> None:
    late = crowd(SERVED, SERVED, {**AWAY, "received": 2.5})
    pressed = History(late, [window(began=0.0, ended=10.0, stalled=9.0, lines=3)])
    came = [arrival(0, 0.0), arrival(1, 2.0)]
    assert held_to_pool(1, 1, DELAY, came)(pressed).outcome is INCONCLUSIVE


@pytest.mark.parametrize(("times", "outcome"), [(13, PASS), (14, FAIL)])
def test_a_budget_bounds_what_arrives(times: int, outcome: Outcome) -> None:
    came = [arrival(number % 10) for number in range(times)]
    assert held_to_budget(1.3, "origin", came)(exchanges(*[FAILED] * 10)).outcome is outcome


def test_of_a_budget_each_request_must_fail_by_the_backend() -> None:
    came = [arrival(0), arrival(1)]
    check = held_to_budget(1.3, "origin", came)
    assert check(exchanges(FAILED, SERVED)).outcome is FAIL
    assert check(exchanges(FAILED, AWAY)).outcome is FAIL


@pytest.mark.parametrize(("numbers", "outcome"), [((0, 0, 1, 1), PASS), ((0, 0, 1), FAIL)])
def test_a_single_failure_is_tried_again(numbers: tuple[int, ...], outcome: Outcome) -> None:
    came = [arrival(number) for number in numbers]
    assert tried_again("origin", came)(exchanges(FAILED, FAILED)).outcome is outcome


def test_those_overlap_that_are_under_way_at_a_time() -> None:
    assert overlap([], 1.0) == 0
    assert overlap([0.0, 1.0, 2.0], 1.0) == 1
    assert overlap([0.0, 0.5, 0.9, 2.0], 1.0) == 3


@pytest.mark.parametrize(("took", "outcome"), [(3.0, PASS), (4.9, PASS), (2.9, FAIL), (5.1, FAIL)])
def test_a_download_takes_as_long_as_its_rate_says(took: float, outcome: Outcome) -> None:
    history = exchanges({**SERVED, "sent": 1.0, "received": 1.0 + took})
    assert held_to_rate(1 << 20, 1 << 18)(history).outcome is outcome


ONE, TWO = ({**SERVED, "service": "shared", "pod": f"shared-{n}"} for n in "12")
OVER: Answer = {"status": 429, "answer_headers": {"x-envoy-ratelimited": "true"}}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((ONE, TWO, OVER, OVER), PASS),
        ((ONE, TWO, TWO, OVER), FAIL),
        ((ONE, OVER, OVER, OVER), FAIL),
        ((ONE, ONE, OVER, OVER), INCONCLUSIVE),
        ((ONE, TWO), INCONCLUSIVE),
        ((ONE, TWO, OVER, REFUSED), FAIL),
        ((ONE, TWO, OVER, {**OVER, "service": "shared"}), FAIL),
        ((ONE, TWO, OVER, {"status": 500}), FAIL),
        ((ONE, TWO, OVER, {"error": "starved"}), INCONCLUSIVE),
    ],
)
def test_a_limit_is_of_all_replicas(answers: tuple[Answer, ...], outcome: Outcome) -> None:
    arrived = {f"s-{n}" for n, answer in enumerate(answers) if answer in (ONE, TWO)}
    assert held_over_all(2, 1, 2, arrived)(exchanges(*answers)).outcome is outcome


def test_what_is_over_the_limit_does_not_arrive() -> None:
    history = exchanges(ONE, TWO, OVER)
    assert held_over_all(2, 1, 2, {"s-0", "s-1", "s-2"})(history).outcome is FAIL


def test_each_hour_has_a_limit_and_one_replica_has_no_other() -> None:
    history = exchanges(ONE, TWO, TWO, TWO, OVER)
    assert held_over_all(2, 2, 2, ())(history).outcome is PASS
    assert held_over_all(2, 1, 2, ())(history).outcome is FAIL
    assert held_over_all(2, 1, 1, ())(exchanges(ONE, ONE, OVER)).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("took", "outcome"),
    [(3.1, PASS), (10.0, PASS), (2.9, FAIL), (0.4, FAIL), (10.1, FAIL)],
)
def test_a_download_may_be_let_take_longer(took: float, outcome: Outcome) -> None:
    history = exchanges({**SERVED, "sent": 1.0, "received": 1.0 + took})
    held = held_to_rate(1_000_000, bandwidth.RATE, bandwidth.LATER)
    assert held(history).outcome is outcome


def test_no_download_is_free_as_a_whole() -> None:
    for size in (bandwidth.SIZES.start, bandwidth.SIZES.stop):
        assert size > 3 * bandwidth.RATE, "a bucket holds a second's worth"
        assert size / (10 * bandwidth.RATE) < size / bandwidth.RATE - 2


def test_a_download_that_is_late_on_a_pressed_machine_says_nothing() -> None:
    late = exchanges({**SERVED, "sent": 0.0, "received": 7.0})
    pressed = History(late, [window(began=0.0, ended=10.0, stalled=9.0, lines=1)])
    assert held_to_rate(1 << 20, 1 << 18)(pressed).outcome is INCONCLUSIVE
    assert held_to_rate(1 << 20, 1 << 18)(exchanges(FAILED)).outcome is FAIL


def test_what_is_not_held_is_served_in_time() -> None:
    assert faster_than(2.0)(exchanges(SERVED)).outcome is PASS
    assert faster_than(2.0)(exchanges({**SERVED, "received": 2.5})).outcome is FAIL
    assert faster_than(2.0)(exchanges(FAILED)).outcome is FAIL
