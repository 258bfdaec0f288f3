"""Who a peer is by what it shows: its SPIFFE ID, its cluster's authority, the one root."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clusters.components import authority
from clusters.components.authority import Authority
from fixtures.history.certificates import Chain, Handshake
from fixtures.traffic.pod import handshake
from suites.multi_cloud.identity import are_themselves, known_as
from tests.histories import FAIL, PASS, exchanges

ACROSS = "spiffe://cluster.local/ns/plumbline-multi-cloud/sa/across"
AWS, AZURE = "aws-cluster", "azure-cluster"
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def leaf(issuer: Authority, *names: str, lasts: timedelta = HOUR) -> tuple[str, str]:
    """A certificate of these URIs and its key, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    above = x509.load_pem_x509_certificate(issuer.certificate.encode())
    signer = serialization.load_pem_private_key(issuer.key.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(above.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(minutes=1))
        .not_valid_after(datetime.now(UTC) + lasts)
    )
    if names:
        uris = [x509.UniformResourceIdentifier(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(uris), critical=True)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(pem).decode(), private.decode()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority.of_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another root."""
    return authority.of_lab(tmp_path_factory.mktemp("other"))


def loaded(root: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(root.certificate.encode())


def shown(root: Authority, own: Authority, *names: str, lasts: timedelta = HOUR) -> Handshake:
    return Handshake(chain=(leaf(own, *names, lasts=lasts)[0], own.certificate, root.certificate))


@dataclass(frozen=True)
class World:
    """The root, another one, and the authorities of two clusters."""

    root: Authority
    other: Authority
    aws: Authority
    azure: Authority

    def shown(self, own: Authority, *names: str, lasts: timedelta = HOUR) -> Handshake:
        """What a server of these names shows that an authority has signed."""
        return shown(self.root, own, *names, lasts=lasts)


TO_AWS = (AWS, AZURE)
Change = Callable[[World], dict[tuple[str, str], Handshake]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: {}, ""),
        (lambda w: {TO_AWS: w.shown(w.azure, f"{ACROSS}-x")}, "it is spiffe"),
        (lambda w: {TO_AWS: w.shown(w.azure)}, "it is nobody"),
        (lambda w: {TO_AWS: w.shown(w.azure, ACROSS, f"{ACROSS}-x")}, "it is spiffe"),
        (lambda w: {TO_AWS: shown(w.other, w.other.sign("x"), ACROSS)}, "does not lead"),
        (lambda w: {TO_AWS: w.shown(w.azure, ACROSS, lasts=2 * YEAR)}, "lasts longer"),
        (lambda w: {TO_AWS: w.shown(w.aws, ACROSS)}, "different authorities"),
        (lambda w: {(c, AZURE): w.shown(w.aws, ACROSS) for c in TO_AWS}, "have one authority"),
        (lambda w: {TO_AWS: w.shown(w.root, ACROSS)}, "no authority between"),
        (lambda _: {TO_AWS: Handshake(error="reset")}, "reset"),
        (lambda _: {TO_AWS: Handshake(chain=("nonsense",))}, "azure-cluster to aws-cluster"),
    ],
)
def test_each_server_is_itself_by_its_own_clusters_authority(
    root: Authority, other: Authority, change: Change, said: str
) -> None:
    world = World(root, other, root.sign(AWS), root.sign(AZURE))
    own = {AWS: world.aws, AZURE: world.azure}
    handshakes = {
        (client, server): world.shown(own[server], ACROSS) for client in own for server in own
    }
    verdict = are_themselves(handshakes | change(world), ACROSS, dict.fromkeys(own, loaded(root)))
    assert verdict.passed is (said == "")
    assert said in verdict.reason


def test_who_believes_in_another_root_does_not_believe(root: Authority, other: Authority) -> None:
    handshakes = {(AWS, AZURE): shown(root, root.sign("x"), ACROSS)}
    verdict = are_themselves(handshakes, ACROSS, {AWS: loaded(other)})
    assert "does not lead" in verdict.reason


XFCC = f'By={ACROSS};Hash=0a;Subject="";URI={{}}'


@pytest.mark.parametrize(
    ("header", "outcome"),
    [
        (XFCC.format(ACROSS), PASS),
        (XFCC.format(f"{ACROSS}-x"), FAIL),
        (f"By={ACROSS}", FAIL),
        ("", FAIL),
    ],
)
def test_a_client_is_known_by_what_its_proxy_says(header: str, outcome: object) -> None:
    arrived = {
        "method": "GET",
        "path": "/",
        "host": "h",
        "headers": {"x-forwarded-client-cert": header},
    }
    history = exchanges({"status": 200, "service": "across", "arrived": arrived})
    assert known_as(ACROSS, 1)(history).outcome is outcome


@contextmanager
def server(folder: Path, chain: str, key: str) -> Iterator[int]:
    """A TLS server of one connection; gives its port."""
    for name, content in (("chain", chain), ("key", key)):
        (folder / name).write_text(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain", folder / "key")
    context.set_alpn_protocols(["istio"])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_a_handshake_tells_all_that_a_server_shows(root: Authority, tmp_path: Path) -> None:
    own = root.sign(AWS)
    certificate, key = leaf(own, ACROSS)
    plan = {"address": "127.0.0.1", "alpn": ["istio"], "timeout": 5}
    with server(tmp_path, certificate + own.certificate, key) as port:
        said = Handshake.model_validate(handshake.shake({**plan, "port": port}))
    assert said.version == "TLSv1.3"
    assert said.cipher
    chain = Chain.parse(said.chain)
    assert chain.names == (ACROSS,)
    assert [each.strip() for each in said.chain] == [certificate.strip(), own.certificate.strip()]
    assert chain.leads_to(loaded(root))


def test_a_peer_without_tls_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            plain, _ = listener.accept()
            with plain:
                plain.recv(1_000)
                plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        address = {"address": "127.0.0.1", "port": listener.getsockname()[1]}
        said = handshake.shake({**address, "alpn": ["istio"], "timeout": 5})
        thread.join(10)
    assert "error" in said
