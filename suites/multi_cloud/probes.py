"""Probes of the practices: what an upgrade of either vendor could open or shut between clusters.

Calls between sidecars of any cluster, a service that rather stays at home, plain text, and requests
without a token.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.checks.expectations import BY_RBAC, CutOff
from fixtures.lab.probes import SELDOM, SPACING, ProbeSource, Target, served_by
from suites.multi_cloud.subject import (
    ACROSS,
    BOTH,
    CLIENT,
    HOME,
    NAME,
    NEAR,
    OUTSIDER,
    PLAIN,
    Everywhere,
    Place,
)

TOKENS = "/with-token"
"""The path that only a request with a token may ask for."""


def probes(everywhere: Everywhere) -> Iterator[ProbeSource]:
    """In each cluster, by a client with a sidecar and by one without."""
    across = [place.service(ACROSS) for place in everywhere.places.values()]
    for place in everywhere.places.values():
        yield _with_sidecar(place, across)
        yield _without_sidecar(place)


def _with_sidecar(place: Place, across: list[str]) -> ProbeSource:
    """A proxy decides, request by request."""
    both = Target.service(NAME, place.space, BOTH)
    call = both.both_modes(
        BOTH, "a service of both clusters serves a client with a sidecar", served_by(*across)
    )
    guarded = Target.service(NAME, place.space, HOME, TOKENS)
    denied = guarded.both_modes("tokenless", "a request without its token is denied", BY_RBAC)
    client, namespace = place.client, place.space.namespace
    return ProbeSource(place.cluster, CLIENT, namespace, client.identity, True, (*call, *denied))


def _without_sidecar(place: Place) -> ProbeSource:
    """What is decided as a connection is made."""
    home, near = (Target.service(NAME, place.space, name) for name in (HOME, NEAR))
    text = "plain text to a workload that takes mTLS alone is cut off"
    stays, served = "a service that rather stays at home does", served_by(place.service(PLAIN))
    asked_of = (
        home.new_connections("plain-text", text, CutOff(), SPACING),
        near.new_connections(NEAR, stays, served, SPACING),
        near.keep_alive(NEAR, stays, served, SELDOM),
    )
    namespace, identity = place.space.namespace, place.outsider.identity
    return ProbeSource(place.cluster, OUTSIDER, namespace, identity, False, asked_of)
