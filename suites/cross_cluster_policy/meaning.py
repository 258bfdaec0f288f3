"""What any CiliumNetworkPolicy, or any CiliumClustermeshConfig, makes of this behaviour's requests.

A request is a client that asks a workload of aws-cluster at one of its ports. The clients are those
that the requirements ask from, and the one of XP6 whose label is changed; labels are those that the
support's templates give. Pure, but for the templates' files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fixtures import behaviour
from fixtures.lab import HOME, SHARED_CLIENTS, TENANT, namespace_of
from fixtures.lab.hubble import CLUSTER_LABEL, NAMESPACE_LABEL
from fixtures.manifests.labels import labels
from fixtures.manifests.meaning import Meaning
from fixtures.manifests.reading import Node
from fixtures.manifests.selectors import Labels
from suites.cross_cluster_policy.policy import ENTITY, Policy, read_policy
from suites.cross_cluster_policy.ports import PORTS
from suites.cross_cluster_policy.who import (
    AWS,
    AZURE,
    BACKEND_TOO,
    CLIENTS,
    NAME,
    NAMESAKE,
    NODE,
    SECOND,
    SENDER,
    WORLD,
    reserved,
)

GAINED = "azure-cluster/other with app=backend"
"""The client of XP6 in the time that it has the label."""

SUBJECTS = ("frontend", "bystander")
NAMESPACE = namespace_of(NAME)
SUPPORT = Path(__file__).parent / behaviour.SUPPORT


def meaning(stem: str, document: Mapping[str, Any]) -> Meaning:
    """What a document means in place of the reference's file of that stem.

    Raises:
        UnreadError: there is something in it whose meaning is not known here.
    """
    readers: dict[str, Callable[[Mapping[str, Any]], Meaning]] = {
        "ciliumnetworkpolicy": _of_policy,
        "ciliumclustermeshconfig": _of_clustermesh,
    }
    return readers[stem](document)


@cache
def client_labels() -> Mapping[str, Labels]:
    """By client: the labels that Cilium knows its pod by."""
    own = {who: who.partition("/") for who in CLIENTS}
    clients = {
        who: _labels(SUPPORT, app, cluster, NAMESPACE) for who, (cluster, _, app) in own.items()
    }
    clients[SECOND] = _labels(SUPPORT, BACKEND_TOO, AZURE, NAMESPACE)
    clients[NAMESAKE] = _labels(SHARED_CLIENTS, TENANT, AZURE, HOME)
    clients |= {who: {ENTITY: reserved(who)} for who in (NODE, WORLD)}
    clients[GAINED] = {**clients["azure-cluster/other"], "app": "backend"}
    return clients


@cache
def subject_labels(name: str) -> Labels:
    """The labels that Cilium knows a workload of aws-cluster by."""
    return _labels(SUPPORT, name, AWS, NAMESPACE)


def _labels(template: Path, deployment: str, cluster: str, namespace: str) -> Labels:
    """Those that a template gives the pods of a Deployment, and those of where they are."""
    stated = labels(template, deployment, cluster)
    return {**stated, CLUSTER_LABEL: cluster, NAMESPACE_LABEL: namespace}


def _of_policy(document: Mapping[str, Any]) -> Meaning:
    """Of each client and workload: served, or dropped, as nothing admits it or a rule denies it."""
    clients = client_labels()
    local = [pod for pod in clients.values() if pod.get(CLUSTER_LABEL) == AWS]
    sender = _labels(SUPPORT, SENDER.partition("/")[2], AWS, NAMESPACE)
    policies = {
        port.at_pod: read_policy(document, NAMESPACE, AWS, [*local, sender], port) for port in PORTS
    }
    return {
        f"{who}->{whom}:{port}": _verdict(policy, subject_labels(whom), pod)
        for port, policy in policies.items()
        for whom in SUBJECTS
        for who, pod in clients.items()
    }


def _verdict(policy: Policy, subject: Labels, client: Labels) -> str:
    """A deny rule decides before all others (docs.cilium.io, "Deny Policies")."""
    rules = [rule for rule in policy if rule.selects(subject)]
    if any(rule.denies(client) for rule in rules):
        return "dropped"
    if any(rule.admits(client) for rule in rules):
        return "served"
    return "dropped" if any(rule.default_deny for rule in rules) else "served"


def _of_clustermesh(document: Mapping[str, Any]) -> Meaning:
    """The address of each cluster, by name: all that `clustermesh_status.as_named` looks at.

    No cluster serves the kind, so there is nobody else who could read anything in it. Its version
    and `metadata` are inert for that reason; of other fields nothing is known. Of two entries of
    one name the last counts, as there.
    """
    root = Node(document)
    root.check(("kind", "spec"), inert=("apiVersion", "metadata"))
    root.at("kind").word("CiliumClustermeshConfig")
    spec = root.at("spec")
    spec.check(("clusters",))
    for cluster in spec.at("clusters").items():
        cluster.check(("name", "address"))
    named = {c.at("name").said(): c.at("address").said() for c in spec.at("clusters").items()}
    return named or spec.unread("clusters")
