"""Multi-cloud, failover: whom clients prefer while all are healthy, and who answers otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest

from fixtures.checks import Check, every, known
from fixtures.checks.guard import unless_pressed
from fixtures.checks.unbroken import FOREVER, only_by, unbroken
from fixtures.history import History
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.departure import Moved, by_gateway, by_service, move
from suites.multi_cloud.drops import dropped_between
from suites.multi_cloud.failover import Failed, Pair, without_istiod
from suites.multi_cloud.moves import first_by, left_after, never_asked, taking
from suites.multi_cloud.policies import AWS, labels_of
from suites.multi_cloud.served import at_home, served_across
from suites.multi_cloud.subject import (
    ACROSS,
    AILING,
    CLIENT,
    COUNT,
    LEAVING,
    PREFER,
    STANDBY,
    Everywhere,
    call_name,
    names_of,
)

FAILOVER = "Best Practices/Multi-Cloud/Failover handling"
MOVING = 1.0
"""Seconds for which nobody may answer while the last pod of a cluster goes."""
SETTLING = 1.0
"""Seconds for which each thread of a proxy that knows a pod may still ask by what it knew."""
ERRORS = 3
"""That a pod makes before it is left: of the practice's outlier detection."""


@requirement("FO4", source=FAILOVER)
def test_nothing_leaves_a_healthy_cluster(
    judge: Judge, everywhere: Everywhere, preferred: History
) -> None:
    """While the pods of its own cluster are healthy not one request leaves it, with failover on."""
    own = at_home(everywhere, partial(call_name, PREFER), ACROSS, COUNT)
    judge(preferred, every(*own, served_across(everywhere)))


def taken_over(moved: Moved, clusters: Iterable[str]) -> Check:
    """The own pod answers all until it goes, those of other clusters while it is gone, and the own
    one again once it is back; for a moment nobody may."""
    trace, own = moved.traces.only, f"{LEAVING}-{AWS}"
    others = {f"{LEAVING}-{name}" for name in clusters} - {own}
    first = min(first_by(trace, other, moved.began) for other in others)
    return every(
        known(unbroken(trace, {own, *others}, MOVING)),
        known(only_by(trace.between(0, moved.began), {own}, "before it went")),
        known(only_by(trace.between(moved.gone, moved.again), others, "without it")),
        known(taking("the other cluster to answer", first)),
        known(moved.returned),
        known(only_by(trace.between(moved.back + SETTLING, FOREVER), {own}, "since it is back")),
    )


@pytest.mark.nightly
@requirement("FO1", source=FAILOVER)
def test_the_other_cluster_answers_when_the_last_pod_goes(judge: Judge, lab: Lab) -> None:
    """When the last own pod of a global service goes, the other cluster's answer until it is
    back."""
    moved = move(lab, by_service(lab, AWS, STANDBY))
    judge(moved.traces.history, taken_over(moved, names_of(lab)))


@pytest.mark.nightly
@requirement("FO5", source=FAILOVER)
def test_a_gateway_is_served_by_the_other_cluster(judge: Judge, lab: Lab) -> None:
    """A Gateway without a pod in its own cluster is served by the other cluster's, and by its own
    alone once it is back."""
    moved = move(lab, by_gateway(lab))
    judge(moved.traces.history, taken_over(moved, names_of(lab)))


def left_and_asked_again(failed: Failed, clusters: Iterable[str]) -> Check:
    """The own pod is left for those of other clusters after its errors, which are all that anybody
    got, and is asked again."""
    trace, own = failed.traces.only, f"{AILING}-{AWS}"
    every_one = {f"{AILING}-{name}" for name in clusters}
    return every(
        known(failed.left),
        known(failed.returned),
        known(never_asked(failed.there, 0, failed.began, "while all were well")),
        known(left_after(failed.here, ERRORS)),
        known(unbroken(trace, every_one, failing=own)),
    )


@pytest.mark.nightly
@requirement("FO2", source=FAILOVER)
def test_pods_that_fail_are_left_for_the_other_clusters(judge: Judge, lab: Lab, pair: Pair) -> None:
    """Own pods that answer 503 are left after three errors each, and asked again once they can."""
    failed = pair.fail()
    judge(failed.traces.history, left_and_asked_again(failed, names_of(lab)))


@pytest.mark.nightly
@requirement("FO3", source=FAILOVER)
def test_silent_pods_cost_no_client_an_error(judge: Judge, lab: Lab, pair: Pair) -> None:
    """Own pods that fall silent cost no client an error: it is served by the other cluster's."""
    silent = pair.silence()
    trace, every_one = silent.traces.only, {f"{AILING}-{name}" for name in names_of(lab)}
    history = silent.traces.history
    judge(
        history,
        every(
            known(unless_pressed(unbroken(trace, every_one), history)),
            known(silent.left),
            known(silent.returned),
            known(never_asked(silent.there, 0, silent.began, "while nobody was silent")),
            known(dropped_between(silent.drops, labels_of(CLIENT), labels_of(AILING))),
        ),
    )


@pytest.mark.alone
@pytest.mark.nightly
@requirement("FO6", source=FAILOVER)
def test_failover_needs_no_control_plane(
    judge: Judge, lab: Lab, everywhere: Everywhere, pair: Pair
) -> None:
    """Failover needs no control plane: without any istiod pods that answer 503 are left as well."""
    with without_istiod(lab, everywhere) as none_runs:
        failed = pair.fail()
        alone = none_runs()
    judge(failed.traces.history, every(left_and_asked_again(failed, names_of(lab)), known(alone)))
