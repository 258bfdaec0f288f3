"""Stations: a rate that cannot miss the shortest window, and no two streams at once."""

from __future__ import annotations

import pytest

from fixtures.demands import BY_RBAC, Demand, Silenced
from fixtures.outages import WINDOW
from fixtures.watched import KEPT
from suites.stations import SELDOM, SPACING, Place, Station, narrowed, only

PLACE = Place("rbac_denial", "aws-cluster", "http://198.19.0.1/api", "backend-api.example")
WEB = only("web-service")


def station(*demands: Demand) -> Station:
    questions = [q for n, d in enumerate(demands) for q in PLACE.both(f"q{n}", "it is so", d)]
    return Station("aws-cluster", "frontend", "default", "", True, tuple(questions))


def test_a_question_is_asked_more_often_than_the_shortest_window_lasts() -> None:
    assert SPACING < WINDOW < SELDOM


@pytest.mark.parametrize("demand", [WEB, BY_RBAC, Silenced()])
def test_what_a_proxy_decides_is_asked_both_ways(demand: Demand) -> None:
    kept, new = PLACE.both("get", "it is so", demand)
    assert (kept.stream.name, kept.stream.kept, kept.stream.interval) == (
        f"get{KEPT}",
        True,
        SPACING,
    )
    assert (new.stream.name, new.stream.kept, new.stream.interval) == ("get", False, SELDOM)
    assert kept.asked.group == new.asked.group == "get"
    assert kept.asked.demand is demand


def test_headers_are_the_places_own_with_its_host() -> None:
    (kept, _) = PLACE.at({"User-Agent": "Mobile"}).both("m", "it is so", WEB)
    assert kept.stream.headers == {"Host": "backend-api.example", "User-Agent": "Mobile"}


def test_streams_of_a_station_are_spread_over_the_spacing() -> None:
    offsets = [stream.offset for stream in station(WEB, BY_RBAC)._streams()]
    assert offsets == pytest.approx([0, SPACING / 4, SPACING / 2, SPACING * 3 / 4])


def test_a_station_that_is_left_without_a_stream_is_none() -> None:
    other = Place("mobile_routing", "aws-cluster", "http://198.19.0.2/", "service.example.com")
    mixed = Station(
        "aws-cluster", "frontend", "default", "", True,
        (PLACE.keep("get", "it is so", WEB), other.keep("mobile", "it is so", WEB)),
    )  # fmt: skip
    (left,) = narrowed([mixed, station(WEB)], {"mobile_routing"})
    assert [each.asked.name for each in left.questions] == [f"mobile{KEPT}"]
    assert len(list(narrowed([mixed, station(WEB)], {"rbac_denial", "mobile_routing"}))) == 2
