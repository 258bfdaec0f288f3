"""What clients were answered while pods went, failed or fell silent; and what agents dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.history.traces import Answer, Trace
from fixtures.history.verdict import Outcome, Verdict
from fixtures.lab.origins import Arrival
from suites.multi_cloud.drops import dropped_between, dropped_by_deny, not_told
from suites.multi_cloud.moves import (
    first_by,
    left_after,
    never_asked,
    only_by,
    taking,
    unbroken,
)
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS, drop
from tests.traces import BEGAN, INTERVAL

HERE = Answer(status=200, service="here", pod="here-1")
THERE = Answer(status=200, service="there", pod="there-1")
OWN_503 = Answer(status=503, service="here", pod="here-1")
PROXYS_503 = Answer(status=503, body="no healthy upstream")
REFUSED = Answer(error="refused")
STARVED = Answer(error="starved")
ANSWERS = (HERE, THERE, OWN_503, PROXYS_503, REFUSED, STARVED)
BOTH = {"here", "there"}


def trace(*answers: Answer) -> Trace:
    empty = handmade.trace([handmade.SERVED] * len(answers))
    places = np.array([ANSWERS.index(answer) for answer in answers], dtype=np.int64)
    return replace(empty, answers=ANSWERS, answer=places)


def arrival(at: float, status: int = 503) -> Arrival:
    return Arrival(pod="p", at=at, method="GET", path="/", attempt=1, under_way=1, status=status)


@pytest.mark.parametrize(
    ("answers", "budget", "outcome"),
    [
        ([HERE, THERE], 0.0, PASS),
        ([HERE, REFUSED, THERE], 0.0, FAIL),
        ([HERE, REFUSED, THERE], 1.0, PASS),
        ([HERE, *[REFUSED] * 200, THERE], 1.0, FAIL),
        ([HERE, *[REFUSED] * 3, THERE], 0.02, INCONCLUSIVE),
        ([HERE, PROXYS_503], 0.0, FAIL),
        ([HERE, OWN_503], 0.0, PASS),
        ([HERE, STARVED, STARVED], 0.0, INCONCLUSIVE),
        ([], 0.0, INCONCLUSIVE),
    ],
)
def test_each_request_is_served_but_for_a_budget(
    answers: list[Answer], budget: float, outcome: Outcome
) -> None:

    assert unbroken(trace(*answers), BOTH, budget, failing="here").outcome is outcome


def test_a_503_is_a_failure_of_whoever_may_not_give_it() -> None:
    assert unbroken(trace(HERE, OWN_503), BOTH).outcome is FAIL


@pytest.mark.parametrize(
    ("answers", "services", "outcome"),
    [
        ([HERE] * 10, {"here"}, PASS),
        ([HERE] * 9, {"here"}, INCONCLUSIVE),
        ([HERE] * 10, {"there"}, FAIL),
        ([HERE] * 10 + [THERE], {"here"}, FAIL),
        ([HERE] * 10, BOTH, FAIL),
        ([HERE, THERE] * 5, BOTH, PASS),
        ([REFUSED] * 20, {"here"}, INCONCLUSIVE),
    ],
)
def test_nobody_but_these_answers_and_each_does(
    answers: list[Answer], services: set[str], outcome: Outcome
) -> None:
    assert only_by(trace(*answers), services, "meanwhile").outcome is outcome


def test_the_first_answer_of_a_service_is_timed() -> None:
    some = trace(HERE, HERE, THERE)
    assert first_by(some, "there", BEGAN) == pytest.approx(2 * INTERVAL + handmade.TOOK)
    never = first_by(some, "there", BEGAN + 1)
    assert never == float("inf")
    assert taking("it", never).outcome is FAIL
    assert taking("it", 0.5).numbers == {"it.seconds": 0.5}


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        ([1.0, 1.1, 1.2], PASS),
        ([1.0, 1.1, 1.2, 1.3], PASS),
        ([1.0, 1.1], INCONCLUSIVE),
        ([], INCONCLUSIVE),
        ([1.0, 1.1, 1.2, 2.5], FAIL),
        ([1.0, 1.1, 1.2, 6.5, 6.6, 6.7], PASS),
        ([1.0, 1.1, 1.2, 6.5, 6.6, 6.7, 8.0], FAIL),
    ],
)
def test_a_pod_is_left_after_its_errors(times: list[float], outcome: Outcome) -> None:
    arrivals = [arrival(at) for at in times] + [arrival(at=50.0, status=200)]
    assert left_after(arrivals, 3).outcome is outcome


def test_nothing_comes_to_the_other_cluster_before_it_must() -> None:
    assert never_asked([arrival(5.0)], 0, 5.0, "before").outcome is PASS
    assert never_asked([arrival(4.9)], 0, 5.0, "before").outcome is FAIL


SOURCE, TARGET = {"k8s:app=backend"}, {"k8s:app=frontend"}


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (dropped_by_deny([drop(reason="POLICY_DENY")], SOURCE, TARGET), PASS),
        (dropped_by_deny([drop(), drop(reason="POLICY_DENY")], SOURCE, TARGET), FAIL),
        (dropped_by_deny([], SOURCE, TARGET), FAIL),
        (dropped_by_deny([drop(reason="POLICY_DENY")], SOURCE, {"k8s:app=x"}), FAIL),
        (not_told([drop()], {"k8s:app=x"}), PASS),
        (not_told([drop()], SOURCE), FAIL),
        (dropped_between([drop()], SOURCE, TARGET), PASS),
        (dropped_between([drop()], TARGET, SOURCE), INCONCLUSIVE),
        (dropped_between([drop(reason="CT_MAP_INSERTION_FAILED")], SOURCE, TARGET), INCONCLUSIVE),
    ],
)
def test_drops_tell_where_and_by_what(verdict: Verdict, outcome: Outcome) -> None:
    assert verdict.outcome is outcome
