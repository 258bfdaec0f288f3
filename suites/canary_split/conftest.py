"""Fixtures of the canary split: the Gateway, and the requests that several requirements judge."""

from __future__ import annotations

import pytest

from fixtures.checks.samples import Oracle
from fixtures.history import History
from fixtures.lab import Lab, sampling
from fixtures.lab.sampling import Answered
from fixtures.traffic.batches import draw
from suites.canary_split.oracle import SPACE, expectation
from suites.canary_split.subject import STABLE, TEST, Entry, in_force

DRAWS = 2_100  # what the runs test of CS4 wants; the split alone takes some 1,270 on average


@pytest.fixture(scope="module")
def entry(lab: Lab, cluster: str) -> Entry:
    """The Gateway, once it routes by the reference and has endpoints of both services."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def drawn(entry: Entry) -> History:
    """Requests that the route matches, one after another, until their split is decided."""
    return draw(entry.client, entry.request, STABLE, TEST, minimum=DRAWS)


@pytest.fixture(scope="module")
def sample(entry: Entry, seed: int) -> Answered:
    """Requests of the whole space, and what came of them."""
    oracle, origin = Oracle(SPACE, expectation), f"http://{entry.address}"
    return sampling.ask(oracle, seed, entry, entry.client, origin)
