"""Where images come from: the table of decisions, and that the reason is said."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from clusters import versions
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.images import forge, source
from clusters.images.source import Mode, decide, is_forged, mode_of_user
from clusters.progress import Progress
from tests.engines import TableEngine

TRAIN = versions.load("2026-08")
REGISTRIES = {"docker.io", "quay.io", "registry.k8s.io"}
USERS = TableEngine()
PRIVATE = TableEngine(namespace=Path("/run/netns/plumbline"))

Ask = Callable[[str], bool]


def never(registry: str) -> bool:
    pytest.fail(f"{registry} was asked, though it does not matter")


@pytest.mark.parametrize(
    ("mode", "engine", "mirror", "ask", "expected"),
    [
        ("pull", PRIVATE, "", never, ("pull", "IMAGES=pull")),
        ("forge", USERS, "m:5000", never, ("forge", "IMAGES=forge")),
        ("auto", USERS, "m:5000", never, ("pull", "MIRROR=m:5000")),
        ("auto", PRIVATE, "m:5000", never, ("pull", "MIRROR=m:5000")),
        ("auto", PRIVATE, "", never, ("forge", "no way to a registry")),
        ("auto", USERS, "", lambda _: True, ("pull", "every registry answers")),
        ("auto", USERS, "", lambda _: False, ("forge", "docker.io does not answer")),
        ("auto", USERS, "", lambda r: r != "quay.io", ("forge", "quay.io does not answer")),
    ],
)
def test_the_decision_and_its_reason(
    mode: Mode, engine: TableEngine, mirror: str, ask: Ask, expected: tuple[str, str]
) -> None:
    decided, why = decide(mode, engine, TRAIN, mirror, ask)
    assert decided == expected[0]
    assert expected[1] in why


def test_every_registry_of_the_train_is_asked_once() -> None:
    asked: list[str] = []

    def ask(registry: str) -> bool:
        asked.append(registry)
        return True

    decide("auto", USERS, TRAIN, "", ask)
    assert sorted(asked) == sorted(REGISTRIES)


@pytest.mark.parametrize(("said", "mode"), [("", "auto"), ("auto", "auto"), ("pull", "pull")])
def test_the_users_word_is_taken(monkeypatch: pytest.MonkeyPatch, said: str, mode: str) -> None:
    monkeypatch.setenv("IMAGES", said)
    assert mode_of_user() == mode


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES", "docker")
    with pytest.raises(DoctorError, match=r"IMAGES=auto, pull or forge\n.*IMAGES=docker"):
        mode_of_user()


@pytest.mark.parametrize(
    ("status", "answers"), [(200, True), (401, True), (403, False), (503, False), (0, False)]
)
def test_a_registry_answers_with_or_without_leave(
    monkeypatch: pytest.MonkeyPatch, status: int, answers: bool
) -> None:
    def get(url: str, timeout: float) -> httpx.Response:
        assert url == "https://registry-1.docker.io/v2/"
        assert timeout < 10
        if not status:
            raise httpx.ConnectError("no route")
        return httpx.Response(status)

    monkeypatch.setattr(httpx, "get", get)
    assert source.answers("docker.io") is answers


@pytest.mark.parametrize("said", ["m:5000/all/", "m:5000/all", ""])
def test_the_users_mirror_is_taken(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("MIRROR", said)
    assert source.mirror_of_user() == said.rstrip("/")


def test_a_mirror_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRROR", "https://m:5000")
    with pytest.raises(DoctorError, match="without https://"):
        source.mirror_of_user()


def pulled(tmp_path: Path, engine: TableEngine, mirror: str) -> str:
    """Why the echo image was pulled."""
    progress = Progress(tmp_path / "estimates.json", Console(file=io.StringIO()))
    _, why = source.ensure_images(Home(tmp_path), engine, TRAIN, progress, ["echo"], mirror=mirror)
    return why


def test_a_private_engine_can_only_pull_from_within(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMAGES", "pull")
    private, users = TableEngine(namespace=PRIVATE.namespace), TableEngine()
    for mirror in ("m:5000", ""):
        with pytest.raises(DoctorError, match=f"reaches nothing outside, and MIRROR={mirror}\n"):
            pulled(tmp_path, private, mirror)
        assert pulled(tmp_path, users, mirror) == "pull, because IMAGES=pull"
    assert private.calls == []
    assert pulled(tmp_path, private, "127.0.0.1:5000") == "pull, because IMAGES=pull"


def test_a_forged_image_is_known_by_its_label() -> None:
    labels = {"forged": {forge.LABEL: "0"}, "other": {"a": "b"}, "bare": None}
    things = {("image", name): {"Config": {"Labels": each}} for name, each in labels.items()}
    engine = TableEngine(things=things)
    assert [n for n in (*labels, "missing") if is_forged(engine, n)] == ["forged"]
