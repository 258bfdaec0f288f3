"""What proxies were told, of two that should have been told the same; and edits of all kinds."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.performance.edited import COUNT, EDITED, draw_edits, objects, service_of
from suites.performance.news import clusters_of, difference, forgotten, read, renewed, same
from tests.histories import FAIL, INCONCLUSIVE, PASS

HOST = f"{EDITED}.own.svc.cluster.local"


def endpoint(address: str) -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": address}}}}


def dump(*, timeout: str = "1s", port: int = 80, version: str = "1") -> dict[str, Any]:
    """A dump of a cluster, a route and the endpoints, as an Envoy's admin interface gives it."""
    name = f"outbound|{port}||{HOST}"
    endpoints = [{"lb_endpoints": [endpoint("10.0.0.1"), endpoint("10.0.0.2")]}]
    when = {"version_info": version, "last_updated": f"2026-11-28T00:00:0{version}Z"}
    return {
        "configs": [
            {"bootstrap": {"node": {"id": version}}},
            {"dynamic_active_clusters": [{**when, "cluster": {"name": name, "type": "EDS"}}]},
            {
                "dynamic_route_configs": [
                    {**when, "route_config": {"name": "80", "timeout": timeout}},
                    {**when, "route_config": {"name": ""}},
                ]
            },
            {
                "dynamic_endpoint_configs": [
                    {**when, "endpoint_config": {"cluster_name": name, "endpoints": endpoints}}
                ]
            },
        ]
    }


def test_versions_times_and_the_order_of_endpoints_are_no_difference() -> None:
    one, other = dump(), dump(version="2")
    section = other["configs"][3]["dynamic_endpoint_configs"][0]["endpoint_config"]
    section["endpoints"][0]["lb_endpoints"].reverse()
    assert difference(read(one), read(other)) == ""
    assert same(read(one), read(other)).outcome is PASS


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (dump(timeout="2s"), "routes 80"),
        (dump(port=81), f"clusters outbound|80||{HOST}"),
    ],
)
def test_what_differs_is_named(other: dict[str, Any], words: str) -> None:
    verdict = same(read(dump()), read(other))
    assert verdict.outcome is FAIL
    assert words in verdict.reason


def test_an_endpoint_more_is_a_difference() -> None:
    other = copy.deepcopy(dump())
    section = other["configs"][3]["dynamic_endpoint_configs"][0]["endpoint_config"]
    section["endpoints"][0]["lb_endpoints"].append(endpoint("10.0.0.3"))
    assert "endpoints" in difference(read(dump()), read(other))


def test_where_a_proxys_clients_went_is_no_news() -> None:
    """An endpoint that a proxy came upon was told by nobody."""
    one, other = dump(), dump()
    for each, endpoints in ((one, [{"lb_endpoints": [endpoint("198.18.0.132")]}]), (other, [])):
        passing = {"name": "PassthroughCluster", "type": "ORIGINAL_DST"}
        each["configs"][1]["dynamic_active_clusters"].append({"cluster": passing})
        came_upon = {"cluster_name": "PassthroughCluster", "endpoints": endpoints}
        each["configs"][3]["dynamic_endpoint_configs"].append({"endpoint_config": came_upon})
    assert difference(read(one), read(other)) == ""
    assert same(read(one), read(other)).numbers["endpoints"] == 1


def test_a_proxy_that_shows_nothing_proves_nothing() -> None:
    assert same(read({}), read({})).outcome is INCONCLUSIVE


def test_edits_are_seen_in_all_kinds() -> None:
    before, after = read(dump()), read(dump(timeout="2s", port=81))
    assert renewed(before, after, ["2s", "|81|"]).outcome is PASS
    assert renewed(before, after, ["3s"]).outcome is FAIL
    assert renewed(before, read(dump(timeout="2s")), []).outcome is INCONCLUSIVE


def test_a_port_has_its_cluster_and_those_of_subsets() -> None:
    config = {"clusters": dict.fromkeys(
        [f"outbound|81||{HOST}", f"outbound|81|v1|{HOST}", f"outbound|80||{HOST}",
         "outbound|81||other.own.svc.cluster.local", f"outbound|810||{HOST}"], "{}",
    ), "routes": {}, "endpoints": {}}  # fmt: skip
    assert clusters_of(config, 81, HOST) == {f"outbound|81||{HOST}", f"outbound|81|v1|{HOST}"}


def test_a_port_that_has_gone_leaves_no_cluster() -> None:
    assert forgotten({"a", "b"}, ()).outcome is PASS
    assert forgotten({"a", "b"}, {"b"}).outcome is FAIL
    assert forgotten({"a"}, ()).outcome is INCONCLUSIVE


@given(st.integers(1, 2**31))
def test_edits_are_of_each_kind_and_differ(seed: int) -> None:
    edits = draw_edits(seed, "m")
    assert len(edits) == COUNT
    assert set(Counter(each.document["kind"] for each in edits).values()) == {2}
    assert edits[0].document["kind"] == "Service"
    assert len({json.dumps(each.document) for each in edits}) == COUNT
    assert all(each.document["metadata"]["name"] == EDITED for each in edits)


@given(st.integers(1, 2**31))
def test_the_service_never_loses_a_port(seed: int) -> None:
    ports = [
        {port["port"] for port in each.document["spec"]["ports"]}
        for each in draw_edits(seed, "m")
        if each.document["kind"] == "Service"
    ]
    assert ports[0] < ports[1]


def test_all_that_is_edited_is_taken_away() -> None:
    edited = {each.document["kind"] for each in draw_edits(1, "m")}
    assert {each["kind"] for each in objects()} == edited


def test_a_service_has_its_own_port_always() -> None:
    assert [port["port"] for port in service_of("echo", {})["spec"]["ports"]] == [80]
