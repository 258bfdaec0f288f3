"""Fixtures of the cross-cluster policy: frontend, and the requests that several tests judge."""

from __future__ import annotations

import pytest

from fixtures.history import History
from fixtures.lab import Lab
from suites.cross_cluster_policy.subject import CLIENTS, NAMESAKE, Guarded, Observation, reach


@pytest.fixture(scope="module")
def guarded(lab: Lab) -> Guarded:
    """frontend without any policy yet, and the clients, known to its agent."""
    return reach(lab)


@pytest.fixture(scope="module")
def observed(guarded: Guarded) -> Observation:
    """Everyone asks frontend and its bystander, under the policy, at the same time."""
    guarded.protect()
    everyone = (*CLIENTS, NAMESAKE)
    return guarded.observe(lambda: guarded.ask("frontend", "bystander", who=everyone))


@pytest.fixture(scope="module")
def exposed(guarded: Guarded) -> Observation:
    """Everyone asks frontend before the policy is applied, and after its removal."""

    def ask() -> History:
        guarded.expose()
        before = guarded.ask("frontend", label=" before")
        guarded.protect()
        guarded.expose()
        return before + guarded.ask("frontend", label=" after")

    return guarded.observe(ask)
