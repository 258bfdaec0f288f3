"""A client's history: whole, or it says why not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from clusters.kube import Kube
from clusters.remote import SUCCESS, Container, Ended
from clusters.topology import Cluster
from fixtures.checks import status_is
from fixtures.history import Exchange, Window
from fixtures.history.streams import Load, Stream
from fixtures.history.verdict import Outcome
from fixtures.traffic.client import ClientPod, Loading, together

WHO = {"caller": "pod-1", "cluster": "aws-cluster", "identity": "i"}
LINES = [
    Exchange(
        **WHO, stream="s", seq=seq, sent=0, received=1, url="http://x/", status=200
    ).model_dump_json(exclude_defaults=True)
    for seq in range(2)
]


def last(lines: int) -> str:
    return f'{{"window":{Window(**WHO, ended=1, lines=lines).model_dump_json()}}}'


class Pod:
    """A cluster whose one pod ends each program as it was told to; it runs nothing."""

    def __init__(self, *ended: Ended) -> None:
        self.ended = iter(ended)
        self.asked: list[str] = []
        self.cluster = Cluster(name="aws-cluster", kubeconfig=Path("absent"), context="c")

    def run(self, *_: Any, **how: Any) -> Ended:
        self.asked.append(how["stdin"])
        return next(self.ended)


def probe(*lines: str, how: str = SUCCESS, err: str = "", end: str = "\n") -> Any:
    pod = cast(Kube, Pod(Ended("\n".join(lines) + end, err, how)))
    return ClientPod(pod, "default", "pod-1", "i").probe(Stream(stream="s", url="http://x/"))


def test_a_whole_history_is_taken_as_it_is() -> None:
    history = probe(*LINES, last(2))
    assert len(history) == 2
    assert [window.died for window in history.windows] == [""]
    assert status_is(200, 2)(history).passed


@pytest.mark.parametrize(
    ("history", "died"),
    [
        (probe(*LINES, last(3)), "3 lines written, 2 read"),
        (probe(*LINES), "Success: it left no last line"),
        (probe(*LINES, LINES[0][:20], end=""), "Success: it left no last line"),
        (probe(*LINES, last(2), how="no end after 60 s"), "no end after 60 s: it left no last"),
        (probe(how="exit code 1", err="Traceback"), "exit code 1: Traceback"),
    ],
)
def test_what_is_not_whole_says_why_and_proves_nothing(history: Any, died: str) -> None:
    assert history.windows[-1].died.startswith(died)
    assert history.windows[-1].caller == "pod-1"
    assert status_is(200)(history).outcome is Outcome.INCONCLUSIVE


# --- asked once more -----------------------------------------------------------------------


def told(stream: str, **fields: Any) -> str:
    exchange = Exchange(**WHO, stream=stream, seq=0, sent=0, received=1, url="http://x/", **fields)
    return exchange.model_dump_json(exclude_defaults=True)


def ended(*lines: str) -> Ended:
    return Ended("\n".join([*lines, last(len(lines))]) + "\n", "", SUCCESS)


def ask(*runs: Ended) -> tuple[Any, Pod]:
    pod = Pod(*runs)
    client = ClientPod(cast(Kube, pod), "default", "pod-1", "i")
    streams = (Stream(stream=name, url="http://x/") for name in ("a", "b"))
    return client.ask(*streams), pod


def test_what_was_never_sent_is_asked_once_more() -> None:
    first = ended(told("a", error="starved"), told("b", status=200))
    history, pod = ask(first, ended(told("a", error="timeout")))
    assert [(e.stream, e.error) for e in history] == [
        ("a, starved", "starved"),
        ("b", ""),
        ("a", "timeout"),
    ]
    assert ['"stream":"b"' in plan for plan in pod.asked] == [True, False]
    assert len(history.windows) == 2


@pytest.mark.parametrize(
    "lines",
    [
        (told("a", status=200), told("b", error="timeout")),
        (told("a", error="starved"), told("a", status=200)),
    ],
)
def test_what_was_sent_is_never_asked_again(lines: tuple[str, ...]) -> None:
    history, pod = ask(ended(*lines))
    assert len(pod.asked) == 1
    assert len(history) == len(lines)


def test_it_is_asked_only_once_more() -> None:
    starved = ended(told("a", error="starved"))
    history, _ = ask(starved, starved)
    assert [e.stream for e in history] == ["a, starved", "a"]
    assert status_is(200)(history.stream("a")).outcome is Outcome.INCONCLUSIVE


# --- loads side by side --------------------------------------------------------------------


class Loaded(Pod):
    """A pod whose Locust stands ready when it is told to, and ends once its gate is open."""

    def __init__(self, *, ready: threading.Event, dies: bool = False) -> None:
        super().__init__()
        self.ready, self.dies = ready, dies
        self.opened = threading.Event()
        self.told: list[str] = []

    def run(self, _place: Container, command: list[str], **how: Any) -> Ended:
        if self.dies:
            return Ended("", "no module", "exit code 1")
        load = Load.model_validate_json(command[1].partition("=")[2])
        assert self.ready.wait(10)
        how["speaking"].set()
        assert self.opened.wait(10), "nobody opened its gate"
        assert self.told == ["touch", load.gate]
        return ended(told("s", status=200))

    def exec(self, _place: Container, command: list[str]) -> str:
        self.told += command
        self.opened.set()
        return ""


def loading(pod: Pod) -> Loading:
    client = ClientPod(cast(Kube, pod), "default", "pod-1", "i")
    return client.loading(Stream(stream="s", url="http://x/"), users=1, seconds=1)


def test_loads_begin_once_all_stand_ready() -> None:
    first, last_one = threading.Event(), threading.Event()
    quick, slow = Loaded(ready=first), Loaded(ready=last_one)
    first.set()
    with ThreadPoolExecutor(1) as pool:
        history = pool.submit(together, loading(quick), loading(slow))
        assert not quick.opened.wait(0.2)
        last_one.set()
        assert [e.status for e in history.result(10)] == [200, 200]


def test_a_load_that_dies_keeps_no_other_waiting() -> None:
    ready = threading.Event()
    ready.set()
    dead = Loaded(ready=ready, dies=True)
    history = together(loading(dead), loading(Loaded(ready=ready)))
    assert [e.status for e in history] == [200]
    assert [bool(window.died) for window in history.windows] == [True, False]
    assert not dead.told
