"""Workloads of aws-cluster that network policies guard, and who would reach them from where.

Each policy has a workload of its own, so that all are in force, and are asked, at the same time.
Clients ask the pods by their addresses: no service is between them and the policy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product

from clusters.kube import Document, Kube
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.streams import Stream, with_nonces
from fixtures.lab import Lab, convergence, namespace_of, sampling
from fixtures.lab.hubble import CLUSTER_LABEL, NAMESPACE_LABEL, Agent, labels
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod, side_by_side
from suites.multi_cloud.subject import FAR, LEAVING, NAME, OUTSIDER, PLAIN, PORT, WIRE, names_of

AWS, AZURE = ROLES = ("aws-cluster", "azure-cluster")
"""The clusters that the practices name: of the first are the policies."""
OWN, SHARED, INNER, OUTER = "own", "shared", "inner", "outer"
BARRED, RANGED, NAMED = "barred", "ranged", "named"
GUARDED = (OWN, SHARED, INNER, OUTER, BARRED, RANGED, NAMED)
"""Workloads of aws-cluster, each of which a policy is of."""
ON_NODES = (OUTER, RANGED)
"""Those that their node has a port for."""
SENDER = "sender"
"""A client that a policy is of."""
HERE, THERE = f"{AWS}/{OUTSIDER}", f"{AZURE}/{OUTSIDER}"
"""Clients of the policies' own cluster, and of the other that they name."""
TENANT = f"{AZURE}/{OUTSIDER} of another namespace"
TENANTS = f"{namespace_of(NAME)}-tenant"
"""That namespace."""
SENDS = f"{AWS}/{SENDER}"
NODE, WORLD = f"{AZURE}/node", "the world"
"""The other cluster's node, by an address that all clusters know and by one that none knows."""
POLICIES = (
    ("ciliumnetworkpolicy-own-cluster", OWN),
    ("ciliumnetworkpolicy-both-clusters", SHARED),
    ("ciliumnetworkpolicy-entity-cluster", INNER),
    ("ciliumnetworkpolicy-entity-world", OUTER),
    ("ciliumnetworkpolicy-egress", SENDER),
    ("networkpolicy-ip-block", RANGED),
    ("ciliumnetworkpolicy-namespace", NAMED),
)
"""Practices, each with the one workload that it is of."""
ALLOW, DENY = "ciliumnetworkpolicy-allow", "ciliumnetworkpolicy-deny"
COUNT = 4
"""Requests of a stream: of what is dropped Hubble tells no more than a hundred a second."""
SECONDS = 2
"""Of silence, after which a request was not answered."""
AT_ONCE = 4


@dataclass(frozen=True)
class Observation:
    """What was asked in one window, what arrived, and what each cluster's agent dropped then.

    Attributes:
        arrived: the nonces in the logs of all backends of aws-cluster.
        drops: by the cluster of the agent that tells them.
    """

    history: History
    arrived: frozenset[str]
    drops: Mapping[str, tuple[Drop, ...]]


@dataclass(frozen=True)
class Guarded:
    """The guarded workloads under their policies, and who would reach them.

    Attributes:
        addresses: of pods in aws-cluster by their workload, and of other clusters' by their
            cluster, `/` and their workload.
        further: clusters that no policy names.
        world: the address that WORLD sends from; empty if the lab has none.
    """

    space: Space
    deadline: float
    agents: Mapping[str, Agent]
    clients: Mapping[str, ClientPod]
    addresses: Mapping[str, str]
    on_node: Mapping[str, str]
    world: str
    further: tuple[str, ...] = ()

    def observe(self) -> Observation:
        """Have everybody ask at once, and ask Cilium what it dropped meanwhile.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        opened = {name: agent.now() for name, agent in self.agents.items()}
        others = tuple(map(there, (AZURE, *self.further)))
        streams: dict[str, Callable[[str], Iterator[Stream]]] = {
            HERE: self._here,
            **{who: partial(self._there, who) for who in others},
            TENANT: self._of_tenant,
            SENDS: self._sent,
            NODE: self._node,
        }
        asks = (
            partial(self.clients[who].probe, *asked(mark), consecutive_timeouts=0)
            for who, asked in streams.items()
        )
        history = side_by_side(*asks)
        away = tuple(f"-{each}" for each in (AZURE, *self.further))
        own = history.where(lambda e: not e.service.endswith(away))
        arrived = sampling.arrivals(self, sampling.expected(own), began)
        drops = {
            name: agent.drops(opened[name], self.space.namespace)
            for name, agent in self.agents.items()
        }
        return Observation(history, frozenset(arrived), drops)

    def _here(self, mark: str) -> Iterator[Stream]:
        for whom in GUARDED:
            yield self._stream(HERE, whom, self.addresses[whom], mark)
        for away in (away_name(LEAVING, each) for each in (AZURE, *self.further)):
            yield self._stream(HERE, away, self.addresses[away], mark)

    def _there(self, who: str, mark: str) -> Iterator[Stream]:
        for whom in GUARDED:
            yield self._stream(who, whom, self.addresses[whom], mark)

    def _of_tenant(self, mark: str) -> Iterator[Stream]:
        yield self._stream(TENANT, NAMED, self.addresses[NAMED], mark)

    def _sent(self, mark: str) -> Iterator[Stream]:
        # By its name, unless that leads to where it may not go as well.
        by_address = f"{self.addresses[away_name(PLAIN)]}:{PORT}"
        host = by_address if self.further else self.space.host(FAR)
        yield with_nonces(name(SENDS, FAR), host, mark, count=COUNT, timeout=SECONDS)
        further = (away_name(app, each) for each in self.further for app in (PLAIN, LEAVING))
        for whom in (away_name(LEAVING), PLAIN, *further):
            yield self._stream(SENDS, whom, self.addresses[whom], mark)

    def _node(self, mark: str) -> Iterator[Stream]:
        yield self._stream(NODE, OUTER, self.addresses[OUTER], mark)
        for whom in ON_NODES if self.world else ():
            host = self.on_node[whom]
            more = {"count": COUNT, "timeout": SECONDS, "source": self.world}
            yield with_nonces(name(WORLD, whom), host, mark, **more)

    def _stream(self, who: str, whom: str, address: str, mark: str) -> Stream:
        host = f"{address}:{PORT}"
        return with_nonces(name(who, whom), host, mark, count=COUNT, timeout=SECONDS)


def name(who: str, whom: str) -> str:
    """The stream of a client's requests to a workload."""
    return f"{who}->{whom}"


def away_name(workload: str, cluster: str = AZURE) -> str:
    """How a workload of another cluster is called here."""
    return f"{cluster}/{workload}"


def there(cluster: str) -> str:
    """Another cluster's client."""
    return away_name(OUTSIDER, cluster)


def labels_of(app: str, cluster: str = AWS, namespace: str = "") -> frozenset[str]:
    """The labels by which Cilium knows a workload, of the suite's namespace unless told."""
    own = namespace or namespace_of(NAME)
    return labels({"app": app, CLUSTER_LABEL: cluster, NAMESPACE_LABEL: own})


@contextmanager
def tenant(lab: Lab) -> Iterator[ClientPod]:
    """azure-cluster's client without a sidecar once more, in another namespace, until the block
    ends.

    Raises:
        NotReadyError: it does not run in time.
    """
    kube = lab.kube(AZURE)
    labels = {"app.kubernetes.io/managed-by": "plumbline", "plumbline/cluster": AZURE}
    metadata = {"name": TENANTS, "labels": labels}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    kube.apply(_copied(kube, "v1", "ConfigMap", "plumbline-programs"), TENANTS)
    deployment = _copied(kube, "apps/v1", "Deployment", OUTSIDER)
    try:
        kube.apply(deployment, TENANTS)
        yield lab.client(AZURE, OUTSIDER, TENANTS, identity=TENANT)
    finally:
        kube.delete(deployment, TENANTS)


def _copied(kube: Kube, version: str, kind: str, name: str) -> Document:
    """An object of the suite's namespace, fit to be made again in another."""
    stored = kube.get(version, kind, name, namespace_of(NAME)) or {}
    document: Document = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    return document | {key: stored[key] for key in ("spec", "binaryData") if key in stored}


def guard(lab: Lab, of_tenant: ClientPod) -> Guarded:
    """The guarded workloads, once their agent enforces all policies and knows all clients.

    Raises:
        NotReadyError: a workload does not run, or an agent did not get there in time.
        WrongManifestError: a policy is refused, or is never in force.
    """
    further = tuple(name for name in names_of(lab) if name not in ROLES)
    spaces = {cluster: lab.space(NAME, cluster) for cluster in (*ROLES, *further)}
    space, deadline = spaces[AWS], lab.deadline("convergence")
    pods = {name: space.kube.pod(space.namespace, f"app={name}") for name in (*GUARDED, SENDER)}
    pods[PLAIN] = space.kube.pod(space.namespace, f"app={PLAIN}")
    for cluster, workload in product((AZURE, *further), (PLAIN, LEAVING)):
        other = spaces[cluster]
        pod = other.kube.pod(other.namespace, f"app={workload}")
        pods[away_name(workload, cluster)] = pod
    addresses = {name: str(pod["status"]["podIP"]) for name, pod in pods.items()}
    agents = {cluster: Agent.any_of(each.kube) for cluster, each in spaces.items()}
    clients = {
        **{away_name(OUTSIDER, each): _client(lab, each, OUTSIDER) for each in spaces},
        TENANT: of_tenant,
        SENDS: _client(lab, AWS, SENDER),
    }
    known = {*addresses.values(), *(clients[who].address for who in clients.keys() - {SENDS})}
    clients[NODE], *_ = lab.clients(AZURE, WIRE, space.namespace, identity=NODE)
    for agent in agents.values():
        convergence.identities(agent, known, deadline)
    convergence.backends(agents[AWS], [addresses[away_name(PLAIN)]], deadline)
    _enforce(lab, space, agents[AWS], pods, deadline)
    world = lab.topology.cluster(AZURE).world_of(clients[NODE].node)
    on_node = dict(_on_node(space, pods)) if world else {}
    return Guarded(space, deadline, agents, clients, addresses, on_node, world, further)


def _client(lab: Lab, cluster: str, workload: str) -> ClientPod:
    namespace = namespace_of(NAME)
    return lab.client(cluster, workload, namespace, identity=f"app={workload} in {cluster}")


def _enforce(
    lab: Lab, space: Space, agent: Agent, pods: Mapping[str, Document], deadline: float
) -> None:
    """Have all policies enforced side by side; what is allowed is so before and after it is
    denied."""

    def put(policies: Iterable[tuple[Given, str]]) -> None:
        for policy, app in policies:
            if not policy.absent:
                convergence.network_policy(space, policy, agent, pods[app], deadline)

    practice = lab.manifests.given
    allow, again = practice(ALLOW), practice(ALLOW).renamed("allow-again")
    orders = [[(practice(stem), app)] for stem, app in POLICIES]
    orders.append([(allow, BARRED), (practice(DENY), BARRED), (again, BARRED)])
    every_one = [each for order in orders for each in order]
    _clear(space, agent, every_one, pods, deadline)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(put, order) for order in orders]:
            done.result()


def _clear(
    space: Space,
    agent: Agent,
    policies: Iterable[tuple[Given, str]],
    pods: Mapping[str, Document],
    deadline: float,
) -> None:
    """Delete what an earlier run applied, and wait until nothing of it is enforced.

    An object's UID tells it from an earlier run's, and an agent that hears of a deletion and of the
    same policy together goes on with the old UID.
    """
    earlier = []
    for policy, app in policies:
        document = policy.document
        version, kind = document["apiVersion"], document["kind"]
        stored = space.kube.get(version, kind, document["metadata"]["name"], space.namespace)
        if stored:
            space.kube.delete(document, space.namespace)
            earlier.append((stored["metadata"]["uid"], app))
    for uid, app in earlier:
        convergence.policy_state(agent, pods[app], uid, present=False, deadline=deadline)


def _on_node(space: Space, pods: Mapping[str, Document]) -> Iterator[tuple[str, str]]:
    """By workload: where the node of its pod has it."""
    for whom in ON_NODES:
        service = space.kube.get("v1", "Service", whom, space.namespace) or {}
        (port,) = service["spec"]["ports"]
        yield whom, f"{pods[whom]['status']['hostIP']}:{port['nodePort']}"
