"""kind, helm and crane: the train's version, built or the user's own, and never another."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from clusters import tools, versions
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.images import golang
from clusters.progress import Progress

TRAIN = versions.load("2026-08")


@pytest.fixture
def without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, says: str, status: int = 0) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def ensure(name: str, home: Path) -> Path:
    progress = Progress(home / "estimates.json", Console(file=io.StringIO()))
    return tools.ensure(name, Home(home), TRAIN, progress)


@pytest.mark.parametrize("name", tools.PACKAGES)
def test_one_that_was_built_is_taken(name: str, tmp_path: Path, without_go: Path) -> None:
    part = golang.component(name, TRAIN)
    folder = Home(tmp_path).tools / f"{name}-{part.version}-{part.digest()[:12]}"
    folder.mkdir()
    (folder / name).touch()
    assert ensure(name, tmp_path) == folder / name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kind", TRAIN.versions.kind),
        ("helm", f"v{TRAIN.versions.helm}+g0123456"),
        ("crane", TRAIN.versions.crane),
    ],
)
def test_the_users_own_is_taken_if_it_is_of_the_version(
    name: str, says: str, tmp_path: Path, without_go: Path
) -> None:
    path = program(without_go, name, says)
    assert ensure(name, tmp_path) == path


@pytest.mark.parametrize("says", ["0.1.0", f"{TRAIN.versions.kind}1", ""])
def test_another_version_is_refused(says: str, tmp_path: Path, without_go: Path) -> None:
    path = program(without_go, "kind", says)
    with pytest.raises(DoctorError, match=f"kind {TRAIN.versions.kind}, or Go") as caught:
        ensure("kind", tmp_path)
    assert f"{path} says {says}" in caught.value.seen


def test_one_that_does_not_run_is_refused(tmp_path: Path, without_go: Path) -> None:
    program(without_go, "kind", "", status=3)
    with pytest.raises(DoctorError, match="exit status 3"):
        ensure("kind", tmp_path)


def test_without_go_or_the_program_both_are_named(tmp_path: Path, without_go: Path) -> None:
    with pytest.raises(DoctorError, match="neither Go nor such a program"):
        ensure("helm", tmp_path)
