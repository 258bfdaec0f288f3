"""The lab's certificate authority: a root that all clusters share, and what it signs.

ClusterMesh takes the root itself, each cluster's istiod an intermediate of its own. It makes and
keeps keys for the user alone, and installs nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clusters import files

FILE = "mesh-ca.json"
VALID = timedelta(days=365)
RENEWED = timedelta(days=30)  # before its end: a lab that is made today is to outlive a month
EARLIER = timedelta(hours=1)  # that a certificate begins, as clocks differ


@dataclass(frozen=True)
class Authority:
    """A certificate that may sign others, and its key, both in PEM."""

    certificate: str
    key: str

    @property
    def encoded(self) -> dict[str, str]:
        """`cert` and `key` in base64, as Cilium's chart wants them and the file has them."""
        both = {"cert": self.certificate, "key": self.key}
        return {name: base64.b64encode(pem.encode()).decode() for name, pem in both.items()}

    @property
    def loaded(self) -> x509.Certificate:
        """Its certificate, to be looked into."""
        return _loaded(self.certificate)

    @property
    def signer(self) -> ec.EllipticCurvePrivateKey:
        """Its key, to sign with."""
        key = serialization.load_pem_private_key(self.key.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("an authority's key is of an elliptic curve")
        return key

    def sign(self, name: str) -> Authority:
        """An intermediate of that name: it signs leaves and no more authorities."""
        return _new(name, issuer=self)

    def signed(self, certificate: str) -> bool:
        """Whether a certificate in PEM is one that this authority signed and that will last."""
        try:
            read = _loaded(certificate)
        except ValueError:
            return False
        return is_issued(read, by=self.loaded) and _lasts(read)


def of_lab(folder: Path) -> Authority:
    """The root that all clusters of a lab share: made once, kept for the user only.

    Made anew when the one that is kept was cut short or soon ends. Certificates that the former
    signed are of no use then, so clusters that have them are made anew as well: a bring-up keeps
    none whose kubeconfig is gone.

    Raises:
        PlaceError: it cannot be kept.
    """
    file = folder / FILE
    kept = _load(file)
    if kept is None:
        for former in folder.glob("*.kubeconfig"):
            former.unlink()
        kept = new_root("plumbline")
        files.write(file, json.dumps(kept.encoded), mode=0o600)
    return kept


def is_issued(certificate: x509.Certificate, *, by: x509.Certificate) -> bool:
    """Whether an authority signed a certificate, and is whom it names as its issuer."""
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def new_root(name: str) -> Authority:
    """A root of that name, which is kept nowhere."""
    return _new(name)


def _load(file: Path) -> Authority | None:
    """The authority in a file, if it is whole and will last."""
    try:
        kept = json.loads(file.read_bytes())
        certificate, pem = (base64.b64decode(kept[name]).decode() for name in ("cert", "key"))
        key = serialization.load_pem_private_key(pem.encode(), None)
        loaded = _loaded(certificate)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_whole = loaded.public_key() == key.public_key()
    return Authority(certificate, pem) if is_whole and _lasts(loaded) else None


def _loaded(certificate: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.encode())


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) > RENEWED


def _new(name: str, issuer: Authority | None = None) -> Authority:
    """An authority with a new key: a root, or an intermediate that ends when its issuer does."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signer, above, ends = key, subject, now + VALID
    if issuer:
        signer = issuer.signer
        above = issuer.loaded.subject
        ends = issuer.loaded.not_valid_after_utc
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(ends)
        .add_extension(
            x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, key_encipherment=False,
                content_commitment=False, data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return Authority(certificate.public_bytes(pem).decode(), private.decode())
