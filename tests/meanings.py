"""The reference's documents changed, for the tests of what documents mean."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch

from fixtures import manifests

DOCUMENTS = manifests.load().documents


def patched(stem: str, *operations: tuple[str, str, Any]) -> Mapping[str, Any]:
    """The reference's document of that stem, changed: an operation, a place and a value."""
    patch = [{"op": op, "path": path, "value": value} for op, path, value in operations]
    document: Mapping[str, Any] = jsonpatch.apply_patch(copy.deepcopy(DOCUMENTS[stem]), patch)
    return document
