"""What is sent to those who are held to a limit, and beside it to what has none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fixtures.checks import nonces
from fixtures.history import History
from fixtures.lab import convergence
from fixtures.lab.origins import Arrival, arrived
from fixtures.lab.sampling import expected
from suites.performance.subject import Stage

LIMITED, UNLIMITED = "limited", "unlimited"
CROWD, QUEUE = "crowd", "one by one"
STORM, ALONE = "storm", "alone"
TOKENS, PER = 20, 60.0
"""A bucket, and the seconds in which it fills."""
COUNT = 60
AT_ONCE = 10
DELAY = 1.5
"""Seconds that the backend takes for each of a crowd: longer than it takes to be turned away."""
USERS, FAILURES = 20, 160
FEW = 3
SLOWED, FAST = "slowed", "fast"
SIZE = 1 << 20
RATE = 256 * 1024
"""Bytes of a download, and of those that may pass in a second."""
LOUD, QUIET = "loud", "quiet"
OWN_TOKENS, EXCESS, MODEST = 10, 40, 5
"""A client's own bucket, and what two clients ask for of theirs."""


@dataclass(frozen=True)
class Observation:
    """What was sent, and what of it came to the backends."""

    history: History
    arrivals: Sequence[Arrival]

    def of(self, stream: str) -> list[Arrival]:
        """What came of one stream."""
        own = {n for e in self.history.stream(stream) for n in nonces(e.url)}
        return [arrival for arrival in self.arrivals if arrival.nonce in own]


def observe(stage: Stage) -> Observation:
    """Send few to the pool and to the budget, and then many to all.

    Raises:
        CommandError: the prober could not be started.
        NotReadyError: what was answered did not come into the log of a backend in time.
    """
    mark, began = convergence.generation(), time.monotonic()
    few = stage.steady.probe(
        stage.to_service(QUEUE, "pooled", mark, count=FEW),
        stage.to_service(ALONE, "budgeted", mark, "status=503", count=FEW),
    )
    many = stage.steady.probe(
        stage.to_service(LIMITED, "limited", mark, count=COUNT),
        stage.to_service(UNLIMITED, "origin", mark, count=COUNT),
        stage.to_service(
            CROWD, "pooled", mark, f"delay={DELAY}", count=AT_ONCE, concurrency=AT_ONCE,
            timeout=AT_ONCE * 2 * DELAY, whole=True,
        ),
        stage.to_service(
            STORM, "budgeted", mark, "status=503&delay=0.2", count=FAILURES, concurrency=USERS
        ),
    )  # fmt: skip
    bulk = f"size={SIZE}"
    loud = stage.loud.probe(
        stage.to_service(LOUD, "bulk", mark, count=EXCESS),
        stage.to_service(FAST, "origin", mark, bulk, timeout=20),
    )
    quiet = stage.steady.probe(
        stage.to_service(QUIET, "bulk", mark, count=MODEST),
        stage.to_service(SLOWED, "bulk", mark, bulk, timeout=20),
    )
    history = few + many + loud + quiet
    pods = [pod for app in ("origin", "limited", "bulk") for pod in stage.pods(app)]
    return Observation(history, arrived(pods, expected(history), began, stage.deadline))
