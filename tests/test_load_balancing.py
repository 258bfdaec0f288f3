"""Which pod was chosen, who was spared and who was left alone, from what clients saw."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history import History
from fixtures.history.verdict import Outcome
from suites.load_balancing.choices import (
    by_chance,
    by_pods,
    came_back,
    each_in_one_place,
    ejected,
    in_turn,
    left_alone,
    none_arrived,
    not_spared,
    settled,
    spared,
    stayed,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges, window

PODS = ("a", "b", "c", "d")
AWAY: Answer = {"status": 503, "body": "no healthy upstream"}


def by(pod: str, **more: object) -> Answer:
    return {"status": 200, "service": "pool", "pod": pod, **more}


def answered(*names: str) -> History:
    return exchanges(*(by(name) for name in names))


def keyed(places: dict[str, str]) -> History:
    some = [exchanges(by(pod), by(pod), stream=f"w.{key}") for key, pod in places.items()]
    return History([exchange for history in some for exchange in history])


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([by(pod) for pod in PODS] * 3, PASS),
        ([by(pod) for pod in PODS[:3]] * 4, FAIL),
        ([*(by(pod) for pod in PODS), AWAY], FAIL),
        ([*(by(pod) for pod in PODS), by("e")], FAIL),
        ([*(by(pod) for pod in PODS), by("a", status=503)], FAIL),
        ([], INCONCLUSIVE),
    ],
)
def test_all_of_these_pods_answer_and_no_other(answers: list[Answer], outcome: Outcome) -> None:
    assert by_pods(PODS)(exchanges(*answers)).outcome is outcome


@given(start=st.integers(0, 3), at=st.integers(5, 30), to=st.integers(0, 3))
def test_pods_in_turn_may_begin_a_new_turn_once(start: int, at: int, to: int) -> None:
    turns = [PODS[(start + n) % 4] for n in range(at)]
    turns += [PODS[(to + n) % 4] for n in range(40 - at)]
    assert in_turn(PODS)(answered(*turns)).outcome is PASS


@given(seed=st.integers(0, 10_000))
def test_pods_by_chance_are_not_in_turn(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (no secret)
    names = [draw.choice(PODS) for _ in range(40)]
    assert in_turn(PODS)(answered(*names)).outcome is FAIL


def test_few_requests_say_nothing_of_turns() -> None:
    assert in_turn(PODS)(answered(*PODS)).outcome is INCONCLUSIVE


def test_pods_by_chance_are_even_and_without_memory() -> None:
    draw = random.Random(7)  # noqa: S311 (no secret)
    even = [draw.choice(PODS) for _ in range(800)]
    assert by_chance(PODS)(answered(*even)).outcome is PASS
    assert by_chance(PODS)(answered(*PODS * 200)).outcome is FAIL
    assert by_chance(PODS)(answered(*sorted(PODS * 200))).outcome is FAIL
    uneven = draw.choices(PODS, weights=(3, 3, 3, 0.2), k=800)
    assert by_chance(PODS)(answered(*uneven)).outcome is FAIL


def in_parallel(slow: int, quick: int, taken: float = 0.21, pressure: float = 0.0) -> History:
    ends = [("a", taken)] * slow + [(PODS[1 + n % 3], 0.01) for n in range(quick)]
    history = exchanges(*(by(pod, sent=0.0, received=end) for pod, end in ends))
    return history + History([], [window(ended=1.0, stalled=pressure)])


@pytest.mark.parametrize(
    ("history", "outcome"),
    [
        (in_parallel(10, 290), PASS),
        (in_parallel(37, 263), FAIL),
        (in_parallel(75, 225), FAIL),
        (in_parallel(75, 225, pressure=0.9), FAIL),
        (in_parallel(45, 255, pressure=0.9), INCONCLUSIVE),
        (in_parallel(45, 255), FAIL),
        (in_parallel(34, 266), FAIL),
        (in_parallel(34, 266, pressure=0.9), INCONCLUSIVE),
        (in_parallel(1, 10), INCONCLUSIVE),
    ],
)
def test_a_slow_pod_is_spared(history: History, outcome: Outcome) -> None:
    assert spared("a", 0.125, 0.2)(history).outcome is outcome


def test_the_control_of_a_slow_pod_is_one_that_gets_its_share() -> None:
    control = not_spared("a", 0.25, 0.2)
    assert control(in_parallel(75, 225)).outcome is PASS
    assert control(in_parallel(10, 290)).outcome is INCONCLUSIVE
    assert control(in_parallel(75, 225, taken=0.1)).outcome is INCONCLUSIVE


def ejection(pause: float, errors: int = 3, *, again: int = 200, pressure: float = 0.0) -> History:
    answers, now = [], 0.0
    for _ in range(errors):
        answers += [by("a", status=503, sent=now, received=now)]
        answers += [by(pod, sent=now + 0.1, received=now + 0.1) for pod in PODS[1:]]
        now += 0.2
    last = now - 0.2
    answers += [by("b", sent=now + 0.1, received=now + 0.1)]
    if pause:
        answers += [by("a", status=again, sent=last + pause, received=last + pause)]
    return exchanges(*answers) + History([], [window(ended=1.0, stalled=pressure)])


@pytest.mark.parametrize(
    ("history", "outcome"),
    [
        (ejection(5.4), PASS),
        (ejection(4.95), PASS),
        (ejection(1.4), FAIL),
        (ejection(0), FAIL),
        (ejection(9.0), FAIL),
        (ejection(9.0, pressure=0.9), INCONCLUSIVE),
        (ejection(5.4, again=503), INCONCLUSIVE),
        (ejection(0.2, errors=50), FAIL),
        (ejection(0, errors=2), INCONCLUSIVE),
        (ejection(5.4, errors=2), INCONCLUSIVE),
    ],
)
def test_a_pod_that_fails_is_left_for_its_time(history: History, outcome: Outcome) -> None:
    assert ejected("a", 3, 5.0, 1.0)(history).outcome is outcome


@pytest.mark.parametrize(
    ("names", "outcome"),
    [(("c", "d"), PASS), (("d",), FAIL), (("b", "c", "d"), FAIL), (PODS, FAIL)],
)
def test_half_of_the_pods_stay(names: tuple[str, ...], outcome: Outcome) -> None:
    history = answered(*(PODS * 6), *(names[n % len(names)] for n in range(24)))
    assert settled(left_alone(PODS, 2), 24)(history).outcome is outcome


KEYS = [f"k{number}" for number in range(40)]


@given(st.randoms(use_true_random=False))
def test_keys_that_move_are_those_of_one_pod_and_few_others(draw: random.Random) -> None:
    before = {key: draw.choice(PODS) for key in KEYS} | dict(zip("wxyz", PODS, strict=True))
    without = {key: draw.choice(PODS[1:]) if pod == "a" else pod for key, pod in before.items()}
    assert each_in_one_place(PODS)(keyed(before)).outcome is PASS
    assert stayed(keyed(before), keyed(without), "a", 0.0).outcome is PASS
    assert stayed(keyed(before), keyed(without | {"z": "b"}), "a", 0.5).outcome is PASS
    assert stayed(keyed(before), keyed(without | {"z": "b"}), "a", 0.0).outcome is FAIL
    assert stayed(keyed(dict.fromkeys("xy", "a")), keyed({}), "a", 0.5).outcome is INCONCLUSIVE
    assert came_back(keyed(before), keyed(before)).outcome is PASS
    assert came_back(keyed(before), keyed(before | {"z": "b"})).outcome is FAIL


def test_a_key_has_one_place_and_each_pod_has_keys() -> None:
    assert each_in_one_place(("a", "b"))(keyed({"x": "a", "y": "b", "z": "c"})).outcome is FAIL
    assert each_in_one_place(PODS)(keyed({"x": "a", "y": "b"})).outcome is FAIL
    twice = keyed({"x": "a", "y": "b"}) + keyed({"x": "b"})
    assert each_in_one_place(("a", "b"))(twice).outcome is FAIL


def test_nothing_may_arrive_where_nobody_is_ready() -> None:
    assert none_arrived(()).outcome is PASS
    assert none_arrived(("one",)).outcome is FAIL
