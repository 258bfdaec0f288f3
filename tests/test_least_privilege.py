"""Least privilege: what is declared, and what must become of each cell, by handmade histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from clusters.kube import Document
from fixtures import manifests as m
from fixtures.checks.denials import nonces
from fixtures.history import History
from fixtures.lab.decisions import EGRESS, INGRESS, Decision, Side
from suites.least_privilege.declared import (
    BY_NETWORK,
    BY_SERVICE_MESH,
    CELLS,
    CLIENTS,
    IMPOSTOR,
    NAMESAKE,
    PORTS,
    SERVICES,
    Cell,
    Edge,
    Outcome,
)
from suites.least_privilege.matrix import COUNT, Crossed, are_as_declared
from tests.histories import (
    DENIED,
    FAIL,
    INCONCLUSIVE,
    PASS,
    REFUSED,
    TIMEOUT,
    UNAVAILABLE,
    Answer,
    exchanges,
)
from tests.test_manifests import VALUES

NOBODY = frozenset[str]()
SUPPORT = Path("suites/least_privilege/support.yaml")
PODS = {name: f"{name}-abc" for name in (*(client.name for client in CLIENTS), *SERVICES)}
ANSWERS = {Outcome.FORBIDDEN: DENIED, Outcome.DROPPED: TIMEOUT}
OF = {outcome: [cell for cell in CELLS if cell.outcome is outcome] for outcome in Outcome}


def policies(kind: str) -> list[Document]:
    documents = m.support(SUPPORT, **VALUES)
    return [each for each in documents if each["kind"] == kind and each["metadata"]["name"]]


def at_each_end(direction: str) -> Iterator[Edge]:
    """The edges that the network's policies name at one of their ends."""
    for policy in policies("CiliumNetworkPolicy"):
        for spec in policy.get("specs", ()):
            own = spec["endpointSelector"]["matchLabels"]["app"]
            for rule in spec.get(direction, ()):
                peers = rule.get("fromEndpoints" if direction == "ingress" else "toEndpoints")
                for peer, group in product(peers, rule["toPorts"]):
                    ends = peer["matchLabels"]["app"], own
                    who, service = ends if direction == "ingress" else ends[::-1]
                    yield from ((who, service, int(p["port"])) for p in group["ports"])


def of_accounts() -> Iterator[Edge]:
    """The edges that the service mesh's policies name."""
    for policy in policies("AuthorizationPolicy"):
        for rule in policy["spec"].get("rules", ()):
            service = policy["spec"]["selector"]["matchLabels"]["app"]
            for source, to in product(rule["from"], rule["to"]):
                names = source["source"]["principals"]
                for name, port in product(names, to["operation"]["ports"]):
                    yield name.rpartition("/")[2], service, int(port)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_networks_policies_say_what_is_declared_at_each_end(direction: str) -> None:
    assert Counter(at_each_end(direction)) == Counter(BY_NETWORK)


def test_the_service_meshs_policies_say_what_is_declared() -> None:
    assert Counter(of_accounts()) == Counter(BY_SERVICE_MESH)


def test_each_layer_alone_refuses_something_and_each_cell_is_asked_once() -> None:
    assert len(CELLS) == len(CLIENTS) * len(SERVICES) * len(PORTS)
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    assert {cell.outcome for cell in CELLS} == set(Outcome)
    refused_alone = {cell.service for cell in OF[Outcome.FORBIDDEN]}
    assert "vault" in refused_alone, "a service that the default alone guards"


def test_neither_a_label_nor_an_account_is_enough() -> None:
    for client in (IMPOSTOR, NAMESAKE):
        outcomes = {cell.outcome for cell in CELLS if cell.client is client}
        assert Outcome.SERVED not in outcomes
    assert Outcome.FORBIDDEN in {c.outcome for c in CELLS if c.client is IMPOSTOR}


def answer_to(cell: Cell) -> Answer:
    return ANSWERS.get(cell.outcome) or {"status": 200, "service": cell.service}


def history(other: dict[str, Answer] | None = None) -> History:
    """What must become of each cell, but for the `other` answers by stream."""
    wanted = {cell.name: answer_to(cell) for cell in CELLS} | (other or {})
    parts = (
        exchanges(*[answer] * COUNT, stream=f"{number}")
        for number, answer in enumerate(wanted.values())
    )
    renamed = (
        History(e.model_copy(update={"stream": name}) for e in part)
        for name, part in zip(wanted, parts, strict=True)
    )
    return sum(renamed, History())


def drop(cell: Cell, **other: Any) -> Decision:
    fields = {
        "dropped": True,
        "is_verdict": False,
        "reason": "POLICY_DENIED",
        "direction": cell.direction,
        "source": Side(PODS[cell.client.name], 70_000, NOBODY),
        "destination": Side(PODS[cell.service], 70_001, NOBODY),
        "port": f"{cell.port}/TCP",
        "source_port": 40_000,
    }
    return Decision(**{**fields, **other})


DROPS = tuple(drop(cell) for cell in OF[Outcome.DROPPED])


def crossed(other: dict[str, Answer] | None = None, drops: Any = DROPS) -> Crossed:
    some = history(other)
    arrived = frozenset(n for e in some if e.service for n in nonces(e.url))
    return Crossed(some, arrived, drops, PODS)


def outcome(some: Crossed) -> object:
    return are_as_declared(CELLS, some)(some.history).outcome


def test_what_is_as_declared_passes() -> None:
    some = crossed()
    verdict = are_as_declared(CELLS, some)(some.history)
    assert verdict.outcome is PASS
    assert verdict.numbers["cells"] == len(CELLS)
    assert sum(verdict.numbers[each.value] for each in Outcome) == len(CELLS)  # type: ignore[misc]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_one_cell_that_is_treated_otherwise_is_no_pass(cell: Cell) -> None:
    for answer in (DENIED, TIMEOUT, {"status": 200, "service": cell.service}, UNAVAILABLE):
        if answer != answer_to(cell):
            wanted = (
                INCONCLUSIVE if cell.outcome is Outcome.FORBIDDEN and answer is TIMEOUT else FAIL
            )
            assert outcome(crossed({cell.name: answer})) is wanted, answer


@pytest.mark.parametrize("cell", OF[Outcome.DROPPED], ids=lambda cell: cell.name)
def test_silence_without_a_drop_of_its_own_proves_nothing(cell: Cell) -> None:
    others = tuple(each for each in DROPS if each != drop(cell))
    assert outcome(crossed(drops=others)) is INCONCLUSIVE


@pytest.mark.parametrize("cell", OF[Outcome.DROPPED], ids=lambda cell: cell.name)
def test_a_drop_at_the_other_end_is_a_failure(cell: Cell) -> None:
    other = INGRESS if cell.direction == EGRESS else EGRESS
    drops = tuple(drop(cell, direction=other) if d == drop(cell) else d for d in DROPS)
    assert outcome(crossed(drops=drops)) is FAIL


def test_a_drop_for_another_reason_proves_nothing() -> None:
    drops = tuple(drop(cell, reason="UNSUPPORTED_L3_PROTOCOL") for cell in OF[Outcome.DROPPED])
    assert outcome(crossed(drops=drops)) is INCONCLUSIVE


def test_what_was_refused_and_yet_arrived_is_a_failure() -> None:
    some = history()
    every = frozenset(n for e in some for n in nonces(e.url))
    assert outcome(Crossed(some, every, DROPS, PODS)) is FAIL


def test_a_port_that_nobody_listens_at_is_no_drop() -> None:
    cell = OF[Outcome.DROPPED][0]
    assert outcome(crossed({cell.name: REFUSED})) is INCONCLUSIVE
