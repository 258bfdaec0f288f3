"""Fixtures of mobile routing: the client, and the requests that several requirements judge."""

from __future__ import annotations

import pytest

from fixtures.checks.samples import Oracle
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import Lab, sampling
from fixtures.lab.sampling import Answered
from fixtures.traffic.client import SILENCE_IN_TURN, ClientPod
from suites.mobile_routing.oracle import SPACE, expectation
from suites.mobile_routing.subject import (
    COUNT,
    HOST,
    MOBILE,
    OTHER,
    SERVICES,
    URL,
    VERSIONS,
    Routing,
    in_force,
)


@pytest.fixture(scope="module")
def routing(lab: Lab, cluster: str) -> Routing:
    """default/frontend, once its sidecar knows every version and routes by the reference."""
    return in_force(lab, cluster)


@pytest.fixture(scope="module")
def frontend(routing: Routing) -> ClientPod:
    """The client whose sidecar routes by the reference."""
    return routing.frontend


@pytest.fixture(scope="module")
def answers(routing: Routing) -> History:
    """All agents and, by their own names, all versions, asked once for all requirements."""
    host = routing.space.host
    mobile = [Stream(stream=n, url=URL, headers={"User-Agent": a}) for n, a in MOBILE.items()]
    other = [Stream(stream=n, url=URL, headers=h) for n, h in OTHER.items()]
    direct = [Stream(stream=v, url=f"http://{host(v)}/") for v in VERSIONS]
    own = [
        Stream(stream=f"{h} {n}", url=f"http://{host(h)}/", headers={"User-Agent": a})
        for h in SERVICES
        for n, a in (("phone", MOBILE["phone"]), ("desktop", OTHER["desktop"]["User-Agent"]))
    ]
    every = [s.model_copy(update={"count": COUNT}) for s in (*direct, *own, *mobile, *other)]
    # In turn. The kernel may give connections to two destinations the same source port; the
    # sidecar's REDIRECT leads both to one place, where they cannot be told apart. It is the likely
    # cause of three silences, seen once in some 150 runs of all at once.
    return routing.frontend.probe(*every, in_turn=True, consecutive_timeouts=SILENCE_IN_TURN)


@pytest.fixture(scope="module")
def sample(routing: Routing, seed: int) -> Answered:
    """Requests of the whole space, and what came of them."""
    oracle = Oracle(SPACE, expectation)
    return sampling.ask(oracle, seed, routing, routing.frontend, f"http://{HOST}")
