"""Calls of gRPC: which status each must come to, and which pods must answer."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history.verdict import Outcome
from fixtures.manifests import PRACTICE
from fixtures.traffic import protobuf
from fixtures.traffic.grpc import Code, Pod, Reply
from suites.performance import calls
from suites.performance.called import PODS, called, spread
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges, window

OK: Answer = {"status": 200, "body": "OK", "service": "talker", "pod": "talker-1"}
OTHER: Answer = {**OK, "pod": "talker-2"}
DENIED: Answer = {"status": 200, "body": "PERMISSION_DENIED (RBAC: access denied)"}
UNKNOWN: Answer = {"status": 200, "body": "UNIMPLEMENTED (method EchoThree not implemented)"}
NO_ROUTE: Answer = {"status": 200, "body": "UNIMPLEMENTED"}
NO_STATUS: Answer = {"status": 200, "body": "status -1", "service": "talker", "pod": "talker-1"}
NO_GRPC: Answer = {"status": 503, "body": "status -1 over HTTP 503"}
LATE: Answer = {"error": "timeout"}
DRAW = random.Random(1)  # noqa: S311 (no secret)
EVEN = DRAW.choices((OK, OTHER), k=calls.COUNT)
UNEVEN = DRAW.choices((OK, OTHER), (3, 1), k=calls.COUNT)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([OK, OTHER], PASS),
        ([OK, NO_STATUS], FAIL),
        ([OK, DENIED], FAIL),
        ([OK, {**OK, "service": "other-talker"}], FAIL),
        ([OK, NO_GRPC], FAIL),
        ([OK, LATE], FAIL),
        ([OK], INCONCLUSIVE),
        ([], INCONCLUSIVE),
    ],
)
def test_a_call_is_answered_by_a_pod(answers: list[Answer], outcome: Outcome) -> None:
    check = called(Code.OK, service="talker", minimum=2)
    assert check(exchanges(*answers)).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "outcome"), [(UNKNOWN, PASS), (NO_ROUTE, FAIL), (OK, FAIL), (DENIED, FAIL)]
)
def test_a_status_is_told_from_one_that_another_gave(answer: Answer, outcome: Outcome) -> None:
    check = called(Code.UNIMPLEMENTED, words="EchoThree")
    assert check(exchanges(answer)).outcome is outcome


def test_a_wrong_status_is_told() -> None:
    verdict = called(Code.PERMISSION_DENIED, words="RBAC")(exchanges(UNKNOWN))
    assert verdict.reason == (
        "1 of 1 were not answered PERMISSION_DENIED (RBAC) by no pod,"
        " the first UNIMPLEMENTED (method EchoThree not implemented) by no pod"
    )
    pressed = exchanges(LATE)
    pressed.windows = (window(began=0.0, ended=10.0, stalled=9.0),)
    assert called(Code.OK)(pressed).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (EVEN, PASS),
        (UNEVEN, FAIL),
        ([OK] * calls.COUNT, FAIL),
        ([*EVEN[:-1], {**OK, "pod": "talker-3"}], FAIL),
        ([*EVEN[:-1], DENIED], FAIL),
        (EVEN[:20], INCONCLUSIVE),
        ([OK, OTHER] * (calls.COUNT // 2), PASS),
    ],
)
def test_the_calls_of_a_connection_reach_all_pods_evenly(
    answers: list[Answer], outcome: Outcome
) -> None:
    check = spread("talker", ["talker-1", "talker-2"], calls.COUNT)
    assert check(exchanges(*answers)).outcome is outcome


def test_one_pod_is_too_few() -> None:
    verdict = spread("talker", ["talker-1"], 1)(exchanges(OK))
    assert verdict.outcome is FAIL
    assert verdict.reason == f"talker has 1 pods, and {PODS} are wanted"


def echo(service: str, pod: str) -> bytes:
    """An echo's answer, by the numbers of grpcecho.proto."""
    context = protobuf.encode({1: "namespace", 3: service, 4: pod})
    header = protobuf.encode({1: "key", 2: "value"})
    assertions = protobuf.encode({1: "/s/Echo", 2: [header, header], 3: "host", 4: context})
    return protobuf.encode({1: assertions, 2: b""})


@given(st.text(max_size=200), st.text(max_size=200))
def test_an_echo_says_which_pod_it_is(service: str, pod: str) -> None:
    assert calls.who(Reply(messages=[_encoded(echo(service, pod))])) == Pod(service, pod)


@pytest.mark.parametrize("message", [b"", b"\xff", echo("a", "b")[:-3], protobuf.encode({1: b""})])
def test_who_is_no_echo_is_nobody(message: bytes) -> None:
    assert calls.who(Reply(messages=[_encoded(message)])) == Pod()
    assert calls.who(Reply()) == Pod()


def _encoded(message: bytes) -> bytes:
    return base64.b64encode(message)


def test_the_practice_and_the_calls_name_the_same() -> None:
    route = yaml.safe_load(Path(PRACTICE, f"{calls.CALLS_ROUTE}.yaml").read_text())
    rules = route["spec"]["rules"]
    methods = [match["method"] for rule in rules for match in rule["matches"]]
    assert [each["service"] for each in methods] == [calls.SERVICE] * 2
    assert f"/{calls.SERVICE}/{methods[1]['method']}" == calls.ECHO_TWO
    backends = [rule["backendRefs"][0] for rule in rules]
    assert backends == [{"name": n, "port": calls.PORT} for n in (calls.TALKER, calls.OTHER)]
    parents = calls.route_marker("g1")["spec"]["parentRefs"]
    assert parents == route["spec"]["parentRefs"]
