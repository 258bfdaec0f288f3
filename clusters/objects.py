"""Objects: what the documents of Kubernetes say of themselves. Pure: it asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
"""The label of whatever is made for a Gateway (GEP-1762)."""


def of_gateway(name: str) -> str:
    """The selector of what is made for a Gateway, its pods among it."""
    return f"{GATEWAY_NAME}={name}"


def title(document: Mapping[str, Any]) -> str:
    """A document's kind/name."""
    return f"{document['kind']}/{document['metadata']['name']}"


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def held_back(pod: Mapping[str, Any]) -> str:
    """Why a pod does not run, in the words of the scheduler or of its node, and which of its
    programs end again and again; empty if none says."""
    status = pod.get("status", {})
    unscheduled = [
        condition.get("message", "")
        for condition in status.get("conditions") or ()
        if condition["type"] == "PodScheduled" and condition["status"] != "True"
    ]
    kinds = ("initContainerStatuses", "containerStatuses")
    statuses = [each for kind in kinds for each in status.get(kind) or ()]
    states = [each.get("state", {}).get("waiting") for each in statuses]
    waiting = [": ".join(filter(None, (s.get("reason"), s.get("message")))) for s in states if s]
    return "; ".join(filter(None, (*unscheduled, *waiting, *map(_ended, statuses))))


def _ended(container: Mapping[str, Any]) -> str:
    """How often a container's program that is not ready has ended, and how at last."""
    last = container.get("lastState", {}).get("terminated")
    if container.get("ready", False) or not last:
        return ""
    times, how = container["restartCount"], last.get("reason", "")
    return f"{container['name']} has ended {times} times, at last with {last['exitCode']} {how}"


def containers(pod: Mapping[str, Any]) -> frozenset[str]:
    """The names of a pod's containers, those that start before the others included."""
    spec = pod["spec"]
    return frozenset(c["name"] for c in (*spec.get("initContainers", ()), *spec["containers"]))


def is_observed(document: Mapping[str, Any], conditions: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there are conditions and all of them speak of the object's present generation."""
    generation = document["metadata"]["generation"]
    generations = [c.get("observedGeneration") for c in conditions]
    return bool(generations) and all(s == generation for s in generations)


def pod_labels(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of a Deployment's pods."""
    labels: Mapping[str, str] = deployment["spec"]["template"]["metadata"].get("labels", {})
    return labels


def missing_replicas(deployment: Mapping[str, Any]) -> str:
    """What a Deployment still lacks; empty once only its latest generation runs."""
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status", {})
    counts = {n: status.get(n, 0) for n in ("replicas", "updatedReplicas", "availableReplicas")}
    current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    if current and all(count == wanted for count in counts.values()):
        return ""
    return f"{deployment['metadata']['name']} has {counts} of {wanted}"
