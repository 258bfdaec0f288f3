"""Whether two sidecars take no more CPU for a request than they may. Pure.

What they may take is so many times what the backend itself takes for it: a slow machine is slow for
both, and CPU time does not count what waits for a core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fixtures.checks import Check
from fixtures.checks.guard import guarded, is_served
from fixtures.history import History
from fixtures.history.verdict import Number, Verdict, failed, inconclusive, passed

BUDGET = 4.0
"""Times the backend's own CPU. Measured: 2.2 to 2.5 (docs/performance.md)."""
LEAST = 0.05
"""CPU seconds of the backend: less is no measure."""


@dataclass(frozen=True)
class Use:
    """What a container took.

    Attributes:
        seconds: of CPU while it was asked.
        at_rest: seconds of CPU a second while nobody asked.
        lasted: seconds for which it was asked.
    """

    seconds: float
    at_rest: float
    lasted: float

    @property
    def own(self) -> float:
        """CPU seconds for what was asked: less what it takes in the same time at rest."""
        return max(0.0, self.seconds - self.at_rest * self.lasted)


def takes_no_more(uses: Mapping[str, Use], backend: str, requests: int) -> Check:
    """All containers but the backend take no more CPU together than it does, times the budget.

    Args:
        uses: by container.
        requests: that must have been served.
    """

    def judge(history: History) -> Verdict:
        per = {name: round(use.own / len(history) * 1e6, 1) for name, use in uses.items()}
        own = uses[backend].own
        rest = sum(use.own for name, use in uses.items() if name != backend)
        numbers: dict[str, Number] = {f"{name}.us": value for name, value in per.items()}
        served = len(history.where(is_served))
        if served < len(history):
            return failed(f"{len(history) - served} of {len(history)} were not served", **numbers)
        if own < LEAST:
            return inconclusive(
                f"the backend took {own:.3f} s of CPU, which is no measure", **numbers
            )
        numbers["times"] = round(rest / own, 2)
        shown = ", ".join(f"{name} {value:.0f} us" for name, value in per.items())
        said = f"the sidecars take {rest / own:.2f} times the backend's CPU ({shown} a request)"
        return (failed if rest > BUDGET * own else passed)(said, **numbers)

    return guarded(judge, requests)
