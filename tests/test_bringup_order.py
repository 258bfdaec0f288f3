"""A bring-up with every deed noted and none done: their order, and what runs side by side."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from clusters import address_range, bringup, doctor, engine, tools, versions
from clusters.address_range import Choice
from clusters.components import (
    authority,
    cilium,
    clustermesh,
    coredns,
    gateway_api,
    istio,
    multicluster,
)
from clusters.components.authority import Authority
from clusters.components.charts import Charts
from clusters.errors import NotReadyError, PlanError
from clusters.home import Home
from clusters.images import source
from clusters.images.source import Supply
from clusters.kube import Kube
from clusters.plan import DEFAULT
from clusters.progress import Progress
from clusters.providers.kind import Kind
from clusters.settings import CLUSTERMESH
from clusters.topology import Cluster, Topology
from tests.engines import TableEngine

TRAIN = versions.load(versions.newest())
AWS, AZURE = "aws-cluster", "azure-cluster"
JOINT = [
    "doctor", "engine", "program helm", "program kind", "images", "charts", "authority", "enter",
    "network", "others away",
]  # fmt: skip
ONE = [
    "create", "add addresses", "apply ConfigMap", "prepare coredns", "install gateway_api",
    "install cilium", "install istio's base", "plug root", "offer token", "install istiod",
    "announce cilium", "ready cilium", "ready istio", "accepted gateway_api",
    "connect clustermesh", "ready clustermesh",
]  # fmt: skip
TOGETHER = ["join service mesh"]
STAGES = [
    "node",
    "charts",
    "cilium ready",
    "istio ready",
    "ClusterMesh ready",
    "service mesh joined",
]


class Deeds(list[tuple[str, str]]):
    """What was done, of which cluster, in the order in which it began; `on` may look into it."""

    def __init__(self) -> None:
        super().__init__()
        self.on: Callable[[str, str], None] = lambda _what, _cluster: None

    def do(self, what: str, cluster: str = "") -> None:
        self.append((cluster, what))
        self.on(what, cluster)

    def of(self, cluster: str) -> list[str]:
        return [what for at, what in self if at == cluster]


class Lab:
    """A home without anything, and the deeds of a bring-up in it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.deeds = Home(folder), Deeds()
        console = Console(file=io.StringIO())
        self.progress = Progress(self.home.root / "estimates.json", console)
        self.wanted = bringup.Wanted(CLUSTERMESH)

    def up(self) -> Topology:
        return bringup.up(self.home, TRAIN, "r1", self.progress, self.wanted)


class Noting(TableEngine):
    deeds: Deeds

    def enter(self) -> None:
        self.deeds.do("enter")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    new = Lab(tmp_path)
    deeds, table = new.deeds, Noting()
    object.__setattr__(table, "deeds", deeds)

    def put(owner: object, name: str, what: str = "", value: object = None) -> None:
        def noted(*words: Any, **_: Any) -> object:
            if what:
                deeds.do(what.format(*words), _of(words))
            return value

        monkeypatch.setattr(owner, name, noted)

    put(doctor, "examine", "doctor", ())
    put(engine, "ensure", "engine", table)
    put(address_range, "choice_for", value=Choice(DEFAULT))
    put(tools, "ensure", "program {}", tmp_path / "program")
    images = Supply((), "node:1", plain_envoy=False, built_node=True, why="w")
    put(source, "ensure", "images", images)
    monkeypatch.setattr(Charts, "of", lambda *_: _noted_charts(deeds, tmp_path))
    put(authority, "of_lab", "authority", Authority("", ""))
    put(clustermesh, "values", value={})
    put(cilium, "values", value={})
    put(istio, "values", value={})
    put(Kind, "make_network", "network")
    put(Kind, "create", "create")
    put(Kind, "add_addresses", "add addresses")
    put(Kind, "delete_others", "others away")
    put(Kind, "exists", value=False)
    put(Kind, "is_confined", value=False)
    monkeypatch.setattr(Kube, "__init__", lambda self, cluster: setattr(self, "cluster", cluster))
    monkeypatch.setattr(
        Kube, "apply", lambda self, d, *_: deeds.do(f"apply {d['kind']}", self.cluster.name)
    )
    monkeypatch.setattr(
        Kube, "patch", lambda self, d, *_: deeds.do(f"patch {d['kind']}", self.cluster.name)
    )
    put(coredns, "prepare", "prepare coredns")
    put(gateway_api, "install", "install gateway_api")
    put(gateway_api, "wait_accepted", "accepted gateway_api")
    put(cilium, "install", "install cilium")
    put(cilium, "announce", "announce cilium")
    put(cilium, "wait_ready", "ready cilium")
    put(istio, "install_base", "install istio's base")
    put(istio, "install_istiod", "install istiod")
    put(multicluster, "plug", "plug root")
    put(multicluster, "offer", "offer token")
    put(multicluster, "join", "join service mesh")
    put(istio, "wait_ready", "ready istio")
    put(clustermesh, "is_connected", value=False)
    put(clustermesh, "connect", "connect clustermesh")
    put(clustermesh, "wait_ready", "ready clustermesh")
    return new


def _noted_charts(deeds: Deeds, folder: Path) -> Charts:
    deeds.do("charts")
    return Charts(folder, folder, folder)


def _of(words: tuple[Any, ...]) -> str:
    """The cluster that a deed is of, by the first of its words that has one."""
    for word in words:
        if isinstance(word, Kube):
            return word.cluster.name
        if isinstance(word, Cluster) or type(word).__name__ == "ClusterPlan":
            return str(word.name)
    return ""


def test_each_clusters_deeds_are_done_in_order_after_the_joint_ones(lab: Lab) -> None:
    lab.up()
    assert lab.deeds.of("")[: len(JOINT)] == JOINT
    assert [cluster for cluster, _ in lab.deeds][: len(JOINT)] == [""] * len(JOINT)
    assert lab.deeds.of(AWS) == ONE + TOGETHER
    assert lab.deeds.of(AZURE) == ONE + TOGETHER


def test_stages_keep_their_names(lab: Lab) -> None:
    topology = lab.up()
    assert Topology.load(lab.home.topology) == topology
    assert [stage.name for stage in topology.stages if not stage.cluster] == ["engine"]
    for name in (AWS, AZURE):
        assert [stage.name for stage in topology.stages if stage.cluster == name] == STAGES
    assert [cluster.name for cluster in topology.clusters] == [AWS, AZURE]


@pytest.mark.parametrize(
    "deed", ["create", "install cilium", "ready istio", "ready clustermesh", "join service mesh"]
)
def test_clusters_are_at_the_same_deed_side_by_side(lab: Lab, deed: str) -> None:
    meet = threading.Barrier(2, timeout=30)

    def on(what: str, _cluster: str) -> None:
        if what == deed:
            meet.wait()

    lab.deeds.on = on
    lab.up()


def test_no_cluster_waits_for_another_between_its_steps(lab: Lab) -> None:
    far = threading.Event()

    def on(what: str, cluster: str) -> None:
        if (what, cluster) == ("ready istio", AWS):
            far.set()
        if (what, cluster) == ("create", AZURE):
            assert far.wait(30), "the other cluster stands still until this one has its node"

    lab.deeds.on = on
    lab.up()


@pytest.mark.parametrize(("broken", "whole"), [(AWS, AZURE), (AZURE, AWS)])
def test_one_that_fails_ends_there_and_is_told_when_the_other_is_done(
    lab: Lab, broken: str, whole: str
) -> None:
    def on(what: str, cluster: str) -> None:
        if (what, cluster) == ("ready cilium", broken):
            raise NotReadyError("Cilium ready", seen="it is not")

    lab.deeds.on = on
    with pytest.raises(NotReadyError, match="Cilium ready"):
        lab.up()
    assert lab.deeds.of(broken) == ONE[: ONE.index("ready cilium") + 1]
    assert lab.deeds.of(whole) == ONE
    assert not lab.home.topology.exists()
    failed = [stage.name for stage in lab.progress.stages if stage.cluster == broken]
    assert failed == STAGES[:3], "a stage that failed has its time too"


@contextmanager
def kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nodes of today's image that answer are there already."""
    running: Any = engine.ensure(lab.home)
    label = {"Config": {"Labels": {"dev.plumbline.content": "c"}}}
    for kind, name in (("image", "node:1"), *(("container", f"plumbline-{n}-control-plane")
                       for n in (AWS, AZURE))):  # fmt: skip
        running.things[kind, name] = label
    monkeypatch.setattr(Kind, "exists", lambda *_: True)
    monkeypatch.setattr(bringup, "has_kubeconfig", lambda _: True)
    lab.deeds.clear()
    yield


def test_a_cluster_that_is_up_keeps_its_node(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.images.bake.content_of", lambda thing: "c" if thing else "")
    with kept(lab, monkeypatch):
        lab.up()
    assert lab.deeds.of(AWS) == lab.deeds.of(AZURE) == ONE[1:] + TOGETHER


def test_a_cluster_that_an_upgrade_was_at_work_in_is_made_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its charts are of another train, and an older one's do not go over them."""
    monkeypatch.setattr("clusters.images.bake.content_of", lambda thing: "c" if thing else "")
    lab.home.upgraded.touch()
    with kept(lab, monkeypatch):
        lab.up()
    assert lab.deeds.of(AWS) == lab.deeds.of(AZURE) == ONE + TOGETHER
    assert not lab.home.upgraded.exists()


def test_clusters_are_those_of_the_document_and_nodes_as_many_as_are_wanted(
    lab: Lab, tmp_path: Path
) -> None:
    names = [AWS, AZURE, "gcp-cluster", "on-premises"]
    members = [{"name": name, "address": f"{name}.mesh.internal:2379"} for name in names]
    document = tmp_path / "four.yaml"
    document.write_text(json.dumps({"spec": {"clusters": members}}))
    lab.wanted = bringup.Wanted(document, f"{AZURE}=3")
    topology = lab.up()
    assert [cluster.name for cluster in topology.clusters] == names
    assert [len(cluster.nodes) for cluster in topology.clusters] == [1, 3, 1, 1]
    assert all(lab.deeds.of(name) == ONE + TOGETHER for name in names)
    offers = ["several-nodes" in cluster.features for cluster in topology.clusters]
    assert offers == [False, True, False, False]
    worlds = [node.world for cluster in topology.clusters for node in cluster.nodes]
    assert len(set(worlds)) == 6
    with pytest.raises(PlanError, match="nodes as a number"):
        bringup.up(lab.home, TRAIN, "r1", lab.progress, bringup.Wanted(document, "nine"))
    document.write_text(json.dumps({"spec": {"clusters": members[:1] + members[2:]}}))
    lab.deeds.clear()
    with pytest.raises(PlanError, match=f"{AWS} and {AZURE}, whom the reference"):
        bringup.up(lab.home, TRAIN, "r1", lab.progress, bringup.Wanted(document))
    assert not lab.deeds.of(AWS), "told before anything is done"
