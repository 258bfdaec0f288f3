"""Cross-cluster policy: the reference's CiliumNetworkPolicy admits one workload of one cluster."""

from __future__ import annotations

import pytest

from fixtures import manifests, mesh
from fixtures.checks import (
    Check,
    all_answered_by,
    denied_l4,
    every,
    known,
    lasted,
    not_dropped,
    on,
    twin,
)
from fixtures.hubble import CLUSTER_LABEL
from fixtures.judge import Judge
from fixtures.lab import Lab
from fixtures.requirements import requirement
from suites.cross_cluster_policy.conftest import (
    AWS,
    AZURE,
    CALLERS,
    COUNT,
    SECONDS,
    Guarded,
    Window,
)

POLICY = "CiliumNetworkPolicy/cross-cluster-policy"
MESH = "CiliumClustermeshConfig/multi-cloud-mesh"
OTHER = f"{AZURE}/other"
FRONTEND = frozenset({"k8s:app=frontend"})
REQUESTS = 100  # under load, of the denied: forty users and a timeout of two seconds each
BACKEND = f"{AZURE}/backend"

pytestmark = pytest.mark.feature("clustermesh")


def served(window: Window, who: str, whom: str = "frontend", label: str = "") -> Check:
    """A workload's requests were served, and Cilium dropped none of them."""
    whole = not_dropped(window.drops, labels_of(who), {f"k8s:app={whom}"})
    return on(f"{who}->{whom}{label}", every(all_answered_by(whom, COUNT), whole))


def allowed(window: Window, label: str = "") -> Check:
    """backend of azure-cluster was served."""
    return served(window, BACKEND, label=label)


def denied(window: Window, who: str, label: str = "", minimum: int = COUNT) -> Check:
    """A workload's requests to frontend were dropped by the policy, and Hubble says whose."""
    dropped = denied_l4(window.drops, labels_of(who), FRONTEND, minimum)
    return on(f"{who}->frontend{label}", dropped)


def labels_of(who: str) -> frozenset[str]:
    """The labels by which Cilium knows a caller."""
    cluster, _, app = who.partition("/")
    return frozenset({f"k8s:app={app}", f"k8s:{CLUSTER_LABEL}={cluster}"})


def guarded_as_told(window: Window, minimum: int = COUNT) -> Check:
    """What the policy says, of all callers in one window: one is served, the others are dropped."""
    strangers = (who for who in CALLERS if who != BACKEND)
    every_denied = every(*(denied(window, who, minimum=minimum) for who in strangers))
    return twin(denied=every_denied, allowed=allowed(window))


@requirement("XP4", source=POLICY)
def test_without_the_policy_all_get_through(judge: Judge, exposed: Window) -> None:
    """Without the policy every workload reaches frontend, and after its removal again."""
    asked = [(who, when) for who in CALLERS for when in (" before", " after")]
    judge(exposed.history, every(*(served(exposed, who, label=when) for who, when in asked)))


@requirement("XP1", source=POLICY)
def test_azure_backend_reaches_frontend(judge: Judge, window: Window) -> None:
    """backend of azure-cluster reaches frontend of aws-cluster."""
    judge(window.history, allowed(window))


@requirement("XP2", source=POLICY)
def test_aws_backend_is_denied(judge: Judge, window: Window) -> None:
    """backend of aws-cluster does not reach frontend, and the drop names policy and cluster."""
    judge(window.history, twin(denied=denied(window, f"{AWS}/backend"), allowed=allowed(window)))


@requirement("XP3", source=POLICY)
def test_other_workloads_of_azure_are_denied(judge: Judge, window: Window) -> None:
    """Other workloads of azure-cluster do not reach frontend."""
    judge(window.history, twin(denied=denied(window, OTHER), allowed=allowed(window)))


@requirement("XP5", source=POLICY)
def test_only_frontend_is_touched(judge: Judge, window: Window) -> None:
    """Only app=frontend is touched: every workload still reaches a bystander beside it."""
    judge(window.history, every(*(served(window, who, "bystander") for who in CALLERS)))


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
    lost = guarded.look(lambda: guarded.ask("frontend", label=" lost", who=[OTHER, BACKEND]))
    admitted = on(f"{OTHER}->frontend gained", all_answered_by("frontend", COUNT))
    refused = twin(denied=denied(lost, OTHER, " lost"), allowed=allowed(lost, " lost"))
    judge(gained + lost.history, every(known(gains), admitted, known(loses), refused))


@pytest.mark.long
@requirement("XP7", source=POLICY)
def test_no_leak_under_load(judge: Judge, guarded: Guarded, lab: Lab) -> None:
    """Under load backend of azure-cluster is served, and nothing of any other gets through."""
    guarded.protect()
    with lab.quiet():
        window = guarded.look(lambda: guarded.load(REQUESTS))
    lasting = every(*(on(f"{who}->frontend", lasted(SECONDS)) for who in CALLERS))
    judge(window.history, every(lasting, guarded_as_told(window, REQUESTS)))


@pytest.mark.long
@requirement("XP8", source=POLICY)
def test_nothing_opens_without_the_mesh(judge: Judge, guarded: Guarded) -> None:
    """With the ClusterMesh control plane down nothing opens, and established access stays."""
    guarded.protect()
    with guarded.without_mesh():
        window = guarded.look(lambda: guarded.ask("frontend"))
    judge(window.history, guarded_as_told(window))


@requirement("XP9", source=MESH)
def test_the_mesh_is_the_one_named(judge: Judge, lab: Lab) -> None:
    """The mesh is the one that the reference names: its clusters, their addresses, both ways."""
    reference = manifests.load().documents["ciliumclustermeshconfig"]
    remotes = (remote for name in (AWS, AZURE) for remote in mesh.remotes(lab.kube(name)))
    judge.conclude(mesh.as_named(reference, remotes))
