"""A configuration that proxies refuse, while a client asks their workload.

It is taken away in the end, and the next one waited for. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from clusters.components import istio
from clusters.errors import NotReadyError
from clusters.remote import Container
from clusters.waiting import wait_for
from fixtures.history.traces import Traces
from fixtures.history.verdict import Verdict
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import both_modes, folder_of, watched
from fixtures.lab.origins import origins
from fixtures.lab.space import Space
from fixtures.manifests import Given
from suites.service_mesh.rejects import (
    METRICS,
    STATISTIC,
    Counts,
    parse_metrics,
    parse_statistics,
)
from suites.service_mesh.subject import ONCE, ORIGIN, Practised

STEM = "envoyfilter-refused"
SPACING = 0.05
"""Seconds from one request to the next, over keep-alive connections and over new ones."""
QUIET = 1.0
"""Seconds for which the client asks proxies that have refused something, and since then."""
ISTIOD = "discovery"
"""The container that istiod runs in."""


@dataclass(frozen=True)
class Refused:
    """A configuration was refused, and then gone. Times are seconds since 1970.

    Attributes:
        first: what was counted to begin with.
        before: what was counted once all proxies had taken something that is right.
        after: what was counted once this one was refused, or taken.
        took: the pods whose proxies went by it.
        since: when it was refused by all.
        until: before it was taken away.
        taken: whether what came next was in force within T.
    """

    traces: Traces
    first: Counts
    before: Counts
    after: Counts
    took: frozenset[str]
    since: float
    until: float
    taken: Verdict


def refuse(lab: Lab, practised: Practised) -> Refused:
    """Give the proxies of the origins what they refuse, while a client without a proxy of its own
    asks them.

    Raises:
        WrongManifestError: the API server refuses it already.
        NotReadyError: the proxies did not take anything to begin with.
        PlumblineError: the client did not start, or its trace is lost.
    """
    space, deadline = practised.space, practised.deadline
    # What a run that was killed left has another name than the manifest, and is cleared away.
    wrong = lab.manifests.given(STEM).renamed(convergence.generation())
    pods = [each.pod for each in origins(space, ORIGIN)]

    def act() -> tuple[Counts, Counts, Counts, frozenset[str], float, float, Verdict]:
        first = _count(space, pods)
        convergence.in_step(space, deadline)
        before = _count(space, pods)
        try:
            took, after = _refuse(practised, wrong, before)
            since = time.time()
            time.sleep(QUIET)
        finally:
            until = time.time()
            space.kube.delete(wrong.document, space.namespace)
        wait = partial(convergence.in_step, space, deadline)
        taken = convergence.in_time("what comes next to be in force", wait)
        time.sleep(QUIET)
        return first, before, after, took, since, until, taken

    url = f"http://{space.address(ONCE)}/"
    streams = both_modes("refused", url, space.host(ONCE), SPACING, SPACING)
    traces, changed = watched(practised.outsider, streams, folder_of(lab), act)
    return Refused(traces, *changed)


def _refuse(practised: Practised, wrong: Given, before: Counts) -> tuple[frozenset[str], Counts]:
    """Apply it, and wait until each proxy has refused it or goes by it, and istiod has heard of all
    refusals; the pods whose proxies go by it, and what is counted then. What never comes about is
    for others to judge."""
    space = practised.space
    space.put(wrong)
    took = _took(practised, before)
    if took:
        # istiod may have heard of the two the other way round: once more, after it.
        took = _took(practised, before)
    now = before

    def unheard() -> str:
        nonlocal now
        now = _count(space, before.by_proxy)
        heard, refused = now.by_istiod - before.by_istiod, now.refused - before.refused
        return "" if heard >= refused else f"{heard} of {refused} refusals"

    with suppress(NotReadyError):
        wait_for("istiod to hear of all refusals", unheard, practised.deadline)
    return took, now


def _took(practised: Practised, before: Counts) -> frozenset[str]:
    """Once each proxy has refused something or goes by a marker: those that do."""
    space, mark = practised.space, convergence.generation()
    space.apply(convergence.authorization_policy_marker(mark, ORIGIN))
    took: set[str] = set()

    def undecided(pod: str) -> str:
        if _rejected(space, pod) > before.by_proxy[pod]:
            return ""
        missing = convergence.not_listening(space.kube, space.namespace, pod, mark)
        if not missing:
            took.add(pod)
        return missing

    for pod in before.by_proxy:
        with suppress(NotReadyError):
            what = f"{pod}'s proxy to refuse it or to take it"
            wait_for(what, partial(undecided, pod), practised.deadline)
    return frozenset(took)


def _count(space: Space, pods: Iterable[str]) -> Counts:
    """What these pods' proxies and then istiods have counted so far."""
    by_proxy = {pod: _rejected(space, pod) for pod in pods}
    istiods = space.kube.list("v1", "Pod", istio.NAMESPACE, istio.ISTIOD_LABEL)
    named = [Container(istio.NAMESPACE, pod["metadata"]["name"], ISTIOD) for pod in istiods]
    by_istiod = sum(parse_metrics(space.kube.exec(each, METRICS)) for each in named)
    return Counts(by_istiod, by_proxy)


def _rejected(space: Space, pod: str) -> int:
    said = convergence.proxy(space.kube, space.namespace, pod, f"stats?filter={STATISTIC}")
    return parse_statistics(said)
