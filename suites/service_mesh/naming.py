"""Requests of clients with a proxy, without one and by a Gateway, and what Istio's own counters of
them rise by. Nothing here judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import convergence
from fixtures.lab.origins import origins
from fixtures.lab.trust import spiffe_id
from fixtures.traffic.client import side_by_side
from suites.service_mesh.standard_metrics import FILTER, Call, Party, Series, expected, parse
from suites.service_mesh.subject import DOOR, FEW, INSIDER, ORIGIN, TOLD, Practised

GATEWAY = "gateway.networking.k8s.io/gateway-name=door"
STATUSES = (200, 404, 501)
INSIDE, BY_GATEWAY, PLAIN = "named.inside", "named.gateway", "named.plain"
"""How the names of the streams begin."""
WAIT = 10.0
"""Seconds in which a proxy has counted what it answered: it does once it has written its log."""


def calls_of(practised: Practised) -> dict[str, Call]:
    """Who asks whom, by how the names of the streams begin."""
    space = practised.space

    def party(workload: str, account: str) -> Party:
        return Party(space.namespace, workload, spiffe_id(space.namespace, account))

    backend, service = party(ORIGIN, "default"), space.host(TOLD)
    return {
        INSIDE: Call(party(INSIDER, INSIDER), backend, service),
        BY_GATEWAY: Call(party(DOOR, DOOR), backend, service),
        PLAIN: Call(Party(), backend, service),
    }


def count_named(practised: Practised) -> tuple[History, Counter[Series]]:
    """Ask for answers of several classes, and see what the counters of all proxies rise by.

    Raises:
        CommandError: a prober could not be started, or a proxy does not answer.
    """
    mark, before = convergence.generation(), _read(practised)
    history = side_by_side(
        lambda: practised.insider.probe(*_streams(practised, INSIDE, TOLD, mark)),
        lambda: practised.outsider.probe(
            *_streams(practised, BY_GATEWAY, DOOR, mark), *_streams(practised, PLAIN, TOLD, mark)
        ),
    )
    wanted, rise = expected(history, calls_of(practised)), Counter[Series]()

    def pending() -> str:
        nonlocal rise
        rise = _read(practised) - before
        return "" if rise.total() >= wanted.total() else f"{rise.total()} of {wanted.total()}"

    with suppress(NotReadyError):  # what is not there is what is asked
        wait_for("the proxies to count all requests", pending, WAIT)
    return history, rise


def _streams(practised: Practised, names: str, service: str, mark: str) -> Iterator[Stream]:
    for status in STATUSES:
        name = f"{names}.{status}"
        yield practised.stream(name, service, mark, f"status={status}", FEW)


def _read(practised: Practised) -> Counter[Series]:
    """What the proxies of the client, of the Gateway and of the pods have counted so far."""
    space = practised.space
    gateways = space.kube.list("v1", "Pod", space.namespace, GATEWAY)
    pods = [practised.insider.pod, *(each.pod for each in origins(space, ORIGIN))]
    pods += [str(pod["metadata"]["name"]) for pod in gateways]
    counts: Counter[Series] = Counter()
    for pod in pods:
        counts += parse(convergence.proxy(space.kube, space.namespace, pod, FILTER))
    return counts
