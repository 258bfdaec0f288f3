"""What must be true of requests that an external authorizer decides on.

Sources: Istio, "Authorization Policy" (CUSTOM) and "Global Mesh Options" (failOpen); Envoy,
"External Authorization" (a status of 200 allows, 5xx and no answer are errors, all else is a
refusal). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from fixtures.checks import Check, all_answered_by, every, nonces, on
from fixtures.checks.guard import SERVED, guarded, unless_pressed
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, passed

ORIGIN, AUTHORIZER = "origin", "authorizer"
CLOSED = 0
"""What is decided where the authorizer fails: nobody has agreed."""
ON_ERROR = 403
"""What the proxy answers then, by itself and without a word."""
CLOCK = 0.002
"""Seconds by which a record's time is rounded; the records are of one node."""

Times = Mapping[str, Collection[float]]
"""When requests came, in seconds since 1970, by nonce."""


@dataclass(frozen=True)
class Records:
    """What came to the authorizer and to the backends: the proxies' checks and the requests."""

    checks: Times = field(default_factory=dict)
    arrivals: Times = field(default_factory=dict)


def decided(decisions: Mapping[str, int], records: Records) -> Check:
    """Each request of these streams is asked for before it is served, and gets what was decided:
    the backend's answer, the authorizer's refusal, or one without a word where it failed.

    Args:
        decisions: by stream, the status that the authorizer answers, or `CLOSED`.
    """

    def judge(history: History) -> Verdict:
        own = [e for e in history if e.stream in decisions]
        wrong = [(e, why) for e in own if (why := _wrong(e, decisions[e.stream], records))]
        leaks = [(e, why) for e, why in wrong if _is_leak(e, decisions[e.stream], records)]
        numbers = {"decided": len(own), "leaks": len(leaks)}
        if not wrong:
            return passed(f"all {len(own)} are as the authorizer decided", **numbers)
        exchange, why = (leaks or wrong)[0]
        said = f"{len(wrong)} of {len(own)}, {exchange.method} {exchange.url}: {why}"
        verdict = failed(said, **numbers)
        # Where a core is waited for the authorizer is late, and who is not served then is right.
        return verdict if leaks else unless_pressed(verdict, history)

    return guarded(judge, len(decisions))


def _is_leak(exchange: Exchange, decision: int, records: Records) -> bool:
    """Whether it was served, or came to a backend, without anybody's having agreed before."""
    arrivals, checks = (_times(exchange, of) for of in (records.arrivals, records.checks))
    too_late = bool(arrivals and checks) and min(checks) > min(arrivals) + CLOCK
    reached = bool(arrivals) or exchange.service == ORIGIN
    return reached and (decision != SERVED or not checks or too_late)


def _wrong(exchange: Exchange, decision: int, records: Records) -> str:
    """How it is not as was decided; empty if it is."""
    if not _times(exchange, records.checks):
        return "the authorizer was not asked"
    if _is_leak(exchange, decision, records):
        word = "after it had arrived" if decision == SERVED else decision or "nothing"
        return f"let through, and the authorizer said {word}"
    if decision == SERVED:
        is_right = exchange.status == SERVED and exchange.service == ORIGIN
    elif decision == CLOSED:
        is_right = is_closed(exchange)
    else:
        is_right = exchange.status == decision and exchange.service == AUTHORIZER
    answer = f"{exchange.status or exchange.error} by {exchange.service or 'no backend'}"
    return "" if is_right else f"{answer}, not {decision or ON_ERROR}"


def is_closed(exchange: Exchange) -> bool:
    """Whether the proxy refused it by itself, as its authorizer said nothing."""
    by_proxy = exchange.status == ON_ERROR and not exchange.service
    return by_proxy and not exchange.body.strip()


def _times(exchange: Exchange, of: Times) -> list[float]:
    return [at for nonce in nonces(exchange.url) for at in of.get(nonce, ())]


def closed(streams: Collection[str], records: Records, open_: Collection[str]) -> Check:
    """Each request of these streams is refused by the proxy itself and comes nowhere; meanwhile all
    of `open_`, that nobody is asked for, are served.

    Args:
        open_: the control: that those are served shows that the backend is well.
    """

    def judge(history: History) -> Verdict:
        own = history.where(lambda e: e.stream in streams)
        through = [e for e in own if _times(e, records.arrivals) or e.service == ORIGIN]
        other = [e for e in own if not is_closed(e)]
        numbers = {"away": len(own), "away.leaks": len(through)}
        if through:
            return failed(f"{len(through)} of {len(own)} were let through", **numbers)
        if other:
            answer = other[0].status or other[0].error
            return failed(f"{len(other)} of {len(own)} were not refused, but {answer}", **numbers)
        return passed(f"all {len(own)} were refused", **numbers)

    def unasked(history: History) -> Verdict:
        own = [e for e in history if e.stream in open_]
        some = [e for e in own if _times(e, records.checks)]
        said = f"the authorizer was asked for {len(some)} of {len(own)} that nobody is asked for"
        return failed(said) if some else passed("nobody was asked for what is open")

    served = (on(stream, all_answered_by(ORIGIN)) for stream in open_)
    return every(guarded(judge, len(streams)), guarded(unasked), *served)
