"""An authority of one run, the certificate of all its servers, and the key to the guest.

Made anew for every run and kept in its folder; nobody but that run's guest trusts them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

LIFE = datetime.timedelta(days=2)


def certify(names: Iterable[str], folder: Path) -> None:
    """Write ca.crt, and server.crt and server.key for these names, into a folder."""
    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Plumbline's guest, one run")])
    now = datetime.datetime.now(datetime.UTC)

    def draft(key: ec.EllipticCurvePrivateKey, subject: x509.Name) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(issuer, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)  # the guest's clock may be behind
            .not_valid_after(now + LIFE)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
                critical=False,
            )
        )

    signs = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = (
        draft(authority, issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
        .sign(authority, hashes.SHA256())
    )
    served = (
        draft(server, x509.Name([]))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(root.public_bytes(pem))
    (folder / "server.crt").write_bytes(served.public_bytes(pem))
    _write(
        folder / "server.key",
        server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def key(path: Path) -> str:
    """Write a private key for ssh; the result is its public half, as in authorized_keys."""
    private = ed25519.Ed25519PrivateKey.generate()
    openssh = serialization.PrivateFormat.OpenSSH
    _write(
        path,
        private.private_bytes(serialization.Encoding.PEM, openssh, serialization.NoEncryption()),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return public.decode()


def _write(path: Path, secret: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(secret)
