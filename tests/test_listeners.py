"""A Gateway is in force once each of its listeners is: one that is refused is a wrong manifest."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.lab.convergence import gateway_api

WELL = {"Accepted": "True", "Programmed": "True", "ResolvedRefs": "True", "Conflicted": "False"}


def gateway(generation: int = 1, **listeners: dict[str, str] | None) -> dict[str, Any]:
    """A Gateway with these listeners and what its status says of each; None: nothing."""
    stated = [
        {
            "name": name,
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "reason": "Because",
                    "message": "of it",
                    "observedGeneration": 1,
                }
                for kind, status in conditions.items()
            ],
        }
        for name, conditions in listeners.items()
        if conditions is not None
    ]
    return {
        "metadata": {"generation": generation},
        "spec": {"listeners": [{"name": name} for name in listeners]},
        "status": {"listeners": stated},
    }


def test_listeners_that_are_all_they_should_be_are_waited_for_no_longer() -> None:
    assert gateway_api._refused(gateway(http=WELL)) == ""
    assert gateway_api._refused(gateway(http=WELL, https=WELL)) == ""
    assert gateway_api._refused({"spec": {}, "status": {}, "metadata": {"generation": 0}}) == ""


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ResolvedRefs", "False"),
        ("Programmed", "False"),
        ("Accepted", "Unknown"),
        ("Conflicted", "True"),
    ],
)
def test_one_that_is_not_is_told_in_its_own_words(kind: str, status: str) -> None:
    words = gateway_api._refused(gateway(http=WELL, api={**WELL, kind: status}))
    assert words == f"listener api: {kind} is {status} (Because: of it)"


def test_one_without_a_status_as_of_today_is_waited_for() -> None:
    assert "api: not told" in gateway_api._refused(gateway(http=WELL, api=None))
    assert gateway_api._refused(gateway(generation=2, http=WELL)).startswith("listener http: ")
