"""Istio, by its own charts: the base, and istiod with what the images here can do.

Installs and proves ready: istiod available, its webhook answering. Gateways and sidecars
come with the suites' workloads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clusters.kube import Kube, RefusedError
from clusters.steps.helm import Helm
from clusters.waiting import wait_for

BASE = "manifests/charts/base"
ISTIOD = "manifests/charts/istio-control/istio-discovery"
NAMESPACE = "istio-system"


def values(hub: str, tag: str, *, plain_envoy: bool) -> dict[str, Any]:
    """What istiod's chart is given.

    Args:
        hub: where the images are, such as docker.io/istio.
        plain_envoy: the proxy is an upstream Envoy without Istio's own filters, as the
            forged one is; what would ask for those filters is then left out.
    """
    pilot: dict[str, Any] = {
        "autoscaleEnabled": False,
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
        "env": {},
    }
    mesh: dict[str, Any] = {
        "accessLogFile": "/dev/stdout",  # evidence
        "defaultConfig": {"terminationDrainDuration": "1s"},
    }
    given: dict[str, Any] = {
        "global": {
            "hub": hub,
            "tag": tag,
            "proxy": {"resources": {"requests": {"cpu": "10m", "memory": "40Mi"}}},
        },
        "pilot": pilot,
        "meshConfig": mesh,
    }
    if plain_envoy:
        pilot["env"] |= {
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
            "PILOT_ENABLE_ALPN_FILTER": "false",
        }
        mesh |= {"defaultProviders": {"metrics": []}, "enablePrometheusMerge": False}
        given["telemetry"] = {"enabled": False}
    return given


def install(helm: Helm, kube: Kube, charts: Path, given: dict[str, Any]) -> None:
    """Install or upgrade both releases.

    Raises:
        CommandError: helm failed.
    """
    base = {"defaultRevision": "default", "global": given["global"]}
    helm.upgrade(kube.cluster, "istio-base", charts / BASE, NAMESPACE, base)
    helm.upgrade(kube.cluster, "istiod", charts / ISTIOD, NAMESPACE, given)


def wait_ready(kube: Kube, deadline: float) -> None:
    """Wait until istiod is available and its validating webhook answers.

    Raises:
        NotReadyError: the deadline passed; what is missing is named.
    """
    kube.rolled_out(NAMESPACE, deadline)
    wait_for(
        f"istiod's webhook to answer in {kube.cluster.name}",
        lambda: _unguarded(kube),
        deadline,
        kube.kubectl("-n istio-system logs deploy/istiod"),
    )


def _unguarded(kube: Kube) -> str:
    """Ask for something that only the webhook refuses: once it does, it answers."""
    nonsense = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "plumbline-webhook"},
        "spec": {"hosts": ["plumbline.test"], "http": []},
    }
    try:
        kube.apply(nonsense, NAMESPACE, dry_run=True)
    except RefusedError as error:
        return "" if "denied the request" in error.seen else error.seen
    return "it accepted a VirtualService without a route"
