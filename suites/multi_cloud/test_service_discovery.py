"""Multi-cloud, service discovery: services of several clusters as one, by Cilium and by Istio."""

from __future__ import annotations

from functools import partial

from fixtures.checks import answered_by_each, every, known, on, only_answered_by, split
from fixtures.checks.sequential import SplitTest
from fixtures.history import History
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.served import at_home, served_across
from suites.multi_cloud.subject import (
    ACROSS,
    EVERYWHERE,
    FAR,
    FEW,
    HOME,
    NEAR,
    PLAIN,
    Everywhere,
    call_name,
    service_name,
)

DISCOVERY = "Best Practices/Multi-Cloud/Service discovery"
EVEN = SplitTest(share=0.5, margin=0.1)


@requirement("SD1", source=DISCOVERY)
def test_a_global_service_is_one_service(
    judge: Judge, everywhere: Everywhere, discovered: History
) -> None:
    """A global service is one: clients of each cluster reach the pods of both, by their number."""
    even = {place.service(PLAIN): 1 for place in everywhere.places.values()}
    shared = (on(place.drawn.stream, split(even, EVEN)) for place in everywhere.places.values())
    judge(
        discovered + everywhere.draw(EVEN),
        every(
            known(everywhere.shared),
            *shared,
            *at_home(everywhere, partial(service_name, PLAIN), PLAIN),
        ),
    )


@requirement("SD3", source=DISCOVERY)
def test_affinity_leads_where_it_says(
    judge: Judge, everywhere: Everywhere, discovered: History
) -> None:
    """While all are healthy affinity leads where it says: to the own pods, or to the others."""
    every_one = {place.service(PLAIN) for place in everywhere.places.values()}
    away = (
        on(service_name(FAR, place), only_answered_by(every_one - {place.service(PLAIN)}, FEW))
        for place in everywhere.places.values()
    )
    healthy = (
        on(service_name(EVERYWHERE, place), answered_by_each(sorted(every_one)))
        for place in everywhere.places.values()
    )
    near = at_home(everywhere, partial(service_name, NEAR), PLAIN)
    judge(discovered, every(*near, *away, *healthy))


@requirement("SD5", source=DISCOVERY)
def test_a_service_of_both_clusters_is_one(
    judge: Judge, everywhere: Everywhere, discovered: History
) -> None:
    """For sidecars too a service of both clusters is one, over mTLS, and a cluster's own is not."""
    own = at_home(everywhere, partial(call_name, HOME), ACROSS)
    judge(discovered, every(served_across(everywhere), *own))
