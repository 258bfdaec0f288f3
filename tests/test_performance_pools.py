"""Connections for many clients whose requests are upgraded, and the counters that tell them."""

from __future__ import annotations

import pytest

from fixtures.history import History
from fixtures.history.verdict import Outcome
from fixtures.manifests import load
from suites.performance.pools import Pool, multiplexed, under_way
from suites.performance.sharing import PLAIN, RULE, UPGRADED, parse_pool, workers_of
from tests.histories import FAIL, INCONCLUSIVE, PASS, exchanges

STATS = """\
cluster.outbound|80||plain.own.svc.cluster.local;.upstream_cx_active: 20
cluster.outbound|80||plain.own.svc.cluster.local;.upstream_cx_http1_total: 21
cluster.outbound|80||plain.own.svc.cluster.local;.upstream_cx_http2_total: 0
cluster.outbound|80||plain.own.svc.cluster.local;.upstream_rq_total: 100
cluster.outbound|81||plain.own.svc.cluster.local;.upstream_rq_total: 7
cluster.outbound|80||unplain.own.svc.cluster.local;.upstream_rq_total: 9
server.concurrency: 2
"""
MANY, ONE = Pool(20, 0, 40, 20), Pool(0, 1, 40, 1)


def test_counters_are_those_of_one_cluster() -> None:
    assert parse_pool(STATS, "|80||plain.own.svc.cluster.local") == Pool(21, 0, 100, 20)
    assert parse_pool(STATS, "|80||none") == Pool(0, 0, 0, 0)
    assert (workers_of(STATS), workers_of("")) == (2, 0)
    assert Pool(21, 3, 100, 20) - Pool(1, 1, 60, 5) == Pool(20, 2, 40, 20)


def at_once(count: int, stream: str, *, status: int = 200) -> History:
    """Twice as many requests, of which so many are under way at a time."""
    return exchanges(
        *(
            {"status": status, "service": "echo", "sent": float(n // count), "received": sent + 0.9}
            for n in range(2 * count)
            for sent in [float(n // count)]
        ),
        stream=stream,
    )


def test_those_under_way_at_a_time_are_counted() -> None:
    assert under_way(at_once(20, "s")) == 20
    assert under_way(exchanges({"status": 200}, {"status": 200})) == 1
    assert under_way(History()) == 0


@pytest.mark.parametrize(
    ("rule", "control", "at_a_time", "outcome"),
    [
        (ONE, MANY, 20, PASS),
        (Pool(0, 0, 40, 1), MANY, 20, PASS),
        (MANY, MANY, 20, FAIL),
        (Pool(0, 2, 40, 1), MANY, 20, FAIL),
        (Pool(0, 0, 40, 20), MANY, 20, FAIL),
        (ONE, ONE, 20, INCONCLUSIVE),
        (ONE, MANY, 19, INCONCLUSIVE),
        (Pool(0, 1, 39, 1), MANY, 20, INCONCLUSIVE),
        (Pool(0, 0, 40, 0), MANY, 20, INCONCLUSIVE),
    ],
)
def test_many_clients_share_a_connection(
    rule: Pool, control: Pool, at_a_time: int, outcome: Outcome
) -> None:
    check = multiplexed({UPGRADED: rule, PLAIN: control}, UPGRADED, PLAIN, 20, 1)
    history = at_once(at_a_time, UPGRADED) + at_once(20, PLAIN)
    assert check(history).outcome is outcome


def test_each_worker_may_have_a_connection() -> None:
    two = {UPGRADED: Pool(0, 2, 40, 2), PLAIN: MANY}
    history = at_once(20, UPGRADED) + at_once(20, PLAIN)
    assert multiplexed(two, UPGRADED, PLAIN, 20, 2)(history).outcome is PASS
    assert multiplexed(two, UPGRADED, PLAIN, 20, 1)(history).outcome is FAIL


def test_the_rule_is_of_the_service_that_is_asked() -> None:
    assert load().given(RULE).document["spec"]["host"] == UPGRADED
