"""What must be true of those who are held to a limit: by a bucket, by a pool, by a budget.

Sources: Envoy, "Local rate limit" (429, a bucket that fills evenly), "Rate limit" (429 with
`x-envoy-ratelimited`), "Circuit breaking" (503 with `x-envoy-overloaded`, and retry budgets); the
rate limit service counts by the clock's hours (envoyproxy/ratelimit, README, "Overview"). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from fixtures.checks import Check, every, nonces
from fixtures.checks.guard import each, guarded, is_served, unless_pressed
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.lab.origins import Arrival

TOO_MANY, LIMITED = 429, "local_rate_limited"
OVER_LIMIT = "x-envoy-ratelimited"
UNAVAILABLE, OVERLOADED = 503, "x-envoy-overloaded"
CLOCK = 0.02
"""Seconds by which an origin's log may differ from when it began and ended to serve."""


def is_limited(exchange: Exchange) -> bool:
    """Whether a proxy refused it, as a bucket was empty."""
    return exchange.status == TOO_MANY and exchange.body == LIMITED


def is_over_limit(exchange: Exchange) -> bool:
    """Whether a proxy refused it, as who counts for all of them said so."""
    by_proxy = exchange.status == TOO_MANY and not exchange.service
    return by_proxy and exchange.answer_headers.get(OVER_LIMIT) == "true"


def is_turned_away(exchange: Exchange) -> bool:
    """Whether a proxy refused it, as a pool was full."""
    by_proxy = exchange.status == UNAVAILABLE and not exchange.service
    return by_proxy and exchange.answer_headers.get(OVERLOADED) == "true"


def held_to_bucket(tokens: int, seconds: float, arrived: Collection[str]) -> Check:
    """As many are served as a full bucket has tokens, and what flows in meanwhile at most; all
    others are refused by the proxy, and none of those arrives.

    Args:
        seconds: in which an empty bucket fills.
        arrived: nonces in the backend's log.
    """

    def judge(history: History) -> Verdict:
        served = len(history.where(is_served))
        most = tokens + int(tokens * _span(history) / seconds) + 1
        said = f"{served} of {len(history)} were served, {tokens} to {most} may be"
        numbers = {"served": served, "most": most, "n": len(history)}
        if len(history) <= most:
            return inconclusive(f"{said}: they took too long to be too many", **numbers)
        if not tokens <= served <= most:
            return failed(said, **numbers)
        return passed(said, **numbers)

    return every(
        each(lambda e: is_served(e) or is_limited(e), "served or refused with 429", 1),
        guarded(judge),
        _never_arrived(is_limited, arrived),
    )


def held_over_all(limit: int, hours: int, pods: int, arrived: Collection[str]) -> Check:
    """All replicas together serve as many as the limit says, and each of them serves some; all
    others are refused, and none of those arrives.

    Args:
        limit: of each hour.
        hours: how many of the clock's the requests lay in.
        pods: how many replicas there are.
        arrived: nonces in the backend's logs.
    """

    def judge(history: History) -> Verdict:
        by_pod = Counter(e.pod for e in history if is_served(e))
        served, most = by_pod.total(), limit * hours
        said = f"{served} of {len(history)} were served by {len(by_pod)} of {pods} replicas"
        said = f"{said}, {limit} to {most} may be"
        numbers = {"served": served, "replicas": len(by_pod), "most": most, "n": len(history)}
        if not limit <= served <= most:
            return failed(said, **numbers)
        if len(history) <= most or len(by_pod) < pods or pods < 2:
            return inconclusive(f"{said}: not all were asked for more", **numbers)
        return passed(said, **numbers)

    return every(
        each(lambda e: is_served(e) or is_over_limit(e), "served or refused with 429", 1),
        guarded(judge),
        _never_arrived(is_over_limit, arrived),
    )


def held_to_rate(size: int, rate: int, later: float = 2.0) -> Check:
    """A download takes as long as its rate says, less the first second, which is free, and at most
    some seconds more. It is told by the time of its whole answer.

    Args:
        size: of it, in bytes.
        rate: bytes a second.
        later: the seconds more.
    """
    least = size / rate - 1

    def judge(history: History) -> Verdict:
        (took,) = {e.latency for e in history}
        said = f"{size} bytes took {took:.2f} s, {least:.0f} to {least + later:.0f} s are meant"
        if took < least - CLOCK:
            return failed(said, seconds=took)
        if took > least + later:
            return unless_pressed(failed(said, seconds=took), history)
        return passed(said, seconds=took)

    return every(each(is_served, "served", 1), guarded(judge))


def faster_than(seconds: float) -> Check:
    """Each is served within so many seconds."""
    return each(lambda e: is_served(e) and e.latency < seconds, f"served in {seconds:g} s", 1)


def held_to_pool(limit: int, waiting: int, delay: float, arrivals: Iterable[Arrival]) -> Check:
    """Of many at once the backend has no more at a time than the limit, some are turned away at
    once, and none of those arrives.

    Args:
        limit: requests that the backend may have at a time.
        waiting: requests that may wait.
        delay: seconds that the backend takes for each.
        arrivals: what came to it.
    """
    came = list(arrivals)

    def judge(history: History) -> Verdict:
        own = {nonce for exchange in history for nonce in nonces(exchange.url)}
        at_once = overlap([a.at for a in came if a.nonce in own], delay)
        away = history.where(is_turned_away)
        served = len(history.where(is_served))
        numbers = {"served": served, "turned_away": len(away), "at_once": at_once}
        if at_once > limit:
            return failed(f"the backend had {at_once} at a time, {limit} are allowed", **numbers)
        if served < limit + waiting:
            return failed(f"{served} were served, {limit + waiting} have room", **numbers)
        if not len(away):
            slow = max(e.sent for e in history) - min(e.sent for e in history) >= delay
            verdict = inconclusive if slow else failed
            return verdict(f"none of {len(history)} at once was turned away", **numbers)
        first = min(e.received for e in history if is_served(e))
        late = [e for e in away if e.received >= first]
        if late:
            said = f"{len(late)} were turned away after the first of the others was served"
            return unless_pressed(failed(said, **numbers), history)
        return passed(f"{served} were served one by one, {len(away)} turned away", **numbers)

    return every(
        each(lambda e: is_served(e) or is_turned_away(e), "served or turned away", 1),
        guarded(judge),
        _never_arrived(is_turned_away, {arrival.nonce for arrival in came}),
    )


def held_to_budget(most: float, service: str, arrivals: Iterable[Arrival]) -> Check:
    """Each request fails as the backend has it, which gets at most so many times as many."""
    came = [arrival.nonce for arrival in arrivals]

    def judge(history: History) -> Verdict:
        own = {nonce for exchange in history for nonce in nonces(exchange.url)}
        times = sum(nonce in own for nonce in came)
        share = times / len(history)
        said = f"{len(history)} requests came to the backend {times} times"
        numbers = {"arrivals": times, "n": len(history), "factor": round(share, 3)}
        return (failed if share > most else passed)(said, **numbers)

    return every(
        each(lambda e: is_failed_by(e, service), "failed by the backend", 1), guarded(judge)
    )


def tried_again(service: str, arrivals: Iterable[Arrival]) -> Check:
    """Each request fails as the backend has it, which got it more than once."""
    times = Counter(arrival.nonce for arrival in arrivals)

    def judge(history: History) -> Verdict:
        attempts = [sum(times[nonce] for nonce in nonces(e.url)) for e in history]
        said = f"the backend got each {min(attempts)} to {max(attempts)} times"
        return (passed if min(attempts) > 1 else failed)(said, attempts=min(attempts))

    return every(
        each(lambda e: is_failed_by(e, service), "failed by the backend", 1), guarded(judge)
    )


def is_failed_by(exchange: Exchange, service: str) -> bool:
    """Whether a backend itself answered 503."""
    return exchange.status == UNAVAILABLE and exchange.service == service


def overlap(begins: Sequence[float], delay: float) -> int:
    """How many of those that begin then, and take so many seconds each, are under way at most."""
    ends = [begin + delay - CLOCK for begin in begins]
    return max(
        (sum(begin <= at < end for begin, end in zip(begins, ends, strict=True)) for at in begins),
        default=0,
    )


def _never_arrived(refused: Callable[[Exchange], bool], arrived: Collection[str]) -> Check:
    """Nothing of what a proxy refused came to the backend."""

    def judge(history: History) -> Verdict:
        through = [e for e in history if refused(e) and nonces(e.url) & set(arrived)]
        if through:
            return failed(f"{len(through)} were refused and arrived; the first: {through[0].url}")
        return passed("nothing that was refused arrived")

    return guarded(judge)


def _span(history: History) -> float:
    """Seconds from the first request to the last answer."""
    return max(e.received for e in history) - min(e.sent for e in history)
