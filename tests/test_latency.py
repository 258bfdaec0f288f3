"""Latency: percentiles as HDR histograms tell them, from when a request was due."""

from __future__ import annotations

import pytest

from fixtures.checks.latency import Periods, latencies
from tests.traces import BEGAN, INTERVAL, SERVED, STARVED, UNAVAILABLE, trace

ALL: Periods = (("before", 0.0, float("inf")),)


def test_percentiles_are_those_of_the_answers() -> None:
    took = [n / 1000 for n in range(1, 1001)]
    (found,) = latencies([trace([SERVED] * 1000, took=took)], ALL)
    assert found.n == 1000
    assert found.p50_ms == pytest.approx(500, rel=1e-3)
    assert found.p99_ms == pytest.approx(990, rel=1e-3)
    assert found.p999_ms == pytest.approx(999, rel=5e-4)
    assert found.max_ms == pytest.approx(1000, rel=5e-4)
    assert found.p999_ms < found.max_ms


def test_below_two_milliseconds_they_are_exact() -> None:
    (found,) = latencies([trace([SERVED] * 10, took=0.00150)], ALL)
    assert (found.p50_ms, found.p99_ms, found.p999_ms, found.max_ms) == (1.5, 1.5, 1.5, 1.5)


def test_a_request_that_waited_to_be_sent_counts_with_its_wait() -> None:
    (found,) = latencies([trace([SERVED], took=0.0005, lag=0.001)], ALL)
    assert found.max_ms == 1.5


def test_only_answers_have_a_latency_whatever_they_said() -> None:
    took = [0.001, 9.0, 0.0005]
    (found,) = latencies([trace([SERVED, STARVED, UNAVAILABLE], took=took)], ALL)
    assert (found.n, found.max_ms) == (2, 1.0)
    assert list(latencies([trace([STARVED])], ALL)) == []
    assert list(latencies([trace([])], ALL)) == []


def test_what_takes_longer_than_a_minute_counts_as_a_minute() -> None:
    (found,) = latencies([trace([SERVED], took=90.0)], ALL)
    assert found.max_ms == pytest.approx(60_000, rel=1e-3)


def test_clients_one_after_another_are_one_stream_and_periods_are_apart() -> None:
    cut = BEGAN + 4 * INTERVAL
    periods: Periods = (("before", 0.0, cut), ("after", cut, float("inf")))
    first = trace([SERVED] * 6, took=[0.001] * 4 + [0.0015] * 2)
    second = trace([SERVED] * 3, began=BEGAN + 1, took=0.0005)
    before, after = latencies([first, second], periods)
    assert (before.n, before.max_ms) == (4, 1.0)
    assert (after.n, after.max_ms, after.p50_ms) == (5, 1.5, 0.5)
