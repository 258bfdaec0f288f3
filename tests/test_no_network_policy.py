"""A network policy that must not be there goes, and what an agent enforces of it is waited for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from clusters.errors import NotReadyError
from clusters.kube import Kube
from fixtures.lab import convergence
from fixtures.lab.hubble import Agent, labels
from fixtures.lab.space import Space

POLICY = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "a"}}
POD = {"metadata": {"name": "p"}, "status": {"podIP": "198.18.80.1"}}


class Cluster:
    """One policy, if it has a UID, and what was deleted."""

    def __init__(self, uid: str = "") -> None:
        self.uid, self.deleted = uid, list[str]()

    def get(self, *_words: str) -> dict[str, Any] | None:
        return {"metadata": {"uid": self.uid}} if self.uid else None

    def delete(self, document: dict[str, Any], namespace: str) -> None:
        self.deleted.append(f"{namespace}/{document['metadata']['name']}")


class OneAgent:
    """An agent that has imported these policies, and goes by all that it has."""

    pod = "cilium-1"

    def __init__(self, *uids: str) -> None:
        self.uids, self.asked_for = frozenset(uids), 0
        self.kube = cast("Kube", type("K", (), {"kubectl": lambda _, words: words})())

    def at(self, _pod: object) -> OneAgent:
        return self

    def imported(self) -> tuple[frozenset[str], int]:
        self.asked_for += 1
        return self.uids, 3

    def realized(self, _address: str) -> int:
        return 3


def go(cluster: Cluster, agent: OneAgent, deadline: float = 1) -> None:
    space = Space(cast("Kube", cluster), "own")
    convergence.no_network_policy(space, POLICY, cast("Agent", agent), POD, deadline)


def test_a_policy_that_is_there_is_deleted_and_waited_for() -> None:
    cluster, agent = Cluster("u1"), OneAgent("u2")
    go(cluster, agent)
    assert (cluster.deleted, agent.asked_for) == (["own/a"], 1)


def test_one_that_is_still_enforced_is_an_error() -> None:
    with pytest.raises(NotReadyError, match="policy u1 to be gone at p"):
        go(Cluster("u1"), OneAgent("u1"), deadline=0.05)


def test_one_that_never_was_there_is_not_waited_for() -> None:
    cluster, agent = Cluster(), OneAgent("u1")
    go(cluster, agent)
    assert (cluster.deleted, agent.asked_for) == (["own/a"], 0)


def test_labels_are_told_as_cilium_does() -> None:
    assert labels({"app": "a", "b": "c"}) == {"k8s:app=a", "k8s:b=c"}
