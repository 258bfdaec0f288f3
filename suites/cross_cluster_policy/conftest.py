"""Fixtures of the cross-cluster policy: frontend, and the requests that several tests judge."""

from __future__ import annotations

import pytest

from fixtures.history import History
from fixtures.lab import Lab
from suites.cross_cluster_policy.ports import PORTS
from suites.cross_cluster_policy.subject import Guarded, Observation, reach
from suites.cross_cluster_policy.who import SENDER


@pytest.fixture(scope="module")
def guarded(lab: Lab) -> Guarded:
    """frontend without any policy yet, and the clients, known to its agent."""
    return reach(lab)


@pytest.fixture(scope="module")
def observed(guarded: Guarded) -> Observation:
    """Everyone asks frontend and its bystander at both ports, under the policy, at the same time;
    then whom the policy is of asks the bystander."""

    def ask() -> History:
        history = guarded.ask("frontend", "bystander", who=guarded.everybody, ports=PORTS)
        return history + guarded.ask("bystander", who=[SENDER], ports=PORTS)

    guarded.protect()
    return guarded.observe(ask)


@pytest.fixture(scope="module")
def exposed(guarded: Guarded) -> Observation:
    """Everyone asks frontend before the policy is applied, and after its removal."""

    def ask() -> History:
        guarded.expose()
        before = guarded.ask("frontend", label=" before", who=guarded.everybody, ports=PORTS)
        guarded.protect()
        guarded.expose()
        after = guarded.ask("frontend", label=" after", who=guarded.everybody, ports=PORTS)
        return before + after

    return guarded.observe(ask)
