"""Workloads behind several layers of policies: what defence in depth is asked of."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clusters.objects import of_gateway
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.certificates import Handshake
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import Lab, convergence, sampling
from fixtures.lab.hubble import Agent
from fixtures.lab.origins import arrived, origins
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from fixtures.traffic.handshake import Peer, shake
from suites.defence_in_depth.renewal import KEEP_ALIVE, LONG, NEW, is_renewed
from suites.defence_in_depth.requests import (
    ALL,
    ALPHA,
    CLIENTS,
    COUNT,
    HTTP2,
    PASS,
    PLAIN,
    RUNAWAY,
    STRICT,
    VAULT,
    WALLED,
    Request,
)

NAME = Path(__file__).parent.name
GATEWAYS = ("guarded", "open")
POLICIES = ("authorizationpolicy-conditions", "authorizationpolicy-entrance")
NETWORK_POLICIES = {
    WALLED: "ciliumclusterwidenetworkpolicy-wall",
    RUNAWAY: "ciliumnetworkpolicy-no-way-out",
}
"""By the workload that a policy is of."""
PORT = 3000
TIMEOUT = 2.0


@dataclass(frozen=True)
class Observation:
    """What was sent in one window, what of it arrived, and what Cilium dropped meanwhile."""

    history: History
    arrived: frozenset[str]
    drops: tuple[Drop, ...]


@dataclass(frozen=True)
class Renewal:
    """A load while certificates are renewed, and what was shown of them, by workload."""

    history: History
    shown: Mapping[str, Sequence[Handshake]]


@dataclass(frozen=True)
class Defended:
    """The workloads of one cluster, under all layers, and who asks them.

    Attributes:
        agent: Cilium's, on the node of `walled`.
        clients: by their workload.
        addresses: of pods, by their workload.
    """

    space: Space
    deadline: float
    agent: Agent
    clients: Mapping[str, ClientPod]
    addresses: Mapping[str, str]

    def observe(self) -> Observation:
        """Have everybody send all that they have to send, side by side.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began, opened = convergence.generation(), time.monotonic(), self.agent.now()
        history = side_by_side(*(partial(self._send, who, mark) for who in CLIENTS))
        drops = self.agent.drops(opened, self.space.namespace)
        return Observation(history, self._arrived(history, began), drops)

    def _arrived(self, history: History, began: float) -> frozenset[str]:
        """The nonces in the logs of all backends: of the echoes, and of the one that is none."""
        of_origin = sampling.expected(history.where(lambda e: e.service == STRICT))
        of_echoes = sampling.expected(history.where(lambda e: e.service != STRICT))
        pods = origins(self.space, STRICT)
        at_origin = {each.nonce for each in arrived(pods, of_origin, began, self.deadline)}
        return frozenset({*at_origin, *sampling.arrivals(self, of_echoes, began)})

    def renew(self) -> Renewal:
        """Have `alpha` ask `strict` without a pause, and look at the certificates of either until
        each has been renewed often enough, or too much time has passed.

        Raises:
            CommandError: a program could not be started in a pod.
        """
        shown: dict[str, list[Handshake]] = {name: [] for name in (ALPHA, STRICT)}
        peers = [Peer(self.addresses[name], PORT) for name in shown]
        url = f"http://{self.space.host(STRICT)}/"
        streams = (
            Stream(stream=KEEP_ALIVE, url=url, timeout=TIMEOUT),
            Stream(stream=NEW, url=url, timeout=TIMEOUT, reuse=False),
        )
        with self.clients[ALPHA].meanwhile(*streams, users=2, pause=0.1) as end:
            began = time.monotonic()
            while time.monotonic() - began < LONG and not is_renewed(shown):
                for name, each in zip(shown, shake(self.clients[PLAIN], peers), strict=True):
                    shown[name].append(each)
            return Renewal(end(), shown)

    def _send(self, who: str, mark: str) -> History:
        return self.clients[who].ask(*(self._stream(e, mark) for e in ALL if e.who == who))

    def _stream(self, request: Request, mark: str) -> Stream:
        name = request.target if request.short else self.space.host(request.target)
        return with_nonces(
            request.name,
            f"{name}{request.port}/{request.path}".rstrip("/"),
            mark,
            count=COUNT,
            timeout=TIMEOUT,
            http2=request.port == HTTP2,
            headers={PASS: request.header} if request.header else {},
        )


def in_force(lab: Lab, cluster: str) -> Defended:
    """The workloads of a cluster, once all that guards them is in force.

    Raises:
        NotReadyError: a workload does not run, or a proxy or agent did not get there in time.
        WrongManifestError: a manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    for gateway in GATEWAYS:
        space.kube.wait_rolled_out(space.namespace, lab.deadline("workload"), of_gateway(gateway))
    pods = {
        name: space.kube.pod(space.namespace, f"app={name}")
        for name in (VAULT, WALLED, STRICT, ALPHA, RUNAWAY)
    }
    addresses = {name: str(pod["status"]["podIP"]) for name, pod in pods.items()}
    agent = Agent.of(space.kube, pods[WALLED])
    convergence.documents(space, [lab.manifests.given(each) for each in POLICIES], deadline)
    for name, stem in NETWORK_POLICIES.items():
        _put_up(space, lab.manifests.given(stem), agent, pods[name], deadline)
    convergence.backends(agent, [addresses[name] for name in (VAULT, WALLED, STRICT)], deadline)
    clients = {
        who: lab.client(cluster, who, space.namespace, identity=f"app={who}") for who in CLIENTS
    }
    convergence.identities(agent, [each.address for each in clients.values()], deadline)
    return Defended(space, deadline, agent, clients, addresses)


def _put_up(
    space: Space, policy: Given, agent: Agent, pod: Mapping[str, object], deadline: float
) -> None:
    """Apply a policy, or see to its absence, and wait until the pod's endpoint goes by that."""
    if policy.absent:
        convergence.no_network_policy(space, policy.document, agent, pod, deadline)
    else:
        convergence.network_policy(space, policy, agent, pod, deadline)
