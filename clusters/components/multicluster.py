"""One service mesh over all clusters: one root of trust, and istiods that read each other's pods.

Istio's multi-primary on one network: Cilium ClusterMesh routes the pods' addresses, so no gateway
stands between. Each istiod signs with an intermediate of the lab's root (Istio, "Plug in CA
Certificates") and reads the other clusters' API servers with a token of the account that Istio's
charts make for that (Istio, "Install Multi-Primary"). It installs no istiod.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from clusters.components.authority import Authority
from clusters.components.istio import ISTIOD_LABEL, NAMESPACE
from clusters.errors import NotReadyError
from clusters.kube import Kube
from clusters.remote import Container
from clusters.waiting import wait_for

SERVICE_MESH = "plumbline"
CACERTS = "cacerts"
READER = "istio-reader-service-account"
TOKEN = f"{READER}-token"
CLUSTERS = ("pilot-discovery", "request", "GET", "/debug/clusterz")
"""The command that asks an istiod which clusters it reads."""
OWN = "plumbline/cluster"
"""The label of a namespace that is one cluster's own: no other cluster's istiod looks at it.

Without it services of one name in several clusters are one service, which is there as long as one
of them has it."""
CLUSTER_LOCAL = ("home.plumbline-multi-cloud.svc.cluster.local",)
"""Services of other namespaces that each cluster keeps to itself all the same."""


def values(cluster: str, root: Authority) -> dict[str, Any]:
    """What istiod's chart is given in a cluster."""
    ours = {"matchLabels": {OWN: cluster}}
    everybodys = {"matchExpressions": [{"key": OWN, "operator": "DoesNotExist"}]}
    local = {"settings": {"clusterLocal": True}, "hosts": list(CLUSTER_LOCAL)}
    return {
        "global": {"meshID": SERVICE_MESH, "multiCluster": {"clusterName": cluster}},
        # A new root is a new istiod: it reads the root when it starts.
        "pilot": {"podAnnotations": {"plumbline/root": _digest(root)}},
        "meshConfig": {
            "discoverySelectors": [ours, everybodys],
            "serviceSettings": [local],
        },
    }


def pem_files(signing: Authority, above: Authority, *roots: Authority) -> dict[str, str]:
    """What the Secret has for istiod, in PEM: what it signs with, the root that signed that, and
    the roots that all proxies are to believe."""
    return {
        "ca-cert.pem": signing.certificate,
        "ca-key.pem": signing.key,
        "cert-chain.pem": signing.certificate + above.certificate,
        "root-cert.pem": "".join(root.certificate for root in roots),
    }


def plug(kube: Kube, root: Authority) -> None:
    """Give a cluster's istiod, before it starts, an intermediate of the root; one that has a good
    one keeps it."""
    stored = kube.get("v1", "Secret", CACERTS, NAMESPACE)
    if stored and root.signed(decoded(stored, "ca-cert.pem")):
        return
    own = root.sign(f"plumbline {kube.cluster.name}")
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": CACERTS, "namespace": NAMESPACE},
            "stringData": pem_files(own, root, root),
        },
        NAMESPACE,
    )


def plugged(kube: Kube) -> Authority:
    """What a cluster's istiod signs with.

    Raises:
        NotReadyError: nobody plugged anything in.
    """
    stored = kube.get("v1", "Secret", CACERTS, NAMESPACE)
    if not stored:
        look = kube.kubectl(f"-n {NAMESPACE} get secret {CACERTS}")
        raise NotReadyError(f"Secret/{CACERTS} of {kube.cluster.name}", seen="none", look=look)
    return Authority(decoded(stored, "ca-cert.pem"), decoded(stored, "ca-key.pem"))


def offer(kube: Kube, token: str = TOKEN) -> None:
    """Have a cluster's API server make a token for the other clusters' istiods, in the Secret of
    this name."""
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": token,
                "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": READER},
            },
        },
        NAMESPACE,
    )


def join(kube: Kube, others: Sequence[Kube], deadline: float, token: str = TOKEN) -> None:
    """Have a cluster's istiod read the other clusters' endpoints by their tokens of this name, and
    wait until it has.

    Raises:
        NotReadyError: one of them has no token yet, or is not read, within so many seconds.
    """
    for other in others:
        kube.apply(_remote_secret(other, _token(other, deadline, token)), NAMESPACE)
    wait_ready(kube, [other.cluster.name for other in others], deadline)


def wait_ready(kube: Kube, others: Sequence[str], deadline: float) -> None:
    """Wait until a cluster's istiod has read every other cluster.

    Raises:
        NotReadyError: the deadline passed; the state of each other cluster is named.
    """
    wait_for(
        f"istiod of {kube.cluster.name} to read {', '.join(others)}",
        lambda: _unread(remotes(kube), others),
        deadline,
        kube.kubectl(f"-n {NAMESPACE} exec deploy/istiod -- {' '.join(CLUSTERS)}"),
    )


def remotes(kube: Kube) -> dict[str, str]:
    """What a cluster's istiod says of each cluster that it reads: `synced`, or what it lacks."""
    pod = kube.pod(NAMESPACE, ISTIOD_LABEL)["metadata"]["name"]
    said = kube.exec(Container(NAMESPACE, pod, "discovery"), list(CLUSTERS))
    return {each["id"]: str(each.get("syncStatus")) for each in json.loads(said) or []}


def _unread(states: Mapping[str, str], others: Sequence[str]) -> str:
    missing = {name: states.get(name, "not known") for name in others}
    return "; ".join(f"{name}: {state}" for name, state in missing.items() if state != "synced")


def _token(kube: Kube, deadline: float, name: str) -> Mapping[str, Any]:
    """The Secret of a token, once the API server has filled it."""

    stored: dict[str, Any] = {}

    def pending() -> str:
        stored.update(kube.get("v1", "Secret", name, NAMESPACE) or {})
        return "" if "token" in stored.get("data", {}) else "it has no token"

    look = kube.kubectl(f"-n {NAMESPACE} get secret {name}")
    wait_for(f"a token of {READER} in {kube.cluster.name}", pending, deadline, look)
    return stored


def _server(kube: Kube) -> str:
    """Where pods reach a cluster's API server: what its own Service `kubernetes` leads to."""
    slices = kube.list(
        "discovery.k8s.io/v1", "EndpointSlice", "default", "kubernetes.io/service-name=kubernetes"
    )
    address, port = slices[0]["endpoints"][0]["addresses"][0], slices[0]["ports"][0]["port"]
    return f"https://{address}:{port}"


def _remote_secret(other: Kube, secret: Mapping[str, Any]) -> dict[str, Any]:
    """How another cluster is read, in the form that istiod looks for."""
    name = other.cluster.name
    access = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": _server(other),
                    "certificate-authority-data": secret["data"]["ca.crt"],
                },
            }
        ],
        "users": [{"name": name, "user": {"token": decoded(secret, "token")}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"istio-remote-secret-{name}",
            "namespace": NAMESPACE,
            "labels": {"istio/multiCluster": "true"},
            "annotations": {"networking.istio.io/cluster": name},
        },
        "stringData": {name: yaml.safe_dump(access)},
    }


def decoded(secret: Mapping[str, Any], key: str) -> str:
    """What a Secret as it is stored holds by a key; empty if nothing."""
    return base64.b64decode(secret.get("data", {}).get(key, "")).decode()


def _digest(root: Authority) -> str:
    return hashlib.sha256(root.certificate.encode()).hexdigest()[:12]
