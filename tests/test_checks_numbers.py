"""Numbers: what a verdict says it has seen."""

from __future__ import annotations

import pytest

from fixtures import checks
from tests.histories import (
    DENIED,
    FORBIDDEN_BY_ECHO,
    MOBILE,
    NOT_FOUND,
    OLD,
    RESET,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    WEB,
    Answer,
    exchanges,
    made,
)

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
            "all 3 were dropped by a policy",
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
            "silence, but no drop by a policy from aws-cluster",
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
            "a client sent for 0.0 s only, not for 0.03 s",
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
