"""Sniffers: the block begins when all of them look, and each ends when it is told to."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.remote import SUCCESS, Container, Ended
from fixtures.traffic.sniffer import Sniffer, capturing

ONE, OTHER = "198.18.64.7", "198.18.80.9"


@dataclass
class Kube:
    """A cluster in which the program looks until its file is touched, or dies at once."""

    name: str
    dies: str = ""
    plans: list[dict[str, Any]] = field(default_factory=list)
    touched: threading.Event = field(default_factory=threading.Event)

    @property
    def cluster(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.name)

    def run(self, _container: Container, _command: list[str], **how: Any) -> Ended:
        self.plans.append(json.loads(how["stdin"]))
        if self.dies:
            return Ended("", "no such interface", self.dies)
        how["speaking"].set()
        assert self.touched.wait(10)
        return Ended('{}\n{"lost": 0}\n', "", SUCCESS)

    def exec(self, _container: Container, command: list[str]) -> str:
        assert command == ["touch", self.plans[0]["until"]]
        self.touched.set()
        return ""


def sniffer(kube: Kube) -> Sniffer:
    return Sniffer(kube, "n", "wire-1")  # type: ignore[arg-type]


def test_it_may_look_at_its_own_node_alone() -> None:
    kube = Kube("aws-cluster")
    inside = Sniffer(kube, "n", "wire-1", inside=True)  # type: ignore[arg-type]
    with inside.capturing([ONE, OTHER], "m"):
        assert (kube.plans[0]["interface"], kube.plans[0]["port"]) == ("", 0)


def test_all_look_while_the_block_runs_and_end_with_it() -> None:
    kubes = [Kube("aws-cluster"), Kube("azure-cluster")]
    with capturing(map(sniffer, kubes), [OTHER, ONE], "m-[0-9]+_") as end:
        assert [kube.plans[0]["mark"] for kube in kubes] == ["m-[0-9]+_"] * 2
        assert [kube.plans[0]["addresses"] for kube in kubes] == [[ONE, OTHER]] * 2
        assert not any(kube.touched.is_set() for kube in kubes)
        capture = end()
    assert (capture.flows, capture.lost, capture.died) == ((), 0, "")
    assert all(kube.touched.is_set() for kube in kubes)


def test_one_that_died_is_told_and_the_others_end() -> None:
    kubes = [Kube("aws-cluster", dies="exit status 1"), Kube("azure-cluster")]
    with capturing(map(sniffer, kubes), [], "m") as end:
        capture = end()
    assert capture.died == "aws-cluster/wire-1: exit status 1 no such interface"


def test_all_end_when_the_block_fails() -> None:
    kube = Kube("aws-cluster")
    with pytest.raises(ZeroDivisionError), capturing([sniffer(kube)], [], "m"):
        raise ZeroDivisionError
    assert kube.touched.is_set()
