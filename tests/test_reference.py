"""The reference manifests are the user's, byte for byte."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "fixtures" / "manifests" / "reference"

DIGESTS = {
    "authorizationpolicy.yaml": "2677a1b100560d1b5851dabefd52387869c1b6368b25e154b232421d0908659e",
    "ciliumclustermeshconfig.yaml": (
        "d30bf49cda29ad3523f28d175207ff59ad175f33fba1e8e89e0e3eee76ad80c3"
    ),
    "ciliumnetworkpolicy.yaml": "b49922eae1bb8ef45963e1a6f6a84ccc1732a4d6c737db16a5f52c6a17cc30e3",
    "gateway.yaml": "a9f12b3d88e4e2cfab47e728be6a4eb173d23fb66341999276fd2d62541c2449",
    "httproute.yaml": "92db725aa64abdb45bf96f8ab4accc60e28d8600a421555cc89aee6c72b0a33e",
    "virtualservice.yaml": "90b84ea5fc28f355161d549aea90b8b0bcdb349c4b621785c29d768386e7a65d",
}


def test_every_reference_manifest_is_as_it_was_given() -> None:
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in REFERENCE.iterdir()}
    assert digests == DIGESTS
