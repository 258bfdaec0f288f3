"""What must be true of a fault that a route puts into some of its requests.

Sources: Istio, "Virtual Service" (HTTPFaultInjection.Abort); Envoy, "Fault injection" (its answer,
and the response flag FI). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from fixtures.checks import Check, all_answered_by, among, every, nonces, split
from fixtures.checks.guard import guarded, is_served
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, passed
from suites.service_mesh.access_log import Expected, Told, tells_each

PERCENT = 20
"""Of the requests that bear the header, that the practice aborts."""
SHARE = SplitTest(margin=0.15)
STATUS, BODY = 503, "fault filter abort"
"""What Envoy answers in place of a backend."""
FAULTED, SPARED = "faulted.", "spared."
"""How the names of the streams begin that bear the header, and of those that do not."""
INJECTED = "FI"

Arrivals = Mapping[str, Collection[object]]
"""What arrived at backends, by nonce."""


def is_aborted(exchange: Exchange) -> bool:
    """Whether the proxy answered in place of a backend, for the fault's sake."""
    by_proxy = exchange.status == STATUS and not exchange.service
    return by_proxy and exchange.body.strip() == BODY


def faults(service: str, arrivals: Arrivals, told: Told) -> Check:
    """The fault's percentage of what bears its header is aborted, and nothing else is; what was
    aborted arrived nowhere, what was not arrived once, and the proxies' logs tell the one from the
    other."""

    def whose(exchange: Exchange) -> str:
        if is_aborted(exchange):
            return "aborted"
        return "served" if is_served(exchange) and exchange.service == service else ""

    shares = {"aborted": PERCENT, "served": 100 - PERCENT}
    return every(
        among(FAULTED, split(shares, SHARE, whose)),
        among(SPARED, all_answered_by(service)),
        arrives_unless_aborted(arrivals),
        tells_each(told, _expected),
    )


def arrives_unless_aborted(arrivals: Arrivals) -> Check:
    """What was aborted arrived at no backend, and all else at one, once."""

    def judge(history: History) -> Verdict:
        aborted = history.where(is_aborted)
        times = {id(e): sum(len(arrivals.get(n, ())) for n in nonces(e.url)) for e in history}
        wrong = [e for e in history if times[id(e)] != (0 if is_aborted(e) else 1)]
        numbers = {"aborted": len(aborted), "arrived": Counter(times.values())[1]}
        if wrong:
            first = wrong[0]
            said = f"{first.stream} {first.seq}, answered {first.status}, did {times[id(first)]}"
            return failed(f"{len(wrong)} did not arrive as often as they may: {said}", **numbers)
        return passed(f"none of {len(aborted)} that were aborted arrived", **numbers)

    return guarded(judge)


def _expected(exchange: Exchange) -> Expected:
    return Expected(flags=INJECTED, arrives=False) if is_aborted(exchange) else Expected()
