"""Fixtures of the service mesh's practices."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.service_mesh.hosts import Entrance, entrance_of
from suites.service_mesh.subject import Practised, in_force


@pytest.fixture(scope="module")
def practised(lab: Lab, cluster: str) -> Practised:
    """The services, under the practices' documents."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def entrance(lab: Lab, cluster: str) -> Entrance:
    """The Gateway that has a certificate for each of its hosts."""
    return entrance_of(lab, cluster)
