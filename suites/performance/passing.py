"""TLS through a Gateway, to backends with certificates of their own, which are of one run. Nothing
here judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from fixtures.history.certificates import Handshake
from fixtures.lab import OUTSIDE, Lab
from fixtures.traffic.handshake import HTTP, Peer, shake
from fixtures.traffic.sealed import Served, own_certificate, serving
from suites.performance.subject import Stage, stage_of

MANIFEST = "tlsroute-passthrough"
LETTER, PARCEL = "letter", "parcel"
"""Backends; the practice's route leads to the first."""
NAMES = {LETTER: "letter.example.com", PARCEL: "parcel.example.com"}
OTHERS = ("stamp.example.com", "example.com", "")
"""Names that no route leads anywhere; the last is none at all."""
GATEWAY_PORT, BACKEND_PORT = 8443, 8443
TIMES = 5


@dataclass(frozen=True)
class Passed:
    """What the backends' names and others were shown, and what came to the backends.

    Attributes:
        own: the digests of the backends' certificates.
    """

    own: Mapping[str, str]
    shown: Mapping[str, Sequence[Handshake]]
    others: Mapping[str, Handshake]
    served: Mapping[str, Served]


def passing_in_force(lab: Lab, cluster: str) -> Stage:
    """The workloads, once the Gateway passes TLS through.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    return stage_of(lab, cluster, [MANIFEST])


def pass_through(lab: Lab, stage: Stage) -> Passed:
    """Have both backends serve, and ask the Gateway for them and for names of nobody.

    Raises:
        CommandError: a program could not be started in a pod.
    """
    space = stage.space
    own = {backend: own_certificate(name) for backend, name in NAMES.items()}
    clients = {
        backend: lab.client(space.kube.cluster.name, backend, space.namespace, identity=OUTSIDE)
        for backend in NAMES
    }
    peers = [_peer(stage, name) for name in NAMES.values() for _ in range(TIMES)]
    with ExitStack() as stack:
        ends = {
            backend: stack.enter_context(serving(clients[backend], backend, BACKEND_PORT, each))
            for backend, each in own.items()
        }
        every = shake(stage.outsider, [*peers, *(_peer(stage, name) for name in OTHERS)])
        served = {backend: end() for backend, end in ends.items()}
    shown = {
        backend: every[number * TIMES : (number + 1) * TIMES]
        for number, backend in enumerate(NAMES)
    }
    others = dict(zip([name or "no name" for name in OTHERS], every[len(peers) :], strict=True))
    return Passed({name: each.digest for name, each in own.items()}, shown, others, served)


def _peer(stage: Stage, name: str) -> Peer:
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    return Peer(stage.address, GATEWAY_PORT, request=request, server_name=name, alpn=HTTP)
