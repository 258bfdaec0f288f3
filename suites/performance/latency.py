"""Ways and their counterparts: what a sidecar and a Gateway add to a call, and their connections.

One client asks all of them in one run, one request at a time, in the order A B B A. Ports that its
sidecar leaves alone lead to the counterparts. It never judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clusters.objects import of_gateway
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import Lab, convergence
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod

NAME = Path(__file__).parent.name
METER, METERED, UNMETERED = "meter", "metered", "unmetered"
"""The client, a workload with a sidecar, and one without."""
WAYS = "ways"
"""The Gateway."""
LEFT_ALONE = 8081
"""The port that the client's sidecar leaves alone; the counterpart's, and the Gateway's."""
KEEP_ALIVE, NEW = "keep-alive", "new"
BLOCKS = (1, 2)
COUNTS = {KEEP_ALIVE: 250, NEW: 100}
"""Requests of a block, over a keep-alive connection and over new ones."""
MANY = 300
"""Requests of each kind of client of which the connections are counted."""


@dataclass(frozen=True)
class Connections:
    """What a sidecar counted of one pod that it asks: connections that it opened, and requests."""

    opened: int
    requests: int

    def __sub__(self, before: Connections) -> Connections:
        return Connections(self.opened - before.opened, self.requests - before.requests)


@dataclass(frozen=True)
class Metered:
    """The client, and where its ways lead.

    Attributes:
        gateway: address of the Gateway.
    """

    space: Space
    deadline: float
    client: ClientPod
    gateway: str

    def walk(self) -> History:
        """Walk every way and its counterpart, A B B A, over keep-alive and over new connections.

        Raises:
            CommandError: the prober could not be started.
        """
        return self.client.probe(*self._blocks(), in_turn=True)

    def connect(self) -> tuple[History, dict[str, Connections]]:
        """Ask the workload by clients that keep their connections and by such that don't, and count
        what the sidecar opened for each, by `KEEP_ALIVE` and `NEW`.

        Raises:
            CommandError: a program could not be started in a pod.
        """
        histories, counted = History(), dict[str, Connections]()
        for mode in (KEEP_ALIVE, NEW):
            before = self._connections()
            stream = self._stream(f"{mode} many", METERED, mode, MANY)
            history = self.client.probe(stream)
            histories, counted[mode] = histories + history, self._connections() - before
        return histories, counted

    def _blocks(self) -> Iterator[Stream]:
        for mode, count in COUNTS.items():
            for names in ((METERED, UNMETERED), ("gateway", UNMETERED)):
                way, counterpart = names
                order = ((way, 1), (counterpart, 1), (counterpart, 2), (way, 2))
                for name, block in order:
                    stream = stream_name(mode, way, name, block)
                    yield self._stream(stream, name, mode, count)

    def _stream(self, stream: str, name: str, mode: str, count: int) -> Stream:
        host = {
            METERED: self.space.host(METERED),
            UNMETERED: f"{self.space.host(UNMETERED)}:{LEFT_ALONE}",
            "gateway": f"{self.gateway}:{LEFT_ALONE}",
        }[name]
        return Stream(stream=stream, url=f"http://{host}/", count=count, reuse=mode == KEEP_ALIVE)

    def _connections(self) -> Connections:
        text = convergence.proxy(
            self.client.kube, self.client.namespace, self.client.pod, "clusters"
        )
        return parse_connections(text, self.space.host(METERED))


def stream_name(mode: str, way: str, name: str, block: int) -> str:
    """A block's stream: over which connections, of which way's walk, and what it asks."""
    return f"{mode} {way}: {name} {block}"


def streams(mode: str, way: str, name: str) -> frozenset[str]:
    """Both blocks' streams of a way, or of its counterpart."""
    return frozenset(stream_name(mode, way, name, block) for block in BLOCKS)


def parse_connections(text: str, host: str) -> Connections:
    """What an Envoy counted of the pods of a service, out of its admin's /clusters."""
    opened = requests = 0
    for line in text.splitlines():
        name, *rest = line.split("::")
        if name.endswith(f"|{host}") and len(rest) == 3:
            opened += int(rest[2]) if rest[1] == "cx_total" else 0
            requests += int(rest[2]) if rest[1] == "rq_total" else 0
    return Connections(opened, requests)


def metered_in_force(lab: Lab, cluster: str) -> Metered:
    """The ways, once the client's sidecar and the Gateway lead to the workloads.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    client = lab.client(cluster, METER, space.namespace)
    gateway = convergence.address(space, WAYS, lab.deadline("workload"))
    convergence.in_step(space, deadline, [client])
    pod = space.kube.pod(space.namespace, of_gateway(WAYS))
    for name, service, port in (
        (client.pod, METERED, 80),
        (pod["metadata"]["name"], UNMETERED, LEFT_ALONE),
    ):
        wanted = [f"outbound|{port}||{space.host(service)}"]
        convergence.endpoints(space.kube, space.namespace, name, wanted, deadline)
    return Metered(space, deadline, client, gateway)
