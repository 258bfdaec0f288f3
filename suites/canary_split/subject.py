"""The Gateway and its route, and a client outside the service mesh: what is asked, and by whom."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters.kube import Document
from clusters.objects import of_gateway
from clusters.waiting import wait_for
from fixtures.checks.conditions import Conditions, condition, route_conditions
from fixtures.checks.sequential import SplitTest
from fixtures.history.streams import Stream
from fixtures.history.verdict import Verdict, combine
from fixtures.lab import FRONTEND, HOME, OUTSIDE, OUTSIDER, Lab, convergence
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod

NAME = Path(__file__).parent.name
SERVICES = STABLE, CANARY = ("api-service", "api-service-canary")
PORT = 8080
NINE_TO_ONE = {STABLE: 90, CANARY: 10}
TEST = SplitTest(share=0.90)


@dataclass(frozen=True)
class ForeignRoute:
    """A route of another namespace: the host that it asks for, and what its status says."""

    host: str
    conditions: Conditions


@dataclass(frozen=True)
class Entry:
    """The Gateway, its route, and how both are changed and put back. Each change is waited for.

    `client` is outside the service mesh, `inside` has a sidecar.
    """

    space: Space
    client: ClientPod
    inside: ClientPod
    gateway: Given
    route: Given
    address: str
    deadline: float

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    def own_name(self, service: str) -> str:
        """Where a service is reached without the Gateway."""
        return f"http://{self.space.host(service)}:{PORT}/"

    @property
    def request(self) -> Stream:
        """The request that the route matches."""
        return Stream(stream="json", url=self.url, headers={"Content-Type": "application/json"})

    def converge(self, route: Given) -> None:
        """Apply a route and wait until the Gateway has it."""
        name = self.gateway.document["metadata"]["name"]
        access = convergence.Access(name, self.client, self.url)
        convergence.http_route(self.space, route, access, self.deadline)

    def wait_for_endpoints(self) -> None:
        """Wait until the Gateway's proxy and a sidecar have healthy endpoints of both services."""
        name = self.gateway.document["metadata"]["name"]
        pod = self.space.kube.pod(self.space.namespace, of_gateway(name))["metadata"]["name"]
        wanted = [f"outbound|{PORT}||{self.space.host(service)}" for service in SERVICES]
        kube, inside = self.space.kube, self.inside
        for namespace, name in ((self.space.namespace, pod), (inside.namespace, inside.pod)):
            convergence.endpoints(kube, namespace, name, wanted, self.deadline)

    def with_weights(self, weights: Mapping[str, int]) -> Given:
        """The route with other weights of its services."""
        document = copy.deepcopy(self.route.document)
        for rule in document["spec"]["rules"]:
            for backend in rule.get("backendRefs", ()):
                backend["weight"] = weights.get(backend["name"], 0)
        return Given(document, f"{self.route.origin} with the weights {dict(weights)}")

    def request_as(self, stream: str) -> Stream:
        """The request that the route matches, as a stream of another name."""
        return self.request.model_copy(update={"stream": stream})

    def conditions(self) -> Verdict:
        """Whether Gateway and route are all that they should be, by their own status."""
        gateway, route = self._status(self.gateway.document), self._status(self.route.document)
        return combine(
            (
                condition(gateway["conditions"], "Programmed", "True"),
                condition(gateway["conditions"], "Accepted", "True"),
                condition(route_conditions(route), "Accepted", "True"),
                condition(route_conditions(route), "ResolvedRefs", "True"),
            )
        )

    def wait_for_condition(self, kind: str, status: str) -> None:
        """Wait until the route's status has a condition.

        Raises:
            NotReadyError: it has not in time.
        """

        def pending() -> str:
            status_now = self._status(self.route.document)
            verdict = condition(route_conditions(status_now), kind, status)
            return "" if verdict.passed else verdict.reason

        name = self.route.document["metadata"]["name"]
        look = self.space.kubectl(f"get httproute {name} -o yaml")
        wait_for(f"the route's {kind} to be {status}", pending, self.deadline, look)

    @contextmanager
    def without(self, service: str) -> Iterator[None]:
        """The cluster without a Service, until the block ends."""
        name: Document = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": service}}
        stored = self.space.kube.get("v1", "Service", service, self.space.namespace) or {}
        original = {**name, "spec": {k: stored["spec"][k] for k in ("selector", "ports")}}
        self.space.kube.delete(name, self.space.namespace)
        try:
            yield
        finally:
            self.space.apply(original)
            self.wait_for_condition("ResolvedRefs", "True")
            self.converge(self.route)
            self.wait_for_endpoints()

    @contextmanager
    def foreign_route(self) -> Iterator[ForeignRoute]:
        """A route to this Gateway from another namespace, until the block ends."""
        document = self._foreign_route(f"{convergence.generation()}.stray.plumbline.test")
        kube, name = self.space.kube, document["metadata"]["name"]
        kube.apply(document, HOME)
        try:
            wait_for(
                f"HTTPRoute/{name} in {HOME} to have a status",
                lambda: "" if route_conditions(self._status(document, HOME)) else "none",
                self.deadline,
                kube.kubectl(f"-n {HOME} get httproute {name} -o yaml"),
            )
            self.converge(self.route)  # what the Gateway has now, it has as of the other one
            yield ForeignRoute(
                document["spec"]["hostnames"][0], route_conditions(self._status(document, HOME))
            )
        finally:
            kube.delete(document, HOME)

    def _foreign_route(self, host: str) -> Document:
        gateway = self.gateway.document["metadata"]["name"]
        redirect = {"type": "RequestRedirect", "requestRedirect": {"statusCode": 302}}
        return {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "plumbline-stray"},
            "spec": {
                "parentRefs": [{"name": gateway, "namespace": self.space.namespace}],
                "hostnames": [host],
                "rules": [{"filters": [redirect]}],
            },
        }

    def _status(self, document: Mapping[str, Any], namespace: str = "") -> Document:
        version, kind, name = document["apiVersion"], document["kind"], document["metadata"]["name"]
        stored = self.space.kube.get(version, kind, name, namespace or self.space.namespace) or {}
        return {"conditions": (), **stored.get("status", {})}


def in_force(lab: Lab, cluster: str) -> Entry:
    """The Gateway, once it routes by the reference and has endpoints of both services.

    Raises:
        NotReadyError: a workload does not run, or the Gateway did not get there in time.
    """
    space = lab.space(NAME, cluster)
    client = lab.client(cluster, OUTSIDER, identity=OUTSIDE)
    inside = lab.client(cluster, FRONTEND)
    gateway, route = lab.manifests.given("gateway"), lab.manifests.given("httproute")
    address = convergence.gateway_address(space, gateway, lab.deadline("workload"))
    entry = Entry(space, client, inside, gateway, route, address, lab.deadline("convergence"))
    entry.converge(route)
    entry.wait_for_endpoints()
    return entry
