"""The components' values: what the charts are given, by keys that the charts have."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from clusters import versions
from clusters.components import authority, cilium, clustermesh, istio
from clusters.components.authority import Authority
from clusters.components.helm import merge_values
from clusters.plan import read_plan
from clusters.settings import CLUSTERMESH
from tests.test_recipes import module_folder

TRAINS = versions.names()
AWS, AZURE = read_plan(CLUSTERMESH)
BOTH = (AWS, AZURE)
CA = Authority("c", "k")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Tree = dict[str, Any]


def chart(component: str, below: str, train: str) -> Tree:
    """The values.yaml of a chart, in its module's folder, at the train's version."""
    path = module_folder(component, versions.load(train)) / below / "values.yaml"
    values: Tree = yaml.load(path.read_text(), Loader=LOADER)  # noqa: S506 - it is a safe loader
    # Istio's charts keep their defaults one level down, for reasons of Helm's.
    return merge_values(values, values.get("_internal_defaults_do_not_set", {}))


# What charts take although their values.yaml does not list it.
FREE = {
    "meshConfig.accessLogFile",  # all of meshConfig goes into Istio's service mesh configuration
    "meshConfig.defaultConfig",
    "meshConfig.defaultProviders",
    "meshConfig.extensionProviders",
    "socketLB.hostNamespaceOnly",  # named there in a comment, as it has no default
    "devices",  # so in Cilium 1.19
    "clustermesh.apiserver.tls.server",  # 1.20's old name of tls.auto.server, which 1.19 lacks
}


def unknown(given: Tree, known: Tree, path: str = "") -> Iterator[str]:
    """The keys that a chart does not have; a table that is empty there takes any."""
    for key, value in given.items():
        if path + key in FREE:
            continue
        if key not in known:
            yield f"{path}{key}"
        elif isinstance(value, dict) and known[key]:
            yield from unknown(value, known[key], f"{path}{key}.")


def test_an_unknown_key_is_found() -> None:
    known: Tree = {"a": {"b": 1, "free": {}, "nothing": None}}
    values: Tree = {"a": {"b": 2, "free": {"x": 1}, "nothing": {"y": 1}, "c": 1}, "d": 1}
    assert list(unknown(values, known)) == ["a.c", "d"]


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("confined", [True, False])
def test_ciliums_chart_has_every_key(confined: bool, train: str) -> None:
    values = cilium.values(AWS, "node", confined=confined)
    values = merge_values(values, clustermesh.values(AWS, BOTH, CA))
    assert not list(unknown(values, chart("cilium", cilium.CHART, train)))


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("plain_envoy", [True, False])
def test_istiods_chart_has_every_key(plain_envoy: bool, train: str) -> None:
    tag = versions.load(train).versions.istio
    values = istio.values("docker.io/istio", tag, plain_envoy=plain_envoy)
    # The chart takes what is below `pilot` as its own (templates/zzy_descope_legacy.yaml).
    values = merge_values(values, values.pop("pilot"))
    assert not list(unknown(values, chart("istio", istio.ISTIOD, train)))


def test_a_revision_is_named_by_its_version_and_told_to_the_chart() -> None:
    revision = istio.revision_of("1.31.0")
    assert (revision, istio.istiod(revision), istio.istiod("")) == (
        "1-31-0",
        "istiod-1-31-0",
        "istiod",
    )
    assert istio.values("hub", "tag", revision, plain_envoy=False)["revision"] == revision
    assert "revision" not in istio.values("hub", "tag", plain_envoy=False)


@pytest.mark.parametrize("train", TRAINS)
def test_capabilities_are_the_charts_own_less_what_a_machine_cannot_give(train: str) -> None:
    theirs = chart("cilium", cilium.CHART, train)["securityContext"]["capabilities"]
    withheld = {"SYS_RESOURCE", "PERFMON", "BPF"}
    assert set(cilium.AGENT) == set(theirs["ciliumAgent"]) - withheld
    assert set(cilium.CLEANER) == set(theirs["cleanCiliumState"]) - withheld


def test_only_a_confined_machine_gets_fewer_capabilities() -> None:
    free = cilium.values(AWS, "node", confined=False)
    bound = cilium.values(AWS, "node", confined=True)
    assert "securityContext" not in free
    assert "SYS_RESOURCE" not in str(bound)
    del bound["securityContext"]
    assert bound == free


def test_each_cluster_has_its_own_name_and_number() -> None:
    identities = [cilium.values(each, "node", confined=False)["cluster"] for each in BOTH]
    assert identities == [{"name": "aws-cluster", "id": 1}, {"name": "azure-cluster", "id": 2}]


def test_load_balancers_are_the_plans() -> None:
    pool, announced = cilium.load_balancers(AWS)
    assert pool["spec"]["blocks"] == [{"start": AWS.first, "stop": AWS.last}]
    assert announced["spec"]["loadBalancerIPs"]


def test_the_clustermesh_is_the_one_that_the_reference_names() -> None:
    """XP9: both clusters, both addresses, both directions."""
    for one, other in (BOTH, BOTH[::-1]):
        section = clustermesh.values(one, BOTH, CA)["clustermesh"]
        assert section["config"]["domain"] == "mesh.internal"
        assert section["config"]["clusters"] == [
            {"name": other.name, "port": 2379, "ips": [other.first]}
        ]
        service = section["apiserver"]["service"]
        assert service["annotations"] == {"lbipam.cilium.io/ips": one.first}
        assert section["apiserver"]["tls"]["server"]["extraDnsNames"] == ["*.mesh.internal"]


def test_all_clusters_share_one_authority_that_only_the_user_can_read(tmp_path: Path) -> None:
    root = authority.of_lab(tmp_path)
    assert authority.of_lab(tmp_path) == root
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate(root.certificate.encode())
    key = serialization.load_pem_private_key(root.key.encode(), None)
    assert key.public_key() == certificate.public_key()
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(certificate)


READY = {"ready": True, "synced": {"nodes": True, "endpoints": True}, "status": "ready"}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"azure": READY}, ""),
        ({}, "azure: not configured"),
        ({"azure": {**READY, "ready": False, "status": "waiting"}}, "azure: waiting"),
        ({"azure": {**READY, "synced": {"nodes": False}}}, "azure: ready"),
        ({"azure": {**READY, "synced": {}}}, "azure: ready"),
        ({"azure": {}}, "azure: no status"),
    ],
)
def test_a_clustermesh_is_ready_when_every_other_cluster_is_read(seen: Tree, said: str) -> None:
    assert clustermesh._unconnected({"node": seen}, ["azure"]) == said


def test_each_nodes_agent_must_have_read_the_others() -> None:
    good, bad = {"azure": READY}, {"azure": {**READY, "ready": False, "status": "waiting"}}
    assert clustermesh._unconnected({"a": good, "b": good}, ["azure"]) == ""
    assert clustermesh._unconnected({"a": good, "b": bad}, ["azure"]) == "azure: waiting (b)"
    said = "azure: not configured (a); azure: waiting (b)"
    assert clustermesh._unconnected({"a": {}, "b": bad}, ["azure"]) == said


def test_a_plain_envoy_is_not_asked_for_istios_filters() -> None:
    plain = istio.values("hub", "tag", plain_envoy=True)
    theirs = istio.values("hub", "tag", plain_envoy=False)
    assert (plain["global"]["hub"], plain["global"]["tag"]) == ("hub", "tag")
    assert plain["pilot"]["env"] == theirs["pilot"]["env"] | {
        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
        "PILOT_ENABLE_ALPN_FILTER": "false",
    }
    assert plain["telemetry"] == {"enabled": False}
    assert theirs["pilot"]["env"] == {"PILOT_ENABLE_QUIC_LISTENERS": "true"}
    assert "telemetry" not in theirs
    assert "defaultProviders" not in theirs["meshConfig"]


def test_a_commented_configuration_stays_what_it_is_and_is_never_the_same() -> None:
    configuration = "endpoints:\n- https://a:2379\ncert-file: /a.crt"
    once = clustermesh._with_new_comment(base64.b64encode(configuration.encode()).decode())
    twice = clustermesh._with_new_comment(once)
    assert once != twice
    for encoded in (once, twice):
        text = base64.b64decode(encoded).decode()
        assert yaml.safe_load(text) == yaml.safe_load(configuration)
        assert text.count(clustermesh.COMMENT) == 1
