"""What any HTTPRoute, or any Gateway, makes of the requests of this behaviour.

In place of the reference's one and beside the reference's other. Beside the space of the oracle
they are those that requirements send on their own: of CS3, which has values of the header that
the space has not, of CS5, to a route of another namespace, and of CS8, which edits the weights
of whatever route there is. Which conditions CS5 and CS6 find is in a meaning too. Pure, but for
the reference's own files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from fixtures import manifests
from fixtures.checks.samples import headers_of, matched, pairwise
from fixtures.history.streams import Headers
from fixtures.lab import HOME, namespace_of
from fixtures.manifests.meaning import Meaning
from suites.canary_split.gateway import Gateway, read_gateway
from suites.canary_split.matching import Request
from suites.canary_split.oracle import JSON, SPACE
from suites.canary_split.route import Route, read_route
from suites.canary_split.subject import CANARY, NAME, STABLE

SEEDS = range(10)
"""Each of a covering array of its own: together some 1,360 requests."""

NAMESPACE = namespace_of(NAME)
EDITED = {STABLE: 50, CANARY: 50}
UPPER = {"Content-Type": JSON.upper()}
STRAY = {"Host": "g0.stray.plumbline.test"}


def meaning(stem: str, document: Mapping[str, Any]) -> Meaning:
    """What a document means in place of the reference's file of that stem.

    Raises:
        UnreadError: there is something in it whose meaning is not known here.
    """
    readers: dict[str, Callable[[Mapping[str, Any]], Meaning]] = {
        "httproute": _of_route,
        "gateway": _of_gateway,
    }
    return readers[stem](document)


def _of_route(document: Mapping[str, Any]) -> Meaning:
    """Each request's answer, the route's conditions, and what CS8's edit of the weights makes."""
    route = read_route(document, NAMESPACE)
    answers = {each.key: route.answer(each) for each in requests()}
    json = _plain("the request of CS8, at 50 to 50", {"Content-Type": JSON})
    answers[json.key] = route.with_weights(EDITED).answer(json)
    return {**answers, "Accepted": route.attached, "ResolvedRefs": route.resolved}


def _of_gateway(document: Mapping[str, Any]) -> Meaning:
    """What each request gets by the reference's route, and whose routes attach."""
    gateway = read_gateway(document, NAMESPACE, HOME)
    answers = {each.key: _through(gateway, each) for each in requests()}
    attached = gateway.attaches_own
    return {
        **answers,
        "Accepted": attached,
        f"a route of {HOME} is accepted": gateway.attaches_foreign,
    }


def _through(gateway: Gateway, request: Request) -> str:
    """A request's answer: the Gateway's own if it has no route for it, or else the route's."""
    return gateway.refusal(request.host) or _reference().answer(request)


@cache
def _reference() -> Route:
    return read_route(manifests.load().documents["httproute"], NAMESPACE)


@cache
def requests() -> tuple[Request, ...]:
    """The requests of the space, by which two documents are compared, and the requirements' own."""
    return (*{each.key: each for each in (*_of_space(), *_of_requirements())}.values(),)


def _of_space() -> Iterator[Request]:
    """A request for each row of the covering arrays, some of which two of them have."""
    for seed in SEEDS:
        for row in pairwise(SPACE, seed):
            chosen = {dimension: SPACE[dimension][row[dimension]] for dimension in SPACE}
            key = ", ".join(f"{dimension} {row[dimension]}" for dimension in SPACE)
            headers = headers_of(chosen)
            yield _request(key, chosen["method"], chosen["path"], chosen["query"], headers)


def _of_requirements() -> Iterator[Request]:
    """What requirements send: GET / at the address, each with one header or none."""
    for name, headers in {**SPACE["type"], "upper": UPPER}.items():
        yield _plain(f"GET / with type {name}", headers)
    yield _plain("GET / at a stray route's host", STRAY)


def _plain(key: str, headers: Headers) -> Request:
    return _request(key, "GET", "/", "", headers)


def _request(key: str, method: str, path: str, query: str, headers: Headers) -> Request:
    """A request as a route sees it: hosts know no case, and their port is ignored.

    No match looks at HTTP's version.
    """
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    parameters = tuple((name, value) for name, _, value in pairs)
    lower = matched(headers)
    host = lower.pop("host", "").lower().partition(":")[0]
    return Request(key, method, path, parameters, host, lower)
