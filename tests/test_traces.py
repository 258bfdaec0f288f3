"""Traces: what a watcher wrote is read as it was, also when it was cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import callers
from fixtures.streams import OpenStream, Watch, Who
from fixtures.traces import Answer, Traces
from tests.peer import free_port, running

WHO = Who(caller="watch-1", cluster="aws-cluster", identity="default/frontend")
WATCHER = Path(callers.__file__).with_name("watcher.py")
HEAD = {
    "who": WHO.model_dump(),
    "streams": [{"name": "a", "url": "http://198.18.0.1/", "interval": 0.01, "offset": 0.5}],
    "seconds": 9,
    "began": 100.0,
    "epoch": 1000.0,
}


def lines(*told: Mapping[str, object]) -> list[str]:
    return [json.dumps(line, separators=(",", ":")) + "\n" for line in ({"watch": HEAD}, *told)]


def batch(*rows: tuple[int, int, int, int]) -> dict[str, object]:
    seq, lag, took, outcome = zip(*rows, strict=True)
    return {"stream": 0, "seq": seq, "lag": lag, "took": took, "is": outcome}


def test_columns_are_put_in_the_order_of_the_requests() -> None:
    answered = {"outcome": {"status": 200, "service": "s"}}
    read = Traces.parse(
        lines(answered, batch((2, 0, 9, 0), (0, 500, 3000, 0)), batch((1, 0, 1, 0)))
    )
    (trace,) = read.streams
    assert trace.seq.tolist() == [0, 1, 2]
    assert trace.due.tolist() == pytest.approx([1100.5, 1100.51, 1100.52])
    assert trace.sent[0] - trace.due[0] == pytest.approx(0.0005)
    assert trace.received[0] - trace.sent[0] == pytest.approx(0.003)
    assert trace.answers == (Answer(status=200, service="s"),)
    assert read.window is None


def test_a_line_cut_in_half_is_left_out() -> None:
    whole = lines({"outcome": {"status": 200}}, batch((0, 0, 1, 0)))
    read = Traces.parse([*whole, '{"stream":0,"seq":[1'])
    assert len(read.streams[0]) == 1


def test_a_trace_without_its_plan_is_none() -> None:
    with pytest.raises(ValueError, match="begins with its plan"):
        Traces.parse([])


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60))
def test_a_part_and_the_rest_are_the_whole(first: int, more: int, n: int) -> None:
    rows = [(seq, 0, 1, 0) for seq in range(n)]
    (trace,) = Traces.parse(lines({"outcome": {"status": 200}}, batch(*rows))).streams
    start, end = 1100.5 + first * 0.01 - 0.005, 1100.5 + (first + more) * 0.01 - 0.005
    inside = trace.between(start, end)
    around = len(trace.between(0, start)) + len(trace.between(end, 1e12))
    assert len(inside) + around == len(trace)
    assert inside.seq.tolist() == list(range(n))[first : first + more]


def test_an_exchange_carries_what_its_answer_was() -> None:
    (trace,) = Traces.parse(lines({"outcome": {"error": "timeout"}}, batch((7, 0, 10, 0)))).streams
    exchange = trace.exchange(0)
    assert (exchange.seq, exchange.error, exchange.stream) == (7, "timeout", "a")
    assert exchange.latency == pytest.approx(10e-6)


# --- the watcher itself, as a pod runs it --------------------------------------------------


def watched(folder: Path, streams: tuple[OpenStream, ...], seconds: float) -> Traces:
    """What the watcher writes of streams that it sends to a peer on this machine."""
    plan = Watch(who=WHO, streams=streams, seconds=seconds)
    (folder / "watch.json").write_text(plan.model_dump_json())
    subprocess.run(
        [sys.executable, WATCHER, "watch.json", "trace.jsonl", "ended"],
        cwd=folder, check=True, timeout=60, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    return Traces.load(folder / "trace.jsonl")


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
    assert len(set(peer.connections_of("/kept"))) < 10
    assert peer.headers("/new")[0] == ["Host: b.example"]
    assert read.window is not None
    assert read.window.lines == sum(map(len, read.streams))


def test_a_watcher_that_is_told_to_end_ends(tmp_path: Path) -> None:
    (tmp_path / "ended").touch()
    with running() as peer:
        began = time.monotonic()
        watched(tmp_path, (OpenStream(name="a", url=peer.url, interval=0.02),), 600)
    assert time.monotonic() - began < 30
