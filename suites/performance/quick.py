"""A Gateway that speaks HTTP/3 beside HTTP over TLS, and a client that asks it by both.

The client's sidecar does the speaking: it is an Envoy, which is a client of HTTP/3 too. To it the
Gateway has two names, one by TLS over TCP and one by QUIC, and otherwise they are one. The
certificate is of one run. Nothing here judges.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from clusters.kube import Document
from clusters.objects import of_gateway
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import Lab, convergence
from fixtures.traffic.sealed import own_certificate, secret
from suites.performance.draws import CLOSED, EACH, OPEN, kinds
from suites.performance.subject import NAME, Stage, stage_of

MANIFEST = "gateway-http3"
CERTIFICATE = "quick"
DOMAIN = "quick.example.com"
TCP, QUIC = "by TCP", "by QUIC"
HOSTS = {TCP: f"tcp.{DOMAIN}", QUIC: f"quic.{DOMAIN}"}
PLACES = {TCP: "240.240.3.1", QUIC: "240.240.3.2"}
"""Addresses at which the client's sidecar takes what is meant for the Gateway; nobody has them."""
PORT = 443
TIMEOUT = 12.0
"""Seconds: longer than it takes the sidecar to give up on who does not answer, three times."""
SERVED, DENIED = "served", "denied"
CAME_BY = "x-came-by"
"""The header by which the Gateway tells the backend what it was spoken to in."""


@contextmanager
def quick_in_force(lab: Lab, cluster: str) -> Iterator[Stage]:
    """The workloads, with the practice's Gateway in force; it goes with the block.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    gateway = lab.manifests.given(MANIFEST)
    space.apply(secret(CERTIFICATE, own_certificate(f"*.{DOMAIN}")))
    entries: list[Document] = []
    try:
        address = convergence.gateway_address(space, gateway, deadline)
        pods = of_gateway(str(gateway.document["metadata"]["name"]))
        space.kube.wait_rolled_out(space.namespace, lab.deadline("workload"), pods)
        entries += [entry(way, address) for way in HOSTS]
        for each in entries:
            space.apply(each)
        yield stage_of(lab, cluster, [])
    finally:
        for each in entries:  # the client's proxy alone speaks HTTP/3 to them: CA6 compares it
            space.kube.delete(each, space.namespace)
        convergence.no_gateway(space, gateway.document, lab.deadline("workload"))


def named(what: str, way: str, kind: int) -> str:
    """The stream of one kind of requests by one way."""
    return f"{what} {way}, {kind}"


def ask(stage: Stage, seed: int) -> History:
    """Send the same requests by both ways, drawn: what is served, and what is denied.

    Raises:
        CommandError: the prober could not be started.
    """
    return stage.steady.probe(*(each for way in HOSTS for each in requests(way, seed)))


def requests(way: str, seed: int) -> Iterator[Stream]:
    """What is sent by a way; the same by each."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    for what, begin in ((SERVED, OPEN), (DENIED, CLOSED)):
        for number, (method, path) in enumerate(kinds(draw, begin)):
            yield Stream(
                stream=named(what, way, number),
                url=f"http://{PLACES[way]}{path}",
                method=method,
                headers={"Host": HOSTS[way]},
                count=EACH,
                concurrency=EACH,
                timeout=TIMEOUT,
                whole=True,
            )


def entry(way: str, address: str) -> Document:
    """The Gateway under the name of one way, for who knows it by it."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": HOSTS[way].partition(".")[0]},
        "spec": {
            "hosts": [HOSTS[way]],
            "addresses": [PLACES[way]],
            "exportTo": ["."],
            "location": "MESH_EXTERNAL",
            "resolution": "STATIC",
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": PORT}],
            "endpoints": [{"address": address}],
        },
    }
