"""The plan: the reference's clusters in order, no two addresses alike, wrong meshes refused."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import PlanError
from clusters.plan import (
    DEFAULT,
    LENGTH,
    MAX_CLUSTERS,
    MAX_NODES,
    ClusterPlan,
    Range,
    node_counts,
    plan,
    read_plan,
    size,
)
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


@given(st.lists(NAMES, min_size=2, max_size=MAX_CLUSTERS, unique=True), st.data(), RANGES)
def test_each_node_has_an_address_of_its_own_that_no_node_is_given(
    names: list[str], data: st.DataObject, addresses: Range
) -> None:
    wanted = {name: data.draw(st.integers(1, MAX_NODES)) for name in names}
    text = ",".join(f"{name}={number}" for name, number in wanted.items())
    plans = plan(clustermesh(*map(member, names)), addresses, text)
    assert {each.name: each.nodes for each in plans} == wanted
    worlds = [ipaddress.IPv4Address(world) for each in plans for world in each.worlds]
    assert len(set(worlds)) == len(worlds) == sum(wanted.values())
    # Docker's own, and then one for each node, from the begin.
    first_free = addresses.containers[1 + MAX_CLUSTERS * MAX_NODES]
    assert all(first_free < world < addresses.containers[-1] for world in worlds)


def test_one_node_has_the_address_that_it_ever_had() -> None:
    """Labs that are up have these."""
    assert [each.worlds for each in read_plan(CLUSTERMESH)] == [
        ("198.18.0.126",), ("198.18.0.125",),
    ]  # fmt: skip
    assert [each.worlds[0] for each in read_plan(CLUSTERMESH, nodes="3")] == [
        "198.18.0.126", "198.18.0.125",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1", (1, 1)),
        ("3", (3, 3)),
        ("a=3", (3, 1)),
        ("b=2", (1, 2)),
        ("a=3,b=5", (3, 5)),
        ("b=2, a=3", (3, 2)),
    ],
)
def test_nodes_are_of_all_clusters_or_of_some(text: str, counts: tuple[int, int]) -> None:
    assert node_counts(text, ["a", "b"]) == dict(zip("ab", counts, strict=True))


@pytest.mark.parametrize(
    "text", ["", "0", "6", "-1", "three", "1.5", "c=3", "a=3,c=1", "a=", "a=0", "a=3,2", "a=1,a=2"]
)
def test_what_is_no_number_of_nodes_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="nodes as a number of 1 to 5") as caught:
        node_counts(text, ["a", "b"])
    assert caught.value.seen == text


@pytest.mark.parametrize(
    ("clusters", "nodes", "times"),
    [(2, "1", 1.0), (3, "1", 1.5), (4, "1", 2.0), (2, "3", 2.0), (2, "c0=3", 1.5)],
)
def test_a_lab_is_measured_by_that_of_two_clusters(clusters: int, nodes: str, times: float) -> None:
    document = clustermesh(*(member(f"c{n}") for n in range(clusters)))
    assert size(plan(document, nodes=nodes)) == times
