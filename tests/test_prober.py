"""The prober as the pods run it: a process of its own, with the packed httpx and no more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from fixtures.checks import complete
from fixtures.history import Exchange, History
from fixtures.history.streams import ClientId, Headers, Plan, Stream
from fixtures.traffic.pod import bundle, prober
from fixtures.traffic.pod.health import ClientHealth
from tests import http2_peer
from tests.http2_peer import Http2Peer
from tests.peer import Peer, free_port, running

WHO = ClientId(caller="frontend-1", cluster="aws-cluster", identity="default/frontend")


HEADERS: Headers = {
    "User-Agent": "",
    "X-CamelCase": "a b",
    "x-utf": "é",
    "Host": "b.example",
    "X-Line": ("one, of two", "two"),
}


@dataclass(frozen=True)
class Run:
    """What one run of the prober made, and what the peer saw of it."""

    history: History
    peer: Peer

    def only(self, stream: str) -> Exchange:
        (exchange,) = self.history.stream(stream)
        return exchange


@dataclass(frozen=True)
class Pod:
    """The prober beside the packed httpx, kept from the packages that are installed here."""

    folder: Path

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-S", "-s", str(self.folder / "prober.py")]

    @property
    def environment(self) -> dict[str, str]:
        """With a proxy that no one may ask."""
        proxy = f"http://127.0.0.1:{free_port()}"
        return {"PYTHONPATH": str(self.folder / "httpx.zip"), "http_proxy": proxy}

    def probe(self, *streams: Stream, **bounds: int) -> History:
        done = subprocess.run(
            self.command,
            input=Plan(who=WHO, streams=streams, **bounds).model_dump_json(),
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        assert done.stderr == ""
        return History.parse(done.stdout.splitlines())


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Pod:
    folder = tmp_path_factory.mktemp("pod")
    for name, content in bundle().items():
        (folder / name).write_bytes(content)
    return Pod(folder)


def streams(url: str) -> tuple[Stream, ...]:
    closed = f"http://127.0.0.1:{free_port()}/"
    return (
        Stream(stream="plain", url=f"{url}/plain"),
        Stream(
            stream="headers",
            url=f"{url}/headers",
            headers=HEADERS,
        ),
        Stream(stream="post", url=f"{url}/post", method="POST"),
        Stream(stream="raw", url=f"{url}/x", target="/api/v1/../%2e%2E//raw%2f?nonce=r-{seq}"),
        Stream(stream="numbered", url=f"{url}/numbered?nonce=n-{{seq}}", first=600, count=3),
        Stream(stream="denied", url=f"{url}/denied", count=2),
        Stream(stream="moved", url=f"{url}/moved", count=2),
        Stream(stream="until moved", url=f"{url}/moved", count=5, until=302),
        Stream(stream="paused", url=f"{url}/paused", count=2, pause=0.2, until=302),
        Stream(stream="fresh", url=f"{url}/fresh", count=3, reuse=False),
        Stream(stream="slow", url=f"{url}/slow", count=12, concurrency=3),
        Stream(stream="slow too", url=f"{url}/slow", count=12, concurrency=3),
        Stream(stream="silent", url=f"{url}/silent", timeout=4, count=2, concurrency=2),
        Stream(stream="reset", url=f"{url}/reset"),
        Stream(stream="eof", url=f"{url}/eof"),
        Stream(stream="garbage", url=f"{url}/garbage"),
        Stream(stream="refused", url=closed),
        Stream(stream="dns", url="http://nowhere.invalid/", timeout=2),
        Stream(stream="bad header", url=f"{url}/bad", headers={"a": "b\r\nc: d"}),
        Stream(stream="bad scheme", url="ftp://127.0.0.1/"),
    )


@pytest.fixture(scope="module")
def run(pod: Pod) -> Iterator[Run]:
    with running() as peer:
        yield Run(pod.probe(*streams(peer.url)), peer)


def test_a_peer_that_never_answers_is_not_asked_for_ever(pod: Pod) -> None:
    with running() as peer:
        silent = [
            Stream(stream=f"silent {n}", url=f"{peer.url}/silent", timeout=0.2, count=5)
            for n in range(4)
        ]
        ended = pod.probe(*silent, at_once=2, consecutive_timeouts=6)
    assert complete(ended).passed
    # One more may have been under way as the sixth timed out.
    assert len(ended) in (6, 7)
    assert {exchange.error for exchange in ended} == {"timeout"}


def test_streams_in_turn_are_never_under_way_together(pod: Pod) -> None:
    with running() as peer:
        slow = [Stream(stream=n, url=f"{peer.url}/slow", count=3) for n in ("first", "second")]
        exchanges = sorted(pod.probe(*slow, in_turn=True), key=lambda e: e.sent)
    assert [e.stream for e in exchanges] == ["first"] * 3 + ["second"] * 3
    assert all(a.received <= b.sent for a, b in pairwise(exchanges))


def test_an_answer_begins_the_count_of_timeouts_anew(pod: Pod) -> None:
    with running() as peer:
        silent = Stream(stream="silent", url=f"{peer.url}/silent", timeout=0.2, count=4)
        plain = Stream(stream="plain", url=f"{peer.url}/plain", timeout=0.2, count=40, pause=0.02)
        mixed = pod.probe(silent, plain, consecutive_timeouts=2)
    assert len(mixed.stream("silent")) == 4
    assert len(mixed.stream("plain")) == 40


def test_every_request_makes_one_line(run: Run) -> None:
    expected = {stream.stream: stream.count for stream in streams("")} | {"until moved": 1}
    assert {name: len(run.history.stream(name)) for name in run.history.streams()} == expected
    assert complete(run.history).passed


def test_its_last_line_says_what_it_wrote_and_how_it_fared(run: Run) -> None:
    (window,) = run.history.windows
    assert window.lines == len(run.history)
    assert (window.caller, window.cluster, window.identity) == tuple(WHO.model_dump().values())
    assert 4 < window.ended - window.began < 25
    assert 0 <= window.pressure <= 1.01
    assert not window.died


def test_lines_say_who_asked_and_when(run: Run) -> None:
    line = run.only("plain")
    assert (line.caller, line.cluster, line.identity) == tuple(WHO.model_dump().values())
    assert line.url == f"{run.peer.url}/plain"
    assert 0 < line.latency < 5


def test_an_echo_says_who_answered_and_others_leave_their_text(run: Run) -> None:
    assert run.only("plain").status == 200
    assert run.only("plain").service == "web-service"
    assert run.only("plain").pod == "web-service-v1-abc"
    assert run.only("plain").server == "peer"
    assert run.only("plain").body == ""
    denied = next(iter(run.history.stream("denied")))
    assert (denied.status, denied.body, denied.service) == (403, "RBAC: access denied", "")


def test_only_the_given_headers_are_sent(run: Run) -> None:
    host = f"Host: 127.0.0.1:{run.peer.port}"
    assert run.peer.headers("/plain") == [[host]]
    assert run.peer.headers("/post") == [["Content-Length: 0", host]]
    assert run.peer.headers("/headers") == [
        [
            "Host: b.example", "User-Agent: ", "X-CamelCase: a b", "X-Line: one, of two",
            "X-Line: two", "x-utf: é",
        ]
    ]  # fmt: skip
    assert run.only("headers").request_headers == HEADERS
    assert not run.only("headers").http2


def test_a_raw_target_is_not_normalised(run: Run) -> None:
    (head,) = run.peer.requests("raw")
    target = "/api/v1/../%2e%2E//raw%2f?nonce=r-0"
    assert head.startswith(f"GET {target} HTTP/1.1\r\n")
    assert run.only("raw").url == run.peer.url + target


def test_a_later_batch_goes_on_counting(run: Run) -> None:
    assert sorted(e.seq for e in run.history.stream("numbered")) == [600, 601, 602]
    assert len(run.peer.requests("nonce=n-601")) == 1


def test_no_redirect_is_followed_and_no_cookie_is_sent_again(run: Run) -> None:
    assert {e.status for e in run.history.stream("moved")} == {302}
    assert not run.peer.requests("/elsewhere")
    assert not any("ookie" in head for head in run.peer.heads)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        ("silent", "timeout"),
        ("reset", "reset"),
        ("eof", "reset"),
        ("garbage", "protocol"),
        ("refused", "refused"),
        ("dns", "dns"),
        ("bad header", "protocol"),
        ("bad scheme", "protocol"),
    ],
)
def test_an_error_has_its_class(run: Run, stream: str, error: str) -> None:
    lines = run.history.stream(stream)
    assert {(e.error, e.status) for e in lines} == {(error, 0)}
    assert all(e.detail for e in lines)


def test_a_lost_request_is_not_sent_again(run: Run) -> None:
    assert len(run.peer.requests("/reset")) == 1
    assert len(run.peer.requests("/eof")) == 1


def test_streams_run_side_by_side_within_their_concurrency(run: Run) -> None:
    assert run.peer.most == 6
    assert len(set(run.peer.connections_of("/slow"))) == 6


def test_a_stream_ends_with_the_answer_that_it_waits_for(run: Run) -> None:
    assert [e.status for e in run.history.stream("until moved")] == [302]
    first, second = run.history.stream("paused")
    assert second.sent - first.received >= 0.2


def test_connections_are_reused_unless_told_otherwise(run: Run) -> None:
    assert len(set(run.peer.connections_of("/numbered"))) == 1
    assert len(set(run.peer.connections_of("/fresh"))) == 3


def streams_of_http2(url: str) -> tuple[Stream, ...]:
    plain = (
        Stream(stream="headers", url=f"{url}/headers", headers=HEADERS),
        Stream(stream="put", url=f"{url}/put", method="PUT"),
        Stream(stream="raw", url=f"{url}/x", target="/api/v1/../%2e%2E//raw%2f?nonce=r-{seq}"),
        Stream(stream="kept", url=f"{url}/kept", count=3),
        Stream(stream="until moved", url=f"{url}/moved", count=5, until=302),
        Stream(stream="paused", url=f"{url}/paused", count=2, pause=0.2, until=302),
        Stream(stream="fresh", url=f"{url}/fresh", count=3, reuse=False),
        Stream(stream="at once", url=f"{url}/at-once", count=3, concurrency=3, reuse=False),
        Stream(stream="reset", url=f"{url}/reset"),
        Stream(stream="away", url=f"{url}/away"),
        Stream(stream="garbage", url=f"{url}/garbage"),
        Stream(stream="half", url=f"{url}/half"),
    )
    return tuple(stream.model_copy(update={"http2": True}) for stream in plain)


@pytest.fixture(scope="module")
def http2(pod: Pod) -> Iterator[tuple[History, Http2Peer]]:
    with http2_peer.running() as peer:
        yield pod.probe(*streams_of_http2(peer.url)), peer


def test_over_http2_the_headers_are_those_given_in_lower_case(
    http2: tuple[History, Http2Peer],
) -> None:
    history, peer = http2
    (sent,) = peer.requests("/headers")
    assert sent == [
        (":method", "GET"), (":authority", "b.example"), (":scheme", "http"), (":path", "/headers"),
        ("user-agent", ""), ("x-camelcase", "a b"), ("x-utf", "é"), ("x-line", "one, of two"),
        ("x-line", "two"),
    ]  # fmt: skip
    (line,) = history.stream("headers")
    assert (line.status, line.service, line.http2) == (200, "web-service", True)
    assert line.request_headers == HEADERS
    assert peer.requests("/put")[0][4:] == [("content-length", "0")]


def test_over_http2_a_raw_target_is_not_normalised(http2: tuple[History, Http2Peer]) -> None:
    (sent,) = http2[1].requests("raw")
    assert (":path", "/api/v1/../%2e%2E//raw%2f?nonce=r-0") in sent


def test_http2_connections_are_reused_unless_told_otherwise(
    http2: tuple[History, Http2Peer],
) -> None:
    _, peer = http2
    paths = ("/kept", "/fresh", "/at-once")
    assert [len(set(peer.connections_of(path))) for path in paths] == [1, 3, 3]


@pytest.mark.parametrize(
    ("stream", "error"),
    [("reset", "reset"), ("away", "reset"), ("garbage", "protocol"), ("half", "protocol")],
)
def test_an_error_of_http2_has_its_class(
    http2: tuple[History, Http2Peer], stream: str, error: str
) -> None:
    history, peer = http2
    (line,) = history.stream(stream)
    assert (line.error, line.status) == (error, 0)
    assert line.detail
    assert len(peer.requests(f"/{stream}")) == 1


def test_it_ends_quietly_when_no_one_reads(pod: Pod) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with running() as peer:
        stream = Stream(stream="slow", url=f"{peer.url}/slow", count=1_000)
        started = time.monotonic()
        done = subprocess.run(
            pod.command,
            input=Plan(who=WHO, streams=(stream,)).model_dump_json().encode(),
            env=pod.environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=True,
            timeout=30,
        )
    os.close(writer)
    assert done.stderr == b""
    assert time.monotonic() - started < 10, "it did not work on without a reader"


def test_a_late_heartbeat_excuses_a_timeout_and_a_small_delay_does_not() -> None:
    health = ClientHealth(sys.stdout, late=[(100.0, 3.0)])
    assert health.starved(since=95.0, timeout=5.0)
    assert not health.starved(since=101.0, timeout=5.0), "it was before"
    assert not health.starved(since=95.0, timeout=10.0), "it was too short to matter"


def test_error_classes_are_found_below_groups_and_causes() -> None:
    refused = httpx.ConnectError("all attempts failed")
    refused.__cause__ = ExceptionGroup("attempts", [OSError(), ConnectionRefusedError()])
    assert prober.error_class(refused) == "refused"
    assert prober.error_class(httpx.ConnectError("no route")) == "refused"
    assert prober.error_class(httpx.ReadError("")) == "reset"
    assert prober.error_class(httpx.ConnectTimeout("")) == "timeout"
    assert prober.error_class(TimeoutError()) == "timeout"
    assert prober.error_class(httpx.DecodingError("")) == "protocol"


ECHO = {
    "service": "web", "pod": "web-1", "method": "GET", "path": "/a?nonce=1", "host": "b.example",
    "proto": "HTTP/1.1", "headers": {"X-Sent": ["a", "b"], "X-Empty": [""]},
}  # fmt: skip


def test_of_a_whole_stream_it_is_kept_what_an_echo_received() -> None:
    answer = httpx.Response(200, json=ECHO, headers={"X-Added": "1"})
    line = prober.answer_fields(answer, whole=True)
    assert line["arrived"] == {
        "method": "GET", "path": "/a?nonce=1", "host": "b.example", "proto": "HTTP/1.1",
        "headers": {"x-sent": "a, b", "x-empty": ""},
    }  # fmt: skip
    assert line["answer_headers"]["x-added"] == "1"
    assert prober.answer_fields(answer) == {"status": 200, "service": "web", "pod": "web-1"}


def test_of_what_is_no_echo_nothing_arrived() -> None:
    line = prober.answer_fields(httpx.Response(404, text="no route"), whole=True)
    assert (line["status"], line["body"]) == (404, "no route")
    assert "arrived" not in line
    assert "answer_headers" in line


@contextmanager
def datagrams() -> Iterator[int]:
    """The echo for datagrams on a port of its own; it answers as the pod `web-1`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = Path(prober.__file__).with_name("datagram_echo.py")
    environment = {"SERVICE_NAME": "web", "POD_NAME": "web-1"}
    with subprocess.Popen([sys.executable, program, str(port)], env=environment) as echo:
        try:
            yield port
        finally:
            echo.terminate()
    assert echo.returncode == 0


def test_a_datagram_is_answered_by_the_echo_or_by_nobody(pod: Pod) -> None:
    with datagrams() as port, running() as peer, socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        up = Stream(stream="up", url=f"udp://127.0.0.1:{port}/?n={{seq}}", until=200, count=99,
                    pause=0.1)  # fmt: skip
        pod.probe(up)
        streams = [
            up.model_copy(update={"stream": "web", "count": 3, "until": 0}),
            Stream(stream="from", url=f"udp://127.0.0.1:{port}/", source="127.0.0.2"),
            Stream(stream="silent", url=f"udp://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2),
            Stream(stream="closed", url=f"udp://127.0.0.1:{free_port()}/", timeout=2),
            Stream(stream="dns", url="udp://nowhere.invalid:80/", timeout=2),
            Stream(stream="http", url=f"{peer.url}/plain"),
        ]
        history = pod.probe(*streams)
    assert [(e.status, e.service, e.pod) for e in history.stream("web")] == [
        (200, "web", "web-1")
    ] * 3
    assert {e.status for s in ("from", "http") for e in history.stream(s)} == {200}
    errors = {name: e.error for name in ("silent", "closed", "dns") for e in history.stream(name)}
    assert errors == {"silent": "timeout", "closed": "refused", "dns": "dns"}
