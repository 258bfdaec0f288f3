"""HTTP/3 at a Gateway: what is told of it, and that it is served and sent as over TCP."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from fixtures.history import Arrived
from fixtures.history.verdict import Outcome
from suites.performance import quick
from suites.performance.draws import CLOSED, EACH, KINDS
from suites.performance.http3 import arrives_as_sent, is_of, offers_http3, told_and_served
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges

H3 = 'h3=":443"; ma=86400'


def served(spoken: str, told: str = H3, path: str = "/open/a", method: str = "GET") -> Answer:
    arrived = Arrived(method=method, path=path, headers={"x-came-by": spoken})
    return {
        "status": 200,
        "service": "echo",
        "url": "http://quick/open/a",
        "arrived": arrived,
        "answer_headers": {"alt-svc": told},
    }


QUIC, TCP = served("HTTP/3"), served("HTTP/1.1")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((QUIC, QUIC), PASS),
        ((QUIC, TCP), FAIL),
        ((QUIC, served("")), FAIL),
        ((QUIC, served("HTTP/3", path="/open/b")), FAIL),
        ((QUIC, served("HTTP/3", method="POST")), FAIL),
        ((QUIC, {**QUIC, "service": "origin"}), FAIL),
        ((QUIC, {**QUIC, "arrived": None}), FAIL),
        ((QUIC, {**QUIC, "status": 503}), FAIL),
        ((QUIC, {"error": "timeout"}), FAIL),
        ((QUIC, {"error": "starved"}), INCONCLUSIVE),
        ((QUIC,), INCONCLUSIVE),
    ],
)
def test_what_arrives_is_what_was_sent_by_its_protocol(
    answers: tuple[Answer, ...], outcome: Outcome
) -> None:
    assert arrives_as_sent("echo", "HTTP/3", "x-came-by", 2)(exchanges(*answers)).outcome is outcome


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (H3, PASS),
        ('h3-29=":443"; ma=86400, h3=":443"; ma=86400', PASS),
        ('h2=":443", h3=":443"', PASS),
        ('h3=":8443"; ma=86400', FAIL),
        ('h3-29=":443"; ma=86400', FAIL),
        ('h3="elsewhere.example.com:443"', FAIL),
        ("clear", FAIL),
        ("", FAIL),
    ],
)
def test_http3_is_told_at_the_same_host_and_port(told: str, outcome: Outcome) -> None:
    history = exchanges(TCP, served("HTTP/1.1", told))
    assert offers_http3(443, 2)(history).outcome is outcome
    assert told_and_served("echo", "x-came-by", 443, 2)(history).outcome is outcome


def test_who_is_told_is_served_over_tcp() -> None:
    check = told_and_served("echo", "x-came-by", 443, 1)
    assert check(exchanges(QUIC)).outcome is FAIL
    assert check(exchanges()).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("spoken", "version", "holds"),
    [
        ("HTTP/3", "HTTP/3", True),
        ("HTTP/1.1", "HTTP/1", True),
        ("HTTP/30", "HTTP/3", False),
        ("", "HTTP/3", False),
    ],
)
def test_a_version_is_told_by_its_number(spoken: str, version: str, holds: bool) -> None:
    assert is_of(spoken, version) is holds


def test_the_same_is_sent_by_both_ways() -> None:
    for seed in range(20):
        tcp, quic = (list(quick.requests(way, seed)) for way in (quick.TCP, quick.QUIC))
        assert [(s.method, urlsplit(s.url).path) for s in tcp] == [
            (s.method, urlsplit(s.url).path) for s in quic
        ]
        assert len(tcp) == 2 * KINDS
        assert {s.count for s in tcp} == {EACH}
        for each in (*tcp, *quic):
            is_denied = each.stream.startswith(quick.DENIED)
            assert urlsplit(each.url).path.startswith(CLOSED) is is_denied
        assert {s.headers["Host"] for s in tcp} == {quick.HOSTS[quick.TCP]}
        assert {urlsplit(s.url).hostname for s in quic} == {quick.PLACES[quick.QUIC]}
