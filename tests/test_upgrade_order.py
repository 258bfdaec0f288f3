"""The steps of one cluster's upgrade: their names and order, and what each does and undoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clusters import providers, upgrading, versions
from clusters.bringup import BringUp
from clusters.components import cilium, clustermesh, data_plane, gateway_api, istio
from clusters.components.charts import Charts
from clusters.components.helm import Helm
from clusters.home import Home
from clusters.images.source import Supply
from clusters.kube import Kube
from clusters.plan import read_plan
from clusters.procedure import Step
from clusters.providers.kind import Kind
from clusters.settings import CLUSTERMESH
from clusters.topology import Cluster
from clusters.upgrading import Upgrading
from tests.engines import TableEngine

BASE, TO = (versions.load(name) for name in ("2026-04", "2026-08"))
AWS, AZURE = read_plan(CLUSTERMESH)
REVISION = istio.revision_of(TO.versions.istio)
NAMES = [
    ("gateway-api", "Gateway API's CRDs"),
    ("kubernetes-crds", "Istio's CRDs"),
    ("cilium", "Cilium's pre-flight check"),
    ("cilium", upgrading.AGENTS),
    ("cilium", "ClusterMesh ready again"),
    ("istio", f"istiod-{REVISION} beside istiod"),
    ("istio", upgrading.SERVERS),
    ("istio", upgrading.CALLERS),
    ("istio", f"istiod-{REVISION} the default one"),
    ("istio", "istiod removed"),
]
DONE = [
    ["gateway_api.install to"],
    ["istio.install_base to"],
    ["cilium.preflight to"],
    ["cilium.install to", "cilium.wait_ready", "wait_rolled_out", "cilium.announce"],
    ["clustermesh.connect", "clustermesh.wait_ready"],
    ["istio.install_istiod to", "istio.wait_ready"],
    ["data_plane.label", "data_plane.roll"],
    ["data_plane.label", "data_plane.roll together"],
    ["istio.install_base to", "istio.install_istiod to"],
    ["helm.uninstall"],
]
UNDONE = [
    ["gateway_api.install base"],
    ["helm.rollback"],
    [],
    ["helm.rollback", "cilium.wait_ready", "wait_rolled_out", "cilium.announce"],
    [],
    ["helm.uninstall"],
    ["data_plane.label", "data_plane.roll"],
    ["data_plane.label", "data_plane.roll together"],
    ["istio.install_base to", "istio.install_istiod to"],
    ["istio.install_istiod base"],
]


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the steps do, by the function and by the train whose charts it is given."""
    noted: list[str] = []

    def put(owner: Any, name: str, value: object = None, called: str = "") -> None:
        called = called or f"{owner.__name__.rpartition('.')[2]}.{name}"

        def note(*words: object, **given: object) -> object:
            trains = [w.parts[1] for w in words if isinstance(w, Path) and w.is_absolute()]
            noted.append(
                " ".join([called, *trains, *(["together"] if given.get("together") else [])])
            )
            return value

        monkeypatch.setattr(owner, name, note)

    for owner, name in (
        (gateway_api, "install"), (istio, "install_base"), (istio, "install_istiod"),
        (istio, "wait_ready"), (cilium, "install"), (cilium, "preflight"),
        (cilium, "wait_ready"), (cilium, "announce"), (clustermesh, "connect"),
        (clustermesh, "wait_ready"), (data_plane, "label"), (data_plane, "roll"),
    ):  # fmt: skip
        put(owner, name)
    put(Helm, "rollback", called="helm.rollback")
    put(Helm, "uninstall", called="helm.uninstall")
    put(Kube, "wait_rolled_out", called="wait_rolled_out")
    monkeypatch.setattr(clustermesh, "is_connected", lambda *_: False)
    monkeypatch.setattr(clustermesh, "values", lambda *_: {})
    monkeypatch.setattr(cilium, "values", lambda *_, **__: {})
    monkeypatch.setattr(istio, "values", lambda *_, **__: {})
    monkeypatch.setattr(istio, "istiods", lambda _: ["istiod"])
    monkeypatch.setattr(data_plane, "namespaces", lambda _: ())
    monkeypatch.setattr(Kind, "is_confined", lambda *_: False)
    return noted


def steps(folder: Path, only: str = "") -> list[Step]:
    home, engine = Home(folder), TableEngine()
    supply = Supply((), "", plain_envoy=False, built_node=False, why="w")

    def of(train: versions.Train, place: str) -> BringUp:
        charts = Charts(*(Path(f"/{place}/{name}") for name in ("cilium", "istio", "gateway")))
        helm = Helm(Path("helm"), folder, folder)
        return BringUp(home, train, providers.of(home, engine, train), helm, charts, supply)

    kube = Kube.__new__(Kube)
    kube.cluster = Cluster(name=AWS.name, kubeconfig=folder, context="c")
    work = Upgrading(of(BASE, "base"), of(TO, "to"), (AWS, AZURE))
    return work.steps(AWS, kube, only)


def test_steps_stand_in_the_vendors_order(tmp_path: Path, deeds: list[str]) -> None:
    listed = steps(tmp_path)
    assert [(step.component, step.name) for step in listed] == NAMES
    assert {step.cluster for step in listed} == {AWS.name}
    assert [step.name for step in listed if step.replaces_callers] == [upgrading.CALLERS]
    assert deeds == [], "to list them does nothing"


def test_pods_of_no_revision_are_the_default_ones(
    tmp_path: Path, deeds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a tag of its own: an istiod of a revision injects nobody else (Istio, "Default tag")."""
    tags: list[object] = []
    monkeypatch.setattr(
        istio, "install_istiod", lambda *words: tags.append(words[-1].get("revisionTags"))
    )
    (step,) = (each for each in steps(tmp_path) if each.name.endswith("the default one"))
    step.do()
    assert step.undo is not None
    step.undo()
    assert tags == [["default"], []]
    assert deeds == ["istio.install_base to"] * 2


def test_each_step_does_its_part_and_can_be_undone(tmp_path: Path, deeds: list[str]) -> None:
    done, undone = [], []
    for step in steps(tmp_path):
        step.do()
        done.append(deeds.copy())
        deeds.clear()
        step.undo()
        undone.append(deeds.copy())
        deeds.clear()
    assert done == DONE
    assert undone == UNDONE


@pytest.mark.parametrize("only", ["", *versions.COMPONENTS])
def test_one_component_alone_takes_its_own_steps(
    tmp_path: Path, deeds: list[str], only: str
) -> None:
    wanted = upgrading.components_of(only)
    assert [(s.component, s.name) for s in steps(tmp_path, only)] == [
        (component, name) for component, name in NAMES if component in wanted
    ]
