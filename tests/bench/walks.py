"""Many walks of one SplitTest side by side, in arrays.

Decides draw for draw as `fixtures.checks.sequential.Walk` does, only faster: tests/test_bench.py
holds the two against each other. It is written from the documented rule and shares no code
with what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fixtures.checks.sequential import Outcome, SplitTest

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
    """The state of `count` walks; `outcome` holds positions in OUTCOMES.

    `told` holds for each side its ratio at the draw at which it accepted (below 0) or
    rejected (above), and no number before; 0 for a side that has nothing to say.
    """

    def __init__(self, test: SplitTest, count: int) -> None:
        self.test = test
        self.n: Counts = np.zeros(count, dtype=np.int64)
        self.hits: Counts = np.zeros(count, dtype=np.int64)
        self.outcome: Counts = np.full(count, UNDECIDED)
        self._sides = sides(test)
        self.told = [np.full(count, 0.0 if side is None else np.nan) for side in self._sides]

    def going(self, walks: Counts) -> Flags:
        """For each of these walks, whether another draw would be of use."""
        undecided: Flags = self.outcome[walks] == UNDECIDED
        return undecided & (self.n[walks] < self.test.cap)

    def observe(self, walks: Counts, draws: Flags) -> None:
        """Go on with some walks, given by their numbers: in each one's row of `draws`.

        Draws after a walk's end are not counted. Only walks that are going may be given.
        """
        n = self.n[walks]
        hits: Numbers = self.hits[walks, None] + draws.astype(np.float64).cumsum(axis=1)
        misses = n[:, None] + np.arange(1.0, draws.shape[1] + 1) - hits
        low, high = (self._answer(number, walks, hits, misses) for number in (0, 1))
        accept = np.maximum(low.accepts, high.accepts)
        ends = {Outcome.TOO_FEW: low.rejects, Outcome.TOO_MANY: high.rejects}
        stop = np.minimum(accept, np.minimum(low.rejects, high.rejects))
        last = np.minimum(draws.shape[1], self.test.cap - n) - 1
        for outcome, at in (*ends.items(), (Outcome.ACCEPT, accept)):
            self.outcome[walks[(at == stop) & (stop <= last)]] = OUTCOMES.index(outcome)
        taken = np.minimum(stop, last)
        self.n[walks] += taken + 1
        self.hits[walks] = hits[np.arange(len(walks)), taken]
        for told, side in zip(self.told, (low, high), strict=True):
            now = side.first <= taken
            told[walks[now]] = side.ratio[now]

    def _answer(self, number: int, walks: Counts, hits: Numbers, misses: Numbers) -> _Answer:
        """What a side has to say to these draws. It keeps its first answer."""
        never = np.full(len(walks), NEVER)
        before = ~np.isnan(self.told[number][walks])
        accepted = np.where(before, -1, NEVER)
        side = self._sides[number]
        if side is None:
            return _Answer(never, accepted, never, self.told[number][walks])
        ratios = side.ratio(hits, misses)
        over, under = ratios >= side.reject, ratios <= side.accept
        at = (np.arange(len(walks)), (over | under).argmax(axis=1))
        rejects = np.where(over[at] & ~before, at[1], NEVER)
        accepts = np.where(under[at] & ~before, at[1], NEVER)
        first = np.minimum(rejects, accepts)
        return _Answer(rejects, np.minimum(accepts, accepted), first, ratios[at])


class _Answer(NamedTuple):
    """Of one side, for each walk: the draw of a block at which it rejects, or accepts.

    One that accepted before does so at draw -1. `first` is the draw of an answer that is
    given in this block, and `ratio` that of the side at that draw.
    """

    rejects: Counts
    accepts: Counts
    first: Counts
    ratio: Numbers
