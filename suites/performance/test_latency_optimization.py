"""Latency optimization: what sidecars and a Gateway add, and how few connections they take."""

from __future__ import annotations

import pytest

from fixtures.checks import Check, every
from fixtures.checks.paired import Allowance, adds_at_most
from fixtures.history import History
from fixtures.history.verdict import combine
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.performance.changed import change
from suites.performance.connections import are_shared
from suites.performance.cpu import REQUESTS, measure
from suites.performance.latency import (
    COUNTS,
    KEEP_ALIVE,
    METERED,
    NEW,
    UNMETERED,
    Metered,
    metered_in_force,
    streams,
)
from suites.performance.propagation import in_force_everywhere, in_order
from suites.performance.subject import stage_of
from suites.performance.thrift import takes_no_more

LATENCY = "Best Practices/Performance/Latency optimization"
ALLOWED = Allowance(times=5.0)
"""Of what a counterpart takes. Measured, 2026-11-27, on 2 cores, 68 % pressed: at the median two
sidecars add half of it over either kind of connection, a Gateway three quarters. With 83 %, 1.8
times, and 2.6 times at the 90th percentile."""


@pytest.fixture(scope="module")
def metered(lab: Lab, cluster: str) -> Metered:
    """The ways and their counterparts."""
    return metered_in_force(lab, cluster)


@pytest.fixture(scope="module")
def walked(metered: Metered) -> History:
    """Every way, walked in turn with its counterpart."""
    return metered.walk()


def within(way: str) -> Check:
    """A way takes no longer than its counterpart allows, over both kinds of connection."""
    return every(
        *(
            adds_at_most(
                ALLOWED, streams(mode, way, way), streams(mode, way, UNMETERED), COUNTS[mode]
            )
            for mode in (KEEP_ALIVE, NEW)
        )
    )


@requirement("LA1", source=LATENCY)
def test_sidecars_add_no_more_than_allowed(judge: Judge, walked: History) -> None:
    """Two sidecars add no more to a call than they are allowed to."""
    judge(walked, within(METERED))


@requirement("LA2", source=LATENCY)
def test_a_gateway_adds_no_more_than_allowed(judge: Judge, walked: History) -> None:
    """A Gateway adds no more to a call than it is allowed to."""
    judge(walked, within("gateway"))


@requirement("LA4", source=LATENCY)
def test_requests_share_connections(judge: Judge, metered: Metered) -> None:
    """Requests share connections of the sidecar, whether or not their client keeps its own."""
    history, counted = metered.connect()
    judge(history, are_shared(counted))


@pytest.mark.nightly
@requirement("LA5", source=LATENCY)
def test_a_changed_route_is_soon_in_force(judge: Judge, lab: Lab, cluster: str) -> None:
    """A changed route is in force at the proxy of every client within its budget, in the order of
    the changes: 19 times of 20."""
    changed = change(lab, cluster)
    in_time = in_force_everywhere(changed.changes, changed.heard, changed.machines)
    judge.conclude(combine((in_time, in_order(changed.changes, changed.heard))))


@pytest.mark.nightly
@pytest.mark.long
@requirement("LA6", source=LATENCY)
def test_sidecars_take_no_more_cpu_than_allowed(judge: Judge, lab: Lab, cluster: str) -> None:
    """A pair of sidecars takes no more CPU for a request than its budget, by what the backend takes
    for it."""
    history, uses = measure(stage_of(lab, cluster, ()))
    judge(history, takes_no_more(uses, "backend", REQUESTS))
