"""A kubeconfig whose credentials a program gives, as clouds' do: a long run outlives its tokens."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from clusters.api_server import ApiServer
from clusters.topology import Cluster, Consent

PLUGIN = """
import json, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = int(count.read_text()) + 1
count.write_text(str(number))
status = {"token": f"token-{number}", "expirationTimestamp": "2026-01-01T00:00:00Z"}
version = "client.authentication.k8s.io/v1"
print(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))
"""


ANSWER = {
    "gitVersion": "v1.36.4",
    "kind": "APIVersions",
    "versions": ["v1"],
    "groups": [],
    "resources": [],
}
"""To whatever is asked: its version, and that it serves nothing."""


@pytest.fixture
def tokens() -> Iterator[tuple[str, list[str]]]:
    """An API server that knows its version alone: where it is, and the tokens that came there."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.headers.get("Authorization", ""))
            body = json.dumps(ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()


def test_a_token_that_has_expired_is_asked_for_again(
    tmp_path: Path, tokens: tuple[str, list[str]]
) -> None:
    address, came = tokens
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "count").write_text("0")
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(tmp_path / "plugin.py"), str(tmp_path / "count")],
        "interactiveMode": "Never",
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": address}}],
                "users": [{"name": "u", "user": {"exec": plugin}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    consent = Consent(harness="h")
    server = ApiServer(Cluster(name="a", kubeconfig=kubeconfig, context="x", consent=consent))
    for _ in range(3):
        server.text("/version")
    server.close()
    assert all(each.startswith("Bearer token-") for each in came)
    assert len(set(came)) == len(came)
