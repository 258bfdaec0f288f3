"""Istio, by its own charts: the base, and istiod with what the images here can do.

Installs and proves ready: istiod available, its webhook answering. Gateways and sidecars
come with the suites' workloads; which istiod they are of is said by their namespace's label.
Without a revision istiod is the default one, as a bring-up installs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clusters.components.helm import Helm
from clusters.errors import RefusedError
from clusters.kube import Kube
from clusters.waiting import wait_for

BASE = "manifests/charts/base"
ISTIOD = "manifests/charts/istio-control/istio-discovery"
NAMESPACE = "istio-system"
ISTIOD_LABEL = "app=istiod"
REVISION = "istio.io/rev"
LEASES = "coordination.k8s.io/v1"
PROXY = "istio-proxy"
DEFAULT = "default"
TRUST_DOMAIN = "cluster.local"
"""Istio's own, and the one that the reference names its principal by."""
AUTHORIZER, AUTHORIZER_HOST = "plumbline-authorizer", "authorizer.plumbline.test"
SPANS, SPANS_HOST = "plumbline-spans", "spans.plumbline.test"
"""An external authorizer for policies that name it, what takes the spans of telemetry that names
it, and where they are: whoever wants one declares its host."""


def values(hub: str, tag: str, revision: str = "", *, plain_envoy: bool) -> dict[str, Any]:
    """What istiod's chart is given.

    Args:
        hub: where the images are, such as docker.io/istio.
        revision: empty for the default one.
        plain_envoy: the proxy is an upstream Envoy without Istio's own filters, as the
            one that we build is; what would ask for those filters is then left out.
    """
    pilot: dict[str, Any] = {
        "autoscaleEnabled": False,
        "resources": {"requests": {"cpu": "10m", "memory": "256Mi"}},
        # Where a Gateway's Service has ports for it.
        "env": {"PILOT_ENABLE_QUIC_LISTENERS": "true"},
    }
    service_mesh: dict[str, Any] = {
        "accessLogFile": "/dev/stdout",  # evidence
        "defaultConfig": {"terminationDrainDuration": "1s"},
        "extensionProviders": [_authorizer(), _spans()],
    }
    settings: dict[str, Any] = {
        "global": {
            "hub": hub,
            "tag": tag,
            # More than the control planes ask for: what carries traffic must not wait for them.
            "proxy": {"resources": {"requests": {"cpu": "30m", "memory": "40Mi"}}},
        },
        "pilot": pilot,
        "meshConfig": service_mesh,
    }
    if revision:
        settings["revision"] = revision
    if plain_envoy:
        pilot["env"] |= {
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
            "PILOT_ENABLE_ALPN_FILTER": "false",
        }
        service_mesh |= {"defaultProviders": {"metrics": []}, "enablePrometheusMerge": False}
        settings["telemetry"] = {"enabled": False}
    return settings


def _authorizer() -> dict[str, Any]:
    """Asked by HTTP; whatever is not its word in time is a refusal."""
    asked_at = {"service": AUTHORIZER_HOST, "port": 80, "timeout": "1s", "failOpen": False}
    return {"name": AUTHORIZER, "envoyExtAuthzHttp": asked_at}


def _spans() -> dict[str, Any]:
    """Told of each request in Zipkin's JSON; nobody waits for it."""
    return {"name": SPANS, "zipkin": {"service": SPANS_HOST, "port": 9411}}


def install_base(
    helm: Helm, kube: Kube, charts: Path, values: dict[str, Any], default: str = DEFAULT
) -> None:
    """The CRDs, and the webhook that has the `default` revision validate what is applied."""
    base = {"defaultRevision": default, "global": values["global"]}
    helm.upgrade(kube.cluster, "istio-base", charts / BASE, NAMESPACE, base)


def install_istiod(helm: Helm, kube: Kube, charts: Path, values: dict[str, Any]) -> None:
    """istiod of the revision that the values name, beside any other."""
    release = istiod(str(values.get("revision", "")))
    helm.upgrade(kube.cluster, release, charts / ISTIOD, NAMESPACE, values)


def istiod(revision: str) -> str:
    """The name of a revision's release, Deployment and Service."""
    return f"istiod-{revision}" if revision else "istiod"


def istiods(kube: Kube) -> list[str]:
    """The Deployments of istiod there are, one per revision."""
    deployments = kube.list("apps/v1", "Deployment", NAMESPACE, ISTIOD_LABEL)
    return [deployment["metadata"]["name"] for deployment in deployments]


def revision_of(version: str) -> str:
    """A version as a revision's name: 1-31-0."""
    return version.replace(".", "-")


def wait_ready(kube: Kube, deadline: float) -> None:
    """Wait until istiod is available and its validating webhook answers.

    Raises:
        NotReadyError: the deadline passed; what is missing is named.
    """
    kube.wait_rolled_out(NAMESPACE, deadline)
    wait_for(
        f"istiod's webhook to answer in {kube.cluster.name}",
        lambda: _unguarded(kube),
        deadline,
        kube.kubectl(f"-n {NAMESPACE} logs -l {ISTIOD_LABEL}"),
    )


def release_leases(kube: Kube) -> None:
    """Delete the leases of istiods that have gone. Their successor would wait out their 30 s before
    it tells the status of a route or makes a Gateway's pods."""
    pods = {pod["metadata"]["name"] for pod in kube.list("v1", "Pod", NAMESPACE, ISTIOD_LABEL)}
    for lease in kube.list(LEASES, "Lease", NAMESPACE):
        if str(lease["spec"].get("holderIdentity", "")) not in pods:
            metadata = {"name": lease["metadata"]["name"]}
            kube.delete({"apiVersion": LEASES, "kind": "Lease", "metadata": metadata}, NAMESPACE)


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
