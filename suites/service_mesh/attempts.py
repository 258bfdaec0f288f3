"""What must be true of timeouts and of attempts, by what clients saw and what arrived at backends.

Sources: Istio, "Virtual Service" (HTTPRoute.timeout, HTTPRetry) and its change notes 1.24 (503 is
no longer tried again by itself); Envoy, "x-envoy-retry-on". Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fixtures.checks import Check, nonces
from fixtures.checks.guard import guarded, unless_pressed
from fixtures.history import Exchange, History
from fixtures.history.verdict import Outcome, Verdict, failed, inconclusive, passed

GATEWAY_TIMEOUT = 504
NOBODY_LISTENED = "reset reason: remote connection failure"
"""Envoy's own answer once each of its attempts to connect was refused."""
MUCH = 2
"""Times what is allowed, from which on no machine explains that even the quickest is late."""
CLOCK = 0.005
"""Seconds by which a client may take a wait to be shorter than the proxy's timer did."""


@dataclass(frozen=True)
class Attempt:
    """One request as it arrived: at which pod, and its number by Envoy's own header."""

    pod: str
    number: int


Attempts = Mapping[str, Collection[Attempt]]
"""By nonce, in the order of time."""


def unless_late(check: Check) -> Check:
    """A check of requests that none of the route's own limits is to end. One that they ended on a
    machine that was pressed says nothing, nor do a few of many: a backend may wait for its core for
    a moment on any machine."""

    def judge(history: History) -> Verdict:
        verdict = check(history)
        in_time = history.where(lambda exchange: exchange.status != GATEWAY_TIMEOUT)
        late = len(history) - len(in_time)
        if verdict.outcome is not Outcome.FAIL or not late:
            return verdict
        if 2 * late < len(history) and check(in_time).outcome is not Outcome.FAIL:
            return inconclusive(f"{verdict.reason}, by the route's own limit", **verdict.numbers)
        return unless_pressed(verdict, history)

    return judge


def if_quick(check: Check) -> Check:
    """A check of requests whose every attempt is answered sooner than its limit. On a machine that
    was pressed an attempt may end before its answer, and one more be made."""
    return lambda history: unless_pressed(check(history), history)


def unless_unread(attempts: Attempts, least: int, most: int) -> Check:
    """As `arrived_times`, of requests that are given up before their answer. A backend that had no
    core until then never reads a few of them; of most of them, or of one too many, no machine is an
    excuse."""
    exact = arrived_times(attempts, least, most)

    def judge(history: History) -> Verdict:
        verdict = exact(history)
        times = _times(history, attempts).values()
        unread = sum(n < least for n in times)
        few = 2 * unread < len(times) and max(times, default=0) <= most
        return unless_pressed(verdict, history) if few else verdict

    return judge


def but_unreached(check: Check, at_most: int) -> Check:
    """A check of requests to a service one of whose two pods does not listen: without those that
    Envoy brought to nobody, if they are a few. It looks five times for another pod than the one
    that refused, each time one of both, and then takes what it has (Istio's default policy of
    retries, `host_selection_retry_max_attempts`): of some 2,000 requests one meets the same pod
    three times."""

    def judge(history: History) -> Verdict:
        reached = history.where(lambda exchange: NOBODY_LISTENED not in exchange.body)
        return check(reached if len(history) - len(reached) <= at_most else history)

    return judge


def ends_within(least: float, most: float, status: int = GATEWAY_TIMEOUT) -> Check:
    """Each request ends with this status, after `least` seconds at the soonest, and the quickest of
    them by `most`: a machine that is busy makes some late, and a longer timeout all of them."""

    def judge(history: History) -> Verdict:
        other = [exchange for exchange in history if exchange.status != status]
        if other:
            return failed(f"{len(other)} of {len(history)} were {_seen(other[0])}, not {status}")
        taken = sorted(exchange.latency for exchange in history)
        numbers = {"quickest": round(taken[0], 3), "slowest": round(taken[-1], 3)}
        if taken[0] < least - CLOCK:
            return failed(f"{status} after {taken[0]:.3f} s, sooner than {least:g} s", **numbers)
        if taken[0] > most:
            late = failed(f"{status} after {taken[0]:.3f} s, later than {most:g} s", **numbers)
            return unless_pressed(late, history) if taken[0] < MUCH * most else late
        return passed(f"{status} after {taken[0]:.3f} s", **numbers)

    return guarded(judge)


def arrived_times(attempts: Attempts, least: int, most: int) -> Check:
    """Each request arrived so many times, and its attempts are numbered in order."""

    def judge(history: History) -> Verdict:
        times = _times(history, attempts)
        numbers = {f"arrived.{n}": count for n, count in sorted(Counter(times.values()).items())}
        wrong = [nonce for nonce, count in times.items() if not least <= count <= most]
        if wrong:
            meant = f"{least}" if least == most else f"{least} to {most}"
            return failed(
                f"{len(wrong)} of {len(times)} did not arrive {meant} times: "
                f"{wrong[0]} did {times[wrong[0]]} times",
                **numbers,
            )
        return passed(f"all {len(times)} arrived as often as they may", **numbers)

    return guarded(judge)


def moved_on(attempts: Attempts, at_most: int) -> Check:
    """What was tried again was tried at another pod; a few may meet the same one, as Envoy gives up
    looking for another after some tries of its own."""

    def judge(history: History) -> Verdict:
        pairs = [list(attempts.get(nonce, ()))[:2] for nonce in _nonces(history)]
        again = [pair for pair in pairs if len(pair) > 1]
        same = sum(first.pod == second.pod for first, second in again)
        numbers = {"again": len(again), "same": same}
        if not again:
            return failed("nothing was tried again", **numbers)
        if same > at_most:
            return failed(f"{same} of {len(again)} were tried again at the same pod", **numbers)
        return passed(f"{len(again) - same} of {len(again)} were tried at another pod", **numbers)

    return guarded(judge)


def some_tried_again(attempts: Attempts, served: int = 200) -> Check:
    """Attempts are made where no pod had the first: some request was served by a later one."""

    def judge(history: History) -> Verdict:
        later = [
            exchange
            for exchange in history
            if exchange.status == served
            and any(each.number > 1 for each in _attempts(exchange, attempts))
        ]
        numbers = {"later": len(later), "n": len(history)}
        if not later:
            return failed("none of what one pod refused was tried at another", **numbers)
        return passed(f"{len(later)} of {len(history)} were tried at another pod", **numbers)

    return guarded(judge)


def _attempts(exchange: Exchange, attempts: Attempts) -> Iterable[Attempt]:
    return (each for nonce in nonces(exchange.url) for each in attempts.get(nonce, ()))


def _times(history: History, attempts: Attempts) -> Mapping[str, int]:
    """How often each request arrived, by its nonce."""
    return {nonce: len(attempts.get(nonce, ())) for nonce in _nonces(history)}


def _nonces(history: History) -> list[str]:
    return [nonce for exchange in history for nonce in sorted(nonces(exchange.url))]


def _seen(exchange: Exchange) -> str:
    return f"answered {exchange.status}" if exchange.status else exchange.error or "not answered"
