"""What a backend logs of a sample is waited for only where it can be in the log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.errors import NotReadyError
from fixtures.checks.expectations import BY_RBAC, Dropped, Served
from fixtures.checks.samples import CLIENT, Oracle, by_client
from fixtures.history import Arrived, Exchange, History
from fixtures.history.streams import Stream
from fixtures.history.verdict import Outcome
from fixtures.lab.sampling import AT_ONCE, MARGIN, Answered, arrivals, ask, ask_by, expected
from fixtures.lab.space import Space
from fixtures.traffic.client import SILENCE


def exchange(nonce: str, service: str = "web", arrived: str | None = None) -> Exchange:
    return Exchange(
        stream=nonce, seq=0, caller="c", cluster="k", identity="i", sent=0, received=1,
        url=f"http://x/?nonce={nonce}", status=200, service=service,
        arrived=None if arrived is None else Arrived(path=arrived),
    )  # fmt: skip


def test_what_arrived_with_its_nonce_is_waited_for() -> None:
    assert expected(History([exchange("a", arrived="/?nonce=a"), exchange("b")])) == {"a", "b"}


def test_what_was_rewritten_or_answered_by_no_backend_is_not() -> None:
    rewritten = exchange("a", arrived="/elsewhere")
    assert expected(History([rewritten, exchange("b", service="")])) == frozenset()


class Backends:
    """Stands in for a cluster: a client pod, two backends, and what these have logged."""

    def __init__(self, **logs: str) -> None:
        self.logged = logs
        self.since: list[float | None] = []

    def list(self, *_: str) -> list[Any]:
        return [
            {"metadata": {"name": name}, "spec": {"containers": [{"name": container, "env": env}]}}
            for name, container in (("client", "prober"), *((n, "echo") for n in self.logged))
            for env in [[{"name": "SERVICE_NAME", "value": name}]]
        ]

    def logs(self, _namespace: str, pod: str, container: str, since: float | None) -> str:
        assert container == "echo"
        self.since.append(since)
        return self.logged[pod]

    def kubectl(self, words: str) -> str:
        return words


@dataclass(frozen=True)
class Asked:
    kube: Any
    deadline: float = 0.01

    @property
    def space(self) -> Space:
        return Space(self.kube, "n")


def test_each_arrival_is_known_by_its_nonce_and_the_service_that_logged_it() -> None:
    backends = Backends(web="GET /?nonce=a\nGET /?nonce=a\n", other="GET /?nonce=a&nonce=b\n")
    found = arrivals(Asked(backends), frozenset("ab"), time.monotonic())
    assert found == {"a": ["web", "web", "other"], "b": ["other"]}
    assert backends.since == [pytest.approx(MARGIN, abs=5)] * 2


def test_what_does_not_arrive_in_time_is_told() -> None:
    backends = Backends(web="GET /?nonce=a\n", other="GET /?nonce=b\n")
    with pytest.raises(NotReadyError) as caught:
        arrivals(Asked(backends), frozenset("abc"), time.monotonic())
    assert caught.value.seen == "c"


class Sends:
    """Stands in for a client pod: what it is served is logged at once, or it is denied."""

    def __init__(self, pod: str, backends: Backends, *, served: bool) -> None:
        self.pod, self.backends, self.served = pod, backends, served
        self.at_once = self.consecutive_timeouts = 0

    def probe(self, *streams: Stream, at_once: int, consecutive_timeouts: int) -> History:
        self.at_once, self.consecutive_timeouts = at_once, consecutive_timeouts
        if self.served:
            self.backends.logged["web"] += "".join(f"{s.method} {s.target}\n" for s in streams)
        denial = {"status": 403, "service": "", "body": BY_RBAC.body}
        return History(
            exchange(s.stream).model_copy(
                update={"identity": self.pod, "received": 0.1, "method": s.method,
                        "url": f"http://x{s.target}", **({} if self.served else denial)}
            )
            for s in streams
        )  # fmt: skip


WEB = Served(frozenset({"web"}))
BY_CLIENT = Oracle(
    {
        "path": {"root": "/", "page": "/cart"},
        "method": {"GET": "GET", "PUT": "PUT"},
        CLIENT: {"one": "a", "two": "b", "three": ""},
    },
    lambda chosen: WEB if chosen[CLIENT] else BY_RBAC,
)


BESIDE = Stream(stream="beside", url="http://x/", target="/?nonce=beside")


def asked_by(served: set[str]) -> tuple[dict[str, Sends], dict[str, Answered]]:
    backends = Backends(web="")
    clients = {
        name: Sends(f"pod-{name}", backends, served=name in served)
        for name in ("one", "two", "three", "not of the sample")
    }
    pods: Any = clients
    samples = by_client(BY_CLIENT.sample(7, "http://x", "t"))
    return clients, ask_by(Asked(backends), pods, samples, {"one": (BESIDE,)})


def outcome(answered: Answered) -> Outcome:
    return answered.are_as_meant()(answered.history).outcome


def test_each_client_sends_its_own_part_of_a_sample() -> None:
    clients, answered = asked_by({"one", "two"})
    assert answered.keys() == {"one", "two", "three"}
    for name, part in answered.items():
        assert {sample.row[CLIENT] for sample in part.samples} == {name}
        beside = ("beside",) if name == "one" else ()
        assert part.history.streams() == (*beside, *(s.stream.stream for s in part.samples))
        assert {e.identity for e in part.history} == {f"pod-{name}"}
        assert outcome(part) is Outcome.PASS
    assert sum(client.at_once for client in clients.values()) <= AT_ONCE
    assert clients["not of the sample"].at_once == 0
    assert all(clients[name].consecutive_timeouts == SILENCE for name in answered)


def test_a_sample_in_which_silence_is_meant_is_sent_whole() -> None:
    backends = Backends(web="")
    client: Any = Sends("pod", backends, served=False)
    oracle = Oracle({"path": {"root": "/", "page": "/cart"}}, lambda _: Dropped())
    answered = ask(oracle, 7, Asked(backends), client, "http://x")
    assert len(answered.history) == 2
    assert client.consecutive_timeouts == 0


def test_a_part_of_a_sample_has_what_came_of_that_alone() -> None:
    answered = asked_by({"one", "two"})[1]["one"]
    part = answered.of(answered.samples[:1])
    assert part.history.streams() == (answered.samples[0].stream.stream,)
    assert outcome(part) is Outcome.PASS


def test_what_one_client_is_served_too_fails_its_own_part() -> None:
    _, answered = asked_by({"one", "two", "three"})
    whole = answered["one"] + answered["three"]
    assert outcome(answered["one"]) is Outcome.PASS
    assert outcome(answered["three"]) is Outcome.FAIL
    verdict = whole.are_as_meant()(whole.history)
    assert verdict.outcome is Outcome.FAIL
    assert "all with client: three and none else" in verdict.reason
