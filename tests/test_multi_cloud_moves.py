"""What clients were answered while pods went, failed or fell silent; and what agents dropped."""

from __future__ import annotations

import pytest

from fixtures.history.verdict import Outcome, Verdict
from fixtures.lab.origins import Arrival
from suites.multi_cloud.drops import dropped_between, dropped_by_deny, not_told
from suites.multi_cloud.moves import first_by, left_after, never_asked, taking
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS, drop
from tests.test_unbroken import HERE, THERE, trace
from tests.traces import BEGAN, INTERVAL


def arrival(at: float, status: int = 503) -> Arrival:
    return Arrival(pod="p", at=at, method="GET", path="/", attempt=1, under_way=1, status=status)


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
