"""Cache strategies: what may be kept is, and nobody gets what was another's."""

from __future__ import annotations

import pytest

from fixtures.checks import every, known, on, with_positive_control
from fixtures.history.verdict import combine
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.performance.caching import (
    ASKER,
    COOKIE,
    EXPIRING,
    FRESH,
    KEEPING,
    NEW,
    OWN,
    OWN_CONDITION,
    RENEWED,
    VARYING,
    Kept,
)
from suites.performance.cut_off import ask_while_cut_off
from suites.performance.kept import all_arrive, asked_by_etag, fits, kept, lives
from suites.performance.latecomer import compare, remove_ports
from suites.performance.names import resolve_by_themselves
from suites.performance.news import forgotten, renewed, same

CACHING = "Best Practices/Performance/Cache strategies"


@requirement("CA1", source=CACHING)
def test_what_is_fresh_is_served_from_the_cache(judge: Judge, cached: Kept) -> None:
    """What is fresh is served from the cache to all, and what is no longer arrives again."""
    judge(
        cached.history,
        every(on(FRESH, kept(cached.arrivals)), on(EXPIRING, all_arrive(cached.arrivals))),
    )


@requirement("CA2", source=CACHING)
def test_nobody_gets_what_was_anothers(judge: Judge, cached: Kept) -> None:
    """Nobody gets what was another's: by no-store, private, Authorization, POST, host or query."""
    own = (
        on(stream, check)
        for stream in OWN
        for check in (all_arrive(cached.arrivals), fits([ASKER]))
    )
    fresh = on(FRESH, kept(cached.arrivals))
    judge(cached.history, with_positive_control(denied=every(*own), allowed=fresh))


@requirement("CA3", source=CACHING)
def test_what_is_stale_is_asked_for_by_its_etag(judge: Judge, cached: Kept) -> None:
    """What is stale is asked for by its ETag, and served as it was or as it has become."""
    streams = {"keeping": KEEPING, "renewed": RENEWED, "condition": OWN_CONDITION}
    page = cached.history.where(lambda e: e.stream in streams.values())
    judge(page, asked_by_etag(streams, NEW, cached.arrivals))


@requirement("CA4", source=CACHING)
def test_what_varies_is_served_to_whom_it_fits(judge: Judge, cached: Kept) -> None:
    """What varies is not served to whom it does not fit, and the proxy lives."""
    varying = (on(stream, fits(headers)) for stream, headers in VARYING.items())
    alive = known(lives(*cached.restarts, cached.pod))
    fresh = on(FRESH, kept(cached.arrivals))
    judge(cached.history, with_positive_control(denied=every(alive, *varying), allowed=fresh))


@pytest.mark.nightly
@requirement("CA5", source=CACHING, needs="cilium")
def test_names_resolve_without_coredns(judge: Judge, lab: Lab, cluster: str) -> None:
    """Names of the service mesh resolve without CoreDNS where the sidecar answers for them, and
    nowhere else."""
    resolved = ask_while_cut_off(lab, cluster)
    judge(resolved.history, resolve_by_themselves(resolved.drops))


@pytest.mark.nightly
@requirement("CA6", source=CACHING)
def test_no_proxy_is_told_old_news(judge: Judge, lab: Lab, cluster: str, seed: int) -> None:
    """No proxy is told old news: after ten edits one that connects now has the same clusters,
    routes and endpoints as one that was there."""
    compared = compare(lab, cluster, seed)
    after = compared.after
    verdicts = (
        compared.in_step,
        renewed(compared.before, after, compared.traces),
        same(after, compared.latter),
    )
    judge.conclude(combine(verdicts))


@requirement("CA7", source=CACHING)
def test_nobody_gets_anothers_cookie(judge: Judge, cached: Kept) -> None:
    """Nobody gets a cookie that was set for another: what comes with Set-Cookie is not shared."""
    own = on(COOKIE, all_arrive(cached.arrivals))
    fresh = on(FRESH, kept(cached.arrivals))
    judge(cached.history, with_positive_control(denied=own, allowed=fresh))


@pytest.mark.nightly
@requirement("CA8", source=CACHING)
def test_a_port_that_has_gone_is_forgotten(judge: Judge, lab: Lab, cluster: str, seed: int) -> None:
    """A port that a service no longer has is forgotten by a proxy that knew it, and so are the
    clusters that its subsets had there."""
    rounds = remove_ports(lab, cluster, seed)
    left = (forgotten(each.before, each.after) for each in rounds)
    judge.conclude(combine((*(each.in_step for each in rounds), *left)))
