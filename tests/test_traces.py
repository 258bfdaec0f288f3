"""Traces: what a monitor wrote is read as it was, also when it was cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history.streams import ClientId
from fixtures.history.traces import Answer, Heartbeats, Traces

WHO = ClientId(caller="watch-1", cluster="aws-cluster", identity="default/frontend")
HEAD: dict[str, Any] = {
    "who": WHO.model_dump(),
    "streams": [
        {
            "name": "a",
            "url": "http://198.18.0.1/",
            "interval": 0.01,
            "offset": 0.5,
            "headers": {"Host": "b.example"},
        }
    ],
    "seconds": 9,
    "began": 100.0,
    "epoch": 1000.0,
}


def lines(*told: Mapping[str, object], head: Mapping[str, object] = HEAD) -> list[str]:
    return [json.dumps(line, separators=(",", ":")) + "\n" for line in ({"watch": head}, *told)]


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
    with pytest.raises(ValueError, match=r"^a monitor's trace begins with its plan$"):
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
    assert inside.sent.tolist() == inside.due.tolist() == trace.due[first : first + more].tolist()
    assert inside.received.tolist() == trace.received[first : first + more].tolist()
    (same,) = Traces((trace,), None).between(start, end).streams
    assert same.seq.tolist() == inside.seq.tolist()


def test_a_stream_that_sent_nothing_has_an_empty_trace() -> None:
    head = {**HEAD, "streams": [*HEAD["streams"], {**HEAD["streams"][0], "name": "b"}]}
    text = lines({"outcome": {"status": 200}}, batch((0, 0, 1, 0)), head=head)
    sent, idle = Traces.parse(text).streams
    assert (len(sent), len(idle), idle.stream.name) == (1, 0, "b")
    assert idle.between(0, 1e12).due.tolist() == []


def test_heartbeats_and_the_summary_record_are_read() -> None:
    heartbeats = [{"beat": 100.0 + i, "stalled": 5.0 + i / 4} for i in range(3)]
    window = {
        "window": {"caller": "watch-1", "cluster": "aws-cluster", "identity": "x", "lines": 9}
    }
    read = Traces.parse(lines(*heartbeats, window))
    assert read.window is not None
    assert read.window.lines == 9
    assert read.between(0, 1).window is read.window
    (trace,) = read.streams
    assert trace.heartbeats.at.tolist() == [1100.0, 1101.0, 1102.0]
    assert trace.heartbeats.stalled.tolist() == [5.0, 5.25, 5.5]


@pytest.mark.parametrize(
    ("stalled", "start", "end", "pressure"),
    [
        (5.0, 0.0, 10.0, 0.5),
        (5.0, 2.00, 2.01, 0.5),
        (20.0, 0.0, 10.0, 1.0),
        (-5.0, 0.0, 10.0, 0.0),
        (5.0, 3.0, 3.0, 0.0),
    ],
)
def test_pressure_is_the_share_of_a_time_in_which_somebody_waited(
    stalled: float, start: float, end: float, pressure: float
) -> None:
    heartbeats = Heartbeats(np.array([0.0, 10.0]), np.array([40.0, 40.0 + stalled]))
    shares = heartbeats.pressure(np.array([start]), np.array([end]))
    assert shares.tolist() == pytest.approx([pressure])


def test_an_exchange_carries_what_its_answer_was() -> None:
    (trace,) = Traces.parse(lines({"outcome": {"error": "timeout"}}, batch((7, 0, 10, 0)))).streams
    exchange = trace.exchange(0)
    assert (exchange.seq, exchange.error, exchange.stream) == (7, "timeout", "a")
    assert exchange.latency == pytest.approx(10e-6)
    assert (exchange.url, exchange.request_headers) == ("http://198.18.0.1/", {"Host": "b.example"})
    assert (exchange.caller, exchange.cluster) == ("watch-1", "aws-cluster")
