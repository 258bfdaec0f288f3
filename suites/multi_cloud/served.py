"""Who is served by whom while all is well: the checks that several files' requirements share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fixtures.checks import (
    Check,
    all_answered_by,
    answered_by_each,
    every,
    known,
    on,
    only_answered_by,
)
from fixtures.lab import namespace_of
from fixtures.lab.trust import spiffe_id
from suites.multi_cloud.identity import known_as
from suites.multi_cloud.subject import (
    ACROSS,
    CLIENT,
    COUNT,
    FEW,
    NAME,
    Everywhere,
    Place,
    call_name,
)


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
