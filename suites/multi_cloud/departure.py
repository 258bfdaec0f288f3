"""Departure: a pod of aws-cluster goes and comes again, and clients ask its service meanwhile.

A client asks as the monitor does, each request when it is due, whatever became of the last. Nothing
here judges.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clusters.errors import NotReadyError, WrongManifestError
from clusters.kube import Kube
from clusters.objects import of_gateway
from fixtures.history.streams import OpenStream
from fixtures.history.traces import Traces
from fixtures.history.verdict import Verdict
from fixtures.lab import Lab, convergence, namespace_of
from fixtures.lab.hubble import Agent
from fixtures.lab.open_loop import folder_of, watched
from fixtures.traffic.client import ClientPod
from suites.multi_cloud.policies import AWS
from suites.multi_cloud.subject import LEAVING, NAME, OUTSIDER, PORT, names_of

SPACING = 0.05
"""Seconds from one request to the next, where no sidecar has to answer."""
GATEWAY = "entrance"
QUIET = 2.0
"""Seconds for which a client asks before anything is done, and after it was undone."""


@dataclass(frozen=True)
class Moved:
    """A pod went and came again. Times are seconds since 1970.

    Attributes:
        began: when it was told to go.
        gone: when it was gone.
        again: when it was told to come again.
        back: when the client's agent had learnt that it is there.
        returned: whether that was within T.
    """

    traces: Traces
    began: float
    gone: float
    again: float
    back: float
    returned: Verdict


@dataclass(frozen=True)
class Way:
    """How a client without a sidecar comes to `LEAVING`.

    Attributes:
        knows: waits until whoever chooses a pod for it knows pods by these addresses.
    """

    client: ClientPod
    url: str
    host: str
    knows: Callable[[Collection[str]], None]
    folder: Path


def by_service(lab: Lab, cluster: str, service: str) -> Way:
    """By a service of a cluster, of which its agent chooses the pods.

    Raises:
        NotReadyError: a workload does not run, or there is no such service.
    """
    space = lab.space(NAME, cluster)
    client = lab.client(cluster, OUTSIDER, space.namespace, identity=OUTSIDER)
    agent, deadline = Agent.any_of(space.kube), lab.deadline("convergence")
    knows = partial(convergence.backends, agent, deadline=deadline)
    return Way(
        client, f"http://{space.address(service)}/", space.host(service), knows, folder_of(lab)
    )


def by_gateway(lab: Lab) -> Way:
    """By aws-cluster's Gateway, once it goes by the practices.

    Raises:
        NotReadyError: it does not in time.
        WrongManifestError: a practice is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, AWS), lab.deadline("convergence")
    client = lab.client(AWS, OUTSIDER, space.namespace, identity=OUTSIDER)
    url = f"http://{space.address(f'{GATEWAY}-istio')}/"
    space.put(lab.manifests.given("destinationrule-gateway"))
    route = lab.manifests.given("httproute-failover")
    convergence.http_route(space, route, convergence.Access(GATEWAY, client, url), deadline)
    pod = space.kube.pod(space.namespace, of_gateway(GATEWAY))
    proxied = ClientPod(space.kube, space.namespace, pod["metadata"]["name"], GATEWAY)

    def knows(addresses: Collection[str]) -> None:
        wanted = [f"{address}:{PORT}" for address in addresses]
        convergence.members(proxied, space.host(LEAVING), wanted, deadline)

    return Way(client, url, "gateway.plumbline.test", knows, folder_of(lab))


def move(lab: Lab, way: Way) -> Moved:
    """aws-cluster's pod of `LEAVING` goes and comes again, while a client asks, each request over a
    new connection.

    Raises:
        NotReadyError: it did not go or come.
        WrongManifestError: the pods of all clusters were not known within T to begin with.
    """
    kube, namespace, patience = lab.kube(AWS), namespace_of(NAME), lab.deadline("workload")
    lab.space(NAME, AWS)
    try:
        way.knows([_address(lab.kube(name)) for name in names_of(lab)])
    except NotReadyError as error:
        raise WrongManifestError(error.expected, seen=error.seen, look=error.look) from None
    stream = OpenStream(name=LEAVING, url=way.url, headers={"Host": way.host}, interval=SPACING)

    def act() -> tuple[float, float, float, float, Verdict]:
        time.sleep(QUIET)
        began = time.time()
        try:
            kube.scale(namespace, LEAVING, 0, patience)
            gone = time.time()
            time.sleep(QUIET)
        finally:
            again = time.time()
            kube.scale(namespace, LEAVING, 1, patience)
        wait = partial(way.knows, [_address(kube)])
        returned = convergence.in_time("the pod to be known again", wait)
        back = time.time()
        time.sleep(QUIET)
        return began, gone, again, back, returned

    traces, times = watched(way.client, [stream], way.folder, act)
    return Moved(traces, *times)


def _address(kube: Kube) -> str:
    """The address of a cluster's pod that comes and goes."""
    return str(kube.pod(namespace_of(NAME), f"app={LEAVING}")["status"]["podIP"])
