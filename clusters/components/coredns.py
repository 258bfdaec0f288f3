"""CoreDNS as kubeadm leaves it, made fit for a lab: one of it, that knows exported services too.

The names of the Multi-Cluster Services API, `service.namespace.svc.clusterset.local`, are answered
from the ServiceImports that Cilium's operator makes. What has CoreDNS read them is done by hand, as
Cilium's page tells it ("Multi-Cluster Services API", Prerequisites). Its chart has a Job for that,
which Helm waits for, as for any hook: nothing more of the cluster would be applied until the agent
runs, and CoreDNS, which has started by then, would be rolled. It waits for nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from clusters.errors import NotReadyError
from clusters.kube import Document, Kube

NAME, NAMESPACE = "coredns", "kube-system"
OWN, SHARED = "cluster.local", "clusterset.local"
"""The domains of a cluster's own services, and of those that clusters export."""
READER = "coredns-mcsapi"
RBAC = "rbac.authorization.k8s.io"
CPU = "30m"
BLOCK = re.compile(rf"(?m)^([ \t]*)kubernetes\s.*\b{re.escape(OWN)}\b.*\{{$")
"""Where the plugin that answers for services begins, in a Corefile."""


def prepare(kube: Kube) -> None:
    """Have a cluster run one CoreDNS that answers for exported services.

    Its pods are rolled if they do not yet: the Corefile's digest is an annotation of theirs.

    Raises:
        NotReadyError: it is not as kubeadm leaves it.
    """
    stored = kube.get("v1", "ConfigMap", NAME, NAMESPACE) or {"data": {}}
    corefile = with_exported(str(stored["data"].get("Corefile", "")))
    if not corefile:
        look = kube.kubectl(f"-n {NAMESPACE} get configmap {NAME} -o yaml")
        what = f"a Corefile of {kube.cluster.name} in which CoreDNS answers for {OWN}"
        raise NotReadyError(what, seen="none", look=look)
    for document in _documents(corefile):
        kube.apply(document, NAMESPACE if document["kind"] in ("ConfigMap", "Deployment") else "")


def with_exported(corefile: str) -> str:
    """A Corefile with what has CoreDNS answer for exported services; empty if it answers for no
    services at all."""
    block = BLOCK.search(corefile)
    if not block:
        return ""
    if SHARED in corefile:
        return corefile
    line, end = corefile[: block.end()], corefile[block.end() :]
    both = [text.replace(OWN, f"{OWN} {SHARED}") for text in (line, end)]
    return f"\n{block[1]}   multicluster {SHARED}".join(both)


def _documents(corefile: str) -> Iterator[Document]:
    imports = {"apiGroups": ["multicluster.x-k8s.io"], "resources": ["serviceimports"]}
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": READER},
        "rules": [{**imports, "verbs": ["list", "watch"]}],
    }
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": READER},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": READER},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {"Corefile": corefile},
    }
    digest = hashlib.sha256(corefile.encode()).hexdigest()[:12]
    # kubeadm's two ask for a tenth of a core each, and both are on the one node: when workloads are
    # rolled, their successors want that room.
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": 1,
            "template": {
                "metadata": {"annotations": {"plumbline/corefile": digest}},
                "spec": {
                    "containers": [{"name": NAME, "resources": {"requests": {"cpu": CPU}}}],
                },
            },
        },
    }
