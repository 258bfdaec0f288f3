"""Probes of mobile routing: frontend's requests for the site, with either kind of agent."""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.lab import FRONTEND
from fixtures.lab.probes import Probe, ProbeSource, Target, served_by
from fixtures.lab.supports import EXAMPLE_ADDRESS
from suites.mobile_routing.subject import HOST, MOBILE, NAME, OTHER, Routing


def probes(routing: Routing) -> Iterator[ProbeSource]:
    """A mobile agent and another, each served by its own version of its own service."""
    cluster = routing.space.kube.cluster.name
    site = Target(NAME, cluster, f"http://{EXAMPLE_ADDRESS}/", HOST)
    mobile = site.with_headers({"User-Agent": MOBILE["phone"]})
    desktop = site.with_headers(OTHER["desktop"])
    phone = "a mobile agent reaches v2 of mobile-service"
    other = "any other agent reaches v1 of web-service and nothing of mobile-service"
    yield ProbeSource.behind_sidecar(
        cluster,
        FRONTEND,
        *mobile.both_modes("mobile", phone, served_by("mobile-service-v2")),
        *desktop.both_modes("desktop", other, served_by("web-service-v1")),
    )


def load(routing: Routing) -> Iterator[Probe]:
    """Anybody in the service mesh is routed alike."""
    (source,) = probes(routing)
    return source.kept
