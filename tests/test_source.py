"""Where images come from: the table of decisions, and that the reason is said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from clusters import versions
from clusters.errors import DoctorError, SettingsError
from clusters.home import Home
from clusters.images import builder, source
from clusters.images.mirrors import Mirrors, parse_mirrors
from clusters.images.pull import is_from_builder
from clusters.images.source import Mode, decide, mode_of_user
from clusters.progress import Progress
from clusters.versions import PublishedImage
from tests.engines import TableEngine

TRAIN = versions.load("2026-08")
UNPINNED = TRAIN.model_copy(
    update={"images": {n: PublishedImage(reference=i.reference) for n, i in TRAIN.images.items()}}
)
USERS = TableEngine()
PRIVATE = TableEngine(namespace=Path("/run/netns/plumbline"))


@pytest.mark.parametrize(
    ("mode", "engine", "mirror", "expected"),
    [
        ("pull", PRIVATE, "", ("pull", "IMAGES=pull")),
        ("forge", USERS, "m:5000", ("forge", "IMAGES=forge")),
        ("auto", USERS, "m:5000", ("pull", "MIRROR=m:5000")),
        ("auto", PRIVATE, "m:5000", ("pull", "MIRROR=m:5000")),
        ("auto", USERS, "quay.io=m:1", ("pull", "MIRROR=quay.io=m:1")),
        ("auto", PRIVATE, "", ("forge", "no way to a registry")),
        ("auto", None, "", ("forge", "no way to a registry")),
        ("auto", USERS, "", ("pull", "there is a table")),
    ],
)
def test_the_decision_and_its_reason(
    mode: Mode, engine: TableEngine | None, mirror: str, expected: tuple[str, str]
) -> None:
    decided, why = decide(mode, engine, parse_mirrors(mirror))
    assert decided == expected[0]
    assert expected[1] in why


@pytest.mark.parametrize(("said", "mode"), [("", "auto"), ("auto", "auto"), ("pull", "pull")])
def test_the_users_word_is_taken(monkeypatch: pytest.MonkeyPatch, said: str, mode: str) -> None:
    monkeypatch.setenv("IMAGES", said)
    assert mode_of_user() == mode


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES", "docker")
    with pytest.raises(SettingsError, match=r"IMAGES=auto, pull or forge\n.*IMAGES=docker"):
        mode_of_user()


@pytest.mark.parametrize("said", ["m:5000/all/", "m:5000/all", ""])
def test_the_users_mirror_is_taken(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("MIRROR", said)
    assert source.mirrors_of_user() == Mirrors(everything=said.rstrip("/"))


def test_a_mirror_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRROR", "https://m:5000")
    with pytest.raises(SettingsError, match="without https://"):
        source.mirrors_of_user()


def pulled(tmp_path: Path, engine: TableEngine, mirror: str) -> str:
    """Why the echo image was pulled."""
    progress = Progress(tmp_path / "estimates.json", Console(file=io.StringIO()))
    home, sites = Home(tmp_path), parse_mirrors(mirror)
    _, why = source.ensure_images(home, engine, UNPINNED, progress, ["echo"], mirrors=sites)
    return why


def test_a_private_engine_can_only_pull_from_within(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMAGES", "pull")
    private, users = TableEngine(namespace=PRIVATE.namespace), TableEngine()
    for mirror in ("m:5000", "", "docker.io=127.0.0.1:5000/hub"):
        with pytest.raises(DoctorError, match=f"reaches nothing outside, and MIRROR={mirror}\n"):
            pulled(tmp_path, private, mirror)
        assert pulled(tmp_path, users, mirror) == "pull, because IMAGES=pull"
    assert private.calls == []
    assert pulled(tmp_path, private, "127.0.0.1:5000") == "pull, because IMAGES=pull"


def test_a_built_image_is_known_by_its_label() -> None:
    labels = {"built": {builder.LABEL: "0"}, "other": {"a": "b"}, "bare": None}
    things = {("image", name): {"Config": {"Labels": each}} for name, each in labels.items()}
    engine = TableEngine(things=things)
    assert [n for n in (*labels, "missing") if is_from_builder(engine, n)] == ["built"]
