"""The reference's documents, a user's in their place, and what both leave out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

import suites
from clusters import capabilities
from clusters.errors import ManifestsError
from clusters.models import Image
from fixtures import manifests as m
from fixtures.behaviour import discover
from fixtures.traffic.pod import PROGRAMS

ROUTE = (m.REFERENCE / "httproute.yaml").read_text()
LISTED = json.dumps({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(ROUTE)]})
TEMPLATES = [m.SUPPORT / "clients.yaml", *(each.support for each in discover(suites))]
MOBILE = next(path for path in TEMPLATES if path.parent.name == "mobile_routing")
VALUES = {
    "namespace": "plumbline-test",
    "cluster": "aws-cluster",
    "example_address": "240.240.0.1",
    "images": {"echo": "echo:1", "locust": "locust:1", "ratelimit": "r:1", "redis": "s:1"},
    "programs_base64": dict.fromkeys(PROGRAMS, "YQ=="),
    "programs_digest": "0123",
    "features": capabilities.FEATURES | capabilities.LEFT_ALONE.keys(),
    "full": True,
    "nodes": ["first"],
}
PINS = {
    "authorizationpolicy": "2677a1b100560d1b5851dabefd52387869c1b6368b25e154b232421d0908659e",
    "ciliumclustermeshconfig": "d30bf49cda29ad3523f28d175207ff59ad175f33fba1e8e89e0e3eee76ad80c3",
    "ciliumnetworkpolicy": "b49922eae1bb8ef45963e1a6f6a84ccc1732a4d6c737db16a5f52c6a17cc30e3",
    "gateway": "a9f12b3d88e4e2cfab47e728be6a4eb173d23fb66341999276fd2d62541c2449",
    "httproute": "92db725aa64abdb45bf96f8ab4accc60e28d8600a421555cc89aee6c72b0a33e",
    "virtualservice": "90b84ea5fc28f355161d549aea90b8b0bcdb349c4b621785c29d768386e7a65d",
}


@pytest.mark.parametrize("stem", PINS)
def test_a_reference_file_is_the_users_byte_for_byte(stem: str) -> None:
    content = (m.REFERENCE / f"{stem}.yaml").read_bytes()
    assert hashlib.sha256(content).hexdigest() == PINS[stem]


def test_without_a_folder_all_are_the_references() -> None:
    reference = m.load()
    practices = {path.stem for path in m.PRACTICE.glob("*.yaml")}
    assert practices
    assert set(reference.documents) == {*PINS, *practices}
    assert (reference.name, reference.notes) == ("reference", ())


def test_a_users_file_stands_in_for_the_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "httproute.yaml").write_text(ROUTE.replace("weight: 90", "weight: 85"))
    manifests = m.load(tmp_path)
    route = manifests.given("httproute")
    assert route.document["spec"]["rules"][0]["backendRefs"][0]["weight"] == 85
    assert route.origin == str(tmp_path / "httproute.yaml")
    assert manifests.given("gateway") == m.load().given("gateway")


def test_the_report_is_told_which_are_whose(tmp_path: Path) -> None:
    (tmp_path / "httproute.yaml").write_text(ROUTE)
    (note,) = m.load(tmp_path).notes
    own, rest = note.split(";")
    assert "httproute.yaml" in own
    assert "gateway.yaml" in rest


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("route.yaml", ROUTE, "route.yaml in"),
        ("httproute.yml", ROUTE, "httproute.yml in"),
        ("notes.txt", "", "no YAML file"),
        ("httproute.yaml", "a: [", "to be YAML or JSON"),
        ("httproute.yaml", "a: 1\nb: 2\na: 3", "`a` in line 1 and again in line 3"),
        ("httproute.json", ROUTE, "call it httproute.yaml"),
        ("kustomization.yaml", "", "kustomize build"),
        ("httproute.yaml", "", "to hold one document"),
        ("httproute.yaml", "- a", "to hold one document"),
        ("httproute.yaml", f"{ROUTE}\n---\n{ROUTE}", "to hold one document"),
        ("httproute.yaml", ROUTE.replace("HTTPRoute", "GRPCRoute"), "to hold a HTTPRoute"),
        ("httproute.yaml", LISTED, "a List: HTTPRoute/advanced-routing"),
        (
            "httproute.yaml",
            f"{ROUTE}\n---\nkind: Service\nmetadata: {{name: mine}}\n--- 7",
            "3: HTTPRoute/advanced-routing, Service/mine, 7",
        ),
        ("httproute.yaml", "kind: List\nitems: {}", "1: List/no name"),
        (
            "httproute.yaml",
            ROUTE.replace("gateway.networking.k8s.io", "x.io"),
            "to hold a HTTPRoute",
        ),
        ("httproute.yaml", ROUTE.replace("  name: advanced-routing", ""), "with a name"),
        (
            "httproute.yaml",
            ROUTE.replace("metadata:\n", "metadata:\n  namespace: shop\n"),
            "to name no namespace",
        ),
    ],
)
def test_a_file_that_cannot_stand_in_is_a_clear_error(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ManifestsError) as raised:
        m.load(tmp_path)
    assert complaint in str(raised.value)


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestsError, match="is no folder"):
        m.load(tmp_path / "absent")


def test_files_that_nobody_sees_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "httproute.yaml").write_text(ROUTE)
    (tmp_path / "._httproute.yaml").write_bytes(b"\0\5Mac OS X")
    assert m.load(tmp_path).documents == m.load().documents


def test_what_only_another_cluster_can_say_is_left_out(tmp_path: Path) -> None:
    exported = yaml.safe_load(ROUTE)
    own = {"annotations": {m.LAST_APPLIED: "{}", "kept": "22:30"}, "labels": {"kept": "yes"}}
    exported["metadata"] |= own | dict.fromkeys(m.SERVER_SET, "x")
    (tmp_path / "httproute.yaml").write_text(json.dumps({**exported, "status": {}}))
    manifests = m.load(tmp_path)
    document = manifests.documents["httproute"]
    assert document["metadata"] == {
        "name": "advanced-routing", "annotations": {"kept": "22:30"}, "labels": {"kept": "yes"}
    }  # fmt: skip
    assert document["spec"] == exported["spec"]
    assert "status" not in document
    assert "httproute.yaml: left out metadata.creationTimestamp" in manifests.notes[1]
    assert manifests.notes[1].endswith(f"the annotation {m.LAST_APPLIED}, status")


def test_another_version_of_the_same_kind_may_stand_in(tmp_path: Path) -> None:
    (tmp_path / "httproute.yaml").write_text(ROUTE.replace("v1beta1", "v1"))
    assert m.load(tmp_path).documents["httproute"]["apiVersion"].endswith("/v1")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_support_gives_documents_with_kinds_and_names(template: Path) -> None:
    documents = m.support(template, **VALUES)
    assert documents
    assert all(d["apiVersion"] and d["kind"] and d["metadata"]["name"] for d in documents)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_only_full_asks_is_left_out_for_core_and_routes_still_lead_somewhere(
    template: Path,
) -> None:
    every, core = (m.support(template, **{**VALUES, "full": full}) for full in (True, False))
    assert [document for document in core if document not in every] == []
    offered = {d["metadata"]["name"] for d in core if d["kind"] == "Service"}
    routes = [d for d in core if d["kind"].endswith("Route")]
    led_to = {
        ref["name"]
        for route in routes
        for rule in route["spec"].get("rules", [])
        for ref in rule["backendRefs"]
    }
    assert led_to <= offered


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_support_says_in_its_first_line_why_it_is_there(template: Path) -> None:
    first = template.read_text().splitlines()[0]
    assert first.startswith("# The reference ")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_support_pulls_no_image_and_ends_its_pods_soon(template: Path) -> None:
    """At once, but for backends behind proxies, which hear late that a pod ends."""
    for document in m.support(template, **VALUES):
        if document["kind"] == "Deployment":
            pod = document["spec"]["template"]["spec"]
            (first, *_) = pod["containers"]
            serves_on = first.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
            assert serves_on["seconds"] < pod["terminationGracePeriodSeconds"] <= 8
            assert (pod["terminationGracePeriodSeconds"] == 1) == (serves_on["seconds"] == 0)
            assert all(c["imagePullPolicy"] == "IfNotPresent" for c in pod["containers"])


def test_support_lacking_a_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        m.support(MOBILE, namespace="plumbline-test")


def test_an_image_is_found_by_a_word_of_its_reference() -> None:
    images = tuple(
        Image(reference=r, digest="", source="forge") for r in ("a/echo-basic:1", "b/locust:2")
    )
    assert m.image(images, "echo-basic") == "a/echo-basic:1"
    for word in ("pause", ""):
        with pytest.raises(ManifestsError):
            m.image(images, word)


def test_a_document_under_another_name_leaves_the_first_alone() -> None:
    first = m.Given({"kind": "Policy", "metadata": {"name": "a", "labels": {"x": "y"}}}, "a.yaml")
    again = first.renamed("b")
    assert again.document == {"kind": "Policy", "metadata": {"name": "b", "labels": {"x": "y"}}}
    assert (first.document["metadata"]["name"], again.origin) == ("a", "a.yaml")


def _pods(template: Path, nodes: list[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Each Deployment's name, replicas and pod."""
    for document in m.support(template, **{**VALUES, "nodes": nodes}):
        if document["kind"] == "Deployment":
            spec = document["spec"]
            yield document["metadata"]["name"], spec.get("replicas", 1), spec["template"]["spec"]


ONE_NODE = ("defence_in_depth", "least_privilege", "security")
"""Suites that look at one node."""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_where_there_are_several_nodes_what_is_looked_at_is_where_somebody_looks(
    template: Path,
) -> None:
    for _, _, pod in _pods(template, ["first"]):
        assert "nodeSelector" not in pod
        assert pod.get("affinity", {}).keys() <= {"podAntiAffinity"}
    pinned = {"kubernetes.io/hostname": "last"} if template.parent.name in ONE_NODE else None
    for name, replicas, pod in _pods(template, ["first", "last"]):
        assert pod.get("nodeSelector") == pinned
        sees_all = name == "wire"
        if sees_all:
            assert (replicas, pod["hostNetwork"]) == (2, True)
            assert pod["affinity"]["podAntiAffinity"]
