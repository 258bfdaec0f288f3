"""Fixtures of the security practices."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.security.asking import Asker, asker_of
from suites.security.isolation import Isolation, isolate
from suites.security.subject import Guarded, Observation, in_force


@pytest.fixture(scope="module")
def guarded(lab: Lab, cluster: str) -> Guarded:
    """The workloads, under the practice's PeerAuthentication."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def observed(guarded: Guarded) -> Observation:
    """What every port was asked in plain text, and every service by mTLS."""
    return guarded.observe()


@pytest.fixture(scope="module")
def isolated(lab: Lab, cluster: str) -> Isolation:
    """What guarded workloads were asked, and what their agent dropped, once all policies are
    enforced."""
    return isolate(lab, cluster).observe()


@pytest.fixture(scope="module")
def asker(lab: Lab, cluster: str) -> Asker:
    """Who asks the cluster's istiod, with no policy of ours between them."""
    return asker_of(lab, cluster)
