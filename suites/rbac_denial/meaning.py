"""What any AuthorizationPolicy in the place of the reference's means, for every request of the
space.

A request of the space is one of each of the suite's client pods for `backend-api`, with each pair
of two values of the oracle's dimensions and the paths around the reference's, and some for the
bystander. Its meaning is whether it is served. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from clusters.errors import UnreadError
from fixtures.checks.samples import Space, pairwise
from fixtures.lab import HOME, TRUST_DOMAIN
from fixtures.manifests.meaning import Meaning
from suites.rbac_denial import policy
from suites.rbac_denial.oracle import SPACE
from suites.rbac_denial.policy import NAMESPACE, WORKLOADS, Request

STEM = "authorizationpolicy"
GUARDED, BYSTANDER = WORKLOADS
CLIENTS = {
    "frontend": f"{TRUST_DOMAIN}/ns/{HOME}/sa/frontend",
    "stranger": f"{TRUST_DOMAIN}/ns/{HOME}/sa/stranger",
    "lookalike": f"{TRUST_DOMAIN}/ns/{HOME}/sa/frontend-x",
    "namesake": f"{TRUST_DOMAIN}/ns/{NAMESPACE}/sa/frontend",
    "outsider": "",
}
"""The identity of each client pod; the last sends plain text and has none."""

AROUND = {
    "two slashes": "/api//v1/items",
    "encoded slash": "/api%2Fv1/items",
    "encoded last slash": "/api/v1%2fitems",
}
"""Paths that Envoy leaves as they are: it neither merges nor decodes slashes, if it is not told to
(istio.io/latest/docs/reference/config/istio.mesh.v1alpha1, NormalizationType: BASE)."""

SEEDS = (1, 2)
"""Each makes other rows with every pair, so some sets of three values are asked too."""
FOR_BYSTANDER = 3


def meaning(stem: str, document: Mapping[str, Any]) -> Meaning:
    """Whether each request is served, under an AuthorizationPolicy.

    Raises:
        UnreadError: the document is of another file, or says something that is not read here.
    """
    if stem != STEM:
        raise UnreadError(f"a document of {STEM}.yaml", seen=stem)
    guard = policy.read(document)
    served = {name: guard.is_served(request) for name, request in requests().items()}
    return {name: "served" if is_served else "denied" for name, is_served in served.items()}


@cache
def requests() -> Mapping[str, Request]:
    """The requests of the space, by what tells one from the others."""
    return dict((*_of_the_guarded(), *_of_the_bystander()))


def _of_the_guarded() -> Iterator[tuple[str, Request]]:
    """What every client may ask, each of them."""
    space = {**SPACE, "path": {**SPACE["path"], **AROUND}}
    for seed in SEEDS:
        for row in pairwise(space, seed):
            for client in CLIENTS:
                yield _request(GUARDED, space, {**row, "client": client})


def _of_the_bystander() -> Iterator[tuple[str, Request]]:
    """Whether a workload is guarded shows by few requests: each pair of values and clients."""
    space = {**SPACE, "client": CLIENTS}
    for row in pairwise(space, FOR_BYSTANDER):
        yield _request(BYSTANDER, space, row)


def _request(workload: str, space: Space, row: Mapping[str, str]) -> tuple[str, Request]:
    name = ", ".join(f"{dimension}: {row[dimension]}" for dimension in (*SPACE, "client"))
    request = Request(
        workload=workload,
        principal=CLIENTS[row["client"]],
        method=space["method"][row["method"]],
        path=space["path"][row["path"]],
        host=f"{workload}.{NAMESPACE}.svc.cluster.local",
    )
    return f"{workload}, {name}", request
