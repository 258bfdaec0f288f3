"""CPU that containers take for requests, by their cgroups: two sidecars, and the backend that they
serve. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from clusters.remote import Container
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import cgroups
from fixtures.lab.convergence import PROXY
from fixtures.lab.origins import CONTAINER
from suites.performance.subject import Stage
from suites.performance.thrift import Use

SERVICE = "origin"
"""Of a backend that runs the same program wherever the requirement is asked."""
STREAM = "measured"
REQUESTS, AT_ONCE = 5000, 4
REST = 5.0
"""Seconds in which nobody asks, to see what all of them take for themselves."""


@dataclass(frozen=True)
class _Reading:
    at: float
    seconds: Mapping[str, float]


def measure(stage: Stage) -> tuple[History, dict[str, Use]]:
    """Send requests, and see what CPU each container took meanwhile, and at rest.

    Raises:
        CommandError: the prober could not be started, or a container tells nothing.
    """
    (backend,) = stage.pods(SERVICE)
    own, namespace = stage.steady.pod, stage.space.namespace
    containers = {
        "client's sidecar": Container(namespace, own, PROXY),
        "backend's sidecar": Container(namespace, backend.pod, PROXY),
        "backend": Container(namespace, backend.pod, CONTAINER),
    }
    url = f"http://{stage.space.host(SERVICE)}/"
    stream = Stream(stream=STREAM, url=url, count=REQUESTS, concurrency=AT_ONCE)
    rested = _read(stage, containers)
    time.sleep(REST)
    began = _read(stage, containers)
    history = stage.steady.probe(stream)
    ended = _read(stage, containers)
    return history, {name: _use(name, rested, began, ended) for name in containers}


def _use(name: str, rested: _Reading, began: _Reading, ended: _Reading) -> Use:
    at_rest = (began.seconds[name] - rested.seconds[name]) / (began.at - rested.at)
    return Use(ended.seconds[name] - began.seconds[name], at_rest, ended.at - began.at)


def _read(stage: Stage, containers: Mapping[str, Container]) -> _Reading:
    at = time.monotonic()

    seconds = cgroups.cpu_seconds(stage.space.kube, containers.values())
    return _Reading(at, dict(zip(containers, seconds, strict=True)))
