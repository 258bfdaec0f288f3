"""Probes of the RBAC denial: what frontend may ask of backend-api, and a stranger may not."""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.checks.expectations import BY_RBAC
from fixtures.lab import FRONTEND, STRANGER
from fixtures.lab.probes import Probe, ProbeSource, Target, served_by
from suites.rbac_denial.subject import API, APP, NAME, Api


def probes(api: Api) -> Iterator[ProbeSource]:
    """The one principal is served, another is denied, by the same method and path."""
    cluster = api.space.kube.cluster.name
    backend = Target.service(NAME, api.space, APP, API)
    served = "GET of /api/v1 as frontend is served"
    denied = "another account is denied by RBAC"
    allowed = backend.both_modes("frontend", served, served_by(APP))
    refused = backend.both_modes("stranger", denied, BY_RBAC)
    yield ProbeSource.behind_sidecar(cluster, FRONTEND, *allowed)
    yield ProbeSource.behind_sidecar(cluster, STRANGER, *refused)


def load(api: Api) -> Iterator[Probe]:
    """Whoever is not frontend is denied."""
    _, stranger = probes(api)
    return stranger.kept
