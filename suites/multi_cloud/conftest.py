"""Fixtures of the multi-cloud practices: what several requirements of a file are judged by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.history import History
from fixtures.lab import Lab
from suites.multi_cloud import failover, policies, sealed
from suites.multi_cloud.failover import Pair
from suites.multi_cloud.policies import Guarded
from suites.multi_cloud.subject import Everywhere, Observation, in_force


@pytest.fixture(scope="module")
def everywhere(lab: Lab) -> Everywhere:
    """All clusters' pods, under the practice's PeerAuthentication."""
    return in_force(lab, "")


@pytest.fixture(scope="module")
def discovered(everywhere: Everywhere) -> History:
    """What everybody was answered by the services of all clusters and of the own one."""
    return everywhere.discover()


@pytest.fixture(scope="module")
def preferred(everywhere: Everywhere) -> History:
    """What the clients were answered while all pods are healthy."""
    return everywhere.prefer()


@pytest.fixture(scope="module")
def observed(everywhere: Everywhere) -> Observation:
    """What everybody sent in one window, and what of it could be read on the wire."""
    return everywhere.observe()


@pytest.fixture(scope="module")
def guarded(lab: Lab) -> Iterator[Guarded]:
    """The workloads that network policies guard, under them."""
    with policies.tenant(lab) as tenant:
        yield policies.guard(lab, tenant)


@pytest.fixture(scope="module")
def policed(guarded: Guarded) -> policies.Observation:
    """What everybody sent to the guarded workloads in one window, and what was dropped."""
    return guarded.observe()


@pytest.fixture(scope="module")
def pair(lab: Lab, everywhere: Everywhere) -> Pair:
    """The pods with moods of both clusters, and the client that prefers its own cluster's."""
    return failover.pair(lab, everywhere)


@pytest.fixture(scope="module")
def by_tls(lab: Lab) -> sealed.Observation:
    """What the Gateway answered for a backend with certificates of all kinds."""
    return sealed.entrance_of(lab).observe()
