"""Splits decided on the answers of a real Envoy, and the fixed rules on the same answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from clusters.errors import PlumblineError
from fixtures.checks.sequential import Decision, SplitTest
from fixtures.history.streams import Stream
from tests.bench.rules import FixedRule
from tests.bench.walks import Flags
from tests.real_envoy import JSON, Behaviour, Place, running, weighted

STABLE, CANARY = "api-service", "api-service-canary"
BATCH = 10_000  # requests per run of the prober: some ten seconds
UNDER_WAY = 4  # requests of one stream at a time: Envoy draws for each by itself
DEADLINE = 300  # seconds for a batch, on a machine that has much else to do


@dataclass(frozen=True)
class Measured:
    """The splits of one weight, and every answer: True where the first backend gave it."""

    percent: int
    decisions: list[Decision]
    answers: Flags
    seconds: float

    def fixed(self, rule: FixedRule) -> list[tuple[bool, int]]:
        """What a rule makes of the same answers until they run out: passed, and after how many."""
        whole = len(self.answers) // rule.requests * rule.requests
        decided, tries = [], 0
        for passed in rule.passes(self.answers[:whole].reshape(-1, rule.requests).sum(axis=1)):
            tries += 1
            if passed or tries == rule.tries:
                decided.append((bool(passed), tries * rule.requests))
                tries = 0
        return decided


def measure(test: SplitTest, splits: Mapping[int, int]) -> list[Measured]:
    """Decide so many splits by the first backend's weight in per cent, all weights side by side.

    Raises:
        PlumblineError: a request was not answered 200.
    """
    behaviours = {
        str(percent): Behaviour(weighted({STABLE: percent, CANARY: 100 - percent}))
        for percent in splits
    }
    # The pool comes first, to end last: once Envoy is gone, its threads fail and end too.
    with (
        ThreadPoolExecutor(len(splits)) as pool,
        tempfile.TemporaryDirectory() as folder,
        running(behaviours, (STABLE, CANARY), Path(folder)) as place,
    ):
        return list(pool.map(partial(_measured, place, test), splits, splits.values()))


def _measured(place: Place, test: SplitTest, percent: int, splits: int) -> Measured:
    began = time.monotonic()
    hits: list[bool] = []
    # Each split goes on where the one before it stopped: no answer is used twice.
    answers = _answers(place, str(percent), hits)
    decisions = [test.decide(answers) for _ in range(splits)]
    return Measured(percent, decisions, np.array(hits), time.monotonic() - began)


def _answers(place: Place, behaviour: str, seen: list[bool]) -> Iterator[bool]:
    """Ask without end, in batches, in the order of sending; `seen` keeps all of a batch."""
    for first in count(step=BATCH):
        stream = Stream(
            stream=behaviour,
            url=place.url(behaviour),
            headers=JSON,
            first=first,
            count=BATCH,
            concurrency=UNDER_WAY,
        )
        history = place.probe(stream, timeout=DEADLINE)
        for each in history:
            if each.status != 200:
                raise PlumblineError(
                    "every request to be answered 200",
                    seen=f"{each.status or each.error} to request {each.seq} of {behaviour}",
                    look="docker ps",
                )
        batch = [e.service == STABLE for e in sorted(history, key=lambda e: e.seq)]
        seen += batch
        yield from batch
