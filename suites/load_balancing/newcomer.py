"""A pod that comes to a service while its client asks, and goes again. Nothing here judges."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fixtures.history.streams import OpenStream
from fixtures.history.traces import Trace, Traces
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import folder_of, watched
from fixtures.lab.origins import Origin, origins
from suites.load_balancing.subject import PORT, TURN, WARMING, Balanced
from suites.load_balancing.warmed import Span

NEWCOMER, LABELS = "newcomer", "pool,version=v2"
"""Its Deployment, and what its pod is found by among those of the pool."""
INTERVAL = 0.0125
"""Seconds from one request to the next, of each service."""
WARM_UP = 10.0
"""Seconds of the practice's warm-up."""
SPANS = Span(0.0, 2.0), Span(3.0, 6.0), Span(WARM_UP + 2.0, WARM_UP + 8.0)
"""The pod is hardly asked, half as often as any other, and as often. What a proxy sets down for its
next turn it does by the weight that a pod has then: the last of these begins a while after."""


@dataclass(frozen=True)
class Newcomer:
    """What was answered while a pod came, and until it was warm."""

    traces: Traces
    pod: str

    def trace(self, service: str) -> Trace:
        """What one of the services was asked."""
        (trace,) = (each for each in self.traces.streams if each.stream.name == service)
        return trace


def come(lab: Lab, balanced: Balanced) -> Newcomer:
    """Have a pod come while the services are asked, one whose pods warm up and one whose do not.

    Raises:
        NotReadyError: it did not run, or the client's proxy did not hear of it in time.
        PlumblineError: the client did not start, or its trace is lost.
    """
    patience = lab.deadline("workload")

    def act() -> Origin:
        with _one_more(balanced, patience) as pod:
            time.sleep(SPANS[-1].end)
        return pod

    streams = [_stream(balanced, service) for service in (WARMING, TURN)]
    time.sleep(WARM_UP)  # a rule that was just applied makes all pods new
    traces, pod = watched(balanced.client, streams, folder_of(lab), act)
    return Newcomer(traces, pod.pod)


@contextmanager
def _one_more(balanced: Balanced, patience: float) -> Iterator[Origin]:
    """A pod more, known to the client's proxy; it has gone from there once the block has ended."""
    space, client, deadline = balanced.space, balanced.client, balanced.deadline
    space.kube.scale(space.namespace, NEWCOMER, 1, patience)
    try:
        (pod,) = origins(space, LABELS)
        address = f"{pod.address}:{PORT}"
        for service in (WARMING, TURN):
            convergence.members(client, space.host(service), [address], deadline)
        yield pod
    finally:
        space.kube.scale(space.namespace, NEWCOMER, 0, patience)
    for service in (WARMING, TURN):
        convergence.gone(client, space.host(service), [address], deadline)


def _stream(balanced: Balanced, service: str) -> OpenStream:
    headers = {"Host": balanced.space.host(service)}
    url = f"http://{balanced.space.address(service)}/"
    return OpenStream(name=service, url=url, headers=headers, interval=INTERVAL, kept=True)
