"""Checks on handwritten histories: each passes, fails and is inconclusive where it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fixtures import checks
from fixtures.checks import Check, Drop
from fixtures.history import Exchange, History, Window
from fixtures.sequential import Interval, SplitTest, exact_interval
from fixtures.verdict import Outcome, Verdict

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE

Answer = dict[str, Any]

WEB: Answer = {"status": 200, "service": "web-service", "pod": "web-service-v1-abc"}
MOBILE: Answer = {"status": 200, "service": "mobile-service", "pod": "mobile-service-v2-abc"}
OLD: Answer = {"status": 200, "service": "mobile-service", "pod": "mobile-service-v1-abc"}
DENIED: Answer = {"status": 403, "body": "RBAC: access denied"}
FORBIDDEN_BY_APP: Answer = {"status": 403, "body": "forbidden"}
FORBIDDEN_BY_ECHO: Answer = {"status": 403, "service": "web-service"}
BAD_PATH: Answer = {"status": 400}
NOT_FOUND: Answer = {"status": 404}
UNAVAILABLE: Answer = {"status": 503, "body": "no healthy upstream"}
TIMEOUT: Answer = {"error": "timeout"}
RESET: Answer = {"error": "reset"}
REFUSED: Answer = {"error": "refused"}
STARVED: Answer = {"error": "starved"}
AT_ONCE: Answer = {"sent": 0.0, "received": 0.01}


def exchanges(*answers: Answer, stream: str = "s", **common: Any) -> History:
    """A history of one exchange per answer, 10 ms each, one after another."""
    return History(
        Exchange(
            **{
                "stream": stream,
                "seq": seq,
                "caller": "caller-1",
                "cluster": "aws-cluster",
                "identity": "default/frontend",
                "sent": seq * 0.01,
                "received": seq * 0.01 + 0.01,
                "url": f"http://backend/?nonce={stream}-{seq}",
                **common,
                **answer,
            }
        )
        for seq, answer in enumerate(answers)
    )


def window(**fields: Any) -> Window:
    return Window(caller="caller-1", cluster="aws-cluster", identity="default/frontend", **fields)


def without(history: History, *seqs: int) -> History:
    return history.where(lambda e: e.seq not in seqs)


def drop(**other: Any) -> Drop:
    fields = {
        "reason": "POLICY_DENIED",
        "source_labels": frozenset({"k8s:app=backend", "k8s:io.kubernetes.pod.namespace=default"}),
        "destination_labels": frozenset({"k8s:app=frontend"}),
        "source_cluster": "aws-cluster",
    }
    return Drop(**{**fields, **other})


def denied_l4(*drops: Drop, minimum: int = 1) -> Check:
    return checks.denied_l4(drops, ["k8s:app=backend"], ["k8s:app=frontend"], minimum)


MADE: dict[str, Callable[[], Check]] = {
    "all_answered_by": partial(checks.all_answered_by, "mobile-service", 3, "mobile-service-v2-"),
    "only_answered_by": partial(checks.only_answered_by, ["web-service", "mobile-service"], 3),
    "never_answered": partial(checks.never_answered, ["web-service"], ["mobile-service-v1-"], 3),
    "status_is": partial(checks.status_is, 404, 3),
    "denied_http": partial(checks.denied_http, 3),
    "denied_http_or_400": partial(checks.denied_http, 3, or_status=[400]),
    "denied_l4": partial(denied_l4, drop(), minimum=3),
    "denied_l4_unproven": partial(denied_l4, minimum=3),
    "denied_l4_otherwise": partial(denied_l4, drop(reason="CT_MAP_INSERTION_FAILED"), minimum=3),
    "denied_l4_elsewhere": partial(denied_l4, drop(source_cluster="azure-cluster"), minimum=3),
    "denied_l4_another_source": partial(
        denied_l4, drop(source_labels=frozenset({"k8s:app=other"})), minimum=3
    ),
    "denied_l4_another_target": partial(denied_l4, drop(destination_labels=frozenset()), minimum=3),
    "not_dropped": partial(checks.not_dropped, [drop()], ["k8s:app=backend"]),
    "served_under_load": partial(checks.served_under_load, 3, 0.03),
    "served_by_under_load": partial(checks.served_under_load, 3, 0.03, ["web-service"]),
    "denied_under_load": partial(checks.denied_under_load, 3, 0.03),
    "lasted": partial(checks.lasted, 0.03),
    "split": partial(checks.split, {"web-service": 90, "mobile-service": 10}),
    "independent": partial(checks.independent, "web-service", 0.3, 3),
}
"""How to make each check: anew for each test, so that a fault in the making is seen too."""


def made(name: str) -> Check:
    return MADE[name]()


@pytest.mark.parametrize(
    ("name", "answers", "outcome"),
    [
        ("all_answered_by", [MOBILE] * 3, PASS),
        ("all_answered_by", [MOBILE] * 2, INCONCLUSIVE),
        ("all_answered_by", [MOBILE, MOBILE, OLD], FAIL),
        ("all_answered_by", [MOBILE, MOBILE, WEB], FAIL),
        ("all_answered_by", [MOBILE, MOBILE, {**MOBILE, "status": 500}], FAIL),
        ("all_answered_by", [MOBILE, MOBILE, TIMEOUT], FAIL),
        ("all_answered_by", [MOBILE, MOBILE, MOBILE, STARVED], INCONCLUSIVE),
        ("all_answered_by", [WEB], FAIL),
        ("only_answered_by", [MOBILE, WEB, MOBILE], PASS),
        ("only_answered_by", [MOBILE, WEB, TIMEOUT], INCONCLUSIVE),
        ("only_answered_by", [MOBILE, WEB, MOBILE, UNAVAILABLE], FAIL),
        ("only_answered_by", [MOBILE, {**WEB, "service": "other"}], FAIL),
        ("never_answered", [MOBILE] * 3, PASS),
        ("never_answered", [MOBILE, MOBILE, MOBILE, WEB], FAIL),
        ("never_answered", [MOBILE, MOBILE, MOBILE, OLD], FAIL),
        ("never_answered", [TIMEOUT] * 5, INCONCLUSIVE),
        ("never_answered", [UNAVAILABLE] * 5, INCONCLUSIVE),
        ("never_answered", [MOBILE, TIMEOUT, TIMEOUT], INCONCLUSIVE),
        ("status_is", [NOT_FOUND] * 3, PASS),
        ("status_is", [NOT_FOUND, NOT_FOUND, WEB], FAIL),
        ("status_is", [NOT_FOUND, NOT_FOUND, TIMEOUT], FAIL),
        ("status_is", [NOT_FOUND] * 2, INCONCLUSIVE),
        ("denied_http", [DENIED] * 3, PASS),
        ("denied_http", [DENIED] * 2, INCONCLUSIVE),
        ("denied_http", [DENIED, DENIED, WEB], FAIL),
        ("denied_http", [DENIED, DENIED, {"status": 200}], FAIL),
        ("denied_http", [DENIED, DENIED, FORBIDDEN_BY_APP], FAIL),
        ("denied_http", [DENIED, DENIED, FORBIDDEN_BY_ECHO], FAIL),
        ("denied_http", [DENIED, DENIED, UNAVAILABLE], FAIL),
        ("denied_http", [DENIED, DENIED, BAD_PATH], FAIL),
        ("denied_http", [DENIED, DENIED, TIMEOUT], INCONCLUSIVE),
        ("denied_http", [DENIED, DENIED, RESET], INCONCLUSIVE),
        ("denied_http", [TIMEOUT, TIMEOUT, WEB], FAIL),
        ("denied_http", [STARVED, WEB], FAIL),
        ("denied_http_or_400", [DENIED, DENIED, BAD_PATH], PASS),
        ("denied_http_or_400", [DENIED, DENIED, {**WEB, "status": 400}], FAIL),
        ("denied_l4", [TIMEOUT] * 3, PASS),
        ("denied_l4", [TIMEOUT] * 2, INCONCLUSIVE),
        ("denied_l4", [TIMEOUT, TIMEOUT, WEB], FAIL),
        ("denied_l4", [TIMEOUT, TIMEOUT, UNAVAILABLE], FAIL),
        ("denied_l4", [TIMEOUT, TIMEOUT, REFUSED], INCONCLUSIVE),
        ("denied_l4_unproven", [TIMEOUT] * 3, INCONCLUSIVE),
        ("denied_l4_unproven", [WEB] * 3, FAIL),
        ("denied_l4_otherwise", [TIMEOUT] * 3, INCONCLUSIVE),
        ("denied_l4_elsewhere", [TIMEOUT] * 3, INCONCLUSIVE),
        ("denied_l4_another_source", [TIMEOUT] * 3, INCONCLUSIVE),
        ("denied_l4_another_target", [TIMEOUT] * 3, INCONCLUSIVE),
        ("served_under_load", [WEB, WEB, MOBILE], PASS),
        ("served_under_load", [WEB, WEB], INCONCLUSIVE),
        ("served_under_load", [WEB, WEB, UNAVAILABLE], FAIL),
        ("served_under_load", [WEB, WEB, RESET], FAIL),
        ("served_under_load", [AT_ONCE | WEB] * 3, INCONCLUSIVE),
        ("served_by_under_load", [WEB] * 3, PASS),
        ("served_by_under_load", [WEB, WEB, MOBILE], FAIL),
        ("denied_under_load", [DENIED] * 3, PASS),
        ("denied_under_load", [DENIED] * 2, INCONCLUSIVE),
        ("denied_under_load", [AT_ONCE | DENIED] * 3, INCONCLUSIVE),
        ("denied_under_load", [DENIED, WEB, DENIED], FAIL),
        ("lasted", [WEB] * 3, PASS),
        ("lasted", [WEB] * 2, INCONCLUSIVE),
        ("split", [WEB, MOBILE], INCONCLUSIVE),
        ("split", [WEB] * 2_000, FAIL),
        ("split", [WEB, UNAVAILABLE], FAIL),
        ("split", [WEB, TIMEOUT], INCONCLUSIVE),
        ("split", [WEB, {**WEB, "status": 500}], FAIL),
    ],
)
def test_a_history_has_its_verdict(name: str, answers: list[Answer], outcome: Outcome) -> None:
    verdict = made(name)(exchanges(*answers))
    assert verdict.outcome is outcome, verdict.reason
    assert verdict.reason


@pytest.mark.parametrize("name", MADE)
def test_no_exchange_is_never_a_pass(name: str) -> None:
    verdict = made(name)(History())
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.numbers == {"n": 0}
    assert made(name)(exchanges(STARVED)).numbers == {"n": 0}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("all_answered_by", MOBILE),
        ("only_answered_by", WEB),
        ("never_answered", MOBILE),
        ("status_is", NOT_FOUND),
        ("denied_http", DENIED),
        ("denied_l4", TIMEOUT),
        ("served_under_load", WEB),
        ("denied_under_load", DENIED),
        ("lasted", WEB),
    ],
)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda history: without(history, 5),
        lambda history: history + without(history, *range(9)),
        lambda history: history + exchanges(STARVED, caller="another"),
    ],
    ids=["a line lost", "a line doubled", "a generator starved"],
)
def test_a_pass_is_spoilt(name: str, answer: Answer, spoil: Callable[[History], History]) -> None:
    history = exchanges(*[answer] * 10)
    assert made(name)(history).passed
    assert made(name)(spoil(history)).outcome is INCONCLUSIVE


def test_a_leak_stays_a_leak_however_little_else_is_known() -> None:
    history = without(exchanges(DENIED, WEB, DENIED, STARVED, DENIED), 2)
    assert checks.denied_http(100)(history).outcome is FAIL


def test_numbers_run_on_for_each_caller_and_stream_on_its_own() -> None:
    history = (
        exchanges(WEB, WEB)
        + exchanges(WEB, WEB, stream="other")
        + exchanges(WEB, WEB, caller="caller-2")
        + exchanges(WEB, WEB, cluster="azure-cluster")
    )
    assert checks.complete(history, 8).passed
    assert not checks.complete(history, 9).passed


def test_a_later_batch_is_complete_on_its_own() -> None:
    assert checks.complete(without(exchanges(*[WEB] * 10), 0, 1, 2)).passed


@pytest.mark.parametrize(
    ("status", "outcome"), [(199, PASS), (200, FAIL), (201, FAIL), (299, FAIL), (300, PASS)]
)
def test_a_success_of_whomever_is_a_leak_even_where_its_status_counts_as_refused(
    status: int, outcome: Outcome
) -> None:
    check = checks.denied_http(or_status=[status])
    assert check(exchanges({"status": status})).outcome is outcome


def test_what_is_missing_is_named() -> None:
    history = exchanges(*[WEB] * 4) + exchanges(WEB, WEB, WEB, stream="other", caller="b")
    gaps = checks.complete(without(history, 1))
    assert gaps.reason == "lines were lost or doubled in b/other, caller-1/s"
    dead = [window(died="killed"), window(), window(died="no end after 60 s")]
    assert checks.complete(history + History((), dead)).reason == (
        "a caller died: caller-1 in aws-cluster: killed; caller-1 in aws-cluster: no end after 60 s"
    )
    assert checks.complete(history).reason == "7 requests are complete"
    assert checks.complete(exchanges(*[WEB] * 2, STARVED), 3).reason.startswith("1 of 3 were not")


@pytest.mark.parametrize("minimum", [-1, 0, 1])
def test_nothing_is_too_few_whatever_is_asked_for(minimum: int) -> None:
    verdict = checks.complete(History(), minimum)
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.reason == "0 requests were made, too few: 1 are needed"
    assert checks.complete(exchanges(WEB), minimum) == checks.complete(exchanges(WEB))
    assert checks.complete(exchanges(WEB)).passed


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (lambda: checks.all_answered_by("web-service"), WEB),
        (lambda: checks.only_answered_by(["web-service"]), WEB),
        (lambda: checks.never_answered(["mobile-service"]), WEB),
        (lambda: checks.never_answered([], ["mobile-service-v1-"]), MOBILE),
        (lambda: checks.status_is(200), WEB),
        (checks.denied_http, DENIED),
        (lambda: denied_l4(drop()), TIMEOUT),
        (lambda: checks.denied_l4([drop()], ["k8s:app=backend"]), TIMEOUT),
        (lambda: checks.not_dropped([drop()], ["k8s:app=backend"]), WEB),
        (lambda: checks.lasted(0.01), WEB),
    ],
)
def test_one_is_enough_unless_more_are_asked_for(
    check: Callable[[], Check], answer: Answer
) -> None:
    assert check()(exchanges(answer)).passed


def test_each_caller_must_have_lasted() -> None:
    """Callers have clocks of their own: only what one of them sent is measured together."""
    long = [{**WEB, "sent": at, "received": at + 0.5} for at in (3.0, 7.0)]
    both = exchanges(*long) + exchanges(*long[:1], cluster="azure-cluster")
    mixed = History(sorted(both, key=lambda e: e.sent))
    assert checks.lasted(4.5)(exchanges(*long)).passed
    for history in (both, mixed):
        assert checks.lasted(4.5)(history).numbers == {"seconds": 0.5}
        assert checks.lasted(0.6)(history).outcome is INCONCLUSIVE
        assert checks.lasted(0.5)(history).passed


# --- weights -------------------------------------------------------------------------------

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
    told = [checks.served_by(e) for e in exchanges(WEB, FORBIDDEN_BY_ECHO, TIMEOUT)]
    assert told == ["web-service", "", ""]


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
    told = check(enough).numbers
    assert (told["n"], told["hits"]) == (2_000, sum(e.service == "api-service" for e in enough))
    chance = float(told["p_value"])
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


# --- what the backend saw ------------------------------------------------------------------

REFUSED_ONES = exchanges(DENIED, DENIED, stream="refused")
ALLOWED_ONES = exchanges(WEB, WEB, stream="allowed")
ALLOWED_NONCES = ["allowed-0", "allowed-1"]


@pytest.mark.parametrize(
    ("history", "seen", "outcome"),
    [
        (REFUSED_ONES + ALLOWED_ONES, ALLOWED_NONCES, PASS),
        (REFUSED_ONES + ALLOWED_ONES, [*ALLOWED_NONCES, "elsewhere-7"], PASS),
        (REFUSED_ONES + ALLOWED_ONES, [*ALLOWED_NONCES, "refused-1"], FAIL),
        (REFUSED_ONES + ALLOWED_ONES, ["refused-1"], FAIL),
        (REFUSED_ONES + ALLOWED_ONES, ALLOWED_NONCES[:1], INCONCLUSIVE),
        (REFUSED_ONES + ALLOWED_ONES, [], INCONCLUSIVE),
        (REFUSED_ONES, [], INCONCLUSIVE),
        (ALLOWED_ONES, ALLOWED_NONCES, INCONCLUSIVE),
        (ALLOWED_ONES + exchanges(DENIED, stream="refused", url="http://b/"), [], INCONCLUSIVE),
        (History(), ALLOWED_NONCES, INCONCLUSIVE),
    ],
)
def test_what_was_refused_must_not_be_in_the_backends_record(
    history: History, seen: list[str], outcome: Outcome
) -> None:
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    assert verdict.outcome is outcome, verdict.reason


@pytest.mark.parametrize(
    ("history", "seen", "reason", "numbers"),
    [
        (
            REFUSED_ONES + ALLOWED_ONES,
            ALLOWED_NONCES,
            "none of 2 refused requests reached the backend",
            {"n": 2, "reached": 0, "control": 2},
        ),
        (
            REFUSED_ONES + ALLOWED_ONES + exchanges(WEB, stream="other"),
            ["refused-1", "allowed-0", "other-0"],
            "1 of 4 were refused and yet reached the backend; the first:"
            " GET http://backend/?nonce=refused-1 as default/frontend, refused 1: 403 by",
            {"n": 2, "reached": 1, "control": 1},
        ),
        (
            REFUSED_ONES + exchanges(WEB, stream="allowed", url="http://b/"),
            [],
            "1 of 3 were sent without a nonce; the first: GET http://b/",
            {"n": 2, "reached": 0, "control": 0},
        ),
        (REFUSED_ONES, [], "no refused request, or no allowed twin, was sent", {"n": 2}),
        (ALLOWED_ONES, ALLOWED_NONCES, "no refused request, or no", {"n": 0, "control": 2}),
        (
            REFUSED_ONES + ALLOWED_ONES,
            ["allowed-1"],
            "1 of 2 were allowed, but not in the backend's record; the first:",
            {"n": 2, "reached": 0, "control": 1},
        ),
    ],
)
def test_what_the_backends_record_shows_is_said(
    history: History, seen: list[str], reason: str, numbers: dict[str, int]
) -> None:
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    assert verdict.reason.startswith(reason)
    assert numbers.items() <= verdict.numbers.items()


@given(
    st.integers(0, 3), st.integers(0, 3), st.sets(st.sampled_from(["refused-0", *ALLOWED_NONCES]))
)
def test_a_record_proves_a_refusal_only_if_it_has_every_twin(
    refused: int, allowed: int, seen: set[str]
) -> None:
    history = exchanges(*[DENIED] * refused, stream="refused")
    history += exchanges(*[WEB] * allowed, stream="allowed")
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    kept = {f"allowed-{n}" for n in range(allowed)} <= seen
    leaked = refused > 0 and "refused-0" in seen
    assert (verdict.outcome is FAIL) == leaked
    assert verdict.passed == (refused > 0 and allowed > 0 and kept and not leaked)


def test_nonces_are_read_from_urls_and_logs_alike() -> None:
    log = (
        "Echoing back request made to /api?nonce=a-1 to client (10.0.0.1:5)\n"
        "Echoing back request made to /?x=1&nonce=b-2&y to client (10.0.0.1:6)\n"
        "Echoing back request made to /nonce=c-3 to client (10.0.0.1:7)\n"
    )
    assert checks.nonces(log) == {"a-1", "b-2"}
    assert checks.nonces("http://b/../%2f?nonce=d-4") == {"d-4"}


# --- composition ---------------------------------------------------------------------------


def twin(history: History) -> Verdict:
    return checks.twin(
        denied=checks.on("denied", checks.denied_http(2)),
        allowed=checks.on("allowed", checks.all_answered_by("web-service", 2)),
    )(history)


@pytest.mark.parametrize(
    ("denied", "allowed", "outcome"),
    [
        ([DENIED] * 2, [WEB] * 2, PASS),
        ([DENIED, WEB], [WEB] * 2, FAIL),
        ([DENIED] * 2, [DENIED] * 2, INCONCLUSIVE),
        ([DENIED] * 2, [], INCONCLUSIVE),
        ([], [WEB] * 2, INCONCLUSIVE),
        ([DENIED, WEB], [TIMEOUT] * 2, FAIL),
    ],
)
def test_a_denial_counts_with_its_twin(
    denied: list[Answer], allowed: list[Answer], outcome: Outcome
) -> None:
    history = exchanges(*denied, stream="denied") + exchanges(*allowed, stream="allowed")
    assert twin(history).outcome is outcome


def test_streams_keep_their_numbers_apart() -> None:
    history = exchanges(*[DENIED] * 2, stream="denied") + exchanges(*[WEB] * 3, stream="allowed")
    numbers = twin(history).numbers
    assert (numbers["denied.n"], numbers["allowed.n"]) == (2, 3)


def test_a_twin_that_was_not_served_is_named_with_its_numbers() -> None:
    history = exchanges(*[DENIED] * 2, stream="denied") + exchanges(WEB, MOBILE, stream="allowed")
    verdict = twin(history)
    assert verdict.reason.startswith(
        "the allowed twin was not served, so a denial proves nothing:"
        " allowed: 1 of 2 were not answered 200 by web-service;"
    )
    assert (verdict.numbers["denied.leaks"], verdict.numbers["allowed.hits"]) == (0, 1)
    assert twin(exchanges(WEB, stream="denied")).reason.startswith(
        "denied: 1 of 1 were let through"
    )


def test_every_wants_all_of_them() -> None:
    check = checks.every(checks.status_is(200), checks.only_answered_by(["web-service"]))
    assert check(exchanges(WEB)).passed
    assert check(exchanges(WEB, MOBILE)).outcome is FAIL


# --- numbers -------------------------------------------------------------------------------

FIRST = "the first: GET http://backend/?nonce=s"
ONE_OF_TWO = {"n": 2, "hits": 1, "errors": 0, "error_rate": 0.0}
ALL_THREE = {"n": 3, "hits": 3, "errors": 0, "error_rate": 0.0}
TWO_OF_THREE = {"n": 3, "hits": 2, "errors": 1, "error_rate": 1 / 3}


@pytest.mark.parametrize(
    ("name", "answers", "reason", "numbers"),
    [
        (
            "all_answered_by",
            [MOBILE] * 3,
            "all 3 were answered 200 by mobile-service (mobile-service-v2-*)",
            ALL_THREE,
        ),
        (
            "all_answered_by",
            [MOBILE, OLD],
            "1 of 2 were not answered 200 by mobile-service (mobile-service-v2-*);"
            f" {FIRST}-1 as default/frontend, s 1: 200 by mobile-service",
            ONE_OF_TWO,
        ),
        (
            "only_answered_by",
            [WEB, MOBILE, WEB],
            "none of 3 was answered by others than web-service, mobile-service",
            {"n": 3, "hits": 0, "errors": 0, "control": 3},
        ),
        (
            "only_answered_by",
            [WEB, MOBILE, TIMEOUT],
            "none was answered by others than web-service, mobile-service,"
            " but only 2 by a backend that may",
            {"n": 3, "hits": 0, "errors": 1, "control": 2},
        ),
        (
            "only_answered_by",
            [WEB, UNAVAILABLE],
            "1 of 2 were answered by others than web-service, mobile-service;"
            f" {FIRST}-1 as default/frontend, s 1: 503 by no backend",
            {**ONE_OF_TWO, "control": 1},
        ),
        (
            "never_answered",
            [OLD, MOBILE],
            "1 of 2 were answered by web-service, mobile-service-v1-;"
            f" {FIRST}-0 as default/frontend, s 0: 200 by mobile-service",
            {**ONE_OF_TWO, "control": 1},
        ),
        ("status_is", [NOT_FOUND] * 3, "all 3 were answered 404", ALL_THREE),
        ("status_is", [NOT_FOUND], "1 requests were made, too few: 3 are needed", {"n": 1}),
        (
            "status_is",
            [NOT_FOUND] * 3 + [STARVED],
            "1 of 4 were not sent in time by a starved generator;"
            f" {FIRST}-3 as default/frontend, s 3: starved",
            ALL_THREE,
        ),
        ("status_is", [], "0 requests were made, too few: 3 are needed", {"n": 0}),
        ("denied_http", [DENIED] * 3, "all 3 were denied by RBAC", {**ALL_THREE, "leaks": 0}),
        (
            "denied_http",
            [DENIED, WEB],
            f"1 of 2 were let through; {FIRST}-1 as default/frontend, s 1: 200 by web-service",
            {**ONE_OF_TWO, "leaks": 1},
        ),
        (
            "denied_http",
            [DENIED, FORBIDDEN_BY_ECHO],
            f"1 of 2 were let through; {FIRST}-1 as default/frontend, s 1: 403 by web-service",
            {**ONE_OF_TWO, "leaks": 1},
        ),
        (
            "denied_http",
            [DENIED, UNAVAILABLE],
            "1 of 2 were not answered by RBAC's 403;"
            f" {FIRST}-1 as default/frontend, s 1: 503 by no backend",
            {**ONE_OF_TWO, "leaks": 0},
        ),
        (
            "denied_http",
            [DENIED, DENIED, TIMEOUT],
            f"1 of 3 were not answered at all; {FIRST}-2 as default/frontend, s 2: timeout",
            {**TWO_OF_THREE, "leaks": 0},
        ),
        (
            "denied_l4",
            [TIMEOUT] * 3,
            "all 3 were dropped as POLICY_DENIED",
            {"n": 3, "hits": 3, "errors": 3, "error_rate": 1.0, "leaks": 0, "drops": 1},
        ),
        (
            "denied_l4",
            [TIMEOUT, WEB],
            f"1 of 2 were let through; {FIRST}-1 as default/frontend, s 1: 200 by web-service",
            {"n": 2, "hits": 1, "errors": 1, "leaks": 1, "drops": 1},
        ),
        (
            "denied_l4",
            [TIMEOUT, RESET],
            f"1 of 2 were ended by other than silence; {FIRST}-1 as default/frontend, s 1: reset",
            {"n": 2, "hits": 1, "errors": 2, "leaks": 0, "drops": 1},
        ),
        (
            "denied_l4_elsewhere",
            [TIMEOUT] * 3,
            "silence, but no POLICY_DENIED drop from aws-cluster",
            {"n": 3, "leaks": 0, "drops": 1},
        ),
        ("not_dropped", [WEB], "none was dropped for a policy's sake", {}),
        (
            "not_dropped",
            [WEB, TIMEOUT],
            f"1 of 2 were dropped for a policy's sake; {FIRST}-1 as default/frontend, s 1: timeout",
            {},
        ),
        (
            "served_under_load",
            [WEB] * 3,
            "sent for 0.0 s; 3 requests are complete; all 3 were served; 3",
            {**ALL_THREE, "seconds": 0.03},
        ),
        (
            "served_by_under_load",
            [WEB, WEB, MOBILE],
            "1 of 3 were not served by web-service;",
            {"n": 3, "hits": 2, "errors": 0},
        ),
        ("lasted", [WEB] * 10, "sent for 0.1 s", {"seconds": 0.1}),
        (
            "lasted",
            [{**WEB, "sent": 0.0, "received": 0.0123}],
            "a caller sent for 0.0 s only, not for 0.03 s",
            {"seconds": 0.012},
        ),
        (
            "split",
            [WEB, UNAVAILABLE],
            "1 of 2 were not answered by web-service, mobile-service;"
            f" {FIRST}-1 as default/frontend, s 1: 503 by no backend",
            ONE_OF_TWO,
        ),
        (
            "split",
            [WEB, MOBILE, TIMEOUT],
            f"1 of 3 were not answered at all; {FIRST}-2 as default/frontend, s 2: timeout;"
            " web-service answered 1 of 2 (50.0%, declared 90.0%): undecided;"
            " mobile-service answered 1 of 2 (50.0%, declared 10.0%): undecided",
            {**TWO_OF_THREE, "web-service.n": 2, "web-service.hits": 1, "mobile-service.hits": 1},
        ),
        (
            "split",
            [WEB] * 2_000,
            "web-service answered 269 of 269 (100.0%, declared 90.0%): too many;"
            " mobile-service answered 0 of 269 (0.0%, declared 10.0%): too few",
            {"n": 2_000, "hits": 2_000, "web-service.n": 269, "mobile-service.hits": 0},
        ),
        (
            "independent",
            [WEB] * 3,
            "web-service is drawn independently (p = 1)",
            {"n": 3, "hits": 3, "p_value": 1.0},
        ),
        (
            "independent",
            [WEB, MOBILE, WEB] * 9,
            "web-service is not drawn independently (p = 0.0077)",
            {"n": 27, "hits": 18},
        ),
    ],
)
def test_a_verdict_says_what_was_seen(
    name: str, answers: list[Answer], reason: str, numbers: dict[str, float]
) -> None:
    verdict = made(name)(exchanges(*answers))
    assert verdict.reason.startswith(reason)
    assert numbers.items() <= verdict.numbers.items()


def test_latency_is_told_as_median_and_99th_percentile_of_the_answers() -> None:
    times = [{**WEB, "sent": 0.0, "received": ms / 1000} for ms in range(1, 101)]
    numbers = checks.status_is(200)(exchanges(*times, {**TIMEOUT, "received": 9.0})).numbers
    assert (numbers["p50_ms"], numbers["p99_ms"]) == (50.5, 99.01)
    two = checks.status_is(200)(exchanges(times[0], {**WEB, "sent": 0.0, "received": 0.0020006}))
    assert (two.numbers["p50_ms"], two.numbers["p99_ms"]) == (1.5, 1.991)
    assert "p50_ms" not in checks.status_is(200)(exchanges(WEB)).numbers


def test_a_verdict_carries_its_numbers() -> None:
    history = exchanges(*[WEB] * 99, TIMEOUT)
    verdict = checks.all_answered_by("web-service")(history)
    numbers = verdict.numbers
    assert (numbers["n"], numbers["hits"], numbers["errors"]) == (100, 99, 1)
    assert numbers["error_rate"] == 0.01
    assert 0.92 < float(numbers["low"]) < 0.99 < float(numbers["high"]) < 1
    assert [numbers["p50_ms"], numbers["p99_ms"]] == pytest.approx([10, 10])
    assert "1 of 100" in verdict.reason
    assert "s 99: timeout" in verdict.reason
    assert "pressure" not in numbers


def test_a_split_carries_what_it_decided_by() -> None:
    verdict = checks.split({"api-service": 90, "api-service-canary": 10})(drawn(4_000, 0.9, 0.1))
    names = ("n", "hits", "low", "high", "expected_n", "alpha", "beta")
    assert {f"api-service.{name}" for name in names} <= verdict.numbers.keys()
    assert verdict.numbers["api-service.expected_n"] == 1268
    for name in SERVICES[:2]:
        n, hits, low, high = (verdict.numbers[f"{name}.{key}"] for key in names[:4])
        assert exact_interval(int(hits), int(n)) == Interval(float(low), float(high))


# --- properties ----------------------------------------------------------------------------

ANSWERS = st.sampled_from(
    [WEB, MOBILE, OLD, DENIED, FORBIDDEN_BY_APP, BAD_PATH, NOT_FOUND, UNAVAILABLE, TIMEOUT, STARVED]
)
few = st.lists(ANSWERS, max_size=6) | st.builds(
    lambda *n: [n[0]] * n[1], ANSWERS, st.integers(3, 9)
)
names = st.sampled_from(sorted(MADE))

WRONG: dict[str, Answer] = {
    "all_answered_by": OLD,
    "only_answered_by": UNAVAILABLE,
    "never_answered": OLD,
    "status_is": WEB,
    "denied_http": WEB,
    "denied_http_or_400": {**WEB, "status": 400},
    "denied_l4": DENIED,
    "denied_l4_unproven": DENIED,
    "denied_l4_otherwise": DENIED,
    "denied_l4_elsewhere": DENIED,
    "denied_l4_another_source": DENIED,
    "denied_l4_another_target": DENIED,
    "not_dropped": TIMEOUT,
    "served_under_load": UNAVAILABLE,
    "served_by_under_load": MOBILE,
    "denied_under_load": WEB,
    "split": UNAVAILABLE,
}
"""For each check an answer that no history makes good."""


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Of up to three callers, each with lines of its own; often of one kind, as a pass wants it."""
    callers = draw(st.lists(few, max_size=3))
    return sum(
        (exchanges(*answers, caller=f"caller-{n}") for n, answers in enumerate(callers)), History()
    )


def worse(outcome: Outcome) -> Outcome:
    """What is left of an outcome once the history is known not to be whole."""
    return FAIL if outcome is FAIL else INCONCLUSIVE


@given(names, histories())
def test_every_check_has_a_verdict_for_every_history(name: str, history: History) -> None:
    verdict = made(name)(history)
    assert isinstance(verdict, Verdict)
    assert verdict.reason
    assert all(isinstance(value, (int, float, str, bool)) for value in verdict.numbers.values())


@given(names, histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(name: str, history: History, random: Any) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    told, again = made(name)(history), made(name)(History(shuffled))
    assert (again.outcome, again.numbers) == (told.outcome, told.numbers)


@given(st.sampled_from(sorted(WRONG)), histories())
def test_a_wrong_answer_fails_whatever_else_there_is(name: str, history: History) -> None:
    wrong = exchanges(WRONG[name], caller="another")
    assert made(name)(history + wrong).outcome is FAIL
    assert made(name)(history + wrong + exchanges(STARVED, caller="third")).outcome is FAIL


@given(names, histories())
def test_what_was_starved_or_died_never_passes_and_hides_no_failure(
    name: str, history: History
) -> None:
    expected = worse(made(name)(history).outcome)
    for spoilt in (exchanges(STARVED, caller="another"), History((), [window(died="killed")])):
        assert made(name)(history + spoilt).outcome is expected


@given(names, histories(), st.data())
def test_what_is_lost_or_doubled_never_passes(name: str, history: History, data: Any) -> None:
    lines = list(history)
    inner = [
        e for e in lines if e.seq and any(f.seq > e.seq and f.caller == e.caller for f in lines)
    ]
    assume(inner)
    line = data.draw(st.sampled_from(inner))
    assert not made(name)(History(e for e in lines if e is not line)).passed
    assert not made(name)(History([*lines, line])).passed


@given(st.sampled_from(sorted(MADE.keys() - {"lasted", "not_dropped"})), histories())
def test_too_few_never_pass(name: str, history: History) -> None:
    assert not made(name)(History(islice(history, 2))).passed


@given(names, histories(), st.floats(0, 1))
def test_pressure_excuses_nothing_but_silence(name: str, history: History, share: float) -> None:
    busy = History((), [window(ended=10, stalled=10 * share)])
    calm, pressed = made(name)(history).outcome, made(name)(history + busy).outcome
    silent = any(e.error == "timeout" for e in history)
    excused = calm is FAIL and pressed is INCONCLUSIVE
    assert pressed is calm or (excused and silent and share > 0.79)


@given(histories())
def test_a_denial_passes_only_if_each_answer_is_one(history: History) -> None:
    denied = all(e.status == 403 and e.body == "RBAC: access denied" for e in history)
    assert checks.denied_http(1)(history).passed == (len(history) > 0 and denied)


@given(histories())
def test_a_success_among_the_denied_is_always_a_failure(history: History) -> None:
    leak = exchanges(WEB, caller="another")
    assert checks.denied_http(1)(history + leak).outcome is FAIL
    assert denied_l4(drop())(history + leak).outcome is FAIL


def under(pressure: float, *answers: Answer) -> History:
    """A history of a machine of which some task waited for a core that share of the time."""
    return exchanges(*answers) + History((), [window(began=5, ended=15, stalled=10 * pressure)])


@pytest.mark.parametrize(
    ("pressure", "answers", "outcome"),
    [
        (0.79, [MOBILE] * 3 + [TIMEOUT], FAIL),
        (0.8, [MOBILE] * 3 + [TIMEOUT], INCONCLUSIVE),
        (0.95, [MOBILE] * 3, PASS),
        (0.95, [MOBILE] * 3 + [TIMEOUT, RESET], FAIL),
        (0.95, [MOBILE] * 3 + [TIMEOUT, WEB], FAIL),
    ],
)
def test_only_silence_is_excused_by_pressure(
    pressure: float, answers: list[Answer], outcome: Outcome
) -> None:
    verdict = made("all_answered_by")(under(pressure, *answers))
    assert verdict.outcome is outcome
    assert verdict.numbers["pressure"] == pressure
    if outcome is INCONCLUSIVE:
        assert "waited for a core in 80% of the time" in verdict.reason


def test_pressure_is_that_of_the_busiest_machine() -> None:
    calm, busy = window(ended=9, stalled=1), window(ended=9, stalled=8)
    verdict = made("all_answered_by")(exchanges(*[TIMEOUT] * 3) + History((), [calm, busy, calm]))
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.numbers["pressure"] == 0.889


def test_a_caller_that_died_leaves_it_open_but_a_leak_is_a_leak() -> None:
    dead = History((), [window(died="no end after 60 s")])
    verdict = made("all_answered_by")(exchanges(*[MOBILE] * 3) + dead)
    assert verdict.outcome is INCONCLUSIVE
    assert "caller-1 in aws-cluster: no end after 60 s" in verdict.reason
    assert made("denied_http")(exchanges(DENIED, WEB) + dead).outcome is FAIL
    assert made("denied_http")(dead).outcome is INCONCLUSIVE


def test_what_is_known_otherwise_goes_in_beside_the_history() -> None:
    check = checks.every(
        checks.status_is(200), checks.known(Verdict(FAIL, "Programmed is False", {"seconds": 3}))
    )
    verdict = check(exchanges(WEB))
    assert verdict.outcome is FAIL
    assert verdict.reason == "Programmed is False"
    assert verdict.numbers["seconds"] == 3


@pytest.mark.parametrize(
    ("answers", "drops", "outcome"),
    [
        ([WEB] * 3, [], PASS),
        ([WEB] * 3, [drop()], PASS),
        ([WEB, TIMEOUT], [], PASS),
        ([WEB, TIMEOUT], [drop()], FAIL),
        ([WEB, TIMEOUT], [drop(reason="POLICY_DENY")], FAIL),
        ([WEB, RESET], [drop()], PASS),
        ([WEB, TIMEOUT], [drop(reason="CT_MAP_INSERTION_FAILED")], PASS),
        ([WEB, TIMEOUT], [drop(source_cluster="azure-cluster")], PASS),
        ([WEB, TIMEOUT], [drop(source_labels=frozenset({"k8s:app=other"}))], PASS),
        ([WEB, TIMEOUT], [drop(destination_labels=frozenset())], PASS),
        ([], [drop()], INCONCLUSIVE),
    ],
)
def test_silence_that_cilium_owns_up_to_is_a_failure(
    answers: list[Answer], drops: list[Drop], outcome: Outcome
) -> None:
    check = checks.not_dropped(drops, ["k8s:app=backend"], ["k8s:app=frontend"])
    assert check(exchanges(*answers)).outcome is outcome


def test_a_drop_outweighs_the_pressure_that_excuses_silence() -> None:
    history = under(0.95, WEB, TIMEOUT)
    served = checks.all_answered_by("web-service")
    dropped = checks.not_dropped([drop()], ["k8s:app=backend"])
    assert served(history).outcome is INCONCLUSIVE
    assert checks.every(served, dropped)(history).outcome is FAIL


LOST: Answer = {"status": 500}


def lost_or_served(exchange: Exchange) -> str:
    return (
        "lost" if (exchange.status, exchange.service) == (500, "") else checks.served_by(exchange)
    )


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([WEB] * 9 + [LOST], PASS),
        ([WEB] * 7 + [LOST] * 3, FAIL),
        ([WEB] * 10, FAIL),
        ([WEB] * 9 + [{"status": 503}], FAIL),
        ([WEB] * 9 + [{**LOST, "service": "web-service"}], FAIL),
        ([WEB] * 9 + [MOBILE], FAIL),
        ([WEB] * 9 + [LOST, TIMEOUT], INCONCLUSIVE),
    ],
)
def test_a_share_may_be_of_what_is_lost(answers: list[Answer], outcome: Outcome) -> None:
    draws = list(islice(cycle(answers), 3_000))
    check = checks.split({"web-service": 90, "lost": 10}, of=lost_or_served)
    assert check(exchanges(*draws)).outcome is outcome


def streams(load: tuple[float, float], **others: float) -> History:
    """A load that was sent and answered then, and others that began then."""
    first, last = load
    loaded = exchanges(WEB, stream="through", sent=first, received=last)
    begun = [exchanges(WEB, stream=name, sent=at, received=at + 1) for name, at in others.items()]
    return sum(begun, loaded)


@pytest.mark.parametrize(
    ("history", "outcome"),
    [
        (streams((10, 20), there=12, back=15), PASS),
        (streams((10, 20), there=10, back=20), PASS),
        (streams((10, 20), there=9.9, back=15), INCONCLUSIVE),
        (streams((10, 20), there=12, back=20.1), INCONCLUSIVE),
        (streams((10, 20), there=12), INCONCLUSIVE),
        (streams((10, 20), there=12, back=15).where(lambda e: e.stream != "through"), INCONCLUSIVE),
        (
            streams((10, 20), there=12)
            + exchanges(WEB, stream="back", sent=15, received=16, caller="another"),
            INCONCLUSIVE,
        ),
    ],
)
def test_what_was_not_asked_during_the_load_shows_nothing_of_it(
    history: History, outcome: Outcome
) -> None:
    assert checks.meanwhile("through", ["there", "back"])(history).outcome is outcome


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (streams((10, 20), there=12, back=15), "through was under way meanwhile"),
        (streams((10, 20), there=12), "through and there, back are not all of one caller"),
        (
            streams((10, 20), there=9, back=21),
            "through was not under way when there, back began",
        ),
    ],
)
def test_what_was_not_under_way_is_named(history: History, reason: str) -> None:
    assert checks.meanwhile("through", ["there", "back"])(history).reason.startswith(reason)


moments = st.integers(0, 9).map(float)


@given(st.lists(st.tuples(moments, moments), max_size=4), st.lists(moments, max_size=4))
def test_a_load_of_many_requests_lasts_from_the_first_to_the_last_answer(
    load: list[tuple[float, float]], begun: list[float]
) -> None:
    loaded = ({**WEB, "sent": min(ends), "received": max(ends)} for ends in load)
    others = ({**WEB, "sent": sent, "received": sent + 1} for sent in begun)
    history = exchanges(*loaded, stream="through") + exchanges(*others, stream="there")
    within = load and begun and min(map(min, load)) <= min(begun) <= max(map(max, load))
    assert checks.meanwhile("through", ["there"])(history).passed == bool(within)
    assert not checks.meanwhile("through", ["there", "back"])(history).passed
