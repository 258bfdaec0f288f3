"""Samples: many walks drawn with a known true share, and what came of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np

from fixtures.checks.sequential import Outcome, SplitTest
from tests.bench.rules import FixedRule, Tries
from tests.bench.walks import OUTCOMES, UNDECIDED, Counts, Flags, Numbers, Walks

BLOCK = 500  # draws at a time: one try of the longest fixed rule
SIDE_BY_SIDE = 250  # walks at a time: with a block, what fits into a processor's cache


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, numbers: Numbers) -> Estimate:
        """The mean of independent numbers."""
        return cls(float(numbers.mean()), float(numbers.std()) / sqrt(len(numbers)))

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.value + other.value, sqrt(self.error**2 + other.error**2))


@dataclass(frozen=True)
class Sample:
    """What came of walks whose true share is known: one entry per walk in each array.

    `tries` holds, by the name of a fixed rule, what it made of the same draws. `again` are the
    second sittings: a walk of new draws for each that was undecided, in their order.
    """

    true: float
    walks: Walks
    tries: dict[str, Tries]
    again: Walks

    def __len__(self) -> int:
        return len(self.walks.n)

    def came(self, *outcomes: Outcome) -> Flags:
        """For each walk, whether it ended with one of these."""
        return _is(self.walks.outcome, outcomes)

    def came_of_two(self, *outcomes: Outcome) -> Flags:
        """Likewise of two sittings: where the first is undecided, the second's answer counts."""
        outcome = self.walks.outcome.copy()
        outcome[outcome == UNDECIDED] = self.again.outcome
        return _is(outcome, outcomes)

    def accepts(self, side: int) -> Estimate:
        """How often a side accepts when its wrong share is true, of draws of the declared one.

        Each walk counts by its ratio, the likelihood of its draws under the one share over
        that under the other (D. Siegmund, "Importance Sampling in the Monte Carlo Study of
        Sequential Tests", Annals of Statistics 4, 1976).
        """
        ratios = self.walks.told[side]
        return Estimate.of(np.where(ratios < 0, np.exp(ratios), 0.0))

    def rejects(self, side: int) -> Estimate:
        """How often a side rejects when the declared share is true, of draws of its wrong one."""
        ratios = self.walks.told[side]
        return Estimate.of(np.where(ratios > 0, np.exp(-ratios), 0.0))


def draw(
    test: SplitTest,
    true: float,
    count: int,
    seed: Sequence[int],
    rules: Sequence[FixedRule] = (),
) -> Sample:
    """`count` walks of the true share, on all cores; the same for the same seed."""
    # Spawned in turn: the second sittings take none of the first ones' draws.
    seeds = np.random.SeedSequence(seed)
    walks, tries = Walks(test, count), {rule.name: Tries(rule, count) for rule in rules}
    _walk(true, count, seeds, walks, *tries.values())
    again = Walks(test, int(_is(walks.outcome, [Outcome.UNDECIDED]).sum()))
    _walk(true, len(again.n), seeds, again)
    return Sample(true, walks, tries, again)


def _is(outcome: Counts, outcomes: Sequence[Outcome]) -> Flags:
    return np.isin(outcome, [OUTCOMES.index(each) for each in outcomes])


def _walk(true: float, count: int, seeds: np.random.SeedSequence, *deciders: Walks | Tries) -> None:
    """Let all deciders decide of the same walks."""
    parts = np.array_split(np.arange(count), -(-count // SIDE_BY_SIDE)) if count else []
    # Threads will do: numpy leaves the interpreter's lock while it computes.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(_go, true, deciders), parts, seeds.spawn(len(parts))))


def _go(
    true: float, deciders: Sequence[Walks | Tries], part: Counts, seed: np.random.SeedSequence
) -> None:
    """Blocks of draws for some walks, until the test and each rule has decided of them."""
    random = np.random.default_rng(seed)
    while len(part := part[np.any([each.going(part) for each in deciders], axis=0)]):
        draws = random.random((len(part), BLOCK)) < true
        for each in deciders:
            going = each.going(part)
            each.observe(part[going], draws[going])
