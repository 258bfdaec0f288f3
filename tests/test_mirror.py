"""From where a site's registry is reached. test_pull_real.py fills real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.images.mirror import Mirror
from tests.engines import TableEngine

USERS, PRIVATE = TableEngine(), TableEngine(namespace=Path("/run/netns/plumbline"))
INSIDE = ["nsenter", "--net=/run/netns/plumbline", "--"]


@pytest.mark.parametrize(
    ("engine", "address", "way"),
    [
        (PRIVATE, "127.0.0.1:5000", INSIDE),
        (PRIVATE, "localhost:5000/all", INSIDE),
        (PRIVATE, "[::1]:5000", INSIDE),
        (PRIVATE, "registry.example:5000", []),
        (PRIVATE, "localhost.example", []),
        (PRIVATE, "10.127.0.1:5000", []),
        (USERS, "127.0.0.1:5000", []),
    ],
)
def test_a_loopback_address_is_the_private_engines_own(
    engine: TableEngine, address: str, way: list[str]
) -> None:
    assert Mirror(address, engine, Path("crane"))._way() == way
