"""The data plane: which istiod a cluster's proxies are of, and rolling them onto another.

By the vendor's way: a label on the namespace says which revision injects and owns what is in
it, and pods are made anew to take it (Istio, "Canary Upgrades"). It installs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from functools import partial

from clusters.components.istio import DEFAULT, NAMESPACE, PROXY, REVISION
from clusters.kube import Document, Kube
from clusters.objects import GATEWAY_NAME, containers, is_ready
from clusters.waiting import wait_for

RESTARTED = "kubectl.kubernetes.io/restartedAt"


def namespaces(kube: Kube) -> tuple[str, ...]:
    """The namespaces in which a pod has a proxy."""
    return tuple(sorted({pod["metadata"]["namespace"] for pod in _with_proxy(kube)}))


def label(kube: Kube, names: Iterable[str], revision: str) -> None:
    """Give namespaces to a revision; the empty one is the default, which needs no label."""
    for name in names:
        metadata = {"name": name, "labels": {REVISION: revision or None}}
        kube.patch({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, "")


def roll(
    kube: Kube,
    revision: str,
    chosen: Callable[[Document], bool],
    deadline: float,
    *,
    together: bool = False,
) -> None:
    """Have the Deployments with proxies that are `chosen` make their pods anew.

    One by one, as pods that start take cores from those that serve, or `together` if nobody waits
    for them. Returns when every pod of theirs has a proxy of the revision. A Gateway's own
    Deployment belongs to its istiod, which makes it anew itself: it is waited for before the rest.

    Raises:
        NotReadyError: they did not; each turn has `deadline` seconds.
    """
    pods = [pod for pod in _with_proxy(kube) if chosen(pod)]
    names = sorted({_deployment(pod) for pod in pods if not _is_gateway(pod)})
    _await(kube, revision, lambda pod: chosen(pod) and _is_gateway(pod), deadline)
    for turn in [names] if together else [[name] for name in names]:
        for namespace, name in turn:
            restart(kube, namespace, name)
        _await(kube, revision, partial(_is_of, turn), deadline)
    for namespace in sorted({pod["metadata"]["namespace"] for pod in pods}):
        kube.wait_rolled_out(namespace, deadline)


def restart(kube: Kube, namespace: str, deployment: str) -> None:
    """Have a Deployment make its pods anew, as `kubectl rollout restart` does; nothing waits.

    Raises:
        RefusedError: there is no such Deployment.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}},
    }
    kube.patch(document, namespace)


def _await(kube: Kube, revision: str, chosen: Callable[[Document], bool], deadline: float) -> None:
    wait_for(
        f"the proxies of {kube.cluster.name} to be of revision {revision or DEFAULT}",
        lambda: "; ".join(_older(kube, revision, chosen)),
        deadline,
        kube.kubectl(f"get pods -A -L {REVISION}"),
    )


def _is_of(deployments: Collection[tuple[str, str]], pod: Document) -> bool:
    return not _is_gateway(pod) and _deployment(pod) in deployments


def _with_proxy(kube: Kube) -> list[Document]:
    """The pods with a proxy, apart from Istio's own and those that are on their way out."""
    return [
        pod
        for pod in kube.list("v1", "Pod")
        if PROXY in containers(pod)
        and pod["metadata"]["namespace"] != NAMESPACE
        and "deletionTimestamp" not in pod["metadata"]
    ]


def _older(kube: Kube, revision: str, chosen: Callable[[Document], bool]) -> list[str]:
    """The pods that are of another revision, or not ready."""
    return [
        pod["metadata"]["name"]
        for pod in _with_proxy(kube)
        if chosen(pod) and not (is_ready(pod) and _revision(pod) == (revision or DEFAULT))
    ]


def _revision(pod: Document) -> str:
    """Whose proxy a pod has: sidecars are annotated with it, a Gateway's pods labelled."""
    metadata = pod["metadata"]
    named = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    return str(named.get(REVISION) or DEFAULT)


def _is_gateway(pod: Document) -> bool:
    return GATEWAY_NAME in pod["metadata"].get("labels", {})


def _deployment(pod: Document) -> tuple[str, str]:
    """Namespace and name of the Deployment that a pod is of: its ReplicaSet's without the hash."""
    owner = pod["metadata"]["ownerReferences"][0]["name"]
    return pod["metadata"]["namespace"], owner.rpartition("-")[0]
