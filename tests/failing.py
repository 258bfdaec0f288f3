"""A registry that fails, over real HTTP: one failure, and a real registry behind it.

It has no image of its own.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.served import self_signed

REQUEST_HEADERS = ("Accept", "Range")
PIECES = 12
RESPONSE_HEADERS = ("Content-Type", "Docker-Content-Digest")


@dataclass
class Failing:
    """What it does, and what it was asked.

    Attributes:
        at: requests with this in their path meet the failure.
        status, code: what is answered, and the error's code (OCI distribution specification).
        delay: seconds until then.
        times: how many requests it meets; all that come after are handed on.
        behind: the address of the registry that they are handed to.
        pause: seconds between the twelve pieces in which what is handed on comes.
    """

    at: str = "/manifests/"
    status: int = 404
    code: str = "MANIFEST_UNKNOWN"
    delay: float = 0
    times: int = 1000
    behind: str = ""
    pause: float = 0
    address: str = ""
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def fails(self, path: str) -> bool:
        self.asked.append(path)
        return self.at in path and sum(self.at in each for each in self.asked) <= self.times


@contextlib.contextmanager
def registry(
    failing: Failing, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Failing]:
    """It serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if failing.fails(self.path):
                failing.over.wait(failing.delay)
                if failing.status != 200:
                    self._answer(failing.status, _error(failing.code), self._challenge())
                    return
            if failing.behind and self.path != "/v2/":
                self._hand_on()
            else:
                self._answer(200, b"{}", {})

        do_HEAD = do_GET  # noqa: N815

        def _challenge(self) -> dict[str, str]:
            return {"WWW-Authenticate": 'Basic realm="site"'} if failing.status == 401 else {}

        def _hand_on(self) -> None:
            sent = {name: self.headers[name] for name in REQUEST_HEADERS if name in self.headers}
            url = f"http://{failing.behind}{self.path}"
            response = httpx.request(self.command, url, headers=sent)
            headers = {
                name: response.headers[name]
                for name in RESPONSE_HEADERS
                if name in response.headers
            }
            length = response.headers.get("Content-Length", "0")
            self._answer(
                response.status_code, response.content, {**headers, "Content-Length": length}
            )

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            kind = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**kind, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            size = len(body) // PIECES + 1
            for at in range(0, 0 if self.command == "HEAD" else len(body), size):
                self.wfile.write(body[at : at + size])
                failing.over.wait(failing.pause if len(body) > PIECES * 1024 else 0)

        def send_error(self, *_: object) -> None:
            """As a server without TLS answers who speaks it: Docker's fallback knows it by that."""
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Who asked has hung up, or spoke TLS to one that has none: each is meant."""

    with Server((host, 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        failing.address = f"{host}:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield failing
        finally:
            failing.over.set()
            server.shutdown()
            serving.join()


def certificate(host: str, folder: Path) -> tuple[Path, ssl.SSLContext]:
    """One that nobody vouches for, and a server's context with it."""
    whole, public = self_signed(folder / "server.pem", host), folder / "ca.crt"
    loaded = x509.load_pem_x509_certificate(whole.read_bytes())
    public.write_bytes(loaded.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    return public, context


def _error(code: str) -> bytes:
    return f'{{"errors":[{{"code":"{code}","message":"as it was told to"}}]}}'.encode()
