"""Fixtures of defence in depth."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.defence_in_depth.subject import Defended, Observation, in_force


@pytest.fixture(scope="module")
def defended(lab: Lab, cluster: str) -> Defended:
    """The workloads, under all layers."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def observed(defended: Defended) -> Observation:
    """What everybody sent to all workloads."""
    return defended.observe()
