"""Nothing opens and nothing closes while an agent is away: by traces made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clusters.errors import CommandError, NotReadyError
from clusters.kube import Kube
from clusters.remote import Container
from fixtures.history import History
from fixtures.history.traces import Answer, Trace
from fixtures.history.verdict import Outcome
from fixtures.lab.hubble import Agent
from suites.security.undisturbed import Killed, undisturbed
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS, drop
from tests.traces import BEGAN, REFUSED, SERVED, SILENT, STARVED, UNANSWERED, WRONG

N = 100
BACK = BEGAN + N * handmade.INTERVAL
IN, OUT = "insider->island", "outsider->island"


def trace(name: str, answers: list[Answer]) -> Trace:
    return handmade.trace(answers, name=name)


def killed(allowed: Answer = SERVED, denied: Answer = SILENT, **other: Any) -> Killed:
    """A time in which all was as it should be, but for one request of each stream, or for more."""
    middle = N // 2
    allowed_all, denied_all = [SERVED] * N, [SILENT] * N
    allowed_all[middle], denied_all[middle] = allowed, denied
    fields: dict[str, Any] = {
        "history": History(),
        "allowed": [(trace(IN, allowed_all), "web-service")],
        "denied": [trace(OUT, denied_all)],
        "drops": {OUT: [drop()]},
        "admitted": 0,
        "control": 3,
        "began": BEGAN,
        "back": BACK,
        "pods": ("cilium-1", "cilium-2"),
    }
    return Killed(**{**fields, **other})


def outcome(some: Killed) -> Outcome:
    return undisturbed(some)(some.history).outcome


def test_nothing_that_opens_or_closes_passes() -> None:
    verdict = undisturbed(killed())(History())
    assert verdict.outcome is PASS
    assert verdict.numbers["admitted"] == 0
    assert verdict.numbers["away"] == round(BACK - BEGAN, 1)


@pytest.mark.parametrize("answer", [SILENT, REFUSED, WRONG])
def test_one_allowed_request_that_is_not_served_is_a_failure(answer: Answer) -> None:
    assert outcome(killed(allowed=answer)) is FAIL


@pytest.mark.parametrize("answer", [SERVED, UNANSWERED, WRONG])
def test_one_denied_connection_that_comes_about_is_a_failure(answer: Answer) -> None:
    assert outcome(killed(denied=answer)) is FAIL


def test_what_is_denied_by_something_else_than_silence_leaves_it_open() -> None:
    assert outcome(killed(denied=REFUSED)) is PASS, "one of a hundred"
    assert outcome(replace(killed(), denied=[trace(OUT, [REFUSED] * N)])) is INCONCLUSIVE


@pytest.mark.parametrize("count", [0, 1])
def test_a_stream_that_was_hardly_sent_leaves_it_open(count: int) -> None:
    answers = [SILENT] * count + [STARVED] * (N - count)
    assert outcome(replace(killed(), denied=[trace(OUT, answers)])) is INCONCLUSIVE
    served = [SERVED] * count + [STARVED] * (N - count)
    own = replace(killed(), allowed=[(trace(IN, served), "web-service")])
    assert outcome(own) is INCONCLUSIVE


def test_a_leak_is_a_failure_however_little_was_sent() -> None:
    answers = [SERVED] + [STARVED] * (N - 1)
    assert outcome(replace(killed(), denied=[trace(OUT, answers)])) is FAIL


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"admitted": 1}, FAIL),
        ({"control": 0}, INCONCLUSIVE),
        ({"drops": {OUT: []}}, INCONCLUSIVE),
        ({"drops": {OUT: [drop(reason="STALE_OR_UNROUTABLE_IP")]}}, INCONCLUSIVE),
        ({"pods": ("cilium-1", "cilium-1")}, INCONCLUSIVE),
        ({"pods": ("cilium-1", "")}, INCONCLUSIVE),
        ({"began": BACK, "back": BACK + 1}, INCONCLUSIVE),
    ],
)
def test_what_proves_nothing_leaves_it_open(other: dict[str, Any], expected: Outcome) -> None:
    assert outcome(killed(**other)) is expected


class Cluster:
    """A cluster with one ready agent, that runs a program in no other pod."""

    cluster = SimpleNamespace(name="aws-cluster")

    def __init__(self, pod: str, *, is_there: bool = False) -> None:
        self.pod, self.is_there, self.ran = pod, is_there, list[str]()

    def exec(self, container: Container, command: tuple[str, ...]) -> str:
        if container.pod != self.pod:
            raise CommandError("it to start", seen=container.pod, look="")
        self.ran.append(container.pod)
        return " ".join(command)

    def get(self, *_words: str) -> dict[str, Any] | None:
        return {"metadata": {}} if self.is_there else None

    def list(self, *_words: str) -> list[dict[str, Any]]:
        status = {"conditions": [{"type": "Ready", "status": "True"}]}
        return [{"metadata": {"name": self.pod}, "spec": {"nodeName": "n"}, "status": status}]

    def kubectl(self, words: str) -> str:
        return words


def agent(cluster: Cluster, node: str = "n") -> Agent:
    return Agent(cast("Kube", cluster), "cilium-1", node)


def test_the_agent_that_is_there_is_asked() -> None:
    cluster = Cluster("cilium-1")
    assert agent(cluster).run("date", "-u") == "date -u"
    assert cluster.ran == ["cilium-1"]


def test_the_successor_of_an_agent_that_has_gone_is_asked() -> None:
    cluster = Cluster("cilium-2")
    assert agent(cluster).run("date") == "date"
    assert cluster.ran == ["cilium-2"]


def test_an_agent_that_is_there_and_fails_has_no_successor() -> None:
    with pytest.raises(CommandError):
        agent(Cluster("cilium-2", is_there=True)).run("date")


def test_a_node_without_an_agent_says_so() -> None:
    with pytest.raises(NotReadyError):
        agent(Cluster("cilium-2"), "another").run("date")
