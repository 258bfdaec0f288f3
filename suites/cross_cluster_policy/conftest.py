"""What the cross-cluster policy is asked of: frontend in aws-cluster, and callers in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from clusters.kube import Document
from fixtures import convergence
from fixtures.caller import Caller, joined, side_by_side
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.hubble import Agent
from fixtures.lab import Lab
from fixtures.manifests import Given
from fixtures.space import Space
from fixtures.streams import Stream

AWS, AZURE = "aws-cluster", "azure-cluster"
COUNT = 20


@dataclass
class Guarded:
    """frontend, which the policy guards, and who would reach it. Streams: `<who>-><whom>`."""

    space: Space
    target: Document
    agent: Agent
    policy: Given
    callers: dict[str, Caller]
    deadline: float
    uid: str = field(default="")

    def protect(self) -> None:
        """Apply the policy and wait until frontend's endpoint enforces it."""
        if not self.uid:
            self.uid = self.space.apply(self.policy.document, self.policy.origin)["metadata"]["uid"]
            self._converge(present=True)

    def expose(self) -> None:
        """Delete the policy, an earlier run's too, and wait until nothing enforces it."""
        document = self.policy.document
        version, kind = document["apiVersion"], document["kind"]
        found = self.space.kube.get(version, kind, document["metadata"]["name"], self.namespace)
        if found:
            self.space.kube.delete(document, self.namespace)
            self.uid = found["metadata"]["uid"]
            self._converge(present=False)
        self.uid = ""

    def ask(self, *whom: str, label: str = "") -> History:
        """All callers at once, each its own streams, every request on a connection of its own."""
        calls: list[Callable[[], History]] = [
            partial(caller.probe, *(self._stream(f"{who}->{w}{label}", w) for w in whom))
            for who, caller in self.callers.items()
        ]
        return side_by_side(*calls)

    @property
    def namespace(self) -> str:
        return self.space.namespace

    def _stream(self, name: str, service: str) -> Stream:
        url = f"http://{self.space.host(service)}/"
        return Stream(stream=name, url=url, count=COUNT, concurrency=COUNT, timeout=2, reuse=False)

    def _converge(self, *, present: bool) -> None:
        convergence.network_policy(self.agent, self.target, self.uid, present, self.deadline)


@pytest.fixture(scope="module")
def guarded(lab: Lab) -> Guarded:
    """frontend without any policy yet, and the callers, known to its agent."""
    spaces = {cluster: lab.space("cross_cluster_policy", cluster) for cluster in (AWS, AZURE)}
    here = spaces[AWS]
    target = here.kube.pod(here.namespace, "app=frontend")
    agent = Agent.of(here.kube, target)
    callers = {
        f"{cluster}/{app}": lab.caller(
            cluster, app, here.namespace, identity=f"app={app} in {cluster}"
        )
        for cluster in (AWS, AZURE)
        for app in ("backend", "other")
    }
    addresses = [_address(caller) for caller in callers.values()]
    convergence.identities(agent, addresses, lab.deadline("convergence"))
    policy = lab.manifests.given("ciliumnetworkpolicy")
    made = Guarded(here, target, agent, policy, callers, lab.deadline("convergence"))
    made.expose()
    return made


@dataclass(frozen=True)
class Window:
    """What happened while all callers asked at once, and what Cilium dropped meanwhile."""

    history: History
    drops: tuple[Drop, ...]


@pytest.fixture(scope="module")
def window(guarded: Guarded) -> Window:
    """Everyone asks frontend and its bystander, under the policy, in one window of time."""
    guarded.protect()
    opened = guarded.agent.now()
    history = guarded.ask("frontend", "bystander")
    return Window(history, guarded.agent.drops(opened, guarded.namespace))


@pytest.fixture(scope="module")
def exposed(guarded: Guarded) -> History:
    """Everyone asks frontend before the policy is applied, and after its removal."""
    guarded.expose()
    before = guarded.ask("frontend", label=" before")
    guarded.protect()
    guarded.expose()
    return joined((before, guarded.ask("frontend", label=" after")))


def _address(caller: Caller) -> str:
    pod = caller.kube.get("v1", "Pod", caller.pod, caller.namespace) or {"status": {}}
    return str(pod["status"].get("podIP", ""))
