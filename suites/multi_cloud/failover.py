"""Failover: pods of aws-cluster fail or fall silent, and clients ask their services meanwhile.

A client asks as the monitor does, each request when it is due, whatever became of the last. What is
done to the pods is undone in the end. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from clusters.components import istio, multicluster
from clusters.kube import Document
from clusters.waiting import wait_for
from fixtures.checks import Drop
from fixtures.checks.unbroken import UNAVAILABLE
from fixtures.history.streams import OpenStream
from fixtures.history.traces import Traces
from fixtures.history.verdict import Verdict, inconclusive, passed
from fixtures.lab import Lab, control_plane, convergence
from fixtures.lab.hubble import Agent
from fixtures.lab.open_loop import folder_of, watched
from fixtures.lab.origins import Arrival, Origin, origins
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod
from suites.multi_cloud.policies import AWS
from suites.multi_cloud.subject import (
    AILING,
    CLIENT,
    PORT,
    SILENT,
    Everywhere,
)

INTERVAL = 0.1
"""Seconds from one request to the next: ten a second leave a small machine its cores."""
PATIENCE = 0.99
"""Seconds for an answer: two tries of 250 ms that get none, and a third."""
ENOUGH = 20
"""Requests that a pod has had, after which it is known to be asked."""
PRACTICES = (
    "destinationrule-failover",
    "destinationrule-localities",
    "virtualservice-retry-remote",
)


@dataclass(frozen=True)
class Failed:
    """The own cluster's pod did not answer as it should, and then did again.

    Attributes:
        here: what arrived at it.
        there: what arrived at those of other clusters.
        began: before it was told to fail.
        ended: when it was told to be well.
        left: whether one of those was asked then, within T.
        returned: whether it was asked again, within T.
        drops: what Cilium dropped meanwhile, of the client's.
    """

    traces: Traces
    here: tuple[Arrival, ...]
    there: tuple[Arrival, ...]
    began: float
    ended: float
    left: Verdict
    returned: Verdict
    drops: tuple[Drop, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A pod with moods in each cluster, and aws-cluster's client, which knows them all."""

    space: Space
    deadline: float
    client: ClientPod
    here: Origin
    there: tuple[Origin, ...]
    folder: Path

    def fail(self) -> Failed:
        """The own pod answers 503 to everything, until the other one is asked."""
        return self._disturbed(AILING, partial(self.here.mood, status=UNAVAILABLE))

    def silence(self) -> Failed:
        """Nothing that the client sends comes to the own pod, until the other one is asked."""
        agent = Agent.any_of(self.space.kube)
        opened = agent.now()
        failed = self._disturbed(SILENT, partial(_silence, self, agent))
        return replace(failed, drops=agent.drops(opened, self.space.namespace))

    def _disturbed(
        self, service: str, disturb: Callable[[], AbstractContextManager[None]]
    ) -> Failed:
        """Have a service asked while the own pod is disturbed, and for a while after."""
        mark, since = convergence.generation(), time.monotonic()
        address, host = self.space.address(service), self.space.host(service)
        url = f"http://{address}/?nonce={mark}_"
        stream = OpenStream(
            name=service,
            url=url,
            headers={"Host": host},
            interval=INTERVAL,
            timeout=PATIENCE,
            kept=True,
        )
        missing = partial(self._missing, f"{mark}_", since)
        times: list[float] = []

        def act() -> tuple[Verdict, Verdict]:
            wait_for("the own pod to be asked", partial(missing, [self.here]), self.deadline)
            times.append(time.time())
            with disturb():
                wait = partial(
                    wait_for,
                    "the other cluster's pod to be asked",
                    partial(missing, self.there),
                    self.deadline,
                )
                left = convergence.in_time("the other cluster to be asked", wait)
            times.append(time.time())
            wait = partial(
                wait_for,
                "the own pod to be asked again",
                partial(missing, [self.here], times[1]),
                self.deadline,
            )
            return left, convergence.in_time("the own cluster to be asked again", wait)

        traces, (left, returned) = watched(self.client, [stream], self.folder, act)
        here, there = (
            tuple(a for each in some for a in each.arrivals(since) if a.nonce == f"{mark}_")
            for some in ((self.here,), self.there)
        )
        return Failed(traces, here, there, times[0], times[1], left, returned)

    def _missing(self, nonce: str, since: float, some: Iterable[Origin], after: float = 0.0) -> str:
        """What is missing until pods have answered enough requests well after a time."""
        arrivals = [a for each in some for a in each.arrivals(since) if a.nonce == nonce]
        count = sum(a.at > after and a.status != UNAVAILABLE for a in arrivals)
        return "" if count >= ENOUGH else f"{count} requests of {ENOUGH}"


def pair(lab: Lab, everywhere: Everywhere) -> Pair:
    """The pods with moods, once aws-cluster's client goes by the practices and knows them.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: a practice is refused, or is never in force.
    """
    place, others = everywhere.places[AWS], everywhere.others(AWS)
    practices = [lab.manifests.given(stem) for stem in PRACTICES]
    convergence.documents(place.space, practices, place.deadline, [place.client])
    (here,) = origins(place.space, AILING)
    there = tuple(origin for other in others for origin in origins(other.space, AILING))
    wanted = [f"{origin.address}:{PORT}" for origin in (here, *there)]
    for service in (AILING, SILENT):
        convergence.members(place.client, place.space.host(service), wanted, place.deadline)
    return Pair(place.space, place.deadline, place.client, here, there, folder_of(lab))


@contextmanager
def without_istiod(lab: Lab, everywhere: Everywhere) -> Iterator[Callable[[], Verdict]]:
    """No istiod in any cluster, until the block ends and all proxies are in step again.

    Gives a function that tells whether none runs.

    Raises:
        NotReadyError: they did not go, or come again, in time.
    """
    kubes = {name: lab.kube(name) for name in everywhere.places}
    patience = lab.deadline("workload")

    def none_runs() -> Verdict:
        pods = [
            pod["metadata"]["name"]
            for kube in kubes.values()
            for pod in kube.list("v1", "Pod", istio.NAMESPACE, istio.ISTIOD_LABEL)
        ]
        return inconclusive(f"{', '.join(pods)} ran") if pods else passed("no istiod ran")

    with ExitStack() as stack:
        for kube in kubes.values():
            stack.enter_context(control_plane.without_istiod(kube, patience))
        yield none_runs
    for name, kube in kubes.items():
        multicluster.wait_ready(kube, sorted(kubes.keys() - {name}), patience)
    for place in everywhere.places.values():
        convergence.in_step(place.space, patience, [place.client])


@contextmanager
def _silence(pair: Pair, agent: Agent) -> Iterator[None]:
    """Cilium drops what the client sends to the own pod, and nothing else."""
    space = pair.space
    pod = space.kube.pod(space.namespace, f"app={AILING}")
    document = _silencing()
    space.kube.delete(document, space.namespace)
    try:
        convergence.network_policy(space, Given(document, "silence"), agent, pod, pair.deadline)
        yield
    finally:
        space.kube.delete(document, space.namespace)


def _silencing() -> Document:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "silence"},
        "spec": {
            "endpointSelector": {"matchLabels": {"app": AILING}},
            "ingress": [{"fromEntities": ["all"]}],
            "ingressDeny": [{"fromEndpoints": [{"matchLabels": {"app": CLIENT}}]}],
        },
    }
