"""A route that is changed again and again, and what the clients' sidecars answer by it meanwhile.

The route is of a host that has no service: the sidecars answer it themselves, each with the number
of the change that it goes by. It is taken away in the end. Nothing here judges.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from clusters.kube import Document
from fixtures.history import History
from fixtures.lab import Lab, convergence
from fixtures.traffic.changes import Heard, Peer, listening
from suites.performance.propagation import ALLOWED_LATE, BUDGET, CHANGES, Change, late

NAME = Path(__file__).parent.name
CLIENTS = ("meter", "steady", "loud", "informed", "uninformed")
"""Those with a sidecar."""
HOST = "changed.plumbline.test"
LISTENER = "metered"
"""A service by whose address and port sidecars are reached that route by hosts."""
PATIENCE = 4 * BUDGET
"""Seconds for one change: past its budget it is waited for, as the next would be sent with it."""


@dataclass(frozen=True)
class Changed:
    """The changes that were made, in order, and all that each client heard, in its order.

    Attributes:
        machines: the clients' windows.
    """

    changes: tuple[Change, ...]
    heard: dict[str, list[Heard]]
    machines: History


def change(lab: Lab, cluster: str) -> Changed:
    """Change the route `CHANGES` times, each once the last is in force everywhere. Once more are
    late than may be, or one has not come at all, it is the last.

    Raises:
        NotReadyError: a workload does not run.
        CommandError: a client's program could not be started, or died.
    """
    space = lab.space(NAME, cluster)
    clients = [lab.client(cluster, name, space.namespace) for name in CLIENTS]
    peer = Peer(space.address(LISTENER), 80, HOST)
    mark, changes = convergence.generation(), list[Change]()
    space.kube.delete(route(""), space.namespace)
    try:
        with listening(clients, peer) as hearing:
            for number in range(CHANGES):
                answer, began = f"{mark}-{number}", time.monotonic()
                space.apply(route(answer))
                known = hearing.wait(answer, PATIENCE)
                changes.append(Change(answer, began, known))
                if len(known) < len(clients) or len(late(changes)) > ALLOWED_LATE:
                    break
    finally:
        space.kube.delete(route(""), space.namespace)
    return Changed(tuple(changes), hearing.heard, hearing.windows)


def route(answer: str) -> Document:
    """A VirtualService by which sidecars answer so."""
    direct = {"status": 200, "body": {"string": answer}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "changed"},
        "spec": {"hosts": [HOST], "http": [{"directResponse": direct}]},
    }
