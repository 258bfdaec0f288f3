"""What istiod is asked to sign, by whom, and with what proof: one request is right, others are not.

The service is istio.v1.auth.IstioCertificateService (istio.io/api, security/v1alpha1/ca.proto).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from fixtures.lab import convergence, tokens
from fixtures.traffic import protobuf
from fixtures.traffic.grpc import Call, Reply, converse
from suites.security.asking import Asker
from suites.security.signed import (
    ALTERED,
    BY_HEADER,
    FOR_ANOTHER,
    HOLDER,
    IMPERSONATING,
    IN_HEADER,
    IN_REQUEST,
    LIFETIME,
    NO_TOKEN,
    REVOKED,
    TOO_LONG,
)
from suites.security.subject import STRICT

METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate"
CSR, VALIDITY, METADATA = 1, 3, 4
"""Fields of IstioCertificateRequest."""
IMPERSONATED = "ImpersonatedIdentity"
BEYOND = 91 * 24 * 3600
"""Seconds: a day more than istiod grants by itself (MAX_WORKLOAD_CERT_TTL, 90 days)."""


def ask_to_sign(asker: Asker) -> dict[str, Reply]:
    """Ask for certificates, over one connection; what came of each request, by its name.

    Raises:
        CommandError: the program could not be started.
        RefusedError: the API server made no token.
    """
    with _revoked(asker) as revoked:
        calls = _calls(asker, revoked)
    # As proxies do; without it istiod knows of no node that who asks could be a proxy of.
    cluster = {"clusterid": asker.space.kube.cluster.name}
    calls = {n: replace(c, metadata={**cluster, **c.metadata}) for n, c in calls.items()}
    (replies,) = converse(asker.client, [asker.by_tls(list(calls.values()))])
    return dict(zip(calls, replies.replies, strict=True))


def _calls(asker: Asker, revoked: SecretStr) -> Mapping[str, Call]:
    own, victim = request(asker.own), request(asker.victim)
    token = asker.token
    header = {"x-forwarded-client-cert": f"By=spiffe://x;URI={asker.victim}"}
    impersonating = protobuf.encode({1: protobuf.encode({1: IMPERSONATED, 2: _text(asker.victim)})})
    elsewhere = tokens.token(asker.space.kube, asker.space.namespace, "default", audience="")
    return {
        HOLDER: Call(METHOD, [_message(own)], bearer=token),
        IN_REQUEST: Call(METHOD, [_message(victim)], bearer=token),
        IN_HEADER: Call(METHOD, [_message(victim)], header, token),
        IMPERSONATING: Call(METHOD, [_message(victim, metadata=impersonating)], bearer=token),
        TOO_LONG: Call(METHOD, [_message(own, BEYOND)], bearer=token),
        NO_TOKEN: Call(METHOD, [_message(own)]),
        BY_HEADER: Call(METHOD, [_message(victim)], header),
        FOR_ANOTHER: Call(METHOD, [_message(own)], bearer=elsewhere),
        ALTERED: Call(METHOD, [_message(victim)], bearer=altered(token, STRICT)),
        REVOKED: Call(METHOD, [_message(own)], bearer=revoked),
    }


def request(name: str) -> str:
    """A request for a certificate of this SPIFFE ID, in PEM, by a key that nobody keeps."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.add_extension(names, critical=True).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def altered(token: SecretStr, account: str) -> SecretStr:
    """A token that says to be another account's of its namespace, under its own signature."""
    head, payload, signature = token.get_secret_value().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    former = claims["sub"]
    claims["sub"] = f"{former.rpartition(':')[0]}:{account}"
    claims.get("kubernetes.io", {}).get("serviceaccount", {})["name"] = account
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return SecretStr(f"{head}.{changed}.{signature}")


@contextmanager
def _revoked(asker: Asker) -> Iterator[SecretStr]:
    """A token that is good until the block ends: it is bound to a Secret that is there so long."""
    name = f"plumbline-{convergence.generation()}"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    stored = asker.space.apply(secret)
    try:
        namespace = asker.space.namespace
        yield tokens.token(
            asker.space.kube, namespace, "default", bound={**stored, "kind": "Secret"}
        )
    finally:
        asker.space.kube.delete(secret, asker.space.namespace)


def _message(csr: str, seconds: int = LIFETIME, metadata: bytes = b"") -> bytes:
    more: protobuf.Fields = {METADATA: metadata} if metadata else {}
    return protobuf.encode({CSR: csr, VALIDITY: seconds, **more})


def _text(value: str) -> bytes:
    """A google.protobuf.Value that is a text."""
    return protobuf.encode({3: value})
