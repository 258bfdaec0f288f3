"""Who asks frontend: each cluster's clients by name, and the labels that Cilium knows them by.

The reference's policy is of a workload of aws-cluster, and admits one of azure-cluster. Any further
cluster is one more whose workloads, alike by all but their cluster, it does not name. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.lab import HOME, namespace_of
from fixtures.lab.hubble import CLUSTER_LABEL, NAMESPACE_LABEL, labels

NAME = "cross_cluster_policy"
AWS, AZURE = ROLES = ("aws-cluster", "azure-cluster")
"""Those that the reference gives a role: the policy is of the first, and names the second."""
WORLD = "the world"
"""azure-cluster's node again, but by an address of which no cluster knows whose it is."""
BACKEND_TOO = "backend-too"
"""The workload of SECOND."""
SECOND = f"{AZURE}/backend of another Deployment"
SENDER = f"{AWS}/sender"
"""A pod that the policy is of as well, and that is a client of others."""


def pods(clusters: Iterable[str]) -> tuple[str, ...]:
    """Two clients of each cluster: one labelled as whom the policy admits, and another."""
    return tuple(f"{cluster}/{app}" for cluster in clusters for app in ("backend", "other"))


def namesake(cluster: str) -> str:
    """A client labelled as whom the policy admits, in another namespace."""
    return f"{cluster}/backend of another namespace"


def node(cluster: str) -> str:
    """A cluster's node."""
    return f"{cluster}/node"


CLIENTS, NAMESAKE, NODE = pods(ROLES), namesake(AZURE), node(AZURE)


def strangers(cluster: str) -> tuple[str, ...]:
    """The pods of a cluster, other than the policy's own, that it does not admit."""
    return tuple(who for who in pods([cluster]) if who != f"{AZURE}/backend")


def everybody(further: Iterable[str] = ()) -> tuple[str, ...]:
    """Who asks frontend and its bystander, where there are further clusters too."""
    others = (who for each in further for who in (*pods([each]), namesake(each), node(each)))
    return (*CLIENTS, SECOND, NAMESAKE, NODE, WORLD, *others)


def reserved(who: str) -> str:
    """Of a client that is no pod, the one label by which Cilium knows it, which it reserves; empty
    of any other."""
    if who == WORLD:
        return "world"
    return "remote-node" if who == node(who.partition("/")[0]) else ""


def labels_of(who: str) -> frozenset[str]:
    """The labels by which Cilium knows a client."""
    if label := reserved(who):
        return frozenset({f"reserved:{label}"})
    cluster, _, app = who.partition("/")
    namespace = HOME if who == namesake(cluster) else namespace_of(NAME)
    app = "frontend" if who == SENDER else app.partition(" ")[0]
    return labels({"app": app, CLUSTER_LABEL: cluster, NAMESPACE_LABEL: namespace})
