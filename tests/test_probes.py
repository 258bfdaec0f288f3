"""Probes: a rate that cannot miss the shortest outage, and no two streams at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.checks.expectations import BY_RBAC, Dropped, Expectation
from fixtures.checks.watched import KEEP_ALIVE
from fixtures.lab.probes import SELDOM, SPACING, Probe, ProbeSource, Target, merge, served_by
from reports.upgrade_schema import WINDOW

TARGET = Target("rbac_denial", "aws-cluster", "http://198.19.0.1/api", "backend-api.example")
WEB = served_by("web-service")


def source(*expected: Expectation) -> ProbeSource:
    pairs = [TARGET.both_modes(f"q{n}", "it is so", e) for n, e in enumerate(expected)]
    probes = (probe for pair in pairs for probe in pair)
    return ProbeSource.behind_sidecar("aws-cluster", "frontend", *probes)


def test_a_probe_is_sent_more_often_than_the_shortest_outage_lasts() -> None:
    assert SPACING < WINDOW < SELDOM


@pytest.mark.parametrize("expectation", [WEB, BY_RBAC, Dropped()])
def test_what_a_proxy_decides_is_asked_both_ways(expectation: Expectation) -> None:
    keep_alive, new = TARGET.both_modes("get", "it is so", expectation)
    assert (keep_alive.stream.name, keep_alive.stream.kept, keep_alive.stream.interval) == (
        f"get{KEEP_ALIVE}",
        True,
        SPACING,
    )
    assert (new.stream.name, new.stream.kept, new.stream.interval) == ("get", False, SELDOM)
    assert keep_alive.asked.group == new.asked.group == "get"
    assert keep_alive.asked.expectation is expectation


def test_headers_are_the_targets_own_with_its_host() -> None:
    (keep_alive, _) = TARGET.with_headers({"User-Agent": "Mobile"}).both_modes("m", "it is so", WEB)
    assert keep_alive.stream.headers == {"Host": "backend-api.example", "User-Agent": "Mobile"}


def test_streams_of_a_source_are_spread_over_the_spacing() -> None:
    offsets = [stream.offset for stream in source(WEB, BY_RBAC).streams()]
    assert offsets == pytest.approx([0, SPACING / 4, SPACING / 2, SPACING * 3 / 4])


def test_a_watch_of_longer_windows_asks_as_much_more_seldom() -> None:
    often, seldom = source(WEB).streams(), source(WEB).streams(5 * WINDOW)
    for one, other in zip(often, seldom, strict=True):
        assert (other.interval, other.offset) == pytest.approx((5 * one.interval, 5 * one.offset))


def test_a_client_pod_that_asks_for_two_suites_is_one_source_in_each_cluster() -> None:
    other = Target("mobile_routing", "aws-cluster", "http://198.19.0.2/", "service.example.com")
    mobile = replace(source(), probes=(other.keep_alive("mobile", "it is so", WEB, SPACING),))
    stranger = replace(source(BY_RBAC), workload="stranger")
    elsewhere = replace(mobile, cluster="azure-cluster")
    frontend, alone, apart = merge([mobile, stranger, elsewhere, source(WEB)])
    assert names(frontend.probes) == [f"mobile{KEEP_ALIVE}", f"q0{KEEP_ALIVE}", "q0"]
    assert {probe.asked.suite for probe in frontend.probes} == {"mobile_routing", "rbac_denial"}
    assert (alone, apart) == (stranger, elsewhere)


def names(probes: tuple[Probe, ...]) -> list[str]:
    return [probe.asked.name for probe in probes]
