"""What Cilium must tell of connections, held against what was sent.

Sources: docs.cilium.io, "Troubleshooting" ("Policy verdicts") and "Metrics"; a SYN that is not
answered is sent again after a second (RFC 6298, section 2.1), and each one that is dropped is a
drop of its own. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fixtures.checks import Check
from fixtures.checks.guard import count, guarded, is_served, unless_pressed
from fixtures.history import History
from fixtures.history.verdict import Number, Outcome, Verdict, combine, failed, inconclusive, passed
from fixtures.lab.decisions import EGRESS, INGRESS, Account, Counts, Decision
from suites.defence_in_depth.requests import GUEST, PLAIN, RUNAWAY, TCP, WALLED

COUNT = 20
"""Connections of a client: Hubble is told no more than a hundred events a second, and two of each
connection that is dropped."""
TIMEOUT = 0.9
"""Seconds: below the one after which a SYN is sent again."""
AGAIN = 1.0
LATE = 0.05
"""Seconds in which a client that has given up has closed its socket."""


@dataclass(frozen=True)
class Call:
    """What one client opens to `WALLED`, each request a connection of its own.

    Attributes:
        reason: for which Cilium drops it; empty for what must be let in.
        direction: at whose end.
    """

    who: str
    reason: str = ""
    direction: str = INGRESS

    @property
    def name(self) -> str:
        """The stream's."""
        return f"{self.who}->{WALLED}"


CALLS = (Call(PLAIN), Call(GUEST, "POLICY_DENY"), Call(RUNAWAY, "POLICY_DENIED", EGRESS))
"""Let in; denied by a rule at the one asked; admitted by no rule at the client's own end."""


@dataclass(frozen=True)
class Recorded:
    """What was sent, and what Cilium tells of the time.

    Attributes:
        pods: names of pods, by their workload.
        before, after: its counters.
        withheld: events that it was too busy to tell.
    """

    history: History
    pods: Mapping[str, str]
    account: Account
    before: Counts
    after: Counts
    withheld: int = 0


def are_told(recorded: Recorded, calls: Collection[Call] = CALLS) -> Check:
    """Each connection has its verdict, each that was to be dropped its drops with both identities,
    and the counters rose by these and by what others were dropped.

    What Hubble says that it lost leaves open whether all was told.
    """

    def judge(history: History) -> Verdict:
        some = [_told(recorded, history, call) for call in calls]
        some += [_counted(recorded, call) for call in calls if call.reason]
        whole = combine(some)
        lost = recorded.account.lost + recorded.withheld
        if whole.outcome is Outcome.FAIL and lost and not _is_leak(history, calls):
            return inconclusive(f"{whole.reason}; {lost} events were lost", **whole.numbers)
        return unless_pressed(whole, history) if not _is_leak(history, calls) else whole

    return guarded(judge, COUNT * len(calls))


def _is_leak(history: History, calls: Collection[Call]) -> bool:
    denied = {call.name for call in calls if call.reason}
    return any(e.stream in denied and e.status for e in history)


def _told(recorded: Recorded, history: History, call: Call) -> Verdict:
    """Whether what Hubble tells of one client's connections is what became of them."""
    sent = history.stream(call.name)
    decisions = _between(recorded, call)
    wrong = sent.where(lambda e: bool(e.status) if call.reason else not is_served(e))
    if len(wrong):
        what = "let through" if call.reason else "not served"
        return failed(f"{call.name}: {count(wrong, sent, what)}")
    other = sent.where(lambda e: bool(call.reason) and e.error != "timeout")
    if len(other):
        return inconclusive(f"{call.name}: {count(other, sent, 'ended by other than silence')}")
    if call.reason:
        return _drops(call, sent, decisions)
    return _admissions(call, sent, decisions)


def _admissions(call: Call, sent: History, decisions: Collection[Decision]) -> Verdict:
    dropped = [each for each in decisions if each.dropped]
    verdicts = [each for each in decisions if each.is_verdict and not each.dropped]
    ports = {each.source_port for each in verdicts if each.direction == call.direction}
    numbers: dict[str, Number] = {f"{call.name}.n": len(sent), f"{call.name}.verdicts": len(ports)}
    if dropped:
        first = dropped[0]
        said = f"{len(dropped)} drops of what was served, the first: {first.reason}"
        return failed(f"{call.name}: {said}", **numbers)
    if len(ports) != len(sent):
        return failed(f"{call.name}: {len(ports)} verdicts of {len(sent)} connections", **numbers)
    return passed(f"{call.name}: {len(ports)} connections, {len(ports)} verdicts", **numbers)


def _drops(call: Call, sent: History, decisions: Collection[Decision]) -> Verdict:
    own = [each for each in decisions if _is_of(each, call)]
    verdicts = {each.source_port for each in own if each.is_verdict}
    drops = [each for each in own if not each.is_verdict]
    ports = {each.source_port for each in drops}
    most = _most_syns(sent)
    numbers: dict[str, Number] = {
        f"{call.name}.n": len(sent),
        f"{call.name}.verdicts": len(verdicts),
        f"{call.name}.drops": len(drops),
    }
    if any(not each.dropped for each in decisions):
        return failed(f"{call.name}: a verdict lets in what nobody answered", **numbers)
    nameless = [d for d in own if not (d.source.identity and d.destination.identity)]
    if nameless:
        return failed(f"{call.name}: {len(nameless)} events lack an identity", **numbers)
    if len(verdicts) != len(sent) or len(ports) != len(sent):
        said = f"{len(verdicts)} verdicts and drops of {len(ports)}, of {len(sent)} connections"
        return failed(f"{call.name}: {said}, {call.direction} for {call.reason}", **numbers)
    if len(drops) > most:
        return failed(f"{call.name}: {len(drops)} drops of {most} SYNs at most", **numbers)
    said = f"{len(sent)} connections, each with its verdict, and {len(drops)} drops"
    return passed(f"{call.name}: {said}", **numbers)


def _counted(recorded: Recorded, call: Call) -> Verdict:
    """Whether the counter of a reason and direction rose by what was dropped for it: this client's
    connections, and of others' what Hubble told of a time a little longer than the counter's."""
    key = call.reason, call.direction
    drops = [
        each
        for each in recorded.account.decisions
        if not each.is_verdict and (each.reason, each.direction) == key
    ]
    between = set(_between(recorded, call))
    own = sum(each in between for each in drops)
    rise = recorded.after.get(key, 0) - recorded.before.get(key, 0)
    name = f"{call.direction} {call.reason}"
    numbers: dict[str, Number] = {f"{name}.counted": rise, f"{name}.others": len(drops) - own}
    if not own <= rise <= len(drops):
        said = f"the counter rose by {rise}, where {own} to {len(drops)} were dropped"
        return failed(f"{name}: {said}", **numbers)
    return passed(f"{name}: the counter rose by {rise}", **numbers)


def _between(recorded: Recorded, call: Call) -> list[Decision]:
    """What was told of packets from a client to `WALLED`'s port."""
    source, destination = recorded.pods[call.who], recorded.pods[WALLED]
    return [
        each
        for each in recorded.account.decisions
        if (each.source.pod, each.destination.pod, each.port) == (source, destination, TCP)
    ]


def _is_of(decision: Decision, call: Call) -> bool:
    """Whether a decision is the one that a client must meet with, with the labels of both."""
    labelled = (
        f"k8s:app={call.who}" in decision.source.labels
        and f"k8s:app={WALLED}" in decision.destination.labels
    )
    wanted = call.reason, call.direction
    return labelled and decision.dropped and (decision.reason, decision.direction) == wanted


def _most_syns(sent: History) -> int:
    """So many SYNs at most: one, and another for each second that somebody waited for."""
    return sum(1 + math.floor((e.latency + LATE) / AGAIN) for e in sent)
