"""Clients of one principal, one in each cluster, and the network policy that tells them apart.

To the service mesh they are one: the same account of the same namespace, under one root. They ask
without the policy, under it, and under the same policy with another cluster's name in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from clusters.kube import Document
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import with_nonces
from fixtures.lab import convergence, sampling
from fixtures.lab.hubble import Agent
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import side_by_side
from suites.multi_cloud.apart import NAMED, OTHER, OWN, VAULT, name
from suites.multi_cloud.policies import AWS, AZURE, COUNT, SECONDS
from suites.multi_cloud.subject import PORT, Everywhere, Place

POLICY = "ciliumnetworkpolicy-one-cluster"


@dataclass(frozen=True)
class Observation:
    """What was asked at each time, what arrived, and what the vault's agent dropped then."""

    history: History
    arrived: frozenset[str]
    drops: Mapping[str, tuple[Drop, ...]]


@dataclass(frozen=True)
class Namesakes:
    """The clients, and the vault that they ask."""

    space: Space
    deadline: float
    agent: Agent
    pod: Document
    places: Mapping[str, Place]

    def ask(self, policy: Given) -> Observation:
        """Have both ask at all times.

        Raises:
            CommandError: a program could not be started in a pod.
            WrongManifestError: the policy is refused, or is never in force.
            NotReadyError: an agent did not get there in time, or a log.
        """
        began, policies = time.monotonic(), {OWN: policy, OTHER: _of_the_other(policy)}
        history, drops = History(), dict[str, tuple[Drop, ...]]()
        for given in policies.values():
            self._take_away(given)
        for when in NAMED:
            with self._under(policies.get(when)):
                opened = self.agent.now()
                history += self._ask(when)
                drops[when] = self.agent.drops(opened, self.space.namespace)
        arrived = sampling.arrivals(self, sampling.expected(history), began)
        return Observation(history, frozenset(arrived), drops)

    def _ask(self, when: str) -> History:
        mark = convergence.generation()
        host = self.space.host(VAULT)
        more = {"count": COUNT, "timeout": SECONDS, "whole": True}
        return side_by_side(
            *(
                partial(place.client.probe, with_nonces(name(when, cluster), host, mark, **more))
                for cluster, place in self.places.items()
            )
        )

    @contextmanager
    def _under(self, policy: Given | None) -> Iterator[None]:
        if policy is None or policy.absent:
            yield
            return
        try:
            convergence.network_policy(self.space, policy, self.agent, self.pod, self.deadline)
            yield
        finally:
            self._take_away(policy)

    def _take_away(self, policy: Given) -> None:
        convergence.no_network_policy(
            self.space, policy.document, self.agent, self.pod, self.deadline
        )


def namesakes(everywhere: Everywhere) -> Namesakes:
    """The clients, once each knows the vault and its agent knows both.

    Raises:
        NotReadyError: a workload does not run, or a proxy or the agent did not get there in time.
    """
    place = everywhere.places[AWS]
    pod = place.space.kube.pod(place.space.namespace, f"app={VAULT}")
    agent = Agent.of(place.space.kube, pod)
    wanted = [f"{pod['status']['podIP']}:{PORT}"]
    for each in everywhere.places.values():
        convergence.members(each.client, each.space.host(VAULT), wanted, each.deadline)
    addresses = [each.client.address for each in everywhere.places.values()]
    convergence.identities(agent, addresses, place.deadline)
    return Namesakes(place.space, place.deadline, agent, pod, everywhere.places)


def _of_the_other(policy: Given) -> Given:
    """The same policy with the name of the other cluster in the place of the first's."""
    document = json.loads(json.dumps(policy.document).replace(AWS, AZURE))
    other = replace(policy, document=document)
    return other.renamed(f"{document['metadata']['name']}-other")
