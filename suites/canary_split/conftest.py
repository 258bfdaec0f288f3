"""What the canary split is asked of: the Gateway's address, by a caller outside the mesh."""

from __future__ import annotations

import pytest

from fixtures import convergence
from fixtures.caller import Caller
from fixtures.lab import Lab
from fixtures.space import Space
from fixtures.streams import Stream

SERVICES = ("api-service", "api-service-canary")


@pytest.fixture(scope="module")
def space(lab: Lab, cluster: str) -> Space:
    """The suite's namespace, with the service, its canary and the Gateway running."""
    return lab.space("canary_split", cluster)


@pytest.fixture(scope="module")
def outsider(lab: Lab, cluster: str) -> Caller:
    """A caller that is in no mesh."""
    return lab.caller(cluster, "plumbline-outsider", identity="outside the mesh")


@pytest.fixture(scope="module")
def url(lab: Lab, space: Space, outsider: Caller) -> str:
    """The Gateway's URL, once it routes by the reference and can draw both services."""
    deadline = lab.deadline("convergence")
    gateway = lab.manifests.given("gateway")
    address = convergence.gateway_address(space, gateway, lab.deadline("workload"))
    url, route = f"http://{address}/", lab.manifests.given("httproute")
    convergence.http_route(space, route, outsider, url, deadline)
    name = gateway.document["metadata"]["name"]
    pod = space.kube.pod(space.namespace, f"gateway.networking.k8s.io/gateway-name={name}")
    wanted = [f"outbound|8080||{space.host(service)}" for service in SERVICES]
    convergence.endpoints(space.kube, space.namespace, pod["metadata"]["name"], wanted, deadline)
    return url


@pytest.fixture(scope="module")
def json_request(url: str) -> Stream:
    """The request that the route matches."""
    return Stream(stream="json", url=url, headers={"Content-Type": "application/json"})
