"""Checks on handwritten histories: each passes, fails and is inconclusive where it should."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures import checks
from fixtures.checks import Check
from fixtures.history import History
from fixtures.history.verdict import Outcome, Verdict
from tests.histories import (
    AT_ONCE,
    BAD_PATH,
    DENIED,
    FAIL,
    FORBIDDEN_BY_APP,
    FORBIDDEN_BY_ECHO,
    INCONCLUSIVE,
    MADE,
    MOBILE,
    NOT_FOUND,
    OLD,
    PASS,
    REFUSED,
    RESET,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    WEB,
    Answer,
    denied_l4,
    drop,
    exchanges,
    made,
    window,
    without,
)


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
        ("answered_by_each", [WEB, MOBILE, WEB], PASS),
        ("answered_by_each", [WEB, WEB, WEB], FAIL),
        ("answered_by_each", [WEB, {**MOBILE, "status": 503}], FAIL),
        ("reset", [RESET] * 3, PASS),
        ("reset", [RESET] * 2, INCONCLUSIVE),
        ("reset", [RESET, RESET, WEB], FAIL),
        ("reset", [RESET, RESET, TIMEOUT], FAIL),
        ("reset", [RESET, RESET, REFUSED], FAIL),
        ("reset", [RESET, RESET, UNAVAILABLE], FAIL),
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


def test_numbers_run_on_for_each_client_and_stream_on_its_own() -> None:
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
        "a client died: caller-1 in aws-cluster: killed; caller-1 in aws-cluster: no end after 60 s"
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


def test_each_client_must_have_lasted() -> None:
    """Client pods have clocks of their own: only what one of them sent is measured together."""
    long = [{**WEB, "sent": at, "received": at + 0.5} for at in (3.0, 7.0)]
    both = exchanges(*long) + exchanges(*long[:1], cluster="azure-cluster")
    mixed = History(sorted(both, key=lambda e: e.sent))
    assert checks.lasted(4.5)(exchanges(*long)).passed
    for history in (both, mixed):
        assert checks.lasted(4.5)(history).numbers == {"seconds": 0.5}
        assert checks.lasted(0.6)(history).outcome is INCONCLUSIVE
        assert checks.lasted(0.5)(history).passed


def controlled(history: History) -> Verdict:
    return checks.with_positive_control(
        denied=checks.on("denied", checks.denied_http(2)),
        allowed=checks.on("allowed", checks.all_answered_by("web-service", 2)),
    )(history)


@pytest.mark.parametrize(
    ("denied", "allowed", "outcome"),
    [
        ([DENIED] * 2, [WEB] * 2, PASS),
        ([DENIED, WEB], [WEB] * 2, FAIL),
        ([DENIED] * 2, [DENIED] * 2, FAIL),
        ([DENIED] * 2, [], INCONCLUSIVE),
        ([], [WEB] * 2, INCONCLUSIVE),
        ([DENIED, WEB], [TIMEOUT] * 2, FAIL),
    ],
)
def test_a_denial_counts_with_its_positive_control(
    denied: list[Answer], allowed: list[Answer], outcome: Outcome
) -> None:
    history = exchanges(*denied, stream="denied") + exchanges(*allowed, stream="allowed")
    assert controlled(history).outcome is outcome


def test_streams_keep_their_numbers_apart() -> None:
    history = exchanges(*[DENIED] * 2, stream="denied") + exchanges(*[WEB] * 3, stream="allowed")
    numbers = controlled(history).numbers
    assert (numbers["denied.n"], numbers["allowed.n"]) == (2, 3)


def test_a_positive_control_that_was_not_served_is_named_with_its_numbers() -> None:
    history = exchanges(*[DENIED] * 2, stream="denied") + exchanges(WEB, MOBILE, stream="allowed")
    verdict = controlled(history)
    assert verdict.reason.startswith(
        "the positive control was not served, so a denial proves nothing:"
        " allowed: 1 of 2 were not answered 200 by web-service;"
    )
    assert (verdict.numbers["denied.leaks"], verdict.numbers["allowed.hits"]) == (0, 1)
    assert controlled(exchanges(WEB, stream="denied")).reason.startswith(
        "denied: 1 of 1 were let through"
    )


def test_every_wants_all_of_them() -> None:
    check = checks.every(checks.status_is(200), checks.only_answered_by(["web-service"]))
    assert check(exchanges(WEB)).passed
    assert check(exchanges(WEB, MOBILE)).outcome is FAIL
