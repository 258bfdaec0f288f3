"""Proxies in the environment: what talks to the clusters asks none, whatever they are set to.

The API server is a plain HTTP server of the test's own on loopback; the proxies are named as a
VPN leaves them, at a port where nobody answers.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from clusters import process
from clusters.errors import CommandError
from clusters.kube import Kube
from clusters.remote import Container
from clusters.topology import Cluster

DEAD = "http://127.0.0.1:9"
OUTSIDE = "localhost,127.0.0.1,198.18.0.0/15,.svc,.cluster.local"
ENVIRONMENTS = {
    "none": {},
    "https": {"HTTPS_PROXY": DEAD, "https_proxy": DEAD, "HTTP_PROXY": DEAD, "http_proxy": DEAD},
    "socks": {"ALL_PROXY": "socks5h://127.0.0.1:9", "all_proxy": "socks5h://127.0.0.1:9"},
    "no_proxy": {"HTTPS_PROXY": DEAD, "HTTP_PROXY": DEAD, "NO_PROXY": OUTSIDE},
    "another no_proxy": {"HTTPS_PROXY": DEAD, "HTTP_PROXY": DEAD, "NO_PROXY": "example.com"},
    "malformed": {"HTTPS_PROXY": "nonsense://", "HTTP_PROXY": "nonsense://"},
}


@pytest.fixture(params=ENVIRONMENTS)
def proxies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with these variables for proxies and no others."""
    for name in process.PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    variables: dict[str, str] = ENVIRONMENTS[request.param]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


class _Api(BaseHTTPRequestHandler):
    """So much of an API server that one pod's log can be read, and an exec is refused."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        answers = {
            "/version": {"major": "1", "minor": "36"},
            "/apis": {"kind": "APIGroupList", "groups": []},
            "/api/v1/namespaces/n/pods/p/log": "told",
        }
        answer = answers.get(self.path)
        body = answer if isinstance(answer, str) else json.dumps(answer or {"message": "none"})
        self.send_response(200 if answer else 404)
        self.send_header(
            "Content-Type", "text/plain" if isinstance(answer, str) else "application/json"
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def asked() -> list[str]:
    """The paths that the API server was asked for."""
    return []


@pytest.fixture
def kube(tmp_path: Path, asked: list[str]) -> Iterator[Kube]:
    handler = type("Api", (_Api,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Kube(described(tmp_path, f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()


def described(folder: Path, host: str) -> Cluster:
    """A cluster whose kubeconfig names that server."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": host}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "a folder" / "c.kubeconfig"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return Cluster(name="c", kubeconfig=path, context="x")


def test_the_api_server_is_asked_by_no_proxy(
    proxies: dict[str, str], kube: Kube, asked: list[str]
) -> None:
    assert kube.logs("n", "p") == "told"
    assert "/api/v1/namespaces/n/pods/p/log" in asked, "a proxy would see the whole URL"


def test_an_exec_is_asked_by_no_proxy(
    proxies: dict[str, str], kube: Kube, asked: list[str]
) -> None:
    with pytest.raises(CommandError, match="404"):
        kube.exec(Container("n", "p", "c"), ["true"])
    (path,) = asked
    assert path.startswith("/api/v1/namespaces/n/pods/p/exec?")


def test_a_program_for_the_clusters_is_given_none(proxies: dict[str, str]) -> None:
    said = process.run(["sh", "-c", "env | grep -i '^[a-z]*_proxy=' | sort"], direct=True)
    assert said.split() == ["NO_PROXY=*", "no_proxy=*"]


def test_a_program_for_the_outside_is_given_them(proxies: dict[str, str]) -> None:
    said = process.run(["sh", "-c", "env | grep -i '^[a-z]*_proxy=' || true"])
    assert dict(line.split("=", 1) for line in said.splitlines()) == proxies
