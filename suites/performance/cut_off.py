"""Two clients that are cut off from CoreDNS for a while, and what they ask by name meanwhile.

Cilium denies these two pods alone what they send to CoreDNS, so nobody else goes without it, as all
would if it were scaled away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from clusters.kube import Document
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import Lab, convergence
from fixtures.lab.hubble import Agent
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from suites.performance.names import AFTER, BEFORE, CLIENTS, NOBODY, SERVICES, WITHOUT, stream
from suites.performance.subject import NAME, stage_of

PATIENCE = 25.0
"""Seconds for a name and its answer: a resolver gives up on a name after two seconds, and asks for
it in each of a pod's domains."""


@dataclass(frozen=True)
class Resolved:
    """What both clients asked by name, and what Cilium dropped while CoreDNS was out of reach."""

    history: History
    drops: tuple[Drop, ...]


def ask_while_cut_off(lab: Lab, cluster: str) -> Resolved:
    """Have both clients ask for all names with CoreDNS, without it, and with it again.

    Raises:
        CommandError: a prober could not be started.
        NotReadyError: a workload does not run, or Cilium did not go by the denial in time.
    """
    stage_of(lab, cluster, ())
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    clients = {who: lab.client(cluster, who, space.namespace) for who in CLIENTS}
    pods = [space.kube.pod(space.namespace, f"app={who}") for who in CLIENTS]
    agent = Agent.of(space.kube, pods[0])
    before = _ask(space, clients, BEFORE)
    with _cut_off(space, agent, pods, deadline):
        opened = agent.now()
        without = _ask(space, clients, WITHOUT)
        drops = agent.drops(opened, space.namespace)
    return Resolved(before + without + _ask(space, clients, AFTER), drops)


def _ask(space: Space, clients: Mapping[str, ClientPod], when: str) -> History:
    return side_by_side(
        *(partial(client.probe, *_streams(space, when, who)) for who, client in clients.items())
    )


def _streams(space: Space, when: str, who: str) -> Iterator[Stream]:
    for name in (*SERVICES, NOBODY):
        url = f"http://{name.format(namespace=space.namespace)}/"
        yield Stream(stream=stream(when, who, name), url=url, timeout=PATIENCE, reuse=False)


@contextmanager
def _cut_off(
    space: Space, agent: Agent, pods: Sequence[Document], deadline: float
) -> Iterator[None]:
    """Neither of the pods reaches CoreDNS, until the block ends and both do again."""
    document = _denial()
    space.kube.delete(document, space.namespace)
    uid = ""
    try:
        uid = convergence.network_policy(
            space, Given(document, "cut off"), agent, pods[0], deadline
        )
        for pod in pods[1:]:
            convergence.policy_state(agent, pod, uid, present=True, deadline=deadline)
        yield
    finally:
        space.kube.delete(document, space.namespace)
        for pod in pods if uid else ():
            convergence.policy_state(agent, pod, uid, present=False, deadline=deadline)


def _denial() -> Document:
    dns = {"io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}
    ports = [{"port": "53", "protocol": protocol} for protocol in ("UDP", "TCP")]
    chosen = {"key": "app", "operator": "In", "values": list(CLIENTS)}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "without-coredns"},
        "spec": {
            "endpointSelector": {"matchExpressions": [chosen]},
            "egress": [{"toEntities": ["all"]}],
            "egressDeny": [
                {"toEndpoints": [{"matchLabels": dns}], "toPorts": [{"ports": ports}]},
            ],
        },
    }
