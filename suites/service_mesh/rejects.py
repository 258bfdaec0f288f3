"""What must be told of a configuration that proxies refuse: by themselves, and by istiod. Pure.

Sources: Istio, "pilot-discovery", exported metrics (pilot_total_xds_rejects); Envoy, "Listener
discovery service" (a listener that is refused is counted, and the last good one serves on).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fixtures.history.verdict import Verdict, failed, inconclusive, passed

METRICS = ("pilot-discovery", "request", "GET", "/metrics")
"""The command that asks an istiod what it counts."""
STATISTIC = "listener_manager.lds.update_rejected"
"""The updates of its listeners that a proxy refused; its name is also the filter for it."""
_METRIC = re.compile(r"^pilot_total_xds_rejects(?:\{[^}]*\})? (?P<count>\S+)$", re.MULTILINE)
_STATISTIC = re.compile(rf"^{re.escape(STATISTIC)}: (?P<count>\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Counts:
    """What was refused so far, by istiods' count and by that of each proxy."""

    by_istiod: int
    by_proxy: Mapping[str, int]

    @property
    def refused(self) -> int:
        """By all these proxies together."""
        return sum(self.by_proxy.values())


def parse_metrics(text: str) -> int:
    """How many updates an istiod was refused, of whatever kind; one that never was has no line."""
    return sum(int(float(match["count"])) for match in _METRIC.finditer(text))


def parse_statistics(text: str) -> int:
    """How many updates of its listeners a proxy refused."""
    return sum(int(match["count"]) for match in _STATISTIC.finditer(text))


def stood_still(before: Counts, after: Counts) -> Verdict:
    """Nobody refused anything while proxies took what is right: else who refuses what later is not
    known."""
    if before != after:
        return inconclusive(f"{_rise(before, after)} before anything was wrong")
    return passed("nothing was refused before")


def is_refused(before: Counts, after: Counts, took: Collection[str]) -> Verdict:
    """Each of the proxies refused the configuration, and said so.

    Args:
        took: the proxies that went by it, or by something that came after it.
    """
    silent = [pod for pod, count in after.by_proxy.items() if count <= before.by_proxy.get(pod, 0)]
    numbers = {"refused_by": len(after.by_proxy) - len(silent)}
    if took:
        return failed(f"{', '.join(sorted(took))} did not refuse it", **numbers)
    if silent or not after.by_proxy:
        return failed(f"{', '.join(silent) or 'no proxy'} told of nothing refused", **numbers)
    return passed(f"all {len(after.by_proxy)} proxies refused it", **numbers)


def is_told(before: Counts, after: Counts) -> Verdict:
    """istiod counted each refusal."""
    rise = after.by_istiod - before.by_istiod
    refused = after.refused - before.refused
    numbers = {"refused": refused, "counted": rise}
    if rise < max(refused, 1):
        return failed(f"istiod counted {rise} of {refused} refusals", **numbers)
    return passed(f"istiod counted {rise} refusals", **numbers)


def _rise(before: Counts, after: Counts) -> str:
    own = after.refused - before.refused
    return f"istiod counted {after.by_istiod - before.by_istiod} refusals, the proxies {own}"
