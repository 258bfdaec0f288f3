"""The versions that run: read from what the clusters tell, and told where they are others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.history import versions


def pod(*images: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": image} for image in images]}}


NODE = {"status": {"nodeInfo": {"kubeletVersion": "v1.36.4"}}}
PODS = (
    pod("registry.k8s.io/etcd:3.6.12-0"),
    pod("registry.k8s.io/coredns/coredns:v1.14.6"),
    pod("quay.io/cilium/cilium:v1.20.2@sha256:" + "a" * 64),
    pod("quay.io/cilium/operator-generic:v1.0.0"),
    pod("registry.site:5000/istio/pilot:1.32.0-rc.1"),
    pod("docker.io/locustio/locust:2.46.6", "docker.io/istio/proxyv2:1.31.0"),
)
CRD = {"metadata": {"annotations": {versions.BUNDLE: "v1.6.2"}}}
INFO = json.dumps({"version": "ce177c56/1.38.4-dev/Clean/RELEASE/BoringSSL"})
FOUND = {
    "cilium": "1.20.2",
    "coredns": "1.14.6",
    "envoy": "1.38.4-dev",
    "etcd": "3.6.12",
    "gateway_api": "1.6.2",
    "istio": "1.32.0-rc.1",
    "kubernetes": "1.36.4",
}


def test_each_component_is_told_by_what_runs() -> None:
    assert versions.join(versions.of_cluster([NODE], PODS, CRD, INFO)) == FOUND


def test_what_is_not_there_is_left_out() -> None:
    joined = versions.join(versions.of_cluster([NODE], (), None, ""))
    assert joined == {"kubernetes": "1.36.4"}
    assert versions.join(versions.of_cluster([], (), {"metadata": {}}, "")) == {}


def test_clusters_that_differ_are_told_with_both() -> None:
    joined = versions.join([("etcd", "3.6.13"), ("etcd", "3.6.12"), ("etcd", "3.6.13")])
    assert joined == {"etcd": "3.6.12, 3.6.13"}


@pytest.mark.parametrize(
    ("tag", "version"),
    [("v1.36.4", "1.36.4"), ("3.6.13-0", "3.6.13"), ("1.32.0-rc.0", "1.32.0-rc.0")],
)
def test_a_tag_is_read_as_a_version(tag: str, version: str) -> None:
    assert versions.bare(tag) == version


def test_what_one_process_leaves_another_finds(tmp_path: Path) -> None:
    assert versions.load(tmp_path) == {}
    versions.save(FOUND, tmp_path)
    assert versions.load(tmp_path) == FOUND


def test_what_differs_from_the_train_is_noted() -> None:
    expected = {**FOUND, "etcd": "3.6.13", "envoy": "1.39.1", "kind": "0.33.0"}
    (note,) = versions.notes(expected, FOUND)
    assert note.endswith("names: envoy 1.38.4-dev for 1.39.1, etcd 3.6.12 for 3.6.13.")
    assert versions.notes({**FOUND, "kind": "0.33.0"}, FOUND) == ()
    assert "were not asked" in versions.notes(expected, {})[0]
