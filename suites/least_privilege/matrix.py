"""Whether who reached what is what was declared, each refusal by its own layer's cause.

Sources: istio.io, "Authorization Policy" (nothing is allowed where a policy has no rule);
docs.cilium.io, "Policy Enforcement Modes" (an endpoint that a rule selects is in default deny).
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fixtures.checks import (
    Check,
    Drop,
    all_answered_by,
    denied_http,
    denied_l4,
    every,
    never_reached,
    on,
    with_positive_control,
)
from fixtures.checks.denials import BY_POLICY
from fixtures.checks.guard import count, guarded, is_leak
from fixtures.history import History
from fixtures.history.verdict import Number, Verdict, failed
from fixtures.lab.decisions import Decision
from suites.least_privilege.declared import Cell, Outcome

COUNT = 2
"""Requests of a cell, each over a connection of its own."""


@dataclass(frozen=True)
class Crossed:
    """What every client asked of every service.

    Attributes:
        arrived: the nonces in the services' logs.
        decisions: what Cilium told meanwhile.
        pods: names of pods, by client and service.
    """

    history: History
    arrived: frozenset[str]
    decisions: Collection[Decision]
    pods: Mapping[str, str]


def are_as_declared(cells: Collection[Cell], crossed: Crossed) -> Check:
    """Cells that are declared are served, and all others refused as their layer refuses: by RBAC's
    403, or by a drop for a policy's sake at the end that it is to happen at."""
    refused = [cell for cell in cells if cell.outcome is not Outcome.SERVED]
    allowed = [cell for cell in cells if cell.outcome is Outcome.SERVED]
    nowhere = never_reached(
        crossed.arrived, [cell.name for cell in refused], [cell.name for cell in allowed]
    )
    whole = with_positive_control(
        denied=every(*(on(cell.name, _refused(cell, crossed)) for cell in refused), nowhere),
        allowed=every(*(on(c.name, all_answered_by(c.service, COUNT)) for c in allowed)),
    )
    outcomes = Counter(cell.outcome.value for cell in cells)

    def judge(history: History) -> Verdict:
        verdict = whole(history)
        numbers: dict[str, Number] = {"cells": len(cells), **outcomes}
        if not verdict.passed:
            return verdict._replace(numbers=numbers)
        said = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        return verdict._replace(
            reason=f"all {len(cells)} cells are as declared: {said}", numbers=numbers
        )

    return judge


def _refused(cell: Cell, crossed: Crossed) -> Check:
    if cell.outcome is Outcome.FORBIDDEN:
        return denied_http(COUNT)
    ends = crossed.pods[cell.client.name], crossed.pods[cell.service]
    port = f"{cell.port}/TCP"
    drops = [
        each
        for each in crossed.decisions
        if each.dropped
        and each.reason in BY_POLICY
        and (each.source.pod, each.destination.pod, each.port) == (*ends, port)
    ]
    elsewhere = Counter(each.direction for each in drops if each.direction != cell.direction)
    at_its_end = [_drop(each) for each in drops if each.direction == cell.direction]
    silent = denied_l4(at_its_end, (), (), COUNT, port)

    def judge(history: History) -> Verdict:
        verdict = silent(history)
        answered = history.where(lambda e: bool(e.status) and not is_leak(e))
        if len(answered):
            return failed(count(answered, history, "let through by the network"), **verdict.numbers)
        if elsewhere and not at_its_end and not any(e.status for e in history):
            said = f"dropped for {', '.join(elsewhere)} and not for {cell.direction}"
            return failed(said, **verdict.numbers)
        return verdict

    return guarded(judge, COUNT)


def _drop(decision: Decision) -> Drop:
    """A drop of a pod by its name: where the client is says its stream, so of no cluster."""
    return Drop(
        decision.reason, decision.source.labels, decision.destination.labels, "", decision.port
    )
