"""Tokens that a client may come with: one that is right, and others with one fault each.

Source: RFC 7519 (claims), RFC 8725 ("JSON Web Token Best Current Practices", sections 2 and 3).
They are signed with keys of one run. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from fixtures.checks import Check
from fixtures.checks.guard import each

RIGHT = "right"
OTHER_AUDIENCE = "of-another-audience"
ISSUER, AUDIENCE, GROUP = "https://issuer.example.com", "told", "testers"
OTHER_GROUP = "others"
KEY_ID = "plumbline"
HOUR = 3600
WRONG = (
    "expired", "not-yet-valid", "of-another-issuer", OTHER_AUDIENCE, "of-another-key", "unsigned",
    "keyed-by-the-public-key", "cut", "of-other-claims",
)  # fmt: skip
"""What may be wrong with a token."""
REFUSED, NOT_MEANT = 401, 403
WORDS = ("Jwt", "Jwks", "Audiences in Jwt")
"""What Envoy's own answers to a wrong token begin with (source/common/jwt/status.cc)."""


def new_key() -> RSAPrivateKey:
    """A key of an issuer."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(key: RSAPublicKey) -> str:
    """An issuer's public key as a JSON Web Key Set (RFC 7517)."""
    numbers = key.public_numbers()
    parts = {"n": _number(numbers.n), "e": _number(numbers.e)}
    return json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "kid": KEY_ID, **parts}]})


def right(key: RSAPrivateKey, now: int, group: str = GROUP) -> str:
    """A token that is right in every part."""
    return _signed(key, _claims(now, group=group))


def to_present(key: RSAPrivateKey, other: RSAPrivateKey, now: int) -> dict[str, str]:
    """The right one, and one for each fault, by the fault.

    Args:
        other: the key of nobody that is believed.
        now: seconds since 1970.
    """
    whole = right(key, now)
    header, claims, signature = whole.split(".")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    none = f"{_json({'alg': 'none', 'typ': 'JWT'})}.{claims}."
    by_public_key = f"{_json({'alg': 'HS256', 'typ': 'JWT', 'kid': KEY_ID})}.{claims}"
    mac = hmac.new(public, by_public_key.encode(), hashlib.sha256).digest()
    return {
        RIGHT: whole,
        "expired": _signed(key, _claims(now, iat=now - 2 * HOUR, exp=now - HOUR)),
        "not-yet-valid": _signed(key, _claims(now, nbf=now + HOUR, exp=now + 2 * HOUR)),
        "of-another-issuer": _signed(key, _claims(now, iss="https://other.example.com")),
        OTHER_AUDIENCE: _signed(key, _claims(now, aud="another")),
        "of-another-key": _signed(other, _claims(now)),
        "unsigned": none,
        "keyed-by-the-public-key": f"{by_public_key}.{_encoded(mac)}",
        "cut": f"{header}.{claims}",
        "of-other-claims": f"{header}.{_json(_claims(now, group=OTHER_GROUP))}.{signature}",
    }


def refused(status: int, minimum: int) -> Check:
    """Each request is refused with this status by the proxy, for its token."""
    return each(
        lambda e: e.status == status and not e.service and e.body.startswith(WORDS),
        f"refused with {status} for its token",
        minimum,
    )


def _claims(now: int, **other: Any) -> dict[str, Any]:
    own = {"iss": ISSUER, "sub": "somebody", "aud": AUDIENCE, "group": GROUP}
    return {**own, "iat": now, "exp": now + HOUR, **other}


def _signed(key: RSAPrivateKey, claims: Mapping[str, Any]) -> str:
    text = f"{_json({'alg': 'RS256', 'typ': 'JWT', 'kid': KEY_ID})}.{_json(claims)}"
    return f"{text}.{_encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _json(value: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
