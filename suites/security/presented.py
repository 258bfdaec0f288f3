"""Certificates that a client may come with: one that is right, and others with one fault each.

They are made with the key of the authority that the cluster's istiod signs with, which a lab holds.
What a proxy must make of each is the sentence of MT4. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from clusters.components.authority import Authority, new_root

RIGHT = "right"
NAME = "spiffe://cluster.local/ns/plumbline-security/sa/minted"
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Presented:
    """A certificate with those of its authorities, and its key, in PEM; neither for none at all."""

    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class Wanted:
    """What a certificate is to say."""

    names: Sequence[x509.GeneralName] = (x509.UniformResourceIdentifier(NAME),)
    begins: timedelta = -HOUR
    ends: timedelta = HOUR
    usages: Sequence[ObjectIdentifier] = field(default=(CLIENT, SERVER))


def to_present(authority: Authority, root: x509.Certificate) -> dict[str, Presented]:
    """The right one, and one for each fault, by the fault."""
    wanted, another = Wanted(), new_root("another one")
    other_domain = x509.UniformResourceIdentifier(NAME.replace("cluster.local", "example.com"))
    in_root = _in_pem(root)
    faults = {
        "expired": replace(wanted, begins=-2 * HOUR, ends=-HOUR),
        "not-yet-valid": replace(wanted, begins=HOUR, ends=2 * HOUR),
        "of-another-trust-domain": replace(wanted, names=(other_domain,)),
        "without-a-spiffe-name": replace(wanted, names=(x509.DNSName("minted.example.com"),)),
        "not-for-clients": replace(wanted, usages=(SERVER,)),
    }
    own = {name: mint(authority, fault, in_root) for name, fault in faults.items()}
    return {
        RIGHT: right(authority, root),
        "none": Presented(),
        "of-another-authority": mint(another, wanted, another.certificate),
        **own,
    }


def right(authority: Authority, root: x509.Certificate) -> Presented:
    """One that is as it should be."""
    return mint(authority, Wanted(), _in_pem(root))


def named(authority: Authority, root: x509.Certificate, name: str) -> Presented:
    """One that is right, of this SPIFFE ID."""
    return mint(authority, Wanted((x509.UniformResourceIdentifier(name),)), _in_pem(root))


def mint(authority: Authority, wanted: Wanted, above: str) -> Presented:
    """A certificate that an authority signs, with the authority's own and what is above it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now, pem = datetime.now(UTC), serialization.Encoding.PEM
    issuer = authority.loaded
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + wanted.begins)
        .not_valid_after(now + wanted.ends)
        .add_extension(x509.SubjectAlternativeName(wanted.names), critical=True)
        .add_extension(x509.ExtendedKeyUsage(wanted.usages), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority.signer, hashes.SHA256())
    )
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own = certificate.public_bytes(pem).decode()
    return Presented(own + authority.certificate + above, private.decode())


def _in_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
