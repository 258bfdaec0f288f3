"""Multi-cloud, network policies: whom of another cluster a policy means, and whom it does not."""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.checks import (
    Check,
    all_answered_by,
    denied_l4,
    every,
    known,
    never_reached,
    not_dropped,
    on,
    with_positive_control,
)
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.drops import dropped_by_deny, not_told
from suites.multi_cloud.policies import (
    AWS,
    AZURE,
    BARRED,
    COUNT,
    HERE,
    INNER,
    NAMED,
    NODE,
    OUTER,
    OWN,
    RANGED,
    SENDER,
    SENDS,
    SHARED,
    TENANT,
    TENANTS,
    THERE,
    WORLD,
    Guarded,
    Observation,
    away_name,
    labels_of,
    name,
    there,
)
from suites.multi_cloud.subject import FAR, LEAVING, OUTSIDER, PLAIN

POLICIES = "Best Practices/Multi-Cloud/Network policies"
SOURCES = {
    HERE: labels_of(OUTSIDER, AWS),
    TENANT: labels_of(OUTSIDER, AZURE, TENANTS),
    SENDS: labels_of(SENDER, AWS),
    NODE: frozenset({"reserved:remote-node"}),
    WORLD: frozenset({"reserved:world"}),
}
"""By client: the labels that Cilium knows it by, but for other clusters' clients."""


def source_of(who: str) -> frozenset[str]:
    """The labels that Cilium knows a client by."""
    return SOURCES.get(who) or labels_of(OUTSIDER, who.partition("/")[0])


def served(observed: Observation, who: str, whom: str, service: str = "") -> Check:
    """A client's requests were served by a workload, and none was dropped."""
    whole = not_dropped(observed.drops[AWS], source_of(who))
    return on(name(who, whom), every(all_answered_by(service or whom, COUNT), whole))


def dropped(observed: Observation, who: str, whom: str, target: frozenset[str]) -> Check:
    """A client's requests were dropped by aws-cluster's agent, for a policy's sake."""
    drops = denied_l4(observed.drops[AWS], source_of(who), target, COUNT)
    return on(name(who, whom), drops)


def kept_out(
    observed: Observation, denied: Iterable[tuple[str, str]], allowed: Iterable[tuple[str, str]]
) -> Check:
    """Some clients are denied workloads of aws-cluster, of which none logs anything, and others are
    served."""
    refused, admitted = list(denied), list(allowed)
    unseen = never_reached(
        observed.arrived, [name(*each) for each in refused], [name(*each) for each in admitted]
    )
    silent = (dropped(observed, who, whom, labels_of(whom)) for who, whom in refused)
    return with_positive_control(
        denied=every(*silent, unseen),
        allowed=every(*(served(observed, who, whom) for who, whom in admitted)),
    )


@requirement("NP1", source=POLICIES)
def test_a_selector_is_of_its_own_cluster(judge: Judge, policed: Observation, peer: str) -> None:
    """A selector that names no cluster means workloads of the policy's own cluster alone."""
    named = [(HERE, SHARED), (THERE, SHARED)]
    unnamed = [] if peer == AZURE else [(there(peer), SHARED)]
    denied = [(there(peer), OWN), *unnamed]
    judge(policed.history, kept_out(policed, denied, [(HERE, OWN), *named]))


@requirement("NP2", source=POLICIES)
def test_entities_are_of_no_other_clusters_pods(
    judge: Judge, guarded: Guarded, policed: Observation, peer: str
) -> None:
    """The entity cluster means the own cluster's pods, and world and remote-node mean no pod."""
    denied = [(there(peer), INNER), (HERE, OUTER), (there(peer), OUTER)]
    world = [(WORLD, OUTER)] if guarded.world else []
    judge(policed.history, kept_out(policed, denied, [(HERE, INNER), (NODE, OUTER), *world]))


@requirement("NP3", source=POLICIES)
def test_egress_opens_one_workload_of_another_cluster(
    judge: Judge, policed: Observation, peer: str
) -> None:
    """Egress to one workload of the other cluster opens no other, and drops are at the source."""
    away = away_name(LEAVING, peer)
    alike = [] if peer == AZURE else [away_name(PLAIN, peer)]
    shut = every(
        dropped(policed, SENDS, away, labels_of(LEAVING, peer)),
        *(dropped(policed, SENDS, each, labels_of(PLAIN, peer)) for each in alike),
        dropped(policed, SENDS, PLAIN, labels_of(PLAIN)),
        known(not_told(policed.drops[peer], SOURCES[SENDS])),
    )
    controls = every(
        served(policed, SENDS, FAR, f"{PLAIN}-{AZURE}"),
        served(policed, HERE, away, f"{LEAVING}-{peer}"),
    )
    judge(policed.history, with_positive_control(denied=shut, allowed=controls))


@requirement("NP4", source=POLICIES)
def test_a_namespace_of_another_cluster_is_named(
    judge: Judge, policed: Observation, peer: str
) -> None:
    """A namespace of the other cluster is meant by its name: the same labels in another namespace
    are denied."""
    denied = [(there(peer), NAMED), (HERE, NAMED)]
    judge(policed.history, kept_out(policed, denied, [(TENANT, NAMED)]))


@requirement("NP5", source=POLICIES)
def test_a_deny_outweighs_what_allows(judge: Judge, policed: Observation) -> None:
    """A deny of the other cluster's workload outweighs what allows it, made before or after it."""
    outright = known(dropped_by_deny(policed.drops[AWS], source_of(THERE), labels_of(BARRED)))
    shut_out = kept_out(policed, [(THERE, BARRED)], [(HERE, BARRED), (THERE, SHARED)])
    judge(policed.history, every(shut_out, outright))


@requirement("NP6", source=POLICIES)
def test_an_address_block_is_of_no_pod(
    judge: Judge, guarded: Guarded, policed: Observation, peer: str
) -> None:
    """An address block that holds the other cluster's pods admits none: identity comes first."""
    world = [(WORLD, RANGED)] if guarded.world else []
    judge(policed.history, kept_out(policed, [(there(peer), RANGED)], [(HERE, RANGED), *world]))
