"""What must be true of the pods that a proxy chose, by who answered its client. Pure.

Sources: Istio, "Destination Rule" (LoadBalancerSettings, OutlierDetection); Envoy, "Supported load
balancers" (weighted round robin, weighted least request, random, ring hash) and "Outlier
detection" (ejection algorithm).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise

import numpy as np
from scipy import stats

from fixtures.checks import PRESSED, SERVED, Check, every, split
from fixtures.checks.guard import guarded, in_order, pressure_of
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

EVEN = SplitTest(margin=0.15)
"""Of four pods: what tells a pod of 25 % from one of 10 % or 40 %."""
ALPHA = 1e-6
SETTLES = 0.1
"""Seconds by which a client may take the time between two of its requests to be shorter."""
LATE = 1.0
"""Seconds after which a request that may come back to a pod is late."""


def by_pod(exchange: Exchange) -> str:
    """Whose answer it is: the pod's."""
    return exchange.pod


def by_pods(pods: Collection[str]) -> Check:
    """All were served, by these pods and no other, and each of them answered."""

    def judge(history: History) -> Verdict:
        other = [e for e in history if e.status != SERVED or e.pod not in pods]
        if other:
            return failed(f"{len(other)} of {len(history)} were {_seen(other[0])}")
        if missing := sorted(set(pods) - {e.pod for e in history}):
            return failed(f"{', '.join(missing)} answered none of {len(history)}")
        return passed(f"{len(pods)} pods answered all {len(history)}", n=len(history))

    return guarded(judge)


def in_turn(pods: Collection[str]) -> Check:
    """Each pod answers strictly in its turn. A proxy that is sent its endpoints anew begins a new
    turn, which puts one round out."""
    size = len(pods)

    def judge(history: History) -> Verdict:
        names = [e.pod for e in in_order(history)]
        out = sum(here != then for here, then in zip(names, names[size:], strict=False))
        numbers = {"n": len(names), "out_of_turn": out}
        if out > size:
            return failed(f"{out} of {len(names)} were not answered in turn", **numbers)
        return passed(f"{len(names) - out} of {len(names)} were answered in turn", **numbers)

    return every(by_pods(pods), guarded(judge, 3 * size))


def by_chance(pods: Collection[str]) -> Check:
    """Each pod answers its share, and who answered last has no part in who does next."""
    share = 1 / len(pods)

    def judge(history: History) -> Verdict:
        names = [e.pod for e in in_order(history)]
        again = sum(before == after for before, after in pairwise(names))
        chance = float(stats.binomtest(again, len(names) - 1, share).pvalue)
        numbers = {"n": len(names), "again": again, "again.p_value": chance}
        what = f"{again} of {len(names)} were answered by the pod before (p = {chance:.2g})"
        return (failed if chance < ALPHA else passed)(what, **numbers)

    even = split(dict.fromkeys(sorted(pods), 1), EVEN, by_pod)
    return every(even, guarded(judge, 100))


def spared(pod: str, most: float, slow: float) -> Check:
    """A pod that is slow gets less than `most` of the requests, so that nine of ten clients have
    their answers sooner than it answers, in `slow` seconds."""

    def judge(history: History) -> Verdict:
        share, tenth = _share_and_p90(history, pod)
        numbers = {"share": round(share, 3), "p90": round(tenth, 3)}
        what = f"the slow pod answered {share:.1%}, and nine of ten came within {tenth:.3f} s"
        if share >= most:
            return failed(f"{what}: not less than {most:.1%}", **numbers)
        if tenth >= slow and pressure_of(history) >= PRESSED:
            return inconclusive(f"{what}, on a pressed machine", **numbers)
        if tenth >= slow:
            return failed(f"{what}: as slow as the pod", **numbers)
        return passed(what, **numbers)

    return guarded(judge, 100)


def not_spared(pod: str, share: float, slow: float) -> Check:
    """The control of it: a slow pod that gets its share makes one client of ten wait for it."""

    def judge(history: History) -> Verdict:
        seen, tenth = _share_and_p90(history, pod)
        numbers = {"share": round(seen, 3), "p90": round(tenth, 3)}
        what = f"in turn the slow pod answered {seen:.1%}, and one of ten took {tenth:.3f} s"
        if abs(seen - share) > share / 4 or tenth < slow:
            return inconclusive(f"{what}: nothing was slow", **numbers)
        return passed(what, **numbers)

    return guarded(judge, 100)


def ejected(pod: str, errors: int, seconds: float, interval: float) -> Check:
    """A pod that fails so many times in a row gets nothing for `seconds`, and no longer than until
    the proxy looks at it again, every `interval` seconds; then it is served by it."""

    def judge(history: History) -> Verdict:
        own = [e for e in in_order(history) if e.pod == pod]
        first = next((e for e in own if e.status != SERVED), None)
        row = [e for e in own if first and e.sent >= first.sent][:errors]
        if len(row) < errors or any(e.status == SERVED for e in row):
            return inconclusive(f"the pod did not fail {errors} times in a row")
        after = [e for e in own if e.sent > row[-1].sent]
        if not after:
            return failed(f"the pod got nothing after {errors} errors, and never did again")
        pause = after[0].sent - row[-1].received
        numbers = {"seconds": round(pause, 2)}
        what = f"after {errors} errors the pod got nothing for {pause:.2f} s"
        if pause < seconds - SETTLES:
            return failed(f"{what}, less than {seconds:g} s", **numbers)
        if not any(e.status == SERVED for e in after):
            return inconclusive(f"{what}, and failed again", **numbers)
        if pause > seconds + interval + LATE:
            late = inconclusive if pressure_of(history) >= PRESSED else failed
            return late(f"{what}, more than {seconds + interval:g} s", **numbers)
        return passed(f"{what}, and answered then", **numbers)

    return guarded(judge)


def left_alone(pods: Collection[str], most: int, settled: int) -> Check:
    """Of the pods no more than `most` are left alone however many fail, and no fewer: from request
    number `settled` on."""

    def judge(history: History) -> Verdict:
        serving = {e.pod for e in history if e.seq >= settled and e.pod}
        out = len(set(pods) - serving)
        numbers = {"left_alone": out}
        if out != most:
            return failed(f"{out} of {len(pods)} pods were left alone, not {most}", **numbers)
        return passed(f"{out} of {len(pods)} pods were left alone", **numbers)

    return guarded(judge, 2 * settled)


def each_in_one_place(pods: Collection[str]) -> Check:
    """Who comes with one key comes to one pod, and each of the pods has keys."""

    def judge(history: History) -> Verdict:
        places = places_of(history)
        wide = sorted(key for key, some in places.items() if len(some) != 1)
        if wide:
            return failed(f"{len(wide)} of {len(places)} keys came to several pods: {wide[0]}")
        with_keys = {pod for some in places.values() for pod in some}
        if missing := sorted(set(pods) - with_keys):
            return failed(f"{', '.join(missing)} had no key of {len(places)}")
        if strange := sorted(with_keys - set(pods)):
            return failed(f"{', '.join(strange)} had keys")
        return passed(f"{len(places)} keys came to one of {len(pods)} pods each", n=len(places))

    return guarded(judge)


def moved_alone(before: History, after: History, pod: str) -> Verdict:
    """Between two times the keys of this pod moved, to all others, and no other key did.

    It is the same for a pod that goes and for one that comes: then `before` is the later time.
    """
    old, new = places_of(before), places_of(after)
    common = sorted(old.keys() & new.keys())
    moved = [key for key in common if old[key] != new[key]]
    of_others = [key for key in moved if old[key] != {pod}]
    numbers = {"keys": len(common), "moved": len(moved)}
    if of_others:
        return failed(f"{len(of_others)} keys of other pods moved: {of_others[0]}", **numbers)
    if not moved:
        return inconclusive("no key moved", **numbers)
    return passed(f"{len(moved)} of {len(common)} keys moved, the pod's own", **numbers)


def none_arrived(arrivals: Collection[object]) -> Verdict:
    """Nothing came to any pod."""
    if arrivals:
        return failed(f"{len(arrivals)} came to a pod")
    return passed("none came to any pod")


def places_of(history: History) -> Mapping[str, frozenset[str]]:
    """The pods that answered each key; its stream's name ends with it."""
    places: dict[str, set[str]] = {}
    for exchange in history:
        key = exchange.stream.partition(".")[2]
        places.setdefault(key, set()).add(exchange.pod)
    return {key: frozenset(some) for key, some in places.items()}


def _share_and_p90(history: History, pod: str) -> tuple[float, float]:
    answered = [e for e in history if e.status]
    share = float(np.mean([e.pod == pod for e in answered])) if answered else 0.0
    return share, float(np.quantile([e.latency for e in history], 0.9))


def _seen(exchange: Exchange) -> str:
    if not exchange.status:
        return exchange.error or "not answered"
    return f"answered {exchange.status} by {exchange.pod or 'no pod'}"
