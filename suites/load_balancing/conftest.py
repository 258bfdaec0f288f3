"""Fixtures of load balancing."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.load_balancing.subject import Balanced, in_force


@pytest.fixture(scope="module")
def balanced(lab: Lab, cluster: str) -> Balanced:
    """The pods and their client, under the practices' documents."""
    return in_force(lab, cluster)
