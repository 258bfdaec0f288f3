"""The plan: the reference's clusters in order, no two addresses alike, wrong meshes refused."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import PlanError
from clusters.plan import DEFAULT, LENGTH, MAX_CLUSTERS, ClusterPlan, Range, plan, read_plan
from clusters.settings import CLUSTERMESH

RANGES = st.integers(0, 2**LENGTH - 1).map(
    lambda number: Range(ipaddress.IPv4Network((number << (32 - LENGTH), LENGTH)))
)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)


def clustermesh(*clusters: object) -> dict[str, Any]:
    return {"kind": "CiliumClustermeshConfig", "spec": {"clusters": list(clusters)}}


def member(name: str, address: str = "") -> dict[str, str]:
    return {"name": name, "address": address or f"{name}.mesh.internal:2379"}


def spans(each: ClusterPlan) -> list[tuple[int, int]]:
    """The first and last address of everything that a cluster is given."""
    networks = [ipaddress.ip_network(net) for net in (each.pods, each.services)]
    balancers = int(ipaddress.ip_address(each.first)), int(ipaddress.ip_address(each.last))
    return [balancers, *((int(net[0]), int(net[-1])) for net in networks)]


def test_the_references_clustermesh_is_planned_as_it_names_it() -> None:
    plans = read_plan(CLUSTERMESH)
    assert {each.number: each.name for each in plans} == {1: "aws-cluster", 2: "azure-cluster"}
    assert [each.hostname for each in plans] == [
        "aws-cluster.mesh.internal",
        "azure-cluster.mesh.internal",
    ]
    assert {each.port for each in plans} == {2379}


@given(st.lists(NAMES, min_size=2, max_size=MAX_CLUSTERS, unique=True), RANGES)
def test_no_two_addresses_overlap_and_all_are_of_the_range(
    names: list[str], addresses: Range
) -> None:
    plans = plan(clustermesh(*map(member, names)), addresses)
    assert [each.name for each in plans] == names
    assert [each.number for each in plans] == list(range(1, len(names) + 1))
    containers = int(addresses.containers[0]), int(addresses.containers[-1])
    taken = [containers, *(span for each in plans for span in spans(each))]
    for one, other in combinations(taken, 2):
        assert one[1] < other[0] or other[1] < one[0]
    whole = int(addresses.whole[0]), int(addresses.whole[-1])
    assert all(whole[0] <= first <= last <= whole[1] for first, last in taken)


@given(RANGES)
def test_load_balancers_share_the_nodes_network_and_not_their_addresses(addresses: Range) -> None:
    assert addresses.balancers.subnet_of(addresses.nodes)
    assert addresses.containers.subnet_of(addresses.nodes)
    parts = (addresses.balancers, addresses.containers, addresses.pods, addresses.services)
    assert not any(one.overlaps(other) for one, other in combinations(parts, 2))
    assert all(part.subnet_of(addresses.whole) for part in (addresses.nodes, *parts))


@given(RANGES)
def test_a_range_is_known_by_its_docker_network(addresses: Range) -> None:
    assert Range.around(str(addresses.nodes)) == addresses


def test_the_usual_range_is_cut_up_as_ever() -> None:
    """Labs that are up have these."""
    cuts = (DEFAULT.nodes, DEFAULT.containers, DEFAULT.balancers, DEFAULT.pods, DEFAULT.services)
    assert list(map(str, cuts)) == [
        "198.18.0.0/24", "198.18.0.0/25", "198.18.0.128/25", "198.18.64.0/18", "198.19.0.0/17",
    ]  # fmt: skip
    assert Range.parse(str(DEFAULT)) == DEFAULT


@pytest.mark.parametrize(
    "text",
    [
        "", "here", "198.18.0.0", "198.18.0.0/16", "198.18.0.0/14", "198.19.0.0/15", "fd00::/15",
        "127.0.0.0/15", "224.0.0.0/15", "240.0.0.0/15", "169.254.0.0/15",
    ],
)  # fmt: skip
def test_what_is_no_range_of_ours_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="with a prefix of 15"):
        Range.parse(text)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "2 to 4 clusters"),
        ({"spec": None}, "2 to 4 clusters"),
        (clustermesh(), "2 to 4 clusters"),
        ([], "2 to 4 clusters"),
        ({"spec": {"clusters": {"a": 1}}}, "2 to 4 clusters"),
        (clustermesh(member("a"), "b"), "the address of ''"),
        (clustermesh(member("a")), "2 to 4 clusters"),
        (clustermesh(*(member(f"c{n}") for n in range(5))), "2 to 4 clusters"),
        (clustermesh(member("a"), member("a")), "a name of its own for each cluster"),
        (clustermesh(member("a"), member("b", "b.other.internal:2379")), "one ClusterMesh domain"),
        (clustermesh(member("a"), member("b", "c.mesh.internal:2379")), "the address of 'b'"),
        (clustermesh(member("a"), member("b", "b.mesh.internal")), "the address of 'b'"),
        (clustermesh(member("a"), member("b", "b.mesh.internal:etcd")), "the address of 'b'"),
        (clustermesh(member("a"), member("b", "b:2379")), "the address of 'b'"),
        (clustermesh(member("a"), {"name": "b"}), "the address of 'b'"),
        (clustermesh(member("a"), {"address": "b.mesh.internal:2379"}), "the address of ''"),
    ],
)
def test_what_cannot_be_planned_is_refused(document: object, expected: str) -> None:
    with pytest.raises(PlanError, match=expected):
        plan(document)
