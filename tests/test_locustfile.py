"""The load as the pods run it: Locust in a process of its own, for a few seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.checks import complete, denied_under_load, every, lasted, on, served_under_load
from fixtures.history import History
from fixtures.history.streams import ClientId, Load, Stream
from fixtures.traffic import pod
from tests.peer import Peer, free_port, running

WHO = ClientId(caller="load-1", cluster="azure-cluster", identity="default/frontend")
SECONDS = 4.0
TARGET = "//api/../raw%2f?nonce=r-{seq}"
LOCUSTFILE = Path(pod.__file__).with_name("locustfile.py")


@dataclass(frozen=True)
class Run:
    """What one run of Locust made and said, and what the peer saw of it."""

    history: History
    said: str
    peer: Peer


def streams(url: str) -> tuple[Stream, ...]:
    headers = {"User-Agent": "", "X-CamelCase": "a b", "x-utf": "é", "Host": "b.example",
               "X-Line": ("one", "two")}  # fmt: skip
    return (
        Stream(stream="allowed", url=f"{url}/allowed", headers=headers),
        Stream(stream="denied", url=f"{url}/denied"),
        Stream(stream="raw", url=f"{url}/x", target=TARGET, first=7),
        Stream(stream="fresh", url=f"{url}/fresh", method="POST", reuse=False),
        Stream(stream="moved", url=f"{url}/moved"),
        Stream(stream="reset", url=f"{url}/reset"),
        Stream(stream="eof", url=f"{url}/eof"),
        Stream(stream="garbage", url=f"{url}/garbage"),
        Stream(stream="refused", url=f"http://127.0.0.1:{free_port()}/"),
        Stream(stream="silent", url=f"{url}/silent", timeout=1.5),
    )


LOCUST = (sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless")


def environ(load: Load) -> dict[str, str]:
    """What a pod's Locust is told its load by."""
    return {**os.environ, "PLUMBLINE_LOAD": load.model_dump_json()}


def locust(load: Load, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Locust to its end, as a pod runs it."""
    return subprocess.run(
        LOCUST, env=environ(load), capture_output=True, text=True, check=True, timeout=timeout
    )


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running() as peer:
        load = Load(who=WHO, streams=streams(peer.url), users=4, seconds=SECONDS)
        done = locust(load)
        yield Run(History.parse(done.stdout.splitlines()), done.stderr, peer)


def test_every_request_makes_one_line_numbered_over_all_users(run: Run) -> None:
    assert complete(run.history).passed
    assert set(run.history.streams()) == {stream.stream for stream in streams("")}
    assert min(e.seq for e in run.history.stream("raw")) == 7
    assert len(run.peer.requests("/allowed")) == len(run.history.stream("allowed"))


def test_its_last_line_says_what_it_wrote(run: Run) -> None:
    (window,) = run.history.windows
    assert window.lines == len(run.history)
    assert window.ended - window.began >= SECONDS


def test_it_lasts_as_long_as_it_should(run: Run) -> None:
    assert lasted(SECONDS)(run.history).passed
    assert not lasted(SECONDS + 3)(run.history).passed


def test_a_denial_is_an_answer_like_any_other(run: Run) -> None:
    assert on("denied", denied_under_load(4, 0.1))(run.history).passed
    assert on("allowed", served_under_load(4, 0.1, ["web-service"]))(run.history).passed


def test_only_the_given_headers_are_sent(run: Run) -> None:
    host = f"Host: 127.0.0.1:{run.peer.port}"
    assert run.peer.headers("/denied")[0] == [host]
    assert run.peer.headers("/fresh")[0] == ["Content-Length: 0", host]
    assert run.peer.headers("/allowed")[0] == [
        "Host: b.example",
        "User-Agent: ",
        "X-CamelCase: a b",
        "X-Line: one",
        "X-Line: two",
        "x-utf: é",
    ]


def test_a_raw_target_is_not_normalised(run: Run) -> None:
    target = TARGET.format(seq=8)
    assert run.peer.requests(f"GET {target} HTTP/1.1")
    assert run.peer.url + target in {e.url for e in run.history}


def test_no_redirect_is_followed_and_no_cookie_is_sent_again(run: Run) -> None:
    assert {e.status for e in run.history.stream("moved")} == {302}
    assert not run.peer.requests("/elsewhere")
    assert not any("ookie" in head for head in run.peer.heads)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        ("reset", "reset"),
        ("eof", "reset"),
        ("garbage", "protocol"),
        ("refused", "refused"),
        ("silent", "timeout"),
    ],
)
def test_an_error_has_its_class(run: Run, stream: str, error: str) -> None:
    lines = run.history.stream(stream)
    assert {(e.error, e.status) for e in lines} == {(error, 0)}
    assert all(e.detail for e in lines)


@pytest.mark.parametrize("stream", ["reset", "eof"])
def test_a_lost_request_is_not_sent_again(run: Run, stream: str) -> None:
    assert len(run.peer.requests(f"/{stream}")) == len(run.history.stream(stream))


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    until = tmp_path / "ended"
    until.touch()
    with running() as peer:
        stream = Stream(stream="allowed", url=f"{peer.url}/allowed")
        load = Load(who=WHO, streams=(stream,), users=2, seconds=60, until=str(until))
        done = locust(load, timeout=30)
    (window,) = History.parse(done.stdout.splitlines()).windows
    assert window.ended - window.began < 20


def test_none_is_sent_before_the_gate_is_open(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with running() as peer:
        stream = Stream(stream="allowed", url=f"{peer.url}/allowed")
        load = Load(who=WHO, streams=(stream,), users=2, seconds=1, gate=str(gate))
        pipe = subprocess.PIPE
        with subprocess.Popen(
            LOCUST, env=environ(load), stdout=pipe, stderr=pipe, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "\n", "it stands ready"
            time.sleep(2)
            assert not peer.requests("/allowed")
            opened = time.monotonic()
            gate.touch()
            history = History.parse(process.communicate(timeout=60)[0].splitlines())
    assert process.returncode == 0
    assert min(e.sent for e in history) >= opened
    assert history.windows[0].began >= opened
    assert every(complete, lasted(0.9))(history).passed


def test_a_slow_machine_is_given_more_time_for_the_least_it_must_ask() -> None:
    """The peer answers each of these after 100 ms: two users ask ten in half a second."""
    with running() as peer:
        stream = Stream(stream="slow", url=f"{peer.url}/slow")
        load = Load(who=WHO, streams=(stream,), users=2, seconds=0.5, least=60, longest=20)
        done = locust(load)
    history = History.parse(done.stdout.splitlines())
    assert complete(history).passed
    assert 60 <= len(history) < 100


def test_what_locust_says_goes_to_standard_error(run: Run) -> None:
    assert "Aggregated" in run.said


def test_a_load_that_nobody_answers_ends() -> None:
    with running() as peer:
        silent = (Stream(stream="silent", url=f"{peer.url}/silent", timeout=0.3),)
        load = Load(who=WHO, streams=silent, users=3, seconds=40, consecutive_timeouts=6)
        history = History.parse(locust(load, timeout=30).stdout.splitlines())
    assert complete(history).passed
    # One of each user may have been under way as the sixth timed out.
    assert 6 <= len(history) <= 8
    assert {exchange.error for exchange in history} == {"timeout"}
