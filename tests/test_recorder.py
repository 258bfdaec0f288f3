"""The recorder, as a process of its own and over real connections."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import recorder

SPAN = {"traceId": "a" * 32, "id": "b" * 16, "kind": "SERVER", "tags": {"http.url": "/?nonce=n_"}}


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, str(Path(recorder.__file__)), str(port)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        assert client.get(url).status_code == 200
    yield process, url
    process.kill()
    process.communicate()


def test_each_span_is_written_down_as_it_came(
    running: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = running
    other = {**SPAN, "id": "c" * 16, "parentId": SPAN["id"]}
    with httpx.Client() as client:
        assert client.post(f"{url}/api/v2/spans", json=[SPAN, other]).status_code == 202
        assert client.post(f"{url}/api/v2/spans", json=[]).status_code == 202
        for wrong in (b"", b"{}", b"[1]", b"[{]", b"\xff"):
            assert client.post(url, content=wrong).status_code == 400
        parts = (json.dumps([SPAN])[at : at + 9].encode() for at in range(0, 200, 9))
        assert client.post(url, content=parts).status_code == 202  # in chunks, as Envoy does
    process.terminate()
    out, _ = process.communicate(timeout=10)
    assert [json.loads(line) for line in out.splitlines()] == [SPAN, other, SPAN]
    assert process.returncode == 0
