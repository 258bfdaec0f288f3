"""What an earlier run left decides nothing: it goes, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from clusters import topology
from clusters.errors import UnservedKindError
from clusters.kube import Kube
from clusters.topology import Consent
from fixtures.lab import leftovers


class Cluster:
    """Objects by kind, of which one kind is not served."""

    def __init__(self, *objects: tuple[str, str, str, str], consent: Consent | None = None) -> None:
        self.cluster = topology.Cluster(
            name="a", kubeconfig=Path("k"), context="c", consent=consent
        )
        self.objects = {
            (kind, namespace, name): run for kind, namespace, name, run in objects
        }  # fmt: skip

    def list(self, _version: str, kind: str, namespace: str, labels: str) -> list[dict[str, Any]]:
        if kind == "GRPCRoute":
            raise UnservedKindError("GRPCRoute to be served", seen="it is not")
        return [
            {"metadata": {"name": name, "namespace": place}}
            for (what, place, name), run in self.objects.items()
            if what == kind and namespace in ("", place) and (run or not labels)
        ]

    def delete(self, document: dict[str, Any], namespace: str) -> None:
        del self.objects[(document["kind"], namespace, document["metadata"]["name"])]


def test_another_name_goes_and_what_is_expected_stays() -> None:
    cluster = Cluster(
        ("VirtualService", "plumbline-a", "advanced-routing", ""),
        ("VirtualService", "plumbline-a", "tablet", ""),
        ("DestinationRule", "plumbline-a", "web-service", ""),
        ("HTTPRoute", "plumbline-a", "tablet", ""),
        ("VirtualService", "shop", "tablet", ""),
    )
    expected = {"VirtualService/tablet", "DestinationRule/web-service"}
    gone = leftovers.clear(cast("Kube", cluster), "plumbline-a", expected)
    assert gone == ["plumbline-a VirtualService/advanced-routing", "plumbline-a HTTPRoute/tablet"]
    assert set(cluster.objects) == {
        ("VirtualService", "plumbline-a", "tablet"),
        ("DestinationRule", "plumbline-a", "web-service"),
        ("VirtualService", "shop", "tablet"),
    }


@pytest.mark.parametrize("consent", [None, Consent(harness="h")])
def test_exports_are_looked_for_in_a_lab_alone(consent: Consent | None) -> None:
    cluster = Cluster(("ServiceExport", "plumbline-a", "lent", ""), consent=consent)
    gone = leftovers.clear(cast("Kube", cluster), "plumbline-a", ())
    assert bool(gone) is (consent is None)


def test_elsewhere_only_what_bears_a_runs_label_goes() -> None:
    cluster = Cluster(
        ("VirtualService", "default", "moved", "20261126T010203Z"),
        ("VirtualService", "default", "theirs", ""),
    )
    assert leftovers.clear_elsewhere(cast("Kube", cluster)) == ["default VirtualService/moved"]
    assert set(cluster.objects) == {("VirtualService", "default", "theirs")}


def test_of_somebodys_cluster_only_what_was_agreed_to_is_looked_at() -> None:
    cluster = Cluster(
        ("VirtualService", "default", "moved", "20261126T010203Z"),
        ("VirtualService", "shop", "moved", "20261126T010203Z"),
        consent=Consent(harness="h", write=frozenset({"default"})),
    )
    assert leftovers.clear_elsewhere(cast("Kube", cluster)) == ["default VirtualService/moved"]
    assert set(cluster.objects) == {("VirtualService", "shop", "moved")}


def test_a_label_says_which_run_and_leaves_the_document_alone() -> None:
    document = {"metadata": {"name": "x", "labels": {"app": "y"}}}
    labelled = leftovers.of_run(document, "a run: 1 ")
    assert labelled["metadata"]["labels"] == {"app": "y", leftovers.RUN: "a-run--1"}
    assert document["metadata"]["labels"] == {"app": "y"}
