"""Cilium's agent is killed, and who may come and who may not ask on meanwhile.

It comes back by itself, as it is a DaemonSet's; that it has, and sees the other clusters again, is
waited for. For a test that has the cluster alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from clusters.components import cilium, clustermesh
from clusters.errors import PlumblineError
from clusters.objects import is_ready
from clusters.waiting import wait_for
from fixtures.checks import Drop
from fixtures.checks.watched import KEEP_ALIVE
from fixtures.history.streams import OpenStream
from fixtures.history.traces import Traces
from fixtures.lab import OUTSIDER, Lab
from fixtures.lab.hubble import NAMESPACE, Agent
from fixtures.lab.open_loop import folder_of
from fixtures.traffic import monitor_processes
from fixtures.traffic.client import join
from fixtures.traffic.monitor_processes import MonitorProcess
from suites.security.isolation import (
    ISLAND,
    LEAVER,
    PORT,
    RANGED,
    Isolated,
    isolate,
    labels_of,
    name,
)
from suites.security.subject import INSIDER
from suites.security.undisturbed import Killed

T = TypeVar("T")

OFTEN, SELDOM = 0.02, 0.1
"""Seconds from one request to the next."""
QUIET = 2.0
"""Seconds for which all are asked before the agent is killed, and after it is back."""
AGENTS = "k8s-app=cilium"
DENIED: Mapping[str, frozenset[str]] = {
    name(OUTSIDER, ISLAND): frozenset({"k8s:io.kubernetes.pod.namespace=default"}),
    name(LEAVER, RANGED): labels_of(LEAVER),
}
"""Streams that must be dropped, where they come in and where they leave, with whose they are."""


@dataclass(frozen=True)
class Absence:
    """The time that the agent was away, and what its successor knows."""

    began: float
    back: float
    successor: Agent
    drops: tuple[Drop, ...]


def kill_agent(lab: Lab, cluster: str) -> Killed:
    """Have the guarded workloads asked while the agent of their node is killed and comes back.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: a workload does not run, or no agent came.
        WrongManifestError: a policy is refused, or is never in force.
    """
    isolated = isolate(lab, cluster)
    island = isolated.addresses[ISLAND]
    outsider, insider = (isolated.clients[who].address for who in (OUTSIDER, INSIDER))
    former = isolated.agent.admitted(outsider, island)

    def act() -> Absence:
        time.sleep(QUIET)
        began, opened = time.time(), isolated.agent.now()
        successor = _kill(lab, isolated.agent)
        back = time.time()
        time.sleep(QUIET)
        return Absence(began, back, successor, successor.drops(opened, isolated.space.namespace))

    traces, absence = _asked_meanwhile(isolated, folder_of(lab), act)
    streams = {trace.stream.name: trace for each in traces for trace in each.streams}
    return Killed(
        history=join(each.history for each in traces),
        allowed=[(trace, ISLAND) for key, trace in streams.items() if key not in DENIED],
        denied=[streams[key] for key in DENIED],
        drops={key: _of(absence.drops, labels) for key, labels in DENIED.items()},
        admitted=len(absence.successor.admitted(outsider, island) - former),
        control=len(absence.successor.admitted(insider, island)),
        began=absence.began,
        back=absence.back,
        pods=(isolated.agent.pod, absence.successor.pod),
    )


def _kill(lab: Lab, agent: Agent) -> Agent:
    """Kill an agent, and wait until its successor is ready and sees what it saw."""
    kube, patience = agent.kube, lab.deadline("cilium")
    others = [c.name for c in lab.topology.clusters if c.name != kube.cluster.name]

    def pending() -> str:
        pods = [
            pod["metadata"]["name"]
            for pod in kube.list("v1", "Pod", NAMESPACE, AGENTS)
            if is_ready(pod) and pod["spec"]["nodeName"] == agent.node
        ]
        return "" if pods and agent.pod not in pods else f"ready: {', '.join(pods) or 'none'}"

    kube.delete({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": agent.pod}}, NAMESPACE)
    look = kube.kubectl(f"-n {NAMESPACE} get pods -l {AGENTS}")
    wait_for("another agent to be ready", pending, patience, look)
    cilium.wait_ready(kube, patience)
    if "clustermesh" in kube.cluster.features:
        clustermesh.wait_ready(kube, others, lab.deadline("clustermesh"))
    return Agent.on(kube, agent.node)


def _asked_meanwhile(
    isolated: Isolated, folder: Path, act: Callable[[], T]
) -> tuple[list[Traces], T]:
    """What all clients were answered while something was done, and its result."""
    processes = [
        MonitorProcess.at(isolated.clients[who], streams) for who, streams in _streams(isolated)
    ]
    monitor_processes.start(processes)
    try:
        result = act()
    finally:
        stopped = monitor_processes.stop(processes, folder)
    traces = []
    for each in stopped:
        if isinstance(each, PlumblineError):
            raise each
        traces.append(each)
    return traces, result


def _streams(isolated: Isolated) -> Iterator[tuple[str, Collection[OpenStream]]]:
    """By client, what it asks: Cilium decides when a connection is made, so most are new ones."""
    service = f"http://{isolated.space.address(ISLAND)}/"
    ranged = f"http://{isolated.addresses[RANGED]}:{PORT}/"
    inside = name(INSIDER, ISLAND)
    yield INSIDER, (_new(inside, service, OFTEN), _keep_alive(inside, service))
    yield OUTSIDER, (_new(name(OUTSIDER, ISLAND), service, OFTEN),)
    own = name(LEAVER, ISLAND)
    yield (
        LEAVER,
        (
            _new(own, service, SELDOM),
            _keep_alive(own, service),
            _new(name(LEAVER, RANGED), ranged, SELDOM),
        ),
    )


def _new(stream: str, url: str, interval: float) -> OpenStream:
    return OpenStream(name=stream, url=url, interval=interval)


def _keep_alive(stream: str, url: str) -> OpenStream:
    return OpenStream(name=f"{stream}{KEEP_ALIVE}", url=url, interval=SELDOM, kept=True)


def _of(drops: Collection[Drop], labels: frozenset[str]) -> list[Drop]:
    return [drop for drop in drops if drop.source_labels.issuperset(labels)]
