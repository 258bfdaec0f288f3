"""Places: one folder for everything, with any name that works, and files whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clusters import files
from clusters.errors import PlaceError, TopologyError
from clusters.home import Home
from clusters.topology import Topology
from fixtures.plugin import settings

CACHES = {
    "home": {"PLUMBLINE_HOME": "{}/a home"},
    "cache": {"XDG_CACHE_HOME": "{}/a cache"},
    "file": {"PLUMBLINE_TOPOLOGY": "{}/a folder/topology.json"},
    "user": {"HOME": "{}/a user"},
}
TOPOLOGIES = {
    "home": "a home/lab/topology.json",
    "cache": "a cache/plumbline/lab/topology.json",
    "file": "a folder/topology.json",
    "user": "a user/.cache/plumbline/lab/topology.json",
}


@pytest.mark.parametrize("by", CACHES)
def test_a_bring_up_writes_where_the_suites_read(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    for name in ("PLUMBLINE_HOME", "XDG_CACHE_HOME", "PLUMBLINE_TOPOLOGY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CACHES[by].items():
        monkeypatch.setenv(name, value.format(tmp_path))
    monkeypatch.setattr(pytestconfig.option, "topology", "")
    place = tmp_path / TOPOLOGIES[by]
    assert Home.of_user().topology == place
    assert settings.topology_file(pytestconfig) == place
    assert list(tmp_path.iterdir()) == [], "to name a place makes nothing"


def test_the_users_sign_for_home_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", "~/lab")
    assert Home.of_user().root == Path.home() / "lab"


@pytest.mark.parametrize("name", ["a:b", "a,b", "a\nb", os.fsdecode(b"caf\xe9")])
def test_a_folder_that_docker_could_not_be_told_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / name))
    with pytest.raises(PlaceError, match="PLUMBLINE_HOME") as caught:
        Home.of_user()
    assert caught.value.seen.isascii()
    assert caught.value.seen.startswith(str(tmp_path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(PlaceError) as caught:
        _ = Home(tmp_path / "file").lab
    assert caught.value.expected == f"the folder {tmp_path}/file/lab"
    assert caught.value.seen == "Not a directory"
    assert caught.value.look.startswith("PLUMBLINE_HOME=")


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    for text in ("one", "zwei ü"):
        assert files.write(path, text, mode=0o600) == path
        assert path.read_bytes() == text.encode()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_a_kill_left_of_a_draft_is_in_nobodys_way(tmp_path: Path) -> None:
    draft = tmp_path / f".file.{os.getpid()}.draft"
    draft.write_text("half", encoding="utf-8")
    draft.chmod(0o644)
    files.write(tmp_path / "file", "whole", mode=0o600)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert not draft.exists()


def test_what_the_dead_were_preparing_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    for name in (f".file.{dead.pid}.draft", ".file.draft", "file", f".file.{os.getpid()}.draft"):
        (tmp_path / name).touch()
    (tmp_path / f".link.{dead.pid}.draft").symlink_to("nowhere")
    (tmp_path / f".x.{dead.pid}.draft" / "in it").mkdir(parents=True)
    with files.draft_folder(tmp_path) as mine:
        files.clear_drafts(tmp_path)
        assert {each.name for each in tmp_path.iterdir()} == {
            ".file.draft", "file", f".file.{os.getpid()}.draft", mine.name,
        }  # fmt: skip
    assert not mine.exists()
    files.clear_drafts(tmp_path / "none")


def test_a_file_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(tmp_path / "file", "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlaceError) as caught:
        files.write(tmp_path / "file", "after")
    assert caught.value.expected == f"to write {tmp_path}/file"
    assert caught.value.seen == "No space left on device"
    assert (tmp_path / "file").read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"run": 1}'])
def test_a_topology_that_is_none_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "topology.json"
    path.write_bytes(content)
    with pytest.raises(TopologyError) as caught:
        Topology.load(path)
    assert str(path) in caught.value.expected
    assert len(caught.value.seen.splitlines()) == 1
    assert caught.value.look == "make up"


def test_a_topology_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="Is a directory"):
        Topology.load(tmp_path)


def test_a_folder_of_a_process_goes_with_it_and_that_of_a_killed_one_with_down(
    tmp_path: Path,
) -> None:
    program = (
        "import os, signal, sys; from clusters import files; "
        "print(files.process_folder() / 'key', flush=True); "
        "(files.process_folder() / 'key').touch(); "
        "sys.argv[1:] and os.kill(os.getpid(), signal.SIGKILL)"
    )
    for more, kept in ((), False), (("killed",), True):
        words = [sys.executable, "-c", program, *more]
        ended = subprocess.run(
            words, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, check=False
        )
        key = Path(ended.stdout.decode().strip())
        assert key.is_relative_to(tmp_path)
        assert key.exists() == kept, ended.stderr
    files.clear_drafts(tmp_path)
    assert not list(tmp_path.iterdir())
