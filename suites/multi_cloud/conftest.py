"""Fixtures of the multi-cloud practices."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.multi_cloud.subject import Everywhere, Observation, in_force


@pytest.fixture(scope="module")
def everywhere(lab: Lab) -> Everywhere:
    """All clusters' pods, under the practice's PeerAuthentication."""
    return in_force(lab, "")


@pytest.fixture(scope="module")
def observed(everywhere: Everywhere) -> Observation:
    """What everybody sent in one window, and what of it could be read on the wire."""
    return everywhere.observe()
