"""Many walks of one SplitTest side by side, in arrays.

Decides draw for draw as `fixtures.sequential.Walk` does, only faster: tests/test_bench.py
holds the two against each other. It is written from the documented rule and shares no code
with what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from fixtures.sequential import Outcome, SplitTest

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

OUTCOMES = tuple(Outcome)
UNDECIDED = OUTCOMES.index(Outcome.UNDECIDED)
NEVER = 1 << 60  # a draw that does not come
INFINITE = 1e300  # in the place of infinity, as none of that would be no number: 0 * inf


@dataclass(frozen=True)
class Side:
    """The declared share against one wrong share: the step of a draw, and the two limits."""

    per_hit: float
    per_miss: float
    reject: float
    accept: float

    def ratio(self, hits: Numbers, misses: Numbers) -> Numbers:
        """The log-likelihood ratio of the wrong share against the declared one."""
        return hits * self.per_hit + misses * self.per_miss


def sides(test: SplitTest) -> tuple[Side | None, Side | None]:
    """The wrong share below and the one above; None where the declared share is at the edge."""
    return _side(test, test.low), _side(test, test.high)


def _side(test: SplitTest, wrong: float | None) -> Side | None:
    if wrong is None:
        return None
    per_hit = log(wrong / test.share) if test.share else INFINITE
    per_miss = log((1 - wrong) / (1 - test.share)) if test.share < 1 else INFINITE
    return Side(per_hit, per_miss, reject=-log(test.alpha / 2), accept=log(test.beta))


class Walks:
    """The state of `count` walks; `outcome` holds positions in OUTCOMES."""

    def __init__(self, test: SplitTest, count: int) -> None:
        self.test = test
        self.n: Counts = np.zeros(count, dtype=np.int64)
        self.hits: Counts = np.zeros(count, dtype=np.int64)
        self.outcome: Counts = np.full(count, UNDECIDED)
        self._sides = sides(test)
        self._accepted = [np.full(count, side is None) for side in self._sides]

    def going(self, walks: Counts) -> Flags:
        """For each of these walks, whether another draw would be of use."""
        undecided: Flags = self.outcome[walks] == UNDECIDED
        return undecided & (self.n[walks] < self.test.cap)

    def observe(self, walks: Counts, draws: Flags) -> None:
        """Go on with some walks, given by their numbers: in each one's row of `draws`.

        Draws after a walk's end are not counted. Only walks that are going may be given.
        """
        n = self.n[walks]
        hits: Numbers = self.hits[walks, None] + draws.cumsum(axis=1, dtype=np.float64)
        misses = n[:, None] + np.arange(1.0, draws.shape[1] + 1) - hits
        too_few, accepts_low = self._crossed(0, walks, hits, misses)
        too_many, accepts_high = self._crossed(1, walks, hits, misses)
        accept = np.maximum(accepts_low, accepts_high)
        stop = np.minimum(np.minimum(too_few, too_many), accept)
        last = np.minimum(draws.shape[1], self.test.cap - n) - 1
        ends = {Outcome.TOO_FEW: too_few, Outcome.TOO_MANY: too_many, Outcome.ACCEPT: accept}
        for outcome, at in ends.items():
            self.outcome[walks[(at == stop) & (stop <= last)]] = OUTCOMES.index(outcome)
        taken = np.minimum(stop, last)
        self.n[walks] += taken + 1
        self.hits[walks] = hits[np.arange(len(walks)), taken]

    def _crossed(
        self, number: int, walks: Counts, hits: Numbers, misses: Numbers
    ) -> tuple[Counts, Counts]:
        """At which of these draws a side rejects and at which it accepts, if at all.

        Each side keeps its first answer: one that accepted before does so at draw -1.
        """
        before = self._accepted[number][walks]
        rejects, accepts = np.full(len(walks), NEVER), np.where(before, -1, NEVER)
        side = self._sides[number]
        if side is not None:
            ratio = side.ratio(hits, misses)
            over, under = ratio >= side.reject, ratio <= side.accept
            first = (over | under).argmax(axis=1)
            row = np.arange(len(walks))
            rejects = np.where(over[row, first] & ~before, first, NEVER)
            accepts = np.where(under[row, first] & ~before, first, accepts)
            self._accepted[number][walks] = accepts < NEVER
        return rejects, accepts
