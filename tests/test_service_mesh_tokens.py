"""Tokens with one fault each, and headers as they arrive."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from fixtures.manifests import load
from suites.service_mesh.filled import with_keys
from suites.service_mesh.headers import is_value
from suites.service_mesh.tokens import (
    AUDIENCE,
    ISSUER,
    OTHER_GROUP,
    RIGHT,
    WRONG,
    key_set,
    new_key,
    refused,
    right,
    to_present,
)
from tests.histories import Answer, exchanges

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return new_key()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def is_signed(key: RSAPrivateKey, token: str) -> bool:
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    try:
        key.public_key().verify(raw, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def test_each_token_has_its_one_fault(key: RSAPrivateKey) -> None:
    presented = to_present(key, new_key(), NOW)
    assert set(presented) == {RIGHT, *WRONG}
    for name, token in presented.items():
        claims = decoded(token.split(".")[1])
        faults = {
            "expired": claims["exp"] < NOW,
            "not-yet-valid": claims.get("nbf", 0) > NOW,
            "of-another-issuer": claims["iss"] != ISSUER,
            "of-another-audience": claims["aud"] != AUDIENCE,
        }
        assert [fault for fault, has in faults.items() if has] == [f for f in faults if f == name]
        unsigned = {
            "of-another-key", "unsigned", "keyed-by-the-public-key", "cut", "of-other-claims",
        }  # fmt: skip
        assert is_signed(key, token) == (name not in unsigned)
    assert decoded(presented["unsigned"].split(".")[0])["alg"] == "none"
    assert decoded(right(key, NOW, OTHER_GROUP).split(".")[1])["group"] == OTHER_GROUP


def test_a_key_set_holds_the_public_key(key: RSAPrivateKey) -> None:
    (own,) = json.loads(key_set(key.public_key()))["keys"]
    raw = base64.urlsafe_b64decode(own["n"] + "=" * (-len(own["n"]) % 4))
    assert int.from_bytes(raw) == key.public_key().public_numbers().n
    assert "d" not in own


def test_keys_are_filled_in() -> None:
    manifest = load().given("requestauthentication")
    filled = with_keys(manifest, "some")
    assert [rule["jwks"] for rule in filled.document["spec"]["jwtRules"]] == ["some"]
    assert "jwks" not in manifest.document["spec"]["jwtRules"][0]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"status": 401, "body": "Jwt is expired"}, "pass"),
        ({"status": 403, "body": "Jwt is expired"}, "fail"),
        ({"status": 401, "service": "origin"}, "fail"),
        ({"status": 200, "service": "origin"}, "fail"),
    ],
)
def test_a_refusal_is_the_proxys(answer: Answer, outcome: str) -> None:
    assert refused(401, 1)(exchanges(answer)).outcome == outcome


def test_a_header_arrives_with_its_value() -> None:
    def arrived(**headers: str) -> Answer:
        return {"status": 200, "service": "told", "arrived": {"headers": headers}}

    assert is_value("b3", "1")(exchanges(arrived(b3="1"))).outcome == "pass"
    assert is_value("b3", "")(exchanges(arrived())).outcome == "pass"
    assert is_value("b3", "1")(exchanges(arrived(b3="1, 1"))).outcome == "fail"
    assert is_value("b3", "")(exchanges(arrived(b3="1"))).outcome == "fail"
    assert is_value("b3", "")(exchanges({"status": 403})).outcome == "fail"
