"""What agents told of drops: where a packet ended, and by which kind of rule. Pure.

Source: cilium, api/v1/flow/flow.proto: 181 is a rule that denies outright, 133 that none admits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fixtures.checks import Drop
from fixtures.checks.denials import BY_POLICY
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

OUTRIGHT = "POLICY_DENY"


def dropped_by_deny(
    drops: Iterable[Drop], source: Collection[str], destination: Collection[str]
) -> Verdict:
    """All drops between workloads of these labels were by a rule that denies outright."""
    between = [
        drop
        for drop in drops
        if drop.source_labels.issuperset(source) and drop.destination_labels.issuperset(destination)
    ]
    other = sorted({drop.reason for drop in between if drop.reason != OUTRIGHT})
    if other or not between:
        reasons = ", ".join(other) or "none"
        return failed(f"dropped by {reasons}, and not by a rule that denies", drops=len(between))
    return passed(f"all {len(between)} drops were by a rule that denies", drops=len(between))


def not_told(drops: Iterable[Drop], source: Collection[str]) -> Verdict:
    """An agent tells of no drop of what a workload of these labels sent: it never came there."""
    there = [drop for drop in drops if drop.source_labels.issuperset(source)]
    if there:
        return failed(f"{len(there)} drops were at the target, and not at the source")
    return passed("no drop was at the target")


def dropped_between(
    drops: Iterable[Drop], source: Collection[str], destination: Collection[str]
) -> Verdict:
    """Something between workloads of these labels was dropped for a policy's sake. Where nothing
    was, whatever was to be dropped was not: inconclusive."""
    count = sum(
        drop.reason in BY_POLICY
        and drop.source_labels.issuperset(source)
        and drop.destination_labels.issuperset(destination)
        for drop in drops
    )
    if not count:
        return inconclusive("nothing was dropped", drops=0)
    return passed(f"{count} packets were dropped", drops=count)
