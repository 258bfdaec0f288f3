"""down after a kill: what outlived it is ended, also what only a dead engine knew of."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clusters import engine, private_engine, teardown, versions
from clusters.errors import EngineError
from clusters.home import Home
from clusters.images import bake
from clusters.progress import Progress
from tests.engines import TableEngine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """With a private engine of its own: nothing here may come near a real one."""
    monkeypatch.setattr(private_engine, "RUNTIME", tmp_path / "run" / "plumbline")
    monkeypatch.setattr(private_engine, "NAMESPACE", tmp_path / "none")
    monkeypatch.setattr(private_engine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(engine, "find", lambda _: None)
    monkeypatch.setattr(engine, "socket", lambda: None)
    monkeypatch.setattr(teardown, "gettempdir", lambda: str(tmp_path))
    return Home(tmp_path / "home")


@pytest.fixture
def contained(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a control group of ours, as a node's are."""
    process = subprocess.Popen(["sleep", "60"])
    group = tmp_path / "groups" / "pids" / "plumbline" / "node"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(f"0\n{process.pid}\n{os.getpid()}\n", encoding="ascii")
    yield process
    process.kill()
    process.wait()


def down(home: Home, tmp_path: Path) -> None:
    train = versions.load(versions.of_user())
    progress = Progress(tmp_path / "estimates.json")
    teardown.down(home, train, progress, with_engine=False, with_images=False)


def test_a_node_whose_engine_and_shim_were_killed_is_ended(
    home: Home, contained: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    down(home, tmp_path)
    assert not psutil.pid_exists(contained.pid)


def test_what_a_dead_engine_ran_is_taken_away_by_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = f"ps --all --quiet --filter label={bake.LABEL}"
    revived = TableEngine(namespace=tmp_path / "none", says={listed: "half\n"})
    monkeypatch.setattr(
        private_engine, "start", lambda _: monkeypatch.setattr(engine, "find", lambda _: revived)
    )
    down(home, tmp_path)
    assert revived.calls == [], "there was nothing to take away"
    home.folder("engine", "data", "containers", "0f0f")
    down(home, tmp_path)
    assert "rm --force --volumes half" in revived.calls


def test_an_engine_that_does_not_start_again_keeps_nothing_else_from_going(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Home) -> None:
        raise EngineError("dockerd to answer within 60 s", seen="no space left")

    monkeypatch.setattr(private_engine, "start", fail)
    home.folder("engine", "data", "containers", "0f0f")
    (home.lab / "topology.json").touch()
    down(home, tmp_path)
    assert not (home.lab / "topology.json").exists()
    assert "its containers stay in its data" in capsys.readouterr().err


def test_files_that_a_killed_bring_up_left_go_and_caches_stay(home: Home, tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    gone = [
        home.lab / "topology.json",
        home.lab / "aws-cluster.kubeconfig.lock",
        home.lab / "owner" / "aws-cluster" / f".etcd.{dead.pid}.draft",
        home.folder("bake") / "0.tar",
        home.tools / f".x.{dead.pid}.draft" / "download",
        tmp_path / f".x.{dead.pid}.draft" / "go-build1" / "a.out",
    ]
    kept = [home.tools / "kind", home.lab / "mesh-ca.json", home.folder("modules") / "m@v1" / "f"]
    for each in (*gone, *kept):
        each.parent.mkdir(parents=True, exist_ok=True)
        each.touch()
    down(home, tmp_path)
    assert [each for each in gone if each.exists()] == []
    assert not list(tmp_path.glob(".*.draft"))
    assert all(each.exists() for each in kept)


def test_a_docker_of_the_users_that_is_silent_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "socket", lambda: tmp_path / "docker.sock")
    down(home, tmp_path)
    assert "what it has of ours is still there: make down, once it answers" in (
        capsys.readouterr().err
    )
