"""What is asked of a service that has a mirror, and what of that arrives at the mirror."""

from __future__ import annotations

import time

from clusters.waiting import wait_for
from fixtures.checks import Check, all_answered_by, every, nonces, split
from fixtures.checks.guard import guarded, unless_pressed
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.streams import marked
from fixtures.history.verdict import Verdict, failed, passed
from fixtures.lab import convergence
from fixtures.lab.origins import Arrival, origins
from suites.service_mesh.subject import MIRRORED, ORIGIN, SHADOW, Practised

PERCENT = 30
"""Of the requests, that the practice sends to the mirror as well."""
SHARE = SplitTest(margin=0.15)
COUNT = 800
DELAY = 2.0
"""Seconds that the mirror takes before it fails."""


def mirror(practised: Practised) -> tuple[History, frozenset[str]]:
    """Ask a service whose mirror is slow and fails; and the nonces of what arrived at the mirror.

    Raises:
        CommandError: the prober could not be started, or the mirror not be told.
    """
    mark, began = convergence.generation(), time.monotonic()
    (shadow,) = origins(practised.space, SHADOW)
    host = practised.space.host(MIRRORED)
    with shadow.mood(delay=DELAY, status=500):
        history = practised.insider.probe(marked(MIRRORED, host, mark, count=COUNT, concurrency=4))
        some: list[Arrival] = []

        def arriving() -> str:
            before = len(some)
            some[:] = shadow.arrivals(began)
            return "" if len(some) == before else f"{len(some)} so far"

        wait_for("all to have come to the mirror", arriving, practised.deadline)
    return history, frozenset(each.nonce for each in some)


def mirrors(arrived: frozenset[str]) -> Check:
    """Its percentage of the requests arrives at the mirror too; nobody gets its answer, or waits
    for it."""

    def whose(exchange: Exchange) -> str:
        return "both" if nonces(exchange.url) & arrived else "one"

    def quick(history: History) -> Verdict:
        slowest = max(exchange.latency for exchange in history)
        numbers = {"slowest": round(slowest, 3)}
        if slowest >= DELAY:
            said = f"one took {slowest:.2f} s, as the mirror does"
            return unless_pressed(failed(said, **numbers), history)
        return passed(f"none took longer than {slowest:.2f} s", **numbers)

    shares = {"both": PERCENT, "one": 100 - PERCENT}
    return every(all_answered_by(ORIGIN, COUNT), guarded(quick), split(shares, SHARE, whose))
