"""What a backend logs of a sample is waited for only where it can be in the log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.errors import NotReadyError
from fixtures.history import Arrived, Exchange, History
from fixtures.lab.sampling import MARGIN, arrivals, expected
from fixtures.lab.space import Space


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


def test_one_service_is_asked_for_all_that_it_logged() -> None:
    backends = Backends(web="GET /?nonce=a\n", other="GET /?nonce=b\n")
    assert arrivals(Asked(backends), frozenset("a"), service="web") == {"a": ["web"]}
    assert backends.since == [None]
    with pytest.raises(NotReadyError) as caught:
        arrivals(Asked(backends), frozenset("ab"), service="web")
    assert caught.value.seen == "b"
    assert "logs of web" in caught.value.expected
