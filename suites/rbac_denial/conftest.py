"""Fixtures of the RBAC denial."""

from __future__ import annotations

import operator
from functools import reduce

import pytest

from fixtures.lab import Lab, sampling
from fixtures.lab.sampling import Answered
from suites.rbac_denial.oracle import BY_FRONTEND, BY_OTHERS, OF_BYSTANDER
from suites.rbac_denial.subject import BYSTANDER, Api, in_force


@pytest.fixture(scope="module")
def api(lab: Lab, cluster: str) -> Api:
    """backend-api, once its proxy enforces the reference's policy."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def sample(api: Api, seed: int) -> Answered:
    """default/frontend's requests of the whole space, and what came of them."""
    return sampling.ask(BY_FRONTEND, seed, api, api.frontend, api.origin())


@pytest.fixture(scope="module")
def others(api: Api, seed: int) -> dict[str, Answered]:
    """Each other client's requests of the whole space, and what came of them."""
    return sampling.ask_by(BY_OTHERS, seed, api, api.clients, api.origin())


@pytest.fixture(scope="module")
def bystander(api: Api, seed: int) -> Answered:
    """All clients' requests to the bystander, and what came of them."""
    by_client = sampling.ask_by(OF_BYSTANDER, seed, api, api.clients, api.origin(BYSTANDER))
    return reduce(operator.add, by_client.values())
