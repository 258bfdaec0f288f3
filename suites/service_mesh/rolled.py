"""Pods that are made anew, one after another, while a client asks. Nothing here judges."""

from __future__ import annotations

import time
from dataclasses import dataclass

from clusters.components import data_plane
from clusters.waiting import wait_for
from fixtures.history.traces import Traces
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import both_modes, folder_of, watched
from fixtures.lab.origins import Origin, origins
from suites.service_mesh.subject import ONCE, ORIGIN, PORT, Practised

KEEP_ALIVE, NEW = 0.02, 0.05
"""Seconds from one request to the next, over keep-alive connections and over new ones."""
QUIET = 1.0
"""Seconds for which the client asks before anything is rolled, and after all is."""


@dataclass(frozen=True)
class Rolled:
    """What was answered meanwhile, and which pods there were. Times are seconds since 1970.

    Attributes:
        began: when the pods were told to go.
        ended: when the last of them was gone, and the client's proxy knew all others.
    """

    traces: Traces
    before: frozenset[str]
    after: frozenset[str]
    began: float
    ended: float


def roll(lab: Lab, practised: Practised) -> Rolled:
    """Have a Deployment make its pods anew while its service is asked.

    Raises:
        NotReadyError: it did not, in time.
        PlumblineError: the client did not start, or its trace is lost.
    """
    space, client = practised.space, practised.insider
    before = names(origins(space, ORIGIN))

    def act() -> tuple[frozenset[str], float, float]:
        time.sleep(QUIET)
        began = time.time()
        data_plane.restart(space.kube, space.namespace, ORIGIN)
        _wait_gone(practised, before, lab.deadline("workload"))
        new = origins(space, ORIGIN)
        addresses = [f"{each.address}:{PORT}" for each in new]
        convergence.members(client, space.host(ONCE), addresses, practised.deadline)
        ended = time.time()
        time.sleep(QUIET)
        return names(new), began, ended

    url = f"http://{space.address(ONCE)}/"
    streams = both_modes("rolled", url, space.host(ONCE), KEEP_ALIVE, NEW)
    traces, changed = watched(client, streams, folder_of(lab), act)
    return Rolled(traces, before, *changed)


def names(pods: list[Origin]) -> frozenset[str]:
    """The pods' names."""
    return frozenset(each.pod for each in pods)


def _wait_gone(practised: Practised, before: frozenset[str], deadline: float) -> None:
    """Wait until none of these pods is there, not even on its way out, and all others are ready."""
    space, labels = practised.space, f"app={ORIGIN}"

    def pending() -> str:
        pods = space.kube.list("v1", "Pod", space.namespace, labels)
        return ", ".join(sorted(before & {pod["metadata"]["name"] for pod in pods}))

    look = space.kubectl(f"get pods -l {labels}")
    wait_for(f"the former pods of {ORIGIN} to be gone", pending, deadline, look)
    space.kube.wait_rolled_out(space.namespace, deadline, labels)
