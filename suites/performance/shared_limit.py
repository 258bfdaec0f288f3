"""What a client asks of two replicas that share a limit: too much of one budget, little of another.

The limit is of an hour, and each run has budgets of its own, so that none finds what another has
left. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from clusters.objects import is_ready
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.lab import Lab, convergence
from fixtures.lab.origins import arrived
from fixtures.lab.sampling import expected
from fixtures.traffic.client import ClientPod
from suites.performance.subject import Stage, stage_of

MANIFEST = "envoyfilter-global-rate-limit"
SERVICE, LIMITER, PORT = "shared", "limiter", 8081
BUDGET = "x-budget"
SPENT, OTHER = "spent", "other's"
"""Streams: of a budget that is asked for too much, and of another one."""
LIMIT, EXCESS, MODEST, AT_ONCE = 20, 60, 5, 6
"""Requests that a budget has in an hour; those that are sent of each, and how many at once."""
HOUR = 3600.0


@dataclass(frozen=True)
class Spending:
    """What was answered, and what of it came to the backend.

    Attributes:
        pods: how many of the backend's there are.
        hours: how many of the clock's it lay in; each has a limit of its own.
    """

    history: History
    nonces: frozenset[str]
    pods: int
    hours: int


def shared_in_force(lab: Lab, cluster: str) -> Stage:
    """The workloads, once each replica asks the one that counts.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    stage = stage_of(lab, cluster, [MANIFEST])
    counting = _addresses(stage, LIMITER)
    wanted = [f"{address}:{PORT}" for address in counting.values()]
    for name in _addresses(stage, SERVICE):
        replica = ClientPod(stage.space.kube, stage.space.namespace, name, "")
        convergence.members(replica, stage.space.host(LIMITER), wanted, stage.deadline)
    replicas = [f"{address}:3000" for address in _addresses(stage, SERVICE).values()]
    convergence.members(stage.steady, stage.space.host(SERVICE), replicas, stage.deadline)
    return stage


def spend(stage: Stage) -> Spending:
    """Ask too much of one budget, and then a little of another.

    Raises:
        CommandError: the prober could not be started.
        NotReadyError: what was answered did not come into the log of a backend in time.
    """
    mark, began, first = convergence.generation(), time.monotonic(), time.time()
    stream = partial(stage.to_service, service=SERVICE, mark=mark, whole=True)
    history = stage.steady.probe(
        stream(SPENT, headers={BUDGET: f"{mark}-{SPENT}"}, count=EXCESS, concurrency=AT_ONCE)
    ) + stage.steady.probe(stream(OTHER, headers={BUDGET: f"{mark}-other"}, count=MODEST))
    hours = int(time.time() // HOUR) - int(first // HOUR) + 1
    pods = stage.pods(SERVICE)
    came = arrived(pods, expected(history), began, stage.deadline)
    own = {n for exchange in history for n in nonces(exchange.url)}
    return Spending(history, frozenset(a.nonce for a in came) & own, len(pods), hours)


def _addresses(stage: Stage, app: str) -> Mapping[str, str]:
    """The addresses of an app's ready pods, by their names."""
    every = stage.space.kube.list("v1", "Pod", stage.space.namespace, f"app={app}")
    return {p["metadata"]["name"]: str(p["status"]["podIP"]) for p in every if is_ready(p)}
