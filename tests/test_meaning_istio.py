"""Meanings of Istio's two kinds: the reference's is its oracle's, and no mutant of it has that."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest

from clusters.errors import UnreadError
from fixtures import manifests as m
from fixtures import mutants
from fixtures.behaviour import Behaviour
from fixtures.checks.expectations import Served
from fixtures.manifests.meaning import Meaning
from fixtures.mutants import Mutant
from suites import mobile_routing, rbac_denial
from suites.mobile_routing import oracle as routing_oracle
from suites.mobile_routing.matches import SIDECARS
from suites.mobile_routing.meaning import STEM as ROUTING
from suites.mobile_routing.meaning import requests as routed
from suites.mobile_routing.subject import HOST
from suites.rbac_denial import oracle as denial_oracle
from suites.rbac_denial.meaning import BYSTANDER
from suites.rbac_denial.meaning import STEM as POLICY
from suites.rbac_denial.meaning import requests as guarded
from suites.rbac_denial.oracle import CLIENTS

REFERENCE = m.load()
BEHAVIOURS: dict[str, Behaviour[Any]] = {
    ROUTING: mobile_routing.BEHAVIOUR,
    POLICY: rbac_denial.BEHAVIOUR,
}
DOCUMENTS = {stem: REFERENCE.given(stem).document for stem in BEHAVIOURS}


def meaning_of(stem: str, document: Mapping[str, Any]) -> Meaning:
    meaning = BEHAVIOURS[stem].meaning
    assert meaning
    return meaning(stem, document)


MEANT = {stem: meaning_of(stem, document) for stem, document in DOCUMENTS.items()}


def changed(stem: str, path: str, value: object) -> dict[str, Any]:
    """The reference's document with one more value, or another one."""
    patch = [{"op": "add", "path": path, "value": value}]
    document: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(DOCUMENTS[stem]), patch)
    return document


# --- the reference --------------------------------------------------------------------------


def test_the_references_virtual_service_means_what_its_oracle_says() -> None:
    meant = MEANT[ROUTING]
    assert 1000 < len(meant) < 3000
    for name, request in routed().items():
        if request.host == HOST:
            agent = {"User-Agent": request.headers.get("user-agent", "")}
            expected = routing_oracle.expectation({"agent": agent})
            assert isinstance(expected, Served)
            assert {meant[name]} == {f"{service}: 1" for service in expected.services}


def test_an_agent_of_several_lines_is_matched_as_one() -> None:
    match = {"headers": {"user-agent": {"exact": "curl/8.14.1,Mobile"}}}
    meant = meaning_of(ROUTING, changed(ROUTING, "/spec/http/0/match", [match]))
    there = {name: who for name, who in meant.items() if routed()[name].host == HOST}
    mobile = {name for name, who in there.items() if who == "mobile-service-v2: 1"}
    assert mobile == {name for name in there if "agent: two lines, mobile last" in name} != set()


@pytest.mark.parametrize("service", ["mobile-service", "web-service"])
def test_the_references_virtual_service_leaves_other_hosts_alone(service: str) -> None:
    own = f"{service}.plumbline-mobile-routing.svc.cluster.local"
    whole = {who for name, who in MEANT[ROUTING].items() if name.startswith(f"{own},")}
    assert whole == {f"{service}-v1: 1/2, {service}-v2: 1/2"}


def test_the_references_policy_means_what_its_oracle_says() -> None:
    meant = MEANT[POLICY]
    assert 1000 < len(meant) < 4000
    for name, request in guarded().items():
        chosen = {"method": request.method, "path": request.path}
        expected = denial_oracle.expectation(chosen, request.principal)
        untouched = request.workload == BYSTANDER
        served = untouched or expected == denial_oracle.SERVED
        assert meant[name] == ("served" if served else "denied")


def test_every_value_of_each_dimension_is_asked() -> None:
    for oracle, name in ((routing_oracle, ROUTING), (denial_oracle, POLICY)):
        names = "\n".join(MEANT[name])
        for dimension, values in oracle.SPACE.items():
            assert all(f"{dimension}: {value}" in names for value in values)
    clients = {request.principal for request in guarded().values()}
    assert clients == set(CLIENTS.values())


# --- mutants --------------------------------------------------------------------------------


UNREAD = {"answer-header-added", "mirrored", "only-with-a-token"}


def of_a_file_alone() -> list[Mutant]:
    catalogues = [mutants.catalogue(b.folder) for b in BEHAVIOURS.values()]
    return [
        mutant
        for catalogue in catalogues
        for mutant in catalogue
        if mutant.file and mutant.patch and not (mutant.absent or mutant.elsewhere or mutant.extra)
    ]


@pytest.mark.parametrize("mutant", of_a_file_alone(), ids=lambda mutant: mutant.name)
def test_no_mutant_means_what_the_reference_does(mutant: Mutant) -> None:
    document = mutant.manifests(REFERENCE).given(mutant.file).document
    if mutant.name in UNREAD:
        with pytest.raises(UnreadError):
            meaning_of(mutant.file, document)
    else:
        assert meaning_of(mutant.file, document) != MEANT[mutant.file]


FRONTEND = "cluster.local/ns/default/sa/frontend"


@pytest.mark.parametrize(
    ("stem", "path", "value"),
    [
        (ROUTING, "/metadata/name", "another"),
        (ROUTING, "/metadata/labels", {"team": "web"}),
        (ROUTING, "/apiVersion", "networking.istio.io/v1"),
        (ROUTING, "/spec/exportTo", ["*"]),
        (ROUTING, "/spec/exportTo", ["default"]),
        (ROUTING, "/spec/gateways", [SIDECARS, "plumbline"]),
        (ROUTING, "/spec/hosts/-", "another.example.org"),
        (ROUTING, "/spec/http/0/name", "mobile"),
        (ROUTING, "/spec/http/0/timeout", "10s"),
        (ROUTING, "/spec/http/0/retries", {"attempts": 0}),
        (ROUTING, "/spec/http/0/retries", {"retryOn": "5xx,reset", "perTryTimeout": "1m30s"}),
        (ROUTING, "/spec/http/0/headers", {"request": {"set": {}}}),
        (ROUTING, "/spec/http/0/mirrors", []),
        (ROUTING, "/spec/http/0/match/0/statPrefix", "mobile"),
        (ROUTING, "/spec/http/0/match/0/uri", {"prefix": ""}),
        (ROUTING, "/spec/http/0/match/0/sourceNamespace", "default"),
        (ROUTING, "/spec/http/1/match", []),
        (ROUTING, "/spec/http/1/route/0/weight", 7),
        (ROUTING, "/spec/http/1/route/0/destination/port", {"number": 80}),
        (ROUTING, "/spec/http/-", {"route": [{"destination": {"host": "web-service"}}]}),
        (POLICY, "/apiVersion", "security.istio.io/v1"),
        (POLICY, "/spec/action", "ALLOW"),
        (POLICY, "/spec/rules/-", {"from": [{"source": {"principals": [FRONTEND]}}],
                                        "to": [{"operation": {"methods": ["GET"],
                                                              "paths": ["/api/v1/items"]}}]}),
        (POLICY, "/spec/rules/0/from/0/source/principals/-", FRONTEND),
        (POLICY, "/spec/rules/0/from/0/source/namespaces", ["default"]),
        (POLICY, "/spec/rules/0/to/0/operation/ports", ["3000", "3001"]),
        (POLICY, "/spec/rules/0/to/0/operation/notPaths", []),
    ],
)  # fmt: skip
def test_what_changes_no_request_means_the_same(stem: str, path: str, value: object) -> None:
    assert meaning_of(stem, changed(stem, path, value)) == MEANT[stem]


@pytest.mark.parametrize(
    ("stem", "path", "value"),
    [
        (ROUTING, "/status", {}),
        (ROUTING, "/kind", "Gateway"),
        (ROUTING, "/apiVersion", "networking.istio.io/v2"),
        (ROUTING, "/metadata/namespace", "default"),
        (ROUTING, "/metadata/labels", {"istio.io/rev": "canary"}),
        (ROUTING, "/metadata/annotations", {"internal.istio.io/route-semantics": "gateway"}),
        (ROUTING, "/spec/http/0/unheard", "of"),
        (ROUTING, "/spec/http/0/match/0/unheard", "of"),
        (POLICY, "/metadata/annotations", {"istio.io/dry-run": "true"}),
        (POLICY, "/spec/unheard", "of"),
        (POLICY, "/spec/rules/0/when", [{"key": "source.ip", "values": ["10.0.0.1"]}]),
        (POLICY, "/spec/rules/0/from/0/source/unheard", ["of"]),
        (POLICY, "/spec/rules/0/to/0/operation/notUnheard", ["of"]),
        (POLICY, "/spec/selector/unheard", {}),
    ],
)
def test_what_is_not_known_is_said(stem: str, path: str, value: object) -> None:
    with pytest.raises(UnreadError) as raised:
        meaning_of(stem, changed(stem, path, value))
    assert raised.value.seen.startswith(path)


@pytest.mark.parametrize("stem", BEHAVIOURS)
def test_a_document_of_another_file_is_not_read(stem: str) -> None:
    with pytest.raises(UnreadError):
        meaning_of(stem, DOCUMENTS[next(other for other in BEHAVIOURS if other != stem)])
    meaning = BEHAVIOURS[stem].meaning
    assert meaning
    with pytest.raises(UnreadError):
        meaning("httproute", DOCUMENTS[stem])
