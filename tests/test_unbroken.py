"""What open-loop streams were answered while something was done: by whom, and without a break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.checks.unbroken import only_by, unbroken
from fixtures.checks.watched import KEEP_ALIVE
from fixtures.history.traces import Answer, Trace, Traces
from fixtures.history.verdict import Outcome
from fixtures.lab.open_loop import both_modes
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS

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


def test_a_trace_is_a_history_for_whoever_reads_it() -> None:
    traces = handmade.traces(trace(HERE, REFUSED))
    assert traces.only is traces.streams[0]
    assert [(e.stream, e.seq, e.pod, e.error) for e in traces.history] == [
        ("web", 0, "here-1", ""),
        ("web", 1, "", "refused"),
    ]
    assert len(traces.history.windows) == 1
    assert Traces(traces.streams, None).history.windows == ()


def test_the_same_is_asked_in_both_modes() -> None:
    keep_alive, new = both_modes("a", "http://198.18.0.1/", "a.test", 0.02, 0.05)
    assert (keep_alive.name, keep_alive.kept, keep_alive.interval) == (f"a{KEEP_ALIVE}", True, 0.02)
    assert (new.name, new.kept, new.interval) == ("a", False, 0.05)
    assert keep_alive.headers == new.headers == {"Host": "a.test"}
