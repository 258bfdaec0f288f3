"""Certificates of a backend that a Gateway speaks TLS to: one that is right, and others with one
fault each. They are of one run. Pure.

Sources: Gateway API, "BackendTLSPolicy" (the certificate must be of the policy's hostname, and be
signed by its authority); RFC 9525, 6.3 and 6.4 (a wildcard is of one label; a common name is no
name); RFC 5280, 4.1.2.5 and 4.2.1.12 (validity, extended key usage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from clusters.components.authority import Authority, new_root
from fixtures.traffic.sealed import Own

HOST = "sealed.example.com"
"""The name that the practice's policy believes."""
RIGHT = "right"
OF_OTHER_NAMES, COMMON_NAME = "of-other-names", "in-its-common-name"
OF_ANOTHER_AUTHORITY, EXPIRED = "of-another-authority", "expired"
WRONG = (OF_OTHER_NAMES, COMMON_NAME, OF_ANOTHER_AUTHORITY, EXPIRED)
OTHER_BY_HOSTNAME = "other-by-hostname"
"""Of other names, too, under a policy that names a hostname and nothing else."""
NEAR_MISSES = (
    "example.com",
    "sealed.example.org",
    "sealed.example.com.example.org",
    "www.sealed.example.com",
    "unsealed.example.com",
    "sealed-example.com",
    "*.sealed.example.com",
    "*.com",
)
"""Names of which none is HOST, and each nearly."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Wanted:
    """What a certificate is to say."""

    names: Sequence[str] = (HOST,)
    subject: str = ""
    begins: timedelta = -HOUR
    ends: timedelta = HOUR
    usage: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH


def to_show(authority: Authority) -> dict[str, Own]:
    """The right one, and one for each fault, by the fault. The other authority has the name of the
    right one."""
    wanted, of_its_name = Wanted(), new_root(_common_name(authority))
    faults = {
        RIGHT: wanted,
        OF_OTHER_NAMES: replace(wanted, names=NEAR_MISSES),
        OTHER_BY_HOSTNAME: replace(wanted, names=NEAR_MISSES),
        COMMON_NAME: replace(wanted, names=(), subject=HOST),
        EXPIRED: replace(wanted, begins=-2 * HOUR, ends=-HOUR),
    }
    shown = {name: _signed(authority, fault) for name, fault in faults.items()}
    return {**shown, OF_ANOTHER_AUTHORITY: _signed(of_its_name, wanted)}


def _common_name(authority: Authority) -> str:
    subject = authority.loaded.subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _signed(authority: Authority, wanted: Wanted) -> Own:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    common = [x509.NameAttribute(NameOID.COMMON_NAME, wanted.subject)] if wanted.subject else []
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(common))
        .issuer_name(authority.loaded.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + wanted.begins)
        .not_valid_after(now + wanted.ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([wanted.usage]), critical=False)
    )
    if wanted.names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in wanted.names])
        builder = builder.add_extension(names, critical=not common)
    return Own.of(builder.sign(authority.signer, hashes.SHA256()), key)
