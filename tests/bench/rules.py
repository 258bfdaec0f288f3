"""The rules that others decide a split by: a fixed number of requests and a tolerance.

Written from their sources as they stood in 2026, for a 90/10 split. Each passes as soon as
one of its tries passes, and fails after the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tests.bench.walks import Counts, Flags, Numbers


@dataclass(frozen=True)
class FixedRule:
    """`requests` per try; each backend's share within `tolerance` of `weights` passes."""

    name: str
    source: str
    requests: int
    tolerance: float
    tries: int
    weights: tuple[float, float] = (0.9, 0.1)

    def __str__(self) -> str:
        tries = f"best of {self.tries} tries" if self.tries > 1 else "one try"
        return (
            f"{self.requests} requests, ±{100 * self.tolerance:.0f} points, {tries} ({self.source})"
        )

    def passes(self, hits: Counts) -> Flags:
        """Whether a try with so many answers of the first backend passes.

        As the sources have it: shares as floating-point numbers, the tolerance included.
        At 500 requests that leaves 425 out and takes 475 in.
        """
        shares = hits / self.requests, (self.requests - hits) / self.requests
        pairs = zip(shares, self.weights, strict=True)
        near = [abs(share - weight) <= self.tolerance for share, weight in pairs]
        return np.asarray(np.all(near, axis=0))

    def one_try(self, true: Numbers) -> Numbers:
        """The chance that one try passes, for each true share; exact."""
        hits = np.arange(self.requests + 1)
        good = hits[self.passes(hits)]
        return np.asarray(stats.binom.pmf(good, self.requests, true[:, None]).sum(axis=1))

    def accept(self, true: Numbers) -> Numbers:
        """The chance that the rule passes, for each true share; exact."""
        return 1 - (1 - self.one_try(true)) ** self.tries


CONFORMANCE = FixedRule(
    "Gateway API",
    "sigs.k8s.io/gateway-api: conformance/tests/httproute-weight.go",
    requests=500,
    tolerance=0.05,
    tries=10,
)
ISTIO = FixedRule(
    "Istio",
    "istio.io/istio: tests/integration/pilot/common/routing.go",
    requests=100,
    tolerance=0.10,
    tries=1,
)
RULES = (CONFORMANCE, ISTIO)
"""Istio's framework also repeats a call that fails, until a deadline: one try is its best."""


class Tries:
    """A rule at work on many walks side by side: who has passed, and after how many requests."""

    def __init__(self, rule: FixedRule, count: int) -> None:
        self.rule = rule
        self.passed: Flags = np.zeros(count, dtype=np.bool_)
        self.asked: Counts = np.zeros(count, dtype=np.int64)

    def going(self, walks: Counts) -> Flags:
        """For each of these walks, whether there will be another try."""
        left = self.asked[walks] < self.rule.tries * self.rule.requests
        return ~self.passed[walks] & left

    def observe(self, walks: Counts, draws: Flags) -> None:
        """One more try of some walks that are going: the first draws of each one's row."""
        hits = draws[:, : self.rule.requests].sum(axis=1)
        self.passed[walks] = self.rule.passes(hits)
        self.asked[walks] += self.rule.requests
