"""Cilium's agents of several nodes: each is asked of its own node's pods, and all what all know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from clusters.components import clustermesh
from clusters.errors import NotReadyError
from clusters.kube import Document, Kube
from clusters.remote import Container
from clusters.topology import Cluster, Node
from fixtures.lab import clustermesh_status
from fixtures.lab.clustermesh_status import Remote
from fixtures.lab.faults import FIREWALL, SETTLE, Site
from fixtures.lab.hubble import Agent
from tests.engines import TableEngine

NODES = ("one", "two", "three")
READY = {"ready": True, "synced": {"nodes": True}, "status": "etcd: ID: 1a"}


def agent_pod(node: str, *, ready: bool = True) -> Document:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "metadata": {"name": f"cilium-{node}"},
        "spec": {"nodeName": node},
        "status": {"conditions": conditions},
    }


class Nodes:
    """A cluster whose agents say what a table has: by node and the command's first words."""

    cluster = Cluster(name="aws-cluster", kubeconfig=Path("k"), context="c")

    def __init__(self, says: dict[tuple[str, str], Any]) -> None:
        self.says, self.agents = says, [agent_pod(node) for node in NODES]

    def list(self, *_: str) -> list[Document]:
        return self.agents

    def pods(self, *_: str) -> Sequence[Document]:
        return self.agents

    def exec(self, container: Container, command: Sequence[str]) -> str:
        words, node = " ".join(command), container.pod.removeprefix("cilium-")
        (said,) = (v for (at, start), v in self.says.items() if at == node and start in words)
        return said if isinstance(said, str) else json.dumps(said)

    def kubectl(self, words: str) -> str:
        return f"kubectl {words}"

    @property
    def kube(self) -> Kube:
        return cast("Kube", self)


def on(node: str) -> Document:
    return {"metadata": {"name": "pod"}, "spec": {"nodeName": node}}


def entry(address: str) -> Document:
    return {"cidr": f"{address}/32", "identity": 1000}


def dropped(reason: str) -> str:
    flow = {"verdict": "DROPPED", "drop_reason_desc": reason, "source": {}, "destination": {}}
    return json.dumps({"flow": flow})


def test_an_agent_is_that_of_a_pods_node_and_knows_its_fellows() -> None:
    kube = Nodes({}).kube
    agent = Agent.of(kube, on("two"))
    assert (agent.pod, agent.node) == ("cilium-two", "two")
    assert {each.node for each in agent.every} == set(NODES)
    assert agent.at(on("three")).pod == "cilium-three"
    assert agent.at(on("two")) is agent
    assert agent.at({}) is agent
    assert Agent.any_of(kube).node in NODES


def test_a_node_without_a_ready_agent_is_told_with_those_that_have_one() -> None:
    nodes = Nodes({})
    nodes.agents = [agent_pod("one"), agent_pod("two", ready=False)]
    with pytest.raises(NotReadyError, match="agent in aws-cluster two") as caught:
        Agent.of(nodes.kube, on("two"))
    assert caught.value.seen == "one"


def test_drops_are_those_of_all_nodes() -> None:
    said = {("one", "observe"): dropped("A"), ("two", "observe"): "", ("three", "observe"): ""}
    said["three", "observe"] = f"{dropped('B')}\n{dropped('C')}"
    agent = Agent.of(Nodes(said).kube, on("two"))
    assert {drop.reason for drop in agent.drops("2026", "space")} == {"A", "B", "C"}


def test_what_is_known_is_what_all_nodes_know() -> None:
    lists = {"one": ["10.0.0.1", "10.0.0.2"], "two": ["10.0.0.2"], "three": ["10.0.0.2"]}
    said = {(node, "ip list"): [entry(a) for a in addresses] for node, addresses in lists.items()}
    assert Agent.any_of(Nodes(said).kube).known() == {"10.0.0.2"}


def test_services_lead_where_they_lead_from_all_nodes() -> None:
    def services(*addresses: str) -> list[Document]:
        backends = [{"ip": address} for address in addresses]
        return [{"status": {"realized": {"backend-addresses": backends}}}]

    said = {(node, "service list"): services("10.0.0.1", "10.0.0.2") for node in NODES}
    said["two", "service list"] = services("10.0.0.1")
    assert Agent.any_of(Nodes(said).kube).backends() == {"10.0.0.1"}


def status(**remotes: object) -> Document:
    clusters = [{"name": name, **cast("Document", told)} for name, told in remotes.items()]
    return {"cluster-mesh": {"clusters": clusters}}


def test_clusters_are_connected_once_the_agents_of_all_nodes_are() -> None:
    said = {(node, "status"): status(azure=READY) for node in NODES}
    kube = Nodes(said).kube
    assert clustermesh.is_connected(kube, ["azure"])
    assert not clustermesh.is_connected(kube, ["azure", "gcp"])
    assert clustermesh.connections(kube) == {(node, "azure"): "1a" for node in NODES}
    said["two", "status"] = status(azure={**READY, "ready": False})
    assert not clustermesh.is_connected(kube, ["azure"])


@pytest.mark.parametrize(
    ("second", "ready", "said"),
    [
        ({"azure": READY}, True, "etcd: ID: 1a"),
        ({"azure": {"ready": False, "status": "waiting"}}, False, "waiting"),
        ({}, False, "not known at two"),
    ],
)
def test_a_cluster_is_as_the_agent_that_knows_least_of_it_says(
    monkeypatch: pytest.MonkeyPatch, second: Document, ready: bool, said: str
) -> None:
    remotes = {"one": {"azure": READY}, "two": second}
    monkeypatch.setattr(clustermesh, "remotes", lambda _: remotes)
    monkeypatch.setattr(clustermesh_status, "addresses", lambda _: {"azure": "azure.x:2379"})
    (remote,) = clustermesh_status.remotes(Nodes({}).kube)
    assert remote == Remote("aws-cluster", "azure", "azure.x:2379", ready, said)


def test_packets_are_dropped_on_the_pods_own_node() -> None:
    engine = TableEngine(says={"exec": "1000000000 2000000000 3000000000 4000000000"})
    site = Site(cast("Any", None), engine, cast("Any", None))
    pod = {**on("two"), "status": {"podIP": "10.0.0.9"}}
    assert site.firewall(pod, "DROP", 0.01) == (1.0, 2.0, 3.0, 4.0)
    script = FIREWALL.format(address="10.0.0.9", action="DROP", seconds=0.01, settle=SETTLE)
    assert engine.calls == [f"exec two bash -c {script}"]


def test_a_node_is_known_by_its_address_of_the_world() -> None:
    nodes = (Node(name="one", world="198.18.0.126"), Node(name="two", world="198.18.0.122"))
    cluster = Nodes.cluster.model_copy(update={"nodes": nodes})
    assert cluster.world == cluster.world_of("one") == "198.18.0.126"
    assert cluster.world_of("two") == "198.18.0.122"
    assert cluster.world_of("another") == ""
    assert Nodes.cluster.world == Nodes.cluster.world_of("one") == ""
