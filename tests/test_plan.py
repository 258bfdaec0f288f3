"""The plan: the reference's clusters in order, no two addresses alike, wrong meshes refused."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.bringup import MESH, planned
from clusters.plan import (
    CONTAINERS,
    LOAD_BALANCERS,
    MAX_CLUSTERS,
    NETWORK,
    PODS,
    SERVICES,
    ClusterPlan,
    PlanError,
    plan,
)

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)


def mesh(*clusters: object) -> dict[str, Any]:
    return {"kind": "CiliumClustermeshConfig", "spec": {"clusters": list(clusters)}}


def member(name: str, address: str = "") -> dict[str, str]:
    return {"name": name, "address": address or f"{name}.mesh.internal:2379"}


def spans(each: ClusterPlan) -> list[tuple[int, int]]:
    """The first and last address of everything that a cluster is given."""
    networks = [ipaddress.ip_network(net) for net in (each.pods, each.services)]
    balancers = int(ipaddress.ip_address(each.first)), int(ipaddress.ip_address(each.last))
    return [balancers, *((int(net[0]), int(net[-1])) for net in networks)]


def test_the_references_mesh_is_planned_as_it_names_it() -> None:
    plans = planned(MESH)
    assert {each.number: each.name for each in plans} == {1: "aws-cluster", 2: "azure-cluster"}
    assert [each.hostname for each in plans] == [
        "aws-cluster.mesh.internal",
        "azure-cluster.mesh.internal",
    ]
    assert {each.port for each in plans} == {2379}


@given(st.lists(NAMES, min_size=2, max_size=MAX_CLUSTERS, unique=True))
def test_no_two_addresses_overlap(names: list[str]) -> None:
    plans = plan(mesh(*map(member, names)))
    assert [each.name for each in plans] == names
    assert [each.number for each in plans] == list(range(1, len(names) + 1))
    for one, other in combinations([span for each in plans for span in spans(each)], 2):
        assert one[1] < other[0] or other[1] < one[0]


def test_load_balancers_share_the_nodes_network_and_not_their_addresses() -> None:
    network, containers = ipaddress.ip_network(NETWORK), ipaddress.ip_network(CONTAINERS)
    assert isinstance(network, ipaddress.IPv4Network)
    assert isinstance(containers, ipaddress.IPv4Network)
    assert isinstance(LOAD_BALANCERS, ipaddress.IPv4Network)
    assert LOAD_BALANCERS.subnet_of(network)
    assert not LOAD_BALANCERS.overlaps(containers)
    assert not PODS.overlaps(network)
    assert not SERVICES.overlaps(network)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "2 to 4 clusters"),
        ({"spec": None}, "2 to 4 clusters"),
        (mesh(), "2 to 4 clusters"),
        ([], "2 to 4 clusters"),
        ({"spec": {"clusters": {"a": 1}}}, "2 to 4 clusters"),
        (mesh(member("a"), "b"), "the address of ''"),
        (mesh(member("a")), "2 to 4 clusters"),
        (mesh(*(member(f"c{n}") for n in range(5))), "2 to 4 clusters"),
        (mesh(member("a"), member("a")), "a name of its own for each cluster"),
        (mesh(member("a"), member("b", "b.other.internal:2379")), "one mesh domain"),
        (mesh(member("a"), member("b", "c.mesh.internal:2379")), "the address of 'b'"),
        (mesh(member("a"), member("b", "b.mesh.internal")), "the address of 'b'"),
        (mesh(member("a"), member("b", "b.mesh.internal:etcd")), "the address of 'b'"),
        (mesh(member("a"), member("b", "b:2379")), "the address of 'b'"),
        (mesh(member("a"), {"name": "b"}), "the address of 'b'"),
        (mesh(member("a"), {"address": "b.mesh.internal:2379"}), "the address of ''"),
    ],
)
def test_what_cannot_be_planned_is_refused(document: object, expected: str) -> None:
    with pytest.raises(PlanError, match=expected):
        plan(document)
