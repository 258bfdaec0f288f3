"""The prober and the checks against a real Envoy and real echo servers, configured right and wrong.

One Envoy with one listener per behaviour and four echo servers, started once, in the engine
that is there; the routes have the form that Istio and Gateway API give them. Nothing here
plays a part of the lab: what is wrong is the configuration, and the checks must see it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest

from clusters import engine
from fixtures.checks import (
    all_answered_by,
    complete,
    denied_http,
    every,
    independent,
    never_answered,
    never_reached,
    on,
    only_answered_by,
    split,
    status_is,
    with_positive_control,
)
from fixtures.checks.sequential import SplitTest
from fixtures.history import History
from fixtures.history.streams import Headers, Stream
from fixtures.history.verdict import Outcome
from tests.real_envoy import (
    JSON,
    Behaviour,
    Place,
    Tree,
    address_of,
    all_to,
    header,
    running,
    weighted,
)

STABLE, CANARY = "api-service", "api-service-canary"
MOBILE, WEB = "mobile-service-v2", "web-service-v1"
VICTIM = "victim"
SERVICES = (STABLE, CANARY, MOBILE, WEB, VICTIM)
PRINCIPAL = "x-principal"
FRONTEND, STRANGER = (f"cluster.local/ns/default/sa/{name}" for name in ("frontend", "stranger"))
COUNT = 20
BATCH = 700  # a little more than half of what a split takes on average
FAIL, INCONCLUSIVE, PASS = Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS


# --- the configuration ---------------------------------------------------------------------


def by_agent(mobile: str, other: str, regex: str = ".*Mobile.*") -> list[Tree]:
    """A route for a user agent and one for the rest, as Istio's regex match gives them."""
    match = header("user-agent", safe_regex={"regex": regex})
    return [{"match": match, "route": {"cluster": mobile}}, *all_to(other)]


def rbac(*principals: str) -> Tree:
    """Envoy's RBAC filter, with a header in the place of a certificate's principal."""
    rules = [
        {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
        {"url_path": {"path": {"prefix": "/api/v1/"}}},
    ]
    policy = {
        "principals": [
            {"header": {"name": PRINCIPAL, "string_match": {"exact": name}}} for name in principals
        ],
        "permissions": [{"and_rules": {"rules": rules}}],
    }
    kind = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
    config = {"@type": kind, "rules": {"action": "ALLOW", "policies": {"service-auth": policy}}}
    return {"name": "rbac", "typed_config": config}


BEHAVIOURS = {
    "90/10": Behaviour(weighted({STABLE: 90, CANARY: 10})),
    "85/15": Behaviour(weighted({STABLE: 85, CANARY: 15})),
    "with a third": Behaviour(weighted({STABLE: 72, CANARY: 8, WEB: 20})),
    "agents": Behaviour(by_agent(MOBILE, WEB)),
    "agents swapped": Behaviour(by_agent(WEB, MOBILE)),
    "agents in any case": Behaviour(by_agent(MOBILE, WEB, "(?i).*mobile.*")),
    "policy": Behaviour(all_to(STABLE), [rbac(FRONTEND)]),
    "policy for another": Behaviour(all_to(STABLE), [rbac(f"{FRONTEND}-2")]),
    "policy that leaks": Behaviour(all_to(STABLE), [rbac(FRONTEND, STRANGER)]),
    "victim": Behaviour(all_to(VICTIM)),
}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything started, in the engine that is there; in CI there must be one."""
    if engine.of_user() is None:
        missing = "no container engine answers: `make test` brings one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    with running(BEHAVIOURS, SERVICES, tmp_path_factory.mktemp("pod")) as place:
        yield place


def draw(place: Place, behaviours: Sequence[str], test: SplitTest) -> History:
    """Batches until the test has decided of each, as fixtures.traffic.batches has a pod do it."""
    walks, history = {name: test.walk() for name in behaviours}, History()
    while undecided := {name: walk.n for name, walk in walks.items() if not walk.done}:
        batch = place.probe(
            *(
                Stream(stream=n, url=place.url(n), headers=JSON, first=first, count=BATCH)
                for n, first in undecided.items()
            )
        )
        history += batch
        for exchange in batch:
            assert exchange.status == 200
            walks[exchange.stream].observe(exchange.service == STABLE)
    return history


# --- what is asked: of each behaviour some streams, all of them in one run of the prober ----

HEADERS: dict[str, dict[str, str]] = {
    "absent": {},
    "phone": {"User-Agent": "Mozilla/5.0 (iPhone) Mobile/15E148 Safari/604.1"},
    "desktop": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"},
    "lower": {"User-Agent": "mobile"},
    "json": {"CONTENT-TYPE": "application/json"},
    "charset": {"Content-Type": "application/json; charset=utf-8"},
}
API = "/api/v1/items"
CALLS = {
    "allowed": (FRONTEND, "GET", API),
    "account": (STRANGER, "GET", API),
    "method": (FRONTEND, "POST", API),
    "path": (FRONTEND, "GET", "/api/v2/items"),
    "dots": (FRONTEND, "GET", "/api/v1/../v2/items"),
}
AGENTS = ("absent", "phone", "desktop", "lower")
DENIED = ("account", "method", "path", "dots")


def with_headers(place: Place, behaviour: str, names: Sequence[str]) -> Iterator[Stream]:
    for name in names:
        url, stream = place.url(behaviour), f"{behaviour}/{name}"
        yield Stream(stream=stream, url=url, headers=HEADERS[name], count=COUNT)


def under_policy(place: Place, behaviour: str) -> Iterator[Stream]:
    """What the reference's policy allows, and what it does not; each with a nonce."""
    for name, (principal, method, path) in CALLS.items():
        nonce = f"?nonce={name}-{place.ports[behaviour]}-{{seq}}"
        yield Stream(
            stream=f"{behaviour}/{name}",
            method=method,
            url=f"{place.url(behaviour)}{nonce}",
            target=f"{path}{nonce}",
            headers={PRINCIPAL: principal},
            count=COUNT,
        )


@pytest.fixture(scope="session")
def asked(place: Place) -> History:
    closed = f"http://{address_of(place.echoes[WEB])}:1/"
    third = Stream(
        stream="with a third/json", url=place.url("with a third"), headers=JSON, count=4 * COUNT
    )
    return place.probe(
        third,
        Stream(stream="silence/denied", url=closed, count=COUNT),
        *with_headers(place, "90/10", ("absent", "charset", "json")),
        *with_headers(place, "agents", (*AGENTS, "charset", "json")),
        *with_headers(place, "agents swapped", AGENTS),
        *with_headers(place, "agents in any case", AGENTS),
        *under_policy(place, "policy"),
        *under_policy(place, "policy that leaks"),
        *under_policy(place, "policy for another"),
    )


def of(history: History, behaviour: str) -> History:
    """What was asked of one behaviour, its streams under their own names."""
    start = f"{behaviour}/"
    return History(
        exchange.model_copy(update={"stream": exchange.stream.removeprefix(start)})
        for exchange in history
        if exchange.stream.startswith(start)
    )


# --- the prober ----------------------------------------------------------------------------


def test_an_exchange_says_who_answered_through_envoy(asked: History) -> None:
    for exchange in of(asked, "agents").stream("desktop"):
        assert (exchange.status, exchange.service, exchange.pod) == (200, WEB, f"{WEB}-0")
        assert exchange.server == "envoy"
        assert 0 < exchange.latency < 5


def test_a_history_is_complete(asked: History) -> None:
    assert complete(asked).passed
    assert {name.partition("/")[0] for name in asked.streams()} >= {"agents", "policy", "silence"}


# --- the checks ----------------------------------------------------------------------------

WEIGHTS = {"90/10": PASS, "85/15": FAIL}


@pytest.fixture(scope="session")
def drawn(place: Place) -> History:
    return draw(place, tuple(WEIGHTS), SplitTest(share=0.90))


@pytest.mark.parametrize(("weights", "outcome"), WEIGHTS.items())
def test_the_split_is_decided(drawn: History, weights: str, outcome: Outcome) -> None:
    """CS1 and CS4: the right weights pass, the nearest wrong ones fail; both draw independently."""
    history = drawn.stream(weights)
    verdict = split({STABLE: 90, CANARY: 10}, SplitTest(share=0.90))(history)
    assert verdict.outcome is outcome, verdict
    assert int(verdict.numbers[f"{STABLE}.n"]) <= len(history)
    assert only_answered_by((STABLE, CANARY), len(history))(history).passed
    assert independent(STABLE, minimum=len(history))(history).passed


def test_a_third_backend_is_seen(asked: History) -> None:
    """CS2: nobody else answers."""
    verdict = only_answered_by((STABLE, CANARY), COUNT)(of(asked, "with a third"))
    assert verdict.outcome is FAIL
    assert WEB in verdict.reason


@pytest.mark.parametrize(("behaviour", "outcome"), [("90/10", PASS), ("agents", FAIL)])
def test_other_headers_are_not_routed(asked: History, behaviour: str, outcome: Outcome) -> None:
    """CS3: only the header's exact value is routed; its name may have any case."""
    history = of(asked, behaviour)
    refused = every(*(on(name, status_is(404, COUNT)) for name in ("absent", "charset")))
    assert refused(history).outcome is outcome
    assert on("json", status_is(200, COUNT))(history).passed


@pytest.mark.parametrize(
    ("behaviour", "mobile", "other"),
    [
        ("agents", PASS, PASS),
        ("agents swapped", FAIL, FAIL),
        ("agents in any case", PASS, FAIL),
    ],
)
def test_user_agents_are_routed(
    asked: History, behaviour: str, mobile: Outcome, other: Outcome
) -> None:
    """MR1 and MR2, with MR3's check that the wrong service has not answered."""
    history = of(asked, behaviour)
    phones = on("phone", all_answered_by(MOBILE, COUNT, f"{MOBILE}-"))
    others = (on(n, all_answered_by(WEB, COUNT, f"{WEB}-")) for n in AGENTS if n != "phone")
    assert phones(history).outcome is mobile
    assert every(*others)(history).outcome is other
    assert on("phone", never_answered((WEB,), minimum=COUNT))(history).outcome is mobile


LINES: dict[str, tuple[Headers, str]] = {
    "agents": ({"User-Agent": ("curl/8.14.1", "Mobile")}, MOBILE),
    "agents swapped": ({"User-Agent": ("curl/8.14.1", "Mobile")}, WEB),
    "90/10": ({"Content-Type": ("application/json", "application/json")}, ""),
}


@pytest.mark.parametrize("http2", [False, True])
def test_lines_of_a_header_are_matched_as_one(place: Place, http2: bool) -> None:
    """What the oracles say of several lines, and that HTTP/2 makes no difference."""
    history = place.probe(
        *(
            Stream(stream=name, url=place.url(name), headers=headers, http2=http2)
            for name, (headers, _) in LINES.items()
        )
    )
    answered = {exchange.stream: exchange.service for exchange in history}
    assert answered == {name: service for name, (_, service) in LINES.items()}


@pytest.mark.parametrize(
    ("behaviour", "outcomes"),
    [
        ("policy", (PASS, PASS, PASS)),
        ("policy that leaks", (PASS, FAIL, FAIL)),
        # The control was denied itself: the denials prove nothing, and the policy is why.
        # Nothing is in the backend's record, so that says nothing at all.
        ("policy for another", (FAIL, FAIL, INCONCLUSIVE)),
    ],
)
def test_denials_are_proven_by_cause_and_control(
    place: Place, asked: History, behaviour: str, outcomes: tuple[Outcome, Outcome, Outcome]
) -> None:
    """RB1 to RB4 and RB7."""
    allowed, denied, recorded = outcomes
    history = of(asked, behaviour)
    control = on("allowed", all_answered_by(STABLE, COUNT))
    refused = every(*(on(name, denied_http(COUNT)) for name in DENIED))
    assert control(history).outcome is allowed
    assert with_positive_control(denied=refused, allowed=control)(history).outcome is denied
    reached = never_reached(place.record(STABLE), DENIED, ("allowed",))
    assert reached(history).outcome is recorded


def test_a_route_that_is_not_there_is_no_denial(asked: History) -> None:
    """An answer of another cause than RBAC's, though no backend gave it, is not a denial."""
    verdict = denied_http(COUNT)(of(asked, "90/10").stream("absent"))
    assert verdict.outcome is FAIL
    assert "not answered by RBAC's 403" in verdict.reason


def test_silence_is_never_a_denial(asked: History) -> None:
    """A port that nobody listens on: refused, and yet no denial."""
    history = of(asked, "silence")
    assert {exchange.error for exchange in history} == {"refused"}
    assert denied_http(COUNT)(history).outcome is INCONCLUSIVE


def test_a_backend_that_has_stopped_is_never_a_pass(place: Place) -> None:
    """Neither as one that answers nor as one that is denied."""
    # All at once, as each of them is answered only when Envoy has tried to connect for a second.
    stream = Stream(stream="denied", url=place.url("victim"), count=COUNT, concurrency=COUNT)
    answered = all_answered_by(VICTIM, COUNT)
    assert answered(place.probe(stream)).passed
    place.echoes[VICTIM].get_wrapped_container().kill()
    history = place.probe(stream)
    assert {exchange.status for exchange in history} == {503}
    for check in (answered, denied_http(COUNT), split({VICTIM: 1}), never_answered((STABLE,))):
        assert not check(history).passed
