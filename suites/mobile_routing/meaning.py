"""What any VirtualService in the place of the reference's means, for every request of the space.

A request of the space is one of the client's sidecar: of the host that the reference routes, with
each pair of two values of the oracle's dimensions, and of every service's own host with each of
its agents. Its meaning is who answers, each by share. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from clusters.errors import UnreadError
from fixtures.checks.samples import headers_of, matched, pairwise
from fixtures.manifests.meaning import Meaning
from suites.mobile_routing import virtual_service
from suites.mobile_routing.destinations import OWN, Shares
from suites.mobile_routing.matches import PORT, Request
from suites.mobile_routing.oracle import SPACE
from suites.mobile_routing.subject import HOST

STEM = "virtualservice"
SEEDS = (1, 2, 3)
"""Each makes other rows with every pair, so some sets of three values are asked too."""


def meaning(stem: str, document: Mapping[str, Any]) -> Meaning:
    """Who answers each request, by share, under a VirtualService.

    Raises:
        UnreadError: the document is of another file, or says something that is not read here.
    """
    if stem != STEM:
        raise UnreadError(f"a document of {STEM}.yaml", seen=stem)
    service = virtual_service.read(document)
    return {name: _words(service.shares(request)) for name, request in requests().items()}


@cache
def requests() -> Mapping[str, Request]:
    """The requests of the space, by what tells one from the others."""
    return dict((*_of_the_route(), *_of_own_hosts()))


def _of_the_route() -> Iterator[tuple[str, Request]]:
    for seed in SEEDS:
        for row in pairwise(SPACE, seed):
            chosen = {dimension: SPACE[dimension][value] for dimension, value in row.items()}
            name = ", ".join(f"{dimension}: {row[dimension]}" for dimension in SPACE)
            yield name, _request(HOST, chosen)


def _of_own_hosts() -> Iterator[tuple[str, Request]]:
    for host in OWN:
        if host != HOST:
            for name, agent in SPACE["agent"].items():
                yield f"{host}, agent: {name}", _request(host, {"agent": agent})


def _request(host: str, chosen: Mapping[str, Any]) -> Request:
    """A row's request as the client's sidecar sees it. No match looks at HTTP's version."""
    headers = matched(headers_of(chosen))
    return Request(
        host=host,
        authority=headers.pop("host", host),
        method=chosen.get("method", "GET"),
        path=chosen.get("path", "/"),
        parameters=_parameters(chosen.get("query", "")),
        headers=headers,
        port=int(chosen.get("port") or PORT),
    )


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a query as they stand in it, nothing decoded; of one name the first."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    parameters: dict[str, str] = {}
    for name, _, value in pairs:
        parameters.setdefault(name, value)
    return parameters


def _words(shares: Shares) -> str:
    return ", ".join(f"{who}: {share}" for who, share in sorted(shares.items()))
