"""Pairs of clusters: who is asked of whom where there are more than the reference's two."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.topology import Cluster, Topology
from fixtures.lab.hubble import CLUSTER_LABEL, NAMESPACE_LABEL
from fixtures.plugin.scheduling import pair_of, scope_of
from suites.cross_cluster_policy import BEHAVIOUR, who
from suites.cross_cluster_policy.meaning import client_labels
from suites.cross_cluster_policy.who import AWS, AZURE, ROLES
from tests import sessions
from tests.sessions import PACKAGE, Run

GCP, OWN = "gcp-cluster", "on-premises"
TOGETHER = PACKAGE.replace("probes=", f"across=True, roles={ROLES!r}, probes=")
PAIRED = """
@requirement("P1", source="Kind/name")
def test_p1(judge, peer):
    '''It holds of each pair.'''
    judge(ONE, lambda history: passed(peer))


@requirement("P2", source="Kind/name")
def test_p2(judge):
    '''It is of all clusters.'''
    judge(ONE, lambda history: passed("held"))
"""

run = sessions.run
"""The session of pytest of its own."""


def cluster(name: str, *lacking: str) -> Cluster:
    features = BEHAVIOUR.needs.difference(lacking)
    return Cluster(name=name, kubeconfig=Path("k"), context="c", features=features)


def test_the_two_of_the_reference_are_one_pair_and_each_further_cluster_makes_another() -> None:
    both = [cluster(AWS), cluster(AZURE)]
    assert BEHAVIOUR.peers(both) == [AZURE]
    assert BEHAVIOUR.peers([cluster(GCP), *both, cluster(OWN)]) == [AZURE, GCP, OWN]
    assert BEHAVIOUR.peers([*both, cluster(GCP, "clustermesh")]) == [AZURE]
    assert BEHAVIOUR.peers([]) == [AZURE], "so that a test is told without any clusters"


def test_all_pairs_of_a_suite_share_its_scope() -> None:
    """They change the same namespaces."""
    test = "suites/cross_cluster_policy/test_cross_cluster_policy.py::test_a"
    joint = scope_of(test)
    assert scope_of(f"{test}[{pair_of(GCP, AWS)}]") == joint
    assert scope_of(f"{test}[mutant=a-{pair_of(GCP, AWS)}]") == scope_of(f"{test}[mutant=a]")
    assert scope_of(f"{test}[{AWS}]") != joint


def _clusters(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    former = sessions.topology

    def other(folder: Path) -> Topology:
        known = former(folder)
        first = known.clusters[0]
        every = tuple(first.model_copy(update={"name": name}) for name in names)
        return known.model_copy(update={"clusters": every})

    monkeypatch.setattr(sessions, "topology", other)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (ROLES, ["P1", "P2"]),
        ((*ROLES, GCP), ["P1", f"P1[{GCP}->{AWS}]", "P2"]),
        ((*ROLES, GCP, OWN), ["P1", f"P1[{GCP}->{AWS}]", f"P1[{OWN}->{AWS}]", "P2"]),
    ],
)
def test_a_further_pair_is_told_by_its_clusters_and_the_references_own_as_ever(
    run: Run, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], keys: list[str]
) -> None:
    _clusters(monkeypatch, *names)
    run(PAIRED, package=TOGETHER).assert_outcomes(passed=len(keys))
    assert sorted(r.key for r in run.results.requirements) == sorted(keys)
    said = {r.key: r.reason for r in run.results.requirements}
    assert said["P1"] == AZURE
    assert all(GCP in said[key] for key in keys if GCP in key)


MORE = st.lists(st.sampled_from([GCP, OWN]), unique=True)


@given(MORE)
def test_a_further_cluster_adds_its_own_clients_and_changes_nobody(further: list[str]) -> None:
    everybody = who.everybody(further)
    assert len(set(everybody)) == len(everybody)
    assert everybody[: len(who.everybody())] == who.everybody()
    added = everybody[len(who.everybody()) :]
    assert {each.partition("/")[0] for each in added} == set(further)
    assert len(added) == 4 * len(further)


def test_whom_the_policy_admits_is_no_stranger_but_in_its_own_cluster() -> None:
    assert who.strangers(AZURE) == (f"{AZURE}/other",)
    assert who.strangers(GCP) == (f"{GCP}/backend", f"{GCP}/other")


def test_clients_are_known_by_the_labels_that_their_templates_give_them() -> None:
    """Of each client the three by which a policy tells it from others, or the reserved one."""
    for name, stated in client_labels().items():
        if name in who.everybody():
            known = who.labels_of(name)
            assert known <= {
                *(f"k8s:{key}={value}" for key, value in stated.items()),
                *(f"reserved:{value}" for value in stated.values()),
            }
            assert len(known) == (1 if who.reserved(name) else 3)


@pytest.mark.parametrize("at", [GCP, OWN])
def test_a_further_clusters_clients_differ_from_azures_by_their_cluster_alone(at: str) -> None:
    for here, there in zip(
        (*who.pods([AZURE]), who.namesake(AZURE)), (*who.pods([at]), who.namesake(at)), strict=True
    ):
        own, other = who.labels_of(here), who.labels_of(there)
        assert own - other == {f"k8s:{CLUSTER_LABEL}={AZURE}"}
        assert other - own == {f"k8s:{CLUSTER_LABEL}={at}"}
        assert any(NAMESPACE_LABEL in label for label in other)
    assert who.labels_of(who.node(at)) == who.labels_of(who.node(AZURE))
