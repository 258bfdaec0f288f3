"""The distributed load as the pods run it: Locust's master and two workers, each a process here."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.errors import CommandError
from clusters.remote import SUCCESS, Container, Ended
from fixtures.checks.expectations import BY_RBAC, Expectation
from fixtures.checks.merged import Load, as_expected, usual
from fixtures.history.streams import Stream
from fixtures.lab.probes import served_by
from fixtures.traffic import pod
from fixtures.traffic.client import PROGRAMS, ClientPod
from fixtures.traffic.distributed import (
    FILES,
    LINES,
    Generators,
    Loaded,
    Progress,
    Size,
    Streams,
)
from tests.peer import free_port, running

HERE = Path(pod.__file__).parent
EXPECTED: dict[str, Expectation] = {
    "served": served_by("web-service"),
    "denied": BY_RBAC,
    "leak": BY_RBAC,
}


@dataclass(frozen=True)
class Run:
    """What a master and its workers left."""

    size: Size
    loaded: Loaded
    said: list[Progress]

    @property
    def load(self) -> Load:
        return self.loaded.load


def streams(url: str) -> Streams:
    """One that is served, one that is denied, and one that should be and is served."""
    paths = {"served": "/", "denied": "/denied", "leak": "/leak"}
    return {
        name: (Stream(stream=name, url=url + path), usual(EXPECTED[name]))
        for name, path in paths.items()
    }


class Here:
    """A cluster whose pods are this machine: what is run there is run here."""

    def __init__(self, folder: Path) -> None:
        self.cluster = SimpleNamespace(name="aws-cluster")
        self.files, self.port, self.web = folder / "load", free_port(), free_port()

    def get(self, *_: str) -> object:
        return {"status": {"podIP": "127.0.0.1"}}

    def exec(self, container: Container, command: list[str]) -> str:
        return self.run(container, command).out

    def run(self, _container: Container, command: list[str], **more: Any) -> Ended:
        """A program to its end; `heard` is told of its lines then."""
        moved = [
            word.replace(FILES, str(self.files)).replace(PROGRAMS, str(HERE)) for word in command
        ]
        if "locust" in moved:
            place = moved.index("locust")
            moved[place : place + 1] = [sys.executable, "-m", "locust"]
            master = ["--master-bind-port", str(self.port), "--web-port", str(self.web)]
            moved += master if "--master" in moved else ["--master-port", str(self.port)]
        done = subprocess.run(moved, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            more.get("heard", str)(line)
        return Ended(done.stdout, done.stderr, SUCCESS)


def ran(size: Size, folder: Path) -> Run:
    """A load on this machine, to its end."""
    here: Any = Here(folder)
    master, *workers = (
        ClientPod(here, "plumbline-load", f"pod-{n}", "anyone") for n in range(size.workers + 1)
    )
    said: list[Progress] = []
    with running() as peer:
        sent = streams(peer.url)
        loaded = Generators(master, tuple(workers)).load(sent, size, said.append)
    return Run(size, loaded, said)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(Size(users=4, workers=2, seconds=4), tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(Size(users=10, workers=2, seconds=4, rate=60), tmp_path_factory.mktemp("open"))


def test_what_is_merged_is_what_the_workers_sent(closed: Run) -> None:
    assert closed.load.sent == closed.load.merged.n > 200
    assert len(closed.load.history.windows) == 2
    assert {each.stream for each in closed.load.merged} == set(EXPECTED)


def test_every_answer_that_is_not_usual_has_a_line_and_the_others_as_there_is_room(
    closed: Run,
) -> None:
    lines, merged = closed.load.history, closed.load.merged
    leaks = lines.stream("leak")
    assert len(leaks) == merged.unusual() == merged.stream("leak").n
    room = (closed.size.seconds + 2) * LINES
    assert 0 < len(lines) - len(leaks) <= room < merged.n - len(leaks)


def test_each_stream_is_judged(closed: Run) -> None:
    verdicts = {
        name: as_expected(closed.load, name, expectation, 50, {})
        for name, expectation in EXPECTED.items()
    }
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "served": "pass",
        "denied": "pass",
        "leak": "fail",
    }
    assert "leak of" in verdicts["leak"].reason
    assert verdicts["served"].numbers["p50_ms"]


def test_it_says_how_far_it_is_and_leaves_locusts_own_page(closed: Run) -> None:
    assert closed.said[-1].requests == closed.load.merged.n
    assert max(each.users for each in closed.said) == closed.size.users
    assert "Locust" in closed.loaded.page
    assert closed.loaded.cpu["generators"] > closed.loaded.cpu["master"] > 0


def test_an_open_loop_sends_what_is_due(opened: Run) -> None:
    assert opened.load.due == 240
    assert opened.load.sent == opened.load.merged.n == 240
    assert opened.load.delayed <= 24
    seconds = opened.load.merged.by_second(["web-service"])
    assert max(each.total() for each in seconds) <= 60


class Refusing(Here):
    """A master that gives up."""

    def kubectl(self, words: str) -> str:
        return f"kubectl {words}"

    def run(self, _container: Container, command: list[str], **_: Any) -> Ended:
        assert "locust" in command
        return Ended("", "Gave up waiting for workers to connect", "exit code 1")


def test_a_master_that_does_not_come_to_its_end_is_an_error(tmp_path: Path) -> None:
    here: Any = Refusing(tmp_path)
    master, worker = (ClientPod(here, "ns", name, "anyone") for name in ("master", "worker"))
    with pytest.raises(CommandError, match="Gave up waiting"):
        Generators(master, (worker,)).load(streams("http://a"), Size(1, 1, 1), print)
