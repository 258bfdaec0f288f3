"""Which engine: found by asking, waited for if it is about to answer, never guessed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from clusters import engine, private_engine
from clusters.errors import CommandError, EngineError
from clusters.home import Home
from tests.engines import TableEngine

# Takes the place of the docker program: knows the context's address, and a server once a file
# beside it is there.
PROGRAM = """#!/bin/sh
folder=$(dirname "$0")
case "$1" in
  context) echo "unix://$folder/docker.sock" ;;
  version) [ -e "$folder/awake" ] && echo '{}' || exit 1 ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose docker program finds no server yet."""
    (tmp_path / "docker").write_text(PROGRAM)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("DOCKER_HOST", "ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(private_engine, "answers", lambda _: False)
    return tmp_path


def listen(place: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(place / "docker.sock"))
    return server


def waker(place: Path, told: list[str]) -> Callable[[str], None]:
    """Hears what is waited for, and wakes the engine."""

    def say(text: str) -> None:
        told.append(text)
        (place / "awake").touch()

    return say


def test_where_docker_listens_is_the_environments_or_the_contexts(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.endpoint() == f"unix://{place}/docker.sock"
    for other in ("exit 1", "echo '[]'"):
        (place / "docker").write_text(f"#!/bin/sh\n{other}\n")
        assert engine.endpoint() == engine.USUAL
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@far")
    assert engine.endpoint() == "ssh://me@far"


def test_an_engine_that_answers_is_not_waited_for(place: Path) -> None:
    messages: list[str] = []
    (place / "awake").touch()
    running = engine.find_or_wait(Home(place), messages.append)
    assert running == engine.Engine("the user's Docker", None, None)
    assert messages == []


def test_an_engine_that_is_waking_is_waited_for(place: Path) -> None:
    messages: list[str] = []
    with listen(place):
        running = engine.find_or_wait(Home(place), waker(place, messages))
    assert running == engine.Engine("the user's Docker", None, None)
    assert messages == [
        f"waiting up to 60 s: nobody answers on Docker's socket {place}/docker.sock yet"
    ]


def test_it_is_waited_for_no_longer_than_the_bound(place: Path) -> None:
    messages: list[str] = []
    with listen(place):
        assert engine.find_or_wait(Home(place), messages.append, bound=0.1) is None
    assert len(messages) == 1


def test_without_a_socket_nobody_is_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    assert engine.socket() is None
    assert engine.find_or_wait(Home(place), messages.append) is None
    with listen(place):
        assert engine.socket() == place / "docker.sock"
        monkeypatch.setenv("ENGINE", "private")
        assert engine.socket() is None
        monkeypatch.delenv("ENGINE")
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
        assert engine.socket() is None
        assert engine.find_or_wait(Home(place), messages.append) is None
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/nowhere.sock")
        assert engine.socket() == place / "nowhere.sock"
        assert engine.find_or_wait(Home(place), messages.append) is None
    assert messages == []


def test_a_socket_that_may_not_be_used_is_not_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(os, "access", lambda *_: False)
    with listen(place):
        assert engine.find_or_wait(Home(place), messages.append) is None
    assert messages == []


def test_no_private_engine_is_started_beside_a_docker_that_is_silent(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: Home) -> None:
        pytest.fail("a private engine was started")

    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    monkeypatch.setattr(private_engine, "start", never)
    monkeypatch.setattr(engine, "find_or_wait", lambda *_: None)
    with listen(place), pytest.raises(EngineError, match="a Docker that answers") as caught:
        engine.ensure(Home(place))
    assert f"nobody answers on {place}/docker.sock" in caught.value.seen


def groups(monkeypatch: pytest.MonkeyPatch, folder: Path, states: dict[str, str]) -> list[Path]:
    """The control groups of version 1 of some containers, ours and others'."""
    monkeypatch.setattr(private_engine, "GROUPS", folder)
    files = [folder / "freezer" / name / "freezer.state" for name in states]
    for file, state in zip(files, states.values(), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(f"{state}\n", encoding="ascii")
    return files


def test_a_running_engine_calls_the_runtime_of_the_checkout_that_is_at_work(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_engine, "RUNTIME", place)
    monkeypatch.setattr(private_engine, "answers", lambda _: True)
    runtime = place / private_engine.WRAPPER
    engine.ensure(Home(place))
    assert not runtime.exists(), "an engine that has none of ours is given none"
    runtime.write_text("#!/bin/sh\nexec /gone/python /gone/oci_runtime.py\n", encoding="utf-8")
    engine.ensure(Home(place))
    assert str(Path(private_engine.__file__).with_name("oci_runtime.py")) in runtime.read_text(
        encoding="utf-8"
    )
    assert os.access(runtime, os.X_OK)


def test_what_is_frozen_is_thawed_and_only_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    states = {"plumbline/a/b": "FROZEN", "plumbline/c": "FREEZING", "docker/d": "FROZEN"}
    files = groups(monkeypatch, tmp_path, states)
    assert private_engine.thaw() == 2
    assert [file.read_text(encoding="ascii").strip() for file in files] == [
        "THAWED", "THAWED", "FROZEN",
    ]  # fmt: skip
    assert private_engine.thaw() == 0


@pytest.mark.parametrize(
    ("namespace", "state"), [("/ns", "FROZEN"), ("/ns", "THAWED"), (None, "FROZEN")]
)
def test_a_frozen_container_is_thawed_and_removed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, namespace: str | None, state: str
) -> None:
    (file,) = groups(monkeypatch, tmp_path, {"plumbline/a": state})
    ended = namespace is not None and state == "FROZEN"

    def docker(self: TableEngine, *argv: str) -> str:
        self.calls.append(" ".join(argv))
        if not (ended and file.read_text(encoding="ascii") == private_engine.THAWED):
            raise CommandError("exit status 0", seen="tried to kill container")
        return ""

    monkeypatch.setattr(TableEngine, "docker", docker)
    held = TableEngine(namespace=Path(namespace) if namespace else None)
    if ended:
        held.remove(["node"])
    else:
        with pytest.raises(CommandError):
            held.remove(["node"])
    assert held.calls == ["rm --force --volumes node"] * (2 if ended else 1)
