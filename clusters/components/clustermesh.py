"""ClusterMesh: one root of trust, the reference's names and addresses, both directions.

Its values go into Cilium's release, so that one installation brings up the agent and ClusterMesh.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from clusters.components.authority import Authority
from clusters.kube import Kube
from clusters.plan import ClusterPlan
from clusters.remote import Container
from clusters.waiting import wait_for

NAMESPACE = "kube-system"
SERVICE = "clustermesh-apiserver"
COMMENT = "# connect anew: "
CONFIGURATION = "cilium-clustermesh"  # the Secret that agents and operators read
READERS = ("k8s-app=cilium", "io.cilium/app=operator")
SYNC_TIMEOUT = "2s"
CPU = "30m"
"""What the control plane's pod asks for, by its first container. Whoever asks for nothing gets
nothing of a machine that others keep busy, and the clusters are apart until it has started."""
PROBED = {"periodSeconds": 2, "failureThreshold": 15}
"""Ready is told within two seconds, not the chart's ten, and unready after the same thirty."""


def values(plan: ClusterPlan, clusters: Sequence[ClusterPlan], root: Authority) -> dict[str, Any]:
    """What Cilium's chart is given so that `plan` joins the ClusterMesh of `clusters`."""
    return {
        "tls": {"ca": root.encoded},
        # An agent waits so long for ClusterMesh before it announces addresses, ClusterMesh's own
        # among them: two clusters that come up together would wait the chart's whole minute.
        "extraConfig": {"clustermesh-sync-timeout": SYNC_TIMEOUT},
        "clustermesh": {
            "useAPIServer": True,
            # Services that are exported have names in all clusters; see coredns.py.
            "mcsapi": {"enabled": True},
            "apiserver": {
                "image": {"useDigest": False},
                "etcd": {"init": {"resources": {"requests": {"cpu": CPU}}}},
                "readinessProbe": PROBED,
                # So long it waits for the others before it calls itself ready, and the others
                # do not reach it before: clusters that come up together wait in vain.
                "kvstoremesh": {
                    "extraArgs": [f"--per-cluster-ready-timeout={SYNC_TIMEOUT}"],
                    "readinessProbe": PROBED,
                },
                "service": {
                    "type": "LoadBalancer",
                    "annotations": {"lbipam.cilium.io/ips": plan.first},
                },
                "tls": {
                    "auto": {"method": "helm"},
                    # Without it the agents refuse the name that the reference gives the address.
                    "server": {"extraDnsNames": [f"*.{plan.domain}"]},
                },
            },
            "config": {
                "enabled": True,
                "domain": plan.domain,
                "clusters": [
                    {"name": each.name, "port": each.port, "ips": [each.first]}
                    for each in clusters
                    if each.name != plan.name
                ],
            },
        },
    }


def connect(kube: Kube, others: Sequence[str], deadline: float) -> None:
    """Have agents and operator connect to ClusterMesh, anew, once the control plane beside them is
    ready.

    They start first, ask in vain, and wait longer before each further try, up to a minute by
    then (gRPC, doc/connection-backoff.md). They connect at once when their configuration
    changes: a comment will do. The kubelet brings that to a pod that changes.

    Raises:
        NotReadyError: the control plane was not ready in time.
        RefusedError: there is no such configuration.
    """
    kube.wait_rolled_out(NAMESPACE, deadline, f"k8s-app={SERVICE}")
    former = kube.get("v1", "Secret", CONFIGURATION, NAMESPACE) or {"data": {}}
    data = {
        name: _with_new_comment(former["data"][name]) for name in others if name in former["data"]
    }
    secret = {"metadata": {"name": CONFIGURATION}, "data": data}
    kube.patch({"apiVersion": "v1", "kind": "Secret", **secret}, NAMESPACE)
    for pod in (pod for labels in READERS for pod in kube.pods(NAMESPACE, labels)):
        note = {
            "name": pod["metadata"]["name"],
            "annotations": {"plumbline/connect": str(uuid.uuid4())},
        }
        kube.patch({"apiVersion": "v1", "kind": "Pod", "metadata": note}, NAMESPACE)


def _with_new_comment(encoded: str) -> str:
    """A configuration of an agent's with a comment that it has not had before, in base64."""
    text, _, _ = base64.b64decode(encoded).decode().partition(COMMENT)
    return base64.b64encode(f"{text.rstrip()}\n{COMMENT}{uuid.uuid4()}\n".encode()).decode()


def join(kube: Kube, others: Sequence[str], deadline: float) -> None:
    """Connect a cluster with the others if it is not, and wait until it reaches them.

    Raises:
        NotReadyError: it does not within so many seconds.
    """
    if not is_connected(kube, others):
        connect(kube, others, deadline)
    wait_ready(kube, others, deadline)


def is_connected(kube: Kube, others: Sequence[str]) -> bool:
    """Whether every agent has read every other cluster, as far as it knows."""
    return not _unconnected(remotes(kube), others)


def wait_ready(kube: Kube, others: Sequence[str], deadline: float) -> None:
    """Wait until each agent of this cluster is connected to, and has read, every other cluster.

    Raises:
        NotReadyError: the deadline passed; the state of each other cluster is named.
    """
    wait_for(
        f"{kube.cluster.name} to see {', '.join(others)} through ClusterMesh",
        lambda: _unconnected(remotes(kube), others),
        deadline,
        kube.kubectl("-n kube-system exec ds/cilium -- cilium-dbg status --all-clusters"),
    )


Remotes = Mapping[str, Mapping[str, Any]]
"""What an agent says of each remote cluster, by name."""


def remotes(kube: Kube) -> dict[str, Remotes]:
    """What each agent of a cluster says of the remote ones, by its node.

    Raises:
        NotReadyError: no agent is ready.
    """
    agents = kube.pods(NAMESPACE, READERS[0])
    return {pod["spec"]["nodeName"]: _remotes(kube, pod["metadata"]["name"]) for pod in agents}


def _remotes(kube: Kube, pod: str) -> Remotes:
    said = kube.exec(
        Container(NAMESPACE, pod, "cilium-agent"), ["cilium-dbg", "status", "-o", "json"]
    )
    status = json.loads(said).get("cluster-mesh") or {}
    return {each["name"]: each for each in status.get("clusters") or []}


def connections(kube: Kube) -> dict[tuple[str, str], str]:
    """What the connection of each node's agent to each remote cluster leads to: another etcd,
    another value."""
    return {
        (node, name): _etcd(str(told.get("status")))
        for node, told_of in remotes(kube).items()
        for name, told in told_of.items()
    }


def _etcd(status: str) -> str:
    match = re.search(r"ID: (\w+)", status)
    return match.group(1) if match else ""


def _unconnected(agents: Mapping[str, Remotes], others: Sequence[str]) -> str:
    """What is missing, of any agent; who has one node need not be told which."""
    lacks = {node: _lacking(told, others) for node, told in agents.items()}
    several = len(lacks) > 1
    return "; ".join(
        f"{lack} ({node})" if several else lack for node, lack in lacks.items() if lack
    )


def _lacking(clusters: Remotes, others: Sequence[str]) -> str:
    missing = [name for name in others if name not in clusters]
    slow = [
        f"{name}: {each.get('status', 'no status')}"
        for name, each in clusters.items()
        if not (each.get("ready") and all((each.get("synced") or {"none": False}).values()))
    ]
    return "; ".join([*(f"{name}: not configured" for name in missing), *slow])
