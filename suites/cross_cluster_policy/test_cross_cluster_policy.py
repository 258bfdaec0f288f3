"""Cross-cluster policy: the reference's CiliumNetworkPolicy admits one workload of one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import pytest

from fixtures.checks import (
    Check,
    all_answered_by,
    denied_l4,
    every,
    known,
    lasted,
    not_dropped,
    on,
    with_positive_control,
)
from fixtures.lab import Lab, clustermesh_status
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.cross_cluster_policy.ports import HTTP, Port
from suites.cross_cluster_policy.subject import (
    BACKEND,
    COUNT,
    COUNTS,
    SECONDS,
    Guarded,
    Observation,
    name,
)
from suites.cross_cluster_policy.who import (
    AWS,
    AZURE,
    SECOND,
    SENDER,
    WORLD,
    labels_of,
    namesake,
    node,
    strangers,
)

POLICY = "CiliumNetworkPolicy/cross-cluster-policy"
CLUSTERMESH = "CiliumClustermeshConfig/multi-cloud-mesh"
OTHER = f"{AZURE}/other"
FRONTEND = frozenset({"k8s:app=frontend"})
ALL, FEW = COUNTS["frontend"], {HTTP: COUNT}
REQUESTS = 100  # under load, of the denied: forty users and a timeout of two seconds each


def served(
    observed: Observation,
    who: str,
    whom: str = "frontend",
    label: str = "",
    least: Mapping[Port, int] | None = None,
) -> Check:
    """A client's requests were served, and Cilium dropped none of them.

    `least` has by port how many requests there are at least.
    """
    counts = least or COUNTS[whom]
    whole = not_dropped(observed.drops, labels_of(who), {f"k8s:app={whom}"})
    answered = {port: every(all_answered_by(whom, count), whole) for port, count in counts.items()}
    return every(*(on(name(who, whom, port, label), check) for port, check in answered.items()))


def allowed(observed: Observation, label: str = "", least: Mapping[Port, int] = ALL) -> Check:
    """backend of azure-cluster was served."""
    return served(observed, BACKEND, label=label, least=least)


def denied(
    observed: Observation, who: str, label: str = "", least: Mapping[Port, int] = ALL
) -> Check:
    """A client's requests to frontend were dropped by the policy, and Hubble says whose."""
    dropped = {
        port: denied_l4(observed.drops, labels_of(who), FRONTEND, count, port.at_pod)
        for port, count in least.items()
    }
    return every(*(on(name(who, "frontend", port, label), each) for port, each in dropped.items()))


def kept_out(observed: Observation, who: str) -> Check:
    """A client is denied frontend, and backend of azure-cluster is served beside it."""
    return with_positive_control(denied=denied(observed, who), allowed=allowed(observed))


def guarded_as_the_policy_says(
    guarded: Guarded, observed: Observation, minimum: int = COUNT
) -> Check:
    """What the policy says, of two clients of each cluster at once: one is served, the others are
    dropped."""
    others = (who for who in guarded.pods if who != BACKEND)
    every_denied = every(*(denied(observed, who, least={HTTP: minimum}) for who in others))
    return with_positive_control(denied=every_denied, allowed=allowed(observed, least=FEW))


@requirement("XP1", source=POLICY)
def test_azure_backend_reaches_frontend(judge: Judge, observed: Observation) -> None:
    """backend of azure-cluster reaches frontend of aws-cluster, at each of its ports."""
    judge(observed.history, every(allowed(observed), served(observed, SECOND)))


@requirement("XP2", source=POLICY)
def test_workloads_of_aws_are_denied(judge: Judge, observed: Observation) -> None:
    """No workload of aws-cluster reaches frontend, and the drop names policy and cluster."""
    own = (kept_out(observed, f"{AWS}/{app}") for app in ("backend", "other"))
    judge(observed.history, every(*own))


@requirement("XP3", source=POLICY)
def test_other_workloads_of_azure_are_denied(
    judge: Judge, observed: Observation, peer: str
) -> None:
    """Other workloads of azure-cluster do not reach frontend, and none of a further cluster."""
    judge(observed.history, every(*(kept_out(observed, who) for who in strangers(peer))))


@requirement("XP10", source=POLICY)
def test_a_namesake_of_another_namespace_is_denied(
    judge: Judge, observed: Observation, peer: str
) -> None:
    """A workload labelled as backend in another namespace of another cluster is denied."""
    judge(observed.history, kept_out(observed, namesake(peer)))


@requirement("XP5", source=POLICY)
def test_only_frontend_is_touched(judge: Judge, guarded: Guarded, observed: Observation) -> None:
    """Only app=frontend is touched: everybody still reaches a bystander beside it."""
    everybody = (served(observed, who, "bystander") for who in guarded.everybody)
    judge(observed.history, every(*everybody))


@requirement("XP11", source=POLICY)
def test_a_node_of_azure_is_denied(judge: Judge, observed: Observation, peer: str) -> None:
    """A node of another cluster does not reach frontend: it is no backend."""
    judge(observed.history, kept_out(observed, node(peer)))


@requirement("XP13", source=POLICY)
def test_the_world_is_denied(judge: Judge, guarded: Guarded, observed: Observation) -> None:
    """Whoever is in none of the clusters, the world, does not reach frontend by its node's port."""
    if not guarded.world:
        pytest.skip(f"the node of {AZURE} has no address that the clusters do not know")
    judge(observed.history, kept_out(observed, WORLD))


@requirement("XP12", source=POLICY)
def test_what_frontend_sends_is_free(judge: Judge, observed: Observation) -> None:
    """The policy is of what reaches app=frontend: what such a pod sends is free."""
    # Where it is shut in, what is dropped first is what it asks the resolver.
    whole = on(name(SENDER, "bystander"), not_dropped(observed.drops, labels_of(SENDER)))
    judge(observed.history, every(served(observed, SENDER, "bystander"), whole))


@requirement("XP4", source=POLICY)
def test_without_the_policy_all_get_through(
    judge: Judge, guarded: Guarded, exposed: Observation
) -> None:
    """Without the policy everybody reaches frontend at its ports, and after its removal again."""
    streams = [(who, when) for who in guarded.everybody for when in (" before", " after")]
    judge(exposed.history, every(*(served(exposed, who, label=when) for who, when in streams)))


@pytest.mark.long
@requirement("XP6", source=POLICY)
def test_access_follows_the_label(judge: Judge, guarded: Guarded) -> None:
    """A pod of azure-cluster that gains the label gains access within T, and loses it with it."""
    guarded.protect()
    try:
        gains = guarded.label(OTHER, "backend")
        gained = guarded.ask("frontend", label=" gained", who=[OTHER])
    finally:
        loses = guarded.label(OTHER, "other")
    lost = guarded.observe(lambda: guarded.ask("frontend", label=" lost", who=[OTHER, BACKEND]))
    admitted = on(name(OTHER, "frontend", label=" gained"), all_answered_by("frontend", COUNT))
    refused = with_positive_control(
        denied=denied(lost, OTHER, " lost", FEW), allowed=allowed(lost, " lost", FEW)
    )
    judge(gained + lost.history, every(known(gains), admitted, known(loses), refused))


@pytest.mark.long
@requirement("XP7", source=POLICY)
def test_no_leak_under_load(judge: Judge, guarded: Guarded, lab: Lab) -> None:
    """Under load backend of azure-cluster is served, and nothing of any other gets through."""
    guarded.protect()
    with lab.quiet():
        observed = guarded.observe(lambda: guarded.load(REQUESTS))
    lasting = every(*(on(name(who, "frontend"), lasted(SECONDS)) for who in guarded.pods))
    judge(observed.history, every(lasting, guarded_as_the_policy_says(guarded, observed, REQUESTS)))


@pytest.mark.long
@requirement("XP8", source=POLICY)
def test_nothing_opens_without_clustermesh(judge: Judge, guarded: Guarded) -> None:
    """With the ClusterMesh control plane down nothing opens, and established access stays."""
    guarded.protect()
    with guarded.without_clustermesh():
        observed = guarded.observe(lambda: guarded.ask("frontend"))
    judge(observed.history, guarded_as_the_policy_says(guarded, observed))


@requirement("XP9", source=CLUSTERMESH)
def test_clustermesh_is_the_one_named(judge: Judge, lab: Lab) -> None:
    """ClusterMesh is the one that the reference names: its clusters, their addresses, both ways."""
    reference = lab.manifests.given("ciliumclustermeshconfig").document
    kubes = [lab.kube(each.name) for each in lab.topology.with_feature("clustermesh")]
    remotes = clustermesh_status.settled(
        lambda: chain.from_iterable(map(clustermesh_status.remotes, kubes)),
        lab.deadline("clustermesh"),
    )
    judge.conclude(clustermesh_status.as_named(reference, remotes))
