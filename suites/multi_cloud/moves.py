"""What clients were answered while pods went, failed or fell silent. Pure.

From traces of open-loop streams and origins' own records to verdicts. Times are seconds since 1970,
by the clocks of the nodes and of whoever runs the tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from fixtures.checks.expectations import GOOD, Served
from fixtures.checks.outages import CLOSED, Kinds, kinds_of, outages_of, spent
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.lab.origins import Arrival
from suites.multi_cloud.subject import UNAVAILABLE

MOST_STARVED = 0.5
"""Share of its requests that a pressed machine may keep from a stream that is judged."""

SOME = 10
"""Answers in a time of which something is said."""

FOREVER = float("inf")

APART = 2.0
"""Seconds without any: what fails after that was tried anew."""

UNDER_WAY = 1.0
"""Seconds after which no request is under way any more that was sent before."""


def unbroken(
    trace: Trace, services: Collection[str], budget: float = 0.0, failing: str = ""
) -> Verdict:
    """Each request was served by one of the services; for `budget` seconds some were not answered.

    Args:
        failing: a service of which an answer of 503 is its own, and no failure here.
    """
    kinds = _kinds(trace, services, failing)
    starved = float(np.mean(kinds == "starved")) if len(kinds) else 1.0
    outages = list(outages_of(trace, kinds, 0.0, ()))
    shut, wrong = spent(outages, CLOSED), spent(outages, ("misrouted",))
    first = next((outage.seen for outage in outages if outage.kind != "starved"), "")
    numbers = {
        f"{trace.stream.name}.{name}": value
        for name, value in {
            "n": len(trace),
            "shut_low": round(shut.low, 3),
            "shut_high": round(shut.high, 3),
            "budget": budget,
            "starved": round(starved, 3),
        }.items()
    }
    what = f"{trace.stream.name}: not answered for {shut.low:.3f} to {shut.high:.3f} s"
    what = f"{what} ({shut.n} of {len(trace)} requests; the first: {first})"
    if wrong.n:
        return failed(f"{trace.stream.name}: {wrong.n} got something else: {first}", **numbers)
    if shut.n and (not budget or shut.low > budget):
        return failed(f"{what}, {budget:g} s are allowed", **numbers)
    if starved > MOST_STARVED:
        return inconclusive(f"{trace.stream.name}: {starved:.0%} were not sent in time", **numbers)
    if shut.n and shut.high > budget:
        return inconclusive(f"{what}, {budget:g} s are allowed", **numbers)
    return passed(f"{trace.stream.name}: all {len(trace)} were served", **numbers)


def only_by(trace: Trace, services: Collection[str], when: str, minimum: int = SOME) -> Verdict:
    """Nobody but these services answered, and each of them did, in all `minimum` times."""
    names = [trace.answers[int(place)].service for place in trace.answer]
    answered = [name for name in names if name]
    others = sorted(set(answered) - set(services))
    numbers = {f"{trace.stream.name} {when}": len(answered)}
    if others:
        count = sum(name in others for name in answered)
        return failed(f"{when} {', '.join(others)} answered {count} of {len(answered)}", **numbers)
    if len(answered) < minimum:
        return inconclusive(f"{when} only {len(answered)} were answered", **numbers)
    missing = sorted(set(services) - set(answered))
    if missing:
        return failed(f"{when} {', '.join(missing)} answered none of {len(answered)}", **numbers)
    return passed(f"{when} {', '.join(sorted(services))} answered all {len(answered)}", **numbers)


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


def _kinds(trace: Trace, services: Collection[str], failing: str) -> Kinds:
    kinds = kinds_of(trace, Served(frozenset(services), late=0.0))
    own = [
        bool(failing) and a.status == UNAVAILABLE and a.service == failing for a in trace.answers
    ]
    return np.where(np.array(own, dtype=bool)[trace.answer], GOOD, kinds)


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
