"""Multi-cloud, service discovery: services of several clusters as one, by Cilium and by Istio."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest

from fixtures.checks import (
    Check,
    all_answered_by,
    answered_by_each,
    every,
    known,
    on,
    only_answered_by,
    split,
    with_positive_control,
)
from fixtures.checks.sequential import SplitTest
from fixtures.checks.unbroken import FOREVER, only_by, unbroken
from fixtures.history import History
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.credentials import credentials
from suites.multi_cloud.departure import by_service, move
from suites.multi_cloud.exports import EXPORTED, LENT, TWICE, UNEXPORTED, ask, own_name, shared_name
from suites.multi_cloud.known_names import at, nowhere, of_all
from suites.multi_cloud.policies import AWS, AZURE
from suites.multi_cloud.served import at_home, served_across
from suites.multi_cloud.subject import (
    ACROSS,
    EVERYWHERE,
    FAR,
    FEW,
    HOME,
    LEAVING,
    NEAR,
    PLAIN,
    UNJOINED,
    WITHHELD,
    Everywhere,
    Place,
    call_name,
    names_of,
    service_name,
)

DISCOVERY = "Best Practices/Multi-Cloud/Service discovery"
GOING = 2.0
"""Seconds for which connections may fail once a pod is gone: to other clusters Cilium does not tell
that a pod is about to go, and they ask it until then."""
EVEN = SplitTest(share=0.5, margin=0.15)
"""Of two clusters; of more each has its part, with as much room for an error in all."""


@requirement("SD1", source=DISCOVERY)
def test_a_global_service_is_one_service(
    judge: Judge, everywhere: Everywhere, discovered: History
) -> None:
    """A global service is one: clients of each cluster reach the pods of all, by their number."""
    even = {place.service(PLAIN): 1 for place in everywhere.places.values()}
    shared = (on(place.drawn.stream, split(even, EVEN)) for place in everywhere.places.values())
    judge(
        discovered + everywhere.draw(EVEN.one_of(len(even))),
        every(
            known(everywhere.shared),
            *shared,
            *at_home(everywhere, partial(service_name, PLAIN), PLAIN),
        ),
    )


@requirement("SD2", source=DISCOVERY)
def test_what_is_not_shared_is_not_seen(
    judge: Judge, everywhere: Everywhere, discovered: History
) -> None:
    """Pods that a cluster does not share answer no other cluster, and those of others answer it."""
    places = everywhere.places
    withheld = (on(service_name(WITHHELD, p), _led_to(p, places.values())) for p in places.values())
    own = at_home(everywhere, partial(service_name, UNJOINED), PLAIN)
    pods = [place.service(PLAIN) for place in places.values()]
    shared = on(service_name(EVERYWHERE, places[AWS]), answered_by_each(pods))
    judge(discovered, every(*withheld, *own, shared))


def _led_to(place: Place, places: Iterable[Place]) -> Check:
    """A cluster's own pod answers, and those of others but for azure-cluster's, which it keeps to
    itself."""
    pods = [p.service(PLAIN) for p in places if p is place or p.cluster != AZURE]
    if len(pods) == 1:
        return all_answered_by(pods[0], FEW)
    return every(only_answered_by(pods, FEW), answered_by_each(pods))


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
    """For sidecars too a service of all clusters is one, over mTLS, and a cluster's own is not."""
    own = at_home(everywhere, partial(call_name, HOME), ACROSS)
    judge(discovered, every(served_across(everywhere), *own))


@pytest.mark.nightly
@requirement("SD4", source=DISCOVERY)
def test_other_clusters_pods_come_and_go(judge: Judge, lab: Lab, peer: str) -> None:
    """A pod of the other cluster is asked within T of being ready, and no more once it is gone."""
    moved = move(lab, by_service(lab, peer, LEAVING))
    trace, every_one = moved.traces.only, {f"{LEAVING}-{name}" for name in names_of(lab)}
    left = every_one - {f"{LEAVING}-{AWS}"}
    judge(
        moved.traces.history,
        every(
            known(unbroken(trace, every_one, GOING)),
            known(only_by(trace.between(0, moved.began), every_one, "before it went")),
            known(only_by(trace.between(moved.gone, moved.again), left, "without it")),
            known(moved.returned),
            known(only_by(trace.between(moved.back, FOREVER), every_one, "since")),
        ),
    )


@pytest.mark.alone
@pytest.mark.nightly
@requirement("SD6", source=DISCOVERY)
def test_new_credentials_cost_nothing(judge: Judge, lab: Lab, everywhere: Everywhere) -> None:
    """New credentials for another cluster cost no request, and without any its pods are gone within
    T."""
    changed = credentials(lab, everywhere).change(lab)
    trace = changed.traces.only
    every_one = {place.service(ACROSS) for place in everywhere.places.values()}
    left = every_one - {everywhere.places[AZURE].service(ACROSS)}
    judge(
        changed.traces.history,
        every(
            known(unbroken(trace, every_one)),
            known(changed.learnt),
            known(changed.gone),
            known(only_by(trace.between(changed.without, changed.again), left, "without any")),
            known(changed.back),
            known(only_by(trace.between(changed.ended, FOREVER), every_one, "since")),
        ),
    )


@requirement("SD7", source=DISCOVERY, needs="mcs-api")
def test_an_exported_service_has_a_name_everywhere(
    judge: Judge, lab: Lab, everywhere: Everywhere, seed: int
) -> None:
    """An exported service answers at its name of clusterset.local in all clusters, by the pods of
    those that export it; what is not exported has no such name."""
    answered = ask(lab, everywhere, seed)
    places = everywhere.places.values()
    pods = [place.service(PLAIN) for place in places]
    lent = everywhere.places[AZURE].service(PLAIN)
    served = (
        check
        for place in places
        for check in (
            on(shared_name(place, EXPORTED), of_all(pods, FEW)),
            at(shared_name(place, LENT), lent, FEW),
            *(
                at(own_name(place, each), place.service(PLAIN), TWICE)
                for each in (EXPORTED, LENT, UNEXPORTED)
            ),
        )
    )
    names = [shared_name(place, each) for place in places for each in answered.unknown]
    judge(
        answered.history,
        with_positive_control(
            denied=nowhere(names, TWICE), allowed=every(known(answered.agreed), *served)
        ),
    )
