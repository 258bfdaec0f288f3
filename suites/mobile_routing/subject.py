"""frontend, whose sidecar has the reference's route: what mobile routing is asked of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fixtures.lab import FRONTEND, Lab, convergence
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod
from suites.mobile_routing.matches import PORTS

NAME = Path(__file__).parent.name
HOST = "service.example.com"
URL = f"http://{HOST}/"
COUNT = 25

MOBILE = {
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1",
    "bare": "Mobile",
    "within": "xMobilex",
    "last": "Opera Mobile",
}
OTHER = {
    "desktop": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"},
    "tablet": {"User-Agent": "Mozilla/5.0 (Linux; Android 16; Tablet) Safari/537.36"},
    "lower": {"User-Agent": "mobile"},
    "upper": {"User-Agent": "MOBILE"},
    "empty": {"User-Agent": ""},
    "absent": {},
}
SERVICES = ("mobile-service", "web-service")
VERSIONS = ("mobile-service-v1", "mobile-service-v2", "web-service-v1", "web-service-v2")


@dataclass(frozen=True)
class Routing:
    """The client whose sidecar routes, and how its route is changed and put back."""

    space: Space
    frontend: ClientPod
    route: Given
    deadline: float

    def converge(self, route: Given) -> None:
        """Apply a route and wait until the client's sidecar has it."""
        convergence.virtual_service(self.space, route, [self.frontend], URL, self.deadline)

    def wait_for_endpoints(self) -> None:
        """Wait until the sidecar has healthy endpoints of every version, by route and by name."""
        host, client = self.space.host, self.frontend
        wanted = [f"outbound|{p}|{v[-2:]}|{host(v[:-3])}" for v in VERSIONS for p in PORTS]
        wanted += [f"outbound|80||{host(v)}" for v in VERSIONS]
        convergence.endpoints(client.kube, client.namespace, client.pod, wanted, self.deadline)


def in_force(lab: Lab, cluster: str) -> Routing:
    """default/frontend, once its sidecar knows every version and routes by the reference.

    Raises:
        NotReadyError: a workload does not run, or the sidecar did not get there in time.
    """
    space = lab.space(NAME, cluster)
    frontend, route = lab.client(cluster, FRONTEND), lab.manifests.given("virtualservice")
    routing = Routing(space, frontend, route, lab.deadline("convergence"))
    routing.converge(route)
    routing.wait_for_endpoints()
    return routing
