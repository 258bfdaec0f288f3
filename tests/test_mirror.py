"""From where a site's registry is reached. test_pull_real.py fills real ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from clusters import versions
from clusters.images.mirror import Mirror, fill
from clusters.progress import Progress
from clusters.versions import PublishedImage
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
    assert Mirror(address, Path("crane"), engine)._way() == way


def test_no_engine_is_needed_where_nothing_is_pushed() -> None:
    assert Mirror("127.0.0.1:5000", Path("crane"))._way() == []


def test_an_image_that_two_trains_name_is_brought_once(tmp_path: Path) -> None:
    one, two = (versions.load(name) for name in versions.names())
    pin = f"sha256:{'a' * 64}"
    echo = PublishedImage(reference=two.reference("echo"), digest=pin)
    two = two.model_copy(update={"images": {**two.images, "echo": echo}})
    pairs: list[tuple[str, str]] = []

    def bring(published: str, pinned: str) -> bool:
        pairs.append((published, pinned))
        return "cilium" in published

    progress = Progress(tmp_path / "e", Console(file=io.StringIO()))
    brought = fill([one, two], progress, bring)
    names = {train.reference(name) for train in (one, two) for name in train.images}
    assert {published for published, _ in pairs} == names
    assert len(pairs) == len(names)
    assert (two.reference("echo"), pin) in pairs
    assert set(brought) == {name for name in names if "cilium" in name}
