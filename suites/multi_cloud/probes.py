"""Probes of the multi-cloud practices: calls between sidecars of any cluster, and plain text.

Seldom asked: beside what the reference's own behaviours ask a small machine has little left.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.checks.expectations import CutOff
from fixtures.lab import HOME as DEFAULT
from fixtures.lab import OUTSIDE, TENANT
from fixtures.lab.probes import SELDOM, ProbeSource, Target, served_by
from suites.multi_cloud.subject import ACROSS, CLIENT, HOME, NAME, Everywhere


def probes(everywhere: Everywhere) -> Iterator[ProbeSource]:
    """In each cluster a client with a sidecar is served, and one without is cut off."""
    services = [f"{ACROSS}-{cluster}" for cluster in everywhere.places]
    served = "a service of both clusters serves a sidecar's client"
    cut_off = "plain text to a workload that takes mTLS alone is cut off"
    for cluster, place in everywhere.places.items():
        shared, own = (Target.service(NAME, place.space, name) for name in (ACROSS, HOME))
        call = shared.new_connections(ACROSS, served, served_by(*services), SELDOM)
        namespace, identity = place.space.namespace, place.client.identity
        yield ProbeSource(cluster, CLIENT, namespace, identity, True, (call,))
        plain = own.new_connections("plain", cut_off, CutOff(), SELDOM)
        # The other one without a sidecar sends for another behaviour, in a process of its own.
        yield ProbeSource(cluster, TENANT, DEFAULT, OUTSIDE, False, (plain,))
