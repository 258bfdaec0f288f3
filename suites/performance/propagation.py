"""How soon changes are in force at all proxies, and that none goes back to what was before. Pure.

Source: Istio, "pilot-discovery" (PILOT_DEBOUNCE_AFTER: a change waits a tenth of a second for
others to be sent with it). Times are seconds by the clock of whoever made the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fixtures.checks.guard import unless_pressed
from fixtures.history import History
from fixtures.history.verdict import Number, Verdict, combine, failed, inconclusive, passed
from fixtures.traffic.changes import Heard

CHANGES = 20
ALLOWED_LATE = 1
"""Of `CHANGES`: the others are the 95 % that the budget is of."""
BUDGET = 2.0
"""Seconds. Measured: 0.4 to 0.9 (docs/performance.md)."""


@dataclass(frozen=True)
class Change:
    """One change, when it was begun, and when clients were first answered by it.

    Attributes:
        answer: what a client is answered by it.
        known: by client; one that it has not come to is not there.
    """

    answer: str
    began: float
    known: Mapping[str, Heard]

    @property
    def most(self) -> float:
        """Seconds within which it was in force everywhere."""
        return max((each.at - self.began for each in self.known.values()), default=0.0)

    @property
    def least(self) -> float:
        """Seconds for which it was not in force everywhere."""
        return max((each.at - each.since - self.began for each in self.known.values()), default=0.0)


def late(changes: Iterable[Change]) -> list[Change]:
    """Those of which it is not certain that they were in force within the budget."""
    return [each for each in changes if each.most > BUDGET]


def in_force_everywhere(
    changes: Sequence[Change], clients: Iterable[str], machines: History
) -> Verdict:
    """Of `CHANGES` changes all but `ALLOWED_LATE` were in force at each client's proxy within the
    budget; that they were late on machines that were pressed says nothing."""
    every = sorted(clients)
    for number, each in enumerate(changes, 1):
        if missing := [name for name in every if name not in each.known]:
            return failed(f"change {number} never came to {', '.join(missing)}")
    unsure = late(changes)
    if len(unsure) <= ALLOWED_LATE and len(changes) < CHANGES:
        return inconclusive(f"only {len(changes)} of {CHANGES} changes were made")
    times = sorted(each.most for each in changes)
    numbers: dict[str, Number] = {
        "changes": len(changes),
        "clients": len(every),
        "median_s": round(times[len(times) // 2], 3),
        "p95_s": round(times[-1 - min(ALLOWED_LATE, len(times) - 1)], 3),
        "slowest_s": round(times[-1], 3),
    }
    if len(unsure) <= ALLOWED_LATE:
        said = (
            f"{CHANGES - ALLOWED_LATE} of {CHANGES} changes were in force at {len(every)} proxies"
        )
        return passed(f"{said} within {numbers['p95_s']} s", **numbers)
    said = f"{len(unsure)} of {len(changes)} changes took more than {BUDGET:g} s"
    said += f", the slowest {numbers['slowest_s']} s"
    if sum(each.least > BUDGET for each in changes) > ALLOWED_LATE:
        return unless_pressed(failed(said, **numbers), machines)
    return inconclusive(f"{said}, but nobody asked in between", **numbers)


def in_order(changes: Sequence[Change], heard: Mapping[str, Sequence[Heard]]) -> Verdict:
    """From the first change on each client was answered by the changes, in their order, and by
    nothing else."""
    order = [each.answer for each in changes]
    verdicts = [_in_order(order, name, some) for name, some in sorted(heard.items())]
    return combine(verdicts)


def _in_order(order: list[str], name: str, heard: Sequence[Heard]) -> Verdict:
    answers = [each.answer for each in heard]
    first = next((place for place, each in enumerate(answers) if each in order), len(answers))
    since = answers[first:]
    if since != order[: len(since)]:
        wrong = next(
            (
                place
                for place, pair in enumerate(zip(since, order, strict=False))
                if pair[0] != pair[1]
            ),
            len(order),
        )
        return failed(f"{name} was answered {since[wrong]!r} after {wrong} changes")
    return passed("all were answered by the changes in their order")
