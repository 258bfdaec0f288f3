"""How few connections a sidecar takes for many requests, by its own count.

Source: Envoy, "Connection pooling": HTTP/1.1 requests share the connections of a pool, as many as
are under way at once. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from fixtures.checks import Check
from fixtures.checks.guard import guarded, is_served
from fixtures.history import History
from fixtures.history.verdict import Number, Verdict, failed, inconclusive, passed
from suites.performance.latency import Connections

MOST = 2
"""Connections for requests one after another: one, and one more should the first be closed."""


def are_shared(counted: Mapping[str, Connections]) -> Check:
    """All was served, the sidecar counts every request of it, and opened few connections.

    Args:
        counted: what the sidecar counted of each kind of client; one that keeps no connection of
            its own shares those of its sidecar all the same.
    """

    def judge(history: History) -> Verdict:
        numbers: dict[str, Number] = {
            f"{mode}.{name}": value
            for mode, each in counted.items()
            for name, value in (("opened", each.opened), ("requests", each.requests))
        }
        unserved = history.where(lambda e: not is_served(e))
        if len(unserved):
            return failed(f"{len(unserved)} of {len(history)} were not served", **numbers)
        sent = len(history)
        counts = sum(each.requests for each in counted.values())
        if counts < sent:
            return inconclusive(f"the sidecar counts {counts} of {sent} requests", **numbers)
        many = [mode for mode, each in counted.items() if each.opened > MOST]
        if many:
            opened = ", ".join(f"{counted[mode].opened} ({mode})" for mode in many)
            return failed(f"{opened} connections were opened for {sent} requests", **numbers)
        opened = ", ".join(f"{each.opened} ({mode})" for mode, each in counted.items())
        return passed(f"{opened} connections for {sent} requests", **numbers)

    return guarded(judge)
