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

from fixtures.checks import SERVED, Check, every, split
from fixtures.checks.guard import guarded, in_order, unless_pressed
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

EVEN = SplitTest(margin=0.15)
"""Of four pods: what tells a pod of 25 % from one of 10 % or 40 %."""
MUCH = 1.6
"""Times what a slow pod may get, from which on no machine explains it: where all wait for a core,
the others are slow as well."""
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
            much = failed(f"{what}: not less than {most:.1%}", **numbers)
            return unless_pressed(much, history) if share < MUCH * most else much
        if tenth >= slow:
            return unless_pressed(failed(f"{what}: as slow as the pod", **numbers), history)
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
            late = failed(f"{what}, more than {seconds + interval:g} s", **numbers)
            return unless_pressed(late, history)
        return passed(f"{what}, and answered then", **numbers)

    return guarded(judge)


def left_alone(pods: Collection[str], most: int) -> Check:
    """Of the pods no more than `most` are left alone however many fail, and no fewer."""

    def judge(history: History) -> Verdict:
        serving = {e.pod for e in history if e.pod}
        out = len(set(pods) - serving)
        numbers = {"left_alone": out}
        if out != most:
            return failed(f"{out} of {len(pods)} pods were left alone, not {most}", **numbers)
        return passed(f"{out} of {len(pods)} pods were left alone", **numbers)

    return guarded(judge, 2 * len(pods))


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


def stayed(before: History, after: History, pod: str, most: float) -> Verdict:
    """When this pod went, of the keys of all others no more than a share of `most` moved.

    Some do: Envoy's ring has a least size that all pods divide, so each has more places in it when
    there are fewer. Without a ring all but one key of each pod's number would move.
    """
    old, new = places_of(before), places_of(after)
    others = sorted(key for key, place in old.items() if place != {pod})
    moved = [key for key in others if old[key] != new.get(key)]
    numbers = {"keys": len(others), "moved": len(moved)}
    if not others:
        return inconclusive("the other pods had no keys", **numbers)
    what = f"{len(moved)} of {len(others)} keys of other pods moved"
    if len(moved) > most * len(others):
        return failed(f"{what}, more than {most:.0%}", **numbers)
    return passed(what, **numbers)


def came_back(before: History, again: History) -> Verdict:
    """Each key is where it was."""
    old, new = places_of(before), places_of(again)
    moved = sorted(key for key, place in old.items() if place != new.get(key))
    if moved:
        return failed(f"{len(moved)} of {len(old)} keys did not come back: {moved[0]}")
    return passed(f"all {len(old)} keys came back", keys=len(old))


def settled(check: Check, first: int) -> Check:
    """A check of a stream from request number `first` on: by then each thread of a proxy goes by
    what the proxy says that it knows."""
    return lambda history: check(history.where(lambda e: e.seq >= first))


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
