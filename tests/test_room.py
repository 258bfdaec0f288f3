"""Room: a node of two CPUs has it for the pods of all behaviours at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from clusters.components import istio
from fixtures import manifests as m
from tests.test_manifests import TEMPLATES, VALUES

NODE = 2.0
SYSTEM = 0.5
"""CPUs that are left for the control planes, the reference's own Gateways, and pods on their way
out while others come: 0.27, 0.06 and some 0.1 on 2026-11-27."""


def _cpus(quantity: str) -> float:
    return float(parse_quantity(quantity))  # type: ignore[no-untyped-call]


def _of_containers(spec: Mapping[str, Any]) -> float:
    requests = [each.get("resources", {}).get("requests", {}) for each in spec["containers"]]
    return sum(_cpus(request.get("cpu", "0")) for request in requests)


def _of_proxy() -> str:
    values = istio.values("hub", "tag", revision="", plain_envoy=True)
    return str(values["global"]["proxy"]["resources"]["requests"]["cpu"])


def _asked(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """What each document's pods ask for, in CPUs, their proxies included."""
    named = {d["metadata"]["name"]: d for d in documents if d["kind"] == "ConfigMap"}
    for document in documents:
        name, spec = document["metadata"]["name"], document.get("spec", {})
        if document["kind"] == "Deployment":
            # One that nobody has asked for yet comes while it is asked.
            pod, replicas = spec["template"], max(1, spec.get("replicas", 1))
            cpus = _of_containers(pod["spec"])
            if pod["metadata"]["labels"].get("sidecar.istio.io/inject") == "true":
                annotations = pod["metadata"].get("annotations", {})
                cpus += _cpus(annotations.get("sidecar.istio.io/proxyCPU", _of_proxy()))
            yield name, cpus * replicas
        elif document["kind"] == "Gateway":
            overlay = named[spec["infrastructure"]["parametersRef"]["name"]]["data"]["deployment"]
            pod = yaml.safe_load(overlay)["spec"]["template"]
            yield name, _of_containers(pod["spec"])


@pytest.mark.parametrize("name", ["aws-cluster", "azure-cluster", "gcp-cluster"])
def test_a_node_has_room_for_all_behaviours_at_once(name: str) -> None:
    pods = [
        pod
        for template in TEMPLATES
        for pod in _asked(m.support(template, **{**VALUES, "cluster": name}))
    ]
    assert len(pods) > 30
    assert all(cpus > 0 for _, cpus in pods), "who asks for nothing comes last on a busy node"
    assert sum(cpus for _, cpus in pods) <= NODE - SYSTEM
