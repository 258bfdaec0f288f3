"""One principal in several clusters: who is served, whose cluster is named, by made histories."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fixtures.checks import Drop, nonces
from fixtures.history import History
from fixtures.history.verdict import Outcome
from suites.multi_cloud.apart import NAMED, OWN, WITHOUT, name, told_apart
from suites.multi_cloud.policies import AWS, AZURE, COUNT, labels_of
from tests.histories import FAIL, INCONCLUSIVE, PASS, TIMEOUT, UNAVAILABLE, Answer, drop, exchanges

CLUSTERS = (AWS, AZURE, "gcp-cluster")
ADMITTED = {when: [c for c in CLUSTERS if named in ("", c)] for when, named in NAMED.items()}
WHO = "spiffe://cluster.local/ns/own/sa/client"
CELLS = [(when, cluster) for when in ADMITTED for cluster in CLUSTERS]


def served(who: str = WHO) -> Answer:
    headers = {"x-forwarded-client-cert": f"Hash=1;URI={who}"}
    return {"status": 200, "service": "vault", "arrived": {"headers": headers}}


def history(other: Mapping[tuple[str, str], Answer]) -> History:
    """What each client is answered at each time, but for some."""
    answers = {cell: served() if cell[1] in ADMITTED[cell[0]] else TIMEOUT for cell in CELLS}
    whole = History()
    for number, (cell, answer) in enumerate({**answers, **other}.items()):
        common = {"cluster": cell[1], "url": f"http://vault/?nonce=n{number}"}
        whole += exchanges(*[answer] * COUNT, stream=name(*cell), **common)
    return whole


def drops(cluster_of: Mapping[str, str] | None = None) -> dict[str, list[Drop]]:
    """By time, a drop of each client that is not admitted."""
    return {
        when: [
            drop(
                source_labels=labels_of("client", (cluster_of or {}).get(cluster, cluster)),
                destination_labels=labels_of("vault"),
                source_cluster=cluster,
            )
            for cluster in CLUSTERS
            if cluster not in some
        ]
        for when, some in ADMITTED.items()
    }


def outcome(
    other: Mapping[tuple[str, str], Answer], made: Mapping[str, list[Drop]] | None = None
) -> Outcome:
    whole = history(other)
    arrived = {nonce for e in whole if e.service for nonce in nonces(e.url)}
    return told_apart(WHO, arrived, drops() if made is None else made, CLUSTERS)(whole).outcome


def test_each_is_served_where_its_cluster_is_named_and_dropped_where_the_other_is() -> None:
    assert outcome({}) is PASS


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: name(*cell))
def test_one_that_is_served_or_not_as_it_must_not_be_is_a_failure(cell: tuple[str, str]) -> None:
    other = UNAVAILABLE if cell[1] in ADMITTED[cell[0]] else served()
    assert outcome({cell: other}) is FAIL


def test_two_principals_are_no_namesakes() -> None:
    assert outcome({(WITHOUT, AZURE): served("spiffe://cluster.local/ns/own/sa/other")}) is FAIL


def test_silence_without_a_drop_proves_nothing() -> None:
    assert outcome({}, {**drops(), OWN: []}) is INCONCLUSIVE


def test_a_drop_that_names_the_wrong_cluster_proves_nothing() -> None:
    assert outcome({}, drops({AZURE: AWS})) is INCONCLUSIVE
