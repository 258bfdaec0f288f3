"""One service mesh over all clusters: intermediates of one root, istiods that read each other."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from clusters.components import authority, multicluster
from clusters.components.authority import Authority
from clusters.kube import Document, Kube
from fixtures.lab import namespace_of
from fixtures.lab.space import Space
from suites.multi_cloud import subject


class Api:
    """What the module asks of one cluster, kept in memory."""

    def __init__(self, name: str, said: str = "[]") -> None:
        self.cluster = type("Named", (), {"name": name})()
        self.said = said
        self.stored: dict[str, Document] = {}

    def get(self, _version: str, _kind: str, name: str, _namespace: str) -> Document | None:
        return self.stored.get(name)

    def apply(self, document: dict[str, Any], _namespace: str) -> Document:
        data = {k: encoded(v) for k, v in document.get("stringData", {}).items()}
        self.stored[document["metadata"]["name"]] = {**document, "data": data}
        return document

    def list(self, _version: str, kind: str, _namespace: str, _labels: str) -> list[Document]:
        assert kind == "EndpointSlice"
        return [{"endpoints": [{"addresses": ["198.18.0.3"]}], "ports": [{"port": 6443}]}]

    def pod(self, _namespace: str, _labels: str) -> Document:
        return {"metadata": {"name": "istiod-1"}}

    def exec(self, *_: object) -> str:
        return self.said

    def kubectl(self, words: str) -> str:
        return f"kubectl {words}"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def ends(certificate: str) -> datetime:
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return authority.of_lab(tmp_path)


def test_an_intermediate_is_the_roots_and_ends_with_it(root: Authority) -> None:
    one = root.sign("one")
    assert root.signed(one.certificate)
    assert ends(one.certificate) == ends(root.certificate)
    constraints = x509.load_pem_x509_certificate(one.certificate.encode()).extensions
    assert constraints.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


@pytest.mark.parametrize("certificate", ["", "nonsense"])
def test_what_is_no_certificate_was_not_signed(root: Authority, certificate: str) -> None:
    assert not root.signed(certificate)


def test_another_roots_intermediate_is_not_this_ones(root: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert not root.signed(authority.of_lab(other).sign("one").certificate)


def test_an_intermediate_that_soon_ends_is_not_good(
    root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = root.sign("one")
    monkeypatch.setattr(authority, "RENEWED", timedelta(days=366))
    assert not root.signed(one.certificate)
    assert ends(one.certificate) > datetime.now(UTC)


def test_each_istiod_has_an_intermediate_of_the_one_root_and_keeps_it(root: Authority) -> None:
    aws, azure = Api("aws-cluster"), Api("azure-cluster")
    for api in (aws, azure):
        multicluster.plug(api, root)  # type: ignore[arg-type]
    files = [api.stored["cacerts"]["stringData"] for api in (aws, azure)]
    assert all(each["root-cert.pem"] == root.certificate for each in files)
    assert all(root.signed(each["ca-cert.pem"]) for each in files)
    assert all(each["cert-chain.pem"] == each["ca-cert.pem"] + root.certificate for each in files)
    assert files[0]["ca-key.pem"] != files[1]["ca-key.pem"]
    multicluster.plug(aws, root)  # type: ignore[arg-type]
    assert aws.stored["cacerts"]["stringData"] == files[0]


def test_another_root_brings_another_intermediate_and_another_istiod(
    root: Authority, tmp_path: Path
) -> None:
    aws = Api("aws-cluster")
    multicluster.plug(aws, root)  # type: ignore[arg-type]
    (tmp_path / authority.FILE).unlink()
    new = authority.of_lab(tmp_path)
    multicluster.plug(aws, new)  # type: ignore[arg-type]
    assert new.signed(aws.stored["cacerts"]["stringData"]["ca-cert.pem"])
    notes = [multicluster.values("aws-cluster", r)["pilot"]["podAnnotations"] for r in (root, new)]
    assert notes[0] != notes[1]


def test_an_istiod_passes_over_the_namespaces_that_are_anothers_own(root: Authority) -> None:
    values = multicluster.values("aws-cluster", root)
    assert values["global"]["multiCluster"] == {"clusterName": "aws-cluster"}
    assert values["meshConfig"]["discoverySelectors"] == [
        {"matchLabels": {"plumbline/cluster": "aws-cluster"}},
        {"matchExpressions": [{"key": "plumbline/cluster", "operator": "DoesNotExist"}]},
    ]
    (local,) = values["meshConfig"]["serviceSettings"]
    assert local["settings"] == {"clusterLocal": True}
    space = Space(Kube.__new__(Kube), namespace_of(subject.NAME))
    assert local["hosts"] == [space.host(subject.HOME)]


def test_an_istiod_reads_the_other_cluster_with_its_readers_token() -> None:
    aws = Api("aws-cluster", '[{"id": "azure-cluster", "syncStatus": "synced"}]')
    azure = Api("azure-cluster")
    multicluster.offer(azure)  # type: ignore[arg-type]
    offered = azure.stored[multicluster.TOKEN]
    assert offered["metadata"]["annotations"] == {
        "kubernetes.io/service-account.name": "istio-reader-service-account"
    }
    offered["data"] = {"token": encoded("a token"), "ca.crt": encoded("a certificate")}
    multicluster.join(aws, [azure], 1)  # type: ignore[arg-type, list-item]
    secret = aws.stored["istio-remote-secret-azure-cluster"]
    assert secret["metadata"]["labels"] == {"istio/multiCluster": "true"}
    access = yaml.safe_load(secret["stringData"]["azure-cluster"])
    (cluster,) = access["clusters"]
    assert cluster["cluster"]["server"] == "https://198.18.0.3:6443"
    assert decoded(cluster["cluster"]["certificate-authority-data"]) == "a certificate"
    assert access["users"] == [{"name": "azure-cluster", "user": {"token": "a token"}}]


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"azure": "synced"}, ""),
        ({"azure": "initializing", "aws": "synced"}, "azure: initializing"),
        ({}, "azure: not known"),
    ],
)
def test_a_service_mesh_is_joined_when_every_other_cluster_is_read(
    states: dict[str, str], said: str
) -> None:
    assert multicluster._unread(states, ["azure"]) == said
