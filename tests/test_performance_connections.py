"""What a sidecar counts of its connections, read and judged."""

from __future__ import annotations

import pytest

from fixtures.history import History
from suites.performance.connections import are_shared
from suites.performance.latency import Connections, parse_connections
from tests.histories import exchanges

CLUSTERS = """\
outbound|80||metered.own.svc.cluster.local::default_priority::max_connections::4294967295
outbound|80||metered.own.svc.cluster.local::198.18.80.1:3000::cx_active::1
outbound|80||metered.own.svc.cluster.local::198.18.80.1:3000::cx_total::2
outbound|80||metered.own.svc.cluster.local::198.18.80.1:3000::rq_total::300
outbound|80||metered.own.svc.cluster.local::198.18.80.2:3000::cx_total::1
outbound|80||metered.own.svc.cluster.local::198.18.80.2:3000::rq_total::5
outbound|80||unmetered.own.svc.cluster.local::198.18.80.3:3000::cx_total::40
"""


def test_connections_of_all_pods_of_a_service_count() -> None:
    counted = parse_connections(CLUSTERS, "metered.own.svc.cluster.local")
    assert counted == Connections(opened=3, requests=305)
    assert counted - Connections(1, 5) == Connections(2, 300)
    assert parse_connections("", "metered") == Connections(0, 0)


def history(*statuses: int) -> History:
    return exchanges(*({"status": status, "service": "metered"} for status in statuses))


@pytest.mark.parametrize(
    ("kept", "new", "outcome"),
    [
        (Connections(1, 5), Connections(0, 5), "pass"),
        (Connections(2, 5), Connections(2, 6), "pass"),
        (Connections(1, 5), Connections(5, 5), "fail"),
        (Connections(5, 5), Connections(0, 5), "fail"),
        (Connections(0, 0), Connections(0, 5), "inconclusive"),
    ],
)
def test_few_connections_serve_many_requests(
    kept: Connections, new: Connections, outcome: str
) -> None:
    verdict = are_shared({"kept": kept, "new": new})(history(*[200] * 10))
    assert verdict.outcome == outcome
    assert verdict.numbers["new.opened"] == new.opened


def test_what_was_not_served_shares_nothing() -> None:
    few = {"kept": Connections(1, 2)}
    assert are_shared(few)(history(200, 503)).outcome == "fail"
