"""Stations: a rate that cannot miss the shortest window, and no two streams at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.demands import BY_RBAC, Demand, Silenced
from fixtures.outages import WINDOW
from fixtures.watched import KEPT
from suites.stations import SELDOM, SPACING, Place, Station, joined, only

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


def test_a_caller_that_asks_for_two_suites_is_one_station() -> None:
    other = Place("mobile_routing", "aws-cluster", "http://198.19.0.2/", "service.example.com")
    mobile = replace(station(), questions=(other.keep("mobile", "it is so", WEB, SPACING),))
    stranger = replace(station(BY_RBAC), workload="stranger")
    frontend, alone = joined([mobile, stranger, station(WEB)])
    assert [q.asked.name for q in frontend.questions] == [f"mobile{KEPT}", f"q0{KEPT}", "q0"]
    assert {q.asked.suite for q in frontend.questions} == {"mobile_routing", "rbac_denial"}
    assert alone == stranger
