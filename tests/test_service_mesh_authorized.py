"""What an external authorizer decides on: judged from histories made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from clusters.components import istio
from fixtures.history import History
from suites.service_mesh.authorized import CLOSED, Records, closed, decided
from suites.service_mesh.authorizing import MOODS
from tests.histories import Answer, exchanges, window

SERVED: Answer = {"status": 200, "service": "origin"}
REFUSED: Answer = {"status": 401, "service": "authorizer"}
SHUT: Answer = {"status": 403}
BY_RBAC: Answer = {"status": 403, "body": "RBAC: access denied"}
BEFORE, AFTER = 1.0, 2.0


def records(check: float = 0.0, arrival: float = 0.0) -> Records:
    """When the request came to the authorizer and to a backend; 0: never."""
    return Records({"s-0": [check]} if check else {}, {"s-0": [arrival]} if arrival else {})


@pytest.mark.parametrize(
    ("decision", "answer", "came", "outcome", "pressed"),
    [
        (200, SERVED, records(BEFORE, AFTER), "pass", "pass"),
        (200, SERVED, records(AFTER, BEFORE), "fail", "fail"),
        (200, SERVED, records(arrival=AFTER), "fail", "fail"),
        (200, SHUT, records(BEFORE), "fail", "inconclusive"),
        (200, {"error": "timeout"}, records(BEFORE), "fail", "inconclusive"),
        (401, REFUSED, records(BEFORE), "pass", "pass"),
        (401, REFUSED, records(BEFORE, AFTER), "fail", "fail"),
        (401, REFUSED, records(), "fail", "inconclusive"),
        (401, {**REFUSED, "service": ""}, records(BEFORE), "fail", "inconclusive"),
        (401, {**REFUSED, "service": "origin"}, records(BEFORE), "fail", "fail"),
        (401, SERVED, records(BEFORE, AFTER), "fail", "fail"),
        (CLOSED, SHUT, records(BEFORE), "pass", "pass"),
        (CLOSED, BY_RBAC, records(BEFORE), "fail", "inconclusive"),
        (CLOSED, SHUT, records(BEFORE, AFTER), "fail", "fail"),
        (CLOSED, SERVED, records(BEFORE, AFTER), "fail", "fail"),
    ],
)
def test_what_is_decided_is_done(
    decision: int, answer: Answer, came: Records, outcome: str, pressed: str
) -> None:
    check, history = decided({"s": decision}, came), exchanges(answer)
    assert check(history).outcome == outcome
    busy = History((), [window(ended=10.0, stalled=9.0, lines=1)])
    assert check(history + busy).outcome == pressed
    assert check(exchanges()).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("answer", "beside", "came", "outcome"),
    [
        (SHUT, SERVED, Records(), "pass"),
        (SHUT, SERVED, Records({}, {"s-0": [1.0]}), "fail"),
        (SERVED, SERVED, Records(), "fail"),
        (BY_RBAC, SERVED, Records(), "fail"),
        ({"status": 503}, SERVED, Records(), "fail"),
        (SHUT, SHUT, Records(), "fail"),
        (SHUT, SERVED, Records({"o-0": [1.0]}), "fail"),
    ],
)
def test_nothing_is_open_while_nobody_decides(
    answer: Answer, beside: Answer, came: Records, outcome: str
) -> None:
    history = exchanges(answer) + exchanges(beside, stream="o")
    assert closed(["s"], came, ["o"])(history).outcome == outcome
    assert closed(["s"], came, ["o"])(exchanges()).outcome == "inconclusive"


def test_the_authorizer_is_where_istiod_looks_for_it() -> None:
    support = Path("suites/service_mesh/support.yaml").read_text()
    assert f"hosts: [{istio.AUTHORIZER_HOST}]" in support
    practice = Path("fixtures/manifests/practice/authorizationpolicy-authorizer.yaml")
    assert yaml.safe_load(practice.read_text())["spec"]["provider"]["name"] == istio.AUTHORIZER


def test_every_decision_is_asked_for() -> None:
    decisions = {decision for _, decision in MOODS.values()}
    assert {200, 401, 403, CLOSED} <= decisions
