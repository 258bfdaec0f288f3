"""The origin, as a process of its own and over real connections."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import origin
import pytest

PROGRAM = Path(origin.__file__)


@dataclass
class Running:
    """An origin that runs, and what it has written."""

    process: subprocess.Popen[str]
    url: str

    def lines(self) -> list[dict[str, object]]:
        """End it; its lines."""
        self.process.terminate()
        out, _ = self.process.communicate(timeout=10)
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def running() -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, str(PROGRAM), str(port)]
    environ = {**os.environ, "SERVICE_NAME": "a", "POD_NAME": "a-1"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ)
    url = f"http://127.0.0.1:{port}"
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport) as client:
        assert client.get(f"{url}/health").status_code == 200
    yield Running(process, url)
    process.kill()
    process.communicate()


def test_it_says_who_it_is_and_what_arrived(running: Running) -> None:
    answer = httpx.post(f"{running.url}/x?nonce=n1", headers={"X-One": "1"}, content=b"body")
    echoed = answer.json()
    assert (echoed["service"], echoed["pod"], echoed["body"]) == ("a", "a-1", "body")
    assert (echoed["method"], echoed["path"]) == ("POST", "/x?nonce=n1")
    assert echoed["headers"]["X-One"] == ["1"]
    (line,) = running.lines()
    at = line.pop("at")
    assert isinstance(at, float)
    assert line == {
        "method": "POST", "path": "/x?nonce=n1", "attempt": 1, "under_way": 1, "status": 200,
    }  # fmt: skip


@pytest.mark.parametrize(("attempt", "status"), [("1", 503), ("2", 503), ("3", 200)])
def test_it_fails_as_many_attempts_as_it_is_asked_to(
    attempt: str, status: int, running: Running
) -> None:
    headers = {"x-envoy-attempt-count": attempt}
    answer = httpx.get(f"{running.url}/?status=503&fail=2", headers=headers)
    assert answer.status_code == status
    assert running.lines()[0]["attempt"] == int(attempt)


def test_it_hangs_up_and_serves_on(running: Running) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{running.url}/?close=1")
    assert httpx.get(f"{running.url}/").status_code == 200
    assert [line["status"] for line in running.lines()] == [0, 200]


def test_it_counts_what_is_under_way(running: Running) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: httpx.get(f"{running.url}/?delay=0.5"), range(4)))
    assert max(int(str(line["under_way"])) for line in running.lines()) == 4


def test_answers_are_of_the_size_and_with_the_headers_asked_for(running: Running) -> None:
    query = "size=1000&answer=Cache-Control:%20max-age%3D5&answer=Vary:%20X-A"
    answer = httpx.get(f"{running.url}/?{query}")
    assert len(answer.content) == 1000
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("max-age=5", "X-A")


def test_what_has_its_tag_is_not_sent_again(running: Running) -> None:
    url = f"{running.url}/?etag=one"
    assert httpx.get(url).headers["etag"] == "one"
    again = httpx.get(url, headers={"If-None-Match": "one"})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(url, headers={"If-None-Match": "two"}).status_code == 200


def test_a_body_in_chunks_is_read_to_its_end(running: Running) -> None:
    with httpx.Client() as client:
        answer = client.post(running.url, content=iter([b"one", b"two"]))
        assert answer.json()["body"] == "onetwo"
        assert client.get(running.url).status_code == 200


def test_a_request_says_more_than_the_pods_mood() -> None:
    of_pod = {"status": 503, "delay": 2, "unready": True, "answer": ["A: b"]}
    assert origin.mood_of("", of_pod)["status"] == 503
    mood = origin.mood_of("status=404&answer=C:%20d", of_pod)
    assert (mood["status"], mood["delay"], mood["unready"]) == (404, 2.0, True)
    assert mood["answer"] == ["A: b", "C: d"]


def test_a_pod_has_the_mood_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mood.json"
    monkeypatch.setattr(origin, "MOOD", file)
    assert origin.pods_mood() == {}
    file.write_text('{"status": 500}')
    assert origin.pods_mood() == {"status": 500}
    file.write_text('{"status"')
    assert origin.pods_mood() == {}
