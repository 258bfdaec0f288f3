"""Peers: what the vendors' suites print, read as it is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suites.runs import conformance, connectivity, istioctl

PRINTED = """\
=== RUN   Conformance
=== RUN   Conformance/HTTPRouteSimpleSameNamespace
=== RUN   Conformance/HTTPRouteSimpleSameNamespace/Simple_HTTP_request
--- FAIL: Conformance (61.20s)
    --- PASS: Conformance/HTTPRouteSimpleSameNamespace (1.52s)
        --- PASS: Conformance/HTTPRouteSimpleSameNamespace/Simple_HTTP_request (0.30s)
    --- FAIL: Conformance/HTTPRouteWeight (9.00s)
    --- SKIP: Conformance/UDPRoute (0.00s)
FAIL
"""


def test_each_test_of_the_suite_is_told_once_and_none_of_its_parts() -> None:
    tests = list(conformance.ended(PRINTED.splitlines(keepends=True)))
    assert [(each.name, each.outcome, each.seconds) for each in tests] == [
        ("HTTPRouteSimpleSameNamespace", "pass", 1.52),
        ("HTTPRouteWeight", "fail", 9.0),
        ("UDPRoute", "skip", 0.0),
    ]


def test_what_was_not_asked_is_explained_and_what_failed_is_not() -> None:
    entries = [
        conformance.requirement(each, "aws-cluster", "1.6.2", "conformance.log")
        for each in conformance.ended(PRINTED.splitlines())
    ]
    assert [each.explained for each in entries] == [False, False, True]


@pytest.mark.parametrize(
    ("output", "levels", "verdict"),
    [
        ("", [], "pass"),
        ("null\n", [], "pass"),
        ("[]", [], "pass"),
        (
            "a line before\n" + json.dumps([{"code": "IST0101", "level": "Error", "message": "x"}]),
            ["Error"],
            "fail",
        ),
        (json.dumps([{"code": "IST0102", "level": "Info", "message": "y"}]), ["Info"], "pass"),
    ],
)
def test_an_error_of_istioctl_is_red_and_the_rest_is_counted(
    output: str, levels: list[str], verdict: str
) -> None:
    said = istioctl.messages(output)
    assert [each["level"] for each in said] == levels
    entry = istioctl.requirement("analyze", said, "aws-cluster", "a.json", 1.0)
    assert entry.verdict == verdict


def test_what_is_no_json_is_no_answer() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        istioctl.messages("[the cluster does not answer")


TWICE = (
    '<failure message="client-ingress failed" failureMessage="no &#34;answer&#34;"'
    ' failureMessage="nor here" type="failure"/>'
)


def test_each_of_ciliums_tests_is_told_with_its_verdict(tmp_path: Path) -> None:
    case = '<testcase name="{}" classname="connectivity test" status="{}" time="{}">{}</testcase>'
    cases = [
        case.format("no-policies", "passed", 12.5, ""),
        case.format("client-ingress", "failed", 3, TWICE),
        case.format("client-egress-l7", "skipped", 0, '<skipped message="skipped"/>'),
        case.format("egress-gateway", "skipped", 0, '<skipped message="skipped"/>'),
    ]
    report = tmp_path / "connectivity.xml"
    suite = f'<testsuite name="connectivity test">{"".join(cases)}</testsuite>'
    report.write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")
    log = tmp_path / "connectivity.log"
    why = {"client-egress-l7": connectivity.BY_USER, "egress-gateway": "Feature x is disabled"}
    lines = (f"[=] Skipping test [{name}] [7/9] ({said})\n" for name, said in why.items())
    log.write_text("".join(lines), encoding="utf-8")
    entries = list(connectivity.requirements(report, log, "1.20.2"))
    assert [(each.id, each.verdict, each.seconds, each.needs) for each in entries] == [
        ("no-policies", "pass", 12.5, ""),
        ("client-ingress", "fail", 3.0, ""),
        ("client-egress-l7", "skip", 0.0, entries[2].needs),
        ("egress-gateway", "skip", 0.0, "Feature x is disabled"),
    ]
    assert entries[2].needs.startswith("it asks the internet"), "the program says who, not why"
    assert [each.explained for each in entries] == [False, False, True, True]
    assert entries[1].reason.endswith('connectivity.log: no "answer"'), "the first of both"
