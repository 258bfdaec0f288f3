"""What must be true of a cache that several clients share.

Sources: RFC 9111, sections 3, 3.5, 4.1 and 5.1: what may be kept, Authorization, Vary, Age. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from fixtures.checks import SERVED, Check, every, nonces, on
from fixtures.checks.guard import each, guarded, is_served
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.lab.origins import Arrival

AGE = "age"
UNCHANGED = 304


def kept(arrivals: Iterable[Arrival]) -> Check:
    """One request of all arrives; all others are answered by what came of it, which grows older."""
    times = _times(arrivals)

    def judge(history: History) -> Verdict:
        came = _came(history, times)
        aged = [int(e.answer_headers[AGE]) for e in history if AGE in e.answer_headers]
        numbers = {"arrivals": came, "n": len(history), "aged": len(aged)}
        if came != 1:
            return failed(f"{came} of {len(history)} came to the origin, not one", **numbers)
        if len(aged) != len(history) - 1:
            return failed(f"{len(aged)} of {len(history)} have an age", **numbers)
        if not min(aged) < max(aged):
            return failed(f"all are {max(aged)} s old", **numbers)
        return passed(f"one of {len(history)} came to the origin", **numbers)

    return every(each(is_served, "served", 2), guarded(judge))


def all_arrive(arrivals: Iterable[Arrival]) -> Check:
    """Each request is served, and arrives."""
    times = _times(arrivals)

    def judge(history: History) -> Verdict:
        came = _came(history, times)
        said = f"{came} of {len(history)} came to the origin"
        return (passed if came == len(history) else failed)(said, arrivals=came, n=len(history))

    return every(each(is_served, "served", 2), guarded(judge))


def fits(headers: Collection[str]) -> Check:
    """Each answer says what its own request had in these headers, and several requests differ."""

    def judge(history: History) -> Verdict:
        others = [e for e in history if not _is_own(e, headers)]
        if others:
            first = others[0]
            own = first.arrived.headers if first.arrived else {}
            said = {name: own.get(name, "") for name in headers}
            return failed(
                f"{len(others)} of {len(history)} got another's answer; the first asked by"
                f" {dict(first.request_headers)} and got that of {said}"
            )
        if len({tuple(str(e.request_headers.get(n, "")) for n in headers) for e in history}) < 2:
            return inconclusive("all that were sent are alike")
        return passed(f"each of {len(history)} got its own answer")

    return every(each(is_served, "served", 2), guarded(judge))


def _is_own(exchange: Exchange, headers: Collection[str]) -> bool:
    arrived = exchange.arrived.headers if exchange.arrived else {}
    return all(arrived.get(n, "") == exchange.request_headers.get(n, "") for n in headers)


def asked_by_etag(page: Mapping[str, str], new: str, arrivals: Iterable[Arrival]) -> Check:
    """What is stale is asked for on its ETag's condition, and what came of that is served: first
    what was kept, then what the page has become. A client's own condition gets its 304.

    Args:
        page: the names of the streams, in this order: `keeping`, `renewed`, `condition`.
        new: the ETag of what the page has become.
        arrivals: in the order of time.
    """
    came = list(arrivals)

    def judge(history: History) -> Verdict:
        own = {nonce for exchange in history for nonce in nonces(exchange.url)}
        statuses = [arrival.status for arrival in came if arrival.nonce in own]
        said = f"the origin answered {', '.join(map(str, statuses)) or 'nothing'}"
        expected = [SERVED, UNCHANGED, SERVED]
        if statuses[:3] != expected or set(statuses[3:]) - {UNCHANGED}:
            return failed(f"{said}, and not {', '.join(map(str, expected))}")
        (renewed,), (condition,) = (history.stream(page[n]) for n in ("renewed", "condition"))
        if renewed.answer_headers.get("etag") != new:
            return failed(f"what the page has become is not served: {renewed.answer_headers}")
        if condition.status != UNCHANGED:
            return failed(f"a client's own condition got {condition.status}, and not 304")
        return passed(said)

    served = (on(page[name], each(is_served, "served", 1)) for name in ("keeping", "renewed"))
    return every(*served, guarded(judge))


def lives(before: int, after: int, pod: str) -> Verdict:
    """A proxy has not been started again meanwhile."""
    if after != before:
        return failed(f"{pod} was started again {after - before} times")
    return passed(f"{pod} lives")


def _times(arrivals: Iterable[Arrival]) -> Counter[str]:
    return Counter(arrival.nonce for arrival in arrivals)


def _came(history: History, times: Counter[str]) -> int:
    """How often requests of a history came to the origin."""
    own = {nonce for exchange in history for nonce in nonces(exchange.url)}
    return sum(times[nonce] for nonce in own)
