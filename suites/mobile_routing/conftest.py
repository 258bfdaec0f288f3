"""What mobile routing is asked of: default/frontend, whose sidecar has the reference's route."""

from __future__ import annotations

import pytest

from fixtures import convergence
from fixtures.caller import Caller, joined
from fixtures.history import History
from fixtures.lab import FRONTEND, Lab
from fixtures.space import Space
from fixtures.streams import Stream

URL = "http://service.example.com/"
COUNT = 60

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


@pytest.fixture(scope="module")
def space(lab: Lab, cluster: str) -> Space:
    """The suite's namespace, with both versions of both services running."""
    return lab.space("mobile_routing", cluster)


@pytest.fixture(scope="module")
def frontend(lab: Lab, space: Space, cluster: str) -> Caller:
    """default/frontend, whose sidecar knows every version and routes by the reference."""
    return routed(lab, space, cluster)


def routed(lab: Lab, space: Space, cluster: str) -> Caller:
    """The caller, once its sidecar routes by the reference."""
    caller, deadline = lab.caller(cluster, FRONTEND), lab.deadline("convergence")
    route = lab.manifests.given("virtualservice")
    convergence.virtual_service(space, route, [caller], URL, deadline)
    wanted = [f"outbound|80|{v[-2:]}|{space.host(v[:-3])}" for v in VERSIONS]
    wanted += [f"outbound|80||{space.host(v)}" for v in VERSIONS]
    convergence.endpoints(caller.kube, caller.namespace, caller.pod, wanted, deadline)
    return caller


@pytest.fixture(scope="module")
def asked(frontend: Caller, space: Space) -> History:
    """All agents and, by their own names, all versions, asked once for all requirements."""
    mobile = [Stream(stream=n, url=URL, headers={"User-Agent": a}) for n, a in MOBILE.items()]
    other = [Stream(stream=n, url=URL, headers=h) for n, h in OTHER.items()]
    direct = [Stream(stream=v, url=f"http://{space.host(v)}/") for v in VERSIONS]
    own = [
        Stream(stream=f"{h} {n}", url=f"http://{space.host(h)}/", headers={"User-Agent": a})
        for h in SERVICES
        for n, a in (("phone", MOBILE["phone"]), ("desktop", OTHER["desktop"]["User-Agent"]))
    ]
    every = [s.model_copy(update={"count": COUNT}) for s in (*mobile, *other, *direct, *own)]
    # One destination after another. The kernel may give connections to two of them the same
    # source port; the sidecar's REDIRECT leads both to one place, where they cannot be told
    # apart. It is the likely cause of three silences, seen once in some 150 runs of all at once.
    urls = dict.fromkeys(stream.url for stream in every)
    return joined(frontend.probe(*(s for s in every if s.url == url)) for url in urls)
