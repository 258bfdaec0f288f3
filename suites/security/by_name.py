"""A client that may leave for one name, names that resemble it, and the addresses behind them.

All of them are of the world: what another cluster's node answers at an address that no cluster is
told of, and the other clusters' way to its ClusterMesh API server. Nothing here judges.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from clusters.components import clustermesh
from clusters.errors import CommandError, NotReadyError
from clusters.kube import Document
from clusters.waiting import wait_for
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import Lab, convergence
from fixtures.lab.hubble import Agent
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod, side_by_side
from suites.security.isolation import KUBELET, name
from suites.security.subject import INSIDER, NAME

POLICY = "ciliumnetworkpolicy-by-name"
SEEKER = "seeker"
"""The client that the policy is of."""
BEYOND = "beyond"
"""The name that the policy names."""
FIRST, AGAIN = "", ", once the name was looked up"
ADDRESS = "the address"
"""That of the name, before anybody has looked the name up."""
OTHER_ADDRESS = "another address"
LETTERS = 5
COUNT = 4
"""Requests of a stream: of what is dropped Hubble tells no more than a hundred a second."""
SECONDS = 2
"""Of silence, after which a request was not answered."""
AT_ONCE = 8


@dataclass(frozen=True)
class Target:
    """Where a name leads to."""

    address: str
    port: int


@dataclass(frozen=True)
class Sought:
    """What was asked, one after another, and what the agent dropped meanwhile.

    Attributes:
        others: names that resemble the one that the policy names, and lead to another address.
        ports: of the name's address, and of the other one.
    """

    history: History
    drops: tuple[Drop, ...]
    others: Sequence[str]
    ports: tuple[int, int]


@dataclass(frozen=True)
class _Seeking:
    space: Space
    seeker: ClientPod
    insider: ClientPod
    targets: Mapping[str, Target]

    def ask(self) -> History:
        """Ask for the address without the name, for the name, and for what is not named both before
        and after; somebody whom no policy is of asks for the same names."""
        mark = convergence.generation()
        others = [each for each in self.targets if each != BEYOND]
        before = [
            self._at_address(ADDRESS, BEYOND, mark),
            *(self._by_name(SEEKER, each, FIRST, mark) for each in others),
        ]
        control = [self._by_name(INSIDER, each, FIRST, mark) for each in self.targets]
        after = [
            self._at_address(OTHER_ADDRESS, others[0], mark),
            *(self._by_name(SEEKER, each, AGAIN, mark) for each in others),
        ]
        first = side_by_side(
            partial(self.seeker.probe, *before, at_once=AT_ONCE),
            partial(self.insider.probe, *control, at_once=AT_ONCE),
        )
        named = self.seeker.probe(self._by_name(SEEKER, BEYOND, FIRST, mark))
        return first + named + self.seeker.probe(*after, at_once=AT_ONCE)

    def _by_name(self, who: str, whom: str, when: str, mark: str) -> Stream:
        host = f"{self.space.host(whom)}:{self.targets[whom].port}"
        return _stream(name(who, whom) + when, host, mark)

    def _at_address(self, what: str, whom: str, mark: str) -> Stream:
        target = self.targets[whom]
        return _stream(name(SEEKER, what), f"{target.address}:{target.port}", mark)


def seek(lab: Lab, cluster: str, seed: int) -> Sought:
    """Have a client look for what it may leave for, and for what it may not.

    Args:
        seed: draws the names that resemble the one.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: a name was not served, or the agent did not enforce the policy, in time.
        WrongManifestError: the policy is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    seeker, insider = (lab.client(cluster, who, space.namespace) for who in (SEEKER, INSIDER))
    pod = space.kube.pod(space.namespace, f"app={SEEKER}")
    agent = Agent.of(space.kube, pod)
    convergence.identities(agent, {seeker.address, insider.address}, deadline)
    others = resembling(seed)
    named, other = _targets(lab, cluster)
    targets = {BEYOND: named, **dict.fromkeys(others, other)}
    with _served(space, insider, targets, deadline):
        _enforce(lab, space, agent, pod, named.address)
        opened = agent.now()
        history = _Seeking(space, seeker, insider, targets).ask()
        drops = agent.drops(opened, space.namespace)
    # What a pod has looked up its agent remembers for as long as connections may go by it.
    space.kube.end_pod(space.namespace, f"app={SEEKER}")
    return Sought(history, drops, others, (named.port, other.port))


def resembling(seed: int) -> list[str]:
    """Names like the one that the policy names: it begins them, ends them, or stands in them."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    word, more = ("".join(draw.choices(string.ascii_lowercase, k=LETTERS)) for _ in range(2))
    return [f"{BEYOND}{word}", f"{word}{BEYOND}", f"{word}-{BEYOND}-{more}"]


def _targets(lab: Lab, cluster: str) -> tuple[Target, Target]:
    """Two addresses of another cluster, both of the world."""
    others = [each for each in lab.topology.clusters if each.name != cluster and each.world]
    if not others:
        raise NotReadyError(f"an address of the world to {cluster}", seen="none", look="make up")
    kube = lab.kube(others[0].name)
    service = kube.get("v1", "Service", clustermesh.SERVICE, clustermesh.NAMESPACE) or {}
    try:
        address = str(service["status"]["loadBalancer"]["ingress"][0]["ip"])
        port = int(service["spec"]["ports"][0]["port"])
    except (KeyError, IndexError, TypeError):
        look = kube.kubectl(f"-n {clustermesh.NAMESPACE} get service {clustermesh.SERVICE} -o yaml")
        what = f"Service/{clustermesh.SERVICE} of {others[0].name} to have an address"
        raise NotReadyError(what, seen="none", look=look) from None
    return Target(others[0].world, KUBELET), Target(address, port)


@contextmanager
def _served(
    space: Space, client: ClientPod, targets: Mapping[str, Target], deadline: float
) -> Iterator[None]:
    """The names, until the block ends, once they can be looked up."""
    documents = [each for whom, target in targets.items() for each in _documents(whom, target)]
    try:
        for document in documents:
            space.apply(document)
        for whom in targets:
            pending = partial(_unknown, client, space.host(whom))
            wait_for(f"{space.host(whom)} to be known", pending, deadline)
        yield
    finally:
        for document in documents:
            space.kube.delete(document, space.namespace)


def _unknown(client: ClientPod, host: str) -> str:
    try:
        client.kube.exec(client.container, ["getent", "hosts", f"{host}."])
    except CommandError as error:
        return error.seen or "it is not"
    return ""


def _documents(whom: str, target: Target) -> Iterator[Document]:
    """A Service without pods, of which no proxy is told, and where it leads to."""
    port = {"name": "http", "port": target.port}
    away = {"networking.istio.io/exportTo": "~"}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": whom, "annotations": away},
        "spec": {"clusterIP": "None", "ports": [port]},
    }
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": whom, "labels": {"kubernetes.io/service-name": whom}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [target.address]}],
        "ports": [port],
    }


def _enforce(lab: Lab, space: Space, agent: Agent, pod: Document, address: str) -> None:
    """Have the policy enforced, or see to its absence, by an agent that has forgotten what an
    earlier run looked up: where no policy names a name, no address shows one."""
    policy, deadline = lab.manifests.given(POLICY), lab.deadline("convergence")
    if policy.absent:
        convergence.no_network_policy(space, policy.document, agent, pod, deadline)
    else:
        convergence.network_policy(space, policy, agent, pod, deadline)
    agent.forget_lookups()

    def pending() -> str:
        return ", ".join(sorted(each for each in agent.labels(address) if each.startswith("fqdn:")))

    wait_for(f"{address} to be nobody's name", pending, deadline)


def _stream(stream: str, host: str, mark: str) -> Stream:
    return with_nonces(stream, host, mark, count=COUNT, timeout=SECONDS)
