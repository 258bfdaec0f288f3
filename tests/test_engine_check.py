"""Engines that will not do: one sentence each, and what to do instead."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clusters import engine, engine_check, private_engine
from clusters.engine_facts import parse
from clusters.finding import Finding
from clusters.home import Home
from tests import documents
from tests.documents import PARTS, Answers, Document, answers
from tests.engines import TableEngine

PODMANS_SOCKET = answers(documents.PODMAN_SOCKET, *documents.PODMANS_PARTS)
ROOT = "; or ENGINE=private, as this is root on Debian"


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user, whose Docker listens where it usually does."""
    monkeypatch.delenv("ENGINE", raising=False)
    monkeypatch.setattr(engine, "endpoint", lambda: engine.USUAL)
    monkeypatch.setattr(engine, "socket", lambda: None)
    monkeypatch.setattr(private_engine, "obstacle", lambda: "this is not root")


def look(home: Path, monkeypatch: pytest.MonkeyPatch, running: TableEngine | None) -> Finding:
    monkeypatch.setattr(engine, "find_or_wait", lambda *_: running)
    seen, finding = engine_check.look(Home(home), lambda _: None)
    assert seen is running
    return finding


@pytest.mark.parametrize(
    ("says", "why", "mend"),
    [
        (answers(documents.PODMAN), "Podman answers in Docker's place", "install Docker Engine"),
        (PODMANS_SOCKET, "Podman answers", "unset DOCKER_HOST"),
        (
            answers(documents.ROOTLESS, *PARTS),
            "rootless: Cilium may not load",
            "context use default",
        ),
        (answers(documents.REMAPPED, *PARTS), "userns-remap", "/etc/docker/daemon.json"),
        (answers(documents.SNAP, *PARTS), "Docker comes from snap", "sudo snap remove docker"),
    ],
)
def test_an_engine_that_would_fail_later_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: Answers, why: str, mend: str
) -> None:
    running = TableEngine(says=says)
    finding = look(tmp_path, monkeypatch, running)
    assert finding.level == "bad"
    assert why in finding.seen
    assert mend in finding.mend
    assert not finding.mend.endswith(ROOT)
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    assert look(tmp_path, monkeypatch, running).mend == finding.mend + ROOT


def test_snaps_program_is_shut_off_too() -> None:
    facts = parse(*documents.DOCKER.values())
    assert engine_check.refusal_of(facts, "/usr/bin/docker") is None
    refusal = engine_check.refusal_of(facts, "/snap/bin/docker")
    assert refusal is not None
    assert "snap" in refusal.seen


@pytest.mark.parametrize("info", [documents.DOCKER_20, documents.DOCKER_28, documents.DOCKER_29])
def test_docker_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: Document) -> None:
    running = TableEngine(says=answers(info, *PARTS))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/docker")
    words = f"a table, {info['ServerVersion']}"
    assert look(tmp_path, monkeypatch, running) == Finding("engine", "good", words)


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (documents.DESKTOP, "Docker Desktop's own machine"),
        ({**documents.DOCKER_28, "Driver": "vfs"}, "storage driver vfs"),
    ],
)
def test_what_was_never_tried_or_is_dear_is_let_pass_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: Document, why: str
) -> None:
    finding = look(tmp_path, monkeypatch, TableEngine(says=answers(info, *PARTS)))
    assert finding.level == "warning"
    assert why in finding.seen
    assert finding.mend


@pytest.mark.parametrize("where", ["tcp://10.1.2.3:2376", "ssh://me@far", "tcp://localhost:2375"])
def test_another_machines_engine_is_refused_and_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def asked(*_: object) -> None:
        pytest.fail("an engine that may hang was asked")

    monkeypatch.setattr(engine, "endpoint", lambda: where)
    monkeypatch.setattr(engine, "find_or_wait", asked)
    running, finding = engine_check.look(Home(tmp_path), lambda _: None)
    assert (running, finding.level) == (None, "bad")
    assert finding.seen.startswith(f"{where} is another machine's")
    assert "unset DOCKER_HOST" in finding.mend


def test_where_docker_is_does_not_matter_to_a_private_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE", "private")
    monkeypatch.setattr(engine, "endpoint", lambda: "ssh://me@far")
    assert look(tmp_path, monkeypatch, TableEngine()).level == "good"


def test_an_engine_that_answers_nonsense_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = replace(TableEngine(), refused=("info",))
    finding = look(tmp_path, monkeypatch, running)
    assert (finding.level, finding.seen) == ("bad", "a table: refused by the table")


def test_no_engine_at_all_names_the_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = look(tmp_path, monkeypatch, None)
    assert (finding.level, finding.seen) == ("bad", "no Docker, and this is not root")
    assert engine_check.DOCKER in finding.mend
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    assert look(tmp_path, monkeypatch, None).level == "good"


def test_a_socket_that_nobody_answers_on_has_its_own_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    monkeypatch.setattr(engine, "socket", lambda: socket)
    finding = look(tmp_path, monkeypatch, None)
    assert finding.level == "bad"
    assert finding.seen == f"Docker: nobody answers on {socket}, which is there"
    assert "systemctl start docker" in finding.mend
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = look(tmp_path, monkeypatch, None)
    assert finding.seen == f"Docker: this user may not write to {socket}"
    assert "usermod -aG docker $USER" in finding.mend
    socket.unlink()
    finding = look(tmp_path, monkeypatch, None)
    assert finding.seen == f"Docker: there is no {socket}, which DOCKER_HOST names"
    assert finding.mend == "unset DOCKER_HOST"
