"""What any AuthorizationPolicy in the place of the reference's means, for every request of the
space.

What is asked is of the spaces that the requirements ask: of `backend-api` each pair of two values,
by each of the suite's client pods, and of the bystander each pair of two values and clients. The
meaning of a request is whether it is served. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from clusters.errors import UnreadError
from fixtures.checks.samples import CLIENT, Space, headers_of, matched, pairwise
from fixtures.manifests.meaning import Meaning
from suites.rbac_denial import policy
from suites.rbac_denial.oracle import CLIENTS, GUARDED, OF_BYSTANDER, SPACE
from suites.rbac_denial.policy import NAMESPACE, PORTS, WORKLOADS, Request

STEM = "authorizationpolicy"
BACKEND, BYSTANDER = WORKLOADS
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
    for seed in SEEDS:
        for row in pairwise(GUARDED, seed):
            for client in CLIENTS:
                yield _request(BACKEND, GUARDED, {**row, CLIENT: client})


def _of_the_bystander() -> Iterator[tuple[str, Request]]:
    """Whether a workload is guarded shows by few requests: each pair of values and clients."""
    for row in pairwise(OF_BYSTANDER.space, FOR_BYSTANDER):
        yield _request(BYSTANDER, OF_BYSTANDER.space, row)


def _request(workload: str, space: Space, row: Mapping[str, str]) -> tuple[str, Request]:
    name = ", ".join(f"{dimension}: {row[dimension]}" for dimension in (*SPACE, CLIENT))
    port = space["port"][row["port"]]
    request = Request(
        workload=workload,
        principal=CLIENTS[row[CLIENT]],
        method=space["method"][row["method"]],
        path=space["path"][row["path"]],
        host=f"{workload}.{NAMESPACE}.svc.cluster.local{f':{port}' if port else ''}",
        port=PORTS[row["port"]],
        headers=_headers(space, row),
    )
    return f"{workload}, {name}", request


def _headers(space: Space, row: Mapping[str, str]) -> Mapping[str, str]:
    chosen = {name: space[name][value] for name, value in row.items() if name in SPACE}
    return matched(headers_of(chosen))
