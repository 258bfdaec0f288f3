"""CPU that containers take for requests, by their cgroups: two sidecars, and the backend that they
serve. Nothing here judges.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.stat) and cgroup-v1/cpuacct.rst.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from clusters.remote import Container
from fixtures.history import History
from fixtures.history.streams import Stream
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
READ = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"
"""Of the container's own cgroup, of either version."""


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

    def read(container: Container) -> float:
        return parse_seconds(stage.space.kube.exec(container, ["sh", "-c", READ]))

    with ThreadPoolExecutor(len(containers)) as pool:
        seconds = dict(zip(containers, pool.map(read, containers.values()), strict=True))
    return _Reading(at, seconds)


def parse_seconds(text: str) -> float:
    """The CPU time of a cgroup: `usage_usec` of version 2, or nanoseconds alone of version 1.

    Raises:
        ValueError: it is neither.
    """
    first, _, rest = text.strip().partition("\n")[0].partition(" ")
    return int(rest) / 1e6 if first == "usage_usec" else int(first) / 1e9
