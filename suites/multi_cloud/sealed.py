"""aws-cluster's Gateway and a backend of azure-cluster without a sidecar, which it speaks TLS to.

The backend serves while it is asked, on a port for each certificate. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from clusters.components.authority import new_root
from clusters.components.istio import PROXY
from clusters.errors import NotReadyError
from clusters.kube import Document
from clusters.objects import of_gateway
from clusters.remote import Container
from clusters.waiting import wait_for
from fixtures.checks import SERVED, nonces
from fixtures.checks.wire import Pair
from fixtures.history import History
from fixtures.history.streams import Stream, marked
from fixtures.history.wire import Capture
from fixtures.lab import Lab, convergence, namespace_of
from fixtures.lab.proxy_log import lines_of
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod
from fixtures.traffic.sealed import Own, Served, serving
from fixtures.traffic.sniffer import Sniffer, capturing
from suites.multi_cloud.backends import HOST, OTHER_BY_HOSTNAME, RIGHT, WRONG, to_show
from suites.multi_cloud.believed import UNAVAILABLE
from suites.multi_cloud.departure import GATEWAY
from suites.multi_cloud.policies import AWS, AZURE
from suites.multi_cloud.subject import NAME, OUTSIDER, PLAIN, PORT, WIRE, names_of

MANIFEST = "backendtlspolicy"
AUTHORITY = "sealed"
"""The ConfigMap that the practice's policy names."""
PORTS = {name: 8443 + n for n, name in enumerate((RIGHT, *WRONG, OTHER_BY_HOSTNAME))}
"""The Services', and the pod's."""
RIGHT_BY_HOSTNAME = "right-by-hostname"
"""A path to what is right under a policy that names a hostname and nothing else."""
BY_HOSTNAME = "by-hostname"
SERVICES = {"sealed": (RIGHT, *WRONG), BY_HOSTNAME: (RIGHT, OTHER_BY_HOSTNAME)}
OPEN = "open"
"""A path to a backend that is spoken to in plain text: pods of both clusters."""
COUNT = 10
OPEN_COUNT, OPEN_READ = 40, 8
"""Requests, half of them to azure-cluster's pod by chance, and marks that must be read."""
WARM = 10.0
"""Seconds in which a proxy that has its clusters has the authority to believe, too."""


@dataclass(frozen=True)
class Observation:
    """What the Gateway answered, what came to the backend by certificate, what could be read on the
    wire of the latter's node, and what the Gateway's log says of what it refused, by nonce."""

    history: History
    served: Mapping[str, Served]
    capture: Capture
    logged: Mapping[str, str]
    sealed_pair: Pair
    readable_pair: Pair


@dataclass(frozen=True)
class Entrance:
    """The Gateway, under the practice's policy, and who is behind it.

    Attributes:
        client: without a sidecar.
        backend: who serves; without a sidecar.
        gateway: its pod.
        host: where the client reaches it.
        plain: the address of azure-cluster's pod that is spoken to in plain text.
        clusters: how many have such a pod.
    """

    space: Space
    client: ClientPod
    backend: ClientPod
    gateway: ClientPod
    sniffers: tuple[Sniffer, ...]
    host: str
    plain: str
    own: Mapping[str, Own]
    clusters: int
    deadline: float

    def observe(self) -> Observation:
        """Have the backend serve with each certificate, and ask for all of them by the Gateway.

        Raises:
            CommandError: a program could not be started in a pod.
            NotReadyError: what the Gateway refused did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        sealed, readable = [
            (self.gateway.address, each) for each in (self.backend.address, self.plain)
        ]
        with ExitStack() as stack:
            ends = self._serve(stack)
            self._warm()
            looking = capturing(self.sniffers, {*sealed, *readable}, f"{mark}-[0-9]+_")
            end = stack.enter_context(looking)
            streams = [self._stream(name, mark, COUNT) for name in (*PORTS, RIGHT_BY_HOSTNAME)]
            history = self.client.ask(*streams, self._stream(OPEN, mark, self._open_count))
            capture = end()
            served = {name: end() for name, end in ends.items()}
        refused = {n for e in history if e.status == UNAVAILABLE for n in nonces(e.url)}
        proxy = Container(self.gateway.namespace, self.gateway.pod, PROXY)
        logged = lines_of(self.space.kube, proxy, refused, began, self.deadline)
        return Observation(history, served, capture, logged, sealed, readable)

    @property
    def _open_count(self) -> int:
        """So many that azure-cluster's pod has as many as one of two would."""
        return OPEN_COUNT * self.clusters // 2

    def _serve(self, stack: ExitStack) -> dict[str, Callable[[], Served]]:
        """Have all certificates served until the stack is unwound."""

        def start(name: str) -> Callable[[], Served]:
            serve = serving(self.backend, name, PORTS[name], self.own[name])
            return stack.enter_context(serve)

        with ThreadPoolExecutor(len(PORTS)) as pool:
            return dict(zip(PORTS, pool.map(start, PORTS), strict=True))

    def _warm(self) -> None:
        """Wait until what is right is served. That it never is is for others to say."""

        def pending() -> str:
            history = self.client.probe(self._stream(RIGHT, convergence.generation(), 1))
            return "" if all(e.status == SERVED for e in history) else "not served"

        with suppress(NotReadyError):
            wait_for("the backend to be believed", pending, WARM)

    def _stream(self, name: str, mark: str, count: int) -> Stream:
        stream = marked(name, self.host, mark, path=f"/{name}", count=count, concurrency=2)
        return stream.model_copy(update={"headers": {"Host": HOST}, "reuse": False})


def entrance_of(lab: Lab) -> Entrance:
    """The Gateway, once it goes by the practice, with an authority of this run.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    space, other = lab.space(NAME, AWS), lab.space(NAME, AZURE)
    deadline, namespace = lab.deadline("convergence"), namespace_of(NAME)
    authority = new_root("plumbline sealed")
    space.apply(_config_map(authority.certificate))
    client, backend = (lab.client(c, OUTSIDER, namespace, identity=OUTSIDER) for c in (AWS, AZURE))
    wires = lab.clients(AZURE, WIRE, namespace, identity=WIRE)
    pod = space.kube.pod(namespace, of_gateway(GATEWAY))["metadata"]["name"]
    gateway = ClientPod(space.kube, namespace, pod, GATEWAY)
    plain = str(other.kube.pod(namespace, f"app={PLAIN}")["status"]["podIP"])
    space.apply(_by_hostname())
    convergence.documents(space, [lab.manifests.given(MANIFEST)], deadline)
    members = partial(convergence.members, gateway, deadline=deadline)
    for service, names in SERVICES.items():
        members(space.host(service), [f"{backend.address}:{PORTS[name]}" for name in names])
    members(space.host(PLAIN), [f"{plain}:{PORT}"])
    sniffers = tuple(Sniffer(other.kube, namespace, wire.pod) for wire in wires)
    host = space.address(f"{GATEWAY}-istio")
    own = to_show(authority)
    count = len(names_of(lab))
    return Entrance(space, client, backend, gateway, sniffers, host, plain, own, count, deadline)


def _config_map(certificate: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": AUTHORITY},
        "data": {"ca.crt": certificate},
    }


def _by_hostname() -> Document:
    """The practice's policy without further names, for a service of its own. It is applied once its
    authority is there, as a proxy may wait for one that is not."""
    target = {"group": "", "kind": "Service", "name": BY_HOSTNAME}
    authority = {"group": "", "kind": "ConfigMap", "name": AUTHORITY}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": {"name": BY_HOSTNAME},
        "spec": {
            "targetRefs": [target],
            "validation": {"hostname": HOST, "caCertificateRefs": [authority]},
        },
    }
