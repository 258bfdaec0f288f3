"""Paired latency: what is decided of two ways, on what is known of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.checks.paired import Allowance, adds_at_most, excess
from fixtures.history import History
from tests.histories import WEB, exchanges, window

NONE, DOUBLE = Allowance(0.0), Allowance(1.0)


def draws(median: float, n: int = 400, seed: int = 1) -> list[float]:
    """Latencies of a service, in seconds: a long tail above its median."""
    return [float(each) for each in np.random.default_rng(seed).lognormal(np.log(median), 0.3, n)]


def history(way: list[float], counterpart: list[float], *, pressure: float = 0.0) -> History:
    parts = [
        exchanges(*({**WEB, "sent": 0, "received": each} for each in latencies), stream=stream)
        for stream, latencies in (("way", way), ("counterpart", counterpart))
    ]
    lines = len(way) + len(counterpart)
    return sum(parts, History((), [window(ended=10, lines=lines, stalled=pressure * 10)]))


@pytest.mark.parametrize(
    ("way", "allowance", "outcome"),
    [
        (draws(0.0012), DOUBLE, "pass"),
        (draws(0.0022), Allowance(1.0, seconds=0.001), "pass"),
        (draws(0.0060), DOUBLE, "fail"),
        ([2 * latency for latency in draws(0.001, seed=2)], DOUBLE, "inconclusive"),
    ],
)
def test_a_way_may_take_as_long_as_its_twin_allows(
    way: list[float], allowance: Allowance, outcome: str
) -> None:
    verdict = adds_at_most(allowance, ["way"], ["counterpart"])(history(way, draws(0.001, seed=2)))
    assert verdict.outcome == outcome, verdict.reason


def test_a_tenth_that_is_slow_is_seen_at_the_90th_percentile() -> None:
    slow = [latency + (0.05 if n % 5 == 0 else 0) for n, latency in enumerate(draws(0.001))]
    verdict = adds_at_most(DOUBLE, ["way"], ["counterpart"])(history(slow, draws(0.001, seed=2)))
    assert verdict.outcome == "fail"
    assert "p90 is" in verdict.reason


@pytest.mark.parametrize(("way", "outcome"), [(0.01, "inconclusive"), (0.0012, "pass")])
def test_that_a_pressed_machine_takes_longer_says_nothing(way: float, outcome: str) -> None:
    pressed = history(draws(way), draws(0.001), pressure=0.9)
    verdict = adds_at_most(DOUBLE, ["way"], ["counterpart"])(pressed)
    assert verdict.outcome == outcome
    assert "p50.added_ms" in verdict.numbers


def test_what_was_not_served_has_no_latency() -> None:
    whole = history(draws(0.001), draws(0.001, seed=2))
    lost = [e.model_copy(update={"status": 503}) if not e.seq else e for e in whole]
    verdict = adds_at_most(DOUBLE, ["way"], ["counterpart"])(History(lost, whole.windows))
    assert verdict.outcome == "inconclusive"
    assert verdict.reason.startswith("2 of 800 were not served")


def test_too_few_are_too_few() -> None:
    few = history(draws(0.001, 20), draws(0.001, 20))
    assert adds_at_most(DOUBLE, ["way"], ["counterpart"])(few).outcome == "inconclusive"
    with pytest.raises(ValueError, match="fewer than two"):
        excess([1.0], [1.0, 2.0], 50, NONE)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), percentile=st.sampled_from([50, 90]))
def test_a_way_against_itself_is_never_told_from_it_without_doubt(
    seed: int, percentile: int
) -> None:
    """The interval of a way against the same one, drawn anew, is rarely all above twice it."""
    one, other = draws(0.001, seed=seed), draws(0.001, seed=seed + 1)
    assert excess(one, other, percentile, Allowance(0.25)).low < 0
