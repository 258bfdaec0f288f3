"""Headers by which Envoy takes orders, and from whom: judged from histories made by hand."""

from __future__ import annotations

import pytest

from fixtures.checks.samples import pairwise
from fixtures.history import Arrived
from fixtures.history.streams import Stream
from suites.service_mesh.claiming import ATTEMPTS, HANDED_ON, HOW, RETRIES, TIMEOUTS, _as, draw
from suites.service_mesh.insiders import Claim, ignored, obeyed
from tests.histories import Answer, exchanges

RETRY = Claim({"x-retry-on": "5xx"}, "status=500", status=500, obeyed=500, times=4)
LIMIT = Claim({"x-timeout": "200"}, "delay=1", obeyed=504)
WORD = Claim({"x-path": "/claimed"}, kept=True)


def answer(status: int, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status": status, "service": "shadow", "arrived": Arrived(headers=names)}


@pytest.mark.parametrize(
    ("claim", "came", "times", "outside", "inside"),
    [
        (RETRY, answer(500), 1, "pass", "inconclusive"),
        (RETRY, answer(500), 4, "fail", "pass"),
        (RETRY, answer(500), 3, "fail", "inconclusive"),
        (RETRY, answer(200), 1, "fail", "inconclusive"),
        (RETRY, answer(500, x_retry_on="5xx"), 1, "fail", "inconclusive"),
        (LIMIT, answer(200), 1, "pass", "inconclusive"),
        (LIMIT, {"status": 504}, 1, "fail", "pass"),
        (LIMIT, answer(200), 0, "fail", "inconclusive"),
        (WORD, answer(200), 1, "pass", "inconclusive"),
        (WORD, answer(200, x_path="/own"), 1, "pass", "inconclusive"),
        (WORD, answer(200, x_path="/claimed"), 1, "fail", "pass"),
        (WORD, answer(200, x_path="/own, /claimed"), 1, "fail", "pass"),
    ],
)
def test_what_is_ignored_and_what_is_obeyed(
    claim: Claim, came: Answer, times: int, outside: str, inside: str
) -> None:
    arrivals, history = {"s-0": ["pod"] * times}, exchanges(came)
    assert ignored({"s": claim}, arrivals)(history).outcome == outside
    assert obeyed({"s": claim}, arrivals)(history).outcome == inside


def test_nothing_is_known_of_what_nobody_asked() -> None:
    assert ignored({"s": WORD}, {})(exchanges()).outcome == "inconclusive"
    assert obeyed({"s": WORD}, {})(exchanges()).outcome == "inconclusive"


def test_every_seed_makes_every_claim() -> None:
    names = {*RETRIES, *TIMEOUTS, *HANDED_ON}
    for seed in (1, 2, 3):
        claims = draw(seed)
        assert names < claims.keys()
        assert {claims[name].times for name in RETRIES} <= set(ATTEMPTS)
    assert draw(1) == draw(1) != draw(2)


def test_a_claim_is_made_in_every_way() -> None:
    stream = Stream(stream="s", url="http://h/", headers={"x-envoy-a": "1"})
    ways = [_as(row, stream) for row in pairwise(HOW, 1)]
    spelt = {name for way in ways for name in way.headers if name.lower() == "x-envoy-a"}
    assert spelt == {"x-envoy-a", "X-Envoy-A", "X-ENVOY-A"}
    assert all(name.islower() for way in ways if way.http2 for name in way.headers)
    assert {way.http2 for way in ways} == {True, False}
