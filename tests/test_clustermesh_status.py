"""The ClusterMesh that runs against the one that is named, both ways and nothing else."""

from __future__ import annotations

import pytest

from fixtures import manifests
from fixtures.history.verdict import Outcome
from fixtures.lab.clustermesh_status import Remote, as_named, parse_addresses, settled

REFERENCE = manifests.load().documents["ciliumclustermeshconfig"]
AWS, AZURE = "aws-cluster", "azure-cluster"

TROUBLESHOOT = """Found 2 cluster configurations

Cluster "azure-cluster":
📄 Configuration path: /var/lib/cilium/clustermesh/azure-cluster

🔌 Endpoints:
   - https://azure-cluster.mesh.internal:2379
     ✅ Hostname resolved to: 198.18.0.161
     ✅ TCP connection successfully established to 198.18.0.161:2379

Cluster "gcp-cluster":
🔌 Endpoints:
   - https://gcp-cluster.mesh.internal:2379
     ❌ Cannot resolve hostname
"""


def remote(here: str, there: str, *, address: str = "", ready: bool = True) -> Remote:
    return Remote(here, there, address or f"{there}.mesh.internal:2379", ready, "etcd: 1/1")


def test_both_directions_ready_at_their_addresses_pass() -> None:
    verdict = as_named(REFERENCE, [remote(AWS, AZURE), remote(AZURE, AWS)])
    assert verdict.passed
    assert verdict.numbers == {"directions": 2, "ready": 2}


@pytest.mark.parametrize(
    ("remotes", "reason"),
    [
        ([], "aws-cluster does not know azure-cluster"),
        ([remote(AWS, AZURE)], "azure-cluster does not know aws-cluster"),
        ([remote(AWS, AZURE), remote(AZURE, AWS, ready=False)], "not ready as seen from azure"),
        ([remote(AWS, AZURE, address="10.0.0.1:2379"), remote(AZURE, AWS)], "at 10.0.0.1:2379"),
        ([remote(AWS, AZURE), remote(AZURE, AWS), remote(AWS, "gcp")], "not in the reference"),
    ],
)
def test_anything_else_fails(remotes: list[Remote], reason: str) -> None:
    verdict = as_named(REFERENCE, remotes)
    assert verdict.outcome is Outcome.FAIL
    assert reason in verdict.reason


def test_each_direction_says_what_it_is() -> None:
    def reason(*remotes: Remote) -> str:
        return as_named(REFERENCE, remotes).reason

    back = remote(AZURE, AWS)
    at = "azure-cluster.mesh.internal:2379"
    assert reason(remote(AWS, AZURE), back) == (
        f"aws-cluster reaches azure-cluster at {at};"
        " azure-cluster reaches aws-cluster at aws-cluster.mesh.internal:2379"
    )
    assert reason(remote(AWS, AZURE, ready=False), back) == (
        "azure-cluster is not ready as seen from aws-cluster: etcd: 1/1"
    )
    assert reason(Remote(AWS, AZURE, "", True, ""), back) == (
        f"aws-cluster reaches azure-cluster at no address, not at {at}"
    )
    strangers = (remote(AWS, "gcp"), remote("gcp", AWS))
    verdict = as_named(REFERENCE, (remote(AWS, AZURE, ready=False), back, *strangers))
    assert verdict.reason.endswith(
        "; not in the reference: aws-cluster sees gcp, gcp sees aws-cluster"
    )
    assert verdict.numbers == {"directions": 2, "ready": 1}
    assert as_named(REFERENCE, []).numbers == {"directions": 2, "ready": 0}


def test_an_address_counts_once_it_was_connected_to() -> None:
    assert parse_addresses(TROUBLESHOOT) == {AZURE: "azure-cluster.mesh.internal:2379"}
    second = TROUBLESHOOT.partition("\n\n")[2].replace("azure", "b.c_d")
    assert parse_addresses(TROUBLESHOOT + "\n" + second) == {
        AZURE: "azure-cluster.mesh.internal:2379",
        "b.c_d-cluster": "b.c_d-cluster.mesh.internal:2379",
    }
    assert parse_addresses("") == {}


def azure(*, ready: bool, address: str = "azure.mesh.internal:2379") -> Remote:
    return Remote("aws", "azure", address, ready, "")


def test_what_is_reached_is_looked_at_until_it_is_ready() -> None:
    looks = iter([[azure(ready=False)], [azure(ready=True)]])
    assert settled(lambda: next(looks), 5.0) == (azure(ready=True),)


@pytest.mark.parametrize("seen", [[], [azure(ready=False, address="")], [azure(ready=True)]])
def test_what_is_not_reached_is_not_waited_for(seen: list[Remote]) -> None:
    looks = iter([seen])
    assert settled(lambda: next(looks), 5.0) == tuple(seen)


def test_what_is_never_ready_is_told_as_it_is() -> None:
    assert settled(lambda: [azure(ready=False)], 0.2) == (azure(ready=False),)


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"clusters": []},
        {"clusters": [{"name": AWS, "address": "a:1"}]},
        {"clusters": [{"name": AWS, "address": "a:1"}, {"name": AZURE}]},
        {"clusters": [{"name": AWS, "address": "a:1"}, {"address": "b:1"}]},
    ],
)
def test_a_document_that_names_no_clusters_has_failed(spec: object) -> None:
    verdict = as_named({"spec": spec}, [remote(AWS, AZURE), remote(AZURE, AWS)])
    assert verdict.outcome is Outcome.FAIL
    assert "does not name two clusters" in verdict.reason
