"""Names of exported services, and of what is not exported, by handmade histories."""

from __future__ import annotations

import pytest

from fixtures.history.verdict import Outcome
from suites.multi_cloud.known_names import at, nowhere, of_all
from tests.histories import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    REFUSED,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    Answer,
    exchanges,
)

UNKNOWN: Answer = {"error": "dns", "detail": "gaierror: Name or service not known"}
EMPTY: Answer = {"error": "dns", "detail": "gaierror: No address associated with hostname"}
SILENT: Answer = {"error": "dns", "detail": "gaierror: Temporary failure in name resolution"}
ONE: Answer = {"status": 200, "service": "plain-a"}
OTHER: Answer = {"status": 200, "service": "plain-b"}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([UNKNOWN, UNKNOWN], PASS),
        ([UNKNOWN, ONE], FAIL),
        ([UNKNOWN, EMPTY], FAIL),
        ([UNKNOWN, REFUSED], FAIL),
        ([UNKNOWN, TIMEOUT], FAIL),
        ([UNKNOWN, SILENT], INCONCLUSIVE),
        ([SILENT, ONE], FAIL),
        ([UNKNOWN], INCONCLUSIVE),
        ([UNKNOWN, STARVED], INCONCLUSIVE),
        ([], INCONCLUSIVE),
    ],
)
def test_a_name_is_nobodys_by_a_resolvers_word(answers: list[Answer], outcome: Outcome) -> None:
    assert nowhere(["s"], 2)(exchanges(*answers)).outcome is outcome


def test_each_name_is_to_be_nobodys() -> None:
    history = exchanges(UNKNOWN, UNKNOWN, stream="a") + exchanges(UNKNOWN, ONE, stream="b")
    assert nowhere(["a"], 2)(history).outcome is PASS
    assert nowhere(["a", "b"], 2)(history).outcome is FAIL
    assert nowhere(["a", "c"], 2)(history).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([ONE, OTHER], PASS),
        ([ONE, ONE], FAIL),
        ([ONE, OTHER, {"status": 200, "service": "another"}], FAIL),
        ([ONE, OTHER, UNKNOWN], FAIL),
        ([ONE, OTHER, UNAVAILABLE], FAIL),
        ([ONE], FAIL),
        ([], INCONCLUSIVE),
    ],
)
def test_a_service_of_all_is_answered_by_each_and_by_nobody_else(
    answers: list[Answer], outcome: Outcome
) -> None:
    assert of_all(["plain-a", "plain-b"], 2)(exchanges(*answers)).outcome is outcome


def test_a_stream_is_answered_by_one_service() -> None:
    assert at("s", "plain-a", 2)(exchanges(ONE, ONE)).outcome is PASS
    assert at("s", "plain-a", 2)(exchanges(ONE, OTHER)).outcome is FAIL
