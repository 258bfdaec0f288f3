"""Envoy's counters of requests by the class of their status, and what they must rise by.

Source: Envoy, "Cluster manager statistics" (upstream_rq_<*xx>); Istio, "ProxyConfig"
(proxyStatsMatcher) and "Ports used by Istio" (15090). Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fixtures.checks import Check
from fixtures.checks.guard import guarded
from fixtures.history import History
from fixtures.history.verdict import Verdict, failed, passed
from suites.service_mesh.scraped import samples

Counts = Mapping[str, int]
"""Requests by the class of their status, such as 2xx."""
FILTER = "stats?filter=upstream_rq_[245]xx"
"""What an Envoy's admin interface is asked for."""
LINE = re.compile(r"cluster\.(?P<cluster>.+?);?\.upstream_rq_(?P<kind>[245]xx): (?P<count>\d+)")
SCRAPED_PORT, SCRAPED_PATH = 15090, "/stats/prometheus?filter=upstream_rq_[245]xx"
"""Where Prometheus is told the same, in a form of its own."""
SCRAPED_METRIC = "envoy_cluster_upstream_rq"

AGAIN = (".external", ".internal")
"""Where Envoy counts the same requests once more, by where they come from."""


@dataclass(frozen=True)
class Rise:
    """What counters rose by.

    Attributes:
        by_client: at the client's proxy, of the service that was asked.
        by_backend: at the proxies of its pods, together.
        told_of_client, told_of_backend: of both, to Prometheus.
        quiet: at the client's proxy, of a service that nobody asked.
    """

    by_client: Counts
    by_backend: Counts
    told_of_client: Counts
    told_of_backend: Counts
    quiet: Counts


def parse(text: str, cluster: str) -> Counter[str]:
    """Of an Envoy's statistics: the counters of its clusters whose name holds a text."""
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        match = LINE.fullmatch(line.strip())
        if match and cluster in match["cluster"] and not match["cluster"].endswith(AGAIN):
            counts[match["kind"]] += int(match["count"])
    return counts


def parse_scraped(text: str, cluster: str) -> Counter[str]:
    """The same of what Prometheus is told."""
    counts: Counter[str] = Counter()
    for labels, count in samples(text, SCRAPED_METRIC):
        if cluster in labels.get("cluster_name", ""):
            counts[labels.get("response_code_class", "")] += count
    return counts


def rises(rise: Rise) -> Check:
    """The counters of both sides rise by what was answered, class by class, as Prometheus is told
    too, and no other does."""

    def judge(history: History) -> Verdict:
        answered = Counter(f"{e.status // 100}xx" for e in history)
        numbers = dict(sorted(answered.items()))
        sides = {
            "the client's proxy counted": rise.by_client,
            "the backends' proxies counted": rise.by_backend,
            "the client's proxy told Prometheus of": rise.told_of_client,
            "the backends' proxies told Prometheus of": rise.told_of_backend,
        }
        for side, counts in sides.items():
            if +Counter(counts) != answered:
                said = f"{side} {_told(counts)}, {_told(answered)} were answered"
                return failed(said, **numbers)
        if +Counter(rise.quiet):
            return failed(f"{_told(rise.quiet)} were counted of a service that nobody asked")
        return passed(f"both sides counted {_told(answered)}", **numbers)

    return guarded(judge)


def _told(counts: Counts) -> str:
    return ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items()) if count) or "0"
