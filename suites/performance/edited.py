"""Edits of a service that nobody asks, of every kind that a proxy is told of: which clusters there
are, how requests are routed to them, and which endpoints they have. Drawn, and pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import NamedTuple

from clusters.kube import Document

EDITED = "edited"
"""The name of every object, and of the service."""
OUTSIDE = "edited.plumbline.test"
"""A service that is not of the cluster."""
COUNT = 10
BACKENDS = ("echo", "origin", "metered")
"""Workloads that the service leads to."""
FIRST_PORT = 9001
"""Of those that the service has beside its own."""
ISTIO = "networking.istio.io/v1"


class Edit(NamedTuple):
    """An object as it is to be, and a text by which a proxy that was told of it can be known."""

    document: Document
    trace: str


KindOfEdit = Callable[[Random, str], Edit]
"""How an edit is drawn: by chance, with a mark that no other has."""


def service(draw: Random, mark: str, ports: int = 1) -> Edit:
    """The service leads to another workload, and has so many ports beside its own: never fewer than
    before, as what becomes of those is for CA8."""
    numbers = range(FIRST_PORT, FIRST_PORT + ports)
    document = service_of(draw.choice(BACKENDS), {f"{mark}-{n}": n for n in numbers})
    return Edit(document, f"outbound|{numbers[-1]}||{EDITED}.")


def service_of(backend: str, ports: dict[str, int]) -> Document:
    """The service with these ports, by name, beside its own."""
    numbers = {"http": 80, **ports}
    every = [
        {"name": n, "appProtocol": "http", "port": port, "targetPort": 3000}
        for n, port in numbers.items()
    ]
    return _document("v1", "Service", selector={"app": backend}, ports=every)


def virtual_service(draw: Random, mark: str) -> Edit:
    """Its requests are routed otherwise."""
    rule = {
        "name": mark,
        "match": [{"uri": {draw.choice(("exact", "prefix")): f"/{draw.getrandbits(32):x}"}}],
        "timeout": f"{draw.randint(1, 20)}s",
        "headers": {"request": {"set": {"x-edit": mark}}},
        "route": [{"destination": {"host": draw.choice((EDITED, *BACKENDS))}}],
    }
    return Edit(_document(ISTIO, "VirtualService", hosts=[EDITED], http=[rule]), mark)


def destination_rule(draw: Random, mark: str) -> Edit:
    """It has another subset, and other limits."""
    limits = {"http": {"http1MaxPendingRequests": draw.randint(1, 4096)}}
    subsets = [{"name": mark, "labels": {"version": draw.choice(("v1", "v2"))}}]
    spec = {"host": EDITED, "subsets": subsets, "trafficPolicy": {"connectionPool": limits}}
    return Edit(_document(ISTIO, "DestinationRule", **spec), mark)


def service_entry(draw: Random, mark: str) -> Edit:
    """Another service, outside the cluster, has other endpoints."""
    block = f"240.{draw.randint(1, 250)}.{draw.randint(1, 250)}."
    document = _document(
        ISTIO,
        "ServiceEntry",
        hosts=[OUTSIDE],
        ports=[{"number": 80, "name": f"http-{mark}", "protocol": "HTTP"}],
        resolution="STATIC",
        endpoints=[{"address": f"{block}{n}"} for n in range(1, draw.randint(2, 5))],
    )
    return Edit(document, block)


def envoy_filter(draw: Random, mark: str) -> Edit:
    """That service's cluster is patched otherwise."""
    value = {
        "alt_stat_name": mark,
        "per_connection_buffer_limit_bytes": draw.randint(1024, 1_048_576),
    }
    patch = {
        "applyTo": "CLUSTER",
        "match": {"context": "SIDECAR_OUTBOUND", "cluster": {"service": OUTSIDE}},
        "patch": {"operation": "MERGE", "value": value},
    }
    kind = "networking.istio.io/v1alpha3", "EnvoyFilter"
    return Edit(_document(*kind, configPatches=[patch]), mark)


KINDS: tuple[KindOfEdit, ...] = (
    service,
    virtual_service,
    destination_rule,
    service_entry,
    envoy_filter,
)


def draw_edits(seed: int, mark: str) -> list[Edit]:
    """`COUNT` edits, as many of each kind, in an order that is drawn; the first is the service's,
    as others are of it.

    Args:
        mark: what no other run has used.
    """
    draw = Random(seed)  # noqa: S311 (no secret)
    again: list[KindOfEdit] = [partial(service, ports=2), *KINDS[1:]]
    rest = draw.sample([*again, *KINDS[1:]], COUNT - 1)
    return [kind(draw, f"{mark}-{n}") for n, kind in enumerate((service, *rest))]


def objects() -> Iterator[Document]:
    """One of each object that edits are of, to have them taken away."""
    for kind in KINDS:
        yield kind(Random(0), "none").document  # noqa: S311 (no secret)


def _document(version: str, kind: str, **spec: object) -> Document:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": EDITED}, "spec": spec}
