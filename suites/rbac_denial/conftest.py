"""Fixtures of the RBAC denial."""

from __future__ import annotations

import pytest

from fixtures.checks.samples import Oracle
from fixtures.lab import Lab, sampling
from fixtures.lab.sampling import Answered
from suites.rbac_denial.oracle import SPACE, expectation
from suites.rbac_denial.subject import APP, Api, in_force


@pytest.fixture(scope="module")
def api(lab: Lab, cluster: str) -> Api:
    """backend-api, once its proxy enforces the reference's policy."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def sample(api: Api, seed: int) -> Answered:
    """default/frontend's requests of the whole space, and what came of them."""
    oracle, origin = Oracle(SPACE, expectation), f"http://{api.space.host(APP)}"
    return sampling.ask(oracle, seed, api, api.frontend, origin)
