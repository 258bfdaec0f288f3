"""The exact chances of a SplitTest: not drawn, but summed over all that can be drawn.

L. A. Aroian, "Sequential Analysis, Direct Method", Technometrics 10, 1968: the chance of
every state after n draws gives that after n + 1. A state is the number of misses and which
side has accepted. Nothing is approximated: the only errors are those of rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fixtures.checks.sequential import Outcome, SplitTest
from tests.bench.walks import OUTCOMES, UNDECIDED, Flags, Numbers, Side, sides

NOTHING = 1e-40  # a chance so small is left out, lest it be followed to the cap


@dataclass(frozen=True)
class Exact:
    """For each true share its row: `chance[share, outcome]`, outcomes in OUTCOMES' order.

    `ended[share, n]` is the chance that the test ends with draw n, counted from 0 to the cap.
    """

    true: Numbers
    chance: Numbers
    ended: Numbers

    def of(self, *outcomes: Outcome) -> Numbers:
        """The chance of these outcomes together, for each true share."""
        positions = [OUTCOMES.index(outcome) for outcome in outcomes]
        return np.asarray(self.chance[:, positions].sum(axis=1))

    def of_two(self, *outcomes: Outcome) -> Numbers:
        """Likewise of two sittings, the second only where the first is undecided."""
        first = self.of(*(outcome for outcome in outcomes if outcome is not Outcome.UNDECIDED))
        return np.asarray(first + self.of(Outcome.UNDECIDED) * self.of(*outcomes))

    def at(self, true: float) -> Exact:
        """The row of one true share only."""
        (row,) = np.flatnonzero(np.isclose(self.true, true))[:1]
        one = slice(row, row + 1)
        return Exact(self.true[one], self.chance[one], self.ended[one])

    @property
    def mean_n(self) -> Numbers:
        """The mean number of draws, for each true share."""
        return np.asarray(self.ended @ np.arange(self.ended.shape[1]))

    def within(self, part: float) -> Numbers:
        """How many draws are enough in this part of all runs, for each true share."""
        return np.asarray((self.ended.cumsum(axis=1) < part).sum(axis=1))


def exact(test: SplitTest, true: Sequence[float]) -> Exact:
    """Follow all walks at once, for several true shares side by side."""
    shares = np.asarray(true, dtype=np.float64)
    chance = np.zeros((len(shares), len(OUTCOMES)))
    ended = np.zeros((len(shares), test.cap + 1))
    both = sides(test)
    # Mass by true share, whether the low side and the high side have accepted, and misses.
    mass = np.zeros((len(shares), 2, 2, 1))
    mass[:, int(both[0] is None), int(both[1] is None), 0] = 1
    fewest = 0  # the misses of its first column
    for n in range(1, test.cap + 1):
        mass = _drawn(mass, shares[:, None, None, None])
        misses = fewest + np.arange(mass.shape[-1], dtype=np.float64)
        over, under = zip(*(_crossed(side, n - misses, misses) for side in both), strict=True)
        ends = {
            Outcome.TOO_FEW: _taken(mass[:, 0], over[0]),
            Outcome.TOO_MANY: _taken(mass[:, :, 0], over[1]),
        }
        mass[:, 1] += under[0] * mass[:, 0]
        mass[:, 0] *= ~under[0]
        mass[:, :, 1] += under[1] * mass[:, :, 0]
        mass[:, :, 0] *= ~under[1]
        ends[Outcome.ACCEPT] = _taken(mass[:, 1, 1], np.ones_like(misses, dtype=np.bool_))
        for outcome, gone in ends.items():
            chance[:, OUTCOMES.index(outcome)] += gone
            ended[:, n] += gone
        columns = np.flatnonzero(mass.max(axis=(0, 1, 2)) > NOTHING)
        if not len(columns):
            break
        mass = mass[..., columns[0] : columns[-1] + 1]
        fewest += int(columns[0])
    else:
        chance[:, UNDECIDED] = mass.sum(axis=(1, 2, 3))
        ended[:, test.cap] += chance[:, UNDECIDED]
    return Exact(shares, chance, ended)


def _drawn(mass: Numbers, share: Numbers) -> Numbers:
    """After one more draw: a hit leaves the number of misses, a miss adds one to it."""
    grown = np.zeros((*mass.shape[:-1], mass.shape[-1] + 1))
    grown[..., :-1] = mass * share
    grown[..., 1:] += mass * (1 - share)
    return grown


def _crossed(side: Side | None, hits: Numbers, misses: Numbers) -> tuple[Flags, Flags]:
    """For each number of misses, whether a side that has not accepted rejects, and accepts."""
    if side is None:
        none = np.zeros(len(misses), dtype=np.bool_)
        return none, none
    ratio = side.ratio(hits, misses)
    return ratio >= side.reject, ratio <= side.accept


def _taken(mass: Numbers, where: Flags) -> Numbers:
    """Take the mass of some columns away; returns how much it was, for each true share."""
    gone = (mass * where).sum(axis=tuple(range(1, mass.ndim)))
    mass *= ~where
    return np.asarray(gone)
