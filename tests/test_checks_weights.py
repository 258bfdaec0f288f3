"""Weights: declared splits told from the nearest wrong ones, and draws from turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fixtures import checks
from fixtures.checks.sequential import Interval, SplitTest, exact_interval
from fixtures.history import History
from fixtures.history.verdict import Outcome
from tests.histories import (
    FAIL,
    FORBIDDEN_BY_ECHO,
    INCONCLUSIVE,
    MOBILE,
    PASS,
    TIMEOUT,
    WEB,
    exchanges,
)

SERVICES = ("api-service", "api-service-canary", "api-service-third")


WIDE = SplitTest(margin=0.2)
"""Decides within a few hundred draws, at the usual error rates."""


def drawn(n: int, *shares: float, seed: int = 7) -> History:
    """Answers of backends drawn with these shares."""
    return answered(n, shares, seed, SERVICES)


def answered(n: int, shares: Sequence[float], seed: int, names: Sequence[str] = ()) -> History:
    """Answers of however many backends, by default of `backend-0`, `backend-1` and so on."""
    names = (names or [f"backend-{number}" for number in range(len(shares))])[: len(shares)]
    chosen = np.random.default_rng(seed).choice(names, n, p=shares)
    return exchanges(*({"status": 200, "service": str(service)} for service in chosen))


@pytest.mark.parametrize(
    ("shares", "outcome"),
    [((0.9, 0.1), PASS), ((0.85, 0.15), FAIL), ((0.95, 0.05), FAIL), ((0.5, 0.5), FAIL)],
)
def test_90_10_is_told_from_the_nearest_wrong_splits(
    shares: tuple[float, ...], outcome: Outcome
) -> None:
    check = checks.split({"api-service": 90, "api-service-canary": 10})
    verdict = check(drawn(4_000, *shares))
    assert verdict.outcome is outcome, verdict.reason
    assert 0 < float(verdict.numbers["api-service.n"]) < 4_000


def test_three_backends_are_each_decided_against_the_rest() -> None:
    test = SplitTest(margin=0.1)
    check = checks.split(dict(zip(SERVICES, (2, 1, 1), strict=True)), test)
    assert check(drawn(4_000, 0.5, 0.25, 0.25)).passed
    swapped = check(drawn(4_000, 0.5, 0.1, 0.4))
    assert swapped.outcome is FAIL
    assert "api-service-third" in swapped.reason
    assert float(swapped.numbers["api-service.alpha"]) == pytest.approx(test.alpha / 3)


@pytest.mark.parametrize("weights", [(1, 2, 7), (1, 1, 1, 1), (3, 1, 1, 2, 5), (0, 1, 3)])
def test_any_weights_are_told_from_the_nearest_wrong_ones(weights: tuple[int, ...]) -> None:
    total, test = sum(weights), SplitTest(margin=0.09)
    check = checks.split({f"backend-{n}": weight for n, weight in enumerate(weights)}, test)
    shares = [weight / total for weight in weights]
    assert check(answered(6_000, shares, seed=8)).passed
    moved = [shares[0] + test.margin, *shares[1:-1], shares[-1] - test.margin]
    verdict = check(answered(6_000, moved, seed=9))
    assert verdict.outcome is FAIL, verdict


any_weights = st.lists(st.integers(0, 9), min_size=1, max_size=7).filter(any)


@settings(max_examples=30)
@given(any_weights, st.integers(0, 2**32), st.integers(2, 5))
def test_true_weights_never_fail(weights: list[int], seed: int, times: int) -> None:
    """Of however many backends; only the weights' proportions matter."""
    names = [f"backend-{n}" for n in range(len(weights))]
    history = answered(1_000, [weight / sum(weights) for weight in weights], seed)
    verdict = checks.split(dict(zip(names, weights, strict=True)), WIDE)(history)
    assert verdict.outcome is not FAIL, verdict
    larger = {name: times * weight for name, weight in zip(names, weights, strict=True)}
    assert checks.split(larger, WIDE)(history) == verdict


@settings(max_examples=30)
@given(any_weights, any_weights, st.integers(0, 2**32))
def test_wrong_weights_never_pass(true: list[int], declared: list[int], seed: int) -> None:
    """Where some backend's true share is no nearer to the declared one than a wrong share."""
    size = max(len(true), len(declared))
    drawn_by, weights = ([*each, *[0] * (size - len(each))] for each in (true, declared))
    shares = [weight / sum(true) for weight in drawn_by]
    tests = [replace(WIDE, share=weight / sum(declared)) for weight in weights]
    assume(any(_is_wrong(test, share) for test, share in zip(tests, shares, strict=True)))
    check = checks.split({f"backend-{n}": weight for n, weight in enumerate(weights)}, WIDE)
    assert not check(answered(1_000, shares, seed)).passed


def _is_wrong(test: SplitTest, share: float) -> bool:
    """Whether a share is as far from the declared one as its wrong shares, or farther."""
    below, above = test.low, test.high
    return (below is not None and share <= below) or (above is not None and share >= above)


def test_a_backend_of_no_weight_must_not_answer() -> None:
    check = checks.split({"api-service": 100, "api-service-canary": 0})
    assert check(exchanges(*[{"status": 200, "service": "api-service"}] * 400)).passed
    assert check(drawn(400, 0.99, 0.01)).outcome is FAIL


def test_a_split_is_decided_in_the_order_of_sending() -> None:
    history = drawn(4_000, 0.9, 0.1)
    slow_ones_last = History(sorted(history, key=lambda e: e.service))
    check = checks.split({"api-service": 90, "api-service-canary": 10})
    assert check(slow_ones_last) == check(history)


def test_the_cap_makes_a_split_inconclusive() -> None:
    check = checks.split({"api-service": 90, "api-service-canary": 10}, SplitTest(cap=200))
    assert check(drawn(4_000, 0.9, 0.1)).outcome is INCONCLUSIVE


def test_only_what_was_served_is_of_a_backend() -> None:
    backends = [checks.served_by(e) for e in exchanges(WEB, FORBIDDEN_BY_ECHO, TIMEOUT)]
    assert backends == ["web-service", "", ""]


def test_weights_without_a_share_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^weights {'api-service': 0} have no share to measure$"):
        checks.split({"api-service": 0})
    assert checks.split({"web-service": 1})(exchanges(*[WEB] * 300)).passed


def test_draws_in_turn_are_not_independent() -> None:
    check = checks.independent("api-service")
    assert check(drawn(2_000, 0.9, 0.1)).passed
    turns = islice(cycle([*["api-service"] * 9, "api-service-canary"]), 2_000)
    in_turn = exchanges(*({"status": 200, "service": service} for service in turns))
    assert check(in_turn).outcome is FAIL
    assert check(drawn(1_000, 0.9, 0.1)).outcome is INCONCLUSIVE


def test_independence_wants_many_draws_and_is_sure_before_it_fails() -> None:
    few, enough = drawn(1_999, 0.9, 0.1), drawn(2_000, 0.9, 0.1)
    check = checks.independent("api-service")
    assert check(few).reason == "1999 requests were made, too few: 2000 are needed"
    numbers = check(enough).numbers
    assert (numbers["n"], numbers["hits"]) == (
        2_000,
        sum(e.service == "api-service" for e in enough),
    )
    chance = float(numbers["p_value"])
    assert checks.independent("api-service", alpha=chance)(enough).passed
    assert checks.independent("api-service", alpha=1.01 * chance)(enough).outcome is FAIL
    assert checks.independent("api-service", 1e-5, 4)(exchanges(*[WEB] * 3)).outcome is INCONCLUSIVE


def test_only_answers_that_were_served_are_draws_in_the_order_of_sending() -> None:
    turns = exchanges(*[WEB, MOBILE] * 20)
    broken = exchanges(*[{**WEB, "status": 500}] * 5, caller="another")
    check = checks.independent("web-service", minimum=4)
    assert check(turns + broken).numbers == check(turns).numbers
    assert check(History(sorted(turns, key=lambda e: e.service))).numbers == check(turns).numbers


def test_a_split_of_two_is_one_test_and_of_more_shares_its_allowance() -> None:
    test = SplitTest(margin=0.1, alpha=0.03, beta=0.06, cap=7)
    two = checks.split({"a": 1, "b": 1}, test)(exchanges({**WEB, "service": "a"})).numbers
    assert (two["a.alpha"], two["b.beta"]) == (0.03, 0.06)
    three = checks.split({"a": 2, "b": 1, "c": 1}, test)
    numbers = three(exchanges(*[{**WEB, "service": "a"}] * 9)).numbers
    assert [numbers["a.alpha"], numbers["c.beta"]] == pytest.approx([0.01, 0.02])
    assert numbers["a.n"] == 7
    assert numbers["a.expected_n"] == round(replace(test, share=0.5, beta=0.02).expected_n)
    one = checks.split({"a": 3})(exchanges({**WEB, "service": "a"})).numbers
    assert (one["a.alpha"], one["a.beta"]) == (1e-6, 1e-6)


def test_a_split_carries_what_it_decided_by() -> None:
    verdict = checks.split({"api-service": 90, "api-service-canary": 10})(drawn(4_000, 0.9, 0.1))
    names = ("n", "hits", "low", "high", "expected_n", "alpha", "beta")
    assert {f"api-service.{name}" for name in names} <= verdict.numbers.keys()
    assert verdict.numbers["api-service.expected_n"] == 1268
    for name in SERVICES[:2]:
        n, hits, low, high = (verdict.numbers[f"{name}.{key}"] for key in names[:4])
        assert exact_interval(int(hits), int(n)) == Interval(float(low), float(high))
