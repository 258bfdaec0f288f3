"""How the share of a new pod rises, by traces made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fixtures.history.traces import Answer, Numbers, Trace
from fixtures.history.verdict import Outcome
from suites.load_balancing.newcomer import SPANS
from suites.load_balancing.warmed import Span, first_answer, share, warms_up
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS

OLD, NEW = ("a", "b", "c", "d"), "new"
FAIR = 0.2
INTERVAL = 0.0125
EVERY = (*(Answer(status=200, service="pool", pod=pod) for pod in (*OLD, NEW)), Answer())
SILENT = len(EVERY) - 1
COMES, ENDS = 2.0, 21.0
"""Seconds after the begin at which the pod comes, and at which all ends."""


def trace(weight: Callable[[float], float], *, answered: float = ENDS) -> Trace:
    """Requests that are shared by weight: of one to each old pod, and to the new one of what is
    told of the seconds since it came; from a time on nobody answers."""
    places, owed = list[int](), [0.0] * 5
    for number in range(round(ENDS / INTERVAL)):
        at = number * INTERVAL
        weights = [1.0] * 4 + [weight(at - COMES) if at >= COMES else 0.0]
        owed = [each + own / sum(weights) for each, own in zip(owed, weights, strict=True)]
        chosen = owed.index(max(owed))
        owed[chosen] -= 1
        places.append(chosen if at < answered else SILENT)
    sent: Numbers = 1_000.0 + np.arange(len(places), dtype=np.float64) * INTERVAL
    empty = handmade.trace([handmade.SERVED] * len(places))
    answer = np.array(places, dtype=np.int64)
    return replace(empty, answers=EVERY, answer=answer, due=sent, sent=sent)


def ramp(seconds: float, least: float = 0.1) -> Trace:
    return trace(lambda since: min(1.0, max(least, since / seconds)))


@pytest.mark.parametrize(
    ("warming", "at_once", "outcome"),
    [
        (ramp(10), ramp(0.001), PASS),
        (ramp(0.001), ramp(0.001), FAIL),
        (ramp(1), ramp(0.001), FAIL),
        (ramp(3), ramp(0.001), FAIL),
        (ramp(60), ramp(0.001), FAIL),
        (trace(lambda since: min(0.7, max(0.1, since / 10))), ramp(0.001), FAIL),
        (trace(lambda _: 0.1), ramp(0.001), FAIL),
        (trace(lambda since: 0.0 if since < 8 else 1.0), ramp(0.001), FAIL),
        (trace(lambda since: 3.0 if since > 9 else since / 10), ramp(0.001), FAIL),
        (ramp(10), ramp(10), INCONCLUSIVE),
        (ramp(10), trace(lambda _: 0.0), INCONCLUSIVE),
        (trace(lambda since: since / 10, answered=6.0), ramp(0.001), INCONCLUSIVE),
    ],
)
def test_a_new_pod_warms_up(warming: Trace, at_once: Trace, outcome: Outcome) -> None:
    assert warms_up(warming, at_once, NEW, FAIR, SPANS).outcome is outcome


def test_shares_are_told_of_each_time() -> None:
    verdict = warms_up(ramp(10), ramp(0.001), NEW, FAIR, SPANS)
    assert verdict.numbers["share.third"] == FAIR
    assert verdict.numbers["share.control"] == FAIR
    assert verdict.reason.startswith("the new pod got 3.1%, 10.0% and then 20.0%")


def test_a_share_is_of_what_was_answered_and_sent_in_a_time() -> None:
    at_once = ramp(0.001)
    since = first_answer(at_once, NEW)
    assert 1_000 + COMES <= since < 1_000 + COMES + 5 * INTERVAL
    assert share(at_once, NEW, since, Span(0, 1)) == (80, 16)
    assert share(at_once, NEW, since, Span(-1, 0)).hits == 0
    late = replace(at_once, sent=at_once.sent + 1)
    assert share(late, NEW, since, Span(0, 1)).hits == 0
    assert share(trace(lambda _: 1.0, answered=0.0), NEW, since, Span(0, 1)).value == 0
    assert first_answer(trace(lambda _: 0.0), NEW) == float("inf")
