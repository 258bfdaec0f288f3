"""Requests while their route is edited, and while the pods that they go to are made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history.traces import Answer, Heartbeats, Trace
from fixtures.history.verdict import Outcome
from fixtures.manifests import load
from suites.service_mesh.edits import (
    ALWAYS,
    SETTLING,
    Edit,
    answered_between,
    by_the_edits,
    in_force_in_time,
)
from suites.service_mesh.flipped import exchanged
from suites.service_mesh.renewed import renewed, taken_over
from suites.service_mesh.subject import FLIP
from tests.histories import FAIL, INCONCLUSIVE, PASS
from tests.test_unbroken import HERE, REFUSED, THERE, trace
from tests.traces import BEGAN, INTERVAL

LONG = 500
"""Requests of a trace: four seconds of them."""
EDITS = (
    Edit("there", BEGAN + 1.0, BEGAN + 1.3, BEGAN + 1.6),
    Edit("here", BEGAN + 1.7, BEGAN + 2.0, BEGAN + 2.3),
    Edit("there", BEGAN + 2.4, BEGAN + 2.7, BEGAN + 3.0),
)
PRESSED = Heartbeats(np.array([BEGAN - 9, BEGAN + 9]), np.array([0.0, 18.0]))


def over(answer: Callable[[float], Answer], heartbeats: Heartbeats | None = None) -> Trace:
    """A trace of which each request was answered by what is said of its time, from the begin on."""
    whole = trace(*(answer(place * INTERVAL) for place in range(LONG)))
    return replace(whole, heartbeats=heartbeats) if heartbeats else whole


def by_edits_at(*times: float) -> Callable[[float], Answer]:
    """Answers of a proxy that goes by each edit from such a time on."""
    return lambda at: THERE if sum(at >= time for time in times) % 2 else HERE


RIGHT = by_edits_at(1.2, 1.75, 2.65)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (RIGHT, PASS),
        (by_edits_at(1.0, 1.7, 2.4), PASS),
        (by_edits_at(1.38, 2.08, 2.78), PASS),
        (by_edits_at(1.45, 2.0, 2.7), FAIL),
        (by_edits_at(0.9, 2.0, 2.7), FAIL),
        (by_edits_at(), FAIL),
        (lambda at: REFUSED if 1.2 < at < 1.3 else RIGHT(at), PASS),
    ],
)
def test_each_is_answered_by_whom_an_edit_leads_to(
    answer: Callable[[float], Answer], outcome: Outcome
) -> None:
    assert by_the_edits(over(answer), "here", EDITS).outcome is outcome


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        ((1.45, 2.0, 2.7), INCONCLUSIVE),
        ((), FAIL),
        ((1.2, 1.75, 2.65), PASS),
    ],
)
def test_a_pressed_machine_explains_a_thread_that_is_late_and_no_more(
    times: Sequence[float], outcome: Outcome
) -> None:
    late = over(by_edits_at(*times), PRESSED)
    assert by_the_edits(late, "here", EDITS).outcome is outcome


def test_a_request_under_way_may_be_answered_by_the_next_edit() -> None:
    slow = over(by_edits_at(1.2, 1.68, 2.65))
    assert by_the_edits(slow, "here", EDITS).outcome is FAIL
    assert by_the_edits(replace(slow, received=slow.sent + 0.1), "here", EDITS).outcome is PASS


@given(st.tuples(*(st.floats(0.0, 0.3 + SETTLING - 0.01) for _ in EDITS)))
def test_whenever_an_edit_comes_into_force_in_its_time_nobody_is_led_astray(
    delays: tuple[float, ...],
) -> None:
    times = [each.began - BEGAN + delay for each, delay in zip(EDITS, delays, strict=True)]
    assert by_the_edits(over(by_edits_at(*times)), "here", EDITS).outcome is PASS


@given(st.integers(0, 2), st.floats(0.05, 0.15))
def test_an_edit_that_is_lost_is_noticed(place: int, late: float) -> None:
    times = [each.known - BEGAN for each in EDITS]
    times[place] += SETTLING + late
    assert by_the_edits(over(by_edits_at(*times)), "here", EDITS).outcome is FAIL


def test_somebody_is_answered_between_edits() -> None:
    right = over(RIGHT)
    verdict = answered_between([right], EDITS)
    assert verdict.outcome is PASS
    assert verdict.numbers == {"fewest_between": 24}
    assert answered_between([right, right], EDITS).numbers == {"fewest_between": 48}
    silent = over(lambda at: REFUSED if 1.7 < at < 2.4 else RIGHT(at))
    assert answered_between([silent], EDITS).outcome is INCONCLUSIVE
    assert "edit 2 alone" in answered_between([silent], EDITS).reason
    assert answered_between([right, silent], EDITS).outcome is PASS
    assert answered_between([right], ()).outcome is INCONCLUSIVE
    assert answered_between([right], [Edit("there", BEGAN + 1)]).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("edits", "outcome", "reason"),
    [
        (EDITS, PASS, "3 edits were in force within 0.30 s each"),
        (EDITS[:2], INCONCLUSIVE, "only 2 of 3 edits were made"),
        ((*EDITS[:1], Edit("here", BEGAN)), FAIL, "edit 2 of 3 was not in force within 30 s"),
        ((), INCONCLUSIVE, "only 0 of 3 edits were made"),
    ],
)
def test_each_edit_is_in_force_in_time(
    edits: Sequence[Edit], outcome: Outcome, reason: str
) -> None:
    verdict = in_force_in_time(edits, 3, 30)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_an_edit_that_never_came_leaves_its_client_to_the_one_before() -> None:
    never = [*EDITS[:1], Edit("here", BEGAN + 1.7)]
    assert by_the_edits(over(by_edits_at(1.2)), "here", never).outcome is PASS
    assert by_the_edits(over(by_edits_at(1.2, 1.9)), "here", never).outcome is PASS
    assert never[1].known == ALWAYS


def test_an_edit_exchanges_the_weights_and_nothing_else() -> None:
    route = load().given(FLIP)
    other = replace(route, document=exchanged(route))
    (rule,), (before,) = (each.document["spec"]["http"] for each in (other, route))
    assert [each["weight"] for each in rule["route"]] == [0, 100]
    assert [each["weight"] for each in before["route"]] == [100, 0]
    assert [each["destination"] for each in rule["route"]] == [
        each["destination"] for each in before["route"]
    ]
    assert exchanged(other) == route.document


OLD, NEW = {"a-1", "a-2"}, {"b-1", "b-2"}


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (OLD, NEW, PASS),
        (OLD, {"a-1", "b-2"}, FAIL),
        (OLD, {"b-1"}, FAIL),
        (OLD, set(), FAIL),
        (set(), set(), FAIL),
    ],
)
def test_each_pod_is_another(before: set[str], after: set[str], outcome: Outcome) -> None:
    assert renewed(before, after).outcome is outcome


def rolled(*pods: str) -> Trace:
    """A trace of requests that these pods answered, one after another."""
    answers = tuple(Answer(status=200, service="a", pod=pod) for pod in dict.fromkeys(pods))
    places = [[each.pod for each in answers].index(pod) for pod in pods]
    return replace(
        trace(*[HERE] * len(pods)), answers=answers, answer=np.array(places, dtype=np.int64)
    )


@pytest.mark.parametrize(
    ("pods", "outcome"),
    [
        (["a-1", "a-2", "a-1", "b-1", "b-1", "b-2"], PASS),
        (["a-1", "a-1", "a-1", "b-1", "b-1", "b-2"], INCONCLUSIVE),
        (["a-1", "a-2", "a-1", "b-1", "b-1", "b-1"], FAIL),
        (["a-1", "a-2", "a-1", "b-1", "a-1", "b-2"], FAIL),
        (["a-1", "a-2", "a-2", "a-2"], INCONCLUSIVE),
    ],
)
def test_former_pods_answer_before_and_new_ones_since(pods: list[str], outcome: Outcome) -> None:
    began, ended = BEGAN + 2 * INTERVAL, BEGAN + 4 * INTERVAL
    assert taken_over([rolled(*pods)], OLD, NEW, began - 1e-3, ended - 1e-3).outcome is outcome
