"""Faults of the RBAC denial: no policy, no istiod, and a client that cannot send."""

from __future__ import annotations

import time

from clusters.components import istio
from fixtures.lab import STRANGER
from fixtures.lab.faults import Effect, Injection, Site, no_effect
from fixtures.traffic.pod.health import LOST
from suites.rbac_denial.subject import Api


def rbac_deleted(api: Api, _site: Site) -> Effect:
    """The authorization policy is deleted, and applied again once it is gone."""
    cluster, began = api.space.kube.cluster.name, time.time()
    api.expose()
    gone = time.time()
    api.protect()
    return Effect(f"{cluster}/stranger-kept", "leak", (began, gone, gone, time.time()))


def istiod_killed(api: Api, _site: Site) -> Effect:
    """istiod is killed: nothing opens and nothing shuts."""
    kube, began = api.space.kube, time.time()
    kube.end_pod(istio.NAMESPACE, istio.ISTIOD_LABEL)
    istio.wait_ready(kube, api.deadline)
    return no_effect(began)


def client_paused(api: Api, site: Site) -> Effect:
    """A client pod is kept from running for a second: it says so, and blames nobody."""
    cluster = api.space.kube.cluster.name
    process, began = site.process(cluster, STRANGER), time.time()
    process.pause(1.0)
    # What was due in its last moments is sent late, and not given up.
    times = (began, began, began + 1.0 - LOST, time.time())
    return Effect(f"{cluster}/stranger-kept", "starved", times)


FAULTS = (
    Injection(rbac_deleted, frozenset({"short", "all"})),
    Injection(istiod_killed),
    Injection(client_paused),
)
