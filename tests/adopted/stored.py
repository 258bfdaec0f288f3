"""Stored: every object that a cluster stores, and what differs between two times. It reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from clusters.api_server import ApiServer
from clusters.confinement import CONSENT
from clusters.topology import Cluster
from tests.adopted.tokens import NAME as TOKEN

Objects = Mapping[str, Any]
"""Documents by `resource namespace/name`."""

PASSING = frozenset(
    {
        "ciliumendpoints", "ciliumidentities", "endpoints", "endpointslices", "events", "leases",
        "nodes.metrics", "pods.metrics",
    }
)  # fmt: skip
"""Resources that come, go and change by themselves, with pods and with time."""
LEADER = "control-plane.alpha.kubernetes.io/leader"
"""Annotation of istiod's ConfigMaps: who leads, and since when."""
OWN = ("managedFields", "resourceVersion")
"""Of an object's metadata: how the API server keeps it, not what it is."""


def take(cluster: Cluster) -> Objects:
    """What a cluster stores, but for what passes and for the state that it writes itself."""
    server = ApiServer(cluster)
    try:
        return dict(_objects(server))
    finally:
        server.close()


def difference(before: Objects, after: Objects) -> tuple[str, ...]:
    """What is in one of them alone, or not the same in both."""
    new = (f"new: {key}" for key in after.keys() - before.keys())
    gone = (f"gone: {key}" for key in before.keys() - after.keys())
    other = (f"changed: {k}" for k in before.keys() & after.keys() if before[k] != after[k])
    return tuple(sorted((*new, *gone, *other)))


def as_it_is(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without its state and what changes by itself."""
    metadata = {k: v for k, v in document["metadata"].items() if k not in OWN}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != LEADER}
    return {**{k: v for k, v in document.items() if k != "status"}, "metadata": metadata}


def _objects(server: ApiServer) -> Iterator[tuple[str, Any]]:
    for base, resource in _resources(server):
        for each in json.loads(server.text(f"{base}/{resource}"))["items"] or ():
            place, name = each["metadata"].get("namespace", ""), each["metadata"]["name"]
            if place != CONSENT[0] or not name.startswith(TOKEN):
                yield f"{resource} {place}/{name}", as_it_is(each)


def _resources(server: ApiServer) -> Iterator[tuple[str, str]]:
    """What can be listed, with its path, once whatever versions it has."""
    groups = json.loads(server.text("/apis"))["groups"]
    preferred = (group["preferredVersion"]["groupVersion"] for group in groups)
    for base in ("/api/v1", *(f"/apis/{each}" for each in preferred)):
        for each in json.loads(server.text(base))["resources"]:
            if "list" in each["verbs"] and each["name"] not in PASSING:
                yield base, each["name"]
