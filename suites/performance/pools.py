"""Which connections a sidecar has for many clients of HTTP/1.1 whose requests are upgraded. Pure.

Sources: Istio, "DestinationRule" (h2UpgradePolicy); Envoy, "Connection pooling" (each worker has
pools of its own, and one of HTTP/2 carries all requests over one connection).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fixtures.checks import Check
from fixtures.checks.guard import guarded
from fixtures.history import History
from fixtures.history.verdict import Number, Verdict, failed, inconclusive, passed


@dataclass(frozen=True)
class Pool:
    """What a sidecar counts of a service.

    Attributes:
        http1, http2: connections that it opened, by protocol.
        requests: that it sent there.
        active: connections that it has.
    """

    http1: int
    http2: int
    requests: int
    active: int

    def __sub__(self, before: Pool) -> Pool:
        """What was opened and sent since; the connections that it has now."""
        return Pool(
            self.http1 - before.http1,
            self.http2 - before.http2,
            self.requests - before.requests,
            self.active,
        )


def under_way(history: History) -> int:
    """The most requests of one client that were under way at a time."""
    edges = sorted(edge for each in history for edge in ((each.sent, 1), (each.received, -1)))
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def multiplexed(
    pools: Mapping[str, Pool], upgraded: str, plain: str, clients: int, workers: int
) -> Check:
    """For so many clients at a time the sidecar has a connection for each of its workers at most to
    the service whose requests are upgraded, and opened none of HTTP/1.1; to the same pods under a
    name without the rule it has one for each client: that is the control.

    Args:
        pools: what the sidecar counted of each service while it was asked.
        workers: how many the sidecar has.
    """
    rule, control = pools[upgraded], pools[plain]
    numbers: dict[str, Number] = {
        f"{name}.{kind}": value
        for name, pool in ((upgraded, rule), (plain, control))
        for kind, value in (
            ("opened_http1", pool.http1),
            ("opened_http2", pool.http2),
            ("active", pool.active),
        )
    }

    def judge(history: History) -> Verdict:
        sent = {name: history.stream(name) for name in (upgraded, plain)}
        fewest = min(under_way(some) for some in sent.values())
        opened = f"{rule.http2} of HTTP/2 and {rule.http1} of HTTP/1.1 were opened"
        said = f"{rule.active} connections for {clients} clients, {opened}"
        if rule.http1 or max(rule.http2, rule.active) > workers:
            return failed(said, **numbers)
        if fewest < clients:
            return inconclusive(f"only {fewest} requests were under way at once", **numbers)
        if not rule.active or any(pools[name].requests < len(some) for name, some in sent.items()):
            return inconclusive("the sidecar counts less than was sent", **numbers)
        if control.active < clients:
            return inconclusive(f"{said}; without the rule only {control.active}", **numbers)
        return passed(f"{said}; without the rule {control.active}", **numbers)

    return guarded(judge)
