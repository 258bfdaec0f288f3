"""Existing clusters: read and not touched, by consent alone, and left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from clusters import adopt, capabilities, providers, versions
from clusters.confinement import CONSENT, MARK
from clusters.errors import (
    AccessError,
    ConsentError,
    ForeignError,
    NotReadyError,
    SiteError,
    UnservedKindError,
)
from clusters.home import Home
from clusters.kube import Kube
from clusters.providers import existing
from clusters.topology import Cluster, Consent, Topology

HARNESS = "0123456789ab"
NODE = {
    "metadata": {"name": "n", "labels": {"node.kubernetes.io/instance-type": "m5.large"}},
    "status": {
        "capacity": {"cpu": "2", "memory": "8Gi"},
        "nodeInfo": {
            "kernelVersion": "6.1", "osImage": "Bottlerocket", "architecture": "amd64",
        },
    },
}  # fmt: skip


def workload(image: str, **labels: str) -> dict[str, Any]:
    containers = [{"image": image}]
    return {
        "metadata": {"name": "w", "labels": labels},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def config_map(name: str, namespace: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


class Site:
    """A cluster of somebody's: its objects by kind, and what was done to them."""

    def __init__(self, cluster: Cluster, **objects: list[dict[str, Any]]) -> None:
        self.cluster = cluster
        self.objects = objects
        self.deleted: list[str] = []
        self.url = "https://api.example"

    def version(self) -> str:
        return "1.36.4"

    def kubectl(self, words: str) -> str:
        return f"kubectl {words}"

    def get(self, _: str, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        for each in self.objects.get(kind, ()):
            metadata = each["metadata"]
            if (metadata["name"], metadata.get("namespace", "")) == (name, namespace):
                return each
        return None

    def list(
        self, _: str, kind: str, namespace: str = "", labels: str = ""
    ) -> list[dict[str, Any]]:
        if kind not in self.objects and kind == "HTTPRoute":
            raise UnservedKindError("HTTPRoute to be served", seen="it is not")
        key, _equals, value = labels.partition("=")
        return [
            each
            for each in self.objects.get(kind, ())
            if each["metadata"].get("namespace", namespace) == namespace
            and (key != MARK or (each["metadata"].get("labels") or {}).get(key) == value)
        ]

    def delete(self, document: dict[str, Any], namespace: str, _deadline: float) -> None:
        name = document["metadata"]["name"]
        self.deleted.append(f"{namespace}/{document['kind']}/{name}")
        self.objects[document["kind"]] = [
            each for each in self.objects[document["kind"]] if each["metadata"]["name"] != name
        ]

    def close(self) -> None:
        return


CLUSTER = Cluster(name="aws-cluster", kubeconfig=Path("k"), context="c")
AGREED = Consent(harness=HARNESS)
WHOLE: dict[str, list[dict[str, Any]]] = {
    "Node": [NODE, NODE],
    "Deployment": [workload("docker.io/istio/pilot:1.30.1-distroless", app="istiod")],
    "DaemonSet": [workload("quay.io/cilium/cilium:v1.19.3@sha256:00")],
    "ConfigMap": [config_map("istio", "istio-system", **{existing.SETTINGS: "{}"})],
    "CustomResourceDefinition": [
        {
            "metadata": {
                "name": "gateways.gateway.networking.k8s.io",
                "annotations": {existing.BUNDLE: "v1.5.1"},
            }
        }
    ],
    "GatewayClass": [
        {
            "metadata": {"name": "istio"},
            "status": {"conditions": [{"type": "Accepted", "status": "True"}]},
        }
    ],
}


OTHER_DOMAIN = {existing.SETTINGS: "trustDomain: corp.example"}


def survey(agreed: Consent = AGREED, **changed: list[dict[str, Any]]) -> existing.Survey:
    return existing.survey(cast("Kube", Site(CLUSTER, **{**WHOLE, **changed})), agreed)


# --- a site's file -------------------------------------------------------------------------


def test_the_file_that_an_error_shows_is_one(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(existing.Site.FILE)
    site = existing.read(path)
    assert [each.role for each in site.clusters] == ["aws-cluster", "azure-cluster"]
    one = site.clusters[0].cluster
    assert one.kubeconfig == Path.home() / ".kube/config"
    assert one.gateways == {"networking.istio.io/service-type": "ClusterIP"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters = 1", "clusters"),
        ("[[clusters", "TOML"),
        ("", "clusters: Field required"),
        ('[[clusters]]\nrole = "a"\nkubeconfig = "k"\n', "context"),
        ('[[clusters]]\nrole = "a"\nkubeconfig = "k"\ncontext = "c"\nregion = "eu"\n', "region"),
        ('[[clusters]]\nrole = "A b"\nkubeconfig = "k"\ncontext = "c"\n', "role"),
        ('[[clusters]]\nrole = "a"\nkubeconfig = "k"\ncontext = "c"\n' * 2, "each role once"),
    ],
)
def test_a_wrong_file_is_told_with_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=why):
        existing.read(path)


def test_no_file_is_told_with_what_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match='role = "aws-cluster"'):
        existing.read(tmp_path / "site.toml")


# --- consent -------------------------------------------------------------------------------


def consent(**data: str) -> Consent:
    stored = [config_map(CONSENT[1], CONSENT[0], **data)] if data else []
    return existing.consent(cast("Kube", Site(CLUSTER, ConfigMap=stored)), HARNESS)


def test_nothing_is_done_without_consent() -> None:
    with pytest.raises(ConsentError, match="there is none"):
        consent()


@pytest.mark.parametrize("harness", ["another", "", "0123456789AB"])
def test_a_consent_is_for_one_harness(harness: str) -> None:
    with pytest.raises(ConsentError, match=HARNESS):
        consent(harness=harness, write="default")


@pytest.mark.parametrize(
    ("write", "agreed"),
    [("", set()), ("default", {"default"}), ("default, shop", {"default", "shop"})],
)
def test_a_consent_names_namespaces(write: str, agreed: set[str]) -> None:
    assert consent(harness=HARNESS, write=write).write == agreed


def test_what_was_agreed_to_must_stand_there_still() -> None:
    def see(stored: list[dict[str, Any]], agreed: Consent | None) -> None:
        cluster = CLUSTER.model_copy(update={"consent": agreed})
        adopt.see_agreed(cast("Kube", Site(cluster, ConfigMap=stored)))

    whole = Consent(harness=HARNESS, write=frozenset({"default"}))
    stored = [config_map(CONSENT[1], CONSENT[0], harness=HARNESS, write="default, shop")]
    less = [config_map(CONSENT[1], CONSENT[0], harness=HARNESS, write="shop")]
    see([], None)  # a lab's own
    see(stored, whole)
    with pytest.raises(ConsentError, match="there is none"):
        see([], whole)
    with pytest.raises(ConsentError, match="default"):
        see(less, whole)


def test_what_a_person_applies_is_what_is_read() -> None:
    _, stored = yaml.safe_load_all(existing.consent_document(HARNESS))
    assert (stored["metadata"]["namespace"], stored["metadata"]["name"]) == CONSENT
    assert consent(**stored["data"]) == Consent(harness=HARNESS)


# --- what a cluster offers -----------------------------------------------------------------


def test_a_survey_reads_versions_and_the_nodes() -> None:
    read = survey()
    assert read.versions == {
        "kubernetes": "1.36.4",
        "istio": "1.30.1",
        "gateway_api": "1.5.1",
        "cilium": "1.19.3",
    }
    assert (read.machine.cores, read.machine.memory_bytes) == (4, 16 * 2**30)
    assert "m5.large" in read.machine.cpu


@pytest.mark.parametrize(
    ("changed", "agreed", "offered"),
    [
        ({}, AGREED, {"istio", "gateway-api"}),
        (
            {},
            Consent(harness=HARNESS, write=frozenset({"default"})),
            {"istio", "gateway-api", "default-namespace"},
        ),
        ({"Deployment": []}, AGREED, {"gateway-api"}),
        ({"GatewayClass": []}, AGREED, {"istio"}),
        ({"CustomResourceDefinition": []}, AGREED, {"istio"}),
        (
            {"ConfigMap": [config_map("istio", "istio-system", **OTHER_DOMAIN)]},
            AGREED,
            {"gateway-api"},
        ),
        (
            {"Deployment": [workload("pilot:1.30.1", **{"istio.io/rev": "canary"})]},
            AGREED,
            {"gateway-api"},
        ),
    ],
)
def test_a_feature_is_offered_or_it_is_said_why_not(
    changed: dict[str, list[dict[str, Any]]], agreed: Consent, offered: set[str]
) -> None:
    read = survey(agreed, **changed)
    assert read.features == offered
    assert not read.features & read.not_offered.keys()
    assert read.features | read.not_offered.keys() >= capabilities.FEATURES
    assert all(read.not_offered.values())


def managed(value: str) -> list[dict[str, Any]]:
    config = config_map("cilium-config", "kube-system", **{existing.BANDWIDTH_MANAGER: value})
    return [*WHOLE["ConfigMap"], config]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ConfigMap": managed("true")}, ""),
        ({"ConfigMap": managed("false")}, "does not switch"),
        ({}, "does not switch"),
        ({"ConfigMap": managed("true"), "Node": [NODE]}, "one node"),
    ],
)
def test_bandwidth_is_managed_where_cilium_says_so(
    changed: dict[str, list[dict[str, Any]]], why: str
) -> None:
    read = survey(AGREED, **changed)
    assert (capabilities.BANDWIDTH in read.features) is (not why)
    assert why in read.not_offered.get(capabilities.BANDWIDTH, "")


def test_who_may_not_read_whether_bandwidth_is_managed_is_told_so() -> None:
    class Guarded(Site):
        def get(self, _: str, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
            if name == existing.CILIUM_CONFIG:
                raise AccessError("to read it", seen="403")
            return super().get(_, kind, name, namespace)

    read = existing.survey(cast("Kube", Guarded(CLUSTER, **WHOLE)), AGREED)
    assert "may not read kube-system/cilium-config" in read.not_offered[capabilities.BANDWIDTH]


# --- adopting and giving back --------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("PLUMBLINE_TOPOLOGY", raising=False)
    return Home(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> existing.Site:
    path = tmp_path / "site.toml"
    path.write_text(existing.Site.FILE)
    return existing.read(path)


def stand_in(monkeypatch: pytest.MonkeyPatch, **objects: list[dict[str, Any]]) -> Iterator[Site]:
    sites: list[Site] = []

    def make(cluster: Cluster) -> Site:
        sites.append(Site(cluster, **objects))
        return sites[-1]

    monkeypatch.setattr(adopt, "Kube", make)
    yield from sites


def test_a_harness_keeps_its_name(home: Home) -> None:
    assert adopt.harness_of(home) == adopt.harness_of(home)


def test_adopted_clusters_are_a_topology(
    home: Home, site: existing.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed = config_map(CONSENT[1], CONSENT[0], harness=adopt.harness_of(home), write="")
    list(stand_in(monkeypatch, **{**WHOLE, "ConfigMap": [*WHOLE["ConfigMap"], agreed]}))
    said: list[str] = []
    adopt.adopt(home, site, versions.load("2026-08"), "r", said.append)
    topology = Topology.load(home.topology)
    assert providers.adopted(home) == topology
    assert topology.versions["istio"] == "1.30.1"
    assert {each.name: each.context for each in topology.clusters} == {
        "aws-cluster": "staging-eu",
        "azure-cluster": "staging-us",
    }
    assert all(each.consent and each.features for each in topology.clusters)
    assert any("https://api.example" in line and "staging-eu" in line for line in said)
    assert providers.reach(home) is None
    with pytest.raises(ForeignError, match="staging-eu"):
        providers.see_none_adopted(home)


def test_a_lab_that_is_up_stays(home: Home, site: existing.Site) -> None:
    providers.see_none_adopted(home)
    home.topology.parent.mkdir()
    home.topology.write_text("{}")
    with pytest.raises(ForeignError, match="no lab"):
        adopt.adopt(home, site, versions.load("2026-08"), "r", print)
    assert home.topology.read_text() == "{}"


def marked(name: str, namespace: str = "", harness: str = HARNESS) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"metadata": {"name": name, "labels": {MARK: harness}, **place}}


def test_only_what_is_ours_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = CLUSTER.model_copy(
        update={"consent": Consent(harness=HARNESS, write=frozenset({"default"}))}
    )
    foreign = {"metadata": {"name": "shop"}}
    web = {"metadata": {"name": "web", "namespace": "default"}}
    kube = Site(
        cluster,
        Namespace=[marked("plumbline-a"), marked("plumbline-b", harness="x"), foreign],
        Deployment=[marked("client", "default"), web],
        ServiceAccount=[marked("frontend", "default"), marked("other", "shop")],
    )
    monkeypatch.setattr(adopt, "Kube", lambda _: kube)
    said: list[str] = []
    adopt.release([cluster], HARNESS, said.append)
    assert sorted(kube.deleted) == [
        "/Namespace/plumbline-a",
        "default/Deployment/client",
        "default/ServiceAccount/frontend",
    ]
    assert "3 away" in said[0]


def test_what_does_not_go_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = CLUSTER.model_copy(update={"consent": AGREED})
    kube = Site(cluster, Namespace=[marked("plumbline-a")])
    monkeypatch.setattr(kube, "delete", lambda *_: None)
    monkeypatch.setattr(adopt, "Kube", lambda _: kube)
    monkeypatch.setattr(adopt, "PATIENCE", 0.1)
    with pytest.raises(NotReadyError, match="plumbline-a"):
        adopt.release([cluster], HARNESS, print)


def test_pods_that_go_after_their_deployment_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody is told that all is away while a client still runs in a namespace of others."""
    agreed = Consent(harness=HARNESS, write=frozenset({"default"}))
    kube = Site(CLUSTER.model_copy(update={"consent": agreed}), Pod=[marked("client-1", "default")])
    monkeypatch.setattr(adopt, "Kube", lambda _: kube)
    monkeypatch.setattr(adopt, "PATIENCE", 0.1)
    with pytest.raises(NotReadyError, match="Pod/client-1"):
        adopt.release([kube.cluster], HARNESS, print)
    assert kube.deleted == [], "what a ReplicaSet makes anew is not deleted"
    kube.objects["Pod"] = []
    adopt.release([kube.cluster], HARNESS, print)


# --- rights --------------------------------------------------------------------------------


def test_the_rights_read_no_secrets_and_write_nowhere_else() -> None:
    documents = list(yaml.safe_load_all(existing.rights()))
    by_title = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    look = by_title["ClusterRole", "plumbline-look"]["rules"]
    everywhere = {name for rule in look for name in rule["resources"]}
    assert not everywhere & {"secrets", "pods/log", "pods/exec", "*"}
    written = {
        name for rule in look for name in rule["resources"] if set(rule["verbs"]) - {"get", "list"}
    }
    assert written == {"namespaces", "rolebindings", "clusterroles"}
    bound = [each["roleRef"]["name"] for each in documents if each["kind"] == "ClusterRoleBinding"]
    assert bound == ["plumbline-look"]
    assert ("ClusterRole", adopt.OWN_RIGHTS) in by_title


def test_rights_are_taken_on_where_they_are_provided_for() -> None:
    applied: list[dict[str, Any]] = []

    class Provided(Site):
        def apply(self, document: dict[str, Any], namespace: str) -> None:
            applied.append({**document, "in": namespace})

    role = {"metadata": {"name": adopt.OWN_RIGHTS}}
    kube = Provided(CLUSTER, ClusterRole=[role])
    adopt.take_rights(cast("Kube", kube), "plumbline-a", 1)
    assert [each["in"] for each in applied] == ["plumbline-a"]
    assert applied[0]["roleRef"]["name"] == adopt.OWN_RIGHTS

    applied.clear()
    adopt.take_rights(cast("Kube", Provided(CLUSTER)), "plumbline-a", 1)

    class Forbidden(Provided):
        def get(self, *_: str) -> dict[str, Any] | None:
            raise AccessError("to get a ClusterRole", seen="forbidden")

    adopt.take_rights(cast("Kube", Forbidden(CLUSTER)), "plumbline-a", 1)
    assert applied == []
