"""What must be seen of connections while Cilium's agent is away: nothing.

Source: docs.cilium.io, "Component Overview": the datapath is in the kernel and goes on without its
agent. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from fixtures.checks import Check, Drop, every, known
from fixtures.checks.denials import BY_POLICY
from fixtures.checks.expectations import Dropped
from fixtures.checks.outages import kinds_of
from fixtures.checks.unbroken import MOST_STARVED, SOME, unbroken
from fixtures.history import History
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

MOST_UNPROVEN = 0.05
"""Share of what is denied that may end by something else than silence."""


@dataclass(frozen=True)
class Killed:
    """What was asked while the agent was away. Times are seconds since 1970.

    Attributes:
        allowed: streams that must be served, each with who serves it.
        denied: streams that must be dropped.
        drops: what the new agent told of those.
        admitted: connections of a denied client that the agent's node tracks since.
        control: the same of an allowed one.
        began: before the agent was killed.
        back: when its successor was ready.
        pods: names of the pods that the agent was in before and after.
    """

    history: History
    allowed: Collection[tuple[Trace, str]]
    denied: Collection[Trace]
    drops: Mapping[str, Collection[Drop]]
    admitted: int
    control: int
    began: float
    back: float
    pods: tuple[str, str]


def undisturbed(killed: Killed) -> Check:
    """What must be served was throughout, what must be dropped never came through, all of it was
    asked while the agent was away, and it was away."""
    traces = [*(trace for trace, _ in killed.allowed), *killed.denied]
    return every(
        *(known(unbroken(trace, {service})) for trace, service in killed.allowed),
        *(known(_kept_out(trace)) for trace in killed.denied),
        *(known(_goes_on(killed, trace)) for trace in traces),
        *(known(_by_policy(name, drops)) for name, drops in killed.drops.items()),
        known(_untracked(killed)),
        known(_was_away(killed)),
    )


def _kept_out(trace: Trace) -> Verdict:
    name, kinds = trace.stream.name, kinds_of(trace, Dropped())
    leaks, unproven, starved = (int((kinds == k).sum()) for k in ("leak", "unproven", "starved"))
    numbers = {f"{name}.n": len(trace), f"{name}.leaks": leaks, f"{name}.starved": starved}
    if leaks:
        first = trace.answers[int(trace.answer[int(np.flatnonzero(kinds == "leak")[0])])].seen
        said = f"{leaks} of {len(trace)} were let through, the first: {first}"
        return failed(f"{name}: {said}", **numbers)
    if unproven > MOST_UNPROVEN * len(trace):
        said = f"{unproven} of {len(trace)} ended by other than silence"
        return inconclusive(f"{name}: {said}", **numbers)
    if not len(trace) or starved > MOST_STARVED * len(trace):
        said = f"{starved} of {len(trace)} were not sent in time"
        return inconclusive(f"{name}: {said}", **numbers)
    return passed(f"{name}: none of {len(trace)} was let through", **numbers)


def _goes_on(killed: Killed, trace: Trace) -> Verdict:
    """Whether a stream was sent while the agent was away."""
    meanwhile = trace.between(killed.began, killed.back)
    errors = [trace.answers[int(place)].error for place in meanwhile.answer]
    count = sum(error != "starved" for error in errors)
    name = f"{trace.stream.name} while the agent was away"
    if count < SOME:
        return inconclusive(f"{name}: {count} requests only", **{name: count})
    return passed(f"{name}: {count} requests", **{name: count})


def _by_policy(name: str, drops: Collection[Drop]) -> Verdict:
    if not any(drop.reason in BY_POLICY for drop in drops):
        return inconclusive(f"{name}: the agent that came tells no drop for a policy's sake")
    return passed(f"{name}: {len(drops)} drops are told", **{f"{name}.drops": len(drops)})


def _untracked(killed: Killed) -> Verdict:
    numbers = {"admitted": killed.admitted, "control": killed.control}
    if killed.admitted:
        return failed(f"{killed.admitted} connections of a denied client were let in", **numbers)
    if not killed.control:
        return inconclusive("no connection of an allowed client is tracked either", **numbers)
    return passed("no connection of a denied client is tracked", **numbers)


def _was_away(killed: Killed) -> Verdict:
    before, after = killed.pods
    seconds = round(killed.back - killed.began, 1)
    if before == after or not after:
        return inconclusive(f"{before or 'no agent'} was not replaced")
    return passed(f"{before} went, and {after} was ready after {seconds:g} s", away=seconds)
