"""Cilium, by its own chart, and the addresses it gives to LoadBalancers.

Installs and proves ready. That clusters see each other is clustermesh.py's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clusters.components.helm import Helm
from clusters.kube import Kube
from clusters.plan import ClusterPlan
from clusters.waiting import wait_for

CHART = "install/kubernetes/cilium"
NAMESPACE = "kube-system"
PREFLIGHT, CHECK = "cilium-preflight", "cilium-pre-flight-check"

# The chart's own lists less what a machine without CAP_SYS_RESOURCE, CAP_BPF and
# CAP_PERFMON cannot give; CAP_SYS_ADMIN covers the last two (capabilities(7)).
AGENT = (
    "CHOWN", "KILL", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_MODULE", "SYS_ADMIN",
    "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "SYSLOG",
)  # fmt: skip
CLEANER = ("NET_ADMIN", "SYS_MODULE", "SYS_ADMIN")


def values(plan: ClusterPlan, node: str, *, confined: bool) -> dict[str, Any]:
    """What the chart is given for one cluster, but for ClusterMesh.

    Args:
        node: where the API server is reached, since there is no kube-proxy.
        confined: the machine lacks CAP_SYS_RESOURCE.
    """
    settings: dict[str, Any] = {
        "cluster": {"name": plan.name, "id": plan.number},
        "k8sServiceHost": node,
        "k8sServicePort": 6443,
        "kubeProxyReplacement": True,
        # Both for Istio: a sidecar must see the service's address, and chains its own CNI.
        "socketLB": {"hostNamespaceOnly": True},
        "cni": {"exclusive": False},
        "ipam": {"mode": "kubernetes"},
        "devices": ["eth0"],
        "l2announcements": {"enabled": True},
        # A changed value takes effect: by itself a changed ConfigMap restarts nobody.
        "rollOutCiliumPods": True,
        "operator": {
            "replicas": 1,
            "image": {"useDigest": False},
            "rollOutPods": True,
            "resources": {"requests": {"cpu": "5m"}},
        },
        "image": {"useDigest": False},
        # The agent's own proxy for DNS, which policies by name need. Cilium's Envoy, which this
        # would bring along, stays away: layer 7 is Istio's part.
        "l7Proxy": True,
        "envoy": {"enabled": False},
        "hubble": {
            "enabled": True,
            "relay": {"enabled": False},
            "tls": {"auto": {"method": "helm"}},
        },
        # Drops and verdicts of policies are what is asked for, and a sample of them will do: to
        # tell of each is most of what an agent does under load, and so is a trace of every
        # connection. Events per second, and at once.
        "bpf": {
            "events": {
                "trace": {"enabled": False},
                "default": {"rateLimit": 100, "burstLimit": 2000},
            }
        },
        # Less than a proxy's: an agent that starts compiles, and traffic must not wait for it.
        "resources": {"requests": {"cpu": "10m"}},
        # Two numbers for a small lab. Flows that Hubble keeps: a load must not crowd out what was
        # dropped meanwhile. And how long an agent puts off a new identity of a pod, by chance,
        # so that thousands of pods do not ask at once: half a minute if it is not told.
        "extraConfig": {
            "hubble-event-buffer-capacity": "65535",
            "identity-max-jitter": "1s",
            "disable-envoy-version-check": "true",  # there is none
        },
    }
    if confined:
        settings["securityContext"] = {
            "capabilities": {"ciliumAgent": list(AGENT), "cleanCiliumState": list(CLEANER)}
        }
    return settings


def install(helm: Helm, kube: Kube, chart: Path, values: dict[str, Any]) -> None:
    """Install or upgrade the release.

    Raises:
        CommandError: helm failed.
    """
    helm.upgrade(kube.cluster, "cilium", chart, NAMESPACE, values)


def preflight(helm: Helm, kube: Kube, chart: Path, node: str, deadline: float) -> None:
    """What the vendor requires before an upgrade: the new image is there, the policies are valid.

    Source: Cilium's Upgrade Guide, "Running pre-flight check (Required)". It is taken away again
    whatever it came to.

    Raises:
        NotReadyError: the check did not pass in time; what is missing is named.
        CommandError: helm failed.
    """
    values = {
        "preflight": {"enabled": True, "image": {"useDigest": False}},
        "agent": False,
        "operator": {"enabled": False},
        "envoy": {"enabled": False},
        "k8sServiceHost": node,
        "k8sServicePort": 6443,
    }
    try:
        helm.upgrade(kube.cluster, PREFLIGHT, chart, NAMESPACE, values)
        wait_for(
            f"Cilium's pre-flight check of {kube.cluster.name}",
            lambda: _agent(kube, CHECK),
            deadline,
            kube.kubectl(f"-n {NAMESPACE} get pods"),
        )
        kube.wait_rolled_out(NAMESPACE, deadline, f"app.kubernetes.io/name={CHECK}")
    finally:
        helm.uninstall(kube.cluster, PREFLIGHT, NAMESPACE)


def wait_ready(kube: Kube, deadline: float) -> None:
    """Wait until the agent and the operator are ready and the node is.

    Raises:
        NotReadyError: the deadline passed; what is missing is named.
    """
    wait_for(
        f"Cilium ready in {kube.cluster.name}",
        lambda: "; ".join(filter(None, (_agent(kube), _node(kube)))),
        deadline,
        kube.kubectl("-n kube-system get pods -o wide"),
    )


def announce(kube: Kube, plan: ClusterPlan, deadline: float) -> None:
    """Give LoadBalancers the plan's addresses and have them answered for on eth0.

    Raises:
        NotReadyError: the agent's CRDs are not served in time.
    """
    for document in load_balancers(plan):
        version, kind = document["apiVersion"], document["kind"]
        kube.wait_served(version, kind, deadline)
        kube.apply(document, "")


def load_balancers(plan: ClusterPlan) -> tuple[dict[str, Any], ...]:
    """Cilium's own kinds for LoadBalancer addresses."""
    return (
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumLoadBalancerIPPool",
            "metadata": {"name": "plumbline"},
            "spec": {"blocks": [{"start": plan.first, "stop": plan.last}]},
        },
        {
            "apiVersion": "cilium.io/v2alpha1",
            "kind": "CiliumL2AnnouncementPolicy",
            "metadata": {"name": "plumbline"},
            "spec": {"loadBalancerIPs": True, "interfaces": ["^eth0$"]},
        },
    )


def _agent(kube: Kube, name: str = "cilium") -> str:
    daemons = kube.get("apps/v1", "DaemonSet", name, NAMESPACE)
    if daemons is None:
        return f"no DaemonSet {name}"
    status = daemons.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    current = status.get("observedGeneration") == daemons["metadata"]["generation"]
    if (
        wanted
        and current
        and status.get("numberReady", 0) == wanted == status.get("updatedNumberScheduled")
    ):
        return ""
    return f"{status.get('numberReady', 0)} of {wanted or 'no'} pods of {name} ready"


def _node(kube: Kube) -> str:
    nodes = kube.list("v1", "Node")
    waiting = [
        node["metadata"]["name"]
        for node in nodes
        if not any(
            c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"]
        )
    ]
    return f"not ready: {', '.join(waiting)}" if waiting or not nodes else ""
