"""Fixtures of the RBAC denial."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.rbac_denial.answers import Answers, ask
from suites.rbac_denial.subject import Api, in_force


@pytest.fixture(scope="module")
def api(lab: Lab, cluster: str) -> Api:
    """backend-api, once its proxy enforces the reference's policy."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def answers(api: Api, seed: int) -> Answers:
    """What every client was answered, of the whole space and of what is asked many times over."""
    return ask(api, seed)
