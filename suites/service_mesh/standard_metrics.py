"""What Istio's own counter of requests must name: who asked whom, by which principals, and how.

Source: Istio, "Istio Standard Metrics" (istio_requests_total). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fixtures.checks import Check
from fixtures.checks.guard import guarded
from fixtures.history import History
from fixtures.history.verdict import Verdict, failed, passed
from suites.service_mesh.scraped import samples

METRIC = "istio_requests_total"
FILTER = f"stats/prometheus?filter={METRIC}"
"""What an Envoy's admin interface is asked for."""
SOURCE, DESTINATION = "source", "destination"
"""Whose proxy counts."""
UNKNOWN, MUTUAL_TLS, PLAIN = "unknown", "mutual_tls", "none"


class Party(NamedTuple):
    """Who asks, or is asked: a workload, by the principal that the other one has proof of."""

    namespace: str = UNKNOWN
    workload: str = UNKNOWN
    principal: str = UNKNOWN


class Series(NamedTuple):
    """What one counter is of.

    Attributes:
        reporter: `SOURCE` or `DESTINATION`.
        service: that was asked for. Only who asks knows: of a pod's services that share a port its
            own proxy names the first.
        security: of the connection. Only who is asked knows.
    """

    reporter: str
    source: Party
    destination: Party
    service: str
    code: str
    security: str


@dataclass(frozen=True)
class Call:
    """Requests of one kind: who sends them, to whom, and for which service."""

    source: Party
    destination: Party
    service: str

    @property
    def proxied(self) -> bool:
        """Whether its client has a proxy."""
        return self.source.principal != UNKNOWN

    def series(self, code: int) -> Iterator[Series]:
        """What counts one of them that was answered so."""
        status = str(code)
        if self.proxied:
            yield Series(SOURCE, self.source, self.destination, self.service, status, UNKNOWN)
        security = MUTUAL_TLS if self.proxied else PLAIN
        proven = self.destination if self.proxied else self.destination._replace(principal=UNKNOWN)
        yield Series(DESTINATION, self.source, proven, "", status, security)


def parse(text: str) -> Counter[Series]:
    """The counters in a proxy's statistics, in Prometheus' format; a label that is not there is
    empty."""
    counts: Counter[Series] = Counter()
    for labels, count in samples(text, METRIC):
        counts[_series(labels)] += count
    return counts


def expected(history: History, calls: Mapping[str, Call]) -> Counter[Series]:
    """What counters must rise by.

    Args:
        calls: by how the names of their streams begin.
    """
    return Counter(
        series
        for exchange in history
        for name, call in calls.items()
        if exchange.stream.startswith(name)
        for series in call.series(exchange.status)
    )


def names_each(rise: Counter[Series], calls: Mapping[str, Call]) -> Check:
    """Each request is counted once by the proxy of its client, if that has one, and once by that of
    its backend, under its own names; nothing else is."""

    def judge(history: History) -> Verdict:
        unanswered = history.where(lambda e: not e.service)
        if len(unanswered):
            return failed(f"{len(unanswered)} of {len(history)} were answered by no backend")
        wanted = expected(history, calls)
        numbers = {"n": len(history), "counted": rise.total(), "wanted": wanted.total()}
        missing, others = wanted - rise, rise - wanted
        if missing or others:
            what = f"{missing.total()} are not counted under their names"
            first = next(iter(missing or others))
            also = next(iter(others), None)
            other = f"; {others.total()} are under others: {_told(also)}" if also else ""
            return failed(f"{what}, as {_told(first)}{other}", **numbers)
        return passed(f"all {len(history)} are counted under their names", **numbers)

    return guarded(judge)


def _series(labels: Mapping[str, str]) -> Series:
    reporter = labels.get("reporter", "")

    def party(side: str) -> Party:
        names = ("workload_namespace", "workload", "principal")
        return Party(*(labels.get(f"{side}_{name}", "") for name in names))

    return Series(
        reporter,
        party(SOURCE),
        party(DESTINATION),
        labels.get("destination_service", "") if reporter == SOURCE else "",
        labels.get("response_code", ""),
        labels.get("connection_security_policy", ""),
    )


def _told(series: Series) -> str:
    source, destination = (" ".join(part or "-" for part in each) for each in series[1:3])
    rest = ", ".join(each or "-" for each in series[3:])
    return f"{series.reporter or '-'}: {source} to {destination}, {rest}"
