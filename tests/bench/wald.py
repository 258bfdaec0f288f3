"""Wald's lower bound: no test with these error rates can do with fewer draws on average.

Of two simple hypotheses 0 and 1, with error rates alpha and beta (A. Wald, "Sequential Tests
of Statistical Hypotheses", Annals of Mathematical Statistics 16, 1945):

    E0(N) >= ((1 - alpha) log((1 - alpha) / beta) + alpha log(alpha / (1 - beta))) / D(0, 1)

where D is the Kullback-Leibler divergence of 1 from 0, in nats, and the same with the roles
changed.
"""

from __future__ import annotations

from math import log

from scipy import special

from fixtures.checks.sequential import SplitTest


def bound(test: SplitTest, true: float) -> float | None:
    """The least mean number of draws of any test that keeps `test`'s error rates.

    A test of one share against two wrong ones tells it from either, so both bounds hold for
    it and the larger one counts. None where neither the declared nor a wrong share is true.
    """
    wrong = [share for share in (test.low, test.high) if share is not None]
    if true == test.share:
        return max(told_apart(true, share, test.alpha, test.beta) for share in wrong)
    if any(abs(true - share) < 1e-9 for share in wrong):
        return told_apart(true, test.share, test.beta, test.alpha)
    return None


def told_apart(true: float, other: float, alpha: float, beta: float) -> float:
    """The bound for a true share against one other: alpha for rejecting it, beta for the other."""
    expected = (1 - alpha) * log((1 - alpha) / beta) + alpha * log(alpha / (1 - beta))
    divergence = special.rel_entr([true, 1 - true], [other, 1 - other]).sum()
    return float(expected / divergence)
