"""A web server on loopback, for tests of what is fetched: files by path, and what was asked."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Served:
    """What a server gives out, where, and every path that it was asked for."""

    url: str
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(files: dict[str, bytes], certificate: Path | None = None) -> Iterator[Served]:
    """A server for as long as the block lasts; what it has not got it answers with 404.

    A value of `->` and a path redirects there. As a proxy it is asked for whole URLs.
    """
    served = Served("", files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            body = files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            moved = body.startswith(b"->")
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("Location", body[2:].decode())
            self.send_header("Content-Length", str(0 if moved else len(body)))
            self.end_headers()
            self.wfile.write(b"" if moved else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        served.url = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def self_signed(path: Path, host: str = "127.0.0.1") -> Path:
    """A certificate of an address with its key in one file; who is not told to trusts it not."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plumbline test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return path
