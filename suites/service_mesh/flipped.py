"""A route that is edited while its client asks: from one subset to the other, and back.

The route is that of the manifest again in the end. Nothing here judges.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace
from itertools import cycle, islice

from clusters.errors import NotReadyError
from fixtures.history.traces import Traces
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import both_modes, folder_of, watched
from fixtures.lab.origins import origins
from fixtures.manifests import Given
from suites.service_mesh.edits import ALWAYS, Edit
from suites.service_mesh.subject import FLIP, FLIPPED, ORIGIN, PORT, SHADOW, Practised

BLUE, GREEN = ORIGIN, SHADOW
"""The services that the pods of either subset say that they are."""
EDITS = 20
KEEP_ALIVE, NEW = 0.02, 0.05
"""Seconds from one request to the next, over keep-alive connections and over new ones."""
BETWEEN = 0.5
"""Seconds for which an edit that is in force is left alone: two dozen requests. A client that
shares its cores was silent for a quarter of a second more than once."""


@dataclass(frozen=True)
class Flipped:
    """What was answered, and the edits that were made meanwhile."""

    traces: Traces
    edits: tuple[Edit, ...]


def flip(lab: Lab, practised: Practised) -> Flipped:
    """Edit a route while its client asks, each edit once the last one is in force; one that is not
    within T is the last.

    Raises:
        NotReadyError: the client's proxy does not know the service's pods.
        PlumblineError: the client did not start, or its trace is lost.
    """
    space, client, route = practised.space, practised.insider, lab.manifests.given(FLIP)
    pods = [each for app in (ORIGIN, SHADOW) for each in origins(space, app)]
    host = space.host(FLIPPED)
    addresses = [f"{pod.address}:{PORT}" for pod in pods]
    convergence.members(client, host, addresses, practised.deadline)
    turns = (replace(route, document=exchanged(route)), GREEN), (route, BLUE)

    def act() -> tuple[Edit, ...]:
        edits: list[Edit] = []
        try:
            for to, service in islice(cycle(turns), EDITS):
                edits.append(_edit(practised, to, service))
                if edits[-1].known == ALWAYS:
                    break
        finally:
            space.put(route)
        return tuple(edits)

    streams = both_modes(FLIPPED, f"http://{space.address(FLIPPED)}/", host, KEEP_ALIVE, NEW)
    return Flipped(*watched(client, streams, folder_of(lab), act))


def _edit(practised: Practised, route: Given, to: str) -> Edit:
    """Apply a route, wait until it is in force, and leave it alone for a while."""
    began = time.time()
    practised.space.put(route)
    try:
        convergence.routing(practised.space, practised.insider, practised.deadline)
    except NotReadyError:
        return Edit(to, began)
    known = time.time()
    time.sleep(BETWEEN)
    return Edit(to, began, known, time.time())


def exchanged(former: Given) -> dict[str, object]:
    """A VirtualService whose destinations have each other's weights."""
    document = copy.deepcopy(dict(former.document))
    for rule in document["spec"].get("http", ()):
        route = rule.get("route", ())
        weights = [each.get("weight", 0) for each in route]
        for each, weight in zip(route, reversed(weights), strict=True):
            each["weight"] = weight
    return document
