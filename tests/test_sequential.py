"""The sequential decision: its error rates by simulation, its rules by property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, groupby

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from fixtures.checks.sequential import (
    Decision,
    Outcome,
    SplitTest,
    exact_interval,
    independence,
)
from tests.bench.exact import exact

WALKS = 150

shares = st.floats(0.02, 0.98)
draws = st.lists(st.booleans(), max_size=60)
# Coarse enough to decide within a few hundred draws.
coarse = st.builds(
    SplitTest,
    share=st.floats(0.2, 0.8),
    margin=st.just(0.15),
    alpha=st.just(1e-3),
    beta=st.just(1e-3),
)


@st.composite
def backends(draw: st.DrawFn) -> list[bool]:
    """Some hundred draws of a backend of any share: enough for a coarse test to decide."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    share = draw(st.floats(0, 1))
    return [bool(hit) for hit in random.random(600) < share]


def simulated(test: SplitTest, true: float, seed: int, walks: int = WALKS) -> list[Decision]:
    """Decisions on seeded draws of a backend whose share is `true`."""
    random = np.random.default_rng(seed)
    return [test.decide((random.random(test.cap) < true).tolist()) for _ in range(walks)]


def mean_n(decisions: list[Decision]) -> float:
    return sum(decision.n for decision in decisions) / len(decisions)


def test_a_true_90_10_is_accepted_with_about_walds_mean_number_of_draws() -> None:
    decisions = simulated(SplitTest(), true=0.90, seed=1)
    assert {decision.outcome for decision in decisions} == {Outcome.ACCEPT}
    assert decisions[0].expected_n == pytest.approx(1268, abs=1)
    # The mean of the slower side, plus what the faster side and the overshoot add.
    assert 0.95 < mean_n(decisions) / decisions[0].expected_n < 1.25


@pytest.mark.parametrize(
    ("true", "outcome"),
    [
        (0.85, Outcome.TOO_FEW),
        (0.80, Outcome.TOO_FEW),
        (0.95, Outcome.TOO_MANY),
        (1.00, Outcome.TOO_MANY),
        (0.00, Outcome.TOO_FEW),
    ],
)
def test_the_nearest_wrong_splits_and_worse_ones_are_rejected(
    true: float, outcome: Outcome
) -> None:
    decisions = simulated(SplitTest(), true, seed=2, walks=60)
    assert {decision.outcome for decision in decisions} == {outcome}


def test_the_canary_side_of_a_split_decides_like_the_other_side() -> None:
    random = np.random.default_rng(3)
    stable = (random.random(10_000) < 0.9).tolist()
    one = SplitTest(0.90).decide(stable)
    other = SplitTest(0.10).decide([not hit for hit in stable])
    assert (one.outcome, one.n, one.hits) == (other.outcome, other.n, other.n - other.hits)


def test_large_error_rates_are_kept_too() -> None:
    """At one in twenty the bound can be seen at work, which it can't at one in a million."""
    test = SplitTest(0.5, margin=0.2, alpha=0.05, beta=0.05, cap=2_000)
    rejected = [d for d in simulated(test, 0.5, seed=4, walks=2_000) if d.outcome != Outcome.ACCEPT]
    accepted = [d for d in simulated(test, 0.3, seed=5, walks=2_000) if d.outcome == Outcome.ACCEPT]
    # Three standard errors above the bound.
    assert 0 < len(rejected) / 2_000 < 0.05 + 0.015
    assert len(accepted) / 2_000 < 0.05 + 0.015


@settings(max_examples=50)
@given(
    share=st.floats(0, 1),
    margin=st.floats(0.02, 0.5),
    alpha=st.floats(1e-6, 0.2),
    beta=st.floats(1e-6, 0.2),
    cap=st.integers(1, 400),
)
def test_the_error_rates_are_kept_by_any_test(
    share: float, margin: float, alpha: float, beta: float, cap: int
) -> None:
    """Exactly, not by simulation: whatever the weights, what is wrong stays within its bound."""
    assume(share in (0, 1) or 1e-3 < share < 1 - 1e-3)
    test = SplitTest(share, margin, alpha, beta, cap)
    wrong = [each for each in (test.low, test.high) if each is not None]
    chances = exact(test, [share, *wrong])
    assert chances.of(Outcome.TOO_FEW, Outcome.TOO_MANY)[0] <= alpha
    assert (chances.of(Outcome.ACCEPT)[1:] <= beta).all()


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_one_of_several_equal_shares_is_tested_as_a_split_tests_it(parts: int) -> None:
    base = SplitTest(share=0.5, margin=0.15)
    one = base.one_of(parts)
    assert one.share == pytest.approx(1 / parts)
    assert (one.margin, one.cap) == (base.margin, base.cap)
    assert one.alpha == pytest.approx(base.alpha / (parts if parts > 2 else 1))
    assert base.one_of(2) == base


def test_the_cap_leaves_it_undecided() -> None:
    decision = SplitTest(cap=100).decide([True] * 90 + [False] * 10 + [True] * 10_000)
    assert (decision.outcome, decision.n, decision.hits) == (Outcome.UNDECIDED, 100, 90)


def test_no_draw_leaves_it_undecided() -> None:
    decision = SplitTest().decide([])
    assert decision.outcome is Outcome.UNDECIDED
    assert (decision.n, decision.hits, decision.estimate) == (0, 0, 0.0)
    assert (decision.interval.low, decision.interval.high) == (0.0, 1.0)


@pytest.mark.parametrize(("share", "usual"), [(1.0, True), (0.0, False)])
def test_a_share_at_the_edge_is_accepted_in_time_and_rejected_by_one_draw(
    share: float, usual: bool
) -> None:
    assert SplitTest(share).decide([usual] * 1_000).outcome is Outcome.ACCEPT
    assert SplitTest(share).decide([usual] * 1_000).n == 270
    wrong = SplitTest(share).decide([usual] * 10 + [not usual])
    assert wrong.outcome is (Outcome.TOO_FEW if usual else Outcome.TOO_MANY)
    assert wrong.n == 11


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        (0.9, 0.85, 0.95),
        (0.97, 0.92, 0.985),
        (0.01, 0.005, 0.06),
        (1.0, 0.95, None),
        (0.0, None, 0.05),
    ],
)
def test_the_wrong_shares_stay_within_the_edges(
    share: float, low: float | None, high: float | None
) -> None:
    test = SplitTest(share)
    assert [test.low, test.high] == pytest.approx([low, high])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"share": 1.1}, "share 1.1 is outside [0, 1]"),
        ({"share": -0.1}, "share -0.1 is outside [0, 1]"),
        ({"margin": 0}, "margin 0 is outside (0, 1)"),
        ({"margin": 1}, "margin 1 is outside (0, 1)"),
        ({"alpha": 0}, "alpha 0 is outside (0, 1)"),
        ({"beta": 1}, "beta 1 is outside (0, 1)"),
        ({"cap": 0}, "cap 0 allows no draw"),
    ],
)
def test_a_test_that_cannot_be_is_refused(wrong: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        replace(SplitTest(), **wrong)  # type: ignore[arg-type]


def test_one_draw_is_the_least_that_may_be_allowed() -> None:
    assert SplitTest(cap=1).decide([True, True]).n == 1


def test_a_decision_carries_the_tests_own_numbers() -> None:
    test = SplitTest(0.5, margin=0.1, alpha=0.01, beta=0.02)
    decision = test.decide([True, False, True])
    assert (decision.alpha, decision.beta) == (0.01, 0.02)
    assert decision.expected_n == test.expected_n
    assert decision.interval == exact_interval(2, 3) == exact_interval(2, 3, 0.99)
    assert decision.estimate == pytest.approx(2 / 3)


@pytest.mark.parametrize(("share", "hit"), [(0.5, True), (0.5, False), (0.9, False), (0.2, True)])
def test_a_side_rejects_at_its_half_of_the_allowance(share: float, hit: bool) -> None:
    """By definition: likelihood under the wrong share over that under the declared one."""
    test = SplitTest(share, margin=0.1, alpha=0.02, beta=1e-9)
    decision = test.decide([hit] * 200)
    step = (share + 0.1) / share if hit else (1 - share + 0.1) / (1 - share)
    assert decision.outcome is (Outcome.TOO_MANY if hit else Outcome.TOO_FEW)
    assert step ** (decision.n - 1) < 2 / 0.02 <= step**decision.n


def test_a_ratio_that_just_reaches_its_limit_decides() -> None:
    """Powers of two, so that four steps come to the limit without rounding."""
    rejecting = SplitTest(0.25, margin=0.25, alpha=2 * 2**-4, beta=0.1)
    assert rejecting.decide([True] * 9).n == 4
    accepting = SplitTest(1.0, margin=0.5, alpha=0.1, beta=2**-4)
    assert accepting.decide([True] * 9).n == 4


@given(coarse, backends(), draws)
def test_what_comes_after_the_stop_does_not_matter(
    test: SplitTest, before: list[bool], after: list[bool]
) -> None:
    decision = test.decide(before)
    assume(decision.outcome is not Outcome.UNDECIDED)
    assert test.decide(before + after) == decision
    assert test.decide(before[: decision.n]) == decision
    assert test.decide(before[: decision.n - 1]).outcome is Outcome.UNDECIDED


@given(coarse, backends())
def test_deciding_is_walking(test: SplitTest, outcomes: list[bool]) -> None:
    walk = test.walk()
    stops = [walk.observe(hit) for hit in outcomes]
    assert walk.decision() == test.decide(outcomes)
    assert stops == sorted(stops)
    assert stops.count(False) == min(walk.n, len(outcomes)) - (walk.done and walk.n > 0)


@given(shares, draws)
def test_the_numbers_add_up(share: float, outcomes: list[bool]) -> None:
    decision = SplitTest(share).decide(outcomes)
    used = outcomes[: decision.n]
    assert decision.hits == sum(used)
    assert decision.interval.low <= decision.estimate <= decision.interval.high
    assert decision.expected_n > 0


@given(coarse)
def test_no_draw_is_taken_after_the_decision(test: SplitTest) -> None:
    taken = 0

    def source() -> Iterator[bool]:
        nonlocal taken
        while True:
            taken += 1
            yield True

    assert test.decide(source()).n == taken


@settings(max_examples=50)
@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_is_clopper_and_pearsons(n: int, part: float, confidence: float) -> None:
    """By definition: at either end, what was seen or more extreme has the tail's chance."""
    hits = round(n * part)
    interval = exact_interval(hits, n, confidence)
    tail = pytest.approx((1 - confidence) / 2)
    if hits > 0:
        assert special.bdtrc(hits - 1, n, interval.low) == tail
    if hits < n:
        assert special.bdtr(hits, n, interval.high) == tail
    assert (interval.low == 0, interval.high == 1) == (hits == 0, hits == n)


def test_independent_draws_are_told_from_ordered_ones() -> None:
    random = np.random.default_rng(6)
    assert independence((random.random(2_000) < 0.9).tolist()) > 1e-3
    assert independence([True, False] * 200) < 1e-6, "round robin"
    assert independence(([True] * 90 + [False] * 10) * 5) < 1e-6, "in blocks"
    assert independence([True] * 100) == 1.0, "nothing to tell"
    assert independence([]) == independence([True]) == independence([True, False]) == 1.0


@given(st.lists(st.booleans(), min_size=3, max_size=9))
def test_independence_is_the_chance_of_the_runs_seen(outcomes: list[bool]) -> None:
    """Mean and variance of the runs are those over all orders of as many hits."""
    n, hits = len(outcomes), sum(outcomes)
    assume(0 < hits < n)
    orders = [[at in chosen for at in range(n)] for chosen in combinations(range(n), hits)]
    all_runs = [sum(1 for _ in groupby(order)) for order in orders]
    away = abs(sum(1 for _ in groupby(outcomes)) - np.mean(all_runs)) / np.std(all_runs)
    assert independence(outcomes) == pytest.approx(2 * special.ndtr(-away))
