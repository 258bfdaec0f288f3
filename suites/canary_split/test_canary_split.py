"""Canary split: the reference's HTTPRoute shares requests with one header between two services."""

from __future__ import annotations

import pytest

from fixtures.checks import (
    all_answered_by,
    every,
    independent,
    known,
    lasted,
    meanwhile,
    on,
    only_answered_by,
    served_by,
    served_under_load,
    split,
    status_is,
)
from fixtures.checks.conditions import condition
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.streams import Stream
from fixtures.lab import Lab
from fixtures.lab.convergence import in_time
from fixtures.lab.sampling import Answered
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from fixtures.traffic.batches import draw
from suites.canary_split.subject import CANARY, NINE_TO_ONE, SERVICES, STABLE, TEST, Entry

SOURCE = "HTTPRoute/advanced-routing"
GATEWAY = "Gateway/advanced-gateway"
EVEN = {STABLE: 50, CANARY: 50}
COUNT = 60
LOST = "no backend"
WITHOUT_CANARY = {STABLE: 90, LOST: 10}
SECONDS = 6.0
REQUESTS = 1_000
DRAWS = 3_000  # more than 99 in 100 decisions of the split take (docs/bench.md)


def served_or_500(exchange: Exchange) -> str:
    """Whose share an answer is of, where a backend's own may be lost: Gateway API wants a 500."""
    return LOST if (exchange.status, exchange.service) == (500, "") else served_by(exchange)


@requirement("CS1", source=SOURCE)
def test_nine_to_one(judge: Judge, drawn: History) -> None:
    """Requests with Content-Type: application/json are shared 90 to 10."""
    judge(drawn, split(NINE_TO_ONE, TEST))


@requirement("CS2", source=SOURCE)
def test_nobody_else_answers(judge: Judge, drawn: History) -> None:
    """Nobody but api-service and api-service-canary answers a request that the route matches."""
    judge(drawn, every(status_is(200), only_answered_by(SERVICES, 4 * COUNT)))


@requirement("CS3", source=SOURCE)
def test_only_the_exact_header_is_routed(judge: Judge, entry: Entry) -> None:
    """Without the header, or with any other value, nothing is routed; its name's case is free."""
    unrouted: dict[str, dict[str, str]] = {
        "absent": {},
        "other": {"Content-Type": "text/plain"},
        "charset": {"Content-Type": "application/json; charset=utf-8"},
        "case": {"Content-Type": "APPLICATION/JSON"},
    }
    routed = {
        "lower": {"content-type": "application/json"},
        "upper": {"CONTENT-TYPE": "application/json"},
    }
    headers = {**unrouted, **routed}
    history = entry.client.probe(
        *(Stream(stream=n, url=entry.url, headers=h, count=COUNT) for n, h in headers.items())
    )
    refused = (on(name, status_is(404, COUNT)) for name in unrouted)
    served = (on(name, only_answered_by(SERVICES, COUNT)) for name in routed)
    judge(history, every(*refused, *served))


@requirement("CS9", source=SOURCE)
def test_nothing_but_the_header_decides(judge: Judge, sample: Answered) -> None:
    """Nothing but the header decides: method, path, query, host, agent and cookies are free."""
    judge(sample.history, sample.are_as_meant())


@requirement("CS4", source=SOURCE)
def test_draws_are_independent(judge: Judge, drawn: History) -> None:
    """Who answers does not depend on who answered the request before."""
    judge(drawn, independent(STABLE))


@requirement("CS5", source=GATEWAY)
def test_a_route_of_another_namespace_does_not_attach(judge: Judge, entry: Entry) -> None:
    """A route in another namespace does not attach to the Gateway, and its status says why."""
    with entry.foreign_route() as foreign:
        refused = condition(foreign.conditions, "Accepted", "False", "NotAllowedByListeners")
        stray = Stream(stream="stray", url=entry.url, headers={"Host": foreign.host}, count=COUNT)
        history = entry.client.probe(stray, entry.request.model_copy(update={"count": COUNT}))
    routed = (on("stray", status_is(404, COUNT)), on("json", status_is(200, COUNT)))
    judge(history, every(known(refused), *routed))


@requirement("CS10", source=SOURCE)
def test_the_services_keep_their_own_names(judge: Judge, entry: Entry) -> None:
    """The route is of the Gateway alone: by its own name each service answers whatever is asked."""
    types = {"json": entry.request.headers, "text": {"Content-Type": "text/plain"}}
    requests = {
        f"{service} {name}": (service, Stream(
            stream=f"{service} {name}", url=entry.own_name(service), headers=headers, count=COUNT
        ))
        for service in SERVICES
        for name, headers in types.items()
    }  # fmt: skip
    history = entry.inside.probe(*(stream for _, stream in requests.values()))
    judge(
        history,
        every(*(on(name, all_answered_by(who, COUNT)) for name, (who, _) in requests.items())),
    )


@pytest.mark.long
@requirement("CS6", source=SOURCE)
def test_a_lost_backend_costs_its_own_share(judge: Judge, entry: Entry) -> None:
    """Without the canary's Service its share gets 500, the status says so, the rest is served.

    Before that all conditions are as they should be: Programmed, Accepted, ResolvedRefs.
    """
    whole = entry.conditions()
    if not whole.passed:
        judge.conclude(whole)
    with entry.without(CANARY):
        unresolved = in_time(
            "ResolvedRefs is False", lambda: entry.wait_for_condition("ResolvedRefs", "False")
        )
        entry.converge(entry.route)
        history = draw(entry.client, entry.request, STABLE, TEST, expected=(200, 500))
    judge(
        history, every(known(whole), known(unresolved), split(WITHOUT_CANARY, TEST, served_or_500))
    )


@pytest.mark.long
@requirement("CS7", source=SOURCE)
def test_nine_to_one_under_load(judge: Judge, entry: Entry, lab: Lab) -> None:
    """Under load requests are shared 90 to 10, and what is not routed stays so."""
    other = Stream(stream="other", url=entry.url, headers={"Content-Type": "text/plain"})
    with lab.quiet():
        history = entry.client.load(
            entry.request, other, users=10, seconds=SECONDS + 1, least=DRAWS
        )
    shared = on("json", every(split(NINE_TO_ONE, TEST), served_under_load(REQUESTS, SECONDS)))
    judge(history, every(shared, on("other", every(status_is(404, REQUESTS), lasted(SECONDS)))))


@pytest.mark.long
@requirement("CS8", source=SOURCE)
def test_other_weights_take_effect_without_a_loss(judge: Judge, entry: Entry) -> None:
    """Weights edited to 50/50 and back under load take effect within T, and drop no request."""
    through = entry.request.model_copy(update={"stream": "through"})
    even = SplitTest(share=0.50, margin=0.10)
    with entry.client.meanwhile(through, users=4, pause=0.01) as loaded:
        try:
            there = in_time("50/50", lambda: entry.converge(entry.with_weights(EVEN)))
            edited = draw(entry.client, entry.request_as("50/50"), STABLE, even)
        finally:
            back = in_time("90/10 again", lambda: entry.converge(entry.route))
        restored = draw(entry.client, entry.request_as("90/10"), STABLE, TEST)
        history = loaded() + edited + restored
    judge(
        history,
        every(
            known(there),
            known(back),
            on("50/50", split(EVEN, even)),
            on("90/10", split(NINE_TO_ONE, TEST)),
            on("through", served_under_load(REQUESTS, 1, SERVICES)),
            meanwhile("through", ("50/50", "90/10")),
        ),
    )
