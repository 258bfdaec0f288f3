"""Conditions: an object's own status, read as it stands."""

from __future__ import annotations

import pytest

from fixtures.checks.conditions import condition, route_conditions
from fixtures.history.verdict import Outcome

ACCEPTED = {"type": "Accepted", "status": "True", "reason": "Accepted"}
REFUSED = {"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners"}
OTHER = {"type": "ResolvedRefs", "status": "True"}


@pytest.mark.parametrize(
    ("conditions", "status", "reason", "passes"),
    [
        ([ACCEPTED, OTHER], "True", "", True),
        ([ACCEPTED, OTHER], "True", "Accepted", True),
        ([REFUSED], "False", "NotAllowedByListeners", True),
        ([REFUSED], "False", "NoMatchingParent", False),
        ([ACCEPTED], "False", "", False),
        ([ACCEPTED, REFUSED], "True", "", False),
        ([OTHER], "True", "", False),
        ([], "True", "", False),
    ],
)
def test_each_condition_of_the_kind_must_be_as_told(
    conditions: list[dict[str, str]], status: str, reason: str, passes: bool
) -> None:
    verdict = condition(conditions, "Accepted", status, reason)
    assert verdict.passed is passes
    assert verdict.outcome is not Outcome.INCONCLUSIVE


def test_what_was_seen_is_in_the_reason() -> None:
    reason = condition([REFUSED], "Accepted", "True").reason
    assert reason == "expected Accepted True, saw Accepted is False (NotAllowedByListeners)"
    assert condition([], "Accepted", "True").reason == "expected Accepted True, saw none"
    words = condition([ACCEPTED, REFUSED], "Accepted", "True", "Accepted").reason
    assert words == (
        "expected Accepted True Accepted,"
        " saw Accepted is True (Accepted), Accepted is False (NotAllowedByListeners)"
    )
    assert condition([OTHER, OTHER], "ResolvedRefs", "True").reason == (
        "ResolvedRefs is True (no reason), ResolvedRefs is True (no reason)"
    )
    assert not condition([OTHER], "ResolvedRefs", "True", "ResolvedRefs").passed


def test_a_routes_conditions_are_those_of_all_its_parents() -> None:
    status = {"parents": [{"conditions": [ACCEPTED]}, {"conditions": [REFUSED, OTHER]}]}
    assert route_conditions(status) == [ACCEPTED, REFUSED, OTHER]
    assert route_conditions({}) == []
