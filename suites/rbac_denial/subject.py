"""backend-api under the reference's policy, and its clients: what the RBAC denial is asked of."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fixtures.history.streams import Stream
from fixtures.lab import (
    FRONTEND,
    LOOKALIKE,
    OUTSIDE,
    OUTSIDER,
    STRANGER,
    Lab,
    convergence,
)
from fixtures.lab.control_plane import without_istiod
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod
from suites.rbac_denial.oracle import CLIENTS
from suites.rbac_denial.policy import PORTS, WORKLOADS

NAME = Path(__file__).parent.name
API = "/api/v1/items"
APP, BYSTANDER = WORKLOADS


@dataclass(frozen=True)
class Api:
    """backend-api in one cluster, and who calls it."""

    space: Space
    policy: Given
    deadline: float
    frontend: ClientPod
    stranger: ClientPod
    lookalike: ClientPod
    namesake: ClientPod
    outsider: ClientPod

    @property
    def clients(self) -> dict[str, ClientPod]:
        """Who calls it, by the names that the oracle knows their identities by."""
        return {name: getattr(self, name) for name in CLIENTS}

    def origin(self, service: str = APP) -> str:
        """Where backend-api, or another service of the namespace, is asked."""
        return f"http://{self.space.host(service)}"

    def ask(self, stream: str, method: str = "GET", target: str = API, count: int = 20) -> Stream:
        """Requests to backend-api, each with a nonce that no other run has used."""
        return self._ask(APP, stream, method, target, count)

    def ask_bystander(self, stream: str, method: str, target: str) -> Stream:
        """Requests to a workload of the namespace that the policy does not name."""
        return self._ask(BYSTANDER, stream, method, target, 20)

    def protect(self) -> None:
        """Apply the policy and wait until backend-api's proxy enforces it."""
        convergence.security_policy(self.space, self.policy, APP, self.deadline)

    def expose(self) -> None:
        """Delete the policy and wait until backend-api's proxy has none."""
        convergence.security_policy(self.space, self.policy, APP, self.deadline, present=False)

    def without_istiod(self) -> AbstractContextManager[None]:
        """The cluster without istiod, until the block ends."""
        return without_istiod(self.space.kube, self.deadline)

    def _ask(self, service: str, stream: str, method: str, target: str, count: int) -> Stream:
        nonce = f"nonce={stream}-{convergence.generation()}-{{seq}}"
        return Stream(
            stream=stream,
            method=method,
            url=f"{self.origin(service)}{API}?{nonce}",
            target=f"{target}?{nonce}",
            count=count,
            concurrency=5,
        )


def in_force(lab: Lab, cluster: str) -> Api:
    """backend-api, once its proxy enforces the reference's policy and its clients reach it.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
    """
    space = lab.space(NAME, cluster)
    api = Api(
        space,
        policy=lab.manifests.given("authorizationpolicy"),
        deadline=lab.deadline("convergence"),
        frontend=lab.client(cluster, FRONTEND),
        stranger=lab.client(cluster, STRANGER),
        lookalike=lab.client(cluster, LOOKALIKE),
        namesake=lab.client(cluster, "namesake", space.namespace),
        outsider=lab.client(cluster, OUTSIDER, identity=OUTSIDE),
    )
    api.protect()
    wanted = [f"outbound|{port}||{space.host(name)}" for name in WORKLOADS for port in PORTS]
    for client in (api.frontend, api.stranger, api.lookalike, api.namesake):
        convergence.endpoints(client.kube, client.namespace, client.pod, wanted, api.deadline)
    return api
