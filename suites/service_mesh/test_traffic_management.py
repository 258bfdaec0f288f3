"""Traffic management: timeouts, what is tried again, and what changes while it is asked for."""

from __future__ import annotations

import pytest

from fixtures.checks import all_answered_by, every, known, on, status_is
from fixtures.checks.unbroken import unbroken
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.service_mesh.aborted import faults
from suites.service_mesh.attempts import (
    GATEWAY_TIMEOUT,
    arrived_times,
    but_unreached,
    ends_within,
    if_quick,
    moved_on,
    some_tried_again,
    unless_late,
    unless_unread,
)
from suites.service_mesh.edits import answered_between, by_the_edits, in_force_in_time
from suites.service_mesh.faulted import fault
from suites.service_mesh.flipped import BLUE, EDITS, GREEN, flip
from suites.service_mesh.mirrored import mirror, mirrors
from suites.service_mesh.renewed import renewed, taken_over
from suites.service_mesh.rolled import roll
from suites.service_mesh.subject import (
    FEW,
    HALVES,
    MANY,
    ONCE,
    ORIGIN,
    OVERTIME,
    ROUTE_TIMEOUT,
    TIMEOUT,
    Observation,
    Practised,
    failing,
)

TRAFFIC = "Best Practices/Service Mesh/Traffic management"
SAME_POD = 5
"""Of `MANY`. Envoy looks five times for a pod that had no attempt yet: with two pods one in 64 is
tried at the same one. More than this is as likely as one in a million then."""


@pytest.fixture(scope="module")
def observed(practised: Practised) -> Observation:
    """What was asked of each service, and what arrived."""
    return practised.attempt()


@requirement("TM1", source=TRAFFIC)
def test_a_timeout_ends_what_is_slower(judge: Judge, observed: Observation) -> None:
    """A route's timeout ends a slower answer with 504 in time, and leaves a quicker one alone."""
    slow, quick = "timed.slow", "timed.quick"
    check = every(
        on(slow, ends_within(TIMEOUT, OVERTIME)),
        on(slow, unless_unread(observed.attempts, 1, 1)),
        on(quick, unless_late(all_answered_by(ORIGIN, FEW))),
    )
    judge(observed.history, check)


@requirement("TM2", source=TRAFFIC)
def test_what_fails_is_tried_again(judge: Judge, observed: Observation) -> None:
    """What fails is tried again at most twice, at another pod, within the route's timeout."""
    attempts = observed.attempts
    check = every(
        on("retried.well", unless_late(all_answered_by(ORIGIN, FEW))),
        on("retried.well", if_quick(arrived_times(attempts, 1, 1))),
        on("retried.once", unless_late(all_answered_by(ORIGIN, MANY))),
        on("retried.once", if_quick(arrived_times(attempts, 2, 2))),
        on("retried.once", moved_on(attempts, SAME_POD)),
        on("retried.always", unless_late(status_is(500, FEW))),
        on("retried.always", unless_late(arrived_times(attempts, 3, 3))),
        on("retried.slow", ends_within(ROUTE_TIMEOUT, ROUTE_TIMEOUT + 0.1, GATEWAY_TIMEOUT)),
        on("retried.slow", unless_unread(attempts, 2, 3)),
    )
    judge(observed.history, check)


@requirement("TM3", source=TRAFFIC)
def test_what_arrived_is_not_repeated(judge: Judge, observed: Observation) -> None:
    """Without a policy of retries, what reached a backend that fails or hangs up is sent once."""
    attempts = observed.attempts
    sent = [
        failing(service, method, mood)
        for service in (ONCE, HALVES)
        for method in ("GET", "POST")
        for mood in ("status=503", "close=1")
    ]
    check = every(
        *(on(stream, status_is(503, FEW)) for stream in sent),
        *(on(stream, but_unreached(arrived_times(attempts, 1, 1), 1)) for stream in sent),
        on("halves.well", but_unreached(all_answered_by(HALVES, MANY - 2), 2)),
        on("halves.well", some_tried_again(attempts)),
    )
    judge(observed.history, check)


@requirement("TM4", source=TRAFFIC)
def test_a_fault_is_for_those_that_ask_for_it(
    judge: Judge, practised: Practised, seed: int
) -> None:
    """A fault aborts its 20 % of the requests that bear its header, with its status and before they
    reach a backend, and no others; the logs tell which."""
    observed, logs = fault(practised, seed)
    judge(observed.history, faults(ORIGIN, observed.attempts, logs))


@requirement("TM5", source=TRAFFIC)
def test_a_mirror_is_felt_by_nobody(judge: Judge, practised: Practised) -> None:
    """A mirror gets its 30 % of the requests, and nobody its answer, its slowness or its errors."""
    history, arrived = mirror(practised)
    judge(history, mirrors(arrived))


@pytest.mark.nightly
@requirement("TM6", source=TRAFFIC)
def test_edits_of_a_route_cost_nothing(judge: Judge, lab: Lab, practised: Practised) -> None:
    """Twenty edits of a route between two subsets under load are in force within T each, lose no
    request, and lead none to a third place."""
    flipped = flip(lab, practised)
    streams, edits = flipped.traces.streams, flipped.edits
    check = every(
        *(known(unbroken(each, {BLUE, GREEN})) for each in streams),
        *(known(by_the_edits(each, BLUE, edits)) for each in streams),
        known(in_force_in_time(edits, EDITS, practised.deadline)),
        known(answered_between(streams, edits)),
    )
    judge(flipped.traces.history, check)


@pytest.mark.nightly
@requirement("TM7", source=TRAFFIC)
def test_pods_that_are_rolled_cost_nothing(judge: Judge, lab: Lab, practised: Practised) -> None:
    """Pods that are rolled under load cost no request, over new and over keep-alive connections."""
    rolled = roll(lab, practised)
    streams, before, after = rolled.traces.streams, rolled.before, rolled.after
    check = every(
        *(known(unbroken(each, {ORIGIN})) for each in streams),
        known(renewed(before, after)),
        known(taken_over(streams, before, after, rolled.began, rolled.ended)),
    )
    judge(rolled.traces.history, check)
