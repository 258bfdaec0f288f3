"""What the way to another cluster adds to a call, by requests that go to either by chance.

A sidecar draws for each request whether a pod of its own cluster answers or one of the other, so
both ways are walked by one client in one window. Nothing here judges.
"""

from __future__ import annotations

from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.traffic.client import join
from suites.multi_cloud.subject import BOTH, CLIENT, Everywhere, Place

KEEP_ALIVE, NEW = "keep-alive", "new"
COUNTS = {KEEP_ALIVE: 600, NEW: 300}
"""Requests of each client over one keep-alive connection to its sidecar, and over new ones; by
chance each cluster answers its part of them."""


def stream_name(place: Place, mode: str) -> str:
    """The stream of a client's requests to the service of all clusters."""
    return f"{place.cluster}/{CLIENT}->{BOTH} {mode}"


def walk(everywhere: Everywhere) -> History:
    """Have each cluster's client ask the service of all clusters, one request and one client after
    another.

    Raises:
        CommandError: the prober could not be started.
    """
    return join(
        place.client.probe(*map(_stream, (place, place), COUNTS), in_turn=True)
        for place in everywhere.places.values()
    )


def _stream(place: Place, mode: str) -> Stream:
    url = f"http://{place.space.host(BOTH)}/"
    reuse = mode == KEEP_ALIVE
    return Stream(stream=stream_name(place, mode), url=url, count=COUNTS[mode], reuse=reuse)
