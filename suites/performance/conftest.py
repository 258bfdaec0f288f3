"""Fixtures of the performance practices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from suites.performance.caching import Kept, kept_in_force
from suites.performance.passing import passing_in_force
from suites.performance.protocols import Framed, smuggle, spoken_in_force
from suites.performance.quick import quick_in_force
from suites.performance.shaping import Observation, observe
from suites.performance.shared_limit import shared_in_force
from suites.performance.subject import Stage, in_force
from suites.performance.undeclared import undeclared_in_force


@pytest.fixture(scope="module")
def stage(lab: Lab, cluster: str) -> Stage:
    """The workloads, held to the limits of the practices."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def shaped(stage: Stage) -> Observation:
    """What was sent to each limit, and to what has none."""
    return observe(stage)


@pytest.fixture(scope="module")
def cached(lab: Lab, cluster: str) -> Kept:
    """What was asked of a Gateway that keeps answers, and what of it came to the origin."""
    return kept_in_force(lab, cluster)


@pytest.fixture(scope="module")
def spoken_to(lab: Lab, cluster: str) -> Stage:
    """The workloads, once the Gateway is told what it may take for a request."""
    return spoken_in_force(lab, cluster)


@pytest.fixture(scope="module")
def framed(spoken_to: Stage) -> Framed:
    """What became of requests that can be understood in two ways."""
    return smuggle(spoken_to)


@pytest.fixture(scope="module")
def passing(lab: Lab, cluster: str) -> Stage:
    """The workloads, once the Gateway passes TLS through."""
    return passing_in_force(lab, cluster)


@pytest.fixture(scope="module")
def silent_about(lab: Lab, cluster: str) -> Stage:
    """The workloads, once a Service leads to one and says nothing of what it speaks."""
    return undeclared_in_force(lab, cluster)


@pytest.fixture(scope="module")
def quick(lab: Lab, cluster: str) -> Iterator[Stage]:
    """The workloads, while a Gateway speaks HTTP/3."""
    with quick_in_force(lab, cluster) as stage:
        yield stage


@pytest.fixture(scope="module")
def shared(lab: Lab, cluster: str) -> Stage:
    """The workloads, once two replicas share a limit."""
    return shared_in_force(lab, cluster)
