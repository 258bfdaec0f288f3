"""The distributed load as the pods run it: Locust's master and two workers, each a process here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.checks.expectations import BY_RBAC, Expectation
from fixtures.checks.merged import Load, as_expected, usual
from fixtures.history import History
from fixtures.history.merged import Merged
from fixtures.history.streams import Part, Stream
from fixtures.lab.probes import served_by
from fixtures.traffic import distributed, pod
from fixtures.traffic.distributed import Progress, Size, Streams
from tests.peer import free_port, running
from tests.test_locustfile import WHO

PROGRAM = Path(pod.__file__).with_name("distributed.py")
EXPECTED: dict[str, Expectation] = {
    "served": served_by("web-service"),
    "denied": BY_RBAC,
    "leak": BY_RBAC,
}


@dataclass(frozen=True)
class Run:
    """What a master and its workers left."""

    size: Size
    load: Load
    said: list[Progress]
    page: str


def streams(url: str) -> Streams:
    """One that is served, one that is denied, and one that should be and is served."""
    paths = {"served": "/", "denied": "/denied", "leak": "/leak"}
    return {
        name: (Stream(stream=name, url=url + path), usual(EXPECTED[name]))
        for name, path in paths.items()
    }


def start(words: list[str], part: Part, out: Path) -> subprocess.Popen[bytes]:
    """Locust as a pod runs it, but for where it lies and its ports."""
    assert words[:2] == ["locust", "--locustfile"]
    command = [sys.executable, "-m", "locust", "--locustfile", str(PROGRAM), *words[3:]]
    environ = {**os.environ, "PLUMBLINE_LOAD": part.model_dump_json()}
    with out.open("w", encoding="utf-8") as file:
        return subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE
        )


def ran(size: Size, files: Path) -> Run:
    """A load on this machine, to its end."""
    port, web = str(free_port()), str(free_port())
    with running() as peer, ExitStack() as stack:
        sent = streams(peer.url)

        def begin(words: list[str], name: str, number: int, *ports: str) -> subprocess.Popen[bytes]:
            part = distributed.part(sent, size, WHO, number)
            process = start([*words, *ports], part, files / name)
            stack.callback(process.kill)
            return process

        names = [f"worker-{number}" for number in range(size.workers)]
        words = distributed.master_words(size, str(files / "load"))
        master = begin(words, "master", 0, "--master-bind-port", port, "--web-port", web)
        words = distributed.worker_words("127.0.0.1")
        workers = [begin(words, name, n, "--master-port", port) for n, name in enumerate(names)]
        for process in (master, *workers):
            _, err = process.communicate(timeout=90)
            assert process.returncode == 0, err.decode()
    history = sum((History.load(files / name) for name in names), History())
    merged = Merged.parse((files / "load.json").read_text(encoding="utf-8"))
    *lines, summary = (files / "master").read_text(encoding="utf-8").splitlines()
    assert json.loads(summary)["window"]["cpu"] > 0
    said: list[Progress] = []
    for line in lines:
        distributed.progress(line, said.append)
    page = (files / "load.html").read_text(encoding="utf-8")
    return Run(size, Load(merged, history, size.due), said, page)


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
    room = (closed.size.seconds + 2) * distributed.LINES
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
    assert "Locust" in closed.page


def test_an_open_loop_sends_what_is_due(opened: Run) -> None:
    assert opened.load.due == 240
    assert opened.load.sent == opened.load.merged.n == 240
    assert opened.load.delayed <= 24
    seconds = opened.load.merged.by_second(["web-service"])
    assert max(each.total() for each in seconds) <= 60
