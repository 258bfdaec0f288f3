"""What the cross-cluster policy is asked of: frontend in aws-cluster, and callers in both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from clusters.kube import Document, Kube
from clusters.steps import clustermesh
from clusters.waiting import wait_for
from fixtures import convergence, mesh
from fixtures.caller import Caller, side_by_side, together
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.hubble import NAMESPACE, Agent
from fixtures.lab import Lab
from fixtures.manifests import Given
from fixtures.space import Space
from fixtures.streams import Stream
from fixtures.verdict import Verdict

AWS, AZURE = "aws-cluster", "azure-cluster"
CALLERS = (
    "aws-cluster/backend",
    "aws-cluster/other",
    "azure-cluster/backend",
    "azure-cluster/other",
)
COUNT = 20
SECONDS = 6.0
# The denied wait for their timeouts and cost nothing; the allowed must not crowd out of
# Hubble's ring what it says of them.
USERS = {
    "aws-cluster/backend": 40,
    "aws-cluster/other": 40,
    "azure-cluster/backend": 4,
    "azure-cluster/other": 40,
}


@dataclass(frozen=True)
class Window:
    """What happened while all callers asked at once, and what Cilium dropped meanwhile."""

    history: History
    drops: tuple[Drop, ...]


@dataclass
class Guarded:
    """frontend, which the policy guards, and who would reach it. Streams: `<who>-><whom>`."""

    space: Space
    target: Document
    agent: Agent
    policy: Given
    callers: dict[str, Caller]
    deadline: float
    mesh_deadline: float
    uid: str = field(default="")

    def protect(self) -> None:
        """Apply the policy and wait until frontend's endpoint enforces it."""
        if not self.uid and (stored := self.space.put(self.policy)):
            self.uid = stored["metadata"]["uid"]
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

    def address(self, who: str) -> str:
        """The address of a caller's pod."""
        return _address(self.callers[who])

    def ask(self, *whom: str, label: str = "", who: Collection[str] = CALLERS) -> History:
        """Callers at once, each its own streams, every request on a connection of its own."""
        calls: list[Callable[[], History]] = [
            partial(self.callers[w].ask, *(self.stream(f"{w}->{x}{label}", x) for x in whom))
            for w in who
        ]
        return side_by_side(*calls)

    def look(self, send: Callable[[], History]) -> Window:
        """Have requests sent, and ask Cilium what it dropped meanwhile."""
        opened = self.agent.now()
        history = send()
        return Window(history, self.agent.drops(opened, self.namespace))

    def load(self, least: int) -> History:
        """Locust in all callers at once: many users, each request a connection of its own."""
        loadings = (
            caller.loading(
                self.stream(f"{who}->frontend", "frontend", timeout=2),
                users=USERS[who],
                seconds=SECONDS + 1,
                least=least,
            )
            for who, caller in self.callers.items()
        )
        return together(*loadings)

    def label(self, who: str, app: str) -> Verdict:
        """Give a caller's pod another `app`; whether frontend's agent knows it in time."""
        caller = self.callers[who]
        labels = {"metadata": {"name": caller.pod, "labels": {"app": app}}}
        caller.kube.patch({"apiVersion": "v1", "kind": "Pod", **labels}, caller.namespace)
        known = partial(
            convergence.labelled, self.agent, _address(caller), f"k8s:app={app}", self.deadline
        )
        return convergence.in_time(f"app={app}", known)

    @contextmanager
    def without_mesh(self) -> Iterator[None]:
        """No ClusterMesh control plane in either cluster, until the block ends."""
        kubes = [self.callers[f"{name}/other"].kube for name in (AWS, AZURE)]
        before = {kube: clustermesh.connections(kube) for kube in kubes}
        try:
            self._scale_mesh(kubes, 0)
            yield
        finally:
            self._scale_mesh(kubes, 1)
            mesh.wait_joined(before, self.mesh_deadline)

    def _scale_mesh(self, kubes: Collection[Kube], replicas: int) -> None:
        """All control planes at once: each waits for the others before it is ready."""
        with ThreadPoolExecutor(len(kubes)) as pool:
            scale = partial(self._scaled, replicas=replicas)
            list(pool.map(scale, kubes))

    def _scaled(self, kube: Kube, replicas: int) -> None:
        kube.scale(NAMESPACE, clustermesh.SERVICE, replicas, self.mesh_deadline)

    @property
    def namespace(self) -> str:
        return self.space.namespace

    def stream(self, name: str, service: str, timeout: float = 2) -> Stream:
        """Requests to a service, `COUNT` of them at once, none on another's connection."""
        url = f"http://{self.space.host(service)}/"
        return Stream(
            stream=name, url=url, count=COUNT, concurrency=COUNT, timeout=timeout, reuse=False
        )

    def _converge(self, *, present: bool) -> None:
        convergence.network_policy(self.agent, self.target, self.uid, present, self.deadline)


@pytest.fixture(scope="module")
def guarded(lab: Lab) -> Guarded:
    """frontend without any policy yet, and the callers, known to its agent."""
    return known(lab)


def known(lab: Lab) -> Guarded:
    """frontend without any policy, once its agent knows every caller."""
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
    deadline = lab.deadline("convergence")
    convergence.identities(agent, addresses, deadline)
    guarded = [target, here.kube.pod(here.namespace, "app=bystander")]
    for space in spaces.values():
        there = [str(pod["status"]["podIP"]) for pod in guarded]
        convergence.backends(Agent.any_of(space.kube), there, deadline)
    policy = lab.manifests.given("ciliumnetworkpolicy")
    mesh_deadline = lab.deadline("clustermesh")
    made = Guarded(here, target, agent, policy, callers, deadline, mesh_deadline)
    made.expose()
    return made


def renewed(lab: Lab) -> Guarded:
    """As `known`, with a frontend that nobody has asked yet.

    What it had to say when a policy cut a connection off it says again for minutes. That opens
    conntrack for an answer, and whoever comes from the same port then passes as one.
    """
    space = lab.space("cross_cluster_policy", AWS)
    kube, namespace, labels = space.kube, space.namespace, "app=frontend"
    kube.end_pod(namespace, labels)

    def pending() -> str:
        kube.pod(namespace, labels)  # raises as long as there is none
        return ""

    look = kube.kubectl(f"-n {namespace} get pods -l {labels}")
    wait_for("another pod of frontend", pending, lab.deadline("workload"), look)
    return known(lab)


@pytest.fixture(scope="module")
def window(guarded: Guarded) -> Window:
    """Everyone asks frontend and its bystander, under the policy, in one window of time."""
    guarded.protect()
    return guarded.look(lambda: guarded.ask("frontend", "bystander"))


@pytest.fixture(scope="module")
def exposed(guarded: Guarded) -> Window:
    """Everyone asks frontend before the policy is applied, and after its removal."""

    def ask() -> History:
        guarded.expose()
        before = guarded.ask("frontend", label=" before")
        guarded.protect()
        guarded.expose()
        return before + guarded.ask("frontend", label=" after")

    return guarded.look(ask)


def _address(caller: Caller) -> str:
    pod = caller.kube.get("v1", "Pod", caller.pod, caller.namespace) or {"status": {}}
    return str(pod["status"].get("podIP", ""))
