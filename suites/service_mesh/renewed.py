"""What must be true of pods that were made anew while their service was asked. Pure.

Source: Kubernetes, "Deployments" (rolling update) and "Pod Lifecycle" (termination of pods: a pod
is taken out of its services while it is told to end, and ends after its preStop hook).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fixtures.checks.unbroken import FOREVER
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, combine, failed, inconclusive, passed


def renewed(before: Collection[str], after: Collection[str]) -> Verdict:
    """There are as many pods as there were, and each is another."""
    numbers = {"pods": len(after)}
    if stayed := sorted(set(before) & set(after)):
        return failed(f"{', '.join(stayed)} stayed", **numbers)
    if len(after) != len(before) or not after:
        return failed(f"{len(after)} pods in the place of {len(before)}", **numbers)
    return passed(f"all {len(after)} pods are others", **numbers)


def taken_over(
    traces: Iterable[Trace],
    before: Collection[str],
    after: Collection[str],
    began: float,
    ended: float,
) -> Verdict:
    """Each of the former pods answered until they were told to go, so that they were in use; and
    each of the new ones, and nobody else, since the last of those was gone."""
    every = list(traces)
    return combine(
        (
            _in_use(_answered(every, 0.0, began), before),
            _answer(_answered(every, ended, FOREVER), after),
        )
    )


def _in_use(answered: Collection[str], pods: Collection[str]) -> Verdict:
    if idle := sorted(set(pods) - set(answered)):
        return inconclusive(f"{', '.join(idle)} had not answered before it was rolled")
    return passed(f"{len(pods)} pods answered before they were rolled")


def _answer(answered: Collection[str], pods: Collection[str]) -> Verdict:
    if not answered:
        return inconclusive("nobody was answered since the pods were rolled")
    if others := sorted(set(answered) - set(pods)):
        return failed(f"{', '.join(others)} answered after it was gone")
    if idle := sorted(set(pods) - set(answered)):
        return failed(f"{', '.join(idle)} answered nothing since it is there")
    return passed(f"{len(pods)} pods answer since")


def _answered(traces: Iterable[Trace], start: float, end: float) -> frozenset[str]:
    """The pods that answered what was due in a time."""
    return frozenset(
        trace.answers[int(place)].pod
        for trace in traces
        for place in trace.between(start, end).answer
    ) - {""}
