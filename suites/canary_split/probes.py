"""Probes of the canary split: a client outside the service mesh, at the Gateway's address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fixtures.checks.expectations import NO_ROUTE
from fixtures.lab import HOME, OUTSIDE, OUTSIDER
from fixtures.lab.probes import Probe, ProbeSource, Target, served_by
from suites.canary_split.subject import NAME, NINE_TO_ONE, SERVICES, Entry


def probes(entry: Entry) -> Iterator[ProbeSource]:
    """With the header, served in the declared split; without it, not routed."""
    cluster = entry.space.kube.cluster.name
    gateway = Target(NAME, cluster, entry.url, entry.address)
    json = gateway.with_headers({"Content-Type": "application/json"})
    served = "a request with the header is served by the service or its canary"
    keep_alive, new = json.both_modes("split", served, served_by(*SERVICES))
    bare = gateway.both_modes("headerless", "a request without it is not routed", NO_ROUTE)
    split = replace(keep_alive, split=NINE_TO_ONE, loaded=True)
    yield ProbeSource(cluster, OUTSIDER, HOME, OUTSIDE, False, (split, new, *bare))


def load(entry: Entry) -> Iterator[Probe]:
    """The Gateway looks at the request alone, whoever sends it."""
    (source,) = probes(entry)
    return source.kept
