"""Fixtures of least privilege."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from suites.least_privilege.subject import Guarded, in_force


@pytest.fixture(scope="module")
def guarded(lab: Lab, cluster: str) -> Guarded:
    """The workloads, under the defaults of both layers and what is declared."""
    return in_force(lab, cluster)
