"""Behaviours: one folder is all that it takes, and nothing below the suites knows its name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import suites
from clusters.errors import BehaviourError
from clusters.models import Image
from clusters.objects import title
from fixtures import lab as lab_module
from fixtures import manifests, mutants
from fixtures.behaviour import Behaviour, discover, of_module
from fixtures.lab import Lab
from suites.canary_split import test_canary_split
from tests import sessions

ROOT = Path(__file__).parent.parent
BEHAVIOURS = discover(suites)
PARTS = {"__init__.py", "conftest.py", "mutants.yaml", "subject.py", "support.yaml"}
BELOW = ("fixtures", "clusters", "reports")
TEXT = {".py", ".yaml", ".toml", ".jinja", ".j2", ".html"}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_a_behaviour_is_one_folder(behaviour: Behaviour[object]) -> None:
    files = {path.name for path in behaviour.folder.iterdir() if path.is_file()}
    assert files >= PARTS
    assert any(name.startswith("test_") for name in files)
    assert ("probes.py" in files) == bool(behaviour.probes)
    assert behaviour.features
    assert mutants.catalogue(behaviour.folder)


def test_behaviours_are_found_in_order_and_commands_are_none() -> None:
    names = [behaviour.name for behaviour in BEHAVIOURS]
    assert names == sorted(names)
    assert "runs" not in names
    assert of_module(test_canary_split).name == "canary_split"


def test_a_package_that_states_none_is_told_where_to() -> None:
    with pytest.raises(BehaviourError, match=r"\$EDITOR .*/tests/__init__.py"):
        of_module(sys.modules[__name__])


def test_nothing_below_the_suites_knows_one_by_its_name() -> None:
    """What has names for data, such as a baseline, is no code: it may. A name that is a word of the
    language is looked for where it names the package."""
    words = {b.name for b in BEHAVIOURS if "_" not in b.name} | {"service_mesh"}
    of_package = (rf"suites[./]{b.name}" if b.name in words else b.name for b in BEHAVIOURS)
    names = re.compile("|".join(of_package))
    files = (path for folder in BELOW for path in (ROOT / folder).rglob("*"))
    code = [path for path in files if path.suffix in TEXT and "out" not in path.parts]
    assert len(code) > 100
    naming = [str(path) for path in code if names.search(path.read_text(encoding="utf-8"))]
    assert naming == []


# --- the walk-through of CONTRIBUTING.md --------------------------------------------------------

FILE = re.compile(r"```(?:python|yaml)\n# (suites/greeting/\S+)\n(.*?)```", re.DOTALL)
LIST = """
import json
from types import SimpleNamespace
import suites
from fixtures.behaviour import discover
from fixtures.lab import namespace_of
from fixtures.lab.space import Space
from fixtures.mutants import catalogue
from suites.runs.watch import Field

class Kube:
    features = frozenset({"default-namespace", "istio"})
    cluster = SimpleNamespace(name="aws-cluster", features=features)
    def get(self, *words): return {"spec": {"clusterIP": "198.19.0.1"}}
    def exec(self, *words): return f"outbound|80||{space.host('greeter')}::health_flags::healthy"
    def kubectl(self, words): return words

space = Space(Kube(), namespace_of("greeting"))
client = SimpleNamespace(kube=space.kube, namespace="default", pod="frontend")
lab = SimpleNamespace(
    space=lambda *words: space, client=lambda *words: client, deadline=lambda name: 1.0
)
topology = SimpleNamespace(cluster=lambda name: Kube.cluster)
own = tuple(behaviour for behaviour in discover(suites) if behaviour.name == "greeting")
field = Field(topology, lab, None, None, None, own, {})
print(json.dumps({
    "behaviours": [behaviour.name for behaviour in discover(suites)],
    "mutants": [f"{mutant.suite}/{mutant.name}" for each in discover(suites)
                for mutant in catalogue(each.folder)],
    "streams": [p.asked.name for source in field.within("aws-cluster") for p in source.probes],
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the folder that CONTRIBUTING.md walks through, and no more."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "suites", root / "suites", ignore=ignored)
    for name in ("clusters", "fixtures", "reports", "conftest.py", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    for file, text in FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        path = root / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert {path.name for path in (root / "suites/greeting").iterdir()} == {
        *PARTS,
        "probes.py",
        "test_greeting.py",
    }
    return root


def run(root: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_folder_is_mutated_and_monitored(copy: Path) -> None:
    listing = json.loads(run(copy, "-c", LIST))
    assert listing["behaviours"] == sorted([*(b.name for b in BEHAVIOURS), "greeting"])
    assert "greeting/another-answers" in listing["mutants"]
    assert listing["streams"] == ["greeting-kept", "greeting"]


def test_a_new_folder_is_collected_in_every_cluster_that_offers_what_it_needs(copy: Path) -> None:
    sessions.topology(copy).save(copy / "topology.json")
    words = ("suites/greeting", "--collect-only", "-q", "-p", "no:cacheprovider")
    collected = run(copy, "-m", "pytest", *words, "--topology", "topology.json")
    for cluster in ("aws-cluster", "azure-cluster"):
        test = "suites/greeting/test_greeting.py::test_a_service_leads_to_its_own_pods"
        assert f"{test}[{cluster}]" in collected
    mutated = run(copy, "-m", "pytest", *words, "--topology", "topology.json", "--mutants", "all")
    assert "[aws-cluster-mutant=another-answers]" in mutated


# --- what a lab applies for them ----------------------------------------------------------------


def test_a_lab_applies_what_each_says_where_it_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared clients come first, and only where somebody is asked by them."""
    monkeypatch.setattr(
        lab_module, "Kube", lambda cluster, _ledger: SimpleNamespace(cluster=cluster)
    )
    istio, clustermesh = frozenset({"istio"}), frozenset({"clustermesh"})
    shared = istio | {"default-namespace"}
    aws, azure = sessions.topology(tmp_path).clusters
    clusters = (
        aws.model_copy(update={"features": shared}),
        azure.model_copy(update={"features": clustermesh}),
    )
    topology = sessions.topology(tmp_path).model_copy(update={"clusters": clusters})
    lab = Lab(topology, manifests.load(), tmp_path, tmp_path)
    jobs = [
        (kube.cluster.name, template.parent.name, namespace, early)
        for kube, template, namespace, early in lab._jobs(
            [
                behaviour("routed", istio, early=("gateway",)),
                behaviour("apart", clustermesh, shared_clients=False),
            ]
        )
    ]
    assert jobs == [
        ("aws-cluster", "support", "default", ()),
        ("aws-cluster", "routed", "plumbline-routed", ("gateway",)),
        ("azure-cluster", "apart", "plumbline-apart", ()),
    ]


class Cluster:
    """Objects by title, and what was done to them."""

    def __init__(self, cluster: object, _ledger: object) -> None:
        self.cluster, self.done = cluster, list[str]()

    def list(self, *_words: str) -> list[object]:
        return []

    def apply(self, document: dict[str, Any], namespace: str, origin: str) -> None:
        assert origin
        self.done.append(f"apply {namespace} {title(document)}")

    def delete(self, document: dict[str, Any], namespace: str) -> None:
        self.done.append(f"delete {namespace} {title(document)}")


WORKLOADS = """
{kind: Service, apiVersion: v1, metadata: {name: a}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: a}}
"""


def test_ephemeral_workloads_live_until_the_next_ones_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_module, "Kube", Cluster)
    one, two, always = (behaviour(str(tmp_path / name), frozenset()) for name in "xyz")
    one = replace(one, ephemeral=True, early=("gateway",))
    two = replace(two, ephemeral=True)
    for each in (one, two, always):
        each.folder.mkdir()
        each.support.write_text(WORKLOADS)
    images = tuple(Image(reference=name, digest="", source="") for name in ("echo-basic", "locust"))
    topology = sessions.topology(tmp_path).model_copy(update={"images": images})
    lab = Lab(topology, manifests.load(), tmp_path, tmp_path)
    cluster = cast("Cluster", lab.kube("aws-cluster"))

    lab.prepare([one, always])
    assert f"apply plumbline-{always.name} Deployment/a" in cluster.done
    assert not any(f"plumbline-{one.name}" in line for line in cluster.done)
    cluster.done.clear()
    lab.bring_ephemeral([(one, ["aws-cluster"])])
    lab.bring_ephemeral([(one, ["aws-cluster"])])
    titles = ("Service/a", "Deployment/a", "Gateway/advanced-gateway")
    assert cluster.done == [f"apply plumbline-x {each}" for each in titles]
    cluster.done.clear()
    lab.bring_ephemeral([(two, ["aws-cluster"])])
    assert cluster.done[:2] == [f"delete plumbline-x {each}" for each in titles[1:]]
    cluster.done.clear()
    lab.bring_ephemeral([(always, ["aws-cluster"])])
    lab.clear_ephemeral()
    assert cluster.done == ["delete plumbline-y Deployment/a"]


@pytest.mark.parametrize(
    ("number", "each", "names"),
    [
        (None, False, ["aws-cluster", "azure-cluster"]),
        (0, False, ["aws-cluster"]),
        (1, False, ["azure-cluster"]),
        (2, False, ["aws-cluster"]),
        (1, True, ["aws-cluster", "azure-cluster"]),
    ],
)
def test_a_behaviour_may_be_of_one_cluster_alone(
    number: int | None, each: bool, names: list[str], tmp_path: Path
) -> None:
    clusters = sessions.topology(tmp_path).clusters
    one = replace(behaviour("a", frozenset({"istio"})), only_cluster=number)
    assert one.asked_of(clusters, each=each) == names
    none = replace(one, features=frozenset({"flying"}))
    assert none.asked_of(clusters, each=each) == []


def behaviour(
    name: str, features: frozenset[str], early: tuple[str, ...] = (), *, shared_clients: bool = True
) -> Behaviour[None]:
    return Behaviour(
        Path(name),
        features,
        in_force=lambda _lab, _cluster: None,
        probes=lambda _subject: (),
        early=early,
        shared_clients=shared_clients,
    )
