"""Workloads of a namespace that allows nothing by default, in both layers, and who asks them."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clusters.kube import Document
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import HOME, OUTSIDE, Lab, convergence, decisions, sampling
from fixtures.lab.hubble import Agent, parse_revision
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from suites.least_privilege.declared import CELLS, CLIENTS, HTTP2, PORTS, SERVICES, Client
from suites.least_privilege.matrix import COUNT, Crossed

NAME = Path(__file__).parent.name
POLICY = "ciliumnetworkpolicy-nothing"
TIMEOUT = 2.0
AT_ONCE = 8


@dataclass(frozen=True)
class Guarded:
    """The workloads of one cluster, once both layers go by what is declared.

    Attributes:
        agent: Cilium's, on the node of the workloads.
        pods: names of the services' pods.
    """

    space: Space
    deadline: float
    agent: Agent
    clients: Mapping[str, ClientPod]
    pods: Mapping[str, str]

    def cross(self) -> Crossed:
        """Have every client ask every port of every service at once, each client by one run.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a service answered did not come into its log in time.
        """
        mark, began, opened = convergence.generation(), time.monotonic(), self.agent.now()
        history = side_by_side(*(partial(self._ask, client, mark) for client in CLIENTS))
        arrived = sampling.arrivals(self, sampling.expected(history), began)
        clients = {name: client.pod for name, client in self.clients.items()}
        account = decisions.account(self.agent, opened, clients.values())
        return Crossed(history, frozenset(arrived), account.decisions, {**self.pods, **clients})

    def _ask(self, client: Client, mark: str) -> History:
        return self.clients[client.name].probe(*self._streams(client, mark), at_once=AT_ONCE)

    def _streams(self, client: Client, mark: str) -> Iterator[Stream]:
        for cell in (each for each in CELLS if each.client is client):
            host = f"{self.space.host(cell.service)}:{PORTS[cell.port]}"
            http2 = cell.port == HTTP2
            yield with_nonces(cell.name, host, mark, count=COUNT, timeout=TIMEOUT, http2=http2)


def in_force(lab: Lab, cluster: str) -> Guarded:
    """The workloads of a cluster, once its agent and all proxies go by all policies.

    Raises:
        NotReadyError: a workload does not run, or a proxy or the agent did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    clients = {each.name: _client(lab, space, each) for each in CLIENTS}
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in SERVICES}
    agent = Agent.of(space.kube, pods[SERVICES[0]])
    own = [clients[each.name].address for each in CLIENTS if each.is_inside]
    addresses = [*own, *(str(pod["status"]["podIP"]) for pod in pods.values())]
    _put_up(space, lab.manifests.given(POLICY), agent, pods[SERVICES[0]], deadline)
    _enforced(agent, addresses, deadline)
    outside = [clients[e.name] for e in CLIENTS if e.account and not e.is_inside]
    convergence.in_step(space, deadline, outside)
    known = {*addresses, *(client.address for client in clients.values())}
    convergence.identities(agent, known, deadline)
    names = {name: str(pod["metadata"]["name"]) for name, pod in pods.items()}
    return Guarded(space, deadline, agent, clients, names)


def _client(lab: Lab, space: Space, client: Client) -> ClientPod:
    namespace = space.namespace if client.is_inside else HOME
    identity = "" if client.account else OUTSIDE
    return lab.client(space.kube.cluster.name, client.name, namespace, identity=identity)


def _put_up(space: Space, policy: Given, agent: Agent, pod: Document, deadline: float) -> None:
    """Have the agent import the default, or see to its absence. It is made anew, and so imported
    after all that the support declares, as its object's UID is what tells it from an earlier
    run's."""
    if policy.absent:
        convergence.no_network_policy(space, policy.document, agent, pod, deadline)
    else:
        space.kube.delete(policy.document, space.namespace)
        convergence.network_policy(space, policy, agent, pod, deadline)


def _enforced(agent: Agent, addresses: Collection[str], deadline: float) -> None:
    """Wait until the endpoints of all these addresses go by all that the agent has imported."""

    def pending() -> str:
        _, revision = agent.imported()
        endpoints = json.loads(agent.run("cilium-dbg", "endpoint", "list", "-o", "json"))
        realized = {address: parse_revision(endpoints, address) for address in addresses}
        late = {address: own for address, own in realized.items() if own < revision}
        return f"at revision {revision}: {late}" if late else ""

    look = agent.kube.kubectl("-n kube-system exec ds/cilium -- cilium-dbg endpoint list")
    wait_for("all endpoints to go by all policies", pending, deadline, look)
