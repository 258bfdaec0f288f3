"""frontend in aws-cluster, and clients in all: what the cross-cluster policy is asked of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from clusters.components import clustermesh
from clusters.errors import WrongManifestError
from clusters.kube import Document, Kube
from clusters.waiting import wait_for
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.history.verdict import Verdict
from fixtures.lab import HOME, TENANT, Lab, clustermesh_status, convergence
from fixtures.lab.hubble import NAMESPACE, Agent
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side, together
from suites.cross_cluster_policy.ports import HTTP, HTTP2, PORTS, UDP, Port
from suites.cross_cluster_policy.who import (
    AWS,
    AZURE,
    BACKEND_TOO,
    NAME,
    NODE,
    ROLES,
    SECOND,
    SENDER,
    WORLD,
    everybody,
    namesake,
    node,
    pods,
    reserved,
)

BACKEND = f"{AZURE}/backend"
"""Whom the policy admits."""

TARGET = "app=frontend,version=v1"
COUNT = 20
COUNTS = {
    "frontend": {HTTP: COUNT, HTTP2: 5, UDP: 5},
    "bystander": {HTTP: 5, HTTP2: 5, UDP: 5},
}
"""Requests of a stream, by whom it asks and at which port: a few show whom a rule is of, the many
that it always is."""
SECONDS = 6.0
MANY, FEW = 40, 4
"""Users of a client that is denied, and of the one that is not. The denied wait for their timeouts
and cost nothing; the allowed must not crowd out of Hubble's ring what it says of them."""


@dataclass(frozen=True)
class Observation:
    """The requests of clients, and what Cilium dropped in that time."""

    history: History
    drops: tuple[Drop, ...]


@dataclass
class Guarded:
    """frontend, which the policy guards, and who would reach it. Streams: `<who>-><whom>`.

    Attributes:
        further: clusters beside the two that the reference gives a role.
        world: the address that WORLD sends from; empty if the lab has none.
        on_node: where its node has the ports of the workloads, for who is in no cluster.
    """

    space: Space
    target: Document
    agent: Agent
    policy: Given
    clients: dict[str, ClientPod]
    deadline: float
    clustermesh_deadline: float
    further: tuple[str, ...]
    world: str
    on_node: Mapping[tuple[str, Port], str]
    uid: str = field(default="")
    wrong: WrongManifestError | None = None

    def protect(self) -> None:
        """Apply the policy and wait until frontend's endpoint enforces it.

        Raises:
            WrongManifestError: it never is; found out once, and said again at once.
        """
        if self.wrong:
            raise self.wrong
        if self.policy.absent:
            self.space.put(self.policy)
        elif not self.uid:
            try:
                self.uid = convergence.network_policy(
                    self.space, self.policy, self.agent, self.target, self.deadline
                )
            except WrongManifestError as error:
                self.wrong = error
                raise

    def expose(self) -> None:
        """Delete the policy, an earlier run's too, and wait until nothing enforces it."""
        document = self.policy.document
        version, kind = document["apiVersion"], document["kind"]
        stored = self.space.kube.get(version, kind, document["metadata"]["name"], self.namespace)
        if stored:
            self.space.kube.delete(document, self.namespace)
            uid = stored["metadata"]["uid"]
            convergence.policy_state(
                self.agent, self.target, uid, present=False, deadline=self.deadline
            )
        self.uid = ""

    @property
    def everybody(self) -> tuple[str, ...]:
        """Those who ask frontend whom the lab has."""
        return tuple(who for who in everybody(self.further) if who in self.clients)

    @property
    def pods(self) -> tuple[str, ...]:
        """Two clients of each cluster."""
        return pods((*ROLES, *self.further))

    def address(self, who: str) -> str:
        """The address of a client's pod."""
        return self.clients[who].address

    def ask(
        self,
        *whom: str,
        label: str = "",
        who: Collection[str] = (),
        ports: Collection[Port] = (HTTP,),
    ) -> History:
        """Client pods at once, two of each cluster unless told, each its own streams, every request
        on a connection of its own."""
        calls: list[Callable[[], History]] = [
            partial(
                self.clients[w].ask,
                *(self.stream(w, x, port=p, label=label) for x in whom for p in ports),
            )
            for w in who or self.pods
        ]
        return side_by_side(*calls)

    def observe(self, send: Callable[[], History]) -> Observation:
        """Have requests sent, and ask Cilium what it dropped meanwhile."""
        opened = self.agent.now()
        history = send()
        return Observation(history, self.agent.drops(opened, self.namespace))

    def load(self, least: int) -> History:
        """Locust in all clients at once: many users, each request a connection of its own."""
        load_runs = (
            self.clients[who].loading(
                self.stream(who, "frontend"),
                users=FEW if who == BACKEND else MANY,
                seconds=SECONDS + 1,
                least=least,
            )
            for who in self.pods
        )
        return together(*load_runs)

    def label(self, who: str, app: str) -> Verdict:
        """Give a client's pod another `app`; whether frontend's agent knows it in time."""
        client = self.clients[who]
        labels = {"metadata": {"name": client.pod, "labels": {"app": app}}}
        client.kube.patch({"apiVersion": "v1", "kind": "Pod", **labels}, client.namespace)
        wait = partial(
            convergence.labelled, self.agent, client.address, f"k8s:app={app}", self.deadline
        )
        return convergence.in_time(f"app={app}", wait)

    @contextmanager
    def without_clustermesh(self) -> Iterator[None]:
        """No ClusterMesh control plane in any cluster, until the block ends."""
        kubes = [self.clients[f"{name}/other"].kube for name in (*ROLES, *self.further)]
        before = {kube: clustermesh.connections(kube) for kube in kubes}
        try:
            self._scale_clustermesh(kubes, 0)
            yield
        finally:
            self._scale_clustermesh(kubes, 1)
            clustermesh_status.wait_joined(before, self.clustermesh_deadline)

    def _scale_clustermesh(self, kubes: Collection[Kube], replicas: int) -> None:
        """All control planes at once: each waits for the others before it is ready."""
        with ThreadPoolExecutor(len(kubes)) as pool:
            scale = partial(self._scale, replicas=replicas)
            list(pool.map(scale, kubes))

    def _scale(self, kube: Kube, replicas: int) -> None:
        kube.scale(NAMESPACE, clustermesh.SERVICE, replicas, self.clustermesh_deadline)

    @property
    def namespace(self) -> str:
        return self.space.namespace

    def stream(self, who: str, whom: str, port: Port = HTTP, label: str = "") -> Stream:
        """A client's requests to a workload, all at once, none on another's connection."""
        from_world = who == WORLD
        by_name = f"{self.space.host(whom)}:{port.number}"
        host = self.on_node[whom, port] if from_world else by_name
        return Stream(
            stream=name(who, whom, port, label),
            url=f"{'udp' if port == UDP else 'http'}://{host}/",
            count=COUNTS[whom][port],
            concurrency=COUNTS[whom][port],
            timeout=2,
            reuse=False,
            source=self.world if from_world else "",
            http2=port == HTTP2,
        )


def name(who: str, whom: str, port: Port = HTTP, label: str = "") -> str:
    """The stream of a client's requests to a workload."""
    return f"{who}->{whom}{'' if port == HTTP else f':{port.at_pod}'}{label}"


def reach(lab: Lab) -> Guarded:
    """frontend without any policy, once its agent knows every client.

    Raises:
        NotReadyError: a workload does not run, or an agent did not learn of it in time.
    """
    offered = [cluster.name for cluster in lab.topology.with_feature("clustermesh")]
    further = tuple(name for name in offered if name not in ROLES)
    spaces = {cluster: lab.space(NAME, cluster) for cluster in (*ROLES, *further)}
    here = spaces[AWS]
    target = here.kube.pod(here.namespace, TARGET)
    agent = Agent.of(here.kube, target)
    clients = dict(_clients(lab, here.namespace, further))
    deadline = lab.deadline("convergence")
    of_pods = [client.address for who, client in clients.items() if not reserved(who)]
    convergence.identities(agent, of_pods, deadline)
    clients[SENDER] = lab.client(AWS, "sender", here.namespace, identity=SENDER)
    world = lab.topology.cluster(AZURE).world_of(clients[NODE].node)
    if world:
        clients[WORLD] = replace(clients[NODE], identity=WORLD)
    servers = [target, here.kube.pod(here.namespace, "app=bystander")]
    addresses = [str(pod["status"]["podIP"]) for pod in servers]
    for space in spaces.values():
        convergence.backends(Agent.any_of(space.kube), addresses, deadline)
    guarded = Guarded(
        here,
        target,
        agent,
        policy=lab.manifests.given("ciliumnetworkpolicy"),
        clients=clients,
        deadline=deadline,
        clustermesh_deadline=lab.deadline("clustermesh"),
        further=further,
        world=world,
        on_node=dict(_on_node(here, servers)) if world else {},
    )
    guarded.expose()
    return guarded


def _clients(lab: Lab, namespace: str, further: Iterable[str]) -> Iterator[tuple[str, ClientPod]]:
    for who in (*pods(ROLES), *pods(further)):
        cluster, _, app = who.partition("/")
        yield who, lab.client(cluster, app, namespace, identity=f"app={app} in {cluster}")
    yield SECOND, lab.client(AZURE, BACKEND_TOO, namespace, identity=SECOND)
    for cluster in (AZURE, *further):
        identity = f"app=backend of {HOME} in {cluster}"
        yield namesake(cluster), lab.client(cluster, TENANT, identity=identity)
        yield node(cluster), lab.client(cluster, "node", namespace, identity=node(cluster))


def in_force(lab: Lab, _cluster: str) -> Guarded:
    """A new frontend that nobody has asked yet, under the reference's policy.

    What a frontend had to say when a policy cut a connection off it says again for minutes. That
    opens conntrack for an answer, and whoever comes from the same port then passes as one.

    Raises:
        NotReadyError: a workload does not run, or an agent did not get there in time.
    """
    space = lab.space(NAME, AWS)
    kube, namespace = space.kube, space.namespace
    kube.end_pod(namespace, TARGET)

    def pending() -> str:
        kube.pod(namespace, TARGET)  # raises as long as there is none
        return ""

    look = kube.kubectl(f"-n {namespace} get pods -l {TARGET}")
    wait_for("another pod of frontend", pending, lab.deadline("workload"), look)
    guarded = reach(lab)
    guarded.protect()
    return guarded


def _on_node(space: Space, pods: Iterable[Document]) -> Iterator[tuple[tuple[str, Port], str]]:
    """By workload and port: where the node of its pod has it."""
    services = {s["metadata"]["name"]: s for s in space.kube.list("v1", "Service", space.namespace)}
    for pod in pods:
        whom = pod["metadata"]["labels"]["app"]
        stated = services[whom]["spec"]["ports"]
        node_ports = {(each["port"], each["protocol"]): each["nodePort"] for each in stated}
        for port in PORTS:
            node_port = node_ports[port.number, port.protocol]
            yield (whom, port), f"{pod['status']['hostIP']}:{node_port}"
