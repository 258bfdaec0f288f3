"""A fault that a route puts into some of its requests, judged from histories made by hand."""

from __future__ import annotations

import pytest

from fixtures.checks.samples import pairwise
from fixtures.history import History
from suites.service_mesh.aborted import FAULTED, SPARED, arrives_unless_aborted, faults
from suites.service_mesh.access_log import Line, Told
from suites.service_mesh.faulted import ABORT, SPACE
from tests.histories import Answer, exchanges

SERVED: Answer = {"status": 200, "service": "origin"}
ABORTED: Answer = {"status": 503, "body": "fault filter abort"}
ID = "5b6b1d0a-1111-9222-8333-444455556666"
COUNT = 500


def answered(every: int, spared: Answer = SERVED) -> History:
    """Of what bears the header one in so many is aborted, and beside it something is spared."""
    some = [SERVED if n % every else ABORTED for n in range(COUNT)]
    return exchanges(*some, stream=FAULTED) + exchanges(spared, stream=SPARED)


ARRIVALS = {
    **{f"{FAULTED}-{n}": ["pod"] for n in range(COUNT) if n % 5},
    f"{SPARED}-0": ["pod"],
}
FAR = {nonce: [Line(200, "-", ID)] for nonce in ARRIVALS}
NEAR = FAR | {f"{FAULTED}-{n}": [Line(503, "FI", ID)] for n in range(0, COUNT, 5)}
TOLD = Told(NEAR, FAR)


def test_a_fault_is_as_it_is_declared() -> None:
    assert faults("origin", ARRIVALS, TOLD)(answered(5)).outcome == "pass"
    assert faults("origin", ARRIVALS, TOLD)(History()).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (answered(COUNT), TOLD),
        (answered(2), TOLD),
        (answered(5, ABORTED), TOLD),
        (answered(5, {"status": 503, "service": "origin"}), TOLD),
        (answered(5), Told(FAR, FAR)),
        (answered(5), Told(NEAR, NEAR)),
        (answered(5), Told(NEAR | {f"{FAULTED}-0": [Line(503, "UF", ID)]}, FAR)),
    ],
)
def test_a_fault_that_is_another_is_seen(history: History, told: Told) -> None:
    assert faults("origin", ARRIVALS, told)(history).outcome == "fail"


@pytest.mark.parametrize(
    ("answer", "times", "outcome"),
    [
        (SERVED, 1, "pass"),
        (SERVED, 0, "fail"),
        (SERVED, 2, "fail"),
        (ABORTED, 0, "pass"),
        (ABORTED, 1, "fail"),
        ({**ABORTED, "service": "origin"}, 1, "pass"),
        ({**ABORTED, "body": "no healthy upstream"}, 1, "pass"),
    ],
)
def test_what_is_aborted_arrives_nowhere(answer: Answer, times: int, outcome: str) -> None:
    check = arrives_unless_aborted({"s-0": ["pod"] * times})
    assert check(exchanges(answer)).outcome == outcome


def test_all_that_resembles_the_header_is_asked_for() -> None:
    rows = pairwise(SPACE, 1)
    for dimension, values in SPACE.items():
        assert {row[dimension] for row in rows if row["fault"] == ABORT} <= set(values)
    assert {row["fault"] for row in rows} == set(SPACE["fault"])
    methods = {row["method"] for row in rows if row["fault"] == ABORT}
    assert methods == set(SPACE["method"])
