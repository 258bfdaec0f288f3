"""What must be true of requests while their route is edited, again and again. Pure.

An edit is in force somewhere between its being applied and its marker being seen; until then its
client goes by the edit before. Times are seconds since 1970, by the clocks of the node and of
whoever runs the tests.

Source: Istio, "Traffic Management Best Practices" ("Avoid 503 errors while reconfiguring service
routes": destinations are there before what routes to them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fixtures.checks import PRESSED
from fixtures.checks.expectations import GOOD, Served
from fixtures.checks.outages import kinds_of
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

SETTLING = 0.1
"""Seconds for which a proxy's thread may go by what the proxy had before it shows the marker."""

LAG = 1.0
"""Seconds before a request in which a machine that was pressed may have kept a thread from it."""

MUCH = 1 / 3
"""From this share of what was asked of one edit alone no machine explains that it went astray."""

ALWAYS = float("inf")


@dataclass(frozen=True)
class Edit:
    """One edit of a route.

    Attributes:
        to: the service that it leads to.
        began: before it was applied.
        known: when its marker was seen; infinite if it never was.
        ended: until when nothing else was applied.
    """

    to: str
    began: float
    known: float = ALWAYS
    ended: float = ALWAYS


@dataclass(frozen=True)
class _Reign:
    """When an edit may have been what requests went by, and when nothing else was."""

    to: str
    first: float
    last: float
    alone: tuple[float, float]


def in_force_in_time(edits: Sequence[Edit], wanted: int, deadline: float) -> Verdict:
    """Each of the edits that were wanted was in force within the deadline."""
    took = [each.known - each.began for each in edits]
    slowest = max(took, default=0.0)
    if late := [place for place, seconds in enumerate(took, 1) if seconds == ALWAYS]:
        return failed(f"edit {late[0]} of {wanted} was not in force within {deadline:g} s")
    if len(edits) < wanted:
        return inconclusive(f"only {len(edits)} of {wanted} edits were made")
    numbers = {"edits": len(edits), "slowest_edit": round(slowest, 2)}
    return passed(f"{len(edits)} edits were in force within {slowest:.2f} s each", **numbers)


def by_the_edits(trace: Trace, before: str, edits: Sequence[Edit]) -> Verdict:
    """Each request that a service answered was answered by the one that an edit led to while the
    request was under way.

    On a machine that was pressed a proxy's thread may go by an edit later than its marker tells:
    that says nothing, unless it is much of what was asked.

    Args:
        before: the service that was led to before the first edit.
    """
    reigns = list(_reigns(before, edits))
    possible = {place: _possible(trace, place, reigns) for place in _answered(trace)}
    clear = [place for place, services in possible.items() if len(services) == 1]
    wrong = [place for place, services in possible.items() if _by(trace, place) not in services]
    name = trace.stream.name
    numbers = {f"{name}.clear": len(clear), f"{name}.astray": len(wrong)}
    if not wrong:
        return passed(f"{name}: all were answered by whom the edits led to", **numbers)
    first = trace.answers[int(trace.answer[wrong[0]])].seen
    what = f"{name}: {len(wrong)} were answered by whom no edit led to then; the first: {first}"
    if len(wrong) < MUCH * len(clear) and all(_is_pressed(trace, place) for place in wrong):
        return inconclusive(f"{what}, while tasks waited for a core", **numbers)
    return failed(what, **numbers)


def answered_between(traces: Iterable[Trace], edits: Sequence[Edit]) -> Verdict:
    """While an edit alone was in force, and nothing else could be, somebody was answered by whom it
    led to: else nobody asked what that edit does."""
    every = list(traces)
    counts = [sum(_count(trace, reign) for trace in every) for reign in _reigns("", edits)][1:]
    fewest = min(counts, default=0)
    if not fewest:
        silent = ", ".join(str(place) for place, count in enumerate(counts, 1) if not count)
        return inconclusive(f"nobody was answered while edit {silent or 0} alone was in force")
    return passed(f"{fewest} and more were answered between edits", fewest_between=fewest)


def _reigns(before: str, edits: Sequence[Edit]) -> Iterator[_Reign]:
    """Of what went before and of each edit, in their order."""
    every = [Edit(before, -ALWAYS, -ALWAYS, edits[0].began if edits else ALWAYS), *edits]
    last = Edit("", ALWAYS, ALWAYS)
    for here, later in pairwise([*every, last]):
        yield _Reign(
            here.to,
            here.began,
            later.known + SETTLING,
            (here.known + SETTLING, min(here.ended, later.began)),
        )


def _answered(trace: Trace) -> list[int]:
    """The places of the requests that some service answered."""
    return [place for place in range(len(trace)) if _by(trace, place)]


def _possible(trace: Trace, place: int, reigns: Iterable[_Reign]) -> list[str]:
    """Whom the edits led to that can have been in force while a request was under way."""
    sent, received = float(trace.sent[place]), float(trace.received[place])
    return [each.to for each in reigns if each.first <= received and sent <= each.last]


def _by(trace: Trace, place: int) -> str:
    return trace.answers[int(trace.answer[place])].service


def _is_pressed(trace: Trace, place: int) -> bool:
    """Whether tasks waited for a core shortly before a request, and until it was answered."""
    start, end = trace.sent[[place]] - LAG, trace.received[[place]]
    return bool(trace.heartbeats.pressure(start, end)[0] >= PRESSED)


def _count(trace: Trace, reign: _Reign) -> int:
    """How many were served by whom an edit leads to, from their sending on while it alone was in
    force."""
    kinds = kinds_of(trace, Served(frozenset({reign.to}), late=0.0))
    start, end = reign.alone
    meant = (kinds == GOOD) & (trace.sent >= start) & (trace.received <= end)
    return int(np.count_nonzero(meant))
