"""Gateway API's CRDs, from its own module, and the GatewayClass that Istio answers for."""

from __future__ import annotations

from pathlib import Path

import yaml

from clusters.kube import Kube
from clusters.waiting import wait_for

CRDS = "config/crd/standard"
CLASS = "istio"  # the reference's gatewayClassName
GROUP = "gateway.networking.k8s.io/v1"
CRD = f"gateways.{GROUP.partition('/')[0]}"


def install(kube: Kube, folder: Path, deadline: float) -> None:
    """Apply every CRD of the standard channel and wait until they are established.

    Raises:
        NotReadyError: the deadline passed; the CRDs that are not established are named.
    """
    names = []
    for file in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if document and document["kind"] == "CustomResourceDefinition":
                kube.apply(document, "", str(file.name))
                names.append(document["metadata"]["name"])
    wait_for(
        f"Gateway API's CRDs established in {kube.cluster.name}",
        lambda: ", ".join(name for name in names if not _established(kube, name)),
        deadline,
        kube.kubectl("get crd"),
    )


def wait_accepted(kube: Kube, deadline: float) -> None:
    """Wait until a controller accepts the GatewayClass.

    Raises:
        NotReadyError: the deadline passed; the class's conditions are shown.
    """
    kube.wait_served(GROUP, "GatewayClass", deadline)
    wait_for(
        f"GatewayClass {CLASS} accepted in {kube.cluster.name}",
        lambda: _unaccepted(kube),
        deadline,
        kube.kubectl(f"get gatewayclass {CLASS} -o yaml"),
    )


def is_accepted(kube: Kube) -> bool:
    """Whether a controller accepts the GatewayClass."""
    return not _unaccepted(kube)


def _unaccepted(kube: Kube) -> str:
    gateway_class = kube.get(GROUP, "GatewayClass", CLASS)
    if gateway_class is None:
        return "there is none"
    conditions = gateway_class.get("status", {}).get("conditions") or []
    if any(c["type"] == "Accepted" and c["status"] == "True" for c in conditions):
        return ""
    return str(conditions)


def _established(kube: Kube, name: str) -> bool:
    crd = kube.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) or {}
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
