"""Reasons taken apart, and what is red grouped by what it has in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import reasons
from reports.causes import Cause, causes, findings
from reports.measures import figures
from reports.of_run import report
from reports.reasons import Part
from reports.render.html import html
from reports.schema import Requirement
from tests import samples

FIRST = "GET http://backend-api/ as app=other in {}, denied 3: 200 by backend-api"
TRIPLE = "expected: the workloads within 120 s\nseen:     0 of 1\nlook:     kubectl get pods"


def red(number: int, cluster: str, **changed: object) -> Requirement:
    reason = f"denied: 20 of 20 were not denied by RBAC; the first: {FIRST.format(cluster)}"
    fields: dict[str, object] = {
        "id": f"RB{number}",
        "variant": cluster,
        "suite": "rbac_denial",
        "reason": reason,
    }
    fields |= {"source": "AuthorizationPolicy/service-auth", "numbers": {"denied.n": 20}}
    return samples.requirement("fail", **fields).model_copy(update=changed)


def grouped(*asked: Requirement) -> list[Cause]:
    whole = report(samples.results(asked))
    return causes(findings(whole.red), whole.variants)


def test_what_fails_alike_in_both_clusters_is_one_finding() -> None:
    (cause,) = grouped(red(2, "aws-cluster"), red(2, "azure-cluster"))
    (finding,) = cause.findings
    assert finding.title == "RB2 failed in aws-cluster, azure-cluster"
    assert cause.common == "1 requirement; in aws-cluster, azure-cluster"
    other = red(2, "azure-cluster", reason="denied: 20 of 20 were not answered in time")
    (cause,) = grouped(red(2, "aws-cluster"), other)
    assert [each.title for each in cause.findings] == [
        "RB2[aws-cluster] failed", "RB2[azure-cluster] failed",
    ]  # fmt: skip


def test_failures_of_one_manifest_are_one_cause_that_says_where_and_by_whom() -> None:
    green = red(1, "azure-cluster", verdict="pass")
    causes = grouped(red(2, "aws-cluster"), red(3, "aws-cluster"), green)
    (cause,) = causes
    assert cause.title == "AuthorizationPolicy/service-auth"
    assert cause.common == (
        "2 requirements; only in aws-cluster; all sent as app=other in aws-cluster"
    )
    assert len(grouped(red(2, "aws-cluster"), red(3, "aws-cluster", source="HTTPRoute/x"))) == 2


def test_what_is_inconclusive_alike_is_told_once() -> None:
    fields = {"verdict": "inconclusive", "reason": TRIPLE}
    (cause,) = grouped(*(red(n, "aws-cluster", **fields) for n in range(9)))
    assert cause.shared
    assert cause.title == "inconclusive: the workloads within 120 s"
    entries = tuple(red(n, "aws-cluster", **fields) for n in range(9))
    page = html(report(samples.results(entries)))
    assert page.count("<dt>Look</dt>") == 1 + 9  # once for all, and in each one's own entry


@pytest.mark.parametrize(
    ("clause", "part"),
    [
        ("all 60 were answered 404", Part("", "answered 404", "all were", "60")),
        ("absent: all 60 were answered 404", Part("absent", "answered 404", "all were", "60")),
        ("3 of 60 were not answered 404", Part("", "answered 404", "3 were not", "60")),
        ("2 of 20 leaked", Part("", "", "2 leaked", "20")),
        (
            "api-service answered 999 of 1097 (91.1%, declared 90.0%): too_many",
            Part("api-service", "90.0% of answers", "999: 91.1%, too many", "1097"),
        ),
        ("it is so", Part("", "", "it is so")),
    ],
)
def test_a_clause_is_taken_apart(clause: str, part: Part) -> None:
    assert reasons.parts(f"{clause}; 60 requests are complete", {"absent"}) == [part]


def test_the_first_request_stands_by_its_stream() -> None:
    reason = f"a: 2 of 9 were not served; the first: {FIRST.format('x')}; b: all 9 were served"
    one, other = reasons.parts(reason, {"a", "b"})
    assert reasons.request(one.first) == (
        "GET http://backend-api/ as app=other in x", "200 by backend-api",
    )  # fmt: skip
    assert (other.stream, other.first) == ("b", "")


@given(reason=st.text(), streams=st.sets(st.text()))
def test_no_reason_breaks_it(reason: str, streams: set[str]) -> None:
    for part in reasons.parts(reason, streams):
        reasons.request(part.first)
    reasons.triple(reason)
    reasons.pattern_of(reason, streams)


def test_the_numbers_that_matter_stand_in_line() -> None:
    numbers = {
        "n": 2400, "hits": 2400, "p50_ms": 9.5, "p99_ms": 402.0, "canary.n": 1990,
        "canary.hits": 216, "canary.low": 0.0913, "canary.high": 0.131, "canary.alpha": 1e-6,
        "denied.leaks": 0, "denied.drops": 80, "denied.n": 20,
    }  # fmt: skip
    assert figures(samples.requirement(numbers=numbers)) == [
        "2,420 requests", "canary 10.9 % (9.13 to 13.10 %, N 1,990)", "0 leaked", "80 drops",
        "p50 9.5, p99 402 ms",
    ]  # fmt: skip
