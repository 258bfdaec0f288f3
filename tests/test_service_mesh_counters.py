"""What proxies counted, what went to a mirror, and whose address a policy is of."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from fixtures import manifests
from fixtures.history.verdict import Outcome
from suites.service_mesh.counters import Rise, parse, parse_scraped, rises
from suites.service_mesh.filled import with_address
from suites.service_mesh.mirrored import mirrors
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges

STATS = """
cluster.outbound|80||counted.own.svc.cluster.local;.upstream_rq_2xx: 20
cluster.outbound|80||counted.own.svc.cluster.local;.upstream_rq_5xx: 6
cluster.outbound|80||counted.own.svc.cluster.local;.external.upstream_rq_2xx: 20
cluster.outbound|80||nobody.own.svc.cluster.local.upstream_rq_5xx: 1
cluster.inbound|3000||;.upstream_rq_2xx: 7
cluster.inbound|3000||.upstream_rq_200: 7
http.admin.downstream_rq_2xx: 3
"""
SCRAPED = """\
HTTP/1.1 200 OK\r
transfer-encoding: chunked\r
\r
1a3\r
# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{cluster_name="outbound|80||counted.own.svc.cluster.local",response_code_class="2xx"} 20
envoy_cluster_upstream_rq{response_code_class="5xx",cluster_name="outbound|80||counted.own.svc.cluster.local"} 6
envoy_cluster_external_upstream_rq{cluster_name="outbound|80||counted.own.svc.cluster.local",response_code_class="2xx"} 20
envoy_cluster_upstream_rq{cluster_name="inbound|3000||",response_code_class="2xx"} 7
envoy_cluster_upstream_rq_active_overflow{cluster_name="inbound|3000||"} 3
"""  # noqa: E501 (as it is told)
OK: Answer = {"status": 200, "service": "origin"}
MISSING: Answer = {"status": 404, "service": "origin"}
ANSWERS = [OK, OK, MISSING]
RIGHT = Counter({"2xx": 2, "4xx": 1})
NONE: Counter[str] = Counter()


def test_counters_are_those_of_a_cluster() -> None:
    assert parse(STATS, "counted.own") == {"2xx": 20, "5xx": 6}
    assert parse(STATS, "nobody.own") == {"5xx": 1}
    assert parse(STATS, "inbound|") == {"2xx": 7}
    assert parse("", "inbound|") == {}


def test_prometheus_is_told_of_the_same_counters() -> None:
    assert parse_scraped(SCRAPED, "counted.own") == {"2xx": 20, "5xx": 6}
    assert parse_scraped(SCRAPED, "inbound|") == {"2xx": 7}
    assert parse_scraped("", "inbound|") == {}


ALL_RIGHT = Rise(RIGHT, RIGHT, RIGHT, RIGHT, NONE)


@pytest.mark.parametrize(
    ("rise", "outcome"),
    [
        (ALL_RIGHT, PASS),
        (replace(ALL_RIGHT, by_client=RIGHT | Counter({"5xx": 0})), PASS),
        (replace(ALL_RIGHT, quiet=Counter({"2xx": 0})), PASS),
        (replace(ALL_RIGHT, by_client=NONE), FAIL),
        (replace(ALL_RIGHT, by_backend=RIGHT + Counter({"4xx": 1})), FAIL),
        (replace(ALL_RIGHT, by_client=RIGHT + Counter({"2xx": 1})), FAIL),
        (replace(ALL_RIGHT, told_of_client=NONE), FAIL),
        (replace(ALL_RIGHT, told_of_backend=RIGHT + Counter({"2xx": 1})), FAIL),
        (replace(ALL_RIGHT, quiet=Counter({"2xx": 1})), FAIL),
    ],
)
def test_counters_rise_by_what_was_answered(rise: Rise, outcome: Outcome) -> None:
    assert rises(rise)(exchanges(*ANSWERS)).outcome is outcome
    assert rises(rise)(exchanges()).outcome is INCONCLUSIVE


def nonces(every: int, n: int = 800) -> frozenset[str]:
    return frozenset(f"s-{seq}" for seq in range(n) if seq % 10 < every)


@pytest.mark.parametrize(
    ("arrived", "more", "outcome"),
    [
        (nonces(3), {}, PASS),
        (nonces(0), {}, FAIL),
        (nonces(10), {}, FAIL),
        (nonces(3), {"received": 100.0, "sent": 97.0}, FAIL),
        (nonces(3), {"status": 500}, FAIL),
        (nonces(3), {"service": "shadow"}, FAIL),
    ],
)
def test_a_mirror_gets_its_share_and_answers_nobody(
    arrived: frozenset[str], more: Answer, outcome: Outcome
) -> None:
    history = exchanges(*[OK] * 799, {**OK, **more})
    assert mirrors(arrived)(history).outcome is outcome


def test_an_address_is_put_in_where_one_is_named() -> None:
    policy = manifests.load().given("authorizationpolicy-remote-address")
    rules = with_address(policy, "198.51.100.7").document["spec"]["rules"]
    untouched = policy.document["spec"]["rules"]
    assert rules[1]["from"] == [{"source": {"remoteIpBlocks": ["198.51.100.7"]}}]
    assert rules[0] == untouched[0]
    assert untouched[1]["from"] == [{"source": {"remoteIpBlocks": ["192.0.2.1"]}}]
