"""Canary split: the reference's HTTPRoute shares requests with one header between two services."""

from __future__ import annotations

import pytest

from fixtures.caller import Caller
from fixtures.checks import every, on, only_answered_by, split, status_is
from fixtures.drawing import draw
from fixtures.judge import Judge
from fixtures.requirements import requirement
from fixtures.sequential import SplitTest
from fixtures.streams import Stream
from suites.canary_split.conftest import SERVICES

SOURCE = "HTTPRoute/advanced-routing"
STABLE, CANARY = SERVICES
COUNT = 60

pytestmark = pytest.mark.feature("gateway-api")


@requirement("CS1", source=SOURCE)
def test_nine_to_one(judge: Judge, outsider: Caller, json_request: Stream) -> None:
    """Requests with Content-Type: application/json are shared 90 to 10."""
    test = SplitTest(share=0.90)
    judge(draw(outsider, json_request, STABLE, test), split({STABLE: 90, CANARY: 10}, test))


@requirement("CS2", source=SOURCE)
def test_nobody_else_answers(judge: Judge, outsider: Caller, json_request: Stream) -> None:
    """Nobody but api-service and api-service-canary answers a request that the route matches."""
    history = outsider.probe(json_request.model_copy(update={"count": 4 * COUNT}))
    judge(history, every(status_is(200), only_answered_by(SERVICES, 4 * COUNT)))


@requirement("CS3", source=SOURCE)
def test_only_the_exact_header_is_routed(judge: Judge, outsider: Caller, url: str) -> None:
    """Without the header, or with any other value, nothing is routed; its name's case is free."""
    unrouted: dict[str, dict[str, str]] = {
        "absent": {},
        "other": {"Content-Type": "text/plain"},
        "charset": {"Content-Type": "application/json; charset=utf-8"},
        "case": {"Content-Type": "APPLICATION/JSON"},
    }
    routed = {
        "lower": {"content-type": "application/json"},
        "upper": {"CONTENT-TYPE": "application/json"},
    }
    headers = {**unrouted, **routed}
    history = outsider.probe(
        *(Stream(stream=n, url=url, headers=h, count=COUNT) for n, h in headers.items())
    )
    refused = (on(name, status_is(404, COUNT)) for name in unrouted)
    served = (on(name, only_answered_by(SERVICES, COUNT)) for name in routed)
    judge(history, every(*refused, *served))
