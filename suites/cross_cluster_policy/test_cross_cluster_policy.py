"""Cross-cluster policy: the reference's CiliumNetworkPolicy admits one workload of one cluster."""

from __future__ import annotations

import pytest

from fixtures import manifests, mesh
from fixtures.checks import Check, all_answered_by, denied_l4, every, on, twin
from fixtures.history import History
from fixtures.hubble import CLUSTER_LABEL
from fixtures.judge import Judge
from fixtures.lab import Lab
from fixtures.requirements import requirement
from suites.cross_cluster_policy.conftest import AWS, AZURE, COUNT, Window

POLICY = "CiliumNetworkPolicy/cross-cluster-policy"
MESH = "CiliumClustermeshConfig/multi-cloud-mesh"
CALLERS = (
    "aws-cluster/backend",
    "aws-cluster/other",
    "azure-cluster/backend",
    "azure-cluster/other",
)
ALLOWED = on("azure-cluster/backend->frontend", all_answered_by("frontend", COUNT))

pytestmark = pytest.mark.feature("clustermesh")


def denied(window: Window, cluster: str, app: str) -> Check:
    """A workload's requests to frontend were dropped by the policy, and Hubble says whose."""
    source = {f"k8s:app={app}", f"k8s:{CLUSTER_LABEL}={cluster}"}
    dropped = denied_l4(window.drops, source, {"k8s:app=frontend"}, COUNT)
    return on(f"{cluster}/{app}->frontend", dropped)


@requirement("XP4", source=POLICY)
def test_without_the_policy_all_get_through(judge: Judge, exposed: History) -> None:
    """Without the policy every workload reaches frontend, and after its removal again."""
    streams = (f"{who}->frontend {when}" for who in CALLERS for when in ("before", "after"))
    judge(exposed, every(*(on(stream, all_answered_by("frontend", COUNT)) for stream in streams)))


@requirement("XP1", source=POLICY)
def test_azure_backend_reaches_frontend(judge: Judge, window: Window) -> None:
    """backend of azure-cluster reaches frontend of aws-cluster."""
    judge(window.history, ALLOWED)


@requirement("XP2", source=POLICY)
def test_aws_backend_is_denied(judge: Judge, window: Window) -> None:
    """backend of aws-cluster does not reach frontend, and the drop names policy and cluster."""
    judge(window.history, twin(denied=denied(window, AWS, "backend"), allowed=ALLOWED))


@requirement("XP3", source=POLICY)
def test_other_workloads_of_azure_are_denied(judge: Judge, window: Window) -> None:
    """Other workloads of azure-cluster do not reach frontend."""
    judge(window.history, twin(denied=denied(window, AZURE, "other"), allowed=ALLOWED))


@requirement("XP5", source=POLICY)
def test_only_frontend_is_touched(judge: Judge, window: Window) -> None:
    """Only app=frontend is touched: every workload still reaches a bystander beside it."""
    streams = (f"{who}->bystander" for who in CALLERS)
    judge(window.history, every(*(on(s, all_answered_by("bystander", COUNT)) for s in streams)))


@requirement("XP9", source=MESH)
def test_the_mesh_is_the_one_named(judge: Judge, lab: Lab) -> None:
    """The mesh is the one that the reference names: its clusters, their addresses, both ways."""
    reference = manifests.load().documents["ciliumclustermeshconfig"]
    remotes = (remote for name in (AWS, AZURE) for remote in mesh.remotes(lab.kube(name)))
    judge.conclude(mesh.as_named(reference, remotes))
