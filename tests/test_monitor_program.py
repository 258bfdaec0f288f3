"""The monitor's program, as a pod runs it: every request is sent when due, and told of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clusters.waiting import wait_for
from fixtures.history.streams import ClientId, OpenStream, Watch
from fixtures.history.traces import Trace, Traces
from fixtures.traffic import pod
from fixtures.traffic.pod.health import CONNECTED
from tests.peer import free_port, running

WHO = ClientId(caller="watch-1", cluster="aws-cluster", identity="default/frontend")
PROGRAM = Path(pod.__file__).with_name("monitor.py")


def write(folder: Path, streams: tuple[OpenStream, ...], seconds: float) -> None:
    """The monitor's plan."""
    plan = Watch(who=WHO, streams=streams, seconds=seconds)
    (folder / "watch.json").write_text(plan.model_dump_json())


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A monitor of the plan in a folder; it is ended with the block."""
    words = [sys.executable, str(PROGRAM), "watch.json", "trace.jsonl", "ended"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(words, cwd=folder, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def watched(folder: Path, streams: tuple[OpenStream, ...], seconds: float) -> Traces:
    """What the monitor writes of streams that it sends to a peer on this machine."""
    write(folder, streams, seconds)
    with started(folder) as monitor:
        assert monitor.wait(timeout=60) == 0
    return Traces.load(folder / "trace.jsonl")


def at_once(trace: Trace) -> int:
    """The most requests under way together: a keep-alive connection serves one at a time."""
    return max(int(((trace.sent <= t) & (trace.received >= t)).sum()) for t in trace.sent)


def test_every_request_is_sent_when_due_and_told_of(tmp_path: Path) -> None:
    with running() as peer:
        url = peer.url
        streams = (
            OpenStream(name="new", url=f"{url}/new", interval=0.02, headers={"Host": "b.example"}),
            OpenStream(name="kept", url=f"{url}/kept", interval=0.02, offset=0.01, kept=True),
            OpenStream(name="reset", url=f"{url}/reset", interval=0.1),
            OpenStream(name="silent", url=f"{url}/silent", interval=0.1, timeout=0.3),
            OpenStream(name="refused", url=f"http://127.0.0.1:{free_port()}/", interval=0.1),
        )
        began = time.time()
        read = watched(tmp_path, streams, 1.0)
    by_name = {trace.stream.name: trace for trace in read.streams}
    assert {name: len(trace) for name, trace in by_name.items()} == {
        "new": 50, "kept": 50, "reset": 10, "silent": 10, "refused": 10,
    }  # fmt: skip
    for trace in by_name.values():
        assert trace.seq.tolist() == list(range(len(trace)))
        assert (trace.sent >= trace.due).all()
        assert (trace.received >= trace.sent).all()
        assert began < trace.due[0] < began + 10
    said = {name: {t.answers[i].seen for i in t.answer} for name, t in by_name.items()}
    assert said["new"] == said["kept"] == {"200 by web-service-v1-abc"}
    assert (said["reset"], said["silent"], said["refused"]) == ({"reset"}, {"timeout"}, {"refused"})
    assert len(set(peer.connections_of("/new"))) == 50
    assert len(set(peer.connections_of("/kept"))) <= at_once(by_name["kept"]) < 50
    assert peer.headers("/new")[0] == ["Host: b.example"]
    assert read.window is not None
    assert read.window.lines == sum(map(len, read.streams))


def test_a_connection_that_its_peer_ended_while_idle_is_no_failure(tmp_path: Path) -> None:
    with running() as peer:
        streams = (OpenStream(name="last", url=f"{peer.url}/last", interval=0.5, kept=True),)
        (trace,) = watched(tmp_path, streams, 2.0).streams
    assert {trace.answers[i].seen for i in trace.answer} == {"200 by web-service-v1-abc"}
    assert len(set(peer.connections_of("/last"))) == len(trace)


def test_answers_that_it_was_too_late_to_hear_are_no_silence(tmp_path: Path) -> None:
    with running() as peer:
        new = OpenStream(name="new", url=f"{peer.url}/new", interval=0.02)
        kept = OpenStream(name="kept", url=f"{peer.url}/kept", interval=0.02, kept=True)
        write(tmp_path, (new, kept), 2.5)
        with started(tmp_path) as monitor:
            wait_for("the monitor to send", lambda: "" if peer.heads else "nothing", 10)
            monitor.send_signal(signal.SIGSTOP)
            time.sleep(1.2)  # longer than a request may take
            monitor.send_signal(signal.SIGCONT)
            monitor.wait(timeout=30)
        read = Traces.load(tmp_path / "trace.jsonl")
    for trace in read.streams:
        said = [trace.answers[i].seen for i in trace.answer]
        assert set(said) == {"200 by web-service-v1-abc", "starved"}
        assert trace.seq.tolist() == list(range(125))


def test_what_is_no_answer_is_told_as_what_it_is(tmp_path: Path) -> None:
    with running() as peer:
        names = ("eof", "garbage", "denied", "cut")
        streams = tuple(
            OpenStream(name=name, url=f"{peer.url}/{name}", interval=0.1, kept=True)
            for name in names
        )
        read = watched(tmp_path, streams, 0.5)
    said = {t.stream.name: {t.answers[i].seen for i in t.answer} for t in read.streams}
    assert said == {
        "eof": {"reset"}, "garbage": {"protocol"}, "denied": {"403 by no backend"},
        "cut": {"protocol"},
    }  # fmt: skip
    details = {t.stream.name: t.answers[int(t.answer[0])].detail for t in read.streams}
    assert all(details[name].startswith(CONNECTED) for name in ("eof", "garbage", "cut"))


def test_a_monitor_that_is_told_to_end_ends(tmp_path: Path) -> None:
    (tmp_path / "ended").touch()
    with running() as peer:
        began = time.monotonic()
        watched(tmp_path, (OpenStream(name="a", url=peer.url, interval=0.02),), 600)
    assert time.monotonic() - began < 30
