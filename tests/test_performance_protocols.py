"""Requests that can be framed in two ways, and protocols on either side of a proxy."""

from __future__ import annotations

import random
from urllib.parse import urlsplit

import pytest

from fixtures.history import Arrived
from fixtures.history.verdict import Outcome
from fixtures.traffic.raw import Conversation, Reply
from suites.performance import draws, undeclared
from suites.performance.framing import (
    AMBIGUOUS,
    CLEAN,
    TOLERATED,
    TWO_HOSTS,
    by_request,
    framed_once,
    refused,
)
from suites.performance.spoken import detected, heard, spoken, upgraded
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges

OK = Reply(answer="HTTP/1.1 200 OK\r\n\r\n", first=0.1)
BAD = Reply(answer="HTTP/1.1 400 Bad Request\r\n\r\n", first=0.1)
SILENT = Reply(error="TimeoutError: timed out")
RIGHT = {**dict.fromkeys(AMBIGUOUS, BAD), **dict.fromkeys(TOLERATED, OK)}
ONCE = {**dict.fromkeys(AMBIGUOUS, 0), **dict.fromkeys(TOLERATED, 1)}
CHUNKS, FOLDED = "length and chunks", "folded field"


@pytest.mark.parametrize(
    ("replies", "arrivals", "outcome"),
    [
        ({}, {}, PASS),
        ({FOLDED: BAD}, {FOLDED: 0}, PASS),
        ({CHUNKS: OK}, {CHUNKS: 1}, FAIL),
        ({}, {CHUNKS: 1}, FAIL),
        ({CHUNKS: OK}, {}, FAIL),
        ({CHUNKS: SILENT}, {}, INCONCLUSIVE),
        ({}, {FOLDED: 2}, FAIL),
        ({}, {FOLDED: 0}, FAIL),
        ({FOLDED: BAD}, {}, FAIL),
        ({FOLDED: SILENT}, {FOLDED: 0}, FAIL),
        ({CLEAN: BAD}, {CLEAN: 0}, FAIL),
        ({}, {CLEAN: 0}, FAIL),
    ],
)
def test_what_is_ambiguous_is_refused(
    replies: dict[str, Reply], arrivals: dict[str, int], outcome: Outcome
) -> None:
    assert framed_once({**RIGHT, **replies}, {**ONCE, **arrivals}).outcome is outcome


def test_each_request_is_written_for_any_path_and_host() -> None:
    for text in (*AMBIGUOUS.values(), *TOLERATED.values()):
        written = text.format(path="/raw?nonce=n1", host="edge.example")
        assert "/raw?nonce=n1" in written
        assert "{" not in written
        written.encode("latin-1")


def test_arrivals_are_counted_by_nonce() -> None:
    assert by_request({"one": "n1", "two": "n2"}, ["n1", "n1", "n3"]) == {"one": 2, "two": 0}


@pytest.mark.parametrize(
    ("answer", "status"),
    [("HTTP/1.1 501 Not\r\n", 501), ("HTTP/1.0 200", 200), ("", 0), ("hello 200 x", 0)],
)
def test_a_reply_has_the_status_of_its_first_line(answer: str, status: int) -> None:
    assert Reply(answer=answer).status == status


def by(proto: str, service: str = "echo") -> Answer:
    return {"status": 200, "service": service, "arrived": Arrived(proto=proto)}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((by("HTTP/2.0"), by("HTTP/2.0")), PASS),
        ((by("HTTP/2.0"), by("HTTP/1.1")), FAIL),
        ((by("HTTP/2.0"), by("HTTP/2.0", "other")), FAIL),
        ((by("HTTP/2.0"), {"status": 200, "service": "echo"}), FAIL),
        ((by("HTTP/2.0"), {"status": 502}), FAIL),
        ((by("HTTP/2.0"),), INCONCLUSIVE),
    ],
)
def test_the_protocol_is_the_backends_own_word(
    answers: tuple[Answer, ...], outcome: Outcome
) -> None:
    assert spoken("HTTP/2.0", "echo", 2)(exchanges(*answers)).outcome is outcome


KNOWN: Answer = {
    "status": 200,
    "service": "echo",
    "arrived": Arrived(proto="HTTP/1.1"),
    "answer_headers": {"x-routed": "by-request"},
}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((KNOWN, KNOWN), PASS),
        ((KNOWN, {**KNOWN, "answer_headers": {}}), FAIL),
        ((KNOWN, {**KNOWN, "answer_headers": {"x-routed": "as-bytes"}}), FAIL),
        ((KNOWN, {**KNOWN, "arrived": Arrived(proto="HTTP/2.0")}), FAIL),
        ((KNOWN, {**KNOWN, "service": "metered"}), FAIL),
        ((KNOWN, {"error": "reset"}), FAIL),
        ((KNOWN, {"error": "starved"}), INCONCLUSIVE),
        ((KNOWN,), INCONCLUSIVE),
        ((), INCONCLUSIVE),
    ],
)
def test_what_is_detected_is_routed_and_arrives_as_it_was_sent(
    answers: tuple[Answer, ...], outcome: Outcome
) -> None:
    check = detected("HTTP/1.1", "echo", ("x-routed", "by-request"), 2)
    assert check(exchanges(*answers)).outcome is outcome


@pytest.mark.parametrize("what", ["open", "admitted", "denied"])
@pytest.mark.parametrize("proto", undeclared.PORTS)
def test_what_is_denied_alone_is_below_the_closed_path(proto: str, what: str) -> None:
    for seed in range(20):
        drawn = list(undeclared.requests("host", proto, what, random.Random(seed)))  # noqa: S311 (no secret)
        assert len(drawn) == draws.KINDS
        for kind, each in enumerate(drawn):
            path = urlsplit(each.url).path
            assert path.startswith(draws.CLOSED) is (what == "denied")
            assert each.stream == undeclared.named(proto, what, kind)
            assert each.http2 is (proto == "HTTP/2.0")
            assert f":{undeclared.PORTS[proto]}/" in each.url


ALL, DENIED = Conversation(status=101, frames=5), Conversation(status=403, frames=0)


@pytest.mark.parametrize(
    ("admitted", "denied", "outcome"),
    [
        (ALL, DENIED, PASS),
        (Conversation(status=101, frames=4, error="timed out"), DENIED, FAIL),
        (Conversation(status=503, frames=0), DENIED, FAIL),
        (ALL, ALL, FAIL),
        (ALL, Conversation(status=503, frames=0), FAIL),
    ],
)
def test_a_websocket_is_upgraded_for_who_may(
    admitted: Conversation, denied: Conversation, outcome: Outcome
) -> None:
    assert upgraded({"by sidecars": admitted}, denied, 5).outcome is outcome


@pytest.mark.parametrize(
    ("reply", "arrived", "outcome"),
    [
        (BAD, 0, PASS),
        (OK, 1, FAIL),
        (BAD, 1, FAIL),
        (SILENT, 0, INCONCLUSIVE),
    ],
)
def test_a_request_with_two_hosts_is_refused(reply: Reply, arrived: int, outcome: Outcome) -> None:
    replies, arrivals = {CLEAN: OK, TWO_HOSTS: reply}, {CLEAN: 1, TWO_HOSTS: arrived}
    assert refused(TWO_HOSTS, replies, arrivals).outcome is outcome
    assert refused(TWO_HOSTS, {**replies, CLEAN: BAD}, arrivals).outcome is FAIL


def greeting(first: float) -> Reply:
    return Reply(answer="welcome\n", first=first)


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ((greeting(0.1), greeting(0.2), greeting(3.0)), PASS),
        ((greeting(0.1), greeting(0.6), greeting(3.0)), FAIL),
        ((greeting(0.1), greeting(0.1), SILENT), FAIL),
        ((greeting(0.1), OK), FAIL),
        ((), FAIL),
    ],
)
def test_who_speaks_first_is_heard_at_once(replies: tuple[Reply, ...], outcome: Outcome) -> None:
    assert heard({"by sidecars": replies}, "welcome").outcome is outcome
