"""Which spans make a whole trace, and how many requests have one."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from fixtures.checks.sequential import SplitTest
from fixtures.history.verdict import Outcome
from suites.service_mesh.spans import (
    BY_GATEWAY,
    CLIENT,
    INSIDE,
    SERVER,
    Span,
    Way,
    are_sampled,
    are_traced,
    none_traced,
    parse,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS, exchanges

OK = {"status": 200, "service": "origin"}
FAILED = {"status": 501, "service": "origin"}
NOWHERE = {"status": 503}
TEST = SplitTest(margin=0.07)
BEGUN = Way((CLIENT, SERVER), trace="of-client", parent="own")


def told(seq: int, way: Way = INSIDE, trace: str = "") -> list[Span]:
    """The spans of a request in a history made by hand."""
    parents = [way.parent, *(f"{seq}.{n}" for n in range(len(way.kinds) - 1))]
    return [
        Span.model_validate({
            "traceId": trace or way.trace or f"trace-{seq}",
            "id": f"{seq}.{n}",
            "parentId": parent,
            "kind": kind,
            "timestamp": 1_000 * seq + n,
        })
        for n, (kind, parent) in enumerate(zip(way.kinds, parents, strict=True))
    ]  # fmt: skip


def changed(span: Span, **fields: object) -> Span:
    return span.model_copy(update=fields)


def spans_of(n: int, way: Way = INSIDE, trace: str = "") -> dict[str, list[Span]]:
    return {f"s-{seq}": told(seq, way, trace) for seq in range(n)}


@pytest.mark.parametrize("way", [INSIDE, BY_GATEWAY, BEGUN])
def test_whole_traces_are_chains_of_their_ways_spans(way: Way) -> None:
    assert are_traced(spans_of(3, way), way)(exchanges(OK, FAILED, OK)).outcome is PASS
    backwards = {nonce: own[::-1] for nonce, own in spans_of(3, way).items()}
    assert are_traced(backwards, way)(exchanges(OK, OK, OK)).outcome is PASS
    assert are_traced({}, way)(exchanges()).outcome is INCONCLUSIVE
    assert are_traced(spans_of(3, way), way)(exchanges(OK, OK, NOWHERE)).outcome is FAIL


Fault = Callable[[list[Span]], list[Span]]
FAULTS: dict[str, Fault] = {
    "nothing is told": lambda _: [],
    "one is missing": lambda own: own[:1],
    "one is told twice": lambda own: [*own, own[-1]],
    "another has begun it": lambda own: [changed(own[0], parent="other"), own[1]],
    "the second has no parent": lambda own: [own[0], changed(own[1], parent="")],
    "a span is its own parent": lambda own: [own[0], changed(own[1], parent=own[1].id)],
    "another's kind": lambda own: [own[0], changed(own[1], kind=CLIENT)],
    "no kind": lambda own: [own[0], changed(own[1], kind="")],
    "before its parent": lambda own: [own[0], changed(own[1], at=own[0].at - 1)],
    "of another trace": lambda own: [own[0], changed(own[1], trace="other")],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", [INSIDE, BEGUN])
def test_a_trace_that_is_not_whole_is_a_failure(fault: str, way: Way) -> None:
    spans = spans_of(3, way)
    spans["s-1"] = FAULTS[fault](spans["s-1"])
    assert are_traced(spans, way)(exchanges(OK, OK, OK)).outcome is FAIL


def test_requests_have_a_trace_of_their_own_or_their_clients() -> None:
    three = exchanges(OK, OK, OK)
    assert are_traced(spans_of(3, trace="one"), INSIDE)(three).outcome is FAIL
    assert are_traced(spans_of(3, BEGUN, trace="another"), BEGUN)(three).outcome is FAIL


def sampled(share: float, n: int = 1_000) -> dict[str, list[Span]]:
    draw = random.Random(3)  # noqa: S311 (no secret)
    return {f"s-{seq}": told(seq) for seq in range(n) if draw.random() < share}


@pytest.mark.parametrize(
    ("share", "outcome"),
    [(0.1, PASS), (0.0, FAIL), (0.5, FAIL), (1.0, FAIL), (0.2, FAIL), (0.02, FAIL)],
)
def test_a_tenth_is_traced(share: float, outcome: Outcome) -> None:
    check = are_sampled(sampled(share), INSIDE, 10, TEST)
    assert check(exchanges(*[OK] * 1_000)).outcome is outcome


def test_what_is_sampled_is_whole() -> None:
    spans = sampled(0.1)
    first = next(iter(spans))
    spans[first] = spans[first][:1]
    assert are_sampled(spans, INSIDE, 10, TEST)(exchanges(*[OK] * 1_000)).outcome is FAIL
    few = are_sampled(sampled(0.1), INSIDE, 10, TEST)(exchanges(*[OK] * 20))
    assert few.outcome is INCONCLUSIVE
    lost = are_sampled(sampled(0.1), INSIDE, 10, TEST)(exchanges(*[OK] * 999, NOWHERE))
    assert lost.outcome is FAIL


def test_nothing_is_told_of_what_is_not_sampled() -> None:
    assert none_traced({})(exchanges(OK, OK)).outcome is PASS
    assert none_traced({"s-1": told(1)})(exchanges(OK, OK)).outcome is FAIL
    assert none_traced({})(exchanges(OK, NOWHERE)).outcome is FAIL
    assert none_traced({})(exchanges()).outcome is INCONCLUSIVE


# As Envoy 1.39.1 told them: of a Gateway, and of the proxy that it asked. Most tags are left out.
TOLD = """
{"traceId": "6f16", "id": "9e68", "parentId": "bf9c", "kind": "SERVER", "timestamp": 1795843658474061, "duration": 9973, "name": "told/*", "tags": {"http.url": "http://told/?nonce=gw-g1-0_", "http.status_code": "200"}}
{"traceId": "6f16", "id": "bf9c", "parentId": "0323", "kind": "CLIENT", "timestamp": 1795843658473880, "duration": 11231, "name": "router in egress", "tags": {"upstream_cluster": "in", "http.status_code": "200"}}
{"traceId": "6f16", "id": "0323", "kind": "SERVER", "timestamp": 1795843658473566, "duration": 11529, "localEndpoint": {"serviceName": "c"}, "tags": {"http.url": "http://told/?nonce=gw-g1-0_"}}
{"traceId": "33e4", "id": "00af", "kind": "CLIENT", "timestamp": 1795843658553518, "tags": {"http.url": "http://told/health"}}
{"traceId": "7eaa", "id": "bf9c", "parentId": "0323", "kind": "CLIENT", "timestamp": 1795843658473880}
"""  # noqa: E501


def test_spans_are_read_by_the_nonce_of_their_url_or_of_their_parents() -> None:
    spans = parse(TOLD)
    assert list(spans) == ["gw-g1-0_"]
    assert [each.id for each in spans["gw-g1-0_"]] == ["9e68", "bf9c", "0323"]
    last = spans["gw-g1-0_"][2]
    assert (last.trace, last.parent, last.kind, last.at) == ("6f16", "", SERVER, 1795843658473566)
    request = exchanges(OK, stream="gw", url="http://told/?nonce=gw-g1-0_")
    assert are_traced(spans, BY_GATEWAY)(request).outcome is PASS
    assert are_traced(spans, INSIDE)(request).outcome is FAIL
