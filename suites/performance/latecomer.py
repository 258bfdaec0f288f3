"""A proxy that connects once things have been edited, beside one that was there all the time.

Both are of clients with the same declared of them. What was edited is taken away in the end.
Nothing here judges.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.history.verdict import Verdict, combine
from fixtures.lab import Lab, convergence
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod
from suites.performance import news
from suites.performance.edited import (
    BACKENDS,
    EDITED,
    FIRST_PORT,
    destination_rule,
    draw_edits,
    objects,
    service_of,
)
from suites.performance.news import Told
from suites.performance.subject import NAME

FORMER, LATTER = "steady", "uninformed"
ROUNDS = 3
"""Ports that come and go."""
DUMP = "config_dump?include_eds"


@dataclass(frozen=True)
class Compared:
    """What proxies had been told.

    Attributes:
        before, after: by the one that was there, before the edits and after them.
        latter: by the one that came then.
        traces: of each kind of edit, by what a proxy that was told of the last one is known.
        in_step: whether both went by all that was applied, within T.
    """

    before: Told
    after: Told
    latter: Told
    traces: tuple[str, ...]
    in_step: Verdict


@dataclass(frozen=True)
class Removed:
    """A port that a service had and has no more.

    Attributes:
        before, after: the clusters of the port that a proxy had, and those that it has.
        in_step: whether the proxy went by both edits, within T.
    """

    before: frozenset[str]
    after: frozenset[str]
    in_step: Verdict


def compare(lab: Lab, cluster: str, seed: int) -> Compared:
    """Edit a service, each edit once the last one is in force; then have a proxy come.

    Raises:
        NotReadyError: a workload does not run.
        CommandError: a proxy does not answer.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    former = lab.client(cluster, FORMER, space.namespace)
    _clear(space)
    try:
        verdicts = [_routing(space, former, deadline, "no edit")]
        before, edits = _told(former), draw_edits(seed, convergence.generation())
        for number, edit in enumerate(edits, 1):
            if not verdicts[-1].passed:
                break  # T is long, and one that never comes is enough
            space.apply(edit.document)
            verdicts.append(_routing(space, former, deadline, f"edit {number}"))
        space.kube.end_pod(space.namespace, f"app={LATTER}")
        latter = lab.client(cluster, LATTER, space.namespace)
        verdicts.append(_routing(space, latter, deadline, "the one that came"))
        after, later = _settled(former, latter, deadline)
    finally:
        _clear(space)
    last = {edit.document["kind"]: edit.trace for edit in edits}
    return Compared(before, after, later, tuple(last.values()), combine(verdicts))


def remove_ports(lab: Lab, cluster: str, seed: int) -> list[Removed]:
    """Give the service, which has a subset, one port more, and take it away again; a few times, as
    a change of another kind at that moment has proxies told of everything anew.

    Raises:
        NotReadyError: a workload does not run.
        CommandError: a proxy does not answer.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    former = lab.client(cluster, FORMER, space.namespace)
    draw = Random(seed)  # noqa: S311 (no secret)
    ports = draw.sample(range(FIRST_PORT, FIRST_PORT + 900), ROUNDS)
    rule = destination_rule(draw, convergence.generation()).document
    backend = draw.choice(BACKENDS)
    _clear(space)
    try:
        space.apply(service_of(backend, {}))
        space.apply(rule)
        return [_removed(space, former, deadline, backend, port) for port in ports]
    finally:
        _clear(space)


def _removed(space: Space, former: ClientPod, deadline: float, backend: str, port: int) -> Removed:
    space.apply(service_of(backend, {"http-more": port}))
    had = _routing(space, former, deadline, f"port {port}")
    before = news.clusters_of(_told(former), port, space.host(EDITED))
    space.apply(service_of(backend, {}))
    has = _routing(space, former, deadline, f"the end of port {port}")
    after = news.clusters_of(_told(former), port, space.host(EDITED))
    return Removed(before, after, combine((had, has)))


def _routing(space: Space, client: ClientPod, deadline: float, what: str) -> Verdict:
    """Whether a client's proxy goes by what was applied, within T."""
    return convergence.in_time(what, partial(convergence.routing, space, client, deadline))


def _settled(former: ClientPod, latter: ClientPod, deadline: float) -> tuple[Told, Told]:
    """What two proxies have been told, once it is the same, or T has passed: endpoints are told by
    themselves, and not at one time to both."""
    both = (_told(former), _told(latter))

    def pending() -> str:
        nonlocal both
        both = (_told(former), _told(latter))
        return news.difference(*both)

    with suppress(NotReadyError):  # it is told by what is returned
        wait_for("two proxies to have been told the same", pending, deadline)
    return both


def _told(client: ClientPod) -> Told:
    text = convergence.proxy(client.kube, client.namespace, client.pod, DUMP)
    return news.read(json.loads(text))


def _clear(space: Space) -> None:
    for document in objects():
        space.kube.delete(document, space.namespace)
