"""Multi-cloud: services of several clusters as one, and what is said between clusters is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from fixtures.checks import (
    Check,
    all_answered_by,
    answered_by_each,
    every,
    known,
    never_reached,
    on,
    only_answered_by,
    readable,
    reset,
    sealed,
    split,
    status_is,
    unread,
    with_positive_control,
)
from fixtures.checks.sequential import SplitTest
from fixtures.lab import namespace_of
from fixtures.lab.trust import root_of, spiffe_id
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.identity import are_themselves, known_as
from suites.multi_cloud.subject import (
    ACROSS,
    CLIENT,
    COUNT,
    EVERYWHERE,
    FAR,
    FEW,
    HOME,
    NAME,
    NEAR,
    PLAIN,
    PREFER,
    Everywhere,
    Observation,
    Place,
    call_name,
    plain_name,
    service_name,
)

DISCOVERY = "Best Practices/Multi-Cloud/Service discovery"
FAILOVER = "Best Practices/Multi-Cloud/Failover handling"
ENCRYPTION = "Best Practices/Multi-Cloud/Traffic encryption"
EVEN = SplitTest(share=0.5, margin=0.1)
MARKS = 95  # of 100: a call that was cut short is no reason to believe that nobody looks


def at_home(
    everywhere: Everywhere, stream: Callable[[Place], str], workload: str, minimum: int = FEW
) -> Iterator[Check]:
    """In each cluster a stream is answered by its own pod of a workload alone."""
    for place in everywhere.places.values():
        yield on(stream(place), all_answered_by(place.service(workload), minimum))


def served_across(everywhere: Everywhere) -> Check:
    """Each client is served by `across` of every cluster, and of no other service."""
    services = [place.service(ACROSS) for place in everywhere.places.values()]
    who = spiffe_id(namespace_of(NAME), CLIENT)
    return every(
        known(everywhere.joined),
        *(
            on(call_name(ACROSS, place), check)
            for place in everywhere.places.values()
            for check in (
                only_answered_by(services, COUNT),
                answered_by_each(services),
                known_as(who, COUNT),
            )
        ),
    )


@requirement("SD1", source=DISCOVERY)
def test_a_global_service_is_one_service(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """A global service is one: clients of each cluster reach the pods of both, by their number."""
    even = {place.service(PLAIN): 1 for place in everywhere.places.values()}
    shared = (on(place.drawn.stream, split(even, EVEN)) for place in everywhere.places.values())
    judge(
        observed.history + everywhere.draw(EVEN),
        every(
            known(everywhere.shared),
            *shared,
            *at_home(everywhere, partial(service_name, PLAIN), PLAIN),
        ),
    )


@requirement("SD3", source=DISCOVERY)
def test_affinity_leads_where_it_says(
    judge: Judge, everywhere: Everywhere, observed: Observation
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
    judge(observed.history, every(*near, *away, *healthy))


@requirement("SD5", source=DISCOVERY)
def test_a_service_of_both_clusters_is_one(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """For sidecars too a service of both clusters is one, over mTLS, and a cluster's own is not."""
    own = at_home(everywhere, partial(call_name, HOME), ACROSS)
    judge(observed.history, every(served_across(everywhere), *own))


@requirement("FO4", source=FAILOVER)
def test_nothing_leaves_a_healthy_cluster(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """While the pods of its own cluster are healthy not one request leaves it, with failover on."""
    own = at_home(everywhere, partial(call_name, PREFER), ACROSS, COUNT)
    judge(observed.history, every(*own, served_across(everywhere)))


@requirement("TE1", source=ENCRYPTION)
def test_nothing_can_be_read_between_the_nodes(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Nothing of a call between sidecars of two clusters can be read between their nodes."""
    secret = every(
        served_across(everywhere), known(sealed(observed.capture, everywhere.sealed_pairs))
    )
    controls = (readable(observed.capture, pair, MARKS) for pair in everywhere.readable_pairs)
    judge(
        observed.history, with_positive_control(denied=secret, allowed=every(*map(known, controls)))
    )


@requirement("TE5", source=ENCRYPTION, needs="transparent-encryption")
def test_nothing_outside_the_service_mesh_can_be_read_either(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """With encryption of the network nothing of any call can be read between the nodes."""
    every_call = known(unread(observed.capture, everywhere.readable_pairs))
    streams = [plain_name(PLAIN, here, there) for here, there in everywhere.ways]
    served = (on(stream, status_is(200, COUNT)) for stream in streams)
    judge(observed.history, with_positive_control(denied=every_call, allowed=every(*served)))


@requirement("TE2", source=ENCRYPTION)
def test_each_side_is_who_it_says(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Across clusters each side is who it says, by its own cluster's authority under one root."""
    roots = {c: root_of(p.space) for c, p in everywhere.places.items()}
    shown = are_themselves(everywhere.shake(), spiffe_id(namespace_of(NAME), ACROSS), roots)
    judge(observed.history, every(known(shown), served_across(everywhere)))


@requirement("TE3", source=ENCRYPTION)
def test_there_is_no_way_back_to_plain_text(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Across clusters who has no sidecar is cut off, and nothing of its requests arrives."""
    streams = [plain_name(ACROSS, here, there) for here, there in everywhere.ways]
    controls = [plain_name(PLAIN, here, there) for here, there in everywhere.ways]
    cut_off = every(
        *(on(stream, reset(FEW)) for stream in streams),
        never_reached(observed.arrived, streams, controls),
    )
    judge(
        observed.history,
        with_positive_control(denied=cut_off, allowed=served_across(everywhere)),
    )
