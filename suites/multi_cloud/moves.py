"""What clients were answered while pods went, failed or fell silent. Pure.

From traces of open-loop streams and origins' own records to verdicts. Times are seconds since 1970,
by the clocks of the nodes and of whoever runs the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from fixtures.checks.unbroken import UNAVAILABLE
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.lab.origins import Arrival

APART = 2.0
"""Seconds without any: what fails after that was tried anew."""

UNDER_WAY = 1.0
"""Seconds after which no request is under way any more that was sent before."""


def first_by(trace: Trace, service: str, since: float) -> float:
    """Seconds from then to the first answer by a service; infinite if it gave none."""
    by_it = np.array([answer.service == service for answer in trace.answers], dtype=bool)
    times = trace.received[by_it[trace.answer] & (trace.received >= since)]
    return float(times.min() - since) if len(times) else float("inf")


def taking(what: str, seconds: float) -> Verdict:
    """That something took so many seconds, for a reader; a failure if it never came."""
    if seconds == float("inf"):
        return failed(f"{what}: never")
    return passed(f"{what} after {seconds:.2f} s", **{f"{what}.seconds": round(seconds, 2)})


def left_after(arrivals: Iterable[Arrival], errors: int) -> Verdict:
    """A pod that fails is left after so many errors: nothing comes any more, but what was under way
    by then, until it is tried anew."""
    failures = [each for each in arrivals if each.status == UNAVAILABLE]
    tries = list(_tries(failures))
    late = [
        each.at
        for one in tries
        if len(one) >= errors
        for each in one
        if each.at > one[errors - 1].at + UNDER_WAY
    ]
    numbers = {"errors": len(failures), "tries": len(tries)}
    if late:
        said = f"{len(late)} came {UNDER_WAY:g} s and more after {errors} errors in a row"
        return failed(said, **numbers)
    if len(failures) < errors:
        return inconclusive(f"the pod failed {len(failures)} times only", **numbers)
    return passed(f"left after {errors} errors, {len(tries)} times", **numbers)


def never_asked(arrivals: Sequence[Arrival], start: float, end: float, when: str) -> Verdict:
    """Nothing arrived in a time."""
    some = [each for each in arrivals if start <= each.at < end]
    if some:
        return failed(f"{when} {len(some)} came to {some[0].pod}")
    return passed(f"{when} none came to the other cluster")


def _tries(failures: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """The failures of each time that a pod was tried."""
    ordered = sorted(failures, key=lambda each: each.at)
    one = ordered[:1]
    for before, each in pairwise(ordered):
        if each.at - before.at > APART:
            yield one
            one = []
        one.append(each)
    if one:
        yield one
