"""The workloads of the performance practices, and who asks them: what all of them are asked of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.history.streams import Stream, marked
from fixtures.lab import OUTSIDE, Lab, convergence
from fixtures.lab.origins import Origin, origins
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod

NAME = Path(__file__).parent.name
EDGE = "edge"
SHAPING = (
    "envoyfilter-rate-limit",
    "destinationrule-connection-pool",
    "destinationrule-retry-budget",
    "envoyfilter-bandwidth-limit",
    "envoyfilter-rate-limit-by-client",
)
"""Stems of the practices that hold somebody to a limit."""


@dataclass(frozen=True)
class Stage:
    """The workloads of one cluster, once their proxies go by what was applied.

    Attributes:
        steady, loud: clients with a sidecar, each of an account of its own.
        outsider: without one.
        address: the Gateway's.
    """

    space: Space
    deadline: float
    steady: ClientPod
    loud: ClientPod
    outsider: ClientPod
    address: str

    def pods(self, app: str) -> list[Origin]:
        """The ready pods of a backend with moods."""
        return origins(self.space, app)

    def to_service(
        self, stream: str, service: str, mark: str, query: str = "", **more: Any
    ) -> Stream:
        """Requests to a service, each with a nonce of its own, and a mood in its query."""
        return marked(stream, self.space.host(service), mark, query, **more)


def stage_of(lab: Lab, cluster: str, stems: Sequence[str]) -> Stage:
    """The workloads of a cluster, once all proxies go by these practices.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: a practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    steady, loud = (lab.client(cluster, name, space.namespace) for name in ("steady", "loud"))
    outsider = lab.client(cluster, "outsider", space.namespace, identity=OUTSIDE)
    practices = [lab.manifests.given(stem) for stem in stems]
    convergence.documents(space, practices, deadline, (steady, loud))
    address = convergence.address(space, EDGE, deadline)
    return Stage(space, deadline, steady, loud, outsider, address)


def in_force(lab: Lab, cluster: str) -> Stage:
    """The workloads, once whoever is held to a limit is; see `stage_of`."""
    return stage_of(lab, cluster, SHAPING)
