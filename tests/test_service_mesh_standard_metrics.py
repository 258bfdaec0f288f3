"""Which of Istio's own counters rise for which requests, by handwritten answers of proxies."""

from __future__ import annotations

from collections import Counter

import pytest

from fixtures.history import History
from fixtures.history.verdict import Outcome
from suites.service_mesh.standard_metrics import (
    DESTINATION,
    MUTUAL_TLS,
    PLAIN,
    SOURCE,
    UNKNOWN,
    Call,
    Party,
    Series,
    names_each,
    parse,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS, exchanges

CLIENT = Party("own", "insider", "spiffe://cluster.local/ns/own/sa/insider")
BACKEND = Party("own", "origin", "spiffe://cluster.local/ns/own/sa/default")
HOST = "told.own.svc.cluster.local"
CALLS = {"inside": Call(CLIENT, BACKEND, HOST), "plain": Call(Party(), BACKEND, HOST)}

STATS = """
# TYPE istio_requests_total counter
istio_requests_total{reporter="source",source_workload="insider",source_canonical_service="insider",source_canonical_revision="latest",source_workload_namespace="own",source_principal="spiffe://cluster.local/ns/own/sa/insider",source_app="insider",source_version="",source_cluster="one",destination_workload="origin",destination_workload_namespace="own",destination_principal="spiffe://cluster.local/ns/own/sa/default",destination_app="origin",destination_version="v1",destination_service="told.own.svc.cluster.local",destination_canonical_service="origin",destination_canonical_revision="v1",destination_service_name="told",destination_service_namespace="own",destination_cluster="one",request_protocol="http",response_code="200",grpc_response_status="",response_flags="-",connection_security_policy="unknown"} 2
istio_requests_total{reporter="destination",source_workload="insider",source_workload_namespace="own",source_principal="spiffe://cluster.local/ns/own/sa/insider",destination_workload="origin",destination_workload_namespace="own",destination_principal="spiffe://cluster.local/ns/own/sa/default",destination_service="counted.own.svc.cluster.local",request_protocol="http",response_code="200",response_flags="-",connection_security_policy="mutual_tls"} 2
istio_requests_total{reporter="destination",source_workload="unknown",source_workload_namespace="unknown",source_principal="unknown",destination_workload="origin",destination_workload_namespace="own",destination_principal="unknown",destination_service="counted.own.svc.cluster.local",request_protocol="http",response_code="404",response_flags="a \\"b\\"",connection_security_policy="none"} 1
istio_request_bytes_count{reporter="source",response_code="200"} 9
envoy_cluster_upstream_rq{response_code="200"} 9
"""  # noqa: E501 (as a proxy answers)


def history(*, last: str = "origin") -> History:
    inside = exchanges(*[{"status": 200, "service": "origin"}] * 2, stream="inside.200")
    return inside + exchanges({"status": 404, "service": last}, stream="plain.404")


def test_what_a_proxy_answers_is_read_by_its_labels() -> None:
    near = Series(SOURCE, CLIENT, BACKEND, HOST, "200", UNKNOWN)
    far = Series(DESTINATION, CLIENT, BACKEND, "", "200", MUTUAL_TLS)
    unproven = BACKEND._replace(principal=UNKNOWN)
    plain = Series(DESTINATION, Party(), unproven, "", "404", PLAIN)
    assert parse(STATS) == {near: 2, far: 2, plain: 1}
    assert parse("") == {}
    assert parse("istio_requests_total{} 3") == {
        Series("", Party("", "", ""), Party("", "", ""), "", "", ""): 3
    }


def changed(old: str, new: str, count: int = -1) -> Counter[Series]:
    text = STATS.replace(old, new, count)
    assert text != STATS
    return parse(text)


@pytest.mark.parametrize(
    ("rise", "outcome"),
    [
        (parse(STATS), PASS),
        (parse(""), FAIL),
        (changed("istio_requests_total", "istio_requests", 2), FAIL),
        (changed('source_principal="spiffe://cluster.local/ns/own/sa/insider",', ""), FAIL),
        (changed("sa/insider", "sa/other"), FAIL),
        (changed("mutual_tls", "none"), FAIL),
        (changed('"none"', '"mutual_tls"'), FAIL),
        (changed('source_workload="unknown"', 'source_workload="insider"'), FAIL),
        (changed('destination_workload="origin"', 'destination_workload="shadow"', 1), FAIL),
        (changed("told.own", "counted.own"), FAIL),
        (changed("counted.own", "timed.own"), PASS),
        (changed('response_code="404"', 'response_code="200"'), FAIL),
        (changed("} 2", "} 3", 1), FAIL),
        (changed("} 2", "} 1", 1), FAIL),
    ],
)
def test_each_request_is_counted_under_its_names(rise: Counter[Series], outcome: Outcome) -> None:
    assert names_each(rise, CALLS)(history()).outcome is outcome


def test_what_is_not_named_is_told() -> None:
    verdict = names_each(changed("mutual_tls", "none"), CALLS)(history())
    assert "2 are not counted under their names, as destination: own insider" in verdict.reason
    assert "none" in verdict.reason.rpartition(";")[2]
    assert verdict.numbers == {"n": 3, "counted": 5, "wanted": 5}


def test_what_no_backend_answered_proves_nothing() -> None:
    assert names_each(parse(STATS), CALLS)(history(last="")).outcome is FAIL
    assert names_each(parse(""), CALLS)(History()).outcome is INCONCLUSIVE
