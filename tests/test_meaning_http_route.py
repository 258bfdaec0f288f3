"""What any HTTPRoute means, rule by rule of the spec, and what is left unread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.errors import UnreadError
from fixtures import manifests, mutants
from fixtures.checks.expectations import Served
from fixtures.manifests.meaning import Meaning
from suites.canary_split import BEHAVIOUR
from suites.canary_split.matching import Request
from suites.canary_split.meaning import meaning, requests
from suites.canary_split.oracle import SPACE, expectation
from suites.canary_split.route import Backend, shares
from tests.meanings import DOCUMENTS, patched

RULE, LISTENER = "/spec/rules/0", "/spec/listeners/0"
MATCH, BACKENDS = f"{RULE}/matches/0", f"{RULE}/backendRefs"
ALLOWED = f"{LISTENER}/allowedRoutes"
SPLIT = "9/10 200 by api-service, 1/10 200 by api-service-canary"
OTHER = {"name": "bystander", "port": 8080}
PATCHED = [mutant for mutant in mutants.catalogue(BEHAVIOUR.folder) if mutant.file and mutant.patch]


def route(*operations: tuple[str, str, Any]) -> Meaning:
    return meaning("httproute", patched("httproute", *operations))


def gateway(*operations: tuple[str, str, Any]) -> Meaning:
    return meaning("gateway", patched("gateway", *operations))


def routed_by(match: Mapping[str, Any]) -> set[str]:
    """The keys of the requests that a route of one match hands to a backend."""
    answers = route(("replace", f"{RULE}/matches", [match]))
    return {each.key for each in requests() if answers[each.key] == SPLIT}


def keys(**wanted: str) -> set[str]:
    """The keys of the requests whose attributes are these."""
    return {e.key for e in requests() if all(getattr(e, k) == v for k, v in wanted.items())}


REFERENCE = route()
THROUGH = gateway()


def test_the_space_is_some_thousand_requests_with_every_value() -> None:
    assert 1_000 <= len(requests()) <= 2_000
    assert len({each.key for each in requests()}) == len(requests())
    for dimension, values in SPACE.items():
        assert all(any(f"{dimension} {v}" in e.key for e in requests()) for v in values)


@pytest.mark.parametrize("answers", [REFERENCE, THROUGH], ids=["httproute", "gateway"])
def test_the_reference_means_what_the_oracle_says(answers: Meaning) -> None:
    for each in requests():
        sent = {k: v for k, v in each.headers.items() if k == "content-type"}
        served = isinstance(expectation({"type": sent}), Served)
        assert answers[each.key] == (SPLIT if served else "404 by no backend"), each.key
    assert answers["Accepted"] is True


def test_the_references_conditions_are_those_of_the_requirements() -> None:
    assert REFERENCE["ResolvedRefs"] is True
    even = "1/2 200 by api-service, 1/2 200 by api-service-canary"
    assert REFERENCE["the request of CS8, at 50 to 50"] == even
    assert THROUGH["a route of default is accepted"] is False


@pytest.mark.parametrize("mutant", PATCHED, ids=lambda mutant: mutant.name)
def test_no_mutant_of_the_catalogue_is_taken_for_the_reference(mutant: mutants.Mutant) -> None:
    document = mutant.manifests(manifests.load()).given(mutant.file).document
    try:
        answers = meaning(mutant.file, document)
    except UnreadError:
        return
    assert answers != (REFERENCE if mutant.file == "httproute" else THROUGH)


@pytest.mark.parametrize(
    "operations",
    [
        [("replace", f"{BACKENDS}/0/weight", 9), ("replace", f"{BACKENDS}/1/weight", 1)],
        [("add", f"{RULE}/name", "canary")],
        [("add", f"{RULE}/timeouts", {"request": "10s", "backendRequest": "5s"})],
        [("add", f"{RULE}/timeouts", {"request": "0s"})],
        [("add", f"{RULE}/filters", [])],
        [("add", "/spec/hostnames", [])],
        [("replace", "/apiVersion", "gateway.networking.k8s.io/v1")],
        [("add", "/metadata/labels", {"team": "web"})],
        [("replace", "/metadata/name", "another")],
        [("replace", f"{MATCH}/headers/0/name", "content-TYPE")],
        [("add", f"{MATCH}/headers/0/type", "Exact")],
        [("add", f"{MATCH}/path", {"type": "PathPrefix", "value": "/"})],
        [("add", f"{MATCH}/path", {"type": "RegularExpression", "value": "/.*"})],
        [("add", f"{RULE}/matches/1", DOCUMENTS["httproute"]["spec"]["rules"][0]["matches"][0])],
        [("add", "/spec/rules/1", DOCUMENTS["httproute"]["spec"]["rules"][0])],
        [("add", f"{BACKENDS}/2", {**OTHER, "weight": 0})],
        [("add", f"{BACKENDS}/0/kind", "Service"), ("add", f"{BACKENDS}/0/group", "")],
        [("add", "/spec/parentRefs/0/sectionName", "http")],
        [("add", "/spec/parentRefs/0/port", 80)],
        [
            ("add", "/spec/parentRefs/0/sectionName", "http"),
            ("add", "/spec/parentRefs/1", {"name": "advanced-gateway", "port": 80}),
        ],
    ],
)
def test_a_route_that_no_request_can_tell_is_the_references(operations: Any) -> None:
    assert route(*operations) == REFERENCE


@pytest.mark.parametrize(
    ("match", "wanted"),
    [
        ({"path": {"type": "Exact", "value": "/cart"}}, keys(path="/cart")),
        ({"path": {"type": "Exact", "value": "/cart/"}}, keys(path="/cart/")),
        ({"path": {"type": "Exact", "value": "/api/v1"}}, set()),
        ({"path": {"value": "/cart"}}, keys(path="/cart") | keys(path="/cart/")),
        ({"path": {"value": "/cart/"}}, keys(path="/cart") | keys(path="/cart/")),
        ({"path": {"value": "/car"}}, set()),
        ({"path": {"value": "/api"}}, keys(path="/api/v1/items/7") | keys(path="/api/v2/items")),
        ({"path": {"type": "RegularExpression", "value": "/[A-Z]+/V1"}}, keys(path="/API/V1")),
        ({"path": {"type": "RegularExpression", "value": "/car"}}, set()),
        ({"method": "PATCH"}, keys(method="PATCH")),
        ({"method": "TRACE"}, set()),
    ],
)
def test_a_match_holds_as_the_spec_says(match: Mapping[str, Any], wanted: set[str]) -> None:
    assert routed_by(match) == wanted


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("X-Tenant", "Mobile", {"tenant"}),
        ("x-tenant", "mobile", set()),
        ("x-canary", ".+", {"canary"}),
        ("x-empty", ".*", {"empty"}),
        ("x-nobody-sends", ".*", set()),
        ("authorization", "Bearer [a-z]+", {"token"}),
        ("authorization", "Bearer", set()),
    ],
)
def test_a_headers_value_must_be_there_and_whole(name: str, value: str, wanted: set[str]) -> None:
    kind = "Exact" if value.isalpha() else "RegularExpression"
    routed = routed_by({"headers": [{"name": name, "value": value, "type": kind}]})
    assert {key.partition("header ")[2].partition(",")[0] for key in routed} == wanted


def test_all_conditions_of_a_match_must_hold_and_one_match_is_enough() -> None:
    both = [{"name": "x-tenant", "value": "Mobile"}, {"name": "x-canary", "value": "always"}]
    assert routed_by({"headers": both}) == set()
    answers = route(("replace", f"{RULE}/matches", [{"headers": [each]} for each in both]))
    named = [e for e in requests() if {"x-tenant", "x-canary"} & e.headers.keys()]
    assert {e.key for e in requests() if answers[e.key] == SPLIT} == {e.key for e in named}


@pytest.mark.parametrize(
    ("name", "value", "kind", "wanted"),
    [
        ("version", "v2", "Exact", "one"),
        ("version", "v[0-9]", "RegularExpression", "one"),
        ("canary", "true", "Exact", "several"),
        ("debug", ".*", "RegularExpression", "no value"),
        ("Version", "v2", "Exact", ""),
    ],
)
def test_a_parameters_name_and_value_are_exact(
    name: str, value: str, kind: str, wanted: str
) -> None:
    routed = routed_by({"queryParams": [{"name": name, "value": value, "type": kind}]})
    assert {key.partition("query ")[2].partition(",")[0] for key in routed} == {wanted} - {""}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("application/json,text/plain", {"two lines"}),
        ("application/json, text/plain", {"two"}),
        ("application/json,application/json", {"two lines of json"}),
        ("text/plain", {"text"}),
    ],
)
def test_a_header_of_several_lines_is_matched_as_one(value: str, wanted: set[str]) -> None:
    routed = routed_by({"headers": [{"name": "content-type", "value": value}]})
    types = {key.partition("type ")[2].partition(", agent")[0] for key in routed}
    assert types == wanted


@pytest.mark.parametrize("matches", [[], [{}]])
def test_a_rule_without_matches_is_of_all(matches: list[Any]) -> None:
    answers = route(("replace", f"{RULE}/matches", matches))
    assert {answers[each.key] for each in requests()} == {SPLIT}


def test_rules_come_in_the_order_of_precedence_and_then_as_they_stand() -> None:
    """Each rule's match holds for one request, as JSON with X-Canary; the last is best."""
    one = _asked()
    json, canary = ({"name": n, "value": v} for n, v in
                    (("Content-Type", "application/json"), ("X-Canary", "always")))  # fmt: skip
    parameter = {"queryParams": [{"name": "version", "value": "v2"}]}
    matches: list[dict[str, Any]] = [
        {},
        parameter,
        {"headers": [json], **parameter},
        {"headers": [json, canary]},
        {"method": one.method},
        {"path": {"value": one.path}},
        {"path": {"type": "Exact", "value": one.path}},
    ]
    key = one.key
    for count in range(2, len(matches) + 1):
        rules = [_rule(match, number) for number, match in enumerate(matches[:count])]
        answers = route(("replace", "/spec/rules", rules))
        assert answers[key] == _rule_of(count - 1), matches[count - 1]
        assert route(("replace", "/spec/rules", rules[::-1]))[key] == _rule_of(count - 1)
    tied = route(("replace", "/spec/rules", [_rule({}, 0), _rule({}, 1)]))
    assert tied[key] == _rule_of(0)


def _asked() -> Request:
    """The first request of the space that is JSON with X-Canary, of a plain path and a version."""
    return next(
        each
        for each in requests()
        if each.path in {"/cart", "/healthz", "/metrics"}
        and ("version", "v2") in each.parameters
        and each.headers.get("x-canary") == "always"
        and each.headers.get("content-type") == "application/json"
    )


def _rule(match: Mapping[str, Any], number: int) -> dict[str, Any]:
    lost = {"name": "nobody", "port": 8080, "weight": number + 1}
    return {"matches": [match], "backendRefs": [{**OTHER, "weight": 1}, lost]}


def _rule_of(number: int) -> str:
    return shares((Backend("bystander", 1), Backend("nobody", number + 1, valid=False)))


@pytest.mark.parametrize(
    ("backends", "wanted"),
    [
        ([OTHER], "1 200 by bystander"),
        ([{**OTHER, "weight": 3}], "1 200 by bystander"),
        ([{**OTHER, "weight": 0}], "500 by no backend"),
        ([], "500 by no backend"),
        ([{"name": "nobody", "port": 8080}, OTHER], "1/2 200 by bystander, 1/2 500 by no backend"),
        ([{**OTHER, "port": 8081}], "1 500 by no backend"),
        ([{**OTHER, "namespace": "default"}], "1 500 by no backend"),
        ([{**OTHER, "namespace": "plumbline-canary-split"}], "1 200 by bystander"),
        ([OTHER, {**OTHER, "weight": 2}], "1 200 by bystander"),
    ],
)
def test_backends_share_by_weight_and_what_is_lost_gets_500(backends: Any, wanted: str) -> None:
    answers = route(("replace", BACKENDS, backends))
    assert {answers[e.key] for e in requests()} == {wanted, "404 by no backend"}


@pytest.mark.parametrize(
    ("weight", "is_told_apart"), [(91, False), (89, False), (81, False), (50, True), (1, True)]
)
def test_a_share_that_is_nearly_the_references_is_the_references(
    weight: int, is_told_apart: bool
) -> None:
    """CS1 tells 85 % and 95 % from 90 %; what is nearer is neither right nor wrong to it."""
    answers = route(("replace", f"{BACKENDS}/0/weight", weight))
    assert (answers != REFERENCE) is is_told_apart


def test_a_small_share_is_one_all_the_same() -> None:
    backends = [{**OTHER, "weight": 999}, {"name": "nobody", "port": 8080, "weight": 1}]
    answers = route(("replace", BACKENDS, backends))
    wanted = "1 200 by bystander, 1/20 500 by no backend"
    assert {answers[each.key] for each in requests()} == {wanted, "404 by no backend"}


def test_a_lost_backend_without_a_share_is_known_by_its_condition() -> None:
    answers = route(("add", f"{BACKENDS}/-", {"name": "nobody", "port": 8080, "weight": 0}))
    assert answers == {**REFERENCE, "ResolvedRefs": False}


def test_a_service_that_stands_twice_is_known_by_other_weights() -> None:
    """Of 45, 45 and 10 all requests are shared as the reference wants, but for CS8's edit."""
    half = {"name": "api-service", "port": 8080, "weight": 45}
    answers = route(("replace", f"{BACKENDS}/0", half), ("add", f"{BACKENDS}/0", half))
    assert {key for key in answers if answers[key] != REFERENCE[key]} == {
        "the request of CS8, at 50 to 50"
    }


@pytest.mark.parametrize(
    ("hostnames", "hosts"),
    [
        (["api.example.com"], {"api.example.com"}),
        (["*.example.com"], {"api.example.com"}),
        (["*.example.com", "shop.example.org"], {"api.example.com", "shop.example.org"}),
        (["example.com"], set()),
        (["*.api.example.com"], set()),
    ],
)
def test_hostnames_are_of_hosts_in_any_case_with_any_port(
    hostnames: list[str], hosts: set[str]
) -> None:
    answers = route(("add", "/spec/hostnames", hostnames))
    through = gateway(("add", f"{LISTENER}/hostname", hostnames[0]))
    for each in requests():
        wanted = REFERENCE[each.key] if each.host in hosts else "404 by no backend"
        assert answers[each.key] == wanted, each.key
        if len(hostnames) == 1:
            assert through[each.key] == wanted, each.key


@pytest.mark.parametrize(
    "operations",
    [
        [("replace", "/spec/parentRefs/0/name", "another")],
        [("add", "/spec/parentRefs/0/namespace", "default")],
        [("add", "/spec/parentRefs/0/sectionName", "https")],
        [("add", "/spec/parentRefs/0/port", 8080)],
        [("add", "/spec/parentRefs/0/kind", "Service")],
        [("replace", "/spec/parentRefs", [])],
    ],
)
def test_a_route_of_no_parent_here_is_not_accepted(operations: Any) -> None:
    answers = route(*operations)
    assert answers["Accepted"] is False
    assert {answers[each.key] for each in requests()} == {"404 by no backend"}


@pytest.mark.parametrize(
    "operation",
    [
        ("add", "/spec/parentRefs/1", {"name": "not-there"}),
        ("add", "/spec/useDefaultGateways", "All"),
        ("add", "/spec/hostnames", ["198.18.0.1"]),
        ("add", "/spec/hostnames", ["API.example.com"]),
        ("add", "/spec/hostnames", ["a.example.com", "a.example.com"]),
        ("add", "/spec/hostnames", "api.example.com"),
        ("replace", "/spec/rules", []),
        ("replace", "/spec/rules", None),
        ("add", f"{RULE}/retry", {}),
        ("add", f"{RULE}/sessionPersistence", {}),
        ("add", f"{RULE}/filters", [{"type": "URLRewrite"}]),
        ("add", f"{RULE}/timeouts", {"request": "4999ms"}),
        ("add", f"{RULE}/timeouts", {"backendRequest": "1s"}),
        ("add", f"{RULE}/timeouts", {"request": "ten"}),
        ("add", f"{MATCH}/path", {"value": "cart"}),
        ("add", f"{MATCH}/path", {"value": "//"}),
        ("add", f"{MATCH}/path", {"type": "Prefix", "value": "/"}),
        ("add", f"{MATCH}/path", {"type": "RegularExpression", "value": "/(?i)cart"}),
        ("add", f"{MATCH}/path", {"type": "RegularExpression", "value": "("}),
        ("add", f"{MATCH}/method", "get"),
        ("add", f"{MATCH}/body", {}),
        ("replace", f"{MATCH}/headers/0/name", "Host"),
        ("replace", f"{MATCH}/headers/0/name", "X-Forwarded-For"),
        ("replace", f"{MATCH}/headers/0/name", ":path"),
        ("replace", f"{MATCH}/headers/0/value", ""),
        ("replace", f"{MATCH}/headers/0/value", 7),
        ("add", f"{MATCH}/headers/1", {"name": "content-type", "value": "text/plain"}),
        ("add", f"{MATCH}/queryParams", [{"name": "a", "value": "1"}]),
        ("add", f"{MATCH}/queryParams", [{"name": "q", "value": '"Mobile" &'}]),
        ("add", f"{MATCH}/queryParams", [{"name": "nonce", "value": "1"}]),
        ("add", "/spec/rules/1", {"matches": [{"path": {"value": "/cart/"}}]}),
        ("add", "/spec/rules/1", {"matches": []}),
        (
            "add",
            "/spec/rules/1",
            {"matches": [{"path": {"type": "RegularExpression", "value": "/.*"}}]},
        ),
        ("replace", f"{BACKENDS}/0/weight", -1),
        ("replace", f"{BACKENDS}/0/weight", True),
        ("replace", f"{BACKENDS}/0/weight", "90"),
        ("add", f"{BACKENDS}/0/kind", "ServiceImport"),
        ("add", f"{BACKENDS}/0/group", "inference.networking.k8s.io"),
        ("add", f"{BACKENDS}/0/filters", [{"type": "RequestMirror"}]),
        ("add", f"{BACKENDS}/2", {**OTHER, "port": 81, "weight": 0}),
        ("add", "/metadata/labels", {"istio.io/rev": "canary"}),
        ("add", "/metadata/namespace", "default"),
        ("add", "/metadata/finalizers", ["a/b"]),
        ("replace", "/apiVersion", "gateway.networking.k8s.io/v1alpha2"),
        ("replace", "/kind", "GRPCRoute"),
        ("add", "/status", {}),
    ],
)
def test_what_is_not_known_of_a_route_is_unread(operation: Any) -> None:
    with pytest.raises(UnreadError):
        route(operation)


WEIGHTS = st.lists(st.integers(0, 900), min_size=1, max_size=4)


@given(WEIGHTS, st.integers(1, 1_000))
@settings(deadline=None)
def test_a_factor_of_all_weights_changes_nothing(weights: list[int], factor: int) -> None:
    names = ("a", "b", "", "a")
    some = [Backend(name, w, bool(name)) for name, w in zip(names, weights, strict=False)]
    more = tuple(replace(each, weight=each.weight * factor) for each in some)
    assert shares(tuple(some)) == shares(more)
    assert shares(tuple(some)) == shares(tuple(reversed(some)))


@given(st.permutations(range(4)))
@settings(deadline=None, max_examples=10)
def test_rules_of_unlike_rank_may_stand_in_any_order(order: list[int]) -> None:
    matches: list[dict[str, Any]] = [{}, {"method": "PUT"}, {"path": {"value": "/api"}},
               {"path": {"type": "Exact", "value": "/cart"}}]  # fmt: skip
    rules = [_rule(match, number) for number, match in enumerate(matches)]
    shuffled = [rules[number] for number in order]
    assert route(("replace", "/spec/rules", shuffled)) == route(("replace", "/spec/rules", rules))
