"""The RBAC denial's samples: who asks what, for any seed, and which wrong policies that notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures import manifests as m
from fixtures import mutants
from fixtures.checks.expectations import BY_RBAC
from fixtures.checks.samples import CLIENT, Oracle, Sample
from suites import rbac_denial
from suites.rbac_denial.meaning import requests
from suites.rbac_denial.oracle import (
    BY_BYSTANDER,
    BY_FRONTEND,
    BY_OTHERS,
    CLIENTS,
    MEANT,
    OF_BYSTANDER,
    OTHERS,
    PRINCIPAL,
    SERVED,
)
from suites.rbac_denial.policy import NAMESPACE, PORTS, Request, read
from suites.rbac_denial.subject import Api

MUTANTS = {each.name: each for each in mutants.catalogue(rbac_denial.BEHAVIOUR.folder)}
SEEDS = st.integers(0, 2**32)
SOME = settings(max_examples=10)


def sample(oracle: Oracle, seed: int) -> list[Sample]:
    return oracle.sample(seed, "http://198.18.0.1", "t")


def seen(one: Sample, workload: str) -> Request:
    """A sample's request as the proxy of a workload sees it."""
    port = f":{one.row['port']}" if one.row["port"] != "80" else ""
    return Request(
        workload=workload,
        principal=CLIENTS[one.row.get(CLIENT, "frontend")],
        method=one.stream.method,
        path=one.stream.target.partition("?")[0],
        host=f"{workload}.{NAMESPACE}.svc.cluster.local{port}",
        port=PORTS[one.row["port"]],
    )


def test_only_frontend_is_not_of_the_others() -> None:
    assert OTHERS.keys() == {"stranger", "lookalike", "namesake", "outsider"}
    assert [CLIENTS["frontend"], CLIENTS["outsider"]] == [PRINCIPAL, ""]
    assert {field.name for field in fields(Api) if field.type == "ClientPod"} == set(CLIENTS)


@SOME
@given(st.sampled_from([BY_OTHERS, OF_BYSTANDER]), SEEDS)
def test_every_client_asks_every_value(oracle: Oracle, seed: int) -> None:
    rows = [one.row for one in sample(oracle, seed)]
    for dimension, values in oracle.space.items():
        if dimension != CLIENT:
            pairs = {(row[CLIENT], row[dimension]) for row in rows}
            assert pairs == {(who, value) for who in oracle.space[CLIENT] for value in values}


@SOME
@given(SEEDS)
def test_every_other_client_gets_each_path_that_frontend_may(seed: int) -> None:
    got = {(o.row[CLIENT], o.row["path"]) for o in sample(BY_OTHERS, seed)
           if o.stream.method == "GET"}  # fmt: skip
    assert got >= {(who, path) for who in OTHERS for path in MEANT["path"]}
    assert {"item", "deep", "odd"} < set(MEANT["path"])


@SOME
@given(SEEDS)
def test_frontend_asks_each_path_that_it_may_with_each_header(seed: int) -> None:
    pairs = {
        (o.row["path"], o.row["header"])
        for o in sample(BY_FRONTEND, seed)
        if o.expectation == SERVED
    }
    assert pairs == {(p, h) for p in MEANT["path"] for h in BY_FRONTEND.space["header"]}


def test_the_others_are_denied_and_the_bystander_serves_all() -> None:
    assert {one.expectation for one in sample(BY_FRONTEND, 7)} == {SERVED, BY_RBAC}
    assert {one.expectation for one in sample(BY_OTHERS, 7)} == {BY_RBAC}
    assert {one.expectation for one in sample(OF_BYSTANDER, 7)} == {BY_BYSTANDER}


def test_an_identity_is_not_sent() -> None:
    for one in (*sample(BY_OTHERS, 7), *sample(OF_BYSTANDER, 7)):
        assert not any(name in str(one.stream.headers) for name in ("cluster.local", "client"))


def values(workload: str, asked: list[Request]) -> set[tuple[str, str, str]]:
    """Of the requests to a workload: each client with each method, and with each path."""
    own = [request for request in asked if request.workload == workload]
    return {(r.principal, "method", r.method) for r in own} | {
        (r.principal, "path", r.path) for r in own
    }


def test_a_policys_meaning_is_of_what_the_requirements_ask() -> None:
    """So no mutant counts as equivalent that they could notice, or the other way round."""
    backend, bystander = "backend-api", "bystander"
    sent = [seen(one, backend) for oracle in (BY_FRONTEND, BY_OTHERS) for one in sample(oracle, 7)]
    sent += [seen(one, bystander) for one in sample(OF_BYSTANDER, 7)]
    meant = list(requests().values())
    for workload in (backend, bystander):
        assert values(workload, meant) == values(workload, sent)
    assert {r.host for r in meant} == {r.host for r in sent}


def leaks(name: str, seed: int) -> Iterator[str]:
    """The clients that a mutant's policy serves something that they must be denied."""
    guard = read(MUTANTS[name].manifests(m.load()).given("authorizationpolicy").document)
    for one in sample(BY_OTHERS, seed):
        if guard.is_served(seen(one, "backend-api")):
            yield one.row[CLIENT]


@pytest.mark.parametrize(
    ("mutant", "client"),
    [
        ("stranger-by-post-too", "stranger"),
        ("lookalike-to-one-path-too", "lookalike"),
        ("plain-text-to-admin-too", "outsider"),
        ("namesake-to-the-next-version-too", "namesake"),
    ],
)
@SOME
@given(SEEDS)
def test_a_second_rule_for_another_client_shows(mutant: str, client: str, seed: int) -> None:
    assert set(leaks(mutant, seed)) == {client}


@SOME
@given(SEEDS)
def test_a_path_and_plain_text_at_the_bystander_show(seed: int) -> None:
    """What the mutants `bystander-guarded-too` and `bystander-by-mtls-only` refuse."""
    sent = [seen(one, "bystander") for one in sample(OF_BYSTANDER, seed)]
    assert {r.principal for r in sent if r.path == "/admin"} == set(CLIENTS.values())
    assert any(not r.principal for r in sent)
