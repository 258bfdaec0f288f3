"""Outages: bounds that hold the truth, budgets that are kept, and nothing that goes unseen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.expectations import BY_RBAC, NO_ROUTE, CutOff, Dropped, Expectation, Served
from fixtures.checks.outages import coverage_of, kinds_of, outages_of, phase_at, spent
from fixtures.history.traces import Answer, Heartbeats
from reports.upgrade_schema import WINDOW, Phase
from tests.traces import (
    ALLOWED,
    BEGAN,
    DENIED,
    INTERVAL,
    REFUSED,
    SERVED,
    SILENT,
    STARVED,
    TOOK,
    UNANSWERED,
    UNAVAILABLE,
    WRONG,
    trace,
)

PHASES = (
    Phase(name="quiet", started=0.0, seconds=1.0),
    Phase(name="cilium", component="cilium", started=1.0, seconds=2.0),
)
WATCHED = np.array([BEGAN - 1, BEGAN + 9])


@pytest.mark.parametrize(
    ("expectation", "answer", "kind"),
    [
        (ALLOWED, SERVED, ""),
        (ALLOWED, WRONG, "misrouted"),
        (ALLOWED, Answer(status=500, service="web-service"), "misrouted"),
        (ALLOWED, DENIED, "refused"),
        (ALLOWED, UNAVAILABLE, "refused"),
        (ALLOWED, REFUSED, "refused"),
        (ALLOWED, SILENT, "dropped"),
        (ALLOWED, STARVED, "starved"),
        (BY_RBAC, DENIED, ""),
        (BY_RBAC, SERVED, "leak"),
        (BY_RBAC, Answer(status=404, service="web-service"), "leak"),
        (BY_RBAC, Answer(status=200), "leak"),
        (BY_RBAC, Answer(status=204), "leak"),
        (BY_RBAC, Answer(status=300), "unproven"),
        (BY_RBAC, Answer(status=403, body="another's"), "unproven"),
        (BY_RBAC, UNAVAILABLE, "unproven"),
        (BY_RBAC, SILENT, "unproven"),
        (BY_RBAC, STARVED, "starved"),
        (NO_ROUTE, Answer(status=404), ""),
        (NO_ROUTE, Answer(status=404, body="text"), "unproven"),
        (NO_ROUTE, SERVED, "leak"),
        (Dropped(), SILENT, ""),
        (Dropped(), SERVED, "leak"),
        (Dropped(), UNAVAILABLE, "leak"),
        (Dropped(), REFUSED, "unproven"),
        (Dropped(), UNANSWERED, "leak"),
        (Dropped(), Answer(error="reset", detail="connected: ConnectionResetError"), "leak"),
        (Dropped(), STARVED, "starved"),
        (CutOff(), Answer(error="reset", detail="connected: ConnectionResetError"), ""),
        (CutOff(), Answer(error="reset"), ""),
        (CutOff(), SERVED, "leak"),
        (CutOff(), UNAVAILABLE, "leak"),
        (CutOff(), SILENT, "unproven"),
        (CutOff(), REFUSED, "unproven"),
        (CutOff(), STARVED, "starved"),
    ],
)
def test_each_answer_has_its_kind(expectation: Expectation, answer: Answer, kind: str) -> None:
    assert expectation.kind(answer) == kind


def test_late_counts_from_when_it_was_due() -> None:
    slow = trace([SERVED] * 3, took=[0.1, 0.1, 0.1], lag=[0.0, 0.45, 0.0])
    assert kinds_of(slow, ALLOWED).tolist() == ["", "late", ""]
    assert kinds_of(slow, Served(ALLOWED.services, late=0.0)).tolist() == ["", "", ""]
    assert kinds_of(trace([]), ALLOWED).tolist() == []


@pytest.mark.parametrize(
    ("answer", "pressure", "kind"),
    [
        (UNANSWERED, 0.9, "starved"),
        (UNANSWERED, 0.5, "dropped"),
        (SILENT, 0.9, "dropped"),
        (REFUSED, 0.9, "refused"),
        (WRONG, 0.9, "misrouted"),
    ],
)
def test_a_pressed_machine_excuses_silence_over_a_connection_that_stood(
    answer: Answer, pressure: float, kind: str
) -> None:
    heartbeats = Heartbeats(WATCHED, np.array([50.0, 50.0 + 10 * pressure]))
    read = trace([SERVED, answer, SERVED], took=[TOOK, 0.9, TOOK], heartbeats=heartbeats)
    assert kinds_of(read, ALLOWED).tolist() == ["", kind, ""]


@pytest.mark.parametrize(
    ("waits", "calm", "kinds"),
    [
        # Nine tenths of a second each, of which nothing waited for the first 0.3: of the first wait
        # alone 67 % were pressed, of the silence 88 %.
        ([0.0, 0.4, 0.8, 1.2, 1.6], 0.3, ["starved"] * 5),
        # The same apart: no wait tells of another.
        ([0.0, 1.0, 2.0, 3.0, 4.0], 0.3, ["dropped", *["starved"] * 4]),
        # A calm machine for half of it.
        ([0.0, 0.4, 0.8, 1.2, 1.6], 1.25, ["dropped", "dropped", "dropped", "starved", "starved"]),
        # Of a quarter of a minute no machine is the cause.
        ([0.8 * n for n in range(20)], 0.3, ["dropped", *["starved"] * 19]),
    ],
)
def test_a_silence_is_one_for_all_who_waited_in_it(
    waits: list[float], calm: float, kinds: list[str]
) -> None:
    at = np.array([0.0, calm, 100.0])
    heartbeats = Heartbeats(BEGAN + at, np.array([0.0, 0.0, 100.0 - calm]))
    lag = np.array(waits) - INTERVAL * np.arange(len(waits))
    read = trace([UNANSWERED] * len(waits), took=0.9, lag=lag, heartbeats=heartbeats)
    assert kinds_of(read, ALLOWED).tolist() == kinds


def test_a_pressed_machine_excuses_no_leak() -> None:
    heartbeats = Heartbeats(WATCHED, np.array([0.0, 10.0]))
    read = trace([UNANSWERED, SERVED], took=0.9, heartbeats=heartbeats)
    assert kinds_of(read, BY_RBAC).tolist() == ["starved", "leak"]
    assert kinds_of(read, Dropped()).tolist() == ["leak", "leak"]


def test_one_bad_request_lasted_between_nothing_and_its_neighbours() -> None:
    read = trace([SERVED, SERVED, REFUSED, SERVED])
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert (outage.kind, outage.n, outage.of, outage.seen) == ("refused", 1, 1, "refused")
    assert outage.low == 0
    assert outage.high == pytest.approx(2 * INTERVAL + TOOK)
    assert outage.phase == "quiet"
    assert outage.started == pytest.approx(2 * INTERVAL)


def test_the_silent_tell_of_the_time_they_were_sent() -> None:
    read = trace([SERVED, SILENT, SILENT, SILENT, SERVED], took=[TOOK, 0.9, 0.9, 0.9, TOOK])
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert outage.low == pytest.approx(2 * INTERVAL)
    assert outage.high == pytest.approx(4 * INTERVAL + TOOK)


def test_what_was_not_sent_is_of_the_time_when_it_was_due() -> None:
    lag = [0.0, 0.5, 0.5 - INTERVAL, 0.0]
    read = trace([SERVED, STARVED, STARVED, SERVED], lag=lag)
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert (outage.kind, outage.n) == ("starved", 2)
    assert outage.started == pytest.approx(INTERVAL)
    assert outage.low == pytest.approx(INTERVAL)
    assert outage.high == pytest.approx(3 * INTERVAL + TOOK)


def test_a_neighbour_that_tells_nothing_ends_nothing() -> None:
    """A fault goes on while nothing was asked: what was starved beside it did not see its end."""
    beside = [SERVED, STARVED, STARVED, SILENT, STARVED, SERVED]
    read = trace(beside, took=[TOOK, TOOK, TOOK, 0.9, TOOK, TOOK])
    kinds = kinds_of(read, ALLOWED)
    (dropped,) = [e for e in outages_of(read, kinds, BEGAN, PHASES) if e.kind == "dropped"]
    assert (dropped.low, dropped.n) == (0.0, 1)
    assert dropped.high == pytest.approx(5 * INTERVAL + TOOK)
    read = trace(beside[1:-1], took=[TOOK, TOOK, 0.9, TOOK])
    kinds = kinds_of(read, ALLOWED)
    (dropped,) = [e for e in outages_of(read, kinds, BEGAN, PHASES) if e.kind == "dropped"]
    assert dropped.high == pytest.approx(5 * INTERVAL)


def test_what_is_far_apart_is_two_outages_and_what_is_near_is_one() -> None:
    near = [SERVED, REFUSED, SERVED, REFUSED, SERVED]
    read = trace(near + [SERVED] * 200 + near)
    outages = list(outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES))
    assert [(e.n, e.of, e.phase) for e in outages] == [(2, 3, "quiet"), (2, 3, "cilium")]
    assert outages[0].high == pytest.approx(4 * INTERVAL + TOOK)


def test_runs_of_one_outage_are_bounded_each_for_itself() -> None:
    read = trace([SERVED, REFUSED, REFUSED, SERVED, SERVED, REFUSED, REFUSED, REFUSED, SERVED])
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert (outage.n, outage.of) == (5, 7)
    assert outage.low == pytest.approx((INTERVAL - TOOK) + (2 * INTERVAL - TOOK))
    assert outage.high == pytest.approx((3 * INTERVAL + TOOK) + (4 * INTERVAL + TOOK))


def test_bounds_count_from_when_requests_were_truly_sent() -> None:
    lag = [0.004, 0.0, 0.0, 0.003, 0.0]
    read = trace([SERVED, REFUSED, REFUSED, REFUSED, SERVED], lag=lag)
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert outage.low == pytest.approx(2 * INTERVAL + 0.003 - TOOK)
    assert outage.high == pytest.approx(4 * INTERVAL + TOOK - 0.004)


def test_at_the_edges_of_a_trace_a_state_may_have_lasted_an_interval_longer() -> None:
    read = trace([REFUSED, SERVED, REFUSED])
    (outage,) = outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES)
    assert outage.high == pytest.approx(4 * INTERVAL + TOOK)


def test_kinds_are_told_apart() -> None:
    read = trace([SERVED, WRONG, REFUSED, SILENT, SERVED])
    outages = list(outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES))
    assert [e.kind for e in outages] == ["misrouted", "refused", "dropped"]


def test_the_phase_that_began_last_is_named() -> None:
    inner = Phase(name="inner", component="cilium", started=1.5, seconds=0.1)
    assert phase_at((*PHASES, inner), 1.55) == "inner"
    assert phase_at(PHASES, 1.55) == "cilium"
    assert phase_at(PHASES, 99.0) == ""
    assert [phase_at(PHASES, edge) for edge in (0.0, 1.0, 3.0)] == ["quiet", "cilium", ""]


@given(
    n=st.integers(20, 200),
    start=st.floats(0.02, 0.10),
    length=st.floats(0.0, 0.5),
    delay=st.floats(0.0001, 0.0019),
    starved=st.sets(st.integers(0, 199)),
)
def test_the_bounds_hold_the_truth(
    n: int, start: float, length: float, delay: float, starved: set[int]
) -> None:
    """A state that truly lasted so long, met by each request `delay` after it was sent.

    Whatever else was never sent.
    """
    met = BEGAN + np.arange(n) * INTERVAL + delay
    bad = (met >= BEGAN + start) & (met < BEGAN + start + length)
    sent = ~np.isin(np.arange(n), list(starved))
    answers = [REFUSED if b else SERVED for b in bad]
    read = trace([a if s else STARVED for a, s in zip(answers, sent, strict=True)])
    outages = list(outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES))
    total = spent(outages, ("refused",))
    inside = min(length, max(0.0, n * INTERVAL - start))
    assert total.n == (bad & sent).sum()
    assert total.low <= length + 1e-9
    if total.n:
        assert total.high >= inside - 1e-9
    if inside >= WINDOW and not starved:
        assert total.n


@given(st.lists(st.booleans(), min_size=3, max_size=60), st.floats(0.001, 0.5))
def test_no_moment_counts_twice(bad: list[bool], took: float) -> None:
    """Answers that take long show one state in many rows, whose bounds overlap."""
    answers = [SERVED, *(REFUSED if b else SERVED for b in bad), SERVED]
    read = trace(answers, took=took)
    outages = list(outages_of(read, kinds_of(read, ALLOWED), BEGAN, PHASES))
    (high,) = [e.high for e in outages] or [0.0]
    places = [place for place, answer in enumerate(answers) if answer is REFUSED]
    rows = sum(after - before > 1 for before, after in pairwise([-9, *places]))
    whole = (places[-1] - places[0] + 2) * INTERVAL + took if places else 0.0
    apart = (len(places) + rows) * INTERVAL + rows * took  # if none of the rows overlapped
    assert high <= min(whole, apart) + 1e-9
    if took > 2 * INTERVAL * len(bad):  # all of them do
        assert high == pytest.approx(whole)


def test_a_stream_is_watched_as_long_as_no_window_can_be_missed() -> None:
    coverage = coverage_of([trace([SERVED] * 101)])
    assert coverage.watched == 1.0
    assert coverage.blind == pytest.approx(INTERVAL)
    gap = trace([SERVED] * 50 + [STARVED] * 50 + [SERVED] * 51)
    assert coverage_of([gap]).blind == pytest.approx(51 * INTERVAL)
    assert coverage_of([gap]).watched == pytest.approx(99 / 150)
    begun_late = trace([STARVED] * 50 + [SERVED] * 51 + [STARVED] * 50)
    assert coverage_of([begun_late]).watched == pytest.approx(50 / 150)
    assert coverage_of([trace([SERVED] * 2)]).watched == 1.0
    assert coverage_of([trace([SERVED])]).watched == 0
    assert coverage_of([trace([])]).watched == 0
    assert coverage_of([]).watched == 0


def test_a_longer_window_can_be_missed_less() -> None:
    gaps = trace(([SERVED] * 10 + [STARVED] * 3) * 9 + [SERVED])
    assert coverage_of([gaps], WINDOW).watched < 0.9
    assert coverage_of([gaps], 5 * WINDOW).watched == 1.0


@pytest.mark.parametrize(("pressure", "watched"), [(0.0, 1.0), (1.0, 49 / 149)])
def test_what_a_pressed_machine_did_not_answer_saw_nothing(pressure: float, watched: float) -> None:
    heartbeats = Heartbeats(WATCHED, np.array([50.0, 50.0 + 10 * pressure]))
    read = trace([SERVED] * 50 + [UNANSWERED] * 100, took=0.9, heartbeats=heartbeats)
    assert coverage_of([read]).watched == pytest.approx(watched)


def test_streams_that_ask_in_turn_watch_together() -> None:
    late = trace([SERVED] * 50, began=BEGAN + INTERVAL / 2)
    coverage = coverage_of([trace([SERVED] * 50), late])
    assert coverage.watched == 1.0
    assert coverage.blind == pytest.approx(INTERVAL / 2)
